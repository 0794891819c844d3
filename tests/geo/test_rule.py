from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.actor import Actor
from geo.database import engine
from geo.episode import Clear, Presence, Raise, Sight, judge, judge_time
from geo.rule import Rule, put_rules, rules

T0 = datetime(2026, 11, 21, 3, tzinfo=UTC)


def rule(kind: str = "inside", dwell_s: float = 0.0) -> Rule:
    return Rule("r", kind, "vessel", "Luật", "Rule", "high", "f", dwell_s)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def sight(seconds: float, where: str, qualifies: bool = True) -> Sight:
    """where: "in" the fence, on its "edge" (only in the fence widened), "out" of both."""
    return Sight(at(seconds), where == "in", where in ("in", "edge"), qualifies)


def play(one: Rule, *sights: Sight) -> tuple[Presence | None, list[Raise | Clear]]:
    presence, verdicts = None, []
    for each in sights:
        presence, verdict = judge(one, presence, each)
        if verdict is not None:
            verdicts.append(verdict)
    return presence, verdicts


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


def test_outside_watches_what_has_been_inside() -> None:
    one = rule("outside", dwell_s=60)
    presence, verdicts = play(one, sight(0, "out"), sight(100, "out"))
    assert (presence, verdicts) == (None, [])
    _, verdicts = play(one, sight(0, "in"), sight(10, "out"), sight(70, "out"), sight(80, "out"), sight(90, "in"))
    assert verdicts == [Raise(at(70)), Clear(at(90))]
    _, verdicts = play(one, sight(0, "in"), sight(10, "out"), sight(50, "edge"), sight(80, "out"), sight(130, "out"))
    assert verdicts == []


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


STEPS = st.lists(
    st.tuples(st.integers(0, 90), st.sampled_from(["in", "edge", "out"]), st.booleans()), min_size=1, max_size=60
)


@given(STEPS, st.sampled_from([0.0, 30.0, 120.0]), st.sampled_from(["inside", "outside"]), st.booleans())
def test_an_episode_raises_exactly_once(steps, dwell_s: float, kind: str, ticking: bool) -> None:
    """Raise and Clear alternate, beginning with Raise, whatever the fixes, and whether or not a clock ticks between."""
    one, now, presence, verdicts = rule(kind, dwell_s), 0, None, []
    for wait, where, qualifies in steps:
        now += wait
        if ticking and presence is not None:
            presence, verdict = judge_time(one, presence, at(now))
            verdicts += [verdict] if verdict else []
        presence, verdict = judge(one, presence, sight(now, where, qualifies))
        verdicts += [verdict] if verdict else []
    assert all(isinstance(each, Raise if n % 2 == 0 else Clear) for n, each in enumerate(verdicts))
    assert all(early.at <= late.at for early, late in pairwise(verdicts))
    open_now = len(verdicts) % 2 == 1
    assert open_now == (presence is not None and presence.raised)


@given(STEPS, st.integers(1, 59))
def test_it_does_not_matter_where_a_stream_of_fixes_is_cut(steps, cut: int) -> None:
    one, now, sights = rule(dwell_s=30), 0, []
    for wait, where, qualifies in steps:
        now += wait
        sights.append(sight(now, where, qualifies))
    whole = play(one, *sights)
    presence, first = play(one, *sights[:cut])
    second = []
    for each in sights[cut:]:
        presence, verdict = judge(one, presence, each)
        second += [verdict] if verdict else []
    assert (presence, first + second) == whole


@pytest.mark.parametrize("change", [{"kind": "sideways"}, {"severity": "dreadful"}])
def test_a_rule_that_nobody_knows_is_refused(change: dict[str, str]) -> None:
    given_values = {"kind": "inside", "severity": "high", **change}
    with pytest.raises(ValueError, match=next(iter(change.values()))):
        Rule("r", given_values["kind"], "vessel", "", "", given_values["severity"])


def test_rules_are_read_as_they_were_put_and_unknown_ones_are_left_out(database) -> None:
    owner = engine(database.owner)
    one = Rule(
        "slow", "distress", "vessel", "Chậm", "Slow", "low", None, 5.0, {"mmsi": [1, None]}, {"speed": [None, 4]}
    )
    with owner.begin() as connection:
        import sqlalchemy as sa

        assert put_rules(connection, [one], Actor("Lan")) == 1
        assert put_rules(connection, [one], Actor("Lan")) == 0
        connection.execute(
            sa.text(
                "INSERT INTO rule (key, kind, layer, name_vi, name_en, severity, updated_at, updated_by) "
                "VALUES ('new', 'of_a_later_version', 'vessel', '', '', 'low', now(), 'x')"
            )
        )
        found = rules(connection)
    owner.dispose()
    assert [each.key for each in found] == ["slow"]
    assert (found[0].applies_to, found[0].qualifies, found[0].dwell_s) == ({"mmsi": [1, None]}, {"speed": [None, 4]}, 5)
