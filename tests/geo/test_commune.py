"""Which commune points and features are in, in a real database: by reference points, by outlines, and anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from shapely.geometry import box

from geo.actor import Actor
from geo.area import areas, at_version, history, put_areas, save_areas, seeds
from geo.basemap import is_land
from geo.commune import commune_of, cut_again
from geo.database import upgrade
from geo.table import Shape, case, layered, moving, station
from layers import discover, seed
from tests.connections import asked, connected, told

LAN = Actor("Lan")
NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)


@pytest.fixture
def seeded(database: Any) -> Any:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    return database


def found(database: Any, *points: tuple[float, float]) -> list[tuple[Any, bool]]:
    with connected(database.web) as opened, opened.connect() as connection:
        codes, estimated = commune_of(connection, *np.array(points).T)
    return list(zip(codes.tolist(), estimated.tolist(), strict=True))


def test_without_outlines_a_place_is_of_the_nearest_reference_point_and_said_to_be_an_estimate(seeded: Any) -> None:
    every = seeds()
    assert found(seeded, *[(one.lon, one.lat) for one in every]) == [(one.code, True) for one in every]
    lagoon = (107.85, 16.30)  # Cầu Hai: water, and still of Phú Lộc
    assert found(seeded, lagoon) == [("20107", True)]
    beside = (107.578, 16.474)  # in the Citadel, nearer to Phú Xuân's point than to any other
    sea, laos, hanoi, nowhere = (108.2, 16.9), (106.9, 16.2), (105.84, 21.03), (np.nan, np.nan)
    assert found(seeded, beside, sea, laos, hanoi, nowhere) == [
        ("19753", True), (None, False), (None, False), (None, False), (None, False),
    ]  # fmt: skip


def test_estimates_are_those_of_the_distance_reckoned_point_by_point(seeded: Any) -> None:
    order = np.random.default_rng(6)
    lon, lat = order.uniform(107.45, 108.0, 500), order.uniform(16.15, 16.7, 500)  # away from Laos
    land = is_land(lon, lat)
    every = seeds()
    here = np.array([(one.lon, one.lat) for one in every])
    scale = np.cos(np.radians(here[:, 1].mean()))  # as the map was cut
    away = np.hypot((lon[:, None] - here[:, 0]) * scale, lat[:, None] - here[:, 1])
    near = np.sort(away, axis=1)
    clear = land & (near[:, 1] - near[:, 0] > 1e-3) & (near[:, 0] < 0.14)
    told = found(seeded, *zip(lon, lat, strict=True))
    wanted = [every[n].code for n in away.argmin(axis=1)]
    assert clear.sum() > 200
    assert [told[n][0] for n in np.flatnonzero(clear)] == [wanted[n] for n in np.flatnonzero(clear)]


def put(database: Any, code: str, geom: Any) -> None:
    with connected(database.web) as opened, opened.begin() as connection:
        (before,) = areas(connection, code=code)
        after = replace(before, geom=shapely.multipolygons([geom]), version=before.version + 1, imported_at=NOW)
        save_areas(connection, [after], LAN, NOW, "thử")
        cut_again(connection, [before.province])
        connection.execute(sa.text("SELECT find_communes()"))


def test_an_outline_counts_before_any_estimate_and_every_version_is_kept(seeded: Any) -> None:
    square = box(107.50, 16.43, 107.60, 16.50)  # over the points of several communes
    put(seeded, "19753", square)
    assert found(seeded, (107.584, 16.455), (107.545, 16.409)) == [("19753", False), ("19774", True)]
    put(seeded, "19753", box(107.55, 16.46, 107.60, 16.50))
    assert found(seeded, (107.584, 16.455)) == [("19789", True)]
    with connected(seeded.web) as opened, opened.connect() as connection:
        versions = history(connection, "19753")
        first, second = at_version(connection, "19753", 1), at_version(connection, "19753", 2)
    assert [(one["version"], one["actor"], one["outline"]) for one in versions] == [
        (3, "Lan", True), (2, "Lan", True), (1, "hệ thống", False),
    ]  # fmt: skip
    assert first is None
    assert shapely.equals(second, square)


def test_what_an_authority_changed_is_not_seeded_again(seeded: Any) -> None:
    put(seeded, "19753", box(107.55, 16.46, 107.60, 16.50))
    with connected(seeded.owner) as owner, owner.begin() as connection:
        assert put_areas(connection, seeds(), LAN) == 0
        (kept,) = areas(connection, code="19753", geometry=True)
    assert (kept.version, kept.geom is not None) == (2, True)


@contextmanager
def layers_of(database: Any) -> Iterator[tuple[Shape, Shape]]:
    """A layer of each kind that stands still, as any file in layers/ declares one."""
    shapes = (station("mast", [], []), case("plea", []), moving("raft", sa.Column("id", sa.Text), [], []))
    try:
        upgrade(database.owner, shapes)
        yield shapes[0], shapes[1]
    finally:
        for shape in shapes:
            for table in (shape.latest, shape.history):
                if table is not None:
                    layered.remove(table)


def test_any_layer_of_things_that_stand_still_knows_their_commune_and_moving_ones_have_no_column(seeded: Any) -> None:
    with layers_of(seeded):
        told(
            seeded.ingest,
            "INSERT INTO mast (id, geom, received_at, source) VALUES"
            " ('a', ST_SetSRID(ST_MakePoint(107.578, 16.474), 4326), now(), 't'),"
            " ('sea', ST_SetSRID(ST_MakePoint(108.2, 16.9), 4326), now(), 't'), ('none', NULL, now(), 't')",
        )
        told(seeded.ingest, "INSERT INTO plea (id, received_at, source) VALUES ('p', now(), 't')")
        told(seeded.ingest, "UPDATE plea SET geom = ST_SetSRID(ST_MakePoint(107.545, 16.409), 4326)")
        every = "SELECT id, commune FROM mast UNION ALL SELECT id, commune FROM plea ORDER BY id"
        communes = {row["id"]: row["commune"] for row in asked(seeded.web, every)}
        assert communes == {"a": "19753", "sea": None, "none": None, "p": "19774"}
        told(seeded.ingest, "UPDATE mast SET geom = ST_SetSRID(ST_MakePoint(108.9, 12.876), 4326) WHERE id = 'a'")
        assert asked(seeded.web, "SELECT commune FROM mast WHERE id = 'a'") == [{"commune": "22207"}]
        columns = asked(seeded.owner, "SELECT column_name FROM information_schema.columns WHERE table_name = 'raft'")
        assert "commune" not in {row["column_name"] for row in columns}


def test_after_an_import_every_feature_is_found_anew(seeded: Any) -> None:
    with layers_of(seeded):
        for name in ("mast", "plea"):
            told(
                seeded.ingest,
                f"INSERT INTO {name} (id, geom, received_at, source)"
                " VALUES ('a', ST_SetSRID(ST_MakePoint(107.584, 16.455), 4326), now(), 't')",
            )
        assert asked(seeded.web, "SELECT commune FROM plea") == [{"commune": "19789"}]
        put(seeded, "19753", box(107.50, 16.43, 107.60, 16.50))
        for name in ("mast", "plea"):
            assert asked(seeded.web, f"SELECT commune FROM {name}") == [{"commune": "19753"}]
