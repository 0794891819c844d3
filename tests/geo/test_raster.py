import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box

from geo.fence import make_valid
from geo.raster import CELLS_MAX, Raster, raster

# Steps of a quarter: corners fall onto each other, onto edges and onto the borders of cells.
COARSE = st.integers(-12, 12).map(lambda step: step / 4)
FINE = st.floats(-3, 3, allow_subnormal=False)
CORNER = st.one_of(st.tuples(COARSE, COARSE), st.tuples(FINE, FINE))
RING = st.lists(CORNER, min_size=3, max_size=12)


@st.composite
def areas(draw: st.DrawFn) -> list[shapely.Geometry]:
    """Whatever a hand draws: holes, parts, slivers, rings that cross themselves; now and then one of the world."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        parts = [Polygon(draw(RING), draw(st.lists(RING, max_size=1))) for _ in range(draw(st.integers(1, 2)))]
        size = draw(st.sampled_from([1e-6, 1e-2, 1.0, 20.0]))
        found.append(shapely.transform(MultiPolygon(parts), lambda xy, size=size: xy * size))
    if draw(st.booleans()):
        found.append(box(-180, -90, 180, 90))
    valid = [make_valid(each) for each in found]
    return [each for each in valid if not each.is_empty]


def exact(given_areas: list[shapely.Geometry], lon: np.ndarray, lat: np.ndarray) -> set[tuple[int, int]]:
    points = shapely.points(lon, lat)
    return {(n, int(i)) for n, area in enumerate(given_areas) for i in np.flatnonzero(shapely.intersects(area, points))}


def told(found: Raster, lon: np.ndarray, lat: np.ndarray) -> set[tuple[int, int]]:
    held = found.hits(lon, lat)
    assert all(len(points) and (np.diff(points) > 0).all() for points in held.values())
    return {(area, int(point)) for area, points in held.items() for point in points}


def borders(found: Raster) -> tuple[np.ndarray, np.ndarray]:
    """Points on the borders of cells with an area over them, and a hair beside."""
    filled = np.flatnonzero(np.diff(found.starts))[:300]
    row, column = np.divmod(filled, found.columns)
    lon, lat = found.west + column / found.scale, found.south + row / found.scale
    beside = np.nextafter(lon, -np.inf), np.nextafter(lat, -np.inf)
    return np.concatenate([lon, beside[0], lon + 0.5 / found.scale]), np.concatenate([lat, beside[1], lat])


@given(areas(), st.lists(st.tuples(FINE, FINE), max_size=30))
@settings(max_examples=60, deadline=None)
def test_hits_are_those_of_the_exact_test_on_corners_edges_borders_and_anywhere(
    drawn: list[shapely.Geometry], anywhere: list[tuple[float, float]]
) -> None:
    found = raster(drawn)
    corners = np.concatenate([np.empty((0, 2)), *[shapely.get_coordinates(each) for each in drawn]])
    middles = (corners[1:] + corners[:-1]) / 2
    spread = np.array(anywhere).reshape(-1, 2)
    places = np.concatenate([corners, middles, spread, spread * 20, np.column_stack(borders(found))])
    lon, lat = places.T
    assert told(found, lon, lat) == exact(drawn, lon, lat)


def test_a_fence_of_the_world_and_tiny_ones_are_told_apart_within_bounded_memory() -> None:
    order = np.random.default_rng(7)
    tiny = [box(x, y, x + 1e-4, y + 1e-4) for x, y in order.uniform((-180, -90), (179, 89), (400, 2))]
    drawn = [box(-180, -90, 180, 90), *tiny, *[box(-170, -80, 170, 80 + n / 100) for n in range(100)]]
    found = raster(drawn)
    assert len(found.entries) <= CELLS_MAX
    assert found.rows * found.columns <= CELLS_MAX
    at = np.array([(each.bounds[0], each.bounds[3]) for each in tiny])
    lon, lat = np.concatenate([at[:, 0], order.uniform(-180, 180, 300)]), np.concatenate([at[:, 1], np.full(300, 85.0)])
    assert told(found, lon, lat) == exact(drawn, lon, lat)


@pytest.mark.parametrize("place", [np.nan, np.inf, -np.inf, 1e300, -1e300])
def test_what_is_no_place_on_the_globe_is_in_no_area(place: float) -> None:
    found = raster([box(-180, -90, 180, 90)])
    for lon, lat in ((place, 0.0), (0.0, place)):
        assert told(found, np.array([lon]), np.array([lat])) == set()


def test_no_areas_hold_no_points() -> None:
    assert told(raster([]), np.array([107.0, np.nan]), np.array([16.0, 16.0])) == set()


@given(areas(), st.lists(st.tuples(FINE, FINE, FINE, FINE), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_no_way_that_meets_an_edge_is_called_far_from_edges(drawn: list, ways: list) -> None:
    found, ends = raster(drawn), np.array(ways)
    lines = shapely.linestrings(ends.reshape(-1, 2, 2))
    edges = shapely.union_all([shapely.boundary(part) for each in drawn for part in shapely.get_parts(each)])
    meets = shapely.intersects(edges, lines)
    assert found.near_edge(*ends.T)[meets].all()
