"""The calendar of working days as people read and write it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from access.site import Site
from geo.actor import Actor
from geo.workday import Holiday, kept, set_holiday
from geo.yielding import deed

Row = dict[str, Any]


def days(site: Site, year: int) -> list[Row]:
    """The days of a year that are not what their place in the week says, each with who wrote it and when."""
    with site.engine.connect() as connection:
        return kept(connection, year)


def write(site: Site, one: Holiday, actor: Actor) -> Row:
    """Write one day; what stands there after it. Raises Wrong."""

    def change(connection: sa.Connection, now: datetime) -> Row:
        set_holiday(connection, one, actor, now)
        return next(row for row in kept(connection, one.day.year) if row["day"] == one.day)

    return deed(site.engine, change)
