"""Fences for other systems: what is accepted, what is refused and why, versions, and who was first."""

from typing import Any

import pytest
from shapely.geometry import shape

RING = [[107.8, 16.7], [107.95, 16.7], [107.95, 16.8], [107.8, 16.8], [107.8, 16.7]]
AREA = {"type": "Polygon", "coordinates": [RING]}
BOW = {"type": "Polygon", "coordinates": [[[107, 16], [108, 17], [108, 16], [107, 17], [107, 16]]]}
BODY: dict[str, Any] = {
    "actor": "Lan",
    "name_vi": "Khu cấm",
    "geometry": AREA,
    "buffer_m": 500,
    "season": [["04-01", "06-30"]],
    "watch": {"kinds": ["inside", "approach"], "severity": "critical"},
}


def test_a_fence_is_saved_read_changed_retired_and_restored(serve: Any) -> None:
    site = serve()
    path = "/api/v1/fences/cam"
    assert site.get(path)[0] == 404
    status, answer = site.ask("PUT", path, BODY)
    assert (status, answer["version"], answer["rules"]) == (200, 1, ["inside", "approach"])
    status, feature = site.get(path)
    assert (status, feature["type"], feature["id"]) == (200, "Feature", "cam")
    assert shape(feature["geometry"]).equals(shape(AREA))
    about = feature["properties"]
    assert (about["name_vi"], about["buffer_m"], about["season"]) == ("Khu cấm", 500, [["04-01", "06-30"]])
    assert about["watch"]["kinds"] == ["inside", "approach"]
    assert about["area_km2"] == pytest.approx(177, rel=0.02)
    everything = site.get("/api/v1/fences")[1]
    assert everything["type"] == "FeatureCollection"
    assert {"cam", "tuyen_bo", "vung_long"} <= {one["id"] for one in everything["features"]}
    status, answer = site.ask("PUT", path, {**BODY, "version": 1, "name_vi": "Khu khác", "actor": "Minh"})
    assert (status, answer["version"], answer["changed"]) == (200, 2, ["name_vi"])
    status, answer = site.ask("PUT", path, {**BODY, "version": 1})
    assert (status, answer["detail"]["version"], answer["detail"]["actor"]) == (409, 2, "Minh")
    assert site.ask("DELETE", path, {"actor": "Lan", "version": 2})[0] == 422
    assert site.ask("DELETE", path, {"actor": "Lan", "version": 2, "comment": "hết mùa"})[0] == 200
    assert "cam" not in {one["id"] for one in site.get("/api/v1/fences")[1]["features"]}
    kept = [one for one in site.get("/api/v1/fences?retired=1")[1]["features"] if one["id"] == "cam"]
    assert [one["properties"]["state"] for one in kept] == ["retired"]
    status, answer = site.ask("POST", f"{path}/restore", {"actor": "Lan", "version": 3, "restore": 1})
    assert (status, answer["version"]) == (200, 4)
    status, lines = site.get(f"{path}/versions")
    told = [(one["version"], one["actor"], one["changed"]) for one in lines]
    assert told == [
        (4, "Lan", ["name_vi", "retired_at"]), (3, "Lan", ["retired_at"]), (2, "Minh", ["name_vi"]), (1, "Lan", []),
    ]  # fmt: skip
    assert site.get("/api/v1/fences/khong/versions")[0] == 404
    assert site.ask("DELETE", "/api/v1/fences/khong", {"actor": "Lan", "version": 1, "comment": "x"})[0] == 404
    assert site.ask("POST", f"{path}/restore", {"actor": "Lan", "version": 4, "restore": 77})[0] == 404


