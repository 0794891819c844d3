"""Positions into PostGIS: the history's own way in, beside SQLAlchemy Core's executemany into the same tables."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from geoalchemy2 import WKTElement

from bench.report import Report
from geo import history
from geo.column import STAMP, conform, copy_frame
from geo.database import engine, upgrade
from geo.table import Shape
from layers.vessel import VESSEL
from run.role import urls
from run.servers import servers

assert VESSEL.history is not None
HISTORY = VESSEL.history
BARE = HISTORY.to_metadata(sa.MetaData(), name="bare_history")
VESSELS, BATCH_ROWS, BATCHES, PEER_BATCHES = 11_000, 20_000, 10, 2


def fixes(rows: int, seed: int) -> pd.DataFrame:
    """Class A positions of many vessels as a worker has them decoded, in the order heard, about a second's worth."""
    random = np.random.default_rng(seed)
    start = pd.Timestamp.now("UTC").floor("D") + pd.Timedelta(seconds=seed)
    frame = pd.DataFrame(
        {
            "mmsi": 200_000_000 + random.integers(0, VESSELS, rows) * 37,
            "observed_at": (start + pd.to_timedelta(np.sort(random.random(rows)), "s")).astype(STAMP),
            "received_at": (start + pd.Timedelta(seconds=1)).as_unit("us"),
            "lon": random.uniform(-180, 180, rows).round(6),
            "lat": random.uniform(-80, 80, rows).round(6),
            "source": "ais.bench",
            "simulated": True,
            "speed": random.uniform(0, 20, rows).round(1),
            "course": random.uniform(0, 360, rows).round(1),
            "heading": np.where(random.random(rows) < 0.3, np.nan, random.integers(0, 360, rows)),
            "turn": np.where(random.random(rows) < 0.5, np.nan, 0.0),
            "status": 0.0,
            "accuracy": random.random(rows) < 0.5,
            "msg_type": 1.0,
            "fingerprint": random.integers(-(2**63), 2**63 - 1, rows),
            "anomaly": 0.0,
            "track": 0.0,
        }
    )
    return conform(frame, VESSEL.latest)


def dictionaries(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The same rows as SQLAlchemy takes them; made before the clock runs."""
    plain = frame.drop(columns=["lon", "lat"]).astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    places = zip(frame["lon"], frame["lat"], strict=True)
    return [
        {**{str(name): value for name, value in row.items()}, "geom": WKTElement(f"POINT({lon} {lat})", srid=4326)}
        for row, (lon, lat) in zip(rows, places, strict=True)
    ]


def measure(runs: int) -> Report:
    """Each contender in turn, `runs` times; the tables are emptied before each."""
    batches = [fixes(BATCH_ROWS, seed) for seed in range(BATCHES)]
    given = [dictionaries(frame) for frame in batches[:PEER_BATCHES]]
    report = Report(
        "history",
        f"made-up positions of {VESSELS:,} vessels, in the columns of {HISTORY.name}; batches of {BATCH_ROWS:,} rows,"
        f" {BATCHES} of ours and {PEER_BATCHES} of the peer's, a transaction each; bulk: as many rows in one, into"
        " a table of the same columns without the index",
        ("sqlalchemy", "psycopg", "numpy", "pandas"),
    )
    contenders: dict[str, tuple[Callable[[sa.Connection, Any], object], Sequence[Any]]] = {
        "Hải Đăng, with the (mmsi, observed_at) index": (_append, batches),
        "SQLAlchemy Core executemany, with it": (partial(_executemany, HISTORY), given),
        "Hải Đăng, without the index (bulk)": (_bulk, [pd.concat(batches)]),
        "SQLAlchemy Core executemany, without it": (partial(_executemany, BARE), [list(chain(*given))]),
    }
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory(prefix="haidang-bench-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        with servers(Path(home), "bench") as running:
            report.versions["postgresql"] = running.postgres.title
            owner = engine(urls(running.postgres).owner)
            _make(urls(running.postgres).owner, owner, VESSEL, batches[0])
            for _ in range(runs):
                for name, (store, work) in contenders.items():
                    speeds[name].append(_run(owner, store, work))
            owner.dispose()
    mine, peer, bulk, bare = (report.add(name, "rows/s", *found).median for name, found in speeds.items())
    report.ratios = {"vs_executemany": mine / peer, "bulk_vs_executemany": bulk / bare}
    report.figures = {"rows_per_s": mine, "bulk_rows_per_s": bulk}
    return report


def _make(url: str, owner: sa.Engine, shape: Shape, frame: pd.DataFrame) -> None:
    upgrade(url, (shape,))
    with owner.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {BARE.name} (LIKE {HISTORY.name})")
        history.ensure_days(connection, shape, frame)


def _run(owner: sa.Engine, store: Callable[[sa.Connection, Any], object], work: Sequence[Any]) -> float:
    """Rows a second, commits included."""
    with owner.connect() as connection:
        with connection.begin():
            connection.exec_driver_sql(f"TRUNCATE {HISTORY.name}, {BARE.name}")
        began = time.perf_counter()
        for batch in work:
            with connection.begin():
                store(connection, batch)
        return sum(map(len, work)) / (time.perf_counter() - began)


def _append(connection: sa.Connection, frame: pd.DataFrame) -> None:
    history.append(connection, VESSEL, frame)


def _bulk(connection: sa.Connection, frame: pd.DataFrame) -> None:
    copy_frame(connection, BARE.name, list(BARE.c), frame)


def _executemany(target: sa.Table, connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(sa.insert(target), rows)
