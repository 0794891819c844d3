"""Outlines made from few numbers, a circle about a point and a corridor along a line, and the true size of any."""

from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Geod, Transformer
from shapely.geometry import LineString, Polygon

WGS84 = Geod(ellps="WGS84")
CIRCLE_POINTS = 96
RADIUS_M, WIDTH_M = (10.0, 500_000.0), (10.0, 200_000.0)
CORRIDOR_MAX_M = 2_500_000.0  # about one middle, a plane is true to 1 % so far
STEP_DEG = 0.25  # a straight line in degrees is bent in the plane: pieces this long follow it within metres


def circle(lon: float, lat: float, radius_m: float, points: int = CIRCLE_POINTS) -> Polygon:
    """The places radius_m from a point along the earth, counter-clockwise; ValueError beyond RADIUS_M.

    Its area is that of the true circle within 0.1 % from 96 points on.
    """
    if not RADIUS_M[0] <= radius_m <= RADIUS_M[1]:
        raise ValueError(f"a circle's radius is {RADIUS_M[0]:g} to {RADIUS_M[1]:,.0f} m, not {radius_m:g}")
    if not (abs(lon) <= 180 and abs(lat) <= 85):
        raise ValueError(f"there is no circle about longitude {lon:g}, latitude {lat:g}")
    azimuths = -360.0 * np.arange(points) / points
    around = np.full(points, 1.0)
    lons, lats, _ = WGS84.fwd(around * lon, around * lat, azimuths, around * radius_m)
    return Polygon(np.column_stack([lons, lats]))


def corridor(line: LineString, width_m: float) -> Polygon:
    """The places within half of width_m of a line, its ends rounded; ValueError for a bad width or too long a line.

    The line is straight in degrees, as a fence's own edges are; the width is true within 1 %.
    """
    if not WIDTH_M[0] <= width_m <= WIDTH_M[1]:
        raise ValueError(f"a corridor's width is {WIDTH_M[0]:g} to {WIDTH_M[1]:,.0f} m, not {width_m:g}")
    if line.length == 0 or WGS84.geometry_length(line) > CORRIDOR_MAX_M:
        raise ValueError(f"a corridor's line is at most {CORRIDOR_MAX_M / 1000:,.0f} km long, and longer than nothing")
    west, south, east, north = line.bounds
    plane = CRS.from_dict({"proj": "aeqd", "lon_0": (west + east) / 2, "lat_0": (south + north) / 2, "datum": "WGS84"})
    there = Transformer.from_crs("EPSG:4326", plane, always_xy=True)
    back = Transformer.from_crs(plane, "EPSG:4326", always_xy=True)
    flat = _moved(shapely.segmentize(line, STEP_DEG), there)
    wide = shapely.buffer(flat, width_m / 2, quad_segs=16).simplify(width_m / 2000)
    return shapely.orient_polygons(_moved(wide, back))


def _moved(geom: Any, by: Transformer) -> Any:
    return shapely.transform(geom, lambda at: np.column_stack(by.transform(at[:, 0], at[:, 1])))


def area_km2(geom: Any) -> float:
    """The area on the ellipsoid; 0 for a line."""
    if geom.geom_type not in ("Polygon", "MultiPolygon"):
        return 0.0
    size, _ = WGS84.geometry_area_perimeter(shapely.orient_polygons(geom))
    return abs(float(size)) / 1e6


def length_km(geom: Any) -> float:
    """The length of a line, or the way around an area and its holes, on the ellipsoid."""
    return float(WGS84.geometry_length(geom)) / 1000
