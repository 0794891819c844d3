"""The screen `/cameras/events`: what recognition systems saw, by keyboard: look, confirm, refute, forward."""

import json
from urllib.parse import parse_qsl

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from access.site import Site
from geo.camera_event import FALSE_REASONS, STATES, TYPES
from pages import banner, header, mark, stores
from pages.text import Text

POLL_MS = 5_000
FILTERS = ("state", "type", "camera", "span", "event")


def layout(site: Site, t: Text, search: str) -> html.Div:
    """`?event=NUMBER` opens one; `state type camera span` filter, span in hours."""
    asked = {key.lower(): value for key, value in parse_qsl(search.lstrip("?"))}
    wanted = {name: asked[name][:120] for name in FILTERS if asked.get(name)}
    lists = {"types": TYPES, "states": STATES, "reasons": FALSE_REASONS}
    words = {name: [[key, t.pick(*both)] for key, both in closed.items()] for name, closed in lists.items()}
    return html.Div(
        [
            html.A(t("Tới danh sách sự kiện"), href="#events-list", className="skip"),
            header.layout(site, t),
            html.Main(
                [
                    _head(t),
                    html.Div([], id="events-states", className="events-states", role="group",
                             **{"aria-label": t("Trạng thái")}),
                    _filters(t),
                    html.P("", id="events-said", role="status", className="cases-said"),
                    html.Div(
                        html.P(t("Đang đọc…"), className="empty"), id="events-list", className="storm-list",
                        tabIndex="-1",
                    ),
                    dcc.Store(id="events-actor-text"),
                    dcc.Store(id="events-camera-text"),
                    dcc.Store(id="events-answer"),
                    dcc.Interval(id="events-tick", interval=POLL_MS),
                ],
                className="cases-main",
            ),
            html.Aside([], id="events-one", className="right events-one", **{"aria-label": t("Sự kiện đang xem")}),
            banner.layout(site, t),
            stores.apart(t),
        ],
        id="events-screen",
        className="screen screen-cases screen-events",
        **{"data-wanted": json.dumps(wanted, ensure_ascii=False), "data-words": json.dumps(words, ensure_ascii=False)},
    )  # fmt: skip


def _head(t: Text) -> html.Div:
    keys = [part for key in ("J", "K", "R", "C", "X", "F", "/") for part in (html.Kbd(key), " ")]
    return html.Div(
        [
            html.H1(t("Sự kiện camera")),
            html.Strong("", id="events-count", className="cases-count"),
            html.Button([t("Có sự kiện mới"), html.Kbd("Esc")], id="events-waiting", className="chip", hidden=True),
            html.P(
                keys,
                className="cases-keys",
                title=t("Đi giữa các sự kiện, đã xem, có vi phạm, báo sai, chuyển xử lý, tìm camera"),
            ),
            html.Label(
                [html.Span(t("Trực ban")), mark.entry("events-actor", t("Họ tên hoặc mã số"), 60, remember="actor")],
                className="cases-duty",
                title=t("Mọi việc làm ở bảng này mang tên này"),
            ),
            html.A("CSV", id="events-csv", href="/api/v1/camera-events.csv", className="action", download=""),
        ],
        className="cases-head",
    )


def _filters(t: Text) -> html.Div:
    spans = [("1", t("1 giờ qua")), ("24", t("24 giờ qua")), ("168", t("7 ngày qua")), ("1800", t("75 ngày qua"))]
    picks = {
        "type": (t("Loại sự kiện"), [("", t("Mọi loại"))]),
        "span": (t("Thời gian"), spans),
    }
    return html.Div(
        [
            mark.entry("events-camera", t("Khoá camera"), 120, "cases-search"),
            *(
                html.Label(
                    [
                        html.Span(title, className="unseen"),
                        html.Select(
                            [html.Option(words, value=key) for key, words in options],
                            id=f"events-{name}",
                            className="picked",
                            title=title,
                        ),
                    ]
                )
                for name, (title, options) in picks.items()
            ),
            html.Button(t("Bỏ lọc"), id="events-all", className="chip", hidden=True),
        ],
        className="cases-filters",
        role="search",
        **{"aria-label": t("Lọc sự kiện")},
    )


def register(app: Dash, site: Site) -> None:
    """The browser asks the API itself; the tick is all that it needs of Dash."""
    app.clientside_callback(
        ClientsideFunction("haidang", "events_tick"),
        Output("events-answer", "data"),
        Input("events-tick", "n_intervals"),
    )
