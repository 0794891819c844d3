"""Rosters: named lists of objects that rules and fences include or exclude as `@name`."""

from dataclasses import dataclass

import sqlalchemy as sa

from geo import table


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
