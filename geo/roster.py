"""Rosters: named lists of objects that rules and fences include or exclude as `@name`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.actor import Actor
from geo.revision import keep, versions


@dataclass(frozen=True)
class Roster:
    """One list: the keys of its members, of one layer."""

    key: str
    layer: str
    name_vi: str
    name_en: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class RosterVersion:
    """One version: who, when, why, the list as it was, and the members that came and went."""

    version: int
    at: datetime
    actor: str
    comment: str | None
    roster: Roster
    came: tuple[str, ...]
    went: tuple[str, ...]


def rosters(connection: sa.Connection) -> list[Roster]:
    """Every roster, by its key."""
    roster = table.roster.c
    query = sa.select(roster.key, roster.layer, roster.name_vi, roster.name_en, roster.members).order_by(roster.key)
    return [Roster(*row[:4], tuple(map(str, row.members))) for row in connection.execute(query).all()]


def put_roster(connection: sa.Connection, item: Roster, actor: Actor, now: datetime, comment: str | None = None) -> int:
    """Put a roster in place of what its key had, as a new version, which is returned; one as it was is left alone.

    What is judged by it is swept like a changed rule. The caller sees to it that there is one editor at a time.
    """
    value: dict[str, Any] = {"key": item.key, "layer": item.layer, "name_vi": item.name_vi, "name_en": item.name_en}
    value |= {"members": list(item.members)}
    version = roster_version(connection, item.key)
    if version and next((one for one in rosters(connection) if one.key == item.key), None) == item:
        return version
    row = {**value, "updated_at": now, "updated_by": actor.name}
    changed = {name: each for name, each in row.items() if name != "key"}
    connection.execute(insert(table.roster).values(row).on_conflict_do_update(index_elements=["key"], set_=changed))
    keep(connection, "roster", item.key, version + 1, value, now, actor, comment)
    return version + 1


def roster_version(connection: sa.Connection, key: str) -> int:
    """The number of a roster's newest version; 0 of one that has none."""
    column = table.revision.c
    newest = sa.select(sa.func.max(column.version)).where(column.kind == "roster", column.key == key)
    return int(connection.scalar(newest) or 0)


def roster_history(connection: sa.Connection, key: str) -> list[RosterVersion]:
    """All versions of a roster, newest first, each with who came and who went."""
    found: list[RosterVersion] = []
    before: tuple[str, ...] = ()
    for row in reversed(versions(connection, "roster", key)):
        value = row["value"]
        members = tuple(map(str, value["members"]))
        came, went = (tuple(one for one in a if one not in set(b)) for a, b in ((members, before), (before, members)))
        item = Roster(value["key"], value["layer"], value["name_vi"], value["name_en"], members)
        found.append(RosterVersion(row["version"], row["at"], row["actor"], row["comment"], item, came, went))
        before = members
    return found[::-1]
