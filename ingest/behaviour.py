"""Behaviour off the live path: the clock looks at boats that were heard anew, a few a tick, and keeps what they did."""

import time
from collections import deque
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
import structlog

from geo.behaviour.boat import ALONE, behaviour
from geo.behaviour.criteria import Criteria, criteria
from geo.behaviour.encounter import encounters
from geo.behaviour.event import Event, moment
from geo.behaviour.way import Ports, Way, way_of
from geo.boat_event import AIS, STRETCHES, Doer, Revision, known_events, revise
from geo.figure import figures
from geo.fishery import boat, boat_event
from geo.heard import boat_vessel
from geo.mmsi import station_kind
from geo.table import Shape
from ingest.absence import absences
from ingest.near import Near, hourly
from ingest.whereabouts import HEARD_WITHIN, Boat, Key, fixes, last_before

log = structlog.get_logger()
BUDGET_S = 0.2  # of each tick: what is left waits, and boats are looked at less often instead
CHOSEN_EVERY, REGISTER_EVERY = timedelta(seconds=30), timedelta(minutes=5)
EVERY, AT_LEAST_EVERY = timedelta(minutes=10), timedelta(hours=1)  # the latter for fixes that came late
# So far back a boat's fixes are judged anew at each look. Older ones that come later still are not.
BACK = {AIS: timedelta(hours=48)}
BACK_COARSE = timedelta(days=5)
BEFORE, BEFORE_MET = timedelta(hours=1), timedelta(hours=2)  # read before a stretch that is to be found whole
FISHING_SHIP = 30  # ITU-R M.1371-5 table 53


@dataclass(frozen=True)
class Mark:
    """When a boat was looked at, its newest fix then, and when time alone makes it worth another look."""

    at: datetime
    observed_at: datetime
    due_at: datetime | None


