"""From a UDP datagram to a drawn pixel: sentences at a steady rate through the real processes into a real browser."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

import numpy as np
from playwright.sync_api import Page
from pyais import encode_dict
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bench.chromium import chromium
from bench.program import START_S, StartError, free_port, program
from bench.report import Report, percentile

VESSELS = 10_000  # so that ten seconds lie between two messages of one, and no value is overtaken by a newer one
BURST_S = 0.01
STEP = 1 / 600_000  # degrees: the resolution of AIS


@dataclass(frozen=True)
class Sentence:
    """One message to send: whose, where (AIS units of latitude, which make it unmistakable) and its bytes."""

    mmsi: int
    lat_units: int
    raw: bytes


def sentences(count: int) -> list[Sentence]:
    """Class A positions in turn of every vessel, each a little north of its last."""
    made = []
    for n in range(count):
        mmsi, lap = 574_000_000 + n % VESSELS, n // VESSELS
        units = round(16.3 / STEP) + (n % VESSELS) * 40 + lap * 3
        # Second 60 is "not available": the time of receipt counts.
        fields = {"msg_type": 1, "mmsi": mmsi, "lon": 107.9 + (n % 100) * 0.006, "lat": units * STEP, "speed": 7.1}
        (line,) = encode_dict({**fields, "course": n % 360, "second": 60}, sentence_type="VDM")
        made.append(Sentence(mmsi, units, line.encode() + b"\r\n"))
    return made


@dataclass
class Ear:
    """A second client of the live stream: which frame told of which message."""

    connection: ClientConnection
    keys: dict[int, int] = field(default_factory=dict)  # handle -> MMSI
    told: dict[tuple[int, int], tuple[int, float]] = field(default_factory=dict)  # (MMSI, latitude) -> seq, when

    def listen(self) -> None:
        """Until the connection is closed."""
        try:
            for message in self.connection:
                if isinstance(message, bytes):
                    self._frame(message)
                elif (told := json.loads(message))["type"] == "names" and told["layer"] == "vessel":
                    self.keys.update((handle, int(key)) for handle, key, _, _ in told["rows"])
        except ConnectionClosed:
            return

    def _frame(self, message: bytes) -> None:
        _, _, kind, _, _, seq, count, _ = struct.unpack_from("<IBBBBIId", message)
        if kind != 2:
            return
        now = time.time()
        words = np.frombuffer(message, "<i4", count * 4, 24).reshape(-1, 4)
        for head, lat in zip((words[:, 0] & 0xFFFFFF).tolist(), words[:, 2].tolist(), strict=True):
            if head in self.keys:
                self.told.setdefault((self.keys[head], round(lat / 1e7 / STEP)), (seq, now))


def measure(seconds: float, rate: int, flush_ms: int, tick_ms: int) -> Report:
    """Send `rate` messages a second for `seconds`, and see when each is drawn.

    Raises StartError when the processes do not come up.
    """
    data = f"{rate:,} messages/s for {seconds:g} s, one a datagram, {VESSELS:,} vessels"
    data += f"; flush {flush_ms} ms, tick {tick_ms} ms"
    report = Report("live", data, ("dash", "fastapi", "uvicorn", "redis", "psycopg", "playwright"))
    script = sentences(round(rate * seconds))
    port = free_port(socket.SOCK_DGRAM)
    own = {
        "HAIDANG_LIVE_TICK_MS": str(tick_ms),
        "HAIDANG_FLUSH_MS": str(flush_ms),
        "HAIDANG_FEED_SOURCES": json.dumps({"ais": [f"udp://127.0.0.1:{port}"]}),
    }
    with program(own) as running, chromium() as browser:
        web = running.url
        report.versions["chromium"] = browser.version
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(web)
        page.wait_for_function("() => window.haidang?.map && window.haidang.live", timeout=60_000)
        page.evaluate("window.traced = []; haidang.live.trace((one) => traced.push(one))")
        with connect(web.replace("http", "ws") + "/api/v1/live", max_size=None) as connection:
            ear = Ear(connection)
            listening = threading.Thread(target=ear.listen, daemon=True)
            listening.start()
            _warm(page, ear, port)
            sent = _send(page, script, port, rate)
            page.wait_for_timeout(3000)
            late = _latencies(page, script, sent, ear)
    heard = [ear.told.get((one.mmsi, one.lat_units)) for one in script]
    door = [1000 * (told[1] - moment) for told, moment in zip(heard, sent, strict=True) if told]
    report.add("UDP socket to the live stream's door", "ms, p50", percentile(door, 0.5))
    report.add("UDP socket to the live stream's door", "ms, p99", percentile(door, 0.99))
    report.add("UDP socket to drawn pixel", "ms, p50", percentile(late, 0.5))
    report.add("UDP socket to drawn pixel", "ms, p99", percentile(late, 0.99))
    report.figures = {
        "p50_ms": percentile(late, 0.5),
        "p99_ms": percentile(late, 0.99),
        "sent": len(sent),
        "drawn": len(late),
        "sent_per_s": (len(sent) - 1) / (sent[-1] - sent[0]),
        "flush_ms": flush_ms,
        "tick_ms": tick_ms,
    }
    return report


def _warm(page: Page, ear: Ear, port: int) -> None:
    """Send from a boat of its own until the whole path has told of it: every process works now."""
    end = time.monotonic() + START_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        n = 0
        while not ear.told:
            if time.monotonic() > end:
                raise StartError("no message came through the processes; see ./haidang status")
            n += 1
            fields: dict[str, str | int | float | bytes | bool] = {
                "msg_type": 1,
                "mmsi": 574_999_999,
                "lon": 107.9,
                "second": 60,
            }
            fields["lat"] = 16.2 + n * STEP * 5
            (line,) = encode_dict(fields, sentence_type="VDM")
            out.sendto(line.encode() + b"\r\n", ("127.0.0.1", port))
            page.wait_for_timeout(250)
    page.wait_for_timeout(2000)


def _send(page: Page, script: list[Sentence], port: int, rate: int) -> list[float]:
    """Send at a steady rate from a thread while the page lives on; returns each sending's time in epoch seconds."""
    sent: list[float] = []

    def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            start, each = time.monotonic(), max(1, round(rate * BURST_S))
            for at in range(0, len(script), each):
                time.sleep(max(0, start + at / rate - time.monotonic()))
                for sentence in script[at : at + each]:
                    sent.append(time.time())
                    out.sendto(sentence.raw, ("127.0.0.1", port))

    sending = threading.Thread(target=run)
    sending.start()
    while sending.is_alive():
        page.wait_for_timeout(200)
    return sent


def _latencies(page: Page, script: list[Sentence], sent: list[float], ear: Ear) -> list[float]:
    """Milliseconds from sending to the first drawn frame that holds the message."""
    drift = float(page.evaluate("Date.now() - performance.timeOrigin - performance.now()"))
    frames = sorted((one["seq"], one["drawn"] + drift) for one in page.evaluate("traced") if one.get("seq"))
    seqs = np.array([seq for seq, _ in frames])
    late = []
    for sentence, moment in zip(script, sent, strict=True):
        told = ear.told.get((sentence.mmsi, sentence.lat_units))
        if told is None:
            continue
        first = int(np.searchsorted(seqs, told[0]))
        if first < len(frames):
            late.append(frames[first][1] - moment * 1000)
    return late
