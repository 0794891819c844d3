"""Fences on the map in a real browser: live on every screen, drawn by mouse and by keyboard, repaired, refused."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.pages.test_screen_browser import SIZE, opened

RING = [[107.55, 16.7], [107.78, 16.7], [107.78, 16.8], [107.55, 16.8], [107.55, 16.7]]


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """A question to the server follows each stroke, and the machine may be busy with other tests."""
    expect.set_options(timeout=15_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport=SIZE, locale="vi-VN")
    yield made
    made.close()


def put(page: Page, key: str, **change: Any) -> dict[str, Any]:
    """Save a fence through the API, as another program would."""
    body = {"actor": "Minh", "name_vi": "Khu thử", "geometry": {"type": "Polygon", "coordinates": [RING]}, **change}
    answer = page.evaluate(
        """([key, body]) => fetch(`/api/v1/fences/${key}`, {method: "PUT", body: JSON.stringify(body),
            headers: {"content-type": "application/json"}}).then(async (a) => [a.status, await a.json()])""",
        [key, body],
    )
    assert answer[0] == 200, answer
    return dict(answer[1])


def retire(page: Page, key: str, version: int) -> None:
    status = page.evaluate(
        """([key, version]) => fetch(`/api/v1/fences/${key}`, {method: "DELETE",
            body: JSON.stringify({actor: "Minh", version, comment: "thử xong"}),
            headers: {"content-type": "application/json"}}).then((a) => a.status)""",
        [key, version],
    )
    assert status == 200


def named(page: Page, words: str) -> Any:
    return page.locator(".zone-name span", has_text=re.compile(f"^{words}$"))


def test_a_saved_fence_is_on_every_open_map_within_two_seconds_and_a_retired_one_vanishes(
    centre: Any, browser: Browser
) -> None:
    first, second = (browser.new_context(viewport=SIZE) for _ in range(2))
    one, two = opened(first, centre.url), opened(second, f"{centre.url}/?lang=en")
    before, areas = (two.locator(found).count() for found in ("path.zone", "path.zone.area"))
    began = time.monotonic()
    kept(two, "closed")
    busy_s = time.monotonic() - began  # what the machine takes for the least there is
    put(one, "song", name_en="Live area")
    began = time.monotonic()
    expect(named(two, "Live area")).to_be_visible()
    assert time.monotonic() - began < 2 + 5 * busy_s
    expect(named(one, "Khu thử")).to_be_visible()
    expect(two.locator("path.zone")).to_have_count(before + 1)
    put(one, "song", version=1, name_vi="Khu đổi tên", name_en="Renamed", valid_from="2030-01-01T00:00:00+07:00")
    expect(named(one, "Khu đổi tên · chưa có hiệu lực")).to_be_visible(timeout=3_000)
    expect(two.locator("path.zone.area.dim")).to_have_count(1)
    assert two.locator("path.zone.area").count() == areas + 1
    retire(one, "song", 2)
    expect(named(one, "Khu đổi tên · chưa có hiệu lực")).to_have_count(0)
    expect(two.locator("path.zone.dim")).to_have_count(0)
    expect(named(one, "Khu vực cấm khai thác")).to_be_visible()
    for page, context in ((one, first), (two, second)):
        assert page.faults == []  # type: ignore[attr-defined]
        context.close()


def editor(page: Page) -> None:
    """The drawer with a new fence to be drawn."""
    page.keyboard.press("v")
    expect(page.locator("#fence-new")).to_be_visible()
    page.locator("#fence-new").click()
    expect(page.locator("html[data-drawing=polygon]")).to_be_attached()


def spot(page: Page, lat: float, lon: float) -> tuple[float, float]:
    """Where on the screen a place is."""
    place = page.evaluate(
        "([lat, lon]) => { const p = haidang.map.latLngToContainerPoint([lat, lon]), b = "
        "haidang.map.getContainer().getBoundingClientRect(); return [p.x + b.x, p.y + b.y]; }",
        [lat, lon],
    )
    return float(place[0]), float(place[1])


def draw(page: Page, *places: tuple[float, float]) -> None:
    for lat, lon in places:
        page.mouse.click(*spot(page, lat, lon))
    expect(page.locator(".fence-handle:not(.middle-one)")).to_have_count(len(places))
    page.keyboard.press("Enter")


def named_form(page: Page, name: str, actor: str = "Lan") -> None:
    page.locator('[data-field="name_vi"]').fill(name)
    page.locator('[data-field="actor"]').fill(actor)


def kept(page: Page, key: str) -> dict[str, Any]:
    return dict(page.evaluate("(key) => fetch(`/api/v1/fences/${key}`).then((a) => a.json())", key))


def test_a_polygon_drawn_by_mouse_with_a_vertex_moved_is_saved_and_seen_on_another_screen(
    centre: Any, browser: Browser
) -> None:
    first, second = (browser.new_context(viewport=SIZE) for _ in range(2))
    one, two = opened(first, centre.url), opened(second, centre.url)
    editor(one)
    draw(one, (16.75, 107.55), (16.75, 107.75), (16.65, 107.75), (16.65, 107.55))
    expect(one.locator("#fence-size")).to_contain_text("km²")
    before = one.locator("#fence-size").inner_text()
    one.mouse.move(*spot(one, 16.75, 107.75))
    one.mouse.down()
    one.mouse.move(*spot(one, 16.78, 107.8), steps=5)
    one.mouse.up()
    expect(one.locator("#fence-size")).not_to_have_text(before)
    middle = spot(one, 16.65, 107.65)  # between two corners: a new one
    one.mouse.click(*middle)
    expect(one.locator(".fence-handle:not(.middle-one)")).to_have_count(5)
    one.keyboard.press("Control+z")
    expect(one.locator(".fence-handle:not(.middle-one)")).to_have_count(4)
    named_form(one, "Khu vẽ tay")
    one.locator('[data-field="buffer_m"]').fill("926")
    one.locator('[data-field="dwell_min"]').fill("1,5")
    one.keyboard.press("Control+s")
    expect(one.locator("#fence-result")).to_contain_text("Đã lưu phiên bản 1")
    expect(named(two, "Khu vẽ tay")).to_be_visible(timeout=3_000)
    feature = kept(two, "khu_ve_tay")
    corners = feature["geometry"]["coordinates"][0]
    assert len(corners) == 5
    assert any(abs(lon - 107.8) < 0.005 and abs(lat - 16.78) < 0.005 for lon, lat in corners)
    about = feature["properties"]
    assert (about["buffer_m"], about["dwell_s"], about["watch"]["kinds"]) == (926, 90, ["inside", "approach"])
    expect(one).to_have_url(re.compile("fence=khu_ve_tay"))
    retire(two, "khu_ve_tay", 1)
    for page, context in ((one, first), (two, second)):
        assert page.faults == []  # type: ignore[attr-defined]
        context.close()


def test_a_bow_tie_shows_the_place_of_its_fault_and_offers_the_repair(centre: Any, context: BrowserContext) -> None:
    page = opened(context, centre.url)
    editor(page)
    draw(page, (16.75, 107.55), (16.65, 107.75), (16.75, 107.75), (16.65, 107.55))
    expect(page.locator(".fence-fault")).to_contain_text("Đường biên tự cắt")
    expect(page.locator(".fence-place span")).to_have_text("Đường biên tự cắt")
    marked = page.locator(".fence-place i").bounding_box()
    x, y = spot(page, 16.70, 107.65)
    assert marked is not None
    assert abs(marked["x"] + marked["width"] / 2 - x) < 8
    assert abs(marked["y"] + marked["height"] / 2 - y) < 8
    named_form(page, "Nơ")
    page.locator("#fence-save").click()
    expect(page.locator("#fence-result")).to_contain_text("CHƯA lưu")
    assert page.evaluate("fetch('/api/v1/fences/no').then((a) => a.status)") == 404
    page.locator("#fence-mend").click()
    expect(page.locator(".fence-fault")).to_have_count(0)
    expect(page.locator(".fence-place")).to_have_count(0)
    page.locator("#fence-save").click()
    expect(page.locator("#fence-result")).to_contain_text("Đã lưu phiên bản 1")
    assert kept(page, "no")["geometry"]["type"] == "MultiPolygon"
    retire(page, "no", 1)


def test_by_keyboard_alone_with_faults_beside_their_fields(centre: Any, context: BrowserContext) -> None:
    page = opened(context, centre.url)
    page.keyboard.press("v")
    expect(page.locator("#fence-new")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#fence-new")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("html[data-drawing=polygon]")).to_be_attached()
    words = page.locator("#fence-words summary")
    for _ in range(20):
        page.keyboard.press("Tab")
        if words.evaluate("(e) => e === document.activeElement"):
            break
    expect(words).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#fence-text")).to_be_focused()
    page.keyboard.type("16.75 107.55\n16°45'N 107°45'E\nđâu đó\n16.65, 107.75")
    expect(page.locator(".fence-fault")).to_have_text("Dòng 3 không phải là tọa độ: đâu đó")
    page.locator("#fence-text").fill("")
    page.keyboard.type("16.75 107.55\n16°45'N 107°45'E\n16,65 107,75\n16.65 107.55")
    expect(page.locator("#fence-size")).to_contain_text("km²")
    expect(page.locator(".fence-handle:not(.middle-one)")).to_have_count(4)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator('[data-field="name_vi"]')).to_be_focused()
    page.keyboard.press("Control+s")
    expect(page.locator("#fence-wrong-actor")).to_have_text("Hãy ghi tên cán bộ trực ban")
    expect(page.locator('[data-field="actor"]')).to_be_focused()
    page.keyboard.type("Lan")
    page.keyboard.press("Control+s")
    expect(page.locator("#fence-wrong-name_vi")).to_have_text("Hãy đặt tên")
    expect(page.locator('[data-field="name_vi"]')).to_be_focused()
    page.keyboard.type("Khu bàn phím")
    page.keyboard.press("Control+s")
    expect(page.locator("#fence-result")).to_contain_text("Đã lưu phiên bản 1")
    ring = kept(page, "khu_ban_phim")["geometry"]["coordinates"][0]
    assert sorted(map(tuple, ring[:4])) == [(107.55, 16.65), (107.55, 16.75), (107.75, 16.65), (107.75, 16.75)]
    page.locator("#fence-title").focus()
    page.keyboard.press("v")
    expect(page.locator("#fence-panel")).to_be_hidden()
    retire(page, "khu_ban_phim", 1)
    assert page.faults == []  # type: ignore[attr-defined]


def test_the_second_of_two_editors_is_told_and_an_older_version_is_looked_at_and_restored(
    centre: Any, context: BrowserContext
) -> None:
    page = opened(context, centre.url)
    put(page, "hai", name_vi="Khu hai")
    page.goto(f"{centre.url}/?fence=hai")
    expect(page.locator('[data-field="name_vi"]')).to_have_value("Khu hai")
    put(page, "hai", version=1, name_vi="Khu của Minh")
    page.locator('[data-field="name_vi"]').fill("Khu của Lan")
    page.locator('[data-field="actor"]').fill("Lan")
    page.locator("#fence-save").click()
    expect(page.locator("#fence-result")).to_contain_text("Minh đã lưu phiên bản 2")
    page.locator("#fence-reopen").click()
    expect(page.locator('[data-field="name_vi"]')).to_have_value("Khu của Minh")
    page.get_by_text("Các phiên bản").click()
    expect(page.locator(".fence-versions li")).to_have_count(2)
    expect(page.locator(".fence-versions li").first).to_contain_text("Minh")
    expect(page.locator(".fence-versions li").first).to_contain_text("tên")
    page.locator('[data-fence-look="1"]').click()
    expect(page.locator("path.fence-ghost")).to_have_count(1)
    page.locator('[data-fence-restore="1"]').click()
    expect(page.locator("#fence-result")).to_contain_text("Đã khôi phục thành phiên bản 3")
    expect(page.locator('[data-field="name_vi"]')).to_have_value("Khu hai")
    page.locator('[data-field="comment"]').fill("thử xong")
    page.locator("#fence-retire").click()
    expect(page.locator("#fence-list-view")).to_be_visible()
    expect(page.locator('[data-fence-key="hai"]')).to_contain_text("đã bỏ")
    assert kept(page, "hai")["properties"]["state"] == "retired"


def test_a_circle_and_a_gate_are_drawn_and_a_boat_is_not_chosen_meanwhile(centre: Any, context: BrowserContext) -> None:
    page = opened(context, centre.url)
    editor(page)
    page.locator('[data-fence-tool="circle"]').click()
    page.locator('[data-field="radius_m"]').fill("5000")
    page.mouse.click(*spot(page, 16.72, 107.85))  # where a boat is
    expect(page.locator("#fence-size")).to_contain_text("78,")
    expect(page.locator("#fence-size")).to_contain_text("tàu đang ở trong")
    expect(page.locator("#card")).to_be_hidden()
    page.locator('[data-field="kind"]').select_option("gate")
    expect(page.locator('[data-fence-tool="circle"]')).to_be_hidden()
    page.locator('[data-fence-tool="line"]').click()
    draw(page, (16.75, 107.55), (16.65, 107.75))
    expect(page.locator("#fence-size")).to_contain_text("dài")
    page.locator('[data-field="watch_crossing"]').check()
    named_form(page, "Cổng thử")
    page.locator("#fence-save").click()
    expect(page.locator("#fence-result")).to_contain_text("Đã lưu phiên bản 1")
    assert kept(page, "cong_thu")["properties"]["watch"]["kinds"] == ["crossing"]
    retire(page, "cong_thu", 1)
    assert page.faults == []  # type: ignore[attr-defined]
