"""The alarm desk `/alarms` in a real browser: order, freezing, every deed by keyboard, sound and mute, CSV, axe."""

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.pages.conftest import Centre

# Counts each tone that the page plays, by its frequency.
LISTEN = """
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  window.tones.push(this.frequency.value);
  return start.apply(this, when);
};
"""
BOATS = {574090000 + n: f"TTH-9{n:04d}-TS" for n in range(24)}
FIRST, SECOND, THIRD = list(BOATS)[:3]
LAN = "Trần Thị Lan"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN", accept_downloads=True)
    made.add_init_script(LISTEN)
    yield made
    made.close()


def opened(context: BrowserContext, url: str, rows: int | None = None) -> Page:
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.message))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.faults = faults  # type: ignore[attr-defined]
    page.goto(url)
    expect(page.locator("#desk-title")).to_contain_text(re.compile(r"\d"), timeout=20_000)
    if rows is not None:
        expect(page.locator("#desk .alarm")).to_have_count(rows, timeout=20_000)
    return page


def ids(page: Page) -> list[int]:
    return [int(row.get_attribute("data-alarm-row") or 0) for row in page.locator("#desk .alarm").all()]


def keys(page: Page, *names: str) -> None:
    for name in names:
        page.keyboard.press(name)


def asked(page: Page, path: str) -> Any:
    return page.evaluate("path => fetch(path).then(answer => answer.json())", path)


def transitions(page: Page, number: int) -> list[str]:
    return [line["transition"] for line in asked(page, f"/api/v1/alarms/{number}")["journal"]]


def said(page: Page, words: str) -> None:
    expect(page.locator("#deed-words")).to_contain_text(words, timeout=20_000)


def test_emergency_first_then_what_waits_then_what_has_passed_then_what_is_taken(
    own_centre: Centre, context: BrowserContext
) -> None:
    taken = own_centre.raise_alarm(FIRST, BOATS[FIRST])
    passed = own_centre.raise_alarm(SECOND, BOATS[SECOND])
    own_centre.clear_alarm(SECOND)
    waits = own_centre.raise_alarm(THIRD, BOATS[THIRD])
    sart = own_centre.raise_alarm(970_000_001, "SART 970000001", "distress")
    page = opened(context, f"{own_centre.url}/alarms", 4)
    page.evaluate(
        "id => fetch(`/api/v1/alarms/${id}/acknowledge`, "
        "{method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({actor: 'Lan'})})",
        taken,
    )
    expect(page.locator(f"[data-alarm-row='{taken}']")).to_have_class(re.compile(r"\backnowledged"), timeout=10_000)
    assert ids(page) == [sart, waits, passed, taken]
    expect(page.locator("#desk-title")).to_have_text("Báo động · 3 chưa xác nhận")
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_list_that_is_read_stands_still_and_only_what_is_urgent_comes_in(
    own_centre: Centre, context: BrowserContext
) -> None:
    first = own_centre.raise_alarm(FIRST, BOATS[FIRST])
    second = own_centre.raise_alarm(SECOND, BOATS[SECOND])
    page = opened(context, f"{own_centre.url}/alarms", 2)
    before = ids(page)
    keys(page, "j")
    expect(page.locator("#desk .alarm-row").first).to_be_focused()
    own_centre.raise_alarm(THIRD, BOATS[THIRD])
    own_centre.clear_alarm(FIRST)
    expect(page.locator("#desk-waiting")).to_contain_text("đang chờ · Esc", timeout=10_000)
    assert ids(page) == before
    # What became of a row is told in its place.
    expect(page.locator(f"[data-alarm-row='{first}']")).to_have_class(re.compile("returned"))
    sart = own_centre.raise_alarm(970_000_001, "SART 970000001", "distress")
    expect(page.locator("#desk .alarm").first).to_have_attribute("data-alarm-row", str(sart), timeout=10_000)
    assert ids(page) == [sart, *before]
    keys(page, "Escape")
    expect(page.locator("#desk .alarm")).to_have_count(4)
    expect(page.locator("#desk-waiting")).to_be_hidden()
    assert ids(page)[0] == sart
    assert ids(page)[-1] == first  # it has passed, the others wait
    assert second in ids(page)


