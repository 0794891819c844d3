"""One boat from all sides, over a real database: what is read of it, under any of its names, and what stays masked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access import boat as boats
from access.site import Site
from layers import discover, seed
from tests import boat_past
from tests.boat_past import MMSI, NAME
from tests.connections import connected, told

NOW = datetime.now(UTC).replace(microsecond=0)
WEEK = timedelta(days=7)


@pytest.fixture
def site(database: Any) -> Iterator[Site]:
    with connected(database.owner) as owner, connected(database.ingest) as ingest, connected(database.web) as web:
        with owner.begin() as connection:
            seed(connection, discover())
        boat_past.lay(owner, ingest, NOW)
        yield Site(web, "redis://127.0.0.1:1", discover(), "Huế", "Huế", (16.6, 107.9, 10))


def read(site: Site, key: str = NAME, **more: Any) -> boats.Record | None:
    with site.engine.connect() as connection:
        return boats.record(connection, site, key, NOW - WEEK, NOW, NOW, **more)


def test_a_boat_from_all_sides(site: Site) -> None:
    found = read(site)
    assert (found.signal["state"], found.signal["device"], found.duty.owner_level) == ("LOST", "VNT-91234", "national")
    assert found.place["zone"] == "khơi"
    assert [one.to_port for one in found.trips] == ["cang_thuan_an", None]
    assert [(one["kind"], one["stage"]) for one in found.cases] == [("loss", "LOST")]
    assert [one["rule"] for one in found.alarms] == ["vms_loss"]
    assert [row["version"] for row in found.versions] == [2, 1]
    assert found.gap == timedelta(hours=2, minutes=30)
    assert len(found.fixes) == len(boat_past.fixes(NOW)) == len(found.track.fixes)


@pytest.mark.parametrize("key", ["tth 91234", "TTH.91234", "tth-91234-ts", str(MMSI)])
def test_fact_15_any_spelling_and_the_mmsi_find_it(site: Site, key: str) -> None:
    assert read(site, key).boat.registration == NAME


@pytest.mark.parametrize("key", ["", "TTH-99999-TS", "574000000", "xyz", "57409123x"])
def test_what_is_no_boat_of_the_register_is_none(site: Site, key: str) -> None:
    assert read(site, key) is None


def test_numbers_stay_masked_in_all_that_leaves_it(site: Site) -> None:
    found = read(site)
    assert [one.phone for one in found.card.people] == ["•••••••678", "•••••••321"]
    assert "0912345" not in repr(boats.told(found))
    assert read(site, may_read_contacts=True).card.people[0].phone == "0912345678"


def test_a_fix_of_another_device_is_no_place_of_the_boat(site: Site, database: Any) -> None:
    before = read(site)
    told(database.owner,
         "INSERT INTO vms_history (registration, geom, observed_at, received_at, source, device, anomaly) "
         "VALUES (:name, ST_SetSRID(ST_MakePoint(112, 12), 4326), :at, :at, 'vms.test', 'VNT-2', 128)",
         name=NAME, at=NOW - timedelta(hours=20))  # fmt: skip
    after = read(site)
    assert len(after.track.fixes) == len(before.track.fixes) + 1
    assert (after.fixes, after.trips, after.calls) == (before.fixes, before.trips, before.calls)


def test_a_boat_without_a_device_has_its_way_by_ais_and_says_so(site: Site, database: Any) -> None:
    told(database.owner,
         "INSERT INTO boat (registration, mmsi, length_m, home_province, updated_at, updated_by) "
         "VALUES ('TTH-90001-TS', 574000001, 13, 'Huế', now(), 'test')")  # fmt: skip
    told(database.owner, "SELECT ensure_partition('vessel_history', :day)", day=NOW.date())
    for table in ("vessel", "vessel_history"):
        told(database.owner,
             f"INSERT INTO {table} (mmsi, geom, observed_at, received_at, source) "
             "VALUES (574000001, ST_SetSRID(ST_MakePoint(108.3, 16.9), 4326), :at, :at, 'test')", at=NOW)  # fmt: skip
    found = read(site, "TTH-90001")
    assert (found.layer.name, len(found.fixes), found.duty.monitored, found.signal) == ("vessel", 1, False, None)
    assert found.place is None  # AIS is not its device
