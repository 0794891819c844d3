from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from geo.actor import Actor
from geo.contact import Contact
from geo.fleet import Boat, put_boat
from tests.connections import told

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def site(serve):
    found = serve()
    told(found.database.owner, "SELECT ensure_partition('vessel_history', day) FROM unnest(CAST(:days AS date[])) day",
         days=[(NOW - timedelta(days=n)).date() for n in (0, 1)])  # fmt: skip
    for mmsi, lon, name in ((574000001, 107.65, "TTH-91234-TS"), (574000002, 107.75, "TTH-91235-TS")):
        told(
            found.database.owner,
            "INSERT INTO vessel (mmsi, geom, observed_at, received_at, source, shipname) "
            "VALUES (:mmsi, ST_SetSRID(ST_MakePoint(:lon, 16.6), 4326), :at, :at, 'test', :name)",
            mmsi=mmsi, lon=lon, at=NOW, name=name,
        )  # fmt: skip
    for minutes in (0, 10, 20):
        told(
            found.database.owner,
            "INSERT INTO vessel_history (mmsi, geom, observed_at, received_at, source, speed) "
            "VALUES (574000001, ST_SetSRID(ST_MakePoint(:lon, 16.6), 4326), :at, :at, 'test', 4)",
            lon=107.65 - minutes / 1000, at=NOW - timedelta(minutes=minutes),
        )  # fmt: skip
    return found


def test_layers_describe_themselves(site) -> None:
    status, layers = site.get("/api/v1/layers")
    assert status == 200
    assert layers[0]["name"] == "vessel"
    assert layers[0]["kpi_values"]["total"] == 2


def test_features_in_a_box_now_and_in_the_past(site) -> None:
    path = "/api/v1/layers/vessel/features"
    assert len(site.get(path)[1]["features"]) == 2
    (one,) = site.get(f"{path}?bbox=107.6,16.5,107.7,16.7")[1]["features"]
    assert (one["id"], one["geometry"]["coordinates"]) == ("574000001", [107.65, 16.6])
    at = quote((NOW - timedelta(minutes=15)).isoformat())
    (past,) = site.get(f"{path}?at={at}")[1]["features"]
    assert past["geometry"]["coordinates"] == [pytest.approx(107.63), 16.6]
    assert len(site.get(f"{path}?limit=1")[1]["features"]) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("bbox=1,2,3", 422),
        ("bbox=a,b,c,d", 422),
        ("bbox=0,50,1,40", 422),
        ("bbox=0,0,nan,1", 422),
        ("bbox=0,0,999,1", 422),
        ("limit=0", 422),
        ("limit=999999999", 422),
        ("at=yesterday", 422),
        ("at=0001-01-01T00:00:00Z", 422),
    ],
)
def test_what_cannot_be_asked_is_said(site, query: str, status: int) -> None:
    assert site.get(f"/api/v1/layers/vessel/features?{query}")[0] == status


def test_an_unknown_layer_names_those_there_are(site) -> None:
    status, answer = site.get("/api/v1/layers/submarine/features")
    assert status == 404
    assert "vessel" in answer["detail"]


@pytest.mark.parametrize("key", ["574000001", "TTH-91234-TS", "tth 91234 ts", "TTH.91234"])
def test_a_vessel_by_its_mmsi_or_registration(site, key: str) -> None:
    status, answer = site.get(f"/api/v1/vessels/{quote(key)}")
    assert (status, answer["id"]) == (200, "574000001")
    points = site.get(f"/api/v1/vessels/{quote(key)}/track")[1]["features"]
    assert [round(point["geometry"]["coordinates"][0], 2) for point in points] == [107.63, 107.64, 107.65]


