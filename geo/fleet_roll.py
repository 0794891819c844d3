"""What the fleet's figures are counted from: the register now and as it was, cases with their log, who was heard."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.calendar import ZONE
from geo.fishery import boat, boat_case, boat_case_entry, boat_signal, device
from geo.fleet_count import Case, Member, Step
from geo.past import Reader

_BOAT = (
    boat.c.registration, boat.c.length_m, boat.c.role, boat.c.commune, boat.c.laid_up_at, boat.c.simulated,
)  # fmt: skip
_COUNTED = (device.c.registration == boat.c.registration) & device.c.active


def members_now(connection: sa.Connection) -> dict[str, Member]:
    """The boats of the register by registration, without retired ones, with what the clock knows of their signal."""
    known = boat_signal.c
    query = (
        sa.select(*_BOAT, device.c.provider, known.auto_at, known.port)
        .select_from(boat.outerjoin(device, _COUNTED).outerjoin(boat_signal, known.registration == boat.c.registration))
        .where(boat.c.retired_at.is_(None))
        .order_by(boat.c.registration)
    )
    return {row["registration"]: Member(**row) for row in connection.execute(query).mappings()}


def members_at(connection: sa.Connection, moments: Sequence[datetime]) -> list[dict[str, Member]]:
    """The boats of the register just before each moment, in ascending order, from its versions."""
    column = table.revision.c
    query = sa.select(column.key, column.version, column.at, column.value).where(
        column.kind == "boat", column.at < max(moments)
    )
    rows = connection.execute(query.order_by(column.at, column.version)).all()
    held: dict[str, tuple[int, Member | None]] = {}
    found, taken = [], 0
    for moment in moments:
        while taken < len(rows) and rows[taken].at < moment:
            row = rows[taken]
            if row.version > held.get(row.key, (0, None))[0]:
                held[row.key] = (row.version, _member(row.value))
            taken += 1
        found.append({name: one for name, (_, one) in held.items() if one is not None})
    return found


def _member(value: Mapping[str, Any]) -> Member | None:
    """A boat as one of its versions has it; None for a retired one."""
    if value["retired_at"] is not None:
        return None
    counted = next((one["provider"] for one in value["devices"] if one["active"]), None)
    laid_up = value["laid_up_at"] and datetime.fromisoformat(value["laid_up_at"])
    names = ("registration", "length_m", "role", "commune", "simulated")
    return Member(**{name: value[name] for name in names}, provider=counted, laid_up_at=laid_up)


def cases_of(connection: sa.Connection, start: datetime, end: datetime) -> list[Case]:
    """The cases that went on, ended or were concluded in [start, end), with their boats as they are registered now."""
    case = boat_case.c
    query = (
        sa.select(
            case.id, case.kind, case.since, case.stage, case.ended_at, case.closed_at, case.cause, case.outcome,
            *_BOAT, sa.func.coalesce(case.provider, device.c.provider).label("provider"),
        )
        .select_from(boat_case.join(boat, boat.c.registration == case.registration).outerjoin(device, _COUNTED))
        .where(case.since < end, case.closed_at.is_(None) | (case.closed_at >= start))
        .where(case.ended_at.is_(None) | (case.ended_at >= start) | (case.closed_at >= start))
        .order_by(case.id)
    )  # fmt: skip
    rows = connection.execute(query).mappings().all()
    steps = _steps(connection, [row["id"] for row in rows])
    own = (*(one.name for one in _BOAT), "provider")
    names = ("kind", "since", "stage", "ended_at", "closed_at", "cause", "outcome")
    return [
        Case(
            **{name: row[name] for name in names},
            boat=Member(**{name: row[name] for name in own}),
            steps=tuple(steps.get(row["id"], ())),
        )
        for row in rows
    ]


def _steps(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[Step]]:
    line = boat_case_entry.c
    query = sa.select(
        line.case_id, line.at, line.data["stage"].as_string().label("stage"),
        line.data.has_key("withdrawn").label("withdrawn"),
    ).where(line.kind == "stage", line.case_id == sa.func.any(list(ids)))  # fmt: skip
    found: dict[int, list[Step]] = {}
    for row in connection.execute(query.order_by(line.case_id, line.id)):
        found.setdefault(row.case_id, []).append(Step(row.at, row.stage, row.withdrawn))
    return found


def heard(reader: Reader, start: datetime, end: datetime) -> dict[date, set[str] | None]:
    """By the centre's day in [start, end): the boats of which an automatic fix that counts was sent.

    The reader has the column `manual`. None of a day of which a file of the archive cannot be read.
    """
    first = start.astimezone(ZONE).date()
    days = (end.astimezone(ZONE) - timedelta(microseconds=1)).date() - first
    found: dict[date, set[str] | None] = {first + timedelta(days=n): set() for n in range(days.days + 1)}
    for piece in reader.pieces(start, end):
        fixes = piece.fixes[~piece.fixes["manual"].fillna(False).astype(bool)]
        local = fixes.assign(day=fixes["observed_at"].dt.tz_convert(ZONE).dt.date)[["day", reader.shape.key]]
        for day, names in local.drop_duplicates().groupby("day")[reader.shape.key]:
            held = found.get(date.fromisoformat(str(day)))
            if held is not None:
                held.update(names)
        if piece.missing:
            begin, last = (at.astimezone(ZONE).date() for at in (piece.start, piece.end - timedelta(microseconds=1)))
            found |= {day: None for day in found if begin <= day <= last}
    return found
