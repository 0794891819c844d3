"""The drawn areas are sound polygons at sea, fit to be fences."""

import shapely

from demo import areas
from geo.basemap import is_land
from geo.reference import reference_fences
from geo.zone import INSHORE, zones_of


def test_two_areas_valid_counter_clockwise_and_at_sea():
    assert [area.name for area in areas()] == ["demo_ban", "demo_approach"]
    for area in areas():
        shape = shapely.Polygon(area.ring)
        assert shape.is_valid
        assert shape.exterior.is_ccw
        assert area.ring[0] == area.ring[-1]
        assert not is_land([p[0] for p in area.ring], [p[1] for p in area.ring]).any()


def test_the_banned_area_lies_in_the_inshore_zone():
    ring = areas()[0].ring
    codes = zones_of(reference_fences()).classify([p[0] for p in ring], [p[1] for p in ring])
    assert set(codes.tolist()) == {INSHORE}


def test_each_says_that_it_is_simulated():
    for area in areas():
        assert "mô phỏng" in area.name_vi
        assert "simulated" in area.name_en
        assert "không có giá trị pháp lý" in area.note
