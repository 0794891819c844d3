"""What a person does in the rule lab, against a real database: start, stop, switch on, and what is refused."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from shapely import box

from access import lab as doing
from access.site import Site
from geo import lab_run
from geo.actor import SYSTEM, Actor
from geo.fence import Fence, put_fences
from geo.rule import Rule, put_rules, rules, save_rule
from geo.rulebook import rule_history
from layers import discover
from tests.connections import connected

LAN = Actor("Lan")
AREA = Fence("cam", "area", "Khu cấm", "Closed area", box(107.8, 16.7, 107.95, 16.8))
RULE = Rule("lau", "inside", "vessel", "Ở lâu", "Stays long", "high", "cam", dwell_s=600, enabled=False)
DAY = timedelta(days=1)


@pytest.fixture
def started() -> list[int]:
    return []


@pytest.fixture
def site(database: Any, redis_server: str, started: list[int]) -> Iterator[Site]:
    with connected(database.owner) as owner, owner.begin() as connection:
        put_fences(connection, [AREA], SYSTEM)
        put_rules(connection, [RULE], SYSTEM)
    with connected(database.web) as engine:
        yield Site(engine, redis_server, discover(), "Huế", "Huế", (16.6, 107.9, 10), start_lab=started.append)


def start(site: Site, *drafts: Rule, begin: timedelta = DAY, end: timedelta = timedelta()) -> int:
    now = datetime.now(UTC)
    return doing.start(site, drafts or [RULE], now - begin, now - end, LAN)


def test_a_run_is_written_down_and_its_process_started(site, started) -> None:
    run = start(site)
    assert started == [run]
    with site.engine.connect() as connection:
        row = lab_run.one(connection, run, datetime.now(UTC))
    assert row is not None
    assert (row["state"], row["actor"], row["end_at"] - row["start_at"]) == ("waiting", "Lan", DAY)


NEVER = Rule("gap", "proximity", "vessel", "Gặp", "Meet", "high", params={"distance_m": 0})


@pytest.mark.parametrize(
    ("drafts", "span", "words"),
    [
        ([], {}, "one draft is tried"),
        ([RULE] * 3, {}, "or two are compared"),
        ([RULE], {"begin": timedelta(), "end": DAY}, "ends after it begins"),
        ([RULE], {"begin": DAY, "end": DAY}, "ends after it begins"),
        ([RULE], {"begin": 93 * DAY}, "at most 92 days"),
        ([RULE], {"end": -timedelta(minutes=2)}, "is over"),
        ([replace(RULE, layer="report")], {}, "'report' keeps no past"),
        ([replace(RULE, layer="no_such")], {}, "'no_such' keeps no past"),
        ([RULE, replace(RULE, kind="distress", fence_key=None)], {}, "only live data"),
        ([NEVER], {}, "distance_m is metres"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_words(site, started, drafts, span, words: str) -> None:
    now = datetime.now(UTC)
    with pytest.raises(ValueError, match=words):
        doing.start(site, drafts, now - span.get("begin", DAY), now - span.get("end", timedelta()), LAN)
    assert started == []


def test_a_process_that_starts_no_runs_says_so(site) -> None:
    with pytest.raises(ValueError, match="starts no runs"):
        start(replace(site, start_lab=None))


def test_too_many_at_once_are_refused_until_one_is_stopped(site, started) -> None:
    runs = [start(site) for _ in range(lab_run.RUNNING_MOST)]
    with pytest.raises(lab_run.Busy):
        start(site)
    assert started == runs
    assert doing.stop(site, runs[0])
    with site.engine.begin() as connection:
        lab_run.end(connection, runs[0], datetime.now(UTC))
    assert not doing.stop(site, runs[0])
    assert not doing.stop(site, 999)
    start(site)


def test_a_draft_is_switched_on_as_the_next_version_with_what_was_found(site) -> None:
    draft = replace(RULE, dwell_s=1800)
    run = start(site, RULE, draft)
    with site.engine.begin() as connection:
        lab_run.tell(connection, run, {"drafts": [{"total": 31}, {"total": 4}]})
    assert doing.switch_on(site, run, 1, LAN) == 2
    with site.engine.connect() as connection:
        (kept,) = rules(connection)
        newest = rule_history(connection, "lau")[0]
    assert (kept.version, kept.enabled, kept.dwell_s) == (2, True, 1800)
    assert (newest.actor, newest.comment) == ("Lan", f"thử quy tắc lần {run}: 4 báo động trong 1 ngày")


def test_a_rule_that_was_changed_meanwhile_is_not_overwritten(site) -> None:
    run = start(site, replace(RULE, dwell_s=1800))
    with site.engine.begin() as connection:
        save_rule(connection, replace(RULE, dwell_s=60), Actor("Minh"), datetime.now(UTC), "chặt hơn")
    with pytest.raises(ValueError, match="has version 2 by now, and the draft was made of version 1"):
        doing.switch_on(site, run, 0, LAN)
    with site.engine.connect() as connection:
        (kept,) = rules(connection, every=True)
    assert kept.dwell_s == 60


def test_there_is_nothing_to_switch_on_where_nothing_was_tried(site) -> None:
    run = start(site)
    for number, draft in ((999, 0), (run, 1), (run, -1)):
        with pytest.raises(LookupError, match="has no draft"):
            doing.switch_on(site, number, draft, LAN)
