from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import Geod
from shapely.geometry import LineString, MultiLineString, Point, box

from geo.line import NM_M, crossings, distance_nm
from geo.reference import reference_fences

GEOD = Geod(ellps="WGS84")
NORTH = LineString([(108.0, 16.0), (108.0, 17.0)])  # going east is to its right
CORNER = LineString([(108.0, 16.0), (108.0, 16.5), (108.5, 16.5)])  # north, then east


def crossed(line: object, *ways: tuple[float, float, float, float]) -> list[tuple[int, float, float]]:
    columns = np.array(ways, dtype=float).T
    return [(int(way), float(share), float(side)) for way, share, side in zip(*crossings(line, *columns), strict=True)]


def near(geom: object, lon: float, lat: float, most: float = 100.0) -> float:
    return float(distance_nm(geom, np.array([lon]), np.array([lat]), most)[0])


# How far.


def exactly(geom: object, lon: float, lat: float) -> float:
    """By trying: geodesic distances to points every ten metres or so of the line."""
    along = shapely.get_coordinates(shapely.segmentize(geom, 1e-4))
    _, _, metres = GEOD.inv(along[:, 0], along[:, 1], np.full(len(along), lon), np.full(len(along), lat))
    return float(np.min(metres)) / NM_M


@pytest.mark.parametrize("lat", [8.5, 12.0, 16.5, 21.0])
@pytest.mark.parametrize(("east", "north"), [(0.1, 0.0), (0.0, 0.1), (0.17, 0.11), (-0.2, 0.05), (0.01, -0.3)])
def test_distances_are_geodesic_within_one_percent(lat: float, east: float, north: float) -> None:
    for line in (
        LineString([(107.5, lat), (107.9, lat + 0.3)]),
        LineString([(107.5, lat), (107.6, lat - 0.2), (107.9, lat + 0.05)]),
    ):
        lon_there, lat_there = 107.7 + east, lat + north
        assert near(line, lon_there, lat_there) == pytest.approx(
            exactly(line, lon_there, lat_there), rel=0.01, abs=0.01
        )


def test_distances_to_the_countrys_long_lines_are_geodesic_within_one_percent() -> None:
    lines = {fence.kind: fence.geom for fence in reference_fences() if fence.geom.geom_type == "LineString"}
    order = np.random.default_rng(11)
    for geom in lines.values():
        for place in order.uniform(0, geom.length, 40):
            there = geom.interpolate(float(place))
            lon, lat = there.x + order.normal(0, 0.15), there.y + order.normal(0, 0.15)
            assert near(geom, lon, lat) == pytest.approx(exactly(geom, lon, lat), rel=0.01, abs=0.01)


def test_fact_08_the_inlets_are_as_far_from_the_lines_as_the_domain_sheet_says() -> None:
    lines = {fence.kind: fence.geom for fence in reference_fences()}
    for lon, lat, coast, inshore in ((107.640, 16.573, 12.2, 34.1), (107.911, 16.356, 10.0, 33.4)):
        assert near(lines["coast_line"], lon, lat) == pytest.approx(coast, rel=0.01)
        assert near(lines["inshore_line"], lon, lat) == pytest.approx(inshore, rel=0.01)


def test_inside_an_area_it_is_nothing_and_beyond_the_most_it_is_infinite() -> None:
    area = box(107, 16, 108, 17)
    assert near(area, 107.5, 16.5) == 0.0
    assert near(area, 107.5, 17 + 3 / 60) == pytest.approx(3 * 110_660 / 60 / NM_M, rel=0.01)
    found = distance_nm(area, np.array([107.5, 107.5, 120.0]), np.array([17.04, 17.2, -5.0]), 3.0)
    assert np.isfinite(found).tolist() == [True, False, False]
    assert near(area, 107.5, 17.049, 3.0) < 3.0
    assert distance_nm(area, np.empty(0), np.empty(0), 3.0).tolist() == []


@settings(deadline=None, max_examples=150)
@given(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4), st.floats(0.5, 15))
def test_nothing_within_the_most_is_left_out(east: float, north: float, most: float) -> None:
    lon, lat = 108.0 + east, 16.5 + north
    away = exactly(NORTH, lon, lat)
    assume(abs(away - most) > 0.02 * most)
    assert bool(np.isfinite(near(NORTH, lon, lat, most))) == (away < most)


# Which ways cross, and how.


@pytest.mark.parametrize(
    ("way", "found"),
    [
        ((107.9, 16.5, 108.1, 16.5), [(0, 0.5, -1.0)]),
        ((108.1, 16.5, 107.9, 16.5), [(0, 0.5, 1.0)]),
        ((107.9, 16.2, 108.3, 16.6), [(0, 0.25, -1.0)]),
        ((107.9, 16.5, 107.99, 16.5), []),
        ((107.9, 17.5, 108.1, 17.5), []),  # past its end
        ((108.0, 16.2, 108.0, 16.8), []),  # along it
        ((107.9, 17.0, 108.1, 17.0), []),  # over its very end
        ((108.1, 16.0, 107.9, 16.0), []),  # over its very beginning
        ((107.9, 16.9, 108.0, 17.0), []),  # up to its end
        ((108.0, 16.5, 108.0, 16.5), []),  # nowhere
    ],
)
def test_a_way_crosses_a_line_at_a_share_and_in_a_direction(way, found) -> None:
    assert crossed(NORTH, way) == [(number, pytest.approx(share), side) for number, share, side in found]


