"""Field reports in a real browser: citizens' pages with and without JavaScript, hostile words, pins on the map."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from geo.actor import Actor
from geo.report import OVERDUE, report
from geo.report_receive import Sent, receive
from geo.report_work import Step, act
from tests.geo.test_photo import file, scene
from tests.pages.test_screen_browser import opened

PLACE = (107.59, 16.40)
LAN = Actor("Lan")
HIGH, HANDLED = (0xF5, 0x9F, 0x45), (0x5A, 0xA9, 0xE6)  # of the dark theme
PAYLOADS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>",
    "\"><img src=x onerror='alert(1)'>",
    "javascript:alert(1)", "</title><script>alert(1)</script>", "{{7*7}}${alert(1)}",
    "<iframe srcdoc='<script>alert(1)'>", "</textarea><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<a href=javascript:alert(1)>x</a>",
    "<math><mi xlink:href='data:x,<script>alert(1)</script>'>", "=HYPERLINK(\"http://x\")", "+1+1", "-1", "@SUM(1)",
    "ab\u202edrowssap\u2066", "\u200b\u0000\u0007z", "<!--", "]]>",
)  # fmt: skip


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN", color_scheme="dark")
    yield made
    made.close()


def sent(centre: Any, words: str, *deeds: tuple[str, dict[str, Any]], at: tuple[float, float] = PLACE) -> str:
    now = datetime.now(UTC)
    with centre.engine.begin() as connection:
        key, _ = receive(connection, Sent("other", words, "web", now, *at, words[:200]), LAN, now)
        for number, (deed, said) in enumerate(deeds, 1):
            act(connection, key, Step(deed, LAN, number, **said), datetime.now(UTC))
    return key


PUBLISHED = (("verify", {}), ("assign", {"unit": "urban_order"}), ("start", {}))


def nodes(page: Page) -> int:
    return int(
        page.evaluate("document.querySelectorAll('main script, iframe, svg, math, main [onerror], [onload]').length")
    )


def test_promise_15_hostile_words_addresses_and_replies_stay_text(centre: Any, context: BrowserContext) -> None:
    keys = [
        sent(centre, f"{each} lạ", *PUBLISHED, ("reply", {"words": f"{each} đáp"}), ("publish", {}))
        for each in PAYLOADS
    ]
    page = context.new_page()
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda told: said.append(told.text) if told.type == "error" else None)
    for path in (
        "",
        "?q=alert&lang=en",
        *(f"/{key}" for key in keys),
        f"?q={PAYLOADS[1]}",
        f"/follow?number={PAYLOADS[3]}",
    ):
        page.goto(f"{centre.url}/public/reports{path}")
        page.wait_for_load_state()
        assert nodes(page) == 0, path
        text = page.locator("body").inner_text()
        assert not {"\u202e", "\u2066", "\u200b", "\0", "\a"} & set(text)
    page.goto(f"{centre.url}/public/reports/{keys[0]}")
    expect(page.locator("h1")).to_have_text("<script>alert(1)</script> lạ")
    expect(page.locator(".answer .words")).to_have_text("<script>alert(1)</script> đáp")
    assert said == []


def test_a_citizen_sends_a_report_without_javascript(centre: Any, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{centre.url}/public/reports/new")
    page.get_by_role("link", name="Đường sá, vỉa hè").click()
    page.get_by_label("Nội dung").fill("Ổ gà sâu trước trạm xe buýt")
    page.get_by_label("Địa chỉ hoặc mô tả nơi").fill("12 Hùng Vương")
    page.get_by_label("Ảnh (không bắt buộc)").set_input_files(
        [{"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": file(scene())} for n in range(2)]
    )
    page.get_by_role("button", name="Gửi phản ánh").click()
    number = page.locator("#number").inner_text()
    page.get_by_role("button", name="Xem phản ánh đang ở đâu").click()
    expect(page.locator("[aria-current=step]")).to_have_text("Mới tiếp nhận")
    with centre.engine.connect() as connection:
        assert connection.scalar(sa.select(report.c.channel).where(report.c.id == number)) == "web"
    context.close()


def test_a_pin_is_put_by_a_tap_by_keys_and_by_the_devices_position(centre: Any, browser: Browser) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, permissions=["geolocation"],
        geolocation={"latitude": 16.4637, "longitude": 107.5905},
    )  # fmt: skip
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    page.goto(f"{centre.url}/public/reports/new?category=road&lang=en")
    place = page.locator("#place canvas")
    expect(place).to_be_visible()
    page.wait_for_timeout(500)
    place.tap(position={"x": 150, "y": 130})
    expect(page.locator("#place [role=status]")).to_contain_text("Pin placed")
    before = page.locator("#lat").input_value()
    place.press("ArrowUp")
    assert float(page.locator("#lat").input_value()) > float(before)
    page.get_by_role("button", name="Remove the pin").click()
    assert page.locator("#lat").input_value() == ""
    page.get_by_role("button", name="My position").click()
    expect(page.locator("#lat")).to_have_value("16.463700")
    expect(page.locator("#place [role=status]")).to_contain_text("Thuận Hoá")
    assert faults == []
    context.close()


def count(page: Page, colour: tuple[int, int, int]) -> int:
    """Pixels of a colour around the middle of the map, where the reports are."""
    whole = page.locator(".leaflet-container").bounding_box()
    assert whole is not None
    x, y = whole["x"] + whole["width"] / 2, whole["y"] + whole["height"] / 2
    taken = page.screenshot(clip={"x": x - 40, "y": y - 40, "width": 80, "height": 80})
    pixels = np.asarray(Image.open(io.BytesIO(taken)).convert("RGB")).astype(int)
    return int((abs(pixels - colour) < 40).all(axis=2).sum())


def test_clusters_have_the_colour_of_the_worst_and_what_is_overdue_has_a_ring(
    centre: Any, context: BrowserContext
) -> None:
    late = sent(centre, "Trễ", *PUBLISHED)
    for n in range(4):
        sent(centre, f"Khác {n}", *PUBLISHED, at=(PLACE[0] + 0.0005 * (n + 1), PLACE[1]))
    with centre.engine.begin() as connection:
        connection.execute(
            sa.update(report).where(report.c.id == late).values(late=OVERDUE, received_at=datetime.now(UTC))
        )
        connection.execute(sa.text("DELETE FROM report WHERE category = 'other' AND published_at IS NOT NULL"))
    page = opened(context, f"{centre.url}/?lat={PLACE[1]}&lon={PLACE[0]}&z=10")
    page.wait_for_timeout(1_500)
    assert count(page, HIGH) > 15
    page.locator("[data-kind-key='report.overdue']").first.click()
    page.wait_for_timeout(2_500)
    assert count(page, HIGH) == 0
    assert count(page, HANDLED) > 10
    page.goto(f"{centre.url}/?lat={PLACE[1]}&lon={PLACE[0]}&z=18")
    page.wait_for_timeout(3_000)
    assert count(page, HIGH) > 60  # its pin and the ring around it
