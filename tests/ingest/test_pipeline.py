from geo.fence import Fence
from geo.rule import Rule
from tests.ingest.test_worker import AREA, BOAT, INSIDE, OUTSIDE, T0, fix, when


def test_promise_22_a_fix_told_ahead_of_its_time_keeps_both_times_and_makes_no_true_fix_late(bench, work) -> None:
    bench.seed([AREA], [Rule("breach", "inside", "vessel", "Vào", "In", "high", "area")])
    work(bench.batch(T0, fix(OUTSIDE, 600)))  # told ten minutes ahead
    (row,) = bench.ask("SELECT observed_at, received_at, anomaly FROM vessel_history")
    assert (row["observed_at"], row["received_at"]) == (when(600), when(0))
    assert row["anomaly"] == 64
    assert bench.one("SELECT observed_at FROM vessel") == when(0)
    work(bench.batch(T0 + 60, fix(INSIDE, 60)))
    assert bench.one("SELECT observed_at FROM vessel") == when(60)
    assert bench.one("SELECT raised_at FROM alarm") == when(60)


def test_two_minutes_ahead_is_still_taken_at_its_word(bench, work) -> None:
    work(bench.batch(T0, fix(INSIDE, 120)))
    assert bench.one("SELECT observed_at FROM vessel") == when(120)
    assert bench.one("SELECT anomaly FROM vessel_history") == 0


def test_a_portion_with_the_same_batch_twice_counts_it_once(bench, work) -> None:
    batch = bench.batch(T0, fix(INSIDE, 0), fix(INSIDE, 10, BOAT + 1))
    assert work(batch, batch, bench.batch(T0, fix(OUTSIDE, 20))) == 3
    assert bench.one("SELECT count(*) FROM vessel_history") == 3
    assert bench.one("SELECT received FROM feed") == 3
    assert {(row["seq"], row["rows"]) for row in bench.ask("SELECT seq, rows FROM ledger")} == {(1, 2), (2, 1)}


def test_a_flood_of_one_source_does_not_keep_another_waiting(bench, work) -> None:
    bench.seed([Fence("x", "area", "X", "X", AREA.geom)], [])
    lanes = (bench.lane(), bench.lane(name="ais.other"))
    flood = [fix(INSIDE, n, BOAT + n % 50) for n in range(20_000)]
    for start in range(0, 20_000, 2_000):
        bench.put(bench.batch(T0 + start, *flood[start : start + 2_000] * 16))  # more than one portion's bytes each
    bench.put(bench.batch(T0, fix(INSIDE, 5, 574_111_111), source="ais.other"))
    worker = bench.worker(*lanes)
    with worker.engine.connect() as connection:
        for _ in range(3):
            worker.turn(connection)
    assert bench.one("SELECT count(*) FROM vessel WHERE mmsi = 574111111") == 1
    assert bench.client.xpending("haidang:raw:ais.test", "work")["pending"] > 0
