from datetime import UTC, datetime, timedelta

import pytest
from pyproj import Geod

from geo.figure import Figures, seeds
from geo.rescue import Rescuer, rescuers
from layers.vessel import VESSEL
from layers.vms import VMS
from tests.connections import connected, told

NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)
LAW, HOUR = Figures(seeds()), timedelta(hours=1)
CALL = (108.0, 16.8)
GEOD = Geod(ellps="WGS84")


def at(bearing: float, miles: float) -> tuple[float, float]:
    lon, lat, _ = GEOD.fwd(*CALL, bearing, miles * 1852)
    return lon, lat


def heard(database, mmsi: int, place, minutes: float = 5, speed: float | None = 3.0, name: str | None = None) -> None:
    told(database.owner, "INSERT INTO vessel (mmsi, geom, observed_at, received_at, source, speed, shipname) VALUES "
         "(:mmsi, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :at, :at, 'test', :speed, :name)",
         mmsi=mmsi, lon=place[0], lat=place[1], at=NOW - timedelta(minutes=minutes), speed=speed,
         name=name)  # fmt: skip


def monitored(database, registration: str, place, minutes: float, mmsi: int | None = None) -> None:
    told(database.owner, "INSERT INTO vms (registration, geom, observed_at, received_at, source, speed, mmsi) VALUES "
         "(:registration, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :at, :at, 'test', 3, :mmsi)",
         registration=registration, lon=place[0], lat=place[1], at=NOW - timedelta(minutes=minutes),
         mmsi=mmsi)  # fmt: skip


def found(database, **more) -> list[Rescuer]:
    shapes = [(VESSEL, HOUR), (VMS, 6 * HOUR)]
    with connected(database.web) as engine, engine.connect() as connection:
        return rescuers(connection, shapes, *CALL, LAW, NOW, **more)


def test_who_is_there_first_comes_first_with_course_distance_and_time(database) -> None:
    heard(database, 574000001, at(90, 10), speed=3)  # ten miles at the usual eight knots: 75 minutes
    heard(database, 574000002, at(0, 15), speed=20)  # fifteen at its own twenty: 45
    heard(database, 574000003, at(225, 4), speed=None)  # 30
    first, second, third = found(database)
    assert [first.key, second.key, third.key] == ["574000003", "574000002", "574000001"]
    assert (third.distance_nm, third.course_deg) == (pytest.approx(10, abs=0.01), pytest.approx(270, abs=0.1))
    assert second.course_deg == pytest.approx(180, abs=0.1)
    assert [one.reach_s / 60 for one in (first, second, third)] == [pytest.approx(m, abs=0.1) for m in (30, 45, 75)]
    assert [one.pace_kn for one in (first, second, third)] == [8, 20, 8]


def test_who_is_silent_too_far_or_no_boat_does_not_come(database) -> None:
    heard(database, 574000001, at(90, 10), minutes=61)
    heard(database, 574000002, at(90, 61))
    heard(database, 970012345, at(0, 0.1))  # who calls
    heard(database, 995741234, at(0, 1))  # an aid to navigation
    heard(database, 5741234, at(0, 1))  # a coast station
    heard(database, 111574001, at(0, 30), speed=120)
    monitored(database, "TTH-91234-TS", at(180, 12), minutes=350)
    monitored(database, "TTH-91235-TS", at(180, 2), minutes=361)
    assert [one.key for one in found(database)] == ["111574001", "TTH-91234-TS"]
    assert [one.key for one in found(database, within_nm=20)] == ["TTH-91234-TS"]
    assert len(found(database, limit=1)) == 1


@pytest.mark.parametrize("mmsi", [574000001, None])
def test_a_boat_that_is_heard_in_two_ways_is_one_where_it_was_heard_last(database, mmsi) -> None:
    monitored(database, "TTH-91234-TS", at(90, 20), minutes=120, mmsi=mmsi)
    heard(database, 574000001, at(90, 5), minutes=2, name=None if mmsi else "TTH 91234")
    (one,) = found(database)
    assert (one.layer, one.distance_nm) == ("vessel", pytest.approx(5, abs=0.01))


def test_a_buoy_that_bears_a_boats_name_is_not_taken_for_it(database) -> None:
    monitored(database, "TTH-91234-TS", at(90, 20), minutes=120)
    heard(database, 995741234, at(90, 5), minutes=2, name="TTH-91234-TS")
    assert [one.key for one in found(database)] == ["TTH-91234-TS"]


def test_who_calls_does_not_come_to_itself(database) -> None:
    heard(database, 574000001, at(0, 0))
    heard(database, 574000002, at(0, 1))
    monitored(database, "TTH-91234-TS", at(0, 1), minutes=9, mmsi=574000001)
    assert [one.key for one in found(database, casualty="574000001")] == ["574000002"]
