"""Loitering: whole hours of the clock, one after another, in which a boat far from shore hardly moved."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.anomaly import KNOT
from geo.behaviour.criteria import Criteria
from geo.behaviour.event import Event, moment
from geo.behaviour.way import Way
from geo.offshore import offshore_nm

HOUR = 3600.0
Offshore = Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]


def loitering(way: Way, criteria: Criteria, offshore: Offshore = offshore_nm) -> list[Event]:
    """Stretches of at least `loitering_least` whose hourly average is below `loitering_speed`, far enough from shore.

    The average of an hour is the way run in it, straight from fix to fix. Hours are those of the clock: the same fixes
    give the same hours wherever a look begins, and a stretch that begins and ends within hours loses those two parts.
    An hour in which the boat was not heard for long tells nothing, unless its reports are always so far apart: then
    what is found is of low confidence.
    """
    if len(way) < 2:
        return []
    edges = np.arange(np.ceil(way.at[0] / HOUR) * HOUR, way.at[-1] + 1e-6, HOUR)
    if len(edges) < 2:
        return []
    runs = np.diff(way.run_m(edges)) / HOUR / KNOT
    lon, lat = way.place(edges)
    slow = (runs < criteria["loitering_speed"]) & ~_unheard(way, edges, criteria)
    found = []
    for first, last in _runs(slow):
        # Asked of places of slow hours alone: most hours are none, and the shore is long.
        far = offshore(lon[first : last + 1], lat[first : last + 1]) * 1852.0 >= criteria["loitering_from_shore"]
        for begin, end in _runs(far[:-1] & far[1:]):
            a, b = first + begin, first + end
            if (b - a) * HOUR >= criteria["loitering_least"]:
                found.append(_event(way, criteria, edges, a, b, offshore))
    return found


def _event(way: Way, criteria: Criteria, edges: NDArray[np.float64], a: int, b: int, offshore: Offshore) -> Event:
    lon, lat = way.place(edges[a : b + 1])
    metres = float(np.diff(way.run_m(edges[[a, b]]))[0])
    within = (way.at >= edges[a]) & (way.at <= edges[b])
    told = {
        "hours": float(b - a),
        "average_kn": round(metres / (edges[b] - edges[a]) / KNOT, 2),
        "distance_nm": round(metres / 1852.0, 1),
        "offshore_nm": round(float(offshore(lon, lat).min()), 1),
        "positions": int(within.sum()),
    }
    coarse = way.step_s > criteria["behaviour_coarse"]
    return Event(
        "loitering", moment(float(edges[a])), moment(float(edges[b])), float(lon.mean()), float(lat.mean()),
        "low" if coarse else "usual", told,
    )  # fmt: skip


def _unheard(way: Way, edges: NDArray[np.float64], criteria: Criteria) -> NDArray[np.bool_]:
    """Hours that a silence reaches into which is too long to draw a line across."""
    longest = max(criteria["behaviour_hole"], min(1.5 * way.step_s, criteria["gap_least"]))
    mute = np.flatnonzero(np.diff(way.at) > longest)
    unheard = np.zeros(len(edges) - 1, bool)
    for index in mute:
        unheard |= (edges[1:] > way.at[index]) & (edges[:-1] < way.at[index + 1])
    return unheard


def _runs(holds: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First index of each stretch where it holds, and the index after its last."""
    sides = np.flatnonzero(np.diff(np.concatenate(([False], holds, [False])).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in sides.reshape(-1, 2)]
