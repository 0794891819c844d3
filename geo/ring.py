"""Rings and lines as people and files give them: checked, repaired where it is plain what was meant, refused with the
place of the fault where it is not.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Polygon, mapping

from geo.fence import make_valid
from geo.outline import area_km2, length_km

VERTICES_MAX = 50_000
AREA_MAX_KM2, AREA_MIN_KM2 = 2_000_000.0, 1e-6
LENGTH_MAX_KM, LENGTH_MIN_KM = 20_000.0, 1e-3
CROSSINGS_MAX = 50  # what crosses itself more often cannot be meant, and its repair takes minutes
TOLD_MAX = 20  # faults of one kind that are told one by one
SAME_DEG = 1e-9  # nearer points are one: a tenth of a millimetre
PAIRS_MAX = 4_096  # neighbours of segments looked at together: fewer segments at once where they lie close

Weight = Literal["refused", "repaired", "tidied"]
Shape = Literal["area", "line"]

# Of each fault: how grave it is, and its words. `tidied` changes nothing of what is inside, `repaired` may.
WORDS: Mapping[str, tuple[Weight, str, str]] = {
    "shape": ("refused", "Cần {wanted_vi}, không phải {given}", "A {wanted_en} is needed, not {given}"),
    "few_points": (
        "refused",
        "Cần ít nhất {least} điểm khác nhau, mới có {count}",
        "At least {least} different points are needed, there are {count}",
    ),
    "no_area": ("refused", "Vùng không có diện tích", "The area has no size"),
    "no_length": ("refused", "Đường ngắn hơn một mét", "The line is shorter than a metre"),
    "not_a_number": ("refused", "Tọa độ không phải là số", "A coordinate is no number"),
    "out_of_range": (
        "refused",
        "Tọa độ ngoài quả đất: kinh độ {x}, vĩ độ {y}",
        "Not on this planet: longitude {x}, latitude {y}",
    ),
    "swapped": (
        "refused",
        "Có lẽ kinh độ và vĩ độ bị đổi chỗ: vĩ độ {y}",
        "Longitude and latitude seem to be swapped: latitude {y}",
    ),
    "too_many": (
        "refused",
        "Quá nhiều đỉnh: {count}, nhiều nhất {most}",
        "Too many vertices: {count}, at most {most}",
    ),
    "too_large": ("refused", "Vùng quá rộng: {size} km²", "The area is too large: {size} km²"),
    "too_long": ("refused", "Đường quá dài: {size} km", "The line is too long: {size} km"),
    "antimeridian": ("refused", "Đi qua kinh tuyến 180°", "Crosses the 180° meridian"),
    "tangled": (
        "refused",
        "Đường biên tự cắt hơn {most} lần: hãy vẽ lại",
        "The outline crosses itself more than {most} times: draw it again",
    ),
    "crossing": ("repaired", "Đường biên tự cắt", "The outline crosses itself"),
    "touching": ("repaired", "Đường biên chạm hoặc gập vào chính nó", "The outline touches or folds onto itself"),
    "hole": ("repaired", "Lỗ sai: ngoài vùng hoặc không có diện tích", "A wrong hole: outside, or without an area"),
    "overlap": ("repaired", "Các phần chồng lên nhau", "Parts lie over each other"),
    "duplicate": ("tidied", "Hai đỉnh trùng nhau", "Two vertices in one place"),
    "unclosed": ("tidied", "Vòng chưa khép kín", "The ring is not closed"),
    "orientation": ("tidied", "Vòng theo chiều kim đồng hồ", "The ring runs clockwise"),
}
SHAPES: Mapping[Shape, tuple[str, str]] = {"area": ("một đa giác", "polygon"), "line": ("một đường", "line")}
GIVEN = {
    "Polygon": "area", "MultiPolygon": "area", "LineString": "line", "MultiLineString": "line",
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, where (degrees, none where there is no place), at which vertex (from 1), in words."""

    code: str
    weight: Weight
    vi: str
    en: str
    lon: float | None = None
    lat: float | None = None
    vertex: int | None = None


