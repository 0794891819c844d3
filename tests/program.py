"""The whole program as a person starts it, for the tests that need it running."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What a person may have set would change what is tested.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("HAIDANG_", "DATABASE_", "REDIS_"))}


def haidang(home: Path, *words: str, **settings: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), *words],
        cwd=home,
        env={**CLEAN, "HAIDANG_HOME": str(home / "home"), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def answer(home: Path, *words: str, **settings: str) -> tuple[int, list[str]]:
    with haidang(home, *words, **settings) as program:
        out, _ = program.communicate(timeout=120)
    return program.returncode, out.splitlines()


@contextmanager
def opened(home: Path, *words: str, **settings: str) -> "Iterator[tuple[subprocess.Popen[str], list[str]]]":
    """The program, from when it says where it is to be opened; and what it said until then."""
    with haidang(home, *words, **settings) as program:
        said: list[str] = []
        try:
            assert program.stdout is not None
            for line in program.stdout:
                said.append(line.rstrip())
                if line.startswith("Open http"):
                    break
            assert said, program.wait()
            assert said[-1].startswith("Open http"), "\n".join(said)
            yield program, said
        finally:
            program.send_signal(signal.SIGINT)
            program.communicate(timeout=120)
