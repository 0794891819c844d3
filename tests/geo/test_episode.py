from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.episode import (
    Clear,
    Judged,
    Presence,
    Raise,
    Sight,
    Step,
    Verdict,
    judge,
    judge_end,
    judge_silence,
    judge_time,
    margin_nm,
    reach_nm,
    step_severity,
)
from geo.rule import DUTIES, EVENTS, KINDS, Rule

T0 = datetime(2026, 11, 21, 3, tzinfo=UTC)
STEPS_NM = [15, 10, 6, 3]
STATES = ("inside", "outside", "threshold", "proximity")


def rule(kind: str = "inside", dwell_s: float = 0.0, **changes: Any) -> Rule:
    given_values = {"fence_key": "f", "dwell_s": dwell_s, **changes}
    return Rule("r", kind, "vessel", "Luật", "Rule", "high", **given_values)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def sight(seconds: float, where: str, qualifies: bool = True, **more: Any) -> Sight:
    """where: "in" the fence, on its "edge" (only in the fence widened), "out" of both."""
    return Sight(at(seconds), where == "in", where in ("in", "edge"), qualifies, **more)


def over(seconds: float, direction: float, qualifies: bool = True) -> Sight:
    """The moment of crossing a line: +1 to its left, -1 to its right."""
    return Sight(at(seconds), True, True, qualifies, value=direction)


def away(seconds: float, nm: float, qualifies: bool = True) -> Sight:
    """So many nautical miles from what is approached."""
    return Sight(at(seconds), False, False, qualifies, value=nm)


def one_step(one: Rule, before: Presence | None, each: Sight) -> tuple[Presence | None, list[Verdict]]:
    """As ingest.judgement does: an end that fell due before the sight, then the sight."""
    presence, ended = judge_end(one, before, each.observed_at)
    presence, verdict = judge(one, presence, each)
    return presence, [found for found in (ended, verdict) if found is not None]


def play(one: Rule, *sights: Sight, begin: Presence | None = None) -> tuple[Presence | None, list[Verdict]]:
    presence, verdicts = begin, []
    for each in sights:
        presence, found = one_step(one, presence, each)
        verdicts += found
    return presence, verdicts


# Inside: a state.


def test_entering_raises_once_and_leaving_clears() -> None:
    presence, verdicts = play(
        rule(), sight(0, "out"), sight(10, "in"), sight(20, "in"), sight(30, "out"), sight(40, "out")
    )
    assert verdicts == [Raise(at(10)), Clear(at(30))]
    assert presence is None


def test_jitter_within_the_hysteresis_raises_nothing_new() -> None:
    jitter = [sight(10 * n, "in" if n % 2 else "edge") for n in range(1, 40)]
    _, verdicts = play(rule(), *jitter)
    assert verdicts == [Raise(at(10))]


def test_the_edge_alone_is_no_entry() -> None:
    presence, verdicts = play(rule(), sight(0, "edge"), sight(10, "edge"))
    assert (presence, verdicts) == (None, [])


def test_dwell_counts_in_event_time() -> None:
    one = rule(dwell_s=60)
    _, verdicts = play(one, sight(0, "in"), sight(59, "in"))
    assert verdicts == []
    _, verdicts = play(one, sight(0, "in"), sight(59, "in"), sight(60, "in"), sight(300, "in"))
    assert verdicts == [Raise(at(60))]
    _, verdicts = play(one, sight(0, "in"), sight(600, "in"))
    assert verdicts == [Raise(at(60))]  # the moment it was due, however late the fix that shows it


def test_leaving_before_the_dwell_is_over_raises_nothing_and_begins_anew() -> None:
    one = rule(dwell_s=60)
    presence, verdicts = play(one, sight(0, "in"), sight(50, "out"), sight(70, "in"), sight(120, "in"))
    assert verdicts == []
    assert presence == Presence(at(70), at(70))


