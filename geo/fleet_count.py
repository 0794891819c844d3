"""How many boats must be seen, are seen, late or lost: by length class, commune and provider, now and on past days."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Literal

from geo.boat_case import ENDS, within_two_hours
from geo.calendar import ZONE, local_day
from geo.duty import Role, duty
from geo.figure import Figures
from geo.signal import signal

By = Literal["length", "commune", "provider"]
Mark = tuple[str, str]  # a registration, and the column in which it counts one more
Row = dict[str, Any]
REGISTER = ("registered", "monitored", "laid_up", "required")
SIGNAL = ("visible", "late", "lost_6h_10d", "lost_10d", "port_silent", "unheard")
FLOW = ("opened", "resumed", "ended", "concluded", "crossing", "zone", "returned_quickly")
COLUMNS = (*REGISTER, *SIGNAL, *FLOW)
# What nobody writes down each day: of a past day it is not known, which is another thing than none.
NOT_KEPT = ("late", "port_silent", "unheard")
CLASS_FIGURES = (
    "national_least_length", "vms_least_length", "zone_inshore_least_length", "licence_least_length",
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """A boat as the register had it; provider: of the device that counts. auto_at, port: what the clock knows now."""

    registration: str
    length_m: float
    role: Role
    commune: str | None = None
    provider: str | None = None
    laid_up_at: datetime | None = None
    simulated: bool = False
    auto_at: datetime | None = None
    port: str | None = None


@dataclass(frozen=True)
class Step:
    """A stage in a case's log. at: when it happened; withdrawn: the alarm below the case turned out to be wrong."""

    at: datetime
    stage: str
    withdrawn: bool = False


@dataclass(frozen=True)
class Case:
    """A case with the stages of its log, in the order in which they were written."""

    kind: str
    boat: Member
    since: datetime
    stage: str
    ended_at: datetime | None
    closed_at: datetime | None
    steps: tuple[Step, ...]
    cause: str | None = None
    outcome: str | None = None


