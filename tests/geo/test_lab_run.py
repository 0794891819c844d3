"""Runs of the rule lab as the database keeps them: how many at a time, what state, and what was found."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from geo import lab_run
from geo.actor import Actor
from geo.rule import Rule
from tests.connections import connected

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
LAN = Actor("Lan")
DRAFT = Rule("lau", "inside", "vessel", "Ở lâu", "Stays long", "high", "cam", dwell_s=600,
             applies_to={"length_m": [15, None]}, schedule=[{"days": [6], "from": "11:00", "to": "12:00"}])  # fmt: skip


@pytest.fixture
def connection(database: Any) -> Iterator[sa.Connection]:
    with connected(database.web) as engine, engine.begin() as opened:
        yield opened


def ask(connection: sa.Connection, at: datetime = NOW, *drafts: Rule) -> int:
    return lab_run.ask(connection, drafts or [DRAFT], NOW - DAY, NOW, LAN, at)


def state(connection: sa.Connection, run: int, at: datetime) -> str:
    row = lab_run.one(connection, run, at)
    assert row is not None
    return str(row["state"])


def test_a_run_is_kept_as_it_was_asked(connection) -> None:
    run = ask(connection)
    row = lab_run.one(connection, run, NOW)
    assert row is not None
    assert (row["start_at"], row["end_at"], row["actor"], row["state"]) == (NOW - DAY, NOW, "Lan", "waiting")
    (kept,) = lab_run.drafts_of(row)
    assert (kept.key, kept.dwell_s, dict(kept.applies_to)) == ("lau", 600, {"length_m": [15, None]})
    assert list(kept.schedule) == DRAFT.schedule
    assert lab_run.one(connection, run + 1, NOW) is None


def test_from_waiting_to_done(connection) -> None:
    run = ask(connection)
    assert lab_run.beat(connection, run, 0.25, NOW + SECOND)
    assert state(connection, run, NOW + SECOND) == "running"
    lab_run.tell(connection, run, {"drafts": [{"total": 7}]})
    lab_run.end(connection, run, NOW + 2 * SECOND)
    row = lab_run.one(connection, run, NOW + DAY)
    assert row is not None
    assert (row["state"], row["progress"], row["result"]) == ("done", 1.0, {"drafts": [{"total": 7}]})
    assert not lab_run.beat(connection, run, 0.5, NOW + 3 * SECOND)
    assert not lab_run.ask_stop(connection, run, NOW + 3 * SECOND)
    lab_run.end(connection, run, NOW + DAY, "too late")
    assert state(connection, run, NOW + DAY) == "done"


def test_one_that_is_stopped_keeps_how_far_it_came(connection) -> None:
    run = ask(connection)
    lab_run.beat(connection, run, 0.25, NOW)
    assert lab_run.ask_stop(connection, run, NOW)
    assert not lab_run.beat(connection, run, 0.3, NOW + SECOND)
    assert state(connection, run, NOW + SECOND) == "running"  # until it has heard of it
    lab_run.end(connection, run, NOW + 2 * SECOND)
    row = lab_run.one(connection, run, NOW + DAY)
    assert row is not None
    assert (row["state"], round(row["progress"], 2)) == ("stopped", 0.3)


def test_one_that_fails_says_why(connection) -> None:
    run = ask(connection)
    lab_run.end(connection, run, NOW, "there is no fence 'cam'")
    row = lab_run.one(connection, run, NOW)
    assert row is not None
    assert (row["state"], row["fault"], row["progress"]) == ("failed", "there is no fence 'cam'", 0.0)


def test_one_that_is_not_heard_any_more_does_not_run_for_ever(connection) -> None:
    waiting, running = ask(connection), ask(connection)
    lab_run.beat(connection, running, 0.5, NOW + 10 * SECOND)
    last = NOW + lab_run.SILENT
    assert (state(connection, waiting, last), state(connection, running, last)) == ("waiting", "running")
    assert state(connection, waiting, last + SECOND) == "interrupted"
    assert state(connection, running, last + 10 * SECOND) == "running"
    assert state(connection, running, last + 11 * SECOND) == "interrupted"
    assert lab_run.beat(connection, running, 0.6, last + 12 * SECOND)  # it was only slow
    assert state(connection, running, last + 12 * SECOND) == "running"


def test_no_more_go_on_at_a_time_than_may(connection) -> None:
    runs = [ask(connection) for _ in range(lab_run.RUNNING_MOST)]
    with pytest.raises(lab_run.Busy, match="2 runs are going on"):
        ask(connection)
    lab_run.end(connection, runs[0], NOW)
    last = ask(connection)
    with pytest.raises(lab_run.Busy):
        ask(connection)
    assert ask(connection, NOW + lab_run.SILENT + SECOND) > last  # the others are dead


def test_two_who_ask_at_once_are_not_both_the_last(database) -> None:
    with connected(database.web) as engine, engine.connect() as one, engine.connect() as two:
        for _ in range(lab_run.RUNNING_MOST - 1):
            ask(one)
        one.commit()
        ask(one)
        two.execute(sa.text("SET lock_timeout = '200ms'"))
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            ask(two)
        two.rollback()
        one.commit()
        with pytest.raises(lab_run.Busy):
            ask(two)


def test_the_newest_are_listed_first_and_without_what_they_found(connection) -> None:
    first, second = ask(connection), ask(connection)
    lab_run.tell(connection, first, {"drafts": []})
    listed = lab_run.recent(connection, NOW)
    assert [row["id"] for row in listed] == [second, first]
    assert all("result" not in row and row["state"] == "waiting" for row in listed)
    assert [row["id"] for row in lab_run.recent(connection, NOW, 1)] == [second]
