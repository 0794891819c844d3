"""Latest state: lock the rows of a batch in key order, then merge what is newer into them in one statement."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from geo.column import array_text, copy_frame, epoch_us, read_frame
from geo.table import Shape

# What every reading of the latest state tells, besides the columns that were asked for.
ALWAYS = ("observed_at", "received_at", "source", "simulated")


def lock(
    connection: sa.Connection,
    shape: Shape,
    keys: npt.NDArray[Any],
    source: str,
    now: datetime,
    columns: Iterable[str] = (),
) -> pd.DataFrame:
    """The before-state of the keys, indexed by key and in its order, locked until the transaction ends.

    Returns the key, lon, lat, ALWAYS and `columns`. A key that is new gets an empty row, so that two workers that
    hear one new boat meet there.
    """
    wanted = np.unique(keys.astype(np.int64) if shape.key_is_number else keys).tolist()
    known: set[Any] = connection.info.setdefault(f"known {shape.name}", set())
    names = _names(shape, columns)
    query = (
        f"SELECT {', '.join(names)}, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM {shape.name}"
        f" WHERE {shape.key} = ANY(%s::{_key_type(shape)}[]) ORDER BY {shape.key} FOR NO KEY UPDATE"
    )
    new = [key for key in wanted if key not in known]
    while True:
        # New rows first and the locks after them, each in key order: else two workers could wait in a ring.
        if new:
            _insert(connection, shape, new, source, now)
        before = read_frame(connection, query, _types(shape, names), [_array(shape, wanted)])
        if len(before) == len(wanted):
            known.update(new)
            return _indexed(shape, before)
        # The insertion that this connection remembers was rolled back, or the row removed since.
        new = sorted(set(wanted) - set(before[shape.key]))


def _insert(connection: sa.Connection, shape: Shape, keys: list[Any], source: str, now: datetime) -> None:
    connection.exec_driver_sql(
        f"INSERT INTO {shape.name} ({shape.key}, received_at, source)"
        f" SELECT unnest(%s::{_key_type(shape)}[]), %s, %s ON CONFLICT DO NOTHING",
        (_array(shape, keys), now, source),
    )


def fixes(shape: Shape, frame: pd.DataFrame) -> pd.Series:
    """Which rows are fixes or observations (and so go into the history): for moving things those with a position."""
    return frame["lon"].notna() if shape.kind == "moving" else pd.Series(True, index=frame.index)


def write(connection: sa.Connection, shape: Shape, frame: pd.DataFrame, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Merge a frame (sorted by time) into the locked rows of its keys; returns their after-state, as `lock` does.

    A fix replaces the fix columns as a whole where it is not older than the one there; a description column keeps its
    last known value, or its greatest where it is declared with info={"greatest": True}: what comes late must not set it
    back.
    """
    described = _described(shape, frame)
    staged = _newest(shape, frame, described)
    stage = f"stage_{shape.name}"
    create = f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} (LIKE {shape.name}) ON COMMIT DELETE ROWS"
    connection.exec_driver_sql(create)
    connection.exec_driver_sql(f"DELETE FROM {stage}")  # of an earlier part of this transaction
    carried = [column for column in shape.latest.c if column.name in staged or column.name == "geom"]
    copy_frame(connection, stage, carried, staged)
    names = _names(shape, columns)
    told = ", ".join(f"t.{name}" for name in names)
    update = (
        f"UPDATE {shape.name} t SET {_merged(shape, staged, described)} FROM {stage} s"
        f" WHERE t.{shape.key} = s.{shape.key} RETURNING {told}, ST_X(t.geom) AS lon, ST_Y(t.geom) AS lat"
    )
    return _indexed(shape, read_frame(connection, update, _types(shape, names)).sort_values(shape.key))


def _array(shape: Shape, keys: list[Any]) -> Any:
    return array_text(keys) if shape.key_is_number else keys


def _key_type(shape: Shape) -> str:
    return "bigint" if shape.key_is_number else "text"


def _indexed(shape: Shape, frame: pd.DataFrame) -> pd.DataFrame:
    if shape.key_is_number:
        frame = frame.astype({shape.key: "int64"})
    return frame.set_index(shape.key, drop=False)


def _names(shape: Shape, columns: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys((shape.key, *ALWAYS, *columns)) if name in shape.latest.c]


def _types(shape: Shape, names: Iterable[str]) -> dict[str, sa.types.TypeEngine[Any]]:
    return {name: shape.latest.c[name].type for name in names} | {"lon": sa.Float(), "lat": sa.Float()}


def _described(shape: Shape, frame: pd.DataFrame) -> list[str]:
    """The description columns of which the frame knows anything."""
    other = {*shape.fix_columns(), *ALWAYS, "geom", shape.key, "described_at"}
    return [c.name for c in shape.latest.c if c.name not in other and c.name in frame and frame[c.name].notna().any()]


