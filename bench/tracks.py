"""One vessel's 30-day track and the whole picture at a past minute, out of PostGIS and the archive together."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from bench.report import Report
from geo import table
from geo.archive import describe
from geo.database import engine, upgrade
from geo.geoparquet import SPILL, duck, schema, write, write_by_time
from geo.history import append, ensure_days
from geo.register import by_time
from geo.track import picture, track
from layers.vessel import VESSEL
from run.role import urls
from run.servers import servers

VESSELS, DAYS, RECENT_DAYS = 11_000, 30, 1
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
MMSI = 574_000_000
FILE_BYTES, TABLE_BYTES = 95, 400  # a position at most: in both orders of the archive, and in PostgreSQL with its index
Say = Callable[[str], None]


class SpaceError(Exception):
    """The disk is too small for so many positions."""


@dataclass(frozen=True)
class Sea:
    """The stored positions and how they are read."""

    engine: sa.Engine
    archive: Path
    positions: int


def measure(positions: int, runs: int, keep: Path | None, say: Say) -> Report:
    """Medians over random vessels and minutes, after one question to warm up; `keep`: a directory that stays.

    Raises:
        SpaceError: there is not enough room for the positions.
    """
    per_day = max(1, positions // (VESSELS * DAYS))
    random = np.random.default_rng(3)
    with _directory(positions, keep) as directory, servers(directory / "home", "bench", durable=False) as running:
        addresses = urls(running.postgres)
        upgrade(addresses.owner, [VESSEL])
        owner = engine(addresses.owner)
        sea = _fill(owner, directory / "archive", per_day, say)
        report = Report(
            "tracks",
            f"{sea.positions:,} positions of {VESSELS:,} vessels in {DAYS} days: {RECENT_DAYS} in PostGIS, the others"
            f" in GeoParquet as close_day writes it; medians of {runs} random vessels and minutes after one to warm up",
            ("duckdb", "pyarrow", "sqlalchemy"),
        )
        report.figures["positions"] = sea.positions
        _ask(sea, report, runs, random)
        owner.dispose()
    return report


def _ask(sea: Sea, report: Report, runs: int, random: np.random.Generator) -> None:
    end = FIRST + timedelta(days=DAYS)
    old_minutes, minutes = (DAYS - RECENT_DAYS) * 1440, DAYS * 1440

    def one_track() -> int:
        with sea.engine.connect() as connection:
            key = str(MMSI + int(random.integers(VESSELS)))
            return len(track(connection, sea.archive, VESSEL, key, FIRST, end).fixes)

    def one_picture(low: int, high: int) -> Callable[[], int]:
        def ask() -> int:
            at = FIRST + timedelta(minutes=int(random.integers(low, high)))
            with sea.engine.connect() as connection:
                return len(picture(connection, sea.archive, VESSEL, at).fixes)

        return ask

    contenders = {
        "track of 30 days": one_track,
        "picture at any minute": one_picture(60, minutes),
        "picture, archived day": one_picture(60, old_minutes),
        "picture, day in PostGIS": one_picture(old_minutes + 60, minutes),
    }
    found = {name: [_milliseconds(ask)] for name, ask in contenders.items()}
    for _ in range(runs):
        for name, ask in contenders.items():
            found[name].append(_milliseconds(ask))
    for name, (first, *warm) in found.items():
        report.add(name, "ms", *warm)
        report.add(f"{name}, the first question", "ms", first)
    report.figures["track_30d_ms"] = float(np.median(found["track of 30 days"][1:]))
    report.figures["picture_ms"] = float(np.median(found["picture at any minute"][1:]))


def _milliseconds(ask: Callable[[], int]) -> float:
    began = time.perf_counter()
    if not ask():
        raise AssertionError("nothing was found")
    return (time.perf_counter() - began) * 1000


def _fill(owner: sa.Engine, archive: Path, per_day: int, say: Say) -> Sea:
    random = np.random.default_rng(7)
    with owner.begin() as connection:
        rows = [
            {"mmsi": MMSI + n, "received_at": FIRST, "observed_at": FIRST, "source": "bench"} for n in range(VESSELS)
        ]
        connection.execute(sa.insert(VESSEL.latest), rows)
    for number in range(DAYS):
        began = time.perf_counter()
        fixes = _day(random, FIRST + timedelta(days=number), per_day)
        if number < DAYS - RECENT_DAYS:
            _put_in_archive(owner, archive, fixes, number)
        else:
            _put_in_table(owner, fixes)
        say(f"day {number + 1} of {DAYS}: {len(fixes):,} positions in {time.perf_counter() - began:.1f} s")
    with owner.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
    return Sea(owner, archive, VESSELS * per_day * DAYS)


def _put_in_archive(owner: sa.Engine, archive: Path, fixes: pa.Table, number: int) -> None:
    assert VESSEL.history is not None
    day = (FIRST + timedelta(days=number)).date()
    final = archive / VESSEL.history.name / f"day={day}" / "part-1.parquet"
    final.parent.mkdir(parents=True)
    write(final, VESSEL, [fixes])
    with duck(archive / SPILL) as connection:
        write_by_time(connection, final, by_time(final))
    part = describe(archive, VESSEL, day, 1, final, FIRST)
    with owner.begin() as connection:
        connection.execute(sa.insert(table.archive), [vars(part)])


def _put_in_table(owner: sa.Engine, fixes: pa.Table) -> None:
    """By the worker's own way in, in the order in which positions come."""
    ordered = fixes.sort_by("observed_at")
    for begin in range(0, len(ordered), 200_000):
        frame = ordered.slice(begin, 200_000).to_pandas()
        with owner.begin() as connection:
            ensure_days(connection, VESSEL, frame)
            append(connection, VESSEL, frame)


