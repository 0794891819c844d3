"""The world's rate, sustained: sentences over TCP through the real processes, with lag, memory and disk over time."""

from __future__ import annotations

import json
import socket
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa

from bench.capture import World
from bench.pipeline import FENCES, areas
from bench.program import Program, free_port, program
from bench.report import Report
from geo.actor import SYSTEM
from geo.database import engine
from geo.fence import Fence, put_fences

VESSELS = 150_000
EVERY_S = 5.0
SLICE_S = 0.1
WARM_S = 10.0


@dataclass
class Sender:
    """Sends a made-up world at a steady rate over one TCP connection; `sent` counts sentences."""

    port: int
    rate: int
    sent: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until told to stop; what TCP cannot take yet is waited for, and so shows as lag."""
        world = World(VESSELS, start=time.time())
        with socket.create_connection(("127.0.0.1", self.port)) as out:
            began, second = time.monotonic(), 0
            while not self.stopping.is_set():
                lines = world.second(self.rate).splitlines(keepends=True)
                pieces = round(1 / SLICE_S)
                for piece in range(pieces):
                    part = lines[len(lines) * piece // pieces : len(lines) * (piece + 1) // pieces]
                    time.sleep(max(0.0, began + second + piece * SLICE_S - time.monotonic()))
                    out.sendall(b"".join(part))
                    self.sent += len(part)
                second += 1


@dataclass(frozen=True)
class Moment:
    """What was seen at one moment: sentences sent and committed, megabytes of memory and of disk."""

    at_s: float
    sent: int
    committed: int
    rss_mb: float
    disk_mb: float


def measure(minutes: float, rate: int, say: Callable[[str], None]) -> Report:
    """Send `rate` sentences a second for `minutes`; every five seconds look at what is committed."""
    port = free_port(socket.SOCK_STREAM)
    data = (
        f"a made-up world of {VESSELS:,} vessels at {rate:,} sentences/s over TCP for {minutes:g} min; {FENCES} fences"
    )
    report = Report("world", data, ("numpy", "pandas", "psycopg", "redis", "shapely"))
    with program({"HAIDANG_FEED_SOURCES": json.dumps({"ais": [f"tcp-listen://127.0.0.1:{port}"]})}) as running:
        owner = engine(running.urls.owner)
        with owner.begin() as connection:
            items = [Fence(f"f{n}", "area", f"Khu {n}", f"Area {n}", area) for n, area in enumerate(areas(FENCES))]
            put_fences(connection, items, SYSTEM)
        sender = Sender(port, rate)
        thread = threading.Thread(target=sender.run, daemon=True)
        thread.start()
        moments = _watch(running, owner, sender, minutes * 60 + WARM_S, say)
        sender.stopping.set()
        thread.join(30)
        drained = time.monotonic()
        while _committed(owner) < sender.sent and time.monotonic() - drained < 120:
            time.sleep(0.2)
        drained = time.monotonic() - drained
        lost = sender.sent - _committed(owner)
        owner.dispose()
    begun = next(moment for moment in moments if moment.at_s >= WARM_S)
    steady = [moment for moment in moments if moment.at_s >= WARM_S]
    lag = [(moment.sent - moment.committed) / rate for moment in steady]
    quarter = max(1, len(lag) // 4)
    span = steady[-1].at_s - begun.at_s
    report.add("committed", "sentences/s", (steady[-1].committed - begun.committed) / span)
    report.add("lag, seconds of sending", "s", *lag)
    report.add("memory of all processes and servers", "MB", *[moment.rss_mb for moment in steady])
    report.add("disk", "MB", *[moment.disk_mb for moment in steady])
    report.figures = {
        "sentences_per_s": (steady[-1].committed - begun.committed) / span,
        "lag_growth_s": statistics.median(lag[-quarter:]) - statistics.median(lag[:quarter]),
        "lag_max_s": max(lag),
        "rss_mb": steady[-1].rss_mb,
        "rss_growth_mb": steady[-1].rss_mb - begun.rss_mb,
        "disk_growth_mb_per_min": (steady[-1].disk_mb - begun.disk_mb) / span * 60,
        "minutes": span / 60,
        "drained_s": drained,
        "lost": lost,
    }
    return report


def _watch(
    running: Program, owner: sa.Engine, sender: Sender, seconds: float, say: Callable[[str], None]
) -> list[Moment]:
    moments: list[Moment] = []
    began = time.monotonic()
    while (at := time.monotonic() - began) < seconds:
        moment = Moment(at, sender.sent, _committed(owner), running.rss_mb(), running.disk_mb())
        moments.append(moment)
        if len(moments) % 6 == 1:
            lag = (moment.sent - moment.committed) / sender.rate
            say(f"{at:5.0f} s  lag {lag:5.2f} s  memory {moment.rss_mb:6,.0f} MB  disk {moment.disk_mb:7,.0f} MB")
        time.sleep(max(0.0, EVERY_S - (time.monotonic() - began - at)))
    return moments


def _committed(owner: sa.Engine) -> int:
    with owner.connect() as connection:
        return int(connection.scalar(sa.text("SELECT coalesce(sum(received), 0) FROM feed")) or 0)
