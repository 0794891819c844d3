"""The private Redis of one home: every write on disk before it is answered, nothing ever evicted."""

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import redis as client

from run import port
from run.fault import Fault
from run.home import Home
from run.memory import megabytes
from run.process import Program, wait_for

BINARIES = ("redis-server", "valkey-server")
TRUNCATED = ("short read while loading the AOF", "Truncating the AOF", "AOF loaded anyway")


@dataclass(frozen=True)
class Redis:
    """The Redis server of one home. `durable=False` keeps nothing on disk: for tests only."""

    home: Home
    binary: Path
    port: int
    durable: bool

    @property
    def directory(self) -> Path:
        """Where its append-only file lives."""
        return self.home.path / "redis"

    @property
    def title(self) -> str:
        """For a person to read: what it is."""
        return f"Redis {'(append-only file, fsync always)' if self.durable else '(in memory)'}"

    @property
    def url(self) -> str:
        """Its address with the generated password."""
        return f"redis://:{self.home.secret('redis')}@127.0.0.1:{self.port}/0"

    def program(self) -> Program:
        """How to start, stop and watch it."""
        return Program(
            name="redis",
            argv=(str(self.binary), str(self.directory / "redis.conf")),
            log=self.home.log / "redis.log",
            user=self.home.user,
            cwd=self.directory,
            stage=0,
            stop_s=30.0,
            orphan_signal=signal.SIGTERM,
            prepare=self.clear,
        )

    def clear(self) -> int | None:
        """Adopt this home's server if it still runs and answers to our password; else nothing needs clearing."""
        try:
            pid = int((self.directory / "redis.pid").read_text())
            if os.readlink(f"/proc/{pid}/cwd") != str(self.directory):
                return None
        except (OSError, ValueError):
            return None
        # It may be on its way out (its program was killed): only one that goes on answering is worth adopting.
        if wait_for(lambda: self.answers() or not Path(f"/proc/{pid}").exists(), 30.0) and self.answers():
            return pid
        return None

    def answers(self) -> bool:
        """Whether it has loaded its data and serves."""
        try:
            with client.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2, retry=None) as connection:
                return bool(connection.ping())
        except client.RedisError:
            return False

    def loaded_truncated(self, since: int) -> str | None:
        """The log's own words, if at a start after log position `since` (bytes) the append-only file was cut short."""
        with (self.home.log / "redis.log").open("rb") as log:
            log.seek(since)
            for line in log.read().decode(errors="replace").splitlines():
                if any(sign in line for sign in TRUNCATED):
                    return line.split("#", 1)[-1].strip()
        return None


def make_redis(home: Home, durable: bool = True) -> Redis:
    """The server of this home: its directory made if it is new, its port chosen, its settings written."""
    directory = home.server_directory("redis")
    server = Redis(home, _find_binary(), _port(directory), durable)
    settings = directory / "redis.conf"
    settings.touch(mode=0o600)
    settings.write_text(_settings(server))
    if home.user is not None:
        shutil.chown(settings, home.user)
    return server


def _find_binary() -> Path:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/bin", "/usr/bin", "/usr/sbin"))
    for name in BINARIES:
        found = shutil.which(name, path=path)
        if found:
            return Path(found)
    raise Fault("Redis is not installed; install redis-server (Debian, Ubuntu).")


def _port(directory: Path) -> int:
    """The kept port; also when it is taken by this home's own server, left running by a killed program."""
    try:
        pid = int((directory / "redis.pid").read_text())
        if os.readlink(f"/proc/{pid}/cwd") == str(directory):
            return int((directory / "port").read_text())
    except (OSError, ValueError):
        pass
    return port.kept(directory / "port")


def _settings(server: Redis) -> str:
    return f"""# Written by Hải Đăng at every start.
bind 127.0.0.1
port {server.port}
protected-mode yes
requirepass {server.home.secret("redis")}
dir {server.directory}
pidfile {server.directory / "redis.pid"}
daemonize no
logfile ""
loglevel notice

# What was acknowledged is on disk; a last entry cut short by a crash is cut off, said, and the rest loaded.
appendonly {"yes" if server.durable else "no"}
appendfsync always
aof-load-truncated yes
save ""

# Full means refused, never forgotten. An eighth of the machine, at most 1 GB (which is what an 8 GB machine gets).
maxmemory {megabytes(eighths=1, least=256, most=1024)}mb
maxmemory-policy noeviction

# A reader of the live hints that stands still is let go before it eats the memory.
client-output-buffer-limit pubsub 32mb 8mb 30
maxclients 1000
tcp-keepalive 60
"""
