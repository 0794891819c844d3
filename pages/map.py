"""The screen `/`: the live map between the legend and the alarm desk, under the header and over the timeline."""

from dash import html

from access.site import Site
from pages import (
    banner,
    behaviour,
    card,
    chart,
    cover,
    desk,
    doing,
    fence,
    header,
    keys,
    legend,
    looking,
    rows,
    stores,
    storm_map,
    timeline,
)
from pages.text import Text
from pages.view import View

PARTS = (stores, header, chart, cover, desk, doing, card, rows, timeline, banner, fence, behaviour, storm_map)


def layout(site: Site, t: Text, view: View) -> html.Div:
    """Arrangement only; each part lays itself out."""
    right = html.Aside(
        [
            desk.layout(site, t, view),
            html.Div([doing.layout(site, t), card.layout(site, t)], className="hand"),
            rows.layout(site, t),
        ],
        className="right",
        **{"aria-label": t("Bàn báo động")},
    )
    return html.Div(
        [
            html.A(t("Tới danh sách báo động"), href="#desk", className="skip"),
            header.layout(site, t),
            legend.layout(site, t, view),
            html.Div(
                [chart.layout(site, t, view), banner.layout(site, t), fence.layout(site, t, view)], className="middle"
            ),
            right,
            timeline.layout(site, t),
            keys.layout(site, t),
            cover.layout(site),
            looking.layout(site, t),
            stores.layout(t, view),
        ],
        className="screen screen-map",
    )
