"""Rosters: named lists of objects that rules and fences include or exclude as `@name`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.actor import Actor


@dataclass(frozen=True)
class Roster:
    """One list: the keys of its members, of one layer."""

    key: str
    layer: str
    name_vi: str
    name_en: str
    members: tuple[str, ...]


def rosters(connection: sa.Connection) -> list[Roster]:
    """Every roster, by its key."""
    roster = table.roster.c
    query = sa.select(roster.key, roster.layer, roster.name_vi, roster.name_en, roster.members).order_by(roster.key)
    return [Roster(*row[:4], tuple(map(str, row.members))) for row in connection.execute(query).all()]


def put_roster(connection: sa.Connection, item: Roster, actor: Actor, now: datetime) -> None:
    """Put a roster in place of what its key had; what is judged by it is swept like a changed rule."""
    row: dict[str, Any] = {"key": item.key, "layer": item.layer, "name_vi": item.name_vi, "name_en": item.name_en}
    row |= {"members": list(item.members), "updated_at": now, "updated_by": actor.name}
    changed = {name: value for name, value in row.items() if name != "key"}
    connection.execute(insert(table.roster).values(row).on_conflict_do_update(index_elements=["key"], set_=changed))
