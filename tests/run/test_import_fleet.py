"""The command `import fleet` on a real database: a dry run, each conflict by row and column, the good rows kept."""

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from geo import fleet
from geo.actor import Actor
from geo.contact import Contact, contacts
from geo.device import Device
from geo.fleet import Boat
from layers import discover, seed
from tests import workbook
from tests.connections import connected
from tests.program import CLEAN, ROOT

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
HEAD = ["Số đăng ký", "Chiều dài", "MMSI", "Hạn giấy phép", "Chủ tàu", "Điện thoại", "Mã thiết bị", "Nhà cung cấp"]
KNOWN = (
    Boat("TTH-91234-TS", 16.4, "Huế", mmsi=574_091_234, licence_until=date(2027, 5, 1)),
    Boat("TTH-90002-TS", 18.0, "Huế", mmsi=574_090_002),
    Boat("TTH-90003-TS", 19.0, "Huế"),
)
DEVICES = (("TTH-91234-TS", "VNT1"), ("TTH-90003-TS", "VNT3"), ("TTH-90003-TS", "VNT4"))


@pytest.fixture
def register(database: Any) -> Any:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    with connected(database.web) as web, web.begin() as connection:
        for boat in KNOWN:
            for registration, id in DEVICES:
                if registration == boat.registration:
                    boat = fleet.fit(boat, Device(id, registration, "vnpt"), NOW)
            fleet.put_boat(connection, boat, Actor("trước"), NOW)
    return database


def run(register: Any, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "import", "fleet", *words],
        env={**CLEAN, **register.environment(), "REDIS_URL": "redis://127.0.0.1:1"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def listed(tmp_path: Path, *rows: list[Any], head: list[str] = HEAD) -> str:
    return str(workbook.write(tmp_path / "tàu.xlsx", {"Tàu": dict(enumerate([head, *rows], start=1))}))


def boat(register: Any, name: str) -> Boat | None:
    with connected(register.web) as web, web.connect() as connection:
        return fleet.boat_of(connection, name)


def told(out: str, row: int) -> str:
    """What is said of a row: its line and the lines of its conflicts."""
    lines = out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(f"{row:>6}  "))
    end = next((n for n in range(at + 1, len(lines)) if not lines[n].startswith(" " * 8)), len(lines))
    return "\n".join(lines[at:end])


def test_a_dry_run_shows_what_would_become_of_every_row_and_does_nothing(register: Any, tmp_path: Path) -> None:
    file = listed(
        tmp_path,
        ["QNg 95518", "21,2", 574_195_518, date(2027, 6, 30), "Võ Tám", "0905 123 456", "VSP9", "Vishipel"],
        ["tth.91234", 16.4, 574_091_234, date(2028, 5, 1), None, None, "VNT1", "vnpt"],
        ["TTH90002", 18],
    )
    code, out, _ = run(register, file)
    assert code == 0
    assert told(out, 2).split() == ["2", "new", "QNg-95518-TS"]
    assert told(out, 3).split(maxsplit=3) == ["3", "changed", "TTH-91234-TS", "[licence_until]"]
    assert told(out, 4).split() == ["4", "unchanged", "TTH-90002-TS"]
    assert "1 new, 1 changed, 1 unchanged, 0 conflict" in out
    assert "--apply" in out
    assert "0905" not in out
    assert boat(register, "QNg-95518") is None


