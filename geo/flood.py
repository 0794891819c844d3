"""Alarm floods: when more is raised than people can read, a rule's alarms share one line (EEMUA 191, ISA-18.2)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from geo import table

# At most ten new lines in ten minutes: seven alarms by themselves, two rules' groups, and one group of all other rules.
SPAN, OWN_LINES, RULE_LINES, LINES = timedelta(minutes=10), 7, 9, 10
ENDS_BELOW = 5  # a flood is over when fewer were raised in the span
# About 150 lines a day are what one person can answer (IEC 62682, to be confirmed); beyond them what is not urgent is
# grouped by rule.
DAY, DAY_LINES, URGENT = timedelta(hours=24), 140, ("critical", "high")
LOCK = "haidang:flood"
WAITING = "alarms without a line yet"  # in a connection's info


def join(connection: sa.Connection, alarm_ids: Iterable[int], now: datetime) -> None:
    """Give alarms that come to the desk their lines: each one of its own, or its place in a flood.

    Lines are counted by the desk's own time, `now`: what people have to read is what came lately, however long ago it
    happened. Within `gathered` this is done at its end.
    """
    waiting: list[int] | None = connection.info.get(WAITING)
    if waiting is None:
        _settle(connection, list(alarm_ids), now)
    else:
        waiting.extend(alarm_ids)


@contextmanager
def gathered(connection: sa.Connection, now: datetime) -> Iterator[None]:
    """Have the alarms of a transaction wait for their lines until its end.

    Whoever counts lines holds a lock until it commits: taken last, it is held for an instant, and nobody waits for a
    row while others wait for the lock.
    """
    waiting: list[int] = []
    connection.info[WAITING] = waiting
    try:
        yield
    finally:
        del connection.info[WAITING]
    _settle(connection, waiting, now)


@dataclass
class _Count:
    """How many lines are new, and the floods that run by their rule (none: all other rules'), as lines are given."""

    soon: int
    daily: int
    burst: dict[int | None, int]
    day: dict[int | None, int]
    placed: dict[int | None, list[int]] = field(default_factory=dict)


def _settle(connection: sa.Connection, alarm_ids: Sequence[int], now: datetime) -> None:
    if not alarm_ids:
        return
    _hold(connection)
    rows = _coming(connection, alarm_ids, now)
    if not rows:
        return
    count = _count(connection, now)
    for row in rows:
        count.placed.setdefault(_place(connection, count, row, now), []).append(row["id"])
    for group, members in count.placed.items():
        values = {"listed_at": now} if group is None else {"flood_id": group}
        connection.execute(sa.update(table.alarm).where(table.alarm.c.id.in_(members)).values(values))


def _coming(connection: sa.Connection, alarm_ids: Sequence[int], now: datetime) -> Sequence[sa.RowMapping]:
    """Of these alarms those that need a line: a distress has its own in any case, and a flood keeps what it has."""
    alarm = table.alarm.c
    query = (
        sa.select(alarm.id, alarm.rule_id, alarm.severity)
        .join(table.rule)
        .where(alarm.id == sa.func.any(list(alarm_ids)), table.rule.c.kind != "distress", alarm.flood_id.is_(None))
        .where(alarm.withdrawn_at.is_(None), alarm.suppressed_at.is_(None))
        .where(sa.or_(alarm.shelved_until.is_(None), alarm.shelved_until <= now))
        .where(sa.or_(alarm.cleared_at.is_(None), sa.and_(alarm.latching, alarm.acknowledged_at.is_(None))))
        .order_by(alarm.id)
    )
    return connection.execute(query).mappings().all()


def _place(connection: sa.Connection, count: _Count, row: sa.RowMapping, now: datetime) -> int | None:
    """The flood that an alarm is put to, or None for a line of its own."""
    rule_id, urgent = row["rule_id"], row["severity"] in URGENT
    for running in (count.burst, {} if urgent else count.day):
        group = running.get(rule_id, running.get(None))
        if group is not None:
            return group
    burst = count.soon >= OWN_LINES
    day = not burst and not urgent and count.daily >= DAY_LINES
    count.soon, count.daily = count.soon + 1, count.daily + 1
    if not burst and not day:
        return None
    owner = rule_id if day or count.soon <= RULE_LINES else None
    row_of = {"rule_id": owner, "kind": "burst" if burst else "day", "started_at": now}
    made = connection.execute(sa.insert(table.flood).values(row_of).returning(table.flood.c.id))
    number: int = made.scalar_one()
    (count.burst if burst else count.day)[owner] = number
    return number


def _count(connection: sa.Connection, now: datetime) -> _Count:
    """How many lines were new in the span and in the day; no distress. Floods that are over are ended."""
    listed, started = table.alarm.c.listed_at, table.flood.c.started_at
    new = sa.union_all(sa.select(listed.label("at")), sa.select(started)).subquery().c.at
    soon, daily = connection.execute(
        sa.select(sa.func.count().filter(new > now - SPAN), sa.func.count()).where(new > now - DAY)
    ).one()
    count = _Count(soon, daily, {}, {})
    for row in _run_on(connection, now):
        (count.burst if row["kind"] == "burst" else count.day).setdefault(row["rule_id"], row["id"])
    return count


def _run_on(connection: sa.Connection, now: datetime) -> list[sa.RowMapping]:
    """The floods that go on, after those that are over have been ended."""
    found = running(connection)
    over = [row["id"] for row in found if _over(connection, row, now)]
    if over:
        connection.execute(sa.update(table.flood).where(table.flood.c.id.in_(over)).values(ended_at=now))
    return [row for row in found if row["id"] not in over]


def _over(connection: sa.Connection, row: sa.RowMapping, now: datetime) -> bool:
    if row["kind"] == "day":
        return bool(now - row["started_at"] >= DAY)
    if now - row["started_at"] < SPAN:
        return False
    line, alarm = table.alarm_journal.c, table.alarm.c
    starts = (
        sa.select(line.id)
        .join(table.alarm)
        .where(line.at > now - SPAN, line.transition == "raise", alarm.suppressed_at.is_(None))
        .limit(ENDS_BELOW)
    )
    return len(connection.execute(starts).all()) < ENDS_BELOW


def _hold(connection: sa.Connection) -> None:
    """One transaction at a time counts lines, or two would each think theirs the last that may stand alone."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(LOCK))))


def running(connection: sa.Connection) -> Sequence[sa.RowMapping]:
    """The floods that have not ended."""
    column = table.flood.c
    query = sa.select(table.flood).where(column.ended_at.is_(None)).order_by(column.started_at, column.id)
    return connection.execute(query).mappings().all()


def end_over(connection: sa.Connection, now: datetime) -> int:
    """The clock's part: end what is over while nothing more is raised; how many."""
    before = len(running(connection))
    if not before:
        return 0
    _hold(connection)
    return before - len(_run_on(connection, now))


def as_of_its_day(connection: sa.Connection) -> None:
    """Take every alarm so far as one of its own time: no floods are left, and nobody's ten minutes are used up.

    For a past that was put in at once, and that nobody had to read at once.
    """
    alarm = table.alarm.c
    had = sa.or_(alarm.flood_id.is_not(None), alarm.listed_at.is_not(None))
    connection.execute(sa.update(table.alarm).where(had).values(flood_id=None, listed_at=alarm.raised_at))
    connection.execute(sa.delete(table.flood))