@dataclass
class Watcher:
    """What is remembered between ticks: nothing that cannot be found again, so that a new one begins at once."""

    marks: dict[Key, Mark] = field(default_factory=dict)
    queue: deque[Boat] = field(default_factory=deque)
    pairs: dict[tuple[str, str], None] = field(default_factory=dict)
    near: Near = field(default_factory=Near)
    known: dict[str, Boat] = field(default_factory=dict)  # boats of AIS
    register: dict[Key, tuple[str | None, str]] = field(default_factory=dict)  # gear and role
    criteria: Criteria | None = None
    chosen_at: datetime | None = None
    registered_at: datetime | None = None

    def look(
        self,
        connection: sa.Connection,
        shapes: Sequence[Shape],
        ports: Ports,
        now: datetime,
        beat: Callable[[], None],
        budget_s: float = BUDGET_S,
    ) -> dict[Key, Mark]:
        """Look at the boats that have waited longest until the time is up; what to remember once it is committed.

        One boat that cannot be judged is told and left out; the transaction goes on.
        """
        self._choose(connection, shapes, now, beat)
        until = time.monotonic() + budget_s  # to read a whole sea of ships may have taken longer than that
        done: dict[Key, Mark] = {}
        # By turns: where boats are always waiting, those that met would never be looked at.
        while (self.queue or self.pairs) and time.monotonic() < until:
            beat()
            if self.queue:
                one = self.queue.popleft()
                with _guarded(connection, one.key):
                    self._boat(connection, one, ports, now)
                done[one.name] = Mark(now, one.observed_at, self._due(one, now))
            if self.pairs:
                pair = next(iter(self.pairs))
                del self.pairs[pair]
                with _guarded(connection, " ".join(pair)):
                    self._pair(connection, pair, ports, now)
        return done

    def keep(self, done: Mapping[Key, Mark]) -> None:
        """Remember what was looked at, after the commit."""
        self.marks.update(done)

    def _choose(
        self, connection: sa.Connection, shapes: Sequence[Shape], now: datetime, beat: Callable[[], None]
    ) -> None:
        if self.chosen_at is not None and now - self.chosen_at < CHOSEN_EVERY:
            return
        self.chosen_at = now
        self.criteria = criteria(figures(connection), now)
        if self.registered_at is None or now - self.registered_at >= REGISTER_EVERY:
            self.register, self.registered_at = _register(connection), now
        waiting: list[tuple[datetime, Boat]] = []
        heard: set[Key] = set()
        for shape in shapes:
            beat()
            for one in self._heard(connection, shape, now):
                heard.add(one.name)
                mark = self.marks.get(one.name)
                if mark is None or self._is_due(one, mark, now):
                    waiting.append((one.observed_at if mark is None else mark.at, one))
        beat()
        waiting.sort(key=lambda each: (each[1].name in self.marks, each[0], each[1].name))
        self.queue = deque(one for _, one in waiting)
        self._forget(heard, now)

    def _forget(self, heard: Container[Key], now: datetime) -> None:
        """Let go of who has not been heard for so long that nobody looks at it."""
        self.marks = {name: mark for name, mark in self.marks.items() if name in heard}
        self.known = {key: one for key, one in self.known.items() if one.name in heard}
        self.pairs = {pair: None for pair in self.pairs if all(key in self.known for key in pair)}
        self.near.forget_before(now - BACK[AIS])

    def _is_due(self, one: Boat, mark: Mark, now: datetime) -> bool:
        new = one.observed_at > mark.observed_at and now - mark.at >= EVERY
        late = now - mark.at >= AT_LEAST_EVERY and one.observed_at > now - _back(one.shape)
        return new or late or (mark.due_at is not None and mark.due_at <= now)

    def _due(self, one: Boat, now: datetime) -> datetime | None:
        """When its silence will have lasted for a gap, or for a sign."""
        assert self.criteria is not None
        spans = (self.criteria[key] for key in ("gap_least", "disabling_least"))
        later = [one.observed_at + timedelta(seconds=span) for span in spans]
        return min((at for at in later if at > now), default=None) if one.fishing else None

    def _heard(self, connection: sa.Connection, shape: Shape, now: datetime) -> Iterator[Boat]:
        """The layer's boats that were heard lately: those that fish, and ships that one of them may have met."""
        latest = shape.latest.c
        names = [name for name in ("shipname", "ship_type") if name in latest]
        query = sa.select(latest[shape.key], latest.observed_at, latest.simulated, *(latest[name] for name in names))
        query = query.where(latest.geom.is_not(None), latest.observed_at.between(now - HEARD_WITHIN, now))
        for row in connection.execute(query).mappings():
            key = str(row[shape.key])
            gear, role = self.register.get((shape.name, key), (None, ""))
            by_ais = shape.key_is_number and row["ship_type"] == FISHING_SHIP
            fishing = bool(role) or by_ais or not shape.key_is_number
            if shape.key_is_number and station_kind(row[shape.key]) != "ship":
                continue
            label = (row["shipname"] or key) if shape.key_is_number else key
            one = Boat(
                shape, key, label, row["observed_at"], row["simulated"], fishing, fishing and role != "logistics", gear
            )
            if shape.name == AIS:
                self.known[key] = one
            yield one

    def _boat(self, connection: sa.Connection, one: Boat, ports: Ports, now: datetime) -> None:
        assert self.criteria is not None
        since = now - _back(one.shape)
        doer = Doer(one.shape.name, one.key, label=one.label, simulated=one.simulated)
        way, known, stay, gap = _way(connection, one, doer, since, ports, now, self.criteria)
        if one.fishing:
            away = absences(connection, one, way, self.criteria, now)
            found = behaviour(
                way, self.criteria, now, one.gear, one.catches,
                stay["began_at"] if stay else None, gap["parameters"]["positions_before"] if gap else 0, away,
            )  # fmt: skip
            self._revise(connection, doer, known, found, now, since, (way,), one.gear)
        if one.shape.name == AIS:
            self._meet(connection, one, way, since)

    def _revise(
        self,
        connection: sa.Connection,
        doer: Doer,
        known: Sequence[dict[str, Any]],
        found: Sequence[Event],
        now: datetime,
        since: datetime,
        ways: Sequence[Way],
        gear: str | None = None,
    ) -> Revision:
        assert self.criteria is not None
        reach = [event for event in found if event.ended_at is None or event.ended_at >= since]
        kinds = {event.kind: event.parameters.get("gear", gear) for event in reach}
        told: dict[str, dict[str, Any]] = {kind: self.criteria.told(kind, own) for kind, own in kinds.items()}
        first = max((moment(float(way.at[0])) for way in ways if len(way)), default=None)
        return revise(connection, doer, known, reach, told, now, since, first)

    def _meet(self, connection: sa.Connection, one: Boat, way: Way, since: datetime) -> None:
        """With whom it may have been: who was near in some hour, and whom it has met as far as is known."""
        assert self.criteria is not None
        places = hourly(way, self.criteria["encounter_from_port"] / 2)
        for key in self.near.put(one.key, places, self.criteria["encounter_distance"]):
            self._pair_up(one.key, key)
        column = boat_event.c
        mine = (column.object_key == one.key) | (column.other_key == one.key)
        met = sa.select(column.object_key, column.other_key).where(
            column.layer == one.shape.name, mine, column.kind == "encounter", column.withdrawn_at.is_(None),
            column.ended_at >= since,
        )  # fmt: skip
        for first, second in connection.execute(met).all():
            self._pair_up(first, second)

    def _pair_up(self, one: str, other: str) -> None:
        boats = [self.known.get(key) for key in (one, other)]
        if any(each is not None and each.fishing for each in boats) and all(boats):
            first, second = sorted((one, other))
            self.pairs[first, second] = None

    def _pair(self, connection: sa.Connection, pair: tuple[str, str], ports: Ports, now: datetime) -> None:
        assert self.criteria is not None
        one, other = (self.known[key] for key in pair)
        since = now - _back(one.shape)
        both = one.simulated and other.simulated
        doer = Doer(one.shape.name, *pair, one.label, other.label, both)
        start, _ = _whole(connection, doer, ("encounter",), since, BEFORE_MET)
        start, known = _whole(connection, doer, ("encounter",), start, BEFORE_MET)
        way, beside = (fixes(connection, each, start, now, ports) for each in (one, other))
        self._revise(connection, doer, known, encounters(way, beside, self.criteria), now, since, (way, beside))


