"""The lost-signal board with thousands of open cases: how soon a filter is on the screen, and what a reading costs."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import sqlalchemy as sa
from playwright.sync_api import Page

from bench.chromium import MainThread, chromium
from bench.program import program
from bench.report import Report, percentile
from geo import case_board
from geo.database import engine

# Boats with a case each, of three provinces, forty communes and four providers, silent for up to twelve days.
FILL = (
    """INSERT INTO boat (registration, length_m, home_province, commune, updated_at, updated_by, simulated)
    SELECT 'TTH-' || (90000 + n) || '-TS', 15 + n % 15, (ARRAY['Huế', 'Đà Nẵng', 'Quảng Trị'])[1 + n % 3],
        'Xã ' || n % 40, now(), 'bench', true FROM generate_series(1, :count) AS n ON CONFLICT DO NOTHING""",
    """INSERT INTO boat_case (kind, registration, provider, owner_level, since, opened_at, stage, stage_at, facts,
        simulated)
    SELECT 'loss', registration, (ARRAY['vnpt', 'viettel', 'vishipel', 'binhanh'])[1 + n % 4],
        CASE WHEN length_m >= 24 THEN 'national' ELSE 'provincial' END, now() - n % 288 * interval '1 h', now(),
        (ARRAY['LOST', 'MANUAL_REPORTING', 'OVERDUE_REPORT', 'OVERDUE_10D'])[1 + n / 3 % 4], now(),
        '{"fix": [108.3, 16.9]}', true
    FROM (SELECT *, row_number() OVER ()::int AS n FROM boat) AS own""",
    """INSERT INTO boat_case_entry (case_id, kind, at, entered_at, actor, actor_kind)
    SELECT id, 'contact', now(), now(), 'Lan', 'declared' FROM boat_case""",
)
CHOICES = (
    ("cases-level", "national"), ("cases-province", "Huế"), ("cases-commune", "Xã 3"), ("cases-commune", ""),
    ("cases-level", ""), ("cases-provider", "vnpt"), ("cases-bucket", "10d"), ("cases-province", ""),
    ("cases-bucket", ""), ("cases-stage", "LOST"), ("cases-provider", ""), ("cases-stage", ""),
    ("cases-search", "93"), ("cases-search", "tth 93210 ts"), ("cases-search", ""),
)  # fmt: skip
# From the choice to the frame in which it can be seen.
CHOOSE = """([id, value]) => new Promise((done) => {
  const control = document.getElementById(id), at = performance.now();
  control.value = value;
  control.dispatchEvent(new Event(control.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - at), 0));
})"""


def measure(count: int, runs: int) -> Report:
    """Choose each filter `runs` times on a board of `count` open cases. Raises StartError and NoBrowserError."""
    report = Report("board", f"{count:,} open cases, {runs} rounds of {len(CHOICES)} filters", ("dash", "psycopg"))
    with program({}) as running, chromium() as browser:
        report.versions["chromium"] = browser.version
        reads, again = _filled(running.urls.owner, count, runs)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        began = time.perf_counter()
        page.goto(f"{running.url}/fisheries")
        page.wait_for_selector("[data-card]")
        first = 1000 * (time.perf_counter() - began)
        page.wait_for_timeout(3000)
        seen, busy = _chosen(page, runs)
    report.add("all cases out of the database", "ms", *reads)
    report.add("whether anything has changed", "ms", *again)
    report.add("the page, opened, to its first card", "ms", first)
    report.add("a filter, to the frame that shows it", "ms", *seen)
    report.add("a filter, processor time of the page", "ms", *busy)
    report.figures = {"cases": count, "read_ms": percentile(reads, 0.5), "filter_p50_ms": percentile(seen, 0.5),
                      "filter_p95_ms": percentile(seen, 0.95), "filter_cpu_p95_ms": percentile(busy, 0.95)}  # fmt: skip
    return report


def _filled(url: str, count: int, runs: int) -> tuple[list[float], list[float]]:
    """Put the cases in; milliseconds of reading them all, and of asking whether anything of them has changed."""
    reads, again = [], []
    owner = engine(url)
    with owner.begin() as connection:
        for statement in FILL:
            connection.execute(sa.text(statement), {"count": count} if ":count" in statement else {})
    with owner.begin() as connection:
        connection.execute(sa.text("ANALYZE boat, boat_case, boat_case_entry"))
    with owner.connect() as connection:
        for _ in range(runs):
            moments = [time.perf_counter()]
            held = case_board.board(connection, datetime.now(UTC))
            moments.append(time.perf_counter())
            case_board.board(connection, datetime.now(UTC), held)
            moments.append(time.perf_counter())
            reads.append(1000 * (moments[1] - moments[0]))
            again.append(1000 * (moments[2] - moments[1]))
    owner.dispose()
    return reads, again


def _chosen(page: Page, runs: int) -> tuple[list[float], list[float]]:
    seen, busy = [], []
    thread = MainThread(page)
    for _ in range(runs):
        for choice in CHOICES:
            thread.lap()
            seen.append(float(page.evaluate(CHOOSE, list(choice))))
            busy.append(thread.lap())
            page.wait_for_timeout(100)
    return seen, busy
