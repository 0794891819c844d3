"""Who was near whom, hour by hour: boats by the cell of their mean places, so that nobody compares all pairs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from geo.anomaly import distance_m
from geo.behaviour.way import Way

HOUR, SAMPLES = 3600.0, 6
CELL = 0.01  # degrees: about a kilometre, more than two that are near can be apart on average
SAMPLING_M = 200.0
Place = tuple[int, float, float]  # the hour's number since the epoch, longitude and latitude
_Cell = tuple[int, int]


@dataclass
class Near:
    """Boats' mean places by hour and cell.

    Two that are within some hundred metres of each other for two hours are so during one whole hour of the clock, and
    so are their mean places in it.
    """

    _cells: dict[int, dict[_Cell, dict[str, tuple[float, float]]]] = field(default_factory=dict)
    _of: dict[str, list[tuple[int, _Cell]]] = field(default_factory=dict)

    def put(self, key: str, places: Iterable[Place], distance_m_most: float) -> set[str]:
        """Take over where a boat was, in place of what was known of it; whom it was near in any of those hours."""
        for hour, cell in self._of.pop(key, ()):
            self._cells.get(hour, {}).get(cell, {}).pop(key, None)
        found: set[str] = set()
        mine = self._of[key] = []
        for hour, lon, lat in places:
            cells = self._cells.setdefault(hour, {})
            x, y = int(lon // CELL), int(lat // CELL)
            for cell in ((x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)):
                for other, place in cells.get(cell, {}).items():
                    if other not in found and float(distance_m(lon, lat, *place)) <= distance_m_most + SAMPLING_M:
                        found.add(other)
            cells.setdefault((x, y), {})[key] = lon, lat
            mine.append((hour, (x, y)))
        return found

    def forget_before(self, moment: datetime) -> None:
        """Let go of the hours before a moment, and of boats that are known in no other."""
        oldest = int(moment.timestamp() // HOUR)
        self._cells = {hour: cells for hour, cells in self._cells.items() if hour >= oldest}
        kept = ((key, [each for each in mine if each[0] >= oldest]) for key, mine in self._of.items())
        self._of = {key: mine for key, mine in kept if mine}


def hourly(way: Way, from_port_m: float) -> Iterator[Place]:
    """Each whole hour of the clock that the fixes span with the mean of some places in it, as far from every port."""
    if len(way) < 2:
        return
    hours = np.arange(int(np.ceil(way.at[0] / HOUR)), int(way.at[-1] // HOUR))
    moments = (hours[:, None] * HOUR + np.arange(SAMPLES) * HOUR / SAMPLES).ravel()
    lon, lat = (each.reshape(-1, SAMPLES).mean(axis=1) for each in way.place(moments))
    away = np.ones(len(hours), bool)
    if way.ports.keys and len(hours):
        away = way.ports.distances_m(lon, lat).min(axis=1) >= from_port_m
    for index in np.flatnonzero(away).tolist():
        yield int(hours[index]), float(lon[index]), float(lat[index])
