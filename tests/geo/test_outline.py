"""Circles and corridors are as large as they say, against pyproj's geodesics."""

import numpy as np
import pytest
import shapely
from pyproj import Geod
from shapely.geometry import LineString, Point

from geo.outline import area_km2, circle, corridor, length_km

WGS84 = Geod(ellps="WGS84")


@pytest.mark.parametrize("lat", [0.0, 8.5, 16.6, 23.0, 60.0])
@pytest.mark.parametrize("radius_m", [50.0, 1_000.0, 20_000.0, 300_000.0])
def test_a_circle_is_round_on_the_earth(lat: float, radius_m: float) -> None:
    made = circle(107.6, lat, radius_m)
    edge = np.array(made.exterior.coords)
    _, _, away = WGS84.inv(np.full(len(edge), 107.6), np.full(len(edge), lat), edge[:, 0], edge[:, 1])
    assert away == pytest.approx(np.full(len(edge), radius_m), rel=1e-6)
    assert area_km2(made) == pytest.approx(np.pi * (radius_m / 1000) ** 2, rel=0.01)
    assert made.is_valid
    assert made.exterior.is_ccw
    assert len(edge) - 1 >= 64


@pytest.mark.parametrize("width_m", [200.0, 5_000.0, 40_000.0])
@pytest.mark.parametrize(
    "line",
    [
        [(107.6, 16.6), (108.2, 17.1)],
        [(107.6, 16.6), (107.6, 18.1)],
        [(107.0, 16.0), (108.0, 16.4), (108.1, 15.2), (109.4, 15.2)],
        [(105.0, 8.5), (112.0, 16.0)],
    ],
)
def test_a_corridor_has_its_width_all_along(line, width_m: float) -> None:
    middle = LineString(line)
    made = corridor(middle, width_m)
    assert made.is_valid
    dense = shapely.segmentize(middle, 0.002)
    around = np.array(dense.coords)
    edge = shapely.get_coordinates(shapely.segmentize(made.exterior, 0.05))
    for lon, lat in edge[:: max(1, len(edge) // 60)]:
        near = np.argsort(np.hypot((around[:, 0] - lon) * np.cos(np.radians(lat)), around[:, 1] - lat))[:400]
        _, _, away = WGS84.inv(around[near, 0], around[near, 1], np.full(len(near), lon), np.full(len(near), lat))
        # The line's own points are up to 110 m from the nearest one on it.
        assert min(away) == pytest.approx(width_m / 2, rel=0.01, abs=60)


def test_a_straight_corridor_has_the_area_of_a_band_with_round_ends() -> None:
    line = LineString([(107.6, 16.6), (108.4, 17.2)])
    made = corridor(line, 2_000.0)
    assert area_km2(made) == pytest.approx(length_km(line) * 2 + np.pi, rel=0.01)


def test_what_cannot_be_made_is_said() -> None:
    for radius_m in (0, -5, 9, 1e9, float("nan")):
        with pytest.raises(ValueError, match="radius"):
            circle(107, 16, radius_m)
    with pytest.raises(ValueError, match="no circle"):
        circle(107, 89, 100)
    for width_m in (0, 1e9, float("nan")):
        with pytest.raises(ValueError, match="width"):
            corridor(LineString([(107, 16), (108, 16)]), width_m)
    with pytest.raises(ValueError, match="at most"):
        corridor(LineString([(90, 16), (120, 16)]), 100)


def test_sizes_are_those_of_the_ellipsoid() -> None:
    degree = shapely.box(107, 16, 108, 17)
    expected = abs(WGS84.geometry_area_perimeter(degree)[0]) / 1e6
    assert area_km2(degree) == pytest.approx(expected)
    assert area_km2(shapely.MultiPolygon([degree, shapely.box(109, 16, 110, 17)])) == pytest.approx(2 * expected)
    assert area_km2(Point(107, 16).buffer(0.1).exterior) == 0
    assert length_km(LineString([(107, 16), (107, 17)])) == pytest.approx(110.66, abs=0.02)
