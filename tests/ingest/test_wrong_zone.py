"""Fishing zones by length and role: what the rule makes of a boat's fixes (facts 9 and 10)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from pyproj import Geod
from shapely.geometry import Point

from geo.actor import SYSTEM
from geo.column import STAMP
from geo.episode import Raise
from geo.fence import Fences
from geo.figure import Figures, put_figures, seeds
from geo.fleet import Boat, put_boat
from geo.heard import tell
from geo.reference import reference_fences, reference_ports, reference_waters
from geo.rule import Rule, checked
from ingest.judgement import judge_rule, subject_of
from ingest.scene import Scene
from ingest.straying import follow_strays
from layers.vessel import LAYER as VESSEL_LAYER
from layers.vms import VMS
from tests.connections import connected
from tests.ingest.test_worker import T0 as AT
from tests.ingest.test_worker import fix, when

T0 = datetime(2026, 11, 21, 3, tzinfo=UTC)
LAW = Figures(seeds())
FENCES = Fences((*reference_fences(), *reference_ports(), *reference_waters()))
COASTAL, INSHORE, OFFSHORE, BEYOND = (107.75, 16.72), (108.3, 16.72), (108.8, 17.2), (112.0, 23.0)
RULE = Rule("zone", "wrong_zone", "vms", "Sai vùng", "Wrong zone", "high", qualifies={"speed": [None, 4]}, figures=LAW)


def scene(fixes: list[tuple[float, tuple[float, float], float]], fences: Fences = FENCES, **boat: Any) -> Scene:
    """One boat's fixes (minute, place, speed) as its rule sees them."""
    at = pd.Series([T0 + timedelta(minutes=minute) for minute, _, _ in fixes]).astype(STAMP)
    records = pd.DataFrame({
        "registration": "TTH-91234-TS", "observed_at": at, "received_at": at,
        "lon": [place[0] for _, place, _ in fixes], "lat": [place[1] for _, place, _ in fixes],
        "speed": [speed for _, _, speed in fixes],
    })  # fmt: skip
    state = {"length_m": 16.0, "role": "catching", "home_province": "Huế", "simulated": False, **boat}
    after = pd.DataFrame([{**state, "observed_at": at.iloc[-1]}], index=pd.Index(["TTH-91234-TS"], name="registration"))
    after = after.assign(registration=after.index, lon=records["lon"].iloc[-1], lat=records["lat"].iloc[-1])
    return Scene.of([RULE], fences, VMS, "registration", records, after.iloc[:0], after)


def raised(
    rule: Rule, fixes: list[tuple[float, tuple[float, float], float]], fences: Fences = FENCES, **boat: Any
) -> list[float]:
    """The minutes at which the rule raises."""
    steps = judge_rule(rule, scene(fixes, fences, **boat), {})
    return [(verdict.at - T0) / timedelta(minutes=1) for step in steps for verdict, _ in step.verdicts
            if isinstance(verdict, Raise)]  # fmt: skip


WORKING = 2.5
WRONG = {
    (16.0, "catching"): {COASTAL, INSHORE}, (14.9, "catching"): {COASTAL, OFFSHORE},
    (12.0, "catching"): {COASTAL, OFFSHORE}, (11.9, "catching"): {INSHORE, OFFSHORE},
    (15.0, "logistics"): set(), (24.0, "logistics"): set(), (12.0, "logistics"): {OFFSHORE},
    (14.9, "logistics"): {OFFSHORE}, (11.9, "logistics"): {INSHORE, OFFSHORE},
}  # fmt: skip


@pytest.mark.parametrize("boat", WRONG)
@pytest.mark.parametrize("place", [COASTAL, INSHORE, OFFSHORE, BEYOND])
def test_fact_09_a_boat_in_a_zone_that_is_not_for_its_length_and_role(boat, place) -> None:
    length_m, role = boat
    assert raised(RULE, [(0, place, WORKING)], length_m=length_m, role=role) == ([0] if place in WRONG[boat] else [])


def test_fact_09_of_a_boat_that_the_register_does_not_know_nothing_is_said() -> None:
    assert raised(RULE, [(0, INSHORE, WORKING)], role=None) == []
    assert raised(RULE, [(0, INSHORE, WORKING)], length_m=None) == []


SMALL = {"length_m": 10.5, "role": "catching", "home_province": "Quảng Ngãi"}
# On the sideways limit between Huế and Quảng Trị, and off Quảng Trị and off Đà Nẵng.
LIMIT, NORTH, EAST = (107.4808, 16.8385), (107.30, 16.95), (108.40, 16.07)


