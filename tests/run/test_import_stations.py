"""The command `import stations` on a real database: a dry run, what is wrong by row and column, the good rows kept."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from layers import discover, seed
from tests import workbook
from tests.connections import asked, connected
from tests.program import CLEAN, ROOT

HEAD = ["Mã trạm", "Tên trạm", "Loại", "Mức báo động", "Đơn vị quản lý", "Kinh độ", "Vĩ độ", "Ghi chú"]
KIM_LONG = ["KIM-LONG", "Kim Long", "Mực nước", "kim_long", "Đài KTTV", "107,5522", "16,4547", "mốc 1"]
AIR = ["AQ-1", "Lê Lợi", "Không khí", None, None, 107.5861, 16.4667, None]
STATE = """
SELECT id, name, kind, river, owner, observed_at, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM environment ORDER BY id
"""


@pytest.fixture
def city(database: Any) -> Any:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    return database


def run(city: Any, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "import", "stations", *words],
        env={**CLEAN, **city.environment(), "REDIS_URL": "redis://127.0.0.1:1"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def listed(tmp_path: Path, *rows: list[Any]) -> str:
    return str(workbook.write(tmp_path / "trạm.xlsx", {"Trạm": dict(enumerate([HEAD, *rows], start=1))}))


def test_a_dry_run_says_what_would_be_done_and_with_apply_it_is(city: Any, tmp_path: Path) -> None:
    file = listed(tmp_path, KIM_LONG, AIR)
    code, out, _ = run(city, file)
    assert code == 0
    assert "ignored columns: Ghi chú" in out
    assert "2 new, 0 changed, 0 unchanged, 0 conflict" in out
    assert "add --apply" in out
    assert asked(city.web, STATE) == []

    code, out, _ = run(city, file, "--apply", "--actor", "Lan")
    assert code == 0
    assert "Applied by Lan: 2 stations." in out
    air, river = asked(city.web, STATE)
    assert (river["id"], river["name"], river["kind"], river["river"]) == ("KIM-LONG", "Kim Long", "river", "kim_long")
    assert (river["lon"], river["lat"], river["owner"]) == (107.5522, 16.4547, "Đài KTTV")
    assert (air["kind"], air["observed_at"]) == ("air", None)  # it has said nothing yet
    (kept,) = asked(city.web, "SELECT * FROM revision WHERE kind = 'environment' AND key = 'AQ-1'")
    assert (kept["actor"], kept["version"], kept["value"]["name"]) == ("Lan", 1, "Lê Lợi")

    moved = [*AIR[:5], 107.59, *AIR[6:]]
    code, out, _ = run(city, listed(tmp_path, KIM_LONG, moved), "--apply")
    assert "0 new, 1 changed, 1 unchanged, 0 conflict" in out
    assert "[geom]" in out
    assert asked(city.web, STATE)[0]["lon"] == 107.59


def test_what_is_wrong_is_told_by_row_and_column_and_the_good_rows_are_kept(city: Any, tmp_path: Path) -> None:
    wrong = [
        ["", "không mã", "mưa", None, None, 107.5, 16.4, None],
        ["R1", "lạ", "radar", None, None, 107.5, 16.4, None],
        ["R2", "đảo", "mưa", None, None, 16.4, 107.5, None],
        ["R3", "chữ", "mưa", None, None, "đông", 16.4, None],
        ["R4", "nửa", "mưa", None, None, 107.5, None, None],
        ["R5", "không chỗ", "mưa", None, None, None, None, None],
        ["R6", "sông lạ", "mực nước", "mekong", None, 107.5, 16.4, None],
        AIR,
    ]
    code, out, _ = run(city, listed(tmp_path, AIR, *wrong), "--apply")
    assert code == 1
    assert "Applied by" in out
    assert "1 stations. Left out: 8 rows." in out
    for row, column, words in (
        (3, "Mã trạm", "the station's id is missing"),
        (4, "Loại", "a kind is air, water, rain or river"),
        (5, "Vĩ độ", "107.5 is no latitude"),
        (6, "Kinh độ", "no number"),
        (7, "Vĩ độ", "both longitude and latitude"),
        (8, "Kinh độ", "a new station needs its place"),
        (9, "Mức báo động", "no alarm levels of mekong"),
        (10, "Mã trạm", "stands in row 2 too"),
    ):
        lines = out.splitlines()
        at = next(n for n, line in enumerate(lines) if line.split()[:2] == [str(row), "conflict"])
        assert lines[at + 1].strip().startswith(f"{column}: "), (row, lines[at + 1])
        assert words in lines[at + 1]
    assert [one["id"] for one in asked(city.web, STATE)] == ["AQ-1"]


def test_points_of_geojson_and_columns_of_csv_are_places_too(city: Any, tmp_path: Path) -> None:
    place, line = (
        {"type": "Point", "coordinates": [107.58, 16.46]},
        {"type": "LineString", "coordinates": [[1, 2], [3, 4]]},
    )
    told = [("G1", place), ("G2", line), ("G3", None)]
    features = [
        {"type": "Feature", "id": id, "properties": {"name": id, "kind": "rain"}, "geometry": at} for id, at in told
    ]
    collection = {"type": "FeatureCollection", "features": features}
    (tmp_path / "s.geojson").write_text(json.dumps(collection))
    code, out, _ = run(city, str(tmp_path / "s.geojson"), "--apply")
    assert code == 1
    assert "1 new, 0 changed, 0 unchanged, 2 conflict" in out
    (tmp_path / "s.csv").write_text("code;name;lng;lat\nC1;Trạm C;107,6;16,5\n")
    assert run(city, str(tmp_path / "s.csv"), "--apply")[0] == 0
    assert [(one["id"], one["lon"]) for one in asked(city.web, STATE)] == [("C1", 107.6), ("G1", 107.58)]
    assert run(city, str(tmp_path / "nowhere.csv"))[0] == 1
