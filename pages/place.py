"""Places as people write them: coordinates in any common form, and names of the gazetteer with or without accents."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geo.basemap import places
from geo.degrees import dms as dms
from geo.fold import fold as fold

ZOOM = {"sea": 6, "archipelago": 7, "country": 6, "city": 11, "lagoon": 11, "island": 11, "town": 12, "port": 13}

_WRITTEN = re.compile(r"[\d\s.,;/°d'′\"″+\-NSEWBĐT]+", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_SOUTH, _WEST = re.compile("S", re.IGNORECASE), re.compile("[WT]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A named or numbered point to fly to. Degrees WGS84."""

    name: str
    lat: float
    lon: float
    zoom: int
    kind: str = "place"


def coordinates(text: str) -> tuple[float, float] | None:
    """(lat, lon) of `16.57, 107.64`, `16,57 107,64`, `16°34'12"N 107°38'24"E`, `B 16 34, Đ 107 38`; None if it is none.

    Two numbers are degrees, four degrees and minutes, six also seconds; B, Đ, T stand for N, E, W.
    """
    if not _WRITTEN.fullmatch(text.strip()):
        return None
    numbers = [float(found.replace(",", ".")) for found in _NUMBER.findall(text)]
    half = len(numbers) // 2
    if len(numbers) not in (2, 4, 6) or any(not 0 <= part < 60 for part in numbers[1:half] + numbers[half + 1 :]):
        return None
    lat, lon = _degrees(numbers[:half]), _degrees(numbers[half:])
    return _inside(-lat if _SOUTH.search(text) else lat, -lon if _WEST.search(text) else lon)


def _degrees(parts: Sequence[float]) -> float:
    return sum((part / 60.0**power for power, part in enumerate(parts)), 0.0)


def _inside(lat: float, lon: float) -> tuple[float, float] | None:
    return (lat, lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def find(text: str, lang: str = "vi", limit: int = 4) -> list[Place]:
    """Gazetteer names that hold the text at the beginning of a word, whole-name beginnings first."""
    wanted = fold(text)
    if len(wanted) < 2:
        return []
    found: list[tuple[int, int, Place]] = []
    for order, row in enumerate(places()):
        names = [fold(str(row[key])) for key in ("name_vi", "name_en")]
        ranks = [0 if name.startswith(wanted) else 1 for name in names if f" {wanted}" in f" {name}"]
        if ranks:
            found.append((min(ranks), order, _place(row, lang)))
    return [place for _, _, place in sorted(found, key=lambda item: item[:2])[:limit]]


def _place(row: Mapping[str, Any], lang: str) -> Place:
    name = str(row["name_en"] if lang == "en" else row["name_vi"])
    return Place(name, float(row["lat"]), float(row["lon"]), ZOOM.get(row["kind"], 11), str(row["kind"]))
