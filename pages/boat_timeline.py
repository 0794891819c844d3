"""A boat's timeline: port calls, silences, cases, alarms and changes of the register in one order, newest first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dash import html

from access.boat import Record
from geo.behaviour.wording import sentence
from geo.contact import without_numbers
from geo.fence import PORT
from pages import boat_inspection, mark
from pages import boat_words as say
from pages.boat_track import gaps
from pages.fisheries_board import kind_words, stage_words
from pages.line import rule_title
from pages.text import Text

SHOWN = 80


@dataclass(frozen=True)
class Moment:
    """One line: when, what in words, and how it is marked (a shape and a design token's colour)."""

    at: datetime
    words: str
    more: str = ""
    icon: str = "circle"
    color: str = "ink-2"


def moments(t: Text, found: Record, now: datetime) -> list[Moment]:
    """Everything that has a time in the period, newest first."""
    own = [
        *_calls(t, found),
        *_silences(t, found),
        *_events(t, found, now),
        *_cases(t, found),
        *_alarms(t, found),
        *_inspections(t, found),
        *_versions(t, found),
    ]
    own = [one for one in own if found.start <= one.at <= found.end]
    return sorted(own, key=lambda one: one.at, reverse=True)


def layout(t: Text, found: Record, now: datetime) -> html.Section:
    """The newest lines of the period; how many more there are."""
    every = moments(t, found, now)
    rows = [
        html.Li(
            [
                mark.icon(one.icon, one.color),
                html.Time(t.when(one.at), dateTime=one.at.isoformat(), title=t.exact(one.at)),
                html.Div([html.B(one.words), *([html.Span(one.more, className="muted")] if one.more else [])]),
            ]
        )
        for one in every[:SHOWN]
    ]
    more = len(every) - len(rows)
    return html.Section(
        [
            html.H3([t("Dòng thời gian"), html.Span(t.number(len(every)), className="count")]),
            html.Ol(rows) if rows else html.P(t("Không có gì trong khoảng này."), className="empty"),
            html.P(t("và {n} dòng nữa: chọn khoảng ngắn hơn", n=t.number(more)), className="note", hidden=more <= 0),
        ],
        className="boat-part boat-timeline",
    )


def port_name(t: Text, found: Record, key: str | None) -> str:
    """A port's name by its fence's key."""
    one = next((each for each in found.fences if each.kind == PORT and each.key == key), None)
    return t.pick(one.name_vi, one.name_en) if one else (key or "")


def event_words(t: Text, found: Record, one: Mapping[str, Any], now: datetime) -> str:
    """What an event was, in a sentence with its figures."""
    key = one["parameters"].get("port")
    port = next((each for each in found.fences if each.kind == PORT and each.key == key), None)
    return t.pick(*sentence(one, now, (port.name_vi, port.name_en) if port else None))


def _events(t: Text, found: Record, now: datetime) -> Iterator[Moment]:
    """Without what port calls and silences of the track tell already."""
    for one in found.events:
        if one["kind"] not in ("port_visit", "gap"):
            name, _, told = event_words(t, found, one, now).partition(": ")
            more = told.partition(", ")[0]  # how long; its figures stand in the list
            color = "medium" if one["kind"] == "possible_disabling" else "accent"
            yield Moment(one["began_at"], name, more, "dot", color)


def _calls(t: Text, found: Record) -> Iterator[Moment]:
    for call in found.calls:
        name = port_name(t, found, call.port)
        if call.entered_at:
            yield Moment(call.entered_at, t("Vào {port}", port=name), icon="flag", color="ok")
        if call.left_at:
            yield Moment(call.left_at, t("Rời {port}", port=name), icon="flag", color="accent")


def _silences(t: Text, found: Record) -> Iterator[Moment]:
    for since, until in gaps(found.fixes, found.gap):
        span = t.age((until - since).total_seconds())
        yield Moment(since, t("Không có vị trí trong {span}", span=span), t("đến {at}", at=t.when(until)))


def _cases(t: Text, found: Record) -> Iterator[Moment]:
    for case in found.cases:
        kind, number = kind_words(t, case["kind"]), t("vụ việc {n}", n=case["id"])
        yield Moment(case["opened_at"], t("Mở vụ việc: {kind}", kind=kind), number, "square", "high")
        if case["escalated_at"]:
            yield Moment(case["escalated_at"], t("Báo cáo cấp trên"), number, "square", "high")
        if case["ended_at"]:
            yield Moment(case["ended_at"], stage_words(t, case["stage"]), number, "square", "ok")
        if case["closed_at"]:
            yield Moment(case["closed_at"], t("Kết luận vụ việc"), f"{number} · {case['closed_by']}", "square", "ok")


def _alarms(t: Text, found: Record) -> Iterator[Moment]:
    for one in found.alarms:
        shape = mark.SEVERITY_SHAPE.get(one["severity"], "circle")
        yield Moment(
            one["raised_at"], rule_title(t, one), t.pick(one["fence_vi"], one["fence_en"]), shape, one["severity"]
        )


def _inspections(t: Text, found: Record) -> Iterator[Moment]:
    for one in found.inspections:
        what = " · ".join(filter(None, [boat_inspection.finding_words(t, one), one["place"]]))
        color = "ok" if one["result"] == "clean" else "high"
        words = t("Kiểm tra: {result}", result=boat_inspection.result_words(t, one))
        yield Moment(one["at"], words, what, "diamond", color)


def _versions(t: Text, found: Record) -> Iterator[Moment]:
    before: dict[int, Any] = {row["version"]: row["value"] for row in found.versions}
    for row in found.versions:
        words = say.changed(t, before.get(row["version"] - 1), row["value"])
        more = " · ".join(filter(None, [row["actor"], without_numbers(row["comment"] or "")]))
        yield Moment(row["at"], t("Sổ đăng ký: {what}", what=words), more, "note")
