"""The command `simulate`: speaks the simulated day to a receiver, sentence by sentence, as a station ashore would."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import merge
from pathlib import Path
from typing import Annotated, Any, Protocol
from urllib.parse import urlsplit

import structlog
import typer

from demo import camera_event, station, vms
from demo.radio import Transmission, day, live
from demo.truth import truths
from geo.heartbeat import Heartbeat
from ingest.vms import BEGIN

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
log = structlog.get_logger()

BEAT_S = 1.0
LATE_S = 30.0
_REPORT_S = 600.0
# By their first bytes the messages of feeds other than AIS are told apart, each of which has a receiver of its own.
BEGINNINGS: Mapping[str, bytes] = {"vms": BEGIN, "environment": b"{"}


class Setup(Protocol):
    """What this command needs to know, out of settings.Settings, which app.py puts into the context's `obj`."""

    @property
    def home(self) -> Path: ...  # noqa: D102
    @property
    def simulated_sources(self) -> Mapping[str, Sequence[str]]: ...  # noqa: D102
    @property
    def port(self) -> int: ...  # noqa: D102


@app.callback()
def _simulation() -> None:
    """The simulated day."""


@app.command()
def simulate(
    context: typer.Context,
    to: Annotated[
        str | None, typer.Option(help="Where the sentences go, udp://host:port; by default the simulated AIS source.")
    ] = None,
    speed: Annotated[float, typer.Option(help="How many times faster than life the day runs.", min=0.1)] = 1.0,
    seed: Annotated[int, typer.Option(help="Which day: the same seed gives the same fleet and the same ways.")] = 1,
    start: Annotated[
        float | None, typer.Option(help="Unix seconds to which the scripted events are relative; by default now.")
    ] = None,
    pictures: Annotated[
        int | None, typer.Option(help="Port of this machine where 'pictures' shows what the simulated cameras see.")
    ] = None,
) -> None:
    """One process: the simulated day at Huế, spoken over UDP; runs until stopped."""
    setup: Setup | None = context.find_root().obj
    try:
        address = udp_address(to or _first_source(setup))
        others = setup.simulated_sources if setup is not None and to is None else {}
        beside = {feed: udp_address(others[feed][0]) for feed in BEGINNINGS if others.get(feed)}
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    begin = time.time() if start is None else start
    if setup is not None:
        write_truth(setup.home / "demo" / "truth.jsonl", seed, begin, speed)
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    if setup is not None and to is None:
        _watch_cameras(setup, seed, asked, pictures)
    speak(address, seed, begin, speed, asked, Heartbeat(os.environ.get("HAIDANG_HEARTBEAT")), beside)


def _watch_cameras(setup: Setup, seed: int, asked: threading.Event, pictures: int | None) -> None:
    """Push what is seen through cameras beside all that is spoken, where the demo left a key for it."""
    kept = setup.home / "demo" / camera_event.KEPT
    if kept.exists():
        words = (f"http://127.0.0.1:{setup.port}", kept.read_text("utf-8").strip(), seed, asked, pictures)
        threading.Thread(target=camera_event.push, args=words, daemon=True, name="camera events").start()


def _first_source(setup: Setup | None) -> str:
    addresses = setup.simulated_sources.get("ais", ()) if setup is not None else ()
    if not addresses:
        raise ValueError("simulate: no receiver given; add --to udp://host:port, or start it with './haidang demo'")
    return addresses[0]


def udp_address(url: str) -> tuple[str, int]:
    """Host and port of a udp:// address. Raises ValueError that says what is wrong with it."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme != "udp" or not host or not port:
        raise ValueError(f"simulate: {url!r} is not udp://host:port")
    return host, port


def write_truth(path: Path, seed: int, start: float, speed: float = 1.0) -> None:
    """Write the scripted events of the day as JSON lines, with the times that the sentences carry."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clock = stamps(start, speed)
    path.write_text("".join(truth.line(clock) + "\n" for truth in truths(seed, start)), encoding="utf-8")


def stamps(start: float, speed: float) -> Callable[[float], float]:
    """The clock of sentences: before the start the day's own time, after it real time while the day runs faster."""
    return lambda at: at if at <= start else start + (at - start) / speed


def speak(
    address: tuple[str, int],
    seed: int,
    start: float,
    speed: float,
    asked: threading.Event,
    heart: Heartbeat,
    beside: Mapping[str, tuple[str, int]] | None = None,
) -> None:
    """Send everything that is said from now on, each message as one datagram at its moment, until asked to stop.

    beside: where what is no AIS goes, by feed: the monitoring devices' fixes, as a provider's centre would push them,
    and what stations observe.
    """
    clock = stamps(start, speed)
    today = day(seed, start)
    family, kind, _, _, target = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
    others = {
        feed: socket.getaddrinfo(*at, type=socket.SOCK_DGRAM, family=family)[0][4]
        for feed, at in (beside or {}).items()
    }
    log.info("simulation speaks", to=f"udp://{address[0]}:{address[1]}", seed=seed, speed=speed,
             vessels=len(today.speakers))  # fmt: skip

    def now() -> float:
        """The simulated moment."""
        real = time.time()
        return real if real <= start else start + (real - start) * speed

    with socket.socket(family, kind) as sender:
        while not asked.is_set():
            # Falling far behind (a laptop that slept) is answered by going on from now, not by a flood of the missed.
            at = now()
            devices = vms.live(today, at, clock) if "vms" in others else ()
            observed = station.live(start, at, clock) if "environment" in others else ()
            said = merge(live(today, at, clock), devices, observed, key=lambda one: one[0])
            _play(said, clock, asked, heart, lambda data: _send(sender, _whither(data, target, others), data))
    log.info("simulation stopped")


def _play(
    said: Iterator[Transmission],
    clock: Callable[[float], float],
    asked: threading.Event,
    heart: Heartbeat,
    send: Callable[[bytes], None],
) -> None:
    count, reported, beaten = 0, time.monotonic(), 0.0
    for at, lines in said:
        due = clock(at)
        while True:
            if time.monotonic() - beaten >= BEAT_S:
                heart.beat()
                beaten = time.monotonic()
            wait = due - time.time()
            if wait <= 0 or asked.wait(min(wait, BEAT_S)):
                break
        if asked.is_set() or wait < -LATE_S:
            return
        if lines:
            send(b"".join(line + b"\r\n" for line in lines))
            count += len(lines)
        if time.monotonic() - reported >= _REPORT_S:
            log.info("simulation goes on", sentences=count)
            count, reported = 0, time.monotonic()


def _whither(data: bytes, target: Any, others: Mapping[str, Any]) -> Any:
    return next((at for feed, at in others.items() if data.startswith(BEGINNINGS[feed])), target)


def _send(sender: socket.socket, target: Any, data: bytes) -> None:
    try:
        sender.sendto(data, target)
    except OSError as error:
        # As with a real station, what nobody can hear is lost; the supervisor's log says so.
        log.warning("simulation could not send", error=str(error))
