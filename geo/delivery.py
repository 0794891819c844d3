"""The outbox: what is to leave the house, once a channel and journal line, tried until it is delivered or given up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from geo import table
from geo.actor import Actor
from geo.channel import ANNOUNCED, Channel
from geo.warning_delivery import enqueue_warnings, warning_line
from geo.warning_delivery import kept_back as warning_kept_back

# What happened longer ago is no news: it is neither caught up with after a long standstill nor told of late data. A
# warning that is in force still is news however long ago it was issued.
WINDOW = timedelta(hours=6)
LINES_AT_ONCE, ROUNDS = 500, 20
# Why something stays in the house; it stands in `answer`.
REASONS = ("rehearsal", "simulated", "withdrawn", "shelved", "suppressed", "late", "flood", "disabled",
           "simulated_warning", "ended")  # fmt: skip
LOST = "interrupted before its answer was written down, and there is no attempt left"
TEST = "test"


@dataclass(frozen=True)
class Patience:
    """How often something is tried, and how long after an attempt the next one is due: twice as long each time."""

    attempts: int = 8
    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=30)

    def after(self, attempt: int) -> timedelta:
        """From the n-th attempt (1, 2, ...) to the next."""
        return min(self.first * (1 << min(attempt - 1, 20)), self.longest)


@dataclass(frozen=True)
class Outcome:
    """What an attempt came to. answer: the other side's words, or why there are none; reached: who has it by now."""

    done: bool
    answer: str
    reached: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """One message on its way. line: what it tells of, as `_line` or `warning_line` reads it; empty for a test."""

    id: int
    channel_id: int
    alarm_id: int | None
    transition: str
    flood_id: int | None
    asked_by: str | None
    made_at: datetime
    attempts: int
    reached: tuple[str, ...]
    line: Mapping[str, Any] = field(default_factory=dict)
    warning_id: int | None = None

    @property
    def message_id(self) -> str:
        """The same at every attempt and no other message's, so that whoever gets it twice can tell."""
        return f"haidang-{self.id}-{self.made_at:%Y%m%d%H%M%S}"


def enqueue(connection: sa.Connection, now: datetime, withholding: bool = False, since: datetime | None = None) -> int:
    """Make one delivery for each channel and journal line that a route says, or warning, that has none yet; how many.

    Nothing is remembered of where the last reading ended: what has no delivery is found, so that neither a restart nor
    a line that was committed late under a lower id is ever missed. since: no line is older; at most `WINDOW` back.
    withholding: nothing may leave the house, yet the log shows what would have.
    """
    since = max(since or now - WINDOW, now - WINDOW)
    made = 0
    for _ in range(ROUNDS):
        lines = _untold(connection, since)
        if lines:
            made += _insert(connection, lines, now, withholding)
        if len(lines) < LINES_AT_ONCE:
            break
    return made + enqueue_warnings(connection, now, withholding, since)


def _untold(connection: sa.Connection, since: datetime) -> Sequence[sa.RowMapping]:
    """Journal lines with a channel that they should go to, and no delivery on it."""
    line, alarm, rule = table.alarm_journal.c, table.alarm.c, table.rule.c
    route, channel, made = table.route.c, table.channel.c, table.delivery.c
    query = (
        sa.select(
            channel.id.label("channel_id"),
            line.id.label("journal_id"),
            line.transition,
            sa.func.coalesce(line.observed_at, line.at).label("happened_at"),
            alarm.id.label("alarm_id"),
            *_STATE,
            alarm.flood_id,
        )
        .select_from(table.alarm_journal.join(table.alarm, alarm.id == line.alarm_id).join(table.rule))
        .join(table.route, sa.or_(route.rule_key.is_(None), route.rule_key == rule.key))
        .join(table.channel, channel.id == route.channel_id)
        .where(line.at >= since, line.at >= route.since, channel.enabled)
        .where(route.severities.has_key(alarm.severity), route.transitions.has_key(line.transition))
        .where(~sa.exists().where(made.channel_id == channel.id, made.journal_id == line.id))
        .distinct()  # more than one route may say so
        .order_by(line.id, channel.id)
        .limit(LINES_AT_ONCE)
    )
    return connection.execute(query).mappings().all()


