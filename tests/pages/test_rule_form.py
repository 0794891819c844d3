"""The rule's form: what is shown means what is kept, what is typed means what was meant, and what is wrong is named."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from shapely.geometry import LineString, box

from geo.fence import Fence
from geo.roster import Roster
from geo.rule import KINDS, SEVERITIES, Rule, checked
from geo.rulebook import Entry, RuleVersion, changes
from layers import discover
from pages.rule_choice import column_choices, fence_fits, type_choices
from pages.rule_form import fields, read_clock, rule_of, shown, unshown
from pages.rule_history import changes_told, versions
from pages.rule_list import Filter, Line, counts, filter_of
from pages.rule_load import load_of, told
from pages.rule_preset import presets, starting
from pages.text import Text

VI, EN = Text("vi"), Text("en")
VESSEL = next(layer for layer in discover() if layer.name == "vessel")
LISTS = [Roster("iuu", "vessel", "Nguy cơ cao", "High risk", ("574000001",))]
PARAMS: dict[str, dict[str, Any]] = {
    "crossing": {"direction": "to_left"},
    "approach": {"steps_nm": [15, 10, 6, 3]},
    "threshold": {"column": "speed", "below": -1.5, "deadband": 0.5},
    "silence": {"silence_s": 21_601, "horizon_s": 86_400},
    "proximity": {"distance_m": 200.0, "hysteresis_m": 33.3333333},
    "feed": {"factor": 3},
}
FULL: dict[str, Any] = {
    "fence_key": "cam", "dwell_s": 100 / 3, "off_delay_s": 90, "escalate_s": 125.0, "latching": False,
    "applies_to": {
        "length_m": [15, None], "ship_type": [30, 31], "draught": [None, 3], "callsign": {"in": ["XV1"]},
        "shipname": {"prefix": ["QNg", "TTH"], "not_in": ["X"]}, "include": ["@iuu", 574000009], "exclude": [],
    },
    "qualifies": {"speed": [None, 4.25], "course": [90, 180], "status": {"in": ["7"]}},
    "schedule": [{"days": [1, 2], "from": "06:00", "to": "18:00"}, {"days": [7], "from": "22:00", "to": "02:00"}],
    "response_vi": "Gọi chủ tàu", "response_en": "Call the owner",
}  # fmt: skip


def full(kind: str = "inside", **change: Any) -> Rule:
    given = {"key": "r", "layer": "vessel", "name_vi": "Ở lâu", "name_en": "Stays", "severity": "high", **FULL}
    return Rule(**{**given, "kind": kind, "params": PARAMS.get(kind, {}), **change})


def typed(t: Text, rule: Rule, **change: Any) -> tuple[Rule, dict[str, str]]:
    return rule_of(t, {**fields(t, rule, VESSEL), **change}, rule, LISTS, VESSEL)


@pytest.mark.parametrize("t", [VI, EN])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_form_shows_means_what_is_kept(kind: str, t: Text) -> None:
    rule = full(kind)
    assert typed(t, rule) == (rule, {})
    assert rule_of(t, {}, rule, LISTS, VESSEL) == (rule, {})  # a field that is not there stays as it is
    made, wrong = typed(t, rule, severity="low")
    assert (changes(rule, made), wrong) == (("severity",), {})


def test_whatever_the_form_does_not_show_stays_when_its_neighbours_are_changed() -> None:
    rule = full("silence")
    made, wrong = typed(VI, rule, silence_h="6,5", length_to="24", include="574000001", ship_type="70:80")
    assert wrong == {}
    assert made.params == {"silence_s": 23_400, "horizon_s": 86_400}
    assert made.applies_to == {
        "draught": [None, 3], "callsign": {"in": ["XV1"]}, "length_m": [15, 24], "ship_type": [70, 80],
        "shipname": {"not_in": ["X"], "prefix": ["QNg", "TTH"]}, "include": ["574000001"],
    }  # fmt: skip
    rule = full()
    made, wrong = typed(VI, rule, q0_to="5,5", q1_from="", q1_to="", q2_column="length_m", q2_from="12")
    assert wrong == {}
    assert made.qualifies == {"status": {"in": ["7"]}, "speed": [None, 5.5], "length_m": [12, None]}
    odd = full(applies_to={"ship_type": [20, 30]})
    assert ("other", "như đang có") in type_choices(VI, odd)
    assert typed(VI, odd, length_from="9")[0].applies_to == {"ship_type": [20, 30], "length_m": [9, None]}


def test_what_the_form_does_not_show_is_said() -> None:
    assert unshown(VI, full(), VESSEL) == [
        "mớn nước dưới 3 m", "hô hiệu là XV1", "tên không phải X", "status là 7",
    ]  # fmt: skip
    assert unshown(EN, full("silence"), VESSEL)[-1] == "only those heard in the last 24 h"
    assert unshown(VI, full(applies_to={}, qualifies={"speed": [1, 2]}), VESSEL) == []


@pytest.mark.parametrize(
    ("kind", "change", "field", "value"),
    [
        ("inside", {"dwell_min": "1,5"}, "dwell_s", 90.0),
        ("inside", {"dwell_min": ""}, "dwell_s", 0.0),
        ("inside", {"off_delay_min": "0.25"}, "off_delay_s", 15.0),
        ("inside", {"escalate_min": ""}, "escalate_s", None),
        ("inside", {"name_vi": "Khác", "name_en": " "}, "name_en", "Khác"),
        ("inside", {"fence_key": "khac"}, "fence_key", "khac"),
        ("inside", {"enabled": False}, "enabled", False),
        ("inside", {"latching": True}, "latching", True),
        ("inside", {"severity": "grave"}, "severity", "high"),
        ("crossing", {"direction": "both"}, "params", {"direction": "both"}),
        ("approach", {"steps_nm": "3; 0,5 10"}, "params", {"steps_nm": [10, 3, 0.5]}),
        ("threshold", {"side": "above", "limit": "12"}, "params", {"column": "speed", "above": 12, "deadband": 0.5}),
        ("threshold", {"limit": "-2,5", "deadband": ""}, "params", {"column": "speed", "below": -2.5}),
        ("proximity", {"distance_m": "500", "hysteresis_m": ""}, "params", {"distance_m": 500}),
        ("feed", {"factor": "5"}, "params", {"factor": 5}),
        ("threshold", {"fence_key": ""}, "fence_key", None),
        ("inside", {"s1_d7": False, "s1_from": "", "s1_to": ""}, "schedule", [FULL["schedule"][0]]),
        (
            "inside",
            {"s2_d3": True, "s2_from": "6h", "s2_to": "24:00"},
            "schedule",
            [*FULL["schedule"], {"days": [3], "from": "06:00", "to": "00:00"}],
        ),
    ],
)
def test_what_is_typed_means_what_was_meant(kind: str, change: dict[str, Any], field: str, value: Any) -> None:
    made, wrong = typed(VI, full(kind), **change)
    assert wrong == {}
    assert getattr(made, field) == value
    assert checked(made)


@pytest.mark.parametrize(
    ("kind", "change", "field", "vi", "en"),
    [
        ("inside", {"dwell_min": "lâu"}, "dwell_min", "con số", "number"),
        ("inside", {"dwell_min": "-1"}, "dwell_min", "âm", "negative"),
        ("inside", {"fence_key": ""}, "fence_key", "chọn một vùng", "an area"),
        ("crossing", {"fence_key": ""}, "fence_key", "chọn một tuyến", "a line"),
        ("inside", {"name_vi": " "}, "name_vi", "đặt tên", "name"),
        ("approach", {"steps_nm": ""}, "steps_nm", "ít nhất một", "one distance"),
        ("silence", {"silence_h": ""}, "silence_h", "con số", "number"),
        ("threshold", {"limit": ""}, "limit", "con số", "number"),
        ("inside", {"length_from": "20", "length_to": "15"}, "length_to", "lớn hơn", "more than"),
        ("inside", {"include": "@khong"}, "include", "@khong", "@khong"),
        ("inside", {"exclude": "12"}, "exclude", "MMSI", "MMSI"),
        ("inside", {"q0_from": "9"}, "q0_to", "lớn hơn", "more than"),
        ("inside", {"q2_from": "9"}, "q2_column", "chọn", "Choose"),
        ("inside", {"q2_from": "9", "q2_column": "speed"}, "q2_column", "dòng khác", "another line"),
        ("inside", {"s0_from": "25:00"}, "s0_from", "06:00", "06:00"),
        ("inside", {"s2_from": "06:00", "s2_to": "07:00"}, "s2_from", "một ngày", "one day"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_is_read(
    kind: str, change: dict[str, Any], field: str, vi: str, en: str
) -> None:
    for t, words in ((VI, vi), (EN, en)):
        made, wrong = typed(t, full(kind), response_vi="Khác", **change)
        assert list(wrong) == [field]
        assert words in wrong[field]
        assert made.response_vi == "Khác"


def test_every_preset_makes_a_rule_once_it_has_its_fence() -> None:
    assert len(presets(VI)) >= 7
    for name in presets(EN):
        start = starting(name)
        place = {"fence_key": "cam"} if "fence" in shown(start.kind) else {}
        made, wrong = rule_of(VI, {**fields(VI, start, VESSEL), **place}, start, [], VESSEL)
        assert wrong == {}
        assert checked(replace(made, key="moi"))
    assert starting("khong").kind == "inside"
    assert starting("approach").steps_nm == (15, 10, 6, 3)
    assert starting("silence").params == {"silence_s": 6 * 3600}


def test_a_distress_rule_and_a_feeds_rule_offer_no_way_to_silence_them_in_parts() -> None:
    made, wrong = typed(VI, full("distress", schedule=[], fence_key=None), enabled=False, s0_d1=True, fence_key="cam")
    assert (made.enabled, made.schedule, made.fence_key, wrong) == (True, [], None, {})
    assert shown("feed") == {"enabled"}


def test_only_fences_of_a_fitting_shape_are_offered() -> None:
    area = Fence("a", "area", "Vùng", "Area", box(0, 0, 1, 1))
    gate = Fence("g", "gate", "Cổng", "Gate", LineString([[0, 0], [1, 1]]))
    other = Fence("o", "coast_line", "Tuyến", "Line", LineString([[0, 0], [1, 1]]))
    assert [fence_fits(kind, area) for kind in ("inside", "crossing", "approach")] == [True, False, True]
    for line in (gate, other):
        assert [fence_fits(kind, line) for kind in ("inside", "crossing", "approach")] == [False, True, True]


def test_columns_are_offered_by_name_and_unit_and_no_key_is() -> None:
    choices = dict(column_choices(VI, VESSEL, ["status"]))
    assert choices["speed"] == "tốc độ (hải lý/giờ)"
    assert {"speed", "course", "length_m", "draught", "status"} <= set(choices)
    assert not {"mmsi", "callsign", "destination"} & set(choices)


@pytest.mark.parametrize(("text", "clock"), [("6:00", "06:00"), ("6h", "06:00"), ("6h30", "06:30"), ("24:00", "00:00")])
def test_times_of_day(text: str, clock: str) -> None:
    assert read_clock(VI, text) == clock
    for wrong in ("", "24:01", "6:60", "sáng"):
        with pytest.raises(ValueError, match="06:00"):
            read_clock(VI, wrong)


def test_a_version_says_what_it_changed_in_words() -> None:
    before = full("approach")
    after = replace(before, severity="critical", dwell_s=900, params={"steps_nm": [6, 3]}, schedule=[], enabled=False)
    after = replace(after, fence_key="khac", applies_to={"ship_type": [30, 31]}, response_vi="x" * 99, escalate_s=None)
    area = Fence("khac", "area", "Vùng khác", "Other", box(0, 0, 1, 1))
    told_ = changes_told(VI, before, after, changes(before, after), {"khac": area}, VESSEL)
    assert set(told_) >= {
        "mức: cao → khẩn cấp", "vùng hoặc tuyến: cam → Vùng khác", "kéo dài ít nhất: 33 giây → 15 phút",
        "các nấc khoảng cách (hải lý): 15 / 10 / 6 / 3 → 6 / 3", "trạng thái: đang bật → đang tắt",
        "chuyển cấp trên sau: 2 phút 5 giây → không có",
        "giờ áp dụng: chỉ trong giờ: T2, T3 06:00–18:00; CN 22:00–02:00 → mọi lúc",
    }  # fmt: skip
    at = datetime(2027, 1, 1, tzinfo=UTC)
    rows = versions(
        VI,
        [
            RuleVersion(2, at, "Minh", "declared", "chặt hơn", after, changes(before, after)),
            RuleVersion(1, at, "seed", "system", None, before, ()),
        ],
        {},
        VESSEL,
    )
    texts = [str(row) for row in rows]
    assert "data-restore" not in texts[0]
    assert "“chặt hơn”" in texts[0]
    assert "data-restore='1'" in texts[1]
    assert "bản đầu tiên" in texts[1]
    assert "hệ thống" in texts[1]


def entry(severity: str, raised: int, **change: Any) -> Entry:
    rule = replace(full(), severity=severity, key=f"{severity}{raised}", **change)
    return Entry(rule, datetime(2027, 1, 1, tzinfo=UTC), "Lan", None, None, False, raised, 0)


def test_the_load_is_told_beside_the_figures_of_eemua_191() -> None:
    entries = [entry("low", 240), entry("medium", 45), entry("high", 10), entry("critical", 5)]
    load = load_of(entries)
    assert (load.total, load.a_day) == (300, 10)
    assert [load.share(names) for names in (["low"], ["medium"], ["high", "critical"])] == [80, 15, 5]
    assert told(VI, entries[1], load) == (
        "Quy tắc này báo 45 lần trong 30 ngày qua (1,5/ngày; 15 % của mọi quy tắc). "
        "Mọi quy tắc: 10/ngày, nên không quá 150 (EEMUA 191)."
    )
    assert load_of([]).share(["low"]) is None


def test_the_list_is_filtered_without_accents_and_every_choice_says_how_many_it_shows() -> None:
    entries = [entry("low", 1), entry("high", 2, enabled=False), entry("high", 3)]
    lines = [Line(one, "câu", words) for one, words in zip(entries, ("vung cam", "cong", "vung long"), strict=True)]

    def keys(asked: Filter) -> list[str]:
        return [one.entry.rule.key for one in lines if asked.takes(one.entry, one.told)]

    assert keys(filter_of(None, None)) == ["low1", "high2", "high3"]
    assert keys(filter_of({"state": "off"}, "")) == ["high2"]
    assert keys(filter_of({"sev": ["high"], "kind": "inside"}, "VÙNG")) == ["high3"]
    assert keys(filter_of({"kind": "silence"}, "")) == []
    assert keys(filter_of({"sev": ["grave"], "state": "?", "kind": "?"}, "")) == ["low1", "high2", "high3"]
    found = counts(lines, filter_of({"state": "on"}, "vùng"))
    assert found == {"": 2, "on": 2, "off": 0, **dict.fromkeys(SEVERITIES, 0), "high": 1, "low": 1}