@contextmanager
def _guarded(connection: sa.Connection, name: str) -> Iterator[None]:
    """A savepoint whose failure is told and costs nobody else theirs; the database being away is none of it."""
    try:
        with connection.begin_nested():
            yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError):
        raise
    except Exception as error:
        log.error("behaviour cannot be judged", key=name, error=repr(error))


def _back(shape: Shape) -> timedelta:
    return BACK.get(shape.name, BACK_COARSE)


def _register(connection: sa.Connection) -> dict[Key, tuple[str | None, str]]:
    """Gear and role of the boats of the register, by what their device and their transponder are known by."""
    own = sa.select(boat.c.registration, boat.c.gear, boat.c.role).where(boat.c.retired_at.is_(None))
    found = {("vms", row.registration): (row.gear, row.role) for row in connection.execute(own)}
    heard = sa.select(boat_vessel.c.mmsi, boat_vessel.c.registration)
    for mmsi, registration in connection.execute(heard).all():
        if ("vms", registration) in found:
            found[AIS, str(mmsi)] = found["vms", registration]
    return found


def _whole(
    connection: sa.Connection, doer: Doer, kinds: Collection[str], start: datetime, before: timedelta
) -> tuple[datetime, list[dict[str, Any]]]:
    """Whence on fixes are to be read so that the stretches which reach beyond `start` are found whole; what is known.

    An earlier one that the fixes show but nobody remembers would be kept twice, or could not be kept at all.
    """
    known = known_events(connection, doer, kinds, start)
    begins = [row["began_at"] - before for row in known if row["kind"] in STRETCHES]
    first = min([start, *begins])
    return first, known_events(connection, doer, kinds, first) if first < start else known


def _way(
    connection: sa.Connection,
    one: Boat,
    doer: Doer,
    since: datetime,
    ports: Ports,
    now: datetime,
    told: Criteria,
) -> tuple[Way, list[dict[str, Any]], dict[str, Any] | None, dict[str, Any] | None]:
    """The boat's fixes from `since` on, and as far before as its events reach or its silence does.

    And its events that are known where those fixes are, the stay in port and the silence with which the first of them
    begins, if those are known already.
    """
    known = known_events(connection, doer, ALONE, since) if one.fishing else []
    pad = timedelta(seconds=told["disabling_before"])
    starts = [since, *(row["began_at"] - pad for row in known if row["kind"] != "port_visit")]
    silence = next((row for row in known if row["kind"] in ("gap", "possible_disabling")), None)
    if silence is None:
        before = last_before(connection, one, since)
        starts += [before - pad] if before is not None else []
    start, gap = min(starts), None
    if one.fishing:
        start, known = _whole(connection, doer, ALONE, start, BEFORE)
    way = fixes(connection, one, start, now, ports)
    if silence is not None and (not len(way) or silence["began_at"].timestamp() < way.at[0]):
        # Its first fix has gone to the archive; the event itself knows where and when it was.
        gap = silence
        at = np.append(silence["began_at"].timestamp(), way.at)
        lon, lat = np.append(silence["lon"], way.lon), np.append(silence["lat"], way.lat)
        way = way_of(at, lon, lat, np.append(np.nan, way.told), ports)
    first = way.at[0] if len(way) else 0.0
    stays = (row for row in known if row["kind"] == "port_visit" and row["began_at"].timestamp() < first)
    stay = next((row for row in stays if row["ended_at"] is None or row["ended_at"].timestamp() > first), None)
    return (way_of(way.at, way.lon, way.lat, way.told, ports, True) if stay else way), known, stay, gap
