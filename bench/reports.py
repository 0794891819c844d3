"""A year of field reports: how soon public board and desk answer, and the map shows a pan or a filter."""

from __future__ import annotations

import time
from typing import Any
from urllib.request import urlopen

import sqlalchemy as sa

from bench.chromium import chromium
from bench.program import Program, program
from bench.report import Report, percentile
from geo.database import engine

# Reports of a year, the newest of them (:placed) with a place; most are published, a quarter is running.
FILL = (
    """INSERT INTO report (id, geom, observed_at, received_at, source, simulated, status, stage, opened_at, due_at,
        warn_at, closed_at, title, category, track, channel, words, address, unit, late, version, published_at,
        replied_at, rating, described_at)
    SELECT 'PA26-' || (10000000 + n),
        CASE WHEN n <= :placed THEN ST_SetSRID(
            ST_MakePoint(107.45 + n % 10000 * 7919 % 10000 / 45000.0, 16.38 + n % 10000 * 104729 % 10000 / 90000.0),
            4326) END,
        at, at, 'report.web', true, status, stage, at, at + interval '7 days', at + interval '6 days',
        CASE WHEN stage = 8 THEN at + interval '4 days' END, title,
        (ARRAY['waste', 'lamp', 'road', 'water', 'tree', 'order'])[1 + n % 6], 'timed', 'web',
        title || ', đã nhiều ngày chưa ai xử lý, đi lại rất khó khăn', n % 300 || ' Nguyễn Huệ', 'urban_order',
        CASE WHEN stage < 6 THEN n % 3 ELSE n / 17 % 10 / 9 * 2 END, 5,
        CASE WHEN stage IN (7, 8) THEN at + interval '3 days' END,
        CASE WHEN stage >= 6 AND stage < 9 THEN at + interval '2 days' END,
        CASE WHEN stage IN (7, 8) AND n % 2 = 0 THEN 1 + n / 2 % 5 END, at
    FROM (SELECT n, now() - n * interval '365 days' / :reports AS at,
            (ARRAY['Đèn đường tắt', 'Rác thải chất đống', 'Ổ gà giữa đường', 'Vỡ ống nước',
                'Cây đổ ngang đường'])[1 + n % 5] || ' ở tổ ' || n % 97 AS title,
            (ARRAY[0, 3, 4, 5, 6, 7, 7, 7, 7, 8, 8, 8, 8, 8, 9, 10])[1 + n % 16] AS stage
        FROM generate_series(1, :reports) n) made
    CROSS JOIN LATERAL (SELECT (ARRAY['new', 'reopened', 'returned', 'verified', 'assigned', 'in_progress', 'replied',
        'published', 'closed', 'rejected', 'merged'])[1 + stage] AS status) named""",
    """INSERT INTO report_reply (report_id, unit, words, at, actor, actor_kind)
    SELECT id, unit, 'Đã xử lý xong, cảm ơn ông bà đã phản ánh.', replied_at, 'bench', 'system' FROM report
    WHERE replied_at IS NOT NULL""",
    """INSERT INTO report_photo (name, report_id, part, type, width, height, data, at, actor)
    SELECT md5(id || part) || '.jpg', id, part, 'image/jpeg', 640, 480, decode(repeat('00', 2000), 'hex'), opened_at,
        'bench'
    FROM report CROSS JOIN (VALUES ('report'), ('result')) parts (part)
    WHERE published_at IS NOT NULL AND rating IS NOT NULL""",
    "ANALYZE report, report_reply, report_photo",
)
BOARD = (
    "/public/reports",
    "/public/reports?before={half}",
    "/public/reports?q=den%20duong",
    "/public/reports?q=to%2042%20nguyen%20hue",
    "/public/reports?category=tree&commune={commune}",
    "/public/reports?state=closed&category=lamp&q=rac",
    "/public/reports/{one}",
)
DESK = (
    "/api/v1/reports?limit=100",
    "/api/v1/reports?status=new&limit=100",
    "/api/v1/reports?category=lamp&commune={commune}&limit=100",
    "/api/v1/reports?late=2&limit=100",
    "/api/v1/reports/standing",
    "/open311/v2/requests.json?status=open",
)


