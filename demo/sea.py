"""The sea off Huế as the simulated boats know it: zone lines, waters to keep out of, and ways around them."""

import heapq
import math
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPolygon, Point, Polygon
from shapely.ops import unary_union

from demo.area import areas

Place = tuple[float, float]
"""Longitude and latitude in WGS84 degrees."""

# Stretches 7-8 of the two zone lines (domain: reference drawing, not a legal basis).
COAST_LINE: tuple[Place, Place] = ((107.343056, 17.160833), (109.139722, 15.377778))
INSHORE_LINE: tuple[Place, Place] = ((107.58, 17.393889), (109.624444, 15.621111))

_ORIGIN: Place = (108.0, 16.6)
_X_NM = 60.0 * math.cos(math.radians(_ORIGIN[1]))
_Y_NM = 60.0

# Land with a margin of about half a mile to a mile, typed coarsely from the open sea's side; bays and lagoons are left
# to the harbours' own channels.
_LAND: tuple[Place, ...] = (
    (105.9, 18.62), (106.42, 18.20), (106.62, 17.98), (106.54, 17.75), (106.74, 17.48), (107.02, 17.21),
    (107.16, 17.12), (107.16, 17.00), (107.245, 16.89), (107.44, 16.735), (107.60, 16.61), (107.69, 16.57),
    (107.80, 16.485), (107.90, 16.395), (107.932, 16.372), (107.96, 16.358), (108.02, 16.356), (108.05, 16.35),
    (108.07, 16.30), (108.12, 16.24), (108.22, 16.24), (108.265, 16.215), (108.36, 16.165), (108.37, 16.10),
    (108.31, 16.04), (108.40, 15.98), (108.56, 16.01), (108.62, 15.90), (108.58, 15.78), (108.72, 15.57),
    (108.90, 15.46), (109.00, 15.27), (108.97, 15.02), (109.13, 14.74), (109.20, 14.42), (109.28, 14.15),
    (109.40, 13.92), (109.42, 13.40), (105.9, 13.40),
)  # fmt: skip
# Islands as (lon, lat, radius in nm): Cồn Cỏ, Lý Sơn and its small sister, Hòn Gió, Hòn Ông.
_ISLANDS = (
    (107.337, 17.160, 1.2), (109.122, 15.385, 2.2), (109.086, 15.430, 1.2), (106.675, 17.915, 0.8),
    (108.690, 15.815, 0.8),
)  # fmt: skip
_AREA_MARGIN_NM = 1.0
_CORNER_NM = 0.3


def to_plane(place: Place) -> tuple[float, float]:
    """East and north of the plane's origin in nautical miles; true to 2 % between 13.5 and 19.5 N."""
    return (place[0] - _ORIGIN[0]) * _X_NM, (place[1] - _ORIGIN[1]) * _Y_NM


def from_plane(x: float, y: float) -> Place:
    """The place that lies `x` nm east and `y` nm north of the plane's origin."""
    return _ORIGIN[0] + x / _X_NM, _ORIGIN[1] + y / _Y_NM


def distance_nm(a: Place, b: Place) -> float:
    """Plane distance of two places in nautical miles."""
    (ax, ay), (bx, by) = to_plane(a), to_plane(b)
    return math.hypot(bx - ax, by - ay)


def offset(place: Place, east_nm: float, north_nm: float) -> Place:
    """The place moved by so many nautical miles."""
    x, y = to_plane(place)
    return from_plane(x + east_nm, y + north_nm)


def seaward(line: tuple[Place, Place], along: float, out_nm: float) -> Place:
    """The place at `along` (0..1) of a zone line, moved `out_nm` towards the open sea (negative: shoreward)."""
    (ax, ay), (bx, by) = to_plane(line[0]), to_plane(line[1])
    length = math.hypot(bx - ax, by - ay)
    # Both lines run north-west to south-east, so the open sea lies to the left of the way.
    east, north = -(by - ay) / length, (bx - ax) / length
    return from_plane(ax + along * (bx - ax) + out_nm * east, ay + along * (by - ay) + out_nm * north)


def beyond_nm(line: tuple[Place, Place], place: Place) -> float:
    """Distance seaward of a zone line's stretch in nautical miles (negative: on its shore side)."""
    (ax, ay), (bx, by), (px, py) = to_plane(line[0]), to_plane(line[1]), to_plane(place)
    return ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) / math.hypot(bx - ax, by - ay)


