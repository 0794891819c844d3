"""The rules as people look after them: every one with its fence, who saved it, what it raised, and its versions."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from geo import table
from geo.revision import versions
from geo.rule import KINDS, SEVERITIES, STORED, Rule

RECENT = timedelta(days=30)
OF_EVERY = ("key", "version")  # what each version has of itself


@dataclass(frozen=True)
class Entry:
    """One rule as it is kept, and what is known about it; raised: alarms of the last 30 days, open: those not over."""

    rule: Rule
    updated_at: datetime
    updated_by: str
    fence_vi: str | None
    fence_en: str | None
    fence_retired: bool
    raised: int
    open: int


@dataclass(frozen=True)
class RuleVersion:
    """One version: who, when, why, the rule as it was, and the fields that it changed."""

    version: int
    at: datetime
    actor: str
    actor_kind: str
    comment: str | None
    rule: Rule
    changed: tuple[str, ...]


def book(connection: sa.Connection, now: datetime, key: str | None = None) -> list[Entry]:
    """Every rule of a known kind, or the one of that key, by name; withdrawn alarms do not count."""
    rule, fence, alarm = table.rule.c, table.fence.c, table.alarm.c
    counts = (
        sa.select(
            alarm.rule_id,
            sa.func.count().filter(alarm.raised_at > now - RECENT).label("raised"),
            sa.func.count().filter(alarm.cleared_at.is_(None)).label("open"),
        )
        .where(alarm.withdrawn_at.is_(None), sa.or_(alarm.raised_at > now - RECENT, alarm.cleared_at.is_(None)))
        .group_by(alarm.rule_id)
        .subquery()
    )
    query = (
        sa.select(
            *[rule[name] for name in STORED],
            rule.id,
            rule.updated_at,
            rule.updated_by,
            fence.name_vi.label("fence_vi"),
            fence.name_en.label("fence_en"),
            fence.retired_at.is_not(None).label("fence_retired"),
            sa.func.coalesce(counts.c.raised, 0).label("raised"),
            sa.func.coalesce(counts.c.open, 0).label("open"),
        )
        .select_from(
            table.rule.outerjoin(table.fence, fence.key == rule.fence_key).outerjoin(
                counts, counts.c.rule_id == rule.id
            )
        )
        .where(rule.kind.in_(KINDS) & rule.severity.in_(SEVERITIES))
        .order_by(rule.name_vi, rule.id)
    )
    if key is not None:
        query = query.where(rule.key == key)
    return [_entry(row) for row in connection.execute(query).mappings()]


def _entry(row: sa.RowMapping) -> Entry:
    rule = Rule(**{name: row[name] for name in (*STORED, "id")})
    rest = ("updated_at", "updated_by", "fence_vi", "fence_en", "fence_retired", "raised", "open")
    return Entry(rule, **{name: row[name] for name in rest})


def kept(connection: sa.Connection, key: str) -> Rule | None:
    """A rule as it is kept now, without what its fence and the lists by name add to it; None when there is none."""
    rule = table.rule.c
    query = sa.select(*[rule[name] for name in STORED], rule.id).where(rule.key == key, rule.kind.in_(KINDS))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Rule(**row)


def changes(before: Rule | None, after: Rule) -> tuple[str, ...]:
    """The names of the fields in which two versions of a rule differ; none of a first one."""
    if before is None:
        return ()
    old, new = (json.loads(json.dumps({name: getattr(one, name) for name in STORED})) for one in (before, after))
    return tuple(name for name in STORED if name not in OF_EVERY and old[name] != new[name])


def rule_history(connection: sa.Connection, key: str) -> list[RuleVersion]:
    """All versions of a rule, newest first."""
    found: list[RuleVersion] = []
    before: Rule | None = None
    for row in reversed(versions(connection, "rule", key)):
        rule = Rule(**{name: row["value"][name] for name in STORED if name in row["value"]})
        told = (row["version"], row["at"], row["actor"], row["actor_kind"], row["comment"])
        found.append(RuleVersion(*told, rule, changes(before, rule)))
        before = rule
    return found[::-1]
