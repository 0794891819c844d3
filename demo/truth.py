"""What really happened in the simulated day: the scripted events as records to hold the alarms against."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from demo import scenario as script
from demo.area import areas
from demo.fleet import careless
from demo.plan import motion
from demo.scenario import HOUR, MINUTE, scenario, scripted
from demo.sea import COAST_LINE, INSHORE_LINE, is_beyond
from demo.track import Motion
from geo.mmsi import station_kind

_STEP_S = 5.0
_SLOW_KN = 5.0


@dataclass(frozen=True)
class Truth:
    """One event: `kind`, who (0: nobody), from when to when (Unix seconds; end None: not within the told span)."""

    kind: str
    mmsi: int
    start: float
    end: float | None
    parameters: dict[str, Any] = field(default_factory=dict, hash=False)

    def line(self, clock: Callable[[float], float] = lambda at: at) -> str:
        """The record as one JSON line, its times on that clock."""
        record = asdict(self) | {"start": clock(self.start), "end": None if self.end is None else clock(self.end)}
        return json.dumps(record, ensure_ascii=False)


def truths(seed: int, start: float, before_s: float = 24 * HOUR, after_s: float = 24 * HOUR) -> tuple[Truth, ...]:
    """The scripted events of a demo that starts at that moment, in order of time; exact to five seconds.

    Kinds: `inside` (an area), `crossing` (of tuyến lộng; `returned_min`), `wrong_zone` (slow work in vùng lộng by a
    boat of 15 m or more), `encounter`, `silence`, `mob_test`, `flight`, `duplicate_mmsi`, `invalid_mid`.
    """
    play, boats = scenario(seed, start), scripted(seed)
    times = np.arange(start - before_s, start + after_s, _STEP_S)
    ways = {name: motion(play.plans[boat.mmsi], times) for name, boat in boats.items()}
    found: list[Truth] = []
    for name, way in ways.items():
        mmsi = boats[name].mmsi
        for area in areas():
            found += _spans("inside", mmsi, way, shapely.contains_xy(shapely.Polygon(area.ring), way.lon, way.lat),
                            area=area.name)  # fmt: skip
    found += _crossings(boats[script.CROSSER].mmsi, ways[script.CROSSER])
    found += _wrong_zone(boats[script.WORKER].mmsi, ways[script.WORKER], boats[script.WORKER].length_m)
    first, second = script.MEETING
    found += _encounter(boats[first].mmsi, boats[second].mmsi, ways[first], ways[second])
    for mmsi in careless(seed).values():
        kind = "duplicate_mmsi" if station_kind(mmsi) == "ship" else "invalid_mid"
        found.append(Truth(kind, mmsi, start - before_s, None))
    found.append(Truth("silence", boats[script.SILENT].mmsi, start + script.SILENT_S, None))
    found.append(Truth("mob_test", script.MOB_MMSI, start + script.MOB_S, start + script.MOB_S + MINUTE,
                       {"place": script.MOB_PLACE, "text": "MOB TEST"}))  # fmt: skip
    flying = np.array([play.is_flying(float(at)) for at in times[::12]])
    found += [Truth("flight", script.AIRCRAFT_MMSI, a, b) for a, b in runs(times[::12], flying)]
    return tuple(sorted(found, key=lambda truth: (truth.start, truth.kind, truth.mmsi)))


def runs(at: NDArray[np.float64], holds: NDArray[np.bool_]) -> Iterator[tuple[float, float | None]]:
    """First moment of each stretch where it holds and first moment after it."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], holds, [False])).astype(np.int8)))
    for begin, end in edges.reshape(-1, 2):
        yield float(at[begin]), float(at[end]) if end < len(at) else None


def _spans(kind: str, mmsi: int, way: Motion, holds: NDArray[np.bool_], **parameters: Any) -> list[Truth]:
    return [Truth(kind, mmsi, begin, end, dict(parameters)) for begin, end in runs(way.at, holds)]


def _crossings(mmsi: int, way: Motion) -> list[Truth]:
    return [
        Truth("crossing", mmsi, begin, end,
              {"line": "inshore_line", "returned_min": None if end is None else round((end - begin) / MINUTE, 1)})
        for begin, end in runs(way.at, is_beyond(INSHORE_LINE, way.lon, way.lat))
    ]  # fmt: skip


def _wrong_zone(mmsi: int, way: Motion, length_m: float) -> list[Truth]:
    inshore = is_beyond(COAST_LINE, way.lon, way.lat) & ~is_beyond(INSHORE_LINE, way.lon, way.lat)
    # Away from its berth and slow: at work, not in transit (domain 1.1, fact 10).
    return _spans("wrong_zone", mmsi, way, inshore & (way.speed < _SLOW_KN), zone="lộng", length_m=length_m)


def _encounter(first: int, second: int, a: Motion, b: Motion) -> list[Truth]:
    apart_m = np.hypot((a.lon - b.lon) * np.cos(np.radians(a.lat)), a.lat - b.lat) * 60 * 1852
    together = (apart_m < 500) & (a.speed < 2) & (b.speed < 2)
    return [
        Truth("encounter", first, begin, end, {"other": second, "within_m": 500})
        for begin, end in runs(a.at, together)
        if end is None or end - begin >= 2 * HOUR
    ]
