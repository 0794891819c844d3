"""Episodes: the pure steps from what a rule remembers and what is seen to Raise, Step, Clear or nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from geo.rule import FENCED_STATES, SEVERITIES, Rule

# A position older than this says nothing about where its object is now, so time alone proves no dwell.
FRESH = timedelta(minutes=20)
NM_M = 1852.0
REARM = 0.05  # of a step: going away by less than that is the jitter of positions, and arms no step again


@dataclass(frozen=True)
class Sight:
    """One object at one moment as a rule sees it: in the fence, in the fence widened, meeting the rule's conditions.

    For a threshold `core` is beyond the limit and `halo` beyond the limit less its dead-band; for two objects `core` is
    nearer than the distance and `halo` nearer than that and the hysteresis; for a zone that is not allowed `core` is
    farther than the buffer from one that is, and `halo` outside of what is allowed at all; for a line `core` is the
    moment of crossing it and `halo` so near that it is not decided. value: the direction of a crossing (+1 to the left
    of the line as it was drawn, -1 to its right), or the distance of an approach (nautical miles). first: nothing
    earlier is known of the object.
    """

    observed_at: datetime
    core: bool
    halo: bool
    qualifies: bool = True
    value: float | None = None
    first: bool = False


@dataclass(frozen=True)
class Presence:
    """What a rule remembers of one object between fixes; left_at: since when it is over, while that may yet pass."""

    entered_at: datetime
    qualified_at: datetime | None
    raised: bool = False
    left_at: datetime | None = None
    value: float | None = None


@dataclass(frozen=True)
class Raise:
    """The rule is broken since `at`; `until` is the same moment where it is an event and no state."""

    at: datetime
    value: float | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Step:
    """The episode got worse at `at`: an approach came within `value` nautical miles, which is announced anew."""

    at: datetime
    value: float


@dataclass(frozen=True)
class Clear:
    """The episode ends at `at`; since: when the rule was first kept again, which may be earlier by off_delay_s."""

    at: datetime
    since: datetime | None = field(default=None, compare=False)


Verdict = Raise | Step | Clear | None
Judged = tuple[Presence | None, Verdict]


def judge(rule: Rule, before: Presence | None, sight: Sight) -> Judged:
    """One step of any rule: the presence after the sight, and what it means for the alarm."""
    return STEPS[rule.kind](rule, before, sight)


def judge_time(rule: Rule, before: Presence, now: datetime) -> tuple[Presence | None, Verdict]:
    """The clock's step: the same dwell, or the same delay of the end, without a new sight."""
    if rule.kind not in FENCED_STATES:
        return before, None
    if before.raised:
        return _ended(rule, before, now)
    return _dwell(rule, before, now)


def judge_end(rule: Rule, before: Presence | None, now: datetime) -> tuple[Presence | None, Verdict]:
    """The clock's step before a sight of `now`, as far as no fresh position is needed for it: a delayed end.

    Without it an end that fell due before the sight would be told or not as the clock happened to come in between.
    """
    if before is None or before.left_at is None:
        return before, None
    return judge_time(rule, before, now)


def margin_nm(rule: Rule, step: float) -> float:
    """By how much an object must go away past a step of an approach before it counts as gone, nautical miles."""
    return max(rule.hysteresis_m / NM_M, REARM * step)


def reach_nm(rule: Rule) -> float:
    """Up to which distance an approach that was announced goes on, nautical miles."""
    return max((step + margin_nm(rule, step) for step in rule.steps_nm), default=0.0)


def judge_silence(rule: Rule, seen_at: datetime, now: datetime) -> tuple[Presence | None, Verdict]:
    """The clock's step of a silence rule: raised when nothing was heard for silence_s."""
    since = timedelta(seconds=float(rule.params["silence_s"]))
    if now - seen_at < since:
        return None, None
    return Presence(seen_at, seen_at, raised=True), Raise(seen_at + since)


def step_severity(rule: Rule, value: float | None) -> str:
    """The severity of an approach at a step: the rule's own at the nearest, one level less at each one farther off."""
    steps = rule.steps_nm
    if value is None or value not in steps:
        return rule.severity
    farther = len(steps) - 1 - steps.index(value)
    return SEVERITIES[min(SEVERITIES.index(rule.severity) + farther, len(SEVERITIES) - 1)]


def _inside(rule: Rule, before: Presence | None, sight: Sight) -> Judged:
    """Entering takes the fence itself, leaving the fence widened by its hysteresis; dwell counts in event time."""
    at = sight.observed_at
    if before is None:
        if not sight.core:
            return None, None
        return _dwell(rule, Presence(at, at if sight.qualifies else None), at)
    if not sight.halo:
        return _ended(rule, replace(before, left_at=before.left_at or at), at) if before.raised else (None, None)
    if before.raised:
        return (replace(before, left_at=None) if before.left_at else before), None
    since = (before.qualified_at or at) if sight.qualifies else None
    return _dwell(rule, replace(before, qualified_at=since), at)


