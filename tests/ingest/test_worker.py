import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa
from shapely.geometry import box

from geo.fence import Fence
from geo.live import decode as read_live
from geo.rule import Rule
from ingest import judgement
from ingest.ais import AIS, decode
from ingest.blame import blames_record
from ingest.feed import Decoded, RawBatch
from ingest.stream import from_entry, to_entry
from layers.vessel import LAYER
from run.process import wait_for
from tests.connections import asked, connected, told
from tests.nmea import message, position, sentences

T0 = 1_764_000_000.0
MINUTE = 60.0
BOAT = 574_000_001
AREA = Fence("area", "area", "Khu vực", "Area", box(107.0, 16.0, 108.0, 17.0), hysteresis_m=500)
INSIDE, EDGE, OUTSIDE = (107.5, 16.5), (108.003, 16.5), (108.5, 16.5)


def when(seconds: float) -> datetime:
    return datetime.fromtimestamp(T0 + seconds, UTC)


def rule(**changes: object) -> Rule:
    given = {"key": "breach", "kind": "inside", "layer": "vessel", "name_vi": "Vi phạm", "name_en": "Breach",
             "severity": "high", "fence_key": "area"}  # fmt: skip
    return Rule(**{**given, **changes})  # type: ignore[arg-type]


def fix(place: tuple[float, float], at: float, mmsi: int = BOAT, **fields: object) -> bytes:
    return position(mmsi, *place, T0 + at, **fields)


JOURNAL = "SELECT transition, observed_at FROM alarm_journal ORDER BY id"


def test_a_batch_becomes_history_latest_and_an_exact_account(bench, work) -> None:
    lines = [
        fix(INSIDE, 0),
        fix(OUTSIDE, 10),
        fix(INSIDE, 5, 574_000_002),
        *sentences(8, BOAT, dac=1, fid=1, data=b"1"),
    ]
    broken = fix(INSIDE, 0)[:-2] + b"00"
    letters = [("too_long", b"x" * 1024)]
    assert work(bench.batch(T0, *lines, broken, peer="udp 1", rejected={"too_long": 1}, letters=letters)) == 1
    (row,) = bench.ask("SELECT * FROM ledger")
    assert (row["received"], row["accepted"], row["ignored"], row["messages"]) == (6, 4, 1, 4)
    assert (row["positions"], row["rows"], row["rejected"]) == (3, 3, {"checksum": 1, "too_long": 1})
    (feed,) = bench.ask("SELECT * FROM feed")
    assert all(feed[name] == row[name] for name in ("received", "accepted", "ignored", "messages", "rows", "rejected"))
    assert feed["last_message_at"] == when(0)
    history = bench.ask("SELECT mmsi, ST_X(geom) lon, observed_at, source FROM vessel_history ORDER BY observed_at")
    assert [(each["mmsi"], round(each["lon"], 3)) for each in history] == [
        (BOAT, 107.5),
        (574_000_002, 107.5),
        (BOAT, 108.5),
    ]
    assert bench.one("SELECT ST_X(geom) FROM vessel WHERE mmsi = :mmsi", mmsi=BOAT) == pytest.approx(108.5)
    assert {each["reason"] for each in bench.ask("SELECT reason FROM dead_letter")} == {"checksum", "too_long"}
    assert bench.client.xpending("haidang:raw:ais.test", "work")["pending"] == 0


def test_promise_01_a_batch_that_comes_again_has_no_second_effect(bench, work) -> None:
    bench.seed([AREA], [rule()])
    batch = bench.batch(T0, fix(OUTSIDE, 0), fix(INSIDE, 10))
    assert work(batch, batch) == 2  # an answer of Redis that got lost makes two entries of one batch
    assert work(batch) == 1
    for table, number in (("ledger", 1), ("vessel_history", 2), ("alarm", 1), ("alarm_journal", 1)):
        assert bench.one(f"SELECT count(*) FROM {table}") == number, table
    assert bench.one("SELECT received FROM feed") == 2


def test_an_entry_that_was_read_but_not_acknowledged_is_worked_by_the_next_worker(bench, work) -> None:
    bench.put(bench.batch(T0, fix(INSIDE, 0)))
    bench.client.xgroup_create("haidang:raw:ais.test", "work", id="0")
    bench.client.xreadgroup("work", "work", {"haidang:raw:ais.test": ">"})  # a worker that died right here
    assert work() == 1
    assert bench.one("SELECT count(*) FROM vessel_history") == 1
    assert bench.client.xpending("haidang:raw:ais.test", "work")["pending"] == 0


