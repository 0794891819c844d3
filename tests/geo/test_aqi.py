"""Fact 21: VN_AQI to its vectors, NowCast, and no index without particles."""

from datetime import UTC, datetime

import pytest

from geo.aqi import BANDS, aqi, band, nowcast, sub_index
from geo.figure import Figures, seeds

LAW, NOW = Figures(seeds()), datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pollutant", "concentration", "index"),
    [
        ("pm25", 65, 125), ("pm25", 115, 175), ("pm25", 200, 250), ("pm25", 0, 0), ("pm25", 25, 50), ("pm25", 500, 500),
        ("pm25", 900, 500), ("pm10", 100, 75), ("no2_1h", 450, 125), ("so2_1h", 237.5, 75), ("o3_8h", 190, 175),
        ("o3_8h", 400, 300), ("o3_8h", 401, None), ("co_1h", 20_000, 75), ("pm25", -1, None),
        ("pm25", float("nan"), None),
    ],
)  # fmt: skip
def test_fact_21_sub_indices(pollutant: str, concentration: float, index: int | None) -> None:
    assert sub_index(pollutant, concentration, LAW, NOW) == index


@pytest.mark.parametrize(
    ("hours", "mean", "index"),
    [
        ([60, 50, 40, 30, *[20] * 8], 50.63, 101),
        ([40, 38, 36, 35, 34, 33, 32, 31, *[30] * 4], 36.18, 72),
        ([0] * 12, 0, 0),
        ([30, None, 30], 30, 60),
    ],
)
def test_fact_21_nowcast_of_twelve_hours(hours: list[float | None], mean: float, index: int) -> None:
    found = nowcast(hours)
    assert found == pytest.approx(mean, abs=0.005)
    assert found is not None
    assert sub_index("pm25", found, LAW, NOW) == index


def test_fact_21_of_two_missing_hours_among_the_newest_three_there_is_no_data() -> None:
    assert nowcast([None, None, 40, 30]) is None
    assert nowcast([]) is None


def test_fact_21_the_index_is_the_greatest_part_and_none_without_particles() -> None:
    found = aqi({"pm25": 65, "no2_1h": 100, "pm10": None}, LAW, NOW)
    assert found is not None
    assert (found.index, found.of, dict(found.parts)) == (125, "pm25", {"pm25": 125, "no2_1h": 50})
    assert aqi({"no2_1h": 450, "o3_1h": 300, "pm25": None, "pm10": None}, LAW, NOW) is None


def test_fact_21_the_levels_have_the_decisions_words_and_colours_to_the_byte() -> None:
    assert [(one.highest, one.vi, one.rgb) for one in BANDS] == [
        (50, "Tốt", (0, 228, 0)), (100, "Trung bình", (255, 255, 0)), (150, "Kém", (255, 126, 0)),
        (200, "Xấu", (255, 0, 0)), (300, "Rất xấu", (143, 63, 151)), (500, "Nguy hại", (126, 0, 35)),
    ]  # fmt: skip
    assert [band(index).vi for index in (0, 50, 51, 100, 101, 151, 201, 301, 500)] == [
        "Tốt", "Tốt", "Trung bình", "Trung bình", "Kém", "Xấu", "Rất xấu", "Nguy hại", "Nguy hại",
    ]  # fmt: skip
