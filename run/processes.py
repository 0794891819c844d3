"""The processes, one command each: receive, work, clock, send, probe, gather, keep and web, for one machine or many."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from geo.heartbeat import Heartbeat
from ingest.feed import AddressError, Source
from ingest.spill import SpoolError
from layers import discover, lanes, push_lanes
from run.fault import Fault

if TYPE_CHECKING:
    from ingest import receiver
    from settings import Settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
# Each command loads what it alone needs: a receiver without pandas and Dash takes half the memory.


@app.command()
def receive(context: typer.Context) -> None:
    """One process: bytes of every feed into its Redis Stream."""
    settings: Settings = context.find_root().obj
    from ingest import receiver

    with _one_line():
        sources = [lane.source for lane in lanes(discover(), settings.feed_sources, settings.simulated_sources)]
        flush = receiver.Flush(settings.flush_ms / 1000, settings.flush_bytes, settings.spill_bytes_max)
        asyncio.run(_receive(settings, sources, flush))


async def _receive(settings: "Settings", sources: list[Source], flush: "receiver.Flush") -> None:
    from geo.outgoing import Outgoing, allow
    from ingest import receiver

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await receiver.receive(
        sources,
        _given(settings, "redis_url"),
        settings.home.absolute() / "spool",
        flush,
        settings.udp_buffer_bytes,
        settings.tcp_clients_max,
        _heartbeat(),
        stop,
        Outgoing(
            allow(settings.outgoing_allowed),
            secrets={name: value.get_secret_value() for name, value in settings.secrets.items()},
        ),
    )


@app.command()
def work(context: typer.Context) -> None:
    """One process: batches of every source nobody else works, into the database and out to the screens."""
    settings: Settings = context.find_root().obj
    import redis

    from geo.api_key import senders
    from geo.database import engine
    from ingest.worker import Worker
    from run.prober import prober_lanes

    with _one_line():
        client = redis.Redis.from_url(_given(settings, "redis_url"), socket_timeout=10, socket_connect_timeout=2)
        found = lanes(discover(), settings.feed_sources, settings.simulated_sources)
        database = engine(_given(settings, "database_url_ingest"))
        worker = Worker(
            found,
            database,
            client,
            _heartbeat(),
            duplicate_window_s=settings.duplicate_window_s,
            further=lambda connection: (
                *push_lanes(discover(), senders(connection)),
                *prober_lanes(connection, discover()),
            ),
        )
        worker.run(_stopping())


@app.command()
def clock(context: typer.Context) -> None:
    """One process: what needs time and no input, such as dwell; a second one waits as its stand-in."""
    settings: Settings = context.find_root().obj
    from geo.database import engine
    from run.clock import Clock

    with _one_line():
        ingest = engine(_given(settings, "database_url_ingest"))
        Clock(discover(), ingest, _given(settings, "redis_url"), _heartbeat()).run(_stopping())


@app.command()
def send(context: typer.Context) -> None:
    """One process: alarms out of the house by e-mail, webhook and SMS; a second one waits as its stand-in."""
    settings: Settings = context.find_root().obj
    from geo.database import engine
    from geo.delivery import Patience
    from geo.outgoing import Outgoing, allow
    from run.sender import Sender

    with _one_line():
        sender = Sender(
            engine(_given(settings, "database_url_ingest")),
            Outgoing(allow(settings.outgoing_allowed)),
            {name: value.get_secret_value() for name, value in settings.secrets.items()},
            settings.withholding,
            settings.centre_vi,
            settings.public_url,
            Patience(settings.delivery_attempts),
            _heartbeat(),
        )
        sender.run(_stopping())


@app.command()
def probe(context: typer.Context) -> None:
    """One process: looks at the cameras' pictures in turn, within what may leave the house; a second one waits."""
    settings: Settings = context.find_root().obj
    from geo.database import engine
    from geo.outgoing import Outgoing, allow
    from layers import push_feed
    from run.prober import Prober, layer_of, stream_keeper

    with _one_line():
        layer = layer_of(discover())
        feed = push_feed(layer) if layer else None
        if layer is None or feed is None:
            raise Fault("There is no layer of cameras to look at.")
        prober = Prober(
            layer.shape,
            feed,
            engine(_given(settings, "database_url_ingest")),
            Outgoing(allow(settings.outgoing_allowed)),
            stream_keeper(_given(settings, "redis_url")),
            _heartbeat(),
        )
        prober.run(_stopping())


@app.command()
def gather(context: typer.Context) -> None:
    """One process: asks servers for their warnings (CAP), within what may leave the house; a second one waits."""
    settings: Settings = context.find_root().obj
    from geo.database import engine
    from geo.outgoing import Outgoing, allow
    from run.gatherer import Gatherer, sources

    with _one_line():
        gatherer = Gatherer(
            sources(settings.warning_sources),
            engine(_given(settings, "database_url_ingest")),
            Outgoing(allow(settings.outgoing_allowed)),
            _heartbeat(),
        )
        gatherer.run(_stopping())


@app.command()
def keep(context: typer.Context) -> None:
    """One process: `db retain` once a night; needs the owner's DATABASE_URL and the archive's directory."""
    settings: Settings = context.find_root().obj
    from run import keeper

    with _one_line():
        _given(settings, "database_url")
        keeper.keep((sys.executable, str(Path(sys.argv[0]).resolve()), "db", "retain"), _heartbeat(), _stopping())


@app.command()
def web(context: typer.Context) -> None:
    """One process: the map, the API and the live stream."""
    settings: Settings = context.find_root().obj
    from run import web as web_process

    with _one_line():
        site = web_process.make_site(settings, _given(settings, "database_url_web"), _given(settings, "redis_url"))
        web_process.serve(web_process.make_server(site), settings.host, settings.port, _heartbeat())


def _given(settings: "Settings", name: str) -> str:
    value = settings.secret(name) or (settings.secret("database_url") if name.startswith("database") else None)
    if value is None:
        raise Fault(f"{name.upper()} is not set; give it, or use './haidang up', which brings servers of its own.")
    return value


def _heartbeat() -> Heartbeat:
    return Heartbeat(os.environ.get("HAIDANG_HEARTBEAT"))


def _stopping() -> Callable[[], bool]:
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    return asked.is_set


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        return
    except (Fault, AddressError, SpoolError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
