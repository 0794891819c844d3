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
    or that runs along it, has not crossed it.
    """
    ends = np.stack([lon0, lat0, lon1, lat1], axis=1).reshape(-1, 2, 2)
    rows = np.flatnonzero(shapely.intersects(line, shapely.linestrings(ends))) if len(ends) else np.empty(0, np.intp)
    found: list[tuple[int, float, float]] = []
    parts = [np.asarray(part.coords)[:, :2] for part in getattr(line, "geoms", [line])]
    for row in rows.tolist():
        begin, way = ends[row, 0], ends[row, 1] - ends[row, 0]
        for corners in parts:
            start, edge = corners[:-1], np.diff(corners, axis=0)
            across = edge[:, 0] * way[1] - edge[:, 1] * way[0]  # > 0: to the left of the edge
            with np.errstate(divide="ignore", invalid="ignore"):
                share = ((start[:, 0] - begin[0]) * edge[:, 1] - (start[:, 1] - begin[1]) * edge[:, 0]) / (
                    way[0] * edge[:, 1] - way[1] * edge[:, 0]
                )
                along = ((begin[0] - start[:, 0]) * way[1] - (begin[1] - start[:, 1]) * way[0]) / across
            # Half-open on both: a corner that two edges share, or a fix on the line that two ways share, counts once.
            hit = (across != 0) & (share > 0) & (share <= 1) & (along >= 0) & (along < 1)
            found += [(row, float(share[n]), float(np.sign(across[n]))) for n in np.flatnonzero(hit)]
    found.sort()
    way_of, share_of, side = zip(*found, strict=True) if found else ((), (), ())
    return np.array(way_of, dtype=np.intp), np.array(share_of, dtype=float), np.array(side, dtype=float)
