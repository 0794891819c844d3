"""Files of fences: every format with its reference system and its letters, and files that mean harm or are broken."""

import json
import shutil
import sqlite3
import struct
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from shapely.geometry import box, mapping

from geo import kml
from geo.fence import REFERENCE_NOTE, Fence
from geo.fence_file import Draft, drafts, features, flat, key_of
from geo.fence_kind import Wrong
from geo.projection import Unclear, plan
from geo.reference import reference_fences
from geo.vector_file import FileFault, Row, geopackage, read_bytes, read_file
from geo.watch import Held

# What GDAL remarks while it writes a test's file does not matter here.
pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
SQUARE = box(107.5, 16.4, 107.6, 16.5)
HUE = (562266.84, 1821342.27)  # domain.md: of 107.585, 16.467 in EPSG:9214
PLANE = box(HUE[0], HUE[1], HUE[0] + 1000, HUE[1] + 1000)
NAME = "Vùng cấm Thuận An – Đầm Phá"
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def collection(*features: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, **more}).encode()


def feature(geometry: Any = SQUARE, **properties: Any) -> dict[str, Any]:
    shape = mapping(geometry) if isinstance(geometry, shapely.Geometry) else geometry
    return {"type": "Feature", "properties": {"name": NAME, **properties}, "geometry": shape}


def written(path: Path, driver: str, geometry: Any = SQUARE, crs: str | None = "EPSG:4326", **more: Any) -> Path:
    """A file of one named area, by GDAL itself."""
    shapes = np.array([shapely.to_wkb(geometry)], dtype=object)
    names = np.array([NAME], dtype=object)
    kind = geometry.geom_type
    if driver == "ESRI Shapefile":
        more = {"encoding": "UTF-8", **more}
    pyogrio.raw.write(path, shapes, [names], ["ten"], driver=driver, geometry_type=kind, crs=crs, **more)
    return path


def only(path: Path, **more: Any) -> Draft:
    (draft,), _ = drafts(read_file(path, **more).rows)
    assert draft.faults == ()
    return draft


def corner(draft: Draft) -> tuple[float, float]:
    return tuple(shapely.geometry.shape(draft.geometry).bounds[:2])


# Every format, every reference system


@pytest.mark.parametrize(("suffix", "driver"), [("gpkg", "GPKG"), ("shp", "ESRI Shapefile"), ("kml", "KML")])
def test_a_file_of_another_program_is_read_with_its_vietnamese_names(tmp_path: Path, suffix: str, driver: str) -> None:
    more = {"layer_options": {"NameField": "ten"}} if driver == "KML" else {}
    draft = only(written(tmp_path / f"tệp vùng.{suffix}", driver, **more))
    assert (draft.key, draft.said["name_vi"]) == ("vung_cam_thuan_an_dam_pha", NAME)
    assert corner(draft) == (107.5, 16.4)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "shp", "csv"])
