"""Records pushed over HTTP while processes are killed: a sender that repeats what was not answered loses nothing."""

import http.client
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from geo import api_key
from geo.actor import Actor
from geo.fishery import boat
from run.process import wait_for
from tests.api.pushing import push
from tests.connections import connected
from tests.faults.harness import System, system

RECORDS, REQUEST, BOATS, SEED = 2_000, 20, 40, 20_261_128
SOURCE = "vms.push.vnpt"
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=2)


@dataclass
class Provider:
    """A sender of numbered fixes, some in each request: it repeats a request until it is told what became of it."""

    port: int
    token: str
    numbers: range
    pace_s: float = 0.05
    statuses: Counter[int] = field(default_factory=Counter)
    accepted: int = 0
    already: int = 0
    tries: int = 0
    done: int = 0

    def run(self) -> None:
        for start in self.numbers[::REQUEST]:
            self._push(range(start, start + REQUEST))
            self.done += REQUEST
            time.sleep(self.pace_s)

    def _push(self, numbers: range) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            self.tries += 1
            status, answer = self._try([self._record(number) for number in numbers])
            self.statuses[status] += 1
            if status == 202:
                assert answer["received"] == REQUEST == answer["accepted"] + answer["already"], answer
                self.accepted += answer["accepted"]
                self.already += answer["already"]
                return
            assert status in (0, 503), (status, answer)
            time.sleep(0.2)
        raise AssertionError(f"no answer for {numbers}: {self.statuses}")

    def _try(self, records: list[dict[str, Any]]) -> tuple[int, Any]:
        try:
            return push(self.port, self.token, records)[:2]
        except (OSError, http.client.HTTPException):  # killed in mid-answer, or not there at all
            return 0, None

    def _record(self, number: int) -> dict[str, Any]:
        # Each try tells the place a little differently, so that nothing but the record's id tells it from another fix.
        at = BEGAN + timedelta(seconds=60 * (number // BOATS))
        lon = round(108 + number % BOATS * 0.01 + self.tries * 1e-6, 6)
        own = {"record_id": f"r{number}", "registration": f"TTH-9{number % BOATS:04d}-TS"}
        return {**own, "observed_at": at.isoformat(), "lon": lon, "lat": 16.8}


def begin(running: System) -> str:
    """Boats in the register, and a key of the sender."""
    with connected(running.roles().owner) as owner, owner.begin() as connection:
        own = {"home_province": "Huế", "length_m": 16.4, "updated_at": datetime.now(UTC), "updated_by": "test"}
        names = [f"TTH-9{number:04d}-TS" for number in range(BOATS)]
        connection.execute(sa.insert(boat), [{"registration": name, **own} for name in names])
        return api_key.make(connection, "vnpt", ["vms"], "vnpt", Actor("Lan"), datetime.now(UTC), per_minute=60_000)[1]


def count(running: System, query: str) -> int:
    return int(str(running.ask(query)[0]["n"]))


@pytest.mark.timeout(600)
def test_promise_01_and_03_what_was_accepted_is_stored_once_whatever_is_killed(home_directory: Path) -> None:
    order = random.Random(SEED)
    victims = ["work", "web", "redis", "work-2", "postgres", "redis", "web"]
    goals = sorted(order.sample(range(100, RECORDS - 200), len(victims)))
    with system(home_directory, workers=2) as running:
        token, half = begin(running), RECORDS // 2
        senders = [Provider(running.web, token, range(half)), Provider(running.web, token, range(half, RECORDS))]
        failed: list[BaseException] = []

        def run(sender: Provider) -> None:
            try:
                sender.run()
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=run, args=(sender,)) for sender in senders]
        for thread in threads:
            thread.start()
        for number, (goal, victim) in enumerate(zip(goals, victims, strict=True)):
            reached = wait_for(lambda goal=goal: bool(failed) or sum(each.done for each in senders) >= goal, 200)
            assert reached, (goal, running.last_words())
            # A server that is stopped answers nobody until it is killed and started anew.
            running.hurt(victim, "stop" if victim == "redis" and number > 3 else "kill", goal)
        for thread in threads:
            thread.join(200)
        assert not failed, failed
        stored = "SELECT count(*) AS n FROM vms_history"
        assert wait_for(lambda: count(running, stored) >= RECORDS, 120, every_s=0.25), running.last_words()
        assert wait_for(lambda: running.ask(f"SELECT * FROM feed WHERE source = '{SOURCE}'") != [], 30)
        time.sleep(3)  # what comes twice would be stored by now
        statuses = sum((each.statuses for each in senders), Counter())
        assert statuses[202] == RECORDS // REQUEST
        assert statuses[0] + statuses[503] > 0, "nothing was ever interrupted"
        assert count(running, stored) == RECORDS
        assert count(running, "SELECT count(DISTINCT (registration, observed_at)) AS n FROM vms_history") == RECORDS
        assert count(running, f"SELECT count(*) AS n FROM told_record WHERE source = '{SOURCE}'") == RECORDS
        counts = "received, accepted, rejected, positions, rows, duplicates"
        (feed,) = running.ask(f"SELECT {counts} FROM feed WHERE source = '{SOURCE}'")
        assert feed["rejected"] == {}
        assert feed["received"] == feed["accepted"] == feed["positions"]
        assert (feed["rows"], feed["positions"]) == (RECORDS, RECORDS + int(str(feed["duplicates"])))
        assert sum(each.accepted + each.already for each in senders) == RECORDS


@pytest.mark.timeout(300)
def test_promise_03_while_redis_is_away_a_sender_is_told_so_and_then_all_is_taken(home_directory: Path) -> None:
    with system(home_directory, workers=1) as running:
        sender = Provider(running.web, begin(running), range(RECORDS // 4))
        thread = threading.Thread(target=sender.run)
        thread.start()
        for goal in (80, 240, 400):
            assert wait_for(lambda goal=goal: sender.done >= goal, 60), running.last_words()
            running.hurt("redis", "stop", goal)
        thread.join(200)
        assert sender.done == RECORDS // 4
        assert sender.statuses[503] >= 3
        assert sender.statuses[0] == 0  # the web process is there all the time, and says what is the matter
        stored = "SELECT count(*) AS n FROM vms_history"
        assert wait_for(lambda: count(running, stored) >= RECORDS // 4, 60, every_s=0.25)
        time.sleep(2)
        assert count(running, stored) == RECORDS // 4
