"""The whole program under fire: numbered messages over TCP, processes killed at seeded moments, a reckoning."""

import http.client
import json
import math
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa
from shapely.geometry import box

from geo.actor import SYSTEM
from geo.fence import Fence, put_fences
from geo.rule import Rule, put_rules
from ingest.stream import GROUP
from run import state
from run.home import Home
from run.port import choose
from run.process import wait_for
from run.role import Urls, urls_at
from tests.connections import asked, connected
from tests.nmea import position
from tests.program import CLEAN, ROOT

FIRST, BREACHER = 574_000_001, 574_900_001
T0 = 1_764_000_000.0
STEPS, STEP_S, DWELL_S = 60, 60.0, 60.0
EDGE_LON, ASIDE = 108.0, 0.003
CHUNK, PAUSE_S = 20, 0.004
# A batch is closed 100 ms after its first byte and is then on its way to Redis, or after half a second to the disk.
UNSAVED_S = 2.0


@dataclass(frozen=True)
class Script:
    """What is to be sent: the lines, and the boat of each; a boat below BREACHER is heard in one line only."""

    lines: Sequence[bytes]
    boats: Sequence[int]


def numbered(count: int, breachers: int) -> Script:
    """One message each of `count` boats; and, spread among them, boats that sail into an area, stay and sail out."""
    line = position(FIRST, 110.0, 16.5, T0)
    prefix = line[: line.index(b"!")]
    lines = [prefix + position(FIRST + n, 110.0, 16.5) for n in range(count)]
    boats = [FIRST + n for n in range(count)]
    every = count // STEPS
    for step in reversed(range(STEPS)):
        lon = EDGE_LON - ASIDE if STEPS // 4 <= step < 3 * STEPS // 4 else EDGE_LON + ASIDE
        at = step * every + every // 2
        for number in reversed(range(breachers)):
            lines.insert(at, position(BREACHER + number, lon, 16.5, T0 + STEP_S * step))
            boats.insert(at, BREACHER + number)
    return Script(lines, boats)


@dataclass
class Connection:
    """What was handed to the kernel on one connection: (first, end, monotonic time) of each piece, in order."""

    opened: float
    pieces: list[tuple[int, int, float]] = field(default_factory=list)


@dataclass
class Sender:
    """A station: sends the lines once each and in order, connects again when it is cut off, and repeats nothing."""

    port: int
    script: Script
    connections: list[Connection] = field(default_factory=list)
    sent: int = 0
    allowed: int = 0
    ending: bool = False

    def run(self) -> None:
        """Send up to what is allowed, until told to end."""
        while not self.ending and self.sent < len(self.script.lines):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as sock:
                    self._send(sock)
            except OSError:
                time.sleep(0.02)

    def _send(self, sock: socket.socket) -> None:
        connection = Connection(time.monotonic())
        self.connections.append(connection)
        while not self.ending and self.sent < len(self.script.lines):
            if self.sent >= self.allowed:
                sock.settimeout(0.02)
                with suppress(TimeoutError):
                    if not sock.recv(1):  # a station sees that it is cut off
                        return
                sock.settimeout(5)
                continue
            start, end = self.sent, min(self.sent + CHUNK, self.allowed)
            # Counted before it is handed over: of a piece that fails, part may have arrived.
            connection.pieces.append((start, end, time.monotonic()))
            self.sent = end
            sock.sendall(b"".join(line + b"\n" for line in self.script.lines[start:end]))
            time.sleep(PAUSE_S)
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(30)
        with suppress(OSError):
            sock.recv(1)  # closed by the receiver when it has read everything, or has died


@dataclass
class Fault:
    """One thing that was done to one process (monotonic time); over: when that process was gone with its sockets."""

    victim: str
    how: str
    at: float
    sent: int
    over: float = math.inf


def watch_end(fault: Fault, pid: int) -> None:
    """Note when a process is gone: one that was stopped is killed by the supervisor some time later."""
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.005)
    fault.over = time.monotonic()


