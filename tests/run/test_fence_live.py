"""A saved fence in the running program: what is inside is an alarm at once, and the next fix is judged by it."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from run.process import wait_for
from tests.faults.harness import System, system
from tests.nmea import position

STILL, SAILING = 574_000_101, 574_000_102

pytestmark = pytest.mark.alone
AREA = [[110.4, 15.4], [110.6, 15.4], [110.6, 15.6], [110.4, 15.6], [110.4, 15.4]]


def ask(running: System, method: str, path: str, body: Any = None) -> Any:
    status, answer = running.http(method, path, body)
    assert status == 200, answer
    return answer


def alarms(running: System, key: str) -> list[dict[str, Any]]:
    return [one for one in ask(running, "GET", "/api/v1/alarms") if one["fence"] == key]


def say(running: System, *lines: bytes) -> None:
    with socket.create_connection(("127.0.0.1", running.ports[0]), timeout=10) as station:
        station.sendall(b"".join(line + b"\n" for line in lines))


def waited(running: System, key: str, count: int, began: float) -> float:
    assert wait_for(lambda: len(alarms(running, key)) == count, 10, every_s=0.02), alarms(running, key)
    return time.monotonic() - began


@pytest.mark.timeout(300)
def test_a_fence_drawn_around_a_still_boat_is_an_alarm_within_two_seconds_without_a_new_fix(
    home_directory: Path, record_property: Any
) -> None:
    body = {"actor": "Lan", "name_vi": "Khu mới", "geometry": {"type": "Polygon", "coordinates": [AREA]}}
    watch = {"kinds": ["inside"], "severity": "critical"}
    with system(home_directory, workers=1) as running:
        say(running, position(STILL, 110.5, 15.5, time.time(), speed=0.0), position(SAILING, 110.8, 15.5, time.time()))
        path = "/api/v1/layers/vessel/features?bbox=110,15,111,16"
        assert wait_for(lambda: len(ask(running, "GET", path)["features"]) == 2, 30)
        fixes = ask(running, "GET", f"/api/v1/vessels/{STILL}/track")["features"]
        took = []
        for n in range(5):  # at any moment of the clock's second
            time.sleep(0.23)
            began = time.monotonic()
            ask(running, "PUT", f"/api/v1/fences/moi{n}", {**body, "watch": watch})
            took.append(waited(running, f"moi{n}", 1, began))
        (raised,) = alarms(running, "moi0")
        assert (raised["object_key"], raised["severity"]) == (str(STILL), "critical")
        assert ask(running, "GET", f"/api/v1/vessels/{STILL}/track")["features"] == fixes  # no fix came meanwhile
        # The worker has it too: the next fix inside is judged by it.
        began = time.monotonic()
        say(running, position(SAILING, 110.55, 15.5, time.time()))
        took_fix = waited(running, "moi0", 2, began)
        # And what it raised ends when the fence is taken out of force.
        ask(running, "DELETE", "/api/v1/fences/moi0", {"actor": "Lan", "version": 1, "comment": "thử xong"})
        ended = wait_for(lambda: all(one["cleared_at"] for one in alarms(running, "moi0")), 10, every_s=0.02)
    assert ended
    record_property("saved_to_alarm_s", took)
    record_property("by_a_fix_s", took_fix)
    assert max(took) < 2.5
    assert sorted(took)[2] < 2
