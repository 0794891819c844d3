"""Where a storm is dangerous: circles that move and grow along its track, and which boats are in one of them when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

WGS84 = Geod(ellps="WGS84")
AXIS_M, FLATTENING = WGS84.a, WGS84.f
NM_M = 1852.0
STEP = timedelta(
    minutes=15
)  # between two looks; in one a storm at 40 km/h moves 10 km, and what only grazes by 60 m is missed
CORNERS = 96

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """A storm at one moment, degrees of WGS84. wind, gust: Beaufort; radii_km: how far out which level blows."""

    at: datetime
    lon: float
    lat: float
    radii_km: Mapping[int, float]
    wind: int | None = None
    gust: int | None = None
    observed: bool = False


@dataclass(frozen=True)
class Track:
    """The points of one bulletin in order of time; between two of them storm and circles change evenly."""

    points: tuple[Point, ...]

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """The levels of wind that circles are told of; the lowest one's circle is the danger area."""
        return tuple(sorted({level for one in self.points for level in one.radii_km}))

    @cached_property
    def _legs(self) -> tuple[Floats, Floats]:
        ends = [WGS84.inv(a.lon, a.lat, b.lon, b.lat) for a, b in pairwise(self.points)]
        return np.array([each[0] for each in ends]), np.array([each[2] for each in ends])

    def at(self, moments: Sequence[datetime]) -> tuple[Floats, Floats, dict[int, Floats]]:
        """Longitudes, latitudes and each level's radius in metres; NaN before the first point and after the last one.

        The place is on the geodesic between the two points, at the share of time that has gone by.
        """
        known = np.array([one.at.timestamp() for one in self.points])
        wanted = np.array([one.timestamp() for one in moments])
        lon, lat = (np.array([getattr(one, name) for one in self.points], float) for name in ("lon", "lat"))
        leg = np.clip(np.searchsorted(known, wanted, "right") - 1, 0, len(known) - 2)
        share = (wanted - known[leg]) / (known[leg + 1] - known[leg])
        course, metres = self._legs
        there_lon, there_lat, _ = WGS84.fwd(lon[leg], lat[leg], course[leg], metres[leg] * share)
        out = (wanted < known[0]) | (wanted > known[-1])
        radii = {}
        for level in self.levels:
            each = np.array([one.radii_km.get(level, 0.0) for one in self.points]) * 1000
            radii[level] = np.where(out, np.nan, each[leg] + (each[leg + 1] - each[leg]) * share)
        return np.where(out, np.nan, there_lon), np.where(out, np.nan, there_lat), radii


@dataclass(frozen=True)
class Met:
    """Of n boats, each a column: how it stands to the danger area from now to the horizon; NaN where that is never.

    now: the highest level whose circle it is in (0: none); worst: the highest until the horizon; enters_s: seconds
    until it is first inside; distance_m, nearest_m: to the storm's centre now, and at the nearest, after nearest_s;
    edge_m: the smallest distance to the area's edge, below 0 inside.
    """

    now: NDArray[np.int64]
    worst: NDArray[np.int64]
    enters_s: Floats
    distance_m: Floats
    nearest_m: Floats
    nearest_s: Floats
    edge_m: Floats


def meet(
    track: Track,
    lon: ArrayLike,
    lat: ArrayLike,
    speed_kn: ArrayLike,
    course_deg: ArrayLike,
    age_s: ArrayLike,
    now: datetime,
    horizon: timedelta,
) -> Met:
    """How boats meet a storm that keep course and speed since their last fix, which is age_s old.

    A boat without speed or course (NaN) stays where it was. Kept is a course by compass, so the way is a rhumb line.
    """
    here = [np.asarray(each, np.float64) for each in (lon, lat, speed_kn, course_deg, age_s)]
    # The last look is at the horizon itself, however long it is.
    since = np.append(np.arange(0, horizon.total_seconds(), STEP.total_seconds()), horizon.total_seconds())
    moments = [now + timedelta(seconds=each) for each in since.tolist()]
    storm_lon, storm_lat, radii = track.at(moments)
    moving = np.isfinite(here[2]) & np.isfinite(here[3]) & (here[2] > 0)
    way = np.where(moving, here[2], 0.0) * NM_M / 3600
    run = way[:, None] * (here[4][:, None] + since[None, :])
    at_lon, at_lat = onward(here[0][:, None], here[1][:, None], np.where(moving, here[3], 0.0)[:, None], run)
    away = metres(at_lon, at_lat, storm_lon[None, :], storm_lat[None, :])
    return _met(track.levels, radii, away, since)