class Checked(NamedTuple):
    """The geometry as it may be kept, None when it is refused, and everything that was wrong with it."""

    geom: Any
    faults: tuple[Fault, ...]

    @property
    def repaired(self) -> bool:
        """Whether what lies inside may differ from what was given, so that somebody should look at it."""
        return any(fault.weight == "repaired" for fault in self.faults)


class _Refusal(Exception):
    """The fault that ends a check."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.en)
        self.fault = fault


Ring = NDArray[np.float64]  # (n, 2), lon and lat


def checked(value: Any, wanted: Shape | None = None) -> Checked:
    """A GeoJSON geometry or Feature, or a shapely one, as a valid geometry with the right orientation (RFC 7946).

    wanted: what it must be, an area (Polygon, MultiPolygon) or a line (LineString, MultiLineString); None for either.
    Never raises: whatever was given, there is a geometry or a fault of weight `refused`. An outline that crosses
    itself means what the even-odd rule says within one polygon; polygons over each other are one.
    """
    faults: list[Fault] = []
    try:
        shape, parts = _parts(value, wanted)
        geom = _area(parts, faults) if shape == "area" else _line(parts, faults)
    except _Refusal as refusal:
        return Checked(None, (*faults, refusal.fault))
    return Checked(geom, tuple(faults))


def _fault(code: str, at: Sequence[float] | None = None, vertex: int | None = None, **values: object) -> Fault:
    weight, vi, en = WORDS[code]
    lon, lat = (None, None) if at is None else (float(at[0]), float(at[1]))
    where = ("", "") if vertex is None else (f"Đỉnh {vertex}: ", f"Vertex {vertex}: ")
    told_vi, told_en = vi.format(**values), en.format(**values)
    if vertex is not None:
        told_vi, told_en = told_vi[:1].lower() + told_vi[1:], told_en[:1].lower() + told_en[1:]
    return Fault(code, weight, where[0] + told_vi, where[1] + told_en, lon, lat, vertex)


# What was given


def _parts(value: Any, wanted: Shape | None) -> tuple[Shape, list[list[Ring]]]:
    """The rings of each polygon, or each line as a list of one, with good coordinates."""
    if isinstance(value, shapely.Geometry):
        value = mapping(value)
    if isinstance(value, Mapping) and value.get("type") == "Feature":
        value = value.get("geometry")
    kind = str(value.get("type"))[:40] if isinstance(value, Mapping) else type(value).__name__
    shape: Any = GIVEN.get(kind)
    if shape is None or (wanted is not None and shape != wanted):
        vi, en = SHAPES[wanted] if wanted else ("một đa giác hay một đường", "polygon or line")
        raise _Refusal(_fault("shape", wanted_vi=vi, wanted_en=en, given=kind))
    given = value.get("coordinates")
    if not kind.startswith("Multi"):
        given = [given]
    if shape == "line":
        given = [[line] for line in given] if isinstance(given, list | tuple) else given
    least = 3 if shape == "area" else 2
    if not isinstance(given, list | tuple) or not given or not all(isinstance(p, list | tuple) and p for p in given):
        raise _Refusal(_fault("few_points", least=least, count=0))
    rings = [[ring if isinstance(ring, list | tuple) else () for ring in part] for part in given]
    count = sum(len(ring) for part in rings for ring in part)
    if count > VERTICES_MAX:
        raise _Refusal(_fault("too_many", _first(rings), count=_number(count), most=_number(VERTICES_MAX)))
    return shape, [[_ring(ring) for ring in part] for part in rings]


def _first(rings: Sequence[Sequence[Sequence[Any]]]) -> Sequence[float] | None:
    positions = (position for part in rings for ring in part for position in ring)
    return next((position for position in positions if _good(position)), None)


def _good(position: Any) -> bool:
    return (
        isinstance(position, list | tuple)
        and len(position) >= 2
        and all(isinstance(x, int | float) and not isinstance(x, bool) for x in position[:2])
        and abs(position[0]) <= 180
        and abs(position[1]) <= 90
    )


def _ring(positions: Sequence[Any]) -> Ring:
    before: Sequence[float] | None = None
    for number, position in enumerate(positions, 1):
        if not _good(position):
            raise _Refusal(_bad(position, before, number))
        if before is not None and abs(position[0] - before[0]) > 180:
            raise _Refusal(_fault("antimeridian", before, number))
        before = position
    return np.array([position[:2] for position in positions], dtype=float).reshape(-1, 2)


def _bad(position: Any, before: Sequence[float] | None, number: int) -> Fault:
    """What is wrong with a position; its place is where it should be, else the one before it."""
    pair = position[:2] if isinstance(position, list | tuple) and len(position) >= 2 else ()
    numbers = [x for x in pair if isinstance(x, int | float) and not isinstance(x, bool) and _finite(x)]
    if len(numbers) < 2:
        return _fault("not_a_number", before, number)
    x, y = numbers
    if abs(x) <= 90 < abs(y) <= 180:
        return _fault("swapped", (y, x), number, y=f"{y:g}")
    return _fault("out_of_range", before, number, x=f"{float(x):g}", y=f"{float(y):g}")


def _finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # an integer of a thousand digits
        return False


# Areas


def _area(parts: Sequence[Sequence[Ring]], faults: list[Fault]) -> Any:
    polygons: list[Polygon] = []
    for rings in parts:
        shell = _tidy(rings[0], faults)
        if len(np.unique(shell, axis=0)) < 3:
            at = shell[0] if len(shell) else None
            raise _Refusal(_fault("few_points", at, least=3, count=len(np.unique(shell, axis=0))))
        holes = [_tidy(ring, faults) for ring in rings[1:]]
        good = [hole for hole in holes if len(np.unique(hole, axis=0)) >= 3]
        for hole in holes:
            if len(np.unique(hole, axis=0)) < 3:
                faults.append(_fault("hole", hole[0] if len(hole) else None))
        polygons += _polygons(shell, good, faults)
    geom = polygons[0] if len(polygons) == 1 else _together(polygons, faults)
    # Neither of these may be true after a repair; a shape of which they were would stop the raster of all fences.
    if geom.is_empty or not geom.is_valid:
        raise _Refusal(_fault("no_area", parts[0][0][0]))
    size = area_km2(geom)
    middle = shapely.get_coordinates(geom.representative_point())[0]
    if size < AREA_MIN_KM2:
        raise _Refusal(_fault("no_area", middle))
    if size > AREA_MAX_KM2:
        raise _Refusal(_fault("too_large", middle, size=_number(size)))
    return geom


def _tidy(ring: Ring, faults: list[Fault]) -> Ring:
    """Closed, and without a vertex that is the one before it again."""
    if not len(ring):
        return ring
    if len(ring) > 1 and np.abs(ring[0] - ring[-1]).max() > SAME_DEG:
        faults.append(_fault("unclosed", ring[0]))
        ring = np.vstack([ring, ring[:1]])
    elif len(ring) > 1:
        ring = np.vstack([ring[:-1], ring[:1]])
    return _without_duplicates(ring, faults)


def _without_duplicates(ring: Ring, faults: list[Fault]) -> Ring:
    again = np.flatnonzero(np.abs(np.diff(ring, axis=0)).max(axis=1) <= SAME_DEG) + 1
    faults += [_fault("duplicate", ring[n], int(n) + 1) for n in again[:TOLD_MAX].tolist()]
    kept = np.delete(ring, again, axis=0)
    if len(again) and len(kept) and not np.array_equal(kept[-1], ring[-1]):
        kept[-1] = ring[-1]  # the last one closes the ring
    return kept


def _polygons(shell: Ring, holes: Sequence[Ring], faults: list[Fault]) -> list[Polygon]:
    polygon = Polygon(shell, holes)
    if polygon.is_valid:
        if not polygon.exterior.is_ccw:
            faults.append(_fault("orientation", shell[0]))
        return [shapely.orient_polygons(polygon)]
    found = list(_crossings([shell, *holes]))
    if len(found) > CROSSINGS_MAX:
        raise _Refusal(_fault("tangled", found[0][1], most=CROSSINGS_MAX))
    faults += [_fault(code, place) for code, place in found[:TOLD_MAX]] or [_reason(polygon)]
    mended = _polygonal(make_valid(polygon))
    if not mended:
        raise _Refusal(_fault("no_area", shell[0]))
    return mended


def _polygonal(geom: Any) -> list[Polygon]:
    """The polygons of whatever a repair made, without the lines and slivers that come with them."""
    # On a grid, since places where lines cross come out as several, a rounding apart.
    neat = shapely.set_precision(geom, SAME_DEG)
    parts = shapely.get_parts(shapely.get_parts(neat))  # a collection may hold a multipolygon
    polygons = [part for part in parts if part.geom_type == "Polygon" and area_km2(part) >= AREA_MIN_KM2]
    return [shapely.orient_polygons(part) for part in polygons]


def _together(polygons: Sequence[Polygon], faults: list[Fault]) -> Any:
    many = MultiPolygon(polygons)
    if many.is_valid:
        return many
    faults.append(_reason(many, "overlap"))
    merged = _polygonal(shapely.union_all(polygons))
    return merged[0] if len(merged) == 1 else MultiPolygon(merged)


def _reason(geom: Any, code: str | None = None) -> Fault:
    """What GEOS says is wrong, and where."""
    reason = str(shapely.is_valid_reason(geom))
    place = re.search(r"\[(\S+) (\S+)\]", reason)
    return _fault(
        code or ("hole" if "ole" in reason else "touching"), (float(place[1]), float(place[2])) if place else None
    )


def _crossings(rings: Sequence[Ring]) -> Iterator[tuple[str, Sequence[float]]]:
    """Where segments of the rings meet that should not, one more than is allowed at most."""
    starts, ends = (np.vstack([ring[cut] for ring in rings]) for cut in (slice(None, -1), slice(1, None)))
    first = np.concatenate([[begin] * (len(ring) - 1) for begin, ring in zip(_begins(rings), rings, strict=True)])
    last = np.concatenate(
        [[begin + len(ring) - 2] * (len(ring) - 1) for begin, ring in zip(_begins(rings), rings, strict=True)]
    )
    lines = shapely.linestrings(np.stack([starts, ends], axis=1))
    tree, told = STRtree(lines), set[tuple[float, float]]()
    begin, step = 0, 1
    while begin < len(lines):
        own, other = tree.query(lines[begin : begin + step], predicate="intersects")
        own, begin = own + begin, begin + step
        step = min(2 * step, 1_024) if len(own) < PAIRS_MAX else max(step // 2, 1)
        later = other > own
        for a, b in zip(own[later].tolist(), other[later].tolist(), strict=True):
            meeting = shapely.intersection(lines[a], lines[b])
            beside = b == a + 1 or (a == first[a] and b == last[a])
            if meeting.is_empty or (first[a] == first[b] and beside and meeting.geom_type == "Point"):
                continue
            lon, lat = shapely.get_coordinates(meeting)[0].tolist()
            corner = any(np.abs(end - (lon, lat)).max() <= SAME_DEG for end in (starts[a], ends[a], starts[b], ends[b]))
            if (round(lon, 9), round(lat, 9)) in told:
                continue
            told.add((round(lon, 9), round(lat, 9)))
            yield ("touching" if corner else "crossing"), (lon, lat)
            if len(told) > CROSSINGS_MAX:
                return


def _begins(rings: Sequence[Ring]) -> list[int]:
    """The number of each ring's first segment among all."""
    counts = np.cumsum([0, *[len(ring) - 1 for ring in rings]])
    return [int(count) for count in counts[:-1]]


# Lines


def _line(parts: Sequence[Sequence[Ring]], faults: list[Fault]) -> Any:
    lines = []
    for (given,) in parts:
        line = _without_duplicates(given, faults) if len(given) else given
        if len(line) < 2:
            at = line[0] if len(line) else None
            raise _Refusal(_fault("few_points", at, least=2, count=len(line)))
        lines.append(LineString(line))
    geom = lines[0] if len(lines) == 1 else MultiLineString(lines)
    length = length_km(geom)
    start = shapely.get_coordinates(geom)[0]
    if length < LENGTH_MIN_KM:
        raise _Refusal(_fault("no_length", start))
    if length > LENGTH_MAX_KM:
        raise _Refusal(_fault("too_long", start, size=_number(length)))
    return geom


def _number(value: float) -> str:
    """A whole number as both languages can read it: thousands apart by a narrow space."""
    return f"{value:,.0f}".replace(",", "\u202f")
