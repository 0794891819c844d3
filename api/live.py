"""The live stream: from Redis's hints and the database's truth to every browser, over one websocket each."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pandas as pd
import redis.asyncio
import sqlalchemy as sa
import structlog
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, StreamingResponse

from access.site import Site
from api.broadcast import Broadcast, Message, frame, names, text
from api.picture import Picture
from geo import account, journal, revision
from geo.live import LiveState, decode
from geo.warning_state import in_force_mark

PATH = "/api/v1/live"
NEWS = "news"  # `?only=news`: what happens to alarms and feeds, without the objects
TICK_LEAST_S = 0.08
TICK_COSTS = 12  # pause at least so many times what the last tick took
HEARTBEAT_S = 4.0
ALARM_POLL_S = 1.0
ALARM_REST_S = 0.15  # in a storm each commit is a hint: so long apart at least are the ones that every screen reads for
FEEDS_POLL_S = 2.0
MARKS_POLL_S = 1.0
CATCH_UP_S = 5.0  # hints may be lost; without Redis the database is asked each second instead
CATCH_UP_ALONE_S = 1.0
OVERLAP = timedelta(seconds=20)  # a batch may commit this long after its rows were received
RECONCILE_S = 60.0
ANSWER_S = 30.0  # a database that takes longer to answer counts as away
FEEDS_ANSWER_S = 2.5  # with the poll's own pause: a hung database is told within five seconds
ENDED_S = 3.0  # a question still being answered at the end is waited for so long

T = TypeVar("T")
Loop = Callable[[], Coroutine[Any, Any, None]]
log = structlog.get_logger()


def _marks(connection: sa.Connection) -> dict[str, Any]:
    return {"fences": revision.mark(connection), "warnings": in_force_mark(connection, datetime.now(UTC))}


class LiveHub:
    """Holds the live picture of all layers, keeps it true, and tells every client what changed, encoded once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._tick_s = site.tick_ms / 1000
        self._pictures = [Picture(layer) for layer in site.layers]
        self._state = LiveState({picture.name: picture.reading for picture in self._pictures})
        self.broadcast = Broadcast(self._everything, site.live_clients_max, self._news)
        self.epoch = f"{time.time_ns():x}"
        self._picture: tuple[int, list[Message]] = (-1, [])
        self._wake = asyncio.Event()
        self._alarm_hint = asyncio.Event()
        self._since: dict[str, datetime] = {}
        self._alarms: tuple[int, int] | None = None
        self._alarm_seq = 0
        self._feeds: list[dict[str, Any]] = []
        self._fence_hint = asyncio.Event()
        self._marks: dict[str, str] = {}  # of fences, rules and rosters, and of warnings: each differs when they do
        self._away: dict[str, bool] = {"database": False, "redis": False}
        self._threads = ThreadPoolExecutor(2, "live")
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to listen, poll and tick; never fails, what is away is tried again for ever."""
        self._tasks = [asyncio.create_task(self._forever(loop), name=loop.__name__) for loop in self.loops()]

    def loops(self) -> tuple[Loop, ...]:
        """What runs for as long as the hub does."""
        return (
            self._listen,
            self._keep_up,
            self._tick,
            self._watch_alarms,
            self._watch_feeds,
            self._watch_marks,
            self._beat,
        )

    async def stop(self) -> None:
        """End every loop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # A question that is still being answered holds a connection, which is the engine's to close afterwards.
        ended = asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(ended), ENDED_S)

    async def _forever(self, loop: Loop) -> None:
        while True:
            try:
                await loop()
            except Exception:
                log.exception("live loop failed; it starts again", loop=loop.__name__)
                await asyncio.sleep(1)

    # What the clients get

    def _everything(self) -> list[Message]:
        """Greeting, then per layer its points, then all names; sent to a client that is new or fell behind."""
        now_ms = time.time() * 1000
        seq = self.broadcast.seq
        greeting = self._hello(now_ms, seq, [picture.described(index) for index, picture in enumerate(self._pictures)])
        if self._picture[0] != seq:
            # The number of the last frame told says which picture this is, so many clients at once share one snapshot.
            deltas = self._state.snapshot(now_ms)
            points = [frame("snapshot", delta.index, seq, delta.count, now_ms, delta.records) for delta in deltas]
            self._picture = (seq, [*points, *(message for delta in deltas for message in names(delta))])
        return [greeting, *self._picture[1], self._feeds_message()]

    def _news(self) -> list[Message]:
        """Greeting of a client that draws nothing: without a number, since it is sent no frames to count."""
        return [self._hello(time.time() * 1000, None, []), self._feeds_message()]

    def _hello(self, now_ms: float, seq: int | None, layers: list[dict[str, Any]]) -> str:
        return text(
            "hello",
            epoch=self.epoch,
            seq=seq,
            tick_ms=round(self._tick_s * 1000),
            server_ms=now_ms,
            simulated=bool(self._site.simulated),
            layers=layers,
        )

    def _feeds_message(self) -> str:
        state = {name: "away" if away else "ok" for name, away in self._away.items()}
        return text("feeds", feeds=self._feeds, **self._marks, server_ms=time.time() * 1000, **state)

    def _set_away(self, name: str, away: bool) -> None:
        if self._away[name] != away:
            self._away[name] = away
            log.warning("live source changed", source=name, away=away)
            self.broadcast.tell([self._feeds_message()])

    async def _tick(self) -> None:
        """At once when it has been quiet, else soon after the last: the newest value per object, told once.

        The pause grows with what telling cost, up to the configured tick, so that ticks take a small share of the loop.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            if self._state.changed:
                now_ms = time.time() * 1000
                self.broadcast.tell_deltas(self._state.delta(now_ms), now_ms)
            await asyncio.sleep(min(self._tick_s, max(TICK_LEAST_S, TICK_COSTS * (time.monotonic() - began))))

    async def _beat(self) -> None:
        while True:
            self.broadcast.tell([text("heartbeat", server_ms=time.time() * 1000, seq=self.broadcast.seq)])
            for _ in range(4):
                self.broadcast.drop_stuck()
                await asyncio.sleep(HEARTBEAT_S / 4)

    # Where the picture comes from

    async def _listen(self) -> None:
        """Redis's hints: changed rows and alarm numbers; what is missed here, `_keep_up` finds in the database."""
        pause = 0.2
        while True:
            try:
                address = self._site.redis_url
                client = redis.asyncio.from_url(address, socket_connect_timeout=3, health_check_interval=5)
                async with client, client.pubsub() as pubsub:
                    layers = [f"haidang:live:{picture.name}" for picture in self._pictures]
                    await pubsub.subscribe("haidang:alarm", revision.CHANNEL, *layers)
                    pause = 0.2
                    while True:
                        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=2)
                        self._set_away("redis", False)
                        if message is not None:
                            self._hear(message["channel"].decode(), message["data"])
            except (redis.exceptions.RedisError, OSError, TimeoutError):
                self._set_away("redis", True)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _hear(self, channel: str, payload: bytes) -> None:
        if channel == "haidang:alarm":
            self._alarm_hint.set()
            return
        if channel == revision.CHANNEL:
            self._fence_hint.set()
            return
        layer = channel.rsplit(":", 1)[-1]
        try:
            self.take(layer, decode(payload))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("live hint not understood", layer=layer, error=str(error))

    def take(self, layer: str, rows: pd.DataFrame) -> None:
        """Changed rows of a layer, to be told at the next tick."""
        if self._state.apply(layer, rows):
            self._wake.set()

    def forget(self, layer: str, keys: list[str]) -> None:
        """Objects of a layer that are no more, to be told at the next tick."""
        if self._state.remove(layer, keys):
            self._wake.set()

    async def _keep_up(self) -> None:
        """Everything at the start and each minute, between these rows received since: no lost hint stays lost."""
        reconciled = -RECONCILE_S
        while True:
            full = time.monotonic() - reconciled >= RECONCILE_S
            with suppress(_Away):
                for picture in self._pictures:
                    await self._catch_up(picture, full)
                if full:
                    reconciled = time.monotonic()
            await asyncio.sleep(CATCH_UP_ALONE_S if any(self._away.values()) else CATCH_UP_S)

    async def _catch_up(self, picture: Picture, full: bool) -> None:
        serial = self._state.serial
        since = None if full else self._since.get(picture.name)
        rows = await self._ask(lambda connection: picture.read(connection, since))
        if len(rows):
            newest: datetime = rows["received_at"].max().to_pydatetime()
            self._since[picture.name] = max(newest - OVERLAP, self._since.get(picture.name, newest - OVERLAP))
        changed = self._state.reconcile(picture.name, rows, serial) if full else self._state.apply(picture.name, rows)
        if changed:
            self._wake.set()

    async def _watch_alarms(self) -> None:
        """The journal each second, and at once on a hint; a late commit with a lower number still changes the count."""
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._alarm_hint.wait(), ALARM_POLL_S)
            self._alarm_hint.clear()
            with suppress(_Away):
                seen = await self._ask(journal.mark)
                if seen != self._alarms:
                    self._alarm_seq = max(self._alarm_seq + 1, seen[0])
                    self._alarms = seen
                    self.broadcast.tell([text("alarm", seq=self._alarm_seq)])
                    await asyncio.sleep(ALARM_REST_S)

    async def _watch_feeds(self) -> None:
        while True:
            with suppress(_Away):
                self._feeds = await self._ask(lambda c: [_plain(row) for row in account.feeds(c)], FEEDS_ANSWER_S)
                self.broadcast.tell([self._feeds_message()])
            await asyncio.sleep(FEEDS_POLL_S)

    async def _watch_marks(self) -> None:
        """Fences, rules and warnings each second, and at once on a hint: every map asks for what it draws of them."""
        while True:
            with suppress(_Away):
                found = await self._ask(_marks)
                seen = {name: hashlib.sha256(repr(one).encode()).hexdigest()[:16] for name, one in found.items()}
                if seen != self._marks:
                    self._marks = seen
                    self.broadcast.tell([self._feeds_message()])
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._fence_hint.wait(), MARKS_POLL_S)
            self._fence_hint.clear()

    async def _ask(self, question: Callable[[sa.Connection], T], patience_s: float = ANSWER_S) -> T:
        """Ask the database in a thread; raises _Away, and has the feeds message say so, when it does not answer."""

        def answer() -> T:
            with self._site.engine.connect() as connection:
                return question(connection)

        try:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, answer)
            result = await asyncio.wait_for(asked, patience_s)
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, TimeoutError, OSError) as error:
            self._set_away("database", True)
            raise _Away from error
        self._set_away("database", False)
        return result


