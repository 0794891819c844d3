"""A boat's course through the states of silence, asked at any moments, against the states looked up one by one."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from geo.course import Known, Place, Step, follow
from geo.duty import duty
from geo.figure import Figures, seeds
from geo.signal import ALARMS, signal

LAW = Figures(seeds())
T0 = datetime(2026, 11, 21, 3, tzinfo=UTC)
PORT, NEAR, AWAY = (("p",), ("p",)), ((), ("p",)), ((), ())


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def place(minutes: float, where=AWAY, by_hand: bool = False) -> Place:
    return Place(at(minutes), by_hand, *where)


def told(length_m: float, places: list[Place], looks: list[float], laid_up: bool = False) -> list[Step]:
    """The steps that a clock tells which looks at these minutes, each position being there from its own moment on."""
    known, steps = Known(T0), list[Step]()
    for look in sorted(looks):
        now = at(look)
        course = follow(duty(length_m, LAW, now), LAW, known, [one for one in places if one.at <= now], now, laid_up)
        steps += course.steps
        known = course.known
        assert course.due_at is None or course.due_at > now
    return steps


def looked_up(length_m: float, places: list[Place], until: int) -> list[tuple[int, str]]:
    """State by state from geo.signal, asked half a minute after every fifth minute; ports by hand of a plain loop."""
    found: list[tuple[int, str]] = []
    for minute in range(0, until + 1, EVERY):
        now = at(minute + 0.5)
        port, last, reports = False, T0, []
        for one in sorted(places, key=lambda each: (each.at, not each.by_hand)):
            if one.at <= now:
                port = bool(one.ports) or (port and bool(one.near))
                reports += [one.at] if one.by_hand else []
                last = last if one.by_hand else max(last, one.at)
        state = signal(duty(length_m, LAW, now), LAW, now, last, not port, False, reports).state
        if not found or found[-1][1] != state:
            found.append((minute, state))
    return found


def changes(steps: list[Step]) -> list[tuple[int, str]]:
    """The steps without those that only tell of another fix in the same state."""
    found = [(int((one.at - T0).total_seconds() // 60), one.state) for one in steps]
    return [one for before, one in pairwise([(0, ""), *found]) if before[1] != one[1]]


HOURS, EVERY = 11 * 24, 5  # minutes: every figure of the law is a multiple
MOMENTS = st.integers(1, HOURS * 12).map(lambda n: n * EVERY)
WHERE = st.sampled_from([AWAY, AWAY, AWAY, NEAR, PORT])
PLACES = st.lists(st.builds(place, MOMENTS, WHERE, st.booleans()), max_size=9, unique_by=lambda one: one.at)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([14.9, 15.0, 23.9, 24.0]), PLACES, st.lists(st.integers(0, HOURS * 60), max_size=25))
def test_whenever_the_clock_looks_the_steps_are_those_of_the_pure_states(length_m, places, looks) -> None:
    steps = told(length_m, places, [*looks, HOURS * 60 + 0.5])
    assert changes(steps) == looked_up(length_m, places, HOURS * 60)
    assert [one.at for one in steps] == sorted(one.at for one in steps)


def test_fact_01_a_boat_of_14_9_m_takes_no_step_into_loss_and_one_of_15_m_does() -> None:
    far = [float(hour * 60) for hour in range(300)]
    assert [one.state for one in told(14.9, [], far)] == ["NOT_REQUIRED"]
    assert "LOST" in [one.state for one in told(15.0, [], far)]


def test_fact_03_overdue_begins_when_the_six_hours_after_a_report_are_over() -> None:
    steps = told(16, [place(420, by_hand=True)], [1440])
    assert [(one.state, one.at) for one in steps if one.state in ALARMS] == [
        ("LOST", at(360)),
        ("MANUAL_REPORTING", at(420)),
        ("OVERDUE_REPORT", at(780) + timedelta(microseconds=1)),
    ]
    assert {one.since for one in steps} == {T0}


def test_fact_07_three_kilometres_in_and_four_out() -> None:
    in_port = [place(10, NEAR), place(60, PORT), place(100, NEAR)]
    assert [one.state for one in told(16, in_port, [3000])] == ["OK", "OK", "AT_PORT", "AT_PORT"]
    gone = [*in_port, place(200, AWAY), place(230, NEAR)]
    assert [one.state for one in told(16, gone, [3000])][-2:] == ["LATE", "LOST"]


def test_a_fix_that_comes_late_ends_the_loss_that_it_refutes() -> None:
    before = follow(duty(16, LAW, T0), LAW, Known(T0), [], at(361))
    assert [one.state for one in before.steps] == ["OK", "LATE", "LOST"]
    after = follow(duty(16, LAW, T0), LAW, before.known, [place(359)], at(365))
    assert [(one.state, one.at, one.since) for one in after.steps] == [("OK", at(359), at(359))]
    assert after.known.auto_at == at(359)
    # And one that only makes it shorter is another loss.
    later = follow(duty(16, LAW, T0), LAW, before.known, [place(60)], at(430))
    assert [(one.state, one.since) for one in later.steps] == [("LOST", at(60))]


def test_a_boat_says_when_it_must_be_looked_at_again() -> None:
    def due(minutes: float, *places: Place) -> datetime | None:
        return follow(duty(16, LAW, T0), LAW, Known(T0), places, at(minutes)).due_at

    assert due(1) == at(210)
    assert due(215) == at(360)
    assert due(361) == at(14_400)
    assert due(361, place(300, by_hand=True)) == at(660)
