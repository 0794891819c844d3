"""The gatherer: asks servers for their warnings (CAP), so that a slow one keeps no other waiting."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog

from geo.heartbeat import Heartbeat
from geo.lease import leased
from geo.outgoing import Outgoing
from ingest.cap_poll import FEED, CapPoller, CapSource

log = structlog.get_logger()
LEASE = "haidang:gatherer"
AWAY_S, FAULT_S = 1.0, 60.0


def sources(given: Mapping[str, str]) -> tuple[CapSource, ...]:
    """What is to be asked, of names and addresses; a source is `cap.` and its name."""
    return tuple(CapSource(f"{FEED}.{name}", address) for name, address in sorted(given.items()))


@dataclass
class Gatherer:
    """Asks the servers for as long as it holds the lease, each in a thread of its own."""

    sources: Sequence[CapSource]
    engine: sa.Engine
    outgoing: Outgoing
    heartbeat: Heartbeat = field(default_factory=Heartbeat)

    def run(self, stopping: Callable[[], bool]) -> None:
        """Ask until told to stop; a database that is away is waited for."""
        while not stopping():
            self.heartbeat.beat()
            try:
                with self.engine.connect() as connection:
                    connection.detach()  # so that with it the lease ends
                    self._work(connection, stopping)
            except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
                log.warning("database is away", error=str(error).splitlines()[0])
                self.engine.dispose()
                time.sleep(AWAY_S)

    def _work(self, connection: sa.Connection, stopping: Callable[[], bool]) -> None:
        asking: list[threading.Thread] = []
        over = (
            threading.Event()
        )  # of these threads: one that hangs longer than it is waited for ends by it all the same
        try:
            while not stopping():
                self.heartbeat.beat()
                if leased(connection, LEASE) and not asking:
                    asking = [threading.Thread(target=self._ask, args=(one, over), daemon=True) for one in self.sources]
                    for thread in asking:
                        thread.start()
                time.sleep(AWAY_S)
        finally:
            over.set()
            for thread in asking:
                thread.join(2 * self.outgoing.timeout_s)

    def _ask(self, source: CapSource, over: threading.Event) -> None:
        poller, known = CapPoller(source, self.engine, self.outgoing, stopping=over.is_set), False
        while not over.is_set():
            try:
                if not known:
                    poller.register()
                    known = True
                wait_s = poller.turn()
            except (sa.exc.OperationalError, sa.exc.InterfaceError):
                wait_s = AWAY_S  # the main loop says so
            except Exception as error:  # whatever a server says must not end the asking of it
                log.error("turn failed", source=source.name, error=repr(error)[:200])
                wait_s = FAULT_S
            over.wait(wait_s)
