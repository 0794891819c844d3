"""The screen `/rules`: every rule in words, how often it raised, whether it is on, and the way to the lab."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from sqlalchemy import Connection

from access import rules as doing
from access.editing import Conflict, Missing
from access.site import Site
from geo.actor import Actor
from geo.fence import Fence, fences
from geo.rule import DISTRESS
from geo.rulebook import Entry, book
from pages import banner, header, mark, stores
from pages.read import DatabaseAway, act, read
from pages.text import Text
from pages.words import words

REFRESH_MS = 10_000


def layout(site: Site, t: Text, search: str) -> html.Div:
    """One table; what is changed of a rule is changed with its fence, through the interface, or from the lab."""
    return html.Div(
        [
            header.layout(site, t),
            html.Main(
                [
                    html.Div(
                        [
                            html.H2(t("Quy tắc")),
                            html.Label(
                                [
                                    html.Span(t("Trực ban")),
                                    mark.entry("rules-actor", t("Họ tên hoặc mã số"), 60, remember="haidang-actor"),
                                ]
                            ),
                            html.P("", id="rules-said", role="status", className="lab-said"),
                        ],
                        className="rules-head",
                    ),
                    html.Div(html.P(t("Đang đọc…"), className="empty"), id="rules-table"),
                ],
                className="rules-main",
            ),
            dcc.Store(id="rules-actor-text"),
            dcc.Interval(id="rules-tick", interval=REFRESH_MS),
            banner.layout(site, t),
            stores.apart(t),
        ],
        className="screen screen-rules",
    )


def table(t: Text, site: Site, entries: Sequence[Entry], places: Mapping[str, Fence], now: datetime) -> html.Table:
    """A row a rule: how grave, what it says, since when, how often it raised, on or off."""
    heads = [t("Mức"), t("Quy tắc"), t("30 ngày qua"), t("Đang mở"), t("Phiên bản"), t("Trạng thái"), ""]
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(words_) for words_ in heads])),
            html.Tbody([_row(t, site, entry, places, now) for entry in entries]),
        ],
        className="rules-table",
    )


def _row(t: Text, site: Site, entry: Entry, places: Mapping[str, Fence], now: datetime) -> html.Tr:
    rule = entry.rule
    told = words(t, rule, places.get(rule.fence_key or ""), site.layer(rule.layer))
    title = t.pick(rule.name_vi, rule.name_en).partition(":")[0]
    switch = html.Button(
        t("Tắt") if rule.enabled else t("Bật"),
        id={"part": "rule-switch", "key": rule.key.replace(".", "__"), "version": rule.version},
        className="action",
        n_clicks=0,
        title=t("Một cấp cứu không tắt được ở đây") if rule.kind in DISTRESS else "",
        disabled=rule.kind in DISTRESS,
    )
    tried = rule.kind not in (*DISTRESS, "feed")
    lang = "" if t.lang == "vi" else f"&lang={t.lang}"
    lab = html.A(t("Thử trên quá khứ"), href=f"/rules/lab?a={rule.key}{lang}") if tried else ""
    return html.Tr(
        [
            html.Td(mark.severity(t, rule.severity)),
            html.Td([html.Strong(title), html.P(told, className="note")]),
            html.Td(t.number(entry.raised), className="number"),
            html.Td(t.number(entry.open), className="number"),
            html.Td([f"{rule.version} · {entry.updated_by} · ", mark.age(t, entry.updated_at, now)]),
            html.Td(t("đang bật") if rule.enabled else t("đang tắt")),
            html.Td([switch, " ", lab]),
        ],
        className="" if rule.enabled else "off",
    )


def _known(connection: Connection, now: datetime, /) -> tuple[list[Entry], dict[str, Fence]]:
    return book(connection, now), {fence.key: fence for fence in fences(connection, every=True)}


def register(app: Dash, site: Site) -> None:
    """Read again each few seconds and after a change; switching asks for a name."""

    @app.callback(
        Output("rules-table", "children"),
        Input("rules-tick", "n_intervals"),
        Input("rules-said", "children"),
        State("words", "data"),
    )
    async def show(_: int, said: Any, texts: dict[str, Any]) -> Any:
        t, now = Text(texts["lang"]), datetime.now(UTC)
        try:
            entries, places = await read(site, _known, now)
        except DatabaseAway:
            return no_update
        return table(t, site, entries, places, now)

    @app.callback(
        Output("rules-said", "children"),
        Input({"part": "rule-switch", "key": ALL, "version": ALL}, "n_clicks"),
        State("rules-actor-text", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def press(_: list[int], name: str | None, texts: dict[str, Any]) -> Any:
        t, pressed = Text(texts["lang"]), ctx.triggered_id
        if not isinstance(pressed, dict) or not ctx.triggered[0]["value"]:
            return no_update
        if not (name or "").strip():
            return t("Hãy ghi tên trực ban.")
        key, actor = str(pressed["key"]).replace("__", "."), Actor(str(name).strip()[:60])
        try:
            entries, _places = await read(site, _known, datetime.now(UTC))
            rule = next((entry.rule for entry in entries if entry.rule.key == key), None)
            if rule is None:
                return t("Quy tắc này không còn.")
            await act(site, doing.switch, key, not rule.enabled, int(pressed["version"]), actor)
        except (Conflict, Missing, ValueError) as error:
            return t("Chưa làm được: {why}", why=error)
        except DatabaseAway:
            return t("Cơ sở dữ liệu không trả lời: CHƯA đổi được.")
        return t("Đã bật {name}.", name=key) if not rule.enabled else t("Đã tắt {name}.", name=key)
