import numpy as np
import pytest

from geo.mmsi import has_country, mid, station_kind


@pytest.mark.parametrize(
    ("mmsi", "kind", "country"),
    [
        (574_000_001, "ship", 574),
        (995_741_234, "aton", 574),
        (995_746_234, "aton", 574),
        (970_123_456, "sart", None),
        (972_123_456, "mob", None),
        (974_123_456, "epirb", None),
        (5_740_001, "coast", 574),
        (57_400_012, "group", 574),
        (111_574_001, "sar_aircraft", 574),
        (857_400_001, "handheld", 574),
        (985_740_001, "craft", 574),
        (201_000_000, "ship", 201),
        (775_999_999, "ship", 775),
    ],
)
def test_fact_17_what_an_mmsi_says(mmsi: int, kind: str, country: int | None) -> None:
    assert station_kind(mmsi) == kind
    assert mid(mmsi) == country


@pytest.mark.parametrize(
    "mmsi", [0, 111_111_111, 123_456_789, 999_999_999, 1_000_000_000, -1, 200_999_999, 776_000_000, 992_001_234]
)
def test_fact_17_numbers_of_nobody(mmsi: int) -> None:
    assert station_kind(mmsi) == "invalid"
    assert mid(mmsi) is None


def test_many_numbers_at_once_are_judged_as_each_alone() -> None:
    random = np.random.default_rng(17)
    starts = [0, 574, 57_400_000, 111_574_000, 857_400_000, 970_000_000, 975_000_000, 985_740_000, 995_740_000]
    spread = [start + random.integers(0, 99_999_999, 300) for start in starts]
    numbers = np.concatenate([*spread, random.integers(-5, 1_000_000_050, 3000), [0, 111_111_111, 123_456_789]])
    assert has_country(numbers).tolist() == [station_kind(int(number)) != "invalid" for number in numbers]