def test_fact_05_and_15_conflicts_are_told_by_row_and_column_and_the_rest_is_kept(
    register: Any, tmp_path: Path
) -> None:
    rows = [
        ["TTH-90010-TS", 15.5, None, None, "Trần Bảy", "912345678", "VNT10", "VNPT"],  # 2: good
        ["TTH-90011", 15.5],  # 3, and in another spelling in row 4
        ["tth 90011 ts", 16],
        ["TTH-90012-TS", 15.5, 574_090_002],  # 5: another boat's MMSI
        ["TTH-90013-TS", 15.5, 574_090_013],  # 6, and the same in row 7
        ["TTH-90014-TS", 15.5, 574_090_013],
        ["TTH-90015-TS", 15.5, None, None, None, None, "VNT1", "VNPT"],  # 8: on another boat
        ["TTH-90003-TS", 19, None, None, None, None, "VNT5", "VNPT"],  # 9: a third device
        ["TTH-90002-TS", 14.9],  # 10: another length
        ["TTH-91234-TS", 16.4, None, date(2026, 5, 1)],  # 11: an older licence
        ["XYZ-90016-TS", 15.5],  # 12: a prefix of no province
        ["TTH-90017-TS", 15.5, None, None, None, "0123"],  # 13: no phone number
        ["TTH-90018-TS"],  # 14: no length
        ["TTH-90019-TS", 15.5, None, None, None, None, "ABC", "Nobody"],  # 15: no such provider
        ["TTH", 15.5],  # 16
    ]
    file = listed(tmp_path, *rows)
    code, out, _ = run(register, file, "--apply", "--actor", "Trần Thị Hoa")
    assert code == 1
    for row, words in (
        (3, "row 4"), (4, "row 3"), (5, "TTH-90002-TS has the MMSI"), (6, "row 7"), (7, "row 6"),
        (8, "VNT1 is on TTH-91234-TS"), (9, "has two devices already"), (10, "the register has 18 m"),
        (11, "no newer"), (12, "no known province"), (13, "no phone number"), (14, "needs its greatest length"),
        (15, "there is no provider Nobody"), (16, "no registration"),
    ):  # fmt: skip
        assert "conflict" in told(out, row)
        assert words in told(out, row), out
    assert "VNT4" in told(out, 9)
    assert "VNT3" in told(out, 9)
    for row, column in ((5, "MMSI"), (8, "Mã thiết bị"), (10, "Chiều dài"), (11, "Hạn giấy phép"), (13, "Điện thoại")):
        assert f"        {column}: " in told(out, row)
    assert "Applied by Trần Thị Hoa: 1 boats. Left out: 14 rows." in out
    kept = boat(register, "TTH-90010")
    assert (kept.device.id, kept.device.provider, kept.version) == ("VNT10", "vnpt", 1)
    with connected(register.web) as web, web.connect() as connection:
        assert len(fleet.boats(connection)) == 4
        assert contacts(connection, ["TTH-90010-TS"])["TTH-90010-TS"] == [Contact("owner", "Trần Bảy", "0912345678")]
        (version,) = fleet.history(connection, "TTH-90010-TS")
    assert (version["actor"], version["comment"]) == ("Trần Thị Hoa", "nhập từ tệp tàu.xlsx")


def test_the_same_list_again_changes_nothing_and_what_it_does_not_say_stays(register: Any, tmp_path: Path) -> None:
    row = ["TTH-91234-TS", 16.4, 574_091_234, date(2028, 5, 1), "Trần Bảy", "0912345678", "VTL1", "Viettel"]
    file = listed(tmp_path, row)
    assert "Applied by" in run(register, file, "--apply")[1]
    after = boat(register, "TTH-91234")
    assert [(one.id, one.active) for one in after.devices] == [("VTL1", True), ("VNT1", False)]
    code, out, _ = run(register, file, "--apply")
    assert (code, "0 new, 0 changed, 1 unchanged" in out, "0 boats" in out) == (0, True, True)
    assert boat(register, "TTH-91234") == after
    short = listed(tmp_path, ["TTH-91234", 16.4, "Lê Chín"], head=["Số đăng ký", "Lmax", "Chủ tàu"])
    assert "[owner]" in run(register, short, "--apply")[1]
    assert boat(register, "TTH-91234").licence_until == date(2028, 5, 1)
    with connected(register.web) as web, web.connect() as connection:
        assert contacts(connection, ["TTH-91234-TS"])["TTH-91234-TS"] == [Contact("owner", "Lê Chín", "0912345678")]


def test_a_list_may_overrule_the_register_when_it_is_told_to(register: Any, tmp_path: Path) -> None:
    file = listed(tmp_path, ["TTH-91234-TS", 14.9, None, date(2026, 5, 1)])
    assert run(register, file, "--apply")[0] == 1
    assert boat(register, "TTH-91234").length_m == 16.4
    code, out, _ = run(register, file, "--overrule", "--apply")
    assert (code, "[length_m, licence_until]" in out) == (0, True)
    assert (boat(register, "TTH-91234").length_m, boat(register, "TTH-91234").version) == (14.9, 2)


def test_what_no_list_is_is_said_in_one_line(register: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Tên,Lmax\nx,1\n", "utf-8")
    code, _, err = run(register, str(tmp_path / "a.csv"))
    assert (code, len(err.strip().splitlines()), "no header" in err) == (1, 1, True)
    assert run(register, str(tmp_path / "none.csv"))[0] == 1


def test_nothing_that_a_cell_says_reaches_the_terminal_as_it_is(register: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Số đăng ký,Lmax,Cột\x1b[31m\nTTH\x1b[2J,1\u202e6\n", "utf-8")
    code, out, err = run(register, str(path))
    assert code == 1
    assert "\x1b" not in out + err
    assert "\u202e" not in out + err