def _met(levels: Sequence[int], radii: Mapping[int, Floats], away: Floats, since: Floats) -> Met:
    boats = len(away)
    now, worst = np.zeros(boats, np.int64), np.zeros(boats, np.int64)
    for level in levels:
        inside = (away <= radii[level]) & (radii[level] > 0)  # NaN is never inside
        now[inside[:, 0]] = level
        worst[inside.any(axis=1)] = level
    area = radii[levels[0]] if levels else np.zeros_like(since)  # a track without a circle has no danger area
    edge = away - np.where(area > 0, area, np.nan)
    told, edged = np.isfinite(away), np.isfinite(edge)
    nearest = np.where(told, away, np.inf).argmin(axis=1)
    rows, some, any_edge = np.arange(boats), told.any(axis=1), edged.any(axis=1)
    return Met(
        now,
        worst,
        _first(edge, since),
        away[:, 0],
        np.where(some, away[rows, nearest], np.nan),
        np.where(some, since[nearest], np.nan),
        np.where(any_edge, np.where(edged, edge, np.inf).min(axis=1), np.nan),
    )


def _first(edge: Floats, since: Floats) -> Floats:
    """The first second at which the distance to the edge is not above 0, evenly between two looks; NaN: never."""
    inside = edge <= 0
    at = inside.argmax(axis=1)
    rows, before = np.arange(len(edge)), np.maximum(at - 1, 0)
    out, there = edge[rows, before], edge[rows, at]
    between = (at > 0) & np.isfinite(out)
    share = np.divide(out, out - there, out=np.ones(len(edge)), where=between & (out > there))
    first = np.where(between, since[before] + share * (since[at] - since[before]), since[at])
    return np.where(inside.any(axis=1), first, np.nan)


def circle(lon: float, lat: float, radius_m: float) -> shapely.Polygon:
    """What lies within a distance of a place, as a polygon (counter-clockwise, RFC 7946)."""
    around = np.linspace(0, -360, CORNERS, endpoint=False)
    ring = WGS84.fwd(np.full(CORNERS, lon), np.full(CORNERS, lat), around, np.full(CORNERS, radius_m))
    return shapely.Polygon(np.column_stack(ring[:2]))


def swept(track: Track, level: int, begin: datetime, end: datetime) -> Any:
    """All that a level's circle covers between two moments, as one shape; None where the track tells nothing of it."""
    pieces = [one.at for one in track.points if begin < one.at < end]
    steps = int((end - begin) / timedelta(minutes=30))
    moments = sorted({begin, end, *pieces, *(begin + timedelta(minutes=30) * n for n in range(1, steps + 1))})
    lon, lat, radii = track.at(moments)
    known = [
        circle(*each) for each in zip(lon.tolist(), lat.tolist(), radii[level].tolist(), strict=True) if each[2] > 0
    ]
    if not known:
        return None
    hulls = [shapely.convex_hull(shapely.union(a, b)) for a, b in pairwise(known)]
    return shapely.simplify(shapely.union_all(hulls or known), 0.005)


def metres(lon: Floats, lat: Floats, to_lon: Floats, to_lat: Floats) -> Floats:
    """The geodesic's length by Lambert's formula for long lines: within 10 m of pyproj's up to thousands of km.

    pyproj solves each pair by itself, which for thousands of boats at each look takes seconds.
    """
    beta, to_beta = (np.arctan((1 - FLATTENING) * np.tan(np.radians(each))) for each in (lat, to_lat))
    half_lon = np.sin(np.radians(to_lon - lon) / 2)
    haversine = np.sin((to_beta - beta) / 2) ** 2 + np.cos(beta) * np.cos(to_beta) * half_lon**2
    angle = 2 * np.arcsin(np.sqrt(np.clip(haversine, 0, 1)))
    mean, half = (beta + to_beta) / 2, (to_beta - beta) / 2
    sin_half, cos_half = np.sin(angle / 2) ** 2, np.cos(angle / 2) ** 2
    x = (angle - np.sin(angle)) * np.sin(mean) ** 2 * np.cos(half) ** 2 / cos_half
    y = (angle + np.sin(angle)) * np.cos(mean) ** 2 * np.sin(half) ** 2 / np.maximum(sin_half, 1e-18)
    return np.asarray(AXIS_M * (angle - FLATTENING / 2 * (x + y)))


def onward(lon: Floats, lat: Floats, course_deg: Floats, run_m: Floats) -> tuple[Floats, Floats]:
    """Where a boat is that has run so far on one course: along the rhumb line, by the ellipsoid's radii half-way."""
    course = np.radians(course_deg)
    north, east = run_m * np.cos(course), run_m * np.sin(course)
    squared = FLATTENING * (2 - FLATTENING)
    middle = np.radians(lat) + north / AXIS_M / 2
    w = 1 - squared * np.sin(middle) ** 2
    to_lat = lat + np.degrees(north * w**1.5 / (AXIS_M * (1 - squared)))
    middle = np.radians((lat + to_lat) / 2)
    w = 1 - squared * np.sin(middle) ** 2
    to_lon = lon + np.degrees(east * np.sqrt(w) / (AXIS_M * np.cos(middle)))
    return to_lon, np.clip(to_lat, -89.9, 89.9)
