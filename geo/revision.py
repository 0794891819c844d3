"""Versions of fences, rules and lists by name: every one as it was, with who and when, append-only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.actor import Actor

CHANNEL = "haidang:fence"  # a hint that one of them changed


def keep(
    connection: sa.Connection,
    kind: str,
    key: str,
    version: int,
    value: Mapping[str, Any],
    now: datetime,
    actor: Actor,
    comment: str | None,
) -> None:
    """Add the version of a fence, rule, roster or channel that begins now; its values must be what JSON can hold."""
    keep_all(connection, kind, [(key, version, value)], now, actor, comment)


def keep_all(
    connection: sa.Connection,
    kind: str,
    items: Sequence[tuple[str, int, Mapping[str, Any]]],
    now: datetime,
    actor: Actor,
    comment: str | None,
) -> None:
    """Add the versions (key, number, value) of many that begin now, in one statement."""
    common = {"kind": kind, "at": now, "actor": actor.name, "actor_kind": actor.kind, "comment": comment}
    rows = [{**common, "key": key, "version": version, "value": dict(value)} for key, version, value in items]
    if rows:
        connection.execute(sa.insert(table.revision), rows)


def versions(connection: sa.Connection, kind: str, key: str) -> Sequence[sa.RowMapping]:
    """All versions of one, newest first."""
    column = table.revision.c
    query = sa.select(table.revision).where(column.kind == kind, column.key == key).order_by(column.version.desc())
    return connection.execute(query).mappings().all()


def as_of(connection: sa.Connection, kind: str, at: datetime) -> Sequence[sa.RowMapping]:
    """Each one's version that was in force at a moment, by key."""
    column, later = table.revision.c, table.revision.alias()
    newest = sa.select(sa.func.max(later.c.version)).where(
        later.c.kind == kind, later.c.key == column.key, later.c.at <= at
    )
    query = sa.select(table.revision).where(column.kind == kind, column.version == newest.scalar_subquery())
    return connection.execute(query.order_by(column.key)).mappings().all()


def mark(connection: sa.Connection) -> tuple[str | None, ...]:
    """Something that differs whenever a fence, a rule or a roster does: every row's transaction.

    The latest time of change would not do, since of two changes the one with the earlier time may be committed later.
    """
    aggregate = "SELECT string_agg(xmin::text, ',' ORDER BY {}) FROM {}"
    named = (("id", "fence"), ("id", "rule"), ("key", "roster"))
    return tuple(connection.scalar(sa.text(aggregate.format(*each))) for each in named)
