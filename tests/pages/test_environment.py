"""What the card says of a station, in both languages."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from geo.aqi import BANDS
from geo.figure import Figures, seeds
from geo.observation import Observed
from geo.river import stage
from layers.environment import ENVIRONMENT, LAYER
from pages import card, environment
from pages.mark import kind_of
from pages.service import facts
from pages.text import Text, catalogue

VI, EN = Text("vi"), Text("en")
AT = datetime(2026, 11, 20, 10, tzinfo=UTC)
LAW = Figures(seeds())


def row(**told: Any) -> dict[str, Any]:
    return dict.fromkeys(ENVIRONMENT.latest.c.keys()) | told


def river(name: str, water_m: float) -> dict[str, Any]:
    found = stage(name, water_m, LAW, AT)
    above = None if found.above_m is None else float(found.above_m)
    return row(water_m=water_m, stage=found.level, nearest_level=found.nearest, above_m=above, kind="river")


@pytest.mark.parametrize(
    ("name", "water_m", "vi", "en"),
    [
        ("kim_long", 2.56, "2,56 m, trên BĐ2 0,56 m", "2.56 m, above BĐ2 0.56 m"),
        ("phu_oc", 3.79, "3,79 m, dưới BĐ3 0,71 m", "3.79 m, below BĐ3 0.71 m"),
        ("kim_long", 4.56, "4,56 m, trên BĐ3 1,06 m", "4.56 m, above BĐ3 1.06 m"),
        ("kim_long", 3.5, "3,50 m, ở mức BĐ3", "3.50 m, at BĐ3"),
        ("phong_binh", 2.0, "2,00 m, trạm chưa có mức báo động", "2.00 m, no alarm levels for this station"),
    ],
)
def test_fact_22_the_card_says_a_level_in_the_words_of_the_bulletins(name, water_m, vi, en) -> None:
    assert dict(facts(VI, LAYER, river(name, water_m)))["Mực nước"] == vi
    assert dict(facts(EN, LAYER, river(name, water_m)))["Water level"] == en


def test_an_alarms_evidence_is_told_in_the_same_words() -> None:
    told = {"water_m": 3.52, "stage": 3.0, "nearest_level": 3.0, "above_m": 0.02, "rise_m_h": 0.41, "aqi": None}
    assert [pair for pair in facts(VI, LAYER, told) if pair[1]] == [
        ("Mực nước", "3,52 m, trên BĐ3 0,02 m"),
        ("Mức lên", "lên 0,41 m/giờ"),
    ]


@pytest.mark.parametrize(
    ("name", "water_m", "kind"),
    [("kim_long", 4.56, "river_3"), ("kim_long", 3.5, "river_3"), ("kim_long", 3.49, "river_2"),
     ("kim_long", 1.0, "river_1"), ("kim_long", 0.3, "river_0"), ("phong_binh", 9.0, "river_free"),
     ("ha_bang", 8.4, "river_free"), ("ha_bang", 8.5, "river_2")],
)  # fmt: skip
def test_fact_22_a_river_has_the_colour_of_the_level_it_has_reached_and_without_levels_none(
    name, water_m, kind
) -> None:
    assert kind_of(LAYER.style.kinds, river(name, water_m)).name == kind


@pytest.mark.parametrize(
    ("aqi", "number"), [(0, 1), (50, 1), (51, 2), (100, 2), (101, 3), (150, 3), (151, 4), (200, 4), (201, 5), (301, 6),
                        (500, 6)]
)  # fmt: skip
def test_fact_21_air_has_the_kind_of_its_band_and_the_card_its_own_colour_to_the_byte(aqi: int, number: int) -> None:
    told = row(aqi=aqi, aqi_of="pm25", aqi_until=AT, pm25=20.0)
    kind = kind_of(LAYER.style.kinds, told)
    assert kind.name == f"aqi_{number}"
    assert BANDS[number - 1].vi in kind.vi
    swatch, words, until = environment.index(VI, told).children
    assert swatch.style["background"] == f"rgb{BANDS[number - 1].rgb}"
    assert words == f" {aqi} · {BANDS[number - 1].vi} · Bụi PM2,5 "
    assert until.children == "giờ đến 17:00 20/11/2026"


def test_fact_21_air_without_enough_data_says_so() -> None:
    told = row(pm25=20.0)
    assert kind_of(LAYER.style.kinds, told).name == "aqi_none"
    assert environment.index(VI, told) == "chưa đủ số liệu bụi của 3 giờ cuối"
    assert environment.index(VI, row(water_m=1.0)) == ""


@pytest.mark.parametrize(
    ("metres", "words"),
    [(0.36, "lên 0,36 m/giờ"), (-0.2, "xuống 0,2 m/giờ"), (0.001, "đứng"), (-0.0049, "đứng"), (None, "")],
)
def test_a_rise_is_told_with_its_way(metres: float | None, words: str) -> None:
    assert environment.rise(VI, metres) == words


@pytest.mark.parametrize(
    ("row_", "minutes", "vi", "en", "color"),
    [
        ({"aqi": 38}, 130, "Không khí Tốt · S", "Air Good · S", "aqi-1"),
        ({"aqi": 38}, 136, "không gửi số liệu · S", "sends nothing · S", "ink-3"),
        (
            river("kim_long", 3.6),
            29,
            "Mực nước sông trên báo động 3 · S",
            "River level above alarm level 3 · S",
            "critical",
        ),
        (river("kim_long", 3.6), 31, "không gửi số liệu · S", "sends nothing · S", "ink-3"),
        ({}, None, "chưa có số liệu · S", "no data yet · S", "ink-3"),
    ],
)
def test_a_dead_sensor_is_not_called_what_it_was(
    row_: dict[str, Any], minutes: float | None, vi: str, en: str, color: str
) -> None:
    at = None if minutes is None else AT - timedelta(minutes=minutes)
    told = {**row_, "key": "S", "label": "Trạm", "observed_at": at}
    for t, words in ((VI, vi), (EN, en)):
        mark, _, said = card.head(t, LAYER, told, AT).children
        assert said.children == words
        assert mark.style["color"] == f"var(--{color})"
        assert ("hollow" in mark.className) == (color == "ink-3")


def test_what_is_odd_is_told_by_the_member_it_speaks_of() -> None:
    told = "pm25:range=99999 observed_at:future=2026-11-20T10:00:00Z no2:unit=ppb"
    assert environment.quality(VI, told) == (
        "Bụi PM2,5: ngoài khoảng đo (99999), không tính; giờ của trạm đi trước (2026-11-20T10:00:00Z), lấy giờ nhận; "
        "NO₂: đổi đơn vị sang ppb"
    )
    still = "pm25:range=-999@2026-11-20T09:50:00Z"
    assert environment.quality(VI, still) == "Bụi PM2,5: ngoài khoảng đo (-999), không tính (lúc 16:50 20/11/2026)"
    assert environment.quality(EN, still) == "PM2.5: out of range (-999), not counted (at 16:50 20/11/2026)"
    assert environment.quality(VI, None) == ""
    assert "PM2.5: out of range (99999), not counted" in environment.quality(EN, told)


def test_every_word_of_the_page_is_in_the_english_catalogue() -> None:
    import re

    text = Path(environment.__file__).read_text("utf-8")
    words = re.findall(r'\bt\("([^"]+)"', text)
    assert len(words) > 15
    assert [word for word in words if word not in catalogue("en")] == []


def observed(**samples: list[float]) -> Observed:
    """Values every ten minutes, the last of them now."""
    back = {name: range(len(values) - 1, -1, -1) for name, values in samples.items()}
    return Observed(
        {
            name: [(AT - timedelta(minutes=10 * n), value) for n, value in zip(back[name], values, strict=True)]
            for name, values in samples.items()
        }
    )


def test_the_chart_is_of_what_the_station_is_there_for() -> None:
    assert environment.chart_of(Observed(), {}, AT) is None
    for names, first, count in (
        (("rain_mm", "water_m"), "water_m", 48),
        (("temperature_c", "rain_mm"), "rain_mm", 24),
        (("no2", "pm25"), "pm25", 24),
        (("ph",), "ph", 24),
    ):
        chart = environment.chart_of(observed(**{name: [1.0] * 20 for name in names}), {1: 1.0}, AT)
        assert chart is not None
        assert (chart.name, len(chart.parts), bool(chart.levels)) == (first, count, first == "water_m")


def test_a_rivers_chart_reaches_to_the_next_level_above_and_shows_those_that_are_near() -> None:
    levels = {1: 1.0, 2: 2.0, 3: 3.5}
    for values, shown in (([0.5, 0.6], ["BĐ1"]), ([0.5, 2.6], ["BĐ1", "BĐ2", "BĐ3"]), ([2.5, 4.5], ["BĐ3"])):
        chart = environment.chart_of(observed(water_m=[value for value in values for _ in range(6)]), levels, AT)
        assert chart is not None
        (drawn,) = environment.more(VI, row(), chart)
        bars = drawn.children[1]
        assert [one.children for one in bars.children if one.className == "level"] == shown
        assert len([one for one in bars.children if one.className == "station-bar"]) >= 1
        assert len([one for one in bars.children if one.className.startswith("station-bar")]) == 48
        heights = [
            float(one.children[0].style["height"][:-1]) for one in bars.children if one.className == "station-bar"
        ]
        assert all(0 < height < 100 for height in heights)


def test_a_gap_in_the_chart_is_no_nought_and_its_words_say_from_where_to_where() -> None:
    chart = environment.chart_of(observed(rain_mm=[2.0, 3.0, 0.5]), {}, AT)
    assert chart is not None
    (drawn,) = environment.more(VI, row(), chart)
    bars = drawn.children[1]
    assert [one.className for one in bars.children].count("station-bar none") == 23
    assert bars.children[0].title.endswith("không có số liệu")
    assert getattr(bars, "aria-label") == "Mưa từ lần báo trước, 24 giờ qua: từ 5,5 đến 5,5 mm"
    assert environment.scale([0.0, 0.0], {}) == (0.0, 1.0)
