"""The screen `/warnings` and warnings on the map in a real browser: from a drawn area to the end, two people, axe."""

import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import shapely
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import Connection

from geo.actor import Actor
from geo.warning_content import Content, Words
from geo.warning_deed import Issuer, approve, draft, issue
from tests.pages.conftest import Centre

LAN, HOA = Actor("Lan"), Actor("Hoa")
ISSUER = Issuer("haidang.example", {"vi": "Trung tâm"})
ASKED = "**/api/v1/warnings**"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    expect.set_options(timeout=20_000)
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    context.add_init_script("localStorage.setItem('haidang-actor', localStorage.getItem('haidang-actor') || 'Lan')")
    yield context
    context.close()
    expect.set_options(timeout=5_000)


def opened(context: BrowserContext, url: str, path: str = "/warnings") -> Page:
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.stack or error.message))
    page.faults = faults  # type: ignore[attr-defined]
    page.goto(f"{url}{path}")
    return page


def feed(url: str) -> str:
    with urllib.request.urlopen(f"{url}/cap/feed.atom") as answer:
        return str(answer.read().decode())


def put(connection: Connection, box: tuple[float, float, float, float], seconds: float = 3600, **more: str) -> int:
    """A warning of an exercise in force over a box of degrees."""
    now = datetime.now(UTC)
    content = Content(
        hazard=more.get("hazard", "storm"), status="Exercise", urgency="Expected", severity="Severe",
        certainty="Likely", words={"vi": Words(more.get("headline", "Bão diễn tập")), "en": Words("Storm exercise")},
        area_words="Biển Huế", geom=shapely.MultiPolygon([shapely.box(*box)]),
        expires_at=now + timedelta(seconds=seconds), risk_level=4,
    )  # fmt: skip
    made = draft(connection, content, LAN, now, simulated=True)
    approve(connection, made, 1, HOA, now)
    issue(connection, made, 2, LAN, now, ISSUER)
    return made


def press(page: Page, *places: tuple[float, float]) -> None:
    """On the map, at shares of its width and height; not so fast that two presses are a double one."""
    box = page.locator("#warnings-map").bounding_box()
    assert box is not None
    for x, y in places:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.wait_for_timeout(400)


def inside(page: Page, key: str) -> int:
    text = page.locator(f'.warning-inside [data-inside="{key}"] b').inner_text()
    return int(text.replace(".", ""))


