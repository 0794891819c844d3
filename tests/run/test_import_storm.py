"""The command `import storm` on a real database: a dry run, faults by row and column, a bulletin kept."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.connections import asked
from tests.program import CLEAN, ROOT

HEAD = "Thời gian;Vị trí;Cấp gió;Bán kính cấp 6 (km);Bán kính cấp 10 (km);Nguồn"
FIRST = "13:00 25/11/2026;16,5N 112,3E;cấp 12, giật cấp 15;250;100;Đài KTTV Trung Trung Bộ"
NEXT = "13:00 26/11/2026;16°48'N 109°30'E;cấp 11;200;;"


def run(database: Any, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "import", "storm", *words],
        env={**CLEAN, **database.environment(), "REDIS_URL": "redis://127.0.0.1:1"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def written(folder: Path, *rows: str) -> str:
    path = folder / "bão.csv"
    path.write_text("\n".join(["BẢN TIN BÃO", HEAD, *rows]), encoding="utf-8")
    return str(path)


def test_a_dry_run_shows_the_track_and_apply_keeps_it(database: Any, tmp_path: Path) -> None:
    file = written(tmp_path, FIRST, NEXT)
    about = ("--number", "12", "--zone", "Asia/Ho_Chi_Minh")
    code, out, _ = run(database, file, *about)
    assert code == 0
    assert "storm 12 of 2026: a new storm, Đài KTTV Trung Trung Bộ, issued 25/11/2026 13:00" in out
    assert "16°48'00\"N 109°30'00\"E  wind 11, gust -, 6: 200 km, forecast" in out
    assert "add --apply" in out
    assert asked(database.owner, "SELECT * FROM storm") == []
    code, out, _ = run(database, file, *about, "--apply", "--actor", "Lan", "--simulated")
    assert (code, "Applied by Lan: storm 1, bulletin 1." in out) == (0, True)
    (bulletin,) = asked(database.owner, "SELECT b.*, simulated FROM storm_bulletin b JOIN storm ON id = storm_id")
    assert (bulletin["actor"], bulletin["comment"], bulletin["simulated"]) == ("Lan", "nhập từ tệp bão.csv", True)
    code, out, _ = run(database, file, *about, "--apply", "--simulated")
    assert (code, "nothing to do" in out) == (0, True)


def test_faults_are_told_by_row_and_column_with_exit_code_1(database: Any, tmp_path: Path) -> None:
    file = written(tmp_path, FIRST.replace("250", "rộng"), NEXT)
    code, out, error = run(database, file, "--number", "12", "--zone", "+07:00", "--apply")
    assert code == 1
    assert "     3  Bán kính cấp 6 (km):" in out
    assert "Nothing can be applied" in error
    assert asked(database.owner, "SELECT * FROM storm") == []
    code, out, _ = run(database, written(tmp_path, FIRST, NEXT))
    assert (code, out.count("has no zone")) == (1, 2)
    code, _, error = run(database, written(tmp_path, FIRST, NEXT), "--zone", "Mars")
    assert (code, "is no zone" in error) == (1, True)
