"""The storm's screen `/fisheries/storm` in a real browser: a bulletin typed, calls by keyboard, two screens, axe."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pyproj import Geod

from geo.contact import Contact, put_contacts
from tests.pages.conftest import Centre

GEOD = Geod(ellps="WGS84")
MIDDLE = (112.0, 16.5)
NAMES = {n: f"TTH-9{n:04d}-TS" for n in range(100, 130)}
PHONE = "0905123456"
ASKED = "**/_dash-update-component"


def fill(engine: sa.Engine) -> None:
    """Boats round the place where the storm will be: six inside, three on their way in, one that was heard long ago."""
    places = [(n, 20 + 25 * (n - 100), 40 * n, 5, None, None) for n in range(100, 106)]
    places += [(n, 240 + 20 * (n - 106), 90, 5, 7.0, 270.0) for n in range(106, 109)]
    places.append((109, 240, 45, 500, 3.0, 10.0))
    with engine.begin() as connection:
        for n, km, bearing, minutes, speed, course in places:
            lon, lat, _ = GEOD.fwd(*MIDDLE, bearing, km * 1000)
            at = datetime.now(UTC) - timedelta(minutes=minutes)
            row = {"name": NAMES[n], "commune": ("Thuận An", "Vinh Hiền")[n % 2], "lon": lon, "lat": lat, "at": at,
                   "speed": speed, "course": course}  # fmt: skip
            connection.execute(sa.text(
                "INSERT INTO boat (registration, shipname, length_m, home_province, commune, updated_at, updated_by)"
                " VALUES (:name, 'Hải Âu', 16.4, 'Huế', :commune, now(), 'test')"), row)  # fmt: skip
            connection.execute(sa.text(
                "INSERT INTO vms (registration, geom, observed_at, received_at, source, speed, course) VALUES (:name,"
                " ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :at, :at, 'test', :speed, :course)"), row)  # fmt: skip
        people = [Contact("owner", "Nguyễn Văn Ba", PHONE), Contact("captain", "Lê Tư", "0914111222")]
        put_contacts(connection, {NAMES[100]: people})


@pytest.fixture(scope="module")
def boats(centre: Centre) -> Centre:
    fill(centre.engine)
    return centre


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    expect.set_options(timeout=20_000)
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    context.add_init_script("localStorage.setItem('haidang-actor', 'Lan')")
    yield context
    context.close()
    expect.set_options(timeout=5_000)


def opened(context: BrowserContext, url: str, search: str = "") -> Page:
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.stack or error.message))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.faults = faults  # type: ignore[attr-defined]
    page.goto(f"{url}/fisheries/storm{search}")
    expect(page.locator("#storm-actor")).to_have_value("Lan")
    return page


def vn(hours: float) -> str:
    return f"{datetime.now(UTC) + timedelta(hours=7 + hours):%H:%M %d/%m/%Y}"


def typed(page: Page, row: int, **cells: str) -> None:
    for name, text in cells.items():
        page.locator("[data-bulletin-row]").nth(row).locator(f'[data-cell="{name}"]').fill(text)


def row(page: Page, n: int) -> Any:
    return page.locator(f'[data-storm-boat="{NAMES[n]}"]')


def figures(page: Page) -> list[int]:
    return [int(each) for each in page.locator(".storm-figure b").all_inner_texts()]


def lines(centre: Centre, n: int) -> list[tuple[str, str]]:
    """The calls about a boat: outcome and by whom."""
    query = sa.text("SELECT outcome, actor FROM storm_call WHERE registration = :name ORDER BY id")
    with centre.engine.connect() as connection:
        return [(each.outcome, each.actor) for each in connection.execute(query, {"name": NAMES[n]})]


def test_a_bulletin_is_typed_looked_at_mended_and_kept(boats: Centre, context: BrowserContext) -> None:
    page = opened(context, boats.url)
    expect(page.locator("#storm-list")).to_contain_text("Chưa có bản tin bão nào")
    page.locator("#storm-new").click()
    page.locator("#bulletin-number").fill("12")
    page.locator("#bulletin-name").fill("Fengshen")
    page.locator("#bulletin-source").fill("Đài KTTV Trung Trung Bộ")
    page.locator("#bulletin-simulated").check()
    where = {"position": "16,5 độ Vĩ Bắc; 112,0 độ Kinh Đông", "wind": "cấp 12, giật cấp 15", "radius_10_km": "80"}
    typed(page, 0, valid_at=vn(-1), radius_6_km="rộng", **where)
    typed(page, 1, valid_at=vn(40), radius_6_km="200", **where)
    page.locator("#bulletin-look").click()
    expect(page.locator(".storm-faults")).to_contain_text("dòng 1, Bán kính gió cấp 6 (km):")
    wrong = page.locator('[data-bulletin-row] [aria-invalid="true"]')
    expect(wrong).to_have_value("rộng")
    expect(wrong).to_be_focused()
    expect(page.locator("#bulletin-apply")).to_be_hidden()
    wrong.fill("200")
    page.locator("#bulletin-look").click()
    expect(page.locator("#bulletin-apply")).to_have_text("Mở cơn bão mới")
    expect(page.locator("#bulletin-plan")).to_contain_text("giật cấp 15")
    with boats.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM storm")) == 0  # looked at, and no more
    page.locator("#bulletin-apply").click()
    expect(page.locator("#storm-bulletin h2")).to_have_text("Bão số 12 (Fengshen)")
    for words in ("MÔ PHỎNG", "cấp 12, giật cấp 15", "cấp 6 trở lên: 200 km", "Đài KTTV Trung Trung Bộ", "là ước tính"):
        expect(page.locator("#storm-bulletin")).to_contain_text(words)
    titles = page.locator(".storm-group th")
    expect(titles).to_have_count(3)
    expect(titles.nth(0)).to_have_text("Đang ở trong vùng nguy hiểm: 6")
    expect(titles.nth(1)).to_have_text("Sẽ vào vùng nguy hiểm trong 24 giờ: 3")
    expect(titles.nth(2)).to_contain_text("Vị trí cũ, có thể ở gần vùng nguy hiểm: 1")
    assert figures(page) == [10, 0, 0, 0, 10]
    expect(row(page, 106)).to_contain_text("Vào vùng nguy hiểm lúc")
    expect(row(page, 100)).to_contain_text("•••••••456")
    assert PHONE not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366
    assert page.faults == []  # type: ignore[attr-defined]


def test_calls_are_logged_by_keyboard_and_the_other_screen_agrees(boats: Centre, context: BrowserContext) -> None:
    page, other = opened(context, boats.url), opened(context, boats.url)
    expect(row(page, 100)).to_be_visible()
    expect(row(other, 100)).to_be_visible()
    row(page, 100).focus()
    page.keyboard.press("Enter")
    panel = page.locator("#storm-boat")
    expect(panel.locator("#storm-boat-title")).to_have_text(NAMES[100])
    expect(panel.locator(".storm-people")).to_contain_text("Lê Tư")
    page.keyboard.press("1")
    expect(panel.locator("#storm-boat-said")).to_contain_text("Đã ghi: Đang vào bờ, vào nơi trú")
    expect(panel.locator("#storm-history li")).to_have_count(1)
    expect(panel.locator("#storm-history li")).to_contain_text("•••••••456")
    expect(row(other, 100)).to_contain_text("Đang vào bờ, vào nơi trú")
    expect(other.locator(".storm-figure.answered b")).to_have_text("1")
    page.keyboard.press("j")
    following = panel.locator("#storm-boat-title")
    expect(following).not_to_have_text(NAMES[100])
    name = following.inner_text()
    page.keyboard.press("6")
    expect(panel.locator("#storm-boat-said")).to_contain_text("Đã ghi: Không nghe máy")
    expect(other.locator(f'[data-storm-boat="{name}"]')).to_contain_text("Không nghe máy")
    assert figures(other) == [10, 2, 1, 1, 8]
    page.keyboard.press("z")
    expect(panel.locator("#storm-boat-said")).to_contain_text("Đã hủy dòng vừa ghi")
    expect(panel.locator("#storm-history .voided")).to_have_count(1)
    expect(other.locator(f'[data-storm-boat="{name}"]')).to_contain_text("chưa gọi")
    page.keyboard.press("Escape")
    expect(page.locator(f'[data-storm-boat="{name}"]')).to_be_focused()
    assert page.faults + other.faults == []  # type: ignore[attr-defined]


def test_who_calls_a_boat_that_another_one_has_just_called_is_told_so(boats: Centre, context: BrowserContext) -> None:
    page = opened(context, boats.url, f"?boat={NAMES[103]}")
    expect(page.locator("#storm-boat-title")).to_have_text(NAMES[103])
    held: list[Route] = []
    page.route(ASKED, lambda route: held.append(route))  # this screen reads nothing more until it is let go
    page.wait_for_timeout(1_000)
    with boats.engine.begin() as connection:
        connection.execute(sa.text(
            "INSERT INTO storm_call (storm_id, registration, who, outcome, at, entered_at, actor, actor_kind) VALUES"
            " (1, :name, 'captain', 'staying', now(), now(), 'Minh', 'declared')"), {"name": NAMES[103]})  # fmt: skip
    said = page.locator("#storm-boat-said")
    page.keyboard.press("6")
    expect(said).to_contain_text("CHƯA ghi: người khác vừa gọi tàu này")
    assert lines(boats, 103) == [("staying", "Minh")]
    for one in held:
        one.continue_()
    page.unroute(ASKED)
    expect(page.locator("#storm-history")).to_contain_text("Minh")
    expect(row(page, 103).locator(".call")).to_contain_text("Minh")
    # Who has seen it may take it back only when asked for, and logs two calls of one's own without a reading between.
    page.keyboard.press("z")
    expect(said).to_contain_text("Dòng cuối do Minh ghi: Nghe máy, chưa chịu đi. Bấm Z lần nữa")
    page.keyboard.press("z")  # a double press is no second thought
    page.wait_for_timeout(900)
    assert lines(boats, 103) == [("staying", "Minh")]
    page.route(ASKED, lambda route: held.append(route))
    page.keyboard.press("6")
    expect(said).to_contain_text("Đã ghi: Không nghe máy")
    page.keyboard.press("7")
    expect(said).to_contain_text("Đã ghi: Tắt máy")
    assert lines(boats, 103) == [("staying", "Minh"), ("no_answer", "Lan"), ("unreachable", "Lan")]
    for one in held[1:]:
        one.continue_()
    page.unroute(ASKED)
    expect(row(page, 103).locator(".call")).to_contain_text("trước đó Nghe máy, chưa chịu đi")
    expect(row(page, 103).locator(".call .outcome.staying")).to_be_visible()
    expect(page.locator(".storm-figure.staying b")).to_have_text("1")
    page.keyboard.press("z")  # one's own
    expect(said).to_contain_text("Đã hủy dòng vừa ghi")
    assert lines(boats, 103)[-1] == ("void", "Lan")


def test_filters_find_boats_and_stand_in_the_address(boats: Centre, context: BrowserContext) -> None:
    page = opened(context, boats.url)
    expect(page.locator("[data-storm-boat]")).to_have_count(10)
    page.locator("#storm-group").select_option("coming")
    expect(page.locator("[data-storm-boat]")).to_have_count(3)
    page.locator("#storm-commune").select_option("Vinh Hiền")
    expect(page.locator("[data-storm-boat]")).to_have_count(1)
    again = opened(context, boats.url, page.url.split("/fisheries/storm")[1])
    expect(again.locator("[data-storm-boat]")).to_have_count(1)
    again.locator("#storm-all").click()
    again.locator("#storm-search").fill("nguyen van ba")
    expect(again.locator("[data-storm-boat]")).to_have_count(1)
    again.locator("#storm-search").fill("tth 90109")
    expect(row(again, 109)).to_contain_text("Vị trí cũ")
    again.locator("#storm-search").fill("không có")
    expect(again.locator("#storm-said")).to_have_text("Không tàu nào khớp với bộ lọc.")
    assert page.faults + again.faults == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_screen_is_readable_for_everybody(boats: Centre, context: BrowserContext, theme: str) -> None:
    page = opened(context, boats.url, f"?theme={theme}&boat={NAMES[100]}")
    expect(page.locator("#storm-history li")).not_to_have_count(0)
    page.locator("#storm-new").click()
    expect(page.locator("#bulletin-number")).to_be_focused()
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}).response["violations"]
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found] == []


def test_the_next_bulletin_of_the_storm_on_the_screen_is_its_next_version(
    boats: Centre, context: BrowserContext
) -> None:
    page = opened(context, boats.url)
    expect(page.locator("[data-storm-boat]")).to_have_count(10)
    page.locator("#storm-new").click()
    page.locator("#bulletin-of").select_option(label="Bản tin mới của Bão số 12 (Fengshen)")
    page.locator("#bulletin-source").fill("Đài KTTV Trung Trung Bộ")
    for at, hours in enumerate((0, 40)):
        typed(page, at, valid_at=vn(hours), position="16,5N 112,0E", wind="12", gust="15", radius_6_km="200")
    page.locator("#bulletin-look").click()
    expect(page.locator("#bulletin-said")).to_contain_text("Cơn bão này đã có")
    expect(page.locator("#bulletin-apply")).to_have_text("Lưu bản tin thứ 2")
    page.locator("#bulletin-cancel").click()
    expect(page.locator("#storm-enter")).to_be_hidden()


def test_the_map_shows_an_open_storm_and_the_legend_hides_it(boats: Centre, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{boats.url}/?lat=16.5&lon=111&z=6")
    expect(page.locator(".storm-middle")).to_contain_text("Bão số 12 (Fengshen) · MÔ PHỎNG")
    for part, most in ((".storm-danger", 1), (".storm-now", 2), (".storm-point", 2), (".storm-circle", 2)):
        expect(page.locator(part)).to_have_count(most)
    expect(page.locator(".storm-point.ahead")).to_contain_text("cấp 12")
    # An outline, or next to nothing inside: alarm colours fill no area.
    inside = "one => [getComputedStyle(one).fill, Number(getComputedStyle(one).fillOpacity)]"
    assert page.locator(".storm-danger").evaluate(inside)[0] == "none"
    assert page.locator(".storm-now").first.evaluate(inside)[1] <= 0.1
    expect(page.locator("#storm-count")).to_have_text("1")
    page.evaluate("document.querySelector('#storm-entry .toggle').click()")
    expect(page.locator(".storm-middle")).to_be_hidden()
    expect(page.locator(".storm-danger")).to_be_hidden()
    page.wait_for_url("**off=storm**")
    page.reload()
    expect(page.locator("#storm-count")).to_have_text("1")
    expect(page.locator(".storm-danger")).to_be_hidden()


def test_a_storm_is_closed_on_the_second_press(boats: Centre, context: BrowserContext) -> None:
    page = opened(context, boats.url, "?lang=en")
    expect(page.locator("#storm-bulletin h2")).to_have_text("Storm No. 12 (Fengshen)")
    page.locator("#storm-close").dblclick()
    expect(page.locator("#storm-close")).to_have_text("Press again to close")
    page.wait_for_timeout(900)
    expect(page.locator(".storm-state.closed")).to_have_count(0)
    page.locator("#storm-close").click()
    expect(page.locator(".storm-state.closed")).to_contain_text("Lan")
    expect(page.locator(".storm-group th")).to_contain_text("Called; the storm is closed: ")
    expect(page.locator("#storm-close")).to_be_hidden()
    expect(page.locator("#storm-progress")).to_be_hidden()
    expect(page.locator(".storm-group th")).not_to_contain_text("not counted")  # for nobody is


def test_a_closed_storm_is_opened_again_with_a_reason(boats: Centre, context: BrowserContext) -> None:
    page = opened(context, boats.url)
    expect(page.locator(".storm-state.closed")).to_be_visible()
    page.locator("#storm-reopen").click()
    expect(page.locator("#storm-reason")).to_be_focused()
    expect(page.locator(".storm-state.closed")).to_be_visible()
    page.locator("#storm-reason").fill("đóng nhầm")
    page.locator("#storm-reopen").click()
    expect(page.locator("#storm-bulletin")).to_contain_text("Lan: đóng nhầm")
    expect(page.locator("#storm-again")).to_be_hidden()
    expect(page.locator("[data-storm-boat]")).to_have_count(10)
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_screen_keeps_its_storm_when_another_one_is_opened(boats: Centre, context: BrowserContext) -> None:
    page = opened(context, boats.url)
    expect(page.locator("#storm-bulletin h2")).to_have_text("Bão số 12 (Fengshen)")
    page.wait_for_url("**storm=1")
    where = {"position": "16,5N 112,0E", "wind": "12", "radius_6_km": "200"}
    points = [{"valid_at": vn(hours), **where} for hours in (-1, 40)]
    body = {"actor": "Minh", "source": "NCHMF", "number": 13, "apply": True, "points": points}
    assert page.request.post(f"{boats.url}/api/v1/storms", data=body).ok
    expect(page.locator("#storm-choice option")).to_have_count(2)  # it has been read
    page.wait_for_timeout(1_000)
    expect(page.locator("#storm-bulletin h2")).to_have_text("Bão số 12 (Fengshen)")
    other = opened(context, boats.url)  # who comes now sees the real one first
    expect(other.locator("#storm-bulletin h2")).to_have_text("Bão số 13")
    other.locator("#storm-choice").select_option("1")
    expect(other.locator("#storm-bulletin h2")).to_have_text("Bão số 12 (Fengshen)")
    assert page.faults + other.faults == []  # type: ignore[attr-defined]


def test_the_time_of_issue_beside_a_file_is_read_or_marked(boats: Centre, context: BrowserContext) -> None:
    page = opened(context, boats.url)
    page.locator("#storm-new").click()
    text = "Thời gian (giờ VN);Vị trí;Cấp gió;Bán kính cấp 6 (km)\n" + "\n".join(
        f"{vn(hours)};16,5N-112,0E;12;250" for hours in (-1, 12)
    )
    page.locator("#bulletin-number").fill("13")
    page.locator("#bulletin-source").fill("NCHMF")
    page.locator("#bulletin-issued").fill("13h hôm qua")
    page.locator("#bulletin-file").set_input_files({"name": "bao.csv", "mimeType": "text/csv", "buffer": text.encode()})
    issued = page.locator("#bulletin-issued")
    expect(issued).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#bulletin-said")).to_contain_text("không phải thời điểm")
    expect(page.locator("#bulletin-apply")).to_be_hidden()
    issued.fill("13 giờ ngày 28/11/2025")
    with page.expect_response("**/api/v1/storms/import?*") as answer:
        page.locator("#bulletin-look").click()
    told = answer.value.json()
    assert datetime.fromisoformat(told["issued_at"]) == datetime(2025, 11, 28, 6, tzinfo=UTC)
    expect(page.locator("#bulletin-apply")).to_be_visible()
    expect(issued).not_to_have_attribute("aria-invalid", "true")