@dataclass(frozen=True)
class Span:
    """From when to when a case went on; end None: it still does."""

    begin: datetime
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether it went on just before a moment, such as the end of a day, which belongs to the next one."""
        return self.begin < at and (self.end is None or at <= self.end)


@dataclass(frozen=True)
class Picture:
    """The fleet on one of the centre's days. at: the day's end, or now. unknown: columns that cannot be told of it.

    members: the register's boats, and those of cases that are not among them (retired since, or put in later).
    """

    day: date
    at: datetime
    members: Mapping[str, Member]
    marks: tuple[Mark, ...]
    unknown: frozenset[str]


def spans(case: Case) -> tuple[Span, ...]:
    """When a case went on, from its log: none of one that was refuted.

    What happened is told late sometimes: a stage is void when one that was written after it happened before it.
    """
    steps: list[Step] = []
    for step in case.steps:
        while steps and step.at < steps[-1].at:
            steps.pop()
        steps.append(step)
    if not steps or steps[-1].withdrawn:
        return ()
    found: list[Span] = []
    begin: datetime | None = None
    for step in steps:
        if step.stage not in ENDS:
            begin = begin or step.at
        elif begin is not None:
            found.append(Span(begin, step.at))
            begin = None
    if begin is not None:
        found.append(Span(begin, None))
    # Concluded while it went on: nobody follows the boat's silence any more.
    closed = case.closed_at
    if closed is None:
        return tuple(found)
    return tuple(
        Span(one.begin, closed if one.end is None or one.end > closed else one.end)
        for one in found
        if one.begin < closed
    )


def picture_now(members: Mapping[str, Member], cases: Collection[Case], figures: Figures, now: datetime) -> Picture:
    """The fleet as it is: each boat that must be seen is visible, lost, silent in port, or was never heard.

    visible: its last automatic fix of the current device is younger than the hours after which it counts as lost; late
    ones are among them.
    """
    start, end = local_day(now)
    marks = _of_register(members, figures, now, now)
    for name in [name for name, column in marks if column == "required"]:
        marks += [(name, column) for column in _signal_of(members[name], figures, now)]
    return Picture(_day(now), now, _with(members, cases), (*marks, *_flow(cases, start, end, figures)), frozenset())


def picture_then(
    members: Mapping[str, Member],
    cases: Collection[Case],
    heard: Collection[str] | None,
    figures: Figures,
    at: datetime,
) -> Picture:
    """The fleet on the past day that holds a moment: register and losses at its end, what came and went within it.

    heard: the boats of which an automatic fix that counts was sent that day; None when that cannot be told.
    """
    start, end = local_day(at)
    marks = _of_register(members, figures, start, end)
    required = [name for name, column in marks if column == "required"]
    marks += [(name, "visible") for name in required if name in (heard or ())]
    home = figures.at("return_within", start).span
    for case in cases:
        if case.kind == "loss" and any(one.holds(end) for one in spans(case)):
            marks.append((case.boat.registration, "lost_10d" if end >= case.since + home else "lost_6h_10d"))
    unknown = {*NOT_KEPT, *(("visible",) if heard is None or not members else ()), *(() if members else REGISTER)}
    return Picture(
        _day(at), end, _with(members, cases), (*marks, *_flow(cases, start, end, figures)), frozenset(unknown)
    )


def _with(members: Mapping[str, Member], cases: Collection[Case]) -> dict[str, Member]:
    return {**{one.boat.registration: one.boat for one in cases}, **members}


def _day(at: datetime) -> date:
    return at.astimezone(ZONE).date()


def _of_register(members: Mapping[str, Member], figures: Figures, at: datetime, end: datetime) -> list[Mark]:
    """at: whose figures hold; end: before which boats were laid up."""
    obliged = {one: duty(one, figures, at).monitored for one in {each.length_m for each in members.values()}}
    marks: list[Mark] = []
    for name, one in members.items():
        columns = ["registered"]
        if obliged[one.length_m]:
            away = one.laid_up_at is not None and one.laid_up_at < end
            columns += ["monitored", "laid_up" if away else "required"]
        marks += [(name, column) for column in columns]
    return marks


def _signal_of(one: Member, figures: Figures, now: datetime) -> tuple[str, ...]:
    if one.auto_at is None:
        return ("unheard",)
    told = signal(duty(one.length_m, figures, now, one.role), figures, now, one.auto_at, one.port is None)
    if told.bucket is not None:
        return ("lost_10d",) if told.bucket == "10d" else ("lost_6h_10d",)
    if told.state == "AT_PORT" and now - one.auto_at >= figures.at("lost_after", now).span:
        return ("port_silent",)
    return ("visible", "late") if told.state == "LATE" else ("visible",)


def _flow(cases: Iterable[Case], start: datetime, end: datetime, figures: Figures) -> list[Mark]:
    """What began, ended and was concluded in [start, end)."""

    def within(at: datetime | None) -> bool:
        return at is not None and start <= at < end

    marks: list[Mark] = []
    for case in cases:
        name, went_on = case.boat.registration, spans(case)
        if within(case.closed_at):
            marks.append((name, "concluded"))
        if case.kind == "loss":
            marks += [(name, "resumed" if n else "opened") for n, one in enumerate(went_on) if within(one.begin)]
            marks += [(name, "ended") for one in went_on if within(one.end)]
        elif went_on and within(case.since):
            marks.append((name, case.kind))
            row = {"stage": case.stage, "ended_at": case.ended_at, "since": case.since}
            marks += [(name, "returned_quickly")] if within_two_hours(row, figures) else []
    return marks


# Counting


def classes(figures: Figures, at: datetime) -> list[tuple[str, float, float | None]]:
    """The length classes of a day, the longest first: key, from (metres), to under; the law's figures are the edges."""
    edges = sorted({figures.at(key, at).value for key in CLASS_FIGURES}, reverse=True)
    found: list[tuple[str, float, float | None]] = [(f">={edges[0]:g}", edges[0], None)]
    found += [(f"{low:g}-<{high:g}", low, high) for high, low in pairwise(edges)]
    return [*found, (f"<{edges[-1]:g}", 0.0, edges[-1])]


def count(
    members: Mapping[str, Member],
    marks: Iterable[Mark],
    by: By,
    figures: Figures,
    at: datetime,
    unknown: Collection[str] = (),
) -> list[Row]:
    """A row each class, commune or provider with how often each column was marked; None in columns that are unknown.

    Boats without a commune or provider are the last row, whose key is None.
    """
    known = classes(figures, at)

    def key(one: Member) -> str | None:
        if by == "length":
            return next(name for name, low, _ in known if one.length_m >= low)
        return (one.commune if by == "commune" else one.provider) or None

    sums: dict[str | None, Counter[str]] = {name: Counter() for name, _, _ in known} if by == "length" else {}
    for name, column in marks:
        sums.setdefault(key(members[name]), Counter())[column] += 1
    keys = list(sums) if by == "length" else sorted(sums, key=lambda one: (one is None, one or ""))
    return [{"key": one, **_values(sums[one], unknown)} for one in keys]


def total(picture: Picture) -> Row:
    """One row of all boats of a day."""
    return _values(Counter(column for _, column in picture.marks), picture.unknown)


def _values(sums: Mapping[str, int], unknown: Collection[str]) -> Row:
    return {name: None if name in unknown else sums.get(name, 0) for name in COLUMNS}
