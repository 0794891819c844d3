import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from shapely.geometry import box

from geo.actor import SYSTEM
from geo.episode import FRESH
from geo.fence import Fence, put_fences
from geo.figure import put_figures, seeds
from geo.fleet import Boat, put_boat
from geo.reference import reference_fences, reference_waters
from geo.rule import Rule, put_rules
from layers import discover
from run.clock import DISTRESS_SILENCE, Clock, behaviour_budget_s
from run.process import wait_for
from tests.connections import asked, connected, told

T0 = datetime(2026, 11, 21, 3, tzinfo=UTC)
BOAT = "574000001"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class Desk:
    """A database with one boat in one area, and a clock whose time the test sets."""

    def __init__(self, database, redis_url: str, ingest: sa.Engine) -> None:
        self.database, self.time = database, T0
        self.clock = Clock(discover(), ingest, redis_url, now=lambda: self.time)
        self._ingest = ingest

    def tick(self, seconds: float) -> int:
        self.time = at(seconds)
        with self._ingest.connect() as connection:
            return self.clock.tick(connection)

    def boat(self, observed: float, received: float | None = None, key: str = BOAT, placed: bool = True) -> None:
        told(
            self.database.owner,
            "INSERT INTO vessel (mmsi, geom, observed_at, received_at, source, shipname, speed) VALUES "
            "(:mmsi, ST_GeomFromEWKT(:place), :observed, :received, 'test', 'TTH-1-TS', 2.5) ON CONFLICT (mmsi) "
            "DO UPDATE SET observed_at = excluded.observed_at, received_at = excluded.received_at",
            mmsi=int(key), place="SRID=4326;POINT(107.5 16.5)" if placed else None,
            observed=at(observed) if placed else None, received=at(observed if received is None else received),
        )  # fmt: skip

    def presence(self, rule: str, qualified: float | None, raised: bool = False, key: str = BOAT) -> None:
        told(
            self.database.owner,
            "INSERT INTO presence SELECT id, :key, :at, :qualified, :raised FROM rule WHERE key = :rule",
            key=key, at=T0, qualified=None if qualified is None else at(qualified), raised=raised, rule=rule,
        )  # fmt: skip

    def ask(self, statement: str):
        return asked(self.database.owner, statement)

    def journal(self) -> list[tuple[str, datetime]]:
        rows = self.ask("SELECT transition, observed_at FROM alarm_journal ORDER BY id")
        return [(row["transition"], row["observed_at"]) for row in rows]


@pytest.fixture
def desk(database, redis_server):
    with connected(database.owner) as owner, owner.begin() as connection:
        put_fences(connection, [Fence("area", "area", "Khu", "Area", box(107, 16, 108, 17))], SYSTEM)
        given = ("vessel", "Luật", "Rule", "high")
        put_rules(
            connection,
            [
                Rule("stay", "inside", *given, "area", dwell_s=60),
                Rule("leave", "outside", *given, "area", dwell_s=60),
                Rule("distress", "distress", *given),
            ],
            SYSTEM,
        )
    with connected(database.ingest) as ingest:
        desk = Desk(database, redis_server, ingest)
        desk.tick(0)  # the fences and rules are known to it
        yield desk


@pytest.mark.parametrize("rule", ["stay", "leave"])
def test_a_dwell_ends_without_input_and_raises_once(desk, rule: str) -> None:
    desk.boat(observed=30)
    desk.presence(rule, qualified=0)
    assert desk.tick(59) == 0
    assert desk.tick(61) == 1
    assert [desk.tick(seconds) for seconds in (62, 63, 600)] == [0, 0, 0]
    assert desk.journal() == [("raise", at(60))]
    (row,) = desk.ask("SELECT object_key, object_label, evidence, ST_X(geom) AS lon FROM alarm")
    assert row == {"object_key": BOAT, "object_label": "TTH-1-TS", "evidence": {"speed": 2.5}, "lon": 107.5}


def test_fact_09_a_wrong_zone_that_time_alone_tells_says_which_it_was(desk) -> None:
    with connected(desk.database.owner) as owner, owner.begin() as connection:
        put_fences(connection, [*reference_fences(), *reference_waters()], SYSTEM)
        put_rules(connection, [Rule("zone", "wrong_zone", "vessel", "Sai vùng", "Wrong", "high", dwell_s=600)], SYSTEM)
        put_figures(connection, seeds())
        put_boat(connection, Boat("QNg-95518-TS", 10.5, "Quảng Ngãi", mmsi=int(BOAT)), SYSTEM, T0)
    desk.boat(observed=30)
    told(
        desk.database.owner,
        "UPDATE vessel SET geom = 'SRID=4326;POINT(107.75 16.72)', registration = 'QNg-95518-TS', "
        "register_length_m = 10.5, role = 'catching', home_province = 'Quảng Ngãi'",
    )
    desk.tick(31)  # the new rule is judged by its last fix
    assert desk.tick(629) == 0
    assert desk.tick(631) == 1
    (row,) = desk.ask("SELECT evidence FROM alarm")
    facts = {"zone": "coastal", "allowed": ["coastal"], "waters": "ven_bo_hue", "registration": "QNg-95518-TS"}
    assert {name: row["evidence"][name] for name in facts} == facts


def test_what_does_not_qualify_or_was_raised_is_left_alone(desk) -> None:
    desk.boat(observed=30)
    desk.presence("stay", qualified=None)
    desk.presence("leave", qualified=0, raised=True)
    assert desk.tick(600) == 0