def test_fact_vn2000_comes_with_its_datum_within_a_metre(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    crs = None
    if suffix == "geojson":
        named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::9214"}}
        path.write_bytes(collection(feature(PLANE), crs=named))
    elif suffix == "csv":
        path.write_text(f"name;wkt\nA;{PLANE.wkt}\n", "utf-8")
        crs = "EPSG:9214"
        with pytest.raises(FileFault, match="--crs EPSG:9214"):
            read_file(path)
    else:
        written(path, "GPKG" if suffix == "gpkg" else "ESRI Shapefile", PLANE, "EPSG:9214")
    square = shapely.geometry.shape(only(path, crs=crs).geometry)
    assert square.exterior.distance(shapely.Point(107.585, 16.467)) < 9e-6  # a metre
    at, move = plan("EPSG:9214", [])
    place = shapely.geometry.shape(move(mapping(shapely.Point(HUE)))["geometry"])
    assert at == "EPSG:9214 (VN-2000 / TM-3 107-00)"
    assert abs(place.x - 107.585) * 106_700 < 1
    assert abs(place.y - 16.467) * 110_600 < 1


def test_a_long_edge_in_a_plane_is_followed_in_degrees() -> None:
    _, move = plan("EPSG:9218", [])
    moved = shapely.geometry.shape(
        move(mapping(shapely.LineString([(450_000, 1_440_000), (550_000, 1_440_000)])))["geometry"]
    )
    assert len(moved.coords) >= 10


def test_easting_and_northing_the_wrong_way_round_is_told_and_so_is_another_zone() -> None:
    _, move = plan("EPSG:9214", [])
    swapped = shapely.transform(PLANE, lambda at: at[:, ::-1])
    assert "swapped" in move(mapping(swapped))["fault"]["en"]
    far = shapely.transform(PLANE, lambda at: at + np.array([3_000_000, 0]))
    assert "is --crs right?" in move(mapping(far))["fault"]["en"]


def test_no_system_without_a_way_to_wgs84_and_no_unknown_one() -> None:
    local = 'LOCAL_CS["site",UNIT["metre",1]]'
    for named in (local, "EPSG:999999", "rubbish"):
        with pytest.raises(Unclear):
            plan(named, [])


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_degrees_without_a_system_are_wgs84_and_numbers_that_are_none_are_asked_about(tmp_path: Path) -> None:
    assert corner(only(written(tmp_path / "a.shp", "ESRI Shapefile", SQUARE, None))) == (107.5, 16.4)
    with pytest.raises(FileFault, match="no reference system"):
        read_file(written(tmp_path / "b.shp", "ESRI Shapefile", PLANE, None))
    with pytest.raises(FileFault, match="no reference system"):
        read_bytes("a.geojson", collection(feature(PLANE)))


def codepage(tmp_path: Path, page: str | None, encoding: str, name: str) -> str:
    path = written(tmp_path / "a.shp", "ESRI Shapefile", encoding="UTF-8")
    table = path.with_suffix(".dbf")
    data = table.read_bytes()
    told = name.encode(encoding)
    at = data.index(NAME.encode()[:8])
    table.write_bytes(data[:at] + told.ljust(80)[:80] + data[at + 80 :])
    path.with_suffix(".cpg").unlink()
    if page:
        path.with_suffix(".cpg").write_text(page)
    return str(only(path).said["name_vi"])


@pytest.mark.parametrize(
    ("page", "encoding"), [("UTF-8", "utf-8"), (None, "utf-8"), (None, "cp1258"), ("1258", "cp1258")]
)
def test_letters_of_a_dbf_with_and_without_a_cpg(tmp_path: Path, page: str | None, encoding: str) -> None:
    assert codepage(tmp_path, page, encoding, "Vung Đà Nang") == "Vung Đà Nang"


def test_a_name_cut_in_the_middle_of_a_letter_loses_that_letter_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.shp"
    long = np.array(["ế" * 100], dtype=object)  # 300 bytes where a field holds 254
    pyogrio.raw.write(
        path, np.array([shapely.to_wkb(SQUARE)], dtype=object), [long], ["name"], driver="ESRI Shapefile",
        geometry_type="Polygon", crs="EPSG:4326", encoding="UTF-8",
    )  # fmt: skip
    assert set(only(path).said["name_vi"]) == {"ế"}


def test_a_shapefile_in_a_zip_and_one_of_two_by_its_name(tmp_path: Path) -> None:
    for name in ("mot", "hai"):
        written(tmp_path / f"{name}.shp", "ESRI Shapefile")
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    for archive, stems in ((one, ("mot",)), (two, ("mot", "hai"))):
        with zipfile.ZipFile(archive, "w") as made:
            for stem in stems:
                for part in tmp_path.glob(f"{stem}.*"):
                    made.write(
                        part,
                        f"thư mục/{part.name.upper() if part.suffix == '.dbf' else part.name}".replace("MOT", "mot"),
                    )
    assert corner(only(one)) == (107.5, 16.4)
    with pytest.raises(FileFault, match="hai, mot"):
        read_file(two)
    assert only(two, layer="hai").said["name_vi"] == NAME


def test_a_workbook_with_wkt(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    # GDAL writes no geometry to a workbook, so a table of text is what people have.
    cells = [np.array([NAME], dtype=object), np.array([SQUARE.wkt], dtype=object), np.array(["500"], dtype=object)]
    pyogrio.raw.write(
        path, None, [*cells, np.array(["2027-04-01"], dtype=object)], ["ten", "wkt", "buffer_m", "valid_from"],
        driver="XLSX", geometry_type=None, crs=None,
    )  # fmt: skip
    draft = only(path)
    assert (draft.number, draft.said["name_vi"], draft.said["buffer_m"]) == (2, NAME, 500.0)
    assert draft.said["valid_from"].isoformat() == "2027-04-01T00:00:00+07:00"
    assert corner(draft) == (107.5, 16.4)


def test_a_geopackage_of_several_layers_names_them_and_tables_of_styles_do_not_count(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg", "GPKG", layer="mot")
    words = np.array(["x"], dtype=object)
    pyogrio.raw.write(
        path, None, [words], ["style"], driver="GPKG", geometry_type=None, crs=None, layer="layer_styles", append=True
    )
    assert only(path).said["name_vi"] == NAME
    written(path, "GPKG", layer="hai", append=True)
    with pytest.raises(FileFault, match="say --layer-name: mot, hai") as told:
        read_file(path)
    assert told.value.layers == ("mot", "hai")
    assert only(path, layer="hai").said["name_vi"] == NAME
    with pytest.raises(FileFault, match="no such layer"):
        read_file(path, layer="ba")


def test_a_shapefile_without_its_index_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.shp", "ESRI Shapefile")
    path.with_suffix(".shx").unlink()
    assert corner(only(path)) == (107.5, 16.4)


def test_a_csv_with_semicolons_a_byte_order_mark_and_empty_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = f'Tên;Loại;geometry;dwell_s;màu\r\n;;;;\r\n{NAME};port;"SRID=4326;{SQUARE.wkt}";1,5;đỏ\r\n'
    path.write_bytes(rows.encode("utf-8-sig"))
    (draft,), ignored = drafts(read_file(path).rows)
    assert (draft.number, draft.said) == (3, {"name_vi": NAME, "kind": "port", "dwell_s": 1.5})
    assert ignored == ["màu"]


# Files that are broken or mean harm: one clear line each


def zipped(**members: bytes) -> bytes:
    import io

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name.replace("_", "."), data)
    return out.getvalue()


BOMB = b"\0" * (200 << 20)
SOURCE = b"<SrcDataSource>/etc/passwd</SrcDataSource>"
VRT = b'<OGRVRTDataSource><OGRVRTLayer name="x">' + SOURCE + b"</OGRVRTLayer></OGRVRTDataSource>"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.geojson", b"", "empty"),
        ("a.gpkg", b"", "empty"),
        ("a.geojson", collection(feature())[:-40], "cut off, at line 1"),
        ("a.geojson", b"[" * 100_000, "JSON"),
        ("a.geojson", b'{"a": 1}', "no GeoJSON"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', "no features"),
        ("a.geojson", b"\xff\xfe\x00{", "named as GeoJSON"),
        ("a.geojson", VRT, "named as GeoJSON"),
        ("a.kml", VRT, "no KML"),
        ("a.kml", b"<kml><Placemark>", "cut off, at line 1"),
        ("a.csv", b"a,b\n1,2\n", "no column of geometry"),
        ("a.csv", b"a\0b", "no text"),
        ("a.gpkg", b"SQLite format 3\0" + b"x" * 50, "cut off or damaged"),
        ("a.gpkg", b"SQLite format 3\0" + b"\1" * 90_000, "cut off or damaged"),
        ("a.gpkg", VRT, "named as GeoPackage"),
        ("a.xlsx", zipped(a_txt=b"x"), "no XLSX"),
        ("a.xlsx", b"PK\x03\x04rubbish", "damaged"),
        ("a.zip", zipped(a_txt=b"x"), "no shapefile"),
        ("a.zip", zipped(a_shp=VRT), "cut off or damaged"),
        ("a.zip", zipped(a_shp=BOMB), "unpacks to more"),
        ("a.xlsx", zipped(xl_workbook=b"", sheet=BOMB), "unpacks to more"),
        ("a.shp", b"\x00\x00\x27\x0a", "as one .zip"),
        ("a.exe", b"MZ", "not read"),
        ("a", b"x", "not read"),
        ("a.geojson", b" " * (33 << 20), "too large"),
        ("a.csv", b"wkt\n" + b"POINT (1 1)\n" * 2_001, "too many rows"),
    ],
)  # fmt: skip
def test_hostile_bytes_are_refused_in_one_line(name: str, data: bytes, words: str) -> None:
    with pytest.raises(FileFault, match=words) as told:
        read_bytes(name, data)
    assert "\n" not in str(told.value)
    assert told.value.vi


def test_a_lying_zip_directory_is_found_out(tmp_path: Path) -> None:
    data = bytearray(zipped(a_shp=b"\x00\x00\x27\x0a" + BOMB, a_dbf=b"x"))
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        here = data.index(mark)
        data[here + at : here + at + 4] = struct.pack("<I", 1000)
    with pytest.raises(FileFault, match=r"damaged|unpacks|cut off"):
        read_bytes("a.zip", bytes(data))


def test_an_entity_bomb_is_no_kml() -> None:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    data = f'<!DOCTYPE kml [<!ENTITY a0 "ha">{levels}]><kml><Placemark><name>&a9;</name></Placemark></kml>'
    with pytest.raises(FileFault):
        read_bytes("a.kml", data.encode())


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.98])
@pytest.mark.parametrize(("suffix", "driver"), [("gpkg", "GPKG"), ("shp", "ESRI Shapefile")])
def test_a_truncated_file_is_no_shorter_list(tmp_path: Path, suffix: str, driver: str, keep: float) -> None:
    path = written(tmp_path / f"a.{suffix}", driver, shapely.segmentize(SQUARE, 0.001))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(FileFault, match="cut off or damaged"):
        read_file(path)


