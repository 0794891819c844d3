"""All benchmarks in turn, each in a process of its own, and their JSON kept."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

APP = Path(__file__).resolve().parent.parent / "app.py"


def run(commands: Iterable[tuple[str, list[str]]], out: Path, say: Callable[[str], None]) -> list[str]:
    """Run `bench NAME OPTION...` for each (name, options), keep what it printed in out/NAME.json; tell which failed.

    What is kept has one key more than what was printed: `at`, when the run ended (ISO, UTC).
    """
    out.mkdir(parents=True, exist_ok=True)
    failed = []
    for name, options in commands:
        say(f"bench {name} ...")
        words = [sys.executable, str(APP), "bench", name, *options, "--json"]
        done = subprocess.run(words, cwd=APP.parent, stdout=subprocess.PIPE, check=False)
        try:
            report = json.loads(done.stdout) if done.returncode == 0 else None
        except ValueError:
            report = None
        if report is None:
            say(f"bench {name} failed with {done.returncode}")
            failed.append(name)
            continue
        told = {**report, "at": datetime.now(UTC).isoformat(timespec="seconds")}
        (out / f"{name}.json").write_text(json.dumps(told, ensure_ascii=False) + "\n", "utf-8")
    return failed
