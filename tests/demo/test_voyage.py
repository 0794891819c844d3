"""Boats go out and home, fish where their length allows, and never cross land or a drawn area."""

import numpy as np
import pytest
import shapely

from demo.area import areas
from demo.fleet import fleet
from demo.plan import Rounds, motion
from demo.sea import distance_nm, is_clear, route
from demo.track import Activity
from demo.traffic import craft, merchants
from demo.voyage import departure, voyage, voyage_number
from geo.basemap import is_land
from geo.reference import reference_fences
from geo.zone import COASTAL, INSHORE, OFFSHORE, zones_of

NOW = 1_795_300_000.0  # a Saturday in November 2026
MINUTES = np.arange(NOW - 36 * 3600, NOW, 60.0)


def sample(step=7):
    return fleet(1)[::step]


@pytest.fixture(scope="module")
def ways():
    return {boat: motion(Rounds(1, boat), MINUTES) for boat in sample()}


def test_no_boat_crosses_land(ways):
    for boat, way in ways.items():
        assert not is_land(way.lon, way.lat).any(), boat.registration


def test_no_ship_and_no_tug_crosses_land():
    for ship, plan in (*merchants(1), *craft(1)):
        way = motion(plan, MINUTES)
        assert not is_land(way.lon, way.lat).any(), ship.shipname


def test_nobody_jumps(ways):
    for way in [*ways.values(), *(motion(plan, MINUTES) for _, plan in (*merchants(1), *craft(1)))]:
        step_nm = np.hypot(np.diff(way.lon) * np.cos(np.radians(16.6)), np.diff(way.lat)) * 60
        assert step_nm.max() < 24 / 60  # knots
        assert way.speed.max() < 22


def test_ordinary_traffic_stays_out_of_the_drawn_areas(ways):
    for way in [*ways.values(), *(motion(plan, MINUTES) for _, plan in (*merchants(1), *craft(1)))]:
        for area in areas():
            assert not shapely.contains_xy(shapely.Polygon(area.ring), way.lon, way.lat).any()


def test_every_boat_fishes_in_the_zone_of_its_length(ways):
    zones = zones_of(reference_fences())
    seen = set()
    for boat, way in ways.items():
        fishing = way.activity == Activity.FISHING
        codes = set(zones.classify(way.lon[fishing], way.lat[fishing]).tolist())
        lawful = OFFSHORE if boat.length_m >= 15 else INSHORE if boat.length_m >= 12 else COASTAL
        assert codes <= {lawful}, boat.registration
        seen |= codes
    assert seen == {COASTAL, INSHORE, OFFSHORE}


def test_boats_of_15_m_and_more_only_pass_through_the_inshore_zone(ways):
    # Otherwise an ordinary voyage would break the rule that the scripted trawler breaks.
    zones = zones_of(reference_fences())
    for boat in (boat for boat in fleet(1) if boat.length_m >= 15 and boat.registration[:3] != "TTH"):
        ways = {**ways, boat: motion(Rounds(1, boat), MINUTES)}
    for boat, way in ways.items():
        if boat.length_m >= 15:
            slow = way.speed < 4
            assert INSHORE not in zones.classify(way.lon[slow], way.lat[slow]), boat.registration


def test_fishing_is_slow_and_transit_is_7_to_9_knots(ways):
    for boat, way in ways.items():
        if boat.length_m < 12:
            continue
        fishing = way.speed[way.activity == Activity.FISHING]
        fast = way.speed[(way.activity == Activity.UNDERWAY) & (way.speed > 6.5)]
        if len(fishing):
            assert np.median(fishing) < (7.2 if boat.gear == "seine" else 5.0), boat.registration
        if len(fast) > 60:
            assert 6.5 < np.median(fast) < 9.5, boat.registration


def test_boats_leave_in_the_afternoon_and_come_home_at_dawn():
    leave, back = [], []
    for boat in fleet(1):
        if boat.length_m < 15:
            continue
        number = voyage_number(1, boat, NOW)
        leave.append((departure(1, boat, number) / 3600 + 7) % 24)
        back.append((voyage(1, boat, number).end / 3600 + 7) % 24)
    assert min(leave) > 12.9
    assert max(leave) < 18.3
    assert 3.5 < np.median(back) < 8


def test_nobody_leaves_before_being_home():
    for boat in fleet(1):
        number = voyage_number(1, boat, NOW)
        assert voyage(1, boat, number).end < departure(1, boat, number + 1), boat.registration
        track = voyage(1, boat, number)
        assert departure(1, boat, number) == track.start <= NOW
        assert distance_nm((track.lon[0], track.lat[0]), (track.lon[-1], track.lat[-1])) < 0.01


@pytest.mark.parametrize("hour", [1, 8, 12, 17, 22])
def test_at_any_hour_some_are_at_sea_and_some_in_port(hour):
    at = (NOW // 86400) * 86400 + (hour - 7) * 3600
    still = [motion(Rounds(1, boat), at).activity[0] == Activity.MOORED for boat in sample(5)]
    assert 0.1 < np.mean(still) < 0.8


def test_any_moment_far_away_can_be_asked_for():
    boat = fleet(1)[100]
    for at in (0.0, NOW - 10 * 365 * 86400, NOW + 10 * 365 * 86400):
        way = motion(Rounds(1, boat), at)
        assert 106 < way.lon[0] < 111
        assert 14 < way.lat[0] < 18


def test_the_same_seed_gives_the_same_ways_and_another_seed_others():
    boat = fleet(1)[200]
    first = motion(Rounds(1, boat), MINUTES)
    voyage.cache_clear()
    again = motion(Rounds(1, boat), MINUTES)
    other = motion(Rounds(2, boat), MINUTES)
    np.testing.assert_array_equal(first.lon, again.lon)
    assert not np.array_equal(first.lon, other.lon)


def test_a_way_goes_round_what_stands_between():
    way = route((107.67, 16.62), (108.20, 16.85))
    assert len(way) > 2
    line = shapely.LineString(way)
    assert not any(line.intersects(shapely.Polygon(area.ring)) for area in areas())
    assert len(route((107.67, 16.62), (107.9, 17.3))) == 2


def test_no_way_leads_ashore():
    assert not is_clear((107.5, 16.4))
    with pytest.raises(ValueError, match="no way by sea"):
        route((107.67, 16.62), (107.5, 16.4))
