import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from run.port import choose
from run.process import Program, start, wait_for
from tests.connections import asked
from tests.nmea import message, position, sentences

pytestmark = pytest.mark.alone
ROOT = Path(__file__).resolve().parents[2]
T0 = 1_764_000_000.0


@dataclass
class System:
    """A running receiver and worker, and how a capture is played to them."""

    environment: dict[str, str]
    port: int
    database: object

    def replay(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "app.py", "replay", *words],
            cwd=ROOT, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=150, check=False,
        )  # fmt: skip

    def account(self, *words: str) -> dict[str, object]:
        done = self.replay(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def ask(self, statement: str):
        return asked(self.database.owner, statement)  # type: ignore[attr-defined]


@pytest.fixture
def silent(database, redis_server, tmp_path) -> System:
    """The servers, and nobody who works."""
    tcp, udp = choose(), choose(socket.SOCK_DGRAM)
    addresses = [f"tcp-listen://127.0.0.1:{tcp}", f"udp://127.0.0.1:{udp}"]
    environment = {
        **database.environment(),
        "REDIS_URL": redis_server,
        "HAIDANG_HOME": str(tmp_path / "home"),
        "HAIDANG_FEED_SOURCES": json.dumps({"ais": addresses}),
    }
    return System(environment, tcp, database)


@pytest.fixture
def system(silent, tmp_path) -> Iterator[System]:
    tcp, environment, database = silent.port, silent.environment, silent.database
    with ExitStack() as stack:
        for name in ("receive", "work"):
            log = tmp_path / f"{name}.log"
            child = start(Program(name, (sys.executable, "app.py", name), log, environment, cwd=ROOT))
            stack.callback(child.stop)

        def listening() -> bool:
            try:
                socket.create_connection(("127.0.0.1", tcp), timeout=1).close()
            except OSError:
                return False
            return asked(database.owner, "SELECT count(*) FROM feed") == [{"count": 2}]

        assert wait_for(listening, 90, every_s=0.1), [path.read_text() for path in tmp_path.glob("*.log")]
        yield silent


def capture(folder: Path) -> Path:
    path = folder / "capture.nmea"
    lines = [position(574_000_000 + n, 107.5, 16.5, T0 + n) for n in range(200)]
    lines += message(5, 574_000_001, T0, shipname="TTH-91234-TS")
    lines += [*sentences(8, 574_000_001, dac=1, fid=11, data=b"1"), b"garbage", lines[0][:-2] + b"ZZ", b"y" * 3000]
    path.write_bytes(b"\n".join(lines))
    return path


def test_a_capture_by_socket_and_by_stream_gives_the_same_exact_account(system, tmp_path) -> None:
    path = str(capture(tmp_path))
    expected = {
        "received": 206, "accepted": 203, "ignored": 1, "messages": 202, "positions": 200,
    }  # fmt: skip
    rows = 0
    for words in (["--to", f"tcp://127.0.0.1:{system.port}"], ["--speed", "max"]):
        answer = system.account(path, *words, "--speed", "max")
        assert {name: answer[name] for name in expected} == expected, words
        assert answer["received"] == answer["accepted"] + sum(answer["rejected"].values())
        assert sum(answer["rejected"].values()) == 3
        # Played again within seconds it is what another station heard too.
        assert answer["rows"] + answer["duplicates"] == 200
        rows += answer["rows"]
        assert answer["seconds"] > 0
    assert rows >= 200
    assert system.ask("SELECT count(*) FROM vessel_history") == [{"count": rows}]
    newest = system.ask("SELECT max(observed_at) AS at FROM vessel")[0]["at"]
    assert abs((datetime.now(UTC) - newest).total_seconds()) < 150  # shifted to now


def test_keep_times_keeps_the_recorded_times(system, tmp_path) -> None:
    system.account(str(capture(tmp_path)), "--speed", "max", "--keep-times")
    (row,) = system.ask("SELECT min(observed_at) AS first, max(observed_at) AS last FROM vessel_history")
    assert (row["first"].timestamp(), row["last"].timestamp()) == (T0, T0 + 199)


def test_a_real_capture_is_committed_to_its_last_sentence(system, shared_data) -> None:
    path = str(shared_data / "ais" / "aislib_stream_example.txt")
    answers = [
        system.account(path, "--speed", "max", *words)
        for words in (["--to", f"tcp://127.0.0.1:{system.port}"], ["--source", f"ais.tcp{system.port}"])
    ]
    for answer in answers:
        assert answer["received"] == answer["accepted"] + sum(answer["rejected"].values())
        assert answer["messages"] > 3_900
        assert answer["rows"] + answer["duplicates"] == answer["positions"]
    for name in ("received", "accepted", "rejected", "messages", "positions"):
        assert answers[0][name] == answers[1][name], name
    assert system.ask("SELECT count(*) FROM vessel_history") == [{"count": sum(answer["rows"] for answer in answers)}]
    (feed,) = system.ask(f"SELECT received, accepted, rejected FROM feed WHERE source = 'ais.tcp{system.port}'")
    assert feed["received"] == 2 * answers[0]["received"] == feed["accepted"] + sum(feed["rejected"].values())


def test_what_cannot_be_played_is_one_line(silent, tmp_path) -> None:
    path = str(capture(tmp_path))
    for words, said in (
        ([path, "--source", "ais.nowhere"], "ais.tcp"),
        ([path, "--to", "tcp://127.0.0.1:9"], "No source"),
        ([path, "--to", "http://x"], "http://x"),
        ([str(tmp_path / "none"), "--speed", "max"], "none"),
    ):
        done = silent.replay(*words)
        assert (done.returncode, done.stdout) == (1, ""), words
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert said in done.stderr
    assert silent.replay(path, "--speed", "fast").returncode == 2