# From the act, in the page's own time, to the first drawing after it that is on the screen.
DRAWN = """([act, value]) => new Promise((done) => {
    const began = performance.timeOrigin + performance.now();
    haidang.live.trace(({ drawn }) => { if (drawn > began) done(drawn - began); });
    if (act === "pan") haidang.map.panBy([value, 0], { animate: false });
    else document.querySelector(`[data-toggle="${value}"]`).click();
})"""
ACTS = (("pan", (120, -120)), ("filter", ("report triage", "report triage")))
ZOOMS = (11, 14)  # clusters, and each report for itself
OPEN_S, STILL_S = 60, 0.7


def measure(reports: int, placed: int, runs: int) -> Report:
    """Ask each question, pan and filter `runs` times. Raises StartError and NoBrowserError."""
    data = f"{reports:,} reports of a year, {placed:,} of them on the map, {runs} times each"
    report = Report("reports", data, ("fastapi", "psycopg", "dash"))
    with program({}) as running:
        names = _fill(running.urls.owner, reports, placed)
        board = _answers(report, running, BOARD, names, runs)
        desk = _answers(report, running, DESK, names, runs)
        report.figures = {"board_worst_median_ms": board, "desk_worst_median_ms": desk}
        _map(report, running, placed, runs)
    return report


def _map(report: Report, running: Program, placed: int, runs: int) -> None:
    """A whole screen with every report of the map; the figures are medians."""
    with chromium() as browser:
        report.versions["chromium"] = browser.version
        for zoom in ZOOMS:
            tab = browser.new_page(viewport={"width": 1920, "height": 1080})
            tab.goto(f"{running.url}/?lat=16.44&lon=107.56&z={zoom}")
            counted = "[data-count='report *']"
            tab.wait_for_function(
                f"() => Number(document.querySelector(`{counted}`)?.textContent.replace(/\\D/g, '')) === {placed}",
                timeout=OPEN_S * 1000,
            )
            time.sleep(5)
            for act, values in ACTS:
                took = []
                for n in range(runs + 1):
                    took.append(float(tab.evaluate(DRAWN, [act, values[n % 2]])))
                    time.sleep(STILL_S)
                report.add(f"{act} to drawn, zoom {zoom}", "ms", *took[1:])
                report.figures[f"{act}_{zoom}_ms"] = percentile(took[1:], 0.5)
            tab.close()


def _answers(report: Report, running: Program, questions: tuple[str, ...], names: dict[str, str], runs: int) -> float:
    worst = 0.0
    for question in questions:
        took = []
        for _ in range(runs + 1):
            began = time.perf_counter()
            with urlopen(running.url + question.format(**names), timeout=60) as answer:
                answer.read()
            took.append(1000 * (time.perf_counter() - began))
        report.add(question, "ms", *took[1:])  # the first warms up
        worst = max(worst, percentile(took[1:], 0.5))
    return worst


def _fill(url: str, reports: int, placed: int) -> dict[str, str]:
    """Put them in; what the questions name."""
    owner = engine(url)
    with owner.begin() as connection:
        for statement in FILL:
            given: dict[str, Any] = {"reports": reports, "placed": placed}
            connection.execute(sa.text(statement), {name: given[name] for name in given if f":{name}" in statement})
        half = connection.execute(
            sa.text(
                "SELECT id, published_at FROM report WHERE published_at IS NOT NULL ORDER BY published_at OFFSET :n"
            ),
            {"n": reports // 4},
        ).first()
        commune = connection.scalar(sa.text("SELECT mode() WITHIN GROUP (ORDER BY commune) FROM report"))
    owner.dispose()
    assert half is not None
    at = half.published_at.isoformat().replace("+", "%2B")
    return {"half": f"{at}~{half.id}", "one": half.id, "commune": str(commune)}