def _newest(shape: Shape, frame: pd.DataFrame, described: list[str]) -> pd.DataFrame:
    """One row a key: of its newest fix the fix columns, and of each description column the last known value.

    observed_at is null where a key has no fix (its fix columns then mean nothing), described_at where it has no
    description.
    """
    codes, keys = pd.factorize(frame[shape.key])

    def last(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
        """By key the last of these rows, or -1: of equal indices that are assigned to, the last one wins."""
        found = np.full(len(keys), -1)
        found[codes[rows]] = np.flatnonzero(rows)
        return found

    fixed = last(fixes(shape, frame).to_numpy())
    names = dict.fromkeys((*shape.fix_columns(), "lon", "lat", "source", "simulated"))
    fresh = frame[[name for name in names if name in frame]].take(np.maximum(fixed, 0))
    staged: dict[str, Any] = {str(name): fresh[name].array for name in fresh}
    staged[shape.key] = keys
    staged["observed_at"] = frame["observed_at"].array.take(fixed, allow_fill=True)
    staged["received_at"] = frame["received_at"].groupby(codes).max().array
    if described:
        known = frame[described].notna().to_numpy(bool)
        staged |= {name: frame[name].array.take(last(known[:, i]), allow_fill=True) for i, name in enumerate(described)}
        telling = last(np.asarray(known.any(axis=1)))
        staged["described_at"] = frame["observed_at"].array.take(telling, allow_fill=True)
        # A thing that was only described so far still tells where its record came from.
        origin = frame[["source", "simulated"]].take(np.where(telling < 0, np.maximum(fixed, 0), telling))
        staged |= {str(name): origin[name].array for name in origin}
    return pd.DataFrame(staged)


def _merged(shape: Shape, staged: pd.DataFrame, described: list[str]) -> str:
    """The assignments of the one UPDATE, from the stage `s` to the table `t`."""
    newer = "s.observed_at >= coalesce(t.observed_at, '-infinity')"  # null, which is not true, without a fix
    given = {name: f"s.{name}" if name in staged else "NULL" for name in shape.fix_columns()}
    given |= {"observed_at": "s.observed_at", "geom": "coalesce(s.geom, t.geom)"}
    for name in (shape.key, "received_at", "source", "simulated"):
        given.pop(name, None)
    sets = {name: f"CASE WHEN {newer} THEN {value} ELSE t.{name} END" for name, value in given.items()}
    sets["received_at"] = "s.received_at"
    told = newer
    if described:
        sets |= {name: f"coalesce(s.{name}, t.{name})" for name in (*described, "described_at")}
        rising = [name for name in described if shape.latest.c[name].info.get("greatest")]
        sets |= {name: f"greatest(s.{name}, t.{name})" for name in rising}  # which passes nulls over
        told += " OR s.described_at IS NOT NULL"
    sets |= {name: f"CASE WHEN {told} THEN s.{name} ELSE t.{name} END" for name in ("source", "simulated")}
    return ", ".join(f"{name} = {value}" for name, value in sets.items())


def within(
    connection: sa.Connection,
    shape: Shape,
    box: tuple[float, float, float, float],
    since: datetime,
    columns: Iterable[str],
) -> pd.DataFrame:
    """Last positions since a moment in a box (west, south, east, north): lon, lat, at (microseconds since 1970) and
    `columns`, indexed by the key as text; not locked.
    """
    names = [name for name in dict.fromkeys((shape.key, "observed_at", *columns)) if name in shape.latest.c]
    query = (
        f"SELECT {', '.join(names)}, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM {shape.name}"
        " WHERE geom && ST_MakeEnvelope(%s, %s, %s, %s, 4326) AND observed_at >= %s"
    )
    found = read_frame(connection, query, _types(shape, names), [*map(float, box), since])
    found = found.assign(at=epoch_us(found["observed_at"]))
    return found.set_index(found[shape.key].astype(str))


def standing(
    connection: sa.Connection, shape: Shape, keys: Iterable[Any], columns: Iterable[str], locked: bool = True
) -> pd.DataFrame:
    """The latest state of the keys that have a position, as `lock` returns it and locked as there."""
    names = _names(shape, columns)
    query = (
        f"SELECT {', '.join(names)}, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM {shape.name}"
        f" WHERE {shape.key} = ANY(%s::{_key_type(shape)}[]) AND geom IS NOT NULL AND observed_at IS NOT NULL"
        f" ORDER BY {shape.key}{' FOR NO KEY UPDATE' if locked else ''}"
    )
    return _indexed(shape, read_frame(connection, query, _types(shape, names), [_array(shape, sorted(keys))]))
