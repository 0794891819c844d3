"""A city's cameras and their events: how soon the server answers, and what a health update costs the map."""

from __future__ import annotations

import time
from typing import Any
from urllib.request import urlopen

import numpy as np
import pandas as pd
import sqlalchemy as sa

from bench.chromium import MainThread, chromium
from bench.program import program
from bench.report import Report, percentile
from bench.stage import CENTRE, stage
from geo.database import engine
from layers.camera import LAYER

# Cameras over the city, one in four of each health; events of four days by people's and machines' clocks.
FILL = (
    """INSERT INTO camera (id, geom, observed_at, received_at, source, name, kind, health, azimuth_deg,
        field_of_view_deg, snapshot_url, simulated)
    SELECT 'C-' || n, ST_SetSRID(ST_MakePoint(107.4 + n % 40 * 0.01, 16.3 + n / 40 * 0.01), 4326), now(), now(),
        'bench', 'Camera ' || n, (ARRAY['traffic', 'river'])[1 + n % 2], n % 4, n % 360, 60,
        'http://10.0.0.1/' || n, true
    FROM generate_series(1, :cameras) n""",
    """INSERT INTO camera_event (sender, record_id, camera, type, occurred_at, received_at, confidence, state, state_at,
        simulated)
    SELECT 'bench', n::text, 'C-' || 1 + n * 7919 % :cameras,
        (ARRAY['red_light', 'no_helmet', 'stop_park', 'wrong_lane'])[1 + n % 4], now() - n * interval '1 day' / :a_day,
        now() - n * interval '1 day' / :a_day, 0.9, (ARRAY['detected', 'confirmed', 'false', 'forwarded'])[1 + n % 4],
        now(), true
    FROM generate_series(1, 4 * :a_day) n""",
    "ANALYZE camera, camera_event",
)
QUESTIONS = (
    "/api/v1/layers/camera/features",
    "/api/v1/cameras/grid?size=16&page=3",
    "/api/v1/cameras/looking?lon=107.59&lat=16.46",
    "/api/v1/camera-events?limit=100",
    "/api/v1/camera-events?state=detected&type=red_light&limit=100",
    "/api/v1/camera-events?camera=C-600&limit=100",
    "/api/v1/camera-events/counts?since={day}",
)
A_SECOND = 20  # cameras looked at once a minute, as many of 1,200 as come to a second


def measure(cameras: int, a_day: int, runs: int, seconds: float) -> Report:
    """Ask each question `runs` times, then look at the map for `seconds`. Raises StartError and NoBrowserError."""
    data = f"{cameras:,} cameras, {a_day:,} events a day for four days, {runs} times each"
    report = Report("cameras", data, ("fastapi", "psycopg", "dash"))
    report.figures = {"answer_worst_median_ms": _answers(report, cameras, a_day, runs)}
    idle, busy = _map(report, cameras, seconds)
    report.add(f"main thread, {A_SECOND} of {cameras:,} wedges in view change", "ms", *busy)
    report.figures |= {"main_ms": percentile(busy, 0.5), "main_p95_ms": percentile(busy, 0.95), "idle_ms_per_s": idle}
    return report


def _answers(report: Report, cameras: int, a_day: int, runs: int) -> float:
    """Ask over HTTP, one question after the other; the median of the slowest one, in ms."""
    worst = 0.0
    with program({}) as running:
        _fill(running.urls.owner, cameras, a_day)
        day = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 86_400))
        for question in QUESTIONS:
            took = _asked(running.url + question.format(day=day), runs)
            report.add(question, "ms", *took)
            worst = max(worst, percentile(took, 0.5))
    return worst


def _map(report: Report, cameras: int, seconds: float) -> tuple[float, list[float]]:
    """Main-thread ms: a second of the page at rest, and beyond that of each second with an update."""
    made, random = _made(cameras), np.random.default_rng(5)
    with chromium() as browser, stage((LAYER,), zoom=15) as shown:
        report.versions["chromium"] = browser.version
        shown.put(made, "camera")
        tab = browser.new_page(viewport={"width": 1920, "height": 1080})
        tab.goto(shown.url)
        tab.wait_for_function("() => window.haidang?.map && haidang.live")
        tab.wait_for_timeout(6_000)
        thread = MainThread(tab)
        tab.wait_for_timeout(seconds * 1000)
        idle, busy = thread.lap() / seconds, []
        for _ in range(int(seconds)):
            some = made.iloc[np.sort(random.choice(len(made), A_SECOND, replace=False))].copy()
            some["health"] = random.integers(0, 4, A_SECOND).astype(float)
            some["observed_at"] = pd.Timestamp.now("UTC").as_unit("us")
            thread.lap()
            shown.put(some, "camera")
            tab.wait_for_timeout(1_000)
            busy.append(max(0.0, thread.lap() - idle))
        tab.close()
    return idle, busy


def _fill(url: str, cameras: int, a_day: int) -> None:
    owner = engine(url)
    with owner.begin() as connection:
        for statement in FILL:
            given: dict[str, Any] = {"cameras": cameras, "a_day": a_day}
            connection.execute(sa.text(statement), {name: given[name] for name in given if f":{name}" in statement})
    owner.dispose()


def _asked(url: str, runs: int) -> list[float]:
    took = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        with urlopen(url, timeout=30) as answer:
            answer.read()
        took.append(1000 * (time.perf_counter() - began))
    return took[1:]  # the first warms up


def _made(cameras: int) -> pd.DataFrame:
    """Cameras within one view at zoom 15, as a worker publishes them."""
    random = np.random.default_rng(3)
    lat, lon = CENTRE
    now = pd.Timestamp.now("UTC").as_unit("us")
    return pd.DataFrame(
        {
            "key": [f"C-{n}" for n in range(cameras)],
            "id": [f"C-{n}" for n in range(cameras)],
            "name": [f"Camera {n}" for n in range(cameras)],
            "lon": lon + random.uniform(-0.035, 0.035, cameras),
            "lat": lat + random.uniform(-0.018, 0.018, cameras),
            "observed_at": now,
            "azimuth_deg": random.uniform(0, 360, cameras),
            "field_of_view_deg": 60.0,
            "health": random.integers(0, 4, cameras).astype(float),
            "simulated": True,
        }
    )
