"""Late fixes, told by a few positions each through the real worker."""

import pytest
from shapely.geometry import box

from access.desk import acknowledge
from access.site import Site
from geo.actor import Actor
from geo.desk import desk
from geo.fence import Fence
from layers import discover
from run.clock import Clock
from tests.connections import connected
from tests.ingest.test_worker import AREA, BOAT, INSIDE, JOURNAL, OUTSIDE, T0, fix, rule, when

STAY = rule(dwell_s=600)


@pytest.fixture
def hear(bench, work):
    """Each call is one batch of (seconds, place), heard a day later, when the clock has nothing more to say."""

    def run(*fixes: tuple[float, tuple[float, float]]) -> None:
        work(bench.batch(T0 + 86_400, *[fix(place, at) for at, place in fixes]))

    return run


def journal(bench) -> list[tuple[str, float | None]]:
    rows = bench.ask(JOURNAL)
    return [
        (row["transition"], row["observed_at"].timestamp() - T0 if row["observed_at"] is not None else None)
        for row in rows
    ]


def on_desk(bench) -> int:
    with connected(bench.database.web) as web, web.connect() as connection:
        return len(desk(connection, when(90_000)))


def test_an_alarm_is_withdrawn_when_a_late_fix_shows_that_the_boat_was_outside(bench, hear) -> None:
    bench.seed([AREA], [STAY])
    hear((0, INSIDE), (700, INSIDE))
    assert journal(bench) == [("raise", 600)]
    assert on_desk(bench) == 1
    hear((300, OUTSIDE))
    assert journal(bench) == [("raise", 600), ("withdraw", None)]
    assert on_desk(bench) == 0
    (line,) = bench.ask("SELECT actor_kind, comment FROM alarm_journal WHERE transition = 'withdraw'")
    assert line["actor_kind"] == "system"
    assert when(300).strftime("%Y-%m-%dT%H:%M:%SZ") in line["comment"]
    assert bench.one("SELECT withdrawn_at IS NOT NULL AND cleared_at IS NULL FROM alarm")
    assert bench.ask("SELECT entered_at, raised FROM presence") == [{"entered_at": when(700), "raised": False}]
    hear((1400, INSIDE))  # a new episode, counted from the return on
    assert journal(bench)[2:] == [("raise", 1300)]


def test_an_episode_that_late_fixes_prove_is_raised_late_and_ended(bench, hear) -> None:
    bench.seed([AREA], [STAY])
    hear((0, OUTSIDE), (900, OUTSIDE))
    assert journal(bench) == []
    hear((100, INSIDE))
    assert journal(bench) == [("raise", 700), ("clear", 900)]
    hear((800, INSIDE))
    assert journal(bench) == [("raise", 700), ("clear", 900)]
    assert bench.one("SELECT count(*) FROM presence") == 0


def test_a_dwell_that_came_in_one_go_is_told_as_if_the_clock_had_come_in_between(bench, hear) -> None:
    bench.seed([AREA], [STAY])
    hear((0, OUTSIDE), (100, INSIDE), (900, OUTSIDE))
    assert journal(bench) == [("raise", 700), ("clear", 900)]


def test_without_dwell_one_late_fix_inside_is_an_episode_of_its_own(bench, hear) -> None:
    bench.seed([AREA], [rule()])
    hear((0, OUTSIDE))
    hear((100, OUTSIDE))
    hear((50, INSIDE))
    assert journal(bench) == [("raise", 50), ("clear", 100)]


@pytest.mark.parametrize("late", [(300, INSIDE), (-100, OUTSIDE), (650, (107.6, 16.5)), (-90_000, OUTSIDE)])
def test_a_late_fix_that_changes_nothing_changes_nothing(bench, hear, late) -> None:
    bench.seed([AREA], [STAY])
    hear((0, INSIDE), (700, INSIDE))
    remembered = bench.ask("SELECT * FROM presence")
    hear(late)
    assert bench.one("SELECT count(*) FROM vessel_history") == 3
    assert journal(bench) == [("raise", 600)]
    assert bench.ask("SELECT * FROM presence") == remembered


def test_late_fixes_can_end_an_open_alarm_and_begin_another(bench, hear) -> None:
    bench.seed([AREA], [STAY])
    hear((0, INSIDE), (700, INSIDE), (1400, INSIDE), (2200, INSIDE))
    hear((900, OUTSIDE), (1000, INSIDE))
    assert journal(bench) == [("raise", 600), ("clear", 900), ("raise", 1600)]
    assert bench.ask("SELECT raised_at FROM alarm WHERE cleared_at IS NULL") == [{"raised_at": when(1600)}]
    hear((3000, OUTSIDE))
    assert journal(bench)[3:] == [("clear", 3000)]


def test_out_of_order_inside_one_batch_is_put_in_order(bench, hear) -> None:
    bench.seed([AREA], [STAY])
    hear((700, INSIDE), (300, OUTSIDE), (0, INSIDE), (800, INSIDE))
    assert journal(bench) == []
    hear((1350, INSIDE), (500, INSIDE), (600, OUTSIDE))  # one timely, two late
    assert journal(bench) == [("raise", 1300)]


@pytest.mark.parametrize(("place", "after"), [(INSIDE, []), (OUTSIDE, [("withdraw", None)])])
def test_what_the_clock_raised_is_kept_or_withdrawn_as_the_late_fix_says(bench, hear, place, after) -> None:
    bench.seed([AREA], [STAY])
    hear((0, INSIDE), (300, INSIDE))
    with connected(bench.database.ingest) as ingest, ingest.connect() as connection:
        assert Clock(discover(), ingest, bench.redis_url, now=lambda: when(610)).tick(connection) == 1
    assert journal(bench) == [("raise", 600)]
    hear((150, place))
    assert journal(bench) == [("raise", 600), *after]
    assert bench.one("SELECT raised FROM presence") is (not after)
    hear((320, INSIDE))
    assert journal(bench) == [("raise", 600), *after]


