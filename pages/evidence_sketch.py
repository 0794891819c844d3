"""A drawing of a track for papers: land, reference lines and fences, the way dotted where nothing is known of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians
from typing import Any

import shapely
from shapely.geometry import box, shape

from access.evidence_pack import Pack, Row, Track, legs
from geo.basemap import places, rings
from geo.fence_kind import REFERENCE
from pages.print import Element, element

WIDE, HIGH = 1700.0, 960.0  # tenths of a millimetre
MARGIN, LEAST_DEG = 0.25, 0.15
INK, MUTED, SEA, LAND, WAY, LINE = "#1c2833", "#566778", "#eaf1f5", "#f4f3ee", "#1f6fb2", "#28618d"
FONT = "Plain, Plain Vietnamese, DejaVu Sans"
STRONG = "Strong, Strong Vietnamese, DejaVu Sans"
NAMED_MOST, DOTS_MOST = 10, 250
NAME_HIGH, NAME_WIDE = 0.04, 0.14  # of the drawing, what a name takes
NATION = (101.0, 6.0, 118.5, 24.0)  # of the small map: all of the sea that is Viet Nam's to name
INSET = (1330.0, 540.0, 360.0, 410.0)
ISLANDS_ROOM = 240.0  # half of what an archipelago's name takes


@dataclass(frozen=True)
class View:
    """A box in degrees put into a box of the drawing, a degree of longitude as long as it is in its middle."""

    west: float
    south: float
    east: float
    north: float
    left: float = 0.0
    top: float = 0.0
    wide: float = WIDE
    high: float = HIGH

    @property
    def area(self) -> Any:
        """The box in degrees."""
        return box(self.west, self.south, self.east, self.north)

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        """Where a place is drawn."""
        x = self.left + (lon - self.west) / (self.east - self.west) * self.wide
        return x, self.top + (self.north - lat) / (self.north - self.south) * self.high

    def path(self, coords: Iterable[Sequence[float]]) -> str:
        """A line of places as the path's `d`."""
        return "M" + " ".join("{:.1f},{:.1f}".format(*self.at(*each[:2])) for each in coords)


def view_of(rows: Sequence[Row]) -> View:
    """The view that holds these fixes with room around them, in the drawing's proportions."""
    lons, lats = ([row[name] for row in rows] for name in ("lon", "lat"))
    lon, lat = (min(lons) + max(lons)) / 2, (min(lats) + max(lats)) / 2
    shrink = cos(radians(lat))
    wide = max((max(lons) - min(lons)) * (1 + 2 * MARGIN), LEAST_DEG)
    high = max((max(lats) - min(lats)) * (1 + 2 * MARGIN), LEAST_DEG)
    high = max(high, wide * shrink * HIGH / WIDE)
    wide = high * WIDE / HIGH / shrink
    return View(lon - wide / 2, lat - high / 2, lon + wide / 2, lat + high / 2)


def sketch(pack: Pack, track: Track) -> Element:
    """The drawing of one track, with the two archipelagos in a small map whatever the large one holds."""
    rows = track.counted
    view = view_of(rows)
    shown = [_ground(view, 2 if view.east - view.west < 6 else 1), _fences(pack, view), _way(track, view)]
    frame = _rect(1, 1, WIDE - 2, HIGH - 2, "none", MUTED)
    return element(
        "svg", *shown, _names(view, track), _scale(view), _inset(view), frame,
        viewBox=f"0 0 {WIDE:g} {HIGH:g}", width="170mm", height="96mm",
    )  # fmt: skip


def _rect(x: float, y: float, wide: float, high: float, fill: str, stroke: str = "none") -> Element:
    return element(
        "rect", x=f"{x:g}", y=f"{y:g}", width=f"{wide:g}", height=f"{high:g}", fill=fill, stroke=stroke,
        **{"stroke-width": "2"},
    )  # fmt: skip


