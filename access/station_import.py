"""Environment stations out of a list: what an import would do, row by row, and doing all that is good at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from access.import_account import Account, Line
from geo.actor import Actor
from geo.figure import Figures, figures
from geo.revision import keep_all
from geo.river import levels
from geo.station_file import Draft
from geo.table import Shape, revision
from geo.wrong import Wrong

LAYER, SOURCE = "environment", "import"
TOLD = ("name", "kind", "river", "owner")
SAME_DEGREES = 1e-6  # a tenth of a metre: what a list rounds to


def carry_out(
    engine: sa.Engine, shape: Shape, drafts: Sequence[Draft], actor: Actor | None, comment: str | None
) -> tuple[Account, int | None]:
    """What an import would do; and with an actor, in the same transaction, doing what is good of it: how many stations.

    The rows of the latest state are made and locked in the order of their keys, as a worker does it (geo.latest).
    """
    with engine.begin() as connection:
        now = datetime.now(UTC)
        found = _account(connection, shape, drafts, now)
        if actor is None:
            return found, None
        made = [
            {shape.key: line.id, "received_at": now, "source": SOURCE} for line in found.lines if line.what == "new"
        ]
        if made:
            made.sort(key=lambda row: str(row[shape.key]))
            connection.execute(insert(shape.latest).on_conflict_do_nothing(), made)
        found = _account(connection, shape, drafts, now, locked=True)
        return found, _apply(connection, shape, found, actor, now, comment)


def _account(
    connection: sa.Connection, shape: Shape, drafts: Sequence[Draft], now: datetime, locked: bool = False
) -> Account:
    known = _known(connection, shape, sorted({one.id for one in drafts if one.id}), locked)
    law = figures(connection)
    return Account(tuple(_line(one, known.get(one.id), law, now) for one in drafts))


def _known(connection: sa.Connection, shape: Shape, ids: Sequence[str], locked: bool) -> dict[str, Mapping[str, Any]]:
    column = shape.latest.c
    place = (sa.func.ST_X(column.geom).label("lon"), sa.func.ST_Y(column.geom).label("lat"))
    query = sa.select(column[shape.key].label("id"), *[column[name] for name in TOLD], *place)
    query = query.where(column[shape.key] == sa.func.any(list(ids))).order_by(column[shape.key])
    if locked:
        query = query.with_for_update(key_share=True)
    return {str(row["id"]): dict(row) for row in connection.execute(query).mappings()}


def _line(draft: Draft, known: Mapping[str, Any] | None, law: Figures, now: datetime) -> Line:
    there = known is not None and known["lon"] is not None
    wrongs = [*draft.faults]
    if not there and "lon" not in draft.said and not wrongs:
        wrongs.append(Wrong(draft.column("lon"), "Trạm mới cần tọa độ", "a new station needs its place"))
    river = draft.said.get("river")
    if river is not None and not levels(river, law, now):
        wrongs.append(
            Wrong(
                draft.column("river"),
                f"Không có mức báo động nào của {river[:40]} trong bảng số liệu (như kim_long)",
                f"the figures know no alarm levels of {river[:40]} (they are named as kim_long is)",
            )
        )
    if wrongs:
        return Line(draft.number, draft.id, "conflict", wrongs=tuple(wrongs))
    before = known or {}
    after = {name: draft.said.get(name, before.get(name)) for name in (*TOLD, "lon", "lat")}
    fields = [name for name in TOLD if after[name] != before.get(name)]
    if not there or any(abs(after[name] - before[name]) > SAME_DEGREES for name in ("lon", "lat")):
        fields.append("geom")
    told = Line(draft.number, draft.id, "unchanged", tuple(fields), after=after)
    return told if not fields else replace(told, what="changed" if there else "new")


def _apply(
    connection: sa.Connection, shape: Shape, found: Account, actor: Actor, now: datetime, comment: str | None
) -> int:
    """Keep what is new or changed, with who did it as a version of each station."""
    good = {line.id: line.after for line in found.lines if line.what in ("new", "changed")}
    for id in sorted(good):
        after = good[id]
        place = sa.func.ST_SetSRID(sa.func.ST_MakePoint(after["lon"], after["lat"]), 4326)
        told = {name: after[name] for name in TOLD}
        column = shape.latest.c
        put = sa.update(shape.latest).where(column[shape.key] == id)
        connection.execute(put.values(**told, geom=place, described_at=now, received_at=now))
    if good:
        column = revision.c
        kept = sa.select(column.key, sa.func.max(column.version)).where(column.kind == shape.name).group_by(column.key)
        newest = {str(key): int(version) for key, version in connection.execute(kept)}
        items = [(id, newest.get(id, 0) + 1, dict(good[id])) for id in sorted(good)]
        keep_all(connection, shape.name, items, now, actor, comment)
    return len(good)