class _Away(Exception):
    """The database did not answer."""


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def foreign(origin: str | None, host: str | None) -> bool:
    """Whether a browser sent this from a page of another site; a client that is no browser sends no Origin."""
    return origin is not None and urlsplit(origin).netloc.lower() != (host or "").lower()


def mount(server: FastAPI, site: Site) -> LiveHub:
    """Put the live stream on the server: its routes now, its loops for as long as the server runs."""
    hub = LiveHub(site)
    serve(server, hub)
    return hub


def serve(server: FastAPI, hub: LiveHub) -> None:
    """The routes of a hub, and its start and stop with the server's own."""
    before = server.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with before(app) as state:
            await hub.start()
            try:
                yield state
            finally:
                await hub.stop()

    server.router.lifespan_context = lifespan
    server.add_api_websocket_route(PATH, _socket(hub))
    summary = "Live stream as server-sent events"
    server.add_api_route(PATH, _events(hub), methods=["GET"], summary=summary, response_class=Response)


def _socket(hub: LiveHub) -> Callable[[WebSocket], Awaitable[None]]:
    async def live(socket: WebSocket) -> None:
        if foreign(socket.headers.get("origin"), socket.headers.get("host")):
            await socket.close(1008)  # before acceptance this is answered with 403
            return
        if hub.broadcast.full:
            await socket.send_denial_response(Response("too many live clients", 503))
            return
        await socket.accept()
        client = hub.broadcast.join(socket.query_params.get("only") != NEWS)

        async def write() -> None:
            async for message in client.messages():
                await (socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message))

        async def read() -> None:
            while True:
                if '"resync"' in await socket.receive_text():
                    client.resync()

        tasks = [asyncio.create_task(write()), asyncio.create_task(read())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                with suppress(WebSocketDisconnect, RuntimeError, asyncio.CancelledError, KeyError):
                    task.result()
        finally:
            hub.broadcast.leave(client)
            for task in tasks:
                task.cancel()

    return live


def _events(hub: LiveHub) -> Callable[[Request], Awaitable[Response]]:
    async def live(request: Request) -> Response:
        if foreign(request.headers.get("origin"), request.headers.get("host")):
            return JSONResponse({"error": "foreign origin"}, 403)
        if "text/event-stream" not in request.headers.get("accept", ""):
            return JSONResponse({"error": "connect a websocket here, or ask with Accept: text/event-stream"}, 406)
        if hub.broadcast.full:
            return JSONResponse({"error": "too many live clients"}, 503)
        client = hub.broadcast.join(request.query_params.get("only") != NEWS)

        async def events() -> AsyncIterator[bytes]:
            try:
                async for message in client.messages():
                    if isinstance(message, str):
                        yield b"data: " + message.encode() + b"\n\n"
                    else:
                        yield b"event: frame\ndata: " + base64.b64encode(message) + b"\n\n"
            finally:
                hub.broadcast.leave(client)

        return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return live