def test_a_late_fix_is_history_and_not_the_latest_state(bench, work) -> None:
    work(bench.batch(T0, fix(OUTSIDE, 100)))
    work(bench.batch(T0, fix(INSIDE, 50)))
    assert bench.one("SELECT count(*) FROM vessel_history") == 2
    assert bench.one("SELECT observed_at FROM vessel") == when(100)


def test_static_data_join_positions_in_any_order_and_stay(bench, work) -> None:
    name = sentences(5, BOAT, shipname="TTH-91234-TS", callsign="XVAB", ship_type=30, to_bow=10, to_stern=6)
    work(bench.batch(T0, *name))
    assert bench.one("SELECT observed_at IS NULL AND geom IS NULL FROM vessel")
    assert bench.one("SELECT count(*) FROM vessel_history") == 0
    work(bench.batch(T0, fix(INSIDE, 0)))
    work(bench.batch(T0, *sentences(24, BOAT, partno=1, callsign="XVAC", ship_type=0)))
    (row,) = bench.ask("SELECT *, ST_X(geom) lon FROM vessel")
    assert (row["shipname"], row["callsign"], row["ship_type"], row["length_m"]) == ("TTH-91234-TS", "XVAC", 30, 16.0)
    assert (row["lon"], row["observed_at"]) == (pytest.approx(107.5), when(0))
    assert row["described_at"] is not None


def test_what_is_not_available_does_not_replace_a_whole_fix_by_halves(bench, work) -> None:
    work(bench.batch(T0, fix(INSIDE, 0, speed=7.5, course=45)))
    work(bench.batch(T0, fix(OUTSIDE, 10, speed=102.3, course=360)))
    (row,) = bench.ask("SELECT speed, course, ST_X(geom) lon FROM vessel")
    assert (row["speed"], row["course"], row["lon"]) == (None, None, pytest.approx(108.5))


def test_promise_02_a_breach_is_raised_once_in_one_transaction_with_its_position(bench, work) -> None:
    bench.seed([AREA], [rule()])
    work(bench.batch(T0, fix(OUTSIDE, 0), fix(INSIDE, 10, speed=2.5), fix(EDGE, 20), fix(INSIDE, 30)))
    work(bench.batch(T0, fix(INSIDE, 40), fix(OUTSIDE, 50)))
    assert [(row["transition"], row["observed_at"]) for row in bench.ask(JOURNAL)] == [
        ("raise", when(10)),
        ("clear", when(50)),
    ]
    (alarm,) = bench.ask("SELECT *, ST_X(geom) lon FROM alarm")
    assert (alarm["object_key"], alarm["raised_at"], alarm["cleared_at"]) == (str(BOAT), when(10), when(50))
    assert (alarm["lon"], alarm["evidence"]["speed"]) == (pytest.approx(107.5), 2.5)
    together = "SELECT count(DISTINCT xid) FROM ({}) x".format(
        " UNION ".join(
            f"SELECT xmin::text xid FROM {name}"
            for name in ("alarm_journal WHERE transition = 'raise'", "vessel_history WHERE speed = 2.5")
        )
    )
    # Every write of a batch stands in one savepoint of one transaction.
    assert bench.one(together) == 1


def test_dwell_is_remembered_between_batches(bench, work) -> None:
    bench.seed([AREA], [rule(dwell_s=60)])
    work(bench.batch(T0, fix(INSIDE, 0)))
    work(bench.batch(T0, fix(INSIDE, 59)))
    assert bench.one("SELECT count(*) FROM alarm") == 0
    assert bench.one("SELECT entered_at FROM presence") == when(0)
    work(bench.batch(T0, fix(INSIDE, 61)), bench.batch(T0, fix(INSIDE, 62)))
    assert bench.one("SELECT raised_at FROM alarm") == when(60)
    work(bench.batch(T0, fix(OUTSIDE, 100)))
    assert [row["transition"] for row in bench.ask(JOURNAL)] == ["raise", "clear"]
    assert bench.one("SELECT count(*) FROM presence") == 0


