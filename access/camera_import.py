"""Cameras out of a list: what an import would do, row by row, and doing all that is good in one transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from access.import_account import WHATS, What
from geo.actor import Actor
from geo.camera_file import Draft
from geo.revision import keep_all
from geo.table import Shape, revision
from geo.wrong import Wrong

SOURCE = "camera.import"
REVISION = "camera"
COLUMNS = (
    "name", "owner", "kind", "provider", "azimuth_deg", "field_of_view_deg", "range_m", "retention_days",
    "snapshot_url", "hls_url",
)  # fmt: skip
WITHHELD = ("snapshot_url", "hls_url")  # of these a version says only that there is one
SAME_DEGREES = 1e-6


@dataclass(frozen=True)
class Line:
    """What would become of one row: its number, the camera, the fields that change, what is wrong or left out."""

    number: int
    id: str
    name: str
    what: What
    fields: tuple[str, ...] = ()
    wrongs: tuple[Wrong, ...] = ()
    notes: tuple[Wrong, ...] = ()
    after: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Account:
    """What would become of every row, in the order of the list; missing: cameras of an earlier import without a row."""

    lines: tuple[Line, ...]
    missing: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[What, int]:
        """How many rows of each."""
        found = Counter(line.what for line in self.lines)
        return {what: found[what] for what in WHATS}


def carry_out(
    engine: sa.Engine,
    shape: Shape,
    drafts: Sequence[Draft],
    actor: Actor | None,
    comment: str,
    simulated: bool = False,
) -> tuple[Account, int | None]:
    """What an import would do; and with an actor, in the same transaction, doing what is good of it: how many."""
    with engine.begin() as connection:
        if actor is None:
            return account(connection, shape, drafts), None
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('haidang:camera'), 0)"))
        found = account(connection, shape, drafts)
        return found, apply(connection, shape, found, actor, comment, simulated)


def account(connection: sa.Connection, shape: Shape, drafts: Sequence[Draft]) -> Account:
    """What an import would do; nothing is written."""
    table = shape.latest
    ids = [one.id for one in drafts if one.id]
    columns = [table.c.id, *[table.c[name] for name in COLUMNS]]
    place = [sa.func.ST_X(table.c.geom).label("lon"), sa.func.ST_Y(table.c.geom).label("lat")]
    query = sa.select(*columns, *place).where(table.c.id == sa.func.any(ids))
    known = {row["id"]: row for row in connection.execute(query).mappings()}
    others = sa.select(table.c.id).where(table.c.source == SOURCE, table.c.id != sa.func.all(ids)).order_by(table.c.id)
    return Account(
        tuple(_line(one, known.get(one.id)) for one in drafts), tuple(connection.scalars(others)) if ids else ()
    )


def _line(draft: Draft, known: Any) -> Line:
    name = str(draft.said.get("name") or (known["name"] if known else "") or "")
    told = Line(draft.number, draft.id, name, "conflict", wrongs=draft.faults, notes=draft.notes)
    if draft.faults:
        return told
    if known is None:
        if not name:
            lacking = Wrong("name", "Camera mới cần tên", "a new camera needs a name")
            return replace(told, wrongs=(lacking,))
        return replace(told, what="new", after=draft.said)
    fields = tuple(
        sorted(column for column, value in draft.said.items() if column != "id" and _other(known, column, value))
    )
    return replace(told, what="changed" if fields else "unchanged", fields=fields, after=draft.said)


def _other(known: Any, column: str, value: Any) -> bool:
    before = known[column]
    if column in ("lon", "lat"):
        return before is None or abs(before - value) > SAME_DEGREES
    return bool(before != value)


def apply(
    connection: sa.Connection, shape: Shape, found: Account, actor: Actor, comment: str, simulated: bool = False
) -> int:
    """Write every new and changed camera, and its version, of an account made in this transaction; returns how many.

    What was seen of a camera (its health) stays as it is.
    """
    # In the order of their keys, as the workers lock them.
    good = sorted((line for line in found.lines if line.what in ("new", "changed")), key=lambda line: line.id)
    now = datetime.now(UTC)
    for line in good:
        _put(connection, shape, line, now, simulated)
    _keep(connection, good, actor, comment, now)
    return len(good)


def _put(connection: sa.Connection, shape: Shape, line: Line, now: datetime, simulated: bool) -> None:
    told = {name: line.after[name] for name in COLUMNS if name in line.after}
    point = sa.func.ST_SetSRID(sa.func.ST_MakePoint(line.after["lon"], line.after["lat"]), 4326)
    given = {**told, "geom": point, "described_at": now, "received_at": now, "source": SOURCE, "simulated": simulated}
    put = insert(shape.latest).values(id=line.id, observed_at=now, **given)
    connection.execute(put.on_conflict_do_update(index_elements=["id"], set_=given))


def _keep(connection: sa.Connection, lines: Sequence[Line], actor: Actor, comment: str, now: datetime) -> None:
    """One version of each camera, which tells nobody its addresses."""
    c = revision.c
    ids = [line.id for line in lines]
    last = sa.select(c.key, sa.func.max(c.version)).where(c.kind == REVISION, c.key == sa.func.any(ids)).group_by(c.key)
    versions = {row[0]: row[1] for row in connection.execute(last)}
    items = [(line.id, versions.get(line.id, 0) + 1, _shown(line.after)) for line in lines]
    keep_all(connection, REVISION, items, now, actor, comment)


def _shown(after: Mapping[str, Any]) -> dict[str, Any]:
    return {name: True if name in WITHHELD else value for name, value in after.items()}