def _text(
    x: float, y: float, words: str, size: int = 24, fill: str = INK, anchor: str = "start", font: str = FONT
) -> Element:
    about = {"font-size": str(size), "font-family": font, "text-anchor": anchor}
    return element("text", words, x=f"{x:.1f}", y=f"{y:.1f}", fill=fill, **about)


def _ground(view: View, level: int) -> Element:
    kinds, polygons = rings(level)
    near = shapely.intersects(shapely.envelope(polygons), view.area)
    paths = []
    for kind, polygon in sorted(zip(kinds[near].tolist(), polygons[near], strict=True), key=lambda each: each[0]):
        part = shapely.clip_by_rect(shapely.make_valid(polygon), view.west, view.south, view.east, view.north)
        for one in _polygons(part):
            fill = LAND if kind in (1, 3) else SEA
            d = view.path(one.exterior.coords) + "Z"
            paths.append(element("path", d=d, fill=fill, stroke="#a9b6bf", **{"stroke-width": "1.5"}))
    return element("g", _rect(view.left, view.top, view.wide, view.high, SEA), paths)


def _polygons(geom: Any) -> list[Any]:
    return [one for one in shapely.get_parts(geom) if one.geom_type == "Polygon" and not one.is_empty]


def _fences(pack: Pack, view: View) -> Element:
    """The fences as they were at the end of the period; of the reference lines what they are for."""
    newest = {row["key"]: row["value"] for row in pack.fences}
    drawn: list[Element] = []
    for value in newest.values():
        if value.get("retired_at") or value["kind"] in ("zone_inshore", "zone_coastal", "zone_offshore"):
            continue  # the sides of the lines, which are drawn themselves
        geom = shapely.intersection(shapely.make_valid(shape(value["geom"])), view.area)
        style = {"fill": "none", "stroke": LINE if value["kind"] in REFERENCE else MUTED, "stroke-width": "2.5"}
        style["stroke-dasharray"] = (
            "3 9" if value["kind"] == "coast_line" else "16 9" if value["kind"] in REFERENCE else "7 6"
        )
        for part in shapely.get_parts(geom):
            line = part.exterior if part.geom_type == "Polygon" else part
            if line.is_empty or line.geom_type == "Point":
                continue
            drawn.append(element("path", d=view.path(line.coords), **style))
        if not geom.is_empty and value["kind"] != "port":
            x, y = view.at(*_label_place(geom))
            words = value["name_vi"] + (" (sơ đồ tham khảo)" if value["kind"] in REFERENCE else "")
            drawn.append(_text(min(max(x, 20), WIDE - 480), min(max(y - 8, 30), HIGH - 20), words, 22, style["stroke"]))
    return element("g", drawn)


def _label_place(geom: Any) -> tuple[float, float]:
    if geom.geom_type in ("LineString", "MultiLineString"):
        longest = max(shapely.get_parts(geom), key=lambda part: part.length)
        point = longest.interpolate(0.12, normalized=True)
        return point.x, point.y
    west, _, _, north = geom.bounds
    return west, north


def _way(track: Track, view: View) -> Element:
    stretches = legs(track)
    drawn = [
        element(
            "path", d=view.path((row["lon"], row["lat"]) for row in leg), fill="none", stroke=WAY,
            **{"stroke-width": "4", "stroke-linejoin": "round"},
        )
        for leg in stretches if len(leg) > 1
    ]  # fmt: skip
    for before, after in pairwise(stretches):
        ends = [(before[-1]["lon"], before[-1]["lat"]), (after[0]["lon"], after[0]["lat"])]
        dotted = {"stroke-width": "4", "stroke-dasharray": "2 12", "stroke-linecap": "round"}
        drawn.append(element("path", d=view.path(ends), fill="none", stroke=INK, **dotted))
    for row in _dots(track):
        x, y = view.at(row["lon"], row["lat"])
        fill = "#ffffff" if row.get("manual") else WAY
        drawn.append(
            element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="6", fill=fill, stroke=WAY, **{"stroke-width": "2"})
        )
    ends = [(track.counted[0], "đầu"), (track.counted[-1], "cuối")]
    for row, words in ends:
        x, y = view.at(row["lon"], row["lat"])
        drawn.append(
            element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="12", fill="none", stroke=INK, **{"stroke-width": "3"})
        )
        drawn.append(_text(x + 16, y - 12, words, 24, INK, font=STRONG))
    return element("g", drawn)


