"""The stores through which parts and the browser's live drawing speak; no others cross from part to part."""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from access.site import Site
from pages.text import Text, catalogue
from pages.view import View


def layout(t: Text, view: View) -> html.Div:
    """live.js (or news.js) writes chosen, view, rows and connection; parts write the filters and show.

    What is heard by the second (counts, feeds, hints of alarms) is told as events of the window instead: each change of
    a store wakes every part of the page. `sources` is what the banner must know of it.

    `chosen` {layer, key, alarm?} | {alarm} | None · `show` {labels, trail, follow, events} · `filter` {layer: {off:
    [kinds], opacity}} · `desk-filter` {severity, state, unit, rule, sort, inview} as the address has them · `database`
    {away: bool} from any part that read in vain · `words` the catalogue that the page's scripts use.
    """
    chosen: dict[str, Any] = {"layer": view.chosen[0], "key": view.chosen[1]} if view.chosen else {}
    chosen |= {"alarm": view.alarm} if view.alarm else {}
    show = {"labels": view.labels, "trail": view.trail, "follow": view.follow, "events": view.events}
    return html.Div(
        [
            dcc.Store(id="chosen", data=chosen or None),
            dcc.Store(id="sources"),
            dcc.Store(id="connection"),
            dcc.Store(id="view", data={"lat": view.lat, "lon": view.lon, "zoom": view.zoom}),
            dcc.Store(id="rows"),
            dcc.Store(id="filter", data=view.filter()),
            dcc.Store(id="desk-filter", data=view.desk_filter()),
            dcc.Store(id="show", data=show),
            dcc.Store(id="database", data={"away": False}),
            dcc.Store(id="words", data={"lang": t.lang, "words": dict(catalogue(t.lang))}),
        ],
        hidden=True,
    )


def apart(t: Text) -> html.Div:
    """Those of a screen with neither map nor desk: what header, banner and scripts use, so that no other part wakes."""
    return html.Div(
        [
            *(dcc.Store(id=name) for name in ("sources", "connection")),
            dcc.Store(id="database", data={"away": False}),
            dcc.Store(id="words", data={"lang": t.lang, "words": dict(catalogue(t.lang))}),
        ],
        hidden=True,
    )


def register(app: Dash, site: Site) -> None:
    """The address follows the view, the drawing follows filter and show, the scripts speak the page's language.

    Each has an output on the screen, since Dash first runs a callback for the sake of its outputs.
    """
    view = [Input(name, "data") for name in ("view", "filter", "chosen", "show", "desk-filter")]
    app.clientside_callback(ClientsideFunction("haidang", "words"), Output("screen", "lang"), Input("words", "data"))
    app.clientside_callback(
        ClientsideFunction("haidang", "show_live"),
        Output("screen", "data-zone"),
        Output("screen", "data-storm"),
        Output("screen", "data-warning"),
        Input("filter", "data"),
        Input("show", "data"),
    )
    app.clientside_callback(ClientsideFunction("haidang", "url"), Output("screen", "data-view"), *view)
