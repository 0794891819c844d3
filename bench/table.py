"""The README's table of measurements: what the benchmarks printed as JSON, beside what each is to reach."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.target import TARGETS

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


class TableError(Exception):
    """A file is no benchmark's output, or the page has no place for a table; the message names it."""


def read(files: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """The last report of each benchmark in these files, one JSON object a line, with the day of its run as `day`.

    The day is the object's `at` (as `bench all` keeps it), else the file's own. Raises TableError.
    """
    reports: dict[str, dict[str, Any]] = {}
    for file in files:
        try:
            saved = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat()
            for line in filter(None, file.read_text("utf-8").splitlines()):
                report = json.loads(line)
                reports[report["bench"]] = {**report, "day": report.get("at", saved)[:10]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TableError(f"{file} is not what `bench NAME --json` prints: {error!r}") from error
    return reports


def markdown(reports: dict[str, dict[str, Any]]) -> str:
    """A table of every figure that has a target or a fixed key, then where, when and on what it was measured."""
    lines = ["| bench | compared | measured | floor | stretch | reached |", "|---|---|--:|--:|--:|---|"]
    for target in TARGETS:
        report = reports.get(target.bench, {})
        value = {**report.get("ratios", {}), **report.get("figures", {})}.get(target.key)
        if value is not None:
            told = [_number(bound, target.unit) for bound in (value, target.floor, target.stretch)]
            lines.append(" | ".join(("", target.bench, target.compared, *told, target.reached(value), "")).strip())
    ordered = [reports[name] for name in dict.fromkeys(target.bench for target in TARGETS) if name in reports]
    days = sorted({report["day"] for report in ordered})
    machines = dict.fromkeys(report["machine"] for report in ordered)
    versions = {f"{name} {version}" for report in ordered for name, version in report["versions"].items()}
    lines += ["", f"Measured {' and '.join(days)} (UTC) on {'; '.join(machines)}."]
    lines += [f"Versions: {', '.join(sorted(versions))}. Data:", ""]
    return "\n".join([*lines, *(f"- {report['bench']}: {report['data']}" for report in ordered)])


def write(page: Path, table: str) -> None:
    """Put the table between the page's two marks, in place of what stands there. Raises TableError without marks."""
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise TableError(f"{page.name} has no {BEGIN} ... {END} to put the table in")
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", "utf-8")


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    number = f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"
    return f"{number}x" if unit == "x" else f"{100 * value:.6g} %" if unit == "share" else f"{number} {unit}"
