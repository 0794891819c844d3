"""The register against a real database: versions, devices, people, and what the database itself refuses."""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from geo import fleet
from geo.actor import Actor
from geo.contact import Contact, contacts, mask, phone_of, without_numbers
from geo.device import Device
from geo.duty import duty
from geo.figure import Figures, seeds
from geo.fishery import boat as boat_table
from geo.fishery import device as device_table
from geo.fleet import Boat, Outdated, put_boat
from geo.provider import PROVIDERS, by_name, plain, providers, put_providers
from geo.revision import versions
from geo.wrong import Wrong
from tests.connections import connected

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
WHO = Actor("Trần Thị Hoa")
OURS = Boat("TTH-91234-TS", 16.4, "Huế", mmsi=574_091_234, licence="GP-1", licence_until=date(2027, 5, 1))
FIGURES = Figures(seeds())


@pytest.fixture
def web(database: Any) -> Iterator[sa.Connection]:
    """A connection as the screens have it, to a register with its providers."""
    with connected(database.owner) as owner, owner.begin() as connection:
        put_providers(connection, PROVIDERS)
    with connected(database.web) as engine, engine.connect() as connection:
        yield connection


def kept(connection: sa.Connection, boat: Boat, **more: Any) -> Boat:
    return put_boat(connection, boat, WHO, NOW, **more)


def one(id: str = "VNT1", provider: str = "vnpt") -> Device:
    return Device(id, "", provider)


def test_fact_15_a_boat_is_found_by_its_registration_in_any_spelling(web: sa.Connection) -> None:
    kept(web, replace(OURS, registration="tth 91234"))
    kept(web, Boat("BĐ-96986-TS", 18, "Gia Lai"))
    for text in ("tth 91234 ts", "TTH.91234", unicodedata.normalize("NFD", "tth–91234-ts")):
        assert fleet.boat_of(web, text).registration == "TTH-91234-TS"
    assert fleet.boat_of(web, unicodedata.normalize("NFD", "bđ.96986")).registration == "BĐ-96986-TS"
    assert fleet.boat_of(web, "BD-96986-TS") is None
    assert fleet.boat_of(web, "nobody") is None


def test_a_boat_is_found_by_its_mmsi_and_by_a_device_that_is_on_it(web: sa.Connection) -> None:
    boat = kept(web, fleet.fit(OURS, one(), NOW))
    assert fleet.boat_by_mmsi(web, 574_091_234) == boat == fleet.boat_by_device(web, "VNT1")
    assert boat.device.id == "VNT1"
    kept(web, fleet.take_off(boat, "VNT1", NOW))
    assert fleet.boat_by_device(web, "VNT1") is None
    assert fleet.boat_of(web, "TTH-91234").devices == ()


def test_who_began_from_an_old_version_is_told(web: sa.Connection) -> None:
    first = kept(web, OURS)
    second = kept(web, replace(first, gear="trawl"))
    assert (first.version, second.version) == (1, 2)
    with pytest.raises(Outdated) as caught:
        kept(web, replace(first, gear="gillnet"))
    assert caught.value.version == 2
    with pytest.raises(Outdated):
        kept(web, OURS)  # as a new one
    assert fleet.boat_of(web, "TTH-91234").gear == "trawl"


def test_every_version_is_kept_with_who_and_when_and_without_its_people(web: sa.Connection) -> None:
    owner = Contact("owner", "Nguyễn Văn Bảy", "0900001234")
    first = kept(web, OURS, people=[owner], comment="nhập đầu năm")
    kept(web, fleet.fit(replace(first, length_m=16.5), one(), NOW))
    newest, oldest = fleet.history(web, OURS.registration)
    assert (oldest["value"]["length_m"], newest["value"]["length_m"]) == (16.4, 16.5)
    assert (oldest["actor"], oldest["at"], oldest["comment"]) == (WHO.name, NOW, "nhập đầu năm")
    assert (oldest["value"]["devices"], newest["value"]["devices"][0]["id"]) == ([], "VNT1")
    assert oldest["value"]["licence_until"] == "2027-05-01"
    (people,) = versions(web, "boat_contact", OURS.registration)
    assert people["value"] == {"parts": ["owner"]}
    said = json.dumps([dict(row["value"]) for row in (newest, oldest, people)], ensure_ascii=False)
    assert "Bảy" not in said
    assert "1234" not in said.replace("91234", "")


