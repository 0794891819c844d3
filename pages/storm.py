"""The screen `/fisheries/storm`: storms, their bulletins, and by keyboard the call list of the boats in danger."""

import json
from typing import Any
from urllib.parse import parse_qsl

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from access.site import Site
from pages import banner, header, mark, stores
from pages.read import DatabaseAway
from pages.storm_words import Boards
from pages.text import Text

POLL_MS = 5_000
FILTERS = ("storm", "q", "commune", "group", "state", "boat")


def layout(site: Site, t: Text, search: str) -> html.Div:
    """`?storm=NUMBER` chooses a storm, `boat=REGISTRATION` a boat; `q commune group state` filter the list."""
    asked = {key.lower(): value for key, value in parse_qsl(search.lstrip("?"))}
    wanted = {name: asked[name][:80] for name in FILTERS if asked.get(name)}
    lists = html.Div(
        [
            html.P("", id="storm-said", role="status", className="cases-said"),
            html.Div(html.P(t("Đang đọc…"), className="empty"), id="storm-list", className="storm-list", tabIndex="-1"),
        ],
        className="storm-lists",
    )
    return html.Div(
        [
            html.A(t("Tới danh sách gọi"), href="#storm-list", className="skip"),
            header.layout(site, t),
            html.Main(
                [
                    _head(t),
                    html.Div([], id="storm-bulletin", className="storm-bulletin"),
                    _again(t),
                    html.Section(
                        [], id="storm-enter", className="storm-enter", hidden=True, **{"aria-label": t("Nhập bản tin")}
                    ),
                    html.Div([], id="storm-progress", className="storm-progress"),
                    _filters(t),
                    lists,
                    dcc.Store(id="storm-ask", data={"n": 0, "storm": wanted.get("storm", "")}),
                    dcc.Store(id="storm-answer"),
                    dcc.Store(id="storm-search-text"),
                    dcc.Store(id="storm-actor-text"),
                    dcc.Store(id="storm-reason-text"),
                    dcc.Interval(id="storm-tick", interval=POLL_MS),
                ],
                className="cases-main",
            ),
            html.Aside([], id="storm-boat", className="right storm-boat", **{"aria-label": t("Tàu đang gọi")}),
            banner.layout(site, t),
            stores.apart(t),
        ],
        id="storm-screen",
        className="screen screen-cases screen-storm",
        **{"data-wanted": json.dumps(wanted, ensure_ascii=False)},
    )


def _head(t: Text) -> html.Div:
    keys = [part for key in ("J", "K", "Enter", "1–8", "Z", "/") for part in (html.Kbd(key), " ")]
    return html.Div(
        [
            html.H1(t("Bão, áp thấp nhiệt đới")),
            html.Label(
                [
                    html.Span(t("Cơn bão"), className="unseen"),
                    html.Select([], id="storm-choice", className="picked", title=t("Cơn bão")),
                ]
            ),
            html.Button(t("Nhập bản tin"), id="storm-new", className="action", **{"aria-expanded": "false"}),
            html.P(keys, className="cases-keys", title=t("Đi giữa các tàu, mở tàu, ghi kết quả gọi, hủy dòng, tìm")),
            html.Label(
                [html.Span(t("Trực ban")), mark.entry("storm-actor", t("Họ tên hoặc mã số"), 60, remember="actor")],
                className="cases-duty",
                title=t("Mọi việc làm ở bảng này mang tên này"),
            ),
            html.A("CSV", id="storm-csv", className="action", download="", hidden=True),
            html.A(t("Bản đồ"), id="storm-map", href="/", className="action"),
            html.Button(t("Đóng cơn bão"), id="storm-close", className="action", hidden=True),
        ],
        className="cases-head",
    )


def _again(t: Text) -> html.Div:
    """Of a closed storm: why it is opened again, and the press that does it."""
    why = html.Label([html.Span(t("Lý do mở lại")), mark.entry("storm-reason", t("đóng nhầm, bão mạnh trở lại…"), 300)])
    return html.Div(
        [why, html.Button(t("Mở lại cơn bão"), id="storm-reopen", className="action")],
        id="storm-again",
        className="storm-again",
        hidden=True,
    )


def _filters(t: Text) -> html.Div:
    every = {
        "group": (t("Nhóm"), t("Mọi nhóm")),
        "commune": (t("Xã, phường"), t("Mọi xã")),
        "state": (t("Đã gọi chưa"), t("Đã gọi và chưa gọi")),
    }
    picks = [
        html.Label(
            [
                html.Span(title, className="unseen"),
                html.Select([], id=f"storm-{name}", className="picked", title=title,
                            **{"data-storm-pick": name, "data-every": words}),
            ]
        )
        for name, (title, words) in every.items()
    ]  # fmt: skip
    clear = html.Button(t("Bỏ lọc"), id="storm-all", className="chip", hidden=True)
    return html.Div(
        [mark.entry("storm-search", t("Số đăng ký, tên tàu, chủ tàu"), 80, "cases-search"), *picks, clear],
        id="storm-filters",
        className="cases-filters",
        role="search",
        **{"aria-label": t("Lọc tàu")},
    )


def register(app: Dash, site: Site) -> None:
    """The browser filters and draws what it has; a question every few seconds brings what has changed."""
    boards = Boards(site)

    @app.callback(
        Output("storm-answer", "data"),
        Output("database", "data", allow_duplicate=True),
        Input("storm-tick", "n_intervals"),
        Input("storm-ask", "data"),
        State("words", "data"),
        State("database", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def answer(
        _: Any, ask: dict[str, Any] | None, words: dict[str, Any], database: dict[str, Any]
    ) -> tuple[Any, Any]:
        asked = ask or {}
        number = str(asked.get("storm") or "")
        wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None
        try:
            told = await boards.words(Text(words["lang"]), wanted, bool(asked.get("anew")))
        except DatabaseAway:
            return no_update, no_update if database.get("away") else {"away": True}
        back: Any = {"away": False} if database.get("away") else no_update
        return (no_update if told["print"] == asked.get("print") else told), back

    app.clientside_callback(
        ClientsideFunction("haidang", "storm_answered"), Input("storm-answer", "data"), prevent_initial_call=True
    )