def test_the_dwell_counts_only_while_the_fix_qualifies() -> None:
    one = rule(dwell_s=60)
    fast = [sight(10 * n, "in", qualifies=False) for n in range(30)]
    presence, verdicts = play(one, *fast)
    assert verdicts == []
    assert presence == Presence(at(0), None)
    _, verdicts = play(
        one, *fast, sight(300, "in"), sight(330, "in", qualifies=False), sight(340, "in"), sight(400, "in")
    )
    assert verdicts == [Raise(at(400))]


def test_a_raised_episode_ends_by_leaving_and_not_by_speed() -> None:
    _, verdicts = play(rule(), sight(0, "in"), sight(10, "in", qualifies=False), sight(20, "edge"), sight(30, "out"))
    assert verdicts == [Raise(at(0)), Clear(at(30))]


def test_the_end_is_delayed_and_a_return_meanwhile_is_no_end() -> None:
    one = rule(off_delay_s=60)
    _, verdicts = play(one, sight(0, "in"), sight(10, "out"), sight(50, "out"), sight(70, "out"), sight(90, "out"))
    assert verdicts == [Raise(at(0)), Clear(at(70))]
    presence, verdicts = play(one, sight(0, "in"), sight(10, "out"), sight(60, "edge"), sight(100, "out"))
    assert verdicts == [Raise(at(0))]
    assert presence == Presence(at(0), at(0), raised=True, left_at=at(100))


@pytest.mark.parametrize("where", ["in", "edge", "out"])
def test_a_delayed_end_does_not_wait_for_the_clock_or_for_the_next_sight(where: str) -> None:
    """What is seen after the delay belongs to what comes next, whether or not a clock was there in between."""
    one, back = rule(off_delay_s=60), sight(100, where)
    open_still, verdicts = play(one, sight(0, "in"), sight(10, "out"))
    assert verdicts == [Raise(at(0))]
    assert open_still is not None
    ticked, cleared = judge_time(one, open_still, at(71))
    assert (ticked, cleared) == (None, Clear(at(70)))
    with_clock = judge(one, ticked, back)
    presence, found = one_step(one, open_still, back)
    assert found == [cleared, *([with_clock[1]] if with_clock[1] else [])]
    assert presence == with_clock[0]


# Outside: what should be inside.


def test_outside_watches_what_has_been_inside() -> None:
    one = rule("outside", dwell_s=60)
    presence, verdicts = play(one, sight(0, "out"), sight(100, "out"))
    assert (presence, verdicts) == (None, [])
    _, verdicts = play(one, sight(0, "in"), sight(10, "out"), sight(70, "out"), sight(80, "out"), sight(90, "in"))
    assert verdicts == [Raise(at(70)), Clear(at(90))]
    _, verdicts = play(one, sight(0, "in"), sight(10, "out"), sight(50, "edge"), sight(80, "out"), sight(130, "out"))
    assert verdicts == []


def test_what_came_back_is_watched_on_also_when_the_clock_ended_it() -> None:
    one = rule("outside", off_delay_s=60)
    presence, verdicts = play(one, sight(0, "in"), sight(10, "out"), sight(20, "in"), sight(30, "edge"))
    assert verdicts == [Raise(at(10))]
    assert presence is not None
    presence, verdicts = play(one, sight(0, "in"), sight(10, "out"), sight(20, "in"))
    ended, verdict = judge_time(one, presence or Presence(at(0), None), at(80))
    assert verdict == Clear(at(80))
    assert ended == Presence(at(0), None)
    assert judge(one, ended, sight(90, "out"))[1] == Raise(at(90))


# Events: coming in, going out, crossing a line.


def test_the_first_sight_of_something_inside_is_no_coming_in() -> None:
    presence, verdicts = play(rule("enter"), sight(0, "in", first=True), sight(10, "in"))
    assert verdicts == []
    assert presence == Presence(at(0), at(0))
    _, verdicts = play(rule("enter"), sight(20, "out"), sight(30, "in"), begin=presence)
    assert verdicts == [Raise(at(30), until=at(30))]


