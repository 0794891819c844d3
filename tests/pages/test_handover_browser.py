"""The handover and the metrics in a real browser: a note, two signatures, the frozen record, the figures."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from geo.shift import ZONE
from tests.watch import Watch, afternoon

YESTERDAY = (datetime.now(UTC).astimezone(ZONE) - timedelta(days=1)).date()
SHIFT = f"{YESTERDAY.isoformat()}.2"
PATIENT_MS = 60_000


@pytest.fixture(scope="module")
def watched(centre: Any) -> Any:
    """The centre after an afternoon with one of everything."""
    watch = Watch(centre.engine, YESTERDAY.isoformat()).prepare()
    afternoon(watch)
    watch.raised("20:30", boat="574000666", object_label="<SVG/ONLOAD=A()>")
    return centre


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(error.message))
    made.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    made.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    made.set_default_timeout(PATIENT_MS)
    expect.set_options(timeout=PATIENT_MS)
    yield made
    expect.set_options(timeout=5_000)
    context.close()
    assert faults == []


def test_step_8_a_note_two_signatures_and_the_record_is_frozen(watched: Any, page: Page) -> None:
    page.goto(f"{watched.url}/handover?shift={SHIFT}")
    expect(page.locator("#handover-state")).to_contain_text("chưa ai ký giao")
    expect(page.locator(".shift-steps h2")).to_contain_text(f"Ca 2, {YESTERDAY:%d/%m/%Y}")
    expect(page.locator("#handover-body h3").first).to_contain_text("Còn mở trên bàn8")
    expect(page.locator("#handover-body")).to_contain_text("<SVG/ONLOAD=A()>")
    assert page.locator("#handover-body svg").count() == 0
    expect(page.locator(".spell").first).to_contain_text("AIS CAPE")
    expect(page.locator("#handover-take")).to_be_hidden()

    page.locator("#handover-give").click()
    expect(page.locator("#handover-said")).to_have_text("Hãy ghi tên rồi ký.")
    page.locator("#handover-note").fill("Canh tàu 6:\nchủ tàu hẹn gọi lại")
    page.reload()  # a note is not lost with the page
    expect(page.locator("#handover-note")).to_have_value("Canh tàu 6:\nchủ tàu hẹn gọi lại")
    expect(page.locator("#handover-give")).to_be_visible()
    page.locator("#giver").fill("Nguyễn Thị Lan")
    page.locator("#handover-give").click()
    expect(page.locator("#handover-said")).to_have_text("Nguyễn Thị Lan đã ký giao.")
    expect(page.locator(".note-signed")).to_contain_text("chủ tàu hẹn gọi lại")
    expect(page.locator("#handover-give")).to_be_hidden()

    page.locator("#taker").fill("nguyễn thị lan")
    page.locator("#handover-take").click()
    expect(page.locator("#handover-said")).to_contain_text("Người giao không được tự nhận")
    page.locator("#taker").fill("Trần Văn Minh")
    page.locator("#handover-take").click()
    expect(page.locator("#handover-state")).to_contain_text("không đổi được nữa")
    expect(page.locator(".signature b")).to_have_text(["Nguyễn Thị Lan", "Trần Văn Minh"])
    for hidden in ("#handover-give", "#handover-take", "#handover-amend", "#handover-note"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#handover-pdf")).to_have_attribute("href", re.compile(r"^/api/v1/handover/\d+\.pdf$"))
    expect(page.locator("#handover-earlier li", has_text="Nguyễn Thị Lan → Trần Văn Minh")).to_have_count(1)

    Watch(watched.engine, YESTERDAY.isoformat()).raised("21:30", boat="574000777")  # told too late for this record
    page.reload()
    expect(page.locator("#handover-state")).to_contain_text("không đổi được nữa")
    expect(page.locator("#handover-body h3").first).to_contain_text("Còn mở trên bàn8")


def test_shifts_and_screens_lead_to_each_other_and_keep_the_language(watched: Any, page: Page) -> None:
    page.goto(f"{watched.url}/handover?shift={SHIFT}&lang=en")
    expect(page.locator("#handover-body h3").first).to_contain_text("Open on the desk")
    page.get_by_role("link", name="Previous shift").click()
    expect(page.locator(".shift-steps h2")).to_contain_text(f"Shift 1, {YESTERDAY:%d/%m/%Y}")
    page.locator(".handover-head").get_by_role("link", name="Alarm metrics").click()
    expect(page.locator(".tile")).to_have_count(10)
    expect(page.locator(".tile").first).to_contain_text("Alarms an hour")
    page.locator(".handover-head").get_by_role("link", name="Shift handover").click()
    expect(page.locator("#handover-state")).to_contain_text("Draft of the running shift")


def test_the_metrics_say_figure_target_and_verdict(watched: Any, page: Page) -> None:
    page.goto(f"{watched.url}/alarms/metrics?days=7")
    expect(page.locator(".tile")).to_have_count(10)
    stale = page.locator(".tile", has_text="Báo động tồn quá 24 giờ")
    expect(stale).to_contain_text("nên < 5 [CFG]")
    assert page.locator(".bars .bar").count() >= 8 + 24
    expect(page.locator(".counts.top tbody tr")).to_have_count(10)
    assert page.locator(".counts.top svg").count() == 0
    page.locator(".counts.top a").first.click()
    expect(page).to_have_url(re.compile("chosen=vessel"))


def test_an_address_that_names_no_shift_says_so(watched: Any, page: Page) -> None:
    page.goto(f"{watched.url}/handover?shift=x")
    expect(page.locator(".screen-handover main")).to_contain_text("Không có ca trực nào mang tên này")
    page.get_by_role("link", name="Ca hiện tại").click()
    expect(page.locator("#handover-state")).to_contain_text("Bản nháp của ca đang trực")
