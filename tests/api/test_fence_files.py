"""Fences as files over the interface: out in three formats, in again unchanged; a look before anything is done."""

import http.client
import io
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import pyogrio
import pytest
import shapely
from shapely.geometry import box, mapping

from geo.fence import REFERENCE_NOTE
from geo.vector_file import read_bytes

SQUARE = mapping(box(107.8, 16.7, 107.95, 16.8))
GATE = {"type": "LineString", "coordinates": [[107.6, 16.5], [107.7, 16.6]]}
HOSTILE = '<b>Khu cấm</b> & "=cmd"|\' \u202e'


def fetched(site: Any, path: str) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    data, headers = answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    return answer.status, data, headers


def sent(site: Any, name: str, data: bytes, **query: str) -> tuple[int, Any]:
    asked = urlencode({"name": name, **query})
    return site.ask("POST", f"/api/v1/fences/import?{asked}", data, content_type="application/octet-stream")


def collection(*features: tuple[Any, dict[str, Any]]) -> bytes:
    made = [{"type": "Feature", "geometry": geometry, "properties": about} for geometry, about in features]
    return json.dumps({"type": "FeatureCollection", "features": made}).encode()


def zipped(folder: Path, *names: str) -> bytes:
    """Shapefiles of one area each in a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            shapes = np.array([shapely.to_wkb(box(107.8, 16.7, 107.95, 16.8))], dtype=object)
            words = np.array(["B"], dtype=object)
            pyogrio.raw.write(
                folder / f"{name}.shp", shapes, [words], ["ten"], driver="ESRI Shapefile", geometry_type="Polygon",
                crs="EPSG:4326", encoding="UTF-8",
            )  # fmt: skip
            for part in folder.glob(f"{name}.*"):
                made.write(part, part.name)
    return out.getvalue()


@pytest.fixture
def site(serve: Any) -> Any:
    site = serve()
    watch = {"kinds": ["inside", "approach"], "severity": "critical", "response_vi": "Gọi <chủ tàu>"}
    body = {"actor": "Lan", "name_vi": HOSTILE, "geometry": SQUARE, "buffer_m": 500, "dwell_s": 90.5, "watch": watch}
    times = {"season": [["04-01", "06-30"]], "valid_from": "2026-01-01T00:00:00+07:00", "review_by": "2027-12-31"}
    who = {"applies_to": {"length_m": [15, None], "exclude": ["574000001"]}, "owner": "Chi cục", "note": "hai\ndòng"}
    assert site.ask("PUT", "/api/v1/fences/cam", {**body, **times, **who})[0] == 200
    line = {"actor": "Lan", "name_vi": "Cửa", "kind": "gate", "geometry": GATE, "watch": {"kinds": ["crossing"]}}
    assert site.ask("PUT", "/api/v1/fences/cua", line)[0] == 200
    return site


@pytest.mark.parametrize("suffix", ["geojson", "kml", "gpkg"])
def test_what_is_exported_is_imported_unchanged_every_fence_of_it(site: Any, suffix: str) -> None:
    status, data, headers = fetched(site, f"/api/v1/fences.{suffix}")
    assert status == 200
    assert headers["content-disposition"].endswith(f'.{suffix}"')
    count = len(site.get("/api/v1/fences")[1]["features"])
    status, answer = sent(site, f"vung.{suffix}", data)
    assert (status, answer["counts"]) == (200, {"added": 0, "changed": 0, "unchanged": count, "refused": 0})
    assert answer["ignored"] == []
    rows = read_bytes(f"a.{suffix}", data).rows
    notes = {row.properties["key"]: row.properties["note"] for row in rows}
    assert {key for key, note in notes.items() if note == REFERENCE_NOTE} >= {"tuyen_bo", "tuyen_long", "vung_long"}
    if suffix == "kml":
        assert b"<b>" not in data


def test_some_fences_alone_and_none_that_are_not_there(site: Any) -> None:
    status, data, _ = fetched(site, "/api/v1/fences.geojson?key=cua&key=cam")
    assert (status, {one["id"] for one in json.loads(data)["features"]}) == (200, {"cam", "cua"})
    assert site.get("/api/v1/fences.kml?key=khong")[0] == 404
    assert site.get("/api/v1/fences.exe")[0] == 422


def test_a_look_first_and_then_what_was_looked_at(site: Any) -> None:
    data = collection((SQUARE, {"key": "moi", "name": "Mới"}), (SQUARE, {"key": "cam", "buffer_m": 926}))
    status, look = sent(site, "vùng.geojson", data)
    assert (status, [row["what"] for row in look["rows"]], look["applied"]) == (200, ["added", "changed"], None)
    assert look["rows"][1]["fields"] == ["buffer_m"]
    assert site.get("/api/v1/fences/moi")[0] == 404
    assert sent(site, "vùng.geojson", data, apply="1")[0] == 422
    assert (
        site.ask(
            "PUT",
            "/api/v1/fences/cua",
            {"actor": "Minh", "name_vi": "x", "kind": "gate", "geometry": GATE, "version": 1},
        )[0]
        == 200
    )
    newer = {"actor": "Minh", "name_vi": "Minh đổi", "geometry": SQUARE, "version": 1, "buffer_m": 700}
    assert site.ask("PUT", "/api/v1/fences/cam", newer)[0] == 200
    status, answer = sent(site, "vùng.geojson", data, apply="1", actor="Lan", plan=look["plan"])
    assert (status, answer["detail"]["rows"][1]["what"]) == (409, "changed")
    status, answer = sent(site, "vùng.geojson", data, apply="1", actor="Lan", plan=answer["detail"]["plan"])
    assert (status, answer["applied"]) == (200, 2)
    versions = site.get("/api/v1/fences/cam/versions")[1]
    assert (versions[0]["actor"], versions[0]["comment"]) == ("Lan", "nhập từ tệp vùng.geojson")
    assert site.get("/api/v1/fences/cam")[1]["properties"]["name_vi"] == "Minh đổi"


def test_a_refused_row_keeps_the_rest_out_and_says_where(site: Any) -> None:
    bow = {"type": "Polygon", "coordinates": [[[107, 16], [108, 17], [108, 16], [107, 17], [107, 16]]]}
    data = collection((SQUARE, {"name": "Tốt"}), (bow, {"name": "Nơ"}))
    status, answer = sent(site, "a.geojson", data, apply="1", actor="Lan")
    assert (status, answer["applied"], answer["counts"]["refused"]) == (200, None, 1)
    assert answer["rows"][1]["refusals"][0]["place"] == [107.5, 16.5]
    status, answer = sent(site, "a.geojson", data, apply="1", actor="Lan", skip_refused="1")
    assert (status, answer["applied"]) == (200, 1)


def test_a_reference_line_is_not_replaced_from_here(site: Any) -> None:
    line = {"type": "LineString", "coordinates": [[107.0, 17.0], [108.0, 16.0]]}
    status, answer = sent(site, "a.geojson", collection((line, {"key": "tuyen_bo"})), apply="1", actor="Lan")
    assert (status, answer["counts"]["refused"]) == (200, 1)
    assert "--authority" in answer["rows"][0]["refusals"][0]["en"]


def test_what_cannot_be_read_and_what_is_too_large(site: Any) -> None:
    status, answer = sent(site, "a.gpkg", b"x" * 100)
    assert (status, answer["detail"][0]["vi"]) == (422, "Đuôi tệp nói là GeoPackage nhưng nội dung không phải")
    assert sent(site, "/vsicurl/http://127.0.0.1/a.exe", b"x")[0] == 422
    assert sent(site, "../../etc/a.geojson", b"{}")[0] == 422
    assert sent(site, "a.geojson", b"{}", crs="+proj=utm")[0] == 422
    assert sent(site, "a.geojson", b"{}", kind="rừng")[0] == 422
    assert sent(site, "a.geojson", b" " * (3 << 20))[0] == 422
    assert sent(site, "a.geojson", b" " * ((8 << 20) + 1))[0] == 413
    path = f"/api/v1/fences/import?name={quote('a.geojson')}"
    assert site.ask("POST", path, b"{}", origin="https://evil.example")[0] == 403
    assert site.ask("POST", path, b"{}", sec_fetch_site="cross-site")[0] == 403


def test_halves_of_letters_and_layers_to_choose_from(site: Any, tmp_path: Path) -> None:
    odd = collection((SQUARE, {"key": "le", "name": "A\ud800\0", "màu\ud801": 1}))
    status, answer = sent(site, "a.geojson", odd, apply="1", actor="Lan")
    assert (status, answer["applied"], answer["rows"][0]["name"]) == (200, 1, "A?")
    archive = zipped(tmp_path, "mot", "hai")
    status, answer = sent(site, "a.zip", archive)
    assert (status, answer["detail"][0]["layers"]) == (422, ["hai", "mot"])
    status, answer = sent(site, "a.zip", archive, layer="mot")
    assert (status, answer["counts"]["added"]) == (200, 1)
