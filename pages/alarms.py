"""The screen `/alarms`: the alarm desk as a table at full size, beside what can be done and the card."""

from dash import html

from access.site import Site
from pages import banner, card, desk, doing, header, keys, stores
from pages.text import Text
from pages.view import View


def layout(site: Site, t: Text, view: View) -> html.Div:
    """The same parts as on the map; without a map, the news come by a stream of their own (news.js)."""
    guide = html.P(
        [t("Chọn một báo động:"), *[part for key in ("J", "K", "Enter") for part in (" ", html.Kbd(key))]],
        className="guide",
    )
    right = html.Aside(
        [
            html.Nav([html.A(t("Về bản đồ"), href="/", className="back")]),
            html.Div([doing.layout(site, t), card.layout(site, t), guide], className="hand"),
        ],
        className="right",
        **{"aria-label": t("Báo động đang chọn")},
    )
    return html.Div(
        [
            html.A(t("Tới danh sách báo động"), href="#desk", className="skip"),
            header.layout(site, t),
            html.Main([desk.layout(site, t, view, wide=True), banner.layout(site, t)], className="full"),
            right,
            keys.layout(site, t),
            stores.layout(t, view),
        ],
        className="screen screen-alarms",
        **{"data-news": "1"},
    )
