"""Rings: garbage in, a valid geometry or a refusal out; what was meant is kept, and every fault says where it is."""

import json
from math import inf, nan

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box, mapping

from geo import ring
from geo.outline import area_km2
from geo.ring import checked


def polygon(*rings: list[tuple[float, float]]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [list(map(list, one)) for one in rings]}


def codes(value: object, wanted: ring.Shape | None = None) -> list[str]:
    return [fault.code for fault in checked(value, wanted).faults]


SQUARE = [(107.0, 16.0), (108.0, 16.0), (108.0, 17.0), (107.0, 17.0), (107.0, 16.0)]
BOW = [(107.0, 16.0), (108.0, 17.0), (108.0, 16.0), (107.0, 17.0), (107.0, 16.0)]


def test_a_good_ring_is_kept_as_it_is() -> None:
    found = checked(polygon(SQUARE))
    assert found.faults == ()
    assert not found.repaired
    assert list(found.geom.exterior.coords) == SQUARE


def test_a_bow_tie_becomes_its_two_wings_and_says_where_it_crosses() -> None:
    found = checked(polygon(BOW))
    (fault,) = found.faults
    assert (fault.code, fault.weight, fault.lon, fault.lat) == ("crossing", "repaired", 107.5, 16.5)
    assert found.repaired
    assert fault.vi == "Đường biên tự cắt"
    wings = sorted(part.bounds for part in found.geom.geoms)
    assert wings == [(107.0, 16.0, 107.5, 17.0), (107.5, 16.0, 108.0, 17.0)]
    assert all(part.exterior.is_ccw for part in found.geom.geoms)


@pytest.mark.parametrize(
    ("given_ring", "expected", "place"),
    [
        (SQUARE[:-1], "unclosed", (107.0, 16.0)),
        (SQUARE[::-1], "orientation", (107.0, 16.0)),
        ([*SQUARE[:2], SQUARE[1], *SQUARE[2:]], "duplicate", (108.0, 16.0)),
        ([*SQUARE[:2], (109.0, 16.0), *SQUARE[1:]], "touching", None),
    ],
)
def test_what_is_plainly_meant_is_mended(given_ring, expected: str, place) -> None:
    found = checked(polygon(given_ring))
    fault = next(one for one in found.faults if one.code == expected)
    assert fault.lon is not None
    assert place is None or (fault.lon, fault.lat) == place
    assert found.geom.equals(box(107, 16, 108, 17))
    assert found.geom.exterior.is_ccw


def test_every_crossing_is_told() -> None:
    comb = [(107.0 + n / 10, 16.0 if n % 2 else 17.0) for n in range(9)]
    found = checked(polygon([*comb, (108.0, 16.5), (106.9, 16.5)]))
    places = sorted((round(fault.lon, 3), fault.lat) for fault in found.faults if fault.code == "crossing")
    assert places == [(round(107.05 + n / 10, 3), 16.5) for n in range(8)]


