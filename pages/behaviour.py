"""What boats did, on the map: a mark an event where it was, in words when pointed at or reached by key; no alarms."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dash_leaflet as dl
from dash import Dash, Input, Output, State, html, no_update

from access.events import lately
from access.site import Site
from pages.read import DatabaseAway, read
from pages.text import Text

SPAN = timedelta(hours=24)
# A sign each, drawn in a box of 20: two that touch, a broken line, one that is crossed out, a net, a drift, a berth.
_SIGNS = {
    "encounter": '<circle cx="7.6" cy="10" r="3.4"/><circle cx="12.4" cy="10" r="3.4"/>',
    "gap": '<path d="M4 10h2.4M8.8 10h2.4M13.6 10H16"/>',
    "possible_disabling": '<path d="M4 10h2.4M8.8 10h2.4M13.6 10H16M6.5 15l7-10"/>',
    "fishing": '<path d="M5 6.5c1 5 3 7 5 7s4-2 5-7M7.4 6.5l1 6M12.6 6.5l-1 6M6 9.6h8"/>',
    "loitering": '<path d="M4.5 8.5q2.7-2.5 5.5 0t5.5 0M4.5 12q2.7-2.5 5.5 0t5.5 0"/>',
    "port_visit": '<path d="M10 5v10M5.5 11c.5 3 2.5 4 4.5 4s4-1 4.5-4M7.5 7.5h5"/>',
}


def marks(t: Text, events: Sequence[Mapping[str, Any]]) -> list[Any]:
    """A mark for each event; what is of low confidence is drawn broken."""
    return [_mark(t, one) for one in events]


def _mark(t: Text, one: Mapping[str, Any]) -> dl.DivMarker:
    when = t.when(one["began_at"]) + (f" – {t.when(one['ended_at'])}" if one["ended_at"] else "")
    who = str(one["object_label"] or one["object_key"])
    words = t.pick(one["vi"], one["en"])
    source = t("theo AIS") if one["layer"] == "vessel" else t("theo VMS")
    tip = dl.Tooltip(
        html.Div(
            [
                html.B(who),
                html.Span(words),
                html.Span(f"{when} · {source}", className="muted"),
            ],
            className="event-tip",
        ),
        direction="auto",
        opacity=1,
        className="event-words",
    )
    sign = f'<svg viewBox="0 0 20 20" aria-hidden="true">{_SIGNS[one["kind"]]}</svg>'
    style = f"event event-{one['kind']}" + (" low" if one["confidence"] == "low" else "")
    return dl.DivMarker(
        tip,
        position=[one["lat"], one["lon"]],
        iconOptions={"className": style, "html": sign, "iconSize": None},  # chart.css gives it its size, by the scale
        title="",
        alt=f"{who}: {words}",
        keyboard=True,
    )


def register(app: Dash, site: Site) -> None:
    """The marks whenever they are switched on or another object is chosen, and each half minute after."""

    @app.callback(
        Output("events", "children"),
        Input("chosen", "data"),
        Input("show", "data"),
        Input("trail-tick", "n_intervals"),
        State("words", "data"),
    )
    async def draw(chosen: dict[str, Any] | None, show: dict[str, Any], _: int, words: dict[str, Any]) -> Any:
        if not show.get("events"):
            return []
        target = (str(chosen["layer"]), str(chosen["key"])) if chosen and chosen.get("key") else None
        try:
            found = await read(site, lately, target, datetime.now(UTC), SPAN)
        except DatabaseAway:
            return no_update
        return marks(Text(words["lang"]), found)
