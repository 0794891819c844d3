"""The board of lost signals `/fisheries` in a real browser: columns, filters, a case by keyboard, two screens, axe."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from geo.boat_case import Opening, change, end_case, hold, open_case
from geo.contact import Contact, put_contacts
from geo.rule import stored_rules
from tests.pages.conftest import Centre

# A pointer that goes on moving over the board: on a slow machine the one move of a hover is forgotten meanwhile.
STILL_READING = """setInterval(() => document.querySelector("#cases-board").dispatchEvent(
    new PointerEvent("pointermove", {bubbles: true})), 500)"""
NAMES = {n: f"TTH-9{n:04d}-TS" for n in range(1, 200)}


def ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


def fill(engine: sa.Engine, lost: int = 6) -> dict[str, int]:
    """A boat in each column, `lost` of them lost, one long overdue, two of an outage; the cases' numbers by name."""
    made: dict[str, int] = {}
    with engine.begin() as connection:
        for n, name in NAMES.items():
            row = {"name": name, "length": 26.5 if n % 5 == 0 else 16.4, "commune": ("Thuận An", "Phú Vinh")[n % 2],
                   "provider": "viettel" if n > 190 else "vnpt", "device": f"D{n}"}  # fmt: skip
            connection.execute(sa.text(
                "INSERT INTO boat (registration, length_m, home_province, commune, updated_at, updated_by)"
                " VALUES (:name, :length, 'Huế', :commune, now(), 'test')"), row)  # fmt: skip
            connection.execute(sa.text(
                "INSERT INTO device (id, registration, provider, slot, active) VALUES (:device, :name, :provider, 1,"
                " true)"), row)  # fmt: skip
        put_contacts(connection, {NAMES[1]: [Contact("owner", "Nguyễn Văn Ba", "0905123456")]})
        outage = next(rule for rule in stored_rules(connection) if rule.kind == "outage")
        alarm = connection.scalar(sa.text(
            "INSERT INTO alarm (rule_id, layer, object_key, object_label, observed_at, raised_at, severity, evidence,"
            " simulated) VALUES (:rule, 'vms', 'viettel', 'Viettel', :since, :at, 'high',"
            " '{\"boats\": 12, \"fleet\": 30}', false) RETURNING id"),
            {"rule": outage.id, "since": ago(9), "at": ago(8.5)})  # fmt: skip

        def opened(n: int, silent: float, stage: str = "LOST", **more: Any) -> int:
            kind = more.pop("kind", "loss")
            since = ago(silent)
            lost_at = since + timedelta(hours=6 if kind == "loss" else 0)
            opening = Opening(
                kind, NAMES[n], "national" if n % 5 == 0 else "provincial", stage, since, lost_at,
                lost_at + timedelta(hours=24 if kind == "loss" else 12), 108.3 + n / 100, 16.9, f"D{n}",
                "viettel" if n > 190 else "vnpt", **more,
            )  # fmt: skip
            number = open_case(connection, opening, lost_at)
            assert number is not None
            return number

        for n in range(1, 1 + lost):
            made[f"lost {n}"] = opened(n, 6.5 + n)
        made["told"] = opened(170, 20, "MANUAL_REPORTING")
        change(connection, made["told"], reported_at=ago(2))
        made["overdue"] = opened(171, 40, "OVERDUE_REPORT")
        change(connection, made["overdue"], escalated_at=ago(10), unit="coast_guard", person="Minh")
        made["long"] = opened(175, 260, "OVERDUE_10D")
        made["astray"] = opened(172, 1, "ASTRAY", kind="zone", facts={"zone": "inshore", "allowed": ["offshore"]})
        made["back"] = opened(173, 30)
        row = hold(connection, [made["back"]])[made["back"]]
        end_case(connection, row, "RESTORED", ago(3), datetime.now(UTC))
        for n in (191, 192):
            made[f"outage {n}"] = opened(n, 8, outage_id=alarm)
        for n in (180, 181):
            connection.execute(sa.text(
                "INSERT INTO boat_signal (registration, boat_version, device, provider, auto_at, place_at, state,"
                " state_at, late_at) VALUES (:name, 1, :device, 'vnpt', :at, :at, 'LATE', :late, :late)"),
                {"name": NAMES[n], "device": f"D{n}", "at": ago(4), "late": ago(0.5)})  # fmt: skip
    return made


@pytest.fixture(scope="module")
def made(centre: Centre) -> dict[str, int]:
    """65 boats are lost: more than a column shows at once."""
    return fill(centre.engine, 65)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    expect.set_options(timeout=15_000)
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    yield context
    context.close()
    expect.set_options(timeout=5_000)


def opened(context: BrowserContext, url: str, search: str = "") -> Page:
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.stack or error.message))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.faults = faults  # type: ignore[attr-defined]
    page.goto(f"{url}/fisheries{search}")
    expect(page.locator(".case-column")).to_have_count(7)
    return page


def column(page: Page, name: str) -> Any:
    return page.locator(f'[data-column="{name}"]')


