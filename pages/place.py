"""Places as people write them: coordinates in any common form, and names of the gazetteer with or without accents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geo.basemap import places
from geo.degrees import coordinates as coordinates
from geo.degrees import dms as dms
from geo.fold import fold as fold

ZOOM = {"sea": 6, "archipelago": 7, "country": 6, "city": 11, "lagoon": 11, "island": 11, "town": 12, "port": 13}


@dataclass(frozen=True, slots=True)
class Place:
    """A named or numbered point to fly to. Degrees WGS84."""

    name: str
    lat: float
    lon: float
    zoom: int
    kind: str = "place"


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