def test_a_rule_speaks_only_of_those_it_applies_to_and_of_fixes_that_qualify(bench, work) -> None:
    slow = rule(applies_to={"ship_type": [30, 31], "length_m": [15, None]}, qualifies={"speed": [None, 4]})
    bench.seed([AREA], [slow])
    for mmsi, kind, bow, speed in ((1, 30, 16, 2.0), (2, 30, 14, 2.0), (3, 70, 16, 2.0), (4, 30, 16, 8.0)):
        boat = 574_000_000 + mmsi
        name = sentences(5, boat, shipname=f"BOAT {mmsi}", ship_type=kind, to_bow=bow, to_stern=0)
        work(bench.batch(T0, *name, fix(INSIDE, 0, boat, speed=speed)))
    assert [row["object_label"] for row in bench.ask("SELECT object_label FROM alarm")] == ["BOAT 1"]


def test_a_fence_that_is_not_in_force_is_no_fence(bench, work) -> None:
    bench.seed([replace(AREA, valid_from=when(100), valid_to=when(200))], [rule()])
    work(bench.batch(T0 + 50, fix(INSIDE, 50)))
    assert bench.one("SELECT count(*) FROM alarm") == 0
    work(bench.batch(T0 + 150, fix(INSIDE, 150)))
    assert bench.one("SELECT raised_at FROM alarm") == when(150)
    work(bench.batch(T0 + 250, fix(INSIDE, 250)))
    assert bench.one("SELECT cleared_at FROM alarm") == when(250)


def test_fact_17_distress_is_raised_whatever_the_type_age_or_place(bench, work) -> None:
    bench.seed([], list(LAYER.rules))
    lost = position(970_123_456, 181, 91, T0 + 1, status=14)  # no position yet
    old = position(972_123_456, *INSIDE, T0 - 40 * 86_400, status=14)  # forty days old
    words = message(14, 974_123_456, T0 + 2, text="EPIRB ACTIVE")
    work(bench.batch(T0, lost, old, *words, fix(INSIDE, 3, 970_000_007, status=0), fix(INSIDE, 3, BOAT, status=14)))
    rows = bench.ask("SELECT object_key, severity, geom IS NULL AS lost FROM alarm ORDER BY object_key")
    assert [(row["object_key"], row["severity"], row["lost"]) for row in rows] == [
        ("970123456", "critical", True),
        ("972123456", "critical", False),
        ("974123456", "critical", True),
    ]
    work(bench.batch(T0, position(970_123_456, *INSIDE, T0 + 60, status=14)))
    assert bench.one("SELECT count(*) FROM alarm") == 3


def test_fact_17_a_distress_test_is_labelled_as_one(bench, work) -> None:
    bench.seed([], list(LAYER.rules))
    work(
        bench.batch(T0, position(970_123_456, *INSIDE, T0, status=15), *message(14, 970_123_456, T0, text="SART TEST"))
    )
    (row,) = bench.ask("SELECT alarm.severity, name_vi FROM alarm JOIN rule ON rule.id = rule_id")
    assert row["severity"] == "low"
    assert row["name_vi"].startswith("TEST")


def test_fact_17_the_number_of_nobody_makes_no_vessel(bench, work) -> None:
    work(bench.batch(T0, fix(INSIDE, 0, 111_111_111)))
    assert bench.one("SELECT count(*) FROM vessel") == 0
    assert bench.one("SELECT rejected FROM feed") == {"mmsi": 1}


def poisoned(batch: RawBatch) -> Decoded:
    """The AIS decoder, but whatever is called POISON gets a text that PostgreSQL cannot hold."""
    decoded = decode(batch)
    if "shipname" in decoded.frame:
        name = decoded.frame["shipname"]
        decoded.frame["shipname"] = name.where(name != "POISON", "POI\0SON")
    return decoded


@pytest.mark.parametrize("place", [0, 3, 6])
def test_promise_25_a_record_that_the_database_refuses_goes_alone(bench, work, place: int) -> None:
    lane = bench.lane(replace(AIS, decode=poisoned))
    lines = [fix(INSIDE, n, 574_000_010 + n) for n in range(6)]
    lines[place:place] = sentences(24, 574_000_099, partno=0, shipname="POISON")
    work(bench.batch(T0, *lines), lanes=(lane,))
    assert bench.one("SELECT count(*) FROM vessel_history") == 6
    assert bench.one("SELECT count(*) FROM vessel") == 6
    (letter,) = bench.ask("SELECT reason, raw FROM dead_letter")
    assert letter["reason"] == "refused_by_database"
    assert b"574000099" in letter["raw"]
    assert bench.one("SELECT faults FROM feed") == {"refused_by_database": 1}
    assert bench.one("SELECT rows FROM ledger") == 6


