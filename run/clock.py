"""The clock: what needs time and no input, ticked by one leased process through the rules' own pure functions."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import structlog

from access.desk import announce
from geo import feature, table
from geo.alarm import clear_alarm, journal_head, raise_alarm
from geo.fence import Fence, fences
from geo.heartbeat import Heartbeat
from geo.rule import FRESH, Clear, Presence, Raise, Rule, judge_time, rules
from ingest.judgement import evidence, remember
from layers.layer import Layer

log = structlog.get_logger()
TICK_S = 1.0
LEASE = "haidang:clock"
DISTRESS_SILENCE = timedelta(minutes=15)


@dataclass
class Clock:
    """Ticks dwell and the end of distress; a second clock waits for the lease, so that each tick happens once."""

    layers: tuple[Layer, ...]
    engine: sa.Engine
    redis_url: str
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self, stopping: Callable[[], bool]) -> None:
        """Tick each second until told to stop; the lease is a lock of the connection that writes."""
        while not stopping():
            self.heartbeat.beat()
            try:
                with self.engine.connect() as connection:
                    while not stopping():
                        self.heartbeat.beat()
                        if self._leased(connection):
                            self.tick(connection)
                        time.sleep(TICK_S)
            except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
                log.warning("database is away", error=str(error).splitlines()[0])
                self.engine.dispose()
                time.sleep(TICK_S)

    def tick(self, connection: sa.Connection) -> int:
        """One tick in one transaction; returns how many alarms changed."""
        now = self.now()
        with connection.begin():
            due = self._due(connection, now)
            known = {rule.id: rule for rule in rules(connection)} if due else {}
            judged = [(known[row["rule_id"]], row) for row in due if row["rule_id"] in known]
            # Only these, once each: there may be hundreds of fences, and most ticks ask for none.
            wanted = {rule.fence_key for rule, _ in judged if rule.fence_key is not None}
            places = {fence.key: fence for fence in fences(connection, wanted)} if wanted else {}
            changed = sum(self._judge(connection, rule, places, row, now) for rule, row in judged)
            head = journal_head(connection)
        if changed:
            announce(self.redis_url, head)
        return changed

    def _leased(self, connection: sa.Connection) -> bool:
        with connection.begin():
            held = sa.text(
                "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() "
                "AND classid = hashtext(:lease)::oid"
            )
            if connection.scalar(held, {"lease": LEASE}):
                return True
            lock = sa.text("SELECT pg_try_advisory_lock(hashtext(:lease), 0)")
            return bool(connection.scalar(lock, {"lease": LEASE}))

    def _due(self, connection: sa.Connection, now: datetime) -> list[sa.RowMapping]:
        """Presences whose dwell may be over, and distress transmitters that may have fallen silent.

        They are locked, and those that a worker is judging at this moment are left to it.
        """
        presence, rule = table.presence.c, table.rule.c
        dwell = presence.qualified_at + rule.dwell_s * sa.literal_column("interval '1 second'")
        query = (
            sa.select(table.presence)
            .join(table.rule)
            .where(
                sa.or_(
                    sa.and_(~presence.raised, dwell <= now, rule.kind.in_(["inside", "outside"])),
                    sa.and_(presence.raised, rule.kind.in_(["distress", "distress_test"])),
                )
            )
            .with_for_update(of=table.presence, skip_locked=True)
        )
        return list(connection.execute(query).mappings())

    def _judge(
        self, connection: sa.Connection, rule: Rule, places: Mapping[str, Fence], row: sa.RowMapping, now: datetime
    ) -> int:
        layer = next((layer for layer in self.layers if layer.name == rule.layer), None)
        state = feature.one(connection, layer.shape, row["object_key"]) if layer else None
        if layer is None or state is None:
            return 0
        before = Presence(row["entered_at"], row["qualified_at"], row["raised"])
        if rule.kind in ("distress", "distress_test"):
            # Heard is heard, with a position or without one.
            if now - state["received_at"] < DISTRESS_SILENCE:
                return 0
            verdict = Clear(state["received_at"] + DISTRESS_SILENCE)
            remember(connection, rule, row["object_key"], None)
            return clear_alarm(connection, rule, row["object_key"], verdict.at, now) is not None
        fence = places.get(rule.fence_key or "")
        if (
            state["observed_at"] is None
            or now - state["observed_at"] > FRESH
            or fence is None
            or not fence.in_force(now)
        ):
            return 0
        presence, judged = judge_time(rule, before, now)
        if not isinstance(judged, Raise):
            return 0
        remember(connection, rule, row["object_key"], presence)
        subject = {
            "object_key": row["object_key"],
            "object_label": state["label"],
            "lon": state["lon"],
            "lat": state["lat"],
            "observed_at": state["observed_at"],
            "simulated": state["simulated"],
            "evidence": evidence(state, state),
        }
        return raise_alarm(connection, rule, fence.id, subject, judged.at, now) is not None
