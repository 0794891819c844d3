"""Search: names and registrations without accents, MMSI, call sign, coordinates, communes and places, from one box."""

from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update

from access import areas
from access.site import Site
from geo import feature
from geo.area import PROVINCES, Area, title
from pages import place
from pages.mark import entry, icon, main_kind, target
from pages.read import DatabaseAway, read
from pages.text import Text

SEARCHED = ("moving", "station", "case")


def layout(site: Site, t: Text) -> html.Div:
    """The box and its list; arrows and Enter are search.js's."""
    return html.Div(
        [
            icon("search"),
            entry("search", t("Tìm tàu, số đăng ký, MMSI, hô hiệu, tọa độ, địa danh…"), 80, "search-box"),
            dcc.Store(id="search-text"),
            html.Kbd("/", className="search-key"),
            html.Ul(
                [],
                id="search-list",
                className="search-list",
                role="listbox",
                hidden=True,
                **{"aria-label": t("Kết quả tìm kiếm")},
            ),
        ],
        className="search",
        role="search",
    )


def register(app: Dash, site: Site) -> None:
    """Results for what is typed, at most a dozen."""

    @app.callback(
        Output("search-list", "children"),
        Output("search-list", "hidden"),
        Output("search-list", "data-text"),
        Output("database", "data", allow_duplicate=True),
        Input("search-text", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def results(value: str | None, words: dict[str, Any]) -> tuple[Any, bool, str, Any]:
        t = Text(words["lang"])
        text = (value or "").strip()
        if not text:
            return [], True, "", no_update
        away: Any = no_update
        options = _point(t, text)
        try:
            options += await _features(site, t, text)
            options += [_commune(t, found) for found in await read(site, areas.named, text)]
        except DatabaseAway:
            away = {"away": True}
        options += [_place(t, found) for found in place.find(text, t.lang)]
        if not options:
            return [html.Li(t("Không tìm thấy “{text}”", text=text), className="empty")], False, text, away
        return options, False, text, away


def _point(t: Text, text: str) -> list[html.Li]:
    point = place.coordinates(text)
    if point is None:
        return []
    lat, lon = point
    decimal = f"{t.degrees(lat)}  {t.degrees(lon)}"
    return [_option("cross", "accent", place.dms(lat, lon), t("tọa độ") + " · " + decimal, lat=lat, lon=lon, zoom=12)]


async def _features(site: Site, t: Text, text: str) -> list[html.Li]:
    options: list[html.Li] = []
    for layer in site.layers:
        if layer.shape.kind in SEARCHED:
            kind = main_kind(layer.style.kinds)
            for row in await read(site, feature.search, layer.shape, text, 8):
                words = f"{t.title(layer)} · {row['key']}"
                label = str(row["label"] or row["key"])
                at = {"lat": row["lat"], "lon": row["lon"]}
                options.append(
                    _option(kind.icon, kind.color, label, words, layer=layer.name, key=row["key"], zoom=11, **at)
                )
    return options


def _commune(t: Text, found: Area) -> html.Li:
    province = next(one.name for one in PROVINCES if one.code == found.province)
    label = title(found.kind, found.name, t.lang)
    words = f"{t('xã, phường')} · {province}"
    return _option("pin", "ink-2", label, words, lat=found.lat, lon=found.lon, zoom=areas.ZOOM)


def _place(t: Text, found: place.Place) -> html.Li:
    return _option("pin", "ink-2", found.name, t("địa danh"), lat=found.lat, lon=found.lon, zoom=found.zoom)


def _option(shape: str, color: str, label: str, words: str, **where: object) -> html.Li:
    identity = "-".join(str(where.get(part, "")) for part in ("layer", "key", "lat", "lon"))
    return html.Li(
        [icon(shape, color), html.Span(label, className="what"), html.Span(words, className="muted")],
        id=f"option-{identity}".replace(".", "_"),
        role="option",
        **{"aria-selected": "false"},
        **target(go="search", **where),
    )
