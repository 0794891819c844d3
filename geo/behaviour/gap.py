"""Silences: six hours without a fix, away from port; the longest ones far out, well heard before, are a sign."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo.anomaly import KNOT, distance_m
from geo.behaviour.criteria import Criteria
from geo.behaviour.event import Event, Kind, moment
from geo.behaviour.way import Way
from geo.offshore import offshore_nm

NM_M = 1852.0
Span = tuple[datetime, datetime]
Offshore = Callable[[ArrayLike, ArrayLike], NDArray[np.float64]]


def gaps(
    way: Way,
    criteria: Criteria,
    now: datetime,
    offshore: Offshore = offshore_nm,
    heard_before: int = 0,
    away: Sequence[Span] = (),
) -> list[Event]:
    """Silences that began out of port, the one that still goes on among them.

    `possible_disabling` needs all of Global Fishing Watch's conditions: its length, a beginning far enough from every
    shore, and so many positions in the hours before it that the boat was plainly in reach. Whoever is nearer to the
    coast is silent, and nothing else is said of it. heard_before: how often the first fix is known to have been
    preceded by others, where `way` begins with it. away: when its source or provider was silent as a whole; a silence
    that has a part of that says so (`source_silent`), and is no sign however long.
    """
    if not len(way):
        return []
    ends = np.append(way.at[1:], now.timestamp())
    found = []
    for index in np.flatnonzero((ends - way.at >= criteria["gap_least"]) & ~way.in_port):
        began, silent_s = float(way.at[index]), float(ends[index] - way.at[index])
        goes_on = index == len(way) - 1
        off_nm = float(offshore(way.lon[index], way.lat[index])[0])
        before = int(((way.at > began - criteria["disabling_before"]) & (way.at <= began)).sum())
        before = max(before, heard_before) if index == 0 else before
        ours = any(since.timestamp() < ends[index] and until.timestamp() > began for since, until in away)
        sign = (
            not ours
            and silent_s >= criteria["disabling_least"]
            and off_nm * NM_M >= criteria["disabling_from_shore"]
            and before >= criteria["disabling_positions"]
        )
        told: dict[str, Any] = {"offshore_nm": round(off_nm, 1), "positions_before": before}
        if ours:
            told["source_silent"] = True
        if not goes_on:
            far = float(distance_m(way.lon[index], way.lat[index], way.lon[index + 1], way.lat[index + 1]))
            told |= {
                "hours": round(silent_s / 3600, 2),
                "distance_nm": round(far / NM_M, 1),
                "implied_kn": round(far / silent_s / KNOT, 1),
                "end_lon": round(float(way.lon[index + 1]), 5),
                "end_lat": round(float(way.lat[index + 1]), 5),
            }
        kind: Kind = "possible_disabling" if sign else "gap"
        end = None if goes_on else moment(float(ends[index]))
        found.append(Event(kind, moment(began), end, float(way.lon[index]), float(way.lat[index]), "usual", told))
    return found
