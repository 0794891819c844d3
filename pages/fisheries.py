"""The screen `/fisheries`: the board of lost signals as columns of the state machine, and one case beside it."""

import json
from typing import Any
from urllib.parse import parse_qsl

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from access.site import Site
from pages import banner, fisheries_case, header, mark, stores
from pages.fisheries_board import Boards
from pages.read import DatabaseAway
from pages.text import Text

POLL_MS = 5_000
FILTERS = ("q", "province", "commune", "provider", "level", "kind", "stage", "bucket", "outage", "case")
PICKED = ("level", "province", "commune", "provider", "kind", "stage", "bucket")


def layout(site: Site, t: Text, search: str) -> html.Div:
    """`?case=NUMBER` opens a case; `q` and the names of PICKED filter, `outage=NUMBER` unfolds an outage."""
    asked = {key.lower(): value for key, value in parse_qsl(search.lstrip("?"))}
    wanted = {name: asked[name][:80] for name in FILTERS if asked.get(name)}
    return html.Div(
        [
            html.A(t("Tới bảng vụ việc"), href="#cases-board", className="skip"),
            header.layout(site, t),
            html.Main(
                [
                    _head(t),
                    _filters(t),
                    html.Div([], id="cases-outages", className="cases-outages"),
                    html.P("", id="cases-said", role="status", className="cases-said"),
                    html.Div(
                        html.P(t("Đang đọc các vụ việc…"), className="empty"),
                        id="cases-board",
                        className="cases-board",
                        tabIndex="-1",
                    ),
                    dcc.Store(id="cases-ask", data={"n": 0}),
                    dcc.Store(id="cases-answer"),
                    dcc.Store(id="cases-search-text"),
                    dcc.Store(id="cases-actor-text"),
                    dcc.Interval(id="cases-tick", interval=POLL_MS),
                ],
                className="cases-main",
            ),
            fisheries_case.layout(site, t),
            banner.layout(site, t),
            stores.apart(t),
        ],
        id="cases-screen",
        className="screen screen-cases",
        **{"data-wanted": json.dumps(wanted, ensure_ascii=False)},
    )


def _head(t: Text) -> html.Div:
    keys = [part for key in ("J", "K", "←", "→", "Enter", "/") for part in (html.Kbd(key), " ")]
    return html.Div(
        [
            html.H1(t("Bảng mất tín hiệu")),
            html.Strong("", id="cases-count", className="cases-count"),
            html.Button(
                [t("Có thay đổi đang chờ"), html.Kbd("Esc")], id="cases-waiting", className="chip", hidden=True
            ),
            html.P(keys, className="cases-keys", title=t("Đi giữa các thẻ, mở thẻ, tìm")),
            html.Label(
                [html.Span(t("Trực ban")), mark.entry("cases-actor", t("Họ tên hoặc mã số"), 60, remember="actor")],
                className="cases-duty",
                title=t("Mọi việc làm ở bảng này mang tên này"),
            ),
            html.A(
                t("Bão"),
                href="/fisheries/storm" + ("" if t.lang == "vi" else f"?lang={t.lang}"),
                className="action",
                title=t("Tàu trong vùng nguy hiểm của bão, danh sách gọi"),
            ),
            html.A("CSV", id="cases-csv", href="/api/v1/cases.csv", className="action", download=""),
            html.A(
                t("Thống kê"),
                href=f"/api/v1/fisheries/statistics.xlsx?lang={t.lang}",
                className="action",
                download="",
                title=t("Số tàu phải hiển thị, hiển thị, chậm báo, mất tín hiệu hôm nay, theo cỡ tàu (XLSX)"),
            ),
            html.A(
                t("Báo cáo tháng"),
                href=f"/api/v1/fisheries/report.pdf?lang={t.lang}",
                className="action",
                target="_blank",
                title=t("Từ đầu tháng đến bây giờ, để in (PDF)"),
            ),
        ],
        className="cases-head",
    )


def _filters(t: Text) -> html.Div:
    every = {
        "level": (t("Cỡ tàu, cấp quản lý"), t("Mọi cỡ")),
        "province": (t("Tỉnh"), t("Mọi tỉnh")),
        "commune": (t("Xã, phường"), t("Mọi xã")),
        "provider": (t("Nhà cung cấp"), t("Mọi nhà cung cấp")),
        "kind": (t("Loại vụ việc"), t("Mọi loại")),
        "stage": (t("Giai đoạn"), t("Mọi giai đoạn")),
        "bucket": (t("Thời gian mất tín hiệu"), t("Mọi thời gian")),
    }
    picks = [
        html.Label(
            [
                html.Span(every[name][0], className="unseen"),
                html.Select([], id=f"cases-{name}", className="picked", title=every[name][0],
                            **{"data-case-pick": name, "data-every": every[name][1]}),
            ]
        )
        for name in PICKED
    ]  # fmt: skip
    clear = html.Button(t("Bỏ lọc"), id="cases-all", className="chip", hidden=True, **{"data-cases-all": "1"})
    return html.Div(
        [mark.entry("cases-search", t("Số đăng ký, tên tàu"), 80, "cases-search"), *picks, clear],
        className="cases-filters",
        role="search",
        **{"aria-label": t("Lọc vụ việc")},
    )


def register(app: Dash, site: Site) -> None:
    """The browser filters what it has; a question every few seconds brings what has changed."""
    boards = Boards(site)
    fisheries_case.register(app, site)

    @app.callback(
        Output("cases-answer", "data"),
        Output("database", "data", allow_duplicate=True),
        Input("cases-tick", "n_intervals"),
        Input("cases-ask", "data"),
        State("words", "data"),
        State("database", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def answer(
        _: Any, ask: dict[str, Any] | None, words: dict[str, Any], database: dict[str, Any]
    ) -> tuple[Any, Any]:
        t = Text(words["lang"])
        try:
            told = await boards.words(t)
        except DatabaseAway:
            return no_update, no_update if database.get("away") else {"away": True}
        back: Any = {"away": False} if database.get("away") else no_update
        return (no_update if told["print"] == (ask or {}).get("print") else told), back

    app.clientside_callback(
        ClientsideFunction("haidang", "cases_answered"), Input("cases-answer", "data"), prevent_initial_call=True
    )
