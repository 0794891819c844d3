"""What lies in an area that is warned: communes by how much of each, boats counted once, what is old told apart."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
import sqlalchemy as sa

from geo.table import case
from geo.warning_reach import NAMED, reach
from layers import discover
from tests.connections import connected, told

NOW = datetime(2026, 11, 29, 3, tzinfo=UTC)
SHAPES = [layer.shape for layer in discover()]
LOST = {shape.name: timedelta(hours=1) for shape in SHAPES}
WEST, EAST = shapely.box(107.0, 16.0, 107.1, 16.1), shapely.box(107.1, 16.0, 107.3, 16.1)
AREA = shapely.MultiPolygon([shapely.box(107.05, 15.9, 107.15, 16.2)])  # half of the one, a quarter of the other


@pytest.fixture
def web(database):
    for code, outline, people in (("w", WEST, 1000), ("e", EAST, None)):
        told(
            database.owner,
            "INSERT INTO area (code, province, kind, name, point, geom, population, source, valid_from, updated_at,"
            " updated_by) VALUES (:code, '46', 'ward', :code, ST_Centroid(ST_GeomFromText(:wkt, 4326)),"
            " ST_Multi(ST_GeomFromText(:wkt, 4326)), :people, 'test', '2025-07-01', now(), 'test')",
            code=code, wkt=outline.wkt, people=people,
        )  # fmt: skip
        told(
            database.owner,
            "INSERT INTO area_piece"
            " SELECT :code, false, ST_Subdivide(ST_Segmentize(ST_GeomFromText(:wkt, 4326), 0.001), 16)",
            code=code, wkt=outline.wkt,
        )  # fmt: skip
    with connected(database.web) as engine, engine.connect() as connection:
        yield connection


def put(database: Any, table: str, key: str, value: Any, lon: float, minutes: float = 5, **more: Any) -> None:
    row = {key: value, **more}
    names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
    told(
        database.owner,
        f"INSERT INTO {table} ({names}, geom, observed_at, received_at, source) VALUES"
        f" ({places}, ST_SetSRID(ST_MakePoint(:lon, 16.05), 4326), :at, :at, 'test')",
        lon=lon, at=NOW - timedelta(minutes=minutes), **row,
    )  # fmt: skip


def test_communes_are_told_with_their_share_and_people_only_where_known(web) -> None:
    found = reach(web, AREA, (), {}, NOW)
    assert [(one.code, round(one.share, 3), one.population) for one in found.communes] == [
        ("w", 0.5, 1000),
        ("e", 0.25, None),
    ]
    assert (found.people_at_most, found.without_population) == (1000, 1)
    whole = reach(web, shapely.MultiPolygon([shapely.box(106, 15, 108, 17)]), (), {}, NOW)
    assert [one.share for one in whole.communes] == [1, 1]
    beside = reach(web, shapely.MultiPolygon([shapely.box(107.3, 16.0, 107.4, 16.1)]), (), {}, NOW)
    assert beside.communes == ()  # it only touches


def test_features_are_counted_by_layer_old_ones_apart_and_a_boat_of_two_layers_once(web, database) -> None:
    put(database, "vessel", "mmsi", 574000001, 107.1, shipname="BẠCH ĐẰNG", registration="TTH-91234-TS")
    put(database, "vessel", "mmsi", 574000002, 107.1, 90)
    put(database, "vessel", "mmsi", 574000003, 107.2)  # outside
    put(database, "vms", "registration", "TTH-91234-TS", 107.1)
    put(database, "vms", "registration", "TTH-91235-TS", 107.12, simulated=True)
    put(database, "camera", "id", "hue:1", 107.1, name="Cầu Trường Tiền")
    found = reach(web, AREA, SHAPES, LOST, NOW)
    told_of = {one.layer: one for one in found.layers}
    vessels = told_of["vessel"]
    assert (vessels.count, vessels.old) == (2, 1)
    assert vessels.names == (("574000002", "574000002"), ("574000001", "BẠCH ĐẰNG"))
    assert (told_of["vms"].count, told_of["vms"].simulated) == (2, 1)
    assert told_of["camera"].names == (("hue:1", "Cầu Trường Tiền"),)
    assert told_of["environment"].count == 0
    assert found.boats == 3


def test_only_the_first_names_are_told_and_all_are_counted(web, database) -> None:
    for n in range(NAMED + 5):
        put(database, "camera", "id", f"hue:{n:02d}", 107.1)
    camera = next(shape for shape in SHAPES if shape.name == "camera")
    (found,) = reach(web, AREA, [camera], LOST, NOW).layers
    assert found.count == NAMED + 5
    assert [key for key, _ in found.names] == [f"hue:{n:02d}" for n in range(NAMED)]


def test_of_cases_the_open_ones_count(web, database) -> None:
    shape = case("warned_case", [])
    shape.latest.metadata.remove(shape.latest)
    with connected(database.owner) as owner, owner.begin() as connection:
        shape.latest.create(connection)
        connection.execute(sa.text("GRANT SELECT ON warned_case TO haidang_web"))
    put(database, "warned_case", "id", "a", 107.1)
    put(database, "warned_case", "id", "b", 107.1, closed_at=NOW)
    (found,) = reach(web, AREA, [shape], {"warned_case": timedelta(hours=1)}, NOW).layers
    assert [key for key, _ in found.names] == ["a"]


def test_pieces_and_stations_are_found_by_their_indexes(web) -> None:
    web.exec_driver_sql("SET enable_seqscan = off")
    for table in ("area_piece", "camera", "environment"):
        query = f"EXPLAIN SELECT 1 FROM {table} WHERE ST_Intersects(geom, ST_MakeEnvelope(107, 16, 107.1, 16.1, 4326))"
        plan = " ".join(row[0] for row in web.exec_driver_sql(query))
        assert f"{table}_geom" in plan
