"""Columns between pandas and PostgreSQL: a column's type in a frame, and how a frame is copied in."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg
import sqlalchemy as sa
from geoalchemy2 import Geometry
from psycopg import postgres
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from sqlalchemy.dialects.postgresql import JSONB

Dtype = Literal["datetime64[us, UTC]", "float64", "object"]
Field = tuple[npt.NDArray[Any], npt.NDArray[np.int32]]  # one big-endian value a row, and how many of its bytes count
STAMP: Literal["datetime64[us, UTC]"] = "datetime64[us, UTC]"
NULL = np.int32(-1)
# The head and the end of PostgreSQL's binary COPY format ("COPY", section Binary Format).
HEAD, END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
EPOCH = np.datetime64("2000-01-01", "us")  # what PostgreSQL counts its days and microseconds from
# So many rows are sent at once: PostgreSQL stores them while the next ones are laid out, and all fits a cache.
BLOCK_ROWS, BLOCK_BYTES = 8_192, 1 << 25
POINT = np.dtype([("order", "u1"), ("kind", "<u4"), ("srid", "<u4"), ("lon", "<f8"), ("lat", "<f8")])
WKB_POINT_WITH_SRID = 0x20000001


class _TooWide(Exception):
    """The rows take too much room side by side, since one of them is very long."""


def frame_dtype(column: sa.Column[Any]) -> Dtype:
    """The pandas dtype of a column: numbers as float64 (NaN = null), times as UTC stamps, the rest as object."""
    kind = column.type
    if isinstance(kind, sa.DateTime):
        return STAMP
    if isinstance(kind, sa.Integer | sa.Float) and not isinstance(kind, sa.Boolean):
        return "float64"
    return "object"


def conform(frame: pd.DataFrame, table: sa.Table) -> pd.DataFrame:
    """The frame with every column that the table knows in that column's dtype: an all-null column has none of its own.

    Raises:
        ValueError, TypeError: a value that its column cannot hold.
    """
    # Whole numbers and the key, which has no nulls, stay what they are: a float would no longer read like itself.
    known = {c.name: frame_dtype(c) for c in table.c if c.name in frame and not c.primary_key}
    known = {name: kind for name, kind in known.items() if frame[name].dtype.kind != "i"}
    return frame.astype({name: kind for name, kind in known.items() if frame[name].dtype != kind})


def epoch_us(times: pd.Series) -> npt.NDArray[np.int64]:
    """Microseconds since 1970 in UTC; a missing time is the least number of all."""
    return pd.to_datetime(times, utc=True).to_numpy("datetime64[us]").astype(np.int64)


def array_text(values: Iterable[float]) -> str:
    """Numbers as the text of a PostgreSQL array: many times faster than the driver's way through each of them."""
    return "{" + ",".join(map(str, values)) + "}"


def empty_columns(columns: Iterable[sa.Column[Any]], length: int) -> dict[str, Any]:
    """All-null columns of `length`, by name."""
    return {column.name: pd.Series([None] * length).astype(frame_dtype(column)).array for column in columns}


def copy_frame(connection: sa.Connection, target: str, columns: Sequence[sa.Column[Any]], frame: pd.DataFrame) -> None:
    """COPY a frame into a table inside the connection's transaction; `geom` is made from lon and lat (NaN = null).

    A text in a jsonb column is JSON already; other values there are made JSON.

    Raises:
        ValueError, TypeError, OverflowError, psycopg.DataError: a value that its column cannot hold.
    """
    names = ", ".join(column.name for column in columns)
    statement = f"COPY {target} ({names}) FROM STDIN (FORMAT BINARY)"
    with _cursor(connection) as cursor, cursor.copy(statement) as copy:
        copy.write(HEAD)
        for start in range(0, len(frame), BLOCK_ROWS):
            _send(copy.write, columns, frame.iloc[start : start + BLOCK_ROWS])
        copy.write(END)


