import json
from pathlib import Path

import pytest

from geo.camera_file import Given, azimuth, drafts, read_list, rows_of
from geo.vector_file import FileFault
from geo.wrong import Wrong

ONE = {"Mã camera": "C-01", "Tên": "Ngã sáu", "Kinh độ": "107,5885", "Vĩ độ": "16,4621", "Hướng nhìn": "Đông Bắc",
       "Góc nhìn": "70°", "Tầm nhìn (m)": "120", "Loại": "Giao thông", "Đơn vị quản lý": "Công an TP",
       "Lưu hình": "75 ngày",
       "Địa chỉ ảnh": "http://10.0.0.9/a.jpg", "STT": 1, "Màu vỏ": "trắng"}  # fmt: skip


def test_a_list_in_vietnamese_is_read_under_our_names() -> None:
    (draft,), ignored = drafts([(2, ONE)], Given(owner="Khác", provider="VNPT"))
    assert draft.faults == ()
    assert draft.said == {
        "id": "C-01", "name": "Ngã sáu", "lon": 107.5885, "lat": 16.4621, "azimuth_deg": 45, "field_of_view_deg": 70,
        "range_m": 120, "kind": "traffic", "owner": "Công an TP", "retention_days": 75,
        "snapshot_url": "http://10.0.0.9/a.jpg", "provider": "VNPT",
    }  # fmt: skip
    assert ignored == ["Màu vỏ"]


@pytest.mark.parametrize(
    ("told", "degrees"),
    [("NE", 45), ("Eastbound", 90), ("nnw", 337.5), ("tây nam", 225), (360, 0), ("90,5", 90.5), ("South", 180)],
)
def test_directions_are_degrees_or_points_of_the_compass(told: object, degrees: float) -> None:
    assert azimuth(told) == degrees


def test_a_direction_that_is_none_is_a_note_and_one_that_cannot_be_is_a_fault() -> None:
    (both,), _ = drafts([(1, {**ONE, "Hướng nhìn": "Both Directions"})])
    assert not both.faults
    assert [note.field for note in both.notes] == ["Hướng nhìn"]
    assert "azimuth_deg" not in both.said
    with pytest.raises(Wrong, match="no direction"):
        azimuth("sideways")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("Vĩ độ", "107", "is not in -90 to 90"),
        ("Kinh độ", "mười", "is no number"),
        ("Góc nhìn", 400, "is not in 0 to 360"),
        ("Loại", "bay", "there is no kind"),
        ("Địa chỉ ảnh", "rtsp://10.0.0.9/1", "must begin with https://"),
        ("Địa chỉ ảnh", "http://admin:secret@10.0.0.9/1.jpg", "must not hold a user or a password"),
        ("Lưu hình", "7.5", "no whole number of days"),
        ("Tầm nhìn (m)", 30_000, "is not in 0 to 20000"),
        ("Tên", ["a"], "is no text"),
    ],
)
def test_what_cannot_be_is_told_by_the_lists_own_column(column: str, value: object, words: str) -> None:
    (draft,), _ = drafts([(1, {**ONE, column: value})])
    assert [(fault.field, words in fault.en) for fault in draft.faults] == [(column, True)]
    assert all(fault.vi for fault in draft.faults)


def test_no_position_or_nought_is_a_fault_and_an_id_stands_once() -> None:
    placeless = {"id": "a", "name": "x"}
    nought = {"id": "b", "name": "x", "lat": 0, "lon": 0}
    pair = {"id": "c", "name": "x", "latlng": "16.4,107.5"}
    found, _ = drafts(list(enumerate([placeless, nought, pair, pair], 1)))
    assert [len(one.faults) for one in found] == [1, 1, 0, 1]
    assert found[2].said["lat"] == 16.4
    assert "row 3" in found[3].faults[0].en


def test_ids_of_two_lists_stay_apart_and_a_list_without_ids_gives_the_same_ones_again() -> None:
    (first,), _ = drafts([(1, {"id": 0, "name": "x", "lat": 1, "lon": 2})], Given(prefix="hcm-"))
    assert first.id == "hcm-0"
    bare = {"description": "Bridge", "latitude": 30.5, "longitude": -88.2, "url": "https://a.example/p.m3u8"}
    (one,), _ = drafts([(1, bare)])
    (again,), _ = drafts([(7, dict(bare))])
    assert one.id == again.id
    assert one.said["hls_url"] == "https://a.example/p.m3u8"
    (picture,), _ = drafts([(1, {**bare, "url": "https://a.example/p", "format": "IMAGE_STREAM"})])
    assert "snapshot_url" in picture.said


def test_geojson_and_nested_groups_are_rows_in_their_order() -> None:
    feature = {
        "type": "Feature",
        "id": "f",
        "properties": {"name": "F"},
        "geometry": {"type": "Point", "coordinates": [107.5, 16.4]},
    }
    rows = rows_of(json.dumps({"type": "FeatureCollection", "features": [feature]}).encode())
    assert rows == [(1, {"id": "f", "name": "F", "lon": 107.5, "lat": 16.4})]
    nested = {"A": {"x": [{"id": 1}, {"id": 2}]}, "B": {"y": [{"id": 3}]}}
    assert [(number, cells["id"]) for number, cells in rows_of(json.dumps(nested).encode())] == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b"\xff\xfe\x00", b'{"a": 1}', b'"x"'])
def test_what_is_no_list_is_one_line(data: bytes) -> None:
    with pytest.raises(FileFault):
        rows_of(data)


def test_another_reference_system_is_refused() -> None:
    named = {"type": "name", "properties": {"name": "EPSG:9214"}}
    with pytest.raises(FileFault, match="WGS 84"):
        rows_of(json.dumps({"type": "FeatureCollection", "crs": named, "features": []}).encode())


def test_a_camera_list_of_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(FileFault, match="is read from"):
        read_list(tmp_path / "a.pdf")
    with pytest.raises(FileFault, match="there is no file"):
        read_list(tmp_path / "none.json")


def test_two_real_lists_are_understood_row_by_row(shared_data: Path) -> None:
    usa, ignored = drafts(read_list(shared_data / "cameras" / "otcm_USA.json"))
    assert len(usa) == 7029
    assert set(ignored) == {"encoding", "updateRate", "markedForReview"}
    refused = [fault.en for one in usa for fault in one.faults]
    assert sum("must begin with https" in words for words in refused) == 5  # streams that no browser reads
    assert sum("keep one" in words for words in refused) == len(refused) - 5 < 50
    assert sum("azimuth_deg" in one.said for one in usa) == 3487
    hcm, ignored = drafts(read_list(shared_data / "cameras" / "uip_hcmc_cameras_cleaned.json"), Given(prefix="hcm-"))
    assert [len(hcm), sum(bool(one.faults) for one in hcm)] == [701, 0]
    assert "weather" in ignored
    assert all({"name", "lon", "lat", "snapshot_url"} <= one.said.keys() for one in hcm)
