"""Reader of the offline base map: its shores, borders and rivers as shapes, and which points lie on land."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import geopandas

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "basemap"
MAGIC = b"HDBM"
FINEST = 3


class BasemapError(Exception):
    """The base map's file is missing or is not what this version reads."""


@dataclass(frozen=True)
class Section:
    """Parts of one section: `kinds` (n,), `starts` (n + 1,) into `points` (m, 2) degrees and `levels` (m,)."""

    kinds: NDArray[np.uint8]
    starts: NDArray[np.int64]
    points: NDArray[np.float64]
    levels: NDArray[np.uint8]

    def at(self, level: int) -> Section:
        """The same section generalised to `level` (0 coarsest .. 3 all); parts without a vertex there vanish."""
        keep = self.levels <= level
        counts = np.add.reduceat(keep, self.starts[:-1]).astype(np.int64)
        some = counts > 0
        return Section(self.kinds[some], np.r_[0, np.cumsum(counts[some])], self.points[keep], self.levels[keep])


def varints(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The LEB128 numbers in `data`."""
    last = np.flatnonzero(data < 128)
    first = np.r_[0, last[:-1] + 1]
    place = np.arange(len(data)) - np.repeat(first, last - first + 1)
    return np.add.reduceat((data & 127).astype(np.int64) << (7 * place), first)


def parse(data: bytes) -> tuple[dict[str, Any], dict[str, Section]]:
    """Header and sections ("shore": closed rings, first vertex not repeated; "line") of a map.bin.

    Raises BasemapError when the bytes are not a base map of version 1.
    """
    if data[:4] != MAGIC or len(data) < 12:
        raise BasemapError("map.bin: not a base map; build it again with assets/basemap/build.py")
    version, size = struct.unpack_from("<II", data, 4)
    if version != 1:
        raise BasemapError(f"map.bin: version {version}, this program reads 1; build it again")
    head: dict[str, Any] = json.loads(data[12 : 12 + size])
    body = np.frombuffer(data, np.uint8, offset=12 + size)

    def blob(entry: list[int]) -> NDArray[np.uint8]:
        return body[entry[0] : entry[0] + entry[1]]

    sections = {}
    for name, entry in head["sections"].items():
        counts = varints(blob(entry["counts"]))
        zigzag = varints(blob(entry["points"])).reshape(-1, 2)
        points = np.cumsum((zigzag >> 1) ^ -(zigzag & 1), axis=0) * float(head["unit"])
        packed = blob(entry["levels"])
        levels = ((packed[:, None] >> np.array([0, 2, 4, 6], np.uint8)) & np.uint8(3)).reshape(-1)[: len(points)]
        levels = levels.astype(np.uint8)
        sections[name] = Section(blob(entry["kinds"]), np.r_[0, np.cumsum(counts)], points, levels)
    return head, sections


@lru_cache(maxsize=1)
def basemap() -> tuple[dict[str, Any], dict[str, Section]]:
    """The committed map, read once. Raises BasemapError when the file is missing."""
    path = FOLDER / "map.bin"
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise BasemapError(f"{path}: {error.strerror}; build it with assets/basemap/build.py") from error


def rings(level: int) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Kinds (1 land, 2 lake, 3 island in a lake, 4 pond) and polygons of the shore rings at `level`."""
    section = basemap()[1]["shore"].at(level)
    counts = np.diff(section.starts)
    ring = np.repeat(np.arange(len(counts)), counts)
    big = (counts >= 3)[ring]
    order = np.cumsum(np.r_[0, counts >= 3])[:-1]
    made = shapely.linearrings(section.points[big], indices=order[ring[big]])
    return section.kinds[counts >= 3], shapely.polygons(made)


def load(level: int = FINEST) -> geopandas.GeoDataFrame:
    """All the base map at `level` (0 for the world .. 3 for a harbour), EPSG:4326.

    Columns: kind ("land", "lake", "island", "pond": polygons, lakes NOT cut out of the land; "border", "river",
    "stream": lines) and geometry. Draw in this order. Generalised rings may touch themselves.
    """
    import geopandas  # slow to load, and of all who import this room only those who draw or cut the land need it

    head, sections = basemap()
    names = {number: name for name, number in head["kinds"].items()}
    kinds, polygons = rings(level)
    line = sections["line"].at(level)
    counts = np.diff(line.starts)
    part = np.repeat(np.arange(len(counts)), counts)
    lines = shapely.linestrings(line.points, indices=part)
    order = np.argsort(kinds, kind="stable")
    geometry = np.r_[polygons[order], lines]
    kind = [names[int(each)] for each in np.r_[kinds[order], line.kinds]]
    return geopandas.GeoDataFrame({"kind": kind}, geometry=geometry, crs="EPSG:4326")


@lru_cache(maxsize=1)
def _shores() -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Prepared finest polygons and their bounds (n, 4)."""
    polygons = rings(FINEST)[1]
    shapely.prepare(polygons)
    return polygons, shapely.bounds(polygons)


def is_land(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Whether each point (degrees, any equal shapes; NaN is not land) lies on land: even-odd rule over all shores.

    Lagoons (Tam Giang, Cầu Hai), bays and lakes are water. Good to about 15 m round Huế, 70 m along Vietnam, 1 km
    elsewhere; a berth or a narrow river may count as land, so allow for a margin before calling a position wrong.
    """
    x, y = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    flat = np.column_stack([((x.ravel() + 180.0) % 360.0) - 180.0, y.ravel()])
    good = np.isfinite(flat).all(axis=1)
    times = np.zeros(len(flat), dtype=np.int64)
    if good.any():
        polygons, bounds = _shores()
        west, south = flat[good].min(axis=0)
        east, north = flat[good].max(axis=0)
        near = (bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
        index = np.flatnonzero(good)
        tree = shapely.STRtree(shapely.points(flat[good]))
        inside = tree.query(polygons[near], predicate="contains")[1]
        np.add.at(times, index[inside], 1)
    odd: NDArray[np.bool_] = (times % 2 == 1).reshape(x.shape)
    return odd


def places() -> list[dict[str, Any]]:
    """The gazetteer: name_vi, name_en, lon, lat, kind, min_zoom, max_zoom or None, group or None."""
    found: list[dict[str, Any]] = json.loads((FOLDER / "gazetteer.json").read_text(encoding="utf-8"))["places"]
    return found
