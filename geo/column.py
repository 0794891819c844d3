"""Columns between pandas and PostgreSQL: a column's type in a frame, and how a frame is copied in."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa

Dtype = Literal["datetime64[us, UTC]", "float64", "object"]
STAMP: Literal["datetime64[us, UTC]"] = "datetime64[us, UTC]"


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
    # The key has no nulls and stays what it is: a number made a float would no longer read like its own text.
    known = {c.name: frame_dtype(c) for c in table.c if c.name in frame and not c.primary_key}
    return frame.astype({name: kind for name, kind in known.items() if frame[name].dtype != kind})


def empty_columns(columns: Iterable[sa.Column[Any]], length: int) -> dict[str, Any]:
    """All-null columns of `length`, by name."""
    return {column.name: pd.Series([None] * length).astype(frame_dtype(column)).array for column in columns}


def _values(column: sa.Column[Any], series: pd.Series) -> list[Any]:
    values: list[Any] = series.astype(object).where(series.notna(), None).tolist()
    if isinstance(column.type, sa.Integer):
        return [None if value is None else int(value) for value in values]
    return values


def ewkb(lon: Any, lat: Any) -> list[str | None]:
    """Points as hexadecimal EWKB in SRID 4326, None where a coordinate is missing."""
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    encoded = shapely.to_wkb(shapely.set_srid(shapely.points(lon, lat), 4326), hex=True, include_srid=True)
    missing = np.isnan(lon) | np.isnan(lat)
    return [None if gone else text for text, gone in zip(encoded.tolist(), missing.tolist(), strict=True)]


def copy_frame(connection: sa.Connection, target: str, columns: Sequence[sa.Column[Any]], frame: pd.DataFrame) -> None:
    """COPY a frame into a table inside the connection's transaction; `geom` is made from lon and lat."""
    lists = [
        ewkb(frame["lon"], frame["lat"]) if column.name == "geom" else _values(column, frame[column.name])
        for column in columns
    ]
    names = ", ".join(column.name for column in columns)
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY {target} ({names}) FROM STDIN") as copy:
        for row in zip(*lists, strict=True):
            copy.write_row(row)
