"""From one operator's key to the other's screen: acknowledgements between two browsers, quiet and in traffic."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable

from playwright.sync_api import Browser, Page
from pyais import encode_dict

from bench.chromium import chromium
from bench.live import sentences
from bench.program import StartError, free_port, program
from bench.report import Report, percentile

START_S, ANSWER_MS = 60.0, 15_000
WARM = 5  # the first ones of all, which find every process cold, do not count
BURST_S = 0.01
FIRST = 970_000_001  # distress transmitters: each has a line of its own, whatever else there is
# When the page first showed of each alarm that it is acknowledged, in the machine's milliseconds.
WATCH = """
window.takenAt = {};
const look = () => {
  for (const row of document.querySelectorAll("#desk > .acknowledged"))
    window.takenAt[row.dataset.alarmRow] ??= performance.timeOrigin + performance.now();
};
new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
"""
# One acknowledgement as a person gives it: on the row, A, then Enter; the moment of Enter is the beginning.
PRESS = """(number) => {
  const told = { bubbles: true, cancelable: true };
  const key = (name, place) => place.dispatchEvent(new KeyboardEvent("keydown", { key: name, ...told }));
  const row = document.getElementById(`alarm-${number}`);
  row.focus();
  key("a", row);
  const at = performance.timeOrigin + performance.now();
  key("Enter", document.getElementById("deed-comment"));
  return at;
}"""


def measure(count: int, rate: int, say: Callable[[str], None] = lambda line: None) -> Report:
    """Acknowledge `count` alarms one after the other, half of them with no other traffic, half at `rate` messages/s.

    Raises StartError when the processes do not come up.
    """
    data = f"{count} acknowledgements, {count // 2} quiet and the rest at {rate:,} messages/s from 10,000 vessels"
    report = Report("desk", data, ("dash", "fastapi", "uvicorn", "psycopg", "playwright"))
    port = free_port(socket.SOCK_DGRAM)
    own = {"HAIDANG_FEED_SOURCES": json.dumps({"ais": [f"udp://127.0.0.1:{port}"]})}
    with program(own) as running, chromium() as browser:
        report.versions["chromium"] = browser.version
        pages = [_open(browser, running.url) for _ in range(2)]
        numbers = _alarms(pages[0], port, WARM + count)
        for page in pages:
            page.wait_for_function("n => document.querySelectorAll('#desk .alarm').length === n", arg=WARM + count)
        pages[0].locator("#actor").fill("Trần Thị Lan")
        pages[0].wait_for_timeout(1000)
        _pass(pages, numbers[count:], say)
        quiet = _pass(pages, numbers[: count // 2], say)
        with _traffic(port, rate):
            pages[0].wait_for_timeout(5000)
            busy = _pass(pages, numbers[count // 2 : count], say)
    figures: dict[str, float] = {"acknowledged": len(quiet) + len(busy)}
    for name, words, found in (("quiet", "no other traffic", quiet), ("busy", f"{rate:,} messages/s", busy)):
        for screen, index in (("own", 0), ("other", 1)):
            for part in (0.5, 0.99):
                value = percentile([each[index] for each in found], part)
                title = "key to the own screen" if screen == "own" else "key to the other browser's screen"
                report.add(f"{title}, {words}", f"ms, p{part * 100:g}", value)
                figures[f"{name}_{screen}_p{part * 100:g}_ms"] = value
    report.figures = figures
    return report


def _open(browser: Browser, url: str) -> Page:
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(f"{url}/alarms")
    page.wait_for_selector("#desk-empty", state="attached", timeout=60_000)
    return page


def _alarms(page: Page, port: int, count: int) -> list[int]:
    """Distress calls of as many transmitters, until each is an alarm; their numbers."""
    raw = []
    for n in range(count):
        fields: dict[str, str | int | float | bytes | bool] = {"msg_type": 1, "mmsi": FIRST + n, "status": 14}
        (call,) = encode_dict({**fields, "lon": 108.2 + n * 0.001, "lat": 16.5, "second": 60}, sentence_type="VDM")
        raw.append(call.encode() + b"\r\n")
    end = time.monotonic() + START_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while time.monotonic() < end:
            for line in raw:
                out.sendto(line, ("127.0.0.1", port))
            page.wait_for_timeout(2000)
            script = "() => fetch('/api/v1/alarms?limit=10000').then(answer => answer.json())"
            found = [one["id"] for one in page.evaluate(script) if one["rule_kind"] == "distress"]
            if len(found) >= count:
                return sorted(found)
    raise StartError("the distress calls did not become alarms; see ./haidang status")


def _pass(pages: list[Page], numbers: list[int], say: Callable[[str], None]) -> list[tuple[float, float]]:
    """Milliseconds from the key to the own screen and to the other one, for each alarm."""
    found = []
    for at, number in enumerate(numbers, 1):
        began = float(pages[0].evaluate(PRESS, number))
        for page in pages:
            page.wait_for_function("n => window.takenAt[n]", arg=str(number), timeout=ANSWER_MS, polling=20)
        own, other = (float(page.evaluate("n => window.takenAt[n]", str(number))) - began for page in pages)
        found.append((own, other))
        pages[0].wait_for_timeout(150)
        if at % 50 == 0:
            say(f"{at} of {len(numbers)} acknowledged")
    return found


class _traffic:
    """Positions at a steady rate for as long as the context lasts."""

    def __init__(self, port: int, rate: int) -> None:
        self._port, self._rate = port, rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        script = sentences(60 * self._rate)
        each, began, sent = max(1, round(self._rate * BURST_S)), time.monotonic(), 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not self._over.wait(max(0.0, began + sent / self._rate - time.monotonic())):
                for n in range(sent, sent + each):
                    out.sendto(script[n % len(script)].raw, ("127.0.0.1", self._port))
                sent += each
