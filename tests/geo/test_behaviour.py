"""What boats do, by Global Fishing Watch's definitions: at the figures' edges, and only there (fact 20)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from shapely.geometry import Point

from geo.behaviour.boat import behaviour
from geo.behaviour.criteria import criteria
from geo.behaviour.encounter import encounters
from geo.behaviour.fishing import fishing
from geo.behaviour.gap import gaps
from geo.behaviour.loitering import loitering
from geo.behaviour.port_visit import port_visits
from geo.behaviour.way import Ports, Way, ports_of, way_of
from geo.fence import Fence, widen
from geo.figure import Figures, seeds
from geo.offshore import offshore_nm
from geo.reference import reference_ports

T0 = datetime(2026, 11, 21, 2, tzinfo=UTC)
CRITERIA = criteria(Figures(seeds()), T0)
PORTS = ports_of(reference_ports())
NO_PORT = Ports((), (), (), np.empty(0), np.empty(0))
SEA = (109.6, 17.2)
NM = 1 / 60
MINUTE, HOUR = 60.0, 3600.0


def seconds(hours: float) -> float:
    return T0.timestamp() + hours * HOUR


def way(legs, start=SEA, every_s=180.0, ports: Ports = NO_PORT, tell: bool = True, begins: float = 0.0) -> Way:
    """A boat that sails legs of (minutes, knots, course); its fixes come every so many seconds, and at every turn."""
    knots_at, knots_lon, knots_lat = [seconds(begins)], [start[0]], [start[1]]
    for minutes, speed, course in legs:
        far = speed * minutes / 60 * NM
        knots_at.append(knots_at[-1] + minutes * MINUTE)
        knots_lat.append(knots_lat[-1] + far * np.cos(np.radians(course)))
        knots_lon.append(knots_lon[-1] + far * np.sin(np.radians(course)) / np.cos(np.radians(knots_lat[-2])))
    at = np.union1d(np.arange(knots_at[0], knots_at[-1], every_s), knots_at)
    lon, lat = np.interp(at, knots_at, knots_lon), np.interp(at, knots_at, knots_lat)
    leg = np.clip(np.searchsorted(knots_at, at, side="right") - 1, 0, len(legs) - 1)
    told = np.array([speed for _, speed, _ in legs], float)[leg]
    return way_of(at, lon, lat, told if tell else np.full(len(at), np.nan), ports)


def far_off(nm: float):
    """A sea whose every place is so far from shore."""
    return lambda lon, lat: np.full(np.atleast_1d(lon).shape, nm)


def silent(*times_h: float, start=SEA) -> Way:
    at = [seconds(each) for each in times_h]
    return way_of(at, np.full(len(at), start[0]), np.full(len(at), start[1]), np.full(len(at), 3.0), NO_PORT)


# Encounters


def meeting(minutes: float, apart_m: float = 300, knots: float = 1.0, **more) -> list:
    """Two boats that come together, drift side by side for so long, and part at once."""
    one = way([(120, knots, 90), (minutes, knots, 90), (120, knots, 90)], **more)
    # The other one lies far off, is beside it from one moment to the next, and is gone again.
    lat = (
        one.lat
        + np.where((one.at >= seconds(2)) & (one.at <= seconds(2) + minutes * MINUTE), apart_m, 90_000) / 111_195
    )
    other = way_of(one.at, one.lon, lat, np.full(len(one), knots), one.ports)
    return encounters(one, other, CRITERIA)


def test_fact_20_an_encounter_of_119_minutes_is_none_and_one_of_121_is_one() -> None:
    assert meeting(119) == []
    (event,) = meeting(121)
    assert event.kind == "encounter"
    assert event.confidence == "usual"
    assert event.parameters["hours"] == pytest.approx(121 / 60, abs=0.02)
    assert event.parameters["median_m"] == pytest.approx(300, abs=2)


@pytest.mark.parametrize(("apart_m", "there"), [(490, True), (510, False)])
def test_fact_20_an_encounter_is_within_500_m(apart_m: float, there: bool) -> None:
    assert bool(meeting(150, apart_m=apart_m)) is there


@pytest.mark.parametrize(("knots", "there"), [(1.9, True), (2.0, False), (4.0, False)])
def test_fact_20_an_encounter_is_slower_than_two_knots(knots: float, there: bool) -> None:
    assert bool(meeting(150, knots=knots)) is there


@pytest.mark.parametrize(("km", "there"), [(9.5, False), (10.5, True)])
def test_fact_20_an_encounter_is_ten_kilometres_from_an_anchorage(km: float, there: bool) -> None:
    port = Fence("port", "port", "Cảng", "Port", widen(Point(SEA), 3000), hysteresis_m=1000)
    # Drifting west to east past its north, so that the middle of the meeting is that far away.
    start = (SEA[0] - 3.08 * NM / np.cos(np.radians(SEA[1])), SEA[1] + km / 111.195)
    assert bool(meeting(130, start=start, ports=ports_of([port]))) is there


def test_the_moments_of_an_encounter_are_those_of_the_ways_between_fixes() -> None:
    # One lies still, the other passes in a straight line at 0.25 kn: 500 m before and after, a chord of 1,000 m.
    one = way([(600, 0, 0)], every_s=600)
    half_h = 500 / 1852 / 0.25
    lon = SEA[0] + (np.array([-5.0, 5.0]) * 0.25 * NM) / np.cos(np.radians(SEA[1]))
    other = way_of([seconds(0), seconds(10)], lon, [SEA[1]] * 2, [0.25, 0.25], NO_PORT)
    assert encounters(one, other, CRITERIA) == []  # two fixes ten hours apart say nothing of what lies between
    hours = np.linspace(0, 10, 61)
    other = way_of(
        seconds(0) + hours * HOUR, np.interp(hours, [0, 10], lon), np.full(61, SEA[1]), np.full(61, 0.25), NO_PORT
    )
    (event,) = encounters(one, other, CRITERIA)
    assert event.began_at.timestamp() == pytest.approx(seconds(5 - half_h), abs=20)
    assert event.ended_at.timestamp() == pytest.approx(seconds(5 + half_h), abs=20)


def test_an_encounter_is_the_same_seen_from_either_boat() -> None:
    one = way([(240, 1, 90)])
    other = way([(60, 5, 180), (200, 1, 88)], start=(SEA[0] + 0.016, SEA[1] + 5.05 * NM), every_s=137)
    ab, ba = encounters(one, other, CRITERIA), encounters(other, one, CRITERIA)
    assert ab == ba
    assert len(ab) == 1


def test_a_silence_in_the_middle_parts_an_encounter() -> None:
    whole = way([(300, 1, 90)])
    beside = way_of(whole.at, whole.lon, whole.lat + 200 / 111_195, whole.told, NO_PORT)
    assert len(encounters(whole, beside, CRITERIA)) == 1
    kept = (beside.at < seconds(1.9)) | (beside.at > seconds(3.2))
    holed = way_of(beside.at[kept], beside.lon[kept], beside.lat[kept], beside.told[kept], NO_PORT)
    assert encounters(whole, holed, CRITERIA) == []


# Loitering


@pytest.mark.parametrize(("hours", "there"), [(3, False), (4, True), (7, True)])
def test_fact_20_loitering_is_of_four_hours(hours: int, there: bool) -> None:
    drift = way([(60, 8, 90), (hours * 60, 1.2, 90), (60, 8, 90)])
    found = loitering(drift, CRITERIA, far_off(25))
    assert [event.parameters["hours"] for event in found] == ([hours] if there else [])


@pytest.mark.parametrize(("nm", "there"), [(19.9, False), (20.1, True)])
def test_fact_20_loitering_is_twenty_miles_from_shore(nm: float, there: bool) -> None:
    assert bool(loitering(way([(360, 1.0, 90)]), CRITERIA, far_off(nm))) is there


@pytest.mark.parametrize(("knots", "there"), [(1.9, True), (2.1, False)])
def test_loitering_is_slower_than_two_knots_by_the_way_run(knots: float, there: bool) -> None:
    # What the transponder says of its speed is not asked.
    assert bool(loitering(way([(360, knots, 90)], tell=False), CRITERIA, far_off(30))) is there


def test_loitering_is_the_same_wherever_a_look_begins() -> None:
    drift = way([(77, 8, 90), (500, 1, 90), (60, 8, 90)])
    (whole,) = loitering(drift, CRITERIA, far_off(30))
    for cut in (1, 7, 20):
        part = way_of(drift.at[cut:], drift.lon[cut:], drift.lat[cut:], drift.told[cut:], NO_PORT)
        (again,) = loitering(part, CRITERIA, far_off(30))
        assert (again.began_at, again.ended_at) == (whole.began_at, whole.ended_at)


def test_a_long_silence_is_no_loitering() -> None:
    drift = way([(420, 1, 90)])
    kept = (drift.at < seconds(2)) | (drift.at > seconds(5))
    part = way_of(drift.at[kept], drift.lon[kept], drift.lat[kept], drift.told[kept], NO_PORT)
    assert loitering(part, CRITERIA, far_off(30)) == []


# Gaps


def test_fact_20_a_gap_is_of_six_hours() -> None:
    now = T0 + timedelta(hours=20)
    assert gaps(silent(0, 5.98, 6, 11.9, 17.8, 20), CRITERIA, now, far_off(60)) == []
    (event,) = gaps(silent(0, 6.01, 10, 15, 19.9), CRITERIA, now, far_off(60))
    assert (event.kind, event.parameters["hours"]) == ("gap", 6.01)


@pytest.mark.parametrize(
    ("hours", "nm", "before", "kind"),
    [(12, 50, 14, "possible_disabling"), (11.9, 50, 14, "gap"), (12, 49.9, 14, "gap"), (12, 50, 13, "gap")],
)
def test_fact_20_disabling_needs_twelve_hours_fifty_miles_and_fourteen_positions(hours, nm, before, kind) -> None:
    times = [*np.linspace(-11.9, 0, before), hours]
    found = gaps(silent(*times), CRITERIA, T0 + timedelta(hours=hours + 1), far_off(nm))
    assert [event.kind for event in found] == [kind]


def test_a_monitoring_device_with_its_six_positions_in_twelve_hours_never_shows_signs_of_disabling() -> None:
    found = gaps(silent(*np.arange(-24, 0.1, 2), 40), CRITERIA, T0 + timedelta(hours=41), far_off(120))
    assert [event.kind for event in found] == ["gap"]


def test_a_silence_that_goes_on_has_no_end_and_grows_into_a_sign() -> None:
    heard = silent(*np.linspace(-6, 0, 60))
    assert gaps(heard, CRITERIA, T0 + timedelta(hours=5.9), far_off(70)) == []
    (event,) = gaps(heard, CRITERIA, T0 + timedelta(hours=7), far_off(70))
    assert (event.kind, event.ended_at) == ("gap", None)
    (event,) = gaps(heard, CRITERIA, T0 + timedelta(hours=13), far_off(70))
    assert (event.kind, event.ended_at) == ("possible_disabling", None)


@pytest.mark.parametrize(
    ("away", "kind"),
    [((-3, -0.1), "possible_disabling"), ((-3, 0.1), "gap"), ((19.9, 30), "gap"), ((20.1, 30), "possible_disabling")],
)
def test_a_silence_that_its_source_had_part_in_is_no_sign_and_says_so(away: tuple[float, float], kind: str) -> None:
    heard, now = silent(*np.linspace(-6, 0, 60), 20), T0 + timedelta(hours=21)
    begin, end = (T0 + timedelta(hours=each) for each in away)
    (event,) = gaps(heard, CRITERIA, now, far_off(70), away=[(begin, end)])
    assert (event.kind, event.parameters.get("source_silent", False)) == (kind, kind == "gap")


def test_a_silence_in_port_is_no_gap() -> None:
    port = PORTS.lon[0], PORTS.lat[0]
    at = [seconds(0), seconds(30)]
    lying = way_of(at, [port[0]] * 2, [port[1]] * 2, [0, 0], PORTS)
    assert gaps(lying, CRITERIA, T0 + timedelta(hours=31)) == []


# Ports


def harbour_call(lie_min: float, out_nm: float = 6.0, knots: float = 6.0) -> Way:
    start = (PORTS.lon[0], PORTS.lat[0] + out_nm * NM)
    minutes = out_nm / knots * 60
    return way([(minutes, knots, 180), (lie_min, 0, 0), (minutes, knots, 0)], start=start, every_s=60, ports=PORTS)


def test_a_port_is_entered_below_three_kilometres_and_left_beyond_four() -> None:
    call = harbour_call(90)
    (event,) = port_visits(call, CRITERIA)
    assert (event.parameters["port"], event.parameters["stops"], event.parameters["entry_seen"]) == (
        "cang_thuan_an",
        1,
        True,
    )
    entered, left = (np.interp(each.timestamp(), call.at, call.port_m) for each in (event.began_at, event.ended_at))
    step_m = 6 * 1852 / 60
    assert 3000 - step_m <= entered <= 3000 + 15
    assert 4000 - 15 <= left <= 4000 + step_m


def test_who_only_passes_visits_no_port() -> None:
    start = (PORTS.lon[0], PORTS.lat[0] + 6 * NM)
    assert port_visits(way([(90, 6, 180), (60, 6, 0)], start=start, every_s=60, ports=PORTS), CRITERIA) == []


def test_a_silence_of_four_hours_in_port_is_a_visit_without_a_stop() -> None:
    call = harbour_call(300)
    under_way = call.told > 0.5
    mute = way_of(call.at[under_way], call.lon[under_way], call.lat[under_way], call.told[under_way], PORTS)
    (event,) = port_visits(mute, CRITERIA)
    assert (event.parameters["stops"], event.parameters["silences"]) == (0, 1)


def test_a_stay_that_goes_on_is_known_by_its_beginning_however_little_of_it_is_seen() -> None:
    call = harbour_call(600)
    (whole,) = port_visits(call, CRITERIA)
    late = call.at > seconds(4)
    part = way_of(call.at[late], call.lon[late], call.lat[late], call.told[late], PORTS, in_port_before=True)
    (again,) = port_visits(part, CRITERIA, since=whole.began_at)
    assert (again.began_at, again.ended_at) == (whole.began_at, whole.ended_at)


def test_on_the_margin_a_boat_is_where_it_was_before() -> None:
    lat = PORTS.lat[0] + np.array([0.5, 3.5, 3.5, 4.5, 3.5]) / 111.195
    at = seconds(0) + np.arange(5) * 600
    lon, told = np.full(5, PORTS.lon[0]), np.zeros(5)
    # North of the port no other one is near.
    assert way_of(at, lon, lat, told, PORTS).in_port.tolist() == [True, True, True, False, False]
    assert way_of(at[1:], lon[1:], lat[1:], told[1:], PORTS, in_port_before=True).in_port.tolist() == [
        True,
        True,
        False,
        False,
    ]


# Fishing


@pytest.mark.parametrize(
    ("gear", "knots", "there"),
    [
        ("trawl", 3.5, True), ("trawl", 1.9, False), ("trawl", 5.6, False),
        ("gillnet", 0.5, True), ("gillnet", 4.0, True), ("gillnet", 4.2, False),
        ("longline", 2.5, True), ("handline", 2.5, True),
        (None, 5.0, True), ("ống lặn", 5.0, True), (None, 6.0, False),
    ],
)  # fmt: skip
def test_each_gear_is_worked_at_its_own_speeds(gear, knots, there) -> None:
    found = fishing(way([(120, 9, 90), (90, knots, 90), (120, 9, 90)]), gear, CRITERIA)
    assert bool(found) is there
    for event in found:
        assert event.confidence == ("usual" if gear in ("trawl", "gillnet", "longline", "handline") else "low")
        assert event.parameters["hours"] == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize(("minutes", "there"), [(29, False), (31, True)])
def test_fishing_lasts_half_an_hour(minutes: float, there: bool) -> None:
    # A fix a minute; the turns' own fixes tell the next leg's speed.
    found = fishing(way([(60, 9, 90), (minutes, 3, 90), (60, 9, 90)], every_s=60), "trawl", CRITERIA)
    assert bool(found) is there


def test_a_haul_between_two_tows_parts_them_not_and_a_long_way_does() -> None:
    tows = [(60, 3.5, 90), (20, 0.8, 90), (60, 3.5, 270)]
    assert len(fishing(way(tows), "trawl", CRITERIA)) == 1
    assert len(fishing(way([tows[0], (80, 9, 90), tows[2]]), "trawl", CRITERIA)) == 2


def test_near_a_port_nobody_fishes() -> None:
    start = (PORTS.lon[0], PORTS.lat[0] + 1.0 * NM)
    assert fishing(way([(120, 1.0, 90)], start=start, ports=PORTS), "gillnet", CRITERIA) == []
    assert (
        len(fishing(way([(120, 1.0, 90)], start=(start[0], start[1] + 3 * NM), ports=PORTS), "gillnet", CRITERIA)) == 1
    )


def test_squid_is_fished_at_night() -> None:
    drift = [(180, 0.5, 90)]
    assert fishing(way(drift, begins=2.0), "squid", CRITERIA) == []  # 11:00 in Vietnam
    assert len(fishing(way(drift, begins=11.0), "squid", CRITERIA)) == 1  # 20:00


def test_a_seine_is_hauled_after_the_boat_went_round() -> None:
    circle = [(1.5, 4.5, course) for course in range(0, 390, 30)]
    haul = [(70, 0.4, 80)]
    assert len(fishing(way([(40, 6, 0), *circle, *haul], every_s=60), "seine", CRITERIA)) == 1
    assert fishing(way([(40, 6, 0), (20, 4.5, 10), *haul], every_s=60), "seine", CRITERIA) == []


def test_what_reports_every_two_hours_implies_is_of_low_confidence() -> None:
    tow = [(120, 3.2, 90)] * 5
    (event,) = fishing(way(tow, every_s=7200, tell=False), "trawl", CRITERIA)
    assert (event.confidence, event.parameters["positions"]) == ("low", 6)


def test_reports_that_failed_in_between_part_what_is_coarse() -> None:
    whole = way([(120, 3.2, 90)] * 9, every_s=7200)
    assert len(fishing(whole, "trawl", CRITERIA)) == 1
    kept = np.array([True, True, True, True, False, False, True, True, True, True])
    part = way_of(whole.at[kept], whole.lon[kept], whole.lat[kept], whole.told[kept], NO_PORT)
    assert len(fishing(part, "trawl", CRITERIA)) == 2


# All of it


def test_no_two_events_of_one_kind_overlap() -> None:
    rng = np.random.default_rng(7)
    for _ in range(40):
        legs = [(float(rng.uniform(5, 400)), float(rng.choice([0, 0.3, 1, 3, 6, 9])), float(rng.uniform(0, 360)))
                for _ in range(12)]  # fmt: skip
        whole = way(legs, every_s=float(rng.choice([60, 180, 1800, 7200])), ports=PORTS, start=(107.64, 16.62))
        kept = rng.random(len(whole)) > 0.2
        part = way_of(whole.at[kept], whole.lon[kept], whole.lat[kept], whole.told[kept], PORTS)
        now = datetime.fromtimestamp(part.at[-1] + 30_000, UTC)
        found = behaviour(part, CRITERIA, now, str(rng.choice(["trawl", "gillnet", "squid", "seine"])), True)
        for kind in {event.kind for event in found}:
            own = sorted((e for e in found if e.kind == kind), key=lambda event: event.began_at)
            assert all(a.ended_at is not None and a.ended_at <= b.began_at for a, b in pairwise(own))
            assert all(event.ended_at is None or event.ended_at >= event.began_at for event in own)


def test_the_order_in_which_fixes_came_says_nothing() -> None:
    whole = way([(90, 3, 90), (30, 0.8, 0), (400, 1.2, 200), (60, 9, 10)], ports=PORTS)
    mixed = np.random.default_rng(3).permutation(len(whole))
    twice = np.concatenate([mixed, mixed[:50]])
    again = way_of(whole.at[twice], whole.lon[twice], whole.lat[twice], whole.told[twice], PORTS)
    now = datetime.fromtimestamp(whole.at[-1], UTC)
    assert behaviour(again, CRITERIA, now, "trawl", True) == behaviour(whole, CRITERIA, now, "trawl", True)


def test_a_boat_that_was_heard_once_or_never_did_nothing() -> None:
    now = T0 + timedelta(hours=1)
    for times in ((), (0,)):
        assert behaviour(silent(*times), CRITERIA, now, "trawl", True) == []


def test_distances_from_shore_are_those_of_the_chart() -> None:
    # Off Thuận An; in khơi; beside Đảo Hoàng Sa and Lý Sơn, whose shores are shores.
    found = offshore_nm([107.640, 108.3, 111.61, 109.12], [16.573, 16.72, 16.53, 15.42])
    assert found[0] < 0.5
    assert found[1] == pytest.approx(27.6, abs=0.5)
    assert found[2] < 5
    assert found[3] < 5