def cards(page: Page) -> int:
    return page.locator("[data-card]").count()


def test_columns_are_the_states_and_filters_find_a_boat_in_any_spelling(
    centre: Centre, made: dict[str, int], context: BrowserContext
) -> None:
    page = opened(context, centre.url)
    expect(page.locator(".case-column h2 .count")).to_have_text(["2", "65", "1", "1", "1", "1", "1"])
    overdue = column(page, "OVERDUE_REPORT").locator("[data-card]")
    for words in (NAMES[171], "16,4 m", "16°54,0'N 110°00,6'E", "Đã chuyển cấp trên", "Cảnh sát biển · Minh"):
        expect(overdue).to_contain_text(words)
    expect(overdue.locator(".until.over")).to_contain_text("quá 1 ngày 4 giờ")
    expect(column(page, "LATE").locator(".until").first).to_contain_text("còn 1 giờ")
    more = column(page, "LOST").locator(".column-more")
    expect(more).to_have_text("Còn 35 thẻ nữa · hiện thêm")
    more.click()
    expect(column(page, "LOST").locator("[data-card]")).to_have_count(65)

    expect(page.locator(".outage")).to_contain_text("Sự cố Viettel")
    expect(page.locator(".outage")).to_contain_text("2 tàu im tiếng là một báo động")
    expect(page.locator(f"#case-{made['outage 191']}")).to_have_count(0)
    page.locator(".outage button").click()
    expect(page.locator(f"#case-{made['outage 191']}")).to_contain_text("Trong sự cố Viettel")
    expect(page.locator(f"#case-{made['outage 191']} .until")).to_have_count(3)
    page.locator(".outage button").click()

    for spelling in ("tth 90170 ts", "TTH.90170", "90170"):
        page.locator("#cases-search").fill(spelling)
        expect(page.locator("[data-card]")).to_have_count(1)
        expect(page.locator("[data-card]")).to_contain_text(NAMES[170])
    page.locator("#cases-search").fill(NAMES[191])  # also when its outage is folded
    expect(page.locator("[data-card]")).to_have_count(1)
    page.locator("#cases-all").click()
    page.locator("#cases-level").select_option("national")
    expect(column(page, "LOST").locator("h2 .count")).to_have_text("13")
    page.locator("#cases-commune").select_option("Thuận An")
    page.locator("#cases-stage").select_option("LOST")
    for one in ("level=national", "commune=Thu", "stage=LOST"):
        expect(page).to_have_url(re.compile(one))
    expect(page.locator("[data-card]")).to_have_count(6)
    expect(page.locator("#cases-csv")).to_have_attribute("href", re.compile("level=national"))
    page.reload()
    expect(page.locator("[data-card]")).to_have_count(6)
    page.locator("#cases-all").click()
    page.locator("#cases-bucket").select_option("10d")
    expect(page.locator("[data-card]")).to_have_count(1)
    expect(page.locator("[data-card]")).to_contain_text(NAMES[175])
    page.locator("#cases-kind").select_option("zone")
    expect(page.locator("#cases-said")).to_have_text("Không có vụ việc nào khớp với bộ lọc.")
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_case_is_worked_on_and_concluded_by_keyboard_alone(
    centre: Centre, made: dict[str, int], context: BrowserContext
) -> None:
    page = opened(context, centre.url, "?stage=LOST&q=90001")
    press, said = page.keyboard.press, page.locator("#case-said")
    number = made["lost 1"]
    expect(page.locator(f"#case-{number}")).to_be_visible()
    press("j")
    press("Enter")
    expect(page.locator("#case-title")).to_be_focused()
    expect(page.locator("#case-top")).to_contain_text("Nguyễn Văn Ba · •••••••456")
    press("x")
    expect(page.locator("#case-cause")).to_be_focused()
    page.locator("#case-remark").focus()
    press("Enter")
    expect(said).to_have_text("CHƯA làm: Hãy ghi tên cán bộ trực ban trước.")
    expect(page.locator("#cases-actor")).to_be_focused()
    page.keyboard.type("Lan")
    page.locator("#case-remark").focus()
    press("Enter")
    expect(said).to_have_text("CHƯA làm: thiếu nguyên nhân, kết quả, dòng liên hệ.")
    expect(page.locator("#case-wrong-cause")).to_have_text("Chọn nguyên nhân")
    expect(page.locator("#case-wrong-outcome")).to_have_text("Chọn kết quả xử lý")
    expect(page.locator("#case-wrong-contact")).to_contain_text("Sổ chưa có dòng liên hệ nào")
    expect(page.locator("#case-cause")).to_be_focused()
    press("Escape")
    expect(page.locator("#case-do-close")).to_be_focused()

    press("c")
    page.keyboard.type("Chủ tàu")
    press("Enter")
    expect(page.locator("#case-wrong-result")).to_have_text("Ghi kết quả cuộc gọi")
    expect(page.locator("#case-result")).to_be_focused()
    page.keyboard.type("máy hỏng nguồn, đang quay về")
    page.locator("#case-number").focus()
    page.keyboard.type("0905 111 222")
    press("Enter")
    expect(said).to_have_text("Đã ghi liên hệ vào sổ.")
    line = page.locator(".case-log li.log-contact")
    expect(line).to_contain_text("Gọi Chủ tàu")
    expect(line).to_contain_text("222")
    assert "0905" not in page.content()

    press("p")
    page.keyboard.type("đâu đó")
    press("Enter")
    expect(page.locator("#case-wrong-place")).to_contain_text("Viết vị trí như")
    page.locator("#case-place").fill("16°50'N 108°10'E")
    press("Enter")
    expect(page.locator(".case-log li.log-position")).to_contain_text("16°50,0'N 108°10,0'E")
    expect(page.locator(".case-clocks .until").first).to_contain_text("còn 5 giờ 59")
    press("x")
    page.locator("#case-cause").select_option("power")
    page.locator("#case-outcome").select_option("returned")
    page.locator("#case-remark").focus()
    press("Enter")
    expect(said).to_have_text("Đã kết luận vụ việc; sổ vẫn giữ.")
    expect(page.locator("#case-top")).to_contain_text("Nguồn điện")
    expect(page.locator(f"#case-{number}")).to_have_count(0)
    press("Escape")
    expect(page.locator("#case-panel")).to_be_hidden()
    with centre.engine.begin() as connection:
        row = connection.execute(sa.text("SELECT * FROM boat_case WHERE id = :id"), {"id": number}).mappings().one()
    assert (row["cause"], row["outcome"], row["closed_by"]) == ("power", "returned", "Lan")
    assert page.faults == []  # type: ignore[attr-defined]


