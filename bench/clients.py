"""How many live clients one web process holds, and how old news is when it reaches them."""

from __future__ import annotations

import http.client
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from redis import Redis

from bench.crowd import BEACONS, LON_PER_MS, Heard, listen
from bench.report import Report, percentile
from bench.stage import Fleet
from geo.database import engine
from geo.live import encode
from run.port import choose
from run.process import Program, Running, start, wait_for
from run.role import urls
from run.schema import bring_up
from run.servers import servers

APP = Path(__file__).resolve().parent.parent / "app.py"
VESSELS = 10_000
SHARE_A_S = 0.2  # of the fleet moves in a second
PUBLISH_S = 0.1  # as often as a receiver flushes by default
PROCESSES = 2
START_S = 120.0


class StartError(Exception):
    """What is to be measured did not come up; the message says what."""


def measure(clients: int, minutes: float, tick_ms: int) -> Report:
    """`clients` live clients of one web process for `minutes`. Raises StartError when not all of them could join."""
    data = f"{clients:,} websocket clients in {PROCESSES} processes for {minutes:g} min; {VESSELS:,} vessels, "
    data += f"{SHARE_A_S:.0%} moved each second, published each {PUBLISH_S * 1000:g} ms; tick <= {tick_ms} ms"
    report = Report("clients", data, ("uvicorn", "uvloop", "websockets", "fastapi", "redis"))
    with _stage(tick_ms, clients) as (process, port, redis_url, fleet):
        heard, busy = _listened(process, port, redis_url, fleet, clients, 60 * minutes)
        memory = resident_mb(process.pid)
    ages = [age for one in heard for age in one.ages_ms]
    all_ages = np.concatenate(ages) if ages else np.empty(0)
    lost = [bool(x) for one in heard for x in one.lost]
    missed = [
        gaps > 0 or snapshots > 1 for one in heard for gaps, snapshots in zip(one.gaps, one.snapshots, strict=True)
    ]
    late = [not len(age) or np.quantile(age, 0.95) >= 1000 for age in ages]
    ticks = [n for one in heard for n in one.ticks]
    report.add("publication to a client", "ms, p50", _quantile(all_ages, 0.5))
    report.add("publication to a client", "ms, p95", _quantile(all_ages, 0.95))
    report.add("publication to a client", "ms, p99", _quantile(all_ages, 0.99))
    report.add("publication to a client", "ms, longest", _quantile(all_ages, 1))
    report.add("the clients' own processes", "ms late, p95", percentile([x for one in heard for x in one.lag_ms], 0.95))
    report.add("ticks a client", "per second", *[n / (60 * minutes) for n in (min(ticks), max(ticks))])
    report.add("the web process", "share of one core", busy)
    report.add("the web process", "MB resident", memory)
    report.figures = {
        "held": float(sum(not any(faults) for faults in zip(lost, missed, late, strict=True))),
        "p95_ms": _quantile(all_ages, 0.95),
        "clients": clients,
        "lost": sum(lost),
        "missed_a_tick": sum(missed),
        "minutes": minutes,
    }
    return report


