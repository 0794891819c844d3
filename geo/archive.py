"""The archive: a closed day's fixes leave PostgreSQL for Parquet files, which count once they are registered."""

import time
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import sqlalchemy as sa

from geo import table
from geo.geoparquet import (
    POSTGRES,
    SPILL,
    content,
    duck,
    quoted,
    row_text,
    schema,
    sha256,
    sync,
    write,
    write_by_time,
)
from geo.register import Part, by_time
from geo.table import Shape

BLOCK_BYTES = 4 << 20
# Shorter than PostgreSQL's deadlock_timeout (1 s): a worker with a late fix for the day never pays for our haste.
LOCK_WAIT_MS, LOCK_TRIES, LOCK_PAUSE_S = 500, 40, 0.5
RETENTION_MONTHS_MIN = 36
TOO_SHORT = (
    "positions are evidence and are kept for at least 36 months (Decree 41/2026 on the fisheries authority's software);"
    " fewer are refused"
)


class ArchiveError(Exception):
    """A day could not be archived; it stays in the table. The message says which and why."""


def partitions(connection: sa.Connection, shape: Shape) -> list[date]:
    """The days that lie in PostgreSQL, oldest first."""
    assert shape.history is not None
    query = sa.text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:name AS regclass)")
    names = connection.scalars(query, {"name": shape.history.name})
    return sorted(datetime.strptime(name[-8:], "%Y%m%d").replace(tzinfo=UTC).date() for name in names)


def close_day(owner: sa.Engine, place: Path, shape: Shape, day: date, now: datetime) -> Part | None:
    """Move one day from its partition to a file of the archive at `place`; None when the day held nothing.

    Whenever this ends, be it by kill -9, the fixes are either in the table or in a registered file, never in both and
    never in neither: registration and drop are one transaction, made after the file is on disk and read back equal.

    Raises:
        ArchiveError: the file differs from the table, or the day is in use; the day stays where it is.
    """
    assert shape.history is not None
    folder = place / shape.history.name / f"day={day}"
    for _ in range(3):  # a late fix may come while the day is copied: then it is copied again
        with owner.connect() as connection:
            number = _next_part(connection, shape, day, folder)
            final = folder / f"part-{number}.parquet"
            folder.mkdir(parents=True, exist_ok=True)
            rows = _export(connection, place, shape, day, final)
        part = describe(place, shape, day, number, final, now) if rows else None
        if _register_and_drop(owner, shape, day, part):
            return part
        _discard(final)
    raise ArchiveError(f"{shape.history.name} {day}: fixes of that day keep coming in; it stays in the table")


def _export(connection: sa.Connection, place: Path, shape: Shape, day: date, final: Path) -> int:
    """Copy a partition to `final` by way of a draft that was read back and found equal; returns its rows."""
    assert shape.history is not None
    source = partition(shape, day)
    draft = final.with_name(final.name + ".tmp")
    with connection.execution_options(isolation_level="REPEATABLE READ").begin():
        hashed = f"sum(('x' || left(md5({row_text(shape.history, POSTGRES)}), 15))::bit(60)::bigint)"
        row = connection.exec_driver_sql(f"SELECT count(*), coalesce({hashed}, 0) FROM {source}").one()
        expected = int(row[0]), int(row[1])
        if not expected[0]:
            return 0
        with closing(_read(connection, shape, source)) as tables:  # a full disk ends the COPY too, not only the writing
            write(draft, shape, tables)
    with duck(place / SPILL) as checker:
        found = content(checker, draft, shape.history)
        if found != expected:
            raise ArchiveError(
                f"{draft}: {found[0]} rows with checksum {found[1]} were read back, the table has {expected[0]} with"
                f" {expected[1]}; the day stays in the table"
            )
        second = by_time(final)
        write_by_time(checker, draft, second.with_name(second.name + ".tmp"))
    second.with_name(second.name + ".tmp").replace(second)
    draft.replace(final)
    for path in (final.parent, final.parent.parent, place):
        sync(path)
    return expected[0]


def _read(connection: sa.Connection, shape: Shape, source: str) -> Generator[pa.Table, None, None]:
    """A partition's rows by key and time as Arrow tables of some BLOCK_BYTES, streamed through COPY."""
    assert shape.history is not None
    target = schema(shape.history)
    kinds = {field.name: field.type for field in target if field.name != "geom"}
    columns = ["ST_X(geom)" if name == "lon" else "ST_Y(geom)" if name == "lat" else _exported(name, kinds[name])
               for name in kinds]  # fmt: skip
    rows = f"SELECT {', '.join(columns)} FROM {source} ORDER BY {quoted(shape.key)}, observed_at"
    with (
        connection.connection.cursor().copy(f"COPY ({rows}) TO STDOUT (FORMAT csv)") as copy,
        pa.PythonFile(_Stream(copy), mode="r") as stream,
    ):
        batches = pacsv.open_csv(
            stream,
            pacsv.ReadOptions(column_names=list(kinds), block_size=BLOCK_BYTES, use_threads=False),
            pacsv.ParseOptions(newlines_in_values=True),
            pacsv.ConvertOptions(
                column_types={n: pa.timestamp("us") if pa.types.is_timestamp(k) else k for n, k in kinds.items()},
                null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
                true_values=["t"], false_values=["f"],
            ),
        )  # fmt: skip
        for batch in batches:
            yield pa.Table.from_batches([batch])


def _exported(name: str, kind: pa.DataType) -> str:
    return f"{quoted(name)} AT TIME ZONE 'UTC'" if pa.types.is_timestamp(kind) else quoted(name)


