import numpy as np
import pytest
import shapely
import shapely.ops
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.reference import reference_fences
from geo.zone import COASTAL, INSHORE, NAMES_VI, OFFSHORE, UNKNOWN, zones_of

ZONES = zones_of(reference_fences())
assert ZONES is not None


@pytest.mark.parametrize(
    ("lon", "lat", "name"), [(107.75, 16.72, "ven bờ"), (108.3, 16.72, "lộng"), (108.8, 17.2, "khơi")]
)
def test_fact_08_zone_of_a_point(lon: float, lat: float, name: str) -> None:
    assert NAMES_VI[ZONES.classify([lon], [lat])[0]] == name


def test_fact_08_beyond_the_ends_of_the_lines_nothing_is_known() -> None:
    for lon, lat in ((108.0, 22.0), (112.0, 23.0), (-60.0, 30.0)):
        assert ZONES.classify([lon], [lat])[0] == UNKNOWN


def test_many_points_at_once_are_classified_as_one_by_one() -> None:
    order = np.random.default_rng(8)
    lon, lat = order.uniform(104, 116, 400), order.uniform(6, 22, 400)
    codes = ZONES.classify(lon, lat)
    assert set(codes) == {UNKNOWN, COASTAL, INSHORE, OFFSHORE}
    assert codes.tolist() == [int(ZONES.classify([x], [y])[0]) for x, y in zip(lon, lat, strict=True)]


@settings(deadline=None, max_examples=200)
@given(st.floats(102, 118), st.floats(4, 24))
def test_a_zone_is_what_the_domain_sheet_says(lon: float, lat: float) -> None:
    point = shapely.Point(lon, lat)
    coast, inshore = ZONES.coast_line, ZONES.inshore_line
    if ZONES.zone_inshore.covers(point):
        expected = INSHORE
    else:
        near = coast if coast.distance(point) < inshore.distance(point) else inshore
        at = shapely.ops.nearest_points(near, point)[0]
        ends = [shapely.Point(near.coords[index]) for index in (0, -1)]
        expected = COASTAL if near is coast else OFFSHORE
        if min(at.distance(end) for end in ends) < 1e-9:
            expected = UNKNOWN
    assert ZONES.classify([lon], [lat])[0] == expected


def test_without_its_three_parts_there_are_no_zones() -> None:
    assert zones_of([fence for fence in reference_fences() if fence.kind != "coast_line"]) is None