def is_beyond(line: tuple[Place, Place], lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each position, shape (n,), lies seaward of a zone line's stretch, drawn out at both ends."""
    (ax, ay), (bx, by) = line
    beyond: NDArray[np.bool_] = (bx - ax) * (lat - ay) - (by - ay) * (lon - ax) > 0
    return beyond


def _barrier() -> Polygon | MultiPolygon:
    parts = [Polygon([to_plane(p) for p in _LAND])]
    parts += [Point(to_plane((lon, lat))).buffer(radius, quad_segs=2) for lon, lat, radius in _ISLANDS]
    parts += [Polygon([to_plane(p) for p in area.ring]).buffer(_AREA_MARGIN_NM, join_style="mitre") for area in areas()]
    barrier = unary_union(parts)
    shapely.prepare(barrier)
    return barrier


BARRIER = _barrier()
"""Everything that ordinary traffic keeps out of, in plane nautical miles."""


def _corners() -> NDArray[np.float64]:
    grown = BARRIER.buffer(_CORNER_NM, join_style="mitre")
    rings = [grown.exterior] if isinstance(grown, Polygon) else [part.exterior for part in grown.geoms]
    points = np.concatenate([np.asarray(ring.coords)[:-1] for ring in rings])
    free: NDArray[np.float64] = points[~shapely.intersects_xy(BARRIER, points[:, 0], points[:, 1])]
    return free


_CORNERS = _corners()


def is_clear(place: Place, radius_nm: float = 0.0) -> bool:
    """Whether a disc around the place touches neither land nor a drawn area."""
    point = Point(to_plane(place))
    return not BARRIER.intersects(point) if radius_nm == 0 else not BARRIER.dwithin(point, radius_nm)


def _sees(x: float, y: float, targets: NDArray[np.float64]) -> NDArray[np.bool_]:
    ends = np.empty((len(targets), 2, 2))
    ends[:, 0] = x, y
    ends[:, 1] = targets
    seen: NDArray[np.bool_] = ~shapely.intersects(BARRIER, shapely.linestrings(ends))
    return seen


@lru_cache(maxsize=512)
def _corner_sight(corner: int) -> NDArray[np.bool_]:
    return _sees(float(_CORNERS[corner, 0]), float(_CORNERS[corner, 1]), _CORNERS)


@lru_cache(maxsize=4096)
def route(start: Place, end: Place) -> tuple[Place, ...]:
    """The shortest way from start to end that keeps clear of land and the drawn areas, both ends included.

    Raises ValueError when there is none: one of the ends lies in a barrier.
    """
    a, b = to_plane(start), to_plane(end)
    if not BARRIER.intersects(LineString([a, b])):
        return (start, end)
    first, last = _sees(*a, _CORNERS), _sees(*b, _CORNERS)
    to_end = np.hypot(_CORNERS[:, 0] - b[0], _CORNERS[:, 1] - b[1])
    from_start = np.hypot(_CORNERS[:, 0] - a[0], _CORNERS[:, 1] - a[1])
    queue: list[tuple[float, float, int, tuple[int, ...]]] = [
        (float(from_start[c] + to_end[c]), float(from_start[c]), int(c), (int(c),)) for c in np.flatnonzero(first)
    ]
    heapq.heapify(queue)
    done: set[int] = set()
    while queue:
        _, gone, corner, way = heapq.heappop(queue)
        if corner < 0:
            return (start, *(from_plane(*map(float, _CORNERS[c])) for c in way), end)
        if corner in done:
            continue
        done.add(corner)
        if last[corner]:
            heapq.heappush(queue, (gone + float(to_end[corner]), gone + float(to_end[corner]), -1, way))
        steps = np.hypot(*(_CORNERS - _CORNERS[corner]).T)
        for neighbour in map(int, np.flatnonzero(_corner_sight(corner))):
            if neighbour not in done:
                total = gone + float(steps[neighbour])
                heapq.heappush(queue, (total + float(to_end[neighbour]), total, neighbour, (*way, neighbour)))
    raise ValueError(f"no way by sea from {start} to {end}: an end lies on land or in a drawn area")
