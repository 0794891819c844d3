"""The screen `/alarms`: the alarm desk at full size beside the card of what is chosen."""

from dash import html

from access.site import Site
from pages import banner, card, desk, header, stores
from pages.text import Text
from pages.view import View


def layout(site: Site, t: Text, view: View) -> html.Div:
    """The same desk and card as on the map."""
    return html.Div(
        [
            header.layout(site, t),
            html.Main([desk.layout(site, t), banner.layout(site, t)], className="full"),
            html.Aside([card.layout(site, t), html.A(t("Về bản đồ"), href="/", className="back")], className="right"),
            stores.layout(t, view),
        ],
        className="screen screen-alarms",
    )