def test_everything_is_done_by_keyboard_alone(own_centre: Centre, context: BrowserContext) -> None:
    number = own_centre.raise_alarm(FIRST, BOATS[FIRST])
    other = own_centre.raise_alarm(SECOND, BOATS[SECOND])
    sart = own_centre.raise_alarm(970_000_001, "SART 970000001", "distress")
    page = opened(context, f"{own_centre.url}/alarms", 3)
    keys(page, "j")
    expect(page.locator(f"#alarm-{sart}")).to_be_focused()
    # A distress is not put aside.
    keys(page, "s")
    said(page, "không được tạm hoãn")
    keys(page, "j", "j")
    expect(page.locator(f"#alarm-{number}")).to_be_focused()
    # Acknowledge: without a name it is not done, and the name is asked for.
    keys(page, "a")
    expect(page.locator("#deed-comment")).to_be_focused()
    page.keyboard.type("đã gọi chủ tàu")
    keys(page, "Enter")
    expect(page.locator("#actor")).to_be_focused(timeout=10_000)
    page.keyboard.type(LAN)
    page.locator("#deed-comment").focus()
    keys(page, "Enter")
    said(page, "Đã xác nhận")
    expect(page.locator(f"[data-alarm-row='{number}']")).to_have_class(re.compile(r"\backnowledged"))
    expect(page.locator(f"#alarm-{number}")).to_be_focused()  # back where the operator was
    # Assign.
    keys(page, "g")
    expect(page.locator("#deed-unit")).to_be_focused()
    keys(page, "ArrowDown", "Tab")
    page.keyboard.type("Hùng")
    keys(page, "Enter")
    said(page, "giao")
    expect(page.locator(f"[data-alarm-row='{number}'] .col-unit")).to_contain_text("(Hùng)", timeout=10_000)
    # A remark, and passing it on.
    keys(page, "n")
    page.keyboard.type("tàu đã đổi hướng")
    keys(page, "Enter")
    said(page, "Đã ghi")
    keys(page, "e")
    page.keyboard.type("không liên lạc được")
    keys(page, "Enter")
    expect(page.locator(f"[data-alarm-row='{number}']")).to_contain_text("chuyển cấp trên, lần 1", timeout=10_000)
    # Put the other aside: not without a reason; it comes back by its button.
    keys(page, "Escape", "k")
    expect(page.locator(f"#alarm-{other}")).to_be_focused()
    keys(page, "s", "Enter")
    said(page, "lý do")
    page.keyboard.type("tàu neo chờ sửa máy")
    keys(page, "Enter")
    expect(page.locator("#desk-shelf")).to_contain_text("Tạm hoãn: 1", timeout=10_000)
    page.locator("#shelf-open").focus()
    keys(page, "Enter")
    expect(page.locator("#shelf-list")).to_contain_text("tàu neo chờ sửa máy")
    keys(page, "Tab", "Enter")
    expect(page.locator(f"[data-alarm-row='{other}']")).to_be_visible(timeout=10_000)
    # Take back what was wrong.
    page.locator(f"#alarm-{other}").focus()
    keys(page, "w")
    page.keyboard.type("sai vị trí")
    keys(page, "Enter")
    expect(page.locator("#desk .alarm:not(.gone)")).to_have_count(2, timeout=10_000)
    found = transitions(page, number)
    assert sorted(set(found)) == sorted({"raise", "acknowledge", "assign", "comment", "escalate"})
    assert set(transitions(page, other)) >= {"raise", "shelve", "unshelve", "withdraw"}
    actors = {line["actor"] for line in asked(page, f"/api/v1/alarms/{number}")["journal"][1:]}
    assert actors == {LAN}
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_tone_by_severity_and_a_mute_that_is_seen_named_and_ends_by_itself(
    own_centre: Centre, context: BrowserContext
) -> None:
    own_centre.raise_alarm(FIRST, BOATS[FIRST])
    context.add_init_script("window.ahead = 0; const now = Date.now; Date.now = () => now() + window.ahead;")
    page = opened(context, f"{own_centre.url}/alarms", 1)
    mute = page.locator("#mute")
    expect(mute).to_have_attribute("data-sound", "locked", timeout=10_000)  # a browser gives sound after a first press
    keys(page, "j")
    expect(mute).to_have_attribute("data-sound", "on", timeout=10_000)
    assert page.evaluate("tones") == []  # what stood there before the page was opened makes no noise
    own_centre.raise_alarm(SECOND, BOATS[SECOND])
    page.wait_for_function("tones.length === 2 && tones.every(tone => tone === 660)", timeout=10_000)
    expect(page.locator("#desk-said")).to_contain_text(BOATS[SECOND])
    # Not without a name; then it counts down, and silences.
    keys(page, "m")
    expect(page.locator("#actor")).to_be_focused(timeout=10_000)
    page.keyboard.type(LAN)
    page.locator("#desk .alarm-row").first.focus()
    keys(page, "m")
    expect(mute).to_have_attribute("data-sound", "muted", timeout=10_000)
    expect(page.locator("#mute-words")).to_have_text(re.compile(r"Tắt tiếng 4:\d\d"))
    third = own_centre.raise_alarm(THIRD, BOATS[THIRD])
    expect(page.locator("#desk-said")).to_contain_text(BOATS[THIRD], timeout=10_000)
    assert page.evaluate("tones.length") == 2
    # Silencing is no acknowledgement, and it is in the journal.
    assert asked(page, f"/api/v1/alarms/{third}")["acknowledged_at"] is None
    with own_centre.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT actor FROM alarm_journal WHERE transition = 'mute'").all()
    assert [row.actor for row in rows] == [LAN]
    page.evaluate("window.ahead = 305_000")
    expect(mute).to_have_attribute("data-sound", "on", timeout=10_000)
    own_centre.raise_alarm(970_000_001, "SART 970000001", "distress")
    page.wait_for_function("tones.length === 7 && tones.slice(2).includes(880)", timeout=10_000)


