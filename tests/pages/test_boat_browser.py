"""A boat's own page in a real browser: any spelling, its lists, its map, what it is not, and axe in both themes."""

import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from access import evidence
from geo.database import engine
from run.role import urls
from run.servers import Servers
from tests import boat_past
from tests.pages.conftest import Centre, standing

SIZE = {"width": 1366, "height": 768}
CENTRE = "pages_boat"


@pytest.fixture(scope="module")
def centre(private_servers: Servers, database_template: str) -> Iterator[Centre]:
    """A centre with a boat that was at sea twice in a week, and is silent now."""
    with standing(private_servers, database_template, CENTRE) as made:
        ingest = engine(urls(private_servers.postgres, CENTRE).ingest)
        boat_past.lay(made.engine, ingest, datetime.now(UTC))
        ingest.dispose()
        yield made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=SIZE, locale="vi-VN")
    made = context.new_page()
    faults: list[str] = []
    made.faults = faults  # type: ignore[attr-defined]
    made.on("pageerror", lambda error: faults.append(error.message))
    made.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    expect.set_options(timeout=60_000)
    yield made
    expect.set_options(timeout=5_000)
    assert faults == [], faults
    context.close()


def part(page: Page, title: str) -> Any:
    return page.locator(".boat-part", has=page.get_by_role("heading", name=title))


def test_a_boat_in_any_spelling_from_all_sides(centre: Centre, page: Page) -> None:
    page.goto(f"{centre.url}/fisheries/tth%2091234?days=7")
    expect(page.locator(".boat-state")).to_contain_text("Mất tín hiệu")
    expect(page.locator(".boat-name h2")).to_have_text(boat_past.NAME)
    expect(page).to_have_url(re.compile(rf"/fisheries/{boat_past.NAME}\?days=7$"))
    expect(part(page, "Nghĩa vụ theo chiều dài")).to_contain_text("bắt buộc, 2 giờ một lần")
    expect(part(page, "Thiết bị giám sát")).to_contain_text("VNPT · kẹp chì KC-778")
    people = part(page, "Chủ tàu, thuyền trưởng")
    expect(people).to_contain_text("Nguyễn Văn Bảy · •••••••678")
    expect(part(page, "Giấy phép").first).to_contain_text("Còn 4")
    trips = part(page, "Chuyến biển và cảng")
    expect(trips.locator("tbody tr")).to_have_count(2)
    expect(trips.locator("tbody tr").first).to_contain_text("còn ở biển")
    expect(part(page, "Vụ việc")).to_contain_text("Mất tín hiệu số")
    expect(part(page, "Lịch sử sổ đăng ký").locator("tbody tr")).to_have_count(2)
    expect(part(page, "Dòng thời gian")).to_contain_text("Rời Cảng cá Thuận An")
    expect(part(page, "Dòng thời gian")).to_contain_text("Không có vị trí trong 10 giờ")
    expect(page.locator("#boat-map path.trail-gap")).to_have_count(1)
    expect(page.locator("#boat-map path.boat-last")).to_have_count(1)
    assert "0912345678" not in page.content()
    with page.expect_download(timeout=60_000) as got:
        page.get_by_role("link", name="Hồ sơ chứng cứ (ZIP)").click()
    assert got.value.suggested_filename.startswith(f"ho-so-{boat_past.NAME}-")
    with zipfile.ZipFile(got.value.path()) as pack:
        assert {"ho-so.pdf", "track_vms.csv", "manifest.json", "SHA256SUMS"} <= set(pack.namelist())
    page.get_by_role("link", name="24 giờ").click()
    expect(page).to_have_url(re.compile(r"days=1$"))
    expect(trips.locator("tbody tr")).to_have_count(1)


def test_what_is_no_boat_and_the_way_from_the_map(centre: Centre, page: Page) -> None:
    page.goto(f"{centre.url}/fisheries/TTH-99999-TS?lang=en")
    expect(page.locator(".boat-unknown h3")).to_have_text("The register has no such boat")
    expect(page.locator(".boat-spans")).to_be_hidden()
    expect(page.locator(".boat-inspection")).to_be_hidden()
    page.goto(f"{centre.url}/?chosen=vms.{boat_past.NAME}")
    page.locator(".card-boat").click()
    expect(page.locator(".boat-name h2")).to_have_text(boat_past.NAME)
    page.goto(f"{centre.url}/?chosen=vessel.{boat_past.MMSI}")
    expect(page.locator(".card-boat")).to_have_attribute("href", f"/fisheries/{boat_past.NAME}")


