"""Bulletins as people keep them: columns in two languages, degrees and times as spelled, faults by row and column."""

from datetime import UTC, datetime
from typing import Any

import pytest

from geo.calendar import ZONE
from geo.storm_file import Draft, moment, of_features, of_sheet, typed, zone_of
from geo.vector_file import Row, Sheet
from geo.wrong import Wrong

HEAD = (
    "Thời gian (giờ VN)",
    "Vị trí tâm bão",
    "Cấp gió",
    "Bán kính gió mạnh cấp 6 (km)",
    "Bán kính cấp 10 (km)",
    "Loại",
)
GOOD = ("13:00 28/11/2026", "16,5 độ Vĩ Bắc; 112,3 độ Kinh Đông", "cấp 12, giật cấp 15", "250", "100", "quan trắc")
NEXT = ("13h00 29/11/2026", "16°48'N 109°30'E", "cấp 11, giật 13", "200,5", "", "dự báo")


def table(*rows: tuple[str, ...], head: tuple[str, ...] = HEAD, zone: str | None = None) -> Draft:
    cells = [(n, dict(zip(head, row, strict=True))) for n, row in enumerate(rows, 2)]
    return of_sheet(Sheet(head, tuple(cells)), zone_of(zone))


def told(draft: Draft) -> list[tuple[int, str, str]]:
    return [(one.row, one.wrong.field, one.wrong.en) for one in draft.faults]


def test_a_vietnamese_table_is_read() -> None:
    draft = table(GOOD, NEXT)
    assert told(draft) == []
    (row, first), (_, second) = draft.points
    assert row == 2
    assert first.at == datetime(2026, 11, 28, 6, tzinfo=UTC)
    assert (first.lat, first.lon) == (16.5, 112.3)
    assert (first.wind, first.gust, first.radii_km, first.observed) == (12, 15, {6: 250, 10: 100}, True)
    assert (second.lat, second.lon) == (pytest.approx(16.8), 109.5)
    assert (second.wind, second.gust, second.radii_km, second.observed) == (11, 13, {6: 200.5}, False)


def test_an_english_table_is_read_with_miles_and_what_it_says_of_the_storm() -> None:
    head = ("valid_at", "lat", "lon", "wind", "gust", "radius_6_nm", "storm_name", "number", "source", "seen by")
    rows = [
        ("2026-11-28T06:00Z", "16.5", "112.3", "12", "15", "135", "Fengshen", "12", "NCHMF", "x"),
        ("2026-11-29T13:00+07:00", "16 48", "109°30'E", "11", "13", "100", "", "", "", "x"),
    ]
    draft = table(*rows, head=head)
    assert told(draft) == []
    assert [one.radii_km[6] for _, one in draft.points] == [250.0, 185.2]
    assert draft.points[1][1].lat == pytest.approx(16.8)
    assert draft.points[1][1].at == datetime(2026, 11, 29, 6, tzinfo=UTC)
    assert draft.about == {"name": "Fengshen", "number": 12, "source": "NCHMF"}
    assert draft.ignored == ("seen by",)


def test_a_time_without_a_zone_is_refused_unless_file_column_or_form_states_one() -> None:
    head = ("Thời gian", *HEAD[1:])
    assert [one[:2] for one in told(table(GOOD, NEXT, head=head))] == [(2, "Thời gian"), (3, "Thời gian")]
    assert "has no zone" in told(table(GOOD, NEXT, head=head))[0][2]
    assert table(GOOD, NEXT, head=head, zone="UTC").points[0][1].at.hour == 13
    assert table(GOOD, NEXT, head=("Thời gian UTC", *HEAD[1:])).points[0][1].at.hour == 13
    made = typed([dict(zip(("valid_at", "position", "wind", "radius_6_km", "radius_10_km", "kind"), row, strict=True))
                  for row in (GOOD, NEXT)])  # fmt: skip
    assert made.points[0][1].at == datetime(2026, 11, 28, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour"),
    [("13:00 28/11/2026", 6), ("13h 28/11/2026", 6), ("13 giờ ngày 28/11/2026", 6), ("28/11/2026 13:00", 6),
     ("28-11-2026 13h00", 6), ("13:00 28-11-2026", 6), ("2026/11/28 13:00:00", 6), ("13:00 28/11/2026 giờ VN", 6),
     ("2026-11-28 13:00", 6), ("2026-11-28T13:00:00Z", 13), ("2026-11-28T20:00+0700", 13)],
)  # fmt: skip
def test_times_in_any_spelling(text: str, hour: int) -> None:
    assert moment(text, ZONE) == datetime(2026, 11, 28, hour, tzinfo=UTC)


