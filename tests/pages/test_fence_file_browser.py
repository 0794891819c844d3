"""Fences from a file in a real browser: looked at, a fault shown in its place, applied, exported, by keyboard too."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from playwright.sync_api import Browser, BrowserContext, Page, expect

from geo.fence_file import drafts
from geo.vector_file import read_file
from tests.pages.test_fence_browser import RING, kept, named, retire
from tests.pages.test_screen_browser import SIZE, opened

BOW = [[107.55, 16.75], [107.75, 16.65], [107.75, 16.75], [107.55, 16.65], [107.55, 16.75]]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """A process reads each file, and the machine may be busy with other tests."""
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def page(centre: Any, browser: Browser) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(viewport=SIZE, locale="vi-VN", accept_downloads=True)
    made = opened(context, f"{centre.url}/?fence=list")
    made.locator("#fence-in").click()
    expect(made.locator("#fence-file-input")).to_be_attached()
    yield made
    assert made.faults == []  # type: ignore[attr-defined]
    context.close()


def file(tmp_path: Path, *features: tuple[str, list[list[float]]]) -> Path:
    path = tmp_path / "vùng cấm.geojson"
    made = [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for name, ring in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}), "utf-8")
    return path


def test_a_file_is_looked_at_and_then_applied(page: Page, tmp_path: Path) -> None:
    path = file(tmp_path, ("Khu từ tệp", RING), (HOSTILE, BOW))
    page.locator("#fence-file-input").set_input_files(path)
    expect(page.locator(".file-row")).to_have_count(2)
    expect(page.locator("#fence-file-said")).to_contain_text("1 thêm mới, 0 thay đổi, 0 giữ nguyên, 1 bị từ chối")
    expect(page.locator("#fence-file-name")).to_have_text("vùng cấm.geojson")
    expect(page.locator(".file-row.refused .what")).to_have_text(HOSTILE)
    page.locator("button.file-fault").click()
    expect(page.locator(".fence-place span")).to_contain_text("Đường biên tự cắt")
    page.wait_for_function(  # once the map has come to rest
        "([lat, lon]) => { const i = document.querySelector('.fence-place i').getBoundingClientRect(), "
        "b = haidang.map.getContainer().getBoundingClientRect(), p = haidang.map.latLngToContainerPoint([lat, lon]); "
        "return Math.hypot(i.x + i.width / 2 - b.x - p.x, i.y + i.height / 2 - b.y - p.y) < 8; }",
        arg=[16.70, 107.65],
    )
    assert page.evaluate("fetch('/api/v1/fences/khu_tu_tep').then((a) => a.status)") == 404
    page.faults.clear()  # type: ignore[attr-defined] # the browser's own word for that 404
    page.locator("#fence-file-actor").fill("")
    page.locator("#fence-file-apply").click()
    expect(page.locator("#fence-file-actor")).to_be_focused()
    page.keyboard.type("Lan")
    expect(page.locator("#fence-file-apply")).to_have_text("Nhập 1 vùng, bỏ 1 dòng")
    page.locator("#fence-file-apply").click()
    expect(page.locator("#fence-file-said")).to_have_text("Đã nhập 1 vùng.")
    expect(page.locator("#fence-file-apply")).to_be_hidden()
    expect(named(page, "Khu từ tệp")).to_be_visible()
    assert kept(page, "khu_tu_tep")["properties"]["name_vi"] == "Khu từ tệp"
    page.locator("#fence-in").click()
    expect(page.locator(".fence-item .what", has_text="Khu từ tệp")).to_be_visible()
    retire(page, "khu_tu_tep", 1)


def test_what_cannot_be_read_says_why_and_a_list_can_be_taken_along(page: Page, tmp_path: Path) -> None:
    wrong = tmp_path / "a.gpkg"
    wrong.write_bytes(b"x" * 100)
    page.locator("#fence-file-input").set_input_files(wrong)
    expect(page.locator("#fence-file-said.bad")).to_have_text("Đuôi tệp nói là GeoPackage nhưng nội dung không phải")
    expect(page.locator("#fence-file-foot")).to_be_hidden()
    flat = [[562266, 1821342], [563266, 1821342], [563266, 1822342], [562266, 1821342]]
    page.locator("#fence-file-input").set_input_files(file(tmp_path, ("Khu phẳng", flat)))
    expect(page.locator("#fence-file-said.bad")).to_contain_text("không có hệ tọa độ")
    page.locator("#fence-file-crs").select_option("EPSG:9214")
    expect(page.locator("#fence-file-said")).to_contain_text("1 thêm mới")
    many = tmp_path / "nhieu.gpkg"
    for layer in ("mot", "hai"):
        shapes = np.array([shapely.to_wkb(shapely.Polygon(RING))], dtype=object)
        more = {"layer": layer, "driver": "GPKG", "geometry_type": "Polygon", "crs": "EPSG:4326"}
        pyogrio.raw.write(many, shapes, [np.array(["A"], dtype=object)], ["ten"], append=many.exists(), **more)
    page.locator("#fence-file-crs").select_option("")
    page.locator("#fence-file-input").set_input_files(many)
    expect(page.locator("#fence-file-said.bad")).to_have_text("Tệp có nhiều lớp: mot, hai")
    page.locator("#fence-file-layer").select_option("hai")
    expect(page.locator("#fence-file-said")).to_contain_text("1 thêm mới")
    page.locator("#fence-out summary").click()
    with page.expect_download() as told:
        page.locator("#fence-out a", has_text="GeoPackage").click()
    saved = tmp_path / "ra.gpkg"
    told.value.save_as(saved)
    assert "closed" in {one.key for one in drafts(read_file(saved).rows)[0]}
    page.faults[:] = [one for one in page.faults if "422" not in one]  # type: ignore[attr-defined]
