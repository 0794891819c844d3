"""Screens that connect and never read, beside those that do, on a real web process."""

import asyncio
import base64
import http.client
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from api.live import PATH
from bench.clients import Publisher, resident_mb, store, web
from bench.crowd import Crowd, Listener
from bench.stage import Fleet
from run.process import wait_for

HEALTHY, STUCK = 150, 50

pytestmark = pytest.mark.alone
DROPPED_S = 15
GROWTH_MB = 50


def stuck(port: int, events: bool) -> socket.socket:
    """A client that asks for the live stream, as websocket or as events, and reads nothing of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before it connects: what it takes without reading
    client.settimeout(20)
    client.connect(("127.0.0.1", port))
    kind = "Accept: text/event-stream\r\n"
    if not events:
        key = base64.b64encode(os.urandom(16)).decode()
        kind = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        kind += f"Sec-WebSocket-Key: {key}\r\n"
    client.sendall(f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{kind}\r\n".encode())
    assert client.recv(12) in (b"HTTP/1.1 101", b"HTTP/1.1 200")
    return client


@contextmanager
def told(redis_url: str, fleet: Fleet) -> Iterator[None]:
    """The fleet's moves, published for as long as the context lasts."""
    ended = threading.Event()
    with Redis.from_url(redis_url) as client:
        publish = Publisher(client, fleet, time.time())

        def run() -> None:
            while not ended.is_set():
                publish.once()

        speaking = threading.Thread(target=run)
        speaking.start()
        try:
            yield
        finally:
            ended.set()
            speaking.join()


@contextmanager
def reading(port: int, number: int) -> Iterator[list[Listener]]:
    """Clients that read all they are sent, in a thread of their own."""
    loop, listeners = asyncio.new_event_loop(), list[Listener]()
    crowd = Crowd(time.time(), counting=True)

    async def join() -> None:
        for _ in range(number):
            _, listener = await loop.create_connection(lambda: Listener(crowd, port), "127.0.0.1", port)
            await asyncio.wait_for(listener.joined, 30)
            listeners.append(listener)

    async def leave() -> None:
        for listener in listeners:
            listener.transport.abort()
        await asyncio.sleep(0.1)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(join(), loop).result(120)
        yield listeners
    finally:
        asyncio.run_coroutine_threadsafe(leave(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def connections(port: int) -> int:
    """Connections that a process here holds open on its side of the port, whatever their other end does."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = [line for line in lines if line[1].endswith(f":{port:04X}") and line[3] != "0A" and line[9] != "0"]
    return len({line[2] for line in ours})  # by their other ends: a list that changes while it is read repeats some


def figure(port: int, name: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


@pytest.mark.parametrize(
    "seconds", [30, pytest.param(600, marks=[pytest.mark.long, pytest.mark.timeout(1200)], id="ten_minutes")]
)
def test_promise_09_screens_that_never_read_are_dropped_and_cost_the_others_nothing(
    seconds: float, database: Any, redis_server: str, home_directory: Path
) -> None:
    fleet = Fleet(10_000)
    store(database.owner, fleet)
    environment = {"DATABASE_URL_WEB": database.web, "REDIS_URL": redis_server}
    with (
        web(environment, home_directory) as (process, port),
        told(redis_server, fleet),
        reading(port, HEALTHY) as listeners,
    ):
        before_mb = resident_mb(process.pid)
        end, rounds = time.monotonic() + seconds, 0
        while time.monotonic() < end:  # as soon as they are dropped, they come again
            with ExitStack() as closing:
                for n in range(STUCK):
                    closing.enter_context(stuck(port, events=n % 5 == 0))
                rounds += 1
                ticks = [listener.ticks for listener in listeners]
                gone = wait_for(lambda: connections(port) == HEALTHY, DROPPED_S)
                assert gone, f"{connections(port)} connections, of which {HEALTHY} read"
            assert figure(port, "haidang_live_dropped_total") == STUCK * rounds
            assert all(listener.ticks > was for listener, was in zip(listeners, ticks, strict=True))
        assert resident_mb(process.pid) - before_mb < GROWTH_MB
        assert figure(port, "haidang_live_clients") == HEALTHY
        assert [(one.lost, one.gaps, one.snapshots) for one in listeners] == [(False, 0, 1)] * HEALTHY