def test_fact_15_a_boat_of_the_register_is_found_where_ais_or_its_device_has_it_and_never_by_another_s_name(
    site,
) -> None:
    boats = (
        Boat("QNg-95518-TS", 21, "Quảng Ngãi", mmsi=574000001),
        Boat("BĐ-96986-TS", 18, "Gia Lai"), Boat("BD-96986-TS", 18, "Gia Lai"), Boat("TTH-90001-TS", 18, "Huế"),
    )  # fmt: skip
    with site.site.engine.begin() as connection:
        for boat in boats:
            put_boat(connection, boat, Actor("test"), NOW)
    told(site.database.owner, "UPDATE vessel SET shipname = 'BD 96986' WHERE mmsi = 574000002")
    told(
        site.database.owner,
        "INSERT INTO vms (registration, geom, observed_at, received_at, source) "
        "VALUES ('TTH-90001-TS', ST_SetSRID(ST_MakePoint(108, 16.9), 4326), :at, :at, 'test')", at=NOW,
    )  # fmt: skip
    status, answer = site.get(f"/api/v1/vessels/{quote('qng.95518')}")
    assert (status, answer["id"]) == (200, "574000001")
    for name in ("BĐ 96986", "BD 96986"):
        status, answer = site.get(f"/api/v1/vessels/{quote(name)}")
        assert (status, "is in the register" in answer["detail"]) == (404, True)
    assert site.get(f"/api/v1/vessels/{quote('tth 90001')}")[0] == 404
    status, answer = site.get(f"/api/v1/vessels/{quote('tth 90001')}?layer=vms")
    assert (status, answer["id"], answer["geometry"]["coordinates"]) == (200, "TTH-90001-TS", [108, 16.9])
    told(site.database.owner, "UPDATE vms SET registration = 'BĐ-96986-TS'")
    assert site.get(f"/api/v1/vessels/{quote('bđ 96986')}?layer=vms")[0] == 200
    assert site.get(f"/api/v1/vessels/{quote('bd 96986')}?layer=vms")[0] == 404


@pytest.mark.parametrize("key", ["9", "tth", "TTH-9123", "574000009", "\0", "%", "' OR 1=1", "９９"])
def test_what_names_no_vessel_or_several_is_404(site, key: str) -> None:
    assert site.get(f"/api/v1/vessels/{quote(key)}")[0] == 404


def test_a_feature_names_what_is_odd_about_it_and_keeps_our_own_numbers_to_itself(site) -> None:
    properties = site.get("/api/v1/vessels/574000001")[1]["properties"]
    assert (properties["anomaly"], "fingerprint" in properties) == ([], False)
    told(site.database.owner, "UPDATE vessel SET anomaly = 32 + 4 WHERE mmsi = 574000001")
    assert site.get("/api/v1/vessels/574000001")[1]["properties"]["anomaly"] == ["duplicate_mmsi", "on_land"]


def test_a_track_between_two_moments(site) -> None:
    start, end = (quote((NOW - timedelta(minutes=n)).isoformat()) for n in (12, 5))
    points = site.get(f"/api/v1/vessels/574000001/track?from={start}&to={end}")[1]["features"]
    assert len(points) == 1
    assert site.get(f"/api/v1/vessels/574000001/track?from={end}&to={start}")[0] == 422
    assert site.get("/api/v1/vessels/574000001/track?from=2020-01-01T00:00:00Z")[0] == 422
    for odd in ("to=0001-01-01T00:00:00Z", "from=0001-01-01", "to=9999-12-31T23:59:59Z"):
        for what in ("track", "record"):
            status, answer = site.get(f"/api/v1/vessels/574000001/{what}?{odd}")
            assert (status, answer["detail"][0]["loc"]) == (422, ["query", odd.split("=")[0]]), (what, odd)


def test_what_the_archive_should_have_and_has_not_is_told_beside_the_features(site) -> None:
    at = NOW - timedelta(minutes=15)
    told(
        site.database.owner,
        'INSERT INTO archive (history, day, part, file, "rows", size_bytes, sha256, first_at, last_at, archived_at) '
        "VALUES ('vessel_history', :day, 1, 'vessel_history/gone.parquet', 77, 9, '', :at, :at, :at)",
        day=at.date(), at=at,
    )  # fmt: skip
    for path, count in (
        ("vessels/574000001/track", 3),
        (f"layers/vessel/features?at={quote(NOW.isoformat())}", 1),
    ):
        answer = site.get(f"/api/v1/{path}")[1]
        assert len(answer["features"]) == count
        assert ["gone.parquet: 77 fixes" in words for words in answer["missing"]] == [True]


