"""From the receiver's memory to Redis, in order; by way of the disk while Redis is away or too slow."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import redis.asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ingest.feed import Framed, RawBatch, stream_name
from ingest.spill import Entry, Spool
from ingest.stream import to_entry

log = structlog.get_logger()
SEND_BYTES, SEND_BATCHES = 2 << 20, 256  # of one round trip to Redis
PATIENCE_S, ANSWER_S = 0.5, 5.0  # for an answer while batches are in memory only, and while they are on disk
RETRY_S, SAVE_EVERY_S = 0.25, 0.02
SPILL_BYTES, MEMORY_BYTES_MAX = 8 << 20, 32 << 20  # in memory: more goes to disk, and still more is refused
BACKLOG_FULL, DAMAGED = "backlog_full", "spool_damaged"


def weight(batch: RawBatch) -> int:
    """Bytes that a waiting batch takes, roughly: rejects weigh too, or a flood of garbage would be for nothing."""
    return 512 + len(batch.raw) + sum(len(raw) + 64 for _, raw in batch.letters)


@dataclass
class Outbox:
    """Batches in memory on their way to Redis, in order; with those on disk bounded, and what does not fit is counted.

    The source's next batch that does fit carries the count as the reject `backlog_full`, so that the account of what
    was received stays exact; and with it what is noted as faults of the feed.
    """

    boot: str
    spool: Spool
    limit: int  # bytes, in memory and on disk
    waiting: deque[RawBatch] = field(default_factory=deque)
    size: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    faults: dict[str, Counter[str]] = field(default_factory=dict)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    _seq: int = 0
    _told: int = 0
    _lost_in_all: int = 0
    _calls: deque[tuple[int, Callable[[bool], None]]] = field(default_factory=deque)

    def put(self, source: str, peer: str | None, framed: Framed, received_at: float) -> bool:
        """Queue what is framed as one batch; False where there is no room for it."""
        rejected, raw = dict(framed.rejected), b"\n".join(framed.lines)
        if count := self.lost.get(source):
            rejected[BACKLOG_FULL] = count
        faults = dict(self.faults.get(source, ()))
        batch = RawBatch(source, self.boot, self._seq + 1, received_at, raw, peer, rejected, framed.letters, faults)
        size = weight(batch)
        if self.size + size > MEMORY_BYTES_MAX or self.spool.size + self.size + size > self.limit:
            count = len(framed.lines) + sum(framed.rejected.values())
            self.lost[source] += count
            self._lost_in_all += count
            return False
        self.lost.pop(source, None)
        self.faults.pop(source, None)
        self._seq += 1
        self.waiting.append(batch)
        self.size += size
        self.filled.set()
        return True

    def when_kept(self, call: Callable[[bool], None]) -> None:
        """Call with True once the batch that was put last is in Redis or on disk."""
        if self.waiting:
            self._calls.append((self._seq, call))
        else:
            call(True)

    def note(self, source: str, fault: str, count: int = 1) -> None:
        """Let a source's next batch tell of a fault."""
        self.faults.setdefault(source, Counter())[fault] += count

    def tell(self, now: float) -> None:
        """Queue what is to be told of sources though nothing comes from them; call it now and then."""
        if self._lost_in_all != self._told:
            log.error("backlog full", records_lost=self._lost_in_all - self._told, lost_in_all=self._lost_in_all)
            self._told = self._lost_in_all
        for source in {*self.lost, *self.faults}:
            self.put(source, None, Framed(), now)

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
        """The first `count` batches are in Redis or on disk."""
        for _ in range(count):
            batch = self.waiting.popleft()
            self.size -= weight(batch)
            while self._calls and self._calls[0][0] <= batch.seq:
                self._calls.popleft()[1](True)
        if not self.waiting:
            self.filled.clear()


class Delivery:
    """Moves batches to Redis: straight while it answers soon; else to disk, and from there, old before new.

    A batch leaves the memory only when Redis or the disk has it, and the disk only when Redis has it. An answer that
    got lost makes a second entry of the same (source, boot, seq), which the ledger then refuses.
    """

    def __init__(self, outbox: Outbox, spool: Spool, redis_url: str) -> None:
        self._outbox, self._spool = outbox, spool
        # No retries of its own: they take seconds in which nothing would be saved.
        self._client = redis.asyncio.from_url(
            redis_url, socket_timeout=ANSWER_S, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0)
        )
        self._away = self._disk_fails = False

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with self._client:
            while True:
                await (self._by_disk() if self._spool else self._straight())

    async def finish(self, running: "asyncio.Task[None]", within_s: float) -> None:
        """Let all batches go to Redis, or to disk while it is away, and end the task of `run`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        while self._outbox.waiting or (self._spool and not self._away):
            if running.done() or loop.time() > until:
                break
            await asyncio.wait({running}, timeout=SAVE_EVERY_S)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        if self._outbox.waiting and not await self.save():
            log.error("batches lost at the end", batches=len(self._outbox.waiting))

    async def save(self) -> bool:
        """Bring all that waits in memory to disk; False (and it waits on) when the disk is full or broken."""
        group = list(self._outbox.waiting)
        try:
            await asyncio.to_thread(self._spool.append, group)
        except OSError as error:
            if not self._disk_fails:
                log.error("cannot keep batches on disk", error=str(error), waiting=len(group))
            self._disk_fails = True
            await asyncio.sleep(RETRY_S)
            return False
        if self._disk_fails:
            log.info("the disk takes batches again")
        self._disk_fails = False
        self._outbox.sent(len(group))
        return True

    async def _straight(self) -> None:
        await self._outbox.filled.wait()
        group = self._outbox.group()
        if await self._add([(batch.source, to_entry(batch)) for batch in group], PATIENCE_S):
            self._outbox.sent(len(group))
        if self._away or self._outbox.size > SPILL_BYTES:
            await self.save()

    async def _by_disk(self) -> None:
        drain = asyncio.create_task(self._drain())
        try:
            while not drain.done():
                if not self._outbox.waiting or not await self.save():
                    await asyncio.wait({drain}, timeout=SAVE_EVERY_S)
            await drain
        finally:
            drain.cancel()
            await asyncio.gather(drain, return_exceptions=True)

    async def _drain(self) -> None:
        while self._spool:
            entries, damaged = await asyncio.to_thread(self._spool.oldest)
            if damaged:
                # Which sources the damaged places were of, nobody knows any more.
                for source in self._spool.sources:
                    self._outbox.note(source, DAMAGED, damaged)
            while not await self._add(entries, ANSWER_S):  # noqa: ASYNC110 # nothing tells when Redis is back
                await asyncio.sleep(RETRY_S)
            await asyncio.to_thread(self._spool.drop)

    async def _add(self, entries: Sequence[Entry], patience_s: float) -> bool:
        """Put entries into their streams, all or none; False when Redis is away, full, still loading or too slow."""
        try:
            async with asyncio.timeout(patience_s), self._client.pipeline(transaction=True) as pipe:
                for source, fields in entries:
                    added: Any = fields  # bytes are fine
                    pipe.xadd(stream_name(source), added)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            with suppress(RedisError, OSError):  # an answer that comes late must not be taken for the next one's
                await self._client.connection_pool.disconnect()
            if not self._away:
                log.warning("redis is away, keeping batches on disk", error=str(error) or "no answer")
            self._away = True
            return False
        if self._away:
            log.info("redis is back", bytes_on_disk=self._spool.size)
        self._away = False
        return True
