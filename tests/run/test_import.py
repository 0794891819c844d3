"""The command `import fences` against a real database: a dry run, all or nothing, and what is never overwritten."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import LineString, box, mapping

from access import fences as doing
from geo.actor import Actor
from geo.fence import REFERENCE_NOTE, Fence
from geo.fence_history import history
from geo.reference import reference_fences
from geo.rule import rules
from geo.watch import Held, Watch, held
from layers import discover, seed
from tests.connections import connected
from tests.program import CLEAN, ROOT

SQUARE = box(107.8, 16.7, 107.95, 16.8)
BOW = {"type": "Polygon", "coordinates": [[[107, 16], [108, 17], [108, 16], [107, 17], [107, 16]]]}


@pytest.fixture
def seeded(database: Any, redis_server: str) -> Any:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    return database, redis_server


def run(seeded: Any, *words: str) -> tuple[int, str, str]:
    """The command as a person calls it: its code, what it says, and what it complains of."""
    database, redis_url = seeded
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "import", "fences", *words],
        env={**CLEAN, **database.environment(), "REDIS_URL": redis_url}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def known(seeded: Any, every: bool = False) -> dict[str, Held]:
    with connected(seeded[0].web) as opened, opened.connect() as connection:
        return {one.fence.key: one for one in held(connection, every=every)}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    shape = mapping(geometry) if isinstance(geometry, shapely.Geometry) else geometry
    return {"type": "Feature", "properties": properties, "geometry": shape}


def file(tmp_path: Path, *features: dict[str, Any]) -> str:
    path = tmp_path / "vùng.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return str(path)


CAM = {"name": "Vùng cấm Thuận An", "buffer_m": 926, "season": [["04-01", "06-30"]], "màu": "đỏ"}
GATE = {
    "key": "cua",
    "name_vi": "Cửa Thuận An",
    "kind": "gate",
    "watch": {"kinds": ["crossing"], "direction": "to_left"},
}


def test_a_dry_run_changes_nothing_and_apply_does_all_of_it_with_rules_and_history(seeded: Any, tmp_path: Path) -> None:
    path = file(tmp_path, feature(SQUARE, **CAM), feature(LineString([(107.6, 16.5), (107.7, 16.6)]), **GATE))
    before = known(seeded)
    code, out, _ = run(seeded, path)
    assert (code, known(seeded)) == (0, before)
    assert "ignored columns: màu" in out
    assert "2 added, 0 changed, 0 unchanged, 0 refused" in out
    assert "add --apply" in out
    code, out, _ = run(seeded, path, "--apply", "--actor", "Lan")
    assert (code, "Applied by Lan: 2 fences." in out) == (0, True)
    with connected(seeded[0].web) as opened, opened.connect() as connection:
        kept = doing.current(connection, "vung_cam_thuan_an")
        (version,) = history(connection, "vung_cam_thuan_an")
        own = {rule.key: rule for rule in rules(connection)}
    assert kept is not None
    assert (kept.fence.name_vi, kept.fence.season, kept.fence.buffer_m) == (CAM["name"], CAM["season"], 926)
    assert kept.watch.kinds == {"inside", "approach"}
    assert (version.actor, version.comment) == ("Lan", "nhập từ tệp vùng.geojson")
    assert own["cua.crossing"].params["direction"] == "to_left"
    code, out, _ = run(seeded, path, "--apply")
    assert (code, "0 added, 0 changed, 2 unchanged" in out) == (0, True)
    moved = file(tmp_path, feature(box(107.8, 16.7, 107.9, 16.8), **{**CAM, "buffer_m": 500}))
    code, out, _ = run(seeded, moved)
    assert (code, "[buffer_m, geom, rule approach]" in out) == (0, True)


def test_one_refused_row_keeps_all_others_out_unless_it_is_skipped(seeded: Any, tmp_path: Path) -> None:
    path = file(
        tmp_path,
        feature(SQUARE, key="tot", name="Tốt"),
        feature(BOW, key="no", name="Nơ"),
        feature(None, key="khong", name="Không"),
        feature(
            {"type": "Polygon", "coordinates": [[[16, 107], [17, 107], [17, 108], [16, 107]]]}, key="dao", name="Đảo"
        ),
        feature({"type": "Point", "coordinates": [107, 16]}, key="diem", name="Điểm"),
        feature(SQUARE, key="Hoa!", name="Mã sai"),
        feature(SQUARE, key="x", name="Loại sai", kind="rừng"),
        feature(SQUARE, key="y", name="Đệm sai", buffer_m=-4),
        feature(SQUARE, key="tot", name="Hai lần"),
        feature(SQUARE, key="z", name="\u202eX\x1b[2J", watch={"kinds": ["crossing"]}),
        feature({"type": "GeometryCollection", "geometries": [mapping(SQUARE)]}, key="gom", name="Gom"),
    )
    code, out, _ = run(seeded, path, "--apply")
    assert (code, known(seeded).get("tot")) == (1, None)
    assert "1 added, 0 changed, 0 unchanged, 10 refused" in out
    assert "geom: The outline crosses itself; draw it again, or take it with --repair at 107.500000, 16.500000" in out
    for words in (
        "there is no geometry", "seem to be swapped", "polygon is needed, not Point", "a key is of a-z",
        "there is no kind 'rừng'", "buffer_m: 0 to", "row 1 has this key already", "not watched by crossing",
        "not GeometryCollection",
    ):  # fmt: skip
        assert words in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    code, out, _ = run(seeded, path, "--apply", "--skip-refused", "--repair")
    assert (code, "2 added" in out, "Applied by" in out) == (1, True, True)
    assert known(seeded)["no"].fence.geom.geom_type == "MultiPolygon"


def test_what_others_changed_since_the_export_is_not_overwritten(seeded: Any, tmp_path: Path) -> None:
    path = file(tmp_path, feature(SQUARE, key="cam", name="Cấm", note="cũ"))
    assert run(seeded, path, "--apply")[0] == 0
    newer = file(tmp_path, feature(SQUARE, key="cam", name="Cấm", note="mới"))
    assert run(seeded, newer, "--apply")[0] == 0
    old = feature(SQUARE, key="cam", name="Cấm", note="của tôi", version=1)
    code, out, _ = run(seeded, file(tmp_path, old), "--apply")
    assert (code, "made from version 1, but 2 counts now" in out) == (1, True)
    assert known(seeded)["cam"].fence.note == "mới"
    code, out, _ = run(seeded, file(tmp_path, feature(SQUARE, key="cam", name="Cấm", note="mới", version=1)))
    assert (code, "1 unchanged" in out) == (0, True)


def test_other_files_and_wrong_usage_are_told_in_one_line(seeded: Any, tmp_path: Path) -> None:
    (tmp_path / "a.gpkg").write_bytes(b"x" * 100)
    for words, code, said in (
        ((str(tmp_path / "a.gpkg"),), 1, "named as GeoPackage, but it holds none"),
        ((str(tmp_path / "khong.kml"),), 1, "there is no file"),
        (("https://example.org/a.geojson",), 1, "only files of this machine"),
        ((str(tmp_path / "a.txt"),), 1, "this kind of file is not read"),
        ((file(tmp_path, feature(SQUARE, name="A")), "--crs", "+proj=utm"), 2, "--crs"),
        ((file(tmp_path, feature(SQUARE, name="A")), "--kind", "rừng"), 2, "--kind"),
        ((file(tmp_path, feature(SQUARE, name="A")), "--actor", " "), 1, "say who acts"),
    ):
        done, out, err = run(seeded, *words)
        assert (done, said in err, out.count("\n")) == (code, True, 0), (words, out, err)
        assert code == 2 or err.count("\n") == 1


def moved(by: float) -> list[dict[str, Any]]:
    """The reference lines and the zone as an authority's file might have them, a little elsewhere."""
    found = [one for one in reference_fences() if one.kind in ("coast_line", "inshore_line", "zone_inshore")]
    shift = [shapely.transform(one.geom, lambda at: at + by) for one in found]
    return [feature(geom, kind=one.kind, name=one.name_vi) for one, geom in zip(found, shift, strict=True)]


