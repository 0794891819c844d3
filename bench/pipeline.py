"""The whole path from a stream's entries to committed rows, alarms and hints, beside pyais with SQLAlchemy."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import redis
import shapely
import sqlalchemy as sa
from geoalchemy2 import WKTElement
from pyais.stream import IterMessages
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Session

from bench.capture import capture
from bench.report import Report
from geo.actor import SYSTEM
from geo.database import engine, upgrade
from geo.fence import Fence, put_fences
from geo.rule import Rule, put_rules
from geo.table import layered
from ingest.ais import AIS
from ingest.feed import Lane, Source
from ingest.offline import open_capture
from ingest.sentence import NmeaFramer
from ingest.stream import Writer
from ingest.worker import Worker
from layers.vessel import LAYER
from run.role import make_database, urls
from run.servers import Servers, servers

assert LAYER.shape.history is not None
HISTORY, LATEST = LAYER.shape.history, LAYER.shape.latest
FENCES, RULES, VESSELS = 500, 30, 11_000
BATCH_BYTES = 1 << 20  # a receiver's largest batch; the worker joins what waits to portions of 2 MiB
EXECUTEMANY_ROWS, EXECUTEMANY_BATCHES, ORM_ROWS = 10_000, 4, 1_500


def areas(number: int, seed: int = 7) -> list[Any]:
    """Star-shaped polygons of 50 to 2,000 vertices around the world's sea lanes, from a seed."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(number):
        corners = int(random.integers(50, 2001))
        angle = np.sort(random.uniform(0, 2 * np.pi, corners))
        radius = random.uniform(0.05, 0.6) * random.uniform(0.7, 1.0, corners)
        centre = random.uniform((103, 6), (115, 22))
        made.append(shapely.Polygon(centre + np.c_[np.cos(angle), np.sin(angle)] * radius[:, None]).buffer(0))
    return made


