"""What boats did, as screens and routes are given it: events with a sentence each, of all boats or of one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from access.site import Site
from geo import boat_event
from geo.behaviour.wording import sentence
from geo.boat_event import Wanted
from geo.fence import PORT
from geo.registration import parse
from geo.table import fence

Row = dict[str, Any]
OF_ALL = ("encounter", "gap", "possible_disabling")  # few, and of interest whoever it is


def found(site: Site, wanted: Wanted, key: str | None, now: datetime, limit: int) -> list[Row]:
    """The events that are wanted, the latest first; key: of one boat, by its MMSI or registration in any spelling.

    By a registration they are those of its device and of its transponder, as geo.boat_event.events_of_boat has them.
    """
    registration = parse(key) if key else None
    with site.engine.connect() as connection:
        if registration is not None:
            rows = boat_event.events_of_boat(connection, str(registration), wanted.since, wanted.until, limit, wanted)
        else:
            rows = boat_event.events(connection, replace(wanted, keys=(key,)) if key else wanted, limit)
        return worded(connection, rows, now)


def lately(
    connection: sa.Connection, chosen: tuple[str, str] | None, now: datetime, span: timedelta, limit: int = 300
) -> list[Row]:
    """What a map shows of the last `span`: encounters and silences of all boats, and everything the chosen one did.

    chosen: its layer and key. What began before and goes on is not shown: the picture would fill up with it.
    """
    since = now - span
    rows = boat_event.events(connection, Wanted(kinds=OF_ALL, since=since), limit)
    if chosen is not None:
        own = Wanted((chosen[0],), (chosen[1],), since=since)
        rows += [row for row in boat_event.events(connection, own, limit) if row["kind"] not in OF_ALL]
    return worded(connection, [row for row in rows if (row["ended_at"] or row["began_at"]) >= since], now)


def worded(connection: sa.Connection, rows: Sequence[Row], now: datetime) -> list[Row]:
    """Events with what they say in Vietnamese and English (`vi`, `en`), ports by their names."""
    query = sa.select(fence.c.key, fence.c.name_vi, fence.c.name_en).where(fence.c.kind == PORT)
    ports = {row.key: (row.name_vi, row.name_en) for row in connection.execute(query)}
    told = []
    for row in rows:
        vi, en = sentence(row, now, ports.get(row["parameters"].get("port", "")))
        told.append({**row, "vi": vi, "en": en})
    return told