def test_fact_05_a_third_device_cannot_be_registered(web: sa.Connection, database: Any) -> None:
    boat = kept(web, fleet.fit(OURS, one(), NOW))
    boat = kept(web, fleet.fit(boat, one("VTL2", "viettel"), NOW, counted=False))
    assert [(each.id, each.active, each.slot) for each in boat.devices] == [("VNT1", True, 1), ("VTL2", False, 2)]
    with pytest.raises(Wrong) as caught:
        fleet.fit(boat, one("BAN3", "binhanh"), NOW)
    for words in ("TTH-91234-TS", "VNT1 (vnpt)", "VTL2 (viettel)", "BAN3"):
        assert words in caught.value.vi
        assert words in caught.value.en
    web.commit()
    for slot in (1, 2, 3):  # nor past this code: no slot is left, and there is no third
        row = {"id": "BAN3", "registration": OURS.registration, "provider": "binhanh", "slot": slot, "active": False}
        with connected(database.owner) as owner, owner.connect() as raw, pytest.raises(sa.exc.IntegrityError):
            raw.execute(sa.insert(device_table).values(row))


def test_fact_05_one_device_counts_at_a_time_and_another_can_take_its_place(web: sa.Connection, database: Any) -> None:
    boat = kept(web, fleet.fit(OURS, one(), NOW))
    boat = kept(web, fleet.fit(boat, one("VTL2", "viettel"), NOW))
    assert boat.device.id == "VTL2"  # the newly fitted one, unless it is a spare
    boat = kept(web, fleet.swap(boat, "VNT1"))
    assert fleet.boat_of(web, OURS.registration).device.id == "VNT1"
    boat = kept(web, fleet.take_off(boat, "VNT1", NOW))
    assert [(each.id, each.active) for each in boat.devices] == [("VTL2", True)]
    with pytest.raises(Wrong):
        fleet.swap(boat, "VNT1")
    boat = kept(web, fleet.fit(boat, one("VNT9"), NOW, counted=False))
    assert [each.slot for each in boat.devices] == [2, 1]  # the place that was left
    web.commit()
    both = sa.update(device_table).where(device_table.c.removed_at.is_(None))
    for active, refused in ((True, "device_one_active"), (False, "none that counts")):
        with (
            connected(database.owner) as owner,
            pytest.raises(sa.exc.IntegrityError, match=refused),
            owner.begin() as raw,
        ):
            raw.execute(both.values(active=active))


def test_a_device_that_is_on_another_boat_is_refused_until_it_is_taken_off_there(web: sa.Connection) -> None:
    ours = kept(web, fleet.fit(OURS, one(), NOW))
    other = kept(web, Boat("QNg-95518-TS", 21, "Quảng Ngãi"))
    with pytest.raises(Wrong, match="TTH-91234-TS"):
        kept(web, fleet.fit(other, one(), NOW))
    web.rollback()
    ours = kept(web, fleet.fit(OURS, one(), NOW))
    kept(web, fleet.take_off(ours, "VNT1", NOW))
    other = kept(web, fleet.fit(Boat("QNg-95518-TS", 21, "Quảng Ngãi"), one(), NOW + timedelta(days=1)))
    assert fleet.boat_by_device(web, "VNT1") == other
    assert other.device.fitted_at == NOW + timedelta(days=1)