def throwing(batch: RawBatch) -> Decoded:
    if b"GUILTY" in batch.raw:
        raise KeyError("a decoder's own fault")
    return decode(batch)


def test_promise_25_a_line_at_which_the_decoder_throws_goes_alone(bench, work) -> None:
    lines = [fix(INSIDE, n, 574_000_010 + n) for n in range(5)]
    lines.insert(2, b"GUILTY")
    batch = bench.batch(T0, *lines, rejected={"too_long": 2}, letters=[("too_long", b"x")])
    work(batch, lanes=(bench.lane(replace(AIS, decode=throwing)),))
    (row,) = bench.ask("SELECT received, accepted, rejected FROM ledger")
    assert (row["received"], row["accepted"]) == (8, 5)
    assert row["rejected"] == {"decoder_fault": 1, "too_long": 2}
    assert bench.one("SELECT count(*) FROM vessel_history") == 5


def timeless(batch: RawBatch) -> Decoded:
    decoded = decode(batch)
    decoded.frame.loc[decoded.frame["mmsi"] == BOAT, "observed_at"] = pd.NaT
    return decoded


def test_promise_25_a_decoder_that_gives_no_time_costs_its_own_record_only(bench, work) -> None:
    lane = bench.lane(replace(AIS, decode=timeless))
    work(bench.batch(T0, fix(INSIDE, 0), fix(INSIDE, 1, 574_000_002)), lanes=(lane,))
    assert [row["mmsi"] for row in bench.ask("SELECT mmsi FROM vessel_history")] == [574_000_002]
    assert bench.one("SELECT rejected FROM feed") == {"decoder_fault": 1}


def test_promise_25_an_entry_that_is_no_batch_is_put_aside(bench, work) -> None:
    bench.client.xadd("haidang:raw:ais.test", {"hello": "world"})
    bench.client.xadd("haidang:raw:ais.test", {"head": "{", "raw": "x"})
    work(bench.batch(T0, fix(INSIDE, 0)))
    assert bench.one("SELECT count(*) FROM vessel_history") == 1
    assert bench.one("SELECT faults FROM feed") == {"no_batch": 2}
    assert bench.client.xpending("haidang:raw:ais.test", "work")["pending"] == 0