def _outside(rule: Rule, before: Presence | None, sight: Sight) -> Judged:
    """`outside` watches only what has once been inside; qualified_at is then the moment it left."""
    at = sight.observed_at
    if sight.core:
        if before is not None and before.raised:
            return _ended(rule, replace(before, left_at=before.left_at or at), at)
        return Presence(before.entered_at if before else at, None), None
    if before is None:
        return None, None
    if before.raised:
        return (replace(before, left_at=None) if before.left_at else before), None
    if sight.halo or not sight.qualifies:
        return replace(before, qualified_at=None), None
    return _dwell(rule, replace(before, qualified_at=before.qualified_at or at), at)


def _dwell(rule: Rule, presence: Presence, now: datetime) -> tuple[Presence, Verdict]:
    if presence.qualified_at is None or now - presence.qualified_at < timedelta(seconds=rule.dwell_s):
        return presence, None
    return replace(presence, raised=True), Raise(presence.qualified_at + timedelta(seconds=rule.dwell_s))


def _ended(rule: Rule, presence: Presence, now: datetime) -> Judged:
    """The end of an episode, once it has lasted for off_delay_s; what should be inside is watched on."""
    if presence.left_at is None or now - presence.left_at < timedelta(seconds=rule.off_delay_s):
        return presence, None
    rest = Presence(presence.entered_at, None) if rule.kind == "outside" else None
    return rest, Clear(presence.left_at + timedelta(seconds=rule.off_delay_s), presence.left_at)


def _enter(rule: Rule, before: Presence | None, sight: Sight) -> Judged:
    """An event: it came in. What is seen inside at its very first sight has not been seen coming in."""
    at = sight.observed_at
    if before is not None:
        return (before if sight.halo else None), None
    if not sight.core:
        return None, None
    told = None if sight.first or not sight.qualifies else Raise(at, until=at)
    return Presence(at, at), told


def _exit(rule: Rule, before: Presence | None, sight: Sight) -> Judged:
    """An event: it went out, after it had been inside for dwell_s at least."""
    at = sight.observed_at
    if before is None:
        return (Presence(at, at) if sight.core else None), None
    if sight.halo:
        return before, None
    stayed = at - before.entered_at >= timedelta(seconds=rule.dwell_s)
    return None, Raise(at, until=at) if stayed and sight.qualifies else None


def _crossing(rule: Rule, before: Presence | None, sight: Sight) -> Judged:
    """An event: it crossed the line and got clear of it; one that turns back within the hysteresis has not crossed."""
    at = sight.observed_at
    if sight.core:
        if before is not None and before.value == -(sight.value or 0.0):
            before = None
        else:
            before = before or Presence(at, at if sight.qualifies else None, value=sight.value)
    if before is None or sight.halo:
        return before, None
    wanted = {"both": (1.0, -1.0), "to_left": (1.0,), "to_right": (-1.0,)}[str(rule.params.get("direction", "both"))]
    told = before.value in wanted and before.qualified_at is not None
    return None, Raise(before.entered_at, before.value, before.entered_at) if told else None


def _approach(rule: Rule, before: Presence | None, sight: Sight) -> Judged:
    """Each step is announced once an approach; going away past a step arms it again (domain.md 1.2e, fact 11)."""
    at, away = sight.observed_at, sight.value if sight.value is not None else float("inf")
    step = min((each for each in rule.steps_nm if away <= each), default=None)
    if before is None:
        if step is None or not sight.qualifies:
            return None, None
        return Presence(at, at, raised=True, value=step), Raise(at, step)
    if away > reach_nm(rule):
        return _ended(rule, replace(before, left_at=before.left_at or at), at)
    before = replace(before, left_at=None)
    held = before.value if before.value is not None else rule.steps_nm[0]
    if step is not None and step < held and sight.qualifies:
        return replace(before, value=step), Step(at, step)
    back = min(each for each in rule.steps_nm if away <= each + margin_nm(rule, each))
    return (replace(before, value=back) if back > held else before), None


def _silence(rule: Rule, before: Presence | None, sight: Sight) -> Judged:
    """Whatever is heard ends a silence; its beginning is the clock's (judge_silence)."""
    at = sight.observed_at
    return None, Clear(at, at) if before is not None and before.raised else None


def _distress(rule: Rule, before: Presence | None, sight: Sight) -> Judged:
    """A distress transmitter: raised by the first active message; silence or an operator ends it, never a fix."""
    if before is None and sight.core:
        return Presence(sight.observed_at, sight.observed_at, raised=True), Raise(sight.observed_at)
    return before, None


STEPS: dict[str, Callable[[Rule, Presence | None, Sight], Judged]] = {
    "inside": _inside,
    "outside": _outside,
    "enter": _enter,
    "exit": _exit,
    "crossing": _crossing,
    "approach": _approach,
    "threshold": _inside,
    "proximity": _inside,
    "wrong_zone": _inside,
    "silence": _silence,
    "distress": _distress,
    "distress_test": _distress,
}
