"""Boats of the register as AIS hears them: by MMSI, else by a name that is the registration; never by a guess."""

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from geo.fishery import boat

# What a vessel's latest state has of the register (layers/vessel.py), and which column of the register it is.
OF_BOAT = {
    "registration": boat.c.registration,
    "register_length_m": boat.c.length_m,
    "role": boat.c.role,
    "gear": boat.c.gear,
    "home_province": boat.c.home_province,
}
vessel = sa.table("vessel", sa.column("mmsi"), *map(sa.column, OF_BOAT))
# sql/vessel.sql; by: what they were joined by.
boat_vessel = sa.table("boat_vessel", sa.column("registration"), sa.column("mmsi"), sa.column("by"))


@dataclass(frozen=True)
class Heard:
    """A boat and the vessel of AIS that it is; by: `mmsi`, or `name` where only the name says so."""

    registration: str
    mmsi: int
    by: Literal["mmsi", "name"]


def vessel_of(connection: sa.Connection, registration: str) -> Heard | None:
    """The vessel of AIS that a boat is, by its registration as it is written; None when none, or no single one, is."""
    return _by_mmsi(connection, boat.c.registration == registration) or _one(
        connection, boat_vessel.c.registration == registration
    )


def boat_heard(connection: sa.Connection, mmsi: int) -> Heard | None:
    """The boat of the register that a vessel of AIS is."""
    return _by_mmsi(connection, boat.c.mmsi == mmsi) or _one(connection, boat_vessel.c.mmsi == mmsi)


def _by_mmsi(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Heard | None:
    """The view's first part by its keys: names are compared, all of them, only where no MMSI tells."""
    pair = sa.select(boat.c.registration, boat.c.mmsi).join(vessel, vessel.c.mmsi == boat.c.mmsi)
    row = connection.execute(pair.where(which, boat.c.retired_at.is_(None))).one_or_none()
    return Heard(row.registration, row.mmsi, "mmsi") if row else None


def _one(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Heard | None:
    row = connection.execute(sa.select(boat_vessel).where(which)).mappings().one_or_none()
    return Heard(**row) if row else None


def tell(connection: sa.Connection) -> int:
    """Bring what vessels have of the register up to it, in the order of their keys; how many were changed.

    No message of AIS tells it, and a boat's length, role or name may change while it is silent.
    """
    known = sa.select(boat_vessel.c.mmsi, *(column.label(name) for name, column in OF_BOAT.items()))
    told = known.join(boat, boat.c.registration == boat_vessel.c.registration).subquery()
    # Whose boat is not in the register any more is nobody's again.
    pair = vessel.outerjoin(told, told.c.mmsi == vessel.c.mmsi)
    registered = sa.or_(vessel.c.registration.is_not(None), told.c.registration.is_not(None))
    other = sa.or_(*(vessel.c[name].is_distinct_from(told.c[name]) for name in OF_BOAT))
    # Nobody keeps statistics of what names say: planned for one row, thousands would be compared with thousands.
    connection.execute(sa.text("SET LOCAL enable_nestloop = off"))
    rows = (
        connection.execute(
            sa.select(vessel.c.mmsi, *(told.c[name] for name in OF_BOAT))
            .select_from(pair)
            .where(registered, other)
            .order_by(vessel.c.mmsi)
            .with_for_update(of=vessel, key_share=True)
        )
        .mappings()
        .all()
    )
    connection.execute(sa.text("SET LOCAL enable_nestloop = on"))
    changes = [{f"new_{name}": value for name, value in row.items()} for row in rows]
    if changes:
        new: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in OF_BOAT}
        connection.execute(vessel.update().where(vessel.c.mmsi == sa.bindparam("new_mmsi")).values(new), changes)
    return len(changes)
