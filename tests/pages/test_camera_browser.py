"""A camera's card in a real browser: its picture and its stream come through our own server, and play."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from demo import seed
from demo.camera import put_cameras
from demo.pictures import served
from geo.camera_review import store
from run.servers import Servers
from tests.pages.conftest import Centre, standing


@pytest.fixture
def pictures() -> Iterator[int]:
    with served() as port:
        yield port


def event(number: int, at: datetime) -> dict[str, Any]:
    rest = {"confidence": 0.9, "plate": None, "lane": None, "snapshot": None, "simulated": True}
    return {"record_id": str(number), "camera": "HUE-CAM-001", "type": "red_light", "occurred_at": at, **rest}


@pytest.fixture
def filled(private_servers: Servers, database_template: str, pictures: int) -> Iterator[Centre]:
    with standing(private_servers, database_template, "pages_camera", f"127.0.0.1:{pictures}") as centre:
        assert put_cameras(centre.engine, pictures, seed.DEMO) > 50
        now = datetime.now(UTC)
        with centre.engine.begin() as connection:
            store(connection, "thử", [event(n, now - timedelta(hours=n)) for n in (1, 2, 25)], now)
        yield centre


def test_a_picture_and_a_stream_play_and_no_browser_asks_a_camera(
    filled: Centre, pictures: int, browser: Browser
) -> None:
    expect.set_options(timeout=20_000)
    page = browser.new_page(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    faults: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{filled.url}/?chosen=camera.HUE-CAM-001&lat=16.466&lon=107.59&z=16")
    expect(page.locator("img.camera-picture")).to_have_attribute("data-state", "shown")
    waiting = page.get_by_role("link", name="2 sự kiện chưa xem trong 24 giờ")
    expect(waiting).to_have_attribute("href", "/cameras/events?state=detected&camera=HUE-CAM-001")
    page.get_by_role("button", name="Xem trực tiếp").click()
    stream = page.get_by_role("dialog", name="Cầu Trường Tiền – bờ nam 1")
    expect(stream).to_be_visible()
    page.wait_for_function(
        "() => { const seen = document.querySelector('.camera-stream video');"
        " return seen && seen.videoWidth === 512 && seen.getVideoPlaybackQuality().totalVideoFrames >= 8; }",
        timeout=30_000,
    )
    # The sky of the picture, as the player shows it: neither black nor the green of planes that are wrong.
    red, green, blue = page.evaluate(
        "() => { const canvas = Object.assign(document.createElement('canvas'), { width: 512, height: 288 });"
        " const context = canvas.getContext('2d');"
        " context.drawImage(document.querySelector('.camera-stream video'), 0, 0);"
        " return [...context.getImageData(500, 30, 1, 1).data].slice(0, 3); }"
    )
    assert blue > green > red > 20
    expect(stream.get_by_role("alert")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(stream).to_have_count(0)
    expect(page.get_by_role("button", name="Xem trực tiếp")).to_be_focused()
    assert not [url for url in asked if f":{pictures}/" in url]
    assert faults == []
    page.close()
    expect.set_options(timeout=5_000)


def test_a_camera_that_is_away_says_so_and_its_stream_too(filled: Centre, browser: Browser) -> None:
    expect.set_options(timeout=20_000)
    page = browser.new_page(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    page.goto(f"{filled.url}/?chosen=camera.HUE-CAM-008&lat=16.4632&lon=107.5945&z=16")
    expect(page.get_by_text("Camera không trả về ảnh lúc này.")).to_be_visible()
    page.get_by_role("button", name="Xem trực tiếp").click()
    expect(page.get_by_role("alert").filter(has_text="Không xem được luồng")).to_be_visible()
    page.close()
    expect.set_options(timeout=5_000)


def test_a_stream_opens_from_the_grid_too(filled: Centre, browser: Browser) -> None:
    expect.set_options(timeout=20_000)
    page = browser.new_page(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    page.goto(f"{filled.url}/cameras?paused=1")
    tile = page.locator('.grid-tile[data-camera="HUE-CAM-001"]')
    tile.get_by_role("button", name="Xem trực tiếp").click()
    page.wait_for_function("() => document.querySelector('.camera-stream video')?.videoWidth === 512", timeout=30_000)
    page.get_by_role("button", name="Đóng").click()
    expect(page.locator(".camera-stream")).to_have_count(0)
    expect(tile.get_by_role("button", name="Xem trực tiếp")).to_be_focused()
    page.close()
    expect.set_options(timeout=5_000)
