"""The foot: that the picture is live, and what happened in the last six hours: messages a minute and alarms."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy import Connection

from access.site import Site
from geo import account, desk
from pages.mark import severity_word
from pages.read import DatabaseAway, read
from pages.text import ZONE, Text

SPAN = timedelta(hours=6)
BIN = timedelta(minutes=4)


def layout(site: Site, t: Text) -> html.Footer:
    """Replay is not offered before it exists; the strip only tells what was."""
    return html.Footer(
        [
            html.Strong(t("TRỰC TIẾP"), id="live-mark", className="live-mark", role="status"),
            html.Span(t("6 giờ qua"), className="span-words"),
            html.Div(
                [],
                id="timeline",
                className="timeline",
                role="img",
                **{"aria-label": t("Số bản tin và báo động trong 6 giờ qua")},
            ),
            html.Span("", id="rate", className="rate", title=t("Số bản tin trong phút trọn gần nhất")),
            dcc.Interval(id="timeline-tick", interval=60_000),
        ],
        className="foot",
    )


def bins(minutes: Sequence[Mapping[str, Any]], start: datetime) -> list[int]:
    """Messages per BIN over SPAN from `start`, empty bins as 0."""
    counts = [0] * int(SPAN / BIN)
    for row in minutes:
        index = int((row["at"] - start) / BIN)
        if 0 <= index < len(counts):
            counts[index] += int(row["messages"])
    return counts


def picture(
    t: Text, minutes: Sequence[Mapping[str, Any]], ticks: Sequence[Mapping[str, Any]], now: datetime
) -> list[Any]:
    """Bars of messages (height: share of the busiest), hour marks, and a tick per alarm in its severity's colour."""
    start = now - SPAN
    counts = bins(minutes, start)
    top = max(counts) or 1
    bars = [
        html.I(
            className="bar",
            style={
                "left": _left(start + BIN * n, start),
                "height": f"calc(var(--bars) * {max(0.06, count / top):.2f})",
            },
            title=t("{at}: {n} bản tin", at=t.when(start + BIN * n), n=t.number(count)),
        )
        for n, count in enumerate(counts)
        if count
    ]
    marks = [
        html.I(
            className=f"tick-{one['severity']} alarm-tick",
            style={"left": _left(one["at"], start)},
            title=f"{t.when(one['at'])} · {severity_word(t, one['severity'])}",
        )
        for one in ticks
    ]
    return [*bars, *_hours(start), *marks]


def _hours(start: datetime) -> list[Any]:
    first = start.astimezone(ZONE).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    hours = [first + timedelta(hours=n) for n in range(int(SPAN / timedelta(hours=1)))]
    return [html.Span(f"{hour:%H:%M}", className="hour", style={"left": _left(hour, start)}) for hour in hours]


def _left(at: datetime, start: datetime) -> str:
    return f"{100 * ((at - start) / SPAN):.2f}%"


def register(app: Dash, site: Site) -> None:
    """Each minute, and when an alarm changes."""

    @app.callback(
        Output("timeline", "children"),
        Output("rate", "children"),
        Input("timeline-tick", "n_intervals"),
        Input("desk-changed", "data"),
        State("words", "data"),
    )
    async def draw(_: int, hint: Any, words: dict[str, Any]) -> tuple[Any, Any]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        try:
            minutes, ticks = await read(site, _happened, now)
        except DatabaseAway:
            return no_update, no_update
        whole = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
        last = next((int(row["messages"]) for row in minutes if row["at"] == whole), 0)
        return picture(t, minutes, ticks, now), t("{n} bản tin/phút", n=t.number(last))

    app.clientside_callback(
        ClientsideFunction("haidang", "live_mark"),
        Output("live-mark", "children"),
        Output("live-mark", "className"),
        Input("connection", "data"),
        prevent_initial_call=True,
    )


def _happened(connection: Connection, now: datetime) -> tuple[list[dict[str, Any]], Sequence[Any]]:
    return account.minutes(connection, now - SPAN, now), desk.ticks(connection, now - SPAN, now)
