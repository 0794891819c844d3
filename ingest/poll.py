"""Polling: a server is asked at intervals and conditionally, and what is new of its answer goes the feed's way."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b

import structlog

from geo.outgoing import Answer, Outgoing, OutgoingError, place
from ingest.feed import Note, Peer, Source, split_address
from ingest.lines import Refused
from ingest.push import TooMany, lines_of, read_csv, read_json, unreadable

log = structlog.get_logger()
ANSWER_BYTES_MAX = 5 << 20
BACKOFF_S_MAX, RETRY_AFTER_S_MAX = 900.0, 3600.0
TURN_LINES = 500  # handed over before the other sources have their turn
RECORDS_MAX = 10_000  # of one answer
AWAY, TOO_LONG, TOO_MANY, FAULT = "poll_failed", "poll_too_long", "poll_too_many", "poll_fault"
ACCEPT = "application/json, text/csv;q=0.9"
# What is asked for under these is answered by 304 while nothing has changed.
CONDITIONS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass
class Poller:
    """One source that is asked. A fault is told by its name: `poll_failed`, `poll_too_long`, `poll_too_many`,
    `poll_<status>`; `poll_fault` where an answer was more than we could stand, which costs that answer alone.

    Records that stood in the last answer already are not handed on again; nor, by their ids (ingest.repetition), those
    of an answer before that, or before a restart.
    """

    source: Source
    outgoing: Outgoing
    note: Note
    _conditions: dict[str, str] = field(default_factory=dict)
    _known: frozenset[bytes] = frozenset()
    _failures: int = 0
    _said: str = ""

    async def run(self, peer: Peer) -> None:
        """Ask until cancelled."""
        log.info("polling", source=self.source.name, every_s=self.source.every_s)
        try:
            while True:
                try:
                    wait_s = await self._turn(peer)
                except Exception as error:  # whatever a server says must not end the receiver, which hears the others
                    wait_s = self._failed(FAULT, repr(error)[:200])
                # Many sources that were started together need not ask together for ever.
                await asyncio.sleep(wait_s * random.uniform(0.9, 1.1))
        finally:
            peer.close()

    async def _turn(self, peer: Peer) -> float:
        """Ask once, hand on what is new; returns after how many seconds to ask again."""
        headers = {"Accept": ACCEPT, **self._conditions}
        try:
            answer = await asyncio.to_thread(
                self.outgoing.request, "GET", self.source.address, headers, None, ANSWER_BYTES_MAX + 1
            )
        except OutgoingError as error:
            return self._failed(AWAY, str(error))
        if answer.status == 304:
            return self._answered()
        if answer.status != 200:
            _, host, port = split_address(self.source.address)
            return self._failed(f"poll_{answer.status}", f"{place(host, port)} answered {answer.status}", answer)
        if len(answer.body) > ANSWER_BYTES_MAX:
            return self._failed(TOO_LONG, f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
        if answer.cut_off:
            return self._failed(AWAY, f"the answer was cut off after {len(answer.body)} bytes")
        try:
            lines, known, whole = await asyncio.to_thread(self._new, answer)
        except TooMany:
            return self._failed(TOO_MANY, f"the answer holds more than {RECORDS_MAX} records; ask for fewer")
        for number, line in enumerate(lines):
            peer.datagram(line)
            if number % TURN_LINES == TURN_LINES - 1:
                await asyncio.sleep(0)
        # Only now: what was cut off by the end of the program is asked for again.
        self._known = known
        # What could not be read is asked for again as a whole.
        told = answer.headers if whole else {}
        self._conditions = {ask: told[name] for name, ask in CONDITIONS.items() if name in told}
        return self._answered()

    def _new(self, answer: Answer) -> tuple[list[bytes], frozenset[bytes], bool]:
        """The lines of an answer that were not in the last one; what is in this one; and whether it could be read.

        Raises TooMany.
        """
        push = self.source.feed.push
        assert push is not None
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            body = answer.body
            records = read_csv(push, body, RECORDS_MAX) if kind == "text/csv" else read_json(body, RECORDS_MAX)
        except Refused:  # one line that the worker refuses, counts and keeps
            return [unreadable(b" ".join(body[:1000].split()))], frozenset(), False
        found = lines_of(push, records)
        digests = [blake2b(line, digest_size=16).digest() if dated else None for line, dated in found]
        new = [line for (line, _), own in zip(found, digests, strict=True) if own is None or own not in self._known]
        return new, frozenset(own for own in digests if own is not None), True

    def _answered(self) -> float:
        if self._failures:
            log.info("polled again", source=self.source.name, failures=self._failures)
        self._failures, self._said = 0, ""
        return self.source.every_s

    def _failed(self, fault: str, words: str, answer: Answer | None = None) -> float:
        """Note a failure; the pause grows with each, or is as long as the server asks for."""
        self.note(fault, 1)
        if words != self._said:
            log.warning("poll failed", source=self.source.name, error=words)
        pause_s = min(self.source.every_s * 2.0 ** min(self._failures, 10), max(BACKOFF_S_MAX, self.source.every_s))
        self._failures, self._said = self._failures + 1, words
        asked_s = retry_after_s(answer.headers.get("retry-after", ""), datetime.now(UTC)) if answer else 0.0
        return max(pause_s, min(asked_s, RETRY_AFTER_S_MAX))


def retry_after_s(told: str, now: datetime) -> float:
    """Seconds of a Retry-After, which is a number of them or a date (RFC 9110, 10.2.3); 0 for what is neither."""
    if told.isascii() and told.isdigit():
        return float(told[:9])
    try:
        return max(0.0, (parsedate_to_datetime(told) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0