@pytest.mark.parametrize(
    ("value", "expected", "place"),
    [
        (None, "shape", None),
        ("POLYGON", "shape", None),
        ({"type": "Point", "coordinates": [107, 16]}, "shape", None),
        ({"type": "Feature", "geometry": None}, "shape", None),
        ({"type": "Polygon", "coordinates": None}, "few_points", None),
        ({"type": "Polygon", "coordinates": 3}, "few_points", None),
        ({"type": "Polygon", "coordinates": [{}]}, "few_points", None),
        (polygon([(107, 16), (108, 17)]), "few_points", (107, 16)),
        (polygon([(107, 16), (108, 17), (107, 16), (108, 17)]), "few_points", (107, 16)),
        (polygon([(107, 16), (107.5, 16.5), (108, 17), (107, 16)]), "no_area", (107, 16)),
        (polygon([(107, 16), (107.000001, 16), (107.000001, 16.000001), (107, 16)]), "no_area", (107, 16)),
        (polygon([(107, 16), (108, nan), (108, 17)]), "not_a_number", (107, 16)),
        (polygon([(107, 16), (inf, 17), (108, 17)]), "not_a_number", (107, 16)),
        ({"type": "Polygon", "coordinates": [[[107, 16], [True, 16], [108, 17]]]}, "not_a_number", (107, 16)),
        ({"type": "Polygon", "coordinates": [[[107, 16], ["x", 16], [108, 17]]]}, "not_a_number", (107, 16)),
        ({"type": "Polygon", "coordinates": [[[107, 16], [10**400, 16], [108, 17]]]}, "not_a_number", (107, 16)),
        (polygon([(16, 107), (17, 108), (16, 108)]), "swapped", (107, 16)),
        (polygon([(107, 16), (107, 95), (108, 17)]), "out_of_range", (107, 16)),
        (polygon([(107, 16), (190, 16), (108, 17)]), "out_of_range", (107, 16)),
        (polygon([(179, 16), (-179, 16), (-179, 17), (179, 17)]), "antimeridian", (179, 16)),
        (polygon([(60, -50), (150, -50), (150, 50), (60, 50)]), "too_large", (105, 0)),
        ({"type": "LineString", "coordinates": [[107, 16]]}, "few_points", (107, 16)),
        ({"type": "LineString", "coordinates": [[107, 16], [107, 16]]}, "few_points", (107, 16)),
        ({"type": "LineString", "coordinates": [[107, 16], [107.000001, 16]]}, "no_length", (107, 16)),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(value, expected: str, place) -> None:
    found = checked(value)
    assert found.geom is None
    fault = found.faults[-1]
    assert (fault.code, fault.weight) == (expected, "refused")
    assert fault.vi
    assert fault.en
    if place is not None:
        assert (fault.lon, fault.lat) == pytest.approx(place, abs=1e-5)


def test_too_many_vertices_and_too_many_crossings_are_refused_at_once() -> None:
    many = [[107 + n / 60_000, 16] for n in range(60_000)]
    assert codes({"type": "LineString", "coordinates": many}) == ["too_many"]
    wild = np.random.default_rng(1).uniform([107, 16], [108, 17], (400, 2)).tolist()
    assert codes({"type": "Polygon", "coordinates": [wild]})[-1] == "tangled"


def test_an_area_is_asked_for_and_a_line_given() -> None:
    line = {"type": "LineString", "coordinates": [[107, 16], [108, 17]]}
    found = checked(line, "area")
    assert [fault.vi for fault in found.faults] == ["Cần một đa giác, không phải LineString"]
    assert checked(line, "line").geom.length > 1
    assert codes(polygon(SQUARE), "line") == ["shape"]


def test_polygons_over_each_other_are_one_and_a_hole_stays_a_hole() -> None:
    two = {"type": "MultiPolygon", "coordinates": [[SQUARE], [[(x + 0.5, y) for x, y in SQUARE]]]}
    found = checked(two)
    assert [fault.code for fault in found.faults] == ["overlap"]
    assert found.geom.equals(box(107, 16, 108.5, 17))
    inner = [(107.4, 16.4), (107.6, 16.4), (107.6, 16.6), (107.4, 16.6), (107.4, 16.4)]
    holed = checked(polygon(SQUARE, inner))
    assert holed.faults == ()
    assert not holed.geom.contains(shapely.Point(107.5, 16.5))


def test_a_hole_that_is_none_is_left_out() -> None:
    found = checked(polygon(SQUARE, [(107.5, 16.5), (107.5, 16.5), (107.5, 16.5)]))
    assert "hole" in [fault.code for fault in found.faults]
    assert len(found.geom.interiors) == 0


NUMBER = st.one_of(
    st.floats(106, 109).map(lambda x: round(x, 2)),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-400, 400),
    st.sampled_from([None, True, "16", [], {}]),
)
POSITION = st.one_of(st.tuples(st.floats(106, 108), st.floats(15, 17)), st.lists(NUMBER, max_size=3), NUMBER)
SANE = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda at: (107 + at[0] / 10, 16 + at[1] / 10))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["Polygon", "MultiPolygon", "LineString", "MultiLineString", "Point", "", None]),
    st.recursive(POSITION, lambda inner: st.lists(inner, max_size=8), max_leaves=60),
)
def test_any_garbage_is_a_geometry_or_a_refusal_in_words_and_never_an_exception(kind, coordinates) -> None:
    found = checked({"type": kind, "coordinates": coordinates})
    if found.geom is None:
        assert found.faults[-1].weight == "refused"
        assert found.faults[-1].vi
        return
    assert found.geom.is_valid
    assert all(fault.weight != "refused" for fault in found.faults)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(SANE, min_size=1, max_size=14), min_size=1, max_size=3))
def test_any_scribble_becomes_a_valid_polygon_of_sensible_size_or_a_refusal_with_a_place(rings) -> None:
    found = checked(polygon(*rings))
    if found.geom is None:
        assert found.faults[-1].lon is not None
        return
    assert found.geom.is_valid
    assert found.geom.geom_type in ("Polygon", "MultiPolygon")
    hull = shapely.MultiPoint([place for one in rings for place in one]).convex_hull
    assert area_km2(found.geom) > 0
    assert found.geom.area <= hull.area * (1 + 1e-9)
    assert all(part.exterior.is_ccw for part in shapely.get_parts(found.geom))
    if not found.repaired and len(rings) == 1:
        assert found.geom.area == pytest.approx(shapely.Polygon(rings[0]).area)
    for fault in found.faults:
        assert fault.lon is not None
        assert hull.distance(shapely.Point(fault.lon, fault.lat)) < 1e-6
    # What is mended once needs no mending again, also after it was written to a file.
    again = checked(json.loads(json.dumps(mapping(found.geom))))
    assert again.faults == ()
    assert again.geom.equals(found.geom)