def test_an_mmsi_is_one_boat_s_until_that_one_is_retired(web: sa.Connection) -> None:
    ours = kept(web, fleet.fit(OURS, one(), NOW))
    other = Boat("QNg-95518-TS", 21, "Quảng Ngãi", mmsi=OURS.mmsi)
    with pytest.raises(Wrong, match="TTH-91234-TS"):
        kept(web, other)
    gone = kept(web, fleet.retire(ours, NOW))
    assert (gone.retired_at, gone.devices) == (NOW, ())
    kept(web, fleet.fit(other, one(), NOW))
    assert [boat.registration for boat in fleet.boats(web)] == ["QNg-95518-TS"]
    assert len(fleet.boats(web, every=True)) == 2
    assert fleet.boat_by_mmsi(web, OURS.mmsi).registration == "QNg-95518-TS"


def test_fact_07_laid_up_boats_leave_the_number_of_those_that_must_be_seen(web: sa.Connection) -> None:
    boat = kept(web, OURS)
    assert fleet.must_be_seen(boat, FIGURES, NOW)
    boat = kept(web, fleet.lay_up(boat, NOW))
    assert not fleet.must_be_seen(boat, FIGURES, NOW)
    assert fleet.boat_of(web, "TTH 91234").laid_up_at == NOW
    assert fleet.lay_up(boat, NOW + timedelta(days=9)).laid_up_at == NOW  # since the first day
    boat = kept(web, fleet.take_into_use(boat))
    assert fleet.must_be_seen(boat, FIGURES, NOW)
    assert not fleet.must_be_seen(replace(boat, length_m=14.9), FIGURES, NOW)
    assert not fleet.must_be_seen(fleet.retire(boat, NOW), FIGURES, NOW)


@pytest.mark.parametrize(
    ("length_m", "level"), [(14.9, None), (15.0, "provincial"), (23.9, "provincial"), (24.0, "national")]
)
def test_fact_14_the_register_s_length_says_whose_a_case_is(web: sa.Connection, length_m: float, level: str) -> None:
    kept(web, replace(OURS, length_m=length_m))
    assert duty(fleet.boat_of(web, OURS.registration).length_m, FIGURES, NOW).owner_level == level


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("registration", "TTH"), ("length_m", 0), ("length_m", 100), ("length_m", float("nan")), ("power_kw", -1),
        ("mmsi", 111_111_111), ("mmsi", 970_000_001), ("role", "pirate"), ("home_province", "Thừa Thiên Huế"),
        ("shipname", "x" * 121), ("note", "x" * 2001),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_the_name_of_its_field(field: str, value: Any) -> None:
    with pytest.raises(Wrong) as caught:
        fleet.boat_checked(replace(OURS, **{field: value}))
    assert caught.value.field == field


def test_people_are_apart_and_no_worker_may_read_them(web: sa.Connection, database: Any) -> None:
    boat = kept(web, OURS, people=[Contact("captain", "Lê Sáu", "0900004321"), Contact("owner", "Trần Bảy", None)])
    assert [each.part for each in contacts(web, [boat.registration])[boat.registration]] == ["owner", "captain"]
    kept(web, boat, people=[Contact("owner")])
    assert contacts(web, [boat.registration])[boat.registration] == [Contact("captain", "Lê Sáu", "0900004321")]
    web.commit()
    with connected(database.ingest) as engine, engine.connect() as worker:
        assert worker.scalar(sa.select(boat_table.c.length_m)) == 16.4
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            contacts(worker, [boat.registration])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0912 345 678", "0912345678"), ("+84 912.345.678", "0912345678"), ("84912345678", "0912345678"),
        ("912345678", "0912345678"), ("(0234) 3822 333", "02343822333"), ("0234-382-2333", "02343822333"),
        ("2343822333", "02343822333"), ("+84 (0) 912 345 678", "0912345678"), ("+85620123456", "+85620123456"),
    ],
)  # fmt: skip
def test_a_phone_number_is_read_in_any_spelling(text: str, written: str) -> None:
    assert phone_of(text) == written


