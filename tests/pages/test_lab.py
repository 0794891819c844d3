"""Pure pieces of the lab's screen: what a draft's numbers mean, its period, and a run in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.site import Site
from geo.rule import STORED, Rule
from layers import discover
from pages import lab, lab_period, lab_result
from pages.text import Text
from tests.pages.test_parts import texts

VI, EN = Text("vi"), Text("en")
NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)  # 10:00 in Huế
INSIDE = Rule("lau", "inside", "vessel", "Ở lâu", "Stays long", "high", "cam", dwell_s=600,
              applies_to={"ship_type": (30, 31)})  # fmt: skip


def rule(kind: str, **params: Any) -> Rule:
    return Rule("x", kind, "vessel", "X", "X", "high", params=params)


def test_a_draft_is_the_rule_with_its_numbers_changed() -> None:
    numbers = {"dwell_min": 30.0, "off_delay_min": 5.0, "length_m": 15.0, "speed_kn": 4.0}
    made = lab.draft(INSIDE, numbers)
    assert (made.dwell_s, made.off_delay_s) == (1800, 300)
    assert made.applies_to == {"ship_type": (30, 31), "length_m": [15, None]}
    assert made.qualifies == {"speed": [None, 4]}
    assert lab.draft(INSIDE, dict.fromkeys(lab.NUMBERS)) == INSIDE
    assert lab.draft(INSIDE, {"dwell_min": 0.0}).dwell_s == 0


@pytest.mark.parametrize(
    ("one", "value", "params"),
    [
        (rule("threshold", column="speed", above=8), 12, {"column": "speed", "above": 12}),
        (rule("threshold", column="depth", below=3), 2, {"column": "depth", "below": 2}),
        (rule("silence", silence_s=3600), 1.5, {"silence_s": 5400}),
        (rule("proximity", distance_m=500), 300, {"distance_m": 300}),
        (rule("approach", steps_nm=[5, 2]), 1, {"steps_nm": [1]}),
    ],
)
def test_the_last_number_is_the_kinds_own(one: Rule, value: float, params: dict[str, Any]) -> None:
    assert lab.draft(one, {"param": float(value)}).params == params
    assert lab.param_label(VI, one) != ""


def test_a_kind_without_a_further_number_has_none() -> None:
    with pytest.raises(ValueError, match="has no further number"):
        lab.draft(INSIDE, {"param": 1.0})
    assert lab.param_label(VI, INSIDE) == lab.param_label(VI, None) == ""


@pytest.mark.parametrize(("text", "value"), [("", None), (None, None), ("12", 12), ("1,5", 1.5), (" 0.25 ", 0.25)])
def test_numbers_are_read_with_comma_and_point(text: str | None, value: float | None) -> None:
    assert lab._number("dwell_min", text) == value


@pytest.mark.parametrize("text", ["viết", "-1", "nan", "inf", "1e9", "1.000,5"])
def test_what_is_no_number_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(ValueError, match="dwell_min"):
        lab._number("dwell_min", text)


def test_a_period_ends_now_or_where_it_is_said() -> None:
    assert lab_period.period(VI, "7d", None, None, NOW) == (NOW - timedelta(days=7), NOW)
    first, last = lab_period.period(VI, "own", "06:00 24/11/2026", " 06:30 25/11/2026 ", NOW)
    assert first == datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert last - first == timedelta(days=1, minutes=30)


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("", "06:00 24/11/2026", "cả hai mốc"),
        ("06:00 24/11/2026", None, "cả hai mốc"),
        ("6h sáng", "06:00 24/11/2026", "Viết giờ và ngày"),
        ("06:00 31/02/2026", "06:00 24/11/2026", "Viết giờ và ngày"),
        ("06:00 24/11/2026", "06:00 24/11/2026", "muộn hơn mốc đầu"),
        ("06:00 24/11/2026", "10:01 25/11/2026", "tương lai"),
        ("06:00 24/08/2026", "06:01 24/11/2026", "92 ngày"),
    ],
)
def test_a_period_that_cannot_be_tried_is_refused_in_words(begin: str | None, end: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        lab_period.period(VI, "own", begin, end, NOW)


def found(total: int, **more: Any) -> dict[str, Any]:
    alarm = {"key": "574", "other": "", "label": "TTH-1", "raised_at": NOW.isoformat(), "cleared_at": None,
             "severity": "high", "value": None, "alone": False, "lon": 107.9, "lat": 16.7}  # fmt: skip
    return {"total": total, "standing": 1, "before": 0, "days": [["2026-11-24", 0], ["2026-11-25", total]], "floods": 0,
            "objects": 1, "top": [["574", "TTH-1", total]], "alarms": [alarm] * min(total, 3), **more}  # fmt: skip


def told(state: str, t: Text = VI, fault: str | None = None, **result: Any) -> str:
    """A run over two days as its screen reads."""
    drafts = [{name: getattr(INSIDE, name) for name in STORED}]
    row = {
        "id": 7, "state": state, "progress": 0.25, "fault": fault, "start_at": NOW - timedelta(days=2), "end_at": NOW,
        "drafts": drafts, "result": result or None,
    }  # fmt: skip
    site = Site(None, "", discover(), "", "", (0, 0, 0))  # type: ignore[arg-type] # nothing is read
    return " ".join(texts(lab_result.layout(t, site, row, {})).split())


def result(total: int, through: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {
        "through": through.isoformat(),
        "fixes": 1200,
        "objects": 3,
        "full": False,
        "drafts": [found(total)],
        **more,
    }


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("waiting", "Đang chờ bắt đầu"),
        ("running", "Đang chạy"),
        ("stopped", "Đã dừng theo yêu cầu"),
        ("failed", "Không chạy được: there is no fence 'cam'"),
        ("interrupted", "tiến trình chạy thử không còn; hãy chạy lại"),
    ],
)
def test_each_state_is_told_in_words(state: str, words: str) -> None:
    assert words in told(state, fault="there is no fence 'cam'" if state == "failed" else None)


def test_what_was_found_is_counted_by_the_time_that_was_looked_at() -> None:
    assert "Mỗi ngày, trung bình 3 " in told("done", **result(6))
    assert "Mỗi ngày, trung bình 12 " in told("stopped", **result(6, NOW - timedelta(days=1.5)))
    many = told("done", **result(20_000, NOW - timedelta(days=1), full=True))
    assert "Một bản nháp báo quá nhiều, nên chỉ xét đến 10:00 24/11/2026." in many
    assert "Nhiều hơn một bàn trực xử lý được" in many
    assert "và 19.997 báo động nữa" in many


def test_nothing_found_is_told_too() -> None:
    assert "Không có báo động nào." in told("done", **result(0))


@pytest.mark.parametrize(
    ("wide", "high", "zoom"), [(0, 0, 12), (0.2, 0.1, 11), (1, 2, 7), (3, 0.1, 8), (40, 20, 4), (360, 170, 3)]
)
def test_the_map_shows_all_marks(wide: float, high: float, zoom: int) -> None:
    assert lab_result._zoom(wide, high) == zoom
    pixels = 256 / 360 * 2**zoom
    assert zoom == 3 or (wide * pixels <= 840 and high * pixels / 0.95 <= 270)