def test_an_old_position_proves_no_dwell(desk) -> None:
    due = 31 + FRESH.total_seconds()
    desk.boat(observed=30)
    desk.presence("stay", qualified=due - 60)
    assert desk.tick(due) == 0
    assert desk.tick(due + 600) == 0
    desk.boat(observed=1500)
    assert desk.tick(due + 661) == 1


def test_a_dwell_is_told_however_late_its_proof_came(desk) -> None:
    desk.boat(observed=30, received=3600)
    desk.presence("stay", qualified=0)
    assert desk.tick(3601) == 1
    assert desk.journal() == [("raise", at(60))]


def test_a_fence_that_is_not_in_force_raises_nothing(desk) -> None:
    told(desk.database.owner, "UPDATE fence SET valid_to = :at", at=at(50))
    desk.boat(observed=30)
    desk.presence("stay", qualified=0)
    assert desk.tick(61) == 0


def test_fact_17_distress_ends_after_silence_and_not_before(desk) -> None:
    sart, silence = "970123456", DISTRESS_SILENCE.total_seconds()
    desk.boat(observed=0, received=100, key=sart)
    desk.presence("distress", qualified=0, raised=True, key=sart)
    told(
        desk.database.owner,
        "INSERT INTO alarm (rule_id, layer, object_key, severity, observed_at, raised_at) "
        "SELECT id, 'vessel', :key, 'critical', :at, :at FROM rule WHERE key = 'distress'",
        key=sart, at=T0,
    )  # fmt: skip
    assert desk.tick(99 + silence) == 0  # its last fix is older, but it was heard
    assert desk.tick(101 + silence) == 1
    assert desk.journal() == [("clear", at(100 + silence))]
    assert desk.ask("SELECT count(*) FROM presence") == [{"count": 0}]
    assert desk.tick(102 + silence) == 0


def test_fact_17_distress_that_is_heard_again_goes_on(desk) -> None:
    sart, silence = "970123456", DISTRESS_SILENCE.total_seconds()
    desk.boat(observed=0, key=sart)
    desk.presence("distress", qualified=0, raised=True, key=sart)
    desk.tick(10)
    desk.boat(observed=600, key=sart)
    desk.tick(1 + silence)
    assert desk.ask("SELECT count(*) FROM presence") == [{"count": 1}]
    desk.tick(601 + silence)
    assert desk.ask("SELECT count(*) FROM presence") == [{"count": 0}]


def test_fact_17_distress_that_never_had_a_position_ends_too(desk) -> None:
    sart = "972123456"
    desk.boat(observed=0, key=sart, placed=False)
    desk.presence("distress", qualified=0, raised=True, key=sart)
    assert desk.tick(DISTRESS_SILENCE.total_seconds() - 1) == 0
    assert desk.ask("SELECT count(*) FROM presence") == [{"count": 1}]
    desk.tick(DISTRESS_SILENCE.total_seconds() + 1)
    assert desk.ask("SELECT count(*) FROM presence") == [{"count": 0}]


@pytest.mark.parametrize(("waiting", "budget"), [(1.0, 0.2), (1.6, 0.05)])
def test_on_a_busy_machine_less_time_is_for_what_boats_did(monkeypatch, waiting: float, budget: float) -> None:
    cores = os.cpu_count() or 1
    monkeypatch.setattr(os, "getloadavg", lambda: (waiting * cores, 0.0, 0.0))
    assert behaviour_budget_s() == pytest.approx(budget)


def test_what_a_worker_is_judging_is_left_to_it(desk) -> None:
    desk.boat(observed=30)
    desk.presence("stay", qualified=0)
    with connected(desk.database.ingest) as opened, opened.connect() as worker, worker.begin():
        worker.execute(sa.text("SELECT 1 FROM presence FOR UPDATE"))
        assert desk.tick(61) == 0
    assert desk.tick(62) == 1


def test_of_two_clocks_one_has_the_lease_and_the_other_takes_it_over(desk) -> None:
    with connected(desk.database.ingest) as one, connected(desk.database.ingest) as two:
        first, second = (Clock(discover(), engine, desk.clock.redis_url) for engine in (one, two))
        with two.connect() as waiting:
            with one.connect() as leading:
                assert first._leased(leading)
                assert first._leased(leading)
                assert not second._leased(waiting)
                leading.invalidate()  # its process died
            assert wait_for(lambda: second._leased(waiting), 20)


def test_it_ticks_by_itself_until_told_to_stop(desk) -> None:
    desk.boat(observed=30)
    desk.presence("stay", qualified=0)
    desk.time = at(61)
    stop = threading.Event()
    thread = threading.Thread(target=desk.clock.run, args=(stop.is_set,))
    thread.start()
    try:
        assert wait_for(lambda: desk.journal() == [("raise", at(60))], 20)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


def test_a_part_that_gives_way_is_done_by_the_next_tick(desk) -> None:
    desk.boat(0)
    desk.tick(1)
    told(
        desk.database.owner, "UPDATE rule SET dwell_s = 0, version = version + 1, updated_at = now() WHERE key = 'stay'"
    )
    with connected(desk.database.owner) as owner, owner.begin() as worker:
        worker.execute(sa.text("LOCK TABLE presence"))
        desk.tick(10)
        assert desk.ask("SELECT count(*) AS n FROM alarm") == [{"n": 0}]
    desk.tick(11)
    assert desk.ask("SELECT count(*) AS n FROM alarm") == [{"n": 1}]