def test_of_two_screens_the_second_is_told_and_keeps_what_was_typed(
    centre: Centre, made: dict[str, int], context: BrowserContext
) -> None:
    number = made["lost 2"]
    page, other = opened(context, centre.url, f"?case={number}"), opened(context, centre.url, f"?case={number}")
    for each in (page, other):
        expect(each.locator("#case-title")).to_have_text(NAMES[2])
    page.evaluate("dash_clientside.set_props('cases-tick', {disabled: true})")
    other.locator("#cases-actor").fill("Minh")
    other.locator("#case-do-contact").click()
    other.locator("[data-case-who]", has_text="Biên phòng").click()
    expect(other.locator("#case-who")).to_have_value("Biên phòng")
    other.locator("#case-result").fill("sẽ kiểm tra")
    other.locator("[data-case-do=contact]").click()
    expect(other.locator(".case-log li.log-contact")).to_contain_text("Minh")

    page.locator("#cases-actor").fill("Lan")
    page.locator("#case-do-note").click()
    page.locator("#case-note").fill("chờ tin nhà tàu")
    page.locator("[data-case-do=note]").click()
    expect(page.locator("#case-said")).to_contain_text("người khác vừa ghi vào vụ việc này")
    expect(page.locator(".case-log li.log-contact")).to_contain_text("sẽ kiểm tra")
    expect(page.locator("#case-note")).to_have_value("chờ tin nhà tàu")
    page.locator("[data-case-do=note]").click()
    expect(page.locator("#case-said")).to_have_text("Đã ghi.")
    expect(other.locator(".case-log li.log-note")).to_contain_text("chờ tin nhà tàu")  # by its own clock
    assert page.faults == other.faults == []  # type: ignore[attr-defined]


def test_the_cards_stand_still_while_they_are_read(
    centre: Centre, made: dict[str, int], context: BrowserContext
) -> None:
    page = opened(context, centre.url, "?q=90003")
    card = page.locator(f"#case-{made['lost 3']}")
    expect(card).to_contain_text("Chưa giao")
    card.hover()
    page.evaluate(STILL_READING)
    page.evaluate(
        """(id) => fetch(`/api/v1/cases/${id}/assign`, {method: "POST", headers: {"content-type": "application/json"},
            body: JSON.stringify({actor: "Minh", unit: "coast_guard"})})""",
        made["lost 3"],
    )
    page.evaluate("dash_clientside.set_props('cases-tick', {n_intervals: 1000})")
    expect(page.locator("#cases-waiting")).to_be_visible()
    expect(card).to_contain_text("Chưa giao")
    page.keyboard.press("Escape")
    expect(card).to_contain_text("Cảnh sát biển")
    expect(page.locator("#cases-waiting")).to_be_hidden()
    assert page.faults == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing(centre: Centre, made: dict[str, int], context: BrowserContext, theme: str) -> None:
    page = opened(context, centre.url, f"?theme={theme}&lang=en&case={made['overdue']}")
    expect(page.locator("#case-title")).to_have_text(NAMES[171])
    expect(column(page, "OVERDUE_REPORT").locator("h2")).to_contain_text("Report overdue")
    page.keyboard.press("x")
    page.locator("[data-case-do=close]").click()
    expect(page.locator("#case-said")).to_contain_text("NOT done")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
