"""Reading the past: an object's track, and everybody's last fix at a moment, from PostgreSQL and the archive alike."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from geo.anomaly import counted, counts
from geo.column import STAMP
from geo.feature import UnknownKey, geojson, parse_key
from geo.register import Part, by_time, registered
from geo.rowgroup import rows
from geo.table import Shape

LOOK_BACK = timedelta(hours=1)  # how far back a past moment's picture looks for each object's last fix
TRACK_POINTS_MAX = 5_000
TRIES = 5


@dataclass(frozen=True)
class Past:
    """Fixes: the history's columns without geom, then lon and lat; and what could not be read, in words."""

    fixes: pd.DataFrame
    missing: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """The fixes as one dict each, with None for what is not known."""
        frame = self.fixes.astype(object)
        return [dict(zip(frame.columns, row, strict=True)) for row in frame.where(frame.notna(), None).to_numpy()]

    def geojson(self, shape: Shape) -> dict[str, Any]:
        """As a GeoJSON FeatureCollection (RFC 7946); what is missing stands beside the features."""
        found: dict[str, Any] = {"type": "FeatureCollection", "features": [geojson(shape, row) for row in self.rows()]}
        return {**found, "missing": list(self.missing)} if self.missing else found


def track(connection: sa.Connection, archive: Path, shape: Shape, key: str, start: datetime, end: datetime) -> Past:
    """One object's fixes in [start, end] in time order, from PostgreSQL and from the archive's files.

    More than TRACK_POINTS_MAX are thinned evenly; the first and the last always stay.
    """
    past = every_fix(connection, archive, shape, key, start, end)
    fixes = past.fixes
    step = -(-len(fixes) // TRACK_POINTS_MAX) or 1
    if step > 1:
        fixes = pd.concat([fixes.iloc[:-1:step], fixes.iloc[-1:]], ignore_index=True)
    return Past(fixes, past.missing)


def every_fix(connection: sa.Connection, archive: Path, shape: Shape, key: str, start: datetime, end: datetime) -> Past:
    """All of one object's fixes in [start, end], in time order, from PostgreSQL and from the archive's files."""
    table = shape.history
    try:
        value = parse_key(shape, key)
    except UnknownKey:
        return Past(_frame(shape, []))
    if table is None:
        return Past(_frame(shape, []))
    query = sa.select(*_columns(shape)).where(
        table.c[shape.key] == value, table.c.observed_at.between(start, end), table.c.geom.is_not(None)
    )
    files, recent = _settled(connection, shape, start, end, query)
    old, missing = read_parts(archive, files, shape.key, value, value)
    if old is not None:
        at = old["observed_at"]
        old = old.filter(pc.and_(pc.greater_equal(at, start), pc.less_equal(at, end)))
    fixes = _merged(shape, recent, old).sort_values("observed_at", kind="stable", ignore_index=True)
    return Past(fixes, missing)


def picture(
    connection: sa.Connection,
    archive: Path,
    shape: Shape,
    at: datetime,
    bbox: Sequence[float] | None = None,
    look_back: timedelta = LOOK_BACK,
) -> Past:
    """Each object's last fix in [at - look_back, at]; of those, the ones in bbox (west, south, east, north).

    An object that has left the box was not in it then, so the box comes after the choice of the last fix.
    """
    table = shape.history
    if table is None:
        return Past(_frame(shape, []))
    start = at - look_back
    files, recent = _settled(connection, shape, start, at, _last_fixes(shape, start, at))
    old, missing = read_parts(archive, files, "observed_at", start, at)
    if old is not None:  # PostgreSQL has chosen already
        old = _counted(old)
        order = old.select([shape.key, "observed_at"]).to_pandas().sort_values("observed_at", kind="stable")
        old = old.combine_chunks().take(order.drop_duplicates(shape.key, keep="last").index.to_numpy())
    fixes = _merged(shape, recent, old)
    if old is not None and len(recent):
        fixes = fixes.sort_values("observed_at", kind="stable").drop_duplicates(
            shape.key, keep="last", ignore_index=True
        )
    if bbox is not None:
        west, south, east, north = bbox
        lon = fixes["lon"]
        inside = lon.between(west, east) if west <= east else (lon >= west) | (lon <= east)  # RFC 7946 section 5.2
        fixes = fixes[inside & fixes["lat"].between(south, north)].reset_index(drop=True)
    return Past(fixes, missing)


def _counted(fixes: pa.Table) -> pa.Table:
    return fixes.filter(pa.array(counts(fixes["anomaly"].to_numpy()))) if "anomaly" in fixes.column_names else fixes


def _last_fixes(shape: Shape, start: datetime, at: datetime) -> sa.Select[Any]:
    """The last fix of each known object in [start, at]: one step down the key-and-time index an object."""
    table = shape.history
    assert table is not None
    own = table.c[shape.key] == shape.latest.c[shape.key]
    last = (
        sa.select(table)
        .where(own, table.c.observed_at.between(start, at), table.c.geom.is_not(None), counted(table))
        .order_by(table.c.observed_at.desc())
        .limit(1)
        .lateral("last")
    )
    return sa.select(*_columns(shape, last)).select_from(shape.latest.join(last, sa.true()))


def _columns(shape: Shape, source: Any = None) -> list[Any]:
    source = shape.history if source is None else source
    plain = [column for column in source.c if column.name != "geom"]
    return [*plain, sa.func.ST_X(source.c.geom).label("lon"), sa.func.ST_Y(source.c.geom).label("lat")]


def _names(shape: Shape) -> list[str]:
    return [*(name for name in shape.fix_columns() if name != "geom"), "lon", "lat"]


def _frame(shape: Shape, rows: Sequence[Any]) -> pd.DataFrame:
    # As objects: a column of numbers with a null in it would become one of floats. And tuples, since pandas looks at
    # each of SQLAlchemy's own rows for what it might be: half the time of a picture.
    frame = pd.DataFrame([tuple(row) for row in rows], columns=_names(shape), dtype=object)
    assert shape.history is not None
    stamps = [column.name for column in shape.history.c if isinstance(column.type, sa.DateTime)]
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True).astype(STAMP) for name in stamps})


