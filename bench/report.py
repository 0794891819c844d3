"""What every benchmark prints: each contender's figures, their ratios, the versions, the data and the machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import typer


@dataclass(frozen=True)
class Row:
    """One contender's runs in one unit."""

    contender: str
    unit: str
    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle run, or NaN without runs."""
        return statistics.median(self.runs) if self.runs else float("nan")


@dataclass
class Report:
    """One benchmark's outcome; `ratios` and `figures` bear the keys that checks rely on."""

    bench: str
    data: str
    packages: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    ratios: dict[str, float] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, contender: str, unit: str, *runs: float) -> Row:
        """Add a contender's runs; returns its row."""
        row = Row(contender, unit, runs)
        self.rows.append(row)
        return row

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON object."""
        versions = {"python": platform.python_version(), **{name: metadata.version(name) for name in self.packages}}
        return {
            "bench": self.bench,
            "data": self.data,
            "versions": {**versions, **self.versions},
            "machine": machine(),
            "rows": [
                {
                    "contender": row.contender,
                    "unit": row.unit,
                    "median": _rounded(row.median),
                    "runs": [_rounded(run) for run in row.runs],
                }
                for row in self.rows
            ],
            "ratios": {name: _rounded(value) for name, value in self.ratios.items()},
            "figures": {name: _rounded(value) for name, value in self.figures.items()},
        }

    def print(self, as_json: bool) -> None:
        """The report on stdout: one JSON object, or a table for people."""
        report = self.as_dict()
        if as_json:
            typer.echo(json.dumps(report, ensure_ascii=False))
            return
        typer.echo(f"{report['bench']}: {report['data']}")
        typer.echo(f"  {report['machine']}; " + ", ".join(f"{name} {v}" for name, v in report["versions"].items()))
        width = max((len(row.contender) for row in self.rows), default=0)
        for row in self.rows:
            typer.echo(f"  {row.contender:<{width}}  {_rounded(row.median):>12,} {row.unit}")
        for kind in ("ratios", "figures"):
            for name, value in report[kind].items():
                typer.echo(f"  {kind[:-1]:<7} {name:<22} {value:>12,}")


def machine() -> str:
    """The machine in words: processor, cores that may be used, memory."""
    model = platform.processor() or platform.machine()
    cpu = Path("/proc/cpuinfo")
    if cpu.exists():
        names = [line.split(":", 1)[1].strip() for line in cpu.read_text("utf-8").splitlines() if "model name" in line]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; NaN without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
