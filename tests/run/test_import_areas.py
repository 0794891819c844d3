"""The command `import areas` against a real database: a dry run, all or nothing, versions, and the real outlines."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import Transformer
from shapely.geometry import box, mapping

from geo.area import Area, areas, history
from geo.commune import commune_of
from geo.vector_file import FileFault, read_file
from layers import discover, seed
from tests.connections import connected
from tests.program import CLEAN, ROOT

# Phú Xuân, Kim Long and Thuận Hoá as an authority might have them: squares side by side over their reference points.
PHU_XUAN, KIM_LONG = box(107.56, 16.46, 107.60, 16.50), box(107.50, 16.38, 107.56, 16.44)
THUAN_HOA = box(107.56, 16.44, 107.60, 16.46)
CROSSED = [[107.56, 16.46], [107.6, 16.5], [107.6, 16.46], [107.56, 16.5], [107.56, 16.46]]
BOW = {"type": "Polygon", "coordinates": [CROSSED]}


@pytest.fixture
def seeded(database: Any, redis_server: str) -> Any:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    return database, redis_server


def run(seeded: Any, *words: str) -> tuple[int, str, str]:
    """The command as a person calls it: its code, what it says, and what it complains of."""
    database, redis_url = seeded
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "import", "areas", *words],
        env={**CLEAN, **database.environment(), "REDIS_URL": redis_url}, capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def kept(seeded: Any) -> dict[str, Area]:
    with connected(seeded[0].web) as opened, opened.connect() as connection:
        return {one.code: one for one in areas(connection, geometry=True)}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    shape = mapping(geometry) if isinstance(geometry, shapely.Geometry) else geometry
    return {"type": "Feature", "properties": properties, "geometry": shape}


def file(folder: Path, *features: dict[str, Any], name: str = "xã.geojson") -> str:
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return str(path)


def test_a_dry_run_changes_nothing_and_apply_makes_a_version_with_who_and_whose(seeded: Any, tmp_path: Path) -> None:
    before = kept(seeded)
    path = file(
        tmp_path,
        feature(PHU_XUAN, code="19753", fullName="Phường Phú Xuân", areaKm2=19.0, dân_số=131_000, màu="đỏ"),
        feature(KIM_LONG, name="Kim Long"),
    )
    code, out, _ = run(seeded, path)
    assert (code, kept(seeded)) == (0, before)
    assert "new       19753  Phường Phú Xuân  [area_km2, population, geom]" in out
    assert "ignored columns: màu" in out
    assert "missing of Huế, 38: Phường Vỹ Dạ, " in out
    assert "2 new, 0 changed, 0 unchanged, 0 conflict\nNothing was done yet" in out
    code, out, _ = run(seeded, path, "--apply", "--actor", "Lan", "--authority", "Sở Nội vụ, VB 12/2026")
    assert (code, "Applied by Lan: 2 communes." in out) == (0, True)
    after = kept(seeded)["19753"]
    assert (after.area_km2, after.population, after.version) == (19.0, 131_000, 2)
    assert (after.source, after.imported_at is not None) == ("Sở Nội vụ, VB 12/2026", True)
    assert shapely.equals(after.geom, PHU_XUAN)
    with connected(seeded[0].web) as opened, opened.connect() as connection:
        newest, first = history(connection, "19753")
    assert (newest["actor"], newest["comment"], newest["outline"]) == ("Lan", "nhập từ tệp xã.geojson", True)
    assert (first["version"], first["outline"]) == (1, False)
    code, out, _ = run(seeded, path, "--apply")
    assert (code, "0 new, 0 changed, 2 unchanged, 0 conflict" in out) == (0, True)
    moved = file(tmp_path, feature(box(107.55, 16.46, 107.60, 16.50), code="19753"))
    code, out, _ = run(seeded, moved, "--apply", "--actor", "Minh")
    assert (code, "changed   19753  Phường Phú Xuân  [geom]" in out) == (0, True)
    assert kept(seeded)["19753"].version == 3


def test_conflicts_are_told_by_row_and_column_and_keep_everything_out(seeded: Any, tmp_path: Path) -> None:
    path = file(
        tmp_path,
        feature(PHU_XUAN, code="19753"),
        feature(KIM_LONG, code="19753"),
        feature(BOW, code="19789"),
        feature(None, code="19774"),
        feature(PHU_XUAN, code="24121"),
        feature({"type": "Point", "coordinates": [107.6, 16.4]}, code="19777"),
        feature(KIM_LONG, mã="12345"),
        feature(KIM_LONG, tên="Phú Xuân"),
        feature(mapping(shapely.transform(PHU_XUAN, lambda at: at[:, ::-1])), code="19815"),
    )
    code, out, err = run(seeded, path, "--apply")
    assert (code, kept(seeded)["19753"].geom) == (1, None)
    assert "1 new, 0 changed, 0 unchanged, 8 conflict" in out
    assert "mend the rows in conflict" in err
    for words in (
        "    2  conflict  19753", "code: Phường Phú Xuân stands in row 1 too", "geom: The outline crosses itself",
        "at 107.580000, 16.480000", "geom: there is no outline", "km away from the reference point of Phường Tân Lập",
        "polygon is needed, not Point", "mã: there is no commune 12345", "tên: Phú Xuân is the name of several",
        "seem to be swapped",
    ):  # fmt: skip
        assert words in out, words
    code, out, _ = run(seeded, path, "--apply", "--skip-conflicts", "--repair")
    assert (code, "2 new" in out, "Applied by" in out) == (1, True, True)
    assert kept(seeded)["19789"].geom.is_valid


def test_overlaps_gaps_and_sizes_that_differ_are_told_and_stop_nothing(seeded: Any, tmp_path: Path) -> None:
    over = box(107.58, 16.44, 107.62, 16.47)
    path = file(tmp_path, feature(PHU_XUAN, code="19753", areaKm2=30), feature(over, code="19789"))
    code, out, _ = run(seeded, path)
    assert code == 0
    assert "area_km2: the outline has 18.91 km², declared are 30.00 km² (37% apart)" in out
    assert "overlap: Phường Phú Xuân, Phường Thuận Hoá lie over each other, 2.36 km² at 107." in out


def test_a_geopackage_and_a_shapefile_in_vn_2000_are_where_they_should_be(seeded: Any, tmp_path: Path) -> None:
    there = Transformer.from_crs(4326, 9214, always_xy=True, allow_ballpark=False)
    flat = shapely.transform(shapely.segmentize(THUAN_HOA, 0.001), lambda at: shapely_columns(there, at))
    cells = [np.array([cell], object) for cell in ("19789", "Phường Thuận Hoá")]
    for name, driver in (("xa.gpkg", "GPKG"), ("xa.shp", "ESRI Shapefile")):
        pyogrio.raw.write(
            tmp_path / name, shapely.to_wkb(np.array([flat])), cells, ["MAXA", "TENXA"],
            driver=driver, geometry_type="Polygon", crs="EPSG:9214", encoding="UTF-8",
        )  # fmt: skip
        code, out, _ = run(seeded, str(tmp_path / name), "--apply")
        assert code == 0, out
        assert "EPSG:9214" in out
        found = kept(seeded)["19789"].geom
        assert found.symmetric_difference(THUAN_HOA).area < 1e-4 * THUAN_HOA.area
    assert "0 new" in out


def shapely_columns(there: Transformer, at: Any) -> Any:
    return np.column_stack(there.transform(at[:, 0], at[:, 1]))


def test_a_packed_file_is_read_and_a_damaged_or_huge_one_is_refused(tmp_path: Path) -> None:
    plain = Path(file(tmp_path, feature(KIM_LONG, name="Kim Long")))
    packed = gzip.compress(plain.read_bytes())
    (tmp_path / "xa.geojson.gz").write_bytes(packed)
    (row,) = read_file(tmp_path / "xa.geojson.gz").rows
    assert (row.properties["name"], shapely.equals(shapely.geometry.shape(row.geometry), KIM_LONG)) == (
        "Kim Long",
        True,
    )
    for data, said in ((packed[:-9], "a damaged or cut off gzip"), (gzip.compress(b" " * (33 << 20)), "at most 32 MB")):
        (tmp_path / "bad.geojson.gz").write_bytes(data)
        with pytest.raises(FileFault, match=said):
            read_file(tmp_path / "bad.geojson.gz")


def test_wrong_usage_is_one_line(seeded: Any, tmp_path: Path) -> None:
    path = file(tmp_path, feature(KIM_LONG, name="Kim Long"))
    for words, code, said in (
        ((path, "--province", "Quảng Trị"), 2, "is one of hue, dak_lak"),
        ((str(tmp_path / "không.gpkg"),), 1, "there is no file"),
    ):
        done, _, err = run(seeded, *words)
        assert (done, said in err) == (code, True), err


@pytest.mark.parametrize(
    ("name", "province", "count", "inside"),
    [("hue", "46", 40, (107.584, 16.455)), ("dak_lak", "66", 102, (109.282, 13.08))],
)
def test_the_real_outlines_import(
    seeded: Any, shared_data: Path, name: str, province: str, count: int, inside: tuple[float, float]
) -> None:
    path = str(shared_data / "geometry" / f"{name}_wards.geojson.gz")
    code, out, _ = run(seeded, path)
    assert (code, f"{count} new, 0 changed, 0 unchanged, 0 conflict" in out) == (0, True), out
    assert "missing of" not in out
    code, out, _ = run(seeded, path, "--apply", "--actor", "Lan")
    assert (code, f"Applied by Lan: {count} communes." in out) == (0, True), out
    found = [one for one in kept(seeded).values() if one.province == province]
    assert all(one.geom is not None and one.geom.is_valid and one.area_km2 for one in found)
    with connected(seeded[0].web) as opened, opened.connect() as connection:
        points = [(one.lon, one.lat) for one in found]
        codes, estimated = commune_of(connection, *zip(*points, strict=True))
        assert codes.tolist() == [one.code for one in found]
        assert not estimated.any()