def test_filters_narrow_what_is_shown_and_the_table_that_is_taken_home(
    own_centre: Centre, context: BrowserContext
) -> None:
    formula = own_centre.raise_alarm(FIRST, "=cmd|' /C calc'!A0")
    own_centre.raise_alarm(970_000_001, "SART 970000001", "distress")
    own_centre.raise_alarm(972_000_001, "MOB 972000001", "distress_test")
    page = opened(context, f"{own_centre.url}/alarms", 3)
    page.locator("[data-desk-part=severity][data-desk-name=high]").click()
    expect(page.locator("#desk .alarm")).to_have_count(2, timeout=10_000)  # and the emergency, which is never hidden
    expect(page.locator("#desk-left-out")).to_have_text("Bộ lọc đang ẩn 1 dòng")
    expect(page).to_have_url(re.compile(re.escape("severity=high")))
    with page.expect_download() as saving:
        page.locator("#desk-csv").click()
    with open(saving.value.path(), encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(io.StringIO(file.read())))
    assert [row["object_label"] for row in rows] == ["SART 970000001", "'=cmd|' /C calc'!A0"]
    assert rows[1]["id"] == str(formula)
    page.locator("#desk-all").click()
    expect(page.locator("#desk .alarm")).to_have_count(3, timeout=10_000)
    page.get_by_role("button", name="Đối tượng").click()
    expect(page.locator("#desk .alarm").nth(1)).to_contain_text("=cmd", timeout=10_000)  # below the emergency


