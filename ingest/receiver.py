"""The receiver: bytes of every source into line-aligned raw batches in the source's Redis Stream; it never decodes."""

import asyncio
import time
import uuid
import weakref
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from geo.heartbeat import Heartbeat
from ingest.feed import Framer, RawBatch, Source
from ingest.stream import to_entry
from ingest.transport import open_transport

log = structlog.get_logger()
QUIET_FLUSH_S = 0.01  # the first bytes after a pause wait only this long
RETRY_S = 0.25
SEND_BYTES, SEND_BATCHES = 8 << 20, 64  # of one round trip to Redis
BACKLOG_FULL = "backlog_full"


@dataclass(frozen=True)
class Flush:
    """When a batch is closed: after `after_s` at the latest under load, at `size` bytes at once."""

    after_s: float
    size: int
    backlog_bytes_max: int


def weight(batch: RawBatch) -> int:
    """Bytes that a waiting batch takes, roughly: rejects weigh too, or a flood of garbage would be for nothing."""
    return 512 + len(batch.raw) + sum(len(raw) + 64 for _, raw in batch.letters)


@dataclass
class Outbox:
    """Batches on their way to Redis, in order; bounded, and what does not fit is counted.

    The source's next batch that does fit carries the count as the reject `backlog_full`, so that the account of what
    was received stays exact.
    """

    boot: str
    limit: int
    waiting: deque[RawBatch] = field(default_factory=deque)
    size: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    _seq: int = 0

    def put(self, source: str, peer: str | None, framer: Framer, received_at: float) -> None:
        """Close the framer's batch and queue it."""
        framed = framer.take()
        if not framed:
            return
        raw = b"\n".join(framed.lines)
        batch = RawBatch(source, self.boot, self._seq + 1, received_at, raw, peer, framed.rejected, framed.letters)
        if self.size + weight(batch) > self.limit:
            count = len(framed.lines) + sum(framed.rejected.values())
            self.lost[source] += count
            log.error("backlog full", source=source, records_lost=count, lost_in_all=self.lost.total())
            return
        if count := self.lost.pop(source, 0):
            framed.rejected[BACKLOG_FULL] = count
        self._seq += 1
        self.waiting.append(batch)
        self.size += weight(batch)
        self.filled.set()

    def group(self) -> list[RawBatch]:
        """The first batches, as many as go in one round trip."""
        chosen: list[RawBatch] = []
        size = 0
        for batch in self.waiting:
            size += weight(batch)
            if chosen and (size > SEND_BYTES or len(chosen) == SEND_BATCHES):
                break
            chosen.append(batch)
        return chosen

    def sent(self, count: int) -> None:
        """The first `count` batches are in Redis."""
        for _ in range(count):
            self.size -= weight(self.waiting.popleft())
        if not self.waiting:
            self.filled.clear()


class SourcePeer:
    """One sender of a source: frames its bytes and decides when its batch is closed."""

    def __init__(self, source: Source, name: str | None, outbox: Outbox, flush: Flush) -> None:
        self._source, self._name, self._outbox, self._flush = source, name, outbox, flush
        self._framer = source.feed.framer()
        self._last_flush = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes of a stream."""
        self._framer.feed(data, time.monotonic())
        self._plan()

    def datagram(self, data: bytes) -> None:
        """Take one datagram."""
        self._framer.datagram(data, time.monotonic())
        self._plan()

    def sweep(self) -> None:
        """Let what has waited too long for its other parts be rejected, though nothing more comes."""
        self.datagram(b"")

    def close(self) -> None:
        """The sender is gone: what it left unfinished is rejected and the batch closed."""
        self._framer.close()
        self._close_batch()

    def _plan(self) -> None:
        ready = self._framer.ready
        if ready.size >= self._flush.size:
            self._close_batch()
        elif self._timer is None and ready:
            now = time.monotonic()
            wait = max(QUIET_FLUSH_S, self._last_flush + self._flush.after_s - now)
            self._timer = asyncio.get_running_loop().call_later(wait, self._close_batch)

    def _close_batch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._last_flush = time.monotonic()
        self._outbox.put(self._source.name, self._name, self._framer, time.time())


async def _send(outbox: Outbox, redis_url: str, sources: Sequence[Source]) -> None:
    """Move batches to Redis in order, many in one round trip; a batch leaves the outbox only when Redis has it.

    An answer that got lost makes a second entry of the same (source, boot, seq), which the ledger then refuses.
    """
    streams = {source.name: source.stream for source in sources}
    async with redis.asyncio.from_url(redis_url, socket_timeout=5, socket_connect_timeout=2) as client:
        away = False
        while True:
            await outbox.filled.wait()
            group = outbox.group()
            try:
                async with client.pipeline(transaction=False) as pipe:
                    for batch in group:
                        pipe.xadd(streams[batch.source], to_entry(batch))  # type: ignore[arg-type]  # bytes are fine
                    await pipe.execute()
            except (RedisError, OSError) as error:
                if not away:
                    log.warning("redis is away, keeping batches here", error=str(error), waiting=len(outbox.waiting))
                away = True
                await asyncio.sleep(RETRY_S)
                continue
            if away:
                log.info("redis is back", waiting=len(outbox.waiting))
            away = False
            outbox.sent(len(group))


async def receive(
    sources: Sequence[Source],
    redis_url: str,
    flush: Flush,
    udp_buffer_bytes: int,
    clients_max: int,
    heartbeat: Heartbeat,
    stop: asyncio.Event,
) -> None:
    """Run every source until `stop`; then close all batches and wait (10 s at most) until Redis has them.

    Raises:
        PortTaken, AddressError: a source cannot be opened.
    """
    outbox = Outbox(uuid.uuid4().hex, flush.backlog_bytes_max)
    tasks = []
    peers: weakref.WeakSet[SourcePeer] = weakref.WeakSet()
    for source in sources:

        def open_peer(name: str | None, source: Source = source) -> SourcePeer:
            peer = SourcePeer(source, name, outbox, flush)
            peers.add(peer)
            return peer

        tasks.append(await open_transport(source, open_peer, udp_buffer_bytes, clients_max))
    sender = asyncio.create_task(_send(outbox, redis_url, sources), name="redis")
    try:
        while not stop.is_set():
            heartbeat.beat()
            for peer in list(peers):
                peer.sweep()
            broken = [task for task in (*tasks, sender) if task.done() and not task.cancelled() and task.exception()]
            if broken:
                raise broken[0].exception() or RuntimeError(broken[0].get_name())
            try:
                await asyncio.wait_for(stop.wait(), 1.0)
            except TimeoutError:
                continue
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for peer in list(peers):  # what was read is handed over, whatever became of its connection
            peer.close()
        deadline = time.monotonic() + 10
        while outbox.waiting and time.monotonic() < deadline and not sender.done():
            await asyncio.wait([sender], timeout=0.05)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
