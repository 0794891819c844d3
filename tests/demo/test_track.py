"""A track is smooth, and its speed and course are those of its positions."""

import numpy as np

from demo.plan import Once, motion
from demo.sea import distance_nm, offset
from demo.track import Activity, Pen

START = 1_795_300_000.0
HARBOUR = (107.7, 16.7)


def square():
    pen = Pen(START, HARBOUR)
    for east, north in ((6.0, 0.0), (6.0, 6.0), (0.0, 6.0), (0.0, 0.0)):
        pen.sail(offset(HARBOUR, east, north), 6.0)
    pen.stay(pen.at + 600, Activity.MOORED)
    return pen.track()


def test_it_is_where_the_pen_went():
    at = START + np.array([0.0, 1800.0, 3600.0, 5400.0])
    way = square().motion(at)
    for row, (east, north) in enumerate(((0, 0), (3, 0), (6, 0), (6, 3))):
        assert distance_nm((way.lon[row], way.lat[row]), offset(HARBOUR, east, north)) < 0.06


def test_speed_and_course_on_a_straight_leg():
    way = square().motion(START + np.array([1800.0, 5400.0, 9000.0, 12600.0]))
    np.testing.assert_allclose(way.speed, 6.0, rtol=0.02)
    np.testing.assert_allclose(way.course, [90.0, 0.0, 270.0, 180.0], atol=1e-6)
    np.testing.assert_allclose(way.turn, 0.0, atol=1e-6)


def test_reported_speed_is_the_speed_made_good():
    at = np.arange(START, START + 4 * 3600, 10.0)
    way = square().motion(at)
    made_good = np.hypot(np.diff(way.lon) * np.cos(np.radians(way.lat[1:])), np.diff(way.lat)) * 60 * 360
    np.testing.assert_allclose(made_good, (way.speed[1:] + way.speed[:-1]) / 2, atol=0.3)


def test_corners_are_turned_over_a_minute_and_more():
    way = square().motion(np.arange(START + 3500, START + 3700, 5.0))
    assert np.abs(np.diff(np.unwrap(np.radians(way.course)))).max() < np.radians(20)
    assert way.turn.min() < -40  # from east to north: to port


def test_before_and_after_it_lies_still():
    track = square()
    way = track.motion([START - 1e6, START - 60, track.end + 60, track.end + 1e6])
    np.testing.assert_allclose(way.speed, 0.0, atol=1e-9)
    np.testing.assert_allclose(way.lon, HARBOUR[0], atol=1e-9)
    assert way.activity[-1] == Activity.MOORED


def test_one_moment_or_many_is_the_same():
    at = np.arange(START, START + 3600, 97.0)
    plan = Once(square())
    together = motion(plan, at)
    alone = [motion(plan, moment) for moment in at]
    np.testing.assert_allclose([one.lon[0] for one in alone], together.lon, rtol=0, atol=1e-12)
    np.testing.assert_allclose([one.speed[0] for one in alone], together.speed, rtol=0, atol=1e-9)
