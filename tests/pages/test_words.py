"""Rules told back as sentences."""

import pytest

from geo.reference import reference_fences
from geo.rule import KINDS, Rule
from layers import discover
from pages.text import Text
from pages.words import consequences, days, duration, kind_words, words

VI, EN = Text("vi"), Text("en")
VESSEL = next(layer for layer in discover() if layer.name == "vessel")
FENCES = {fence.key: fence for fence in reference_fences()}
NEEDED = {
    "approach": {"steps_nm": [15, 10, 6, 3]},
    "threshold": {"column": "speed", "above": 12},
    "silence": {"silence_s": 21_600},
    "proximity": {"distance_m": 500},
}


def rule(kind: str = "inside", **fields: object) -> Rule:
    given = {"key": "r", "layer": "vessel", "name_vi": "Luật", "name_en": "Rule", "severity": "high"}
    return Rule(**{**given, "kind": kind, "fence_key": "vung_long", **fields})  # type: ignore[arg-type]


def told(t: Text, one: Rule) -> str:
    return words(t, one, FENCES.get(one.fence_key or ""), VESSEL)


def test_a_rule_is_told_with_its_class_its_dwell_and_its_speed() -> None:
    wrong_zone = rule(
        dwell_s=1200, applies_to={"ship_type": [30, 31], "length_m": [15, None]}, qualifies={"speed": [None, 4]}
    )
    assert told(VI, wrong_zone) == (
        "Báo động mức cao khi tàu cá (chiều dài từ 15 m) ở trong Vùng lộng liên tục 20 phút, tốc độ dưới 4 hải lý/giờ."
    )


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (
            rule("exit", schedule=[{"days": [1, 2, 3, 5], "from": "06:00", "to": "18:00"}]),
            "Báo động mức cao khi tàu đi ra khỏi Vùng lộng, chỉ trong giờ: T2–T4, T6 06:00–18:00.",
        ),
        (
            rule("crossing", fence_key="tuyen_long", params={"direction": "to_left"}),
            "Báo động mức cao khi tàu vượt qua Tuyến lộng sang bên trái (nhìn theo chiều vẽ của tuyến).",
        ),
        (
            rule("enter", applies_to={"include": ["574091234", "@den"]}),
            "Báo động mức cao khi tàu trong danh sách (574091234, danh sách den) đi vào Vùng lộng.",
        ),
        (
            rule(applies_to={"shipname": {"not_prefix": ["TTH"]}, "include": ["1"], "exclude": list("23456")}),
            "Báo động mức cao khi tàu (tên không bắt đầu bằng TTH; gồm cả 1; trừ 5 đối tượng) ở trong Vùng lộng.",
        ),
        (
            rule(
                applies_to={
                    "all": [{"length_m": [15, None], "exclude": ["1"]}, {"length_m": [None, 24], "exclude": [2]}]
                }
            ),
            "Báo động mức cao khi tàu (chiều dài từ 15 m; chiều dài dưới 24 m; trừ 1, 2) ở trong Vùng lộng.",
        ),
        (
            rule("silence", fence_key=None, params={"silence_s": 5400}),
            "Báo động mức cao khi tàu mất tín hiệu quá 1 giờ 30 phút.",
        ),
    ],
    ids=["schedule", "direction", "list", "conditions", "of a fence too", "silence"],
)
def test_each_part_of_a_rule_has_its_words(one: Rule, sentence: str) -> None:
    assert told(VI, one) == sentence


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_in_both_languages_without_a_gap(kind: str) -> None:
    one = rule(kind, params=NEEDED.get(kind, {}), dwell_s=60)
    for t in (VI, EN):
        sentence = told(t, one)
        assert "{" not in sentence
        assert sentence.endswith(".")
        assert kind_words(t, kind) != kind
    assert told(VI, one) != told(EN, one)


def test_what_follows_is_told() -> None:
    assert consequences(VI, rule(off_delay_s=120, escalate_s=600)) == (
        "Hết khi điều kiện không còn trong 2 phút. Giữ trên bàn đến khi có người xác nhận."
        " Sau 10 phút không ai xác nhận thì chuyển lên cấp trên."
    )
    assert consequences(VI, rule("enter", latching=False, off_delay_s=120)) == "Tự rời bàn khi đã hết."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 giây"), (90, "1 phút 30 giây"), (5400, "1 giờ 30 phút"), (86_400, "1 ngày"), (90_061, "1 ngày 1 giờ")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(VI, seconds) == text


def test_days_of_the_week() -> None:
    assert days(VI, [1, 2, 3, 4, 5]) == "T2–T6"
    assert days(VI, [6, 7, 1]) == "T2, T7, CN"
    assert days(EN, range(1, 8)) == "every day"
