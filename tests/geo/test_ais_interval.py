"""Fact 19: how often AIS is to be expected, by class and speed (ITU-R M.1371-5)."""

import pytest

from geo.ais_interval import expected_s, stale_s

A, SO, CS = {"ais_class": "A", "status": 0}, {"ais_class": "B", "cs": False}, {"ais_class": "B", "cs": True}


@pytest.mark.parametrize(
    ("station", "seconds"),
    [
        ({**CS, "speed": 5.0}, 30),
        ({**CS, "speed": 2.0}, 180),
        ({**CS, "speed": 2.1}, 30),
        ({**CS, "speed": 30.0}, 30),
        ({**SO, "speed": 2.0}, 180),
        ({**SO, "speed": 5.0}, 30),
        ({**SO, "speed": 14.5}, 15),
        ({**SO, "speed": 25.0}, 5),
        ({**A, "status": 1, "speed": 0.2}, 180),
        ({**A, "status": 5, "speed": 3.0}, 180),
        ({**A, "status": 1, "speed": 3.1}, 10),
        ({**A, "speed": 0.0}, 10),
        ({**A, "speed": 14.0}, 10),
        ({**A, "speed": 14.0, "turn": 5.0}, 10 / 3),
        ({**A, "speed": 20.0}, 6),
        ({**A, "speed": 20.0, "turn": -5.0}, 2),
        ({**A, "speed": 24.0}, 2),
        ({**A, "speed": None}, 10),
        ({"msg_type": 21}, 180),
        ({"msg_type": 4}, 10),
        ({"msg_type": 9, "speed": 90.0}, 10),
        ({"msg_type": 27, **A}, 180),
        ({}, None),
    ],
)
def test_fact_19_how_often_a_station_speaks(station, seconds) -> None:
    assert expected_s(station) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(("expected", "stale"), [(2, 360), (30, 360), (60, 360), (180, 1080)])
def test_fact_19_stale_is_six_times_that_and_six_minutes_at_least(expected: float, stale: float) -> None:
    assert stale_s(expected) == stale
