"""One line of the desk in words: what is told of an alarm and of a flood, in both languages."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pages.line import line
from pages.text import Text

NOW = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
VI, EN = Text("vi"), Text("en")


def alarm(**changes: Any) -> dict[str, Any]:
    row = {
        "id": 7, "state": "unacknowledged", "severity": "high", "layer": "vessel", "object_key": "574091234",
        "object_label": "TTH-91234-TS", "rule": "zone", "rule_kind": "inside", "rule_vi": "Sai vùng: tàu từ 15 m",
        "rule_en": "Wrong zone: inshore", "fence_vi": "Vùng lộng", "fence_en": "Inshore zone", "unit": None,
        "unit_vi": None, "unit_en": None, "person": None, "raised_at": NOW - timedelta(minutes=3), "cleared_at": None,
        "acknowledged_at": None, "acknowledged_by": None, "comment": None, "lon": 107.9, "lat": 16.7, "value": None,
        "escalations": 0, "flood": None, "children": 0,
    }  # fmt: skip
    return {**row, **changes}


def flood(**changes: Any) -> dict[str, Any]:
    counts = {"flood": 3, "total": 1312, "waiting": 298, "open": 40, "critical": 0, "mixed": False}
    return alarm(**counts, **changes)


def test_an_alarm_says_rule_object_and_fence_and_when() -> None:
    told = line(VI, alarm(), NOW)
    assert (told["key"], told["title"], told["full"]) == ("alarm-7", "Sai vùng", "Sai vùng: tàu từ 15 m")
    assert told["more"] == ["TTH-91234-TS", "Vùng lộng"]
    assert (told["state_words"], told["raised"]) == ("chưa xác nhận", "19:57:00 21/11/2026")
    assert (told["severity_word"], told["urgent"], told["distress"], told["test"]) == ("Cao", False, False, False)


@pytest.mark.parametrize(
    ("changes", "vi", "en"),
    [
        ({"state": "returned"}, "đã hết, chưa xác nhận", "cleared, unacknowledged"),
        (
            {"acknowledged_at": NOW, "acknowledged_by": "Lê Thị Bé"},
            "Lê Thị Bé đã xác nhận",
            "acknowledged by Lê Thị Bé",
        ),
        ({"rule_kind": "approach", "value": 6.0}, "còn 6 hải lý", "6 nm away"),
        ({"rule_kind": "approach", "value": 1.5}, "còn 1,5 hải lý", "1.5 nm away"),
        (
            {"unit": "fisheries", "unit_vi": "Chi cục Thủy sản", "unit_en": "Fisheries", "person": "Bình"},
            "giao Chi cục Thủy sản (Bình)",
            "given to Fisheries (Bình)",
        ),
        ({"escalations": 2}, "chuyển cấp trên, lần 2", "escalated, level 2"),
        ({"children": 41}, "41 báo động con được nén", "41 alarms suppressed under it"),
    ],
)
def test_what_became_of_it_stands_below_its_name(changes: dict[str, Any], vi: str, en: str) -> None:
    assert line(VI, alarm(**changes), NOW)["more"] == ["TTH-91234-TS", "Vùng lộng", vi]
    assert line(EN, alarm(**changes), NOW)["more"][-1] == en


def test_a_value_that_is_no_distance_is_not_told_as_one() -> None:
    assert line(VI, alarm(rule_kind="crossing", value=-1.0), NOW)["more"] == ["TTH-91234-TS", "Vùng lộng"]


def test_a_flood_says_how_many_wait_and_how_many_are_grave() -> None:
    told = line(VI, flood(), NOW)
    assert (told["key"], told["id"], told["title"]) == ("flood-3", None, "Sai vùng")
    assert told["more"] == ["1.312 báo động", "298 chưa xác nhận", "40 đang diễn ra"]
    mixed = line(VI, {**flood(), "mixed": True, "critical": 2, "severity": "critical"}, NOW)
    assert (mixed["title"], mixed["fence"], mixed["more"][-1]) == ("Nhiều quy tắc", "", "2 khẩn cấp")
    assert mixed["urgent"]


def test_a_test_is_marked_as_one_and_a_distress_is_urgent_while_it_waits() -> None:
    words = {"rule_vi": "TEST: thiết bị cấp cứu đang thử", "rule_en": "TEST: distress transmitter under test"}
    told = line(VI, alarm(rule_kind="distress_test", severity="low", **words), NOW)
    assert (told["test"], told["title"], told["urgent"]) == (True, "Thiết bị cấp cứu đang thử", False)
    assert line(VI, alarm(rule_kind="distress"), NOW)["urgent"]
    assert not line(VI, alarm(rule_kind="distress", state="acknowledged", acknowledged_at=NOW), NOW)["urgent"]


def test_the_hour_has_its_day_when_it_was_not_today_in_hue() -> None:
    evening = datetime(2026, 11, 21, 16, 59, 59, tzinfo=UTC)  # one second before midnight there
    assert VI.clock(evening, NOW) == "23:59:59"
    assert VI.clock(evening, evening + timedelta(seconds=1)) == "23:59:59 21/11"
