"""The screen `/cameras/events` in a real browser: a review by keyboard, two reviewers, filters, the empty list, axe."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from geo.camera_event import TYPES
from geo.camera_review import store
from tests.pages.conftest import Centre

PLATE = "75A-123.45"


@pytest.fixture
def filled(centre: Centre) -> Centre:
    now = datetime.now(UTC)
    kinds = list(TYPES)
    rows = [
        {"record_id": f"{now.timestamp()} {n}", "camera": f"HUE-CAM-{n % 5:03d}", "type": kinds[n % 4],
         "confidence": 0.9, "plate": PLATE, "occurred_at": now - timedelta(seconds=30 * n + 5), "lane": "<b>2</b>",
         "snapshot": None, "simulated": n % 3 == 0}
        for n in range(130)
    ]  # fmt: skip
    with centre.engine.begin() as connection:
        # Append-only for everybody but who owns the trigger; a test begins with empty tables all the same.
        guard = "TRIGGER camera_event_entry_append_only"
        for statement in (f"ALTER TABLE camera_event_entry DISABLE {guard}", "DELETE FROM camera_event_entry",
                          f"ALTER TABLE camera_event_entry ENABLE {guard}", "DELETE FROM camera_plate",
                          "DELETE FROM camera_event"):  # fmt: skip
            connection.execute(sa.text(statement))
        store(connection, "vms", rows, now)
    return centre


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    expect.set_options(timeout=20_000)
    made = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    made.add_init_script("localStorage.setItem('haidang-actor', 'Lan')")
    yield made
    made.close()
    expect.set_options(timeout=5_000)


def opened(context: BrowserContext, url: str, search: str = "") -> Page:
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.message))
    page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    page.faults = faults  # type: ignore[attr-defined]
    page.goto(f"{url}/cameras/events{search}")
    expect(page.locator("#events-state-all .chip-count")).not_to_be_empty()
    return page


def states(centre: Centre) -> list[Any]:
    with centre.engine.begin() as connection:
        query = sa.text("SELECT state, state_by FROM camera_event WHERE state <> 'detected' ORDER BY occurred_at DESC")
        return [tuple(row) for row in connection.execute(query)]


def test_a_review_by_keyboard(filled: Centre, context: BrowserContext) -> None:
    page = opened(context, filled.url)
    expect(page.locator("[data-event]")).to_have_count(100)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#events-one h2")).to_contain_text("Vượt đèn đỏ")
    expect(page.locator("#events-one .facts")).to_contain_text("<b>2</b>")
    expect(page.locator("#events-one")).to_contain_text("Nguồn không gửi hình")
    page.keyboard.press("c")  # confirmed, and on to the next
    expect(page.locator("#events-one h2")).to_contain_text("Đi sai làn")
    page.keyboard.press("2")
    expect(page.locator("#events-one h2")).to_contain_text("Đi ngược chiều")
    page.keyboard.press("r")
    expect(page.locator("#events-one-said")).to_contain_text("Đã ghi: Đã xem")
    assert states(filled) == [("confirmed", "Lan"), ("false", "Lan"), ("reviewed", "Lan")]
    page.keyboard.press("k")
    page.keyboard.press("k")
    expect(page.locator("#events-one .event-standing")).to_contain_text("Có vi phạm")
    page.keyboard.press("f")  # to whom?
    expect(page.locator("#events-unit")).to_be_focused()
    page.locator("#events-unit").select_option("traffic_police")
    page.locator("#events-do-forward").click()
    expect(page.locator("#events-one .event-standing")).to_contain_text("Đã chuyển xử lý")
    assert states(filled)[0] == ("forwarded", "Lan")
    expect(page.locator("#events-state-forwarded .chip-count")).to_have_text("1")
    assert re.sub(r"[^0-9A-Z]", "", PLATE) not in re.sub(r"[^0-9A-Z]", "", page.content().upper())
    assert page.faults == []  # type: ignore[attr-defined]


def test_the_second_of_two_reviewers_is_told_and_sees_what_it_became(filled: Centre, context: BrowserContext) -> None:
    first, second = opened(context, filled.url), opened(context, filled.url)
    for page in (first, second):
        page.locator("[data-event]").first.click()
        expect(page.locator("#events-do-confirm")).to_be_visible()
    first.locator("#events-do-confirm").click()
    expect(first.locator("#events-one h2")).to_contain_text("Đi sai làn")
    second.locator("#events-false-1").click()
    expect(second.locator("#events-one-said")).to_contain_text("CHƯA ghi")
    expect(second.locator("#events-one .event-standing")).to_contain_text("Có vi phạm")
    assert states(filled) == [("confirmed", "Lan")]


def test_filters_stand_in_the_address_and_more_is_read_when_wanted(filled: Centre, context: BrowserContext) -> None:
    page = opened(context, filled.url, "?camera=HUE-CAM-002")
    expect(page.locator("[data-event]")).to_have_count(26)
    page.locator("#events-all").click()
    expect(page.locator("[data-event]")).to_have_count(100)
    page.locator("#events-more").click()
    expect(page.locator("[data-event]")).to_have_count(130)
    page.locator("#events-type").select_option("wrong_way")
    expect(page.locator("[data-event]")).to_have_count(32)
    assert "type=wrong_way" in page.url
    page.locator("#events-state-false").click()
    expect(page.locator("#events-said")).to_contain_text("Không có sự kiện nào khớp")


def test_the_empty_list_says_why_and_axe_finds_nothing(own_centre: Centre, context: BrowserContext) -> None:
    page = opened(context, own_centre.url)
    expect(page.locator("#events-said")).to_contain_text("Chưa có sự kiện nào trong thời gian này")
    now = datetime.now(UTC)
    row = {"record_id": "1", "camera": "HUE-CAM-001", "type": "phone", "confidence": None, "plate": None,
           "occurred_at": now, "lane": None, "snapshot": "http://10.0.0.1/a.jpg", "simulated": True}  # fmt: skip
    with own_centre.engine.begin() as connection:
        store(connection, "vms", [row], now)
    expect(page.locator("[data-event]")).to_have_count(1)  # by itself, within the tick
    page.locator("[data-event]").click()
    expect(page.locator(".event-picture")).to_contain_text("Không lấy được hình")
    for theme in ("dark", "light"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
        assert found.response["violations"] == [], found.generate_report()