def test_step_6_an_area_is_drawn_issued_as_an_exercise_and_cancelled_on_every_screen(
    own_centre: Centre, context: BrowserContext
) -> None:
    with own_centre.engine.begin() as connection:
        connection.execute(sa.text(
            "INSERT INTO camera (id, name, geom, observed_at, received_at, source, simulated) VALUES ('HUE-CAM-001',"
            " 'Cầu Trường Tiền', ST_SetSRID(ST_MakePoint(107.9, 16.65), 4326), now(), now(), 't', true)"))  # fmt: skip
    page, other = opened(context, own_centre.url), opened(context, own_centre.url, "/?lat=16.62&lon=107.95&z=10")
    expect(page.locator("#warnings-list")).to_contain_text("Không có cảnh báo nào đang có hiệu lực")
    page.locator("#warnings-actor").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator("#warnings-frame")).to_have_text("DIỄN TẬP · MÔ PHỎNG · KHÔNG PHẢI CẢNH BÁO THẬT")
    expect(page.locator("input[name=write-status][value=Actual]")).to_be_disabled()
    # What lies there is not known yet: it cannot be saved.
    expect(page.locator("#write-save")).to_have_attribute("aria-disabled", "true")
    page.locator("#write-draw").click()
    expect(page.locator("#warnings-map .leaflet-control-zoom-in")).to_be_visible()
    press(page, (0.1, 0.2), (0.9, 0.1), (0.9, 0.85), (0.1, 0.85))
    page.keyboard.press("Enter")
    told = page.locator("#write-inside")
    expect(told).to_contain_text("Trong vùng có gì")
    assert inside(page, "commune") > 0
    assert inside(page, "boats") > 3
    assert inside(page, "camera") == 1
    expect(page.locator("#write-save")).to_have_attribute("aria-disabled", "false")
    page.locator("input[name=write-level][value='3']").check()
    page.locator("#write-expires").fill("mai")
    page.locator("#write-save").click()
    expect(page.locator("#wrong-expires_at")).to_have_text("Ghi giờ như 18:00 29/11/2026.")
    expect(page.locator("#write-expires")).to_be_focused()
    page.locator('[data-write-hours="6"]').click()
    page.locator("#write-vi-headline").fill("Lũ trên sông Hương")
    page.locator("#write-area-words").fill("Hạ lưu sông Hương")
    expect(page.locator("#write-save")).to_have_attribute("aria-disabled", "false")
    page.locator("#write-save").click()
    expect(page.locator("#warnings-one h2")).to_have_text("Lũ trên sông Hương")
    expect(page.locator("#warnings-list")).to_contain_text("Chờ duyệt")
    # Who wrote it cannot approve it.
    page.locator("#warning-do-approve").click()
    expect(page.locator("#warning-said")).to_contain_text("Người soạn không được tự duyệt")
    page.locator("#warnings-actor").fill("Hoa")
    page.locator("#warning-do-approve").click()
    expect(page.locator("#warnings-list")).to_contain_text("Đã duyệt, chờ phát")
    assert "Lũ trên sông Hương" not in feed(own_centre.url)
    page.locator("#warning-do-issue").dblclick()  # a double press is no second thought
    expect(page.locator("#warning-said")).to_have_text("Bấm lần nữa để phát")
    page.wait_for_timeout(900)
    page.locator("#warning-do-issue").click()
    expect(page.locator("#warnings-list")).to_contain_text("Đang có hiệu lực")
    told_outside = feed(own_centre.url)
    assert "[DIỄN TẬP] [MÔ PHỎNG] Lũ trên sông Hương" in told_outside
    name = other.locator(".warning-name")
    expect(name).to_have_text("DIỄN TẬP · MÔ PHỎNG · Cấp 3 · Lũ")
    expect(other.locator("path.warning-area.exercise")).to_have_count(1)
    assert other.locator("path.warning-area").get_attribute("stroke") == "#F39C1F"
    expect(other.locator("#warning-count")).to_have_text("1")
    name.click()
    card = other.locator(".warning-card")
    for words in ("Cấp 3 · da cam", "DIỄN TẬP", "Lũ trên sông Hương", "đến ", "của trung tâm"):
        expect(card).to_contain_text(words)
    expect(card.locator("a")).to_have_attribute("href", re.compile(r"^/warnings\?id=\d+$"))
    page.locator("#warning-do-cancel").click()
    expect(page.locator("#warning-said")).to_have_text("Ghi lý do trước.")
    page.locator("#warning-note").fill("Hết diễn tập")
    page.locator("#warning-do-cancel").click()
    page.wait_for_timeout(900)
    page.locator("#warning-do-cancel").click()
    expect(page.locator("#warnings-one .facts")).to_contain_text("Đã hủy")
    expect(page.locator("#warnings-one .case-log")).to_contain_text("Hết diễn tập")
    expect(other.locator(".warning-name")).to_have_count(0)
    expect(other.locator("path.warning-area")).to_have_count(0)
    expect(other.locator("#warning-entry")).to_be_hidden()
    expect(page.locator("path.warning-area")).to_have_count(0)
    ended = feed(own_centre.url)
    assert "[HỦY] Lũ trên sông Hương" in ended
    assert re.search(r"<title>\[DIỄN TẬP\] \[MÔ PHỎNG\] Lũ trên", ended) is None
    assert page.faults + other.faults == []  # type: ignore[attr-defined]


