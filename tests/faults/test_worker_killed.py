"""The worker dies by kill -9, again and again, while numbered messages come in over a real socket."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from shapely.geometry import box

from geo.actor import SYSTEM
from geo.fence import Fence, put_fences
from geo.rule import Rule, put_rules
from run.port import choose
from run.process import Program, Running, start, wait_for
from run.role import urls
from run.servers import servers
from tests.connections import asked, connected
from tests.nmea import position

ROOT = Path(__file__).resolve().parents[2]
MESSAGES, FIRST, KILLS = 20_000, 574_000_000, 8
BREACHER, STEPS = 574_900_001, 400
T0 = 1_764_000_000.0


def numbered() -> list[bytes]:
    """One message each of 20,000 boats, and among them the fixes of one that sails in, stays and sails out."""
    line = position(FIRST, 110.0, 16.5, T0)
    prefix = line[: line.index(b"!")]
    lines = [prefix + position(FIRST + n, 110.0, 16.5) for n in range(MESSAGES)]
    every = MESSAGES // STEPS
    for step in reversed(range(STEPS)):
        inside = STEPS // 4 <= step < 3 * STEPS // 4
        lines.insert((step + 1) * every, position(BREACHER, 107.5 if inside else 109.5, 16.5, T0 + 10 * step))
    return lines


def test_promise_01_and_02_a_worker_killed_at_any_moment_loses_and_repeats_nothing(home_directory: Path) -> None:
    order, lines = random.Random(20_261_121), numbered()
    tcp = choose()
    with servers(home_directory, "fault test", durable=True) as running:
        roles = urls(running.postgres)
        environment = {
            **roles.environment(),
            "REDIS_URL": running.redis.url,
            "HAIDANG_HOME": str(home_directory),
            "HAIDANG_FEED_SOURCES": json.dumps({"ais": [f"tcp-listen://127.0.0.1:{tcp}"]}),
        }
        upgrade = [sys.executable, "app.py", "db", "upgrade"]
        subprocess.run(
            upgrade, cwd=ROOT, env={**os.environ, **environment}, check=True, capture_output=True, timeout=120
        )
        with connected(roles.owner) as owner, owner.begin() as connection:
            put_fences(connection, [Fence("area", "area", "Khu", "Area", box(107, 16, 108, 17))], SYSTEM)
            put_rules(connection, [Rule("breach", "inside", "vessel", "Vào", "In", "high", "area", 60)], SYSTEM)

        def begin(name: str) -> Running:
            log = home_directory / "log" / f"{name}.log"
            return start(Program(name, (sys.executable, "app.py", name), log, environment, cwd=ROOT))

        def committed() -> int:
            return int(asked(roles.web, "SELECT coalesce(sum(received), 0) AS n FROM ledger")[0]["n"])

        def listening() -> bool:
            try:
                socket.create_connection(("127.0.0.1", tcp), timeout=1).close()
            except OSError:
                return False
            return True

        receiver, worker = begin("receive"), begin("work")
        try:
            assert wait_for(listening, 60)
            goals = sorted(order.sample(range(200, MESSAGES - 500), KILLS))
            gate = threading.Semaphore(0)

            def send() -> None:
                with socket.create_connection(("127.0.0.1", tcp)) as sock:
                    sent = 0
                    for goal in [*goals, len(lines)]:
                        # A little beyond each goal in small pieces, so that a kill meets a worker that has work.
                        until = min(goal + 400, len(lines))
                        for at in range(sent, until, 50):
                            sock.sendall(b"\n".join(lines[at : min(at + 50, until)]) + b"\n")
                        sent = max(sent, until)
                        gate.acquire(timeout=90)

            sender = threading.Thread(target=send)
            sender.start()
            for goal in goals:
                assert wait_for(lambda goal=goal: committed() >= goal, 60, every_s=0.002)
                gate.release()  # more comes in while it dies
                os.kill(worker.pid, signal.SIGKILL)
                assert worker.wait(10)
                worker = begin("work")
            assert wait_for(lambda: committed() >= len(lines), 90), committed()
            gate.release()
            sender.join(30)
        finally:
            worker.stop()
            receiver.stop()

        assert committed() == len(lines)
        once = asked(roles.web, "SELECT mmsi, count(*) AS n FROM vessel_history GROUP BY mmsi")
        found = {row["mmsi"]: row["n"] for row in once}
        assert found.pop(BREACHER) == STEPS
        assert found == dict.fromkeys(range(FIRST, FIRST + MESSAGES), 1)
        (feed,) = asked(roles.web, "SELECT received, accepted, rejected, rows FROM feed")
        assert feed == {"received": len(lines), "accepted": len(lines), "rejected": {}, "rows": len(lines)}
        journal = asked(roles.web, "SELECT transition, alarm_id, observed_at FROM alarm_journal ORDER BY id")
        assert [row["transition"] for row in journal] == ["raise", "clear"]
        assert len({row["alarm_id"] for row in journal}) == 1
        (alarm,) = asked(roles.web, "SELECT object_key, raised_at FROM alarm")
        assert alarm["object_key"] == str(BREACHER)
        assert alarm["raised_at"].timestamp() == T0 + 10 * (STEPS // 4) + 60
        assert asked(roles.web, "SELECT count(*) FROM dead_letter") == [{"count": 0}]
