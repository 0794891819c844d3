"""Sockets and files: bytes in, handed to the receiver's peers as they come; nothing here knows what they mean."""

import asyncio
import socket
import struct
import time
from pathlib import Path

import structlog
from tenacity import AsyncRetrying, wait_random_exponential

from geo.outgoing import Outgoing
from ingest.feed import POLLED, SUBSCRIBED, AddressError, Note, OpenPeer, Peer, Source, split_address
from ingest.mqtt import Subscriber
from ingest.offered import Offer
from ingest.poll import Poller

log = structlog.get_logger()
READ_BYTES = 1 << 16
TURN_BYTES = 1 << 14  # of one source before the others, and the way to Redis, have their turn: a few milliseconds' work
SO_RCVBUFFORCE = 33  # Linux; lets root pass net.core.rmem_max
SO_MEMINFO, DROPS = 55, struct.Struct("9I")  # Linux 4.12; the ninth is what /proc/net/udp shows as `drops`
KERNEL_DROP, DROPS_EVERY_S = "kernel_drop", 1.0


class PortTaken(AddressError):
    """Another program listens there already; the message names the address."""


def grant_buffer(sock: socket.socket, wanted: int) -> int:
    """Ask for a receive buffer and report what was granted, in bytes."""
    for option in (SO_RCVBUFFORCE, socket.SO_RCVBUF):
        try:
            sock.setsockopt(socket.SOL_SOCKET, option, wanted)
        except OSError:
            continue
        break
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def dropped(sock: socket.socket) -> int:
    """How many datagrams the kernel dropped since the socket was opened, for want of room; 0 where it cannot say."""
    try:
        found: int = DROPS.unpack(sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, DROPS.size))[8]
    except (OSError, struct.error):
        return 0
    return found


class _Datagrams:
    """Datagrams by sender; the number of senders is bounded, and the one quiet for longest is forgotten first."""

    PEERS_MAX = 1024
    TURNS_AT_CLOSE = 1024

    def __init__(self, sock: socket.socket, open_peer: OpenPeer) -> None:
        self._sock, self._open = sock, open_peer
        self._peers: dict[tuple[str, int], Peer] = {}

    def read(self) -> bool:
        """Take many datagrams at once (asyncio's own way goes round its loop for each); whether there may be more."""
        taken = 0
        while taken < TURN_BYTES:
            try:
                data, addr = self._sock.recvfrom(READ_BYTES)
            except BlockingIOError:
                return False
            except OSError as error:
                log.warning("udp error", error=str(error))
                return False
            taken += 64 + len(data)
            self._heard(data, addr)
        return True

    def close(self) -> None:
        """The source is closed: what came before is taken, and every sender is closed."""
        turns = 0
        while self.read() and turns < self.TURNS_AT_CLOSE:
            turns += 1
        for peer in self._peers.values():
            peer.close()

    def _heard(self, data: bytes, addr: tuple[str, int]) -> None:
        peer = self._peers.pop(addr, None)
        if peer is None:
            if len(self._peers) >= self.PEERS_MAX:
                self._peers.pop(next(iter(self._peers))).close()
            peer = self._open(f"udp {addr[0]}:{addr[1]}")
        self._peers[addr] = peer  # the last to be heard stands last
        peer.datagram(data)


async def open_transport(
    source: Source, open_peer: OpenPeer, note: Note, udp_buffer_bytes: int, clients_max: int, outgoing: Outgoing
) -> "asyncio.Task[None]":
    """Open a source's transport; the task runs until it is cancelled. What goes wrong meanwhile is told to `note`.

    Raises:
        PortTaken: the address is in use. AddressError: it cannot be used at all.
    """
    scheme, host, port = split_address(source.address)
    try:
        if scheme == "udp":
            return await _udp(source, host, port, open_peer, note, udp_buffer_bytes)
        if scheme == "tcp-listen":
            return await _listen(source, host, port, open_peer, clients_max)
    except OSError as error:
        raise PortTaken(f"{source.name}: cannot listen at {source.address}: {error.strerror or error}") from error
    if scheme in POLLED:
        return asyncio.create_task(_polled(source, open_peer, note, outgoing, f"{scheme} {host}:{port}"))
    if scheme in SUBSCRIBED:
        return asyncio.create_task(Subscriber(source, outgoing, note).run(open_peer(f"{scheme} {host}:{port}")))
    if scheme == "tcp":
        return asyncio.create_task(_client(source, host, port, open_peer), name=source.name)
    return asyncio.create_task(_file(_existing(source, Path(host)), open_peer), name=source.name)


