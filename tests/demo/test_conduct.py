"""The boats that play a part do what is told of them, as their motions show."""

from collections import Counter

import numpy as np
import pytest

from demo.conduct import conduct
from demo.plan import motion
from geo.basemap import is_land

START = 1_795_300_000.0


@pytest.fixture(scope="module")
def play():
    return conduct(1, START, 5, cast_alone=True)


@pytest.fixture(scope="module")
def told(play):
    return play.truths()


def test_each_kind_is_played_and_some_are_only_nearly(play, told) -> None:
    kinds = Counter(truth.kind for truth in told)
    assert 8 <= kinds["encounter"] <= 12  # of sixteen pairs; the others part too soon, keep away or are under way
    assert kinds["possible_disabling"] == 3
    assert kinds["gap"] == 6
    assert kinds["loitering"] >= 6
    assert kinds["port_visit"] >= 50
    assert kinds["fishing"] >= 40


def test_who_meets_is_near_the_other_for_two_hours(play, told) -> None:
    boats = {boat.mmsi: boat for boat in play.boats}
    for truth in (each for each in told if each.kind == "encounter"):
        at = np.arange(truth.start + 60, truth.end - 60, 30.0)
        a, b = (motion(play.plan(boats[mmsi]), at) for mmsi in (truth.mmsi, truth.parameters["other"]))
        apart_m = np.hypot((a.lon - b.lon) * np.cos(np.radians(a.lat)), a.lat - b.lat) * 60 * 1852
        assert apart_m.max() < 520
        assert truth.end - truth.start >= 2 * 3600


def test_nobody_is_heard_while_its_radio_is_off(play) -> None:
    for index, boat in enumerate(play.boats):
        if boat.mmsi in play.silences:
            off, on = play.silences[boat.mmsi]
            at = play.heard(index).at
            assert not ((at >= off) & (at < on)).any()
            assert ((at < off) & (at > off - 600)).any()
            assert ((at >= on) & (at < on + 1200)).any()


def test_nobody_crosses_land(play) -> None:
    at = np.arange(play.start, play.end, 300.0)
    for boat in play.boats:
        way = motion(play.plan(boat), at)
        assert not is_land(way.lon, way.lat).any(), boat.registration


def test_the_same_seed_plays_the_same(told) -> None:
    assert conduct(1, START, 5, cast_alone=True).truths() == told
