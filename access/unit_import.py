"""Handling units out of a list: what an import would do, row by row, and doing all that is good at once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from access.import_account import Account, Line, What
from geo import table
from geo.actor import Actor
from geo.revision import keep_all
from geo.unit_file import Draft

TOLD = ("name_vi", "name_en", "ordinal")


def carry_out(
    engine: sa.Engine, drafts: Sequence[Draft], actor: Actor | None, comment: str | None
) -> tuple[Account, int | None]:
    """What an import would do; and with an actor, in the same transaction, doing what is good of it: how many units.

    Units that the list does not name stay: alarms and reports may be theirs.
    """
    with engine.begin() as connection:
        column = table.unit.c
        query = sa.select(table.unit).order_by(column.key)
        rows = connection.execute(query if actor is None else query.with_for_update()).mappings()
        known = {str(row["key"]): dict(row) for row in rows}
        found = Account(tuple(_line(one, known.get(one.key)) for one in drafts))
        if actor is None:
            return found, None
        good = {line.id: dict(line.after) for line in found.lines if line.what in ("new", "changed")}
        for key in sorted(good):
            put = insert(table.unit).values(key=key, **good[key])
            connection.execute(put.on_conflict_do_update(index_elements=["key"], set_=good[key]))
        kept = table.revision.c
        versions = sa.select(kept.key, sa.func.max(kept.version)).where(kept.kind == "unit").group_by(kept.key)
        newest = {str(key): int(version) for key, version in connection.execute(versions)}
        items = [(key, newest.get(key, 0) + 1, good[key]) for key in sorted(good)]
        keep_all(connection, "unit", items, datetime.now(UTC), actor, comment)
        return found, len(good)


def _line(draft: Draft, known: Mapping[str, Any] | None) -> Line:
    if draft.faults:
        return Line(draft.number, draft.key, "conflict", wrongs=draft.faults)
    before = known or {"name_en": draft.said["name_vi"], "ordinal": 100}
    after = {name: draft.said.get(name, before.get(name)) for name in TOLD}
    fields = tuple(name for name in TOLD if after[name] != before.get(name))
    what: What = "new" if known is None else "changed" if fields else "unchanged"
    return Line(draft.number, draft.key, what, fields, after=after)
