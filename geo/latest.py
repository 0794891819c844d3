"""Latest state: lock the rows of a batch in key order, merge what is newer in memory, write them back at once."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from geo.column import STAMP, copy_frame, empty_columns, frame_dtype
from geo.table import Shape


def lock(
    connection: sa.Connection, shape: Shape, keys: np.ndarray[Any, Any], source: str, now: datetime
) -> pd.DataFrame:
    """The before-state of the keys, indexed by key, its rows locked in key order until the transaction ends.

    A key that is new gets an empty row first, so that two workers that hear one new boat meet at its lock.
    """
    table, key = shape.latest, shape.latest.c[shape.key]
    ordered = np.sort(np.unique(keys)).tolist()
    wanted = sa.func.unnest(sa.bindparam("keys", ordered, type_=ARRAY(key.type))).column_valued("wanted")
    missing = sa.text(_missing_of(shape)).bindparams(sa.bindparam("keys", ordered, type_=ARRAY(key.type)))
    # New rows first and the locks after them, each in key order: the other way round two workers could wait in a ring.
    if new := sorted(connection.scalars(missing)):
        fresh = [{shape.key: value, "received_at": now, "source": source} for value in new]
        connection.execute(sa.text(_insert_new(shape)), fresh)
    statement = (
        sa.select(*[c for c in table.c if c.name != "geom"], sa.func.ST_X(table.c.geom).label("lon"))
        .add_columns(sa.func.ST_Y(table.c.geom).label("lat"))
        .where(key.in_(sa.select(wanted)))
        .order_by(key)
        .with_for_update()
    )
    rows = connection.execute(statement).all()
    frame = pd.DataFrame.from_records([tuple(row) for row in rows], columns=list(rows[0]._fields) if rows else None)
    for column in table.c:
        if column.name not in ("geom", shape.key):
            frame[column.name] = frame[column.name].astype(frame_dtype(column))
    frame[["lon", "lat"]] = frame[["lon", "lat"]].astype("float64")
    return frame.set_index(shape.key, drop=False)


def _missing_of(shape: Shape) -> str:
    known = f"SELECT 1 FROM {shape.name} WHERE {shape.key} = wanted"
    return f"SELECT wanted FROM unnest(:keys) AS wanted WHERE NOT EXISTS ({known})"


def _insert_new(shape: Shape) -> str:
    return (
        f"INSERT INTO {shape.name} ({shape.key}, received_at, source) VALUES (:{shape.key}, :received_at, :source) "
        "ON CONFLICT DO NOTHING"
    )


def fixes(shape: Shape, frame: pd.DataFrame) -> pd.Series:
    """Which rows are fixes or observations (and so go into the history): for moving things those with a position."""
    return frame["lon"].notna() if shape.kind == "moving" else pd.Series(True, index=frame.index)


def merge(shape: Shape, before: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """The after-state of every key in `frame` (sorted by time), indexed by key.

    A fix replaces the fix columns as a whole where it is not older than the one there; a description column keeps its
    last known value.
    """
    after = before.copy()
    after["received_at"] = frame.groupby(shape.key)["received_at"].max().reindex(after.index).astype(STAMP)
    fix_names = [name for name in shape.fix_columns() if name not in ("geom", shape.key, "received_at")]
    newest = frame[fixes(shape, frame)].drop_duplicates(shape.key, keep="last").set_index(shape.key)
    known = after["observed_at"].reindex(newest.index)
    newest = newest[known.isna() | (newest["observed_at"] >= known)]
    if len(newest):
        for name in fix_names:
            after.loc[newest.index, name] = newest.get(name)
        placed = newest[newest["lon"].notna()]
        after.loc[placed.index, ["lon", "lat"]] = placed[["lon", "lat"]]
    return _describe(shape, after, frame)


def _describe(shape: Shape, after: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    fixed = {
        *shape.fix_columns(),
        "geom",
        shape.key,
        "described_at",
        "observed_at",
        "received_at",
        "source",
        "simulated",
    }
    names = [column.name for column in shape.latest.c if column.name not in fixed and column.name in frame]
    carried = frame[frame[names].notna().any(axis=1)] if names else frame.iloc[:0]
    if len(carried):
        last = carried.groupby(shape.key)[names].last()  # the last value that is not null, column by column
        for name in names:
            value = last[name].dropna()
            after.loc[value.index, name] = value
        after.loc[last.index, "described_at"] = carried.groupby(shape.key)["observed_at"].max()
        # A thing that was only described so far still tells where its record came from.
        after.loc[last.index, "simulated"] = carried.groupby(shape.key)["simulated"].last()
        after.loc[last.index, "source"] = carried.groupby(shape.key)["source"].last()
    return after


def write(connection: sa.Connection, shape: Shape, after: pd.DataFrame) -> None:
    """Write the after-state of locked rows back through a staging table."""
    table = shape.latest
    stage = f"stage_{table.name}"
    create = f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} (LIKE {table.name}) ON COMMIT DELETE ROWS"
    connection.exec_driver_sql(create)
    connection.exec_driver_sql(f"TRUNCATE {stage}")
    columns = list(table.c)
    missing = [column for column in columns if column.name not in after and column.name != "geom"]
    copy_frame(connection, stage, columns, after.assign(**empty_columns(missing, len(after))))
    assignments = ", ".join(f"{column.name} = s.{column.name}" for column in columns if column.name != shape.key)
    connection.exec_driver_sql(
        f"UPDATE {table.name} t SET {assignments} FROM {stage} s WHERE t.{shape.key} = s.{shape.key}"
    )
