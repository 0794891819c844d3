"""A demo's preparation: sources for the simulated station and devices, places and rules, the day before, committed."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import redis
import sqlalchemy as sa

from demo import camera_event, seed
from demo.camera import put_cameras
from demo.register import put_register
from demo.report import put_reports
from demo.storm import put_storm
from demo.warning import put_warning
from geo.account import Account, peer_account
from geo.database import engine
from layers import discover, lanes

SEED = 1
ASK_S, TELL_S = 0.2, 5.0


@dataclass
class Rehearsal:
    """What `demo` does before its screens open; its steps are called in the order in which they stand here.

    addresses: where the simulated station and the simulated provider send, by feed. pictures: the port of this machine
    that shows the simulated cameras' pictures.
    """

    addresses: Mapping[str, str]
    speed: float
    say: Callable[[str], None]
    pictures: int
    start: float = 0.0
    _expected: dict[str, int] = field(default_factory=dict)  # by source
    _since: datetime | None = None
    _asked: float = 0.0
    _told: float = 0.0
    _began: float = 0.0
    _owner: sa.Engine | None = None

    def environment(self, allowed: Sequence[str] = ()) -> dict[str, str]:
        """What the processes need to know: where the simulated station and provider send, and that besides the allowed
        places the simulated cameras may be looked at.
        """
        return {
            "HAIDANG_SIMULATED_SOURCES": json.dumps({feed: [at] for feed, at in self.addresses.items()}),
            "HAIDANG_OUTGOING_ALLOWED": json.dumps([*allowed, f"127.0.0.1:{self.pictures}"]),
        }

    def put_in(self, environment: Mapping[str, str]) -> None:
        """Places, rules, boats, a storm, reports, a warning; then the day before into the stream, for the worker."""
        self._owner = engine(environment["DATABASE_URL"])
        self._began, self.start = time.monotonic(), time.time()
        simulated = {feed: (at,) for feed, at in self.addresses.items()}
        sources = [lane.source for lane in lanes(discover(), {}, simulated) if lane.source.simulated]
        with self._owner.begin() as connection:
            seed.seed_places(connection)
            put_register(connection, SEED, datetime.fromtimestamp(self.start, UTC), seed.DEMO)
            since = {one.name: seed.missing_since(connection, one.name, self.start) for one in sources}
        with self._owner.begin() as connection:
            place = Path(environment["HAIDANG_HOME"]) / "demo"
            camera_event.put_key(connection, place, seed.DEMO, datetime.fromtimestamp(self.start, UTC))
        put_cameras(self._owner, self.pictures, seed.DEMO)
        put_storm(self._owner, datetime.fromtimestamp(self.start, UTC), seed.DEMO)
        put_reports(self._owner, SEED, datetime.fromtimestamp(self.start, UTC))
        put_warning(self._owner, datetime.fromtimestamp(self.start, UTC))
        self._since = datetime.now(UTC)
        minutes = (self.start - min(since.values())) / 60
        span = f"{minutes / 60:.0f} hours" if minutes > 90 else f"{minutes:.0f} minutes"
        self.say(f"Simulating the {span} before now: boats, ships, what they did")
        with redis.Redis.from_url(environment["REDIS_URL"]) as client:
            for source in sources:
                self._expected[source.name] = seed.seed_history(client, source, SEED, since[source.name], self.start)

    def committed(self) -> bool:
        """Whether the worker has committed all of the day before."""
        now = time.monotonic()
        if now - self._asked < ASK_S:
            return False
        self._asked = now
        assert self._owner is not None
        assert self._since is not None
        with self._owner.connect() as connection:
            stored = {name: peer_account(connection, name, "seed", self._since) for name in self._expected}
        done, expected = Account(), sum(self._expected.values())
        for account in stored.values():
            done.add(account)
        if now - self._told > TELL_S and done.received:
            self._told = now
            self.say(f"{done.received:,} of {expected:,} simulated messages stored")
        if any(stored[name].received < count for name, count in self._expected.items()):
            return False
        self.say(f"Stored {done.positions:,} positions in {now - self._began:.0f} s")
        return True

    def settle(self) -> None:
        """The shift before acknowledged what was over, so that the desk begins with what is open."""
        assert self._owner is not None
        with self._owner.begin() as connection:
            seed.settle(connection, datetime.fromtimestamp(self.start, UTC))
        self._owner.dispose()

    def camera_words(self) -> tuple[str, ...]:
        """The pictures process's command."""
        return ("pictures", "--port", str(self.pictures))

    def words(self) -> tuple[str, ...]:
        """The simulate process's command, told from the same moment as the day before."""
        told = ("--speed", f"{self.speed:g}", "--seed", str(SEED), "--start", f"{self.start:.3f}")
        return ("simulate", *told, "--pictures", str(self.pictures))
