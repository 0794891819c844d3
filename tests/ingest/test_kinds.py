"""What each kind of rule makes of a few positions, through the real worker."""

from datetime import timedelta

import pytest
from shapely.geometry import LineString, box

from geo.fence import Fence
from geo.rule import Rule
from tests.connections import connected, told
from tests.ingest.test_worker import AREA, BOAT, INSIDE, OUTSIDE, T0, fix, rule, when
from tests.nmea import message

HOUR, DAY = 3600.0, 86_400.0
LINE = Fence("line", "line", "Ranh giới", "Border", LineString([(108.0, 16.0), (108.0, 17.0)]), hysteresis_m=500)
COLUMNS = "transition, observed_at"
NM = 1 / 60.0  # of latitude, about


@pytest.fixture
def hear(bench, work):
    """Each call is one batch of fixes, heard a day later, when the clock has nothing more to say."""

    def run(*lines: bytes) -> None:
        work(bench.batch(T0 + DAY, *lines))

    return run


def journal(bench, key: str | None = None) -> list[tuple[str, float]]:
    wanted = (
        "" if key is None else "JOIN alarm ON alarm.id = alarm_id JOIN rule ON rule.id = rule_id AND rule.key = :key"
    )
    rows = bench.ask(f"SELECT transition, j.observed_at FROM alarm_journal j {wanted} ORDER BY j.id",
                     **({} if key is None else {"key": key}))  # fmt: skip
    return [(row["transition"], row["observed_at"].timestamp() - T0) for row in rows]


def alarms(bench, what: str = "object_key") -> list[object]:
    return [row["what"] for row in bench.ask(f"SELECT {what} AS what FROM alarm ORDER BY id")]


def test_coming_in_and_going_out_are_events(bench, hear) -> None:
    bench.seed([AREA], [rule(key="in", kind="enter"), rule(key="out", kind="exit", dwell_s=120)])
    hear(fix(INSIDE, 0))
    assert journal(bench) == []  # seen first where it is
    hear(fix(OUTSIDE, 600))
    assert journal(bench, "out") == [("raise", 600), ("clear", 600)]
    hear(fix(INSIDE, 1200), fix(INSIDE, 1210))
    assert journal(bench, "in") == [("raise", 1200), ("clear", 1200)]
    hear(fix(OUTSIDE, 1260))  # too short a stay
    assert len(journal(bench, "out")) == 2
    assert bench.one("SELECT count(*) FROM alarm WHERE cleared_at IS NULL") == 0
    assert bench.one("SELECT bool_and(raised_at = cleared_at) FROM alarm")
    assert bench.one("SELECT count(*) FROM presence WHERE raised") == 0


def test_coming_in_and_going_out_are_seen_between_two_fixes(bench, hear) -> None:
    thin = Fence("area", "area", "Khu", "Area", box(107.5, 16.0, 107.51, 17.0))
    bench.seed([thin], [rule(key="in", kind="enter"), rule(key="out", kind="exit")])
    hear(fix((107.45, 16.5), 0), fix((107.55, 16.5), 1000))
    assert journal(bench, "in") == [("raise", 500), ("clear", 500)]
    assert journal(bench, "out") == [("raise", 600), ("clear", 600)]
    assert all(alarms(bench, "evidence->>'interpolated'"))


WEST, EAST = (107.9, 16.5), (108.1, 16.5)


@pytest.mark.parametrize(("direction", "told_at"), [("both", [500, 2500]), ("to_right", [500]), ("to_left", [2500])])
def test_a_line_is_crossed_in_a_direction(bench, hear, direction: str, told_at: list[float]) -> None:
    """The line was drawn northwards: going east is to its right."""
    bench.seed([LINE], [rule(kind="crossing", fence_key="line", params={"direction": direction})])
    hear(fix(WEST, 0), fix(EAST, 1000))
    hear(fix(EAST, 1100))
    hear(fix(EAST, 2000), fix(WEST, 3000))
    assert journal(bench) == [each for at in told_at for each in (("raise", at), ("clear", at))]
    sides = {500: -1.0, 2500: 1.0}
    assert alarms(bench, "value") == [sides[int(at)] for at in told_at]
    assert alarms(bench, "round(ST_X(geom)::numeric, 3)::float") == [108.0] * len(told_at)