def test_coming_in_is_told_once_and_jitter_on_the_edge_is_no_coming_in() -> None:
    one = rule("enter")
    _, verdicts = play(one, sight(0, "out"), sight(10, "in"), sight(20, "edge"), sight(30, "in"), sight(40, "in"))
    assert verdicts == [Raise(at(10), until=at(10))]
    _, verdicts = play(one, sight(0, "edge"), sight(10, "edge"), sight(20, "out"))
    assert verdicts == []


def test_what_comes_in_and_does_not_qualify_is_not_told_later() -> None:
    presence, verdicts = play(rule("enter"), sight(0, "out"), sight(10, "in", qualifies=False), sight(20, "in"))
    assert verdicts == []
    assert presence is not None


def test_going_out_is_told_after_a_stay() -> None:
    one = rule("exit", dwell_s=60)
    _, verdicts = play(one, sight(0, "in"), sight(60, "edge"), sight(70, "out"), sight(80, "out"))
    assert verdicts == [Raise(at(70), until=at(70))]
    assert play(one, sight(0, "in"), sight(59, "out"), sight(100, "out")) == (None, [])
    assert play(one, sight(0, "edge"), sight(100, "out")) == (None, [])
    assert play(one, sight(0, "in"), sight(90, "out", qualifies=False)) == (None, [])


@pytest.mark.parametrize(
    ("direction", "told"), [("both", [1.0, -1.0]), ("to_left", [1.0]), ("to_right", [-1.0]), (None, [1.0, -1.0])]
)
def test_a_crossing_is_told_in_its_direction(direction: str | None, told: list[float]) -> None:
    one = rule("crossing", params={} if direction is None else {"direction": direction})
    for side in (1.0, -1.0):
        presence, verdicts = play(one, over(0, side), sight(10, "out"), sight(20, "out"))
        assert verdicts == ([Raise(at(0), side, until=at(0))] if side in told else [])
        assert presence is None


def test_what_turns_back_within_the_hysteresis_has_not_crossed() -> None:
    one = rule("crossing")
    there = (over(0, 1.0), sight(5, "edge"), over(10, -1.0), sight(15, "edge"), sight(20, "out"))
    assert play(one, *there) == (None, [])
    again = (over(30, 1.0), sight(35, "edge"), sight(90, "out"))
    assert play(one, *there, *again) == (None, [Raise(at(30), 1.0, until=at(30))])
    # One that is clear of the line and comes back has crossed twice.
    both = (over(0, 1.0), sight(10, "out"), over(20, -1.0), sight(30, "out"))
    assert play(one, *both)[1] == [Raise(at(0), 1.0, until=at(0)), Raise(at(20), -1.0, until=at(20))]


def test_over_and_back_in_one_way_is_no_crossing_and_over_back_and_over_is_one() -> None:
    one = rule("crossing")
    assert play(one, over(1, 1.0), over(2, -1.0), sight(10, "out")) == (None, [])
    assert play(one, over(1, 1.0), over(2, -1.0), over(3, 1.0), sight(10, "out"))[1] == [Raise(at(3), 1.0, until=at(3))]


def test_a_crossing_that_does_not_qualify_is_not_told_and_yet_may_be_the_way_back() -> None:
    one = rule("crossing")
    assert play(one, over(0, 1.0, qualifies=False), sight(10, "out")) == (None, [])
    assert play(one, over(0, 1.0), sight(5, "edge"), over(10, -1.0, qualifies=False), sight(20, "out")) == (None, [])


def test_an_event_is_no_matter_of_the_clock() -> None:
    for kind in EVENTS:
        known = Presence(at(0), at(0), value=1.0)
        assert judge_time(rule(kind), known, at(9_999)) == (known, None)


# Approach: steps.


def approach(**changes: Any) -> Rule:
    return rule("approach", params={"steps_nm": STEPS_NM}, **changes)