def test_promise_25_a_rule_that_throws_is_a_fact_about_the_feed(bench, work, monkeypatch) -> None:
    bench.seed([AREA], [rule(), rule(key="other")])
    right = judgement.judge

    def wrong(one: Rule, *given: object) -> object:
        if one.key == "breach":
            raise ZeroDivisionError
        return right(one, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(judgement, "judge", wrong)
    work(bench.batch(T0, fix(INSIDE, 0)))
    assert bench.one("SELECT count(*) FROM vessel_history") == 1
    assert bench.one("SELECT key FROM alarm JOIN rule ON rule.id = rule_id") == "other"
    assert bench.one("SELECT faults FROM feed") == {"rule breach": 1}


def test_what_the_receiver_tells_of_itself_is_counted_and_is_no_sign_of_life(bench, work) -> None:
    work(bench.batch(T0, fix(INSIDE, 0), faults={"kernel_drop": 3}))
    work(bench.batch(T0 + 60, faults={"receiver_gap": 1, "kernel_drop": 4}), bench.batch(T0 + 61))
    (feed,) = bench.ask("SELECT faults, last_message_at, received FROM feed")
    assert feed == {"faults": {"kernel_drop": 7, "receiver_gap": 1}, "last_message_at": when(0), "received": 1}


def test_a_fault_before_the_first_message_gives_the_feed_no_time(bench, work) -> None:
    work(bench.batch(T0, faults={"receiver_gap": 1}))
    (feed,) = bench.ask("SELECT faults, last_message_at FROM feed")
    assert feed == {"faults": {"receiver_gap": 1}, "last_message_at": None}


def test_an_entry_without_faults_is_a_batch_too(bench) -> None:
    entry = to_entry(bench.batch(T0, b"!x", faults={"kernel_drop": 1}))
    head = json.loads(entry["head"])
    del head["faults"]
    old = from_entry("ais.test", {b"head": json.dumps(head).encode(), b"raw": entry["raw"]})
    assert (old.raw, old.faults) == (b"!x", {})


def test_a_schema_that_is_not_there_costs_no_record(bench, work) -> None:
    told(bench.database.owner, "ALTER TABLE vessel RENAME TO vessel_away")
    bench.put(bench.batch(T0, fix(INSIDE, 0)))
    with pytest.raises(sa.exc.ProgrammingError):
        work()
    assert bench.one("SELECT count(*) FROM dead_letter") == 0
    told(bench.database.owner, "ALTER TABLE vessel_away RENAME TO vessel")
    work()
    assert bench.one("SELECT count(*) FROM vessel_history") == 1


@pytest.mark.parametrize(
    ("error", "blamed"),
    [
        (psycopg.DataError("x"), True),
        (psycopg.errors.CheckViolation("x"), True),
        (psycopg.errors.ForeignKeyViolation("x"), False),
        (psycopg.ProgrammingError("cannot adapt"), True),
        (psycopg.OperationalError("gone"), False),
        (psycopg.errors.DiskFull("x"), False),
        (sa.exc.DataError("s", {}, psycopg.DataError("x")), True),
        (sa.exc.OperationalError("s", {}, psycopg.OperationalError("gone")), False),
        (ValueError("x"), True),
        (MemoryError(), False),
    ],
)
def test_only_a_records_content_is_blamed_on_it(error: Exception, blamed: bool) -> None:
    assert blames_record(error) is blamed


def test_what_changed_is_published_after_the_commit_as_the_state_after_it(bench, work) -> None:
    bench.seed([AREA], [rule()])
    with bench.client.pubsub() as listener:
        listener.subscribe("haidang:live:vessel", "haidang:alarm")
        assert wait_for(lambda: (listener.get_message() or {}).get("data") == 1, 5)
        assert wait_for(lambda: (listener.get_message() or {}).get("data") == 2, 5)
        name = sentences(24, BOAT, partno=0, shipname="TTH-91234-TS")
        work(bench.batch(T0, fix(INSIDE, 10, speed=2.5, course=45), fix(OUTSIDE, 0), *name))
        heard: dict[bytes, bytes] = {}

        def both() -> bool:
            got = listener.get_message()
            if got and got["type"] == "message":
                heard[got["channel"]] = got["data"]
            return len(heard) == 2

        assert wait_for(both, 5)
    frame = read_live(heard[b"haidang:live:vessel"])
    (row,) = frame.to_dict("records")
    assert (row["key"], round(row["lon"], 3), row["shipname"], row["speed"]) == (str(BOAT), 107.5, "TTH-91234-TS", 2.5)
    assert set(LAYER.style.columns()) <= set(frame.columns)
    assert int(heard[b"haidang:alarm"]) == bench.one("SELECT max(id) FROM alarm_journal")


def test_read_and_acknowledged_entries_are_trimmed_and_unread_ones_are_not(bench, work) -> None:
    worker = bench.worker()
    work(*[bench.batch(T0, fix(INSIDE, n)) for n in range(5)], worker=worker)
    stream = "haidang:raw:ais.test"
    newest = bench.put(bench.batch(T0, fix(INSIDE, 9)))
    hold = next(iter(worker._holds.values()))
    hold.trimmed_at = -1e9
    worker._trim(hold)
    assert [entry for entry, _ in bench.client.xrange(stream)] == [newest]


def test_of_two_workers_the_second_takes_over_when_the_first_is_gone(bench) -> None:
    first, second = bench.worker(), bench.worker()
    stop = [threading.Event(), threading.Event()]
    threads = [
        threading.Thread(target=worker.run, args=(event.is_set,))
        for worker, event in zip((first, second), stop, strict=True)
    ]

    def stored() -> int:
        return int(bench.one("SELECT count(*) FROM vessel_history"))

    try:
        threads[0].start()
        assert wait_for(lambda: bool(first._holds), 20)
        threads[1].start()
        bench.put(bench.batch(T0, fix(INSIDE, 0)))
        assert wait_for(lambda: stored() == 1, 20)
        assert not second._holds  # a source is worked by one worker at a time
        # The first one's connection ends, as it does when its process dies; then it may not come back.
        stop[0].set()
        threads[0].join(20)
        first.engine.dispose()
        bench.put(bench.batch(T0, fix(INSIDE, 1)))
        assert wait_for(lambda: stored() == 2, 20)
        assert second._holds
    finally:
        for event in stop:
            event.set()
        for thread in threads:
            if thread.ident:
                thread.join(20)


def test_promise_04_a_database_that_goes_away_costs_nothing(bench) -> None:
    worker, stop = bench.worker(), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop.is_set,))
    thread.start()
    try:
        for number in range(12):
            bench.put(bench.batch(T0, fix(INSIDE, number), fix(OUTSIDE, number, 574_000_002)))
            if number % 3 == 1:
                told(
                    bench.database.superuser,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND usename = 'haidang_ingest'",
                )
        assert wait_for(lambda: bench.one("SELECT count(*) FROM ledger") == 12, 30)
    finally:
        stop.set()
        thread.join(20)
    assert bench.one("SELECT count(*) FROM vessel_history") == 24
    assert bench.one("SELECT received FROM feed") == 24