def test_an_inspection_is_written_down_and_stands_in_the_list_and_the_timeline(centre: Centre, page: Page) -> None:
    page.goto(f"{centre.url}/fisheries/{boat_past.NAME}?days=7")
    expect(page.locator(".boat-state")).to_be_visible()
    expect(part(page, "Kiểm tra")).to_contain_text("Chưa ghi lần kiểm tra nào.")
    page.locator(".boat-inspection summary").focus()
    page.keyboard.press("Enter")
    said = page.locator("#inspection-said")
    page.get_by_role("button", name="Ghi vào sổ").click()
    expect(said).to_have_text("CHƯA ghi: Nơi kiểm tra: Hãy ghi mục này")
    for name, text in (("place", "Cảng cá Thuận An"), ("unit", "Chi cục Thủy sản"), ("actor", "Trần Thị Lan"),
                       ("note", "đã thay kẹp chì, gọi 0905 123 456")):  # fmt: skip
        page.locator(f"#inspection-{name}").fill(text)
    page.get_by_label("Nhắc nhở").check()
    page.get_by_label("Kẹp chì mất").check()
    page.wait_for_timeout(800)  # the boxes tell what is typed when the fingers rest
    page.get_by_role("button", name="Ghi vào sổ").click()
    expect(said).to_have_text(re.compile(r"Đã ghi vào sổ, số \d+\."))
    line = part(page, "Kiểm tra").locator("tbody tr")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("Nhắc nhở")
    expect(line).not_to_contain_text("123 456")
    expect(part(page, "Dòng thời gian")).to_contain_text("Kiểm tra: Nhắc nhở")
    expect(page.locator("#inspection-place")).to_have_value("")
    line.get_by_role("button", name="Sửa").click()
    expect(page.locator("#inspection-correcting")).to_contain_text("thay cho dòng số")
    for name, text in (("place", "Cảng cá Thuận An"), ("unit", "Đồn Biên phòng")):
        page.locator(f"#inspection-{name}").fill(text)
    page.get_by_label("Không vi phạm").check()
    page.wait_for_timeout(800)
    page.get_by_role("button", name="Ghi vào sổ").click()
    expect(page.locator("#inspection-correcting")).to_have_text("")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("Đồn Biên phòng")


def test_a_pack_that_is_refused_says_why_on_the_page(
    centre: Centre, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "FIXES_MOST", 10)
    for lang, words in (("vi", "CHƯA có hồ sơ: "), ("en", "NO pack yet: ")):
        page.goto(f"{centre.url}/fisheries/{boat_past.NAME}?days=7&lang={lang}")
        expect(page.locator(".boat-state")).to_be_visible()
        page.locator("#boat-head a[data-pack]").click()
        expect(page.locator("#boat-said")).to_have_text(re.compile(words + {
            "vi": r"\d+ vị trí trong khoảng này, nhiều nhất 10: hãy chọn khoảng ngắn hơn",
            "en": r"\d+ positions in this period, of which 10 are the most: ask for a shorter one"}[lang]))  # fmt: skip
        expect(page).to_have_url(re.compile(rf"/fisheries/{boat_past.NAME}\?days=7&lang={lang}$"))
    assert all("422" in each for each in page.faults)  # type: ignore[attr-defined]  # the browser tells of them
    page.faults.clear()  # type: ignore[attr-defined]
    page.route("**/evidence?*", lambda route: route.abort())
    page.locator("#boat-head a[data-pack]").click()
    expect(page.locator("#boat-said")).to_have_text(re.compile("NO pack yet: the server is busy"))
    page.faults.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(centre: Centre, page: Page, theme: str) -> None:
    page.goto(f"{centre.url}/fisheries/{boat_past.NAME}")
    expect(page.locator(".boat-state")).to_be_visible()
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
    expect(part(page, "Dòng thời gian")).to_be_visible()
    found = [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert found == [], "\n".join(found)
