"""Where a storm is dangerous and who is in it, against figures reckoned by hand with pyproj's Geod."""

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pyproj import Geod

from geo.storm_area import Met, Point, Track, circle, meet, metres, onward, swept

GEOD = Geod(ellps="WGS84")
T0 = datetime(2026, 11, 28, 6, tzinfo=UTC)
DAY = timedelta(hours=24)
STILL = float("nan")


def hours(n: float) -> datetime:
    return T0 + timedelta(hours=n)


# Westward along 16°N from 113°E at 20 km/h, level 6 out to 200 km, level 10 out to 80 km.
END_LON, END_LAT, _ = GEOD.fwd(113, 16, 270, 480_000)
WEST = Track(
    (Point(T0, 113, 16, {6: 200, 10: 80}, 10, 13), Point(hours(24), END_LON, END_LAT, {6: 200, 10: 80}, 10, 13))
)


def met(track: Track, lon: float, lat: float, speed=STILL, course=STILL, age_s=0.0, now=T0) -> Met:
    each = ([lon], [lat], [speed], [course], [age_s])
    return meet(track, *map(np.array, each), now, DAY)


def test_between_two_points_the_storm_is_on_the_geodesic_and_its_circles_in_between() -> None:
    track = Track((Point(T0, 113, 15, {6: 300, 10: 100}), Point(hours(12), 109, 17, {6: 180})))
    course, _, length = GEOD.inv(113, 15, 109, 17)
    lon, lat, _ = GEOD.fwd(113, 15, course, length / 4)
    at_lon, at_lat, radii = track.at([hours(3), hours(-1), hours(12), hours(12.1)])
    assert (at_lon[0], at_lat[0]) == (pytest.approx(lon, abs=1e-9), pytest.approx(lat, abs=1e-9))
    assert (radii[6][0], radii[10][0]) == (pytest.approx(270_000), pytest.approx(75_000))
    assert (at_lon[2], at_lat[2]) == (pytest.approx(109), pytest.approx(17))
    assert np.isnan([at_lon[1], at_lat[3], radii[6][1], radii[10][3]]).all()  # no bulletin tells of these moments


def test_a_storm_passes_over_a_boat_that_stands_still() -> None:
    lon, lat, _ = GEOD.fwd(113, 16, 270, 400_000)  # on its way: its edge is 200 km off, which takes ten hours
    found = met(WEST, lon, lat)
    assert found.now[0] == 0
    assert found.worst[0] == 10
    assert found.enters_s[0] / 3600 == pytest.approx(10, abs=0.01)
    assert found.distance_m[0] == pytest.approx(400_000, abs=20)
    assert found.nearest_m[0] == pytest.approx(0, abs=2_600)  # the centre is over it at 20 h
    assert found.nearest_s[0] / 3600 == pytest.approx(20, abs=0.26)
    # 150 km beside the way: in the circle of level 6 alone, from where 150² + x² = 200².
    lon, lat, back = GEOD.fwd(113, 16, 270, 300_000)
    lon, lat, _ = GEOD.fwd(lon, lat, back - 90, 150_000)
    found = met(WEST, lon, lat)
    assert found.worst[0] == 6
    assert found.enters_s[0] / 3600 == pytest.approx((300 - np.sqrt(200**2 - 150**2)) / 20, abs=0.05)


def test_a_boat_inside_is_inside_now_at_the_level_of_its_circle() -> None:
    for km, level in ((199.9, 6), (200.1, 0), (79.9, 10), (80.1, 6)):
        lon, lat, _ = GEOD.fwd(113, 16, 0, km * 1000)
        found = met(WEST, lon, lat)
        assert found.now[0] == level, km
        assert found.edge_m[0] == pytest.approx((km - 200) * 1000, abs=20)  # it is never nearer than now
        assert (found.enters_s[0] == 0) == (level > 0)


def test_a_boat_that_runs_out_of_the_way_before_the_storm_comes_is_never_inside() -> None:
    lon, lat, _ = GEOD.fwd(113, 16, 270, 400_000)
    assert met(WEST, lon, lat, speed=12, course=0).worst[0] == 0  # 24 h at 22 km/h to the north
    assert met(WEST, lon, lat, speed=4, course=0).worst[0] == 6  # too slow
    assert met(WEST, lon, lat, speed=12, course=STILL).worst[0] == 10  # a speed without a course leads nowhere


def test_a_boat_goes_in_only_through_its_own_way() -> None:
    lon, lat, _ = GEOD.fwd(113, 16, 0, 260_000)
    still = met(Track((Point(T0, 113, 16, {6: 200}), Point(hours(24), 113, 16, {6: 200}))), lon, lat)
    assert (still.worst[0], np.isnan(still.enters_s[0])) == (0, True)
    assert still.edge_m[0] == pytest.approx(60_000, abs=20)
    own = met(Track((Point(T0, 113, 16, {6: 200}), Point(hours(24), 113, 16, {6: 200}))), lon, lat, speed=6, course=180)
    assert own.worst[0] == 6
    assert own.enters_s[0] / 3600 == pytest.approx(60 / (6 * 1.852), abs=0.01)  # 60 km at six knots: 5.4 h


