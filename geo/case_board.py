"""The board of lost signals at a moment: the open cases, the boats that are late, and the outages that go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.case_list import Wanted, cases
from geo.figure import Figures, figures
from geo.fishery import boat, boat_case, boat_signal, provider

# The board's columns in the order of the state machine (domain: LATE is a status, and no case).
COLUMNS = ("LATE", "LOST", "MANUAL_REPORTING", "OVERDUE_REPORT", "OVERDUE_10D", "ASTRAY", "ENDED")
RUNNING_MOST, ENDED_MOST = 10_000, 2_000


@dataclass(frozen=True)
class Board:
    """What was read. beyond: ended cases that are open and not among `cases`; late: boats that are silent too long."""

    mark: tuple[Any, ...]
    at: datetime
    figures: Figures
    cases: list[dict[str, Any]]
    beyond: int
    late: list[dict[str, Any]]
    outages: list[dict[str, Any]]


def column_of(row: Mapping[str, Any]) -> str:
    """In which column a case stands: those that are over wait in the last one for their conclusion."""
    if row["ended_at"] is not None:
        return "ENDED"
    return str(row["stage"]) if row["kind"] == "loss" and row["stage"] in COLUMNS else "ASTRAY"


def board(connection: sa.Connection, now: datetime, last: Board | None = None) -> Board:
    """The board as it is now; `last` again when nothing has changed since it was read."""
    mark = _mark(connection)
    if last is not None and last.mark == mark:
        return last
    held = figures(connection)
    running = cases(connection, Wanted("running"), held, now, RUNNING_MOST)
    ended = cases(connection, Wanted("ended"), held, now, ENDED_MOST)
    beyond = mark[0] - len(running) - len(ended)
    return Board(mark, now, held, [*running, *ended], max(0, beyond), _late(connection), _outages(connection))


def _mark(connection: sa.Connection) -> tuple[Any, ...]:
    """Changes with everything that the board shows: each change of a case raises its version."""
    case, known, alarm = boat_case.c, boat_signal.c, table.alarm.c
    open_ones = sa.select(sa.func.count(), sa.func.sum(case.version), sa.func.max(case.id)).where(
        case.closed_at.is_(None)
    )
    late = sa.select(sa.func.count(), sa.func.max(known.state_at), sa.func.sum(known.boat_version)).where(
        known.state == "LATE"
    )
    standing = (
        sa.select(sa.func.count(), sa.func.max(alarm.id)).where(*_stands()).select_from(table.alarm).join(table.rule)
    )
    return tuple(value for query in (open_ones, late, standing) for value in connection.execute(query).one())


def _stands() -> tuple[Any, ...]:
    alarm = table.alarm.c
    return table.rule.c.kind == "outage", alarm.cleared_at.is_(None), alarm.withdrawn_at.is_(None)


def _late(connection: sa.Connection) -> list[dict[str, Any]]:
    known = boat_signal.c
    query = (
        sa.select(
            known.registration, known.provider, known.auto_at, known.late_at, known.outage_id, boat.c.shipname,
            boat.c.length_m, boat.c.home_province, boat.c.commune, boat.c.simulated,
            provider.c.name.label("provider_name"),
        )
        .select_from(
            boat_signal.join(boat, boat.c.registration == known.registration).outerjoin(
                provider, provider.c.key == known.provider
            )
        )
        .where(known.state == "LATE")
        .order_by(known.auto_at, known.registration)
        .limit(RUNNING_MOST)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]


def _outages(connection: sa.Connection) -> list[dict[str, Any]]:
    alarm = table.alarm.c
    query = sa.select(
        alarm.id, alarm.object_key, alarm.object_label, alarm.observed_at, alarm.raised_at, alarm.evidence,
        alarm.simulated,
    )  # fmt: skip
    query = query.select_from(table.alarm).join(table.rule).where(*_stands()).order_by(alarm.raised_at, alarm.id)
    return [dict(row) for row in connection.execute(query).mappings()]