@dataclass
class System:
    """`up` in a home of its own, with whatever it started."""

    home: Path
    pid: int  # of the supervisor
    web: int
    ports: Sequence[int]
    said: Path

    def process(self, name: str) -> state.Process | None:
        """A process as the supervisor publishes it, if it runs."""
        current = state.read(self.home)
        found = [each for each in current.processes if each.name == name] if current else []
        return found[0] if found and found[0].state == "up" and found[0].pid else None

    def last_words(self) -> str:
        """The end of what the supervisor said."""
        return self.said.read_text()[-2000:]

    def superuser(self) -> str:
        """The database's address for its superuser, who sees everybody's queries."""
        own, other = (Home(self.home, None).secret(name) for name in ("owner", "postgres"))
        return self.roles().owner.replace(f"haidang_owner:{own}@", f"postgres:{other}@")

    def workers(self) -> list[str]:
        """Names of the workers there are."""
        current = state.read(self.home)
        return [each.name for each in current.processes if each.name.startswith("work")] if current else []

    def roles(self) -> Urls:
        """The database's addresses."""
        current = state.read(self.home)
        assert current is not None
        return urls_at(Home(self.home, None), current.ports["postgres"])

    def redis_url(self) -> str:
        """The Redis's address."""
        current = state.read(self.home)
        assert current is not None
        return f"redis://:{Home(self.home, None).secret('redis')}@127.0.0.1:{current.ports['redis']}/0"

    def ask(self, statement: str) -> list[dict[str, object]]:
        """A query's rows, as soon as the database answers."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return asked(self.roles().web, statement)
            except sa.exc.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def http(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """What the web process answers: its status, and its JSON, or the text of what is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=30)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"content-type": "application/json"})
            answer = connection.getresponse()
            text, kind = answer.read(), answer.headers.get("content-type", "")
            return answer.status, json.loads(text) if "json" in kind else text.decode()
        finally:
            connection.close()

    def hurt(self, victim: str, how: str, sent: int) -> Fault:
        """kill -9 or SIGSTOP one process."""
        # One that was stopped a while ago may be replaced at this very moment.
        assert wait_for(lambda: self.process(victim) is not None, 60), (victim, self.last_words())
        process = self.process(victim)
        assert process is not None
        assert process.pid is not None
        fault = Fault(victim, how, time.monotonic(), sent)
        with suppress(ProcessLookupError):  # it was on its way out already
            os.kill(process.pid, signal.SIGKILL if how == "kill" else signal.SIGSTOP)
        threading.Thread(target=watch_end, args=(fault, process.pid), daemon=True).start()
        return fault

    def ready(self) -> bool:
        """Whether the map says that it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def drained(self) -> bool:
        """Whether every batch that Redis has is committed and acknowledged."""
        try:
            with redis.Redis.from_url(self.redis_url(), socket_timeout=5) as client:
                for port in self.ports:
                    stream = f"haidang:raw:ais.tcp{port}"
                    if not client.exists(stream):
                        continue
                    groups = [group for group in client.xinfo_groups(stream) if group["name"] == GROUP.encode()]
                    if not groups or groups[0]["pending"] or groups[0]["lag"]:
                        return False
            return True
        except redis.RedisError:
            return False

    def received(self) -> int:
        """Records committed, over all sources."""
        return int(str(self.ask("SELECT coalesce(sum(received), 0) AS n FROM feed")[0]["n"]))

    def settle(self, quiet_s: float = 4.0, timeout_s: float = 180.0) -> None:
        """Wait until all that arrived is committed and nothing more comes."""
        deadline, since, last = time.monotonic() + timeout_s, time.monotonic(), -1
        while time.monotonic() - since < quiet_s or not self.drained():
            assert time.monotonic() < deadline, f"not settled: {last} received; {self.last_words()}"
            if (now := self.received()) != last:
                last, since = now, time.monotonic()
            time.sleep(0.25)


@contextmanager
def system(directory: Path, workers: int = 2, sources: int = 1) -> Iterator[System]:
    """The running program with its alarm area and rule; what it said is in a file."""
    web, ports = choose(), [choose() for _ in range(sources)]
    said, feeds = directory / "said", [f"tcp-listen://127.0.0.1:{port}" for port in ports]
    environment = {
        **CLEAN,
        "HAIDANG_HOME": str(directory / "home"),
        "HAIDANG_PORT": str(web),
        "HAIDANG_WORKERS": str(workers),
        "HAIDANG_FEED_SOURCES": json.dumps({"ais": feeds}),
        # The script's day is long past: archived in mid-run, it would be looked for in the wrong place.
        "HAIDANG_ARCHIVE_AFTER_DAYS": "1000",
    }
    words = [sys.executable, str(ROOT / "app.py"), "up"]
    with said.open("w") as out, subprocess.Popen(words, env=environment, stdout=out, stderr=out) as program:
        try:
            opened = wait_for(lambda: "Open http" in said.read_text() or program.poll() is not None, 150, every_s=0.1)
            assert opened, said.read_text()
            assert program.poll() is None, said.read_text()
            running = System(directory / "home", program.pid, web, ports, said)
            with connected(running.roles().owner) as owner, owner.begin() as connection:
                area = box(107, 16, EDGE_LON, 17)
                put_fences(connection, [Fence("area", "area", "Khu", "Area", area)], SYSTEM)
                put_rules(
                    connection, [Rule("breach", "inside", "vessel", "Vào", "In", "high", "area", DWELL_S)], SYSTEM
                )
            time.sleep(2)  # workers take over changed rules within a second
            yield running
        finally:
            program.send_signal(signal.SIGINT)
            program.wait(120)


@contextmanager
def sending(*senders: Sender) -> Iterator[None]:
    """Senders at work, each in a thread of its own; at the end they have sent all, unless something failed."""
    threads = [threading.Thread(target=sender.run) for sender in senders]
    for thread in threads:
        thread.start()
    try:
        yield
    except BaseException:
        for sender in senders:
            sender.ending = True
        raise
    finally:
        for thread in threads:
            thread.join(300)


VICTIMS = ("receive", "redis", "postgres", "web", "work")


def fire(running: System, sender: Sender, order: random.Random, faults: int, stops: float = 0.25) -> list[Fault]:
    """Hurt processes at seeded points of what is sent, each while it runs and messages come in."""
    goals = sorted(order.sample(range(200, len(sender.script.lines) - 400), faults))
    done: list[Fault] = []
    committed = -1
    for goal in goals:
        victim, how = order.choice(VICTIMS), "stop" if order.random() < stops else "kill"
        if victim == "work":  # any of them
            victim = order.choice(running.workers())
        # A fault is one to a program that works: what came since the last one is being committed.
        deadline = time.monotonic() + 120
        while (now := running.received()) <= committed:
            assert time.monotonic() < deadline, running.last_words()
            sender.allowed = min(sender.allowed + CHUNK, len(sender.script.lines))
            time.sleep(0.25)
        committed = now
        sender.allowed = max(sender.allowed, goal)
        assert wait_for(lambda: sender.sent >= sender.allowed, 120), (sender.sent, goal, running.last_words())
        assert wait_for(lambda name=victim: running.process(name) is not None, 60), victim
        sender.allowed = min(sender.allowed + 200, len(sender.script.lines))  # more comes in while it dies
        time.sleep(order.random() * 0.1)
        done.append(running.hurt(victim, how, sender.sent))
    sender.allowed = len(sender.script.lines)
    return done


@dataclass
class Result:
    """What came of a run."""

    messages: int
    kills: dict[str, int]
    stops: dict[str, int]
    lost_unsaved: int  # sent before the receiver's own death, read or not, and not yet durable
    lost_in_socket: int  # sent after it, into the socket of the dead or stopped one
    lost_s: float  # the longest time between a lost message and the death that lost it
    poisoned: int
    unexplained: list[int]
    repeated: dict[int, int]
    account: dict[str, object]
    alarms: dict[str, int]
    raises: dict[str, int]
    seconds: float

    def __str__(self) -> str:
        """For a person to read."""
        told = {name: value for name, value in vars(self).items() if name not in ("repeated", "unexplained")}
        told |= {"repeated": len(self.repeated), "unexplained": len(self.unexplained)}
        return "\n".join(f"{name:>12}  {value}" for name, value in told.items())


def reconcile(running: System, senders: Sequence[Sender], faults: Sequence[Fault], began: float) -> Result:
    """Every sent number against the rows; what is missing must have been on its way when the receiver itself died."""
    rows = running.ask("SELECT mmsi, count(*) AS n FROM vessel_history GROUP BY mmsi")
    found = {int(str(row["mmsi"])): int(str(row["n"])) for row in rows}
    refused = running.ask(
        "SELECT (convert_from(raw, 'UTF8')::jsonb ->> 'mmsi')::float::bigint AS mmsi, count(*) AS n FROM dead_letter "
        "WHERE reason = 'refused_by_database' GROUP BY 1"
    )
    poisoned = {int(str(row["mmsi"])): int(str(row["n"])) for row in refused}
    assert not found.keys() & poisoned.keys()
    found |= poisoned
    deaths = [fault for fault in faults if fault.victim == "receive"]
    missing: set[int] = set()
    unexplained: list[int] = []
    lost_s, unsaved = 0.0, 0
    for sender in senders:
        for connection in sender.connections:
            carried = [
                (sender.script.boats[n], at)
                for start, end, at in connection.pieces
                for n in range(start, end)
                if sender.script.boats[n] < BREACHER
            ]
            first = next((i for i, (boat, _) in enumerate(carried) if boat not in found), None)
            if first is None:
                continue
            gone = [boat for boat, _ in carried if boat not in found]
            missing |= set(gone)
            # Lost may be the end of what a connection carried, and nothing before it, and that only just before.
            since, until = carried[first][1], connection.pieces[-1][2] + 10
            # A dying process's sockets close one by one: a station that is cut off may still get into its queue.
            death = next((each for each in deaths if connection.opened <= each.over and each.at <= until), None)
            if death is None or len(gone) != len(carried) - first or death.at - since > UNSAVED_S:
                unexplained += gone
            else:
                lost_s = max(lost_s, death.at - since)
                unsaved += sum(at <= death.at for _, at in carried[first:])
    alarms = running.ask("SELECT object_key, count(*) AS n FROM alarm GROUP BY object_key")
    raises = running.ask(
        "SELECT object_key, count(*) AS n FROM alarm_journal JOIN alarm ON alarm.id = alarm_id "
        "WHERE transition = 'raise' GROUP BY object_key"
    )
    counts = "received, accepted, rejected, rows, positions, duplicates, faults"
    feeds = running.ask(f"SELECT {counts} FROM feed ORDER BY source")
    return Result(
        messages=sum(len(sender.script.lines) for sender in senders),
        kills=dict(Counter(fault.victim for fault in faults if fault.how == "kill")),
        stops=dict(Counter(fault.victim for fault in faults if fault.how == "stop")),
        lost_unsaved=unsaved,
        lost_in_socket=len(missing) - unsaved,
        lost_s=round(lost_s, 3),
        poisoned=len(poisoned),
        unexplained=unexplained,
        repeated={mmsi: n for mmsi, n in found.items() if n > (STEPS if mmsi >= BREACHER else 1)},
        account={str(number): feed for number, feed in enumerate(feeds)},
        alarms={str(row["object_key"]): int(str(row["n"])) for row in alarms},
        raises={str(row["object_key"]): int(str(row["n"])) for row in raises},
        seconds=round(time.monotonic() - began, 1),
    )
