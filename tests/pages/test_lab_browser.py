"""The rule lab in a real browser: from a draft to a rule in force, two drafts beside each other, faults, keys, axe."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from geo import lab_run
from geo.actor import Actor
from geo.rule import Rule, rules
from run.servers import Servers
from tests.lab_past import lay
from tests.pages.conftest import RULE, Centre, standing

SIZE = {"width": 1366, "height": 768}
DONE_MS = 120_000  # of a run over two days, on a machine that others use too


@pytest.fixture(scope="module")
def centre(private_servers: Servers, database_template: str) -> Iterator[Centre]:
    """A centre with two days of boats that go in and out of the closed area."""
    with standing(private_servers, database_template, "pages_lab") as made:
        now = datetime.now(UTC)
        lay(made.engine, now - timedelta(days=2), now, 250, 90)
        yield made


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    expect.set_options(timeout=60_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=SIZE, locale="vi-VN")
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(error.message))
    made.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    yield made
    assert faults == [], faults
    context.close()


def opened(page: Page, centre: Centre, query: str = "", actor: str = "Lan") -> None:
    page.goto(f"{centre.url}/rules/lab{query}")
    expect(page.locator("#lab-actor")).to_be_visible()
    expect(page.locator(".lab-empty h2, .lab-head h2").first).to_be_visible()
    page.locator("#lab-actor").fill(actor)
    page.wait_for_timeout(300)  # until the fingers rest


def number(page: Page, side: str, name: str) -> Any:
    return page.locator(f"""[id='{{"name":"{name}","part":"lab-number","side":"{side}"}}']""")


def put(page: Page, side: str, name: str, text: str) -> None:
    number(page, side, name).fill(text)
    number(page, side, name).press("Tab")


def state(page: Page) -> Any:
    return page.locator(".lab-head strong")


@contextmanager
def standing_still(centre: Centre) -> Iterator[None]:
    """The process of the run rests halfway, so that it is not over before everything has been looked at."""
    end = time.monotonic() + DONE_MS / 1000
    while not 0.01 <= halfway(centre) < 1:
        assert time.monotonic() < end
        time.sleep(0.02)
    children = " ".join(each.read_text() for each in Path(f"/proc/{os.getpid()}/task").glob("*/children")).split()
    (run,) = [int(pid) for pid in children if b"\0lab\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(run, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(run, signal.SIGCONT)


def halfway(centre: Centre) -> float:
    """How far the newest run has come, of 1."""
    with centre.engine.connect() as connection:
        return float(connection.scalar(sa.text("SELECT progress FROM lab_run ORDER BY id DESC LIMIT 1")) or 0)


def in_force(centre: Centre) -> Rule:
    with centre.engine.connect() as connection:
        return next(one for one in rules(connection) if one.key == RULE.key)


def test_from_a_draft_to_a_rule_in_force(centre: Centre, page: Page) -> None:
    opened(page, centre, "?a=closed&b=closed")
    put(page, "a", "dwell_min", "1")
    put(page, "b", "dwell_min", "500,5")
    expect(page.locator(".lab-words").nth(1)).to_contain_text("8 giờ 20")
    version = in_force(centre).version
    page.locator("#lab-start").click()
    expect(page.locator("#lab-said")).to_have_text(re.compile(r"Đã bắt đầu lần thử \d+\."))
    expect(state(page)).to_have_text("Đang chạy")
    expect(page.locator("#lab-stop")).to_be_enabled()
    seen = page.locator(".lab-bar")
    with standing_still(centre):
        expect(seen).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d?$"))
    expect(state(page)).to_have_text("Đã xong", timeout=DONE_MS)
    expect(seen).to_have_attribute("aria-valuenow", "100")
    expect(page.locator("#lab-stop")).to_be_disabled()
    first, second = (
        int(text.replace(".", "")) for text in page.locator(".lab-draft .facts dd:first-of-type").all_inner_texts()
    )
    assert first > second == 0  # nobody stays for so long
    assert page.locator(".lab-day").count() in (2, 3)
    assert page.locator(".lab-day .lab-a").count() == page.locator(".lab-day .lab-b").count()
    expect(page.locator(".lab-agreement")).to_contain_text("Cả hai cùng báo: ")
    assert page.locator("path.lab-mark").count() > 0
    expect(page.locator(".lab-table").nth(1).locator("a").first).to_have_attribute(
        "href", re.compile(r"chosen=vessel\.574")
    )
    # The address tells it all to whom it is given.
    url = page.url
    assert "a.dwell_min=1" in url
    page.goto(url)
    expect(state(page)).to_have_text("Đã xong")
    expect(number(page, "b", "dwell_min")).to_have_value("500,5")
    page.get_by_role("button", name="Bật bản này").nth(1).click()
    expect(page.locator("#lab-said")).to_have_text(f"Đã bật, phiên bản {version + 1}.")
    kept = in_force(centre)
    assert (kept.version, kept.dwell_s, kept.enabled) == (version + 1, 30030, True)
    # What was tried is no draft of what counts now.
    page.get_by_role("button", name="Bật bản này").nth(0).click()
    expect(page.locator("#lab-said")).to_contain_text("try it once more")
    assert in_force(centre).version == version + 1


def test_a_run_is_stopped_and_keeps_what_it_found(centre: Centre, page: Page) -> None:
    opened(page, centre, "?a=closed&span=7d")
    page.locator("#lab-start").click()
    expect(page.locator("#lab-stop")).to_be_enabled(timeout=DONE_MS)
    with standing_still(centre):
        expect(page.locator(".lab-bar")).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d?$"))
        page.locator("#lab-stop").click()
        expect(page.locator("#lab-said")).to_have_text("Đang dừng…")
    expect(state(page)).to_have_text("Đã dừng theo yêu cầu; số liệu đến lúc dừng")
    expect(page.locator("#lab-stop")).to_be_disabled()
    expect(page.locator(".lab-draft")).to_be_visible()


def test_a_period_of_ones_own_and_one_without_a_fix(centre: Centre, page: Page) -> None:
    opened(page, centre, "?a=closed&span=own&from=2026-01-10T06:00&to=2026-01-10T18:00")
    expect(page.locator("#lab-from")).to_have_value("06:00 10/01/2026")
    expect(page.locator("#lab-span-said")).to_have_text("Dài 12 giờ.")
    page.locator("#lab-to").fill("05:00 10/01/2026")
    expect(page.locator("#lab-span-said")).to_have_text("Mốc sau phải muộn hơn mốc đầu.")
    page.locator("#lab-start").click()
    expect(page.locator("#lab-said")).to_have_text("Chưa làm được: Mốc sau phải muộn hơn mốc đầu.")
    page.locator("#lab-to").fill("07:30 10/01/2026")
    expect(page.locator("#lab-span-said")).to_have_text("Dài 1 giờ 30.")
    page.locator("#lab-start").click()
    expect(state(page)).to_have_text("Đã xong", timeout=DONE_MS)
    expect(page.locator(".lab-head .muted")).to_have_text("0 vị trí của 0 tàu, 06:00 10/01/2026 – 07:30 10/01/2026")
    expect(page.locator(".lab-result .empty")).to_have_text("Không có báo động nào.")
    expect(page).to_have_url(re.compile(re.escape("from=2026-01-10T06%3A00&to=2026-01-10T07%3A30")))


def test_what_went_wrong_is_said_in_words(centre: Centre, page: Page) -> None:
    now = datetime.now(UTC)
    ago = now - timedelta(minutes=1)
    with centre.engine.begin() as connection:
        dead, failed = (lab_run.ask(connection, [RULE], ago, now, Actor("Lan"), ago) for _ in range(2))
        lab_run.beat(connection, dead, 0.4, ago)
        lab_run.end(connection, failed, ago, "there is no fence 'closed'")
    opened(page, centre, f"?run={dead}", actor="")
    expect(state(page)).to_have_text("Đã dừng giữa chừng: tiến trình chạy thử không còn; hãy chạy lại")
    expect(page.locator(".lab-bar.interrupted")).to_have_attribute("aria-valuenow", "40")
    opened(page, centre, f"?run={failed}", actor="")
    expect(state(page)).to_have_text("Không chạy được: there is no fence 'closed'")
    page.locator("#lab-start").click()
    expect(page.locator("#lab-said")).to_have_text("Hãy ghi tên người thử.")
    page.locator("#lab-actor").fill("Lan")
    page.wait_for_timeout(300)
    page.locator("#lab-start").click()
    expect(page.locator("#lab-said")).to_have_text("Hãy chọn quy tắc cho bản nháp A.")
    page.goto(f"{centre.url}/rules/lab?run=999999")
    expect(page.locator(".lab-result .empty")).to_have_text("Không có lần thử 999999.")


def to(page: Page, target: str) -> None:
    """Go on with Tab until that has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("(target) => Boolean(document.activeElement.closest(target))", target):
            return
    raise AssertionError(f"Tab never comes to {target}")