@pytest.mark.parametrize(
    ("boat", "place", "flagged"),
    [
        ({}, COASTAL, True),
        ({"home_province": "Huế"}, COASTAL, False),
        ({"home_province": "Quảng Trị"}, COASTAL, True),
        ({"role": "logistics"}, COASTAL, False),
        ({"length_m": 11.9}, COASTAL, True),
        ({}, NORTH, False),
        ({}, EAST, False),
        ({}, (107.40, 16.745), True),  # a mile from the limit, close to the shore: no other waters are near
    ],
)
def test_fact_09_a_small_boat_of_another_province_in_hues_coastal_waters_is_flagged(boat, place, flagged) -> None:
    steps = judge_rule(RULE, told := scene([(0, place, WORKING)], **(SMALL | boat)), {})
    found = [subject_of(RULE, told, step.target, verdict, look)["evidence"] for step in steps
             for verdict, look in step.verdicts if isinstance(verdict, Raise)]  # fmt: skip
    wanted = {"zone": "coastal", "allowed": ["coastal"], "waters": "ven_bo_hue"}
    assert [{name: one[name] for name in wanted} for one in found] == ([wanted] if flagged else [])


@pytest.mark.parametrize(("metres", "flagged"), [(-600, False), (300, False), (700, True)])
def test_fact_10_beside_the_sideways_limit_a_position_may_be_wrong(metres: float, flagged: bool) -> None:
    # Along the coast, south-east of the limit are Huế's waters.
    lon, lat, _ = Geod(ellps="WGS84").fwd(*LIMIT, 133.0, metres)
    assert raised(RULE, [(0, (lon, lat), WORKING)], **SMALL) == ([0.0] if flagged else [])


def test_two_provinces_that_agree_may_fish_in_each_others_coastal_waters() -> None:
    (own,) = reference_waters()
    agreed = replace(own, applies_to={"home_province": {"not_in": ["Huế", "Quảng Ngãi"]}})
    fences = Fences((*reference_fences(), agreed))
    assert raised(RULE, [(0, COASTAL, WORKING)], fences, **SMALL) == []
    assert raised(RULE, [(0, COASTAL, WORKING)], fences, **(SMALL | {"home_province": "Đà Nẵng"})) == [0.0]


@pytest.mark.parametrize(
    ("gear", "hour", "speed", "works"),
    [
        ("trawl", 3, 5.0, True), ("trawl", 3, 1.0, False), ("gillnet", 3, 5.0, False), ("gillnet", 3, 1.0, True),
        ("seine", 3, 1.5, True), ("seine", 3, 0.0, False), ("squid", 14, 0.0, False), ("gillnet", 3, 0.4, False),
        ("squid", 3, 0.5, False), ("squid", 14, 0.5, True), (None, 3, 5.5, True), (None, 3, 8.0, False),
    ],
)  # fmt: skip
def test_fact_10_each_gear_is_worked_at_speeds_of_its_own(gear, hour: int, speed: float, works: bool) -> None:
    rule = replace(RULE, qualifies={}, params={"by_gear": True})
    minute = (hour - T0.hour) * 60.0  # of UTC: Việt Nam is seven hours ahead
    assert bool(raised(rule, [(minute, INSHORE, speed)], gear=gear)) is works


@pytest.mark.parametrize(("length_m", "told"), [(14.9, [0.0]), (15.0, [])])
def test_a_rule_for_boats_that_need_no_device_leaves_the_others_to_theirs(length_m: float, told: list[float]) -> None:
    rule = replace(RULE, params={"unmonitored": True})
    assert raised(rule, [(0, COASTAL, WORKING)], length_m=length_m) == told


def test_the_registers_length_counts_where_ais_tells_another() -> None:
    at_12_m = {"length_m": 16.0, "register_length_m": 12.0}
    assert raised(RULE, [(0, INSHORE, WORKING)], **at_12_m) == []
    assert raised(RULE, [(0, OFFSHORE, WORKING)], **at_12_m) == [0.0]


def test_fact_10_transit_at_8_knots_from_thuan_an_to_the_offshore_zone_raises_nothing() -> None:
    start, end = (107.64, 16.573), (108.8, 17.2)
    way = [(minute, tuple(a + (b - a) * minute / 600 for a, b in zip(start, end, strict=True)), 8.0)
           for minute in range(0, 601, 10)]  # fmt: skip
    assert raised(RULE, way) == []
    assert raised(RULE, [*way, (610, INSHORE, WORKING)]) == [610]


