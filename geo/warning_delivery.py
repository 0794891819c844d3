"""Our warnings on the channels that take them: what is told, what keeps one in the house, what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.delivery_log import STATES
from geo.warning import OWN, Row, message
from geo.warning_state import one_warning

TOLD = {"Alert": "warning_alert", "Update": "warning_update", "Cancel": "warning_cancel"}
AT_ONCE = 500


def enqueue_warnings(connection: sa.Connection, now: datetime, withholding: bool, since: datetime) -> int:
    """Make one delivery for each own message and each channel that takes warnings; how many.

    Those that were issued since then, and, however long nobody sent anything, those that are in force still: a warning
    is news for as long as it holds, and a Cancel for as long as what it ended would have. As with alarms nothing is
    remembered: what has no delivery is found. What another machine issued by a clock ahead of ours waits until we are
    there, or it would be judged before it was known.
    """
    channel, made, c = table.channel.c, table.delivery.c, message.c
    holds = sa.case((c.msg_type == "Cancel", c.expires_at), else_=c.ends_at)
    query = (
        sa.select(channel.id.label("channel_id"), c.id.label("warning_id"), c.msg_type)
        .select_from(table.channel.join(message, sa.true()))
        .where(channel.enabled, c.origin == OWN, c.known_at <= now, c.known_at >= channel.warnings_since)
        .where(sa.or_(c.known_at >= since, holds > now))
        .where(~sa.exists().where(made.channel_id == channel.id, made.warning_id == c.id))
        .order_by(c.id, channel.id)
        .limit(AT_ONCE)
    )
    rows = []
    for found in connection.execute(query).mappings().all():
        why = kept_back(one_warning(connection, found["warning_id"], now), now, withholding)
        about = {"due_at": now if why is None else None, "withheld_at": now if why is not None else None, "answer": why}
        names = {"channel_id": found["channel_id"], "warning_id": found["warning_id"]}
        rows.append({**names, "transition": TOLD[found["msg_type"]], "made_at": now, **about})
    if not rows:
        return 0
    # Somebody else may be at it too; that the index refuses the second is what makes it once.
    statement = insert(table.delivery).values(rows).on_conflict_do_nothing()
    return len(connection.execute(statement.returning(table.delivery.c.id)).all())


def kept_back(row: Mapping[str, Any], now: datetime, withholding: bool) -> str | None:
    """Why a warning stays in the house, or None: an exercise goes out and says so, what is simulated never does.

    What was cancelled, followed by another or has run out before it could go is no news; a Cancel always goes.
    """
    if withholding:
        return "rehearsal"
    if row["simulated"]:
        return "simulated_warning"
    over = row["msg_type"] != "Cancel" and row["state"] != "issued"
    return "ended" if over else None


def warning_line(connection: sa.Connection, warning_id: int, now: datetime) -> Row:
    """What a delivery tells of: the warning as it is now, and why it was cancelled if it is a Cancel."""
    row = one_warning(connection, warning_id, now)
    notes = [line["note"] for line in row["log"] if line["deed"] == "cancel"]
    return {**row, "note": notes[-1] if notes else None}


def sent(connection: sa.Connection, warning_id: int) -> list[Row]:
    """What became of a warning on each channel that took it, by the channels' names."""
    column = table.delivery.c
    query = (
        sa.select(
            table.channel.c.key.label("channel"), table.channel.c.name.label("channel_name"),
            table.channel.c.kind.label("channel_kind"),
            sa.case(*((where, name) for name, where in STATES.items())).label("state"),
            column.transition, column.made_at, column.delivered_at, column.failed_at, column.attempts, column.answer,
            sa.func.jsonb_array_length(column.reached).label("reached"),
        )
        .select_from(table.delivery.join(table.channel))
        .where(column.warning_id == warning_id)
        .order_by(table.channel.c.name, column.id)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]