@pytest.mark.parametrize(
    "name",
    ["/vsicurl/http://127.0.0.1:9/a.geojson", "http://127.0.0.1:9/a.kml", "/vsizip//a.gpkg", "/x/a.shp", "GPKG:a.gpkg"],
)  # fmt: skip
def test_only_files_of_this_machine_are_read(name: str) -> None:
    with pytest.raises(FileFault, match="only files of this machine"):
        read_file(Path(name))


def test_a_database_that_is_no_geopackage_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    with sqlite3.connect(path) as opened:
        opened.execute("CREATE TABLE a (geometry text)")
    opened.close()
    with pytest.raises(FileFault):
        read_file(path)


# Rows


def test_a_row_says_only_what_it_says() -> None:
    told = {
        "key": "cam",
        "Ten": "Cấm",
        "buffer_m": "500",
        "watch": '{"kinds": ["inside"], "severity": "low"}',
        "màu": 1,
    }
    (draft,), ignored = drafts([Row(1, told, mapping(SQUARE), None)])
    assert (draft.key, dict(draft.said), ignored) == ("cam", {"name_vi": "Cấm", "buffer_m": 500.0}, ["màu"])
    kept = Held(Fence("cam", "port", "Cũ", "Old", SQUARE, note="giữ", season=[["04-01", "06-30"]], hysteresis_m=7))
    fence, watch = draft.onto(kept)
    assert (fence.kind, fence.name_vi, fence.note, fence.hysteresis_m) == ("port", "Cấm", "giữ", 7)
    assert watch is not None
    assert (watch.kinds, watch.severity) == ({"inside"}, "low")
    new, begun = draft.onto(None)
    assert (new.kind, new.hysteresis_m, new.buffer_m) == ("area", 50.0, 500.0)
    assert begun is not None
    assert begun.kinds == {"inside"}


