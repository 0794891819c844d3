"""A storm in words: what a group is called, and figures of nought that stay in a row."""

from typing import Any

import pytest

from access import storm as storms
from geo.storm_boats import GROUPS
from pages.storm_words import _row, group_words
from pages.text import Text

VI, EN = Text("vi"), Text("en")


@pytest.mark.parametrize(
    ("hours", "vi", "en"),
    [(24, "trong 24 giờ", "within 24 h"), (36, "trong 36 giờ", "within 36 h"), (1.5, "trong 1,5 giờ", "within 1.5 h"),
     (1 / 6, "trong 10 phút", "within 10 min")],
)  # fmt: skip
def test_the_words_say_how_far_the_list_looks_ahead(hours: float, vi: str, en: str) -> None:
    assert group_words(VI, "coming", hours) == f"Sẽ vào vùng nguy hiểm {vi}"
    assert group_words(EN, "coming", hours) == f"In the danger area {en}"


def test_of_called_boats_it_is_not_said_that_they_are_safe_when_nobody_knows() -> None:
    names = (*GROUPS, storms.GONE, storms.UNPLACED, storms.UNKNOWN, storms.CLOSED)
    said = [group_words(VI, name, 24) for name in names]
    assert len(set(said)) == len(names)
    assert [name for name, words in zip(names, said, strict=True) if "không còn" in words] == [storms.GONE]


def test_a_boat_in_the_middle_of_the_storm_has_its_distance() -> None:
    empty: dict[str, Any] = dict.fromkeys(
        ("shipname", "commune", "home_province", "enters_at", "edge_km", "observed_at", "layer", "port", "speed_kn",
         "course_deg", "answered_at", "answer", "last")
    )  # fmt: skip
    boat = {
        **empty, "registration": "TTH-91234-TS", "length_m": 16.0, "group": "inside", "level_now": 10,
        "level_worst": 10, "distance_km": 0.2, "nearest_km": 0.0,
        "lat": 16.5, "lon": 112.0, "by_hand": False, "people": [], "calls": 0,
        "seen": 0, "simulated": False,
    }  # fmt: skip
    row = _row(VI, boat)
    assert (row["dist"], row["near"], row["calls"], "edge" in row, "sim" in row) == (0, 0, 0, False, False)