def test_what_turns_back_at_the_line_has_not_crossed_it(bench, hear) -> None:
    bench.seed([LINE], [rule(kind="crossing", fence_key="line")])
    hear(fix(WEST, 0), fix((108.002, 16.5), 1000))  # 200 m beyond it
    assert journal(bench) == []
    assert bench.one("SELECT value FROM presence") == -1.0
    hear(fix((107.998, 16.5), 1100))
    hear(fix(WEST, 2000))
    assert journal(bench) == []
    assert bench.one("SELECT count(*) FROM presence") == 0
    hear(fix((108.002, 16.5), 3000))
    hear(fix(EAST, 3900))
    assert [transition for transition, _ in journal(bench)] == ["raise", "clear"]
    assert 2900 < journal(bench)[0][1] < 3000


def test_fact_11_an_open_line_is_approached_in_steps_and_never_crossed(bench, hear) -> None:
    bench.seed([LINE], [rule(kind="approach", fence_key="line", severity="critical",
                             params={"steps_nm": [15, 10, 6, 3]})])  # fmt: skip
    # Beyond the line's end it is near the line and on no side of it.
    way = [20, 14, 9, 5, 2, 1, 2, 5, 2, 20]
    for number, nm in enumerate(way):
        hear(fix((108.0, 17.0 + nm * NM), 1800 * number))
    told_of = bench.ask("SELECT transition, data->>'value' AS value FROM alarm_journal ORDER BY id")
    assert [row["transition"] for row in told_of] == ["raise", "step", "step", "step", "step", "clear"]
    assert [float(row["value"]) for row in told_of if row["value"]] == [10, 6, 3, 3]
    assert alarms(bench, "severity") == ["critical"]
    assert [at for _, at in journal(bench)] == [1800, 3600, 5400, 7200, 14_400, 16_200]


def test_too_fast_in_an_area_and_slow_enough_again(bench, hear) -> None:
    fast = rule(kind="threshold", params={"column": "speed", "above": 10, "deadband": 2}, dwell_s=60, off_delay_s=60)
    bench.seed([AREA], [fast])
    hear(fix(OUTSIDE, 0, speed=20.0), fix(INSIDE, 3600, speed=20.0), fix(INSIDE, 3650, speed=9.0))
    hear(fix(INSIDE, 3700, speed=12.0), fix(INSIDE, 3720, speed=7.0), fix(INSIDE, 3800, speed=7.0))
    hear(fix(INSIDE, 3900, speed=7.0))
    assert journal(bench) == [("raise", 3660), ("clear", 3780)]
    assert bench.one("SELECT (evidence->>'speed')::float FROM alarm") in (9.0, 12.0)


def test_a_threshold_needs_no_fence_and_knows_what_was_told_once(bench, hear) -> None:
    deep = rule(kind="threshold", fence_key=None, params={"column": "draught", "below": 3.0})
    bench.seed([], [deep])
    hear(fix(INSIDE, 0))
    assert journal(bench) == []
    hear(*message(5, BOAT, shipname="TTH 1", ship_type=30, draught=2.5, received_at=T0 + 5), fix(INSIDE, 10))
    assert [transition for transition, _ in journal(bench)] == ["raise"]
    assert bench.one("SELECT (evidence->>'draught')::float FROM alarm") == 2.5


NEAR = (107.5015, 16.5)  # 160 m from INSIDE
FAR = (107.52, 16.5)
MEET = rule(kind="proximity", fence_key=None, params={"distance_m": 500, "hysteresis_m": 200}, dwell_s=600)
TWO = BOAT + 1


def meeting(at: float, place=NEAR) -> list[bytes]:
    return [fix(INSIDE, at), fix(place, at + 1, TWO)]


