"""A day's fixes as a GeoParquet 1.1 file: how it is written, in which orders, and what it is checked by."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
import sqlalchemy as sa

from geo.table import Shape

ROW_GROUP = 10_240  # an object's day is then one or two reads: 0.6 MB of 200 MB for a day of 3.3 million fixes
ROW_GROUP_BY_TIME = 20_480  # some ten minutes of such a day
# What a picture of the past does without; together they are a third of a row.
NOT_BY_TIME = ("geom", "fingerprint")
SPILL = "spill"


def schema(history: sa.Table) -> pa.Schema:
    """The Arrow schema of a history's files: its columns in their order, then lon and lat (degrees, float64)."""
    fields = [pa.field(column.name, _arrow_type(column)) for column in history.c]
    return pa.schema([*fields, pa.field("lon", pa.float64()), pa.field("lat", pa.float64())])


def _arrow_type(column: sa.Column[Any]) -> pa.DataType:
    if column.name == "geom":
        return pa.binary()
    for kind, arrow in (
        (sa.DateTime, pa.timestamp("us", "UTC")),
        (sa.SmallInteger, pa.int16()),
        (sa.BigInteger, pa.int64()),
        (sa.Integer, pa.int32()),
        (sa.Float, pa.float64()),
        (sa.Boolean, pa.bool_()),
    ):
        if isinstance(column.type, kind):
            return arrow
    return pa.string()


def points(lon: pa.ChunkedArray, lat: pa.ChunkedArray) -> pa.Array:
    """Points as little-endian WKB (OGC 06-103r4), null where lon is null."""
    count = len(lon)
    wkb = np.zeros(count, dtype=[("order", "u1"), ("kind", "<u4"), ("x", "<f8"), ("y", "<f8")])
    wkb["order"], wkb["kind"] = 1, 1
    wkb["x"], wkb["y"] = lon.to_numpy(zero_copy_only=False), lat.to_numpy(zero_copy_only=False)
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(wkb.itemsize), count, [None, pa.py_buffer(wkb.tobytes())])
    missing = pa.array(np.isnan(wkb["x"]))
    return pc.if_else(missing, pa.scalar(None, pa.binary()), fixed.cast(pa.binary()))


def write(path: Path, shape: Shape, tables: Iterable[pa.Table]) -> int:
    """Write Arrow tables (columns of `schema` but geom, ordered by key and time) as one file on disk; returns its rows.

    Only one row group (ROW_GROUP rows) and one of the tables are held in memory.
    """
    assert shape.history is not None
    target = schema(shape.history)
    held: list[pa.Table] = []
    waiting, total = 0, 0
    west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
    with pq.ParquetWriter(path, target, **_packing(target)) as out:
        for table in tables:
            west, east = _widened(west, east, table["lon"])
            south, north = _widened(south, north, table["lat"])
            whole = table.append_column("geom", points(table["lon"], table["lat"])).select(target.names).cast(target)
            held.append(whole)
            waiting, total = waiting + len(whole), total + len(whole)
            while waiting >= ROW_GROUP:
                joined = pa.concat_tables(held)
                out.write_table(joined.slice(0, ROW_GROUP), row_group_size=ROW_GROUP)
                held, waiting = [joined.slice(ROW_GROUP)], waiting - ROW_GROUP
        if waiting:
            out.write_table(pa.concat_tables(held), row_group_size=ROW_GROUP)
        box = [west, south, east, north] if west <= east else None
        out.add_key_value_metadata({"geo": json.dumps(_metadata(box))})
    sync(path)
    return total


def _packing(target: pa.Schema) -> dict[str, Any]:
    """LZ4, which a track is read from in half zstd's time, and dictionaries only where values repeat: as small so."""
    unique = [f.name for f in target if pa.types.is_timestamp(f.type) or f.type == pa.int64()]
    repeated = [name for name in target.names if name not in {*unique, "geom", "lon", "lat"}]
    return {"compression": "lz4", "use_dictionary": repeated}


def _widened(low: float, high: float, values: pa.ChunkedArray) -> tuple[float, float]:
    found = pc.min_max(values).as_py()
    return (low, high) if found["min"] is None else (min(low, found["min"]), max(high, found["max"]))


def _metadata(box: list[float] | None) -> dict[str, Any]:
    """GeoParquet 1.1's "geo" entry: one column of WKB points in EPSG:4326, lon before lat."""
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": ["Point"]}
    column["crs"] = json.loads(pyproj.CRS.from_epsg(4326).to_json())
    if box is not None:
        column["bbox"] = box
    return {"version": "1.1.0", "primary_column": "geom", "columns": {"geom": column}}


def write_by_time(connection: duckdb.DuckDBPyConnection, path: Path, target: Path) -> None:
    """Write a copy of a file in order of time, for pictures of the past: made from it, and so can be made again."""
    names = pq.read_schema(path).names
    columns = ", ".join(quoted(name) for name in names if name not in NOT_BY_TIME)
    connection.execute(
        f"COPY (SELECT {columns} FROM read_parquet({literal(path)}) ORDER BY observed_at) TO {literal(target)} "
        f"(FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE {ROW_GROUP_BY_TIME})"
    )
    sync(target)


def content(connection: duckdb.DuckDBPyConnection, path: Path, history: sa.Table) -> tuple[int, int]:
    """Rows of a file and the sum of its rows' hashes: what `geo.archive` asks of the table in PostgreSQL's words."""
    text = row_text(history, DUCKDB)
    hashed = f"sum(CAST('0x' || left(md5({text}), 15) AS BIGINT))"
    row = connection.execute(f"SELECT count(*), coalesce({hashed}, 0) FROM read_parquet({literal(path)})").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


# How a value is written for the hash, the same in both databases. Floats, whose text differs between them, as
# millionths: finer than any of our sources.
_FLOAT = "CASE WHEN abs({0}) < 1e12 THEN CAST(floor({0} * 1e6) AS BIGINT)::text ELSE 'far' END"
POSTGRES = {"time": "(extract(epoch FROM {0}) * 1000000)::bigint::text", "lon": "ST_X(geom)", "lat": "ST_Y(geom)"}
DUCKDB = {"time": "epoch_us({0})::text", "lon": "lon", "lat": "lat"}


def row_text(history: sa.Table, words: dict[str, str]) -> str:
    """SQL of one text for a whole row, in the words of either database."""
    parts = [_FLOAT.format(words["lon"]), _FLOAT.format(words["lat"])]
    for column in history.c:
        name = quoted(column.name)
        if column.name == "geom":
            continue
        if isinstance(column.type, sa.DateTime):
            parts.append(words["time"].format(name))
        elif isinstance(column.type, sa.Float):
            parts.append(_FLOAT.format(name))
        elif isinstance(column.type, sa.Boolean):
            parts.append(f"{name}::int::text")
        else:
            parts.append(f"{name}::text")
    return " || '|' || ".join(f"coalesce({part}, '~')" for part in parts)


def duck(spill: Path, memory: str = "1GB") -> duckdb.DuckDBPyConnection:
    """A DuckDB in this process: two threads, bounded memory, what exceeds it in `spill`; nothing is fetched."""
    found = duckdb.connect(config={"threads": 2, "memory_limit": memory, "autoinstall_known_extensions": False})
    found.execute(f"SET temp_directory = {literal(spill)}; SET TimeZone = 'UTC'")
    return found


def literal(value: Path | str) -> str:
    """An SQL literal of a path or text."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def sync(path: Path) -> None:
    """Bring a file (or directory) to the disk itself."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
