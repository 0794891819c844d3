"""A small fleet for tests: boats with devices in the register, fixes as the worker would leave them, and a clock."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo import desk
from layers import discover, seed
from run.clock import FEEDS_AFTER, Clock
from tests.connections import asked, connected

T0 = datetime(2026, 11, 21, 3, tzinfo=UTC)
SEA, THUAN_AN, NEAR_THUAN_AN = (108.3, 16.9), (107.640, 16.557), (107.640, 16.5885)  # the last 3.5 km north of the port
NO_REDIS = "redis://127.0.0.1:9/0"


def hours(number: float) -> datetime:
    return T0 + timedelta(hours=number)


class Fleet:
    """Boats by their numbers (5 becomes TTH-90005-TS), whose time the test sets in hours after T0."""

    def __init__(self, database: Any, stack: ExitStack) -> None:
        self.database = database
        self.owner = stack.enter_context(connected(database.owner))
        self.ingest = stack.enter_context(connected(database.ingest))
        self.web = stack.enter_context(connected(database.web))
        with self.owner.begin() as connection:
            seed(connection, discover())
            days = [(T0 + timedelta(days=day)).date() for day in range(-1, 20)]
            query = "SELECT ensure_partition('vms_history', day) FROM unnest(CAST(:days AS date[])) AS day"
            connection.execute(sa.text(query), {"days": days})
        self.time = T0
        self.restarted()

    @staticmethod
    def name(boat: int) -> str:
        return f"TTH-{90000 + boat}-TS"

    def register(
        self, boats: Iterable[int], length_m: float = 16, provider: str = "vnpt", role: str = "catching"
    ) -> None:
        rows = [
            {"name": self.name(boat), "length": length_m, "provider": provider, "device": f"D{boat}", "role": role}
            for boat in boats
        ]
        with self.owner.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO boat (registration, length_m, role, home_province, updated_at, updated_by) "
                    "VALUES (:name, :length, :role, 'Huế', now(), 'test')"
                ),
                rows,
            )
            connection.execute(sa.text(
                "INSERT INTO device (id, registration, provider, slot, active) "
                "VALUES (:device, :name, :provider, 1, true)"
            ), rows)  # fmt: skip

    def hear(
        self, at: float, *boats: int, place: tuple[float, float] = SEA, by_hand: bool = False, device: str = ""
    ) -> None:
        """Fixes as the worker keeps them: history, and the latest state with the last automatic fix."""
        rows = [
            {"name": self.name(boat), "at": hours(at), "lon": place[0], "lat": place[1], "manual": by_hand,
             "auto": None if by_hand else hours(at), "device": device or f"D{boat}"}
            for boat in boats
        ]  # fmt: skip
        common = "VALUES (:name, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :at, :at, 'vms.test', :device, :manual"
        with self.ingest.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO vms_history (registration, geom, observed_at, received_at, source, device, manual) "
                    f"{common})"
                ),
                rows,
            )
            connection.execute(sa.text(
                "INSERT INTO vms AS t (registration, geom, observed_at, received_at, source, device, manual, auto_at) "
                f"{common}, :auto) ON CONFLICT (registration) DO UPDATE SET geom = excluded.geom,"
                " manual = excluded.manual, observed_at = excluded.observed_at, device = excluded.device,"
                " auto_at = greatest(t.auto_at, excluded.auto_at)"
                " WHERE excluded.observed_at >= t.observed_at"), rows)  # fmt: skip

    def tick(self, at: float) -> int:
        self.time = hours(at)
        with self.ingest.connect() as connection:
            return self.clock.tick(connection)

    def restarted(self) -> None:
        """A clock that knows nothing yet, and has been running long enough to miss anybody."""
        self.clock = Clock(discover(), self.ingest, NO_REDIS, now=lambda: self.time)
        self.clock._began = self.time - FEEDS_AFTER

    def lines(self) -> list[dict[str, Any]]:
        with self.web.connect() as connection:
            return desk.lines(connection, self.time)

    def ask(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        return asked(self.database.owner, statement, **values)

    def one(self, statement: str, **values: Any) -> Any:
        (row,) = self.ask(statement, **values)
        return next(iter(row.values()))

    def stages(self, boat: int) -> list[tuple[str, float]]:
        """The stages in the log of the boat's cases, with the hours of each."""
        rows = self.ask(
            "SELECT e.data->>'stage' AS stage, e.at FROM boat_case_entry e JOIN boat_case c ON c.id = case_id "
            "WHERE registration = :name AND e.kind = 'stage' ORDER BY e.id", name=self.name(boat),
        )  # fmt: skip
        return [(row["stage"], round((row["at"] - T0).total_seconds() / 3600, 4)) for row in rows]

    def state(self, boat: int) -> str:
        return str(self.one("SELECT state FROM boat_signal WHERE registration = :name", name=self.name(boat)))

    def case(self, boat: int) -> dict[str, Any]:
        return self.ask("SELECT * FROM boat_case WHERE registration = :name ORDER BY id", name=self.name(boat))[-1]


@contextmanager
def fleet_of(database: Any) -> Iterator[Fleet]:
    """A fleet in a fresh database."""
    with ExitStack() as stack:
        yield Fleet(database, stack)
