"""Polling of warnings: a server's list of CAP alerts is asked for at intervals, and each alert of it is kept once.

What goes out goes by geo.outgoing: http and https to allowed places alone, no redirects, in bounded time.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import sqlalchemy as sa
import structlog

from geo import account as accounts
from geo.account import Account
from geo.cap import MOST_BYTES, Fault, NotCap, Read
from geo.figure import figures
from geo.outgoing import Answer, Outgoing, OutgoingError
from geo.warning_cap import Unfit
from geo.warning_received import receive
from ingest.cap import MOST_DOCUMENT_BYTES, Document, find
from ingest.poll import BACKOFF_S_MAX, CONDITIONS, RETRY_AFTER_S_MAX, retry_after_s

log = structlog.get_logger()
FEED, LAYER = "cap", "warning"
ACCEPT = "application/cap+xml, application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8"
LINKS_A_TURN = 50  # asked for in one turn; the others have theirs in the next
AWAY_A_TURN = 3  # after so many that cannot be reached: each may be waited for until its time is over
AGAIN_AFTER = timedelta(minutes=15)  # an address that was read may hold something else by then
REMEMBERED = 5_000
AWAY, TOO_LONG, LIST, ENTRY, INVALID, OTHER, REFUSED = (
    "cap_away", "cap_too_long", "cap_list", "cap_entry", "cap_invalid", "cap_other", "cap_refused",
)  # fmt: skip


@dataclass(frozen=True)
class CapSource:
    """One server of warnings: its name (also the origin of its warnings), and the address of its list."""

    name: str
    address: str
    every_s: float = 60.0
    simulated: bool = False


@dataclass
class _Fault(Exception):
    """A server did not give what it was asked for: as what that is counted, in words, and what it answered."""

    reason: str
    words: str
    answer: Answer | None = None


@dataclass
class _Link:
    """What is known of an address that was asked: when to ask again, and how to ask whether it has changed."""

    due_at: datetime
    conditions: Mapping[str, str]


@dataclass
class CapPoller:
    """Asks one server. received = accepted + rejected in the account of its source, counted in alerts; a reject that
    stays in the list is counted and kept once, and not at each turn.
    """

    source: CapSource
    engine: sa.Engine
    outgoing: Outgoing
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    stopping: Callable[[], bool] = lambda: False
    _conditions: dict[str, str] = field(default_factory=dict)
    _links: "OrderedDict[str, _Link]" = field(default_factory=OrderedDict)
    _refused: "OrderedDict[bytes, None]" = field(default_factory=OrderedDict)
    _pending: tuple[str, ...] = ()
    _failures: int = 0
    _said: str = ""

    def register(self) -> None:
        """Make the source known, so that it is shown as silent before its first answer."""
        name, every_s = self.source.name, self.source.every_s
        with self.engine.begin() as connection:
            accounts.register_feed(connection, name, FEED, LAYER, self.source.simulated, 3 * every_s)

    def turn(self) -> float:
        """Ask once, keep what is new; after how many seconds to ask again. Raises what a database that is away does."""
        try:
            self._list()
        except _Fault as fault:
            return self._failed(fault)
        # Only now, so that a list whose alerts were not all asked for is read again after a restart.
        more = self._follow()
        self._heard()
        if self._failures:
            log.info("polled again", source=self.source.name, failures=self._failures)
        self._failures, self._said = 0, ""
        return 1.0 if more else self.source.every_s

    def _list(self) -> None:
        """The list, if it has changed: keeps the alerts that stand in it and notes the addresses of the others."""
        answer = self._ask(self.source.address, self._conditions, MOST_DOCUMENT_BYTES)
        if answer is None:
            return
        try:
            found = _found(answer.body, self.source.address)
        except NotCap as error:
            self._refuse(LIST, answer.body, str(error))
            raise _Fault(LIST, str(error)[:200]) from None
        for fault in found.faults:
            self._refuse(ENTRY, str(fault).encode(), str(fault))
        for alert, document in zip(found.alerts, found.documents, strict=True):
            self._keep(alert, document)
        self._pending = found.links
        told = answer.headers
        self._conditions = {ask: told[name] for name, ask in CONDITIONS.items() if name in told}

    def _follow(self) -> bool:
        """Ask for the alerts of addresses that are new, or were read long ago; whether there are more of them."""
        now = self.now()
        known = {link: self._links[link] for link in self._pending if link in self._links}
        due = [link for link in self._pending if link not in known or known[link].due_at <= now]
        # Those that nobody has read come first, then whichever waits longest, so that each has its turn.
        due.sort(key=lambda link: (link in known, known[link].due_at if link in known else now))
        read, away = 0, 0
        for link in due[:LINKS_A_TURN]:
            if away == AWAY_A_TURN or self.stopping():
                break
            away += not self._read(link, now)
            read += 1
        return len(due) > read

    def _read(self, link: str, now: datetime) -> bool:
        """Ask for one alert and keep it; whether its place could be reached."""
        reached, before = True, self._links.get(link)
        conditions = before.conditions if before else {}
        after = AGAIN_AFTER
        try:
            answer = self._ask(link, conditions, MOST_BYTES)
        except _Fault as fault:
            self._refuse(fault.reason, f"{link} {fault.words}".encode(), fault.words)
            answer, after = None, timedelta(seconds=self.source.every_s)
            reached = fault.reason != AWAY
        if answer is not None:
            conditions = {ask: answer.headers[name] for name, ask in CONDITIONS.items() if name in answer.headers}
            try:
                found = _found(answer.body, link)
                for alert, document in zip(found.alerts, found.documents, strict=True):
                    self._keep(alert, document)
                if not found.alerts:
                    self._refuse(INVALID, answer.body, "is no alert, but a list of them")
            except NotCap as error:
                self._refuse(INVALID, answer.body, str(error))
        self._links[link] = _Link(now + after, conditions)
        self._links.move_to_end(link)
        while len(self._links) > REMEMBERED:
            self._links.popitem(last=False)
        return reached

    def _ask(self, address: str, conditions: Mapping[str, str], most_bytes: int) -> Answer | None:
        """One answer; None where nothing has changed. Raises _Fault."""
        try:
            answer = self.outgoing.request("GET", address, {"Accept": ACCEPT, **conditions}, None, most_bytes + 1)
        except OutgoingError as error:
            raise _Fault(AWAY, str(error)) from None
        if answer.status == 304 and conditions:
            return None
        if answer.status != 200:
            raise _Fault(f"cap_{answer.status}", f"answered {answer.status}", answer)
        if len(answer.body) > most_bytes:
            raise _Fault(TOO_LONG, f"is longer than {most_bytes} bytes")
        if answer.cut_off:
            raise _Fault(AWAY, f"was cut off after {len(answer.body)} bytes")
        return answer

    def _keep(self, alert: Read, document: bytes) -> None:
        """Keep one alert and its account in one transaction; what the database refuses costs that alert alone."""
        now = self.now()
        try:
            with self.engine.begin() as connection:
                ending = figures(connection).at("warning_unended", now).span
                what = receive(connection, self.source.name, alert, document, now, ending, self.source.simulated)
                if what != "other":
                    new = what == "new"
                    told = Account(received=1, accepted=1, messages=1, rows=int(new), duplicates=int(not new))
                    accounts.record(connection, self.source.name, told, now)
        except Unfit as error:
            self._refuse(error.reason, document, str(error))
        except (sa.exc.DataError, sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.InternalError) as error:
            self._refuse(REFUSED, document, " ".join(str(error.orig).split())[:200])
        except sa.exc.SQLAlchemyError:
            raise  # a database that is away is no fault of the alert's
        except Exception as error:  # whatever one alert does must not keep the others of its list from being heard
            self._refuse(REFUSED, document, repr(error)[:200])
        else:
            if what == "other":
                self._refuse(OTHER, document, "another alert is kept under its sender, identifier and time")

    def _refuse(self, reason: str, raw: bytes, words: str) -> None:
        """Count a reject and keep its beginning, unless the same has been refused lately."""
        digest = blake2b(reason.encode() + b"\0" + raw, digest_size=16).digest()
        if digest in self._refused:
            self._refused.move_to_end(digest)
            return
        now = self.now()
        with self.engine.begin() as connection:
            accounts.keep_letters(connection, self.source.name, [(reason, raw)], now)
            accounts.record(connection, self.source.name, Account(received=1, rejected=Counter({reason: 1})), None)
        self._refused[digest] = None
        while len(self._refused) > REMEMBERED:
            self._refused.popitem(last=False)
        log.warning("alert refused", source=self.source.name, reason=reason, error=words[:200])

    def _heard(self) -> None:
        """A server that answers is alive, however seldom there is anything to warn of."""
        with self.engine.begin() as connection:
            accounts.record(connection, self.source.name, Account(), self.now())

    def _failed(self, fault: _Fault) -> float:
        """Note a failure; the pause grows with each, or is as long as the server asks for."""
        with self.engine.begin() as connection:
            accounts.record_fault(connection, self.source.name, fault.reason)
        if fault.words != self._said:
            log.warning("poll failed", source=self.source.name, error=fault.words)
        every_s = self.source.every_s
        pause_s = min(every_s * 2.0 ** min(self._failures, 10), max(BACKOFF_S_MAX, every_s))
        self._failures, self._said = self._failures + 1, fault.words
        told = fault.answer.headers.get("retry-after", "") if fault.answer else ""
        return max(pause_s, min(retry_after_s(told, self.now()), RETRY_AFTER_S_MAX))


def _found(document: bytes, address: str) -> Document:
    """What `find` says; NotCap too where the reading itself fails, so that no document of a stranger's ends a turn."""
    try:
        return find(document, address)
    except NotCap:
        raise
    except Exception as error:
        raise NotCap(Fault("document", f"cannot be read ({type(error).__name__})")) from error
