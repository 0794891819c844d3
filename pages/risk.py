"""The screen `/fisheries/risk`: which boats to look at first, each with the reasons that speak for it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update

from access.risk import listed
from access.site import Site
from pages import banner, header, stores
from pages.boat_words import address
from pages.read import DatabaseAway, read
from pages.text import Text

POLL_MS = 60_000
SHOWN_MOST = 100
GRAVE = 25.0  # points of a reason from which on it stands out


def layout(site: Site, t: Text, search: str) -> html.Div:
    """Arrangement; the list comes with the first reading, and again each minute."""
    lang = "" if t.lang == "vi" else f"?lang={t.lang}"
    links = [
        html.A("CSV", href="/api/v1/risks.csv", className="press", download=""),
        html.A(t("Bảng mất tín hiệu"), href=f"/fisheries{lang}", className="press"),
        html.A(t("Bản đồ"), href=f"/{lang}", className="press"),
    ]
    return html.Div(
        [
            header.layout(site, t),
            html.Main(
                [
                    html.Div([html.H2(t("Tàu cần xem trước")), html.Div(links)], className="handover-head"),
                    html.P(
                        t(
                            "Điểm là tổng các lý do, trọng số do trung tâm đặt (bảng số liệu risk_*). Điểm để chọn "
                            "tàu xem trước, không phải kết luận vi phạm; sự cố của nhà cung cấp không tính cho tàu."
                        ),
                        className="metrics-period",
                    ),
                    html.Div(html.P(t("Đang đọc…"), className="empty"), id="risk-body"),
                    dcc.Interval(id="risk-tick", interval=POLL_MS),
                ],
                className="metrics risk",
            ),
            banner.layout(site, t),
            stores.apart(t),
        ],
        className="screen screen-metrics",
    )


def body(t: Text, rows: Sequence[Mapping[str, Any]]) -> html.Div:
    """The boats, the highest score first, each a line that leads to its own page."""
    if not rows:
        return html.P(t("Không tàu nào có lý do để xem trước."), className="empty")
    names = (t("Điểm"), t("Tàu"), t("Dài (m)"), t("Xã, phường"), t("Lý do"))
    head = html.Thead(html.Tr([html.Th(name, className="n" if at in (0, 2) else "") for at, name in enumerate(names)]))
    more = (
        [html.P(t("{n} tàu đầu; danh sách đầy đủ ở tệp CSV.", n=SHOWN_MOST), className="note")]
        if len(rows) >= SHOWN_MOST
        else []
    )
    return html.Div([html.Table([head, html.Tbody([_line(t, row) for row in rows])], className="counts"), *more])


def _line(t: Text, row: Mapping[str, Any]) -> html.Tr:
    name = row["shipname"] if row["shipname"] and row["shipname"] != row["registration"] else None
    boat = [html.A(row["registration"], href=address(row["registration"], t.lang))]
    if name:
        boat.append(html.Span(name, className="muted"))
    if row["simulated"]:
        boat.append(html.Span(t("mô phỏng"), className="badge small"))
    home = ", ".join(filter(None, (row["commune"], row["home_province"])))
    reasons = [
        html.Li(
            [t.pick(one["vi"], one["en"]), html.Span(f"+{t.number(one['points'])}", className="muted")],
            className="grave" if one["points"] >= GRAVE else None,
        )
        for one in row["reasons"]
    ]
    return html.Tr(
        [
            html.Td(html.B(t.number(row["score"])), className="n"),
            html.Td(boat, className="risk-boat"),
            html.Td(t.number(row["length_m"], 1), className="n"),
            html.Td(home),
            html.Td(html.Ul(reasons)),
        ]
    )


def register(app: Dash, site: Site) -> None:
    """Read again each minute."""

    @app.callback(
        Output("risk-body", "children"),
        Output("database", "data", allow_duplicate=True),
        Input("risk-tick", "n_intervals"),
        State("words", "data"),
        State("database", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def show(_: int, words: dict[str, Any], database: dict[str, Any]) -> tuple[Any, Any]:
        now = datetime.now(UTC)
        try:
            rows = await read(site, listed, now, SHOWN_MOST)
        except DatabaseAway:
            return no_update, no_update if database.get("away") else {"away": True, "since": now.isoformat()}
        return body(Text(words["lang"]), rows), {"away": False} if database.get("away") else no_update
