"""Communes, their figures and the planes of VN-2000 over HTTP."""

from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest
from shapely.geometry import box, shape

from tests.connections import told
from tests.fleet import Fleet
from tests.geo.test_commune import put


@pytest.fixture
def site(serve: Any, database: Any) -> Any:
    with ExitStack() as stack:
        served = serve()
        served.fleet = Fleet(database, stack)
        yield served


def test_fact_23_forty_and_102_communes_and_no_level_between_them_and_the_province(site: Any) -> None:
    for province, wards, communes in (("hue", 21, 19), (quote("Đắk Lắk"), 14, 88)):
        status, found = site.get(f"/api/v1/areas?province={province}")
        kinds = [one["properties"]["kind"] for one in found["features"]]
        assert (status, kinds.count("ward"), kinds.count("commune")) == (200, wards, communes)
        assert not any("district" in name for name in found["features"][0]["properties"])
    assert len(site.get("/api/v1/areas")[1]["features"]) == 142
    status, refused = site.get("/api/v1/areas?province=quang_tri")
    assert (status, refused["detail"]) == (422, "there is no province 'quang_tri'; there are: hue (46), dak_lak (66)")


def test_fact_23_a_place_is_told_in_its_provinces_plane_there_and_back(site: Any) -> None:
    status, found = site.get("/api/v1/position?lon=107.585&lat=16.467")
    assert status == 200
    assert found["vn2000"]["epsg"] == 9214
    assert found["vn2000"]["east_m"] == pytest.approx(562266.8, abs=1)
    assert found["vn2000"]["north_m"] == pytest.approx(1821342.3, abs=1)
    assert (found["commune"]["estimated"], found["commune"]["note"]) == (True, "theo điểm tham khảo")
    status, back = site.get("/api/v1/position?epsg=9214&east=562266.84&north=1821342.27")
    assert (back["lon"], back["lat"]) == (pytest.approx(107.585, abs=1e-6), pytest.approx(16.467, abs=1e-6))
    assert site.get("/api/v1/position?lon=109.282&lat=13.08")[1]["vn2000"]["epsg"] == 9218
    assert site.get("/api/v1/position?lon=108.3&lat=16.9")[1] == {
        "lon": 108.3, "lat": 16.9, "commune": None, "vn2000": None,
    }  # fmt: skip
    for wrong in ("", "lon=107", "lon=nan&lat=16", "epsg=4326&east=1&north=1", "lon=181&lat=0", "epsg=9214&east=1"):
        assert site.get(f"/api/v1/position?{wrong}")[0] == 422, wrong


def test_a_commune_has_its_outline_and_its_versions(site: Any) -> None:
    square = box(107.55, 16.46, 107.60, 16.50)
    status, point = site.get("/api/v1/areas/19753")
    assert (status, point["geometry"]["type"], point["properties"]["estimated"]) == (200, "Point", True)
    assert point["properties"]["vn2000"]["epsg"] == 9214
    put(site.database, "19753", square)
    _, found = site.get("/api/v1/areas/19753")
    assert shape(found["geometry"]).equals(square)
    assert [one["actor"] for one in found["properties"]["versions"]] == ["Lan", "hệ thống"]
    assert site.get("/api/v1/position?lon=107.585&lat=16.467")[1]["commune"]["title_vi"] == "Phường Phú Xuân"
    assert site.get("/api/v1/areas/1")[0] == 404
    assert site.get("/api/v1/areas/%00")[0] == 404


def test_figures_by_commune_have_classes_unit_source_and_time(site: Any) -> None:
    _, known = site.get("/api/v1/areas/values")
    assert {"boat.registered", "boat.lost"} <= {one["kpi"] for one in known["kpis"]}
    site.fleet.register([1, 2, 3, 4])
    for n, commune in ((1, "Thuận An"), (2, "phường Thuan an"), (3, "Chân Mây – Lăng Cô"), (4, "Xã lạ")):
        change = "UPDATE boat SET commune = :commune WHERE registration = :name"
        told(site.database.owner, change, commune=commune, name=site.fleet.name(n))
    status, found = site.get("/api/v1/areas/values?kpi=boat.registered&province=hue")
    assert status == 200
    told_values = {one["name"]: (one["value"], one["class"]) for one in found["values"] if one["value"]}
    assert told_values == {"Phường Thuận An": (2.0, 1), "Xã Chân Mây - Lăng Cô": (1.0, 0)}
    assert (found["unplaced"], found["unit_vi"], found["source_vi"]) == (1.0, "tàu", "Sổ đăng ký tàu cá")
    assert found["classes"] == [{"low": 1.0, "high": 1.0}, {"low": 2.0, "high": 2.0}]
    assert len(found["values"]) == 40
    assert found["at"].endswith("+00:00")
    status, refused = site.get("/api/v1/areas/values?kpi=boat.happy")
    assert status == 404
    assert "boat.registered" in refused["detail"]
