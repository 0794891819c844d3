"""The list of channels: each with its kind, where it goes and how it fares; and the buttons that begin a new one."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update

from access import channels
from access.channels import Overview
from access.site import Site
from geo.carrier import KINDS, ChannelError, parse, place_of
from pages import mark
from pages.read import DatabaseAway, act
from pages.text import Text

POLL_MS = 3_000


def layout(site: Site, t: Text) -> html.Aside:
    """The list comes with the first poll."""
    new = [html.Button(["+ ", kind_word(t, kind)], className="action", **{"data-new": kind}) for kind in KINDS]
    return html.Aside(
        [
            html.H2(t("Kênh gửi báo động")),
            html.Ul([html.Li(t("Đang đọc các kênh…"), className="empty")], id="channel-list"),
            html.Div(
                [html.P(t("Thêm kênh"), className="note"), html.Div(new, className="news")], className="channel-new"
            ),
            dcc.Store(id="channel-print"),
            dcc.Interval(id="channel-tick", interval=POLL_MS),
        ],
        className="channel-list",
        **{"aria-label": t("Kênh gửi báo động")},
    )


def kind_word(t: Text, kind: str) -> str:
    """A kind of channel in words."""
    words = {"email": t("Thư điện tử"), "webhook": t("Webhook"), "sms": t("Tin nhắn SMS")}
    return words.get(kind, kind)


def rows(t: Text, found: Sequence[Overview], chosen: str | None, withholding: bool, now: datetime) -> list[html.Li]:
    """One row a channel; without any, what that means."""
    if not found:
        what = html.P(t("Chưa có kênh nào: báo động chỉ hiện trên các màn hình."))
        return [
            html.Li([what, html.P(t("Thêm một kênh để báo động đến được người không ngồi ở đây."))], className="empty")
        ]
    return [_row(t, one, one.channel.key == chosen, withholding, now) for one in found]


def _row(t: Text, one: Overview, chosen: bool, withholding: bool, now: datetime) -> html.Li:
    lamp, words = state(t, one, withholding, now)
    try:
        where = place_of(parse(one.channel.kind, one.channel.config))
    except ChannelError:
        where = "–"
    current = {"aria-current": "true"} if chosen else {}
    button = html.Button(
        [
            html.Span(one.channel.name, className="what"),
            html.Span(f"{kind_word(t, one.channel.kind)} · {where}", className="muted where"),
            html.Span([html.I(className=f"lamp {lamp}"), html.Span(words)], className="fares"),
        ],
        className="channel-row",
        **{"data-channel": one.channel.key},
        **current,
    )
    return html.Li(button, className="" if one.channel.enabled else "off")


def state(t: Text, one: Overview, withholding: bool, now: datetime) -> tuple[str, Any]:
    """How a channel fares: the lamp (`ok`, `bad`, `held` or `idle`) and the words beside it."""
    counts = one.counts
    if not one.channel.enabled:
        return "idle", t("đang tắt")
    if one.problems:
        return "bad", t("chưa gửi được: {why}", why=t.pick(one.problems[0].vi, one.problems[0].en))
    if withholding:
        return "held", t("giữ lại mọi tin")
    if not one.routes:
        return "idle", t("chưa có tuyến: không báo động nào đi kênh này")
    last_good, last_bad = counts.get("delivered_at"), counts.get("failed_at")
    if counts.get("retrying"):
        return "bad", t("{n} tin đang phải gửi lại", n=counts["retrying"])
    if last_bad and (not last_good or last_good < last_bad) and now - last_bad < timedelta(days=1):
        return "bad", t("{n} tin không gửi được trong 24 giờ", n=counts["failed"])
    if last_good:
        return "ok", [t("gửi được, lần cuối"), " ", mark.age(t, last_good, now)]
    return "idle", t("chưa gửi tin nào trong 24 giờ")


def register(app: Dash, site: Site) -> None:
    """Read again each few seconds, when another is chosen, and after each change."""

    @app.callback(
        Output("channel-list", "children"),
        Output("channel-print", "data"),
        Output("database", "data", allow_duplicate=True),
        Input("channel-tick", "n_intervals"),
        Input("channel-chosen", "data"),
        Input("channel-news", "data"),
        State("channel-print", "data"),
        State("words", "data"),
        State("database", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def refresh(
        _: int,
        chosen: dict[str, Any] | None,
        __: Any,
        last: str | None,
        words: dict[str, Any],
        database: dict[str, Any],
    ) -> tuple[Any, ...]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        try:
            found = await act(site, channels.overview)
        except DatabaseAway:
            return no_update, no_update, no_update if database.get("away") else {"away": True}
        back: Any = {"away": False} if database.get("away") else no_update
        key = (chosen or {}).get("key")
        drawn = [(one.channel, one.routes, one.problems, one.counts) for one in found]
        print_ = hashlib.sha256(repr((drawn, key, t.lang)).encode()).hexdigest()[:16]
        if print_ == last:
            return no_update, no_update, back
        return rows(t, found, key, site.withholding, now), print_, back
