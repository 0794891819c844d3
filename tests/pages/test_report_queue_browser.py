"""The screen `/services/report` in a real browser: triage by keyboard, two on one report, duplicates and calls."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from geo.actor import Actor
from geo.photo import drawn
from geo.report_photo import keep
from geo.report_receive import Reporter, Sent, receive
from geo.report_work import Step, act, tell_late
from tests.geo.test_photo import file, scene
from tests.pages.conftest import Centre

HIDDEN = Reporter("Nguyễn Bí Mật", "0912345678", "bimat@example.vn", "tai-khoan-bi-mat")
HOSTILE = "<img src=x onerror=alert(1)>"
LAN = Actor("Lan")


def sent(centre: Centre, words: str, ago: timedelta = timedelta(), category: str = "lamp", **more: Any) -> str:
    """A citizen's report, received so long ago; its number."""
    now = datetime.now(UTC) - ago
    place = {"lon": 107.5905, "lat": 16.4637, "address": "5 Lê Lợi"}
    told = Sent(category, words, "app", now, reporter=HIDDEN, simulated=True, **{**place, **more})
    with centre.engine.begin() as connection:
        return receive(connection, told, Actor("hue-s", "system"), now)[0]


def status(centre: Centre, key: str) -> str:
    with centre.engine.begin() as connection:
        return str(connection.scalar(sa.text("SELECT status FROM report WHERE id = :key"), {"key": key}))


def step(centre: Centre, key: str, deed: str, **said: Any) -> None:
    """A deed by Lan, to whatever version there is."""
    with centre.engine.begin() as connection:
        version = connection.scalar(sa.text("SELECT version FROM report WHERE id = :key"), {"key": key})
        act(connection, key, Step(deed, LAN, int(version or 0), **said), datetime.now(UTC))


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    expect.set_options(timeout=20_000)
    made = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    made.add_init_script("localStorage.setItem('haidang-actor', 'Lan')")
    yield made
    made.close()
    expect.set_options(timeout=5_000)


def opened(context: BrowserContext, url: str, search: str = "", path: str = "/services/report") -> Page:
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.message))
    page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    page.faults = faults  # type: ignore[attr-defined]
    page.goto(f"{url}{path}{search}")
    return page


def queue(context: BrowserContext, url: str, search: str = "") -> Page:
    page = opened(context, url, search)
    expect(page.locator("#reports-state-triage .chip-count")).not_to_be_empty()
    return page


