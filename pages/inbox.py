"""The screen `/inbox`: what a handling unit has to do across the services, answered from a phone with photographs."""

import json
from urllib.parse import parse_qsl

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from access.site import Site
from pages import banner, header, mark, stores
from pages.text import Text

POLL_MS = 15_000
FILTERS = ("unit", "service", "item", "report")


def layout(site: Site, t: Text, search: str) -> html.Div:
    """`?unit=KEY` is whose; `service` shows one service, `report=NUMBER` or `item=SERVICE-ID` opens an item."""
    asked = {key.lower(): value for key, value in parse_qsl(search.lstrip("?"))}
    wanted = {name: asked[name][:80] for name in FILTERS if asked.get(name)}
    return html.Div(
        [
            html.A(t("Tới danh sách việc"), href="#inbox-list", className="skip"),
            header.layout(site, t),
            html.Main(
                [
                    _head(t),
                    html.Div([], id="inbox-services", className="events-states", role="group",
                             **{"aria-label": t("Loại việc")}),
                    html.P("", id="inbox-said", role="status", className="cases-said"),
                    html.Div(
                        html.P(t("Đang đọc…"), className="empty"), id="inbox-list", className="inbox-list",
                        tabIndex="-1",
                    ),
                    dcc.Store(id="inbox-actor-text"),
                    dcc.Store(id="inbox-answer"),
                    dcc.Interval(id="inbox-tick", interval=POLL_MS),
                ],
                className="cases-main",
            ),
            html.Aside([], id="inbox-one", className="right reports-one inbox-one",
                       **{"aria-label": t("Việc đang xem")}),
            banner.layout(site, t),
            stores.apart(t),
        ],
        id="inbox-screen",
        className="screen screen-cases screen-inbox",
        **{"data-wanted": json.dumps(wanted, ensure_ascii=False)},
    )  # fmt: skip


def _head(t: Text) -> html.Div:
    keys = [part for key in ("J", "K", "Enter", "S", "R", "H", "B") for part in (html.Kbd(key), " ")]
    return html.Div(
        [
            html.H1(t("Hộp việc đơn vị")),
            html.Strong("", id="inbox-count", className="cases-count"),
            html.Button([t("Có việc mới"), html.Kbd("Esc")], id="inbox-waiting", className="chip", hidden=True),
            html.P(
                keys,
                className="cases-keys",
                title=t("Đi giữa các việc, mở, bắt đầu xử lý, trả lời, chuyển đơn vị khác, trả lại"),
            ),
            html.Label(
                [
                    html.Span(t("Đơn vị")),
                    html.Select([], id="inbox-unit", className="picked"),
                ],
                className="inbox-unit",
            ),
            html.Label(
                [html.Span(t("Cán bộ")), mark.entry("inbox-actor", t("Họ tên hoặc mã số"), 60, remember="actor")],
                className="cases-duty",
                title=t("Mọi việc làm ở đây mang tên này"),
            ),
        ],
        className="cases-head",
    )


def register(app: Dash, site: Site) -> None:
    """The browser asks the API itself; the tick is all that it needs of Dash."""
    app.clientside_callback(
        ClientsideFunction("haidang", "inbox_tick"),
        Output("inbox-answer", "data"),
        Input("inbox-tick", "n_intervals"),
    )
