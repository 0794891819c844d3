"""How often a station speaks AIS (ITU-R M.1371-5, tables 1 and 2), by its class, speed and what it is doing."""

from collections.abc import Mapping
from typing import Any

ANCHORED = (1, 5)  # navigation status: at anchor, moored
THREE_MIN_S = 180.0
# Of each class: below or at which speed (knots) how many seconds pass, and beside it how many while it turns or the
# channel is busy; the last one holds beyond.
_CLASS_A = ((14.0, 10.0, 10 / 3), (23.0, 6.0, 2.0), (float("inf"), 2.0, 2.0))
_CLASS_B_SO = ((2.0, THREE_MIN_S, THREE_MIN_S), (14.0, 30.0, 30.0), (23.0, 15.0, 30.0), (float("inf"), 5.0, 15.0))
_CLASS_B_CS = ((2.0, THREE_MIN_S, THREE_MIN_S), (float("inf"), 30.0, 30.0))
# Message types of what is no ship: base stations, aircraft of search and rescue, aids to navigation, and long range.
_OTHERS = {4: 10.0, 9: 10.0, 11: 10.0, 21: THREE_MIN_S, 27: THREE_MIN_S}
_TURNS = 1.0  # degrees a minute: less is a receiver's scatter
_STALE_TIMES, _STALE_LEAST_S = 6, 360.0


def expected_s(row: Mapping[str, Any]) -> float | None:
    """Seconds between two positions of a vessel as AIS has it; None where its class is not known.

    row: msg_type, ais_class ("A", "B"), cs (true of a Class B that listens before it speaks), speed in knots, status,
    turn in degrees a minute. A speed that is not known counts as none.
    """
    other = _OTHERS.get(row.get("msg_type") or 0)
    if other is not None:
        return other
    speed = float(row.get("speed") or 0.0)
    if row.get("ais_class") == "B":
        return _of(_CLASS_B_CS if row.get("cs") else _CLASS_B_SO, speed, False)
    if row.get("ais_class") != "A":
        return None
    if row.get("status") in ANCHORED and speed <= 3.0:
        return THREE_MIN_S
    return _of(_CLASS_A, speed, abs(float(row.get("turn") or 0.0)) > _TURNS)


def stale_s(expected: float) -> float:
    """After how many seconds without a position a vessel is shown as stale: a display state, never an accusation."""
    return max(_STALE_TIMES * expected, _STALE_LEAST_S)


def _of(steps: tuple[tuple[float, float, float], ...], speed: float, other: bool) -> float:
    found = next(step for step in steps if speed <= step[0])
    return found[2] if other else found[1]
