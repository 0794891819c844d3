"""The commands `demo` and `up`: private servers where none are given, the newest schema, every process supervised."""

import http.client
import shlex
import socket
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Protocol

import typer

from geo import database
from run import port as ports
from run.fault import Fault
from run.home import Home, locked, make_home
from run.process import Program
from run.rehearsal import Rehearsal
from run.role import urls
from run.servers import start_postgres, start_redis
from run.supervisor import Supervisor

# Stages: the highest stops first, so that what feeds the others stops before them.
STAGES = {"web": 1, "keep": 2, "clock": 2, "send": 2, "work": 3, "probe": 4, "gather": 4, "receive": 4}
SPEAKER_STAGE = 5
ROLE_NAMES = ("DATABASE_URL", "DATABASE_URL_INGEST", "DATABASE_URL_WEB", "DATABASE_URL_BACKUP")
READY_WORD_S = 15.0  # while it is not ready, say so this often

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class Setup(Protocol):
    """What these commands need to know, out of settings.Settings, which app.py puts into the context's `obj`."""

    @property
    def home(self) -> Path: ...  # noqa: D102
    @property
    def host(self) -> str: ...  # noqa: D102
    @property
    def port(self) -> int: ...  # noqa: D102
    @property
    def workers(self) -> int: ...  # noqa: D102
    @property
    def outgoing_allowed(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def warning_sources(self) -> Mapping[str, str]: ...  # noqa: D102
    def secret(self, name: str) -> str | None: ...  # noqa: D102


@app.command()
def demo(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port of the map on this machine.", min=1, max=65535)] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes.", min=0)] = None,
    speed: Annotated[float, typer.Option(help="How many times faster than life the simulated day runs.", min=0.1)] = 1,
    empty: Annotated[bool, typer.Option("--empty", help="Start without simulated feeds.")] = False,
) -> None:
    """Everything at once with a believable simulated day at Huế: private servers, schema, feeds, map."""
    setup: Setup = context.find_root().obj
    with _one_line():
        _run(setup, "demo", port or setup.port, minutes, None if empty else speed)


@app.command()
def up(context: typer.Context) -> None:
    """The same processes against the configured feeds; DATABASE_URL and REDIS_URL if set, else the private servers."""
    setup: Setup = context.find_root().obj
    with _one_line():
        _run(setup, "up", setup.port, None, None)


def _run(setup: Setup, purpose: str, port: int, minutes: float | None, speed: float | None) -> None:
    """Run everything; `speed` is the simulated day's, None for none."""
    home = make_home(setup.home)
    url = f"http://{f'[{setup.host}]' if ':' in setup.host else setup.host}:{port}"
    with locked(home, purpose):
        _check_port(setup.host, port, purpose)
        supervisor = Supervisor(home, purpose, _say)
        with supervisor.listening():
            environment = _connect(setup, home, supervisor)
            environment |= {"HAIDANG_HOME": str(home.path), "HAIDANG_PORT": str(port)}
            if purpose == "demo":
                environment["HAIDANG_OUTGOING_WITHHELD"] = "1"  # nothing of a rehearsal may reach anybody
            rehearsal = None
            if speed is not None:
                # The receiver listens there for what the simulated day says, as it would for any station.
                ways = {
                    "ais": "simulation.port",
                    "vms": "simulation-vms.port",
                    "environment": "simulation-environment.port",
                }
                heard = {feed: ports.kept(home.run / file, socket.SOCK_DGRAM) for feed, file in ways.items()}
                shown = ports.kept(home.run / "simulation-camera.port", socket.SOCK_STREAM)
                rehearsal = Rehearsal({feed: f"udp://127.0.0.1:{at}" for feed, at in heard.items()}, speed, _say, shown)
                environment |= rehearsal.environment(setup.outgoing_allowed)
                supervisor.start(_process(home, "pictures", rehearsal.camera_words(), SPEAKER_STAGE, environment))
            _prepare(environment["DATABASE_URL"])
            idle = () if setup.warning_sources else ("gather",)
            _start(home, supervisor, setup.workers, environment, idle)
            if rehearsal is not None:
                rehearsal.put_in(environment)
                supervisor.start_up(rehearsal.committed)
            if rehearsal is not None and not supervisor.stopping:
                rehearsal.settle()
                supervisor.start(_process(home, "simulate", rehearsal.words(), SPEAKER_STAGE, environment))
            supervisor.describe(url, {"web": port})
            supervisor.start_up(_Ready(setup.host, port))
            if supervisor.stopping:
                return
            _say(f"Open {url}   (Ctrl-C stops everything)")
            end = time.monotonic() + 60 * minutes if minutes is not None else None
            supervisor.run(lambda: end is not None and time.monotonic() >= end)
    _say("Stopped")


