"""Part: the period that a draft is tried on, one that ends now or one from a moment to another."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update

from access.lab import PERIOD_MOST
from geo.calendar import ZONE
from pages import mark, moment
from pages.text import Text

SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
OWN = "own"
ENDS = ("from", "to")


def layout(t: Text, asked: Mapping[str, str]) -> html.Section:
    """The choice as the address has it: `span`, or local times `from` and `to` (2026-11-24T06:00)."""
    given = {name: _from_address(asked.get(name, "")) for name in ENDS}
    own = all(given.values()) or asked.get("span") == OWN
    span = OWN if own else asked.get("span", "24h")
    choices = {"24h": t("24 giờ qua"), "7d": t("7 ngày qua"), "30d": t("30 ngày qua"), OWN: t("Từ – đến")}
    span = span if span in choices else "24h"
    buttons = [
        html.Button(
            words,
            id={"part": "lab-span", "value": value},
            className="press",
            n_clicks=0,
            **{"aria-pressed": str(value == span).lower()},
        )
        for value, words in choices.items()
    ]
    hints = {"from": "06:00 24/11/2026", "to": "06:00 25/11/2026"}
    labels = {"from": t("Từ"), "to": t("đến trước")}
    boxes = [
        html.Label([html.Span(labels[name]), mark.entry(f"lab-{name}", hints[name], 20, value=given[name])])
        for name in ENDS
    ]
    return html.Section(
        [
            html.H3(t("Khoảng thời gian")),
            html.Div(buttons, className="lab-spans", role="group", **{"aria-label": t("Khoảng thời gian")}),
            dcc.Store(id="lab-span", data=span),
            html.Div(boxes, id="lab-own", className="lab-numbers", hidden=not own),
            html.P("", id="lab-span-said", className="note", role="status"),
            *[dcc.Store(id=f"lab-{name}-text", data=given[name]) for name in ENDS],
        ],
        className="lab-side",
    )


def _from_address(text: str) -> str:
    """A local time of the address as it is written in its box; empty for none."""
    try:
        return moment.write(datetime.fromisoformat(text).replace(tzinfo=ZONE))
    except ValueError:
        return ""


def period(t: Text, span: str, begin: str | None, end: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The chosen period, begin and end in UTC; raises ValueError in words."""
    if span in SPANS:
        return now - SPANS[span], now
    first, last = (moment.read(t, (text or "").strip()) for text in (begin, end))
    if first is None or last is None:
        raise ValueError(t("Hãy ghi cả hai mốc, như 06:00 24/11/2026."))
    if last <= first:
        raise ValueError(t("Mốc sau phải muộn hơn mốc đầu."))
    if last > now:
        raise ValueError(t("Mốc sau còn ở tương lai: chỉ thử được trên quá khứ."))
    if last - first > PERIOD_MOST:
        raise ValueError(t("Khoảng thời gian dài nhất là {n} ngày.", n=PERIOD_MOST.days))
    return first.astimezone(UTC), last.astimezone(UTC)


def register(app: Dash) -> None:
    """The boxes are shown when they are wanted, and what is wrong in them is said at once."""
    button_id = {"part": "lab-span", "value": ALL}

    @app.callback(
        Output("lab-span", "data"),
        Output(button_id, "aria-pressed"),
        Input(button_id, "n_clicks"),
        State(button_id, "id"),
        prevent_initial_call=True,
    )
    def choose(_: list[int], ids: list[dict[str, str]]) -> tuple[Any, list[Any]]:
        if not ctx.triggered or not ctx.triggered[0]["value"] or not isinstance(ctx.triggered_id, dict):
            return no_update, [no_update] * len(ids)
        span = ctx.triggered_id["value"]
        return span, [str(one["value"] == span).lower() for one in ids]

    @app.callback(
        Output("lab-own", "hidden"),
        Output("lab-span-said", "children"),
        Input("lab-span", "data"),
        Input("lab-from-text", "data"),
        Input("lab-to-text", "data"),
        State("words", "data"),
    )
    def say(span: str, begin: str | None, end: str | None, words: dict[str, Any]) -> tuple[bool, str]:
        t = Text(words["lang"])
        if span in SPANS:
            return True, ""
        if not begin or not end:
            return False, t("Giờ Việt Nam; dài nhất {n} ngày.", n=PERIOD_MOST.days)
        try:
            first, last = period(t, span, begin, end, datetime.now(UTC))
        except ValueError as error:
            return False, str(error)
        return False, t("Dài {age}.", age=t.age((last - first).total_seconds()))
