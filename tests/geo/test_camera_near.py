from typing import Any

import pytest

from geo.camera_near import looking_at
from layers.camera import CAMERA
from tests.connections import connected, told

LON, LAT = 107.5900, 16.4650  # the place
STEP = 0.001  # about 107 m to the east, 111 m to the north


def put(database: Any, id: str, east: float, north: float, **columns: Any) -> None:
    names = "".join(f", {name}" for name in columns)
    values = "".join(f", :{name}" for name in columns)
    told(
        database.owner,
        f"INSERT INTO camera (id, name, geom, received_at, source{names}) VALUES (:id, :id,"
        f" ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), now(), 'test'{values})",
        id=id, lon=LON + east * STEP, lat=LAT + north * STEP, **columns,
    )  # fmt: skip


def ids(database: Any, limit: int = 10) -> list[str]:
    with connected(database.web) as web, web.connect() as connection:
        return [one.id for one in looking_at(connection, CAMERA, LON, LAT, limit)]


def test_only_cameras_that_look_this_way_the_nearest_first(database) -> None:
    put(database, "south, looks north", 0, -1, azimuth_deg=0, field_of_view_deg=60)
    put(database, "south, looks south", 0, -0.5, azimuth_deg=180, field_of_view_deg=60)
    put(database, "west, looks east", -3, 0, azimuth_deg=90, field_of_view_deg=60)
    put(database, "west, past it", -2, 0, azimuth_deg=125, field_of_view_deg=60)
    put(database, "north-east, across north", 1, 1, azimuth_deg=350, field_of_view_deg=90)
    put(database, "all round", 5, 5, field_of_view_deg=360)
    put(database, "nobody knows where to", 0.1, 0, field_of_view_deg=60)
    put(database, "nobody knows how wide", 0.1, 0, azimuth_deg=270)
    put(database, "too far", -30, 0, azimuth_deg=90, field_of_view_deg=60)
    assert ids(database) == ["south, looks north", "west, looks east", "all round"]


def test_the_difference_of_directions_goes_the_shorter_way_round(database) -> None:
    put(database, "350", 0.1, -1, azimuth_deg=350, field_of_view_deg=40)  # the place lies at about 354
    put(database, "10", 0.1, -1.1, azimuth_deg=10, field_of_view_deg=40)
    put(database, "30", 0.1, -1.2, azimuth_deg=30, field_of_view_deg=40)
    assert ids(database) == ["350", "10"]


def test_what_shows_nothing_comes_last_and_the_range_is_told(database) -> None:
    put(database, "blind", 0, -1, azimuth_deg=0, field_of_view_deg=60, health=3)
    put(database, "sees", 0, -3, azimuth_deg=0, field_of_view_deg=60, health=0, range_m=100, snapshot_url="http://x/a")
    with connected(database.web) as web, web.connect() as connection:
        first, second = looking_at(connection, CAMERA, LON, LAT)
    assert (first.id, first.in_range, first.picture, first.stream) == ("sees", False, True, False)
    assert (second.id, second.in_range) == ("blind", None)
    assert first.distance_m == pytest.approx(332, abs=2)
    assert first.bearing_deg % 360 == pytest.approx(0, abs=0.1)
    assert "http" not in str(first.told())


def test_three_are_enough_and_at_the_cameras_own_foot_it_is_asked_too(database) -> None:
    for n in range(5):
        put(database, f"c{n}", 0, -1 - n, azimuth_deg=0, field_of_view_deg=60)
    put(database, "here", 0, 0, azimuth_deg=0, field_of_view_deg=360)
    assert ids(database, 3) == ["here", "c0", "c1"]