def test_null_clears_a_text_and_an_empty_cell_changes_nothing() -> None:
    rows = [
        Row(n, {"key": f"k{n}", "name": "A", "note": value}, mapping(SQUARE), None) for n, value in ((1, None), (2, ""))
    ]
    found, _ = drafts(rows)
    kept = Held(Fence("k1", "area", "A", "", SQUARE, note="cũ"))
    assert [one.onto(kept)[0].note for one in found] == [None, "cũ"]


def test_keys_are_made_of_names_the_same_each_time() -> None:
    rows = [Row(n, {"name": "Vùng Đá"}, mapping(SQUARE), None) for n in (1, 2)]
    rows += [Row(3, {"id": "cam", "name": "B"}, mapping(SQUARE), None), Row(4, {"key": "cam"}, mapping(SQUARE), None)]
    found, _ = drafts(rows)
    assert [one.key for one in found] == ["vung_da", "vung_da_2", "cam", "cam"]
    assert [one.field for one in found[3].faults] == ["key"]
    assert key_of("Export") == "export_2"
    assert [one.key for one in drafts(rows)[0]] == [one.key for one in found]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("buffer_m", "xa"), ("dwell_s", "NaN"), ("valid_from", "hôm qua"), ("review_by", "31/31/2027"),
        ("season", "mùa hè"), ("applies_to", "[1]"), ("watch", '{"kinds": "inside"}'), ("watch", "x"), ("version", "x"),
        ("watch", '{"kinds": [1]}'), ("valid_to", "0001-01-01T00:00:00+07:00"), ("applies_to", '{"a": ["\\u0000"]}'),
        ("applies_to", '{"a": ["\\ud800"]}'), ("watch", '{"off_delay_s": -1}'), ("season", "[" * 100_000),
        ("watch", '{"response_vi": "' + "x" * 2_001 + '"}'),
        ("watch", '{"steps_nm": ["x"]}'), ("name_vi", {"a": 1}), ("season", 7),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_read_is_told_by_its_field(field: str, value: Any) -> None:
    (draft,), _ = drafts([Row(1, {"key": "a", "name": "A", field: value}, mapping(SQUARE), None)])
    assert [one.field for one in draft.faults] == [field]
    assert draft.faults[0].vi


