"""The screen `/services/report`: field reports as the operators sort, give out and publish them, by keyboard."""

import json
from urllib.parse import parse_qsl

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from access.site import Site
from pages import banner, header, mark, stores
from pages.text import Text

POLL_MS = 10_000
FILTERS = ("state", "category", "commune", "unit", "late", "report", "new", "lat", "lon")
KEYS = ("J", "K", "Enter", "V", "A", "X", "G", "P", "I", "/")


def layout(site: Site, t: Text, search: str) -> html.Div:
    """`?report=NUMBER` opens one, `new=1` with `lat` and `lon` the form for a call; the other names filter."""
    asked = {key.lower(): value for key, value in parse_qsl(search.lstrip("?"))}
    wanted = {name: asked[name][:80] for name in FILTERS if asked.get(name)}
    return html.Div(
        [
            html.A(t("Tới danh sách phản ánh"), href="#reports-list", className="skip"),
            header.layout(site, t),
            html.Main(
                [
                    _head(t),
                    html.Div([], id="reports-measures", className="reports-measures"),
                    html.Div([], id="reports-states", className="events-states", role="group",
                             **{"aria-label": t("Trạng thái")}),
                    _filters(t),
                    html.P("", id="reports-said", role="status", className="cases-said"),
                    html.Div(
                        html.P(t("Đang đọc…"), className="empty"), id="reports-list", className="storm-list",
                        tabIndex="-1",
                    ),
                    dcc.Store(id="reports-actor-text"),
                    dcc.Store(id="reports-number-text"),
                    dcc.Store(id="reports-answer"),
                    dcc.Interval(id="reports-tick", interval=POLL_MS),
                ],
                className="cases-main",
            ),
            html.Aside([], id="reports-one", className="right reports-one", **{"aria-label": t("Phản ánh đang xem")}),
            html.Dialog([], id="reports-beside", className="help reports-beside",
                        **{"aria-label": t("So sánh hai phản ánh")}),
            banner.layout(site, t),
            stores.apart(t),
        ],
        id="reports-screen",
        className="screen screen-cases screen-reports",
        **{"data-wanted": json.dumps(wanted, ensure_ascii=False)},
    )  # fmt: skip


def _head(t: Text) -> html.Div:
    keys = [part for key in KEYS for part in (html.Kbd(key), " ")]
    lang = "" if t.lang == "vi" else f"?lang={t.lang}"
    return html.Div(
        [
            html.H1(t("Phản ánh hiện trường")),
            html.Strong("", id="reports-count", className="cases-count"),
            html.Button([t("Có phản ánh mới"), html.Kbd("Esc")], id="reports-waiting", className="chip", hidden=True),
            html.P(
                keys,
                className="cases-keys",
                title=t("Đi giữa các phản ánh, mở, xác minh, giao, không tiếp nhận, gộp, công khai, nhập mới, tìm"),
            ),
            html.Label(
                [html.Span(t("Trực ban")), mark.entry("reports-actor", t("Họ tên hoặc mã số"), 60, remember="actor")],
                className="cases-duty",
                title=t("Mọi việc làm ở bảng này mang tên này"),
            ),
            html.Button([t("Nhập phản ánh"), html.Kbd("I")], id="reports-new", className="action"),
            html.A(t("Hộp việc đơn vị"), href=f"/inbox{lang}", className="action"),
        ],
        className="cases-head",
    )


def _filters(t: Text) -> html.Div:
    late = [("1", t("Sắp quá hạn")), ("2", t("Quá hạn")), ("0", t("Còn hạn"))]
    every = {
        "state": (t("Trạng thái"), t("Mọi trạng thái"), []),
        "category": (t("Lĩnh vực"), t("Mọi lĩnh vực"), []),
        "commune": (t("Xã, phường"), t("Mọi xã"), []),
        "unit": (t("Đơn vị"), t("Mọi đơn vị"), []),
        "late": (t("Thời hạn"), t("Mọi thời hạn"), late),
    }
    return html.Div(
        [
            mark.entry("reports-number", t("Mã phản ánh"), 20, "cases-search"),
            *(
                html.Label(
                    [
                        html.Span(title, className="unseen"),
                        html.Select(
                            [html.Option(words, value=key) for key, words in [("", whole), *options]],
                            id=f"reports-{name}",
                            className="picked",
                            title=title,
                            **{"data-report-filter": name, "data-every": whole},
                        ),
                    ]
                )
                for name, (title, whole, options) in every.items()
            ),
            html.Button(t("Bỏ lọc"), id="reports-all", className="chip", hidden=True),
        ],
        className="cases-filters",
        role="search",
        **{"aria-label": t("Lọc phản ánh")},
    )


def register(app: Dash, site: Site) -> None:
    """The browser asks the API itself; the tick is all that it needs of Dash."""
    app.clientside_callback(
        ClientsideFunction("haidang", "reports_tick"),
        Output("reports-answer", "data"),
        Input("reports-tick", "n_intervals"),
    )
