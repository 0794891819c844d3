"""The alarm journal: one line a transition, append-only, with who did it and what was said."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.actor import Actor

# What can happen to an alarm (ISA-18.2 / IEC 62682), and `mute`, which happens to a desk and has no alarm.
TRANSITIONS = (
    "raise",
    "step",  # a nearer step of an approach: announced anew
    "clear",
    "acknowledge",
    "assign",
    "comment",
    "escalate",
    "shelve",
    "unshelve",
    "suppress",
    "release",
    "revise",  # late data show that it began or ended at another moment
    "withdraw",
    "mute",
)


def line(
    alarm_id: int | None,
    transition: str,
    now: datetime,
    actor: Actor,
    observed_at: datetime | None = None,
    comment: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One line: `now` is when it was done here, observed_at the event's own time where it has one."""
    return {
        "alarm_id": alarm_id,
        "transition": transition,
        "at": now,
        "observed_at": observed_at,
        "actor": actor.name,
        "actor_kind": actor.kind,
        "comment": comment,
        "data": dict(data) if data else None,
    }


def write_lines(connection: sa.Connection, lines: Sequence[Mapping[str, Any]]) -> None:
    """Add lines, as `line` makes them, in their order."""
    if lines:
        connection.execute(_WRITE, lines)


_WRITE = sa.insert(table.alarm_journal)


def write(
    connection: sa.Connection,
    alarm_id: int | None,
    transition: str,
    now: datetime,
    actor: Actor,
    observed_at: datetime | None = None,
    comment: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Add one line."""
    write_lines(connection, [line(alarm_id, transition, now, actor, observed_at, comment, data)])


def head(connection: sa.Connection) -> int:
    """The id of the newest line, 0 when there is none."""
    return connection.scalar(sa.select(sa.func.coalesce(sa.func.max(table.alarm_journal.c.id), 0))) or 0


def mark(connection: sa.Connection) -> tuple[int, int]:
    """What changes with every line: the newest's id, and how many of the last thousand ids are there.

    A late commit with a lower id than the newest changes the second.
    """
    statement = sa.text(
        "WITH newest AS (SELECT coalesce(max(id), 0) AS id FROM alarm_journal) "
        "SELECT newest.id, (SELECT count(*) FROM alarm_journal j WHERE j.id > newest.id - 1000) FROM newest"
    )
    row = connection.execute(statement).one()
    return int(row[0]), int(row[1])


def lines_of(connection: sa.Connection, alarm_id: int) -> Sequence[sa.RowMapping]:
    """An alarm's lines, oldest first."""
    column = table.alarm_journal.c
    query = sa.select(table.alarm_journal).where(column.alarm_id == alarm_id).order_by(column.id)
    return connection.execute(query).mappings().all()