def read_frame(
    connection: sa.Connection, query: str, columns: Mapping[str, sa.types.TypeEngine[Any]], values: Sequence[Any] = ()
) -> pd.DataFrame:
    """The rows of a query (%s for each of values) in the dtypes of `frame_dtype`; whole numbers of 64 bits as Int64.

    columns: the names and types of what is read of it. Each column travels as one array, of which numbers and times
    are taken as they lie there.
    """
    arrays = ", ".join(_array(name, _read_dtype(kind)) for name, kind in columns.items())
    with _cursor(connection, binary=True) as cursor:
        for name, loader in (("float8", _Numbers), ("timestamptz", _Stamps)):
            cursor.adapters.register_loader(postgres.types[name].array_oid, loader)
        (found,) = cursor.execute(f"WITH found AS ({query}) SELECT {arrays} FROM found", values).fetchall()
    dtypes = map(_read_dtype, columns.values())
    made = (pd.Series([] if got is None else got, dtype=kind) for got, kind in zip(found, dtypes, strict=True))
    return pd.DataFrame(dict(zip(columns, made, strict=True)))


def _read_dtype(kind: sa.types.TypeEngine[Any]) -> str:
    return "Int64" if isinstance(kind, sa.BigInteger) else frame_dtype(sa.Column(kind))


def _array(name: str, dtype: str) -> str:
    """A column as one array; numbers and times without nulls, so that all their elements are of one size."""
    null = {"float64": "'NaN'", STAMP: "'-infinity'"}.get(dtype)
    cast = "::float8" if dtype == "float64" else ""
    return f"array_agg(coalesce({name}{cast}, {null}))" if null else f"array_agg({name})"


class _Numbers(Loader):
    """An array of float8 without nulls: a head of 20 bytes, then of each element its length and itself."""

    format = Format.BINARY

    def load(self, data: Buffer) -> npt.NDArray[Any]:
        """The elements."""
        return np.frombuffer(data, [("length", ">i4"), ("value", ">f8")], offset=20)["value"].astype(float)


class _Stamps(Loader):
    """An array of timestamptz without nulls; -infinity, the least number, is NaT."""

    format = Format.BINARY

    def load(self, data: Buffer) -> pd.DatetimeIndex:
        """The elements."""
        value = np.frombuffer(data, [("length", ">i4"), ("value", ">i8")], offset=20)["value"].astype("m8[us]")
        return pd.DatetimeIndex(EPOCH + value, tz="UTC")


@contextmanager
def _cursor(connection: sa.Connection, binary: bool = False) -> Iterator[Any]:
    """A cursor of the driver itself; that the server is away is told as SQLAlchemy tells it."""
    try:
        with closing(connection.connection.cursor(binary=binary)) as cursor:
            yield cursor
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        kind = sa.exc.OperationalError if isinstance(error, psycopg.OperationalError) else sa.exc.InterfaceError
        raise kind(None, None, error) from error


def _send(write: Callable[[memoryview], None], columns: Sequence[sa.Column[Any]], frame: pd.DataFrame) -> None:
    try:
        write(_rows([_field(column, frame) for column in columns], len(frame)))
    except _TooWide:
        middle = len(frame) // 2
        _send(write, columns, frame.iloc[:middle])
        _send(write, columns, frame.iloc[middle:])


def _rows(fields: Sequence[Field], count: int) -> memoryview:
    """Rows in the binary format: each the number of its fields, then of every field its length and its bytes.

    All rows are laid out at one width; what a shorter or missing value leaves unused is then cut out at once.
    """
    layout = [(f"value{i}", values.dtype) for i, (values, _) in enumerate(fields)]
    heads = [(f"length{i}", ">i4") for i in range(len(fields))]
    row = np.dtype([("count", ">i2"), *(part for pair in zip(heads, layout, strict=True) for part in pair)])
    if count > 1 and row.itemsize * count > BLOCK_BYTES:
        raise _TooWide
    rows = np.empty(count, row)
    rows["count"] = len(fields)
    kept, whole = np.ones(count * row.itemsize, bool), True
    for i, (values, lengths) in enumerate(fields):
        rows[f"value{i}"], rows[f"length{i}"] = values, lengths
        width = values.dtype.itemsize
        if (lengths < width).any():
            whole = False
            occurring, which = np.unique(np.maximum(lengths, 0), return_inverse=True)
            patterns = np.arange(width) < occurring[:, None]
            kept.view(np.uint8).view(row)[f"value{i}"] = patterns.view(np.uint8).view(values.dtype)[which, 0]
    flat = rows.view(np.uint8)
    return (flat if whole else flat[kept]).data


