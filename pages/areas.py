"""Communes in the legend: their borders, and one figure of each as shades; areas.js draws them and fills the legend."""

from dash import html

from access.areas import measures
from access.site import Site
from pages.mark import icon
from pages.text import Text
from pages.view import View


def layout(site: Site, t: Text, view: View) -> html.Section:
    """The switch, off at first, and below it the figures that there are; `areas` in the address says what is shown."""
    known = [html.Option(t.pick(one.vi, one.en), value=one.key) for one in measures(site)]
    pick = html.Select(
        [html.Option(t("Chỉ ranh giới"), value=""), *known],
        id="area-kpi",
        className="picked",
        **{"data-shown": view.areas or ""},
    )
    toggle = html.Button(
        [icon("line", "area-border"), html.Span(t("Ranh giới xã, phường"), className="title")],
        id="area-toggle",
        className="toggle strong",
        title=t("Ranh giới xã, phường"),
        **{"aria-pressed": "true" if view.areas else "false", "aria-controls": "area-more"},
    )
    more = html.Div(
        [
            html.Label([html.Span(t("Tô màu theo")), pick]),
            html.Ul([], id="area-legend", className="area-legend"),
            html.Div([], id="area-notes"),
            html.P("", id="area-said", className="note", hidden=True, role="status"),
        ],
        id="area-more",
        className="area-more",
        hidden=not view.areas,
    )
    entry = html.Li([html.Div(toggle, className="entry"), more], className="layer")
    return html.Section([html.H2(t("Hành chính")), html.Ul(entry, className="layers")], className="group")