@pytest.mark.parametrize("text", ["hôm nay", "13:00", "25:00 28/11/2026", "31/02/2026 10:00", "28/11/26 13:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Wrong):
        moment(text, ZONE)


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        (0, "", "the time of this point is missing"),
        (0, "mai", "is no time"),
        (1, "", "latitude or longitude missing"),
        (1, "đâu đó", "is no place"),
        (1, "112,3 16,5", "is no place: 16.5N 112.3E"),
        (1, "16,5 -112,3", "longitude 80 to 180 east"),
        (1, "16,5N 112,3T", "longitude 80 to 180 east"),
        (1, "16,5S 112,3E", "latitude 0 to 60 north"),
        (1, "16,5N -112,3E", "is no place: 16.5N 112.3E"),
        (1, "16,5-112,3", "is no place: 16.5N 112.3E"),
        (0, "13:00 28/11/2026 +99:00", "is no zone"),
        (0, "2026-11-28T13:00+24:00", "is no zone"),
        (3, "135 dặm", "a number, in km or nm"),
        (3, "250 m", "a number, in km or nm"),
        (2, "cấp 19", "Beaufort level"),
        (2, "cấp 12, giật cấp 10", "stronger than the wind"),
        (2, "mạnh", "Beaufort level"),
        (3, "", "radius of level 6 is missing"),
        (3, "rộng", "number"),
        (3, "2500", "0 to 1500 km"),
        (4, "300", "greater than that of level 6"),
        (5, "chắc vậy", "observed or forecast"),
    ],
)
def test_what_is_wrong_is_told_by_row_and_column(column: int, cell: str, words: str) -> None:
    bad = (*GOOD[:column], cell, *GOOD[column + 1 :])
    (fault,) = told(table(bad, NEXT))
    assert fault[0] == 2
    assert words in fault[2]
    if (column, words) != (2, "stronger than the wind"):
        assert fault[1] == HEAD[column] or fault[1] == "lat"


@pytest.mark.parametrize(
    "place",
    ["16.5N-112.3E", "16,5°N-112,3°E", "16,5N–112,3E", "16,5°B-112,3°Đ", "16,5 độ Vĩ Bắc-112,3 độ Kinh Đông",
     "khoảng 16,5 độ Vĩ Bắc; 112,3 độ Kinh Đông", "16°30'N-112°18'E", "16,5 độ-112,3 độ", "16,5N 112,3E"],
)  # fmt: skip
def test_a_stroke_between_latitude_and_longitude_is_no_minus(place: str) -> None:
    draft = table((GOOD[0], place, *GOOD[2:]), NEXT)
    assert told(draft) == []
    assert (draft.points[0][1].lat, draft.points[0][1].lon) == (pytest.approx(16.5), pytest.approx(112.3))


def test_a_bulletin_without_any_circle_is_refused() -> None:
    weak = [(*row[:2], "cấp 5", "", "", "dự báo") for row in (GOOD, NEXT)]
    (fault,) = told(table(*weak))
    assert (fault[0], "no danger area" in fault[2]) == (0, True)
    place = {"type": "Point", "coordinates": [112.3, 16.5]}
    sizes = ({"radius_6_km": 200, "radius_10_km": 80}, {"radius_10_km": 80})
    points = [feature(n, place, valid_at=f"2026-11-28T0{n}:00Z", wind=12, **one) for n, one in enumerate(sizes, 1)]
    (fault,) = told(of_features(points, None))
    assert (fault[0], "level 6 is missing" in fault[2]) == (2, True)


