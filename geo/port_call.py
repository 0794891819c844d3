"""Port calls and trips of a boat, as its positions tell them: in port from inside its circle to beyond it widened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np

from geo.anomaly import distance_m
from geo.fence import PORT, Fence, Fences

NM_M = 1852.0


@dataclass(frozen=True)
class PortCall:
    """A stay in one port. Both moments are those of positions, between which up to an interval may lie.

    entered_at: the first position in it, None where the track begins in it; left_at: the first one outside, None where
    it ends in it.
    """

    port: str
    entered_at: datetime | None
    left_at: datetime | None


@dataclass(frozen=True)
class Trip:
    """A way from port to port; an end that the track does not hold is None. miles: along its positions, so at least."""

    left_at: datetime | None
    back_at: datetime | None
    from_port: str | None
    to_port: str | None
    fixes: int
    miles: float


def ports_at(fixes: Sequence[Mapping[str, Any]], fences: Sequence[Fence]) -> list[str | None]:
    """The port that the boat lies in at each fix (lon, lat, in time order), by the rule of the clock (geo.course)."""
    if not fixes:
        return []
    ports = Fences(tuple(one for one in fences if one.kind == PORT and one.retired_at is None))
    lon, lat = (np.array([one[name] for one in fixes], float) for name in ("lon", "lat"))
    core, halo = ports.hits(lon, lat, ())
    inside, near = ({key: set(found.tolist()) for key, found in hits.items()} for hits in (core, halo))
    found: list[str | None] = []
    port: str | None = None
    for index in range(len(fixes)):
        stays = port if port is not None and index in near.get(port, ()) else None
        port = next((key for key in sorted(inside) if index in inside[key]), stays)
        found.append(port)
    return found


def voyages(fixes: Sequence[Mapping[str, Any]], fences: Sequence[Fence]) -> tuple[list[PortCall], list[Trip]]:
    """What fixes (observed_at, lon, lat, in time order; those that count alone) tell of a boat's calls and trips."""
    ports = ports_at(fixes, fences)
    runs = [(port, [index for index, _ in run]) for port, run in groupby(enumerate(ports), key=lambda each: each[1])]
    calls: list[PortCall] = []
    trips: list[Trip] = []
    last = len(fixes) - 1
    for number, (port, own) in enumerate(runs):
        begins = fixes[own[0]]["observed_at"] if own[0] > 0 else None
        ends = fixes[own[-1] + 1]["observed_at"] if own[-1] < last else None
        if port is not None:
            calls.append(PortCall(port, begins, ends))
            continue
        before = runs[number - 1][0] if number else None
        after = runs[number + 1][0] if number + 1 < len(runs) else None
        way = fixes[max(own[0] - 1, 0) : own[-1] + 2]
        trips.append(Trip(begins, ends, before, after, len(own), round(_miles(way), 1)))
    return calls, trips


def _miles(way: Sequence[Mapping[str, Any]]) -> float:
    lon, lat = (np.array([one[name] for one in way], float) for name in ("lon", "lat"))
    return float(distance_m(lon[:-1], lat[:-1], lon[1:], lat[1:]).sum() / NM_M)
