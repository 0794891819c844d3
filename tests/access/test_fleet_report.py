"""The fleet's month: what the register, the cases' log and the fixes tell, against a truth that is counted apart."""

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from access.fleet_report import GROUPS, Refused, day_of, month, month_of, statistics
from access.site import Site
from geo.actor import Actor
from geo.boat_case import Opening, end_case, hold, open_case, step_case
from geo.calendar import ZONE
from geo.case_work import Deed, close_case, log_contact
from geo.device import Device
from geo.fleet import Boat, boat_of, fit, lay_up, put_boat, put_boats, retire
from geo.fleet_count import FLOW
from layers import discover, seed
from tests.connections import connected

WHO = Actor("Trần Thị Hoa")
OCTOBER, NOW = date(2026, 10, 1), datetime(2026, 11, 28, 3, tzinfo=UTC)
COMMUNES, PROVIDERS = ("Thuận An", "Vinh Lộc", None), ("vnpt", "viettel", "vishipel")
BOATS = 60
RATE = 1.4  # losses a day, as Huế had them
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def name(boat: int) -> str:
    return f"TTH-{90000 + boat}-TS"


def local(day: int, hour: float = 0, month: int = 10) -> datetime:
    """An hour of a day of October in the centre's time."""
    return datetime(2026, month, 1, tzinfo=ZONE) + (day - 1) * DAY + hour * HOUR


@dataclass(frozen=True)
class Loss:
    """What happened to a boat: lost from `begin` on (six hours after its fix), until `end`, concluded at `closed`."""

    boat: int
    begin: datetime
    end: datetime | None
    how: str
    closed: datetime | None
    cause: str


