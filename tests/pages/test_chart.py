"""The trail's classes and gaps, and the fences' shapes."""

from datetime import UTC, datetime, timedelta

import pytest
import shapely

from geo.fence import Fence
from pages.chart import speed_class, trail, zones
from pages.text import Text

START = datetime(2026, 11, 21, tzinfo=UTC)


def fix(minute: int, lon: float, speed: float | None) -> dict[str, object]:
    return {"observed_at": START + timedelta(minutes=minute), "lat": 16.6, "lon": lon, "speed": speed}


@pytest.mark.parametrize(
    ("speed", "expected"), [(None, 0), (0.4, 0), (0.5, 1), (2.9, 1), (3, 2), (7, 3), (12, 4), (40, 4)]
)
def test_speed_classes(speed: float | None, expected: int) -> None:
    assert speed_class(speed) == expected


def test_a_trail_is_one_multi_line_per_class_and_dotted_across_a_gap() -> None:
    rows = [fix(0, 107.1, 5), fix(2, 107.2, 5), fix(4, 107.3, 8), fix(35, 107.4, 8), fix(37, 107.5, 5)]
    lines = {line.className: line.positions for line in trail(rows)}
    assert lines == {
        "trail trail-2": [[[16.6, 107.1], [16.6, 107.2]], [[16.6, 107.4], [16.6, 107.5]]],
        "trail trail-3": [[[16.6, 107.2], [16.6, 107.3]]],
        "trail trail-gap": [[[16.6, 107.3], [16.6, 107.4]]],
    }


def test_a_trail_of_one_fix_is_empty() -> None:
    assert trail([fix(0, 107.1, 5)]) == []
    assert trail([]) == []


def test_fact_24_reference_lines_say_that_they_are_no_legal_ground() -> None:
    line = Fence("b", "coast_line", "Tuyến bờ", "Coastal line", shapely.LineString([(107, 17), (108, 16)]), id=3)
    area = Fence("a", "area", "Khu cấm", "Closed area", shapely.box(107, 16, 108, 17), id=4)
    side = Fence("k", "zone_offshore", "Khơi", "Offshore", shapely.box(107, 16, 108, 17), id=5)
    shapes, names = zones(Text("vi"), [line, area, side])
    assert names == {"fence-3": "tuyến bờ · sơ đồ tham khảo", "fence-4": "Khu cấm"}
    assert [shape.className for shape in shapes] == ["zone coast_line fence-3", "zone area fence-4"]
    assert shapes[0].positions == [[[17, 107], [16, 108]]]


def test_fact_18_no_line_leads_from_one_boat_to_another_under_the_same_number() -> None:
    here, there = [107.1, 107.2, 107.3], [109.1, 109.2, 109.3]
    both = [pair for pairs in zip(here, there, strict=True) for pair in pairs]
    rows = [{**fix(n, lon, 5), "track": n % 2} for n, lon in enumerate(both)]
    rows.insert(3, {**fix(2, 0.0, 5), "lat": 0.0, "track": -1})
    (line,) = trail(rows)
    assert line.positions == [[[16.6, lon] for lon in here], [[16.6, lon] for lon in there]]


def test_a_line_that_an_authority_gave_is_not_called_a_sketch() -> None:
    where = shapely.LineString([(107, 17), (108, 16)])
    line = Fence("b", "coast_line", "Tuyến bờ", "Coastal line", where, id=3, note="theo Chi cục Thủy sản, QĐ 12/2027")
    assert list(zones(Text("vi"), [line])[1].values()) == ["Tuyến bờ"]
