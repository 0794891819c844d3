"""A boat's silence over time: which states it passes through, from its fixes, what was told by hand, and its ports."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from geo.calendar import ZONE
from geo.duty import Duty
from geo.figure import Figures
from geo.signal import ALARMS, State, signal

_AFTER = timedelta(microseconds=1)  # some figures are exceeded, not reached


@dataclass(frozen=True)
class Place:
    """A position of a boat. by_hand: told by somebody, and no automatic fix of its current device.

    ports: the ports it lies in; near: those ports that a boat in them has not left yet (their hysteresis).
    """

    at: datetime
    by_hand: bool = False
    ports: Collection[str] = ()
    near: Collection[str] = ()


@dataclass(frozen=True)
class Known:
    """What is remembered of a boat: its last automatic fix, its port if it is in one, and the state told last."""

    auto_at: datetime
    port: str | None = None
    reported_at: datetime | None = None
    state: State = "OK"
    state_at: datetime | None = None  # none: nothing was told yet


@dataclass(frozen=True)
class Step:
    """From this moment on the boat was in this state. since: the automatic fix before it; port: where it lies."""

    at: datetime
    state: State
    since: datetime
    port: str | None = None


@dataclass(frozen=True)
class Course:
    """What became of a boat: the steps that were not told yet, and what is to be remembered.

    late_at: since when it has been silent for longer than it may; due_at: when the state may change by time alone.
    """

    steps: tuple[Step, ...]
    known: Known
    late_at: datetime | None
    due_at: datetime | None


def follow(
    duty: Duty, figures: Figures, known: Known, places: Sequence[Place], now: datetime, laid_up: bool = False
) -> Course:
    """Bring a boat up to `now` (domain.md 1.3): whenever it is asked, and however often, the steps are the same.

    places: in any order; those up to the last automatic fix that is known say nothing new. A fix that is told late, of
    a moment before a state that was told already, ends that state.
    """
    seen = sorted((one for one in places if known.auto_at <= one.at <= now), key=lambda one: (one.at, not one.by_hand))
    walk = _Walk(duty, figures, laid_up, known, seen)
    steps: list[Step] = []
    for moment in walk.moments(now):
        step = walk.step(moment)
        if not steps or (step.state, step.since) != (steps[-1].state, steps[-1].since):
            steps.append(step)
    last = walk.step(now)
    told = known.state_at
    fresh = [step for step in steps if told is None or step.at > told]
    if not fresh and last.state != known.state:
        fresh = [steps[-1]]
    if fresh and told is not None and (fresh[0].state, fresh[0].since) == (known.state, known.auto_at):
        fresh = fresh[1:]
    state_at = steps[-1].at if told is None else max(told, steps[-1].at)
    reported = max((one.at for one in seen if one.by_hand), default=known.reported_at)
    late_at = last.since + walk.patience(last.since) if last.state in ("LATE", *ALARMS) else None
    remembered = Known(last.since, last.port, reported, last.state, state_at)
    return Course(tuple(fresh), remembered, late_at, walk.next_after(now))


class _Walk:
    """The boat at any moment, from what is known of it."""

    def __init__(self, duty: Duty, figures: Figures, laid_up: bool, known: Known, places: Sequence[Place]) -> None:
        self.duty, self.figures, self.laid_up = duty, figures, laid_up
        port = known.port
        self.fixes = [(known.auto_at, port)]
        self.stays = [(known.auto_at, port)]
        self.reports = [] if known.reported_at is None else [known.reported_at]
        for one in places:
            port = next(iter(sorted(one.ports)), port if port in one.near else None)
            self.stays.append((one.at, port))
            if one.by_hand:
                self.reports.append(one.at)
            else:
                self.fixes.append((one.at, port))

    def patience(self, moment: datetime) -> timedelta:
        """How long a boat may be silent before it is late; for ever when it need not report."""
        if self.duty.interval is None:
            return timedelta(days=36_500)
        return self.duty.interval.span + self.figures.at("vms_grace", moment).span

    def step(self, moment: datetime) -> Step:
        """The state at a moment, as a step that would begin there."""
        since = max(at for at, _ in self.fixes if at <= moment)
        port = [port for at, port in self.stays if at <= moment][-1]
        told = signal(self.duty, self.figures, moment, since, port is None, self.laid_up, self.reports)
        return Step(moment, told.state, since, port)

    def _bends(self, until: datetime) -> Iterator[datetime]:
        """Where the state may change: at positions, when a time is up, and on the first day of another figure."""
        figure = self.figures.at
        for since, _ in self.fixes:
            spans = [figure(key, moment).span for key in ("lost_after", "return_within") for moment in (since, until)]
            yield from (since + span for span in (self.patience(since), self.patience(until), *spans))
        for told in self.reports:
            yield from (told + figure("manual_report_every", moment).span for moment in (told, until))
        yield from (at for at, _ in self.stays)
        days = {one.effective_from for one in self.figures.items}
        yield from (datetime.combine(day, time(), ZONE) for day in days)

    def moments(self, until: datetime) -> list[datetime]:
        """The moments up to `until` at which the state must be looked at, in their order."""
        begin = self.fixes[0][0]
        found = {begin, until}
        for bend in self._bends(until):
            found |= {each for each in (bend, bend + _AFTER) if begin <= each <= until}
        return sorted(found)

    def next_after(self, now: datetime) -> datetime | None:
        """The first moment after `now` at which the state may change by itself."""
        later = [each for bend in self._bends(now) for each in (bend, bend + _AFTER) if each > now]
        return min(later, default=None)
