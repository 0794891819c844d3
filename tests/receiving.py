"""A receiver in a process of its own, as it runs in the field, and what it brought into Redis."""

import json
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from ingest.ais import AIS
from ingest.feed import RawBatch, sources_of
from ingest.stream import from_entry
from run.port import choose
from run.process import Program, Running, start, wait_for

ROOT = Path(__file__).resolve().parents[1]


def numbered(number: int) -> bytes:
    """A line that a receiver takes for a message: it never decodes."""
    return b"!AIVDM,1,1,,A,%09d,0*00" % number


def numbers(batches: list[RawBatch]) -> list[int]:
    """The numbers of numbered lines, in the order in which they stand."""
    lines = (line for batch in batches for line in batch.raw.split(b"\n"))
    return [int(line[14:23]) for line in lines if line.startswith(b"!AIVDM,1,1,,A,")]


@dataclass
class Receiver:
    """Its process, which may be killed and begun anew; `udp`, `tcp` and `spare` (udp too) are its ports."""

    home: Path
    redis_url: str
    settings: dict[str, str] = field(default_factory=dict)
    udp: int = field(default_factory=lambda: choose(socket.SOCK_DGRAM))
    tcp: int = field(default_factory=choose)
    spare: int = field(default_factory=lambda: choose(socket.SOCK_DGRAM))
    process: Running | None = None

    @property
    def names(self) -> list[str]:
        """The sources of the three."""
        return [source.name for source in sources_of(AIS, {"ais": self._addresses()}, {})]

    def _addresses(self) -> list[str]:
        ports = (("udp", self.udp), ("tcp-listen", self.tcp), ("udp", self.spare))
        return [f"{scheme}://127.0.0.1:{port}" for scheme, port in ports]

    def begin(self) -> None:
        """Start it and wait until it listens."""
        environment = {
            "REDIS_URL": self.redis_url,
            "HAIDANG_HOME": str(self.home),
            "HAIDANG_FEED_SOURCES": json.dumps({"ais": self._addresses()}),
            **self.settings,
        }
        words = (sys.executable, "app.py", "receive")
        self.process = start(Program("receive", words, self.home / "receive.log", environment, cwd=ROOT))
        assert wait_for(self._listens, 60), self.log()

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        assert self.process.wait(10)

    def log(self) -> str:
        """What it said."""
        return (self.home / "receive.log").read_text()

    def memory_mb(self, name: str = "VmRSS") -> float:
        """What it holds in memory now; with VmHWM, the most that it ever held."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{name}:")[1].split()[0]) / 1024

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.tcp), timeout=1).close()
        except OSError:
            return False
        return True

    def batches(self, source: str | None = None) -> list[RawBatch]:
        """Its batches in Redis in the order of the stream, each once, as the ledger sees to it."""
        name = source or self.names[0]
        found: dict[tuple[str, int], RawBatch] = {}
        with redis.Redis.from_url(self.redis_url) as client:
            for _, fields in client.xrange(f"haidang:raw:{name}"):  # type: ignore[union-attr]
                batch = from_entry(name, fields)
                found.setdefault((batch.boot, batch.seq), batch)
        return list(found.values())

    def faults(self, source: str | None = None) -> Counter[str]:
        """What it told of itself."""
        total: Counter[str] = Counter()
        for batch in self.batches(source):
            total.update(batch.faults)
        return total


@contextmanager
def receiving(home: Path, redis_url: str, **settings: str) -> Iterator[Receiver]:
    """A receiver of one udp and one tcp source for as long as the context lasts."""
    receiver = Receiver(home, redis_url, settings)
    receiver.begin()
    try:
        yield receiver
    finally:
        if receiver.process is not None:
            receiver.process.send(signal.SIGCONT)
            receiver.process.stop()