def test_a_way_that_a_late_fix_shows_to_go_round_was_no_crossing(bench, hear) -> None:
    bench.seed([Fence("area", "area", "Khu", "Area", box(107.5, 16.49, 107.51, 16.51))], [rule()])
    hear((0, (107.45, 16.5)), (1000, (107.55, 16.5)))
    assert journal(bench) == [("raise", 500), ("clear", 600)]
    hear((500, (107.505, 16.53)))
    assert journal(bench) == [("raise", 500), ("clear", 600), ("withdraw", None)]


def test_the_same_late_fix_again_has_no_second_effect(bench, work, hear) -> None:
    bench.seed([AREA], [STAY])
    hear((0, INSIDE), (700, INSIDE))
    batch = bench.batch(T0 + 86_400, fix(OUTSIDE, 300))
    work(batch)
    work(batch)
    hear((300, OUTSIDE), (301, OUTSIDE))
    assert journal(bench) == [("raise", 600), ("withdraw", None)]


def test_a_late_fix_of_one_boat_leaves_the_others_alone(bench, work, hear) -> None:
    bench.seed([AREA], [STAY])
    hear((0, INSIDE), (700, INSIDE))
    other = BOAT + 1
    work(bench.batch(T0 + 86_400, fix(INSIDE, 0, other), fix(INSIDE, 700, other)))
    hear((300, OUTSIDE))
    rows = bench.ask("SELECT object_key FROM alarm WHERE withdrawn_at IS NULL")
    assert rows == [{"object_key": str(other)}]


def test_an_alarm_that_its_track_does_not_explain_is_not_a_late_fixes_matter(bench, hear) -> None:
    """The fence was another one when it was raised."""
    bench.seed([AREA, Fence("far", "area", "Xa", "Far", box(100, 1, 101, 2))], [STAY])
    hear((0, INSIDE), (700, INSIDE))
    with connected(bench.database.owner) as owner, owner.begin() as connection:
        connection.exec_driver_sql("UPDATE fence SET geom = (SELECT geom FROM fence WHERE key = 'far')")
    hear((300, OUTSIDE))
    assert journal(bench) == [("raise", 600)]


def times(bench) -> list[tuple[float, float | None]]:
    rows = bench.ask("SELECT raised_at, cleared_at FROM alarm WHERE withdrawn_at IS NULL ORDER BY raised_at")
    return [tuple(None if at is None else at.timestamp() - T0 for at in row.values()) for row in rows]  # type: ignore[misc]


def test_late_fixes_correct_when_an_episode_began_and_ended(bench, hear) -> None:
    bench.seed([AREA], [rule()])
    hear((0, OUTSIDE), (100, INSIDE), (500, OUTSIDE))
    with connected(bench.database.web) as web:
        assert acknowledge(Site(web, bench.redis_url, discover(), "", "", (0, 0, 1)), 1, Actor("Bình"), None)
    hear((50, INSIDE))
    assert times(bench) == [(50, 500)]
    hear((300, OUTSIDE))
    assert times(bench) == [(50, 300)]
    assert bench.one("SELECT acknowledged_by FROM alarm") == "Bình"
    lines = bench.ask("SELECT data, comment FROM alarm_journal WHERE transition = 'revise' ORDER BY id")
    assert [list(line["data"]) for line in lines] == [["raised_at"], ["cleared_at"]]
    assert lines[1]["data"]["cleared_at"] == [when(500).isoformat(), when(300).isoformat()]
    assert when(300).strftime("%Y-%m-%dT%H:%M:%SZ") in lines[1]["comment"]


def test_a_late_fix_makes_two_episodes_of_one(bench, hear) -> None:
    bench.seed([AREA], [rule()])
    hear((0, INSIDE), (300, INSIDE), (600, OUTSIDE))
    hear((200, OUTSIDE))
    assert times(bench) == [(0, 200), (300, 600)]


def test_late_fixes_shorten_a_silence_or_refute_it(bench, hear) -> None:
    bench.seed([], [rule(kind="silence", fence_key=None, params={"silence_s": 600})])
    now = [0.0]
    with connected(bench.database.ingest) as ingest, ingest.connect() as connection:
        clock = Clock(discover(), ingest, bench.redis_url, now=lambda: when(now[0]))
        for at in (0, 1000, 3000):
            hear((at, OUTSIDE))
            now[0] = at + 700
            clock.tick(connection)
    assert times(bench) == [(600, 1000), (1600, 3000), (3600, None)]
    hear((300, OUTSIDE))
    assert times(bench) == [(900, 1000), (1600, 3000), (3600, None)]
    hear((500, OUTSIDE), (1500, OUTSIDE))
    assert times(bench) == [(2100, 3000), (3600, None)]
    hear((1800, OUTSIDE), (2350, OUTSIDE))
    assert times(bench) == [(2950, 3000), (3600, None)]


def test_a_late_fix_far_from_a_fence_may_make_a_way_across_it(bench, hear) -> None:
    bench.seed([Fence("area", "area", "Khu", "Area", box(107.5, 15.0, 107.51, 18.0))], [rule()])
    west, east = (107.2, 16.5), (107.8, 16.5)  # 17 nautical miles from it
    hear((0, west), (3 * 3600, west))
    assert times(bench) == []
    hear((1.5 * 3600, east))  # 23 knots there and back
    assert [(round(begin), round(end or 0)) for begin, end in times(bench)] == [(2700, 2790), (8010, 8100)]