async def _polled(source: Source, open_peer: OpenPeer, note: Note, outgoing: Outgoing, name: str) -> None:
    if source.form is None or source.form.sending is None:
        await Poller(source, outgoing, note).run(open_peer(name))
        return
    offer = Offer(source, source.form.sending, outgoing, note)
    async with asyncio.TaskGroup() as both:
        both.create_task(Poller(source, outgoing, note, offer.learn).run(open_peer(name)))
        both.create_task(offer.run(open_peer))


def _existing(source: Source, path: Path) -> Path:
    if not path.exists():
        raise AddressError(f"{source.name}: there is no file {path}")
    return path


async def _udp(
    source: Source, host: str, port: int, open_peer: OpenPeer, note: Note, buffer_bytes: int
) -> "asyncio.Task[None]":
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    sock = socket.socket(found[0][0], socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind(found[0][4])
    except OSError:
        sock.close()
        raise
    datagrams = _Datagrams(sock, open_peer)
    loop.add_reader(sock, datagrams.read)
    granted = grant_buffer(sock, buffer_bytes)
    log.info("listening", source=source.name, address=source.address, buffer_bytes=granted)
    if granted < buffer_bytes:
        log.warning("the kernel grants less than was asked for: raise net.core.rmem_max", asked_bytes=buffer_bytes)

    async def hold() -> None:
        known = 0
        try:
            while True:
                await asyncio.sleep(DROPS_EVERY_S)
                if count := (dropped(sock) - known) % (1 << 32):
                    note(KERNEL_DROP, count)
                    log.warning("the kernel dropped datagrams", source=source.name, count=count)
                    known = (known + count) % (1 << 32)
        finally:
            loop.remove_reader(sock)
            datagrams.close()
            sock.close()

    return asyncio.create_task(hold(), name=source.name)


async def _listen(source: Source, host: str, port: int, open_peer: OpenPeer, clients_max: int) -> "asyncio.Task[None]":
    clients: set[asyncio.Task[None]] = set()
    turn = asyncio.Lock()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
        try:
            await _drain(reader, open_peer(name), turn)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(clients) >= clients_max:
            log.warning("client refused", source=source.name, clients=len(clients))
            writer.close()
            return
        _keep_alive(writer)
        host, port = writer.get_extra_info("peername")[:2]
        task = asyncio.create_task(serve_one(reader, writer, f"tcp {host}:{port}"))
        clients.add(task)
        task.add_done_callback(clients.discard)

    server = await asyncio.start_server(accept, host, port, limit=READ_BYTES)
    log.info("listening", source=source.name, address=source.address)

    async def hold() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            # Not `async with server`: from Python 3.12 on it would wait for the clients to go by themselves.
            for task in clients:
                task.cancel()
            await asyncio.gather(*clients, return_exceptions=True)

    return asyncio.create_task(hold(), name=source.name)


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Let the kernel notice within two minutes that the other side is gone without a word."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 20), (socket.TCP_KEEPCNT, 3)):
        sock.setsockopt(socket.IPPROTO_TCP, option, seconds)


async def _drain(reader: asyncio.StreamReader, peer: Peer, turn: asyncio.Lock) -> None:
    """Read a connection to its end. The clients of a source share one turn: however many, they hold up nobody else."""
    data = b""
    try:
        while data := await reader.read(TURN_BYTES):
            async with turn:
                peer.feed(data)
                data = b""
                await asyncio.sleep(0)
    except OSError as error:  # reset, timed out, no route any more: all the same to us
        log.info("connection ended", error=str(error))
    except asyncio.CancelledError:  # what is here already is handed over
        reader.feed_eof()
        while True:
            peer.feed(data)
            if not (data := await reader.read(READ_BYTES)):
                raise
    finally:
        peer.close()


async def _client(source: Source, host: str, port: int, open_peer: OpenPeer) -> None:
    """Keep a connection to an upstream server, for ever, with back-off from 0.5 s to 30 s."""
    while True:
        async for attempt in AsyncRetrying(wait=wait_random_exponential(multiplier=0.5, max=30), reraise=True):
            with attempt:
                reader, writer = await asyncio.open_connection(host, port, limit=READ_BYTES)
        _keep_alive(writer)
        log.info("connected", source=source.name, address=source.address)
        started = time.monotonic()
        try:
            await _drain(reader, open_peer(f"tcp {host}:{port}"), asyncio.Lock())
        finally:
            writer.close()
        log.warning("upstream closed", source=source.name, seconds=round(time.monotonic() - started, 1))
        await asyncio.sleep(0.5)


async def _file(path: Path, open_peer: OpenPeer) -> None:
    """Read a file once, from its beginning to its end."""
    peer = open_peer(f"file {path.name}")
    with path.open("rb") as stream:
        while data := await asyncio.to_thread(stream.read, READ_BYTES):
            peer.feed(data)
            await asyncio.sleep(0)
    peer.close()
