"""Pure pieces of the parts: legend words, desk rows, the timeline's bins, a vessel in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from layers import discover
from pages import card, legend, mark, timeline, vessel
from pages.text import Text

NOW = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
VI, EN = Text("vi"), Text("en")


def alarm(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "id": number, "state": "unacknowledged", "severity": "high", "layer": "vessel", "object_key": "574091234",
        "object_label": "TTH-91234-TS", "rule_vi": "Sai vùng: tàu từ 15 m", "rule_en": "Wrong zone: inshore",
        "fence_vi": "Vùng lộng", "fence_en": "Inshore zone", "raised_at": NOW - timedelta(minutes=3),
        "cleared_at": None, "acknowledged_at": None, "acknowledged_by": None, "comment": None, "lon": 107.9,
        "lat": 16.7, "dwell_s": 1200.0, "rule_kind": "inside", "escalations": 0, "unit": None,
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


def test_the_alarm_in_hand_is_the_pressed_one_else_the_first_that_waits_else_one_that_stands() -> None:
    alarms = [alarm(1, state="cleared"), alarm(2, state="acknowledged"), alarm(3), alarm(4, state="returned")]
    assert card.target_of(alarms, 1)["id"] == 1  # type: ignore[index]
    assert card.target_of(alarms, None)["id"] == 3  # type: ignore[index]
    assert card.target_of(alarms[:2], None)["id"] == 2  # type: ignore[index]
    assert card.target_of(alarms[:1], None) is None


@pytest.mark.parametrize(
    ("changes", "cannot"),
    [
        ({}, set()),
        ({"state": "returned"}, set()),
        ({"state": "acknowledged", "acknowledged_at": NOW}, {"acknowledge"}),
        ({"state": "cleared", "acknowledged_at": NOW}, {"acknowledge", "assign", "shelve", "escalate"}),
        ({"state": "withdrawn"}, {"acknowledge", "assign", "shelve", "escalate", "withdraw"}),
        ({"rule_kind": "distress"}, {"shelve"}),
        ({"rule_kind": "distress_test"}, {"shelve"}),
        ({"escalations": 3}, {"escalate"}),
    ],
)
def test_what_cannot_be_done_with_an_alarm_is_said_with_its_reason(changes: dict[str, Any], cannot: set[str]) -> None:
    hand = card.in_hand(VI, alarm(7, **changes))
    assert set(hand["cannot"]) == cannot
    assert all(hand["cannot"].values())
    assert (hand["id"], hand["what"]) == (7, "Sai vùng · TTH-91234-TS")


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


def test_the_card_of_what_stands_still_tells_its_commune_and_its_place_in_vn_2000() -> None:
    layer = discover()[0]
    row = {
        "lon": 107.585, "lat": 16.467, "observed_at": NOW, "source": "test", "commune": "19753",
        "commune_name": "Phường Phú Xuân", "commune_province": "46", "commune_estimated": True,
    }  # fmt: skip
    told = texts(card.facts(VI, layer, row, NOW))
    assert "Xã, phường Phường Phú Xuân (theo điểm tham khảo)" in told
    assert "VN-2000 E 562.266,8 N 1.821.342,3 (107°00′)" in told
    exact = texts(card.facts(EN, layer, {**row, "commune_estimated": False}, NOW))
    assert "Commune Phường Phú Xuân VN-2000 E 562,266.8 N 1,821,342.3" in exact
    at_sea = {**row, "commune": None, "commune_name": None, "commune_province": None, "commune_estimated": None}
    assert "VN-2000" not in texts(card.facts(VI, layer, at_sea, NOW))