def _day(random: np.random.Generator, start: datetime, per_day: int) -> pa.Table:
    """A day of every vessel by key and time: each walks about from a place of its own, one fix a slot."""
    assert VESSEL.history is not None
    count, slot_us = VESSELS * per_day, 86_400_000_000 // per_day
    at = int(start.timestamp()) * 1_000_000 + np.tile(np.arange(per_day) * slot_us, VESSELS)
    stamps = pa.array(at + random.integers(0, slot_us, count), pa.timestamp("us", "UTC"))
    steps = random.normal(0, 2e-4, (2, VESSELS, per_day)).cumsum(axis=2)
    values = {
        "mmsi": np.repeat(MMSI + np.arange(VESSELS), per_day),
        "observed_at": stamps,
        "received_at": stamps,
        "source": pa.repeat("ais.bench", count),
        "simulated": pa.repeat(True, count),
        "speed": random.uniform(0, 20, count).round(1),
        "course": random.uniform(0, 360, count).round(1),
        "heading": random.integers(0, 360, count),
        "turn": random.integers(-20, 20, count).astype(float),
        "status": random.integers(0, 8, count),
        "accuracy": random.random(count) < 0.5,
        "msg_type": pa.repeat(1, count),
        "fingerprint": random.integers(-(2**62), 2**62, count),
        "anomaly": pa.repeat(0, count),
        "lon": (random.uniform(105, 112, (VESSELS, 1)) + steps[0]).round(6).ravel(),
        "lat": (random.uniform(8, 20, (VESSELS, 1)) + steps[1]).round(6).ravel(),
    }
    target = pa.schema([field for field in schema(VESSEL.history) if field.name != "geom"])
    columns = [pa.array(values[f.name]).cast(f.type) if f.name in values else pa.nulls(count, f.type) for f in target]
    return pa.table(columns, schema=target)


@contextmanager
def _directory(positions: int, keep: Path | None) -> Iterator[Path]:
    # Not below a private directory: as root, the servers run as another user, who must reach it.
    directory = Path(tempfile.mkdtemp(prefix="haidang-tracks-")) if keep is None else keep / "haidang-tracks"
    directory.mkdir(parents=True, exist_ok=keep is None)
    directory.chmod(0o755)
    try:
        needed = positions * FILE_BYTES + positions // DAYS * RECENT_DAYS * TABLE_BYTES
        free = shutil.disk_usage(directory).free
        if free < needed:
            raise SpaceError(
                f"{positions:,} positions need {needed / 1e9:.1f} GB in {directory}, but {free / 1e9:.1f} are free:"
                " give --positions fewer, or set TMPDIR to a larger disk"
            )
        yield directory
    finally:
        if keep is None:
            shutil.rmtree(directory, ignore_errors=True)
