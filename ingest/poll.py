"""Polling: a server is asked at intervals and conditionally, and what is new of its answer goes the feed's way."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from urllib.parse import urldefrag, urljoin

import structlog

from geo.outgoing import Answer, Outgoing, OutgoingError, place
from ingest.feed import Newest, Note, Page, Peer, Row, Source, split_address
from ingest.lines import Refused
from ingest.push import TooMany, lines_of, read_csv, read_json, unreadable

log = structlog.get_logger()
ANSWER_BYTES_MAX = 5 << 20
BACKOFF_S_MAX, RETRY_AFTER_S_MAX = 900.0, 3600.0
TURN_LINES = 500  # handed over before the other sources have their turn
RECORDS_MAX, KNOWN_MAX, PAGES_MAX = 10_000, 100_000, 200  # of one answer; of all its pages; of these
AWAY, TOO_LONG, TOO_MANY, FAULT = "poll_failed", "poll_too_long", "poll_too_many", "poll_fault"
FOREIGN, ENDLESS = "poll_next_elsewhere", "poll_endless"
GAP, CUT = "poll_gap", "poll_cut"
OLDER_PAGES_MAX = 50  # of older records, of all lists of one turn
ACCEPT = "application/json, text/csv;q=0.9"
# What is asked for under these is answered by 304 while nothing has changed.
CONDITIONS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass
class _Fault(Exception):
    """The server was not read to its end: under which name that is counted, in words, and what it answered."""

    name: str
    words: str
    answer: Answer | None = None


@dataclass
class Poller:
    """One source that is asked. A fault is told by its name: `poll_failed`, `poll_too_long`, `poll_too_many`,
    `poll_<status>`; `poll_fault` where an answer was more than we could stand, which costs that answer alone.

    An answer of several pages is read to its end: each page is handed on when it is there, so that a server which fails
    in the middle is no loss, and pages only lead on at the same host (else `poll_next_elsewhere`, `poll_endless`).

    Records that stood in the last answer already are not handed on again; nor, by their ids (ingest.repetition), those
    of an answer before that, or before a restart.

    Of lists that tell their newest records alone, the older ones are asked for where nothing of the newest stood in the
    last answer: so long nobody asked. What is not reached then is `poll_gap`; an answer that says that there is more
    than it tells, and not where, is `poll_cut`.
    """

    source: Source
    outgoing: Outgoing
    note: Note
    learn: Callable[[Mapping[str, Row]], None] | None = None  # told of the topics under which the server itself sends
    _conditions: dict[str, str] = field(default_factory=dict)
    _known: frozenset[bytes] = frozenset()  # what was handed on lately
    _whole: frozenset[bytes] = frozenset()  # what stood in the last answer that was read to its end
    _failures: int = 0
    _said: str = ""
    _cut: bool = False

    async def run(self, peer: Peer) -> None:
        """Ask until cancelled."""
        log.info("polling", source=self.source.name, every_s=self.source.every_s)
        try:
            while True:
                try:
                    wait_s = await self._turn(peer)
                except Exception as error:  # whatever a server says must not end the receiver, which hears the others
                    wait_s = self._failed(_Fault(FAULT, repr(error)[:200]))
                # Many sources that were started together need not ask together for ever.
                await asyncio.sleep(wait_s * random.uniform(0.9, 1.1))
        finally:
            peer.close()

    async def _turn(self, peer: Peer) -> float:
        """Ask once, page by page, hand on what is new; returns after how many seconds to ask again."""
        form = self.source.form
        first = form.whole(urldefrag(self.source.address).url) if form else self.source.address
        known: frozenset[bytes] = frozenset()
        asked: list[str] = []
        topics: dict[str, Row] = {}
        apart: list[Newest] = []
        cut = False
        address: str | None = first
        try:
            while address is not None:
                answer = await self._ask(address, {} if asked else self._conditions)
                if answer is None:
                    return self._answered()
                lines, own, page = await asyncio.to_thread(self._new, answer)
                if page:
                    topics |= page.topics
                    apart += page.newest
                    cut |= page.cut
                await _hand(peer, lines)
                # Only now: what was cut off by the end of the program is asked for again.
                known |= own
                self._known = self._whole | known
                asked.append(address)
                if len(known) > KNOWN_MAX:
                    raise _Fault(TOO_MANY, f"{len(asked)} pages hold more than {KNOWN_MAX} records; ask for fewer")
                address = _next(asked, page.following) if page else None
        except _Fault as fault:
            return self._failed(fault)
        self._say_cut(cut)
        known |= await self._older(peer, first, apart)
        self._whole = self._known = known
        if self.learn is not None:
            self.learn(topics)
        # Of several pages the first may stand still while another changes; what could not be read is asked for again.
        told = answer.headers if answer and page and len(asked) == 1 else {}
        self._conditions = {ask: told[name] for name, ask in CONDITIONS.items() if name in told}
        return self._answered()

    async def _older(self, peer: Peer, first: str, apart: Sequence[Newest]) -> frozenset[bytes]:
        """What was told while nobody asked, page by page back to what stood in the last answer; what is in them."""
        known: frozenset[bytes] = frozenset()
        missed: list[str] = []
        left = OLDER_PAGES_MAX
        for each in apart:
            asked = [first]
            try:
                address = _next(asked, each.older)
                while address is not None:
                    if not left or len(known) > KNOWN_MAX:
                        raise _Fault(GAP, f"more than {OLDER_PAGES_MAX} pages or {KNOWN_MAX} records; ask more often")
                    left -= 1
                    answer = await self._ask(address, {})
                    assert answer is not None
                    lines, own, page = await asyncio.to_thread(self._new, answer, each.known)
                    await _hand(peer, lines)
                    if page is None:
                        raise _Fault(GAP, "the answer is no list of records")
                    known |= own
                    self._known |= own
                    asked.append(address)
                    address = _next(asked, page.following) if self._whole.isdisjoint(own) else None
            except _Fault as fault:
                missed.append(fault.words)
                left = 0  # who does not answer is not asked for the others either; the newest ones go on
        if missed:
            self.note(GAP, len(missed))
            log.warning("older records are missed", source=self.source.name, lists=len(missed), error=missed[0])
        return known

    def _say_cut(self, cut: bool) -> None:
        if cut:
            self.note(CUT, 1)
        if cut and not self._cut:
            log.warning("the answer tells a part of what there is; ask for fewer", source=self.source.name)
        self._cut = cut

    async def _ask(self, address: str, conditions: Mapping[str, str]) -> Answer | None:
        """One answer; None where nothing has changed. Raises _Fault."""
        own = self.source.options
        try:
            shown = {own["header"]: self.outgoing.secret(own["secret"])} if "header" in own else {}
            headers = {"Accept": ACCEPT, **conditions, **shown}
            answer = await asyncio.to_thread(self.outgoing.request, "GET", address, headers, None, ANSWER_BYTES_MAX + 1)
        except OutgoingError as error:
            raise _Fault(AWAY, str(error)) from None
        if answer.status == 304 and conditions:
            return None
        if answer.status != 200:
            _, host, port = split_address(address)
            raise _Fault(f"poll_{answer.status}", f"{place(host, port)} answered {answer.status}", answer)
        if len(answer.body) > ANSWER_BYTES_MAX:
            raise _Fault(TOO_LONG, f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
        if answer.cut_off:
            raise _Fault(AWAY, f"the answer was cut off after {len(answer.body)} bytes")
        return answer

    def _new(self, answer: Answer, of: Row | None = None) -> tuple[list[bytes], frozenset[bytes], Page | None]:
        """The lines of an answer that were not in the last one; what is in this one; and the page, if it could be read.

        of: what is known of all its records besides what they say. The page's `newest` are those of which nothing stood
        in the last answer.

        Raises _Fault.
        """
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            page = self._page(kind, answer.body, of or {})
        except Refused:  # one line that the worker refuses, counts and keeps
            return [unreadable(b" ".join(answer.body[:1000].split()))], frozenset(), None
        except TooMany:
            raise _Fault(TOO_MANY, f"the answer holds more than {RECORDS_MAX} records; ask for fewer") from None
        return self._unheard(page)

    def _unheard(self, page: Page) -> tuple[list[bytes], frozenset[bytes], Page]:
        push = self.source.feed.push
        assert push is not None
        found = lines_of(push, page.records)
        digests = [blake2b(line, digest_size=16).digest() if dated else None for line, dated in found]
        new = [line for (line, _), own in zip(found, digests, strict=True) if own is None or own not in self._known]
        known = frozenset(own for own in digests if own is not None)
        apart = [each for each in page.newest if self._is_apart(digests[each.rows.start : each.rows.stop])]
        return new, known, replace(page, newest=apart)

    def _is_apart(self, digests: Sequence[bytes | None]) -> bool:
        """Whether between these records and the last answer there may be others; what says no time is always new."""
        if not self._whole or None in digests:
            return False
        return self._whole.isdisjoint(own for own in digests if own is not None)

    def _page(self, kind: str, body: bytes, of: Row) -> Page:
        """An answer's records; in the source's form with what its address says where one says nothing.

        Raises Refused, TooMany.
        """
        push, form = self.source.feed.push, self.source.form
        assert push is not None
        if form is None:
            return Page(read_csv(push, body, RECORDS_MAX) if kind == "text/csv" else read_json(body, RECORDS_MAX))
        told = read_json(body, RECORDS_MAX)
        page = form.read(told[0] if len(told) == 1 else told)
        if len(page.records) > RECORDS_MAX:
            raise TooMany
        meant = {**self.source.given, **of}
        records = [{**meant, **each} if isinstance(each, dict) else each for each in page.records]
        return replace(page, records=records)

    def _answered(self) -> float:
        if self._failures:
            log.info("polled again", source=self.source.name, failures=self._failures)
        self._failures, self._said = 0, ""
        return self.source.every_s

    def _failed(self, fault: _Fault) -> float:
        """Note a failure; the pause grows with each, or is as long as the server asks for."""
        self.note(fault.name, 1)
        if fault.words != self._said:
            log.warning("poll failed", source=self.source.name, error=fault.words)
        pause_s = min(self.source.every_s * 2.0 ** min(self._failures, 10), max(BACKOFF_S_MAX, self.source.every_s))
        self._failures, self._said = self._failures + 1, fault.words
        told = fault.answer.headers.get("retry-after", "") if fault.answer else ""
        return max(pause_s, min(retry_after_s(told, datetime.now(UTC)), RETRY_AFTER_S_MAX))


async def _hand(peer: Peer, lines: Sequence[bytes]) -> None:
    for number, line in enumerate(lines):
        peer.datagram(line)
        if number % TURN_LINES == TURN_LINES - 1:
            await asyncio.sleep(0)


def retry_after_s(told: str, now: datetime) -> float:
    """Seconds of a Retry-After, which is a number of them or a date (RFC 9110, 10.2.3); 0 for what is neither."""
    if told.isascii() and told.isdigit():
        return float(told[:9])
    try:
        return max(0.0, (parsedate_to_datetime(told) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _next(asked: Sequence[str], following: str | None) -> str | None:
    """The address of the page after the last one that was asked for, if there is one. Raises _Fault."""
    if following is None:
        return None
    try:
        address = urljoin(asked[-1], following)
        beside = split_address(address) == split_address(asked[0])
    except ValueError:  # no address at all, or of no kind that is asked
        beside = False
    if not beside:
        raise _Fault(FOREIGN, f"the next page is elsewhere: {following[:200]}")
    if address in asked or len(asked) >= PAGES_MAX:
        raise _Fault(ENDLESS, f"one of {len(asked)} pages is asked for twice, or there are too many")
    return address
