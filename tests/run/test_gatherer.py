"""The gatherer with its threads: several servers at once, one of which never answers, and a second one that waits."""

import threading
import time
from contextlib import ExitStack, contextmanager
from typing import Any

from geo.account import feeds
from geo.figure import put_figures, seeds
from geo.outgoing import Outgoing, allow
from geo.warning_state import Wanted, warnings
from run.gatherer import Gatherer, sources
from run.process import wait_for
from tests.connections import connected
from tests.ingest.test_cap import atom, inside
from tests.ingest.test_cap_poll import START, alert
from tests.outgoing import web


@contextmanager
def running(gatherer: Gatherer) -> Any:
    over = threading.Event()
    thread = threading.Thread(target=gatherer.run, args=(over.is_set,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_server_that_never_answers_keeps_no_other_waiting_and_a_stand_in_waits(database) -> None:
    with ExitStack() as stack:
        owner = stack.enter_context(connected(database.owner))
        with owner.begin() as connection:
            put_figures(connection, seeds())
        engine = stack.enter_context(connected(database.ingest))
        good, slow = stack.enter_context(web()), stack.enter_context(web())
        good.body = atom(inside(alert("a")))
        slow.before = lambda _: time.sleep(3)
        given = {"good": f"http://{good.place}/feed.atom", "slow": f"http://{slow.place}/feed.atom"}
        outgoing = Outgoing(allow([good.place, slow.place]), timeout_s=1)

        def kept() -> list[str]:
            with engine.connect() as connection:
                return [row["identifier"] for row in warnings(connection, Wanted(), START, 10)]

        stack.enter_context(running(Gatherer(sources(given), engine, outgoing)))
        assert wait_for(lambda: kept() == ["a"], 10)
        asked = len(good.asked)
        other = stack.enter_context(connected(database.ingest))
        stack.enter_context(running(Gatherer(sources(given), other, outgoing)))
        time.sleep(2)
        assert len(good.asked) == asked
        with engine.connect() as connection:
            known = {one["source"]: one["faults"] for one in feeds(connection)}
        assert known == {"cap.good": {}, "cap.slow": {"cap_away": 1}}
