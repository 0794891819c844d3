"""Runs of the rule lab: what was asked, how far each has come, what it found, and whether it still lives."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.actor import Actor
from geo.rule import STORED, Rule

RUNNING_MOST = 2  # at a time: a run takes a core to itself
SILENT = timedelta(seconds=20)  # a run that has not been heard for so long is no more


class Busy(Exception):
    """As many runs are going on as may; one has to end, or to be stopped."""


def state(row: Mapping[Any, Any], now: datetime) -> str:
    """`waiting`, `running`, `done`, `stopped`, `failed`, or `interrupted`: its process died without a word."""
    if row["ended_at"] is not None:
        return "failed" if row["fault"] else "stopped" if row["stop_asked_at"] else "done"
    if now - (row["beat_at"] or row["asked_at"]) > SILENT:
        return "interrupted"
    return "running" if row["begun_at"] else "waiting"


def ask(
    connection: sa.Connection, drafts: Sequence[Rule], start: datetime, end: datetime, actor: Actor, now: datetime
) -> int:
    """Write down a run that is to be; its number. Raises Busy when too many are going on."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("haidang:lab"))))
    column = table.lab_run.c
    alive = sa.func.coalesce(column.beat_at, column.asked_at) > now - SILENT
    going = sa.select(sa.func.count()).where(column.ended_at.is_(None), alive)
    if (connection.scalar(going) or 0) >= RUNNING_MOST:
        raise Busy(f"{RUNNING_MOST} runs are going on; wait for one to end, or stop it")
    row = {
        "drafts": [{name: getattr(draft, name) for name in STORED} for draft in drafts],
        "start_at": start,
        "end_at": end,
        "actor": actor.name,
        "asked_at": now,
    }
    number: int = connection.execute(sa.insert(table.lab_run).values(row).returning(table.lab_run.c.id)).scalar_one()
    return number


def drafts_of(row: Mapping[Any, Any]) -> list[Rule]:
    """The drafts of a run as they were asked."""
    return [Rule(**values) for values in row["drafts"]]


def beat(connection: sa.Connection, run: int, progress: float, now: datetime) -> bool:
    """A sign of life with how far it has come (0 to 1); whether it may go on."""
    column = table.lab_run.c
    statement = (
        sa.update(table.lab_run)
        .where(column.id == run, column.ended_at.is_(None))
        .values(beat_at=now, progress=progress, begun_at=sa.func.coalesce(column.begun_at, now))
        .returning(column.stop_asked_at)
    )
    row = connection.execute(statement).one_or_none()
    return row is not None and row.stop_asked_at is None


def tell(connection: sa.Connection, run: int, result: Mapping[str, Any]) -> None:
    """What has been found so far."""
    connection.execute(sa.update(table.lab_run).where(table.lab_run.c.id == run).values(result=dict(result)))


def end(connection: sa.Connection, run: int, now: datetime, fault: str | None = None) -> None:
    """It is over: done, stopped, or failed with what was wrong in words."""
    column = table.lab_run.c
    whole = {"progress": 1.0} if fault is None else {}
    stopped = sa.select(column.stop_asked_at).where(column.id == run)
    if connection.scalar(stopped) is not None:
        whole = {}
    own = sa.update(table.lab_run).where(column.id == run, column.ended_at.is_(None))
    connection.execute(own.values(ended_at=now, fault=fault, **whole))


def ask_stop(connection: sa.Connection, run: int, now: datetime) -> bool:
    """Ask a run to stop; False when there is none that goes on."""
    column = table.lab_run.c
    statement = sa.update(table.lab_run).where(column.id == run, column.ended_at.is_(None)).values(stop_asked_at=now)
    return connection.execute(statement).rowcount == 1


def one(connection: sa.Connection, run: int, now: datetime) -> dict[str, Any] | None:
    """A run with its derived `state`, or None."""
    row = connection.execute(sa.select(table.lab_run).where(table.lab_run.c.id == run)).mappings().one_or_none()
    return None if row is None else {**row, "state": state(row, now)}


def recent(connection: sa.Connection, now: datetime, limit: int = 20) -> list[dict[str, Any]]:
    """The newest runs without what they found, newest first."""
    plain = [column for column in table.lab_run.c if column.name != "result"]
    query = sa.select(*plain).order_by(table.lab_run.c.id.desc()).limit(limit)
    return [{**row, "state": state(row, now)} for row in connection.execute(query).mappings()]
