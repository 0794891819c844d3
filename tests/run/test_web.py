"""The web process's own settings of its connections."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASKED = "import resource; from run.web import allow_connections; allow_connections(); print(*resource.getrlimit(7))"


def test_the_web_process_may_open_more_files_than_the_usual_limit() -> None:
    limited = ["sh", "-c", 'ulimit -n 2000; ulimit -Sn 256; exec "$0" -c "$1"', sys.executable, ASKED]
    done = subprocess.run(limited, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["2000", "2000"]