def told(verdicts: list[Verdict]) -> list[tuple[str, float | None]]:
    return [(type(each).__name__, getattr(each, "value", None)) for each in verdicts]


def test_fact_11_each_step_is_announced_once_an_approach() -> None:
    way = [20, 16, 15, 14, 11, 10, 9, 7, 6, 5, 4, 3, 2, 1, 0, 0.5, 1, 2, 2.9]
    _, verdicts = play(approach(), *[away(60 * n, nm) for n, nm in enumerate(way)])
    assert told(verdicts) == [("Raise", 15), ("Step", 10), ("Step", 6), ("Step", 3)]
    assert [each.at for each in verdicts if each] == [at(120), at(300), at(480), at(660)]


def test_fact_11_moving_away_arms_a_step_again() -> None:
    way = [14, 5, 2, 4, 2]
    _, verdicts = play(approach(), *[away(60 * n, nm) for n, nm in enumerate(way)])
    assert told(verdicts) == [("Raise", 15), ("Step", 6), ("Step", 3), ("Step", 3)]
    _, verdicts = play(approach(), *[away(60 * n, nm) for n, nm in enumerate([2, 7, 12, 7, 2])])
    assert told(verdicts) == [("Raise", 3), ("Step", 10), ("Step", 3)]


def test_fact_11_beyond_the_widest_step_the_approach_is_over() -> None:
    one = approach(off_delay_s=60)
    presence, verdicts = play(one, away(0, 2), away(100, 16), away(130, 16), away(160, 16), away(300, 14))
    assert verdicts == [Raise(at(0), 3), Clear(at(160)), Raise(at(300), 15)]
    assert presence is not None
    assert presence.raised


def test_fact_11_the_jitter_of_positions_announces_nothing_again() -> None:
    for step in STEPS_NM:
        jitter = [away(10 * n, step + (0.02 if n % 2 else -0.02)) for n in range(40)]
        _, verdicts = play(approach(), *jitter)
        assert told(verdicts) == [("Raise", step)]
    wide = approach(hysteresis_m=1852.0)
    assert margin_nm(wide, 3) == 1.0
    assert reach_nm(wide) == 16.0
    assert reach_nm(approach()) == 15.75
    _, verdicts = play(wide, away(0, 2), away(10, 3.9), away(20, 2), away(30, 4.1), away(40, 2))
    assert told(verdicts) == [("Raise", 3), ("Step", 3)]


def test_fact_11_an_open_line_is_never_crossed_by_being_near() -> None:
    """Whatever the distance, zero included, an approach knows only steps of its own."""
    for nm in (0.0, 0.001, 2.0, 14.0):
        _, verdicts = play(approach(), away(0, nm), away(10, 0.0), away(20, nm))
        assert verdicts
        assert all(each.value in STEPS_NM for each in verdicts if isinstance(each, Raise | Step))


def test_an_approach_that_does_not_qualify_is_neither_begun_nor_a_step_nearer() -> None:
    presence, verdicts = play(approach(), away(0, 2, qualifies=False))
    assert (presence, verdicts) == (None, [])
    _, verdicts = play(approach(), away(0, 9), away(10, 2, qualifies=False), away(20, 2))
    assert told(verdicts) == [("Raise", 10), ("Step", 3)]


def test_nobody_knows_how_far_it_is_is_as_far_as_can_be() -> None:
    presence, verdicts = play(approach(), away(0, 2), Sight(at(10), False, False))
    assert (presence, verdicts) == (None, [Raise(at(0), 3), Clear(at(10))])


def test_an_approach_is_graver_the_nearer_it_is() -> None:
    critical = replace(approach(), severity="critical")
    assert [step_severity(critical, nm) for nm in STEPS_NM] == ["low", "medium", "high", "critical"]
    assert [step_severity(approach(), nm) for nm in STEPS_NM] == ["low", "low", "medium", "high"]
    assert step_severity(approach(), None) == "high"
    assert step_severity(approach(), 4.0) == "high"  # a step of an earlier version of the rule
    assert step_severity(rule("inside"), 3.0) == "high"