def test_a_bow_tie_is_told_where_it_crosses_and_kept_only_when_that_is_wished(serve: Any) -> None:
    site = serve()
    status, answer = site.ask("POST", "/api/v1/fences/check", {"geometry": BOW, "kind": "area"})
    assert (status, answer["repaired"], answer["faults"][0]["place"]) == (200, True, [107.5, 16.5])
    assert answer["geometry"]["type"] == "MultiPolygon"
    status, refused = site.ask("PUT", "/api/v1/fences/no", {**BODY, "geometry": BOW})
    assert status == 422
    assert refused["detail"][0]["loc"] == ["body", "geometry"]
    assert refused["detail"][0]["place"] == [107.5, 16.5]
    assert refused["detail"][1]["repaired"] == answer["geometry"]
    assert site.ask("PUT", "/api/v1/fences/no", {**BODY, "geometry": BOW, "repair": True})[0] == 200
    assert site.get("/api/v1/fences/no")[1]["geometry"]["type"] == "MultiPolygon"


def test_circles_and_corridors_become_polygons(serve: Any) -> None:
    site = serve()
    circle = {"circle": {"lon": 107.9, "lat": 16.7, "radius_m": 2000}}
    status, answer = site.ask("POST", "/api/v1/fences/check", circle)
    assert (status, answer["area_km2"]) == (200, pytest.approx(12.566, rel=0.01))
    strip = {"corridor": {"line": [[107.6, 16.6], [107.8, 16.8]], "width_m": 1000}}
    status, answer = site.ask("POST", "/api/v1/fences/check", strip)
    assert (status, answer["geometry"]["type"]) == (200, "Polygon")
    body = {name: value for name, value in BODY.items() if name != "geometry"}
    assert site.ask("PUT", "/api/v1/fences/tron", {**body, **circle})[0] == 200
    assert len(site.get("/api/v1/fences/tron")[1]["geometry"]["coordinates"][0]) == 97
    for wrong in (
        {"circle": {"lon": 107, "lat": 16, "radius_m": -1}},
        {"corridor": {"line": [[107, 16], [107, 16]], "width_m": 100}},
        {},
        {"geometry": AREA, **circle},
        {"geometry": AREA, "colour": "red"},
    ):
        assert site.ask("POST", "/api/v1/fences/check", wrong)[0] == 422, wrong


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"actor": " "}, None),
        ({"actor": None}, "actor"),
        ({"name_vi": ""}, "name_vi"),
        ({"kind": "kingdom"}, "kind"),
        ({"kind": "coast_line"}, "kind"),
        ({"kind": "gate"}, "geometry"),
        ({"buffer_m": -1}, "buffer_m"),
        ({"buffer_m": 3}, "buffer_m"),
        ({"season": [["13-01", "14-01"]]}, "season"),
        ({"applies_to": {"length_m": "long"}}, "applies_to"),
        ({"valid_from": "2026-05-01T00:00", "valid_to": "2026-04-01T00:00"}, "valid_to"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[16, 107], [17, 107], [17, 108]]]}}, "geometry"),
        ({"watch": {"kinds": ["crossing"]}}, "kinds"),
        ({"watch": {"kinds": ["kissing"]}}, "watch"),
        ({"buffer": 5}, "buffer"),
    ],
)
def test_each_fault_names_its_field(serve: Any, change: dict[str, Any], field: str | None) -> None:
    site = serve()
    status, answer = site.ask("PUT", "/api/v1/fences/x", {**BODY, **change})
    assert status == 422, answer
    if field is not None:
        assert answer["detail"][0]["loc"][1] == field
        assert answer["detail"][0]["msg"]
    assert site.get("/api/v1/fences/x")[0] == 404


def test_keys_that_are_words_of_addresses_and_odd_ones_are_refused(serve: Any) -> None:
    site = serve()
    for key in ("new", "check", "export", "Khu", "a%2Fb", "x" * 61):
        assert site.ask("PUT", f"/api/v1/fences/{key}", BODY)[0] in (404, 405, 422), key
    assert site.ask("PUT", "/api/v1/fences/x", b"[" * 100_000)[0] in (400, 422)
