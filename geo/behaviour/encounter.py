"""Encounters: two boats that stay together at sea for hours, slowly, far from every port."""

import numpy as np
from numpy.typing import NDArray

from geo.anomaly import EARTH_M, distance_m
from geo.behaviour.criteria import Criteria
from geo.behaviour.event import Event, moment
from geo.behaviour.way import Way

MINUTE = 60.0
Floats = NDArray[np.float64]


def encounters(one: Way, other: Way, criteria: Criteria) -> list[Event]:
    """Stretches within `encounter_distance` of each other for `encounter_least`, at a median speed below the limit.

    Both are taken to sail straight from fix to fix, which gives the moments at which they come near and part; where
    either is silent for longer than `behaviour_hole`, nothing is known and a stretch ends. So two boats that report
    every two or three hours never have one. The speed is the median over both boats and all minutes.
    """
    found = []
    for begin, end in _together(one, other, criteria):
        if end - begin < criteria["encounter_least"]:
            continue
        minutes = np.arange(begin, end + 1e-6, MINUTE)
        speeds = np.concatenate([np.interp(minutes, each.at, each.speed) for each in (one, other)])
        median = float(np.median(speeds))
        lons, lats = zip(one.place(minutes), other.place(minutes), strict=True)
        lon, lat = float(np.mean(lons)), float(np.mean(lats))
        _, from_port = one.ports.nearest(lon, lat)
        if median >= criteria["encounter_speed"] or from_port < criteria["encounter_from_port"]:
            continue
        apart = distance_m(lons[0], lats[0], lons[1], lats[1])
        told = {
            "hours": round((end - begin) / 3600, 2),
            "median_m": round(float(np.median(apart))),
            "median_kn": round(median, 2),
            "positions": sum(int(((each.at >= begin) & (each.at <= end)).sum()) for each in (one, other)),
        }
        if np.isfinite(from_port):
            told["from_port_km"] = round(from_port / 1000, 1)
        coarse = max(one.step_s, other.step_s) > criteria["behaviour_coarse"]
        found.append(Event("encounter", moment(begin), moment(end), lon, lat, "low" if coarse else "usual", told))
    return found


def _together(one: Way, other: Way, criteria: Criteria) -> list[tuple[float, float]]:
    """When they were near each other, seconds; stretches that touch are one."""
    if len(one) < 2 or len(other) < 2:
        return []
    start, end = max(one.at[0], other.at[0]), min(one.at[-1], other.at[-1])
    moments = np.unique(np.concatenate([one.at, other.at, [start, end]]))
    moments = moments[(moments >= start) & (moments <= end)]
    if len(moments) < 2:
        return []
    east, north = _between(one, other, moments)
    heard = _heard(one, moments, criteria) & _heard(other, moments, criteria)
    inside: list[tuple[float, float]] = []
    near_m = criteria["encounter_distance"]
    for index in np.flatnonzero(heard & _may_be_near(east, north, near_m)):
        share = _shares(east[index : index + 2], north[index : index + 2], near_m)
        if share is None:
            continue
        span = moments[index + 1] - moments[index]
        begin, last = (float(moments[index] + each * span) for each in share)
        if inside and begin - inside[-1][1] < 1e-3:
            inside[-1] = inside[-1][0], last
        else:
            inside.append((begin, last))
    return inside


def _between(one: Way, other: Way, moments: Floats) -> tuple[Floats, Floats]:
    """Metres east and north from the one to the other."""
    (a, b), (c, d) = one.place(moments), other.place(moments)
    scale = np.radians(1.0) * EARTH_M
    return (c - a) * np.cos(np.radians((b + d) / 2)) * scale, (d - b) * scale


def _heard(way: Way, moments: Floats, criteria: Criteria) -> NDArray[np.bool_]:
    """For each step between moments, whether the boat's fixes around it are close enough in time."""
    index = np.clip(np.searchsorted(way.at, moments[:-1], side="right") - 1, 0, len(way) - 2)
    heard: NDArray[np.bool_] = np.diff(way.at)[index] <= criteria["behaviour_hole"]
    return heard


def _may_be_near(east: Floats, north: Floats, near_m: float) -> NDArray[np.bool_]:
    """Steps whose ends are not both so far off that the way between them cannot be near."""
    far = np.hypot(east, north)
    step = np.hypot(np.diff(east), np.diff(north))
    may: NDArray[np.bool_] = np.minimum(far[:-1], far[1:]) <= near_m + step
    return may


def _shares(east: Floats, north: Floats, near_m: float) -> tuple[float, float] | None:
    """The shares of a straight step between which it is within so many metres of the origin; None when it never is."""
    (x, y), (dx, dy) = (east[0], north[0]), (east[1] - east[0], north[1] - north[0])
    a, b, c = dx * dx + dy * dy, x * dx + y * dy, x * x + y * y - near_m * near_m
    if a == 0:
        return (0.0, 1.0) if c <= 0 else None
    root = b * b - a * c
    if root < 0:
        return None
    low, high = max(0.0, (-b - root**0.5) / a), min(1.0, (-b + root**0.5) / a)
    return (low, high) if low < high else None
