"""A storm of alarms through the whole program, before a browser: few new lines, none lost, the desk stays usable."""

import json
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from geo.flood import LINES
from run.process import wait_for
from tests.faults.harness import System, system
from tests.nmea import message, position

BOATS, STORM_S, WAY_S = 1_000, 50.0, 180.0  # a thousand crossings within a minute
FIRST, SART = 574_000_001, 970_000_001
GATE = [[108.5, 16.0], [108.5, 17.0]]
# Every line that ever stood on this desk.
WATCH = """
window.everSeen = new Set();
const look = () => {
  for (const row of document.querySelectorAll("#desk > [data-line]")) window.everSeen.add(row.dataset.line);
};
new MutationObserver(look).observe(document, { childList: true, subtree: true });
"""


def crossing(number: int, east: bool, at: float) -> bytes:
    lat = 16.1 + 0.8 * number / BOATS
    return position(FIRST + number, 108.5 + (0.005 if east else -0.005), lat, at)


def send(port: int, lines: list[bytes], over_s: float) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as station:
        began = time.monotonic()
        for number, line in enumerate(lines):
            station.sendall(line + b"\n")
            time.sleep(max(0.0, began + over_s * number / len(lines) - time.monotonic()))


def ask(page: Page, path: str, method: str = "GET", body: Any = None) -> Any:
    script = """([path, method, body]) => fetch(path, {method, body, headers: {"content-type": "application/json"}})
        .then(answer => answer.json())"""
    return page.evaluate(script, [path, method, json.dumps(body) if body else None])


def raised(running: System) -> int:
    return int(str(running.ask(
        "SELECT count(*) AS n FROM alarm_journal j JOIN alarm a ON a.id = j.alarm_id JOIN rule r ON r.id = a.rule_id "
        "WHERE j.transition = 'raise' AND r.kind = 'crossing'")[0]["n"]))  # fmt: skip


@pytest.mark.timeout(400)
def test_promise_24_a_thousand_crossings_a_minute_and_the_desk_stays_usable(
    home_directory: Path, browser: Browser, record_property: Any
) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    context.add_init_script(WATCH)
    with system(home_directory, workers=1) as running:
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(error.message))
        page.goto(f"http://127.0.0.1:{running.web}/alarms")
        expect(page.locator("#desk-title")).to_contain_text(re.compile(r"\d"), timeout=20_000)
        gate = {"type": "LineString", "coordinates": GATE}
        watch = {"kinds": ["crossing"], "severity": "high"}
        body = {"actor": "Lan", "name_vi": "Cửa biển", "kind": "gate", "geometry": gate, "watch": watch}
        assert ask(page, "/api/v1/fences/cua-bien", "PUT", body)["version"] == 1
        send(running.ports[0], [crossing(n, False, time.time() - WAY_S) for n in range(BOATS)], 1)
        assert wait_for(lambda: running.received() >= BOATS, 60)

        began = time.time()
        lines = [crossing(n, True, began + STORM_S * n / BOATS) for n in range(BOATS)]
        storm = threading.Thread(target=send, args=(running.ports[0], lines, STORM_S))
        storm.start()
        expect(page.locator("#desk-flood")).to_contain_text("Dồn dập", timeout=30_000)
        # In the midst of it: an emergency has a line of its own on top, and is taken by keyboard.
        send(running.ports[0], message(1, SART, time.time(), lon=108.6, lat=16.5, status=14), 0)
        top = page.locator("#desk .alarm").first
        expect(top).to_have_class(re.compile("sev-critical"), timeout=10_000)
        page.locator("#actor").fill("Trần Thị Lan")
        answered = time.monotonic()
        top.locator(".alarm-row").focus()
        for key in ("a", "Enter"):
            page.keyboard.press(key)
        expect(page.locator("#deed-words")).to_contain_text("Đã xác nhận", timeout=10_000)
        answered = time.monotonic() - answered
        # And a crossing that has a line of its own: it is over, so it leaves the desk when it is taken.
        own = page.locator("#desk .alarm:not(.flood):not(.sev-critical)").first
        number = own.get_attribute("data-alarm-row")
        own.locator(".alarm-row").focus()
        for key in ("a", "Enter"):
            page.keyboard.press(key)
        expect(page.locator(f"[data-alarm-row='{number}']:not(.gone)")).to_have_count(0, timeout=10_000)
        storm.join()
        assert wait_for(lambda: raised(running) >= BOATS, 60), raised(running)
        took = time.time() - began

        expect(page.locator("#desk .flood").first).to_be_visible()
        seen = page.evaluate("[...everSeen]")
        lines_told = ask(page, "/api/v1/alarms/lines")
        crossings = [one for one in lines_told if one["rule_kind"] == "crossing"]
        told = sum(one["total"] if one["flood"] else 1 for one in crossings)
        flood = next(one for one in crossings if one["flood"])
        members = ask(page, f"/api/v1/alarms/floods/{flood['flood']}")
    context.close()
    record_property("crossings_per_min", BOATS / took * 60)
    record_property("acknowledged_in_s", answered)
    assert faults == []
    assert len(seen) <= LINES + 1, seen  # the emergency comes besides
    # None is lost: each boat once in the journal, and on the desk by itself or in its group.
    assert raised_once(members, flood["total"])
    assert told == BOATS - 1  # one was taken and has left


def raised_once(members: list[dict[str, Any]], total: int) -> bool:
    boats = {one["object_key"] for one in members}
    return len(boats) == len(members) == total
