"""Rules: data plus pure functions from what was and what is seen to Raise, Clear or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.actor import Actor

SEVERITIES = ("critical", "high", "medium", "low")
# A position older than this says nothing about where its object is now, so time alone proves no dwell.
FRESH = timedelta(minutes=20)
KINDS = ("inside", "outside", "distress", "distress_test")


@dataclass(frozen=True)
class Rule:
    """One rule as data.

    kind: `inside` raises when an object stays in the fence for dwell_s; `outside` when it has left it for dwell_s;
    `distress` when a distress transmitter is active (and `distress_test` when one is being tested).
    applies_to: conditions on the object (column -> [low, high)); qualifies: conditions on each fix, for instance speed.
    """

    key: str
    kind: str
    layer: str
    name_vi: str
    name_en: str
    severity: str
    fence_key: str | None = None
    dwell_s: float = 0.0
    applies_to: Mapping[str, Any] = field(default_factory=dict)
    qualifies: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    id: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"rule {self.key}: unknown kind {self.kind!r}, one of {', '.join(KINDS)}")
        if self.severity not in SEVERITIES:
            raise ValueError(f"rule {self.key}: unknown severity {self.severity!r}, one of {', '.join(SEVERITIES)}")


@dataclass(frozen=True)
class Sight:
    """One object at one moment as a rule sees it: in the fence, in the fence widened, meeting the rule's conditions."""

    observed_at: datetime
    core: bool
    halo: bool
    qualifies: bool = True


@dataclass(frozen=True)
class Presence:
    """What a rule remembers of one object between fixes."""

    entered_at: datetime
    qualified_at: datetime | None
    raised: bool = False


@dataclass(frozen=True)
class Raise:
    """The rule is broken since `at`."""

    at: datetime


@dataclass(frozen=True)
class Clear:
    """The rule is kept again since `at`."""

    at: datetime


Verdict = Raise | Clear | None


def judge(rule: Rule, before: Presence | None, sight: Sight) -> tuple[Presence | None, Verdict]:
    """One step of a fence rule: the presence after the sight, and what it means for the alarm.

    Entering takes the fence itself, leaving takes the fence widened by its hysteresis; dwell counts in event time.
    """
    if rule.kind == "outside":
        return _judge_outside(rule, before, sight)
    if before is None:
        if not sight.core:
            return None, None
        return _dwell(
            rule, Presence(sight.observed_at, sight.observed_at if sight.qualifies else None), sight.observed_at
        )
    if not sight.halo:
        return None, Clear(sight.observed_at) if before.raised else None
    if before.raised:
        return before, None
    since = (before.qualified_at or sight.observed_at) if sight.qualifies else None
    return _dwell(rule, replace(before, qualified_at=since), sight.observed_at)


def _judge_outside(rule: Rule, before: Presence | None, sight: Sight) -> tuple[Presence | None, Verdict]:
    """`outside` watches only what has once been inside; qualified_at is then the moment it left."""
    if sight.core:
        fresh = Presence(before.entered_at if before else sight.observed_at, None)
        return fresh, Clear(sight.observed_at) if before is not None and before.raised else None
    if before is None or before.raised:
        return before, None
    if sight.halo or not sight.qualifies:
        return replace(before, qualified_at=None), None
    return _dwell(rule, replace(before, qualified_at=before.qualified_at or sight.observed_at), sight.observed_at)


def _dwell(rule: Rule, presence: Presence, now: datetime) -> tuple[Presence, Verdict]:
    if presence.qualified_at is None or now - presence.qualified_at < timedelta(seconds=rule.dwell_s):
        return presence, None
    return replace(presence, raised=True), Raise(presence.qualified_at + timedelta(seconds=rule.dwell_s))


def judge_time(rule: Rule, before: Presence, now: datetime) -> tuple[Presence, Verdict]:
    """The clock's step: the same dwell without a new fix, for an object that stays where it was last seen."""
    return (before, None) if before.raised else _dwell(rule, before, now)


def judge_distress(rule: Rule, before: Presence | None, sight: Sight) -> tuple[Presence | None, Verdict]:
    """A distress transmitter: raised by the first active message; silence or an operator ends it, never a fix."""
    if before is None and sight.core:
        return Presence(sight.observed_at, sight.observed_at, raised=True), Raise(sight.observed_at)
    return before, None


def rules(connection: sa.Connection) -> list[Rule]:
    """All enabled rules of kinds that this version knows, in the order of their ids."""
    column = table.rule.c
    known = column.kind.in_(KINDS) & column.severity.in_(SEVERITIES)
    query = sa.select(table.rule).where(column.enabled, known).order_by(column.id)
    names = Rule.__dataclass_fields__
    return [Rule(**{k: v for k, v in row.items() if k in names}) for row in connection.execute(query).mappings()]


def put_rules(connection: sa.Connection, items: Sequence[Rule], actor: Actor) -> int:
    """Add the rules whose key is not there yet; one that an operator has changed since is left as it is."""
    rows = [
        {
            **{name: getattr(item, name) for name in Rule.__dataclass_fields__ if name not in ("id",)},
            "updated_at": datetime.now(UTC),
            "updated_by": actor.name,
        }
        for item in items
    ]
    if not rows:
        return 0
    statement = insert(table.rule).values(rows).on_conflict_do_nothing(index_elements=["key"])
    return len(connection.execute(statement.returning(table.rule.c.id)).all())
