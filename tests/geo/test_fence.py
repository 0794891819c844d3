from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from geo.actor import Actor
from geo.database import engine
from geo.fence import METRES_PER_DEGREE, Fence, Fences, fences, put_fences, widen
from geo.reference import reference_fences

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ME = Actor("Lan")


def star(x: float, y: float, size: float, points: int, seed: int) -> Polygon:
    order = np.random.default_rng(seed)
    angles = np.sort(order.uniform(0, 2 * np.pi, points))
    radius = order.uniform(0.3, 1, points) * size
    return Polygon(np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)]))


def test_hits_are_what_shapely_finds_one_by_one() -> None:
    order = np.random.default_rng(1)
    items = tuple(
        Fence(f"f{n}", "area", "", "", star(*order.uniform((107, 16), (109, 18)), 0.4, 40, n), hysteresis_m=300)
        for n in range(25)
    )
    lon, lat = order.uniform(106.5, 109.5, 600), order.uniform(15.5, 18.5, 600)
    core, halo = Fences(items).hits(lon, lat)
    points = [Point(x, y) for x, y in zip(lon, lat, strict=True)]
    for item in items:
        geom = shapely.make_valid(item.geom)
        assert core.get(item.key, np.array([])).tolist() == [i for i, p in enumerate(points) if geom.intersects(p)]
        wide = widen(geom, 300)
        assert halo.get(item.key, np.array([])).tolist() == [i for i, p in enumerate(points) if wide.intersects(p)]


def test_a_multipolygon_is_even_odd_within_one_polygon_and_or_across_polygons() -> None:
    holed = Polygon(box(107, 16, 108, 17).exterior.coords, [box(107.4, 16.4, 107.6, 16.6).exterior.coords])
    item = Fence("m", "area", "", "", MultiPolygon([holed, box(107.45, 16.45, 107.55, 16.55), box(109, 16, 110, 17)]))
    core, _ = Fences((item,)).hits(np.array([107.1, 107.42, 107.5, 109.5, 108.5]), np.full(5, 16.5))
    assert core["m"].tolist() == [0, 2, 3]


