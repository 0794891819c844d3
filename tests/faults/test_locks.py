"""Two workers, the clock and busy desks at the same alarms at once: nobody waits for each other in a circle."""

import random
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from run.process import wait_for
from tests.faults.harness import EDGE_LON, System, system
from tests.nmea import position

SECONDS, BOATS, DESKS = 20.0, 60, 4
FIRST = 574_000_001
AREA = {"type": "Polygon", "coordinates": [[[107.2, 16.2], [108.0, 16.2], [108.0, 16.8], [107.2, 16.8], [107.2, 16.2]]]}


def sail(port: int, order: random.Random, until: float, began: float) -> None:
    """The same boats from every station: in and out of the areas, each near one other, a minute for each second."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as station:
        while time.monotonic() < until:
            at = began + 60 * (time.monotonic() - until + SECONDS)
            for boat in order.sample(range(BOATS), 5):
                lon = EDGE_LON + order.choice([-0.02, -0.004, 0.004, 0.02])
                station.sendall(position(FIRST + boat, lon, 16.3 + 0.015 * (boat % 30), at) + b"\n")
            time.sleep(0.1)


def handle(running: System, order: random.Random, until: float, statuses: "Counter[tuple[str, int]]") -> None:
    """A desk in a hurry: whatever it is shown, it does something with."""
    deeds = ("acknowledge", "shelve", "unshelve", "withdraw", "escalate", "comment")
    while time.monotonic() < until:
        status, alarms = running.http("GET", "/api/v1/alarms?limit=50")
        statuses["list", status] += 1
        for alarm in order.sample(alarms, min(8, len(alarms))) if status == 200 else ():
            deed = order.choice(deeds)
            body = {"actor": "Lan", "comment": "thử"}
            status, _ = running.http("POST", f"/api/v1/alarms/{alarm['id']}/{deed}", body)
            statuses[deed, status] += 1


def edit(running: System, until: float, statuses: "Counter[tuple[str, int]]") -> None:
    """Somebody who saves the same fence, and with it its rules, over and over."""
    version = None
    watch = {"kinds": ["inside", "approach"], "severity": "medium", "steps_nm": [3, 1]}
    for turn in range(1_000):
        if time.monotonic() > until:
            return
        body = {"actor": "Bé", "name_vi": "Khu sửa mãi", "geometry": AREA, "version": version, "buffer_m": 5_556}
        more = {"dwell_s": turn % 3 * 60, "watch": watch}
        status, saved = running.http("PUT", "/api/v1/fences/sua-mai", body | more)
        statuses["fence", status] += 1
        if status == 200:
            version = saved["version"]
        time.sleep(0.3)


@pytest.mark.timeout(300)
def test_workers_clock_and_desks_never_wait_for_each_other_in_a_circle(home_directory: Path) -> None:
    statuses: Counter[tuple[str, int]] = Counter()
    with system(home_directory, workers=2, sources=2) as running:
        meet = {"actor": "Lan", "kind": "proximity", "name_vi": "Hai tàu gặp nhau", "severity": "low",
                "params": {"distance_m": 800}, "escalate_s": 10}  # fmt: skip
        assert running.http("PUT", "/api/v1/rules/gap-nhau", meet)[0] == 200
        until, began = time.monotonic() + SECONDS, time.time() - 60 * SECONDS
        parts = [threading.Thread(target=sail, args=(port, random.Random(port), until, began))
                 for port in running.ports]  # fmt: skip
        parts += [threading.Thread(target=handle, args=(running, random.Random(n), until, statuses))
                  for n in range(DESKS)]  # fmt: skip
        parts.append(threading.Thread(target=edit, args=(running, until, statuses)))
        for part in parts:
            part.start()
        for part in parts:
            part.join(120)
        assert wait_for(running.drained, 60)
        time.sleep(1)  # PostgreSQL tells its figures once a second
        (told,) = running.ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        raised = running.ask("SELECT count(*) AS n, count(DISTINCT rule_id) AS rules FROM alarm")[0]
        twice = running.ask("SELECT alarm_id FROM alarm_journal WHERE transition = 'raise' GROUP BY 1 "
                            "HAVING count(*) <> 1")  # fmt: skip
    assert told == {"deadlocks": 0}, dict(statuses)
    assert twice == []
    assert int(str(raised["n"])) > BOATS
    assert int(str(raised["rules"])) >= 3
    # Each deed was done, or refused for a reason: nobody met a fault.
    assert {status for _, status in statuses} <= {200, 409, 422}, statuses
    done = {deed for deed, status in statuses if status == 200}
    assert done >= {"acknowledge", "shelve", "unshelve", "withdraw", "comment", "fence"}, statuses
