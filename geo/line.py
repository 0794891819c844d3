"""Lines at sea: how far points are from one, and which ways cross it in which direction."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely import affinity

WGS84 = Geod(ellps="WGS84")
NM_M = 1852.0
NM_PER_DEGREE = 60.0  # of latitude
Numbers = NDArray[np.float64]


def distance_nm(geom: Any, lon: Numbers, lat: Numbers, most_nm: float) -> Numbers:
    """Nautical miles from n points to the nearest point of a line, or of an area (0 inside it); inf beyond most_nm.

    The nearest point is looked for with x scaled by the cosine of the geometry's middle latitude, and the distance to
    it is geodesic. It is a distance and nothing else: an open line has no inside and is never "crossed" by being near.
    """
    found = np.full(len(lon), np.inf)
    west, south, east, north = geom.bounds
    scale = max(float(np.cos(np.radians((south + north) / 2))), 1e-3)
    margin = most_nm / NM_PER_DEGREE * 1.01
    near = (lat >= south - margin) & (lat <= north + margin)
    near &= (lon >= west - margin / scale * 1.1) & (lon <= east + margin / scale * 1.1)
    rows = np.flatnonzero(near)
    if not len(rows):
        return found
    flat = affinity.scale(geom, xfact=scale, yfact=1.0, origin=(0, 0))
    shapely.prepare(flat)
    points = shapely.points(lon[rows] * scale, lat[rows])
    close = shapely.dwithin(flat, points, margin * 1.1)
    rows, points = rows[close], points[close]
    if not len(rows):
        return found
    ends = shapely.get_coordinates(shapely.shortest_line(flat, points)).reshape(-1, 2, 2)
    _, _, metres = WGS84.inv(ends[:, 0, 0] / scale, ends[:, 0, 1], lon[rows], lat[rows])
    away = np.asarray(metres, dtype=float) / NM_M
    found[rows] = np.where(away <= most_nm, away, np.inf)
    return found


def crossings(
    line: Any, lon0: Numbers, lat0: Numbers, lon1: Numbers, lat1: Numbers
) -> tuple[NDArray[np.intp], Numbers, Numbers]:
    """The places where n straight ways cross a line: (way, share of the way, direction), in the order of the ways.

    direction: +1 to the left of the line as it was drawn, -1 to its right. A way that only touches an end of the line,
    or that runs along it, has not crossed it. A fix on the line counts as a hair to the east of it, on the way there as
    on the way on, so that of two ways that meet on the line one crosses it, or none or both where it turns back.
    """
    ends = np.stack([lon0, lat0, lon1, lat1], axis=1).reshape(-1, 2, 2)
    rows = np.flatnonzero(shapely.intersects(line, shapely.linestrings(ends))) if len(ends) else np.empty(0, np.intp)
    found: list[tuple[int, float, float]] = []
    parts = [np.asarray(part.coords)[:, :2] for part in getattr(line, "geoms", [line])]
    for row in rows.tolist():
        for corners in parts:
            found += [(row, share, side) for share, side in _across(corners, *ends[row])]
    found.sort()
    way_of, share_of, side_of = zip(*found, strict=True) if found else ((), (), ())
    return np.array(way_of, dtype=np.intp), np.array(share_of, dtype=float), np.array(side_of, dtype=float)


def _across(corners: Numbers, begin: Numbers, end: Numbers) -> list[tuple[float, float]]:
    """Where one way crosses one line: shares of the way, and directions."""
    way, start, edge = end - begin, corners[:-1], np.diff(corners, axis=0)

    def cross(one: Numbers, other: Numbers) -> Numbers:
        product: Numbers = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
        return product

    def left(product: Numbers, hair_x: Numbers, hair_y: Numbers) -> NDArray[np.bool_]:
        """On which side, and where on neither, on which side with the fixes shifted by a hair."""
        shifted: NDArray[np.bool_] = np.where(hair_x != 0, hair_x > 0, hair_y > 0)
        return np.where(product != 0, product > 0, shifted)

    before, after = (cross(edge, place - start) for place in (begin, end))
    corner = cross(way, corners - begin)
    from_left, to_left = (left(each, -edge[:, 1], edge[:, 0]) for each in (before, after))
    by_left = left(corner, np.full(len(corner), way[1]), np.full(len(corner), -way[0]))
    hit = (from_left != to_left) & (by_left[:-1] != by_left[1:])
    if not np.array_equal(corners[0], corners[-1]):
        # An open line's own end is no place to cross it.
        hit[0] &= corner[0] != 0
        hit[-1] &= corner[-1] != 0
    numbers = np.flatnonzero(hit)
    shares = before[numbers] / (before[numbers] - after[numbers])
    return list(zip(shares.tolist(), np.where(to_left[numbers], 1.0, -1.0).tolist(), strict=True))
