"""The simulated day's stations: a flood on the Hương and the Bồ, the rain that makes it, the air, and what is broken.

Told relative to the moment the demo starts: a few minutes after it the Hương at Kim Long passes its third alarm level.
Places and values are made up.
"""

import json
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge

from demo.radio import Transmission
from demo.scenario import HOUR, MINUTE

PASSED_S = 6.5 * MINUTE  # after the start: Kim Long's first level above BĐ3
DEAD_S = -5 * HOUR  # since when one station has been silent
_TEN, _QUARTER = 10 * MINUTE, 15 * MINUTE
_FOREVER = math.inf
OWNER = "Đài Khí tượng Thủy văn (mô phỏng)"
OFFICE = "Trung tâm Quan trắc môi trường (mô phỏng)"

Values = Callable[[float, random.Random], Mapping[str, object]]  # of a time since the start, hours


@dataclass(frozen=True)
class Station:
    """One station: what it says of itself, every how many seconds it speaks, and until when.

    phase_s, until_s: since the start of the demo.
    """

    id: str
    name: str
    kind: str
    lon: float
    lat: float
    owner: str
    values: Values
    every_s: float = _TEN
    phase_s: float = 0.0
    river: str | None = None
    until_s: float = _FOREVER

    def records(
        self, start: float, begin: float, end: float, clock: Callable[[float], float]
    ) -> Iterator[Transmission]:
        """What it says from `begin` to `end` (Unix seconds; without end for an infinite one) of a demo from `start`."""
        first = start + self.phase_s
        number = math.ceil((begin - first) / self.every_s)
        while (at := first + number * self.every_s) < min(end, start + self.until_s):
            yield at, [self._record((at - start) / HOUR, number, clock(at))]
            number += 1

    def _record(self, hours: float, number: int, stamp: float) -> bytes:
        told: dict[str, object] = {
            "id": self.id,
            "observed_at": f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "lon": self.lon,
            "lat": self.lat,
            "name": self.name,
            "kind": self.kind,
            "owner": self.owner,
        }
        told |= {"river": self.river} if self.river else {}
        told |= self.values(hours, random.Random(f"station/{self.id}/{number}"))
        return json.dumps(told, ensure_ascii=False).encode()


def wave(hours: float, base_m: float, height_m: float, peak_h: float, rise_h: float, fall_h: float) -> float:
    """A flood's level, metres: it rises over some hours to its peak and falls more slowly."""
    width = rise_h if hours < peak_h else fall_h
    return base_m + height_m * math.exp(-(((hours - peak_h) / width) ** 2))


def _level(base_m: float, height_m: float, peak_h: float, rise_h: float, fall_h: float) -> Values:
    return lambda hours, _: {"water_m": round(wave(hours, base_m, height_m, peak_h, rise_h, fall_h), 2)}


def _centimetres(base_m: float, height_m: float, peak_h: float, rise_h: float, fall_h: float) -> Values:
    """As some gauges tell it: by parameter, in whole centimetres."""

    def values(hours: float, _: random.Random) -> Mapping[str, object]:
        metres = wave(hours, base_m, height_m, peak_h, rise_h, fall_h)
        return {"parameter": "water level", "value": round(100 * metres), "unit": "cm"}

    return values


def _rain(most_mm: float, peak_h: float) -> Values:
    """Millimetres in ten minutes, in showers, most of them some hours before the river is highest."""

    def values(hours: float, chance: random.Random) -> Mapping[str, object]:
        fall = most_mm * math.exp(-(((hours - peak_h) / 5.0) ** 2)) * chance.gammavariate(2.0, 0.5)
        return {"rain_mm": round(fall, 1)}

    return values


def _air(dust: float, gas: float, wrong: float = 0.0) -> Values:
    """Air of a working day, µg/m³; `wrong`: how often its PM10 channel answers that it has failed."""

    def values(hours: float, chance: random.Random) -> Mapping[str, object]:
        rush = 1 + 0.25 * math.sin(2 * math.pi * hours / 12)
        pm25 = dust * rush * chance.uniform(0.9, 1.1)
        pm10 = -999.0 if chance.random() < wrong else pm25 * chance.uniform(1.45, 1.6)
        own = {"pm25": pm25, "pm10": pm10, "no2": gas * rush * chance.uniform(0.85, 1.15)}
        own |= {"so2": 9 * chance.uniform(0.8, 1.2), "o3": 46 + 22 * math.sin(2 * math.pi * hours / 24)}
        own |= {"co": 620 * rush * chance.uniform(0.9, 1.1), "temperature_c": 22.5 + chance.uniform(-0.3, 0.3)}
        return {name: round(value, 1) for name, value in own.items()} | {"humidity": chance.randrange(93, 99)}

    return values