def test_it_is_all_done_by_keyboard(centre: Centre, page: Page) -> None:
    opened(page, centre, "?span=own&from=2026-01-10T06:00&to=2026-01-10T18:00", actor="")
    page.locator("body").click(position={"x": 700, "y": 700})
    to(page, ".lab-side .picked")
    page.keyboard.press("Enter")
    expect(page.locator(".dash-dropdown-content")).to_be_visible()
    page.keyboard.type("cấm")
    options = page.locator(".dash-dropdown-content .dash-options-list-option")
    expect(options.filter(has_not_text="cấm")).to_have_count(0)  # the list follows the typing, a moment later
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".lab-side .picked").first).to_contain_text("khu vực cấm")
    expect(page.locator(".lab-words").first).to_contain_text("Báo động")
    to(page, ".lab-numbers input")
    page.keyboard.type("15")
    to(page, "#lab-actor")
    page.keyboard.type("Minh")
    page.wait_for_timeout(300)
    expect(page.locator(".lab-words").first).to_contain_text("15 phút")
    to(page, "#lab-start")
    page.keyboard.press("Enter")
    expect(state(page)).to_have_text("Đã xong", timeout=DONE_MS)
    to(page, ".lab-draft button")
    page.keyboard.press("Enter")
    expect(page.locator("#lab-said")).to_have_text(re.compile(r"Đã bật, phiên bản \d+\."))
    assert in_force(centre).dwell_s == 900


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(centre: Centre, browser: Browser, theme: str) -> None:
    context: BrowserContext = browser.new_context(viewport=SIZE, locale="vi-VN")
    page = context.new_page()
    with centre.engine.begin() as connection:
        last = lab_run.recent(connection, datetime.now(UTC), 1)
    opened(page, centre, f"?a=closed&b=closed&run={last[0]['id'] if last else ''}")
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
    page.wait_for_timeout(500)
    found = [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
        # Dash's list has a hidden field before its button that hands the focus on at once.
        and not all("dash-dropdown-focus-target" in node["html"] for node in one["nodes"])
    ]
    assert found == [], "\n".join(found)
    context.close()
