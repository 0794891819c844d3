"""The durable way from receiver to worker: one Redis Stream a source, one entry a batch."""

import base64
import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import redis

from ingest.feed import Framed, RawBatch, Source

GROUP = "work"
# A source is worked by one worker at a time, so that all share one consumer name: whoever takes a source over finds
# its predecessor's unacknowledged entries as its own.
CONSUMER = "work"


def to_entry(batch: RawBatch) -> dict[str, bytes]:
    """A batch as the fields of a stream entry."""
    head = {
        "boot": batch.boot,
        "seq": batch.seq,
        "at": batch.received_at,
        "peer": batch.peer,
        "rejected": dict(batch.rejected),
        "letters": [[reason, base64.b64encode(raw).decode()] for reason, raw in batch.letters],
        "faults": dict(batch.faults),
    }
    return {"head": json.dumps(head).encode(), "raw": batch.raw}


def from_entry(source: str, fields: dict[bytes, bytes]) -> RawBatch:
    """The batch of a stream entry."""
    head: dict[str, Any] = json.loads(fields[b"head"])
    return RawBatch(
        source=source,
        boot=head["boot"],
        seq=head["seq"],
        received_at=head["at"],
        raw=fields[b"raw"],
        peer=head["peer"],
        rejected=head["rejected"],
        letters=[(reason, base64.b64decode(raw)) for reason, raw in head["letters"]],
        faults=head.get("faults", {}),  # an entry written before there were any is still a batch
    )


def entry_order(entry_id: bytes) -> tuple[int, int]:
    """A stream entry's id as a pair that sorts."""
    time_ms, _, number = entry_id.partition(b"-")
    return int(time_ms), int(number)


def trim_below(pending: Iterable[bytes], last_acknowledged: bytes) -> bytes:
    """The id below which everything has been read and acknowledged: the oldest pending entry, or just past the last.

    MAXLEN would also take what nobody has read yet; MINID with this id never does.
    """
    oldest = min(pending, key=entry_order, default=None)
    if oldest is not None:
        return oldest
    time_ms, number = entry_order(last_acknowledged)
    return f"{time_ms}-{number + 1}".encode()


@dataclass
class Writer:
    """Puts framed records straight into a source's stream, as its receiver would; for what does not come by a socket.

    peer: the sender's name in the ledger; boot: the identity that makes its batches its own.
    """

    client: redis.Redis
    source: Source
    peer: str
    boot: str = field(default_factory=lambda: uuid.uuid4().hex)
    _seq: int = 0

    def add(self, framed: Framed, received_at: float | None = None) -> None:
        """One entry of what is framed, if anything is; received_at (epoch seconds): now, unless it is told."""
        if not framed:
            return
        self._seq += 1
        raw = b"\n".join(framed.lines)
        whence = (self.source.name, self.boot, self._seq, received_at or time.time())
        fields: Any = to_entry(RawBatch(*whence, raw, self.peer, framed.rejected, framed.letters))
        self.client.xadd(self.source.stream, fields)
