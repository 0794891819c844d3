import pytest

from tests.ingest.test_worker import BOAT, INSIDE, OUTSIDE, T0, fix, when
from tests.nmea import sentences

FAR = (108.8, 17.2)  # 150 km from INSIDE
MARKS = "SELECT * FROM anomaly ORDER BY kind"
STEPS = (
    "SELECT track, anomaly, extract(epoch FROM observed_at)::float - 1764000000 AS at FROM vessel_history ORDER BY 3"
)


def kinds(bench) -> dict[str, int]:
    counted = bench.ask("SELECT kind, sum(count)::int AS count FROM anomaly GROUP BY kind")
    return {row["kind"]: row["count"] for row in counted}


@pytest.mark.parametrize("portion", [1, 3, 8])
def test_fact_18_a_number_that_two_boats_send_is_two_tracks_and_one_anomaly(bench, work, portion: int) -> None:
    heard = [fix(INSIDE if n % 2 == 0 else FAR, 60 * n) for n in range(8)]
    for start in range(0, 8, portion):
        work(bench.batch(T0 + 60 * (start + portion - 1), *heard[start : start + portion]))
    assert [row["track"] for row in bench.ask(STEPS)] == [0, 1, 0, 1, 0, 1, 0, 1]
    marks = {row["kind"]: row for row in bench.ask(MARKS)}
    assert {kind: row["count"] for kind, row in marks.items()} == {"duplicate_mmsi": 5, "jump": 1}
    assert (marks["duplicate_mmsi"]["first_at"], marks["duplicate_mmsi"]["last_at"]) == (when(180), when(420))
    assert bench.one("SELECT anomaly & 32 FROM vessel") == 32
    assert bench.one("SELECT count(*) FROM alarm") == 0


def test_one_fix_astray_is_marked_and_the_next_goes_on_from_before(bench, work) -> None:
    for n, place in enumerate((INSIDE, INSIDE, FAR, INSIDE, INSIDE)):
        work(bench.batch(T0 + 60 * n, fix(place, 60 * n)))
    assert [(row["track"], row["anomaly"]) for row in bench.ask(STEPS)] == [(0, 0), (0, 0), (1, 16), (0, 0), (0, 0)]
    assert kinds(bench) == {"jump": 1}


def test_a_mark_stands_for_an_hour_and_then_only_in_the_record(bench, work) -> None:
    for at, place in ((0, INSIDE), (60, FAR), (120, INSIDE), (3_600, INSIDE), (3_700, INSIDE)):
        work(bench.batch(T0 + at, fix(place, at)))
        if at == 3_600:
            assert bench.one("SELECT anomaly FROM vessel") == 16
    assert bench.one("SELECT anomaly FROM vessel") == 0
    assert kinds(bench) == {"jump": 1}


def test_speeds_that_no_boat_and_those_that_no_fishing_boat_can_do(bench, work) -> None:
    there = (INSIDE[0], INSIDE[1] + 0.01)  # 1,112 m: 36 kn over a minute
    fisher = 574_000_002
    work(bench.batch(T0, *sentences(5, fisher, shipname="TTH-90002-TS", ship_type=30), fix(INSIDE, 0, fisher)))
    work(bench.batch(T0 + 60, fix(there, 60, fisher), fix(INSIDE, 0), fix(there, 60), fix(INSIDE, 80)))
    assert kinds(bench) == {"impossible_speed": 2}
    found = bench.ask("SELECT DISTINCT object_key FROM anomaly ORDER BY 1")
    assert [row["object_key"] for row in found] == [str(BOAT), str(fisher)]  # 36 kn; and 1,112 m in 20 s: 108 kn


def test_an_aircraft_may_fly(bench, work) -> None:
    aircraft = 111_574_001
    work(bench.batch(T0 + 600, fix(INSIDE, 0, aircraft), fix(FAR, 600, aircraft)))
    assert kinds(bench) == {}


def test_late_fixes_are_compared_with_nothing(bench, work) -> None:
    work(bench.batch(T0 + 100, fix(INSIDE, 100)))
    work(bench.batch(T0 + 110, fix(FAR, 50), fix(INSIDE, 110)))
    assert kinds(bench) == {}


def test_a_placeholder_is_no_place_to_come_from(bench, work) -> None:
    for n, place in enumerate((INSIDE, (0.0, 0.0), INSIDE, INSIDE)):
        work(bench.batch(T0 + 60 * n, fix(place, 60 * n)))
    assert [(row["track"], row["anomaly"]) for row in bench.ask(STEPS)] == [(0, 0), (-1, 2), (0, 0), (0, 0)]
    assert kinds(bench) == {"zero_position": 1}


def test_what_a_fix_shows_by_itself(bench, work) -> None:
    inland, nobody = (108.05, 12.68), 999_000_123
    work(bench.batch(T0, fix(inland, 0), fix(OUTSIDE, 0, nobody), fix(OUTSIDE, 400, 574_000_003)))
    assert {row["object_key"]: row["kind"] for row in bench.ask("SELECT object_key, kind FROM anomaly")} == {
        str(BOAT): "on_land",
        str(nobody): "invalid_mid",
        "574000003": "future",
    }
    assert bench.one("SELECT evidence->>'ahead_s' FROM anomaly WHERE kind = 'future'") == "400.0"


def test_a_batch_that_comes_again_counts_no_anomaly_twice(bench, work) -> None:
    batch = bench.batch(T0, fix((108.05, 12.68), 0))
    work(batch, batch)
    assert kinds(bench) == {"on_land": 1}


def test_a_flood_of_nonsense_is_one_statement(bench, work) -> None:
    """More findings than PostgreSQL takes parameters for, seven each."""
    nobodys = [fix((108.05, 12.68), 0, 200_000_000 + n) for n in range(10_000)]
    assert work(bench.batch(T0, *nobodys)) == 1
    assert kinds(bench) == {"invalid_mid": 10_000, "on_land": 10_000}
    assert bench.one("SELECT count(*) FROM dead_letter") == 0