def _water(hours: float, chance: random.Random) -> Mapping[str, object]:
    muddy = wave(hours, 12, 260, 2, 7, 12) * chance.uniform(0.95, 1.05)
    return {
        "ph": round(7.1 + chance.uniform(-0.1, 0.1), 2),
        "oxygen_mg_l": round(6.4 + chance.uniform(-0.2, 0.2), 2),
        "turbidity_ntu": round(muddy, 1),
        "conductivity_us_cm": round(74 + chance.uniform(-3, 3), 1),
        "ammonium_mg_l": round(0.12 + chance.uniform(-0.02, 0.02), 3),
    }


STATIONS = (
    Station("KIM-LONG", "Sông Hương tại Kim Long", "river", 107.5596, 16.4539, OWNER,
            _level(0.45, 4.11, 4.5, 8.13, 14.0), _TEN, PASSED_S, "kim_long"),
    Station("PHU-OC", "Sông Bồ tại Phú Ốc", "river", 107.4722, 16.5247, OWNER,
            _centimetres(0.6, 4.0, 3.5, 7.0, 12.0), _TEN, 2 * MINUTE, "phu_oc"),
    Station("THUONG-NHAT", "Sông Tả Trạch tại Thượng Nhật", "river", 107.6889, 16.1247, OWNER,
            _level(57.2, 2.4, 0.5, 5.0, 9.0), _TEN, 4 * MINUTE, "thuong_nhat"),
    Station("PHONG-BINH", "Sông Ô Lâu tại Phong Bình", "river", 107.3763, 16.6372, OWNER,
            _level(0.4, 1.9, 7.0, 9.0, 16.0), _TEN, 7 * MINUTE),
    Station("HUE-RAIN", "Mưa Huế", "rain", 107.586, 16.433, OWNER, _rain(3.4, -2.0), _TEN, MINUTE),
    Station("BACH-MA-RAIN", "Mưa Bạch Mã", "rain", 107.8556, 16.1969, OWNER, _rain(7.5, -3.0), _TEN, 3 * MINUTE),
    Station("A-LUOI-RAIN", "Mưa A Lưới", "rain", 107.2273, 16.2329, OWNER, _rain(5.2, -4.0), _TEN, 5 * MINUTE),
    Station("HUE-AQ-01", "Không khí Phú Xuân", "air", 107.589, 16.468, OFFICE, _air(21, 24), _TEN, 6 * MINUTE),
    Station("HUE-AQ-02", "Không khí Phú Bài", "air", 107.685, 16.405, OFFICE, _air(74, 31), _TEN, 8 * MINUTE),
    Station("HUE-AQ-03", "Không khí Chân Mây", "air", 108.008, 16.318, OFFICE, _air(30, 18, 0.1), _TEN, 9 * MINUTE),
    Station("HUE-AQ-04", "Không khí Thuận An", "air", 107.642, 16.553, OFFICE, _air(17, 12), until_s=DEAD_S),
    Station("HUE-WQ-01", "Nước sông Hương tại Vạn Niên", "water", 107.545, 16.429, OFFICE, _water, _QUARTER),
)  # fmt: skip


def history(_: int, start: float, end: float, demo_start: float | None = None) -> Iterator[bytes]:
    """What was observed from `start` to `end` (Unix seconds), as records in order of time; cf. demo.past.history.

    The flood is the same whatever the seed.
    """
    for _at, (record,) in _said(end if demo_start is None else demo_start, start, end, lambda at: at):
        yield record


def live(demo_start: float, start: float, clock: Callable[[float], float] = lambda at: at) -> Iterator[Transmission]:
    """Everything observed from `start` on, without end; `clock` as in demo.radio.live."""
    return _said(demo_start, start, _FOREVER, clock)


def _said(demo_start: float, start: float, end: float, clock: Callable[[float], float]) -> Iterator[Transmission]:
    return merge(*(one.records(demo_start, start, end, clock) for one in STATIONS), key=lambda said: said[0])
