from datetime import UTC, datetime, timedelta

import pytest

from geo.camera import DEGRADED, FROZEN, OFFLINE, ONLINE
from geo.camera_health import Limits, Look, State, judge, rest
from geo.figure import Figures, seeds

START = datetime(2026, 11, 29, 3, tzinfo=UTC)
LIMITS = Limits.of(Figures(seeds()), START)
MINUTE = timedelta(minutes=1)


def states(looks: str, before: State | None = None, ms: float = 80) -> list[State]:
    """The states after looks a minute apart: letters are pictures, `-` a miss, `~` another picture that came late."""
    state, found = before or State(), []
    for n, letter in enumerate(looks):
        at = START + n * MINUTE
        if letter == "-":
            look = Look(at, fault="late")
        elif letter == "~":
            look = Look(at, 3000.0, f"slow {n}".encode())
        else:
            look = Look(at, ms, letter.encode())
        state = judge(state, look, LIMITS)
        found.append(state)
    return found


def health(looks: str) -> str:
    words = {None: ".", ONLINE: "o", DEGRADED: "d", FROZEN: "f", OFFLINE: "x"}
    return "".join(words[state.health] for state in states(looks))


@pytest.mark.parametrize(
    ("looks", "became"),
    [
        ("abcdef", "oooooo"),
        ("---ab", "..xxd"),  # of what was never seen nothing is said until it has been missed thrice
        ("a--b", "oooo"),  # two misses are none yet
        ("a---", "ooox"),
        ("a---bc", "oooxxd"),  # back after two, and erratic for as long as the misses are remembered
        ("a---b-cd", "oooxxxxd"),  # one hit does not bring it back
        ("aaaaaa", "ooooof"),  # five looks and five minutes
        ("aaaaaab", "oooooff"),
        ("aaaaaabc", "oooooffo"),
        ("aaaaaabbbb", "ooooofffff"),  # one change only is no live picture
        ("ababababab", "oooooooooo"),
        ("~~~", "ood"),
        ("a-b-c-d", "ooooodd"),
    ],
)
def test_health_follows_the_looks_with_hysteresis(looks: str, became: str) -> None:
    assert health(looks) == became


def test_degraded_ends_when_no_more_than_one_of_the_last_ten_was_bad() -> None:
    looks = "~~~" + "abcdefghij"
    became = health(looks)
    assert became[2] == "d"
    assert became.rstrip("o") == "ood" + "d" * 8  # eight good ones later two are still remembered
    assert became[-1] == "o"


def test_the_cause_and_since_when_are_kept() -> None:
    found = states("ab---cd")
    assert (found[4].health, found[4].fault, found[4].since) == (OFFLINE, "late", START + 4 * MINUTE)
    assert (found[5].health, found[5].since) == (OFFLINE, START + 4 * MINUTE)
    assert (found[6].health, found[6].fault) == (DEGRADED, "erratic")
    assert states("~~~")[-1].fault == "slow"


def test_a_still_picture_is_frozen_only_once_time_has_passed() -> None:
    state = State()
    for n in range(20):  # as often as it likes within half a minute
        state = judge(state, Look(START + n * timedelta(seconds=1), 50, b"same"), LIMITS)
    assert state.health == ONLINE


def test_who_is_offline_is_left_alone_longer_up_to_a_most() -> None:
    found = states("-" * 12)
    assert [rest(state, LIMITS) / MINUTE for state in found] == [1, 1, 2, 4, 8, 15, 15, 15, 15, 15, 15, 15]
    assert rest(states("a")[0], LIMITS) == MINUTE
