"""The figures by which behaviour is judged, of one moment and in one unit each (geo/figures.csv)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from geo.figure import Figures

KNOWN_GEARS = ("trawl", "gillnet", "longline", "handline", "seine", "squid")
UNKNOWN_GEAR = "other"
_HOURS_OF_DAY = ("fishing_night_from", "fishing_night_to")
_METRES = {"m": 1.0, "km": 1000.0, "nm": 1852.0}
# Which figures, by the beginning of their keys, an event of that kind was judged by.
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "fishing": ("fishing_",),
    "encounter": ("encounter_",),
    "loitering": ("loitering_",),
    "port_visit": ("port_",),
    "gap": ("gap_", "disabling_"),
    "possible_disabling": ("gap_", "disabling_"),
}


@dataclass(frozen=True)
class Criteria:
    """The figures in force at a moment: in seconds, metres, knots or plain numbers, and as they were written."""

    values: Mapping[str, float]
    written: Mapping[str, str]

    def __getitem__(self, key: str) -> float:
        return self.values[key]

    def told(self, kind: str, gear: str | None = None) -> dict[str, Any]:
        """What an event of that kind was judged by, as the figures' table has it: `"encounter_least": "2 h"`."""
        others = tuple(f"fishing_{name}_" for name in (*KNOWN_GEARS, UNKNOWN_GEAR) if name != gear)
        own = {key: text for key, text in self.written.items() if key.startswith((*_OF_KIND[kind], "behaviour_"))}
        return {key: text for key, text in own.items() if not (kind == "fishing" and key.startswith(others))}


def criteria(figures: Figures, moment: datetime) -> Criteria:
    """All figures of behaviour that are in force at a moment."""
    begins = {begin for kinds in _OF_KIND.values() for begin in kinds} | {"behaviour_"}
    keys = {one.key for one in figures.items if one.key.startswith(tuple(begins))}
    found = {key: figures.at(key, moment) for key in sorted(keys)}
    values = {}
    for key, one in found.items():
        if one.unit in _METRES:
            values[key] = one.value * _METRES[one.unit]
        elif one.unit in ("min", "h", "d") and key not in _HOURS_OF_DAY:
            values[key] = one.span.total_seconds()
        else:
            values[key] = one.value
    return Criteria(values, {key: f"{one.value:g} {one.unit}" for key, one in found.items()})
