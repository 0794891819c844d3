import os
import random
import signal
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from geo.actor import SYSTEM
from geo.rule import Rule, put_rules
from run.process import wait_for
from tests.connections import asked, connected, told
from tests.faults.harness import (
    BREACHER,
    DWELL_S,
    STEP_S,
    STEPS,
    T0,
    Result,
    Sender,
    System,
    fire,
    numbered,
    reconcile,
    sending,
    system,
)

SEED, BREACHERS = 20_261_122, 10


def keep(result: Result) -> None:
    """For the record: printed, and added to the file that HAIDANG_FAULTS_RESULT names."""
    print(result)  # noqa: T201 # the figures are what a long run is made for
    if path := os.environ.get("HAIDANG_FAULTS_RESULT"):
        with Path(path).open("a") as out:
            out.write(f"{result}\n\n")


def whole(result: Result) -> None:
    """Promises 1 and 2, once everything has come to rest."""
    assert result.unexplained == []
    assert result.repeated == {}
    once = {str(BREACHER + number): 1 for number in range(BREACHERS)}
    assert result.alarms == once
    assert result.raises == once


def on_time(running: System) -> None:
    """Where nothing was lost, each alarm has the very moment that the script gives it."""
    moments = running.ask("SELECT DISTINCT extract(epoch FROM raised_at)::float AS at FROM alarm")
    assert moments == [{"at": T0 + STEP_S * (STEPS // 4) + DWELL_S}]


def poison(running: System) -> None:
    """Records that the database refuses, and a rule that throws whenever it is judged."""
    told(running.roles().owner, "ALTER TABLE vessel_history ADD CONSTRAINT poison CHECK (mmsi % 2000 <> 1999)")
    with connected(running.roles().owner) as owner, owner.begin() as connection:
        broken = Rule("broken", "inside", "vessel", "Hỏng", "Broken", "low", "area", 0, qualifies={"speed": ("a", "b")})
        put_rules(connection, [broken], SYSTEM)
    time.sleep(2)  # workers take over changed rules within a second


@pytest.mark.parametrize(
    ("messages", "faults"),
    [
        pytest.param(20_000, 20, marks=pytest.mark.timeout(600)),
        pytest.param(100_000, 200, marks=[pytest.mark.long, pytest.mark.timeout(4 * 3600)]),
    ],
)
def test_promise_01_02_and_25_whatever_is_killed_at_any_moment(
    home_directory: Path, messages: int, faults: int
) -> None:
    order, script = random.Random(SEED), numbered(messages, BREACHERS)
    with system(home_directory, workers=2) as running:
        poison(running)
        began, sender = time.monotonic(), Sender(running.ports[0], script)
        with sending(sender):
            done = fire(running, sender, order, faults)
        running.settle()
        result = reconcile(running, [sender], done, began)
        keep(result)
        whole(result)
        (feed,) = result.account.values()
        assert feed["received"] == feed["accepted"] + sum(feed["rejected"].values())
        assert feed["accepted"] == feed["positions"] == feed["rows"] + result.poisoned
        assert feed["duplicates"] == 0  # nor was anything that came twice found out by its payload alone
        assert feed["faults"]["refused_by_database"] == result.poisoned > 0
        assert feed["faults"]["rule broken"] > 0
        assert running.ask("SELECT count(*) AS n FROM vessel_history") == [{"n": feed["rows"]}]
        assert wait_for(running.ready, 60)


# A row that takes its time, so that what happens then happens in mid-COPY.
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON vessel_history FOR EACH ROW WHEN (NEW.mmsi % 200 = 0) EXECUTE FUNCTION slow();
"""
COPYING = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE 'COPY %'"


def copying(running: System) -> int:
    """The backend that is in the middle of a COPY now; 0 for none."""
    try:
        rows = asked(running.superuser(), COPYING)
    except sa.exc.OperationalError:  # it is not back yet
        return 0
    return int(rows[0]["pid"]) if rows else 0


def break_copy(running: System, how: str) -> None:
    """End the backend that is in the middle of a COPY, or the whole server under it."""
    pids: list[int] = []
    assert wait_for(lambda: pids.append(copying(running)) or pids[-1] > 0, 60), running.last_words()
    if how == "terminate":
        asked(running.superuser(), f"SELECT pg_terminate_backend({pids[-1]})")
    elif how == "backend":
        os.kill(pids[-1], signal.SIGKILL)  # PostgreSQL then ends all others and recovers
    else:
        running.hurt("postgres", "kill", 0)


@pytest.mark.parametrize(
    ("away_s", "faults"),
    [
        pytest.param(30, 10, marks=pytest.mark.timeout(600)),
        pytest.param(300, 50, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_promise_04_postgresql_away_and_broken_in_mid_copy(home_directory: Path, away_s: int, faults: int) -> None:
    order, script = random.Random(SEED), numbered(400 * (faults + 2), BREACHERS)
    with system(home_directory, workers=2) as running:
        told(running.superuser(), SLOW)
        began, sender = time.monotonic(), Sender(running.ports[0], script)
        with sending(sender):
            for _ in range(faults):
                sender.allowed += 400
                break_copy(running, order.choice(("terminate", "backend", "server")))
            assert wait_for(lambda: running.process("postgres") is not None, 60)
            os.kill(running.pid, signal.SIGSTOP)  # or it would have the server back within a second
            running.hurt("postgres", "kill", 0)
            sender.allowed = len(script.lines)
            time.sleep(away_s)
            os.kill(running.pid, signal.SIGCONT)
        running.settle()
        result = reconcile(running, [sender], [], began)
        keep(result)
        whole(result)
        on_time(running)
        assert result.lost_unsaved == result.lost_in_socket == 0
        (feed,) = result.account.values()
        assert feed["received"] == feed["accepted"] == feed["rows"] == len(script.lines)
        assert feed["duplicates"] == 0


HOLDER = """
SELECT client_port FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE locktype = 'advisory' AND granted
AND classid::bigint = hashtext('haidang:source')::bigint & 4294967295
AND objid::bigint = hashtext('{source}')::bigint & 4294967295
"""


def holder(running: System, source: str) -> tuple[str, int] | None:
    """The worker that works a source, and the port of its connection to the database."""
    rows = asked(running.superuser(), HOLDER.format(source=source))
    if not rows:
        return None
    port = int(rows[0]["client_port"])
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{line[9]}]" for line in lines if line[1].endswith(f":{port:04X}")}
    for name in running.workers():
        process = running.process(name)
        if process and any(os.readlink(each) in sockets for each in Path(f"/proc/{process.pid}/fd").iterdir()):
            return name, port
    return None


@pytest.mark.timeout(400)
def test_several_workers_two_stations_hear_the_same_boats_one_worker_is_killed_and_one_is_stopped(
    home_directory: Path,
) -> None:
    script = numbered(6_000, BREACHERS)
    with system(home_directory, workers=3, sources=2) as running:
        senders = [Sender(port, script) for port in running.ports]
        began, took = time.monotonic(), []
        with sending(*senders):
            for number, how in enumerate(("kill", "stop")):
                for sender in senders:
                    sender.allowed = 2_000 * (number + 1)
                source = f"ais.tcp{running.ports[number]}"
                assert wait_for(lambda source=source: holder(running, source) is not None, 60)
                name, port = holder(running, source) or ("", 0)
                at = time.monotonic()
                running.hurt(name, how, senders[0].sent)
                for sender in senders:
                    sender.allowed += 500  # more comes in while it dies

                def taken_over(source: str = source, port: int = port) -> bool:
                    rows = asked(running.superuser(), HOLDER.format(source=source))
                    return bool(rows) and rows[0]["client_port"] != port

                assert wait_for(taken_over, 60, every_s=0.1), running.last_words()
                took.append(time.monotonic() - at)
            for sender in senders:
                sender.allowed = len(script.lines)
        running.settle()
        result = reconcile(running, senders, [], began)
        keep(result)
        whole(result)
        on_time(running)
        assert result.lost_unsaved == result.lost_in_socket == 0
        assert all(feed["received"] == feed["accepted"] == len(script.lines) for feed in result.account.values())
        # What both stations heard is one position: each boat's row once, and as many repeats.
        assert sum(feed["rows"] for feed in result.account.values()) == len(script.lines)
        assert sum(feed["duplicates"] for feed in result.account.values()) == len(script.lines)
        assert max(took) < 5, took
