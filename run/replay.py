"""The command `replay`: plays captures into the running system through a feed's own door, and prints the account."""

import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import redis
import sqlalchemy as sa
import typer

from geo.account import Account, peer_account
from geo.database import engine
from ingest.feed import AddressError, Source, split_address
from ingest.offline import CaptureError
from ingest.playback import Playback
from ingest.stream import Writer
from layers import discover, lanes
from run.connection import addresses
from run.fault import Fault

if TYPE_CHECKING:
    from settings import Settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PROGRESS_S = 5.0
STALLED_S = 60.0  # so long without any progress means that nobody works the source
UDP_SETTLED_S = 3.0  # datagrams may be lost on the way: what has not come by then will not
UDP_LINES_PER_S = 20_000  # the kernel's default buffer is small; faster than this it drops
BATCH_BYTES = 1 << 19

Deliver = Callable[[Playback, Iterator[bytes]], None]


@app.command()
def replay(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(help="Captures of AIS sentences, gzipped or not; - for standard input.")
    ],
    speed: Annotated[str, typer.Option(help="Times faster than recorded, or max; untimed captures play at max.")] = "1",
    to: Annotated[str | None, typer.Option(help="udp://HOST:PORT or tcp://HOST:PORT; else the stream itself.")] = None,
    source: Annotated[str | None, typer.Option(help="The source to play as, where --to does not tell it.")] = None,
    keep_times: Annotated[
        bool, typer.Option("--keep-times", help="Keep recorded times, else shift them to now.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The account as one JSON object.")] = False,
) -> None:
    """Play a recorded capture into the running system; ends when all of it is committed, and prints the account."""
    settings: Settings = context.find_root().obj
    began = time.monotonic()
    with _one_line(to):
        play = Playback(_factor(speed), keep_times)
        where = addresses(settings)
        chosen = _source(settings, to, source)
        since = datetime.now(UTC) - timedelta(seconds=5)
        chunks = play.chunks(files)
        peer = _send(to, play, chunks) if to else _add(where["REDIS_URL"], chosen, play, chunks)
        database = engine(where["DATABASE_URL_WEB"])
        lossy = (to or "").startswith("udp")
        account = wait_committed(database, chosen.name, peer, since, play.counted, lossy, quiet=as_json)
        answer = {**account.as_dict(), "seconds": round(time.monotonic() - began, 3)}
        if account.received < play.counted:
            typer.echo(f"{play.counted - account.received} of {play.counted} sentences never arrived (UDP)", err=True)
        typer.echo(
            json.dumps(answer) if as_json else "\n".join(f"{name:>10}  {value}" for name, value in answer.items())
        )


@contextmanager
def _one_line(to: str | None) -> Iterator[None]:
    try:
        yield
    except (Fault, CaptureError, AddressError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (OSError, redis.RedisError, sa.exc.SQLAlchemyError) as error:
        typer.echo(f"cannot play to {to or 'the stream'}: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(1) from None


def _factor(speed: str) -> float | None:
    if speed == "max":
        return None
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not factor > 0:
        typer.echo(f"--speed is a number above 0 or max, not {speed!r}", err=True)
        raise typer.Exit(2)
    return factor


def _source(settings: "Settings", to: str | None, name: str | None) -> Source:
    """The source that the target address feeds, or the one that is named; the first one otherwise."""
    sources = [lane.source for lane in lanes(discover(), settings.feed_sources, settings.simulated_sources)]
    if name is not None:
        found = [source for source in sources if source.name == name]
    elif to is not None:
        scheme, _, port = split_address(to)
        wanted = "tcp-listen" if scheme == "tcp" else scheme
        found = [source for source in sources if split_address(source.address)[::2] == (wanted, port)]
    else:
        found = [source for source in sources if not source.simulated]
    if not found:
        known = ", ".join(f"{source.name} ({source.address})" for source in sources)
        raise Fault(f"No source is {name or to}; there are: {known}")
    return found[0]


def _send(to: str, play: Playback, chunks: Iterator[bytes]) -> str:
    """Send to a socket as a receiver would; returns the name under which the ledger will show it."""
    scheme, host, port = split_address(to)
    if scheme == "tcp":
        with closing(socket.create_connection((host, port), timeout=10)) as sock:
            name = f"tcp {sock.getsockname()[0]}:{sock.getsockname()[1]}"
            sock.settimeout(None)
            for chunk in chunks:
                sock.sendall(chunk)
                play.framer.take()
                play.taken()
            sock.shutdown(socket.SHUT_WR)
            play.finish()
        return name
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        sock.connect((host, port))
        name = f"udp {sock.getsockname()[0]}:{sock.getsockname()[1]}"
        for chunk in chunks:
            for line in chunk.splitlines(keepends=True):
                sock.send(line[:65_000])
                time.sleep(1 / UDP_LINES_PER_S)
            play.framer.take()
            play.taken()
        play.finish()
    return name


def _add(redis_url: str, source: Source, play: Playback, chunks: Iterator[bytes]) -> str:
    """Add to the source's stream directly, as the receiver would; returns the sender's name in the ledger."""
    name = f"replay {uuid.uuid4().hex}"
    with redis.Redis.from_url(redis_url, socket_timeout=30) as client:
        stream = Writer(client, source, name)
        for _ in chunks:
            if play.factor is not None or play.framer.ready.size > BATCH_BYTES:
                stream.add(play.framer.take())
                play.taken()
        play.finish()
        stream.add(play.framer.take())
        play.taken()
    return name


def wait_committed(
    database: sa.Engine, source: str, peer: str, since: datetime, expected: int, lossy: bool, quiet: bool
) -> Account:
    """Wait until the ledger holds all that was sent.

    Raises:
        Fault: no progress for a minute.
    """
    changed = told = time.monotonic()
    account = Account()
    while True:
        with database.connect() as connection:
            latest = peer_account(connection, source, peer, since)
        now = time.monotonic()
        if latest.received != account.received:
            changed = now
        account = latest
        if account.received >= expected or (lossy and now - changed > UDP_SETTLED_S):
            return account
        if now - changed > STALLED_S:
            raise Fault(
                f"{account.received} of {expected} sentences are committed and no more follow; is the worker up?"
            )
        if not quiet and now - told > PROGRESS_S:
            told = now
            typer.echo(f"{account.received} of {expected} sentences committed", err=True)
        time.sleep(0.05)
