"""What the tests of the way in share: a worker on a private database and an empty Redis."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from geo.actor import SYSTEM
from geo.fence import Fence, put_fences
from geo.rule import Rule, put_rules
from ingest import worker as worker_module
from ingest.ais import AIS
from ingest.feed import Feed, Lane, RawBatch, Source
from ingest.stream import to_entry
from ingest.worker import Worker
from layers.vessel import LAYER
from run.port import choose, free
from run.process import wait_for
from tests.connections import asked, connected

FLYING, QUEUED = 2_000, 20_000  # messages that the broker has on the way, ours allows as many; and that it keeps


class Bench:
    """One worker with what it works on, driven turn by turn."""

    def __init__(self, database: Any, redis_url: str, stack: ExitStack) -> None:
        self.database, self._stack, self._seq = database, stack, 0
        self.redis_url = redis_url
        self.client = stack.enter_context(redis.Redis.from_url(redis_url))

    def lane(self, feed: Feed = AIS, name: str = "ais.test") -> Lane:
        source = Source(name, "udp://127.0.0.1:1", feed)
        return Lane(source, LAYER.shape, LAYER.style.label, LAYER.style.columns())

    def worker(self, *lanes: Lane, **fields: Any) -> Worker:
        engine = self._stack.enter_context(connected(self.database.ingest))
        stream = self._stack.enter_context(redis.Redis.from_url(self.redis_url))
        return Worker(lanes or (self.lane(),), engine, stream, **fields)

    def seed(self, fences: list[Fence], rules: list[Rule]) -> None:
        with connected(self.database.owner) as owner, owner.begin() as connection:
            put_fences(connection, fences, SYSTEM)
            put_rules(connection, rules, SYSTEM)

    def batch(self, received_at: float, *lines: bytes, source: str = "ais.test", **fields: Any) -> RawBatch:
        self._seq += 1
        return RawBatch(source, "boot", self._seq, received_at, b"\n".join(lines), **fields)

    def put(self, batch: RawBatch) -> bytes:
        return self.client.xadd(f"haidang:raw:{batch.source}", to_entry(batch))  # type: ignore[arg-type,return-value]

    def ask(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        return asked(self.database.owner, statement, **values)

    def one(self, statement: str, **values: Any) -> Any:
        (row,) = self.ask(statement, **values)
        return next(iter(row.values()))


def drain(worker: Worker) -> int:
    """Turns until nothing waits; returns how many batches were done."""
    done = 0
    with worker.engine.connect() as connection:
        while True:
            worker._holds, worker._claimed = {}, -1e9
            while any(hold.cursor != ">" for hold in worker._holds.values()) or not worker._holds:
                done += worker.turn(connection)
            got = worker.turn(connection)
            done += got
            if not got:
                return done


@pytest.fixture
def bench(database: Any, redis_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(worker_module, "READ_BLOCK_MS", 20)  # what waits is there already
    with ExitStack() as stack:
        yield Bench(database, redis_server, stack)


@pytest.fixture
def work(bench: Bench) -> Callable[..., int]:
    """Put batches into the stream and let a worker of the bench do all that waits."""
    workers: dict[tuple[Lane, ...], Worker] = {}

    def run(*batches: RawBatch, lanes: tuple[Lane, ...] = (), worker: Worker | None = None) -> int:
        for batch in batches:
            bench.put(batch)
        chosen = worker or workers.setdefault(lanes, bench.worker(*lanes))
        chosen._checked = -1e9  # fences and rules as they are now
        return drain(chosen)

    return run


@pytest.fixture
def broker(home_directory: Path) -> Iterator[int]:
    """mosquitto at a port of its own, told to queue; the port."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    assert program is not None, "mosquitto is not here; './haidang test' installs it"
    port = choose()
    settings = home_directory / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        f"max_inflight_messages {FLYING}\nmax_queued_messages {QUEUED}\nmemory_limit 268435456\n"
    )
    settings.chmod(0o644)
    with subprocess.Popen(
        [program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    ) as running:
        try:
            assert wait_for(lambda: not free(port), 20)
            yield port
        finally:
            running.terminate()
            running.wait(20)
