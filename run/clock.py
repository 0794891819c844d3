"""The clock: what needs time and no input, ticked by one leased process through the rules' own pure functions."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import sqlalchemy as sa
import structlog

from access.desk import announce
from geo import feature, flood, shelf, table
from geo.alarm import clear_alarm, raise_alarm
from geo.behaviour.way import Ports, ports_of
from geo.boat_case import escalate_cases
from geo.boat_event import AIS
from geo.episode import FRESH, Clear, Raise, judge_time
from geo.fence import PORT, Fence, Fences, fences
from geo.figure import figures
from geo.handling import escalate_due
from geo.heard import tell
from geo.heartbeat import Heartbeat
from geo.journal import head as journal_head
from geo.lease import leased
from geo.report_work import tell_late
from geo.revision import mark
from geo.rule import DISTRESS, FENCED_STATES, LAWFUL, Rule, rules
from geo.yielding import CLOCK_WAITS_MS, giving_way, in_the_way
from ingest.behaviour import BUDGET_S, Watcher
from ingest.judgement import end_alarm, evidence, holds_since, presence_of, remember
from ingest.loss import end_concluded, monitored, watch
from ingest.silence import judge_feeds, raise_silences, release_late
from ingest.straying import follow_strays
from ingest.sweep import facts_now, let_go, sweep
from layers.layer import Layer

log = structlog.get_logger()
TICK_S = 1.0
LEASE = "haidang:clock"
DISTRESS_SILENCE = timedelta(minutes=15)
SILENCE_EVERY = timedelta(seconds=10)
BUSY_LOAD, BUSY_SHARE = 1.5, 0.25  # processes that wait for each core
BOATS_EVERY = timedelta(minutes=1)
STRAYS_EVERY = timedelta(seconds=5)
FEEDS_AFTER = timedelta(seconds=90)  # when everything has just been started, nobody has had a chance to be heard
UNPROVEN_FOR = timedelta(minutes=1)
WORKERS_KNOW = timedelta(seconds=5)  # a change is live in the workers within a second (ingest.worker)
Part = Callable[[sa.Connection, datetime], int]


@dataclass
class Clock:
    """Ticks dwell, silence, escalation, shelves and floods; a second clock waits for the lease, so that each tick
    happens once.
    """

    layers: tuple[Layer, ...]
    engine: sa.Engine
    redis_url: str
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _known: Mapping[int, Rule] = field(default_factory=dict)
    _fences: Fences = field(default_factory=lambda: Fences(()))
    _mark: object = None
    _began: datetime | None = None
    _silences: datetime | None = None
    _fresh: dict[str, dict[int, Rule]] = field(default_factory=dict)  # by layer, what is still to be swept
    _letting_go: datetime | None = None
    _unproven: dict[tuple[Any, ...], datetime] = field(default_factory=dict)  # not to be asked again until then
    _strays: datetime | None = None
    _told: datetime | None = None
    _watched: object = None  # the figures and ports by which every monitored boat was looked at
    _watcher: Watcher = field(default_factory=Watcher)
    _ports: Ports | None = None
    _kept: Callable[[], Any] | None = None  # what a part may forget once its transaction is committed

    def run(self, stopping: Callable[[], bool]) -> None:
        """Tick each second until told to stop; the lease is a lock of the connection that writes."""
        while not stopping():
            self.heartbeat.beat()
            try:
                with self.engine.connect() as connection:
                    self.heartbeat.beat_with(connection)
                    while not stopping():
                        self.heartbeat.beat()
                        if self._leased(connection):
                            self.tick(connection)
                        time.sleep(TICK_S)
            except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
                log.warning("database is away", error=str(error).splitlines()[0])
                self.engine.dispose()
                self._mark = None
                time.sleep(TICK_S)

    def tick(self, connection: sa.Connection) -> int:
        """One tick, each part in a transaction of its own; returns how many alarms changed."""
        now = self.now()
        self._began = self._began or now
        # Each in a transaction of its own, in which rows are locked in the workers' order and the count of lines last.
        sweeps = [partial(self._sweep, layer) for layer in self.layers]
        parts: list[Part] = [self._reload, self._let_go, *sweeps, self._dwell, self._listen, self._watch]
        parts += [self._stray, self._expire, self._behave, self._tell]
        changed = 0
        for part in (*parts, end_concluded, escalate_cases, escalate_due, release_late, flood.end_over, tell_late):
            self._kept = None
            try:
                with giving_way(connection, CLOCK_WAITS_MS), flood.gathered(connection, now):
                    count = part(connection, now)
                changed += count
                if self._kept is not None:
                    self._kept()
            except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
                if not in_the_way(error):
                    raise  # the database is away
                log.info("a part of the clock gave way", part=_named(part))  # the next tick does it
            except Exception as error:  # what is wrong with one part must not take their time from the others
                log.error("a part of the clock failed", part=_named(part), error=repr(error))
        if changed:
            with connection.begin():
                head = journal_head(connection)
            announce(self.redis_url, head)
        return changed

    def _leased(self, connection: sa.Connection) -> bool:
        return leased(connection, LEASE)

    def _reload(self, connection: sa.Connection, now: datetime) -> int:
        """Take over changed fences and rules, and judge by them at once what is there."""
        version = mark(connection)
        if version == self._mark:
            return 0
        known = {rule.id: rule for rule in rules(connection)}
        before, places = self._fences, fences(connection)
        moved = {one.key for one in places if before.by_key.get(one.key) != one}
        fresh = [rule for rule in known.values() if self._known.get(rule.id) != rule or rule.fence_key in moved]
        self._fences, self._known, self._mark = Fences(tuple(places)), known, version
        self._fresh = {layer.name: {**self._fresh.get(layer.name, {}), **{rule.id: rule for rule in fresh}}
                       for layer in self.layers}  # fmt: skip
        self._letting_go, self._unproven, self._ports = now + WORKERS_KNOW, {}, None
        return 0

    def _let_go(self, connection: sa.Connection, now: datetime) -> int:
        """End what no rule holds any more, for as long as a worker may still judge by what was in force before."""
        if self._letting_go is None:
            return 0
        changed = let_go(connection, now)
        if now >= self._letting_go:
            self._kept = partial(setattr, self, "_letting_go", None)
        return changed

    def _sweep(self, layer: Layer, connection: sa.Connection, now: datetime) -> int:
        """Judge what is there by the rules that have changed."""
        fresh = [rule for number, rule in self._fresh.get(layer.name, {}).items() if self._known.get(number) == rule]
        changed = sweep(connection, layer.shape, layer.style.label, fresh, self._fences, now, self._fault)
        self._kept = partial(self._fresh.pop, layer.name, None)
        return changed

    def _fault(self, name: str, error: Exception) -> None:
        log.error("rule failed", rule=name, error=repr(error))

    def _dwell(self, connection: sa.Connection, now: datetime) -> int:
        changed = 0
        for row in self._due(connection, now):
            rule = self._known[row["rule_id"]]
            if self._unproven.get(_mark_of(row), now) > now:
                continue
            try:
                with connection.begin_nested():
                    changed += self._judge(connection, rule, row, now)
            except (sa.exc.OperationalError, sa.exc.InterfaceError):
                raise
            except Exception as error:
                self._fault(f"rule {rule.key}", error)
        return changed

    def _due(self, connection: sa.Connection, now: datetime) -> list[sa.RowMapping]:
        """Presences whose dwell, or whose end, may be due, and distress transmitters that may have fallen silent.

        They are locked, and those that a worker is judging at this moment are left to it.
        """
        presence, rule = table.presence.c, table.rule.c
        second: sa.ColumnElement[timedelta] = sa.literal_column("interval '1 second'")
        states = rule.kind.in_(FENCED_STATES)
        dwell, end = presence.qualified_at + rule.dwell_s * second, presence.left_at + rule.off_delay_s * second
        query = (
            sa.select(table.presence)
            .join(table.rule)
            .where(
                sa.or_(
                    sa.and_(~presence.raised, dwell <= now, states),
                    sa.and_(presence.raised, end <= now, states),
                    sa.and_(presence.raised, rule.kind.in_(DISTRESS)),
                )
            )
            .with_for_update(of=table.presence, skip_locked=True)
        )
        return [row for row in connection.execute(query).mappings() if row["rule_id"] in self._known]

    def _judge(self, connection: sa.Connection, rule: Rule, row: sa.RowMapping, now: datetime) -> int:
        layer = next((layer for layer in self.layers if layer.name == rule.layer), None)
        state = feature.one(connection, layer.shape, row["object_key"]) if layer else None
        if layer is None or state is None:
            return 0
        target, key = (row["object_key"], row["other_key"]), row["object_key"]
        if rule.kind in DISTRESS:
            # Heard is heard, with a position or without one; until it can have been silent for so long nobody need ask.
            if now - state["received_at"] < DISTRESS_SILENCE:
                self._unproven[_mark_of(row)] = state["received_at"] + DISTRESS_SILENCE
                return 0
            remember(connection, rule, target, None)
            return clear_alarm(connection, rule, key, state["received_at"] + DISTRESS_SILENCE, now) is not None
        fence: Fence | None = self._fences.by_key.get(rule.fence_key or "")
        presence, judged = judge_time(rule, presence_of(row), now)
        if isinstance(judged, Clear):
            remember(connection, rule, target, presence)
            return end_alarm(connection, rule, target, judged, now)
        other = feature.one(connection, layer.shape, row["other_key"]) if row["other_key"] else None
        parties = (state, *([other] if other else ()))
        # By the time of events, as in the lab: a position proves where its object is for a while, however late it came.
        seen = [one["observed_at"] for one in parties]
        proven = None if None in seen else min(now, min(seen) + FRESH)
        stale = proven is None or (isinstance(judged, Raise) and judged.at > proven)
        if stale:
            self._unproven[_mark_of(row)] = now + UNPROVEN_FOR  # its next fix will tell, and that is the worker's
        if not isinstance(judged, Raise) or stale or proven is None or (rule.fence_key and fence is None):
            return 0
        if holds_since(rule, fence, judged.at, proven) is None:
            return 0
        remember(connection, rule, target, presence)
        subject = {
            "object_key": key,
            "other_key": row["other_key"],
            "object_label": " – ".join(str(one["label"]) for one in parties),
            "lon": state["lon"],
            "lat": state["lat"],
            "observed_at": state["observed_at"],
            "simulated": state["simulated"],
            "evidence": evidence(state, state),
        }
        if rule.kind in LAWFUL:
            facts = facts_now(connection, layer.shape, layer.style.label, rule, self._fences, key)
            subject["evidence"] = {**evidence(state, state), **facts}
        number = fence.id if fence else None
        return raise_alarm(connection, rule, number, subject, judged.at, now, value=judged.value) is not None

    def _listen(self, connection: sa.Connection, now: datetime) -> int:
        """Objects and sources that are not heard any more."""
        if self._silences is not None and now - self._silences < SILENCE_EVERY:
            return 0
        self._silences = now
        known = list(self._known.values())
        shapes = {layer.name: layer.shape for layer in self.layers}
        changed = judge_feeds(connection, shapes, known, now) if self._began and now - self._began >= FEEDS_AFTER else 0
        for shape in shapes.values():
            changed += raise_silences(connection, shape, known, self._fences, now, self._fault)
        return changed

    def _watch(self, connection: sa.Connection, now: datetime) -> int:
        """Monitored boats whose signal is lost, or is back."""
        shape = next((layer.shape for layer in self.layers if monitored(layer.shape)), None)
        if shape is None or self._began is None or now - self._began < FEEDS_AFTER:
            return 0  # what waited for us to be back is being read: whole fleets would look silent
        law = figures(connection)
        watched = law, [(one.key, one.version) for one in self._fences.items if one.kind == PORT]
        every = watched != self._watched
        changed = watch(connection, shape, list(self._known.values()), self._fences, law, now, every)
        self._kept = partial(setattr, self, "_watched", watched)
        return changed

    def _stray(self, connection: sa.Connection, now: datetime) -> int:
        """Boats in a wrong zone become cases, and boats that are back end them."""
        if self._strays is not None and now - self._strays < STRAYS_EVERY:
            return 0
        follow_strays(connection, figures(connection), now)
        self._kept = partial(setattr, self, "_strays", now)
        return 0

    def _behave(self, connection: sa.Connection, now: datetime) -> int:
        """What boats did since they were looked at last: no alarms, and only a part of each tick."""
        if self._began is None or now - self._began < FEEDS_AFTER:
            return 0
        self._ports = self._ports or ports_of(self._fences.items)
        shapes = [layer.shape for layer in self.layers if layer.name == AIS or monitored(layer.shape)]
        done = self._watcher.look(connection, shapes, self._ports, now, self.heartbeat.beat, behaviour_budget_s())
        self._kept = partial(self._watcher.keep, done)
        return 0

    def _tell(self, connection: sa.Connection, now: datetime) -> int:
        """Tell the vessels of AIS which boat of the register they are, for the rules that go by it."""
        if self._told is None or now - self._told >= BOATS_EVERY:
            tell(connection)
            self._kept = partial(setattr, self, "_told", now)
        return 0

    def _expire(self, connection: sa.Connection, now: datetime) -> int:
        return shelf.expire(connection, now, self._in_port(connection))

    def _in_port(self, connection: sa.Connection) -> list[tuple[str, str]]:
        """Of the objects put aside for a trip, those that lie in a port now."""
        column = table.shelf.c
        away = sa.select(column.layer, column.object_key).where(column.ended_at.is_(None), column.kind == shelf.TRIP)
        found = []
        for layer_name, key in connection.execute(away).all():
            layer = next((layer for layer in self.layers if layer.name == layer_name), None)
            state = feature.one(connection, layer.shape, key) if layer else None
            if state and state["lon"] is not None:
                place = np.array([state["lon"]]), np.array([state["lat"]])
                core, _ = self._fences.hits(*place, ())
                if any(self._fences.by_key[name].kind == PORT for name in core):
                    found.append((layer_name, key))
        return found


def behaviour_budget_s() -> float:
    """How many seconds of a tick are for what boats did: nobody waits for it, so a busy machine's are for alarms."""
    busy = os.getloadavg()[0] > BUSY_LOAD * (os.cpu_count() or 1)
    return BUDGET_S * BUSY_SHARE if busy else BUDGET_S


def _named(part: Any) -> str:
    return str(getattr(part, "func", part).__name__)


def _mark_of(row: sa.RowMapping) -> tuple[Any, ...]:
    """A presence as long as nothing about it changes."""
    return tuple(row.values())