@pytest.mark.parametrize(
    "text", ["", "không có", "0912", "0112345678", "09123456789", "０９１２３４５６７８", "0912345678 / 0987654321"]
)
def test_what_is_no_phone_number_is_refused(text: str) -> None:
    with pytest.raises(Wrong):
        phone_of(text)


def test_a_masked_number_shows_its_last_three_digits() -> None:
    assert mask("0912345678") == "•••••••678"
    assert Contact("owner", "Bảy", "0912345678").masked == Contact("owner", "Bảy", "•••••••678")
    assert mask(None) is None


@pytest.mark.parametrize(
    "text",
    [
        "0912345678", "(0912) 345 678", "0912/345/678", "0912\u2013345\u2013678", "0912  345  678",
        "0912\xa0345\xa0678",
        "0912 - 345 - 678", "09 12 34 56 78", "09/12/34/56/78", "ĐT.0912345678", "84912345678", "0084912345678",
        "+84 912.345.678", "(+84) 912 345 678", "+84 (0) 912 345 678", "(84) 0912 345 678", "0912\u2011345\u2011678",
        "0912345678.", "(0912345678)", "08/11/2026 (0912) 345 678", "08/11/26 09 12 34 56 78", "+856 20 12345678",
        "0912345678/0987345678", "0912345678 - 0987345678",
    ],
)  # fmt: skip
def test_a_number_in_a_text_is_masked_in_any_spelling(text: str) -> None:
    masked = without_numbers(f"gọi {text} nhé")
    assert "•678" in masked
    digits = "".join(each for each in masked if each.isdigit())
    assert "345678" not in digits
    assert "12345" not in digits


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("0912345678 5 giờ", "•••••••678 5 giờ"), ("(0234) 3822 123", "••••••••123"), ("(0912345678)", "(•••••••678)"),
        ("0912345678/0987654321.", "•••••••678/•••••••321."), ("08/11/26 09 12 34 56 78", "08/11/26 •••••••678"),
        ("CCCD 046098001234,", "CCCD •••••••••234,"), ("046 098 001 234", "•••••••••234"),
        ("0460.9800.1234 và 001199000123", "•••••••••234 và •••••••••123"),
    ],
)  # fmt: skip
def test_what_stands_around_a_number_stays(text: str, masked: str) -> None:
    assert without_numbers(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "MMSI 574091234", "002573000 5 tàu", "16.5570, 107.6400", "16.557 107.640", "08.500 108.500",
        "16°08.500'N 108°12.300'E", "8°30'00\"N 108°10'00\"E", "08/11/2026 10:30", "08/11/2026 1030",
        "08-11-2026 10:30", "08.11.2026 10:30", "2026-11-08 09:30:00", "2026-11-08T09:30:00Z", "08/11/26 09/11/26",
        "08/11/2026\u201309/11/2026", "TTH-91234-TS", "BĐ-08412-TS 02 máy", "Mất tín hiệu số 12", "HD-2026-000123",
        "012/2026/QĐ-UBND", "0.123456789", "107.046098001234", "202611290730",
        "107.0912345678", "84.123.456.789 đồng", "IMEI 012345678901234",
    ],
)  # fmt: skip
def test_what_is_no_number_of_a_person_is_not_masked(text: str) -> None:
    assert without_numbers(f"ở {text} nhé") == f"ở {text} nhé"


def test_providers_are_there_and_found_by_any_name(web: sa.Connection) -> None:
    found = by_name(providers(web))
    assert found[plain("BÌNH-ANH")].key == found[plain("binhanh")].key == "binhanh"
    assert {item.name for item in found.values()} >= {"VNPT", "Viettel", "Vishipel", "Bình Anh", "Bách Khoa", "Zunibal"}
    assert put_providers(web, PROVIDERS) == 0
