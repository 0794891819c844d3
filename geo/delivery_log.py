"""The delivery log: what left the house, what is on its way, what was given up and what was kept back, and why."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.warning import message

STATES: Mapping[str, sa.ColumnElement[bool]] = {
    "delivered": table.delivery.c.delivered_at.is_not(None),
    "failed": table.delivery.c.failed_at.is_not(None),
    "withheld": table.delivery.c.withheld_at.is_not(None),
    "retrying": table.delivery.c.due_at.is_not(None) & (table.delivery.c.attempts > 0),
    "waiting": table.delivery.c.due_at.is_not(None) & (table.delivery.c.attempts == 0),
}


def log(
    connection: sa.Connection,
    channel: str | None = None,
    state: str | None = None,
    limit: int = 100,
    before: int | None = None,
) -> list[dict[str, Any]]:
    """What left the house and what did not, newest first, each with its `state`; of one channel, in one state.

    before: only those with a lower id, to read on.
    """
    column, alarm, rule = table.delivery.c, table.alarm.c, table.rule.c
    query = (
        sa.select(
            table.delivery,
            sa.case(*((where, name) for name, where in STATES.items())).label("state"),
            table.channel.c.key.label("channel"),
            table.channel.c.name.label("channel_name"),
            table.channel.c.kind.label("channel_kind"),
            alarm.severity,
            alarm.object_label,
            alarm.object_key,
            rule.name_vi.label("rule_vi"),
            rule.name_en.label("rule_en"),
            message.c.words.label("warning_words"),
            message.c.status.label("warning_status"),
        )
        .select_from(
            table.delivery.join(table.channel)
            .outerjoin(table.alarm)
            .outerjoin(table.rule)
            .outerjoin(message, message.c.id == column.warning_id)
        )
        .order_by(column.id.desc())
        .limit(limit)
    )
    if channel is not None:
        query = query.where(table.channel.c.key == channel)
    if state is not None:
        query = query.where(STATES[state])
    if before is not None:
        query = query.where(column.id < before)
    return [dict(row) for row in connection.execute(query).mappings()]


def summary(connection: sa.Connection, now: datetime) -> dict[str, dict[str, Any]]:
    """By channel key, of the last day and what still waits: how many wait, are tried again, went out, were given up."""
    column = table.delivery.c
    query = (
        sa.select(
            table.channel.c.key,
            *(sa.func.count().filter(where).label(name) for name, where in STATES.items()),
            sa.func.max(column.delivered_at).label("delivered_at"),
            sa.func.max(column.failed_at).label("failed_at"),
            sa.func.max(column.tried_at).label("tried_at"),
        )
        .select_from(table.delivery.join(table.channel))
        .where(sa.or_(column.made_at > now - timedelta(days=1), column.due_at.is_not(None)))
        .group_by(table.channel.c.key)
    )
    return {row["key"]: dict(row) for row in connection.execute(query).mappings()}