def test_a_boat_as_its_device_reports_it_by_its_registration_in_any_spelling(serve) -> None:
    site = serve()
    days = [(NOW - timedelta(days=n)).date() for n in (0, 1)]
    make = "SELECT ensure_partition('vms_history', day) FROM unnest(CAST(:days AS date[])) day"
    told(site.database.owner, make, days=days)
    key, place = "QNg-95518-TS", "ST_SetSRID(ST_MakePoint(:lon, 16.6), 4326)"
    latest = (
        f"INSERT INTO vms (registration, geom, observed_at, received_at, source) VALUES (:key, {place}, :at, :at, 't')"
    )
    told(site.database.owner, latest, key=key, lon=108.0, at=NOW)
    into = "INSERT INTO vms_history (registration, geom, observed_at, received_at, source)"
    fix = f"{into} VALUES (:key, {place}, :at, :at, 't')"
    for hours in (0, 3, 6, 9):
        told(site.database.owner, fix, key=key, lon=108 - hours / 100, at=NOW - timedelta(hours=hours))
    for spelling in (key, "qng 95518", "QNG.95518.TS"):
        path = f"/api/v1/vessels/{quote(spelling)}"
        assert site.get(f"{path}?layer=vms")[1]["id"] == key
        points = site.get(f"{path}/track?layer=vms")[1]["features"]
        assert [point["geometry"]["coordinates"][0] for point in points] == [107.91, 107.94, 107.97, 108.0]
    assert site.get(f"/api/v1/vessels/{key}")[0] == 404
    # A past picture looks back as far as a fix counts: the last one is an hour and a half old here.
    at = quote((NOW - timedelta(hours=4.5)).isoformat())
    (past,) = site.get(f"/api/v1/layers/vms/features?at={at}")[1]["features"]
    assert past["geometry"]["coordinates"][0] == 107.94


def test_who_can_come_to_a_place(site) -> None:
    status, found = site.get("/api/v1/rescuers?lon=107.7&lat=16.6")
    assert status == 200
    assert [one["label"] for one in found] == ["TTH-91234-TS", "TTH-91235-TS"]
    assert found[0]["course_deg"] == pytest.approx(90, abs=0.1)
    assert site.get("/api/v1/rescuers?lon=107.7&lat=16.6&within_nm=1")[1] == []
    for wrong in ("lon=107.7", "lon=nan&lat=16", "lon=107&lat=91", "lon=107&lat=16&limit=0"):
        assert site.get(f"/api/v1/rescuers?{wrong}")[0] == 422


def test_a_registered_boat_is_told_with_its_register_and_its_record(site) -> None:
    with site.site.engine.begin() as connection:
        people = [Contact("owner", "Trần Bảy", "0912345678")]
        put_boat(connection, Boat("TTH-91234-TS", 24.5, "Huế", mmsi=574000001), Actor("Lan"), NOW, people=people)
    told_of = site.get("/api/v1/vessels/574000001")[1]["boat"]
    assert (told_of["registration"], told_of["duty"]["interval_min"], told_of["signal"]) == ("TTH-91234-TS", 120, None)
    assert told_of["people"] == [{"part": "owner", "name": "Trần Bảy", "phone": "•••••••678"}]
    assert site.get("/api/v1/vessels/574000002")[1]["boat"] is None
    status, record = site.get("/api/v1/vessels/tth%2091234/record")
    assert (status, record["track"], record["trips"][0]["fixes"], record["cases"]) == (200, "vessel", 3, [])
    status, answer = site.get("/api/v1/vessels/TTH-99999/record")
    assert (status, answer["detail"]) == (404, "the register has no boat 'TTH-99999'")
    assert site.get("/api/v1/vessels/TTH-91234/record?from=2026-01-01&to=2026-03-01")[0] == 422
