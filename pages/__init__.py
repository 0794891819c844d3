"""What people see: one file per screen (arrangement only) and one per part (its layout and its own callbacks)."""

from typing import Any

from dash import Dash, Input, Output, dcc, html

from access.site import Site
from pages import (
    alarms,
    boat,
    camera_events,
    cameras,
    channels,
    fisheries,
    flood,
    handover,
    inbox,
    lab,
    map,
    metrics,
    missing,
    report_queue,
    risk,
    rules,
    storm,
    warnings,
)
from pages.text import Text
from pages.view import read

# Screens without the map or the desk, by their address.
APART: dict[str, Any] = {
    "alarms/metrics": metrics,
    "cameras": cameras,
    "cameras/events": camera_events,
    "channels": channels,
    "fisheries": fisheries,
    "fisheries/risk": risk,  # no registration is spelled so
    "fisheries/storm": storm,
    "flood": flood,
    "handover": handover,
    "inbox": inbox,
    "rules": rules,
    "rules/lab": lab,
    "services/report": report_queue,
    "services/warning": warnings,
    "warnings": warnings,
}

BOATS = "fisheries/"  # before a boat's registration

INDEX = """<!DOCTYPE html>
<html lang="vi" data-theme="dark">
<head>
{%metas%}
<title>{%title%}</title>
<link rel="icon" type="image/svg+xml" href="/assets/icon/favicon.svg">
{%css%}
</head>
<body>
<noscript>Hải Đăng cần JavaScript. · Hải Đăng needs JavaScript.</noscript>
{%app_entry%}
<footer>
{%config%}
{%scripts%}
{%renderer%}
</footer>
</body>
</html>"""


def mount(app: Dash, site: Site) -> None:
    """Give the app its page, its screens by address and every part's callbacks."""
    app.title = "Hải Đăng"
    app.index_string = INDEX
    app.config.suppress_callback_exceptions = True  # parts come with their screen, after the first layout
    app.layout = html.Div([dcc.Location(id="address", refresh=False), html.Div(id="screen", className="waiting")])

    @app.callback(Output("screen", "children"), Input("address", "pathname"), Input("address", "search"))
    def screen(path: str | None, search: str | None) -> Any:
        view = read(search or "", site.view)
        t = Text(view.lang)
        name = (path or "/").strip("/").lower()
        if name == "":
            return map.layout(site, t, view)
        if name == "alarms":
            return alarms.layout(site, t, view)
        if name in APART:
            return APART[name].layout(site, t, search or "")
        if name.startswith(BOATS) and name != BOATS:
            return boat.layout(site, t, (path or "").strip("/")[len(BOATS) :], search or "")
        return missing.layout(site, t, path or "/")

    for part in (
        *map.PARTS,
        boat,
        handover,
        metrics,
        lab,
        rules,
        fisheries,
        risk,
        storm,
        flood,
        camera_events,
        inbox,
        report_queue,
        warnings,
        *channels.PARTS,
    ):
        part.register(app, site)
