import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from run import state
from run.fault import Fault
from run.home import Home, locked, make_home
from run.process import Program, wait_for
from run.servers import start_postgres, start_redis
from run.supervisor import Supervisor

pytestmark = pytest.mark.alone
ROOT = Path(__file__).resolve().parents[2]
# What a process of ours does: beats its heart in its own loop, and ends when asked to.
WELL = """
import os, pathlib, signal, sys, threading
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
heart = pathlib.Path(os.environ["HAIDANG_HEARTBEAT"])
while not stop.wait(0.02):
    heart.touch()
"""
# Two processes of a program that is stopped by a signal from outside; the parent prints what is left of them.
SUPERVISED = """
import sys
from contextlib import suppress
from pathlib import Path
from run.home import locked, make_home
from run.process import Program
from run.supervisor import Supervisor
home = make_home(Path(sys.argv[1]))
with suppress(KeyboardInterrupt), locked(home, "test"):
    supervisor = Supervisor(home, "test", lambda line: print(line, flush=True))
    with supervisor.listening():
        for stage, name in enumerate(("one", "two"), 1):
            supervisor.start(Program(name, (sys.executable, "-c", sys.argv[2]), home.log / f"{name}.log",
                                     stage=stage, heartbeat=home.run / "heartbeat" / name))
        supervisor.start_up(lambda: all((home.run / "heartbeat" / name).exists() for name in ("one", "two")))
        print("ready", flush=True)
        supervisor.run()
"""


@pytest.fixture
def home(home_directory: Path) -> Iterator[Home]:
    home = make_home(home_directory)
    with locked(home, "test"):
        yield home


def _program(home: Home, name: str = "work", script: str = WELL, frozen_s: float = 30.0) -> Program:
    argv = (sys.executable, "-c", script)
    return Program(name, argv, home.log / f"{name}.log", heartbeat=home.run / "heartbeat" / name, frozen_s=frozen_s)


def _process(home: Home, name: str = "work") -> state.Process:
    current = state.read(home.path)
    assert current is not None
    return next(process for process in current.processes if process.name == name)


def _beats(home: Home, name: str = "work") -> bool:
    return (home.run / "heartbeat" / name).exists()


def test_the_dead_are_started_again(home: Home) -> None:
    said: list[str] = []
    supervisor = Supervisor(home, "test", said.append)
    with supervisor.listening():
        supervisor.start(_program(home))
        supervisor.run(lambda: _beats(home))
        first = _process(home)
        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)
        supervisor.run(lambda: _process(home).restarts == 1 and _beats(home))
        second = _process(home)
        assert second.pid != first.pid
        assert (second.state, second.last_exit) == ("up", -9)
    assert "work killed by signal 9; starting it again" in said
    assert not Path(f"/proc/{second.pid}").exists()


def test_the_frozen_are_killed_and_started_again(home: Home) -> None:
    supervisor = Supervisor(home, "test", lambda line: None)
    with supervisor.listening():
        supervisor.start(_program(home, frozen_s=0.5))
        supervisor.run(lambda: _beats(home))
        first = _process(home)
        assert first.pid is not None
        os.kill(first.pid, signal.SIGSTOP)
        supervisor.run(lambda: _process(home).frozen == 1 and _process(home).restarts == 1 and _beats(home))
        assert _process(home).pid != first.pid
        assert not Path(f"/proc/{first.pid}").exists()


def test_stopped_servers_and_processes_are_killed_and_started_again(home: Home) -> None:
    supervisor = Supervisor(home, "test", lambda line: None)
    with supervisor.listening():
        postgres, postgres_process = start_postgres(home, lambda line: None)
        redis, redis_process = start_redis(home, lambda line: None)
        supervisor.adopt(postgres_process)
        supervisor.adopt(redis_process)
        supervisor.start(_program(home))
        supervisor.run(lambda: _beats(home))
        names = ("postgres", "redis", "work")
        for name in names:
            pid = _process(home, name).pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
        supervisor.run(lambda: all(_process(home, name).restarts == 1 for name in names))
        assert [_process(home, name).frozen for name in names] == [1, 1, 1]
        supervisor.run(lambda: postgres.answers() and redis.answers() and _beats(home))


def test_a_process_that_never_starts_is_one_clear_line(home: Home) -> None:
    supervisor = Supervisor(home, "test", lambda line: None)
    with supervisor.listening():
        supervisor.start(_program(home, script="raise SystemExit('Error: a wrong setting')"))
        with pytest.raises(Fault, match=r"work does not start: Error: a wrong setting \(see .*work.log"):
            supervisor.start_up(lambda: False)


def test_what_a_dead_process_had_started_dies_with_it(home: Home) -> None:
    script = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WELL!r}]).wait()"
    supervisor = Supervisor(home, "test", lambda line: None)
    with supervisor.listening():
        supervisor.start(_program(home, script=script))
        supervisor.run(lambda: _beats(home))
        pid = _process(home).pid
        assert pid is not None
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(pid, signal.SIGKILL)
        supervisor.run(lambda: _process(home).restarts == 1)
        assert wait_for(lambda: not _lives(int(child)), 10)


def test_killed_servers_come_back_on_the_same_ports(home: Home) -> None:
    supervisor = Supervisor(home, "test", lambda line: None)
    with supervisor.listening():
        postgres, postgres_process = start_postgres(home, lambda line: None)
        redis, redis_process = start_redis(home, lambda line: None)
        supervisor.adopt(postgres_process)
        supervisor.adopt(redis_process)
        os.kill(postgres_process.pid, signal.SIGKILL)
        os.kill(redis_process.pid, signal.SIGKILL)
        supervisor.run(lambda: _process(home, "postgres").restarts > 0 and _process(home, "redis").restarts > 0)
        supervisor.run(lambda: postgres.answers() and redis.answers())
        assert _process(home, "postgres").state == _process(home, "redis").state == "up"
    assert not postgres.answers()
    assert not redis.answers()


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_however_it_is_stopped_no_process_is_left(home_directory: Path, sig: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISED, str(home_directory), WELL], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        current = state.read(home_directory)
        assert current is not None
        pids = [process.pid for process in current.processes]
        assert all(pid is not None and _lives(pid) for pid in pids)
        program.send_signal(sig)
        assert program.wait(30) == (-9 if sig == signal.SIGKILL else 0)
        assert wait_for(lambda: not any(pid is not None and _lives(pid) for pid in pids), 10)
    assert state.read(home_directory) is None
    if sig != signal.SIGKILL:
        stopped = (home_directory / "run" / "state.json").read_text()
        assert stopped.count('"stopped"') == 2
        assert '"last_exit": 0' in stopped


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
