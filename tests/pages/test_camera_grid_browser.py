"""The screen `/cameras` in a real browser: sizes, pages, pause, pictures and their faults, what stays first, axe."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from geo.camera_review import store
from tests.api.test_camera_grid import CAMERAS
from tests.pages.conftest import Centre

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000"
    "000049454e44ae426082"
)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    expect.set_options(timeout=20_000)
    made = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")

    def answer(route: Route) -> None:
        if "C-0001" in route.request.url:
            route.fulfill(status=502, json={"detail": "the camera shows nothing now"})
        else:
            route.fulfill(status=200, body=PIXEL, content_type="image/png")

    made.route(re.compile("/snapshot"), answer)
    yield made
    made.close()
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def filled(centre: Centre) -> Centre:
    with centre.engine.begin() as connection:
        connection.execute(sa.text(CAMERAS), {"n": 30})
        connection.execute(sa.text("UPDATE camera SET name = '<img src=x onerror=alert(1)>' WHERE id = 'C-0000'"))
    return centre


def opened(context: BrowserContext, url: str, search: str) -> Page:
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.message))
    page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    page.faults = faults  # type: ignore[attr-defined]
    page.goto(f"{url}/cameras{search}")
    return page


def shown(page: Page) -> list[Any]:
    return page.locator(".grid-tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.camera)")


def test_sizes_pages_pause_and_the_state_of_each(filled: Centre, context: BrowserContext) -> None:
    page = opened(context, filled.url, "?paused=1")
    expect(page.locator(".grid-tile")).to_have_count(9)
    expect(page.locator('[data-camera="C-0000"] img')).to_be_visible()
    expect(page.locator('[data-camera="C-0000"] .tile-name')).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator('[data-camera="C-0000"] time')).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    expect(page.locator('[data-camera="C-0001"]')).to_contain_text("Camera không trả về ảnh lúc này")
    expect(page.locator('[data-camera="C-0001"] time')).to_have_count(0)
    expect(page.locator('[data-camera="C-0002"] .tile-state')).to_contain_text("Đứng hình")
    expect(page.locator('[data-camera="C-0003"]')).to_contain_text("Mất kết nối")
    expect(page.locator('[data-camera="C-0003"] img')).to_have_count(0)
    page.keyboard.press("4")
    expect(page.locator(".grid-tile")).to_have_count(16)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#grid-count")).to_contain_text("Trang 2/2")
    assert "C-0016" in shown(page)
    assert "page=1" in page.url
    page.locator("#grid-group").select_option("kind:river")
    expect(page.locator("#grid-count")).to_contain_text("Trang 1/1 · 15 camera")
    assert page.faults == []  # type: ignore[attr-defined]


def test_pages_turn_by_themselves_and_a_new_event_stays_first(filled: Centre, context: BrowserContext) -> None:
    page = opened(context, filled.url, "?size=4&every=5")
    expect(page.locator("#grid-count")).to_contain_text("Trang 2/8")
    row = {"record_id": "1", "camera": "C-0028", "type": "red_light", "confidence": None, "plate": None, "lane": None,
           "occurred_at": datetime.now(UTC), "snapshot": None, "simulated": False}  # fmt: skip
    with filled.engine.begin() as connection:
        store(connection, "vms", [row], datetime.now(UTC))
    first = page.locator(".grid-tile").first
    expect(first).to_have_attribute("data-camera", "C-0028")
    expect(first).to_contain_text("Sự kiện mới: Vượt đèn đỏ")
    expect(first.locator(".tile-events")).to_have_text("1 chưa xem")
    before = shown(page)
    keys = "[...document.querySelectorAll('.grid-tile')].map(tile => tile.dataset.camera).join()"
    page.wait_for_function(f"before => {keys} !== before", arg=",".join(before))
    assert shown(page)[0] == "C-0028"
    page.keyboard.press(" ")
    expect(page.locator("#grid-pause")).to_have_text("Chạy tiếp")
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_wall_opened_while_the_server_is_away_asks_again_until_it_is_there(
    filled: Centre, context: BrowserContext
) -> None:
    missed = {"grid": 0, "groups": 0}

    def away(route: Route) -> None:
        which = "groups" if "/groups" in route.request.url else "grid"
        if missed[which] < (2 if which == "grid" else 1):
            missed[which] += 1
            route.abort()
        else:
            route.continue_()

    context.route(re.compile("/api/v1/cameras/(grid|groups)"), away)
    page = opened(context, filled.url, "?every=5")
    expect(page.locator("#grid-said")).to_contain_text("Sẽ tự thử lại")
    expect(page.locator(".grid-tile")).to_have_count(9)  # after more than one turn of the page
    expect(page.locator("#grid-said")).to_have_text("")
    expect(page.locator("#grid-group option").first).to_have_text("Mọi camera (30)")
    assert missed == {"grid": 2, "groups": 1}
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_picture_stays_for_a_while_when_too_many_are_fetched(filled: Centre, context: BrowserContext) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=200, body=PIXEL, content_type="image/png")
        else:
            route.fulfill(status=503, json={"detail": "too many"})

    context.route(re.compile("/C-0000/snapshot"), answer)
    page = opened(context, filled.url, "?paused=1")
    image = page.locator('[data-camera="C-0000"] img')
    expect(image).to_be_visible()
    while len(asked) < 3:  # the second was answered some seconds ago
        page.wait_for_timeout(200)
    expect(image).to_be_visible()
    expect(image).to_have_count(0)  # but not for ever
    expect(page.locator('[data-camera="C-0000"]')).to_contain_text("Camera không trả về ảnh lúc này")
    assert page.faults == []  # type: ignore[attr-defined]


def test_without_cameras_it_says_what_to_do_and_axe_finds_nothing(
    own_centre: Centre, filled: Centre, context: BrowserContext
) -> None:
    page = opened(context, own_centre.url, "?paused=1")
    expect(page.locator("#grid-said")).to_contain_text("Chưa có camera nào trong nhóm này")
    page = opened(context, filled.url, "?paused=1")
    expect(page.locator(".grid-tile")).to_have_count(9)
    for theme in ("dark", "light"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
        assert found.response["violations"] == [], found.generate_report()
