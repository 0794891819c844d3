import numpy as np
import pytest

from geo.basemap import is_land
from geo.inland import EAST, NORTH, SOUTH, WEST, is_inland


@pytest.mark.parametrize(
    ("place", "lon", "lat", "inland"),
    [
        ("Buôn Ma Thuột", 108.05, 12.68, True),
        ("Pleiku", 108.0, 13.98, True),
        ("a hill above Huế", 107.45, 16.35, True),
        ("Huế, on the Hương", 107.58, 16.46, False),
        ("Tam Giang lagoon", 107.50, 16.62, False),
        ("Cầu Hai lagoon", 107.86, 16.33, False),
        ("Sài Gòn's port", 106.72, 10.77, False),
        ("Hà Nội, on the Hồng", 105.86, 21.03, False),
        ("Vientiane, on the Mekong", 102.60, 17.96, False),
        ("Thuận An", 107.64, 16.57, False),
        ("open sea", 109.5, 16.0, False),
        ("Vienna, whose river the map does not know", 16.4, 48.2, False),
        ("nowhere", float("nan"), 16.0, False),
    ],
)
def test_only_what_is_far_from_all_water_is_inland(place: str, lon: float, lat: float, inland: bool) -> None:
    assert is_inland([lon], [lat]).tolist() == [inland], place


def test_what_is_inland_lies_on_land() -> None:
    random = np.random.default_rng(20_18)
    lon, lat = random.uniform(WEST - 1, EAST + 1, 20_000), random.uniform(SOUTH - 1, NORTH + 1, 20_000)
    inland = is_inland(lon, lat)
    assert 0.2 < inland.mean() < 0.6
    assert is_land(lon[inland], lat[inland]).all()
