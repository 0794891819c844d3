"""Fact 22: Kim Long's and Phú Ốc's stages, to the centimetre and in the bulletins' words."""

from datetime import UTC, datetime

import pytest

from geo.figure import Figures, seeds
from geo.river import stage

LAW, NOW = Figures(seeds()), datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("station", "water_m", "level", "words"),
    [
        ("kim_long", 2.56, 2, "trên BĐ2 0,56 m"),
        ("phu_oc", 3.79, 2, "dưới BĐ3 0,71 m"),
        ("kim_long", 4.56, 3, "trên BĐ3 1,06 m"),
        ("kim_long", 5.05, 3, "trên BĐ3 1,55 m"),
        ("kim_long", 0.8, 0, "dưới BĐ1 0,20 m"),
        ("kim_long", 2.0, 2, "ở mức BĐ2"),
        ("kim_long", 1.9999, 2, "ở mức BĐ2"),
        ("kim_long", 1.5, 1, "trên BĐ1 0,50 m"),
        ("ha_bang", 8.4, None, "dưới BĐ2 0,10 m"),
        ("ha_bang", 8.6, 2, "trên BĐ2 0,10 m"),
        ("phong_binh", 3.0, None, ""),
    ],
)
def test_fact_22_a_stage_is_told_by_the_nearest_level(
    station: str, water_m: float, level: int | None, words: str
) -> None:
    found = stage(station, water_m, LAW, NOW)
    assert (found.level, found.words()) == (level, words)


def test_fact_22_in_english_numbers_have_points() -> None:
    assert stage("kim_long", 2.56, LAW, NOW).words(en=True) == "above BĐ2 0.56 m"