def test_only_what_is_in_view_and_never_without_the_emergency(own_centre: Centre, context: BrowserContext) -> None:
    own_centre.raise_alarm(FIRST, BOATS[FIRST])
    away = own_centre.raise_alarm(SECOND, BOATS[SECOND], lon=111.0)
    page = opened(context, own_centre.url, 2)
    page.locator("[data-desk-part=inview]").click()
    expect(page.locator("#desk .alarm")).to_have_count(1, timeout=10_000)
    sart = own_centre.raise_alarm(970_000_001, "SART 970000001", "distress", lon=111.0)
    expect(page.locator(f"[data-alarm-row='{sart}']")).to_be_visible(timeout=10_000)
    page.evaluate("haidang.map.setView([16.72, 111.0], 10, {animate: false})")
    expect(page.locator(f"[data-alarm-row='{away}']")).to_be_visible(timeout=10_000)
    expect(page.locator("#desk .alarm")).to_have_count(2)


def test_a_flood_is_one_line_that_opens_page_by_page(own_centre: Centre, context: BrowserContext) -> None:
    for number in range(40):
        own_centre.raise_alarm(574_100_000 + number, f"QNg-9{number:04d}-TS")
    page = opened(context, f"{own_centre.url}/alarms")
    flood = page.locator("#desk .flood")
    expect(flood).to_have_count(1, timeout=10_000)
    expect(page.locator("#desk-flood")).to_contain_text("Dồn dập")
    standing = page.locator("#desk .alarm").count()
    assert standing <= 10
    held = 40 - (standing - 1)
    expect(flood).to_contain_text(f"{held} báo động")
    flood.locator(".alarm-row").focus()
    keys(page, "Enter")
    expect(page.locator("#desk .inner")).to_have_count(20, timeout=10_000)
    page.get_by_role("button", name="Sau").click()
    expect(page.locator("#desk .inner")).to_have_count(held - 20, timeout=10_000)
    # One of it is taken by itself; there is no way to take all.
    page.locator("#actor").fill(LAN)
    inner = page.locator("#desk .inner .alarm-row").first
    inner.focus()
    keys(page, "a", "Enter")
    said(page, "Đã xác nhận")
    expect(flood).to_contain_text(f"{held - 1} chưa xác nhận", timeout=10_000)


@pytest.mark.parametrize("path", ["/alarms", "/"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(own_centre: Centre, context: BrowserContext, path: str, theme: str) -> None:
    for number in range(12):
        own_centre.raise_alarm(574_100_000 + number, f"QNg-9{number:04d}-TS")
    own_centre.raise_alarm(970_000_001, "SART 970000001", "distress")
    own_centre.clear_alarm(574_100_000)
    page = opened(context, f"{own_centre.url}{path}?theme={theme}")
    keys(page, "j", "a")  # with the form open
    expect(page.locator("#doing")).to_be_visible()
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    told = [(one["id"], one["help"], [node["html"][:160] for node in one["nodes"]]) for one in serious]
    assert serious == [], json.dumps(told, ensure_ascii=False, indent=1)


def test_promise_04_without_its_database_the_desk_says_so_and_keeps_what_it_showed(
    own_centre: Centre, context: BrowserContext, private_servers: Any
) -> None:
    number = own_centre.raise_alarm(FIRST, BOATS[FIRST])
    page = opened(context, f"{own_centre.url}/alarms", 1)
    page.locator("#actor").fill(LAN)
    name = own_centre.engine.url.database
    with private_servers.postgres.connect() as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            expect(page.locator("#banner")).to_contain_text("Cơ sở dữ liệu không trả lời", timeout=8_000)
            page.locator(f"#alarm-{number}").focus()
            keys(page, "a", "Enter")
            said(page, "CHƯA")  # nothing is done by halves
            expect(page.locator(f"[data-alarm-row='{number}']")).to_have_class(re.compile("unacknowledged"))
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    expect(page.locator("#banner")).to_be_hidden(timeout=15_000)
    page.locator(f"#alarm-{number}").focus()
    keys(page, "a", "Enter")
    said(page, "Đã xác nhận")