_STATE = (
    table.alarm.c.simulated,
    table.alarm.c.withdrawn_at,
    table.alarm.c.shelved_until,
    table.alarm.c.suppressed_at,
    table.rule.c.kind.label("rule_kind"),
)


def _insert(connection: sa.Connection, lines: Sequence[sa.RowMapping], now: datetime, withholding: bool) -> int:
    told = _told_floods(connection, {line["flood_id"] for line in lines if line["flood_id"] is not None})
    rows = []
    for line in lines:
        why = kept_back(dict(line), line["transition"], now, withholding)
        grouped = line["flood_id"] is not None and line["rule_kind"] != "distress"
        speaks = None  # the flood that this message speaks for
        if why is None and grouped:
            mark = (line["channel_id"], line["flood_id"], line["transition"])
            why, speaks = ("flood", None) if mark in told else (None, line["flood_id"])
            told.add(mark)
        rows.append(
            {
                **{name: line[name] for name in ("channel_id", "journal_id", "alarm_id", "transition")},
                "flood_id": speaks,
                "made_at": now,
                "due_at": now if why is None else None,
                "withheld_at": now if why is not None else None,
                "answer": why,
            }
        )
    # Somebody else may be at it too; that the index refuses the second is what makes it once.
    statement = insert(table.delivery).values(rows).on_conflict_do_nothing()
    return len(connection.execute(statement.returning(table.delivery.c.id)).all())


def kept_back(line: Mapping[str, Any], transition: str, now: datetime, withholding: bool) -> str | None:
    """Why a line stays in the house, one of `REASONS`, or None; distress always goes, unless it is simulated.

    What is put aside or known to be wrong is not announced; that it is over or was withdrawn may still be told.
    """
    if withholding:
        return "rehearsal"
    if line["simulated"]:
        return "simulated"
    if line["rule_kind"] == "distress" or transition not in ANNOUNCED:
        return None
    if line["withdrawn_at"] is not None:
        return "withdrawn"
    if line["shelved_until"] is not None and line["shelved_until"] > now:
        return "shelved"
    if line["suppressed_at"] is not None:
        return "suppressed"
    return "late" if line["happened_at"] < now - WINDOW else None


def _told_floods(connection: sa.Connection, floods: Collection[int]) -> set[tuple[int, int, str]]:
    column = table.delivery.c
    query = sa.select(column.channel_id, column.flood_id, column.transition).where(column.flood_id.in_(floods))
    return {(row[0], row[1], row[2]) for row in connection.execute(query)} if floods else set()


def ask_test(connection: sa.Connection, channel: Channel, actor: Actor, now: datetime, withholding: bool) -> int:
    """Put a test message in the outbox, withheld where nothing may leave the house; its id."""
    row = {"channel_id": channel.id, "transition": TEST, "asked_by": actor.name, "made_at": now}
    row |= {"withheld_at": now, "answer": "rehearsal"} if withholding else {"due_at": now}
    number: int = connection.execute(sa.insert(table.delivery).values(row).returning(table.delivery.c.id)).scalar_one()
    return number


def due(connection: sa.Connection, now: datetime) -> list[int]:
    """The ids of the channels that have something due."""
    column = table.delivery.c
    query = (
        sa.select(column.channel_id)
        .join(table.channel)
        .where(column.due_at <= now, table.channel.c.enabled)
        .distinct()
        .order_by(column.channel_id)
    )
    return list(connection.scalars(query))


def take(
    connection: sa.Connection, channel_id: int, now: datetime, patience: Patience, withholding: bool = False
) -> Delivery | None:
    """The channel's next message that is due, its attempt written down; None when there is none.

    To be committed before the attempt is made: whoever is killed in its midst leaves a message that is due again after
    its back-off, under the same id.
    """
    column = table.delivery.c
    query = (
        sa.select(table.delivery)
        .join(table.channel)
        .where(column.channel_id == channel_id, column.due_at <= now, table.channel.c.enabled)
        .order_by(column.due_at, column.id)
        .limit(1)
        .with_for_update(of=table.delivery, skip_locked=True)
    )
    while (row := connection.execute(query).mappings().one_or_none()) is not None:
        line = _line(connection, dict(row)) if row["journal_id"] is not None else {}
        why = "rehearsal" if withholding else None
        if row["warning_id"] is not None:
            line = warning_line(connection, row["warning_id"], now)
            why = warning_kept_back(line, now, withholding)
        elif line and row["flood_id"] is None:
            why = kept_back(line, row["transition"], now, withholding)
        if why is not None and why != "late":
            _set(connection, row["id"], withheld_at=now, due_at=None, answer=why)
        elif row["attempts"] >= patience.attempts:
            _set(connection, row["id"], failed_at=now, due_at=None, answer=LOST)
        else:
            attempts = row["attempts"] + 1
            _set(connection, row["id"], attempts=attempts, tried_at=now, due_at=now + patience.after(attempts))
            names = ("id", "channel_id", "alarm_id", "transition", "flood_id", "asked_by", "made_at", "warning_id")
            given = {name: row[name] for name in names}
            return Delivery(**given, attempts=attempts, reached=tuple(row["reached"]), line=line)
    return None


