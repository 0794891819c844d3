"""Pure pieces of the parts: legend words, desk rows, the timeline's bins, a vessel in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from layers import discover
from pages import card, desk, legend, mark, timeline, vessel
from pages.text import Text

NOW = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
VI, EN = Text("vi"), Text("en")


def alarm(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "id": number, "state": "unacknowledged", "severity": "high", "layer": "vessel", "object_key": "574091234",
        "object_label": "TTH-91234-TS", "rule_vi": "Sai vùng: tàu từ 15 m", "rule_en": "Wrong zone: inshore",
        "fence_vi": "Vùng lộng", "fence_en": "Inshore zone", "raised_at": NOW - timedelta(minutes=3),
        "cleared_at": None, "acknowledged_at": None, "acknowledged_by": None, "comment": None, "lon": 107.9,
        "lat": 16.7, "dwell_s": 1200.0,
    }  # fmt: skip
    return {**row, **changes}


def texts(node: Any) -> str:
    """All words below a component, in order."""
    if node is None or isinstance(node, bool):
        return ""
    if isinstance(node, list | tuple):
        return " ".join(filter(None, map(texts, node)))
    return str(node) if isinstance(node, str | int | float) else texts(getattr(node, "children", None))


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (["Tàu cá từ 24 m", "Tàu cá 15 – dưới 24 m", "Tàu cá dưới 12 m, chưa rõ cỡ"], "Tàu cá"),
        (["Fishing, 24 m and over", "Fishing, under 12 m"], "Fishing"),
        (["Cargo", "Tanker"], ""),
    ],
)
def test_a_family_is_named_by_the_words_its_kinds_share(titles: list[str], expected: str) -> None:
    assert legend.common_words(titles) == expected


def test_the_first_kind_whose_conditions_hold_wins() -> None:
    kinds = next(layer for layer in discover() if layer.name == "vessel").style.kinds
    assert mark.kind_of(kinds, {"ship_type": 30, "length_m": 15.0}).name == "fishing_15"
    assert mark.kind_of(kinds, {"ship_type": 30, "length_m": 14.9}).name == "fishing_12"
    assert mark.kind_of(kinds, {"ship_type": 30, "length_m": None}).name == "fishing_small"
    assert mark.kind_of(kinds, {"mmsi": 970012345, "ship_type": None}).name == "distress"
    assert mark.kind_of(kinds, {"ship_type": None}).name == "other"


def test_a_desk_row_says_rule_object_place_age_and_who_took_it() -> None:
    rows = desk.rows(
        VI, [alarm(1), alarm(2, state="acknowledged", acknowledged_at=NOW, acknowledged_by="Lê Thị Bé")], NOW
    )
    assert texts(rows[0]) == "Sai vùng 3 phút TTH-91234-TS · Vùng lộng"
    assert texts(rows[1]) == "Sai vùng 3 phút TTH-91234-TS · Vùng lộng · Lê Thị Bé đã xác nhận"
    assert texts(desk.rows(EN, [alarm(3, state="returned")], NOW)).endswith("Inshore zone · cleared, unacknowledged")
    assert texts(desk.rows(VI, [], NOW)) == "Không có báo động nào đang mở."


def test_the_desk_is_drawn_again_only_when_a_row_changed() -> None:
    assert desk.fingerprint([alarm(1)]) == desk.fingerprint([alarm(1)])
    assert desk.fingerprint([alarm(1)]) != desk.fingerprint([alarm(1, state="returned")])


def test_the_button_takes_the_pressed_alarm_while_it_waits_else_the_first_that_waits() -> None:
    alarms = [alarm(1, state="acknowledged"), alarm(2), alarm(3, state="returned")]
    assert card.target_of(alarms, 3)["id"] == 3  # type: ignore[index]
    assert card.target_of(alarms, 1)["id"] == 2  # type: ignore[index]
    assert card.target_of(alarms[:1], None) is None


def test_bins_count_messages_and_leave_what_is_outside() -> None:
    start = NOW - timeline.SPAN
    minutes = [
        {"at": start, "messages": 5},
        {"at": start + timedelta(minutes=3), "messages": 2},
        {"at": NOW, "messages": 9},
    ]
    counts = timeline.bins(minutes, start)
    assert (len(counts), counts[0], sum(counts)) == (90, 7, 7)


def test_a_vessel_in_words() -> None:
    row = {"ship_type": 30, "length_m": 16.4, "beam_m": 4.6, "speed": 2.13, "course": 57.4, "status": 7, "zone": "lộng"}
    pairs = {name: value for name, value in vessel.facts(VI, row) if value}
    assert pairs == {
        "Loại, chiều dài": "Tàu cá · 16,4 × 4,6 m",
        "Tốc độ, hướng đi": "2,1 hl/giờ · 57°",
        "Trạng thái": "Đang đánh cá",
        "Vùng": "Vùng lộng (sơ đồ tham khảo)",
    }
    assert vessel.status(VI, 15) == ""
    assert vessel.ship_type(EN, 0) == ""
    assert vessel.ship_type(EN, 85) == "Tanker"
