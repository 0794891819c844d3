from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from geo.anomaly import (
    BY_NAME,
    DUPLICATE_MMSI,
    IMPOSSIBLE_SPEED,
    JUMP,
    KINDS,
    Fix,
    Track,
    apart,
    distance_m,
    follow,
    is_future,
    is_zero,
    kinds_of,
    odd_links,
)

NM_DEG = 1 / 60
A, B, C = (107.8, 16.7), (108.8, 17.0), (110.5, 15.0)  # A and B are 110 km apart, C far from both


def fixes(*places: tuple[float, float], every_s: float = 60) -> list[Fix]:
    """A fix a minute, each place creeping east a little as boats do."""
    return [Fix(n * every_s, lon + n * 1e-4, lat) for n, (lon, lat) in enumerate(places)]


def test_a_kind_is_one_bit_and_one_name() -> None:
    assert sorted(kind.bit for kind in KINDS) == [1 << n for n in range(len(KINDS))]
    assert sum(kind.bit for kind in KINDS) < 2**15  # a smallint
    assert len(BY_NAME) == len(KINDS)
    assert [kind.name for kind in kinds_of(JUMP | DUPLICATE_MMSI)] == ["duplicate_mmsi", "jump"]
    assert kinds_of(None) == kinds_of(float("nan")) == kinds_of(0) == []


def test_a_degree_of_latitude_is_sixty_miles() -> None:
    assert distance_m(107.0, 16.0, 107.0, 17.0) == pytest.approx(60 * 1852, rel=2e-3)
    assert distance_m(179.9, 0.0, -179.9, 0.0) == pytest.approx(22_239, rel=1e-3)


@pytest.mark.parametrize(
    ("metres", "seconds", "limit_kn", "bits"),
    [
        (310, 10, 60, IMPOSSIBLE_SPEED),
        (308, 10, 60, 0),
        (9_000, 9, 60, 0),  # too short a time to make a speed of
        (160, 10, 30, IMPOSSIBLE_SPEED),
        (160, 10, 60, 0),
        (10_001, 120, 60, JUMP),
        (10_001, 9, 60, JUMP),
        (9_999, 120, 60, IMPOSSIBLE_SPEED),
        (10_001, 121, 60, IMPOSSIBLE_SPEED),
        (100_000, -60, 60, JUMP),
        (100_000, 7_200, 60, 0),
        (float("nan"), 60, 60, 0),
    ],
)
def test_jumps_and_impossible_speeds(metres: float, seconds: float, limit_kn: float, bits: int) -> None:
    assert odd_links(metres, seconds, limit_kn) == bits


@pytest.mark.parametrize(
    ("metres", "seconds", "told_kn", "bits"),
    [
        (400, 10, 12.0, 0),  # 78 kn, or 12 kn of a minute and ten seconds
        (600, 10, 12.0, IMPOSSIBLE_SPEED),
        (400, 10, 0.0, IMPOSSIBLE_SPEED),
        (400, 10, float("nan"), IMPOSSIBLE_SPEED),
        (400, 10, 61.0, IMPOSSIBLE_SPEED),  # a speed told that cannot be either explains nothing
        (10_001, 60, 59.0, JUMP),
    ],
)
def test_a_minute_that_was_not_told_makes_no_wonder(metres: float, seconds: float, told_kn: float, bits: int) -> None:
    assert odd_links(metres, seconds, 60, told_kn) == bits


def test_fact_18_two_boats_under_one_number_are_two_tracks() -> None:
    steps, tracks = follow(fixes(A, B, A, B, A, B, A, B))
    assert [step.track for step in steps] == [0, 1, 0, 1, 0, 1, 0, 1]
    assert [step.bits for step in steps] == [0, JUMP, 0, *[DUPLICATE_MMSI] * 5]
    assert {track.number: round(track.lon, 1) for track in tracks} == {0: 107.8, 1: 108.8}


def test_fact_18_boats_heard_in_turns_of_several_fixes() -> None:
    steps, _ = follow(fixes(A, A, A, B, B, B, A, A))
    assert [step.track for step in steps] == [0, 0, 0, 1, 1, 1, 0, 0]
    assert [step.bits for step in steps] == [0, 0, 0, JUMP, 0, 0, DUPLICATE_MMSI, 0]


def test_one_fix_astray_is_a_jump_and_no_second_boat() -> None:
    steps, _ = follow(fixes(A, A, B, A, A))
    assert [step.track for step in steps] == [0, 0, 1, 0, 0]
    assert [step.bits for step in steps] == [0, 0, JUMP, 0, 0]


def test_who_moved_for_good_jumped_once() -> None:
    steps, _ = follow(fixes(A, A, B, B, B))
    assert [step.track for step in steps] == [0, 0, 1, 1, 1]
    assert [step.bits for step in steps] == [0, 0, JUMP, 0, 0]


def test_three_boats_are_three_tracks() -> None:
    steps, _ = follow(fixes(A, B, C, A, B, C))
    assert [step.track for step in steps] == [0, 1, 2, 0, 1, 2]


def test_a_small_impossible_step_stays_on_its_track() -> None:
    near = (A[0], A[1] + 2 * NM_DEG)
    steps, _ = follow(fixes(A, near, A, every_s=30))
    assert [step.track for step in steps] == [0, 0, 0]
    assert [step.bits for step in steps] == [0, IMPOSSIBLE_SPEED, IMPOSSIBLE_SPEED]


def test_tracks_are_remembered_between_calls_and_forgotten_in_time() -> None:
    _, tracks = follow(fixes(A, B, A))
    here = next(track for track in tracks if track.number == 0)
    again, _ = follow([Fix(200.0, *B)], tracks, here.number)
    assert [(step.track, step.bits) for step in again] == [(1, DUPLICATE_MMSI)]
    old = [here, Track(1, -90_000.0, -86_000.0, *B)]
    late, _ = follow([Fix(180.0, *B)], old, here.number)
    assert [(step.track, step.bits) for step in late] == [(2, JUMP)]


def test_times_ahead_and_the_placeholder() -> None:
    heard = datetime(2026, 1, 1, tzinfo=UTC)
    assert not is_future(heard + timedelta(seconds=120), heard)
    assert is_future(heard + timedelta(seconds=121), heard)
    lon = np.array([0.0, 0.0004, 0.1, np.nan])
    assert is_zero(lon, np.zeros(4)).tolist() == [True, True, False, False]


def test_one_pair_at_a_time_is_judged_as_many_at_once() -> None:
    random = np.random.default_rng(18)
    for lon, lat, at in zip(
        random.uniform(100, 110, 200), random.uniform(10, 20, 200), random.uniform(1, 9e4, 200), strict=True
    ):
        seen, _ = follow([Fix(0.0, *A), Fix(float(at), float(lon), float(lat))])
        metres = distance_m(*A, lon, lat)
        assert seen[1].bits == odd_links(metres, at, 60)
        assert seen[1].track == int(apart(metres, at))