@dataclass
class Ground:
    """Running servers, and a fresh database of the newest schema with fences and rules for each run."""

    servers: Servers
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def make_template(self) -> None:
        """The schema, 500 fences and 30 rules, once."""
        make_database(self.servers.postgres, "bench_template")
        owner_url = urls(self.servers.postgres, "bench_template").owner
        upgrade(owner_url, (LAYER.shape,))
        owner = engine(owner_url)
        with owner.begin() as connection:
            fences = [Fence(f"f{n}", "area", f"Khu {n}", f"Area {n}", area) for n, area in enumerate(areas(FENCES))]
            put_fences(connection, fences, SYSTEM)
            rules = [
                Rule(f"r{n}", "inside", "vessel", f"Vào {n}", f"In {n}", "low", f"f{n}", 60.0, {"ship_type": (30, 31)})
                for n in range(RULES)
            ]
            put_rules(connection, rules, SYSTEM)
        owner.dispose()

    @contextmanager
    def database(self) -> Iterator[sa.Engine]:
        """The ingest role's engine on a fresh database, dropped afterwards."""
        name = f"bench_{next(self._numbers)}"
        with self.servers.postgres.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE bench_template OWNER haidang_owner")
        found = engine(urls(self.servers.postgres, name).ingest)
        try:
            yield found
        finally:
            found.dispose()
            with self.servers.postgres.connect() as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def measure(data: str | None, sentences: int, runs: int) -> Report:
    """Each contender in turn, `runs` times, each on a fresh database; ours on `sentences` sentences."""
    raw = _load(data) if data else _world(sentences)
    lines = raw.count(b"\n")
    report = Report(
        "pipeline",
        f"{data or f'a made-up world of {VESSELS:,} vessels'}, {lines:,} sentences; {FENCES} fences, {RULES} rules;"
        f" entries of {BATCH_BYTES >> 20} MiB; executemany in {EXECUTEMANY_ROWS:,} rows, ORM {ORM_ROWS:,} rows",
        ("pyais", "sqlalchemy", "psycopg", "numpy", "pandas", "shapely", "redis"),
    )
    with tempfile.TemporaryDirectory(prefix="haidang-bench-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        with servers(Path(home), "bench") as running:
            ground = Ground(running)
            ground.make_template()
            report.versions["postgresql"] = running.postgres.title
            contenders: dict[str, Callable[[Ground, bytes], float]] = {
                "Hải Đăng, the whole path": ours,
                "pyais + Core executemany, history and latest only": executemany,
                "pyais + ORM, a commit per row, history and latest only": orm_rows,
            }
            speeds: dict[str, list[float]] = {name: [] for name in contenders}
            for _ in range(runs):
                for name, contender in contenders.items():
                    speeds[name].append(contender(ground, raw))
            mine, many, orm = (
                report.add(name, "sentences/s" if name == next(iter(contenders)) else "messages/s", *found).median
                for name, found in speeds.items()
            )
    report.ratios = {"vs_executemany": mine / many, "vs_orm_row": mine / orm}
    report.figures = {"sentences_per_s": mine}
    return report


def _load(data: str) -> bytes:
    with open_capture(data) as stream:
        return stream.read()


def _world(sentences: int) -> bytes:
    """A made-up world in which every vessel is heard every ten seconds, until now."""
    return capture(sentences, VESSELS, start=time.time() - 10 * sentences / VESSELS)


def ours(ground: Ground, raw: bytes) -> float:
    """Sentences a second from the stream's entries to the last one acknowledged: everything a worker does."""
    lane = Lane(Source("ais.bench", "udp://127.0.0.1:1", AIS), LAYER.shape, LAYER.style.label, LAYER.style.columns())
    with ground.database() as database, redis.Redis.from_url(ground.servers.redis.url) as client:
        client.flushall()
        writer, framer = Writer(client, lane.source, "bench"), NmeaFramer()
        worker = Worker((lane,), database, client)
        with database.connect() as connection:
            for line in AIS.sample():  # the fences' index and the like are made once, not for each batch
                framer.feed(line + b"\n", 0.0)
            writer.add(framer.take())
            while not worker.turn(connection):
                pass
            entries = sent = 0
            for at in range(0, len(raw), BATCH_BYTES):
                framer.feed(raw[at : at + BATCH_BYTES], 0.0)
                sent += len(framer.ready.lines)
                entries += bool(framer.ready)
                writer.add(framer.take())
            began = time.perf_counter()
            while entries > 0:
                entries -= worker.turn(connection)
            return sent / (time.perf_counter() - began)


def executemany(ground: Ground, raw: bytes) -> float:
    """Messages a second of pyais's stream reader and Core's executemany: history and latest, no fences, no rules."""
    with ground.database() as database:
        with database.begin() as connection:
            ensure_today(connection)
        rows = _rows(raw)
        newest = insert(LATEST)
        fix = {name: newest.excluded[name] for name in next(_rows(raw)) if name != "mmsi"}
        newest = newest.on_conflict_do_update(index_elements=["mmsi"], set_=fix)
        began = time.perf_counter()
        for _ in range(EXECUTEMANY_BATCHES):
            batch = list(islice(rows, EXECUTEMANY_ROWS))
            with database.begin() as connection:
                connection.execute(sa.insert(HISTORY), batch)
                connection.execute(newest, list({row["mmsi"]: row for row in batch}.values()))
        return EXECUTEMANY_BATCHES * EXECUTEMANY_ROWS / (time.perf_counter() - began)


class Base(DeclarativeBase):
    """Of the ORM's contender alone."""

    metadata = layered


class Position(Base):
    """A row of the vessel history as an object."""

    __table__ = HISTORY
    __mapper_args__ = {  # noqa: RUF012 # SQLAlchemy's own form
        "primary_key": [HISTORY.c.mmsi, HISTORY.c.observed_at]
    }


class Vessel(Base):
    """A row of the latest state as an object."""

    __table__ = LATEST


def orm_rows(ground: Ground, raw: bytes) -> float:
    """Messages a second of pyais's stream reader, ORM objects and a commit for each: history and latest alone."""
    with ground.database() as database:
        with database.begin() as connection:
            ensure_today(connection)
        began = time.perf_counter()
        with Session(database) as session:
            for row in islice(_rows(raw), ORM_ROWS):
                session.add(Position(**row))
                session.merge(Vessel(**row))
                session.commit()
        return ORM_ROWS / (time.perf_counter() - began)


def ensure_today(connection: sa.Connection) -> None:
    """The history's partition of today."""
    connection.execute(sa.text("SELECT ensure_partition('vessel_history', (now() AT TIME ZONE 'UTC')::date)"))


def _rows(raw: bytes) -> Iterator[dict[str, Any]]:
    """Rows of the vessel history as pyais's users make them: a position message at a time."""
    began = datetime.now(UTC)
    for n, message in enumerate(IterMessages(raw.splitlines())):
        fields: dict[str, Any] = dict(message.decode().asdict(enum_as_int=True))
        lon, lat = fields.get("lon"), fields.get("lat")
        if lon is None or lat is None or abs(lon) > 180 or abs(lat) > 90:
            continue
        stamp = began + timedelta(milliseconds=n)
        yield {
            "mmsi": fields["mmsi"],
            "geom": WKTElement(f"POINT({lon} {lat})", srid=4326),
            "observed_at": stamp,
            "received_at": stamp,
            "source": "bench",
            "simulated": True,
            "speed": fields.get("speed"),
            "course": fields.get("course"),
            "heading": fields.get("heading"),
            "turn": float(fields["turn"]) if fields.get("turn") is not None else None,
            "status": fields.get("status"),
            "accuracy": bool(fields.get("accuracy")),
            "msg_type": fields["msg_type"],
        }