def _connect(setup: Setup, home: Home, supervisor: Supervisor) -> dict[str, str]:
    """Addresses under the names that settings.py reads: those given from outside, else of our own servers."""
    environment = {name: url for name in ROLE_NAMES if (url := setup.secret(name.lower()))}
    if "DATABASE_URL" in environment:
        missing = [name for name in ROLE_NAMES if name not in environment]
        # One login is enough: it becomes the role it needs at each connection, so no process has more rights than that.
        login = environment["DATABASE_URL"]
        environment |= {
            name: database.role_url(login, f"haidang_{name.rpartition('_')[2].lower()}") for name in missing
        }
    else:
        postgres, running = start_postgres(home, _say)
        supervisor.adopt(running)
        supervisor.describe(ports={"postgres": postgres.port})
        environment = urls(postgres).environment()
    redis_url = setup.secret("redis_url")
    if redis_url is None:
        redis, running = start_redis(home, _say)
        supervisor.adopt(running)
        supervisor.describe(ports={"redis": redis.port})
        redis_url = redis.url
    return {**environment, "REDIS_URL": redis_url}


def _start(
    home: Home, supervisor: Supervisor, workers: int, environment: Mapping[str, str], idle: Collection[str]
) -> None:
    # The workers first: they have the most to load, and a demo waits for one.
    for name, stage in sorted(STAGES.items(), key=lambda item: item[0] != "work"):
        for number in range(1, 1 if name in idle else workers + 1 if name == "work" else 2):
            own = name if number == 1 else f"{name}-{number}"
            supervisor.start(_process(home, own, (name,), stage, environment))


def _prepare(owner_url: str) -> None:
    """Bring the database to the newest schema, and put in what every installation starts with."""
    from run.schema import bring_up  # with it comes every layer, which the supervisor has no other use for

    began = time.monotonic()
    made = bring_up(owner_url)
    _say(f"Schema ready in {time.monotonic() - began:.1f} s" + (f" (made: {', '.join(made)})" if made else ""))


def _process(home: Home, name: str, words: tuple[str, ...], stage: int, environment: Mapping[str, str]) -> Program:
    front_door = Path(sys.argv[0]).resolve()
    return Program(
        name=name,
        argv=(sys.executable, str(front_door), *words),
        log=home.log / f"{name}.log",
        env=environment,
        stage=stage,
        heartbeat=home.run / "heartbeat" / name,
    )


def _check_port(host: str, port: int, purpose: str) -> None:
    if not ports.free(port, host):
        again = shlex.join(["./haidang", purpose, "--port", str(port + 1)])
        instead = again if purpose == "demo" else f"HAIDANG_PORT={port + 1} ./haidang {purpose}"
        raise Fault(f"Port {port} on {host} is taken by another program; stop that one, or choose another: {instead}")


class _Ready:
    """Asks /readyz whether the map can be opened, and says now and then what is still missing."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._asked = self._told = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._asked < 0.2:
            return False
        self._asked = now
        status, words = self._ask()
        if status != 200 and now - self._told > READY_WORD_S:
            self._told = now
            _say(f"Not ready yet: {words}")
        return status == 200

    def _ask(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            return response.status, response.read(300).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, f"the web process does not answer ({error})"
        finally:
            connection.close()


@contextmanager
def _one_line() -> Iterator[None]:
    """What goes wrong is said in one line, with exit code 1; Ctrl-C is a way to end, not an error."""
    try:
        yield
    except KeyboardInterrupt:
        _say("Stopped")
    except (Fault, database.DatabaseError) as error:
        typer.echo(" ".join(str(error).split()), err=True)  # a server's own words come in several lines
        raise typer.Exit(1) from None
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        typer.echo(f"The system refused: {error.strerror or error}{where}", err=True)
        raise typer.Exit(1) from None


def _say(line: str) -> None:
    # At once, for a person or a service manager to read; and a console that went away is no reason to stop.
    with suppress(OSError):
        typer.echo(line)
        sys.stdout.flush()
