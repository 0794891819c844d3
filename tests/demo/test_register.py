"""The simulated fleet in the register: Huế's figures, through the same code as an import."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from demo.device import devices
from demo.fleet import fleet as boats_of
from demo.register import put_register, sheet
from demo.seed import DEMO
from geo import fleet
from geo.boat_file import drafts
from geo.contact import contacts
from geo.figure import figures
from geo.provider import PROVIDERS
from layers import discover, seed
from tests.connections import connected

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)


@pytest.fixture
def register(database: Any) -> Iterator[sa.Connection]:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
        assert put_register(connection, 1, NOW, DEMO) == 693
        yield connection


def test_fact_07_of_437_boats_that_must_be_seen_three_are_laid_up_and_434_are_waited_for(register: Any) -> None:
    known = fleet.boats(register)
    figure = figures(register)
    long = [boat for boat in known if boat.length_m >= 15]
    assert len(long) == 437
    assert sum(boat.laid_up_at is not None for boat in long) == 3
    assert sum(fleet.must_be_seen(boat, figure, NOW) for boat in known) == 434
    assert (sum(12 <= boat.length_m < 15 for boat in known), sum(boat.length_m < 12 for boat in known)) == (80, 176)


def test_the_register_has_what_the_fleet_sends_and_says_that_it_is_simulated(register: Any) -> None:
    known = {boat.registration: boat for boat in fleet.boats(register)}
    people = contacts(register, list(known))
    for boat in boats_of(1):
        kept = known[boat.registration]
        assert kept.simulated
        assert (kept.mmsi, kept.length_m, kept.gear) == (boat.mmsi, boat.length_m, boat.gear)
        assert [(one.id, one.provider, one.active) for one in kept.devices] == [tuple(one) for one in devices(boat)]
        assert all(one.phone.startswith("09000") and len(one.phone) == 10 for one in people[boat.registration])
    assert {known[name].home_province for name in known if name.startswith("TTH")} == {"Huế"}
    assert {boat.commune for boat in known.values()} == {None, "Thuận An", "Vinh Lộc", "Chân Mây – Lăng Cô"}
    expired = sum(boat.licence_until < NOW.date() for boat in known.values())
    assert 5 <= expired <= 50


def test_a_second_start_leaves_the_register_as_people_have_it(register: Any) -> None:
    boat = fleet.boat_of(register, "TTH-91234-TS")
    fleet.put_boat(register, fleet.lay_up(boat, NOW), DEMO, NOW)
    assert put_register(register, 1, datetime(2027, 1, 5, tzinfo=UTC), DEMO) == 0
    assert fleet.boat_of(register, "TTH-91234-TS").laid_up_at == NOW


def test_nothing_of_the_simulated_list_is_in_conflict_and_its_providers_are_the_register_s() -> None:
    wanted, ignored = drafts(sheet(1, NOW.date()))
    assert ignored == []
    assert [one.faults for one in wanted if one.faults] == []
    assert {fitting.provider for one in wanted for fitting in one.devices} <= {one.name for one in PROVIDERS}
