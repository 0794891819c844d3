"""The screen `/inbox` in a real browser, on a phone and at a desk, and a report's whole way through both screens."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from geo.handling import assign, put_units
from tests.geo.test_photo import file, located, scene
from tests.pages.conftest import Centre
from tests.pages.test_report_queue_browser import LAN, context, kept_back, opened, queue, sent, status, step

__all__ = ["context"]  # a fixture
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def phone(browser: Browser) -> Iterator[BrowserContext]:
    expect.set_options(timeout=20_000)
    made = browser.new_context(viewport=PHONE, locale="vi-VN", has_touch=True, is_mobile=True)
    yield made
    made.close()
    expect.set_options(timeout=5_000)


def given(centre: Centre, words: str, unit: str = "urban_order", ago: timedelta = timedelta(), **more: object) -> str:
    key = sent(centre, words, ago, **more)
    step(centre, key, "verify")
    step(centre, key, "assign", unit=unit)
    return key


def inbox(context: BrowserContext, url: str, search: str = "?unit=urban_order") -> Page:
    page = opened(context, url, search, "/inbox")
    expect(page.locator("#inbox-unit option").nth(1)).to_be_attached()
    return page


def test_step_5_a_report_near_another_is_merged_sent_to_its_commune_answered_with_a_photograph_and_rated(
    own_centre: Centre, context: BrowserContext, phone: BrowserContext, tmp_path: Path
) -> None:
    with own_centre.engine.begin() as connection:
        put_units(connection, [("ubnd_thuan_hoa", "UBND phường Thuận Hoá", "Thuận Hoá Ward")])
    page = queue(context, own_centre.url)
    told = {"actor": "Lan", "category": "lamp", "lon": 107.5905, "lat": 16.4637, "name": "Nguyễn Bí Mật"}
    first = page.request.post(f"{own_centre.url}/api/v1/reports", data={**told, "words": "Đèn tắt trước số 5 Lê Lợi"})
    again = {**told, "lat": 16.4639, "words": "Đèn đường tắt trước nhà số 5 Lê Lợi"}
    second = page.request.post(f"{own_centre.url}/api/v1/reports", data=again)
    kept, new = first.json(), second.json()
    picture = page.request.post(
        f"{own_centre.url}/api/v1/report-photos?report={new['id']}&actor=Lan",
        data=located((16.0, 27.0, 49.32), (107.0, 35.0, 25.8)), headers={"content-type": "image/jpeg"},
    )  # fmt: skip
    assert picture.status == 201

    page.goto(f"{own_centre.url}/services/report?report={new['id']}")
    expect(page.locator("#reports-twin-1")).to_contain_text("Đèn tắt trước số 5 Lê Lợi")
    page.keyboard.press("g")
    expect(page.locator("#reports-beside img")).to_have_count(1)
    page.keyboard.press("g")
    expect(page.locator("#reports-one .event-standing")).to_contain_text("Đã gộp")
    page.locator(f"#reports-one [data-report-open={kept['id']}]").click()
    expect(page.locator("#reports-one .event-standing")).to_contain_text(kept["id"])
    page.keyboard.press("v")
    expect(page.locator("#reports-one-said")).to_contain_text("Đã ghi: Xác minh")
    page.keyboard.press("a")
    page.keyboard.type("thuan hoa")
    expect(page.locator(".report-form .note")).to_contain_text("còn 5 ngày làm việc")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#reports-one .facts")).to_contain_text("UBND phường Thuận Hoá")

    unit = inbox(phone, own_centre.url, "?unit=ubnd_thuan_hoa")
    unit.locator(".inbox-card").tap()
    expect(unit.locator("#inbox-one h2")).to_contain_text("Đèn tắt trước số 5 Lê Lợi")
    unit.locator("#inbox-do-reply").tap()
    unit.locator("#deed-words").fill("Đã thay bóng đèn.")
    result = tmp_path / "ket-qua.png"
    result.write_bytes(file(scene(), "PNG"))
    unit.locator("#deed-photos").set_input_files(result)
    unit.locator(".report-form [type=submit]").tap()
    expect(unit.locator("#inbox-one-said")).to_contain_text("Hãy ghi họ tên của bạn")  # nobody does a thing unnamed
    unit.locator("#inbox-name").fill("Hoa")
    unit.locator("#inbox-name").blur()
    unit.locator(".report-form [type=submit]").first.tap()
    expect(unit.locator("#inbox-one-said")).to_contain_text("Đã ghi: Trả lời")
    expect(unit.locator("#inbox-one .report-photos img")).to_have_count(1)
    unit.locator("#inbox-close").tap()
    expect(unit.locator("#inbox-said")).to_have_text("Đơn vị không còn việc nào đang chờ.")
    assert "Bí Mật" not in unit.content()

    page.goto(f"{own_centre.url}/services/report?state=replied&report={kept['id']}")
    expect(page.locator("#reports-one .report-replies")).to_contain_text("Đã thay bóng đèn.")
    assert page.locator("#reports-one .report-photos img").evaluate("image => image.complete || image.decode()")
    page.keyboard.press("p")
    expect(page.locator("#reports-one .event-standing")).to_contain_text("Đã công khai")
    rating = {"secret": kept["secret"], "score": 5}
    assert page.request.post(f"{own_centre.url}/api/v1/reports/{kept['id']}/rate", data=rating).ok
    page.reload()
    expect(page.locator("#reports-one .facts")).to_contain_text("★★★★★ 5/5")
    expect(page.locator("#reports-measures")).to_contain_text("100 %")
    text = page.content()
    assert "Bí Mật" not in text
    assert (page.faults, unit.faults) == ([], [])  # type: ignore[attr-defined]


def test_everything_given_to_a_unit_stands_in_its_inbox_by_what_is_due_first(
    own_centre: Centre, context: BrowserContext
) -> None:
    later, soon = given(own_centre, "Ổ gà", category="road"), given(own_centre, "Vỡ ống nước", category="water")
    over = given(own_centre, "Cây đổ", ago=timedelta(hours=30), category="tree")
    given(own_centre, "Việc của đơn vị khác", "traffic_police")
    alarm = own_centre.raise_alarm(574091234, "TTH-91234-TS")
    with own_centre.engine.begin() as connection:
        assert assign(connection, alarm, "urban_order", None, LAN, None, datetime.now(UTC))
    page = inbox(context, own_centre.url)
    expect(page.locator(".inbox-card")).to_have_count(4)
    expect(page.locator("#inbox-count")).to_contain_text("4 việc · ‼ 1 quá hạn")
    order = [each.get_attribute("data-inbox") for each in page.locator(".inbox-card").all()]
    reports = [one for one in order if one and one.startswith("report-")]
    assert reports == [f"report-{over}", f"report-{soon}", f"report-{later}"]
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#inbox-one-title")).to_have_text("Cây đổ")
    page.keyboard.press("s")
    expect(page.locator("#inbox-one .event-standing")).to_contain_text("Đang xử lý")
    assert status(own_centre, over) == "in_progress"
    page.keyboard.press("h")  # to another unit, and why
    page.keyboard.type("canh sat giao thong")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#inbox-one-said")).to_contain_text("CHƯA làm: Hãy ghi lý do")
    page.locator("#deed-reason").fill("cây đổ chắn đường")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#inbox-one")).to_contain_text("Việc này không còn ở đơn vị bạn: Đã phân công")
    expect(page.locator(".inbox-card")).to_have_count(3)
    page.locator("#inbox-service-alarm").click()
    page.locator(".inbox-card").click()
    expect(page.locator("#inbox-one .press")).to_have_attribute("href", f"/alarms?alarm={alarm}")
    page.keyboard.press("n")
    page.keyboard.type("đang cử người đi")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#inbox-one-said")).to_contain_text("Đã ghi")
    journal = page.request.get(f"{own_centre.url}/api/v1/alarms/{alarm}").json()["journal"]
    assert journal[-1]["comment"] == "đang cử người đi"
    page.locator("#inbox-unit").select_option("coast_guard")
    expect(page.locator("#inbox-said")).to_contain_text("Đơn vị không còn việc nào")
    assert "unit=coast_guard" in page.url


def test_a_key_does_nothing_to_the_item_before_while_the_next_one_is_read(
    own_centre: Centre, context: BrowserContext
) -> None:
    first, second = given(own_centre, "Cây đổ", category="tree"), given(own_centre, "Ổ gà", category="road")
    page = inbox(context, own_centre.url, f"?unit=urban_order&report={first}")
    expect(page.locator("#inbox-do-start")).to_be_visible()
    waiting, posts = kept_back(page, f"**/api/v1/reports/{second}")
    page.keyboard.press("j")
    expect(page.locator(f"#inbox-report-{second}")).to_have_attribute("aria-current", "true")
    page.keyboard.press("s")
    page.locator("#inbox-do-start").click()
    waiting[0].continue_()
    expect(page.locator("#inbox-one-title")).to_have_text("Ổ gà")
    assert posts == []
    page.keyboard.press("s")
    expect(page.locator("#inbox-one-said")).to_contain_text("Đã ghi: Bắt đầu xử lý")
    assert (status(own_centre, first), status(own_centre, second)) == ("assigned", "in_progress")


def test_a_reply_that_failed_is_sent_again_without_the_photographs_that_came(
    own_centre: Centre, phone: BrowserContext
) -> None:
    key = given(own_centre, "Đèn tắt")
    page = inbox(phone, own_centre.url, f"?unit=urban_order&report={key}")
    page.locator("#inbox-do-reply").tap()
    page.evaluate("window.haidang.write('inbox-actor', 'Hoa')")
    good, false = (
        FilePayload(name="tot.jpg", mimeType="image/jpeg", buffer=file(scene())),
        FilePayload(name="anh.jpg", mimeType="image/jpeg", buffer=b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    )
    page.locator("#deed-photos").set_input_files([good, false])
    send = page.locator(".report-form [type=submit]")
    send.tap()
    expect(page.locator("#inbox-one-said")).to_have_text("CHƯA làm: Hãy ghi nội dung trả lời")
    assert photos(own_centre, key) == 0
    page.locator("#deed-words").fill("Đã thay bóng.")
    send.tap()
    expect(page.locator("#inbox-one-said")).to_contain_text("CHƯA làm: anh.jpg:")
    assert photos(own_centre, key) == 1
    left = page.locator("#deed-photos").evaluate("box => [...box.files].map((file) => file.name)")
    assert left == ["anh.jpg"]
    page.locator("#deed-photos").set_input_files([good])
    reply = f"**/api/v1/reports/{key}/reply"
    page.route(reply, lambda route: route.abort())  # it is lost on its way there
    send.tap()
    expect(page.locator("#inbox-one-said")).to_have_text("CHƯA làm: Máy chủ không trả lời")
    expect(page.locator("#deed-words")).to_have_value("Đã thay bóng.")
    assert photos(own_centre, key) == 2
    page.unroute(reply)
    send.tap()
    expect(page.locator("#inbox-one-said")).to_have_text("Đã ghi: Trả lời.")
    assert (photos(own_centre, key), status(own_centre, key)) == (2, "replied")


def test_a_reply_of_which_only_the_answer_was_lost_counts_as_done(own_centre: Centre, phone: BrowserContext) -> None:
    key = given(own_centre, "Đèn tắt")
    page = inbox(phone, own_centre.url, f"?unit=urban_order&report={key}")
    page.locator("#inbox-do-reply").tap()
    page.evaluate("window.haidang.write('inbox-actor', 'Hoa')")
    page.locator("#deed-words").fill("Đã thay bóng.")
    page.route(f"**/api/v1/reports/{key}/reply", lambda route: (route.fetch(), route.abort()))
    page.locator(".report-form [type=submit]").tap()
    expect(page.locator("#inbox-one-said")).to_have_text("Đã ghi: Trả lời.")
    expect(page.locator("#inbox-one .report-replies blockquote")).to_have_count(1)


def photos(centre: Centre, key: str) -> int:
    with centre.engine.begin() as connection:
        query = sa.text("SELECT count(*) FROM report_photo WHERE report_id = :key")
        return int(connection.scalar(query, {"key": key}) or 0)


def test_what_is_no_photograph_is_said_and_the_words_stay(
    own_centre: Centre, phone: BrowserContext, tmp_path: Path
) -> None:
    key = given(own_centre, "Rác chưa dọn", category="waste")
    page = inbox(phone, own_centre.url, f"?unit=urban_order&report={key}")
    page.locator("#inbox-do-reply").tap()
    page.evaluate("window.haidang.write('inbox-actor', 'Hoa')")
    page.locator("#deed-words").fill("Đã dọn.")
    false = tmp_path / "anh.jpg"
    false.write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    page.locator("#deed-photos").set_input_files(false)
    page.locator(".report-form [type=submit]").tap()
    expect(page.locator("#inbox-one-said")).to_contain_text("CHƯA làm: anh.jpg:")
    expect(page.locator("#deed-words")).to_have_value("Đã dọn.")
    assert status(own_centre, key) == "assigned"
    # What a telephone's camera makes is too much for the server, and is made smaller before it goes.
    large = tmp_path / "dien-thoai.png"
    Image.new("RGB", (6_000, 5_000), "teal").save(large)
    page.locator("#deed-photos").set_input_files(large)
    page.locator(".report-form [type=submit]").tap()
    expect(page.locator("#inbox-one .report-photos img")).to_have_js_property("complete", True)
    assert page.locator("#inbox-one .report-photos img").get_attribute("width") == "1920"
    assert status(own_centre, key) == "replied"


def test_what_was_said_with_an_item_that_comes_back_stands_at_its_top(
    own_centre: Centre, phone: BrowserContext
) -> None:
    key = given(own_centre, "Nắp cống vỡ", category="road")
    step(own_centre, key, "reply", words="Đã sửa.")
    step(own_centre, key, "send_back", reason="ảnh chụp chỗ khác")
    page = inbox(phone, own_centre.url, f"?unit=urban_order&report={key}")
    expect(page.locator(".inbox-why")).to_have_text("Yêu cầu làm lại: ảnh chụp chỗ khác")
    expect(page.locator("#inbox-do-reply")).to_be_visible()


def test_a_phone_has_no_sideways_scroll_and_axe_finds_nothing(own_centre: Centre, phone: BrowserContext) -> None:
    page = inbox(phone, own_centre.url, "")
    expect(page.locator("#inbox-said")).to_contain_text("Chọn đơn vị của bạn")
    key = given(own_centre, "Đèn tắt ở con hẻm dài không tên gần chợ Đông Ba, tối và nguy hiểm", ago=timedelta(days=20))
    page.locator("#inbox-unit").select_option("urban_order")
    expect(page.locator(".inbox-card")).to_have_count(1)
    for theme in ("dark", "light"):
        for search in ("?unit=urban_order", f"?unit=urban_order&item=report-{key}"):
            page.goto(f"{own_centre.url}/inbox{search}&theme={theme}")
            expect(page.locator(".inbox-card" if "item" not in search else "#inbox-do-reply")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
            found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
            assert found.response["violations"] == [], found.generate_report()