def test_a_triage_by_keyboard_and_nothing_of_who_sent_it(own_centre: Centre, context: BrowserContext) -> None:
    late = sent(own_centre, f"Nắp cống vỡ {HOSTILE}", timedelta(hours=30), "water", lat=16.47)
    soon = sent(own_centre, "Cây sắp đổ", timedelta(hours=22), "tree", lat=16.48)
    sent(own_centre, "Đèn tắt trước số 5 Lê Lợi")
    with own_centre.engine.begin() as connection:
        tell_late(connection, datetime.now(UTC))
    page = queue(context, own_centre.url)
    expect(page.locator("tr[data-report]")).to_have_count(3)
    first = page.locator("tr[data-report]").first
    expect(first).to_contain_text("‼ QUÁ HẠN 6 giờ")
    expect(page.locator(f"#report-{soon}")).to_contain_text("! sắp hết hạn, còn 1 giờ 5")
    expect(page.locator("#reports-measures")).to_contain_text("Tồn đọng3")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#reports-one h2")).to_contain_text(HOSTILE)  # as text
    page.keyboard.press("v")
    expect(page.locator("#reports-one-said")).to_contain_text("Đã ghi: Xác minh")
    page.keyboard.press("a")
    expect(page.locator("#deed-unit-text")).to_be_focused()
    page.keyboard.type("trat tu do thi")
    expect(page.locator("#deed-unit option")).to_have_count(1)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#reports-one .event-standing")).to_contain_text("Đã phân công")
    assert status(own_centre, late) == "assigned"
    page.keyboard.press("j")  # the next one, and it is rejected without a reason: told at the field
    expect(page.locator("#reports-one h2")).to_have_text("Cây sắp đổmô phỏng")
    page.keyboard.press("x")
    expect(page.locator("#deed-choice")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#reports-one-said")).to_contain_text("CHƯA làm")
    page.locator("#deed-choice").select_option("untrue")
    page.locator(".report-form [type=submit]").click()
    expect(page.locator("#reports-one .event-standing")).to_contain_text("Không tiếp nhận")
    assert status(own_centre, soon) == "rejected"
    expect(page.locator("#reports-state-triage .chip-count")).to_have_text("1")
    text = page.content()
    assert "Bí Mật" not in text
    assert "912345678" not in text
    assert page.faults == []  # type: ignore[attr-defined]
    for theme in ("dark", "light"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
        assert found.response["violations"] == [], found.generate_report()


def test_a_likely_duplicate_is_compared_merged_and_taken_apart(own_centre: Centre, context: BrowserContext) -> None:
    old = sent(own_centre, "Đèn đường tắt trước số 5 Lê Lợi", timedelta(hours=5))
    new = sent(own_centre, "Đèn đường tắt trước nhà số 5 đường Lê Lợi", lat=16.4639)
    with own_centre.engine.begin() as connection:
        keep(connection, new, "report", drawn(file(scene())), Actor("hue-s", "system"), datetime.now(UTC))
    page = queue(context, own_centre.url, f"?report={new}")
    expect(page.locator("#reports-twin-1")).to_contain_text("%")
    expect(page.locator("#reports-one .report-photos img")).to_have_js_property("complete", True)
    assert page.locator("#reports-one .report-photos img").evaluate("image => image.naturalWidth") > 0
    page.locator("#reports-one [data-report-withhold]").click()
    expect(page.locator("#reports-one [data-report-withhold]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#reports-one .case-log")).to_contain_text("giấu một ảnh")
    page.keyboard.press("1")
    expect(page.locator("#reports-beside h2")).to_contain_text("Có phải cùng một việc")
    expect(page.locator("#reports-beside")).to_contain_text("cùng lĩnh vực")
    page.keyboard.press("g")
    expect(page.locator("#reports-beside")).not_to_be_visible()
    expect(page.locator("#reports-one .event-standing")).to_contain_text("Đã gộp")
    assert status(own_centre, new) == "merged"
    page.locator(f"#reports-one [data-report-open={old}]").click()
    expect(page.locator(f"#reports-one [data-report-open={new}]")).to_be_visible()
    page.locator(f"#reports-one [data-report-open={new}]").click()
    page.locator("#reports-do-unmerge").click()
    page.locator("#deed-reason").fill("khác cột đèn")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#reports-one .event-standing")).to_contain_text("Mới tiếp nhận")
    expect(page.locator("#reports-one .case-log")).to_contain_text("khác cột đèn")
    assert status(own_centre, new) == "new"


def test_the_second_of_two_is_told_and_a_list_that_is_read_stands_still(
    own_centre: Centre, context: BrowserContext
) -> None:
    key = sent(own_centre, "Ổ gà trước chợ", timedelta(hours=1), "road")
    first, second = (queue(context, own_centre.url, f"?report={key}") for _ in range(2))
    for page in (first, second):
        expect(page.locator("#reports-do-verify")).to_be_visible()
    first.locator("#reports-do-verify").click()
    expect(first.locator("#reports-one .event-standing")).to_contain_text("Đã xác minh")
    sent(own_centre, "Nước ngập", category="water")
    second.locator("#reports-do-verify").click()
    expect(second.locator("#reports-one-said")).to_contain_text("CHƯA ghi: người khác vừa xử lý")
    expect(second.locator("#reports-one .event-standing")).to_contain_text("Đã xác minh")
    expect(second.locator("#reports-waiting")).to_be_visible()  # within a tick
    expect(second.locator("tr[data-report]")).to_have_count(1)
    second.keyboard.press("Escape")
    expect(second.locator("tr[data-report]")).to_have_count(2)


def test_a_key_does_nothing_to_the_report_before_while_the_next_one_is_read(
    own_centre: Centre, context: BrowserContext
) -> None:
    first, second = sent(own_centre, "Cây đổ", timedelta(hours=20), "tree"), sent(own_centre, "Đèn tắt", lat=16.5)
    page = queue(context, own_centre.url, f"?report={first}")
    expect(page.locator("#reports-do-verify")).to_be_visible()
    expect(page.locator("tr[data-report]")).to_have_count(2)
    waiting, posts = kept_back(page, f"**/api/v1/reports/{second}")
    page.keyboard.press("j")
    expect(page.locator(f"#report-{second}")).to_have_attribute("aria-current", "true")
    expect(page.locator("#reports-one")).to_have_attribute("aria-busy", "true")
    page.keyboard.press("v")
    page.locator("#reports-do-verify").click()
    waiting[0].continue_()
    expect(page.locator("#reports-one h2")).to_contain_text("Đèn tắt")
    expect(page.locator("#reports-one")).not_to_have_attribute("aria-busy", "true")
    assert posts == []
    page.keyboard.press("v")
    expect(page.locator("#reports-one-said")).to_contain_text("Đã ghi: Xác minh")
    assert (status(own_centre, first), status(own_centre, second)) == ("new", "verified")


def kept_back(page: Page, address: str) -> tuple[list[Route], list[str]]:
    """What asks for that address, which waits until it is let go on; and whither anything is sent from now on."""
    waiting: list[Route] = []
    posts: list[str] = []
    page.route(address, lambda route: waiting.append(route))  # a list.append bears no mark of Playwright
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    return waiting, posts


def test_a_call_to_the_hotline_is_entered_and_its_caller_is_read_nowhere(
    own_centre: Centre, context: BrowserContext
) -> None:
    page = queue(context, own_centre.url, "?new=1&lat=16.4637&lon=107.5905")
    expect(page.locator("#new-category")).to_be_focused()
    expect(page.locator("#new-place")).to_have_value("16.4637, 107.5905")
    page.locator("#new-category").select_option("waste")
    page.locator("#new-words").fill("Rác chất đống đầu hẻm, gọi tôi 0987654321")
    page.locator("#new-name").fill("Trần Kín")
    page.locator("#new-phone").fill("0987654321")
    page.locator("#new-place").fill("16.9, 108.9")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#new-said")).to_contain_text("CHƯA nhận: Vị trí này ở ngoài địa bàn")
    expect(page.locator("#new-place")).to_be_focused()
    page.locator("#new-place").fill("16,4637 107,5905")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".report-made h2")).to_contain_text("Đã nhận phản ánh PA")
    page.locator(".report-made .primary").click()
    expect(page.locator("#reports-one .facts")).to_contain_text("Tổng đài 1022")
    expect(page.locator("tr[data-report]")).to_have_count(1)
    page.keyboard.press("f")  # a picture that came by Zalo meanwhile
    page.locator("#deed-photos").set_input_files({"name": "anh.jpg", "mimeType": "image/jpeg", "buffer": file(scene())})
    page.locator(".report-form [type=submit]").click()
    expect(page.locator("#reports-one .report-photos img")).to_have_count(1)
    text = page.content()
    assert "Trần Kín" not in text
    assert "987654321" not in text


