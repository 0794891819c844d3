"""A vessel's way through time: knots, seen through a short moving average so that courses turn smoothly."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from demo.sea import Place, distance_nm


class Activity(IntEnum):
    """What the vessel does; the values are those of the AIS navigational status (M.1371)."""

    UNDERWAY = 0
    ANCHORED = 1
    MOORED = 5
    FISHING = 7


@dataclass(frozen=True)
class Motion:
    """Where a vessel is and how it moves at each of n moments; every array has shape (n,).

    at: Unix seconds; lon, lat: degrees; speed: knots; course: degrees true; turn: degrees a minute; activity: Activity.
    """

    at: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    speed: NDArray[np.float64]
    course: NDArray[np.float64]
    turn: NDArray[np.float64]
    activity: NDArray[np.int8]


class Track:
    """A polyline in time, averaged over a window.

    The average of a polyline has exact integrals and derivatives, so position, speed and course agree with each other
    at any moment and nothing has to be stored step by step. Before the first and after the last knot the vessel lies.
    """

    def __init__(self, at: ArrayLike, lon: ArrayLike, lat: ArrayLike, activity: ArrayLike, window_s: float = 90.0):
        self.at = np.asarray(at, float)
        self.lon = np.asarray(lon, float)
        self.lat = np.asarray(lat, float)
        self.activity = np.asarray(activity, np.int8)
        self._half = window_s / 2
        self._paths = tuple(_Path(self.at, values) for values in (self.lon, self.lat))

    @property
    def start(self) -> float:
        """Unix seconds of the first knot."""
        return float(self.at[0])

    @property
    def end(self) -> float:
        """Unix seconds of the last knot."""
        return float(self.at[-1])

    def motion(self, at: ArrayLike) -> Motion:
        """The motion at each moment (Unix seconds), shape (n,)."""
        when = np.atleast_1d(np.asarray(at, float))
        half = self._half
        lon, lat = (path.mean(when - half, when + half) for path in self._paths)
        east, north = self._velocity(when, lat)
        course = np.degrees(np.arctan2(east, north)) % 360.0
        later = np.degrees(np.arctan2(*self._velocity(when + 10.0, lat)))
        earlier = np.degrees(np.arctan2(*self._velocity(when - 10.0, lat)))
        turn = ((later - earlier + 180.0) % 360.0 - 180.0) * 3.0
        speed = np.hypot(east, north)
        turn[speed < 0.5] = 0.0
        segment = np.clip(np.searchsorted(self.at, when, side="right") - 1, 0, len(self.at) - 1)
        return Motion(when, lon, lat, speed, course, turn, self.activity[segment])

    def _velocity(self, when: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """East and north in knots, shape (2, n)."""
        span_h = 2 * self._half / 3600.0
        lon_path, lat_path = self._paths
        steps = [path.at(when + self._half) - path.at(when - self._half) for path in (lon_path, lat_path)]
        return np.stack([steps[0] * 60.0 * np.cos(np.radians(lat)) / span_h, steps[1] * 60.0 / span_h])


class _Path:
    """One coordinate over time: the values of a polyline and its integral."""

    def __init__(self, at: NDArray[np.float64], values: NDArray[np.float64]):
        self._zero, self._base = at[0], values[0]
        self._at, self._values = at - at[0], values - values[0]
        spans = np.diff(self._at)
        self._slopes = np.append(np.diff(self._values) / spans, 0.0)
        self._sums = np.append(0.0, np.cumsum((self._values[:-1] + self._values[1:]) / 2 * spans))

    def at(self, when: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.interp(when - self._zero, self._at, self._values), float)

    def _integral(self, when: NDArray[np.float64]) -> NDArray[np.float64]:
        moment = np.maximum(when - self._zero, 0.0)
        knot = np.searchsorted(self._at, moment, side="right") - 1
        past = moment - self._at[knot]
        return np.asarray(self._sums[knot] + self._values[knot] * past + self._slopes[knot] * past * past / 2, float)

    def mean(self, start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self._base + (self._integral(end) - self._integral(start)) / (end - start), float)


class Pen:
    """Draws a Track knot by knot; `at` and `place` are where the pen stands."""

    def __init__(self, at: float, place: Place, activity: Activity = Activity.MOORED):
        self.at, self.place = at, place
        self._knots: list[tuple[float, float, float, Activity]] = [(at, *place, activity)]

    def stay(self, until: float, activity: Activity) -> None:
        """Lie still until that moment; earlier moments do nothing."""
        self._mark(activity)
        if until > self.at:
            self._add(until, self.place, activity)

    def sail(self, place: Place, speed_kn: float, activity: Activity = Activity.UNDERWAY) -> None:
        """Go straight to the place at that speed; a place nearer than two metres is not worth a knot."""
        way_nm = distance_nm(self.place, place)
        if way_nm < 0.001:
            return
        self._mark(activity)
        self._add(self.at + way_nm / speed_kn * 3600.0, place, activity)

    def follow(self, places: Sequence[Place], speed_kn: float, activity: Activity = Activity.UNDERWAY) -> None:
        """Sail through the places in their order."""
        for place in places:
            self.sail(place, speed_kn, activity)

    def track(self, window_s: float = 90.0) -> Track:
        """What has been drawn."""
        at, lon, lat, activity = zip(*self._knots, strict=True)
        return Track(at, lon, lat, activity, window_s)

    def _mark(self, activity: Activity) -> None:
        """A knot's activity is that of the stretch which begins at it."""
        at, lon, lat, _ = self._knots[-1]
        self._knots[-1] = (at, lon, lat, activity)

    def _add(self, at: float, place: Place, activity: Activity) -> None:
        self.at, self.place = at, place
        self._knots.append((at, *place, activity))


def length_nm(places: Sequence[Place]) -> float:
    """Length of the way through the places in nautical miles."""
    return sum(distance_nm(a, b) for a, b in pairwise(places))
