"""The screen `/channels`: the ways out of the house beside the chosen one's form and routes, over the delivery log."""

from urllib.parse import parse_qsl

from dash import dcc, html

from access.site import Site
from pages import banner, channel_form, channel_list, channel_routes, delivery, header, stores
from pages.text import Text

PARTS = (channel_list, channel_form, channel_routes, delivery)


def layout(site: Site, t: Text, search: str) -> html.Div:
    """Arrangement only. `?channel=KEY` opens that channel."""
    asked = {key.lower(): value for key, value in parse_qsl(search.lstrip("?"))}.get("channel")
    held = html.P(
        [
            html.Strong(t("Hệ thống đang mô phỏng: không tin nào ra khỏi đây, kể cả tin thử.")),
            html.Span(t("Nhật ký ghi những gì lẽ ra đã gửi.")),
        ],
        className="held-note",
        role="note",
    )
    return html.Div(
        [
            header.layout(site, t),
            channel_list.layout(site, t),
            html.Main(
                [
                    *([held] if site.withholding else []),
                    html.Div(
                        [channel_form.layout(site, t), channel_routes.layout(site, t)],
                        id="channel-open",
                        className="channel-open",
                        hidden=True,
                    ),
                    delivery.layout(site, t),
                ],
                className="channel-main",
            ),
            dcc.Store(id="channel-chosen", data={"key": asked} if asked else None),
            dcc.Store(id="channel-news"),
            banner.layout(site, t),
            stores.apart(t),
        ],
        className="screen screen-channels",
    )