@pytest.mark.parametrize(
    ("head", "km"),
    [("Bán kính gió mạnh từ cấp 6 trở lên (hải lý)", 463), ("Bán kính gió cấp 6 trở lên (km)", 250),
     ("Bán kính cấp 6", 250), ("radius_6_nm", 463), ("R6 (km)", 250), ("Vùng nguy hiểm cấp 6, nm", 463)],
)  # fmt: skip
def test_circles_go_by_level_and_unit_of_their_column(head: str, km: float) -> None:
    draft = table(GOOD, NEXT, head=(*HEAD[:3], head, *HEAD[4:]))
    assert (told(draft), draft.points[0][1].radii_km[6]) == ([], km)


@pytest.mark.parametrize(
    "head",
    ["R34 (nm)", "radius_50_km", "Bán kính gió cấp 6 (dặm)", "Bán kính cấp 6 phía Bắc (km)", "radius_6_m",
     "Bán kính cấp 18 (km)", "Bán kính gió xoáy cấp 6 (km)"],
)  # fmt: skip
def test_circles_in_other_terms_are_refused_not_passed_over(head: str) -> None:
    draft = table(GOOD, NEXT, head=(*HEAD[:3], head, *HEAD[4:]))
    assert told(draft)[0][:2] == (0, head)
    assert head not in draft.ignored
    assert 34 not in draft.points[0][1].radii_km


@pytest.mark.parametrize("text", ["+99:00", "+24:00", "-14:30", "+07:75", "Mars"])
def test_what_is_no_zone_is_refused(text: str) -> None:
    with pytest.raises(Wrong):
        zone_of(text)


def test_a_track_has_two_points_in_order_at_a_storms_pace_and_circles() -> None:
    assert "two points" in told(table(GOOD))[0][2]
    assert told(table(NEXT, GOOD))[0][:2] == (3, "valid_at")
    far = ("14:00 28/11/2026", "16,5N 116E", *GOOD[2:])
    assert "km/h" in told(table(GOOD, far))[0][2]
    head = (*HEAD[:3], "Bán kính", *HEAD[4:5], "Loại")
    assert table(GOOD, NEXT, head=head).ignored == ("Bán kính",)  # of which level it is nobody can know
    weak = (*NEXT[:2], "cấp 5", "", "", "dự báo")
    assert told(table(GOOD, weak)) == []  # what has gone down has no circle any more


def feature(row: int, geometry: Any, **properties: Any) -> Row:
    return Row(row, properties, geometry, None)


def test_geojson_has_longitude_first_as_points_or_as_a_line_with_times() -> None:
    at = ["2026-11-28T13:00:00+07:00", "2026-11-29T13:00:00+07:00"]
    points = of_features(
        [feature(n, {"type": "Point", "coordinates": place}, valid_at=when, wind=12, radius_6_km=250, number=12)
         for n, (place, when) in enumerate(zip([[112.3, 16.5], [109.5, 16.8]], at, strict=True), 1)], None,
    )  # fmt: skip
    line = of_features(
        [feature(1, {"type": "LineString", "coordinates": [[112.3, 16.5], [109.5, 16.8]]}, times=at, wind=[12, 12],
                 radius_6_km=250, number=12)], None,
    )  # fmt: skip
    assert told(points) == told(line) == []
    assert points.points == line.points
    assert points.about == line.about == {"number": 12}
    assert (line.points[0][1].lon, line.points[0][1].lat) == (112.3, 16.5)
    area = of_features([feature(4, {"type": "Polygon", "coordinates": []})], None)
    assert told(area)[0][:2] == (4, "geometry")
    swapped = of_features(
        [feature(1, {"type": "Point", "coordinates": [16.5, 112.3]}, valid_at=at[0], radius_6_km=1)], None
    )
    assert "swapped" in told(swapped)[0][2]
