"""Changed fences and rules, judged at once by the clock for what is there and does not move."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from shapely.geometry import LineString, box

from geo.actor import Actor
from geo.episode import FRESH
from geo.fence import Fence, fences, save_fence
from geo.rule import Rule, save_rule, stored_rules
from ingest.sweep import OUT_OF_FORCE, let_go
from layers import discover
from run.clock import WORKERS_KNOW, Clock
from tests.connections import connected, told
from tests.ingest.test_worker import AREA, BOAT, INSIDE, OUTSIDE, T0, fix, rule, when

LAN = Actor("Lan")
FAR = Fence("area", "area", "Khu", "Area", box(100, 10, 101, 11))


class Sea:
    """A worker, and a clock whose time the test sets, seconds after T0."""

    def __init__(self, bench, work, ingest) -> None:
        self.bench, self.work, self.ingest, self.time = bench, work, ingest, 0.0
        self.clock = Clock(discover(), ingest, bench.redis_url, now=lambda: when(self.time))

    def hear(self, *lines: bytes, at: float | None = None) -> None:
        self.work(self.bench.batch(T0 + (self.time if at is None else at), *lines))

    def tick(self, at: float) -> int:
        self.time = at
        with self.ingest.connect() as connection:
            return self.clock.tick(connection)

    def save(self, *items: Fence | Rule) -> None:
        with connected(self.bench.database.web) as web, web.begin() as connection:
            for item in items:
                save = save_fence if isinstance(item, Fence) else save_rule
                save(connection, item, LAN, when(self.time))  # type: ignore[operator]

    def journal(self) -> list[tuple[str, float]]:
        rows = self.bench.ask("SELECT transition, observed_at FROM alarm_journal ORDER BY id")
        return [(row["transition"], row["observed_at"].timestamp() - T0) for row in rows]


@pytest.fixture
def sea(bench, work) -> Iterator[Sea]:
    with connected(bench.database.ingest) as ingest:
        yield Sea(bench, work, ingest)


def test_a_fence_drawn_around_a_still_boat_is_judged_at_once(sea) -> None:
    sea.bench.seed([FAR], [rule()])
    sea.hear(fix(INSIDE, 0))
    assert sea.tick(10) == 0
    sea.save(AREA)
    assert sea.tick(11) == 1
    assert sea.journal() == [("raise", 0)]
    assert [sea.tick(at) for at in (12, 13, 30)] == [0, 0, 0]
    sea.hear(fix(INSIDE, 40))
    assert sea.journal() == [("raise", 0)]


def test_a_fence_drawn_elsewhere_ends_what_it_held(sea) -> None:
    sea.bench.seed([AREA], [rule()])
    sea.hear(fix(INSIDE, 0))
    sea.save(FAR)
    assert sea.tick(11) == 1
    assert sea.journal() == [("raise", 0), ("clear", 0)]
    assert sea.bench.one("SELECT count(*) FROM presence") == 0


def test_a_dwell_that_a_new_fence_begins_counts_from_the_fix(sea) -> None:
    sea.bench.seed([FAR], [rule(dwell_s=60)])
    sea.hear(fix(INSIDE, 0))
    sea.save(AREA)
    assert sea.tick(11) == 0
    assert sea.tick(61) == 1
    assert sea.journal() == [("raise", 60)]


def test_who_dwells_while_its_rule_is_changed_is_judged_by_the_new_one_without_a_fault(sea, capsys) -> None:
    sea.bench.seed([AREA], [rule(dwell_s=600)])
    sea.hear(fix(INSIDE, 0))
    sea.tick(10)
    assert sea.journal() == []
    sea.save(rule(dwell_s=600, severity="low"))
    sea.tick(20)
    assert "failed" not in capsys.readouterr().out
    sea.tick(601)
    assert sea.journal() == [("raise", 600)]


def test_where_a_boat_was_long_ago_says_nothing_of_where_it_is(sea) -> None:
    sea.bench.seed([FAR], [rule()])
    sea.hear(fix(INSIDE, 0))
    sea.save(AREA)
    assert sea.tick(FRESH.total_seconds() + 1) == 0
    assert sea.journal() == []


@pytest.mark.parametrize("kind", ["enter", "exit", "crossing"])
def test_a_new_fence_or_line_is_no_event(sea, kind: str) -> None:
    line = Fence("line", "line", "Ranh", "Line", LineString([(107.5, 16.4), (107.5, 16.6)]), hysteresis_m=500)
    sea.bench.seed([FAR, replace(line, geom=FAR.geom.exterior)], [])
    sea.hear(fix(INSIDE, 0))
    sea.tick(5)
    sea.save(AREA, line, rule(kind=kind, fence_key="line" if kind == "crossing" else "area"))
    sea.tick(11)
    assert sea.journal() == []
    if kind == "exit":  # it is known to be inside now
        sea.hear(fix(OUTSIDE, 700), at=700)
        assert sea.journal() == [("raise", 700), ("clear", 700)]


def test_a_new_rule_of_each_state_is_judged_at_once(sea) -> None:
    sea.bench.seed([AREA], [])
    sea.hear(fix(INSIDE, 0, speed=9.0), fix((107.501, 16.5), 1, BOAT + 1, speed=9.0))
    sea.tick(5)
    sea.save(
        rule(key="fast", kind="threshold", fence_key=None, params={"column": "speed", "above": 8}),
        rule(key="close", kind="proximity", fence_key=None, params={"distance_m": 500}),
        rule(key="near", kind="approach", params={"steps_nm": [3]}),
    )
    assert sea.tick(11) == 5
    rows = sea.bench.ask("SELECT r.key, count(*) AS n FROM alarm JOIN rule r ON r.id = rule_id GROUP BY 1 ORDER BY 1")
    assert [(row["key"], row["n"]) for row in rows] == [("close", 1), ("fast", 2), ("near", 2)]


def test_a_rule_that_is_switched_off_ends_its_alarms_and_forgets(sea) -> None:
    sea.bench.seed([AREA], [rule(), rule(key="other"), rule(key="slow", dwell_s=600)])
    sea.hear(fix(INSIDE, 0))
    assert len(sea.journal()) == 2
    sea.save(rule(enabled=False), rule(key="slow", dwell_s=600, enabled=False))
    assert sea.tick(20) == 1
    (line,) = sea.bench.ask("SELECT actor_kind, comment FROM alarm_journal WHERE transition = 'clear'")
    assert line == {"actor_kind": "system", "comment": OUT_OF_FORCE}
    assert sea.bench.ask("SELECT r.key FROM presence JOIN rule r ON r.id = rule_id") == [{"key": "other"}]
    sea.save(rule())
    assert sea.tick(30) == 1  # switched on again: another episode
    assert [transition for transition, _ in sea.journal()] == ["raise", "raise", "clear", "raise"]


def test_a_fence_that_is_retired_ends_its_alarms_and_comes_back(sea) -> None:
    sea.bench.seed([AREA], [rule(), rule(key="in", kind="enter")])
    sea.hear(fix(INSIDE, 0))
    sea.save(replace(AREA, retired_at=when(5)))
    assert sea.tick(20) == 1
    assert sea.journal() == [("raise", 0), ("clear", 20)]
    assert sea.bench.one("SELECT count(*) FROM presence") == 0
    sea.hear(fix(INSIDE, 25))
    assert len(sea.journal()) == 2
    sea.save(AREA)
    assert sea.tick(40) == 1
    assert sea.journal()[2:] == [("raise", 25)]


def test_what_a_worker_raises_by_a_rule_that_has_just_been_switched_off_is_ended_too(sea) -> None:
    """The workers learn of a change within a second, and the clock may be quicker."""
    sea.bench.seed([AREA], [rule()])
    worker = sea.bench.worker()
    sea.work(sea.bench.batch(T0, fix(OUTSIDE, 0)), worker=worker)
    sea.save(rule(enabled=False))
    assert sea.tick(20) == 0
    old = worker._rules
    worker._reload = lambda connection: None  # type: ignore[method-assign]
    worker._rules = old
    sea.work(sea.bench.batch(T0, fix(INSIDE, 3600)), worker=worker)
    assert [transition for transition, _ in sea.journal()] == ["raise"]
    assert sea.tick(21) == 1
    assert [transition for transition, _ in sea.journal()] == ["raise", "clear"]
    assert sea.bench.one("SELECT count(*) FROM presence") == 0
    assert sea.tick(22 + WORKERS_KNOW.total_seconds()) == 0
    assert sea.clock._letting_go is None


@pytest.mark.parametrize("change", [{"fence_key": "other"}, {"kind": "enter"}])
def test_what_a_rule_raised_when_it_meant_something_else_is_over(sea, change: dict[str, str]) -> None:
    other = Fence("other", "area", "Khác", "Other", AREA.geom)
    sea.bench.seed([AREA, other], [rule(), rule(key="same")])
    sea.hear(fix(INSIDE, 0))
    sea.save(rule(**change))
    sea.tick(20)
    transitions = [transition for transition, _ in sea.journal()]
    assert transitions == (
        ["raise", "raise", "clear", "raise"] if "fence_key" in change else ["raise", "raise", "clear"]
    )
    open_ones = sea.bench.ask("SELECT r.key, f.key AS fence FROM alarm JOIN rule r ON r.id = rule_id "
                              "JOIN fence f ON f.id = fence_id WHERE cleared_at IS NULL ORDER BY 1")  # fmt: skip
    expected = [{"key": "same", "fence": "area"}]
    assert open_ones == ([{"key": "breach", "fence": "other"}] if "fence_key" in change else []) + expected
    with connected(sea.bench.database.ingest) as engine, engine.begin() as connection:
        assert let_go(connection, when(30)) == 0


def test_a_change_of_a_list_by_name_is_a_change_of_its_rules(sea) -> None:
    sea.bench.seed([AREA], [rule(applies_to={"exclude": ["@known"]})])
    sea.hear(fix(INSIDE, 0))
    assert len(sea.journal()) == 1
    told(sea.bench.database.owner, "INSERT INTO roster (key, layer, name_vi, name_en, members, updated_at, updated_by) "
                                   "VALUES ('known', 'vessel', '', '', CAST(:all AS jsonb), now(), 'x')",
         all=f'["{BOAT}"]')  # fmt: skip
    sea.tick(10)
    sea.hear(fix(INSIDE, 20), fix(INSIDE, 30, BOAT + 1))
    kept = sea.bench.ask("SELECT object_key, cleared_at IS NULL AS open FROM alarm ORDER BY id")
    assert kept == [{"object_key": str(BOAT), "open": True}, {"object_key": str(BOAT + 1), "open": True}]
    told(sea.bench.database.owner, "UPDATE roster SET members = '[]'")
    assert sea.tick(40) == 0  # nobody is raised twice


def test_versions_are_kept_and_what_is_stored_is_not_what_is_resolved(sea) -> None:
    sea.bench.seed([replace(AREA, dwell_s=600)], [rule(applies_to={"length_m": [15, None]})])
    sea.save(replace(AREA, dwell_s=900), rule(applies_to={"length_m": [24, None]}))
    with connected(sea.bench.database.web) as engine, engine.connect() as connection:
        (stored,) = [one for one in stored_rules(connection) if one.key == "breach"]
        (area,) = fences(connection, ["area"])
    assert (stored.dwell_s, stored.version, area.version, area.dwell_s) == (0.0, 2, 2, 900.0)
    kept = sea.bench.ask("SELECT kind, version, actor, value->>'dwell_s' AS dwell FROM revision WHERE key IN "
                         "('area', 'breach') ORDER BY kind, version")  # fmt: skip
    assert [(row["kind"], row["version"], row["actor"]) for row in kept] == [
        ("fence", 1, "hệ thống"), ("fence", 2, "Lan"), ("rule", 1, "hệ thống"), ("rule", 2, "Lan"),
    ]  # fmt: skip
    assert [float(row["dwell"]) for row in kept] == [600, 900, 0, 0]


def test_a_part_of_the_clock_that_fails_takes_no_time_from_the_others(sea, monkeypatch) -> None:
    sea.bench.seed([AREA], [rule(dwell_s=60), rule(key="bad", dwell_s=60)])
    sea.hear(fix(INSIDE, 0))
    sea.tick(10)
    genuine = sea.clock._judge

    def throwing(connection, one, row, now):
        if one.key == "bad":
            raise ZeroDivisionError
        return genuine(connection, one, row, now)

    monkeypatch.setattr(sea.clock, "_judge", throwing)
    monkeypatch.setattr(sea.clock, "_listen", lambda connection, now: 1 // 0)
    assert sea.tick(61) == 1
    assert sea.bench.ask("SELECT r.key FROM alarm JOIN rule r ON r.id = rule_id") == [{"key": "breach"}]
    told(sea.bench.database.owner, "UPDATE alarm SET escalate_due_at = :at", at=when(70))
    assert sea.tick(71) == 1  # escalation comes after the part that fails