def _line(connection: sa.Connection, row: Mapping[str, Any]) -> dict[str, Any]:
    """What a delivery tells of: its alarm as it is now, its rule, its place, and the flood if it speaks for one."""
    line, alarm, rule, fence, flood = (
        each.c for each in (table.alarm_journal, table.alarm, table.rule, table.fence, table.flood)
    )
    query = (
        sa.select(
            line.transition,
            line.at,
            sa.func.coalesce(line.observed_at, line.at).label("happened_at"),
            line.data,
            *[column for column in alarm if column.name not in ("geom", "comment", "simulated")],
            *_STATE[:1],
            sa.func.ST_X(alarm.geom).label("lon"),
            sa.func.ST_Y(alarm.geom).label("lat"),
            rule.key.label("rule"),
            _STATE[-1],
            *(rule[name] for name in ("name_vi", "name_en", "response_vi", "response_en")),
            fence.name_vi.label("fence_vi"),
            fence.name_en.label("fence_en"),
            flood.started_at.label("flood_started_at"),
            flood.rule_id.label("flood_rule_id"),
        )
        .select_from(
            table.alarm_journal.join(table.alarm, alarm.id == line.alarm_id)
            .join(table.rule)
            .outerjoin(table.fence, fence.id == alarm.fence_id)
            .outerjoin(table.flood, flood.id == row["flood_id"])
        )
        .where(line.id == row["journal_id"])
    )
    found = dict(connection.execute(query).mappings().one())
    members = sa.select(sa.func.count()).where(alarm.flood_id == row["flood_id"])
    found["flood_size"] = connection.scalar(members) if row["flood_id"] is not None else None
    return found


def record(connection: sa.Connection, delivery: Delivery, outcome: Outcome, now: datetime, patience: Patience) -> None:
    """Write down what an attempt came to: delivered, due again later, or given up."""
    column = table.delivery.c
    reached = list(dict.fromkeys((*delivery.reached, *outcome.reached)))
    if outcome.done:
        _set(
            connection,
            delivery.id,
            delivered_at=now,
            due_at=None,
            withheld_at=None,
            answer=outcome.answer,
            reached=reached,
        )
        return
    over = delivery.attempts >= patience.attempts
    values = {"failed_at": now, "due_at": None} if over else {"due_at": now + patience.after(delivery.attempts)}
    statement = sa.update(table.delivery).values(**values, answer=outcome.answer, reached=reached)
    # A channel that was switched off meanwhile has taken it out already.
    connection.execute(statement.where(column.id == delivery.id, column.due_at.is_not(None)))


def note_reached(connection: sa.Connection, delivery: Delivery, recipient: str) -> None:
    """Write down at once that one of several recipients has it."""
    column = table.delivery.c
    statement = sa.update(table.delivery).where(column.id == delivery.id)
    connection.execute(statement.values(reached=column.reached.op("||")(sa.cast([recipient], JSONB))))


def cancel(connection: sa.Connection, channel: Channel, now: datetime) -> int:
    """Withhold what still waits on a channel that is switched off; how many."""
    column = table.delivery.c
    statement = sa.update(table.delivery).where(column.channel_id == channel.id, column.due_at.is_not(None))
    return connection.execute(statement.values(withheld_at=now, due_at=None, answer="disabled")).rowcount


def _set(connection: sa.Connection, number: int, **values: Any) -> None:
    connection.execute(sa.update(table.delivery).where(table.delivery.c.id == number).values(values))