def test_a_line_must_say_what_it_is_and_rows_without_a_shape_say_so() -> None:
    line = mapping(shapely.LineString([(107, 16), (108, 16)]))
    (draft,), _ = drafts([Row(1, {"name": "A"}, line, None)])
    with pytest.raises(Wrong, match="--kind"):
        draft.onto(None)
    (draft,), _ = drafts([Row(1, {"name": "A"}, line, None)], "gate")
    assert draft.onto(None)[0].kind == "gate"
    content = collection(feature(None), {"type": "Feature"}, feature({"type": "GeometryCollection", "geometries": []}))
    found, _ = drafts(read_bytes("a.geojson", content).rows)
    assert [[one.field for one in each.faults] for each in found] == [["geom"], ["name_vi", "geom"], []]


def test_letters_that_no_database_keeps_do_not_come_through() -> None:
    data = collection(feature(SQUARE, key="a", note="a\0b\ud800", owner={"x": "\0"}))
    (row,) = read_bytes("a.geojson", data).rows
    assert (row.properties["note"], row.properties["owner"]) == ("ab?", {"x": ""})


def test_heights_are_dropped(tmp_path: Path) -> None:
    raised = shapely.force_3d(SQUARE, 12.0)
    for path in (written(tmp_path / "a.gpkg", "GPKG", raised), tmp_path / "a.csv"):
        if path.suffix == ".csv":
            path.write_text(f'name,wkt\nA,"{shapely.to_wkt(raised, output_dimension=3)}"\n', "utf-8")
        assert not shapely.geometry.shape(only(path).geometry).has_z


# Out and in again


def test_what_is_written_is_read_back_value_by_value() -> None:
    holes = shapely.Polygon(SQUARE.exterior, [box(107.52, 16.42, 107.53, 16.43).exterior])
    many = shapely.MultiPolygon([holes, box(108, 16, 108.1, 16.1)])
    hostile = "<script>alert('x')</script> & \"=1+1\" ]]>"
    own = Fence(
        "a-1", "area", hostile, NAME, many, note="dòng một\ndòng hai", valid_from=NOW, season=[["04-01", "06-30"]],
        applies_to={"length_m": [15, None]}, review_by=NOW.date(), buffer_m=926.0, dwell_s=60.5, owner="Chi cục",
    )  # fmt: skip
    found = [Held(own), *map(Held, reference_fences())]
    made = features(found, NOW)
    files = {
        "a.geojson": json.dumps({"type": "FeatureCollection", "features": made}).encode(),
        "a.kml": kml.document("Vùng", flat(made)),
        "a.gpkg": geopackage(flat(made)),
    }
    for name, data in files.items():
        back, ignored = drafts(read_bytes(name, data).rows)
        assert ignored == [], name
        for one, known in zip(back, found, strict=True):
            fence, _ = one.onto(Held(known.fence))
            assert one.faults == ()
            assert shapely.geometry.shape(fence.geom).equals_exact(known.fence.geom), name
            for field in ("key", "kind", "name_vi", "name_en", "note", "valid_from", "buffer_m", "dwell_s", "owner"):
                assert getattr(fence, field) == getattr(known.fence, field), (name, field)
            assert (list(fence.season), dict(fence.applies_to)) == (
                list(known.fence.season),
                dict(known.fence.applies_to),
            )
    assert b"<script>" not in files["a.kml"]
    assert files["a.kml"].decode().count(REFERENCE_NOTE) == 2 * len(reference_fences())


def test_no_parts_of_the_reader_stay_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    read_bytes("a.geojson", collection(feature()))
    assert list(tmp_path.iterdir()) == []
    shutil.rmtree(tmp_path)
