"""The archive's register: which files hold which days; a file that is not in it does not count."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa

from geo import table
from geo.table import Shape

BY_TIME = ".by-time.parquet"


@dataclass(frozen=True)
class Part:
    """One registered file: rows, first and last observed_at (UTC); `file` is relative to the archive's directory."""

    history: str
    day: date
    part: int
    file: str
    rows: int
    size_bytes: int
    sha256: str
    first_at: datetime
    last_at: datetime
    archived_at: datetime


def registered(connection: sa.Connection, shape: Shape, start: datetime, end: datetime) -> list[Part]:
    """The files that hold fixes of [start, end], in order of time."""
    if shape.history is None:
        return []
    column = table.archive.c
    query = (
        sa.select(*[column[name] for name in Part.__dataclass_fields__])
        .where(column.history == shape.history.name, column.deleted_at.is_(None))
        .where(column.first_at <= end, column.last_at >= start)
        .order_by(column.day, column.part)
    )
    return [Part(**row) for row in connection.execute(query).mappings()]


def by_time(path: Path) -> Path:
    """Where the copy of `path` in order of time lies."""
    return path.with_name(path.name.removesuffix(".tmp").removesuffix(".parquet") + BY_TIME)
