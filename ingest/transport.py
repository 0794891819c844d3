"""Sockets and files: bytes in, handed to the receiver's peers as they come; nothing here knows what they mean."""

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog
from tenacity import AsyncRetrying, wait_exponential_jitter

from ingest.feed import AddressError, Source, split_address

log = structlog.get_logger()
READ_BYTES = 1 << 16
SO_RCVBUFFORCE = 33  # Linux; lets root pass net.core.rmem_max


class Peer(Protocol):
    """One sender of bytes, as the receiver keeps it."""

    def feed(self, data: bytes) -> None:
        """Take bytes of a stream."""

    def datagram(self, data: bytes) -> None:
        """Take one datagram."""

    def close(self) -> None:
        """The sender is gone."""


OpenPeer = Callable[[str | None], Peer]


class PortTaken(Exception):
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


class _Datagrams(asyncio.DatagramProtocol):
    """Datagrams by sender; a sender that has been quiet for a while is forgotten, and the number is bounded."""

    PEERS_MAX = 1024

    def __init__(self, open_peer: OpenPeer) -> None:
        self._open = open_peer
        self._peers: dict[tuple[str, int], Peer] = {}

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        peer = self._peers.get(addr)
        if peer is None:
            if len(self._peers) >= self.PEERS_MAX:
                self._peers.pop(next(iter(self._peers))).close()
            peer = self._peers[addr] = self._open(f"udp {addr[0]}:{addr[1]}")
        peer.datagram(data)

    def error_received(self, exc: Exception) -> None:
        log.warning("udp error", error=str(exc))

    def connection_lost(self, exc: Exception | None) -> None:
        for peer in self._peers.values():
            peer.close()


async def open_transport(
    source: Source, open_peer: OpenPeer, udp_buffer_bytes: int, clients_max: int
) -> "asyncio.Task[None]":
    """Open a source's transport; the task runs until it is cancelled.

    Raises:
        PortTaken: the address is in use. AddressError: it cannot be used at all.
    """
    scheme, host, port = split_address(source.address)
    try:
        if scheme == "udp":
            return await _udp(source, host, port, open_peer, udp_buffer_bytes)
        if scheme == "tcp-listen":
            return await _listen(source, host, port, open_peer, clients_max)
    except OSError as error:
        raise PortTaken(f"{source.name}: cannot listen at {source.address}: {error.strerror or error}") from error
    if scheme == "tcp":
        return asyncio.create_task(_client(source, host, port, open_peer), name=source.name)
    return asyncio.create_task(_file(_existing(source, Path(host)), open_peer), name=source.name)


def _existing(source: Source, path: Path) -> Path:
    if not path.exists():
        raise AddressError(f"{source.name}: there is no file {path}")
    return path


async def _udp(source: Source, host: str, port: int, open_peer: OpenPeer, buffer_bytes: int) -> "asyncio.Task[None]":
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(open_peer), local_addr=(host, port))
    granted = grant_buffer(transport.get_extra_info("socket"), buffer_bytes)
    log.info("listening", source=source.name, address=source.address, buffer_bytes=granted)

    async def hold() -> None:
        try:
            await loop.create_future()
        finally:
            transport.close()

    return asyncio.create_task(hold(), name=source.name)


async def _listen(source: Source, host: str, port: int, open_peer: OpenPeer, clients_max: int) -> "asyncio.Task[None]":
    open_now = 0

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now
        if open_now >= clients_max:
            log.warning("client refused", source=source.name, clients=open_now)
            writer.close()
            return
        open_now += 1
        name = writer.get_extra_info("peername")
        try:
            await _drain(reader, open_peer(f"tcp {name[0]}:{name[1]}"))
        finally:
            open_now -= 1
            writer.close()

    server = await asyncio.start_server(serve_one, host, port, limit=READ_BYTES)
    log.info("listening", source=source.name, address=source.address)

    async def hold() -> None:
        async with server:
            await server.serve_forever()

    return asyncio.create_task(hold(), name=source.name)


async def _drain(reader: asyncio.StreamReader, peer: Peer) -> None:
    try:
        while data := await reader.read(READ_BYTES):
            peer.feed(data)
    except ConnectionError as error:
        log.info("connection ended", error=str(error))
    finally:
        peer.close()


async def _client(source: Source, host: str, port: int, open_peer: OpenPeer) -> None:
    """Keep a connection to an upstream server, for ever, with back-off from 0.5 s to 30 s."""
    while True:
        async for attempt in AsyncRetrying(wait=wait_exponential_jitter(0.5, 30), reraise=True):
            with attempt:
                reader, writer = await asyncio.open_connection(host, port, limit=READ_BYTES)
        log.info("connected", source=source.name, address=source.address)
        started = time.monotonic()
        try:
            await _drain(reader, open_peer(f"tcp {host}:{port}"))
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
