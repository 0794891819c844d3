"""The map itself: dash-leaflet's map, the reference zone lines and fences, and the chosen object's trail."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from typing import Any

import dash_leaflet as dl
import shapely
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy import Connection

from access.site import Site
from geo import desk, fence
from geo.anomaly import NO_TRACK
from geo.fence import REFERENCE_NOTE, Fence
from geo.fence_json import state
from geo.fence_kind import KINDS as FENCE_KINDS
from geo.track import track
from layers.layer import Layer
from pages.read import DatabaseAway, read
from pages.text import Text
from pages.view import View

SPEED_STEPS_KN = (0.5, 3.0, 7.0, 12.0)
TRAIL = timedelta(hours=24)
TRACK_BEFORE = timedelta(minutes=30)  # of what an alarm's evidence is drawn, before it was raised
GAP = timedelta(minutes=30)
LINES = ("coast_line", "inshore_line")
TOOLS = ("labels", "trail", "follow", "events")
CORNERS_DRAWN = 3_000
FENCES_MS = 30_000  # seasons and validity begin and end without anybody's change; changes themselves are told at once


def layout(site: Site, t: Text, view: View) -> html.Div:
    """The map and what lies over its corners. Points are drawn by live.js, land and sea by basemap.js."""
    tools = [
        ("labels", "L", t("Nhãn")),
        ("trail", "T", t("Vệt")),
        ("follow", "F", t("Bám")),
        ("events", "H", t("Hành vi")),
    ]
    return html.Div(
        [
            dl.Map(
                [
                    dl.LayerGroup([], id="zone"),
                    # Below the names of the base map (430): no storm lies over "Quần đảo Hoàng Sa (Việt Nam)".
                    dl.Pane(dl.LayerGroup([], id="storms"), name="storms", style={"zIndex": 420}),
                    dl.LayerGroup([], id="trail"),
                    dl.LayerGroup([], id="events"),
                    dl.ZoomControl(position="topleft"),
                ],
                id="map",
                center=[view.lat, view.lon],
                zoom=view.zoom,
                minZoom=3,
                maxZoom=18,
                zoomSnap=0.5,
                zoomControl=False,
                attributionControl=False,
                worldCopyJump=False,
                className="map",
                keyboard=True,
                maxBounds=[[-85, -540], [85, 540]],
            ),
            html.Div(
                [_tool(name, key, word, getattr(view, name)) for name, key, word in tools]
                + [
                    html.Button(
                        [t("Vùng"), html.Kbd("V")],
                        id="fence-tool",
                        className="tool",
                        title=t("Vùng: danh sách, vẽ và sửa"),
                        **{"data-key-press": "v", "aria-keyshortcuts": "V", "aria-pressed": "false"},
                    ),
                    html.Button(
                        "?",
                        id="help-open",
                        className="tool",
                        title=t("Phím tắt (?)"),
                        **{"aria-label": t("Phím tắt"), "data-help": "1"},
                    ),
                ],
                className="tools",
                role="toolbar",
                **{"aria-label": t("Công cụ bản đồ")},
            ),
            html.P(
                [
                    t("Nền: GSHHG, Natural Earth"),
                    " · ",
                    html.A("Leaflet", href="https://leafletjs.com", rel="noreferrer", target="_blank"),
                    f" · {site.basemap_attribution}" if site.basemap_attribution else "",
                ],
                className="licence",
            ),
            dcc.Store(id="fence-names"),
            dcc.Store(id="fence-print"),
            dcc.Store(id="fence-mark"),
            dcc.Store(id="storm-print"),
            dcc.Interval(id="fence-tick", interval=FENCES_MS),
            dcc.Interval(id="trail-tick", interval=30_000),
        ],
        id="chart",
        className="chart",
        role="main",
    )


def _tool(name: str, key: str, word: str, on: bool) -> html.Button:
    return html.Button(
        [word, html.Kbd(key)],
        id={"part": "tool", "name": name},
        className="tool",
        n_clicks=0,
        title=f"{word} ({key})",
        **{"aria-pressed": "true" if on else "false", "aria-keyshortcuts": key},
    )


def zones(t: Text, fences: Sequence[Fence], now: datetime | None = None) -> tuple[list[Any], dict[str, str]]:
    """Lines and outlines of the fences, and the words that chart.js writes along each; no alarm colour fills a zone.

    What does not hold at this moment is drawn dim and says so; the sides of the reference lines have no outline.
    """
    shapes: list[Any] = []
    names: dict[str, str] = {}
    for one in fences:
        mark = f"fence-{one.id}"
        held = state(one, now or datetime.now(UTC))
        name = t.pick(one.name_vi, one.name_en)
        kind = FENCE_KINDS.get(one.kind)
        dim = "" if held == "in_force" else " dim"
        if one.kind in LINES or (kind and kind.shape == "line"):
            parts = [_latlon(line) for line in getattr(_drawn(one.geom), "geoms", [_drawn(one.geom)])]
            style = f"zone {one.kind} {mark}{dim}"
            shapes.append(dl.Polyline(positions=parts, className=style, interactive=False, smoothFactor=0.5))
        elif kind:
            more = "" if one.kind == "area" else f" {one.kind}"
            for polygon in getattr(_drawn(one.geom), "geoms", [_drawn(one.geom)]):
                rings = [_latlon(ring) for ring in (polygon.exterior, *polygon.interiors)]
                style = f"zone area{more} {mark}{dim}"
                places = rings if len(rings) > 1 else rings[0]
                shapes.append(dl.Polygon(positions=places, className=style, interactive=False, smoothFactor=0.5))
        else:
            continue
        told = {"future": t("chưa có hiệu lực"), "past": t("hết hiệu lực"), "out_of_season": t("ngoài mùa")}
        if one.kind in LINES and one.note in (None, "", REFERENCE_NOTE):  # an authority's own says whose it is
            names[mark] = f"{name[:1].lower()}{name[1:]} · {t('sơ đồ tham khảo')}"
        else:
            names[mark] = f"{name} · {told[held]}" if held in told else name
    return shapes, names


def _drawn(geom: Any) -> Any:
    """As it is drawn: an outline of very many corners without those that nobody could see."""
    return geom if shapely.get_num_coordinates(geom) <= CORNERS_DRAWN else shapely.simplify(geom, 5e-5)


def _print(t: Text, fences: Sequence[Fence], now: datetime) -> str:
    """Changes whenever anything that is drawn does."""
    seen = [(one.id, one.version, state(one, now)) for one in fences]
    return hashlib.sha256(repr((t.lang, seen)).encode()).hexdigest()[:16]


def _latlon(line: Any) -> list[list[float]]:
    return [[lat, lon] for lon, lat, *_ in line.coords]


def trail(rows: Sequence[Mapping[str, Any]], gap: timedelta = GAP) -> list[Any]:
    """A track as one multi-line per speed class, dotted where more than `gap` is unknown.

    No line leads from one sender to another under the same key, nor to a placeholder's place (domain fact 18).
    """
    classes: list[list[list[list[float]]]] = [[] for _ in range(len(SPEED_STEPS_KN) + 1)]
    gaps: list[list[list[float]]] = []
    numbers = sorted({row.get("track") or 0 for row in rows} - {NO_TRACK})
    own = [[row for row in rows if (row.get("track") or 0) == number] for number in numbers]
    for before, after in chain.from_iterable(map(pairwise, own)):
        ends = [[before["lat"], before["lon"]], [after["lat"], after["lon"]]]
        if after["observed_at"] - before["observed_at"] > gap:
            gaps.append(ends)
            continue
        runs = classes[speed_class(after.get("speed"))]
        if runs and runs[-1][-1] == ends[0]:
            runs[-1].append(ends[1])
        else:
            runs.append(ends)
    lines = [_line(runs, f"trail trail-{n}") for n, runs in enumerate(classes) if runs]
    return lines + ([_line(gaps, "trail trail-gap")] if gaps else [])


def proof(rows: Sequence[Mapping[str, Any]], alarm: Mapping[str, Any], gap: timedelta = GAP) -> list[Any]:
    """What an alarm is about: the track since shortly before it, broad below the trail, and where it was raised."""
    runs = trail(rows, gap)
    shapes = [
        dl.Polyline(positions=line.positions, className="trail-proof", interactive=False, smoothFactor=1)
        for line in runs
        if "trail-gap" not in line.className
    ]
    if alarm["lat"] is not None:
        center = [alarm["lat"], alarm["lon"]]
        name = f"raised-at sev-{alarm['severity']}"
        shapes.append(dl.CircleMarker(center=center, radius=6, className=name, interactive=False))
    return shapes


def _trails(
    connection: Connection, site: Site, layer: Layer, chosen: Mapping[str, Any], trailed: bool, now: datetime
) -> list[Any]:
    # What reports every two or three hours is not lost in between.
    shape, gap = layer.shape, max(GAP, timedelta(seconds=layer.style.stale_s))
    asked = chosen.get("alarm")
    alarm = desk.one(connection, int(asked), now) if asked else None
    shapes: list[Any] = []
    if alarm is not None:
        start = alarm["raised_at"] - TRACK_BEFORE
        shapes += proof(track(connection, site.archive, shape, str(chosen["key"]), start, now).rows(), alarm, gap)
    if trailed:
        shapes += trail(track(connection, site.archive, shape, str(chosen["key"]), now - TRAIL, now).rows(), gap)
    return shapes


def _line(positions: Any, name: str) -> dl.Polyline:
    return dl.Polyline(positions=positions, className=name, interactive=False, smoothFactor=1)


def speed_class(speed: float | None) -> int:
    """0 still (under 0.5 kn or unknown) to 4 fast (12 kn and more)."""
    return sum(speed is not None and speed >= step for step in SPEED_STEPS_KN)


def register(app: Dash, site: Site) -> None:
    """Fences whenever one changed, the trail whenever the choice changes and each half minute after."""

    @app.callback(
        Output("zone", "children"),
        Output("fence-names", "data"),
        Output("fence-print", "data"),
        Output("database", "data", allow_duplicate=True),
        Input("zone", "id"),
        Input("fence-mark", "data"),
        Input("fence-tick", "n_intervals"),
        State("fence-print", "data"),
        State("words", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def draw_zones(_: str, changed: Any, tick: Any, last: str | None, words: dict[str, Any]) -> tuple[Any, ...]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        try:
            found = await read(site, fence.fences)
        except DatabaseAway:
            return no_update, no_update, no_update, {"away": True}
        seen = _print(t, found, now)
        if seen == last:
            return no_update, no_update, no_update, no_update
        shapes, names = zones(t, found, now)
        # Anew as a whole: Leaflet does not give a shape another class, and a shape must not become another fence's.
        return dl.LayerGroup(shapes, id={"part": "zones", "print": seen}), names, seen, no_update

    @app.callback(
        Output("trail", "children"), Input("chosen", "data"), Input("show", "data"), Input("trail-tick", "n_intervals")
    )
    async def draw_trail(chosen: dict[str, Any] | None, show: dict[str, Any], _: int) -> Any:
        layer = site.layer(str(chosen.get("layer"))) if chosen else None
        if layer is None or chosen is None or layer.shape.history is None:
            return []
        try:
            return await read(site, _trails, site, layer, chosen, bool(show.get("trail")), datetime.now(UTC))
        except DatabaseAway:
            return no_update

    tool = {"part": "tool", "name": "labels"}
    for name in TOOLS:
        app.clientside_callback(
            ClientsideFunction("haidang", "tool_pressed"),
            Output({**tool, "name": name}, "aria-pressed"),
            Input("show", "data"),
            State({**tool, "name": name}, "id"),
        )
    app.clientside_callback(
        ClientsideFunction("haidang", "tools"),
        Output("show", "data"),
        *[Input({**tool, "name": name}, "n_clicks") for name in TOOLS],
        State("show", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("haidang", "fence_names"), Input("fence-names", "data"), Input("zone", "children")
    )