def test_an_authoritys_lines_take_the_place_of_the_reference_ones_together(seeded: Any, tmp_path: Path) -> None:
    path = file(tmp_path, *moved(0.02))
    before = known(seeded)
    code, out, _ = run(seeded, path, "--apply")
    assert (code, out.count("say whose and which document with --authority")) == (1, 3)
    alone = file(tmp_path, moved(0.02)[0])
    code, out, _ = run(seeded, alone, "--apply", "--authority", "Chi cục")
    assert (code, "bring all three in one file" in out) == (1, True)
    assert known(seeded) == before
    path = file(tmp_path, *moved(0.02))
    code, out, _ = run(seeded, path, "--apply", "--authority", "Chi cục Thủy sản, QĐ 12/2027")
    assert (code, "3 changed" in out, "Applied by" in out) == (0, True, True), out
    after = known(seeded)
    assert after.keys() == before.keys()
    for key in ("tuyen_bo", "tuyen_long", "vung_long", "ven_bo", "khoi"):
        assert after[key].fence.note == "theo Chi cục Thủy sản, QĐ 12/2027"
        assert before[key].fence.note == REFERENCE_NOTE
        assert after[key].fence.version == 2
        assert after[key].fence.hysteresis_m == before[key].fence.hysteresis_m
        assert after[key].fence.geom.hausdorff_distance(before[key].fence.geom) > 0.01
    code, out, _ = run(seeded, path, "--apply", "--authority", "Chi cục Thủy sản, QĐ 12/2027")
    assert (code, "3 unchanged" in out) == (0, True)


def test_an_ordinary_fence_cannot_become_a_reference_line_nor_take_its_key(seeded: Any, tmp_path: Path) -> None:
    for properties in ({"key": "tuyen_bo", "kind": "boundary"}, {"key": "cam", "kind": "coast_line"}):
        with connected(seeded[0].web) as opened, opened.begin() as connection:
            if doing.current(connection, "cam") is None:
                from datetime import UTC, datetime

                new = Fence("cam", "area", "Cấm", "", SQUARE)
                doing.put(connection, new, Watch(), doing.Base(), Actor("Lan"), datetime.now(UTC))
        line = feature(LineString([(107.6, 16.5), (107.7, 16.6)]), name="X", **properties)
        code, out, _ = run(seeded, file(tmp_path, line), "--apply", "--authority", "Ai đó")
        assert (code, "1 refused" in out) == (1, True), out
