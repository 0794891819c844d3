"""What the tests of alarms share: a database with fences and rules, and short ways to raise and read."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo import alarm, desk, handling
from geo.actor import SYSTEM, Actor
from geo.fence import put_fences
from geo.handling import put_units
from geo.reference import reference_fences
from geo.rule import Rule, put_rules, rules
from tests.connections import asked, connected

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
LAN, MINH = Actor("Lan"), Actor("Minh")
FENCE = "vung_long"


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def made(key: str, kind: str = "inside", severity: str = "medium", **fields: Any) -> Rule:
    fence = None if kind in ("distress", "distress_test", "silence", "feed") else FENCE
    return Rule(**{"key": key, "kind": kind, "layer": "vessel", "name_vi": f"Luật {key}", "name_en": f"Rule {key}",
                   "severity": severity, "fence_key": fence, **fields})  # fmt: skip


class Desk:
    """The alarms of one database, raised and handled at moments that the test sets."""

    def __init__(self, database: Any, owner: sa.Engine, given: list[Rule]) -> None:
        self.database, self.owner = database, owner
        with owner.begin() as connection:
            put_fences(connection, reference_fences(), SYSTEM)
            put_rules(connection, given, SYSTEM)
            put_units(connection, [("one", "Đơn vị một", "Unit one"), ("two", "Đơn vị hai", "Unit two")])
            self.rules = {rule.key: rule for rule in rules(connection)}
            self.fence_id = connection.scalar(sa.text("SELECT id FROM fence WHERE key = :key"), {"key": FENCE})

    @contextmanager
    def web(self) -> Iterator[sa.Connection]:
        """A transaction with the rights of the web role."""
        with connected(self.database.web) as engine, engine.begin() as connection:
            yield connection

    def raise_in(
        self,
        connection: sa.Connection,
        key: str,
        boat: int,
        now: datetime,
        happened: datetime | None = None,
        **more: Any,
    ) -> int | None:
        """Raise as the judgement does; an event is over at once."""
        rule, when = self.rules[key], happened or now
        subject = {"object_key": str(boat), "object_label": f"TTH-{boat}-TS", "lon": 108.3, "lat": 16.7,
                   "observed_at": when, "simulated": False, "evidence": {}}  # fmt: skip
        more.setdefault("cleared_at", when if rule.is_event else None)
        fence = self.fence_id if rule.fence_key else None
        return alarm.raise_alarm(connection, rule, fence, subject, when, now, **more)

    def raised(self, key: str, boat: int = 1, minutes: float = 0.0, happened: float | None = None, **more: Any) -> int:
        with self.owner.begin() as connection:
            when = None if happened is None else at(happened)
            number = self.raise_in(connection, key, boat, at(minutes), when, **more)
        assert number is not None
        return number

    def cleared(self, key: str, boat: int = 1, minutes: float = 0.0) -> int | None:
        with self.owner.begin() as connection:
            return alarm.clear_alarm(connection, self.rules[key], str(boat), at(minutes), at(minutes))

    def acknowledged(self, number: int, minutes: float = 0.0, actor: Actor = LAN) -> bool:
        with self.web() as connection:
            return handling.acknowledge(connection, number, actor, None, at(minutes)) is not None

    def lines(self, minutes: float = 0.0) -> list[dict[str, Any]]:
        with self.web() as connection:
            return desk.lines(connection, at(minutes))

    def all(self, minutes: float = 0.0) -> list[dict[str, Any]]:
        with self.web() as connection:
            return desk.desk(connection, at(minutes), limit=10_000)

    def state(self, number: int, minutes: float = 0.0) -> str:
        with self.web() as connection:
            found = desk.one(connection, number, at(minutes))
        assert found is not None
        return str(found["state"])

    def ask(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        return asked(self.database.owner, statement, **values)

    def journal(self, number: int | None = None) -> list[str]:
        wanted = "" if number is None else f" WHERE alarm_id = {number}"
        return [row["transition"] for row in self.ask(f"SELECT transition FROM alarm_journal{wanted} ORDER BY id")]


@contextmanager
def desk_of(database: Any, *given: Rule) -> Iterator[Desk]:
    """A desk with these rules."""
    with connected(database.owner) as owner:
        yield Desk(database, owner, list(given))
