"""The boats that a storm concerns, out of a register of thousands in a real database."""

import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from geo.figure import Figures, seeds
from geo.storm_area import Point, Track
from geo.storm_boats import last_heard, threatened
from tests.connections import connected

NOW = datetime(2026, 11, 28, 6, tzinfo=UTC)
LAW = Figures(seeds())
SPANS = {"vms": timedelta(hours=6), "vessel": timedelta(hours=1)}
LATER = NOW + timedelta(hours=30)
TRACK = Track((Point(NOW, 112, 15, {6: 250, 10: 100}), Point(LATER, 108, 16, {6: 200, 10: 60})))
# 5,000 boats, all with a device's fix, every second one with a newer one of AIS a degree to the east.
REGISTER = (
    """INSERT INTO boat (registration, length_m, home_province, updated_at, updated_by)
    SELECT 'TTH-' || (10000 + n) || '-TS', 16, 'Huế', :now, 'test' FROM generate_series(1, 5000) n""",
    """INSERT INTO vms (registration, geom, observed_at, received_at, source, speed, course)
    SELECT 'TTH-' || (10000 + n) || '-TS', ST_SetSRID(ST_MakePoint(106 + n % 61 / 10.0, 13 + n % 59 / 10.0), 4326),
        :at, :at, 'test', n % 9, n % 360 FROM generate_series(1, 5000) n""",
    """INSERT INTO vessel (mmsi, registration, geom, observed_at, received_at, source, speed, course)
    SELECT 574000000 + n, 'TTH-' || (10000 + n) || '-TS',
        ST_SetSRID(ST_MakePoint(107 + n % 61 / 10.0, 13 + n % 59 / 10.0), 4326), :now, :now, 'test', n % 9, n % 360
    FROM generate_series(2, 10000, 2) n""",
)


def test_five_thousand_boats_are_looked_at_within_seconds(database) -> None:
    with connected(database.owner) as engine:
        with engine.begin() as connection:
            for statement in REGISTER:
                connection.execute(sa.text(statement), {"now": NOW, "at": NOW - timedelta(minutes=40)})
        with engine.connect() as connection:
            heard = last_heard(connection)
            assert heard["layer"].value_counts().to_dict() == {"vms": 2500, "vessel": 2500}
            threatened(connection, TRACK, LAW, SPANS, (), NOW)
            began = time.process_time()
            found = threatened(connection, TRACK, LAW, SPANS, (), NOW)
            assert time.process_time() - began < 5  # half a second on a machine of its own: a bound on blunders
    assert (found.placed, found.unplaced) == (5000, 0)
    groups = [one.group for one in found.boats]
    assert len(groups) > 2000
    assert groups == sorted(groups, key=("inside", "coming", "old", "staying", "port").index)


def test_a_position_told_by_hand_is_one_with_and_without_ais(database) -> None:
    with connected(database.owner) as engine:
        with engine.begin() as connection:
            connection.execute(sa.text(REGISTER[0]), {"now": NOW})
            connection.execute(sa.text(
                "INSERT INTO vms (registration, geom, observed_at, received_at, source, manual) SELECT registration,"
                " ST_SetSRID(ST_MakePoint(112, 15), 4326), :now, :now, 'test', true FROM boat"
                " WHERE registration < 'TTH-10004'"), {"now": NOW})  # fmt: skip
            for n, minutes in ((2, 60), (3, -1)):  # of the second AIS is older, of the third newer
                connection.execute(sa.text(
                    "INSERT INTO vessel (mmsi, registration, geom, observed_at, received_at, source) VALUES (:mmsi,"
                    " :name, ST_SetSRID(ST_MakePoint(112, 15), 4326), :at, :at, 'test')"),
                    {"mmsi": 574000000 + n, "name": f"TTH-1000{n}-TS", "at": NOW - timedelta(minutes=minutes)},
                )  # fmt: skip
        with engine.connect() as connection:
            boats = {one.registration[-4]: one for one in threatened(connection, TRACK, LAW, SPANS, (), NOW).boats}
    assert {n: (one.by_hand, one.layer) for n, one in boats.items()} == {
        "1": (True, "vms"), "2": (True, "vms"), "3": (False, "vessel"),
    }  # fmt: skip


def test_of_two_vessels_that_bear_one_registration_the_last_heard_counts(database) -> None:
    with connected(database.owner) as engine:
        with engine.begin() as connection:
            connection.execute(sa.text(REGISTER[0]), {"now": NOW})
            for mmsi, minutes in ((574000001, 5), (574000002, 50)):
                connection.execute(sa.text(
                    "INSERT INTO vessel (mmsi, registration, geom, observed_at, received_at, source) VALUES"
                    " (:mmsi, 'TTH-10001-TS', ST_SetSRID(ST_MakePoint(:lon, 15), 4326), :at, :at, 'test')"),
                    {"mmsi": mmsi, "lon": 112 - minutes / 10, "at": NOW - timedelta(minutes=minutes)})  # fmt: skip
        with engine.connect() as connection:
            heard = last_heard(connection)
            (boat,) = threatened(connection, TRACK, LAW, SPANS, (), NOW).boats
    assert len(heard) == 5000
    assert (boat.registration, boat.lon, boat.group) == ("TTH-10001-TS", 111.5, "inside")