class Office:
    """A centre whose register was put in on 1 September, with the database's roles as the program has them."""

    def __init__(self, database: Any, owner: sa.Engine, ingest: sa.Engine, web: sa.Engine, archive: Any) -> None:
        self.owner, self.ingest, self.web = owner, ingest, web
        self.site = Site(web, "redis://127.0.0.1:9/0", discover(), "Huế", "Huế", (16.6, 107.9, 10), archive)
        with owner.begin() as connection:
            seed(connection, discover())
            boats = [self.boat(number) for number in range(BOATS)]
            put_boats(connection, [(one, ()) for one in boats], WHO, local(1, month=9))

    @staticmethod
    def boat(number: int) -> Boat:
        """Every third one of 24 m and more, every tenth shorter than 15 m; communes and providers in turn."""
        length = 14.0 if number % 10 == 9 else 25.0 if number % 3 == 0 else 17.0
        made = Boat(name(number), length, "Huế", commune=COMMUNES[number % 3])
        device = Device(f"D{number}", made.registration, PROVIDERS[number // 20])
        return made if length < 15 else fit(made, device, local(1, month=9))

    def lose(self, loss: Loss) -> int:
        opening = Opening(
            "loss", name(loss.boat), "provincial", "LOST", loss.begin - 6 * HOUR, loss.begin, None,
            device=f"D{loss.boat}", provider=PROVIDERS[loss.boat // 20],
        )  # fmt: skip
        with self.ingest.begin() as connection:
            number = open_case(connection, opening, loss.begin)
            assert number is not None
            if loss.end is not None and loss.end - loss.begin > 2 * DAY:
                step_case(connection, number, "MANUAL_REPORTING", loss.begin + DAY, loss.begin + DAY)
            if loss.end is not None and (loss.closed is None or loss.end <= loss.closed):
                end_case(connection, hold(connection, [number])[number], loss.how, loss.end, loss.end)
        if loss.closed is not None:
            self.close(number, loss.closed, loss.cause)
        return number

    def close(self, number: int, at: datetime, cause: str) -> None:
        with self.web.begin() as connection:
            log_contact(connection, number, Deed(WHO, at), "chủ tàu", None, "đã nghe máy")
            close_case(connection, number, Deed(WHO, at), cause, "explained", None)

    def hear(self, boat: int, at: datetime, **more: Any) -> None:
        row = {"name": name(boat), "at": at, "manual": False, "anomaly": None, **more}
        with self.owner.begin() as connection:
            connection.execute(sa.text("SELECT ensure_partition('vms_history', CAST(:day AS date))"),
                               {"day": at.astimezone(UTC).date()})  # fmt: skip
            point = "ST_SetSRID(ST_MakePoint(108.3, 16.9), 4326)"
            columns = "registration, geom, observed_at, received_at, source, manual, anomaly"
            values = f":name, {point}, :at, :at, 'vms.test', :manual, :anomaly"
            connection.execute(sa.text(f"INSERT INTO vms_history ({columns}) VALUES ({values})"), row)


@pytest.fixture
def office(database, tmp_path):
    with (
        connected(database.owner) as owner,
        connected(database.ingest) as ingest,
        connected(database.web) as web,
    ):
        yield Office(database, owner, ingest, web, tmp_path)


def invented(random_seed: int) -> list[Loss]:
    """Losses from the middle of September to the end of October; a boat's next one begins after the one before it."""
    rng = random.Random(random_seed)
    free = dict.fromkeys([n for n in range(BOATS) if n % 10 != 9], local(1, month=9))
    found, at = [], local(10, month=9)
    while (at := at + rng.expovariate(RATE) * DAY) < local(32):
        ready = [boat for boat, since in free.items() if since < at - 7 * HOUR]
        if not ready:
            continue
        boat = rng.choice(ready)
        lasted = (rng.uniform(11, 20) if rng.random() < 0.15 else rng.uniform(0.02, 3)) * DAY
        end = at + lasted
        early = rng.random() < 0.1  # concluded by a person while the boat was silent
        closed = at + lasted / 2 if early else end + rng.uniform(0.1, 4) * DAY if rng.random() < 0.7 else None
        how, cause = rng.choice(("RESTORED", "AT_PORT")), rng.choice(("power", "device", "weather"))
        found.append(Loss(boat, at, end, how, closed, cause))
        free[boat] = end + 12 * HOUR
    return found


def over(one: Loss) -> datetime:
    """When a loss stopped being counted: at its end, or at its conclusion if that was first."""
    assert one.end is not None
    return min(one.end, one.closed or one.end)


@pytest.mark.parametrize("random_seed", [1, 2])
def test_a_simulated_month_has_the_figures_that_its_truth_has(office, random_seed: int) -> None:
    losses = invented(random_seed)
    for one in losses:
        office.lose(one)
    told = month(office.site, OCTOBER, NOW)

    assert [row["day"].day for row in told.days] == list(range(1, 32))
    for row in told.days:
        begin, end = local(row["day"].day), local(row["day"].day + 1)
        going = [one for one in losses if one.begin <= end and over(one) > end]
        old = [one for one in going if end - (one.begin - 6 * HOUR) >= 10 * DAY]
        truth = {
            "opened": sum(begin <= one.begin < end for one in losses),
            "ended": sum(begin <= over(one) < end for one in losses),
            "concluded": sum(one.closed is not None and begin <= one.closed < end for one in losses),
            "lost_6h_10d": len(going) - len(old),
            "lost_10d": len(old),
            "required": 54,
            "laid_up": 0,
            "late": None,
        }
        assert {key: row[key] for key in truth} == truth, row["day"]
    for before, after in zip(told.days, told.days[1:], strict=False):
        stood = [row["lost_6h_10d"] + row["lost_10d"] for row in (before, after)]
        assert stood[1] == stood[0] + after["opened"] + after["resumed"] - after["ended"]

    own = [one for one in losses if local(1) <= one.begin < local(32)]
    assert told.total["opened"] == len(own)
    assert 1.0 <= len(own) / 31 <= 1.8
    assert max(row["lost_10d"] for row in told.days) > 0
    providers = Counter(PROVIDERS[one.boat // 20] for one in own)
    assert {row["key"]: row["opened"] for row in told.groups["provider"] if row["key"]} == providers
    lengths = Counter(">=24" if one.boat % 3 == 0 else "15-<24" for one in own)
    assert {row["key"]: row["opened"] for row in told.groups["length"] if row["opened"]} == lengths
    for by in GROUPS:
        sums = {key: sum(row[key] for row in told.groups[by]) for key in FLOW}
        assert sums == {key: told.total[key] for key in FLOW} == {k: sum(d[k] for d in told.days) for k in FLOW}
    closed = Counter(one.cause for one in losses if one.closed and local(1) <= one.closed < local(32))
    assert told.causes == closed
    assert told.outcomes == {"explained": sum(closed.values())}


def test_a_day_belongs_to_the_centres_clock_and_not_to_utc(office) -> None:
    office.lose(Loss(1, local(6, 0.5), local(6, 23.5), "RESTORED", None, "power"))  # 17:30 UTC of the fifth
    told = {row["day"].day: row for row in month(office.site, OCTOBER, NOW).days}
    assert [told[day]["opened"] for day in (5, 6)] == [0, 1]
    assert [told[day]["ended"] for day in (5, 6, 7)] == [0, 1, 0]
    assert told[6]["lost_6h_10d"] == 0


def test_the_register_of_a_past_day_is_the_one_of_then(office) -> None:
    with office.owner.begin() as connection:
        first, second, third = (boat_of(connection, name(number)) for number in (0, 1, 2))
        put_boat(connection, lay_up(first, local(10, 5)), WHO, local(10, 9))
        put_boat(connection, replace(second, commune="Phú Vinh", length_m=24.5), WHO, local(20, 9))
        put_boat(connection, retire(third, local(25)), WHO, local(25, 9))
    told = month(office.site, OCTOBER, NOW)
    seen = {row["day"].day: (row["registered"], row["monitored"], row["laid_up"], row["required"]) for row in told.days}
    assert [seen[day] for day in (9, 10, 24, 25)] == [
        (60, 54, 0, 54), (60, 54, 1, 53), (60, 54, 1, 53), (59, 53, 1, 52),
    ]  # fmt: skip
    before, after = (statistics(office.site, date(2026, 10, day), "length", NOW) for day in (19, 20))
    assert [next(r["monitored"] for r in one.rows if r["key"] == ">=24") for one in (before, after)] == [18, 19]
    communes = {row["key"]: row["registered"] for row in told.groups["commune"]}
    assert communes == {"Phú Vinh": 1, "Thuận An": 20, "Vinh Lộc": 19, None: 19}
    august = month(office.site, date(2026, 8, 1), NOW)
    assert {row["required"] for row in august.days} == {None}  # no register was kept then
    assert august.total["opened"] == 0


def test_visible_on_a_past_day_is_who_sent_an_automatic_fix_that_counts_that_day(office) -> None:
    office.hear(0, local(6, 0.1))
    office.hear(0, local(6, 3))
    office.hear(1, local(6, 23.9))
    office.hear(2, local(7, 0.1))
    office.hear(4, local(6, 5), manual=True)
    office.hear(5, local(6, 5), anomaly=128)  # of a device that is not the current one
    office.hear(9, local(6, 5))  # shorter than 15 m: nobody waits for it
    told = {row["day"].day: row["visible"] for row in month(office.site, OCTOBER, NOW).days}
    assert [told[day] for day in (5, 6, 7, 8)] == [0, 2, 1, 0]
    rows = statistics(office.site, date(2026, 10, 6), "provider", NOW)
    assert ({row["key"]: row["visible"] for row in rows.rows}, rows.live) == (
        {"vnpt": 2, "viettel": 0, "vishipel": 0, None: 0}, False,
    )  # fmt: skip


def test_this_month_ends_today_with_what_is_known_now(office) -> None:
    number = office.lose(Loss(1, NOW - 2 * HOUR, None, "", None, "power"))
    with office.owner.begin() as connection:
        connection.execute(sa.text(
            "INSERT INTO boat_signal (registration, boat_version, auto_at, place_at, state, state_at)"
            " SELECT registration, 1, CASE WHEN registration = :lost THEN :then ELSE :now END, :now, 'OK', :now"
            " FROM boat WHERE length_m >= 15"), {"lost": name(1), "then": NOW - 8 * HOUR, "now": NOW})  # fmt: skip
    told = month(office.site, date(2026, 11, 1), NOW)
    assert (told.last, told.at, told.live) == (date(2026, 11, 28), NOW, True)
    last = told.days[-1]
    assert (last["required"], last["visible"], last["lost_6h_10d"], last["opened"], last["late"]) == (54, 53, 1, 1, 0)
    assert told.days[-2]["late"] is None
    office.close(number, NOW, "power")
    assert statistics(office.site, date(2026, 11, 28), "length", NOW + HOUR).total["lost_6h_10d"] == 1  # silent still


@pytest.mark.parametrize("text", ["2026-11-29", "2026-13-01", "hôm qua", "20261101x"])
def test_a_day_that_is_none_or_still_to_come_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        day_of(text, NOW)
    assert day_of(None, datetime(2026, 11, 27, 17, tzinfo=UTC)) == date(2026, 11, 28)


@pytest.mark.parametrize("text", ["2026-12", "2026-1", "2026-11-01", "11/2026", "x"])
def test_a_month_that_is_none_or_still_to_come_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        month_of(text, NOW)
    assert month_of("2026-10", NOW) == OCTOBER
    assert month_of(None, NOW) == date(2026, 11, 1)
