"""The alarm desk: every open alarm in desk order with its shape, age and state, and the sound with its mute."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from access.site import Site
from geo.desk import desk
from pages.mark import age, icon, severity, target
from pages.read import DatabaseAway, read
from pages.text import Text

POLL_MS = 3_000  # hints only hurry it: a screen that misses one, or a database that goes away, shows within this time
OPEN = ("unacknowledged", "returned")


def layout(site: Site, t: Text) -> html.Section:
    """The list and its head; rows come from the first poll."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2(t("Báo động"), id="desk-title"),
                    html.Button(
                        [icon("sound"), icon("mute"), html.Span("", id="mute-words")],
                        id="mute",
                        className="quiet mute",
                        title=t("Tắt tiếng 5 phút; tắt tiếng không phải là xác nhận"),
                        **{"aria-label": t("Tắt tiếng 5 phút"), "aria-pressed": "false"},
                    ),
                ],
                className="part-head",
            ),
            html.Ol(
                [html.Li(t("Đang đọc danh sách báo động…"), className="empty")],
                id="desk",
                className="desk",
                **{"aria-label": t("Bàn báo động")},
            ),
            html.Div("", id="desk-news", role="status", className="unseen", **{"aria-live": "assertive"}),
            dcc.Store(id="desk-print"),
            dcc.Store(id="desk-alarms"),
            dcc.Interval(id="desk-tick", interval=POLL_MS),
        ],
        className="part part-desk",
        **{"aria-labelledby": "desk-title"},
    )


def rows(t: Text, alarms: Sequence[Mapping[str, Any]], now: datetime) -> list[html.Li]:
    """One row per episode, in the order given; an empty desk says so in words."""
    if not alarms:
        return [html.Li(t("Không có báo động nào đang mở."), className="empty")]
    return [_row(t, one, now) for one in alarms]


def _row(t: Text, one: Mapping[str, Any], now: datetime) -> html.Li:
    where = target(
        go="alarm", layer=one["layer"], key=one["object_key"], alarm=one["id"], lat=one["lat"], lon=one["lon"], zoom=11
    )
    state = str(one["state"])
    press = html.Button(
        [
            severity(t, str(one["severity"])),
            html.Span(rule_title(t, one), className="what", title=t.pick(one["rule_vi"], one["rule_en"])),
            age(t, one["raised_at"], now),
            html.Span(_second_line(t, one, now), className="more"),
        ],
        id=f"alarm-{one['id']}",
        className="alarm-row",
        **where,
    )
    return html.Li(press, className=f"alarm {state} sev-{one['severity']}", **{"data-alarm-row": str(one["id"])})


def _second_line(t: Text, one: Mapping[str, Any], now: datetime) -> list[Any]:
    parts = [str(one["object_label"] or one["object_key"] or "")]
    fence = t.pick(one["fence_vi"], one["fence_en"])
    if fence:
        parts.append(fence)
    return [" · ".join(filter(None, [*parts, state_words(t, one)]))]


def rule_title(t: Text, one: Mapping[str, Any]) -> str:
    """The rule's short name: what stands before the colon of its full wording."""
    return t.pick(one["rule_vi"], one["rule_en"]).partition(":")[0]


def state_words(t: Text, one: Mapping[str, Any]) -> str:
    """What became of it, in words: nothing for a fresh one, who took it, or that it passed by itself."""
    if one["state"] == "returned":
        return t("đã hết, chưa xác nhận")
    if one["acknowledged_at"]:
        return t("{name} đã xác nhận", name=one["acknowledged_by"])
    return ""


def fingerprint(alarms: Sequence[Mapping[str, Any]]) -> str:
    """Changes when anything a row shows changes; an unchanged desk is not drawn again, so focus and reading stay."""
    seen = [
        (one["id"], one["state"], one["severity"], one["object_label"], one["acknowledged_by"], one["comment"])
        for one in alarms
    ]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def register(app: Dash, site: Site) -> None:
    """Polls, and reads at once on a hint; sound and map rings are given in the browser."""

    @app.callback(
        Output("desk", "children"),
        Output("desk-title", "children"),
        Output("desk-alarms", "data"),
        Output("desk-print", "data"),
        Output("database", "data"),
        Input("desk-tick", "n_intervals"),
        Input("alarm-hint", "data"),
        State("desk-print", "data"),
        State("words", "data"),
        State("database", "data"),
    )
    async def refresh(
        _: int, hint: Any, last: str | None, words: dict[str, Any], database: dict[str, Any]
    ) -> tuple[Any, ...]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        try:
            alarms = await read(site, desk, now)
        except DatabaseAway:
            away = no_update if database.get("away") else {"away": True, "since": now.isoformat()}
            return no_update, no_update, no_update, no_update, away
        back: Any = {"away": False} if database.get("away") else no_update
        mark = fingerprint(alarms)
        if mark == last:
            return no_update, no_update, no_update, no_update, back
        return rows(t, alarms, now), title(t, alarms), [_plain(one) for one in alarms], mark, back

    app.clientside_callback(
        ClientsideFunction("haidang", "desk_chosen"), Input("chosen", "data"), Input("desk", "children")
    )
    app.clientside_callback(
        ClientsideFunction("haidang", "desk_heard"),
        Output("desk-news", "children"),
        Input("desk-alarms", "data"),
        prevent_initial_call=True,
    )


def title(t: Text, alarms: Sequence[Mapping[str, Any]]) -> list[Any]:
    """`BÁO ĐỘNG · 2 CHƯA XÁC NHẬN`."""
    waiting = sum(one["state"] in OPEN for one in alarms)
    return [t("Báo động"), " · ", t("{n} chưa xác nhận", n=waiting) if waiting else t("{n} đang mở", n=len(alarms))]


def _plain(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: one[name]
        for name in ("id", "state", "severity", "layer", "object_key", "object_label", "rule_vi", "rule_en")
    }