def test_fact_10_a_boat_in_port_works_nowhere() -> None:
    at_quay, roads, outside = (107.640, 16.557), (107.655, 16.587), (107.675, 16.60)  # 0, 3.7 and 6 km from the port
    assert raised(RULE, [(0, at_quay, WORKING), (60, roads, WORKING)]) == []
    assert raised(RULE, [(0, at_quay, WORKING), (60, outside, WORKING)]) == [60]


def test_fact_10_who_stays_long_enough_is_told_without_being_slow() -> None:
    stays = Rule(**{**vars(RULE), "qualifies": {}, "dwell_s": 7_200.0})
    assert raised(stays, [(0, INSHORE, 7.0), (60, INSHORE, 7.0)]) == []
    assert raised(stays, [(0, INSHORE, 7.0), (60, INSHORE, 7.0), (121, INSHORE, 7.0)]) == [120]


@pytest.mark.parametrize(("metres", "told"), [(-100, []), (100, []), (480, []), (520, [0]), (3_000, [0])])
def test_fact_10_the_buffer_is_at_least_the_error_of_a_position(metres: float, told: list[float]) -> None:
    # From Tuyến lộng towards the coast: at right angles to the line, which runs to the south-east.
    line = FENCES.by_key["tuyen_long"].geom
    on, ahead = (
        line.interpolate(line.project(Point(108.1, 17.0))),
        line.interpolate(line.project(Point(108.1, 17.0)) + 0.01),
    )
    geod = Geod(ellps="WGS84")
    azimuth, _, _ = geod.inv(on.x, on.y, ahead.x, ahead.y)
    lon, lat, _ = geod.fwd(on.x, on.y, azimuth + 90, metres)
    assert raised(RULE, [(0, (lon, lat), WORKING)]) == told


def test_a_wider_buffer_is_the_rules_own_and_a_narrower_one_is_not() -> None:
    near = (107.75, 16.72)
    assert raised(Rule(**{**vars(RULE), "params": {"buffer_m": 0}}), [(0, near, WORKING)]) == [0]
    assert raised(Rule(**{**vars(RULE), "params": {"buffer_m": 50_000}}), [(0, INSHORE, WORKING)]) == []


def test_the_alarm_says_in_which_zone_it_was_and_which_are_allowed() -> None:
    seen = scene([(0, INSHORE, WORKING)])
    (step,) = judge_rule(RULE, seen, {})
    ((verdict, look),) = step.verdicts
    facts = subject_of(RULE, seen, step.target, verdict, look)["evidence"]
    assert facts | {"zone": "inshore", "allowed": ["offshore"], "length_m": 16.0} == facts


def test_it_takes_no_fence() -> None:
    with pytest.raises(ValueError, match="takes no fence"):
        checked(Rule(**{**vars(RULE), "fence_key": "vung_long"}))


def test_fact_09_a_small_boat_that_ais_alone_hears_is_flagged_and_is_a_case(bench, work) -> None:
    rule = next(one for one in VESSEL_LAYER.rules if one.kind == "wrong_zone")
    bench.seed([*reference_fences(), *reference_waters()], [rule])
    mmsi = 574_195_518
    with connected(bench.database.owner) as owner, owner.begin() as connection:
        put_figures(connection, seeds())
        put_boat(connection, Boat("QNg-95518-TS", 10.5, "Quảng Ngãi", mmsi=mmsi, gear="trawl"), SYSTEM, T0)
    work(bench.batch(AT, fix(COASTAL, 0, mmsi, speed=3.0)))
    assert bench.one("SELECT count(*) FROM presence") == 0  # nobody knows yet whose vessel it is
    with connected(bench.database.ingest) as ingest, ingest.begin() as connection:
        assert tell(connection) == 1
    for minute in range(1, 13):
        work(bench.batch(AT + minute * 60, fix(COASTAL, minute * 60, mmsi, speed=3.0)))
    (alarm,) = bench.ask("SELECT object_key, evidence FROM alarm")
    assert alarm["object_key"] == str(mmsi)
    assert (alarm["evidence"]["registration"], alarm["evidence"]["waters"]) == ("QNg-95518-TS", "ven_bo_hue")
    with connected(bench.database.ingest) as ingest, ingest.begin() as connection:
        assert follow_strays(connection, LAW, when(13 * 60)) == 1
    (case,) = bench.ask("SELECT registration, kind, owner_level, facts FROM boat_case")
    assert (case["registration"], case["kind"], case["owner_level"]) == ("QNg-95518-TS", "zone", "provincial")
    assert case["facts"]["waters"] == "ven_bo_hue"
