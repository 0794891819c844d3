"""The screen `/fisheries/<registration>`: one boat from all sides, its track and its timeline."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from access.boat import record
from access.site import Site
from geo.registration import parse
from pages import banner, boat_body, boat_inspection, boat_timeline, boat_track, header, stores
from pages.boat_words import address
from pages.read import DatabaseAway, read
from pages.text import Text

POLL_MS = 30_000
DAYS = (1, 3, 7, 30)
USUAL_DAYS = 7


def asked(search: str) -> int:
    """How many days back the address asks for."""
    query = {name.lower(): value for name, value in parse_qsl(search.lstrip("?"))}
    days = query.get("days", "")
    return int(days) if days.isdigit() and int(days) in DAYS else USUAL_DAYS


def layout(site: Site, t: Text, key: str, search: str) -> html.Div:
    """Arrangement; key: what stands behind `/fisheries/` in the address, a registration in any spelling or an MMSI."""
    days, named = asked(search), unquote(key).strip("/ ")[:40]
    title = str(parse(named) or named)
    return html.Div(
        [
            header.layout(site, t),
            html.Main(
                [
                    html.Div(
                        [
                            html.Div(html.H2(title), id="boat-head", className="boat-name"),
                            _links(t, title, days),
                            _said(t),
                        ],
                        className="boat-head",
                    ),
                    html.Div(
                        [
                            html.Div(
                                html.P(t("Đang đọc…"), className="empty"), id="boat-facts", className="boat-facts"
                            ),
                            html.Div(
                                [
                                    html.Div([], id="boat-track"),
                                    html.Div([], id="boat-lists", className="boat-lists"),
                                    boat_inspection.form(t),
                                ],
                                className="boat-middle",
                            ),
                            html.Div([], id="boat-timeline", className="boat-side"),
                        ],
                        id="boat-body",
                        className="boat-body",
                    ),
                ],
                className="boat",
            ),
            banner.layout(site, t),
            stores.apart(t),
            dcc.Store(id="boat-asked", data={"key": named, "days": days}),
            dcc.Store(id="boat-print"),
            dcc.Store(id="boat-written"),
            dcc.Interval(id="boat-tick", interval=POLL_MS),
            html.Span("", id="boat-address", hidden=True),
        ],
        className="screen screen-boat",
    )


def _said(t: Text) -> html.P:
    """How it stands with the pack that was pressed for: that it is being made, or in words why there is none."""
    words = {
        "making": t("Đang làm hồ sơ chứng cứ, mất vài giây…"),
        "refused": t("CHƯA có hồ sơ:"),
        "away": t("máy chủ bận hoặc không trả lời, hãy thử lại sau ít giây"),
    }
    return html.P(id="boat-said", className="boat-said", role="status", **{f"data-{k}": v for k, v in words.items()})


def _links(t: Text, registration: str, days: int) -> html.Nav:
    words = {1: t("24 giờ"), 3: t("3 ngày"), 7: t("7 ngày"), 30: t("30 ngày")}
    spans = [
        html.A(
            words[each],
            href=address(registration, t.lang, days=each),
            className="press",
            **({"aria-current": "page"} if each == days else {}),
        )
        for each in DAYS
    ]
    return html.Nav(spans, className="boat-spans", **{"aria-label": t("Khoảng thời gian")})


def register(app: Dash, site: Site) -> None:
    """Read again each half minute; the map is drawn anew only when the track is another one."""

    boat_inspection.register(app, site)

    @app.callback(
        Output("boat-head", "children"),
        Output("boat-facts", "children"),
        Output("boat-track", "children"),
        Output("boat-lists", "children"),
        Output("boat-timeline", "children"),
        Output("boat-body", "className"),
        Output("boat-print", "data"),
        Output("boat-written", "data"),
        Output("database", "data", allow_duplicate=True),
        Input("boat-tick", "n_intervals"),
        State("boat-asked", "data"),
        State("boat-print", "data"),
        State("words", "data"),
        State("database", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def show(
        _: int, asked: Mapping[str, Any], last: str | None, words: dict[str, Any], database: dict[str, Any]
    ) -> tuple[Any, ...]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        start = now - timedelta(days=asked["days"])
        try:
            found = await read(site, record, site, asked["key"], start, now, now)
        except DatabaseAway:
            away = no_update if database.get("away") else {"away": True, "since": now.isoformat()}
            return *(no_update,) * 8, away
        back: Any = {"away": False} if database.get("away") else no_update
        if found is None:
            nothing = boat_body.unknown(t, asked["key"])
            return html.H2(asked["key"]), nothing, [], [], [], "boat-body alone", None, None, back
        seen = boat_track.fingerprint(found)
        return (
            boat_body.head(t, found, now),
            boat_body.facts(t, found, now),
            no_update if seen == last else boat_track.layout(t, found, now),
            boat_body.lists(t, found, now),
            boat_timeline.layout(t, found, now),
            "boat-body",
            seen,
            address(found.boat.registration),
            back,
        )

    app.clientside_callback(
        ClientsideFunction("haidang", "boat_address"), Output("boat-address", "children"), Input("boat-written", "data")
    )
