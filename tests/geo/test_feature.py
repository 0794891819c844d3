from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from geo import feature
from layers.vessel import VESSEL
from tests.connections import connected

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
BOATS = [
    (574000001, 107.65, 16.60, "TTH-91234-TS", "XVAB"),
    (574000002, 107.70, 16.62, "TTH-91235-TS", None),
    (574000003, 108.20, 16.10, "BÌNH ĐỊNH 7", "3WAB"),
    (563000004, 104.00, 1.30, "EVER GIVEN 5740", None),
    (574000005, None, None, "QNG-90005-TS", None),
]


@pytest.fixture
def connection(database):
    with connected(database.owner) as opened, opened.begin() as open_now:
        open_now.execute(sa.text("SELECT ensure_partition('vessel_history', '2026-11-21')"))
        for mmsi, lon, lat, name, callsign in BOATS:
            point = None if lon is None else f"SRID=4326;POINT({lon} {lat})"
            open_now.execute(
                sa.text(
                    "INSERT INTO vessel (mmsi, geom, observed_at, received_at, source, shipname, callsign) "
                    "VALUES (:mmsi, :point, :at, :at, 'test', :name, :callsign)"
                ),
                {"mmsi": mmsi, "point": point, "at": NOW, "name": name, "callsign": callsign},
            )
        yield open_now


def keys(found: list[dict[str, object]]) -> list[int]:
    return [int(str(row["key"])) for row in found]


@pytest.mark.parametrize(
    "text", ["tth 91234 ts", "TTH.91234", "TTH-91234-TS", "tth91234", " tth  91234", "ttH_91234.ts"]
)
def test_step_2_a_registration_is_found_in_any_spelling(connection, text: str) -> None:
    assert keys(feature.search(connection, VESSEL, text)) == [574000001]


@pytest.mark.parametrize("text", ["bình định", "BINH DINH 7", "binhdinh", "bi\u0300nh đi\u0323nh"])
def test_step_2_accents_do_not_count_in_a_search(connection, text: str) -> None:
    assert keys(feature.search(connection, VESSEL, text)) == [574000003]


def test_step_2_an_mmsi_is_found_by_its_beginning_and_comes_before_names_that_hold_it(connection) -> None:
    assert keys(feature.search(connection, VESSEL, "5740")) == [574000003, 574000001, 574000002, 563000004]
    assert keys(feature.search(connection, VESSEL, "574000002")) == [574000002]


def test_step_2_a_call_sign_is_found(connection) -> None:
    assert keys(feature.search(connection, VESSEL, "3wa")) == [574000003]


@pytest.mark.parametrize("text", ["", "  ", "%", "_", "'; DROP TABLE vessel; --", "\0", "\\", "☃" * 100])
def test_a_search_for_nothing_finds_nothing(connection, text: str) -> None:
    assert feature.search(connection, VESSEL, text) == []


def test_a_search_gives_no_more_than_asked_for(connection) -> None:
    assert len(feature.search(connection, VESSEL, "5", limit=2)) == 2


def test_a_name_means_one_vessel_or_says_that_it_does_not(connection) -> None:
    assert feature.named(connection, VESSEL, "tth 91234 ts") == ["574000001"]
    assert feature.named(connection, VESSEL, "TTH.91234") == ["574000001"]
    assert feature.named(connection, VESSEL, "tth 9123") == ["574000001", "574000002"]
    assert feature.named(connection, VESSEL, "91234") == []
    assert feature.named(connection, VESSEL, "tth") == []
    assert feature.named(connection, VESSEL, "qng 90005") == ["574000005"]  # though it has no position yet


def test_one_feature_has_everything_and_a_wrong_key_has_nothing(connection) -> None:
    row = feature.one(connection, VESSEL, "574000001")
    assert row is not None
    assert (row["lon"], row["lat"], row["key"], row["label"]) == (107.65, 16.60, "574000001", "TTH-91234-TS")
    assert "geom" not in row
    unplaced = feature.one(connection, VESSEL, "574000005")
    assert unplaced is not None
    assert unplaced["lon"] is None
    for key in ("574999999", "abc", "", "-1", "١٢٣", "9" * 30, "1e3", "\0"):
        assert feature.one(connection, VESSEL, key) is None, key


def ids(found: dict[str, list[dict[str, object]]]) -> list[int]:
    return sorted(int(str(item["id"])) for item in found["features"])


def test_features_in_a_box(connection) -> None:
    assert ids(feature.features(connection, VESSEL)) == [563000004, 574000001, 574000002, 574000003]
    assert ids(feature.features(connection, VESSEL, (107.6, 16.5, 107.68, 16.7))) == [574000001]
    assert ids(feature.features(connection, VESSEL, (170, -10, -170, 10))) == []
    assert ids(feature.features(connection, VESSEL, (108.0, 0, 105.0, 20))) == [563000004, 574000003]
    assert len(ids(feature.features(connection, VESSEL, limit=2))) == 2


def test_a_feature_is_geojson(connection) -> None:
    (found,) = feature.features(connection, VESSEL, (107.6, 16.5, 107.68, 16.7))["features"]
    assert found["geometry"] == {"type": "Point", "coordinates": [107.65, 16.60]}
    assert found["properties"]["observed_at"] == "2026-11-21T03:00:00+00:00"