def test_the_direction_is_the_lines_own() -> None:
    back = LineString(NORTH.coords[::-1])
    assert [side for _, _, side in crossed(back, (107.9, 16.5, 108.1, 16.5))] == [1.0]


def test_over_a_corner_is_one_crossing() -> None:
    assert crossed(CORNER, (107.9, 16.6, 108.1, 16.4)) == [(0, pytest.approx(0.5), -1.0)]
    assert crossed(CORNER, (108.1, 16.4, 107.9, 16.6)) == [(0, pytest.approx(0.5), 1.0)]


def test_a_corner_that_is_only_touched_is_not_crossed() -> None:
    """Over and back in one and the same place, or not at all: an episode makes nothing of either."""
    roof = LineString([(107.9, 16.4), (108.0, 16.5), (108.1, 16.4)])
    for line in (roof, LineString(roof.coords[::-1])):
        for way in ((107.9, 16.5, 108.1, 16.5), (108.1, 16.5, 107.9, 16.5)):
            found = crossed(line, way)
            assert len(found) in (0, 2)
            assert sum(side for _, _, side in found) == 0.0
    assert sum(side for _, _, side in crossed(CORNER, (107.9, 16.4, 108.1, 16.6))) == 0.0


def test_of_two_ways_that_meet_on_the_line_one_crosses() -> None:
    there = (107.9, 16.5, 108.0, 16.5)
    assert len(crossed(NORTH, there) + crossed(NORTH, (108.0, 16.5, 108.1, 16.5))) == 1
    turned = crossed(NORTH, there) + crossed(NORTH, (108.0, 16.5, 107.9, 16.6))
    assert sum(side for _, _, side in turned) == 0.0
    other = crossed(NORTH, (108.1, 16.5, 108.0, 16.5)) + crossed(NORTH, (108.0, 16.5, 107.9, 16.5))
    assert [side for _, _, side in other] == [1.0]
    turned = crossed(NORTH, (108.1, 16.5, 108.0, 16.5)) + crossed(NORTH, (108.0, 16.5, 108.1, 16.6))
    assert sum(side for _, _, side in turned) == 0.0


def test_many_ways_and_many_parts_are_told_in_order() -> None:
    fence = MultiLineString([NORTH, LineString([(108.2, 16.0), (108.2, 17.0)])])
    found = crossed(fence, (107.9, 16.5, 108.3, 16.5), (107.0, 16.0, 107.1, 16.0), (108.3, 16.4, 108.1, 16.4))
    assert found == [(0, pytest.approx(0.25), -1.0), (0, pytest.approx(0.75), -1.0), (2, pytest.approx(0.5), 1.0)]
    none = crossings(NORTH, *[np.empty(0)] * 4)
    assert [len(column) for column in none] == [0, 0, 0]


def test_a_closed_line_is_crossed_at_its_first_corner_too() -> None:
    ring = box(107, 16, 108, 17).exterior
    lon, lat = ring.coords[0]  # the south-eastern one
    (there,) = crossed(ring, (lon + 0.1, lat - 0.1, lon - 0.1, lat + 0.1))
    (back,) = crossed(ring, (lon - 0.1, lat + 0.1, lon + 0.1, lat - 0.1))
    assert (there[1], there[2]) == (pytest.approx(0.5), -back[2])
    assert sum(side for _, _, side in crossed(ring, (lon - 0.1, lat - 0.1, lon + 0.1, lat + 0.1))) == 0.0


PLACE = st.tuples(st.floats(107, 109), st.floats(16, 18))


@settings(deadline=None, max_examples=300)
@given(st.lists(PLACE, min_size=2, max_size=8), st.lists(st.tuples(PLACE, PLACE), min_size=1, max_size=6))
def test_crossings_are_the_places_that_shapely_finds(corners, ways) -> None:
    line = LineString(corners)
    assume(line.is_valid and line.length > 0.01)
    edges = [LineString(pair) for pair in pairwise(corners) if pair[0] != pair[1]]
    found = crossed(line, *[(*one, *other) for one, other in ways])
    for number, (begin, end) in enumerate(ways):
        way = LineString([begin, end])
        assume(way.length > 1e-3)
        # Nobody asks what shapely makes of a touch: only clear crossings are compared.
        assume(all(way.distance(Point(corner)) > 1e-6 for corner in corners))
        assume(all(line.distance(Point(place)) > 1e-6 for place in (begin, end)))
        expected = sorted(way.project(way.intersection(edge)) / way.length for edge in edges if way.crosses(edge))
        own = [(share, side) for row, share, side in found if row == number]
        assert [share for share, _ in own] == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, max_examples=150)
@given(st.lists(PLACE, min_size=3, max_size=30), st.integers(0, 10))
def test_who_is_west_of_a_line_in_the_end_has_crossed_it_as_often_one_way_as_the_other(places, seed) -> None:
    """Whatever the way, corners and fixes on the line included: crossings to the left and to the right balance."""
    order = np.random.default_rng(seed)
    points = [(round(x, 1), round(y, 1)) if order.random() < 0.5 else (x, y) for x, y in places]
    line = LineString([(108.0, 10.0), (108.0, 17.0), (108.5, 17.1), (108.0, 17.2), (108.0, 25.0)])
    way = [(106.0, 16.0), *points, (106.0, 17.9)]
    found = crossed(line, *[(*one, *other) for one, other in pairwise(way)])
    assert sum(side for _, _, side in found) == 0
