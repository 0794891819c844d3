"""Open storms on the map: where each was, is and will be, with its circles; outlines: alarm colours fill no area."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dash_leaflet as dl
from dash import Dash, Input, Output, State, html, no_update
from sqlalchemy import Connection

from access import storm as storms
from access.site import Site
from geo.storm_area import circle
from pages.read import DatabaseAway, read
from pages.storm_words import strength, title
from pages.text import Text

# The sign of a storm north of the equator, drawn in a box of 24.
_SIGN = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="4.2"/>'
    '<path d="M16.2 12c0 4.6-3.4 8.2-9 8.6M7.8 12c0-4.6 3.4-8.2 9-8.6"/></svg>'
)


def open_ones(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    """The open storms with points and danger areas, and where each is now."""
    return [storms.one(connection, one["id"], now) for one in storms.listed(connection, now) if not one["closed_at"]]


def shapes(t: Text, found: Sequence[Mapping[str, Any]], now: datetime) -> list[Any]:
    """Of each storm the area of the coming day, its circles, its way (past whole, to come broken) and its points."""
    return [shape for one in found for shape in _storm(t, one, now)]


def _storm(t: Text, one: Mapping[str, Any], now: datetime) -> list[Any]:
    lowest = min(one["levels"], default=0)
    made: list[Any] = []
    for feature in one["geojson"]["features"]:
        about, geometry = feature["properties"], feature["geometry"]
        if about["what"] == "danger" and about["level"] == lowest:
            made += [_area(ring, "storm-danger") for ring in _rings(geometry)]
        elif about["what"] == "circle" and about["at"] > now.isoformat():
            made += [
                _area(ring, f"storm-circle{' strong' if about['level'] > lowest else ''}") for ring in _rings(geometry)
            ]
    here = one["here"]
    if here:
        for level, km in here["radii_km"].items():
            if km > 0:
                name = f"storm-now{' strong' if int(level) > lowest else ''}"
                made += [
                    _area(ring, name) for ring in _rings(circle(here["lon"], here["lat"], km * 1000).__geo_interface__)
                ]
    places = [(point["at"], [point["lat"], point["lon"]]) for point in one["points"]]
    middle = [[here["lat"], here["lon"]]] if here else []
    past = [place for at, place in places if at <= now] + middle
    ahead = middle + [place for at, place in places if at > now]
    made += [
        dl.Polyline(positions=way, className=f"storm-way {name}", interactive=False)
        for way, name in ((past, "past"), (ahead, "ahead"))
        if len(way) > 1
    ]
    made += [_point(t, point, now) for point in one["points"]]
    return [*made, _middle(t, one)] if here else made


def _rings(geometry: Mapping[str, Any]) -> list[list[list[float]]]:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return [[[lat, lon] for lon, lat in polygon[0]] for polygon in polygons]


def _area(ring: list[list[float]], name: str) -> dl.Polygon:
    return dl.Polygon(positions=ring, className=name, interactive=False, smoothFactor=0.5)


def _point(t: Text, point: Mapping[str, Any], now: datetime) -> dl.DivMarker:
    when = t.when(point["at"])
    words = html.Div([html.B(f"{when[:5]} {when[6:11]}"), html.Span(strength(t, point["wind"], None))])
    ahead = "ahead" if point["at"] > now else "past"
    label = f"<i></i><span>{when[:5]} {when[6:11]}</span><span>{strength(t, point['wind'], None)}</span>"
    tip = dl.Tooltip(words, direction="auto", opacity=1, className="event-words")
    return dl.DivMarker(
        tip,
        position=[point["lat"], point["lon"]],
        iconOptions={"className": f"storm-point {ahead}", "html": label, "iconSize": None},
        title="",
        alt=f"{when} {strength(t, point['wind'], point['gust'])}",
    )


def _middle(t: Text, one: Mapping[str, Any]) -> dl.DivMarker:
    here = one["here"]
    told = [title(t, one), strength(t, here["wind"], here["gust"])]
    badge = [html.Span(t("MÔ PHỎNG"), className="badge small")] if one["simulated"] else []
    source = t(
        "Bản tin {n}: {source}, phát lúc {at}", n=one["version"], source=one["source"], at=t.when(one["issued_at"])
    )
    late = {
        "due": t("Đã tới giờ có bản tin mới."),
        "over": t("Bản tin đã hết hạn."),
        "fresh": "",
    }[one["fresh"]]
    lines = [html.B(told[0]), *badge, html.Span(told[1]), html.Span(source, className="muted")]
    tip = dl.Tooltip(
        html.Div([*lines, html.Span(late, className="muted")] if late else lines, className="event-tip"),
        direction="auto",
        opacity=1,
        className="event-words",
    )
    mark = f" · {t('MÔ PHỎNG')}" if one["simulated"] else ""
    # The name stands below the sign; letters of a name that somebody typed are no markup.
    name = (told[0] + mark).replace("&", "&amp;").replace("<", "&lt;")
    return dl.DivMarker(
        tip,
        position=[here["lat"], here["lon"]],
        iconOptions={"className": "storm-middle", "html": f"{_SIGN}<span>{name}</span>", "iconSize": None},
        title="",
        alt=", ".join(filter(None, told)),
        keyboard=True,
    )


def register(app: Dash, site: Site) -> None:
    """Each half minute, anew when a bulletin came, a storm was closed, or ten minutes have moved it on."""

    @app.callback(
        Output("storms", "children"),
        Output("storm-print", "data"),
        Output("storm-entry", "hidden"),
        Output("storm-count", "children"),
        Input("trail-tick", "n_intervals"),
        State("storm-print", "data"),
        State("words", "data"),
    )
    async def draw(_: int, last: str | None, words: dict[str, Any]) -> tuple[Any, ...]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        try:
            found = await read(site, open_ones, now)
        except DatabaseAway:
            return (no_update,) * 4
        seen = [(one["id"], one["version"], one["fresh"], int(now.timestamp()) // 600) for one in found]
        print_ = hashlib.sha256(repr((t.lang, seen)).encode()).hexdigest()[:16]
        if print_ == last:
            return (no_update,) * 4
        # Anew as a whole: Leaflet does not give a shape another class.
        group = dl.LayerGroup(shapes(t, found, now), id={"part": "storms", "print": print_})
        return group, print_, not found, t.number(len(found))
