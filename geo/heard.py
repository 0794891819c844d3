"""Boats of the register as AIS hears them: by MMSI, else by a name that is the registration; never by a guess."""

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

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
    return _one(connection, boat_vessel.c.registration == registration)


def boat_heard(connection: sa.Connection, mmsi: int) -> Heard | None:
    """The boat of the register that a vessel of AIS is."""
    return _one(connection, boat_vessel.c.mmsi == mmsi)


def _one(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Heard | None:
    row = connection.execute(sa.select(boat_vessel).where(which)).mappings().one_or_none()
    return Heard(**row) if row else None