def test_a_warning_that_runs_out_leaves_the_map_by_itself_though_nobody_answers(
    own_centre: Centre, context: BrowserContext
) -> None:
    page = opened(context, own_centre.url, "/?lat=16.62&lon=107.95&z=10")
    expect(page.locator("#map .leaflet-marker-pane")).to_have_count(1)
    with own_centre.engine.begin() as connection:
        put(connection, (107.8, 16.5, 108.1, 16.8), seconds=12)
    expect(page.locator("path.warning-area")).to_have_count(1)
    page.locator(".warning-name").click()
    expect(page.locator(".warning-card")).to_be_visible()
    page.route(ASKED, lambda route: route.abort())
    expect(page.locator("path.warning-area")).to_have_count(0, timeout=20_000)
    expect(page.locator(".warning-card")).to_have_count(0)
    expect(page.locator("#warning-entry")).to_be_hidden()


def test_the_legend_hides_warnings_and_the_address_keeps_it(own_centre: Centre, context: BrowserContext) -> None:
    with own_centre.engine.begin() as connection:
        put(connection, (107.8, 16.5, 108.1, 16.8))
    page = opened(context, own_centre.url, "/?lat=16.62&lon=107.95&z=10")
    expect(page.locator("path.warning-area")).to_be_visible()
    # A boat inside is still to be pressed: only the outline takes a press.
    assert page.locator("path.warning-area").evaluate("one => getComputedStyle(one).pointerEvents") == "visiblestroke"
    page.evaluate("document.querySelector('#warning-entry .toggle').click()")
    expect(page.locator("path.warning-area")).to_be_hidden()
    expect(page.locator(".warning-name")).to_be_hidden()
    page.wait_for_url("**off=warning**")


def test_of_two_hazards_at_once_the_form_tells_and_the_journal_keeps_the_raise(
    own_centre: Centre, context: BrowserContext
) -> None:
    with own_centre.engine.begin() as connection:
        storm = put(connection, (107.8, 16.5, 108.1, 16.8), headline="Bão số 12")
    page = opened(context, own_centre.url)
    page.locator("#warnings-new").click()
    page.locator("summary", has_text="Gõ tọa độ").click()
    page.locator("#write-points").fill("16,55 107,85\n16,55\n16,7 108")
    expect(page.locator("#wrong-area")).to_contain_text("Dòng 2")
    page.locator("#write-points").fill("16,55 107,85\n16,55 108\n16.7 108")
    expect(page.locator("#write-raise")).to_contain_text("Bão số 12")
    page.locator("input[name=write-level][value='4']").check()
    expect(page.locator("input[name=write-raised][value='2']")).to_be_disabled()  # five at most
    page.locator("input[name=write-raised][value='1']").check()
    page.locator("#write-vi-headline").fill("Lũ khi có bão")
    page.locator("#write-area-words").fill("Hạ lưu")
    page.locator("#write-save").click()
    expect(page.locator("#warnings-one .warning-top")).to_contain_text("Cấp 5 · tím")
    expect(page.locator("#warnings-one .case-log")).to_contain_text(f"nâng 1 cấp vì chồng với cảnh báo {storm}")
    page.locator("#warning-do-edit").click()
    expect(page.locator("input[name=write-level][value='4']")).to_be_checked()
    expect(page.locator("input[name=write-raised][value='1']")).to_be_checked()
    expect(page.locator("#write-points")).to_have_value(re.compile(r"^16.55000 107.85000"))
    page.keyboard.press("Escape")
    expect(page.locator("#warnings-one h2")).to_have_text("Lũ khi có bão")
    assert page.faults == []  # type: ignore[attr-defined]


