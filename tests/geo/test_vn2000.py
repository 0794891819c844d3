import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyproj
import pytest
from pyproj import Geod, Proj

from geo.area import province_of
from geo.vn2000 import NoStep, from_plane, grid, to_plane
from tests.program import ROOT

HUE = (107.585, 16.467)


def test_fact_23_epsg_9214_there_and_back_within_a_metre() -> None:
    hue = province_of("hue")
    assert hue is not None
    found = grid(hue, *HUE)
    assert (found.epsg, found.east_m, found.north_m) == (
        9214,
        pytest.approx(562266.8, abs=1),
        pytest.approx(1821342.3, abs=1),
    )
    lon, lat = from_plane(9214, 562266.8, 1821342.3)
    _, _, away_m = Geod(ellps="WGS84").inv(float(lon), float(lat), *HUE)
    assert away_m < 1


def test_fact_23_epsg_9218_of_dak_lak_round_trips() -> None:
    dak_lak = province_of("Đắk Lắk")
    assert dak_lak is not None
    assert dak_lak.epsg == 9218
    lon, lat = (each.ravel() for each in np.meshgrid(np.linspace(107.5, 109.5, 21), np.linspace(12.1, 13.7, 17)))
    back = from_plane(9218, *to_plane(9218, lon, lat))
    assert np.abs(np.array(back) - (lon, lat)).max() < 1e-8  # a millimetre


def test_fact_23_the_datum_step_is_taken_without_which_hue_is_225_m_wrong() -> None:
    flat = np.array(Proj("+proj=tmerc +lat_0=0 +lon_0=107 +k=0.9999 +x_0=500000 +y_0=0 +ellps=WGS84")(*HUE))
    away_m = float(np.hypot(*(flat - np.array([float(each) for each in to_plane(9214, *HUE)]))))
    assert away_m == pytest.approx(225, abs=1)


def test_fact_23_a_proj_without_the_datum_step_is_refused_instead_of_a_rough_answer(tmp_path: Path) -> None:
    known = Path(pyproj.datadir.get_data_dir(), "proj.db")
    (tmp_path / "proj.db").write_bytes(known.read_bytes())
    with sqlite3.connect(tmp_path / "proj.db") as connection:
        connection.execute("DELETE FROM helmert_transformation_table WHERE source_crs_code = 4756")
    connection.close()
    program = f"""
import pyproj
pyproj.datadir.set_data_dir({str(tmp_path)!r})
from geo.vn2000 import NoStep, to_plane
try:
    print(to_plane(9214, 107.585, 16.467))
except NoStep as refused:
    print("refused:", refused)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("refused: PROJ on this machine has no datum step"), done.stdout + done.stderr
    assert "EPSG:9214" in done.stdout


def test_a_place_that_the_plane_cannot_hold_is_refused() -> None:
    with pytest.raises(NoStep):
        to_plane(9214, float("nan"), 16.0)
