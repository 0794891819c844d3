"""Boats of the register as AIS hears them: by MMSI, else by a name that is the registration; never by a guess."""

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from geo.fishery import boat

vessel = sa.table("vessel", sa.column("mmsi"))
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