def test_changed_fences_and_rules_are_live_within_a_second(bench) -> None:
    worker, stop = bench.worker(), threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop.is_set,))
    thread.start()
    try:
        bench.seed([AREA], [rule()])
        assert wait_for(lambda: len(worker._rules) == 1 and "area" in worker._fences.by_key, 20)
        # Its time of change is older than the newest one, as that of a change which is committed late.
        told(bench.database.owner, "UPDATE fence SET hysteresis_m = 7, updated_at = '2020-01-01' WHERE key = 'area'")
        assert wait_for(lambda: worker._fences.by_key["area"].hysteresis_m == 7, 20)
        told(bench.database.owner, "UPDATE rule SET enabled = false")
        assert wait_for(lambda: worker._rules == (), 20)
    finally:
        stop.set()
        thread.join(20)


def test_the_memory_of_a_rule_is_locked_while_it_is_judged(bench, work) -> None:
    """A clock that raises at the same moment must not be forgotten: it waits, or is waited for."""
    bench.seed([AREA], [rule(dwell_s=600)])
    worker = bench.worker()
    work(bench.batch(T0, fix(INSIDE, 0)), worker=worker)
    with connected(bench.database.ingest) as opened, opened.connect() as clock:
        transaction = clock.begin()
        clock.execute(sa.text("UPDATE presence SET raised = true"))
        bench.put(bench.batch(T0, fix(OUTSIDE, 10)))
        thread = threading.Thread(target=work, kwargs={"worker": worker})
        thread.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%presence%'"
        assert wait_for(lambda: asked(bench.database.superuser, waiting)[0]["count"] > 0, 20)
        rule_id = clock.scalar(sa.text("SELECT id FROM rule"))
        clock.execute(
            sa.text(
                "INSERT INTO alarm (rule_id, layer, object_key, severity, observed_at, raised_at, fence_id) "
                "SELECT :rule, 'vessel', :boat, 'high', :at, :at, id FROM fence"
            ),
            {"rule": rule_id, "boat": str(BOAT), "at": when(5)},
        )
        transaction.commit()
        thread.join(20)
    assert bench.one("SELECT cleared_at FROM alarm") == when(10)


def test_the_second_of_two_stations_hears_the_same_boat_without_a_race(bench) -> None:
    """Two workers write the same rows in opposite order, again and again: neither waits in a ring, nothing is lost."""
    boats = [574_000_100 + n for n in range(30)]
    lanes = (bench.lane(name="ais.a"), bench.lane(name="ais.b"))
    workers = [bench.worker(lane) for lane in lanes]
    stop = threading.Event()
    threads = [threading.Thread(target=worker.run, args=(stop.is_set,)) for worker in workers]
    for number in range(10):
        for name, order in (("ais.a", boats), ("ais.b", boats[::-1])):
            lines = [fix(INSIDE, number, mmsi) for mmsi in order]
            bench.put(bench.batch(T0, *lines, source=name))
    for thread in threads:
        thread.start()
    try:
        assert wait_for(lambda: bench.one("SELECT count(*) FROM ledger") == 20, 40)
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert bench.one("SELECT count(*) FROM vessel_history") == 300
    assert bench.one("SELECT sum(positions) = 600 AND sum(duplicates) = 300 FROM feed")
    assert bench.one("SELECT count(*) FROM vessel") == 30
    assert bench.one("SELECT max(observed_at) - min(observed_at) FROM vessel") == timedelta(0)
