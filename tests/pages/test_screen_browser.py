"""The map screen in a real browser: the first steps of "the first ten minutes", two desks, accents, hostile names."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.pages.conftest import TWICE

SIZE = {"width": 1920, "height": 1080}


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Cards and lists are read from the server, and the machine may be busy with other tests."""
    expect.set_options(timeout=15_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport=SIZE, locale="vi-VN")
    yield made
    made.close()


def opened(context: BrowserContext, url: str) -> Page:
    """A page that has drawn its boats; whatever its scripts throw fails the test that asks for `faults`."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.message))
    page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.faults = faults  # type: ignore[attr-defined]
    page.goto(url)
    expect(page.locator("#live-mark")).to_have_class(re.compile("live"), timeout=20_000)
    expect(page.locator(".count").first).not_to_be_empty(timeout=20_000)
    return page


def query(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def find(page: Page, text: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(text)
    expect(page.locator("#search-list [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")


def chosen(page: Page, label: str) -> None:
    expect(page.locator("#card h2")).to_have_text(label)


def test_step_1_the_page_opens_on_hue_with_boats_counts_badge_and_feeds(centre: Any, context: BrowserContext) -> None:
    page = opened(context, centre.url)
    expect(page.locator(".centre")).to_have_text("Trung tâm điều hành Huế")
    middle = page.evaluate("(() => { const c = haidang.map.getCenter(); return [c.lat, c.lng]; })()")
    assert middle == pytest.approx([16.62, 107.95], abs=0.01)
    expect(page.locator('[data-layer-kinds^="vessel "] > .entry .count')).to_have_text("28")
    expect(page.locator('[data-kind-key="vessel.fishing"] .count')).to_have_text("27")
    expect(page.locator('[data-kind-key="vessel.cargo"] .count')).to_have_text("1")
    expect(page.locator("#badge")).to_have_text("DỮ LIỆU MÔ PHỎNG")
    expect(page.locator("#badge")).to_be_visible()
    expect(page.locator("#feed-ais-sim")).to_contain_text("AIS mô phỏng")
    expect(page.locator("#feed-ais-sim")).to_have_attribute("title", re.compile("checksum 3"))
    expect(page.locator("#clock")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    expect(page.locator("#shift")).to_have_text(re.compile(r"^Ca [123]$"))
    expect(page.locator(".zone.coast_line")).to_have_count(1)
    expect(page.locator(".zone-name span", has_text="tuyến bờ · sơ đồ tham khảo")).to_be_visible()
    expect(page.locator(".layer:has(#zone-count) .note")).to_have_text("sơ đồ tham khảo, không phải căn cứ pháp lý")
    assert page.evaluate("document.documentElement.lang") == "vi"
    assert page.faults == []  # type: ignore[attr-defined]


def test_step_2_search_flies_to_the_boat_with_card_and_trail_and_f_follows(
    centre: Any, context: BrowserContext
) -> None:
    page = opened(context, centre.url)
    find(page, "tth 91234")
    chosen(page, "TTH-91234-TS")
    expect(page.locator("#card")).to_contain_text("MMSI 574091234")
    expect(page.locator("#card")).to_contain_text("Đang đánh cá")
    expect(page.locator("#card")).to_contain_text("Vùng lộng (sơ đồ tham khảo)")
    expect(page.locator("#card")).to_contain_text("2,1 hl/giờ")
    expect(page.locator("path.trail").first).to_be_attached()
    expect(page.locator("path.trail-gap")).to_have_count(1)
    assert page.locator("path.trail").count() >= 4
    page.wait_for_function("haidang.map.distance(haidang.map.getCenter(), [16.72, 107.85]) < 300")
    page.keyboard.press("f")
    expect(page.locator("button[aria-keyshortcuts=F]")).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("new URLSearchParams(location.search).get('follow') === '1'")
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    expect(page.locator("path.trail")).to_have_count(0)


def test_step_2_the_address_follows_the_view_and_gives_it_back(centre: Any, context: BrowserContext) -> None:
    page = opened(context, centre.url)
    find(page, "574091234")
    chosen(page, "TTH-91234-TS")
    page.get_by_role("button", name="Tàu hàng").click()
    page.get_by_role("button", name="Vùng ven bờ · lộng · khơi").click()
    page.keyboard.press("l")
    page.wait_for_function("new URLSearchParams(location.search).get('labels') === '0'")
    page.wait_for_function("haidang.map.distance(haidang.map.getCenter(), [16.72, 107.85]) < 300")
    page.wait_for_function(
        "Math.abs(new URLSearchParams(location.search).get('lat') - haidang.map.getCenter().lat) < 1e-4"
    )
    asked = query(page)
    assert (asked["off"], asked["chosen"], asked["labels"]) == ("vessel.cargo,zone", "vessel.574091234", "0")
    other = opened(context, page.url.replace("chosen=vessel", "CHOSEN=VESSEL"))
    chosen(other, "TTH-91234-TS")
    expect(other.get_by_role("button", name="Tàu hàng")).to_have_attribute("aria-pressed", "false")
    expect(other.locator(".zone.coast_line")).to_be_hidden()
    other.wait_for_function(f"Math.abs(haidang.map.getCenter().lat - {asked['lat']}) < 1e-4")
    other.wait_for_function("new URLSearchParams(location.search).get('chosen') === 'vessel.574091234'")
    assert query(other) == asked


@pytest.mark.parametrize("text", ["tth91234", "TTH.91234", "TTH-91234-TS", "574091234"])
def test_a_registration_is_found_in_any_spelling(centre: Any, context: BrowserContext, text: str) -> None:
    page = opened(context, centre.url)
    find(page, text)
    chosen(page, "TTH-91234-TS")


def test_accents_are_kept_and_not_asked_for(centre: Any, context: BrowserContext) -> None:
    page = opened(context, centre.url)
    find(page, "hai nam")
    chosen(page, "HẢI NAM 39")
    find(page, "BĐ96986")
    chosen(page, "BĐ 96986 TS")
    assert page.evaluate("document.fonts.check('13px \"Be Vietnam Pro\"', 'ẢĐỘNG')")
    find(page, "da nang")
    page.wait_for_function("haidang.map.distance(haidang.map.getCenter(), [16.06, 108.2]) < 20000")
    find(page, "16°34'12\"N 107°38'24\"E")
    page.wait_for_function("haidang.map.distance(haidang.map.getCenter(), [16.57, 107.64]) < 100")


def test_an_alarm_acknowledged_in_one_browser_is_seen_in_the_other(centre: Any, browser: Browser) -> None:
    first, second = (browser.new_context(viewport=SIZE) for _ in range(2))
    one, two = opened(first, centre.url), opened(second, f"{centre.url}/?lang=en&theme=light")
    number = centre.raise_alarm(574091234, "TTH-91234-TS")
    mine, theirs = one.locator(f"[data-alarm-row='{number}']"), two.locator(f"[data-alarm-row='{number}']")
    expect(mine).to_have_class(re.compile("unacknowledged"))
    expect(mine).to_contain_text("Vào khu vực cấm")
    expect(theirs).to_contain_text("In a closed area")
    mine.locator("button").click()
    chosen(one, "TTH-91234-TS")
    expect(one.locator("#card-alarms")).to_contain_text("không được vào")
    one.locator("#ack").click()
    expect(one.locator("#deed-words")).to_have_text("Hãy ghi tên cán bộ trực ban trước.")
    expect(one.locator("#actor")).to_be_focused()
    expect(mine).to_have_class(re.compile("unacknowledged"))
    one.locator("#actor").fill("Nguyễn Thị Hồng")
    one.locator("#deed-comment").fill("đã gọi chủ tàu")
    one.locator("#ack").click()
    expect(one.locator("#deed-words")).to_contain_text("Đã xác nhận lúc ")
    expect(mine).to_have_class(re.compile(r"\backnowledged"))
    expect(theirs).to_contain_text("acknowledged by Nguyễn Thị Hồng")
    expect(one.locator("#card-alarms")).to_contain_text("đã gọi chủ tàu")
    expect(one.locator("#ack")).to_have_attribute("aria-disabled", "true")
    one.reload()
    expect(one.locator("#actor")).to_have_value("Nguyễn Thị Hồng")
    first.close()
    second.close()


def test_promise_15_a_hostile_name_stays_text(centre: Any, context: BrowserContext) -> None:
    page = opened(context, centre.url)
    centre.raise_alarm(574000666, "<img src=x onerror=alert(1)>")
    expect(page.locator("#desk")).to_contain_text("<img src=x onerror=alert(1)>")
    find(page, "574000666")
    chosen(page, "<SVG/ONLOAD=A()>")
    page.locator("#rows-panel summary").click()
    expect(page.locator("#rows-list")).to_contain_text("<SVG/ONLOAD=A()>")
    assert page.locator("#desk img, #card svg, #rows-list svg, #search-list svg").count() == 0
    assert page.faults == []  # type: ignore[attr-defined]


def test_the_list_of_vessels_is_worked_by_keyboard_and_stands_still_while_read(
    centre: Any, context: BrowserContext
) -> None:
    page = opened(context, centre.url)
    page.locator("#rows-panel summary").press("Enter")
    expect(page.locator("#rows-list [role=option]").first).to_be_visible()
    page.locator("#rows-list").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    second = page.locator("#rows-list [role=option]").nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    chosen(page, second.locator(".col-label").inner_text())
    expect(page.locator("#rows-held")).to_be_visible()
    page.get_by_role("button", name="Tên").click()
    names = page.locator("#rows-list .col-label").all_inner_texts()
    assert names == sorted(names, key=lambda name: page.evaluate("(n) => n", name)) or len(set(names)) == len(names)


def test_ages_and_numbers_are_told_alike_by_server_and_browser(centre: Any, context: BrowserContext) -> None:
    from pages.text import Text

    seconds = [0, 59.9, 60, 3599, 3600, 4321, 7560, 86399, 86400, 200000]
    for lang in ("vi", "en"):
        page = opened(context, f"{centre.url}/?lang={lang}")
        t = Text(lang)
        page.wait_for_function(f"haidang.t('{{n}} phút', {{n: 1}}) === '{t('{n} phút', n=1)}'")
        assert page.evaluate("(all) => all.map(haidang.age)", seconds) == [t.age(each) for each in seconds]
        numbers = [0, 2.13, 1234.5, 1234567]
        assert page.evaluate("(all) => all.map((n) => haidang.number(n, 1))", numbers) == [
            t.number(n, 1) for n in numbers
        ]
        page.close()


def test_a_lost_connection_is_said_and_looks_frozen(centre: Any, context: BrowserContext) -> None:
    page = opened(context, centre.url)
    page.evaluate(
        "dash_clientside.set_props('connection',"
        " {data: {state: 'stale', since_ms: Date.now() - 72000, server_ms: Date.now()}})"
    )
    expect(page.locator("#banner")).to_contain_text("Không có dữ liệu mới")
    expect(page.locator("#banner time")).to_have_text("1 phút")
    expect(page.locator("#live-mark")).to_have_text("DỮ LIỆU CŨ")
    assert "grayscale" in page.locator("#map").evaluate("(map) => getComputedStyle(map).filter")


def test_help_opens_by_key_and_an_unknown_address_leads_back(centre: Any, context: BrowserContext) -> None:
    page = opened(context, centre.url)
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.goto(f"{centre.url}/khong-co-trang-nay")
    expect(page.locator(".missing")).to_contain_text("Không có trang này")
    page.get_by_role("link", name="Về bản đồ").click()
    expect(page.locator("#map")).to_be_visible()


def test_fact_18_the_card_says_that_two_boats_share_a_number(centre: Any, context: BrowserContext) -> None:
    page = opened(context, centre.url)
    find(page, "bd 96986")
    chosen(page, "BĐ 96986 TS")
    notes = page.locator(".card-notes li")
    expect(notes).to_have_count(1)
    expect(notes).to_contain_text("Hai tàu cùng một MMSI")
    expect(notes).to_contain_text("118 lần, từ ")
    expect(notes.locator("time")).to_have_text(re.compile(r"^\d+ phút$"))  # three, and what came since
    expect(page.locator(".alarm", has_text="BĐ 96986")).to_have_count(0)  # a mark, no alarm
    # Both boats' trails, south to north a degree apart: no line of either spans it.
    expect(page.locator("path.trail").first).to_be_attached()
    spans = page.evaluate(
        "() => { const found = []; haidang.map.eachLayer((line) => {"
        " if (!/^trail/.test(line.options?.className)) return;"
        " for (const run of line.getLatLngs()) { const lats = run.map((p) => p.lat);"
        " found.push([Math.min(...lats), Math.max(...lats)]); } }); return found; }"
    )
    assert min(low for low, _ in spans) < 15.6 < 16.5 < max(high for _, high in spans)
    assert all(high - low < 0.2 for low, high in spans)
    assert page.faults == []  # type: ignore[attr-defined]


def test_the_list_notes_the_odd_one_and_english_has_words_for_it(centre: Any, context: BrowserContext) -> None:
    page = opened(context, f"{centre.url}/?lang=en&chosen=vessel.{TWICE}")
    expect(page.locator(".card-notes")).to_contain_text("Two vessels under one MMSI")
    page.locator("#rows-panel summary").click()
    noted = page.locator(".row", has=page.locator(".icon-note"))
    expect(noted).to_have_count(1)
    expect(noted).to_contain_text("BĐ 96986 TS")
    expect(noted.locator(".icon-note")).to_have_attribute("aria-label", "Something is odd")


def test_promise_04_a_database_that_is_away_is_said_across_the_map_until_it_is_back(
    centre: Any, context: BrowserContext, private_servers: Any
) -> None:
    page, name = opened(context, centre.url), centre.engine.url.database
    banner = page.locator("#banner")
    expect(banner).to_be_hidden()
    with private_servers.postgres.connect() as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        try:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            expect(banner).to_contain_text("Cơ sở dữ liệu không trả lời", timeout=5_000)
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    expect(banner).to_be_hidden(timeout=15_000)