@pytest.mark.parametrize("batches", [1, 2])
def test_two_that_meet_are_one_alarm(bench, hear, batches: int) -> None:
    bench.seed([], [MEET])
    lines = [*meeting(0), *meeting(300), *meeting(700)]
    for part in [lines] if batches == 1 else [[line] for line in lines]:
        hear(*part)
    assert journal(bench) == [("raise", 601)]
    assert alarms(bench, "object_key || ' ' || other_key") == [f"{BOAT} {TWO}"]
    assert bench.one("SELECT (evidence->>'distance_m')::int FROM alarm") == pytest.approx(160, abs=3)
    hear(*meeting(900, FAR))
    assert journal(bench) == [("raise", 601), ("clear", 901)]
    assert bench.one("SELECT count(*) FROM presence") == 0


def test_one_of_two_may_be_known_only_from_before(bench, hear) -> None:
    bench.seed([], [MEET])
    hear(fix(NEAR, 0, TWO))
    hear(fix(INSIDE, 100))
    assert bench.ask("SELECT object_key, other_key FROM presence") == [{"object_key": str(BOAT), "other_key": str(TWO)}]
    hear(fix(INSIDE, 800))
    assert journal(bench) == [("raise", 700)]


def test_an_old_position_is_no_meeting(bench, hear) -> None:
    bench.seed([], [MEET])
    hear(fix(NEAR, 0, TWO))
    hear(fix(INSIDE, 1201))
    assert bench.one("SELECT count(*) FROM presence") == 0


def test_only_those_of_whom_the_rule_speaks_meet(bench, hear) -> None:
    bench.seed([], [rule(kind="proximity", fence_key=None, params={"distance_m": 500}, applies_to={"exclude": [TWO]})])
    hear(*meeting(0))
    assert journal(bench) == []


# When: hours, seasons, validity. T0 is 16:00 UTC, 23:00 in Huế, on Monday 24 November 2025.

NIGHT = ({"days": [1, 2, 3, 4, 5, 6, 7], "from": "22:00", "to": "04:00"},)


def test_a_state_holds_in_its_hours_only(bench, hear) -> None:
    assert when(0).isoformat() == "2025-11-24T16:00:00+00:00"
    bench.seed([AREA], [rule(schedule=NIGHT)])
    hear(fix(INSIDE, -2 * HOUR), fix(INSIDE, -HOUR - 1))
    assert journal(bench) == []
    hear(fix(INSIDE, -HOUR), fix(INSIDE, 5 * HOUR - 1))
    hear(fix(INSIDE, 5 * HOUR), fix(INSIDE, 6 * HOUR))
    assert journal(bench) == [("raise", -HOUR), ("clear", 5 * HOUR)]


def test_the_beginning_and_the_end_of_the_hours_are_no_coming_in_and_no_going_out(bench, hear) -> None:
    bench.seed([AREA], [rule(key="in", kind="enter", schedule=NIGHT), rule(key="out", kind="exit", schedule=NIGHT)])
    hear(fix(OUTSIDE, -6 * HOUR), fix(INSIDE, -4 * HOUR), fix(INSIDE, 0), fix(INSIDE, 6 * HOUR))
    hear(fix(OUTSIDE, 8 * HOUR))
    assert journal(bench) == []
    hear(fix(INSIDE, 23.5 * HOUR))
    hear(fix(OUTSIDE, 24 * HOUR))
    assert journal(bench, "in") == [("raise", 23.5 * HOUR), ("clear", 23.5 * HOUR)]
    assert journal(bench, "out") == [("raise", 24 * HOUR), ("clear", 24 * HOUR)]


def test_a_line_crossed_out_of_hours_is_the_way_back_and_nothing_else(bench, hear) -> None:
    bench.seed([LINE], [rule(kind="crossing", fence_key="line", schedule=NIGHT)])
    hear(fix(WEST, 5 * HOUR - 600), fix((108.002, 16.5), 5 * HOUR - 1))
    hear(fix(WEST, 5 * HOUR + 1000))
    hear(fix(EAST, 6 * HOUR - 1000), fix(EAST, 6 * HOUR))
    assert journal(bench) == []


@pytest.mark.parametrize(("season", "found"), [((("11-20", "01-31"),), 1), ((("04-01", "06-30"),), 0), ((), 1)])
def test_a_fence_holds_in_its_season(bench, hear, season, found: int) -> None:
    bench.seed([Fence("area", "area", "Khu", "Area", AREA.geom, season=season)], [rule()])
    hear(fix(INSIDE, 0))
    assert len(alarms(bench)) == found