def test_the_list_is_walked_by_keyboard_and_a_change_of_another_is_told(
    own_centre: Centre, context: BrowserContext
) -> None:
    with own_centre.engine.begin() as connection:
        first = put(connection, (107.8, 16.5, 107.9, 16.6), headline="Một")
        second = put(connection, (108.0, 16.6, 108.1, 16.8), headline="Hai")
    page = opened(context, own_centre.url, "/services/warning?lang=en")
    expect(page.locator("[data-warning-id]")).to_have_count(2)
    expect(page.locator("[data-warning-id] strong").first).to_have_text("Storm exercise")
    page.locator(f"#warning-{second}").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#warnings-one h2")).to_have_text("Storm exercise")
    page.keyboard.press("j")
    expect(page.locator(f"#warning-{first}")).to_be_focused()
    expect(page).to_have_url(re.compile(f"id={first}"))
    expect(page.locator("#warnings-one")).to_contain_text("What lies in the area")
    page.keyboard.press("k")
    expect(page).to_have_url(re.compile(f"id={second}"))
    page.keyboard.press("Escape")
    expect(page.locator("#warnings-one")).to_contain_text("Choose a warning")
    expect(page.locator(f"#warning-{second}")).to_be_focused()
    assert page.faults == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_screen_is_readable_for_everybody(own_centre: Centre, context: BrowserContext, theme: str) -> None:
    with own_centre.engine.begin() as connection:
        made = put(connection, (107.8, 16.5, 108.1, 16.8))
    page = opened(context, own_centre.url, f"/warnings?theme={theme}&id={made}")
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
    for step in ("read", "write"):
        if step == "write":
            page.locator("#warnings-new").click()
            expect(page.locator("#write-title")).to_be_focused()
        else:
            expect(page.locator("#warnings-one .warning-inside")).to_contain_text("Trong vùng có gì")
        found = Axe().run(page, options=rules).response["violations"]
        assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found] == []


def group(page: Page, id: int) -> str:
    """The title of the group in which that warning stands in the list."""
    return page.locator(f"section:has(#warning-{id}) h2").inner_text()


def test_what_is_sent_back_is_mended_and_what_is_in_force_is_updated(
    own_centre: Centre, context: BrowserContext
) -> None:
    with own_centre.engine.begin() as connection:
        first = put(connection, (107.8, 16.5, 108.1, 16.8), headline="Bão số 12")
    page = opened(context, own_centre.url, f"/warnings?id={first}")
    page.locator("#warning-do-update").click()
    expect(page.locator("#write-title")).to_have_text(f"Bản cập nhật của cảnh báo {first}")
    expect(page.locator("#write-vi-headline")).to_have_value("Bão số 12")
    # What it takes the place of is no other hazard that it meets.
    expect(page.locator("#write-inside")).to_contain_text("Trong vùng có gì")
    expect(page.locator("#write-raise")).to_be_hidden()
    page.locator("#write-vi-headline").fill("Bão số 12 mạnh lên")
    page.locator("input[name=write-level][value='5']").check()
    page.locator("#write-save").click()
    expect(page.locator("#warnings-one h2")).to_have_text("Bão số 12 mạnh lên")
    made = int(page.url.partition("id=")[2].partition("&")[0])
    assert group(page, made).startswith("Chờ duyệt")
    other = opened(context, own_centre.url, f"/warnings?id={made}")
    expect(other.locator("#warning-do-approve")).to_be_visible()
    other.route(ASKED, lambda route: route.abort() if route.request.method == "GET" else route.continue_())
    page.locator("#warning-note").fill("Ghi rõ giờ đổ bộ")
    page.locator("#warning-do-return").click()
    expect(page.locator("#warnings-one .facts")).to_contain_text("Trả lại để sửa: Ghi rõ giờ đổ bộ")
    assert group(page, made).startswith("Dự thảo trả lại để sửa")
    # Whoever has not seen that is told so, and nothing is done.
    other.locator("#warnings-actor").fill("Hoa")
    other.locator("#warning-do-approve").click()
    expect(other.locator("#warning-said")).to_contain_text("CHƯA làm: người khác vừa thay đổi cảnh báo này")
    other.close()
    page.locator("#warning-do-edit").click()
    page.locator("#write-vi-description").fill("Đổ bộ khoảng 22 giờ.")
    page.locator("#write-save").click()
    expect(page.locator(f"section:has(#warning-{made}) h2")).to_contain_text("Chờ duyệt")
    page.locator("#warnings-actor").fill("Minh")
    page.locator("#warning-do-approve").click()
    expect(page.locator("#warning-do-issue")).to_be_visible()
    page.locator("#warning-do-issue").click()
    page.wait_for_timeout(900)
    page.locator("#warning-do-issue").click()
    expect(page.locator(f"section:has(#warning-{made}) h2")).to_contain_text("Đang có hiệu lực")
    expect(page.locator(f"section:has(#warning-{first}) h2")).to_contain_text("Đã kết thúc")
    expect(page.locator("path.warning-area")).to_have_count(1)
    # The map asks every few seconds: in the new one's colour it is drawn then.
    expect(page.locator("path.warning-area")).to_have_attribute("stroke", "#6A1B9A", timeout=15_000)
    deeds = page.locator("#warnings-one .case-log .log-head b")
    expect(deeds).to_have_text(
        ["Đã phát · Minh", "Đã duyệt · Minh", "Đã sửa · Lan", "Đã trả lại · Lan", "Đã soạn · Lan"]
    )


