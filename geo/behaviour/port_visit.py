"""Port visits: entered at a port's edge, left beyond its margin, and lain still in it or silent for hours meanwhile."""

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.behaviour.criteria import Criteria
from geo.behaviour.event import Event, moment
from geo.behaviour.way import Way


def port_visits(way: Way, criteria: Criteria, since: datetime | None = None) -> list[Event]:
    """Stays in port with a stop or a silence; whoever only passes visits nothing. The last one may go on.

    Ports that touch are one stay, named after the port whose middle is nearest to where the boat lay. since: when a
    stay that is known already began, of which `way` has the end only.
    """
    inside = way.in_port
    sides = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False])).astype(np.int8)))
    found = []
    for begin, end in sides.reshape(-1, 2).tolist():
        stops, still = _stops(way, begin, end, criteria)
        silences = int((np.diff(way.at[begin : min(end + 1, len(way))]) > criteria["port_gap"]).sum())
        known = since is not None and begin == 0
        if not (stops or silences or known):
            continue
        resting = np.flatnonzero(still) + begin if still.any() else np.arange(begin, end)
        lon, lat = float(way.lon[resting].mean()), float(way.lat[resting].mean())
        key, far = way.ports.nearest(lon, lat)
        goes_on = end == len(way)
        began = since if known and since is not None else moment(float(way.at[begin]))
        ended = None if goes_on else moment(float(way.at[end]))
        told: dict[str, Any] = {"port": key, "from_middle_km": round(far / 1000, 1), "entry_seen": begin > 0 or known}
        if not known:  # of a stay whose beginning lies further back only a part would be counted
            told |= {"stops": stops, "silences": silences}
        if ended is not None:
            told["hours"] = round((ended - began).total_seconds() / 3600, 2)
        coarse = way.step_s > criteria["behaviour_coarse"]
        found.append(Event("port_visit", began, ended, lon, lat, "low" if coarse else "usual", told))
    return found


def _stops(way: Way, begin: int, end: int, criteria: Criteria) -> tuple[int, NDArray[np.bool_]]:
    """How often the boat came to rest in [begin, end), and at which of those fixes it lay."""
    speed = way.speed[begin:end]
    starts, over = speed < criteria["port_stop_begins"], speed > criteria["port_stop_ends"]
    known = np.where(starts | over, np.arange(len(speed)), -1)
    last = np.maximum.accumulate(known) if len(speed) else known
    still = np.where(last >= 0, starts[np.maximum(last, 0)], False)
    return int((np.diff(np.concatenate(([False], still)).astype(np.int8)) == 1).sum()), still
