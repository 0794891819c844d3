"""Which vessel of AIS a boat of the register is: by MMSI, by name, and by neither where the name says nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from geo.actor import Actor
from geo.fleet import Boat, boat_of, put_boat, retire
from geo.heard import Heard, boat_heard, tell, vessel_of
from geo.registration import parse
from tests.connections import connected

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
WHO = Actor("Trần Thị Hoa")


@pytest.fixture
def sea(database: Any) -> Iterator[sa.Connection]:
    with connected(database.owner) as owner, owner.connect() as connection:
        yield connection


def heard(sea: sa.Connection, mmsi: int, shipname: str | None) -> None:
    sea.execute(
        sa.text("INSERT INTO vessel (mmsi, observed_at, received_at, source, shipname) VALUES (:m, :at, :at, 'x', :n)"),
        {"m": mmsi, "at": NOW, "n": shipname},
    )


def registered(sea: sa.Connection, registration: str, mmsi: int | None = None) -> None:
    put_boat(sea, Boat(registration, 16, "Huế", mmsi=mmsi), WHO, NOW)


@pytest.mark.parametrize(
    "name", ["TTH-91234-TS", "tth 91234", "TTH.91234.TS", "TTH91234TS ", "ĐNA-90001-TS", "QNG 97280"]
)
def test_fact_15_a_name_is_the_registration_that_the_database_and_the_program_read_in_it(sea: Any, name: str) -> None:
    spoken = sea.scalar(sa.text("SELECT spoken_registration(:name)"), {"name": name})
    assert spoken == str(parse(name.strip())).upper().replace("Đ", "D").replace("-", "")


@pytest.mark.parametrize("name", ["", "HAI AU 12", "TTH-912345", "QT 968 69", "TTHUE-91234", "574091234"])
def test_a_name_that_is_no_registration_is_none(sea: Any, name: str) -> None:
    assert sea.scalar(sa.text("SELECT spoken_registration(:name)"), {"name": name}) is None


def test_a_boat_is_the_vessel_of_its_mmsi_whatever_that_is_called(sea: Any) -> None:
    registered(sea, "TTH-91234-TS", 574_091_234)
    heard(sea, 574_091_234, "HAI AU")
    heard(sea, 574_000_009, "TTH-91234-TS")  # somebody else with its name
    assert vessel_of(sea, "TTH-91234-TS") == Heard("TTH-91234-TS", 574_091_234, "mmsi")
    assert boat_heard(sea, 574_000_009) is None


def test_a_boat_without_a_heard_mmsi_is_the_vessel_of_its_name(sea: Any) -> None:
    registered(sea, "QNg-95518-TS", 574_195_518)
    registered(sea, "ĐNa-90001-TS")
    heard(sea, 574_000_001, "QNG 95518")
    heard(sea, 574_000_002, "DNA-90001-TS")
    assert vessel_of(sea, "QNg-95518-TS") == Heard("QNg-95518-TS", 574_000_001, "name")
    assert boat_heard(sea, 574_000_002) == Heard("ĐNa-90001-TS", 574_000_002, "name")


def test_fact_15_where_both_spellings_are_registered_ais_says_neither(sea: Any) -> None:
    registered(sea, "BĐ-96986-TS")
    heard(sea, 574_000_001, "BD-96986-TS")
    assert vessel_of(sea, "BĐ-96986-TS") == Heard("BĐ-96986-TS", 574_000_001, "name")
    put_boat(sea, Boat("BD-96986-TS", 16, "Huế"), WHO, NOW)
    assert vessel_of(sea, "BĐ-96986-TS") is None
    assert vessel_of(sea, "BD-96986-TS") is None
    put_boat(sea, retire(boat_of(sea, "BD-96986-TS"), NOW), WHO, NOW)
    assert vessel_of(sea, "BĐ-96986-TS").mmsi == 574_000_001


def test_a_name_says_nothing_that_two_vessels_send_or_that_another_boat_s_transponder_sends(sea: Any) -> None:
    registered(sea, "TTH-91234-TS")
    registered(sea, "TTH-90001-TS")
    registered(sea, "TTH-90002-TS", 574_090_002)
    for mmsi in (574_000_001, 574_000_002):
        heard(sea, mmsi, "TTH-91234-TS")
    heard(sea, 574_090_002, "TTH-90001-TS")
    assert vessel_of(sea, "TTH-91234-TS") is None
    assert vessel_of(sea, "TTH-90001-TS") is None
    assert vessel_of(sea, "TTH-90002-TS").by == "mmsi"


def known(sea: sa.Connection) -> list[tuple[Any, ...]]:
    columns = "mmsi, registration, register_length_m, role, gear, home_province"
    return [tuple(row) for row in sea.execute(sa.text(f"SELECT {columns} FROM vessel ORDER BY mmsi"))]


def test_a_vessel_is_told_which_boat_it_is_and_what_changes_of_it(sea: Any) -> None:
    put_boat(sea, Boat("QNg-95518-TS", 10.5, "Quảng Ngãi", gear="trawl"), WHO, NOW)
    registered(sea, "TTH-91234-TS", 574_091_234)
    heard(sea, 574_000_009, "QNG 95518")
    heard(sea, 574_000_010, "HAI AU")
    heard(sea, 574_091_234, None)
    assert tell(sea) == 2
    ours = (574_091_234, "TTH-91234-TS", 16.0, "catching", None, "Huế")
    nobodys = (574_000_010, None, None, None, None, None)
    assert known(sea) == [
        (574_000_009, "QNg-95518-TS", 10.5, "catching", "trawl", "Quảng Ngãi"), nobodys, ours,
    ]  # fmt: skip
    assert tell(sea) == 0
    found = boat_of(sea, "QNg-95518-TS")
    assert found is not None
    put_boat(sea, replace(found, length_m=12.5), WHO, NOW)
    ours_now = boat_of(sea, "TTH-91234-TS")
    assert ours_now is not None
    put_boat(sea, retire(ours_now, NOW), WHO, NOW)
    assert tell(sea) == 2
    assert known(sea)[0][2] == 12.5
    assert known(sea)[2] == (574_091_234, None, None, None, None, None)


def test_a_buoy_that_bears_a_boats_name_is_not_the_boat(sea: Any) -> None:
    registered(sea, "TTH-91234-TS")
    heard(sea, 995_741_234, "TTH-91234")  # on a net
    assert vessel_of(sea, "TTH-91234-TS") is None
    heard(sea, 574_000_009, "TTH-91234")
    assert vessel_of(sea, "TTH-91234-TS") == Heard("TTH-91234-TS", 574_000_009, "name")
    assert tell(sea) == 1
