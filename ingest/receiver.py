"""The receiver: bytes of every source into line-aligned raw batches in the source's Redis Stream; it never decodes."""

import asyncio
import time
import uuid
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from geo.heartbeat import Heartbeat
from geo.outgoing import Outgoing
from ingest.delivery import Delivery, Outbox
from ingest.feed import Source
from ingest.spill import Spool
from ingest.transport import open_transport

log = structlog.get_logger()
QUIET_FLUSH_S = 0.01  # the first bytes after a pause wait only this long
STOP_S = 8.0  # the supervisor kills what takes longer than ten seconds
RECEIVER_GAP = "receiver_gap"


@dataclass(frozen=True)
class Flush:
    """When a batch is closed: after `after_s` at the latest under load, at `size` bytes at once.

    backlog_bytes_max: what may wait for Redis, in memory and on disk.
    """

    after_s: float
    size: int
    backlog_bytes_max: int


class SourcePeer:
    """One sender of a source: frames its bytes and decides when its batch is closed."""

    def __init__(self, source: Source, name: str | None, outbox: Outbox, flush: Flush) -> None:
        self._source, self._name, self._outbox, self._flush = source, name, outbox, flush
        self._framer = source.feed.framer()
        self._last_flush = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._calls: list[Callable[[bool], None]] = []  # of those whose records stand in the open batch
        self._room = True  # for the batch before it there was

    def feed(self, data: bytes) -> None:
        """Take bytes of a stream."""
        self._framer.feed(data, time.monotonic())
        self._plan()

    def datagram(self, data: bytes) -> None:
        """Take one datagram."""
        self._framer.datagram(data, time.monotonic())
        self._plan()

    def refuse(self, reason: str, raw: bytes) -> None:
        """Count and keep what is no record, though it could be read as one."""
        self._framer.refuse(reason, raw)
        self._plan()

    def when_kept(self, call: Callable[[bool], None]) -> None:
        """Call once all that was handed over so far is in Redis or on disk (True), or was refused for want of room."""
        if self._timer is not None:  # the batch is still open
            self._calls.append(call)
        else:
            self._settle(call)

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
        if framed := self._framer.take():
            self._room = self._outbox.put(self._source.name, self._name, framed, time.time())
        calls, self._calls = self._calls, []
        for call in calls:
            self._settle(call)

    def _settle(self, call: Callable[[bool], None]) -> None:
        if self._room:
            self._outbox.when_kept(call)
        else:
            call(False)


def _announce(spool: Spool, outbox: Outbox) -> None:
    """Tell of the time in which nobody listened, because a predecessor died."""
    for gap in spool.gaps:
        since = datetime.fromtimestamp(gap.since, UTC).isoformat(timespec="milliseconds")
        log.error("receiver gap", since=since, until=datetime.now(UTC).isoformat(), sources=gap.sources)
        for source in gap.sources:
            outbox.note(source, RECEIVER_GAP)
    outbox.tell(time.time())


async def receive(
    sources: Sequence[Source],
    redis_url: str,
    spool_directory: Path,
    flush: Flush,
    udp_buffer_bytes: int,
    clients_max: int,
    heartbeat: Heartbeat,
    stop: asyncio.Event,
    outgoing: Outgoing | None = None,
) -> None:
    """Run every source until `stop`; then close all batches and wait (8 s at most) until Redis or the disk has them.

    Raises:
        SpoolError: there is no place on disk for batches. PortTaken, AddressError: a source cannot be opened.
    """
    way_out = outgoing or Outgoing()
    spool = Spool(spool_directory, [source.name for source in sources])
    spool.start()
    outbox = Outbox(uuid.uuid4().hex, spool, flush.backlog_bytes_max)
    delivery = Delivery(outbox, spool, redis_url)
    peers: weakref.WeakSet[SourcePeer] = weakref.WeakSet()

    def open_peer(source: Source, name: str | None) -> SourcePeer:
        peer = SourcePeer(source, name, outbox, flush)
        peers.add(peer)
        return peer

    _announce(spool, outbox)
    if not outbox.waiting or await delivery.save():
        spool.told()
    tasks = [asyncio.create_task(delivery.run(), name="delivery")]
    listening = False
    try:
        for source in sources:
            open_own, note = partial(open_peer, source), partial(outbox.note, source.name)
            tasks.append(await open_transport(source, open_own, note, udp_buffer_bytes, clients_max, way_out))
        listening = True
        while not stop.is_set():
            heartbeat.beat()
            for peer in list(peers):
                peer.sweep()
            outbox.tell(time.time())
            with suppress(OSError):  # a disk that refuses is told of where it is to take batches
                await asyncio.to_thread(spool.touch)
            for task in tasks:
                if task.done():
                    task.result()  # raises what ended it; a file's end is no fault
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1.0)
    finally:
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks[1:], return_exceptions=True)
        for peer in list(peers):  # what was read is handed over, whatever became of its connection
            peer.close()
        await delivery.finish(tasks[0], STOP_S)
        spool.close(clean=stop.is_set() or not listening)
