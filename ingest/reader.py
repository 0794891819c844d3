"""A stream of AIS bytes, cut anywhere, to typed columns chunk by chunk, whatever stands between the messages."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
from pyais.messages import ANY_MESSAGE

from geo.account import Account
from ingest.ais import USED_TYPES, Refused, decode_payload, fields_of, messages
from ingest.columnar import Group
from ingest.lines import LETTERS_MAX
from ingest.message import OTHER, TABLES
from ingest.scan import Scan, scan
from ingest.sentence import LINE_BYTES_MAX, SENTENCE, NmeaFramer, Sentence, parse

CHUNK_BYTES = 1 << 21  # large enough to be worth the calls, small enough for a core's cache


@dataclass(frozen=True)
class Other:
    """A message that pyais decoded by itself, with the number of its first line, or of the one that completed it."""

    line: int
    decoded: ANY_MESSAGE | dict[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        """Its fields; see ais.fields_of."""
        return self.decoded if isinstance(self.decoded, dict) else fields_of(self.decoded)


@dataclass(frozen=True)
class Chunk:
    """What whole lines held: messages by columns, and others; line numbers are those of `scan`, in the order heard."""

    scan: Scan
    groups: tuple[Group, ...]
    others: list[Other]


@dataclass
class Reader:
    """Decodes one sender's stream; parts of a message may be far apart, also across the borders of what is fed.

    account: all that was fed so far, without positions and rows; letters: (reason, bytes) of what was refused.
    """

    account: Account = field(default_factory=Account)
    letters: list[tuple[str, bytes]] = field(default_factory=list)
    _framer: NmeaFramer = field(default_factory=NmeaFramer)
    _tail: bytes = b""

    def feed(self, data: bytes) -> Chunk:
        """Decode what is whole; an unfinished line waits for the next call."""
        data = self._tail + data
        end = data.rfind(b"\n") + 1
        # Of a line that never ends no more is kept than shows that it is too long.
        self._tail = data[end:][: LINE_BYTES_MAX + 1]
        return self._decode(data[:end])

    def close(self) -> Chunk:
        """The stream has ended: the last line counts as it is, and parts that wait are incomplete."""
        chunk, self._tail = self._decode(self._tail), b""
        self._framer.close()
        list(self._ready())
        return chunk

    def _decode(self, raw: bytes) -> Chunk:
        found = scan(raw, (*TABLES, OTHER))
        groups = tuple(group for group in found.groups if group.table is not OTHER)
        for group in groups:
            self._count(int(group.parts.sum()), len(group.line), group.table.types[0] in USED_TYPES)
        self.account.received += len(found.refused)
        self.account.rejected.update(reason for reason, _ in found.refused)
        self.letters.extend(found.letters(max(0, LETTERS_MAX - len(self.letters))))
        others = [each for group in found.groups if group.table is OTHER for each in self._others(found, group)]
        pairs = np.concatenate([np.zeros(0, int), *(group.line[group.parts == 2] for group in found.groups)])
        pairs.sort()
        passed = 0
        for number in np.flatnonzero(found.slow).tolist():
            passed = self._pass(found, pairs, passed, number)
            self._framer.datagram(found.line(number), 0.0)
            if self._framer.ready:
                others.extend(Other(number, fields) for fields in self._ready())
        self._pass(found, pairs, passed, len(found.starts))
        others.sort(key=attrgetter("line"))
        return Chunk(found, groups, others)

    def _others(self, found: Scan, group: Group) -> Iterator[Other]:
        """Messages that have no table of their own; what pyais cannot read is left for the slow way to refuse."""
        for line, parts in zip(group.line.tolist(), group.parts.tolist(), strict=True):
            # `...,payload,fill*hh` is how each of these lines ends.
            ends = [found.line(number).rsplit(b",", 2) for number in range(line, line + parts)]
            try:
                message = decode_payload(b"".join(payload for _, payload, _ in ends), int(ends[-1][2][:1]))
            except Refused:
                found.slow[line : line + parts] = True
                continue
            self._count(parts, 1, used=False)
            yield Other(line, message)

    def _count(self, sentences: int, messages: int, used: bool) -> None:
        self.account.received += sentences
        self.account.accepted += sentences
        self.account.messages += messages
        self.account.ignored += 0 if used else messages

    def _pass(self, found: Scan, pairs: Any, passed: int, until: int) -> int:
        """Tell the framer of the messages of two parts before a line that never came its way, where it has parts."""
        upto = int(np.searchsorted(pairs, until))
        if self._framer.waits:
            for line in pairs[passed:upto].tolist():
                match = SENTENCE.search(found.line(line))
                part = parse(match[2], match[1]) if match else ""
                if isinstance(part, Sentence):
                    self._framer.supersede(part)
        return upto

    def _ready(self) -> Iterator[dict[str, Any]]:
        """Count what the framer refused, and decode what it has ready."""
        framed = self._framer.take()
        self.account.received += sum(framed.rejected.values())
        self.account.rejected.update(framed.rejected)
        self.letters.extend(framed.letters)
        for fields, _ in messages(b"\n".join(framed.lines), self.account, self.letters):
            yield fields


def chunks(data: bytes, reader: Reader) -> Iterator[Chunk]:
    """All chunks of bytes that are at hand."""
    for first in range(0, len(data), CHUNK_BYTES):
        yield reader.feed(data[first : first + CHUNK_BYTES])
    yield reader.close()