TRIANGLE, OTHER = "16,55 107,85\n16,55 108\n16,7 108", "16,5 107,8\n16,5 107,9\n16,6 107,9"


def written(page: Page, headline: str, points: str = TRIANGLE) -> None:
    """A form that is filled in and may be saved."""
    page.locator("#warnings-new").click()
    page.locator("summary", has_text="Gõ tọa độ").click()
    page.locator("#write-points").fill(points)
    page.locator("#write-vi-headline").fill(headline)
    page.locator("#write-area-words").fill("Hạ lưu")
    expect(page.locator("#write-save")).to_have_attribute("aria-disabled", "false")


def test_the_area_that_is_kept_is_the_one_that_was_typed_last(own_centre: Centre, context: BrowserContext) -> None:
    page = opened(context, own_centre.url)
    kept: list[str] = []
    page.on("request", lambda one: kept.append(one.url) if one.method == "POST" and one.url.endswith("ings") else None)
    written(page, "Lũ")
    save, said = page.locator("#write-save"), page.locator("#write-said")
    # A line that cannot be read: what was typed before it is not kept in its place, however soon one saves.
    page.locator("#write-points").fill("16,55 107,85\n16,55\n16,7 108")
    page.keyboard.press("Control+s")
    expect(page.locator("#wrong-area")).to_contain_text("Dòng 2")
    expect(said).to_have_text("CHƯA lưu: có dòng tọa độ chưa đọc được.")
    page.wait_for_timeout(600)
    expect(save).to_have_attribute("aria-disabled", "true")
    save.click(force=True)
    expect(page.locator("#wrong-area")).to_contain_text("Dòng 2")
    expect(page.locator("#write-points")).to_be_focused()
    page.locator("#write-points").fill(OTHER)
    page.keyboard.press("Control+s")
    expect(said).to_have_text("CHƯA lưu: chưa biết trong vùng có gì.")
    expect(page.locator("#wrong-area")).to_have_text("")
    expect(save).to_have_attribute("aria-disabled", "false")
    assert kept == []
    save.click()
    expect(page.locator("#warnings-one h2")).to_have_text("Lũ")
    with own_centre.engine.connect() as connection:
        shape = connection.scalar(sa.text("SELECT ST_AsText(geom) FROM warning_message"))
    assert shapely.from_wkt(shape).bounds == (107.8, 16.5, 107.9, 16.6)
    assert page.faults == []  # type: ignore[attr-defined]