def test_a_fence_that_begins_to_hold_is_no_coming_in(bench, hear) -> None:
    later = Fence("area", "area", "Khu", "Area", AREA.geom, valid_from=when(1000))
    bench.seed([later], [rule(key="in", kind="enter"), rule(key="stay")])
    hear(fix(OUTSIDE, -9000), fix(INSIDE, 0), fix(INSIDE, 2000))
    assert journal(bench) == [("raise", 2000)]
    assert alarms(bench, "(SELECT key FROM rule WHERE id = rule_id)") == ["stay"]


# Who: conditions, lists, and a fence's own.


def named(bench, hear, number: int, shipname: str, **more: object) -> None:
    hear(*message(5, BOAT + number, shipname=shipname, received_at=T0, **{"ship_type": 30, **more}))


CONDITIONS = [
    ({}, {0, 1, 2, 3}),
    ({"ship_type": [30, 31]}, {0, 1, 3}),
    ({"ship_type": {"in": [30, "70"]}}, {0, 1, 2, 3}),
    ({"ship_type": {"not_in": [30]}}, {2}),
    ({"shipname": {"prefix": ["tth"]}}, {0, 1}),
    ({"shipname": {"not_prefix": ["TTH", "QNA"]}}, {2}),
    ({"include": [BOAT, str(BOAT + 2)]}, {0, 2}),
    ({"exclude": [BOAT]}, {1, 2, 3}),
    ({"ship_type": [70, 80], "include": [BOAT]}, {0, 2}),
    ({"ship_type": [30, 31], "exclude": ["@known"]}, {0, 1}),
    ({"include": ["@known", BOAT + 1]}, {1, 3}),
    ({"include": ["@empty"]}, set()),
    ({"include": ["@gone"]}, set()),
    ({"exclude": ["@empty"]}, {0, 1, 2, 3}),
    ({"mmsi": [BOAT + 2, None]}, {2, 3}),
]


@pytest.mark.parametrize(("where", "found"), CONDITIONS, ids=str)
def test_of_whom_a_rule_speaks(bench, hear, where: dict, found: set[int]) -> None:
    bench.seed([AREA], [rule(applies_to=where)])
    for key, members in (("known", f'["{BOAT + 3}"]'), ("empty", "[]")):
        told(bench.database.owner, "INSERT INTO roster (key, layer, name_vi, name_en, members, updated_at, updated_by) "
                                   "VALUES (:key, 'vessel', '', '', CAST(:members AS jsonb), now(), 'x')",
             key=key, members=members)  # fmt: skip
    for number, name in enumerate(["TTH 91234 TS", "TTH 90001", "HAI AU", "QNA 1"]):
        named(bench, hear, number, name, ship_type=70 if number == 2 else 30)
    hear(*[fix(INSIDE, 10 + number, BOAT + number) for number in range(4)])
    assert {int(str(key)) - BOAT for key in alarms(bench)} == found


FENCED = [
    ({"ship_type": [30, 31]}, {"length_m": [15, None]}, {0}),
    ({"length_m": [15, None]}, {"length_m": [None, 24]}, {0}),
    ({"exclude": [BOAT]}, {"exclude": [BOAT + 1]}, {2}),
    ({"include": [BOAT]}, {"ship_type": [30, 31]}, {0}),
    ({"ship_type": [30, 31]}, {"include": [BOAT + 1, BOAT + 2]}, {1}),
    ({"exclude": [BOAT]}, {"ship_type": [30, 31]}, {1}),
    ({}, {"ship_type": [30, 31]}, {0, 1}),
    ({"ship_type": [30, 31]}, {}, {0, 1}),
]


@pytest.mark.parametrize(("fence_where", "where", "found"), FENCED, ids=str)
def test_a_fences_conditions_hold_for_every_rule_about_it(bench, hear, fence_where, where, found: set[int]) -> None:
    """Three boats: fishing of 18 m, fishing of 12 m, cargo of 90 m."""
    bench.seed([Fence("area", "area", "Khu", "Area", AREA.geom, applies_to=fence_where)], [rule(applies_to=where)])
    for number, (kind, bow) in enumerate([(30, 9), (30, 6), (70, 45)]):
        named(bench, hear, number, f"TAU {number}", ship_type=kind, to_bow=bow, to_stern=bow)
    hear(*[fix(INSIDE, 10 + number, BOAT + number) for number in range(3)])
    assert {int(str(key)) - BOAT for key in alarms(bench)} == found


