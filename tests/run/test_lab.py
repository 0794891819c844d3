"""A run of the lab in its own process: progress, stopping, and what is left when it or its parent is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from shapely import box

from geo import lab_run
from geo.actor import SYSTEM, Actor
from geo.fence import Fence, put_fences
from geo.rule import Rule
from run.lab import starter
from tests.connections import connected
from tests.lab_past import lay
from tests.program import CLEAN, ROOT

pytestmark = pytest.mark.alone
LAN = Actor("Lan")
AREA = Fence("cam", "area", "Khu cấm", "Closed area", box(107.8, 16.5, 107.95, 16.9), hysteresis_m=50)
RULE = Rule("lau", "inside", "vessel", "Ở lâu", "Stays long", "high", "cam", dwell_s=60)
NEAR = Rule("gan", "proximity", "vessel", "Gần", "Near", "high", params={"distance_m": 200})
PATIENCE_S = 90.0


@pytest.fixture
def engine(database: Any) -> Iterator[sa.Engine]:
    with connected(database.owner) as owner, owner.begin() as connection:
        put_fences(connection, [AREA], SYSTEM)
    with connected(database.web) as opened:
        yield opened


@pytest.fixture
def long_past(database: Any) -> timedelta:
    """Two days of so many fixes that a run over them takes a while."""
    now = datetime.now(UTC)
    with connected(database.owner) as owner:
        lay(owner, now - timedelta(days=2), now, 250, 90)
    return timedelta(days=2)


@pytest.fixture
def environment(database: Any, home_directory: Any) -> dict[str, str]:
    return {**CLEAN, "DATABASE_URL_WEB": database.web, "HAIDANG_HOME": str(home_directory)}


def ask(engine: sa.Engine, span: timedelta, *drafts: Rule) -> int:
    now = datetime.now(UTC)
    with engine.begin() as connection:
        return lab_run.ask(connection, drafts or [RULE], now - span, now, LAN, now)


def look(engine: sa.Engine, run: int) -> dict[str, Any]:
    with engine.connect() as connection:
        row = lab_run.one(connection, run, datetime.now(UTC))
    assert row is not None
    return row


def wait(engine: sa.Engine, run: int, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end = time.monotonic() + PATIENCE_S
    while not until(row := look(engine, run)):
        assert time.monotonic() < end, row
        time.sleep(0.1)
    return row


@pytest.fixture
def child(environment: dict[str, str]) -> Iterator[Callable[[int], "subprocess.Popen[bytes]"]]:
    """Starts `app.py lab N`; whatever still runs at the end is ended."""
    made: list[subprocess.Popen[bytes]] = []

    def start(run: int) -> "subprocess.Popen[bytes]":
        made.append(subprocess.Popen([sys.executable, str(ROOT / "app.py"), "lab", str(run)], env=environment))
        return made[-1]

    yield start
    for each in made:
        each.kill()
        each.wait()


def test_progress_rises_until_everything_is_found(engine, long_past, environment) -> None:
    run = ask(engine, long_past, RULE, replace(RULE, dwell_s=1800))
    starter(environment, ROOT / "app.py")(run)
    seen = {0.0}
    row = wait(engine, run, lambda row: seen.add(row["progress"]) or row["ended_at"] is not None)
    assert (row["state"], row["fault"], row["progress"]) == ("done", None, 1.0)
    assert len(seen) > 3
    short, long = row["result"]["drafts"]
    assert short["total"] > long["total"] > 0
    assert row["result"]["fixes"] > 400_000
    assert row["result"]["objects"] == 250
    assert [count for _, count in short["days"]] != []


def test_asked_to_stop_it_is_over_within_two_seconds_and_keeps_what_it_found(engine, long_past, child) -> None:
    run = ask(engine, long_past, RULE, NEAR)
    program = child(run)
    wait(engine, run, lambda row: row["result"] is not None and row["ended_at"] is None)
    with engine.begin() as connection:
        assert lab_run.ask_stop(connection, run, datetime.now(UTC))
    asked = time.monotonic()
    row = wait(engine, run, lambda row: row["ended_at"] is not None)
    # A machine that others use too looks a little later.
    assert time.monotonic() - asked < 3.5
    assert row["ended_at"] - row["stop_asked_at"] < timedelta(seconds=2.5)
    assert row["state"] == "stopped"
    assert 0 < row["progress"] < 1
    assert row["result"]["drafts"][0]["total"] > 0
    assert program.wait(10) == 0


def test_one_that_is_killed_is_told_in_words_and_does_not_run_for_ever(engine, long_past, child, monkeypatch) -> None:
    monkeypatch.setattr(lab_run, "SILENT", timedelta(seconds=3))
    run = ask(engine, long_past)
    program = child(run)
    wait(engine, run, lambda row: row["begun_at"] is not None)
    program.kill()
    row = wait(engine, run, lambda row: row["state"] == "interrupted")
    assert row["ended_at"] is None
    ask(engine, long_past)
    ask(engine, long_past)  # the dead one holds no place


PARENT = """
import os, sys, time
from pathlib import Path
from run.lab import starter
starter(os.environ, Path(sys.argv[1]))(int(sys.argv[2]))
time.sleep(600)
"""


def test_it_ends_with_the_process_that_started_it(engine, long_past, environment) -> None:
    run = ask(engine, long_past)
    words = [sys.executable, "-c", PARENT, str(ROOT / "app.py"), str(run)]
    parent = subprocess.Popen(words, env=environment, cwd=ROOT)
    wait(engine, run, lambda row: row["begun_at"] is not None)
    own = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent.pid)], capture_output=True, text=True, check=True)
    (number,) = map(int, own.stdout.split())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    end = time.monotonic() + 10
    while alive(number):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert look(engine, run)["ended_at"] is None


def alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True, check=False)
    return not status.stdout.startswith("Z")  # one that nobody waits for is no more, whatever the table says


@pytest.mark.parametrize(
    ("drafts", "words"),
    [
        ([replace(RULE, fence_key="nowhere")], "rule lau: there is no fence 'nowhere'"),
        ([replace(RULE, layer="no_such")], "the drafts are of no layer that is known here"),
    ],
)
def test_what_goes_wrong_is_written_down_in_words(engine, child, drafts, words: str) -> None:
    run = ask(engine, timedelta(days=1), *drafts)
    assert child(run).wait(PATIENCE_S) == 0
    row = look(engine, run)
    assert (row["state"], row["fault"]) == ("failed", words)


def test_a_past_without_a_fix_raises_nothing(engine, child) -> None:
    run = ask(engine, timedelta(days=3))
    assert child(run).wait(PATIENCE_S) == 0
    row = look(engine, run)
    assert (row["state"], row["result"]["fixes"], row["result"]["drafts"][0]["total"]) == ("done", 0, 0)