def _field(column: sa.Column[Any], frame: pd.DataFrame) -> Field:
    if isinstance(column.type, Geometry):
        return _points(frame["lon"], frame["lat"])
    series = frame[column.name]
    for kind, make in _FIELDS:
        if isinstance(column.type, kind):
            return make(series)
    raise NotImplementedError(f"{column}: no binary form of {column.type!r}")


def _fixed(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_]) -> Field:
    return values, np.where(missing, NULL, np.int32(values.dtype.itemsize))


def _points(lon: pd.Series, lat: pd.Series) -> Field:
    """Points as PostGIS's extended WKB."""
    points = np.zeros(len(lon), POINT)
    points["order"], points["kind"], points["srid"] = 1, WKB_POINT_WITH_SRID, 4326
    points["lon"], points["lat"] = lon.to_numpy(float), lat.to_numpy(float)
    return _fixed(points, np.isnan(points["lon"]) | np.isnan(points["lat"]))


def _floats(series: pd.Series) -> Field:
    values = series.to_numpy(float, na_value=np.nan)
    return _fixed(values.astype(">f8"), np.isnan(values))


def _integers(size: int) -> Callable[[pd.Series], Field]:
    limit = 1 << (8 * size - 1)

    def make(series: pd.Series) -> Field:
        missing = series.isna().to_numpy()
        known = series.array[~missing].to_numpy()  # without nulls, or it would be made floats
        if known.dtype.kind not in "iuf":
            known = known.astype(np.int64)  # raises OverflowError where it does not fit
        if ((known < -limit) | (known >= limit)).any():
            raise OverflowError(f"{series.name}: a number out of the range of {size} bytes")
        values = np.zeros(len(series), f">i{size}")
        values[~missing] = known.astype(np.int64)
        return _fixed(values, missing)

    return make


def _booleans(series: pd.Series) -> Field:
    known = series.astype("boolean")
    return _fixed(known.to_numpy(np.uint8, na_value=0), known.isna().to_numpy())


def _stamps(series: pd.Series) -> Field:
    times = pd.to_datetime(series, utc=True).to_numpy("datetime64[us]")
    return _fixed((times - EPOCH).astype(np.int64).astype(">i8"), np.isnat(times))


def _days(series: pd.Series) -> Field:
    days = pd.to_datetime(series).to_numpy("datetime64[D]")
    return _fixed((days - EPOCH.astype("datetime64[D]")).astype(np.int64).astype(">i4"), np.isnat(days))


def _texts(series: pd.Series) -> Field:
    codes, distinct = pd.factorize(series)
    if not all(isinstance(value, str) for value in distinct):
        codes, distinct = pd.factorize(series.map(str, na_action="ignore"))
    return _bytes([value.encode() for value in distinct], codes)


def _documents(series: pd.Series) -> Field:
    codes = np.where(series.isna(), -1, np.arange(len(series)))
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in series]
    return _bytes([b"\x01" + text.encode() for text in texts], codes)  # 1 is the version of the format


def _raws(series: pd.Series) -> Field:
    codes, distinct = pd.factorize(series)
    return _bytes(list(distinct), codes)


def _bytes(distinct: Sequence[bytes], codes: npt.NDArray[np.intp]) -> Field:
    """Values of unequal length, given once each, with every row's number among them (-1 = null)."""
    lengths = np.array([*map(len, distinct), NULL], np.int32)
    width = max(1, int(lengths.max()))
    if len(codes) > 1 and width * len(codes) > BLOCK_BYTES:
        raise _TooWide
    return np.array([*distinct, b""], f"S{width}").view(f"V{width}")[codes], lengths[codes]


_FIELDS: Sequence[tuple[type[Any], Callable[[pd.Series], Field]]] = (
    (sa.SmallInteger, _integers(2)),
    (sa.BigInteger, _integers(8)),
    (sa.Integer, _integers(4)),
    (sa.Float, _floats),
    (sa.Boolean, _booleans),
    (sa.DateTime, _stamps),
    (sa.Date, _days),
    (JSONB, _documents),
    (sa.LargeBinary, _raws),
    (sa.String, _texts),
)