def test_a_fences_dwell_is_the_least_of_every_rule_about_it(bench, hear) -> None:
    slow = Fence("area", "area", "Khu", "Area", AREA.geom, dwell_s=600)
    bench.seed([slow], [rule(dwell_s=60), rule(key="longer", dwell_s=900)])
    hear(*[fix(INSIDE, 300 * n) for n in range(6)])
    assert journal(bench, "breach") == [("raise", 600)]
    assert journal(bench, "longer") == [("raise", 900)]


def test_a_delayed_end_is_told_by_the_next_fix_where_no_clock_was(bench, hear) -> None:
    bench.seed([AREA], [rule(off_delay_s=120)])
    hear(fix(OUTSIDE, 0), fix(INSIDE, 3600), fix(OUTSIDE, 7200), fix(INSIDE, 10_800))
    assert journal(bench) == [("raise", 3600), ("clear", 7320), ("raise", 10_800)]


def test_a_breach_suppresses_the_approach_and_gives_it_back(bench, hear) -> None:
    """Amber and red of one fence, as its editor makes them."""
    amber = rule(key="amber", kind="approach", params={"steps_nm": [1.0]}, severity="medium")
    bench.seed([AREA], [amber, rule(key="red", dwell_s=60)])
    border = 17.0
    for at, lat in [
        (0, border + 2 * NM),
        (1200, border + 0.5 * NM),
        (2400, 16.9),
        (2500, 16.9),
        (3700, border + 0.7 * NM),
    ]:
        hear(fix((107.5, lat), at))
    rows = bench.ask("SELECT transition, r.key FROM alarm_journal j JOIN alarm a ON a.id = alarm_id "
                     "JOIN rule r ON r.id = rule_id ORDER BY j.id")  # fmt: skip
    assert [(row["transition"], row["key"]) for row in rows] == [
        ("raise", "amber"), ("raise", "red"), ("suppress", "amber"), ("clear", "red"), ("release", "amber"),
    ]  # fmt: skip


def test_promise_25_a_rule_that_throws_stops_no_other(bench, hear) -> None:
    """A range over a column of texts: no number to compare."""
    wrong = rule(key="wrong", applies_to={"shipname": [1, 2]})
    bench.seed([AREA], [wrong, rule()])
    named(bench, hear, 0, "TTH 1")
    hear(fix(INSIDE, 10))
    assert journal(bench) == [("raise", 10)]
    faults = bench.one("SELECT faults FROM feed WHERE source = 'ais.test'")
    assert any("wrong" in name for name in faults)


def test_an_alarm_says_what_was_known_of_its_object(bench, hear) -> None:
    bench.seed([AREA], [rule()])
    named(bench, hear, 0, "TTH 91234", to_bow=9, to_stern=9)
    hear(fix(INSIDE, 10, speed=2.5))
    (row,) = bench.ask("SELECT object_label, evidence, raised_at FROM alarm")
    assert row["object_label"] == "TTH 91234"
    assert row["evidence"]["ship_type"] == 30
    assert row["evidence"]["length_m"] == 18
    assert row["raised_at"] == when(0) + timedelta(seconds=10)


def test_a_silent_boat_that_speaks_again_ends_its_alarm(bench, hear) -> None:
    lost = Rule("lost", "silence", "vessel", "Mất tín hiệu", "Lost", "high", params={"silence_s": 3600})
    bench.seed([], [lost])
    hear(fix(INSIDE, 0))
    with connected(bench.database.ingest) as engine, engine.connect() as connection:
        from layers import discover
        from run.clock import Clock

        clock = Clock(discover(), engine, bench.redis_url, now=lambda: when(4000))
        assert clock.tick(connection) == 1
    assert journal(bench) == [("raise", 3600)]
    hear(fix(INSIDE, 5000))
    assert journal(bench) == [("raise", 3600), ("clear", 5000)]
    assert bench.one("SELECT count(*) FROM presence") == 0
