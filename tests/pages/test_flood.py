"""The flood's screen: rivers in the order of their gravity, in the words of the bulletins, and the rain."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from geo.figure import Figures, seeds
from geo.observation import Part
from geo.river import levels, stage
from pages import flood
from pages.environment import Chart
from pages.flood import Flood, River
from pages.text import Text, catalogue
from tests.pages.test_parts import texts

VI, EN = Text("vi"), Text("en")
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
LAW = Figures(seeds())


def river(name: str, water_m: float, rise: float | None = None, minutes: float = 5) -> River:
    found = stage(name, water_m, LAW, NOW)
    above = None if found.above_m is None else float(found.above_m)
    known = {level: float(metres) for level, metres in levels(name, LAW, NOW).items()}
    row = {
        "id": name, "key": name, "name": name, "river": name, "observed_at": NOW - timedelta(minutes=minutes),
        "simulated": True, "water_m": water_m, "stage": found.level, "nearest_level": found.nearest, "above_m": above,
        "rise_m_h": rise, "rain_1h_mm": None, "rain_24h_mm": None,
    }  # fmt: skip
    return River(row, Chart("water_m", [Part(NOW, water_m)], known))


def rain(name: str, hour: float | None, day: float) -> dict[str, Any]:
    return {"id": name, "name": name, "observed_at": NOW, "rain_1h_mm": hour, "rain_24h_mm": day}


def test_step_6_a_river_above_its_third_level_says_so_in_the_words_of_the_bulletins() -> None:
    found = Flood([river("kim_long", 3.52, 0.41)], [])
    words = texts(flood.body(VI, found, NOW))
    assert "3,52 m, trên BĐ3 0,02 m" in words
    assert "lên 0,41 m/giờ" in words
    assert "3.52 m, above BĐ3 0.02 m" in texts(flood.body(EN, found, NOW))
    card = flood.body(VI, found, NOW).children[0].children[0]
    assert card.className == "flood-river bd-3"


def test_the_gravest_river_stands_first_and_one_without_levels_last() -> None:
    rows = [river(*one).row for one in (("phong_binh", 9.0), ("kim_long", 2.56), ("phu_oc", 4.6), ("phu_oc", 0.6))]
    assert [(row["id"], row["water_m"]) for row in sorted(rows, key=flood.gravity)] == [
        ("phu_oc", 4.6), ("kim_long", 2.56), ("phu_oc", 0.6), ("phong_binh", 9.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("water_m", "rise", "words"),
    [
        (2.5, 0.5, "Nếu tiếp tục lên như giờ qua, tới BĐ3 sau khoảng 2 giờ."),
        (1.8, 0.4, "Nếu tiếp tục lên như giờ qua, tới BĐ2 sau khoảng 30 phút."),
        (2.5, 0.04, ""),  # it hardly rises
        (2.5, -0.4, ""),
        (2.5, 0.1, ""),  # ten hours are more than a straight line can tell
        (2.5, None, ""),
        (3.6, 0.5, ""),  # there is no level above
    ],
)
def test_what_is_ahead_is_told_of_a_rising_river_alone(water_m: float, rise: float | None, words: str) -> None:
    assert flood.ahead(VI, river("kim_long", water_m, rise)) == words


def test_a_river_that_is_silent_says_nothing_of_its_rise_and_looks_it() -> None:
    card = flood.body(VI, Flood([river("kim_long", 2.5, 0.5, minutes=31)], []), NOW).children[0].children[0]
    assert card.className == "flood-river bd-2 stale"
    assert "lên" not in texts(card).replace("trên", "")


def test_a_level_that_is_told_no_more_is_old_by_its_own_time_and_then_said_to_be_gone() -> None:
    one = river("kim_long", 2.5, 0.5, minutes=1)  # by its other sensors it is as good as now
    assert one.chart is not None
    told = replace(one, chart=replace(one.chart, last_at=NOW - timedelta(minutes=31)))
    card = flood.body(VI, Flood([told], []), NOW).children[0].children[0]
    assert card.className == "flood-river bd-2 stale"
    assert "31 phút" in texts(card)
    gone = replace(told, row={**told.row, "water_m": None, "stage": None, "nearest_level": None, "above_m": None})
    card = flood.body(VI, Flood([gone], []), NOW).children[0].children[0]
    assert card.className == "flood-river stale"
    assert "không có mực nước từ 16:29 20/11/2026" in texts(card)
    assert "no level since 16:29 20/11/2026" in texts(flood.body(EN, Flood([gone], []), NOW))
    assert "trong 24 giờ qua" in texts(flood.body(VI, Flood([replace(gone, chart=None)], []), NOW))


def test_rain_is_a_list_and_where_nothing_is_told_the_screen_says_why() -> None:
    words = texts(flood.body(VI, Flood([], [rain("Bạch Mã", 21.5, 412.0), rain("Huế", None, 90.0)]), NOW))
    assert "Bạch Mã" in words
    assert "21,5 mm" in words
    assert "– mm" in words
    assert "Chưa có trạm" in texts(flood.body(VI, Flood([], []), NOW))


def test_every_word_of_the_page_is_in_the_english_catalogue() -> None:
    said = re.findall(r'\bt\(\s*"([^"]+)"', Path(flood.__file__).read_text("utf-8"))
    assert len(said) > 8
    assert [word for word in said if word not in catalogue("en")] == []
