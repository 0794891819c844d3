import pytest
import shapely
import shapely.ops
from shapely.geometry import box

from geo.coverage import drawn, misfits


def test_overlaps_and_gaps_are_told_with_size_and_place_and_slivers_are_not() -> None:
    whole = box(107.0, 16.0, 107.4, 16.4)
    hole = box(107.2, 16.2, 107.21, 16.21)
    west, east = box(107.0, 16.0, 107.2, 16.4), whole.difference(box(107.0, 16.0, 107.2, 16.4)).difference(hole)
    neighbour = box(107.39, 16.0, 107.5, 16.4)  # 0.01 degrees into the one before it
    sliver = box(107.0, 16.399999, 107.2, 16.5)
    found = misfits([west, east, neighbour, sliver])
    assert [(one.kind, one.whose) for one in found] == [("overlap", (1, 2)), ("gap", (0, 1))]
    assert found[0].km2 == pytest.approx(47.3, rel=0.01)
    assert box(107.39, 16.0, 107.4, 16.4).covers(shapely.Point(found[0].lon, found[0].lat))
    assert hole.covers(shapely.Point(found[1].lon, found[1].lat))
    assert misfits([west]) == []


def test_what_neighbours_share_stays_shared_when_it_is_drawn_with_fewer_corners() -> None:
    edge = shapely.LineString([(107.2 + 2e-5 * (n % 2), 16.0 + n * 1e-4) for n in range(4001)])
    frame = box(107.0, 16.0, 107.4, 16.4)
    west, east = sorted(shapely.ops.split(frame, edge).geoms, key=lambda part: part.bounds[0])
    one, two = drawn([west, east])
    assert shapely.get_num_coordinates(one) < 50 < shapely.get_num_coordinates(west)
    assert one.intersection(two).area == pytest.approx(0, abs=1e-12)
    assert one.union(two).area == pytest.approx(frame.area, rel=1e-6)
    assert one.geom_type == two.geom_type == "MultiPolygon"
