"""Reading boats' cases: which are on the board, with their clocks, and what was done about one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from geo import table
from geo.figure import Figures
from geo.fishery import boat, boat_case, boat_case_entry, provider

Status = Literal["open", "running", "ended", "closed", "all"]
BUCKETS = ("6h-10d", "10d")  # the authority's buckets of the losses that go on (domain: fact 4)


@dataclass(frozen=True)
class Wanted:
    """Which cases; an empty tuple is every one. status: running (it goes on), ended (to be concluded), open: both."""

    status: Status = "open"
    kinds: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    provinces: tuple[str, ...] = ()
    communes: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    registrations: tuple[str, ...] = ()
    bucket: str | None = None
    escalated: bool | None = None
    outage_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def cases(
    connection: sa.Connection, wanted: Wanted, figures: Figures, now: datetime, limit: int = 5_000
) -> list[dict[str, Any]]:
    """The cases as rows, those that have gone on for longest first, each with its boat and its clocks.

    Of a loss that goes on: next_report_due_at, return_due_at and its bucket; contacts: how many calls its log has.
    """
    column = boat_case.c
    query = _rows().where(*_chosen(wanted, figures, now)).order_by(column.since, column.id).limit(limit)
    spans = _spans(figures, now)
    return [_with_clocks(dict(row), spans, now) for row in connection.execute(query).mappings()]


def one_case(connection: sa.Connection, case_id: int, figures: Figures, now: datetime) -> dict[str, Any] | None:
    """A case by its number, with every line of its log, oldest first, as `log`."""
    row = connection.execute(_rows().where(boat_case.c.id == case_id)).mappings().one_or_none()
    return (
        None
        if row is None
        else {**_with_clocks(dict(row), _spans(figures, now), now), "log": log_of(connection, case_id)}
    )


def log_of(connection: sa.Connection, case_id: int) -> list[dict[str, Any]]:
    """The lines of a case's log, oldest first; the numbers in them are whole, and not for everybody."""
    column = boat_case_entry.c
    query = sa.select(boat_case_entry).where(column.case_id == case_id).order_by(column.at, column.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def counts(connection: sa.Connection, figures: Figures, now: datetime) -> dict[str, int]:
    """How many losses go on in each bucket."""
    column = boat_case.c
    old = column.since <= now - figures.at("return_within", now).span
    query = sa.select(sa.func.count().filter(~old), sa.func.count().filter(old)).where(
        *_running(), column.kind == "loss"
    )
    return dict(zip(BUCKETS, connection.execute(query).one(), strict=True))


def _rows() -> sa.Select[Any]:
    column, entry = boat_case.c, boat_case_entry.c
    calls = sa.select(sa.func.count()).where(entry.case_id == column.id, entry.kind == "contact").scalar_subquery()
    return sa.select(
        *[one for one in column if one.name not in ("geom", "facts")],
        column.facts["minutes"].as_integer().label("minutes"),
        column.facts["proposed"].as_string().label("proposed"),
        column.facts["zone"].as_string().label("zone"),
        column.facts["allowed"].label("allowed"),
        column.facts[("fix", "0")].as_float().label("fix_lon"),
        column.facts[("fix", "1")].as_float().label("fix_lat"),
        sa.func.ST_X(column.geom).label("lon"),
        sa.func.ST_Y(column.geom).label("lat"),
        boat.c.shipname,
        boat.c.length_m,
        boat.c.home_province,
        boat.c.commune,
        provider.c.name.label("provider_name"),
        table.unit.c.name_vi.label("unit_vi"),
        table.unit.c.name_en.label("unit_en"),
        calls.label("contacts"),
    ).select_from(
        boat_case.join(boat, boat.c.registration == column.registration)
        .outerjoin(provider, provider.c.key == column.provider)
        .outerjoin(table.unit, table.unit.c.key == column.unit)
    )


def _running() -> tuple[Any, ...]:
    return boat_case.c.ended_at.is_(None), boat_case.c.closed_at.is_(None)


def _chosen(wanted: Wanted, figures: Figures, now: datetime) -> list[Any]:
    column = boat_case.c
    where: dict[Status, tuple[Any, ...]] = {
        "open": (column.closed_at.is_(None),),
        "running": _running(),
        "ended": (column.ended_at.is_not(None), column.closed_at.is_(None)),
        "closed": (column.closed_at.is_not(None),),
        "all": (),
    }
    found = [*where[wanted.status]]
    for one, values in (
        (column.kind, wanted.kinds),
        (column.stage, wanted.stages),
        (column.owner_level, wanted.levels),
        (column.provider, wanted.providers),
        (boat.c.home_province, wanted.provinces),
        (boat.c.commune, wanted.communes),
        (column.unit, wanted.units),
        (column.registration, wanted.registrations),
    ):
        if values:
            found.append(one.in_(values))
    if wanted.bucket is not None:
        old = column.since <= now - figures.at("return_within", now).span
        found += [*_running(), column.kind == "loss", old if wanted.bucket == BUCKETS[1] else ~old]
    if wanted.escalated is not None:
        found.append(column.escalated_at.is_not(None) if wanted.escalated else column.escalated_at.is_(None))
    if wanted.outage_id is not None:
        found.append(column.outage_id == wanted.outage_id)
    if wanted.since is not None:
        found.append(column.since >= wanted.since)
    if wanted.until is not None:
        found.append(column.since < wanted.until)
    return found


def _with_clocks(row: dict[str, Any], spans: Sequence[timedelta], now: datetime) -> dict[str, Any]:
    clocks: dict[str, Any] = dict.fromkeys(("next_report_due_at", "return_due_at", "bucket"))
    if row["kind"] == "loss" and row["ended_at"] is None and row["closed_at"] is None:
        lost, every, home = spans
        clocks["next_report_due_at"] = (row["reported_at"] or row["since"] + lost) + every
        clocks["return_due_at"] = row["since"] + home
        clocks["bucket"] = BUCKETS[now >= row["since"] + home]
    return {**row, **clocks}


def _spans(figures: Figures, now: datetime) -> tuple[timedelta, ...]:
    return tuple(figures.at(key, now).span for key in ("lost_after", "manual_report_every", "return_within"))


CSV_COLUMNS: Sequence[str] = (
    "id", "kind", "registration", "shipname", "length_m", "home_province", "commune", "provider", "provider_name",
    "device", "owner_level", "stage", "stage_at", "since", "opened_at", "reported_at", "next_report_due_at",
    "return_due_at", "bucket", "escalate_due_at", "escalated_at", "ended_at", "minutes", "contacts", "cause",
    "outcome", "closed_at", "closed_by", "outage_id", "alarm_id", "unit_vi", "person", "lon", "lat", "simulated",
)  # fmt: skip