def _settled(
    connection: sa.Connection, shape: Shape, start: datetime, end: datetime, query: sa.Select[Any]
) -> tuple[list[Part], pd.DataFrame]:
    """The registered files of a span and the query's rows, both of one state of the archive.

    A day that moves to the archive between the two questions would be seen twice or not at all: then both are asked
    again.
    """
    files = registered(connection, shape, start, end)
    for _ in range(TRIES):
        rows = connection.execute(query).fetchall()
        before, files = files, registered(connection, shape, start, end)
        if files == before:
            break
    return files, _frame(shape, rows)


def _merged(shape: Shape, recent: pd.DataFrame, old: pa.Table | None) -> pd.DataFrame:
    if old is None or not len(old):
        return recent
    frame: pd.DataFrame = old.to_pandas(integer_object_nulls=True).reindex(columns=_names(shape))
    return pd.concat([frame, recent], ignore_index=True) if len(recent) else frame


def read_parts(
    archive: Path, parts: list[Part], column: str, low: Any, high: Any, wanted: Collection[str] | None = None
) -> tuple[pa.Table | None, tuple[str, ...]]:
    """Rows of the registered files with `column` in [low, high], and which files could not be read, in words.

    wanted: the columns, as geo.rowgroup has them.
    """
    found, missing = [], []
    for part in parts:
        path = archive / part.file
        fault = _fault(path, part)
        if fault:
            missing.append(fault)
            continue
        ordered = by_time(path)
        try:
            found.append(
                rows(ordered if column == "observed_at" and ordered.exists() else path, column, low, high, wanted)
            )
        except (OSError, pa.ArrowException) as error:
            missing.append(f"{path}: cannot be read ({str(error).splitlines()[0]})")
    # A file may have been written before a column was there.
    return pa.concat_tables(found, promote_options="default") if found else None, tuple(missing)


def _fault(path: Path, part: Part) -> str | None:
    try:
        size = path.stat().st_size
    except OSError as error:
        return f"{path}: {part.rows} fixes of {part.day} are missing ({error.strerror})"
    if size != part.size_bytes:
        return f"{path}: {part.rows} fixes of {part.day} are missing ({size} bytes instead of {part.size_bytes})"
    return None