# Threshold and proximity: states with a dead-band, as `core` and `halo` have it.


@pytest.mark.parametrize("kind", ["threshold", "proximity"])
def test_beyond_the_limit_for_long_enough_and_back_below_the_dead_band_for_long_enough(kind: str) -> None:
    one = rule(kind, dwell_s=60, off_delay_s=120)
    _, verdicts = play(
        one, sight(0, "in"), sight(30, "out"), sight(40, "in"), sight(90, "edge"), sight(100, "in"), sight(150, "out"),
        sight(200, "edge"), sight(210, "out"), sight(330, "out"),
    )  # fmt: skip
    assert verdicts == [Raise(at(100)), Clear(at(330))]


# Silence, distress, and what only the clock finds.


def test_silence_is_raised_by_the_clock_and_ended_by_whatever_is_heard() -> None:
    one = rule("silence", fence_key=None, params={"silence_s": 3600})
    assert judge_silence(one, at(0), at(3599)) == (None, None)
    presence, verdict = judge_silence(one, at(0), at(4000))
    assert verdict == Raise(at(3600))
    assert judge_time(one, presence or Presence(at(0), None), at(9999)) == (presence, None)
    assert judge(one, presence, sight(5000, "in")) == (None, Clear(at(5000)))
    assert judge(one, None, sight(5000, "in")) == (None, None)


def test_the_clock_ends_a_dwell_without_a_fix() -> None:
    one = rule(dwell_s=60)
    presence, _ = play(one, sight(0, "in"))
    assert presence is not None
    assert judge_time(one, presence, at(59)) == (presence, None)
    raised, verdict = judge_time(one, presence, at(61))
    assert verdict == Raise(at(60))
    assert judge_time(one, raised, at(62)) == (raised, None)
    assert judge(one, raised, sight(63, "in")) == (raised, None)


def test_distress_is_raised_by_the_first_message_and_ended_by_none() -> None:
    one = rule("distress")
    presence, verdict = judge(one, None, sight(0, "in"))
    assert verdict == Raise(at(0))
    assert judge(one, presence, sight(10, "in")) == (presence, None)
    assert judge(one, presence, sight(20, "out")) == (presence, None)
    assert judge(one, None, sight(0, "out")) == (None, None)


# What must hold of any stream.

SIGHTS = st.lists(
    st.tuples(st.integers(0, 90), st.sampled_from(["in", "edge", "out"]), st.booleans()), min_size=1, max_size=60
)
RULES = st.builds(
    rule,
    st.sampled_from(STATES),
    st.sampled_from([0.0, 30.0, 120.0]),
    off_delay_s=st.sampled_from([0.0, 45.0, 100.0]),
)


def stream(steps: list[tuple[int, str, bool]]) -> list[Sight]:
    now, sights = 0, []
    for wait, where, qualifies in steps:
        now += wait
        sights.append(sight(now, where, qualifies))
    return sights


def check_episodes(presence: Presence | None, verdicts: list[Verdict]) -> None:
    """Raise and Clear alternate in the order of time, and the memory knows whether one is open."""
    edges = [each for each in verdicts if not isinstance(each, Step)]
    assert all(isinstance(each, Raise if n % 2 == 0 else Clear) for n, each in enumerate(edges))
    assert all(early.at <= late.at for early, late in pairwise(each for each in verdicts if each))
    assert (len(edges) % 2 == 1) == (presence is not None and presence.raised)


@given(SIGHTS, RULES, st.booleans())
def test_promise_02_an_episode_raises_exactly_once(steps, one: Rule, ticking: bool) -> None:
    presence, verdicts = None, []
    for each in stream(steps):
        if ticking and presence is not None:
            presence, verdict = judge_time(one, presence, each.observed_at)
            verdicts += [verdict] if verdict else []
        presence, found = one_step(one, presence, each)
        verdicts += found
    check_episodes(presence, verdicts)


