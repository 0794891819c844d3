"""Fishing-like activity: stretches at the speed at which a gear is worked; a likeness, never a proof."""

import numpy as np
from numpy.typing import NDArray

from geo.behaviour.criteria import KNOWN_GEARS, UNKNOWN_GEAR, Criteria
from geo.behaviour.event import Event, moment
from geo.behaviour.way import Way
from geo.calendar import ZONE

NM_M, DAY_S = 1852.0, 86_400.0
MOVES_KN = 1.0  # slower, a boat's course is its receiver's scatter


def fishing(way: Way, gear: str | None, criteria: Criteria) -> list[Event]:
    """Stretches of enough fixes and minutes at the gear's speeds, away from port; short pauses belong to them.

    Squid is fished at night; a seine is hauled after the boat has gone round. An unknown gear has wide limits and low
    confidence, and so have fixes that are too far apart for what happens between them (behaviour_coarse).
    """
    name = gear if gear in KNOWN_GEARS else UNKNOWN_GEAR
    speed = np.round(way.speed, 1)
    working = at_work(way.speed, way.at, name, criteria) & (way.port_m > criteria["fishing_from_port"])
    if name == "seine":
        working &= _after_turn(way, working, criteria)
    found = []
    for run in _stretches(way, np.flatnonzero(working), criteria):
        began, ended = float(way.at[run[0]]), float(way.at[run[-1]])
        if len(run) < criteria["fishing_positions"] or ended - began < criteria["fishing_least"]:
            continue
        coarse = float(np.median(np.diff(way.at[run[0] : run[-1] + 1]))) > criteria["behaviour_coarse"]
        told = {
            "gear": name,
            "hours": round((ended - began) / 3600, 2),
            "positions": len(run),
            "median_kn": round(float(np.median(speed[run])), 1),
            "distance_nm": round(float(way.steps_m[run[0] : run[-1]].sum()) / NM_M, 1),
        }
        if way.ports.keys:
            told["from_port_nm"] = round(float(way.port_m[run].min()) / NM_M, 1)
        low_confidence = coarse or name == UNKNOWN_GEAR
        found.append(
            Event(
                "fishing", moment(began), moment(ended), float(way.lon[run].mean()), float(way.lat[run].mean()),
                "low" if low_confidence else "usual", told,
            )
        )  # fmt: skip
    return found


def at_work(
    speed: NDArray[np.float64], at: NDArray[np.float64], gear: str | None, criteria: Criteria
) -> NDArray[np.bool_]:
    """Which of n fixes (knots, epoch seconds) have the speed, and the hour, at which boats of that gear work.

    All that one fix can tell: whether a boat went round before it hauls a seine takes its way.
    """
    name = gear if gear in KNOWN_GEARS else UNKNOWN_GEAR
    # The speeds that the criteria were drawn from are told in tenths.
    told = np.round(speed, 1)
    works: NDArray[np.bool_] = (told >= criteria[f"fishing_{name}_from"]) & (told <= criteria[f"fishing_{name}_to"])
    return works & _at_night(at, criteria) if name == "squid" else works


def _stretches(way: Way, working: NDArray[np.intp], criteria: Criteria) -> list[NDArray[np.intp]]:
    """Working fixes in groups: a pause apart at most, or one report after the other where they are always far apart."""
    if not len(working):
        return []
    between = np.diff(way.at[working])
    next_one = (np.diff(working) == 1) & (between <= min(1.5 * way.step_s, criteria["gap_least"]))
    apart = ~((between <= criteria["fishing_pause"]) | next_one)
    return np.split(working, np.flatnonzero(apart) + 1)


def _at_night(at: NDArray[np.float64], criteria: Criteria) -> NDArray[np.bool_]:
    offset = ZONE.utcoffset(moment(float(at[0]))) if len(at) else None
    hour = (at + (offset.total_seconds() if offset else 0.0)) % DAY_S / 3600
    night: NDArray[np.bool_] = (hour >= criteria["fishing_night_from"]) | (hour < criteria["fishing_night_to"])
    return night


def _after_turn(way: Way, slow: NDArray[np.bool_], criteria: Criteria) -> NDArray[np.bool_]:
    """Slow fixes before whose beginning the boat turned by more than a half circle to one side within the hour."""
    turned = _turned(way)
    kept = np.zeros(len(way), bool)
    for run in _stretches(way, np.flatnonzero(slow), criteria):
        before = np.searchsorted(way.at, way.at[run[0]] - criteria["fishing_seine_within"])
        heap = turned[before : run[0] + 1]
        # The widest sweep to one side, whatever small swings came before and after it.
        sweep = max(_widest(heap), _widest(-heap))
        kept[run] = sweep >= criteria["fishing_seine_turn"]
    return kept


def _turned(way: Way) -> NDArray[np.float64]:
    """Degrees turned since the first fix, to the right positive; steps slower than MOVES_KN turn nothing."""
    east = np.diff(way.lon) * np.cos(np.radians(way.lat[:-1]))
    course = np.degrees(np.arctan2(east, np.diff(way.lat)))
    fast = np.flatnonzero(way.steps_m / np.maximum(np.diff(way.at), 1.0) * 3600 / NM_M >= MOVES_KN)
    turns = np.zeros(len(way))
    if len(fast) > 1:
        turns[fast[1:]] = (np.diff(course[fast]) + 180.0) % 360.0 - 180.0
    return np.cumsum(turns)


def _widest(heap: NDArray[np.float64]) -> float:
    return float((heap - np.minimum.accumulate(heap)).max()) if len(heap) else 0.0
