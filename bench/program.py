"""The whole program on free ports in a home of its own, for as long as a benchmark lasts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from run.home import Home
from run.role import Urls, urls_at
from run.state import read

ROOT = Path(__file__).resolve().parent.parent
START_S = 180.0


class StartError(Exception):
    """The processes to be measured did not come up; the message says what they said."""


@dataclass(frozen=True)
class Program:
    """A running program: where its map is, and its home."""

    url: str
    home: Path
    pid: int

    @property
    def urls(self) -> Urls:
        """Its database, by role."""
        state = read(self.home)
        if state is None:
            raise StartError(f"nothing runs in {self.home}")
        return urls_at(Home(self.home, None), state.ports["postgres"])

    def rss_mb(self) -> float:
        """Resident memory of all its processes and servers; what they share (PostgreSQL's buffers) counts once."""
        return sum(_share_mb(pid) for pid in _descendants(self.pid))

    def disk_mb(self) -> float:
        """All that stands in its home."""
        total = 0
        for folder, _, names in os.walk(self.home):
            for name in names:
                with suppress(OSError):  # a file that went away meanwhile
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512
        return total / 1e6


@contextmanager
def program(environment: Mapping[str, str]) -> Iterator[Program]:
    """`app.py up` with these settings and no others, stopped at the end.

    Raises:
        StartError: it did not come up.
    """
    web = free_port(socket.SOCK_STREAM)
    with tempfile.TemporaryDirectory(prefix="haidang-bench-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)  # as root, the servers run as another user
        own = {k: v for k, v in os.environ.items() if not k.startswith(("HAIDANG_", "DATABASE_", "REDIS_"))}
        own |= {"HAIDANG_HOME": home, "HAIDANG_PORT": str(web), **environment}
        log = Path(home, "bench.log")
        with log.open("wb") as words:
            command = [sys.executable, str(ROOT / "app.py"), "up"]
            child = subprocess.Popen(command, cwd=ROOT, env=own, stdout=words, stderr=words)
        try:
            _await(f"http://127.0.0.1:{web}", child, log)
            yield Program(f"http://127.0.0.1:{web}", Path(home), child.pid)
        finally:
            child.send_signal(signal.SIGINT)
            try:
                child.wait(60)
            except subprocess.TimeoutExpired:
                child.kill()


def free_port(kind: socket.SocketKind) -> int:
    """A loopback port that nobody has at this moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if child.poll() is not None:
            words = log.read_text("utf-8", "replace")[-500:]
            raise StartError(f"the processes ended with {child.returncode}: {words}")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise StartError(f"the map did not come up within {START_S:g} s: {log.read_text('utf-8', 'replace')[-500:]}")


def _descendants(pid: int) -> set[int]:
    """The process and everything that it started, through any number of steps."""
    parents: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                parents[int(entry.name)] = int(Path(entry.path, "stat").read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _share_mb(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