@given(SIGHTS, RULES, st.integers(1, 59))
def test_it_does_not_matter_where_a_stream_of_fixes_is_cut(steps, one: Rule, cut: int) -> None:
    sights = stream(steps)
    presence, first = play(one, *sights[:cut])
    rest, second = play(one, *sights[cut:], begin=presence)
    assert (rest, first + second) == play(one, *sights)


@given(SIGHTS, st.sampled_from(STATES), st.sampled_from([0.0, 45.0, 100.0]), st.lists(st.integers(0, 5_400)))
def test_a_delayed_end_is_the_same_whenever_the_clock_ticks(steps, kind: str, off_delay_s: float, ticks) -> None:
    """Of a rule without a dwell, whose beginning needs no clock, the ends do not need one either."""
    one, sights = rule(kind, off_delay_s=off_delay_s), stream(steps)
    presence, verdicts, waiting = None, [], sorted(map(at, ticks))
    for each in sights:
        while waiting and waiting[0] <= each.observed_at:
            if presence is not None:
                presence, verdict = judge_time(one, presence, waiting[0])
                verdicts += [verdict] if verdict else []
            waiting.pop(0)
        presence, found = one_step(one, presence, each)
        verdicts += found
    assert (presence, verdicts) == play(one, *sights)


@given(st.lists(st.tuples(st.integers(0, 900), st.floats(0, 25), st.booleans()), min_size=1, max_size=60),
       st.sampled_from([0.0, 500.0, 4000.0]), st.sampled_from([0.0, 600.0]), st.integers(0, 60))  # fmt: skip
def test_fact_11_an_approach_raises_steps_and_ends_in_order(steps, hysteresis_m, off_delay_s, cut: int) -> None:
    one, now, sights = approach(hysteresis_m=hysteresis_m, off_delay_s=off_delay_s), 0, []
    for wait, nm, qualifies in steps:
        now += wait
        sights.append(away(now, nm, qualifies))
    presence, verdicts = play(one, *sights)
    check_episodes(presence, verdicts)
    part, first = play(one, *sights[:cut])
    rest, second = play(one, *sights[cut:], begin=part)
    assert (rest, first + second) == (presence, verdicts)
    # No step twice without having gone away past it in between.
    last: dict[float, datetime] = {}
    for each in verdicts:
        if isinstance(each, Raise | Step) and each.value is not None:
            limit = each.value + margin_nm(one, each.value)
            if each.value in last:
                between = [s for s in sights if last[each.value] <= s.observed_at <= each.at]
                assert any((s.value or 0) > limit for s in between)
            last[each.value] = each.at


@given(SIGHTS, st.sampled_from(EVENTS), st.sampled_from([0.0, 60.0]), st.integers(0, 60), st.randoms())
def test_an_event_leaves_no_open_episode(steps, kind: str, dwell_s: float, cut: int, random) -> None:
    one, sights = rule(kind, dwell_s), stream(steps)
    if kind == "crossing":
        sights = [replace(s, value=random.choice([1.0, -1.0])) if s.core else s for s in sights]
    presence, verdicts = play(one, *sights)
    assert all(isinstance(each, Raise) and each.until == each.at for each in verdicts)
    assert presence is None or not presence.raised
    part, first = play(one, *sights[:cut])
    assert (presence, [*first]) == (play(one, *sights[cut:], begin=part)[0], verdicts[: len(first)])


def test_every_kind_that_sees_fixes_has_its_step() -> None:
    for kind in KINDS:
        if kind in ("feed", *DUTIES):
            continue
        params = {"steps_nm": [3]} if kind == "approach" else {}
        found: Judged = judge(rule(kind, params=params), None, replace(sight(0, "out"), value=99.0))
        assert found == (None, None), kind
