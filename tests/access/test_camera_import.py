import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from access.camera_import import carry_out
from geo.actor import Actor
from geo.camera_file import drafts, read_list
from layers.camera import CAMERA
from tests.connections import asked, connected, told

ROOT = Path(__file__).resolve().parents[2]
WHO = Actor("Nguyễn Văn An")
LIST = [
    {"id": "c1", "name": "Ngã sáu", "lon": 107.59, "lat": 16.46, "snapshot_url": "http://10.0.0.9/secret.jpg"},
    {"id": "c2", "name": "Đập Đá", "lon": 107.6, "lat": 16.47, "azimuth": 120},
    {"id": "c3", "name": "Chợ", "lon": 999, "lat": 16.47},
]


def imported(database: Any, rows: list[dict[str, Any]], apply: bool = True) -> Any:
    found, _ = drafts(list(enumerate(rows, 1)))
    with connected(database.owner) as engine:
        return carry_out(engine, CAMERA, found, WHO if apply else None, "nhập từ tệp a.json")


def test_a_dry_run_writes_nothing_and_the_good_rows_are_kept_with_their_versions(database) -> None:
    account, done = imported(database, LIST, apply=False)
    assert done is None
    assert account.counts == {"new": 2, "changed": 0, "unchanged": 0, "conflict": 1}
    assert asked(database.owner, "SELECT count(*) AS n FROM camera")[0]["n"] == 0
    _, done = imported(database, LIST)
    assert done == 2
    rows = asked(
        database.owner, "SELECT id, name, azimuth_deg, source, health, ST_X(geom) AS lon FROM camera ORDER BY id"
    )
    assert [(row["id"], row["azimuth_deg"], row["source"], row["health"]) for row in rows] == [
        ("c1", None, "camera.import", None),
        ("c2", 120, "camera.import", None),
    ]
    kept = asked(
        database.owner,
        "SELECT key, version, actor, value::text AS value FROM revision WHERE kind = 'camera' ORDER BY key",
    )
    assert [(one["key"], one["version"], one["actor"]) for one in kept] == [("c1", 1, WHO.name), ("c2", 1, WHO.name)]
    assert "secret" not in kept[0]["value"]


def test_what_changes_is_told_and_what_was_seen_of_a_camera_stays(database) -> None:
    imported(database, LIST)
    told(database.owner, "UPDATE camera SET health = 2, fault = 'same_picture' WHERE id = 'c2'")
    again = [LIST[0], {**LIST[1], "azimuth": 130, "fov": 60}]
    account, done = imported(database, again)
    assert [(line.what, line.fields) for line in account.lines] == [
        ("unchanged", ()),
        ("changed", ("azimuth_deg", "field_of_view_deg")),
    ]
    assert done == 1
    assert asked(database.owner, "SELECT azimuth_deg, health, fault, source FROM camera WHERE id = 'c2'") == [
        {"azimuth_deg": 130, "health": 2, "fault": "same_picture", "source": "camera.import"}
    ]
    account, _ = imported(database, [LIST[1]], apply=False)
    assert account.missing == ("c1",)


@pytest.mark.timeout(120)
def test_the_two_real_lists_go_in_whole(database, shared_data: Path) -> None:
    for name, least in (("otcm_USA.json", 6950), ("uip_hcmc_cameras_cleaned.json", 701)):
        found, _ = drafts(read_list(shared_data / "cameras" / name))
        with connected(database.owner) as engine:
            account, none = carry_out(engine, CAMERA, found, None, "thử")
            assert none is None
            assert account.counts["new"] >= least
            _, done = carry_out(engine, CAMERA, found, WHO, "thử")
            assert done == account.counts["new"]
            account, _ = carry_out(engine, CAMERA, found, None, "thử")
            assert account.counts["unchanged"] == done


def test_the_command_says_each_error_by_row_and_needs_apply(
    database, redis_server: str, tmp_path: Path, monkeypatch
) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps(LIST), "utf-8")
    environment = {
        **os.environ,
        **database.environment(),
        "REDIS_URL": redis_server,
        "HAIDANG_HOME": str(tmp_path / "h"),
    }

    def run(*more: str) -> tuple[int, str]:
        words = [sys.executable, "app.py", "import", "cameras", str(path), "--owner", "Sở Xây dựng", *more]
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    code, said = run()
    assert code == 1
    assert "2 new, 0 changed, 0 unchanged, 1 conflict" in said
    assert "lon: 999 is not in -180 to 180" in said
    assert "add --apply" in said
    assert asked(database.owner, "SELECT count(*) AS n FROM camera") == [{"n": 0}]
    _, said = run("--apply")
    assert "2 cameras. Left out: 1 rows." in said
    assert {row["owner"] for row in asked(database.owner, "SELECT owner FROM camera")} == {"Sở Xây dựng"}
