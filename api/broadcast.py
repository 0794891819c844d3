"""The same bytes for every live client: one encoder, a bounded outbox each, a rule for those who do not keep up."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final, Literal

from prometheus_client import Counter, Gauge

from geo.live import Delta

Message = str | bytes
FrameKind = Literal["snapshot", "delta", "remove"]

MAGIC: Final = 0x314C4448  # "HDL1", little-endian
VERSION: Final = 1
HEADER: Final = struct.Struct("<IBBBBIId")  # magic, version, frame kind, layer index, 0, seq, count, server time in ms
_KINDS: Final[dict[FrameKind, int]] = {"snapshot": 1, "delta": 2, "remove": 3}
NAMES_A_MESSAGE: Final = 4000
OUTBOX_BYTES: Final = 1 << 20  # the messages are shared, so a thousand full outboxes still cost one mebibyte
DROP_AFTER_S: Final = 8.0  # looked at each second, then cut off by the server: gone within fifteen seconds

CLIENTS = Gauge("haidang_live_clients", "Live clients connected")
TOLD = Counter("haidang_live_messages", "Messages put to live clients, once per message")
TOLD_BYTES = Counter("haidang_live_bytes", "Bytes put to live clients, once per message")
SKIPPED = Counter("haidang_live_skipped", "Times a slow client was skipped and given a fresh snapshot")
DROPPED = Counter("haidang_live_dropped", "Clients dropped because they did not read")


def text(kind: str, **facts: Any) -> str:
    """One text message of the live stream, as compact JSON."""
    return json.dumps({"type": kind, **facts}, ensure_ascii=False, separators=(",", ":"), default=str)


def frame(kind: FrameKind, index: int, seq: int, count: int, now_ms: float, body: bytes) -> bytes:
    """One binary message: 24 bytes of header, then 16-byte records, or 4-byte handles for a remove."""
    return HEADER.pack(MAGIC, VERSION, _KINDS[kind], index, 0, seq, count, now_ms) + body


def names(delta: Delta) -> list[str]:
    """The names of a delta, in messages of a bounded number of rows."""
    rows = delta.names
    starts = range(0, len(rows), NAMES_A_MESSAGE)
    return [text("names", layer=delta.layer, rows=rows[at : at + NAMES_A_MESSAGE]) for at in starts]


class Client:
    """One connected browser: messages wait in its bounded outbox; past the bound a fresh snapshot replaces them.

    drawn: it draws the objects; a client that does not is told the news alone.
    """

    def __init__(self, snapshot: Callable[[], list[Message]], drawn: bool = True) -> None:
        self.drawn = drawn
        self._snapshot = snapshot
        self._outbox: deque[Message] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._behind = True
        self._sending_since: float | None = None
        self._task: asyncio.Task[Any] | None = None
        self.resync()

    def resync(self) -> None:
        """Forget what waits; the next thing this client gets is everything as it is then."""
        self._behind = True
        self._outbox.clear()
        self._bytes = 0
        self._filled.set()

    def offer(self, messages: Iterable[Message]) -> None:
        """Put messages in the outbox unless the client is behind."""
        if self._behind:
            return
        for message in messages:
            self._outbox.append(message)
            self._bytes += len(message)
        if self._bytes > OUTBOX_BYTES:
            SKIPPED.inc()
            self.resync()
        self._filled.set()

    async def messages(self) -> AsyncIterator[Message]:
        """What to send, for ever; the consumer asks for the next when it has sent the last."""
        self._task = asyncio.current_task()
        while True:
            await self._filled.wait()
            for message in self._take():
                self._sending_since = time.monotonic()
                yield message
                self._sending_since = None
                if self._behind:
                    break  # what is left of this batch is older than the snapshot that comes now

    def _take(self) -> list[Message]:
        if self._behind:
            self._behind = False
            batch = self._snapshot()
        else:
            batch = list(self._outbox)
        self._outbox.clear()
        self._bytes = 0
        self._filled.clear()
        return batch

    def stuck(self, now: float) -> bool:
        """Whether one message has been on its way for too long."""
        return self._sending_since is not None and now - self._sending_since > DROP_AFTER_S

    def drop(self) -> None:
        """End the task that serves this client."""
        DROPPED.inc()
        if self._task is not None:
            self._task.cancel()


class Broadcast:
    """The connected clients and the running number of frames."""

    def __init__(
        self, snapshot: Callable[[], list[Message]], clients_max: int, greeting: Callable[[], list[Message]] = list
    ) -> None:
        self._snapshot = snapshot
        self._greeting = greeting
        self._clients_max = clients_max
        self._clients: set[Client] = set()
        self.seq = 0

    @property
    def full(self) -> bool:
        """Whether no further client may join."""
        return len(self._clients) >= self._clients_max

    def join(self, drawn: bool = True) -> Client:
        """A new client; its first messages are the greeting and, if it draws, a snapshot."""
        client = Client(self._snapshot if drawn else self._greeting, drawn)
        self._clients.add(client)
        CLIENTS.set(len(self._clients))
        return client

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._clients.discard(client)
        CLIENTS.set(len(self._clients))

    def tell(self, messages: list[Message]) -> None:
        """Offer the same messages to every client."""
        self._offer(messages, self._clients)

    def _offer(self, messages: list[Message], clients: Iterable[Client]) -> None:
        TOLD.inc(len(messages))
        TOLD_BYTES.inc(sum(map(len, messages)))
        for client in clients:
            client.offer(messages)

    def tell_deltas(self, deltas: list[Delta], now_ms: float) -> None:
        """Encode one tick's changes once (gone handles, then names, then records) and offer them to every client."""
        messages: list[Message] = []
        for delta in deltas:
            if len(delta.removed):
                self.seq += 1
                body = delta.removed.astype("<u4").tobytes()
                messages.append(frame("remove", delta.index, self.seq, len(delta.removed), now_ms, body))
            messages += names(delta)
            if delta.count:
                self.seq += 1
                messages.append(frame("delta", delta.index, self.seq, delta.count, now_ms, delta.records))
        self._offer(messages, [client for client in self._clients if client.drawn])

    def drop_stuck(self) -> None:
        """Drop the clients that do not read."""
        now = time.monotonic()
        for client in [client for client in self._clients if client.stuck(now)]:
            client.drop()
            self.leave(client)  # its own task may end much later: an abandoned generator waits for the collector
