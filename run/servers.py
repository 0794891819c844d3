"""The two private servers of one home, together: started for as long as a piece of work lasts."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from run.fault import Fault
from run.home import Home, locked, make_home
from run.postgres import Postgres, make_postgres
from run.process import Running, start
from run.redis import Redis, make_redis
from run.role import make_database, make_roles

START_S = 600.0  # recovery after a crash may take minutes; a server that died is noticed at once
PORT_TAKEN = ("Address already in use", "could not create any TCP/IP sockets")


@dataclass(frozen=True)
class Servers:
    """The running servers of one home."""

    home: Home
    postgres: Postgres
    redis: Redis


def started(server: Postgres | Redis, say: Callable[[str], None], began: float) -> Running:
    """Start (or adopt) one server and wait until it serves. Raises Fault with the server's own words.

    `began` (monotonic) is when its making began, for the time that is said.
    """
    program = server.program()
    position = program.log.stat().st_size if program.log.exists() else 0
    running = start(program)
    try:
        _await(server, running, position, say)
    except BaseException:  # Ctrl-C too: nothing may stay behind that nobody watches
        running.stop()
        raise
    if isinstance(server, Redis) and (words := server.loaded_truncated(position)):
        say(f"Redis lost the unfinished end of its file in a crash, and loaded all before it: {words}")
    how = "was running already" if running.adopted else f"ready in {time.monotonic() - began:.1f} s"
    say(f"{server.title} {how}, port {server.port}")
    return running


def _await(server: Postgres | Redis, running: Running, position: int, say: Callable[[str], None]) -> None:
    program, began = server.program(), time.monotonic()
    told = began
    while not server.answers():
        if running.poll() is not None:
            raise Fault(f"{server.title} did not start ({last_words(program.log, position)}); see {program.log}.")
        now = time.monotonic()
        if now - began > START_S:
            raise Fault(f"{server.title} did not serve within {START_S:.0f} s; see {program.log}.")
        if now - told > 10.0:
            told = now
            say(f"{server.title} is still starting ({last_words(program.log, position)})")
        time.sleep(0.02)


def start_postgres(home: Home, say: Callable[[str], None], durable: bool = True) -> tuple[Postgres, Running]:
    """The home's PostgreSQL, serving, with its roles and its database."""
    if not (home.path / "postgres" / "data").exists():
        say("Making a database (once)")
    server, running = _on_free_port(lambda: make_postgres(home, durable), say)
    assert isinstance(server, Postgres)
    make_roles(server)
    make_database(server)
    return server, running


def start_redis(home: Home, say: Callable[[str], None], durable: bool = True) -> tuple[Redis, Running]:
    """The home's Redis, serving."""
    server, running = _on_free_port(lambda: make_redis(home, durable), say)
    assert isinstance(server, Redis)
    return server, running


@contextmanager
def servers(
    path: Path, purpose: str, durable: bool = True, say: Callable[[str], None] = lambda line: None
) -> Iterator[Servers]:
    """Both servers of the home at `path`, held by this program alone, stopped at the end.

    Raises Fault when another program holds the home or a server cannot be started.
    """
    home = make_home(path)
    with locked(home, purpose):
        running: list[Running] = []
        try:
            postgres, child = start_postgres(home, say, durable)
            running.append(child)
            redis, child = start_redis(home, say, durable)
            running.append(child)
            yield Servers(home, postgres, redis)
        finally:
            for child in reversed(running):
                child.stop()


def last_words(log: Path, position: int = 0) -> str:
    """The last telling line of a log after `position` (bytes), without its time stamp."""
    with log.open("rb") as file:
        file.seek(position)
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "# ", "Error", "error"))]
    line = (telling or lines or ["no words in its log"])[-1]
    return re.sub(r"^.*?(?=FATAL|PANIC|# )", "", line.strip())[-200:]


def _on_free_port(make: Callable[[], Postgres | Redis], say: Callable[[str], None]) -> tuple[Postgres | Redis, Running]:
    """Between choosing a port and listening on it somebody else may take it: then choose again."""
    for attempt in range(5):
        began = time.monotonic()
        server = make()
        log = server.program().log
        position = log.stat().st_size if log.exists() else 0
        try:
            return server, started(server, say, began)
        except Fault:
            words = log.read_bytes()[position:].decode(errors="replace")
            if attempt == 4 or not any(sign in words for sign in PORT_TAKEN):
                raise
    raise AssertionError("unreachable")
