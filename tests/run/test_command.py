import http.client
import json
import os
import signal
import socket
from pathlib import Path

import pytest

from run import port, state
from run.process import wait_for
from tests.program import answer, opened

pytestmark = pytest.mark.alone


def _get(number: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", number, timeout=10)
    connection.request("GET", path)
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def _feeds() -> str:
    return json.dumps({"ais": [f"udp://127.0.0.1:{port.choose(socket.SOCK_DGRAM)}"]})


def _gone(current: state.State) -> bool:
    return not any(Path(f"/proc/{process.pid}").exists() for process in current.processes)


@pytest.mark.timeout(600)
def test_demo_comes_up_names_what_it_set_up_and_leaves_nothing_behind(home_directory: Path) -> None:
    number = port.choose()
    words = ("demo", "--port", str(number), "--empty")
    with opened(home_directory, *words, HAIDANG_FEED_SOURCES=_feeds()) as (program, said):
        text = "\n".join(said)
        assert "PostgreSQL" in text
        assert "Redis" in text
        assert said[-1].startswith(f"Open http://127.0.0.1:{number} ")
        assert _get(number, "/readyz") == 200
        current = state.read(home_directory / "home")
        assert current is not None
        assert (current.pid, current.purpose, current.ports["web"]) == (program.pid, "demo", number)
        assert {process.name for process in current.processes} >= {
            "postgres",
            "redis",
            "receive",
            "work",
            "clock",
            "send",
            "web",
        }

        code, lines = answer(home_directory, "demo", "--port", str(port.choose()))
        assert (code, len(lines)) == (1, 1)
        assert f"is in use by process {program.pid} (demo)" in lines[0]
    assert program.returncode == 0
    assert wait_for(lambda: _gone(current), 10)
    assert state.read(home_directory / "home") is None


@pytest.mark.timeout(600)  # two cold starts, on whatever machine this is
def test_killed_processes_and_servers_come_back_and_the_map_is_ready_again(home_directory: Path) -> None:
    number = port.choose()
    with opened(home_directory, "up", HAIDANG_PORT=str(number), HAIDANG_FEED_SOURCES=_feeds()):
        before = state.read(home_directory / "home")
        assert before is not None
        for process in before.processes:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)

        def all_back() -> bool:
            now = state.read(home_directory / "home")
            return now is not None and all(p.state == "up" and p.restarts > 0 for p in now.processes)

        def ready() -> bool:
            try:
                return _get(number, "/readyz") == 200
            except OSError:
                return False

        assert wait_for(all_back, 150)
        assert wait_for(ready, 150)


def test_a_taken_port_is_one_clear_line(home_directory: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        code, lines = answer(home_directory, "demo", "--port", str(number))
    assert (code, len(lines)) == (1, 1)
    assert lines[0].startswith(f"Port {number} on 127.0.0.1 is taken by another program")
    assert "./haidang demo --port" in lines[0]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"HAIDANG_VIEW_LAT": "north"}, "HAIDANG_VIEW_LAT"),
        ({"HAIDANG_HOST": "0.0.0.0"}, "HAIDANG_HOST"),
        ({"HAIDANG_HOME": "/proc/nowhere"}, "set HAIDANG_HOME to another"),
        ({"DATABASE_URL": "mysql://nobody@127.0.0.1/x", "REDIS_URL": "redis://127.0.0.1:1/0"}, "postgresql://"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"}, "cannot reach"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(home_directory: Path, settings: dict[str, str], word: str) -> None:
    code, lines = answer(home_directory, "up", **{"HAIDANG_PORT": str(port.choose()), **settings})
    assert code == 1
    assert len(lines) == 1, lines
    assert word in lines[0]