def test_the_way_since_an_old_fix_is_run_already() -> None:
    lon, lat, _ = GEOD.fwd(113, 16, 0, 260_000)
    track = Track((Point(T0, 113, 16, {6: 200}), Point(hours(24), 113, 16, {6: 200})))
    found = met(track, lon, lat, speed=6, course=180, age_s=3 * 3600)
    assert found.enters_s[0] / 3600 == pytest.approx(60 / (6 * 1.852) - 3, abs=0.01)
    assert found.distance_m[0] == pytest.approx(260_000 - 3 * 6 * 1852, abs=30)


def test_beyond_its_points_a_track_says_nothing_and_a_circle_of_nothing_holds_nobody() -> None:
    gone = met(WEST, 113, 16, now=hours(25))
    assert (gone.now[0], gone.worst[0], np.isnan(gone.distance_m[0])) == (0, 0, True)
    later = met(WEST, 113, 16, now=hours(-6))  # its first point is six hours ahead
    assert later.enters_s[0] == pytest.approx(6 * 3600)
    weak = Track((Point(T0, 113, 16, {}, 5), Point(hours(24), 113, 16, {6: 240}, 6)))
    found = met(weak, *GEOD.fwd(113, 16, 90, 120_000)[:2])
    assert found.enters_s[0] / 3600 == pytest.approx(12, abs=0.01)  # it grows by ten km an hour


def test_a_track_without_a_circle_endangers_nobody() -> None:
    bare = Track((Point(T0, 113, 16, {}, 5), Point(hours(24), 112, 16, {}, 5)))
    found = met(bare, 113, 16)
    assert (found.now[0], found.worst[0], np.isnan(found.enters_s[0]), np.isnan(found.edge_m[0])) == (0, 0, True, True)
    assert found.distance_m[0] == pytest.approx(0, abs=1)


@pytest.mark.parametrize(("minutes", "enters"), [(0, None), (10, None), (100, 90), (20, None)])
def test_the_last_look_is_at_the_horizon_however_short_it_is(minutes: int, enters: float | None) -> None:
    lon, lat, _ = GEOD.fwd(113, 16, 270, 230_000)  # 30 km before its edge: an hour and a half at 20 km/h
    found = meet(WEST, *map(np.array, ([lon], [lat], [STILL], [STILL], [0.0])), T0, timedelta(minutes=minutes))
    if enters is None:
        assert np.isnan(found.enters_s[0])
    else:
        assert found.enters_s[0] / 60 == pytest.approx(enters, abs=1)


def test_lengths_and_ways_are_those_of_the_ellipsoid() -> None:
    random = np.random.default_rng(7)
    lon, to_lon = random.uniform(100, 125, (2, 2_000))
    lat, to_lat = random.uniform(4, 24, (2, 2_000))
    assert np.abs(metres(lon, lat, to_lon, to_lat) - GEOD.inv(lon, lat, to_lon, to_lat)[2]).max() < 10
    assert metres(lon, lat, lon, lat).max() == 0
    north = onward(np.array([110.0]), np.array([16.0]), np.array([0.0]), np.array([300_000.0]))
    assert GEOD.inv(110, 16, 110, 16 + (north[1][0] - 16))[2] == pytest.approx(300_000, abs=5)
    # A boat that keeps its course eastwards stays on its parallel; the shortest way would leave it.
    east = onward(np.array([110.0]), np.array([16.0]), np.array([90.0]), np.array([200_000.0]))
    assert east[1][0] == pytest.approx(16)
    assert (east[0][0] - 110) * 111_320 * np.cos(np.radians(16)) == pytest.approx(200_000, rel=2e-3)


def test_circles_and_what_they_sweep_are_shapes_of_that_size() -> None:
    ring = circle(113, 16, 200_000).exterior
    assert ring.is_ccw
    away = [GEOD.inv(113, 16, *corner)[2] for corner in ring.coords]
    assert (min(away), max(away)) == (pytest.approx(200_000), pytest.approx(200_000))
    area = abs(GEOD.geometry_area_perimeter(swept(WEST, 6, T0, hours(24)))[0])
    assert area == pytest.approx(np.pi * 200_000**2 + 400_000 * 480_000, rel=0.01)  # a circle and a band
    assert swept(WEST, 6, hours(30), hours(54)) is None


def test_five_thousand_boats_over_a_day_take_seconds_at_most() -> None:
    random = np.random.default_rng(3)
    n = 5_000
    columns = random.uniform(105, 118, n), random.uniform(8, 21, n), random.uniform(0, 10, n), random.uniform(0, 360, n)
    ages = random.uniform(0, 20_000, n)
    meet(WEST, *columns, ages, T0, DAY)
    began = time.process_time()
    found = meet(WEST, *columns, ages, T0, DAY)
    assert time.process_time() - began < 3  # half a second on a machine of its own: a bound on blunders
    # Each as if it were alone.
    for one in random.integers(0, n, 20):
        alone = met(WEST, *(float(column[one]) for column in columns), age_s=float(ages[one]))
        assert alone.worst[0] == found.worst[one]
        np.testing.assert_allclose(alone.enters_s[0], found.enters_s[one])