class _Stream:
    """A COPY as a file that is read from beginning to end."""

    closed = False

    def __init__(self, copy: Any) -> None:
        self._copy, self._held = copy, bytearray()

    def read(self, size: int = -1) -> bytes:
        while (size < 0 or len(self._held) < size) and (row := self._copy.read()):
            self._held += row
        taken = bytes(self._held if size < 0 else self._held[:size])
        del self._held[: len(taken)]
        return taken

    def close(self) -> None:
        self.closed = True


def describe(place: Path, shape: Shape, day: date, number: int, final: Path, now: datetime) -> Part:
    """What the register says of a finished file."""
    assert shape.history is not None
    about = pq.read_metadata(final)
    at = about.schema.names.index("observed_at")
    spans = [about.row_group(group).column(at).statistics for group in range(about.num_row_groups)]
    return Part(
        history=shape.history.name,
        day=day,
        part=number,
        file=str(final.relative_to(place)),
        rows=about.num_rows,
        size_bytes=final.stat().st_size,
        sha256=sha256(final),
        first_at=min(span.min for span in spans),
        last_at=max(span.max for span in spans),
        archived_at=now,
    )


def _register_and_drop(owner: sa.Engine, shape: Shape, day: date, part: Part | None) -> bool:
    """In one transaction: register the file, drop the partition. False when the partition has grown meanwhile."""
    for _ in range(LOCK_TRIES):
        try:
            with owner.begin() as connection:
                return _swap(connection, shape, day, part)
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in ("55P03", "40P01"):  # lock not available, deadlock
                raise
        time.sleep(LOCK_PAUSE_S)
    raise ArchiveError(f"{partition(shape, day)} is in use (a backup?); the day stays in the table until the next run")


def _swap(connection: sa.Connection, shape: Shape, day: date, part: Part | None) -> bool:
    assert shape.history is not None
    source, history = partition(shape, day), quoted(shape.history.name)
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
    # Nobody may add to the day from here on. History is append-only, so an equal count is an equal content.
    connection.exec_driver_sql(f"LOCK TABLE {source} IN SHARE ROW EXCLUSIVE MODE")
    rows = connection.exec_driver_sql(f"SELECT count(*) FROM {source}").scalar_one()
    if rows != (part.rows if part else 0):
        return False
    if part is not None:
        connection.execute(sa.insert(table.archive), [vars(part)])
    # Workers who have made sure of the day's partition hold the history (sql/partition.sql) until they have written.
    connection.exec_driver_sql(f"LOCK TABLE ONLY {history} IN ACCESS EXCLUSIVE MODE")
    connection.exec_driver_sql(f"ALTER TABLE {history} DETACH PARTITION {source}")
    connection.exec_driver_sql(f"DROP TABLE {source}")
    return True


def partition(shape: Shape, day: date) -> str:
    """The quoted name of a day's partition."""
    assert shape.history is not None
    return quoted(f"{shape.history.name}_{day:%Y%m%d}")


def _next_part(connection: sa.Connection, shape: Shape, day: date, folder: Path) -> int:
    assert shape.history is not None
    column = table.archive.c
    query = sa.select(sa.func.max(column.part)).where(column.history == shape.history.name, column.day == day)
    highest = connection.scalar(query) or 0
    connection.rollback()
    number = int(highest) + 1
    while (folder / f"part-{number}.parquet").exists():  # somebody else's: see `sweep`
        number += 1
    return number


def _discard(final: Path) -> None:
    for path in (final, by_time(final)):
        path.unlink(missing_ok=True)


def sweep(connection: sa.Connection, place: Path, shape: Shape) -> tuple[list[Path], list[Path]]:
    """Remove what an interrupted run left behind; returns the files removed, and the unregistered ones left alone.

    A finished file that nobody registered is removed only while its day still has its table: an archive that was put
    beside another database (a restored copy) must not lose its evidence.
    """
    assert shape.history is not None
    column = table.archive.c
    query = sa.select(column.file, column.deleted_at).where(column.history == shape.history.name)
    known = {row.file: row.deleted_at for row in connection.execute(query)}
    live = {f"day={day}" for day in partitions(connection, shape)}
    removed, strange = [], []
    for path in sorted((place / shape.history.name).glob("day=*/*")):
        main = path.with_name(path.name.removesuffix(".tmp").replace(".by-time", ""))
        name = str(main.relative_to(place))
        draft, deleted = path.suffix == ".tmp", known.get(name) is not None
        if draft or deleted or (name not in known and path.parent.name in live):
            path.unlink(missing_ok=True)
            removed.append(path)
        elif name not in known:
            strange.append(path)
    return removed, strange


def expire(owner: sa.Engine, place: Path, shape: Shape, months: int, now: datetime) -> list[Part]:
    """Delete the files of days that ended more than `months` ago, never younger ones; each stays in the register.

    Raises:
        ValueError: fewer months than the law's 36.
    """
    if months < RETENTION_MONTHS_MIN:
        raise ValueError(TOO_SHORT)
    assert shape.history is not None
    column = table.archive.c
    day_limit = sa.cast(sa.literal(now) - sa.func.make_interval(0, months), sa.Date)
    mine = sa.and_(column.history == shape.history.name, column.deleted_at.is_(None), column.day < day_limit)
    statement = sa.update(table.archive).where(mine).values(deleted_at=now)
    with owner.begin() as connection:
        kept = [column[name] for name in Part.__dataclass_fields__]
        gone = [Part(**row) for row in connection.execute(statement.returning(*kept)).mappings()]
    # Killed here, the next run's `sweep` removes what is registered as deleted.
    for part in gone:
        _discard(place / part.file)
    return gone