def test_a_ring_that_crosses_itself_follows_the_even_odd_rule_and_stops_nobody() -> None:
    bow = Fence("bow", "area", "", "", Polygon([(107, 16), (108, 17), (108, 16), (107, 17)]), hysteresis_m=100)
    other = Fence("other", "area", "", "", box(107, 16, 109, 17))
    core, _ = Fences((bow, other)).hits(np.array([107.9, 107.1, 107.5]), np.array([16.5, 16.5, 16.9]))
    assert core["bow"].tolist() == [0, 1]
    assert core["other"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("lat", [8.5, 12.0, 16.5, 21.0])
@pytest.mark.parametrize("metres", [50.0, 500.0, 5000.0])
def test_hysteresis_is_in_metres_in_every_direction(lat: float, metres: float) -> None:
    area = box(107, lat, 107.02, lat + 0.02)
    wide = widen(area, metres)
    west, south, east, north = wide.bounds
    assert (107 - west) * METRES_PER_DEGREE * np.cos(np.radians(lat)) == pytest.approx(metres, rel=0.04)
    assert (east - 107.02) * METRES_PER_DEGREE * np.cos(np.radians(lat)) == pytest.approx(metres, rel=0.04)
    assert (lat - south) * METRES_PER_DEGREE == pytest.approx(metres, rel=0.04)
    assert (north - lat - 0.02) * METRES_PER_DEGREE == pytest.approx(metres, rel=0.04)
    assert widen(area, 0) is area


def test_the_halo_reaches_as_far_as_the_hysteresis_and_no_farther() -> None:
    item = Fence("a", "area", "", "", box(107, 16, 108, 17), hysteresis_m=500)
    away = np.array([499.0, 501.0]) * 1.0
    core, halo = Fences((item,)).hits(np.full(2, 107.5), 17 + away / METRES_PER_DEGREE)
    assert "a" not in core
    assert halo["a"].tolist() == [0]


def test_the_sides_of_the_lines_are_zones() -> None:
    lon, lat = np.array([107.75, 108.3, 108.8]), np.array([16.72, 16.72, 17.2])
    core, halo = Fences(tuple(reference_fences())).hits(lon, lat)
    assert core["ven_bo"].tolist() == [0]
    assert core["vung_long"].tolist() == [1]
    assert core["khoi"].tolist() == [2]
    assert set(halo["khoi"]) >= {2}


def test_a_side_is_left_only_beyond_its_hysteresis() -> None:
    items = Fences(tuple(reference_fences()))
    line = next(item.geom for item in items.items if item.kind == "coast_line")
    # Off Huế the coastal zone lies south-west of tuyến bờ.
    middle = line.interpolate(line.project(Point(108.0, 16.55)))
    near, far = ((middle.x + m * 0.75 / 1e5, middle.y + m * 0.66 / 1e5) for m in (300, 3000))
    core, halo = items.hits(np.array([near[0], far[0]]), np.array([near[1], far[1]]))
    assert "ven_bo" not in core
    assert halo["ven_bo"].tolist() == [0]


def test_no_fences_and_no_points_are_no_hits() -> None:
    empty = np.array([])
    assert Fences(()).hits(np.array([107.0]), np.array([16.0])) == ({}, {})
    core, halo = Fences(tuple(reference_fences())).hits(empty, empty)
    assert (core, halo) == ({}, {})


def test_a_fence_is_in_force_from_its_beginning_to_before_its_end() -> None:
    item = Fence("a", "area", "", "", box(0, 0, 1, 1), valid_from=NOW, valid_to=NOW + timedelta(days=1))
    moments = [NOW - timedelta(seconds=1), NOW, NOW + timedelta(hours=23), NOW + timedelta(days=1)]
    assert [item.in_force(moment) for moment in moments] == [False, True, True, False]
    assert Fence("b", "area", "", "", box(0, 0, 1, 1)).in_force(NOW)


def test_fences_are_kept_once_and_an_operators_change_stays(database) -> None:
    owner = engine(database.owner)
    items = reference_fences()
    with owner.begin() as connection:
        assert put_fences(connection, items, ME) == len(items)
        connection.execute(sa.text("UPDATE fence SET name_vi = 'Của tôi' WHERE key = 'khoi'"))
    with owner.begin() as connection:
        assert put_fences(connection, items, ME) == 0
        found = {item.key: item for item in fences(connection)}
    owner.dispose()
    assert found["khoi"].name_vi == "Của tôi"
    assert found["vung_long"].geom.equals(next(item.geom for item in items if item.key == "vung_long"))
    assert all(item.note for item in found.values())
    assert all(item.id for item in found.values())


def crossed(fence: Fence, *way: float) -> list[tuple[int, float, float]]:
    found = Fences((fence,)).crossings(*(np.array([each]) for each in way)).get(fence.key)
    return [] if found is None else [(int(n), float(a), float(b)) for n, a, b in zip(*found, strict=True)]


def test_a_way_across_a_thin_fence_enters_and_leaves_it() -> None:
    thin = Fence("thin", "area", "", "", box(107.5, 16, 107.51, 17))
    assert crossed(thin, 107.0, 16.5, 108.0, 16.5) == [(0, pytest.approx(0.5), pytest.approx(0.51))]
    assert crossed(thin, 108.0, 16.5, 107.0, 16.5) == [(0, pytest.approx(0.49), pytest.approx(0.5))]
    assert crossed(thin, 107.0, 16.5, 107.505, 16.5) == []  # it ends inside: the fix itself tells
    assert crossed(thin, 107.0, 16.5, 107.4, 16.5) == []
    assert crossed(thin, 107.0, 17.5, 108.0, 17.5) == []
    assert crossed(thin, 107.0, 16.5, 107.0, 16.5) == []


def test_a_way_leaves_a_fence_where_it_leaves_it_widened() -> None:
    thin = Fence("thin", "area", "", "", box(107.5, 16, 107.51, 17), hysteresis_m=1000)
    margin = 1000 / METRES_PER_DEGREE / np.cos(np.radians(16.5))
    assert crossed(thin, 107.0, 16.5, 108.0, 16.5) == [(0, pytest.approx(0.5), pytest.approx(0.51 + margin))]
    ((_, entry, leave),) = crossed(thin, 107.0, 16.5, 107.512, 16.5)
    assert entry == pytest.approx(0.5 / 0.512)
    assert np.isnan(leave)  # its end is still within the margin


def test_a_way_over_the_arms_of_a_fence_is_as_many_stretches_as_it_leaves() -> None:
    arms = MultiPolygon([box(107.2, 16, 107.3, 17), box(107.6, 16, 107.7, 17)])
    narrow, wide = (Fence("arms", "area", "", "", arms, hysteresis_m=metres) for metres in (0, 20_000))
    way = (107.0, 16.5, 108.0, 16.5)
    assert crossed(narrow, *way) == [
        (0, pytest.approx(0.2), pytest.approx(0.3)),
        (0, pytest.approx(0.6), pytest.approx(0.7)),
    ]
    ((_, entry, leave),) = crossed(wide, *way)
    assert (entry, leave) == (pytest.approx(0.2), pytest.approx(0.7 + 20_000 / METRES_PER_DEGREE / 0.9588, abs=1e-4))


def test_a_line_is_never_crossed_and_no_way_goes_round_the_world() -> None:
    assert (
        crossed(Fence("line", "coast_line", "", "", LineString([(107.5, 16), (107.5, 17)])), 107, 16.5, 108, 16.5) == []
    )
    assert crossed(Fence("area", "area", "", "", box(0, -1, 1, 1)), 179.9, 0.0, -179.9, 0.0) == []


def test_ways_across_fences_are_those_that_shapely_finds() -> None:
    order = np.random.default_rng(3)
    items = tuple(
        Fence(f"f{n}", "area", "", "", star(*order.uniform((107, 16), (109, 18)), 0.2, 30, n)) for n in range(15)
    )
    begins = order.uniform((106.5, 15.5), (109.5, 18.5), (400, 2))
    ends = begins + order.normal(0, 0.2, (400, 2))
    found = Fences(items).crossings(*begins.T, *ends.T)
    lines = shapely.linestrings(np.stack([begins, ends], axis=1))
    for item in items:
        segment, entry, leave = found.get(item.key, (np.zeros(0, int), np.zeros(0), np.zeros(0)))
        outside = ~shapely.intersects_xy(item.geom, *begins.T) & ~shapely.intersects_xy(item.geom, *ends.T)
        over = lines[outside & shapely.intersects(item.geom, lines)]
        assert lines[np.unique(segment)].tolist() == over.tolist()
        inside = ((leave - entry) * shapely.length(lines[segment])).sum()
        assert inside == pytest.approx(shapely.length(shapely.intersection(item.geom, over)).sum())
    assert len(found) > 5