def test_what_is_written_is_lost_neither_by_a_press_on_the_list_nor_by_a_late_answer(
    own_centre: Centre, context: BrowserContext
) -> None:
    with own_centre.engine.begin() as connection:
        first = put(connection, (107.8, 16.5, 108.1, 16.8), headline="Bão số 12")
    page = opened(context, own_centre.url)
    late: list[Route] = []
    page.route("**/api/v1/warnings", lambda route: late.append(route))
    written(page, "Lũ chậm")
    page.locator(f"#warning-{first}").click()
    expect(page.locator("#write-said")).to_contain_text("Có chỗ chưa lưu")
    expect(page.locator("#write-vi-headline")).to_have_value("Lũ chậm")
    page.locator(f"#warning-{first}").click()
    expect(page.locator("#warnings-one h2")).to_have_text("Bão số 12")
    # It is saved, left before the answer is here, and another one is begun: that one stays as it is written.
    written(page, "Lũ chậm")
    page.locator("#write-save").click()
    expect(page.locator("#write-said")).to_have_text("Đang gửi…")
    page.locator("#write-cancel").click()
    page.locator("#write-cancel").click()
    expect(page.locator("#write-title")).to_have_count(0)
    written(page, "Lũ thứ hai", OTHER)
    late[0].continue_()
    expect(page.locator("#warnings-list")).to_contain_text("Lũ chậm")
    expect(page.locator("#write-vi-headline")).to_have_value("Lũ thứ hai")
    page.unroute("**/api/v1/warnings")
    page.locator("#write-save").click()
    expect(page.locator("#warnings-one h2")).to_have_text("Lũ thứ hai")
    assert page.faults == []  # type: ignore[attr-defined]


def test_an_update_of_what_was_raised_begins_at_the_level_below_the_raise(
    own_centre: Centre, context: BrowserContext
) -> None:
    with own_centre.engine.begin() as connection:
        storm, now = put(connection, (107.8, 16.5, 108.1, 16.8)), datetime.now(UTC)
        content = Content(
            hazard="flood", status="Exercise", urgency="Expected", severity="Severe", certainty="Likely",
            words={"vi": Words("Lũ khi có bão")}, area_words="Hạ lưu", risk_level=4, raised=2, raised_for=(storm,),
            geom=shapely.MultiPolygon([shapely.box(107.9, 16.6, 108, 16.7)]), expires_at=now + timedelta(hours=1),
        )  # fmt: skip
        flood = draft(connection, content, LAN, now, simulated=True)
        approve(connection, flood, 1, HOA, now)
        issue(connection, flood, 2, LAN, now, ISSUER)
    page = opened(context, own_centre.url, f"/warnings?id={flood}")
    page.locator("#warning-do-update").click()
    expect(page.locator("#write-raise")).to_contain_text("Bão diễn tập")
    expect(page.locator("input[name=write-level][value='2']")).to_be_checked()
    expect(page.locator("input[name=write-raised][value='2']")).to_be_checked()
    page.locator("#write-save").click()
    expect(page.locator("#warnings-one .warning-top")).to_contain_text("Cấp 4")
    expect(page.locator("#warnings-one .case-log")).to_contain_text(f"nâng 2 cấp vì chồng với cảnh báo {storm}")


def test_the_list_goes_on_while_one_writes_and_what_has_run_out_leaves_it_though_nobody_answers(
    own_centre: Centre, context: BrowserContext
) -> None:
    with own_centre.engine.begin() as connection:
        short = put(connection, (107.8, 16.5, 108.1, 16.8), seconds=25, headline="Ngắn")
    page = opened(context, own_centre.url, f"/warnings?id={short}")
    expect(page.locator("#warnings-one .facts")).to_contain_text("Đang có hiệu lực")
    other = opened(context, own_centre.url)
    other.locator("#warnings-new").click()
    with own_centre.engine.begin() as connection:
        put(connection, (107.8, 16.5, 108.1, 16.8), seconds=25, headline="Hai")
    expect(other.locator("#warnings-list")).to_contain_text("Hai")
    expect(other.locator("#write-title")).to_be_visible()
    for each in (page, other):
        each.route(ASKED, lambda route: route.abort())
    for each in (page, other):
        expect(each.locator("#warnings-count")).to_have_text("0 đang có hiệu lực", timeout=40_000)
        expect(each.locator("#warnings-list")).to_contain_text("Không có cảnh báo nào đang có hiệu lực")
    expect(page.locator("#warnings-one .facts")).to_contain_text("Hết hiệu lực")
    expect(page.locator("#warning-do-cancel")).to_have_count(0)
    assert page.faults + other.faults == []  # type: ignore[attr-defined]
