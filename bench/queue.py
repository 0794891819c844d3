"""The way into the queue: one stream entry a batch, beside one XADD a sentence, single and pipelined."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis

from bench.capture import World
from bench.report import Report
from ingest.feed import RawBatch
from ingest.offline import open_capture
from ingest.stream import to_entry
from run.home import make_home
from run.servers import start_redis

BATCH, ENTRIES_AT_ONCE = 500, 16
SENTENCES, SINGLE = 200_000, 2_000  # a run of every contender but one writes all of them
STREAM = "bench"

Lines = Sequence[bytes]


def measure(data: str | None, runs: int) -> Report:
    """Each contender in turn, `runs` times, into an empty stream of a durable Redis; all of it is read back."""
    lines = _lines(data)
    report = Report(
        "queue",
        f"{data or 'a made-up world'}, {len(lines):,} sentences ({SINGLE:,} of them singly), {BATCH} a batch;"
        " Redis with an append-only file, appendfsync always: every answer means on disk",
        ("redis", "hiredis"),
    )
    contenders: dict[str, tuple[Callable[[redis.Redis, Lines], None], Lines]] = {
        "Hải Đăng, one entry a batch, a round trip each": (batches, lines),
        "one XADD a sentence, a round trip each": (singly, lines[:SINGLE]),
        f"one XADD a sentence, {BATCH} a round trip": (pipelined, lines),
        f"Hải Đăng under load, {ENTRIES_AT_ONCE} entries a transaction": (transactions, lines),
    }
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory(prefix="haidang-bench-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        server, running = start_redis(make_home(Path(home)), lambda line: None)
        try:
            with redis.Redis.from_url(server.url) as client:
                version: Any = client.info("server")
                report.versions["redis-server"] = version["redis_version"]
                for _ in range(runs):
                    for name, (write, given) in contenders.items():
                        speeds[name].append(_speed(client, write, given))
        finally:
            running.stop()
    ours, single, piped, _ = (report.add(name, "sentences/s", *found).median for name, found in speeds.items())
    report.ratios = {"vs_single_xadd": ours / single, "vs_pipelined_xadd": ours / piped}
    report.figures = {"sentences_per_s": ours}
    return report


def batches(client: redis.Redis, lines: Lines) -> None:
    """As the receiver does when it is quiet: a batch with its head, waited for."""
    for seq in range(0, len(lines), BATCH):
        client.xadd(STREAM, _entry(lines, seq))  # type: ignore[arg-type]  # bytes are fine


def transactions(client: redis.Redis, lines: Lines) -> None:
    """As the receiver does under load: several batches, all or none."""
    for first in range(0, len(lines), BATCH * ENTRIES_AT_ONCE):
        with client.pipeline(transaction=True) as pipe:
            for seq in range(first, min(first + BATCH * ENTRIES_AT_ONCE, len(lines)), BATCH):
                pipe.xadd(STREAM, _entry(lines, seq))  # type: ignore[arg-type]  # bytes are fine
            pipe.execute()


def singly(client: redis.Redis, lines: Lines) -> None:
    """A sentence, and its answer, at a time."""
    for line in lines:
        client.xadd(STREAM, {"raw": line})


def pipelined(client: redis.Redis, lines: Lines) -> None:
    """An entry a sentence, the answers of many waited for together."""
    for first in range(0, len(lines), BATCH):
        with client.pipeline(transaction=False) as pipe:
            for line in lines[first : first + BATCH]:
                pipe.xadd(STREAM, {"raw": line})
            pipe.execute()


def _entry(lines: Lines, seq: int) -> dict[str, bytes]:
    return to_entry(RawBatch("ais.bench", "bench", seq, time.time(), b"\n".join(lines[seq : seq + BATCH]), "udp"))


def _speed(client: redis.Redis, write: Callable[[redis.Redis, Lines], None], lines: Lines) -> float:
    client.flushall()
    began = time.perf_counter()
    write(client, lines)
    seconds = time.perf_counter() - began
    entries: Any = client.xrange(STREAM)
    found = sum(fields[b"raw"].count(b"\n") + 1 for _, fields in entries)
    assert found == len(lines), f"{found} of {len(lines)} sentences came out again"
    return len(lines) / seconds


def _lines(data: str | None) -> list[bytes]:
    if data is None:
        return World(11_000).second(SENTENCES).split(b"\n")[:SENTENCES]
    with open_capture(data) as stream:
        return [line for line in stream.read().splitlines() if line][:SENTENCES]