def test_filters_stand_in_the_address_and_the_empty_queue_says_so(own_centre: Centre, context: BrowserContext) -> None:
    page = queue(context, own_centre.url)
    expect(page.locator("#reports-said")).to_contain_text("Không còn phản ánh nào chờ phân loại")
    lamp, road = sent(own_centre, "Đèn tắt"), sent(own_centre, "Ổ gà", category="road", lat=16.5)
    step(own_centre, lamp, "verify")
    step(own_centre, lamp, "assign", unit="urban_order")
    page.locator("#reports-state-handled").click()
    expect(page.locator(f"#report-{lamp}")).to_be_visible()
    page.locator("#reports-unit").select_option("urban_order")
    assert "state=handled" in page.url
    assert "unit=urban_order" in page.url
    page.locator("#reports-state-all").click()
    expect(page.locator("tr[data-report]")).to_have_count(1)
    page.locator("#reports-all").click()
    expect(page.locator("tr[data-report]")).to_have_count(2)
    page.locator("#reports-category").select_option("road")
    expect(page.locator(f"#report-{road}")).to_be_visible()
    expect(page.locator("tr[data-report]")).to_have_count(1)
    page.goto(f"{own_centre.url}/services/report?report=PA26-NONE2345&lang=en")
    expect(page.locator("#toast")).to_have_text("There is no report PA26-NONE2345.")


def test_the_card_of_a_report_tells_its_term_and_leads_to_the_queue(
    own_centre: Centre, context: BrowserContext
) -> None:
    key = sent(own_centre, "Vỡ ống nước", timedelta(hours=25), "water")
    page = opened(context, own_centre.url, f"?chosen=report.{key}", "/")
    expect(page.locator("#card-facts")).to_contain_text("‼ QUÁ HẠN 1 giờ", timeout=40_000)
    expect(page.locator("#card-facts")).to_contain_text("Cấp nước, thoát nước")
    page.locator("#card-facts .press").click()
    expect(page.locator("#reports-one h2")).to_contain_text("Vỡ ống nước")


def test_a_right_click_on_the_map_takes_a_report_of_that_place(own_centre: Centre, context: BrowserContext) -> None:
    page = opened(context, own_centre.url, "?lat=16.4637&lon=107.5905&z=15", "/")
    expect(page.locator("#live-mark")).to_have_class("live-mark live", timeout=40_000)
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, button="right")
    page.locator(".looking a.press").click()
    expect(page.locator("#new-place")).to_have_value(re.compile(r"^16\.46\d+, 107\.59\d+$"))