def _listened(
    process: Running, port: int, redis_url: str, fleet: Fleet, clients: int, seconds: float
) -> tuple[list[Heard], float]:
    """Publish while the clients join, then for `seconds`; what they heard, and the web process's share of a core."""
    spawn = multiprocessing.get_context("spawn")
    begun, ended, answers = spawn.Event(), spawn.Event(), spawn.Queue()
    epoch = time.time()
    shares = [clients // PROCESSES + (n < clients % PROCESSES) for n in range(PROCESSES)]
    crowds = [
        spawn.Process(target=listen, args=(port, share, epoch, begun, ended, answers), daemon=True) for share in shares
    ]
    with Redis.from_url(redis_url) as client:
        for crowd in crowds:
            crowd.start()
        publish = Publisher(client, fleet, epoch)
        try:
            end = time.monotonic() + START_S + clients / 10
            while answers.qsize() < PROCESSES:
                if time.monotonic() > end or not all(crowd.is_alive() for crowd in crowds):
                    raise StartError(f"not all of {clients:,} clients could join; try fewer with --clients")
                publish.once()
            for _ in range(PROCESSES):
                answers.get()
            begun.set()
            cpu, began = _cpu_s(process.pid), time.monotonic()
            while time.monotonic() - began < seconds:
                publish.once()
            busy = (_cpu_s(process.pid) - cpu) / (time.monotonic() - began)
            ended.set()
            return [answers.get(timeout=60) for _ in crowds], busy
        finally:
            for crowd in crowds:
                crowd.terminate()
                crowd.join()


class Publisher:
    """Tells the live channel of a moving fleet as a worker does; one beacon in each telling says when it was told."""

    def __init__(self, client: Redis, fleet: Fleet, epoch: float) -> None:
        self._client, self._fleet, self._epoch = client, fleet, epoch
        self._due, self._told = time.monotonic(), 0

    def once(self) -> None:
        """Wait until the next telling is due, and tell."""
        rows = self._fleet.move(SHARE_A_S * PUBLISH_S)
        beacon = rows.iloc[:1].assign(key=BEACONS[self._told % len(BEACONS)], lat=16.0)
        self._due = max(self._due + PUBLISH_S, time.monotonic())  # what is late is not made up for
        time.sleep(max(0, self._due - time.monotonic()))
        beacon["lon"] = (time.time() - self._epoch) * 1e3 * LON_PER_MS
        self._client.publish("haidang:live:vessel", encode(pd.concat([rows, beacon])))
        self._told += 1


@contextmanager
def _stage(tick_ms: int, clients_max: int) -> Iterator[tuple[Running, int, str, Fleet]]:
    """A web process on servers of its own, in whose database a fleet lies: it, its port, Redis's address, the fleet."""
    fleet = Fleet(VESSELS)
    with tempfile.TemporaryDirectory(prefix="haidang-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)  # as root, the servers run as another user
        with servers(directory, "bench clients") as running:
            roles = urls(running.postgres)
            bring_up(roles.owner)
            store(roles.owner, fleet)
            environment = {
                **roles.environment(),
                "REDIS_URL": running.redis.url,
                "HAIDANG_LIVE_TICK_MS": str(tick_ms),
                "HAIDANG_LIVE_CLIENTS_MAX": str(clients_max),
            }
            with web(environment, directory) as (process, port):
                yield process, port, running.redis.url, fleet


@contextmanager
def web(environment: Mapping[str, str], home: Path) -> Iterator[tuple[Running, int]]:
    """A web process in a home, its addresses in the environment, serving: it and its port. Raises StartError."""
    port, log = choose(), home / "web.log"
    own = {**environment, "HAIDANG_HOME": str(home), "HAIDANG_PORT": str(port)}
    process = start(Program("web", (sys.executable, str(APP), "web"), log, own, cwd=APP.parent))
    try:
        wait_for(lambda: _ready(port) or process.poll() is not None, START_S, 0.2)
        if not _ready(port):
            raise StartError(f"the web process did not come up: {log.read_text('utf-8', 'replace')[-500:]}")
        yield process, port
    finally:
        process.stop()


def store(url: str, fleet: Fleet) -> None:
    """The fleet, and beacons, as committed rows: else the live stream would forget what the database does not have."""
    rows = fleet.rows()
    where = [*zip(rows["key"], rows["lon"], rows["lat"], strict=True), *((key, 0.0, 16.0) for key in BEACONS)]
    insert = sa.text(
        "INSERT INTO vessel (mmsi, geom, observed_at, received_at, source, ship_type) VALUES"
        " (:mmsi, ST_SetSRID(ST_Point(:lon, :lat), 4326), now(), now(), 'bench', 30)"
    )
    owner = engine(url)
    with owner.begin() as connection:
        connection.execute(insert, [{"mmsi": int(key), "lon": lon, "lat": lat} for key, lon, lat in where])
    owner.dispose()


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _quantile(values: Any, share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else float("nan")
