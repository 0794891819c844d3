"""Silence of objects and of whole sources, found by the clock."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from geo.desk import lines
from geo.fence import Fence
from geo.rule import Rule
from ingest.silence import RELEASE_AFTER
from layers import discover
from run.clock import FEEDS_AFTER, SILENCE_EVERY, Clock
from tests.connections import connected, told
from tests.ingest.test_worker import AREA, BOAT, INSIDE, OUTSIDE, T0, fix, when

HOUR = 3600.0
TICK = SILENCE_EVERY.total_seconds()


def lost(key: str = "lost", silence_s: float = HOUR, **fields: Any) -> Rule:
    return Rule(key, "silence", "vessel", "Mất tín hiệu", "Lost", "high",
                **{"params": {"silence_s": silence_s}, **fields})  # fmt: skip


SOURCE = Rule("source", "feed", "vessel", "Nguồn im lặng", "Source silent", "medium", latching=False)


class Sea:
    """A worker, and a clock whose time the test sets, seconds after T0."""

    def __init__(self, bench, work, ingest) -> None:
        self.bench, self.work = bench, work
        self.time, self.ingest = 0.0, ingest
        self.clock = Clock(discover(), ingest, bench.redis_url, now=lambda: when(self.time))

    def hear(self, at: float, *boats: int, place=INSIDE) -> None:
        self.work(self.bench.batch(T0 + at, *[fix(place, at, BOAT + boat) for boat in boats]))

    def tick(self, at: float) -> int:
        self.time = at
        with self.ingest.connect() as connection:
            return self.clock.tick(connection)

    def journal(self, key: str | None = None) -> list[tuple[str, float | None]]:
        rows = self.bench.ask(
            "SELECT transition, j.observed_at FROM alarm_journal j JOIN alarm a ON a.id = alarm_id JOIN rule r ON "
            "r.id = rule_id WHERE r.key = :key OR CAST(:key AS text) IS NULL ORDER BY j.id", key=key,
        )  # fmt: skip
        return [(row["transition"], row["observed_at"] and row["observed_at"].timestamp() - T0) for row in rows]

    def boats(self) -> set[int]:
        return {int(row["object_key"]) - BOAT for row in self.bench.ask("SELECT object_key FROM alarm")}


@pytest.fixture
def sea(bench, work) -> Iterator[Sea]:
    # The layer's own rules would tell of its source too.
    told(bench.database.owner, "UPDATE rule SET enabled = false WHERE kind = 'feed'")
    with connected(bench.database.ingest) as ingest:
        yield Sea(bench, work, ingest)


def test_fact_02_silence_is_told_when_its_time_is_full_and_not_before(sea) -> None:
    sea.bench.seed([], [lost(silence_s=6 * HOUR)])
    sea.hear(0, 0)
    assert sea.tick(6 * HOUR - 60) == 0
    assert sea.tick(6 * HOUR + 1) == 1
    assert sea.tick(6 * HOUR + 60) == 0
    assert sea.journal() == [("raise", 6 * HOUR)]
    sea.hear(7 * HOUR, 0)
    assert sea.journal() == [("raise", 6 * HOUR), ("clear", 7 * HOUR)]
    assert sea.tick(14 * HOUR) == 1
    assert sea.journal()[2:] == [("raise", 13 * HOUR)]


def test_a_rule_of_silence_speaks_of_its_own_and_where_they_were_last(sea) -> None:
    sea.bench.seed([AREA], [lost(fence_key="area", applies_to={"exclude": [BOAT + 1]})])
    sea.hear(0, 0, 1)
    sea.hear(1, 2, place=OUTSIDE)
    sea.tick(2 * HOUR)
    assert sea.boats() == {0}


def test_whoever_was_silent_for_long_when_the_rule_came_is_no_news(sea) -> None:
    sea.bench.seed([], [lost(params={"silence_s": HOUR, "horizon_s": HOUR})])
    sea.hear(0, 0)
    sea.hear(3000, 1)
    sea.tick(2 * HOUR + 1)
    assert sea.boats() == {1}


def test_silence_is_told_in_the_rules_hours(sea) -> None:
    """T0 is 23:00 in Huế."""
    sea.bench.seed([], [lost(schedule=({"days": [1, 2, 3, 4, 5, 6, 7], "from": "05:00", "to": "20:00"},))])
    sea.hear(0, 0)
    assert sea.tick(5 * HOUR) == 0
    assert sea.tick(6 * HOUR) == 1
    assert sea.journal() == [("raise", HOUR)]


def test_what_a_worker_is_writing_this_moment_has_been_heard(sea) -> None:
    sea.bench.seed([], [lost()])
    sea.hear(0, 0, 1)
    with connected(sea.bench.database.ingest) as engine, engine.connect() as writing, writing.begin():
        writing.execute(sa.text(f"SELECT 1 FROM vessel WHERE mmsi = {BOAT} FOR NO KEY UPDATE"))
        assert sea.tick(2 * HOUR) == 1
    assert sea.boats() == {1}
    assert sea.tick(2 * HOUR + TICK) == 1


def test_promise_25_a_rule_of_silence_that_throws_stops_no_other(sea) -> None:
    sea.bench.seed([], [lost("wrong", applies_to={"shipname": [1, 2]}), lost()])
    sea.hear(0, 0)
    told(sea.bench.database.owner, "UPDATE vessel SET shipname = 'TTH'")
    assert sea.tick(2 * HOUR) == 1
    assert sea.journal("lost") == [("raise", HOUR)]
    assert sea.journal("wrong") == []


# A whole source.


def begin(sea: Sea, *rules: Rule) -> None:
    sea.bench.seed([], [SOURCE, *rules])
    told(sea.bench.database.owner, "UPDATE rule SET enabled = true WHERE key = 'source'")
    sea.tick(0)  # the clock has begun; what it was never told is no silence


def test_promise_10_a_source_that_is_silent_is_told_once_and_cleared_when_it_is_back(sea) -> None:
    begin(sea)
    told(sea.bench.database.owner, "UPDATE feed SET expected_s = 60")
    sea.hear(1, 0)
    assert sea.tick(FEEDS_AFTER.total_seconds() + 1) == 0
    (row,) = sea.bench.ask("SELECT expected_s FROM feed WHERE source = 'ais.test'")
    due = 1 + max(60.0, 3 * row["expected_s"])
    assert sea.tick(due - 1) == 0
    assert sea.tick(due + TICK) == 1
    assert sea.tick(due + 3 * TICK) == 0
    assert sea.journal() == [("raise", due)]
    sea.hear(due + 100, 0)
    assert sea.tick(due + 110) == 1
    assert sea.journal() == [("raise", due), ("clear", due + 100)]


def test_a_silent_source_suppresses_what_it_silences_and_gives_it_back(sea) -> None:
    """312 vessels of one provider are one alarm with its children (domain.md 6)."""
    begin(sea, lost(silence_s=HOUR))
    sea.hear(1, *range(30))
    sea.tick(900)
    assert sea.journal("source")[0][0] == "raise"
    assert sea.tick(HOUR + 10) == 30

    def desk(at: float) -> list[tuple[str, int]]:
        with connected(sea.bench.database.web) as web, web.connect() as connection:
            return [(line["rule"], line["children"] + (line.get("total") or 0)) for line in lines(connection, when(at))]

    assert desk(HOUR + 10) == [("source", 30)]
    back = 2 * HOUR
    sea.hear(back, *range(1, 28))  # three are not
    assert sea.bench.one("SELECT count(*) FROM vessel_history") == 57  # what is heard while a source is silent is kept
    assert sea.bench.one("SELECT count(*) FROM dead_letter") == 0
    sea.tick(back + TICK)
    assert desk(back + TICK) == []  # they are given time to be heard
    sea.hear(back + 590, *range(1, 28))
    sea.tick(back + RELEASE_AFTER.total_seconds() + 1)
    assert desk(back + 700) == [("lost", 0)] * 3
    rows = sea.bench.ask("SELECT object_key FROM alarm WHERE cleared_at IS NULL ORDER BY object_key")
    assert [int(row["object_key"]) - BOAT for row in rows] == [0, 28, 29]
    assert sea.bench.one("SELECT min(raised_at) FROM alarm WHERE parent_id IS NOT NULL") == when(HOUR + 1)


def test_who_is_told_before_its_source_is_suppressed_with_it(sea) -> None:
    """Impatient rules are quicker than the source's."""
    begin(sea, lost(silence_s=60))
    told(sea.bench.database.owner, "UPDATE rule SET params = '{\"factor\": 10}' WHERE key = 'source'")
    sea.hear(1, 0, 1, 2)
    sea.tick(100)
    assert sea.boats() == {0, 1, 2}
    told(sea.bench.database.owner, "UPDATE alarm SET raised_at = :at WHERE object_key = :boat",
         at=when(-HOUR), boat=str(BOAT + 2))  # fmt: skip  # one that had been silent before its source was
    (row,) = sea.bench.ask("SELECT expected_s FROM feed WHERE source = 'ais.test'")
    sea.tick(1 + 10 * row["expected_s"] + TICK)
    children = sea.bench.ask("SELECT object_key FROM alarm WHERE suppressed_at IS NOT NULL ORDER BY 1")
    assert [int(child["object_key"]) - BOAT for child in children] == [0, 1]


