"""The fence editor's form: what is written in its fields, and what they mean, there and back."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from shapely.geometry import LineString, Polygon, box

from geo.fence import Fence
from geo.fence_history import changes
from geo.fence_kind import Wrong
from geo.ring import checked
from geo.roster import Roster
from geo.rule import Rule
from geo.watch import Held, Watch, wanted
from pages.fence_form import blank, fence_of, fields, new_key, outline, rings_in, rings_of
from pages.text import Text

VI, EN = Text("vi"), Text("en")
LISTS = [Roster("iuu", "vessel", "Nguy cơ cao", "High risk", ("574000001",))]
FULL = Fence(
    key="cam",
    kind="area",
    name_vi="Khu cấm",
    name_en="Closed",
    geom=box(107, 16, 108, 17),
    note="ghi chú",
    hysteresis_m=500,
    valid_from=datetime(2027, 3, 31, 23, tzinfo=UTC),
    valid_to=datetime(2027, 6, 30, 23, tzinfo=UTC),
    buffer_m=926.5,
    dwell_s=100,
    applies_to={
        "length_m": [15, None],
        "ship_type": [30, 31],
        "shipname": {"prefix": ["TTH"], "not_in": ["X"]},
        "speed": [None, 4],
        "include": ["@iuu", "574000009"],
    },
    season=[["04-01", "06-30"], ["12-15", "01-15"]],
    owner="Chi cục",
    review_by=date(2027, 12, 31),
)
WATCH = Watch(frozenset({"inside", "approach"}), "critical", 90.0, response_vi="Gọi chủ tàu")


def full() -> Held:
    rules = {rule.kind: rule for rule in wanted(Held(FULL), FULL, WATCH)}
    return Held(FULL, rules)


@pytest.mark.parametrize("t", [VI, EN])
def test_what_the_form_shows_means_what_is_kept(t: Text) -> None:
    held = full()
    fence, watch, wrong = fence_of(t, fields(t, held), held, "cam", LISTS)
    assert wrong == {}
    assert changes(FULL, replace(fence, geom=FULL.geom)) == ()
    assert watch == held.watch == WATCH


def test_fields_are_written_as_people_here_write_them() -> None:
    shown = fields(VI, full())
    assert (shown["valid_from"], shown["valid_to"]) == ("06:00 01/04/2027", "06:00 01/07/2027")
    assert shown["season"] == "01/04 - 30/06\n15/12 - 15/01"
    assert (shown["buffer_m"], shown["off_delay_min"], shown["review_by"]) == ("926,5", "1,5", "31/12/2027")
    assert (shown["length_from"], shown["length_to"], shown["fishing"], shown["prefixes"]) == ("15", "", True, "TTH")
    assert fields(EN, full())["buffer_m"] == "926.5"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("buffer_m", "xa", "Cần một con số"),
        ("buffer_m", "-5", "Không được âm"),
        ("buffer_m", "1e9", "Cần một con số"),
        ("valid_from", "2027-04-01", "Viết giờ và ngày"),
        ("valid_from", "25:00 01/04/2027", "Viết giờ và ngày"),
        ("review_by", "31/02/2027", "Viết ngày"),
        ("season", "01/04 - 30/06\n30/02 - 01/03", "Dòng 2"),
        ("season", "tháng tư", "Dòng 1"),
        ("include", "@khong", "Không có danh sách @khong"),
        ("exclude", "123", "không phải là MMSI"),
    ],
)
def test_each_fault_is_said_of_its_field(name: str, text: str, words: str) -> None:
    given = {**blank(), "name_vi": "X", name: text}
    _, _, wrong = fence_of(VI, given, None, "x", LISTS)
    assert list(wrong) == [name]
    assert words in wrong[name]


def test_a_kind_is_watched_as_it_can_be() -> None:
    given = {**blank(), "name_vi": "X", "watch_inside": True, "watch_crossing": True, "buffer_m": "500"}
    kinds = {kind: fence_of(VI, {**given, "kind": kind}, None, "x", [])[1].kinds for kind in ("area", "gate")}
    assert kinds == {"area": {"inside", "approach"}, "gate": {"crossing"}}
    boundary = fence_of(VI, {**given, "kind": "boundary", "watch_approach": True}, None, "x", [])
    assert (boundary[0].buffer_m, boundary[1].kinds, boundary[1].steps_nm) == (0, {"approach"}, (15, 10, 6, 3))


def test_a_rule_made_elsewhere_keeps_what_the_form_does_not_speak_of() -> None:
    rule = Rule("cam", "inside", "vessel", "Luật", "Rule", "high", "cam", qualifies={"speed": (None, 4)}, escalate_s=60)
    held = Held(replace(FULL, buffer_m=0.0), {"inside": rule})
    fence, watch, _ = fence_of(VI, {**fields(VI, held), "severity": "low"}, held, "cam", LISTS)
    (changed,) = wanted(held, replace(fence, geom=FULL.geom), watch)
    assert (changed.severity, changed.qualifies, changed.escalate_s, changed.name_vi) == (
        "low", {"speed": (None, 4)}, 60, "Luật",
    )  # fmt: skip


def test_places_are_read_in_any_form_and_holes_and_parts_apart() -> None:
    text = (
        "16.7 107.5\n16°42'N 108°00'E\n17,2 107,8\n\nlỗ\n16.8 107.7\n16.8 107.8\n16.9 107.75\n\n15 107\n15 108\n14 107"
    )
    rings = rings_in(VI, text)
    assert [(ring["hole"], len(ring["points"])) for ring in rings] == [(False, 3), (True, 3), (False, 3)]
    assert rings[0]["points"][1] == [16.7, 108.0]
    found = outline(VI, {"tool": "polygon", "rings": rings}, "area")
    assert found.geom.geom_type == "MultiPolygon"
    assert sum(len(part.interiors) for part in found.geom.geoms) == 1
    with pytest.raises(Wrong) as caught:
        rings_in(VI, "16.7 107.5\nđâu đó")
    assert caught.value.vi == "Dòng 2 không phải là tọa độ: đâu đó"


@pytest.mark.parametrize("geom", [box(107, 16, 108, 17), LineString([(107, 16), (108, 17), (109, 16)])])
def test_an_outline_is_the_same_after_the_editor_held_it(geom: Any) -> None:
    line = geom.geom_type == "LineString"
    shape = {"tool": "line" if line else "polygon", "rings": rings_of(geom)}
    assert outline(VI, shape, "gate" if line else "area").geom.equals(checked(geom).geom)
    holed = Polygon(box(107, 16, 108, 17).exterior.coords, [box(107.4, 16.4, 107.6, 16.6).exterior.coords])
    assert outline(VI, {"tool": "polygon", "rings": rings_of(holed)}, "area").geom.equals(holed)


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"tool": "polygon", "rings": []},
        {"tool": "polygon", "rings": [{}]},
        {"tool": "polygon", "rings": [{"points": [[1]]}]},
        {"tool": "circle"},
        {"tool": "circle", "centre": [16, 107], "radius_m": "3"},
        {"tool": "circle", "centre": ["x", 107], "radius_m": "300"},
        {"tool": "corridor", "rings": [{"points": [[16, 107], [17, 107]]}], "width_m": ""},
        {"tool": "corridor", "rings": [{"points": [[16, 107], [17, 107]]}], "width_m": "1"},
    ],
)
def test_what_is_no_outline_is_said(shape: dict[str, Any]) -> None:
    with pytest.raises(Wrong) as caught:
        outline(VI, shape, "area")
    assert caught.value.field == "geom"
    assert caught.value.vi


def test_a_key_is_made_of_the_name() -> None:
    assert new_key("Khu cấm Thuận An", []) == "khu_cam_thuan_an"
    assert new_key("Khu cấm", ["khu_cam", "khu_cam_2"]) == "khu_cam_3"
    assert new_key("!!!", []) == "vung"
    assert new_key("New", []) == "new_2"
