"""Which lines of the desk are shown, in which order; what is urgent is never left out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geo.selection import NO_UNIT, SEVERAL, as_query, choose, facets, selection

NOW = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)


def made(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "id": number, "state": "unacknowledged", "severity": "medium", "rule": "zone", "rule_kind": "inside",
        "rule_vi": "Sai vùng", "rule_en": "Wrong zone", "object_key": str(number), "object_label": None,
        "fence_vi": None, "fence_en": None, "unit": None, "unit_vi": None, "unit_en": None,
        "raised_at": NOW - timedelta(minutes=number), "lon": 108.0, "lat": 16.0, "flood": None, "mixed": False,
    }  # fmt: skip
    return {**row, **changes}


DESK = [
    made(1, rule_kind="distress", severity="critical", rule="distress", lon=None, lat=None),
    made(2, severity="high", rule="silent", unit="Fisheries", unit_vi="Chi cục"),
    made(3, severity="low", lon=109.5, lat=17.0),
    made(4, flood=9, mixed=True, unit="fisheries", lon=120.0, lat=3.0),
    made(5, state="acknowledged", severity="critical"),
]


def shown(**query: str) -> list[int]:
    return [line["id"] for line in choose(DESK, selection(query))]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"severity": "low"}, [1, 3]),
        ({"severity": "HIGH, low"}, [1, 2, 3]),
        ({"state": "acknowledged"}, [1, 5]),
        ({"rule": "Silent"}, [1, 2]),
        ({"rule": SEVERAL}, [1, 4]),
        ({"unit": "FISHERIES"}, [1, 2]),  # a flood is given to nobody, whatever its newest alarm is
        ({"unit": NO_UNIT}, [1, 3, 4, 5]),
        ({"bbox": "107,15,108.5,16.5"}, [1, 2, 4, 5]),  # a flood is everywhere
        ({"bbox": "109,15,-170,17.5"}, [1, 3, 4]),  # across the antimeridian
        ({"severity": "low", "state": "acknowledged"}, [1]),
        ({"severity": "nonsense", "bbox": "a,b,c,d", "sort": "nonsense"}, [1, 2, 3, 4, 5]),
        ({"bbox": "107,17,108,15"}, [1, 2, 3, 4, 5]),  # upside down
    ],
)
def test_what_names_nothing_leaves_everything_in_and_the_urgent_is_always_there(query, ids) -> None:
    assert shown(**query) == ids


def test_an_acknowledged_critical_alarm_is_not_urgent_any_more() -> None:
    assert 5 not in shown(severity="low")


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("raised", [1, 5, 4, 3, 2]),
        ("-raised", [1, 2, 3, 4, 5]),
        ("severity", [1, 5, 2, 4, 3]),
        ("state", [1, 2, 3, 4, 5]),
    ],
)
def test_an_order_holds_below_what_is_urgent(order: str, ids: list[int]) -> None:
    assert shown(sort=order) == ids


def test_names_are_ordered_as_in_a_list_of_names() -> None:
    names = ["Đà Nẵng", "Bình Định", "Ích", "Dung", "an", "Ẩn", ""]
    lines = [made(n, object_label=name or None, object_key=name) for n, name in enumerate(names)]
    ordered = choose(lines, selection({"sort": "object"}))
    assert [line["object_key"] for line in ordered] == ["an", "Ẩn", "Bình Định", "Đà Nẵng", "Dung", "Ích", ""]


def test_a_selection_is_written_as_it_is_read() -> None:
    query = {"severity": "high,low", "unit": "none", "sort": "-raised"}
    assert as_query(selection(query)) == query
    assert as_query(selection({})) == {}


def test_facets_count_every_line() -> None:
    counted = facets(DESK)
    assert counted["severity"] == {"critical": 2, "high": 1, "low": 1, "medium": 1}
    assert counted["state"] == {"unacknowledged": 4, "acknowledged": 1}
    assert counted["unit"] == {NO_UNIT: 4, "Fisheries": 1}
    assert counted["rule"] == {"distress": 1, "silent": 1, "zone": 2, SEVERAL: 1}