def test_another_source_is_another_matter(sea) -> None:
    begin(sea, lost(silence_s=HOUR))
    other = sea.bench.lane(name="ais.other")
    sea.hear(1, 0)
    sea.work(sea.bench.batch(T0 + 1, fix(INSIDE, 1, BOAT + 1), source="ais.other"), lanes=(other,))
    sea.work(sea.bench.batch(T0 + HOUR + 5, fix(INSIDE, HOUR + 5, BOAT + 2), source="ais.other"), lanes=(other,))
    sea.tick(HOUR + 10)
    rows = sea.bench.ask("SELECT object_key, suppressed_at IS NOT NULL AS under FROM alarm ORDER BY object_key")
    assert rows == [
        {"object_key": str(BOAT), "under": True}, {"object_key": str(BOAT + 1), "under": False},
        {"object_key": "ais.test", "under": False},
    ]  # fmt: skip


def test_a_source_that_was_never_heard_has_not_fallen_silent(sea) -> None:
    begin(sea)
    sea.work()
    assert sea.bench.one("SELECT count(*) FROM feed WHERE last_message_at IS NULL") == 1
    assert sea.tick(100_000) == 0


def test_a_fence_by_name_that_is_gone_is_nowhere(sea) -> None:
    sea.bench.seed([Fence("gone", "area", "x", "x", AREA.geom)], [lost(fence_key="gone")])
    sea.hear(0, 0)
    told(sea.bench.database.owner, "UPDATE fence SET retired_at = now() WHERE key = 'gone'")
    assert sea.tick(2 * HOUR) == 0