def _dots(track: Track) -> list[Row]:
    """The fixes that stand as points; of very many, which would run into one another, those that somebody told."""
    every = track.counted
    return every if len(every) <= DOTS_MOST else [row for row in every if row.get("manual")][:DOTS_MOST]


def _names(view: View, track: Track) -> Element:
    """The two archipelagos wherever they are in view, and the largest of the other places."""
    known = [one for one in places() if view.area.contains(shapely.Point(one["lon"], one["lat"]))]
    taken = [track.counted[0], track.counted[-1]]  # where words stand already
    groups = {one.get("group") for one in known}
    islands = [one for one in places() if one["kind"] == "archipelago" and one.get("group") in groups]
    rest = sorted(
        (one for one in known if not one.get("group") and one["kind"] != "sea"), key=lambda one: one["min_zoom"]
    )
    drawn = []
    for one in islands:  # never left out: beside whatever stands there
        x, y = view.at(one["lon"], one["lat"])  # of which an island is in view, though its middle may not be
        x, y = min(max(x, ISLANDS_ROOM), WIDE - ISLANDS_ROOM), min(max(y, 40), HIGH - 90)
        lower = 0 if _apart(view, [one], taken) else 48
        drawn.append(_text(x, y + lower, one["name_vi"], 26, INK, "middle", STRONG))
    drawn += [_text(*view.at(one["lon"], one["lat"]), one["name_vi"], 22, MUTED) for one in _apart(view, rest, taken)]
    return element("g", drawn)


def _apart(view: View, named: Sequence[Row], taken: Sequence[Row]) -> list[Row]:
    """Those places whose names do not run into one another, the first ones first."""
    high, wide = (view.north - view.south) * NAME_HIGH, (view.east - view.west) * NAME_WIDE
    found: list[Row] = []
    for one in named:
        far = all(
            abs(one["lat"] - each["lat"]) > high or abs(one["lon"] - each["lon"]) > wide for each in (*taken, *found)
        )
        found += [one] if far and len(found) < NAMED_MOST else []
    return found


def _scale(view: View) -> Element:
    """A bar of so many nautical miles as take about a sixth of the drawing."""
    whole = (view.north - view.south) * 60 * WIDE / HIGH
    miles = max((step for step in (1, 2, 5, 10, 20, 50, 100, 200) if step <= whole / 6), default=1)
    long = miles / whole * WIDE
    bar = element(
        "path", d=f"M24,{HIGH - 40:g} v14 h{long:.1f} v-14", fill="none", stroke=INK, **{"stroke-width": "2.5"}
    )
    return element("g", bar, _text(36 + long, HIGH - 26, f"{miles} hải lý", 24))


def _inset(view: View) -> Element:
    x, y, wide, high = INSET
    nation = View(*NATION, x, y, wide, high)
    named = [one for one in places() if one["kind"] in ("archipelago", "sea") and one.get("group")]
    drawn = []
    for one in named:
        at = nation.at(one["lon"], one["lat"])
        if one["kind"] == "archipelago":
            drawn.append(element("circle", cx=f"{at[0]:.1f}", cy=f"{at[1] - 26:.1f}", r="4", fill=INK))
        words = one["name_vi"].removeprefix("Quần đảo ").split(" (")
        drawn.append(_text(at[0], at[1], words[0], 21, INK, "middle", STRONG))
        if len(words) > 1:
            drawn.append(_text(at[0], at[1] + 22, f"({words[1]}", 18, INK, "middle"))
    left, top = nation.at(view.west, view.north)
    right, bottom = nation.at(view.east, view.south)
    here = _rect(left, top, max(right - left, 8), max(bottom - top, 8), "none", "#c8102e")
    return element("g", _ground(nation, 0), drawn, here, _rect(x, y, wide, high, "none", MUTED))
