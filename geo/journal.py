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
    """Add one line: `now` is when it was done here, observed_at the event's own time where it has one."""
    connection.execute(
        sa.insert(table.alarm_journal).values(
            alarm_id=alarm_id,
            transition=transition,
            at=now,
            observed_at=observed_at,
            actor=actor.name,
            actor_kind=actor.kind,
            comment=comment,
            data=dict(data) if data else None,
        )
    )


def head(connection: sa.Connection) -> int:
    """The id of the newest line, 0 when there is none."""
    return connection.scalar(sa.select(sa.func.coalesce(sa.func.max(table.alarm_journal.c.id), 0))) or 0


def lines_of(connection: sa.Connection, alarm_id: int) -> Sequence[sa.RowMapping]:
    """An alarm's lines, oldest first."""
    column = table.alarm_journal.c
    query = sa.select(table.alarm_journal).where(column.alarm_id == alarm_id).order_by(column.id)
    return connection.execute(query).mappings().all()
