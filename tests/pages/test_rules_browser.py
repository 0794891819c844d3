"""The rules' screen in a real browser: a rule made, changed, refused, restored and switched; lists; keys alone."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

SIZE: Any = {"width": 1366, "height": 768}


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """A question to the server follows each stroke, and the machine may be busy with other tests."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=SIZE, locale="vi-VN")
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(error.stack or error.message))
    made.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    yield made
    context.close()
    assert faults == []


def opened(page: Page, url: str, search: str = "") -> None:
    page.goto(f"{url}/rules{search}")
    expect(page.locator(".rules-table, #rules-table .empty").first).to_be_visible()
    if "rule=" in search and "preset" not in search and "new" not in search:
        form_ready(page)


def form_ready(page: Page) -> None:
    expect(page.locator("[data-form][data-ready]")).to_be_visible()


def row(page: Page, key: str) -> Any:
    return page.locator("tr", has=page.locator(f'a[data-rule-open="{key}"]'))


def kept(page: Page, key: str) -> dict[str, Any]:
    return dict(page.evaluate("(key) => fetch(`/api/v1/rules/${key}`).then((a) => a.json())", key))


def put(page: Page, key: str, **body: Any) -> dict[str, Any]:
    """Save a rule through the API, as another program would."""
    answer = page.evaluate(
        """([key, body]) => fetch(`/api/v1/rules/${key}`, {method: "PUT", body: JSON.stringify(body),
            headers: {"content-type": "application/json"}}).then(async (a) => [a.status, await a.json()])""",
        [key, {"actor": "Minh", **body}],
    )
    assert answer[0] == 200, answer
    return dict(answer[1])


AREA = {"kind": "inside", "severity": "high", "fence_key": "closed", "dwell_s": 600}


def test_a_rule_is_made_from_a_preset_then_changed_and_an_older_version_restored(centre: Any, page: Page) -> None:
    opened(page, centre.url)
    page.locator('[data-rule-open="new"]').click()
    page.locator('[data-preset="closed"]').click()
    form_ready(page)
    expect(page).to_have_url(re.compile(re.escape("rule=new")))
    expect(page).to_have_url(re.compile(re.escape("preset=closed")))
    page.locator("#rule-name_vi").fill("Ở lâu trong khu cấm")
    page.locator('[data-save="rule"]').click()
    expect(page.locator("#side-result")).to_have_text("CHƯA lưu: hãy ghi tên trực ban.")
    expect(page.locator("#rules-actor")).to_be_focused()
    page.locator("#rules-actor").fill("Lan")
    page.locator('[data-save="rule"]').click()
    expect(page.locator("#rule-wrong-fence_key")).to_have_text("Hãy chọn một vùng")
    expect(page.locator("#rule-fence_key")).to_be_focused()
    assert page.locator("#rule-fence_key option").count() >= 2
    page.locator("#rule-fence_key").select_option("closed")
    page.locator("#rule-dwell_min").fill("2,5")
    page.locator("#rule-length_from").fill("15")
    sentence = page.locator("#rule-sentence")
    expect(sentence).to_contain_text(
        "Báo động mức cao khi tàu (chiều dài từ 15 m) ở trong Khu vực cấm khai thác liên tục 2 phút 30 giây."
    )
    expect(sentence).to_contain_text("Giữ trên bàn đến khi có người xác nhận.")
    expect(page.locator("#rule-wrong-fence_key")).to_be_empty()
    page.locator('[data-save="rule"]').click()
    expect(page.locator("#side-result")).to_contain_text("Đã lưu phiên bản 1")
    key = "o_lau_trong_khu_cam"
    expect(page).to_have_url(re.compile(re.escape(f"rule={key}")))
    expect(page).not_to_have_url(re.compile(re.escape("preset")))
    expect(row(page, key)).to_contain_text("1 · Lan")
    expect(row(page, key)).to_have_class(re.compile("chosen"))
    rule = kept(page, key)
    assert (rule["dwell_s"], rule["applies_to"], rule["fence_key"]) == (150, {"length_m": [15, None]}, "closed")

    form_ready(page)
    page.locator("#rule-severity").select_option("critical")
    page.locator("#rule-comment").fill("tàu lạ")
    page.keyboard.press("Control+s")
    expect(page.locator("#side-result")).to_contain_text("Đã lưu phiên bản 2")
    first = page.locator("#rule-versions > li").first
    expect(first).to_contain_text("mức: cao → khẩn cấp")
    expect(first).to_contain_text("“tàu lạ”")
    expect(row(page, key)).to_contain_text("2 · Lan")
    page.locator('[data-save="rule"]').click()
    expect(page.locator("#side-result")).to_have_text("Không có gì thay đổi.")
    page.locator('[data-restore="1"]').click()
    expect(page.locator("#rule-versions > li").first).to_contain_text("Phiên bản 3")
    expect(page.locator("#side-result")).to_have_text("Đã khôi phục thành phiên bản 3.")
    expect(page.locator("#rule-severity")).to_have_value("high")
    assert kept(page, key)["severity"] == "high"


def test_what_is_wrong_is_said_at_its_field_in_the_language_of_the_screen(centre: Any, page: Page) -> None:
    opened(page, centre.url)
    put(page, "cham", name_vi="Chậm", params={"silence_s": 3600}, kind="silence", severity="low")
    opened(page, centre.url, "?rule=cham&lang=en")
    page.locator("#rule-silence_h").fill("a while")
    expect(page.locator("#rule-wrong-silence_h")).to_contain_text("number is needed")
    page.locator("#rule-silence_h").fill("9999")
    expect(page.locator("#rule-wrong-silence_h")).to_have_text("1 second to 8,784 hours (366 days)")
    expect(page.locator("#rule-silence_h")).to_have_attribute("aria-invalid", "true")
    page.locator("#rule-silence_h").fill("2.5")
    expect(page.locator("#rule-wrong-silence_h")).to_be_empty()
    page.locator("#rule-exclude").fill("@nobody")
    page.locator("#rules-actor").fill("Lan")
    page.keyboard.press("Control+s")
    expect(page.locator("#rule-wrong-exclude")).to_contain_text("@nobody")
    expect(page.locator("#rule-exclude")).to_be_focused()
    expect(page.locator("#side-result")).to_have_text("NOT saved: see the faults.")
    assert kept(page, "cham")["version"] == 1


def test_of_two_who_change_a_rule_the_second_is_told_and_opens_what_the_first_saved(centre: Any, page: Page) -> None:
    opened(page, centre.url)
    put(page, "hai", name_vi="Hai người", **AREA)
    opened(page, centre.url, "?rule=hai")
    put(page, "hai", name_vi="Hai người", version=1, **{**AREA, "severity": "low"})
    page.locator("#rules-actor").fill("Lan")
    page.locator("#rule-dwell_min").fill("20")
    page.keyboard.press("Control+s")
    result = page.locator("#side-result")
    expect(result).to_contain_text("Minh đã lưu phiên bản 2 lúc")
    page.locator("#side-reopen").click()
    expect(page.locator("#rule-severity")).to_have_value("low")
    expect(page.locator("#rule-dwell_min")).to_have_value("10")
    page.locator("#rule-dwell_min").fill("20")
    page.keyboard.press("Control+s")
    expect(result).to_contain_text("Đã lưu phiên bản 3")
    assert (kept(page, "hai")["dwell_s"], kept(page, "hai")["severity"]) == (1200, "low")


def test_conditions_that_the_form_does_not_show_are_said_and_stay(centre: Any, page: Page) -> None:
    opened(page, centre.url)
    odd = {"applies_to": {"callsign": {"in": ["XV1"]}, "length_m": [15, None]}, "qualifies": {"speed": [None, 4]}}
    put(page, "la", name_vi="Lạ", **AREA, **odd)
    opened(page, centre.url, "?rule=la")
    expect(page.locator(".rule-kept")).to_contain_text("hô hiệu là XV1")
    page.locator("#rules-actor").fill("Lan")
    page.locator("#rule-q0_to").fill("5,5")
    page.locator("#rule-length_to").fill("24")
    page.locator("summary", has_text="Giờ áp dụng").click()
    for day in (1, 2):
        page.locator(f"#rule-s0_d{day}").check()
    page.locator("#rule-s0_from").fill("6h")
    page.locator("#rule-s0_to").fill("18:00")
    page.locator('[data-rule-more="s"]').click()
    page.locator("#rule-s1_d7").check()
    page.locator("#rule-s1_from").fill("22:00")
    page.locator("#rule-s1_to").fill("2:00")
    expect(page.locator("#rule-sentence")).to_contain_text("T2, T3 06:00–18:00; CN 22:00–02:00")
    page.keyboard.press("Control+s")
    expect(page.locator("#side-result")).to_contain_text("Đã lưu phiên bản 2")
    rule = kept(page, "la")
    assert rule["applies_to"] == {"callsign": {"in": ["XV1"]}, "length_m": [15, 24]}
    assert rule["qualifies"] == {"speed": [None, 5.5]}
    assert [span["days"] for span in rule["schedule"]] == [[1, 2], [7]]


def test_a_rule_is_switched_in_the_list_and_a_distress_cannot_be(centre: Any, page: Page) -> None:
    opened(page, centre.url)
    put(page, "tat.di__x", name_vi="Tắt đi", **AREA)
    opened(page, centre.url)
    line = row(page, "tat.di__x")
    switch = line.get_by_role("switch")
    switch.click()
    expect(page.locator("#rules-said")).to_have_text("CHƯA lưu: hãy ghi tên trực ban.")
    page.locator("#rules-actor").fill("Lan")
    switch.click()
    expect(page.locator("#rules-said")).to_have_text("Đã tắt “Tắt đi”.")
    expect(switch).to_have_attribute("aria-checked", "false")
    assert kept(page, "tat.di__x")["enabled"] is False
    switch.click()
    expect(page.locator("#rules-said")).to_have_text("Đã bật “Tắt đi”.")
    expect(row(page, "distress")).to_contain_text("luôn bật")
    expect(row(page, "distress").get_by_role("switch")).to_have_count(0)
    row(page, "distress").locator("a[data-rule-open]").click()
    form_ready(page)
    expect(page.locator("#rule-enabled")).to_have_count(0)
    expect(page.locator("[data-form]")).to_contain_text("Quy tắc cấp cứu luôn bật.")


def test_the_list_is_filtered_and_the_address_holds_the_filter(centre: Any, page: Page) -> None:
    opened(page, centre.url)
    put(page, "loc1", name_vi="Đáy biển lạ", **{**AREA, "severity": "low"})
    put(page, "loc2", name_vi="Đáy sâu", enabled=False, **AREA)
    opened(page, centre.url)
    page.locator("#rules-search").fill("day")
    rows = page.locator(".rules-table tbody tr")
    expect(rows).to_have_count(2)
    off = page.locator('[data-filter="state"][data-value="off"]')
    expect(off).to_contain_text("1")
    off.click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Đáy sâu")
    expect(off).to_have_attribute("aria-pressed", "true")
    page.locator('[data-filter="sev"][data-value="low"]').click()
    expect(page.locator("#rules-table")).to_contain_text("Không có quy tắc nào như vậy.")
    page.locator('[data-filter="state"][data-value=""]').click()
    expect(rows).to_contain_text("Đáy biển lạ")
    page.locator("#rules-kind").select_option("silence")
    expect(rows).to_have_count(0)
    page.locator("#rules-kind").select_option("inside")
    expect(rows).to_have_count(1)
    page.reload()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Đáy biển lạ")
    expect(page.locator("#rules-search")).to_have_value("day")
    expect(page.locator("#rules-kind")).to_have_value("inside")


def test_a_list_by_name_is_made_used_changed_and_restored(centre: Any, page: Page) -> None:
    opened(page, centre.url)
    page.locator("#rules-actor").fill("Lan")
    page.locator('[data-roster-open="new"]').click()
    form_ready(page)
    page.locator("#rule-name_vi").fill("Tàu nhà")
    page.locator("#rule-members").fill("574000001\nTàu A")
    page.locator('[data-save="roster"]').click()
    expect(page.locator("#rule-wrong-members")).to_contain_text("MMSI")
    page.locator("#rule-members").fill("574000001\n574000002\n574000001")
    page.locator('[data-save="roster"]').click()
    expect(page.locator("#side-result")).to_contain_text("Đã lưu phiên bản 1")
    expect(page).to_have_url(re.compile(re.escape("roster=tau_nha")))
    expect(page.locator("#rule-members")).to_have_value("574000001\n574000002")
    form_ready(page)
    page.locator("#rule-members").fill("574000003")
    page.locator("#rule-comment").fill("đổi tàu")
    page.keyboard.press("Control+s")
    expect(page.locator("#side-result")).to_contain_text("Đã lưu phiên bản 2")
    expect(page.locator(".versions")).to_contain_text("bớt 574000001, 574000002")
    form_ready(page)
    page.locator('[data-restore="1"]').click()
    expect(page.locator("#side-result")).to_contain_text("Đã lưu phiên bản 3")
    expect(page.locator("#rule-members")).to_have_value("574000001\n574000002")
    page.locator("[data-side-close]").click()
    expect(page.locator(".side-home")).to_contain_text("@tau_nha · 2 đối tượng")
    expect(page).not_to_have_url(re.compile(re.escape("roster")))


def test_everything_is_done_by_keyboard_alone(centre: Any, page: Page) -> None:
    opened(page, centre.url)
    page.locator("#rules-actor").fill("Lan")
    page.locator('[data-rule-open="new"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator("#side-title")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.locator('[data-preset="closed"]')).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    form_ready(page)
    expect(page.locator("#side-title")).to_be_focused()
    page.locator("#rule-silence_h").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("4,5")
    page.keyboard.press("Control+s")
    expect(page.locator("#side-result")).to_contain_text("Đã lưu phiên bản 1")
    assert kept(page, "mat_tin_hieu")["params"] == {"silence_s": 16_200}
    form_ready(page)
    page.locator("#side-title").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".side-home")).to_be_visible()
    row(page, "mat_tin_hieu").get_by_role("switch").focus()
    page.keyboard.press("Space")
    expect(page.locator("#rules-said")).to_contain_text("Đã tắt")
    expect(row(page, "mat_tin_hieu").get_by_role("switch")).to_be_focused()


@pytest.mark.parametrize("search", ["", "?rule=new", "?rule=closed", "?roster=new"])
def test_axe_finds_nothing_serious(centre: Any, page: Page, search: str) -> None:
    opened(page, centre.url)
    page.goto(f"{centre.url}/rules{search}")
    expect(page.locator(".rules-table")).to_be_visible()
    expect(page.locator("#side-title, .side-home").first).to_be_visible()
    if search in ("?rule=closed", "?roster=new"):
        form_ready(page)
    found = Axe().run(page).response["violations"]
    grave = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
    assert grave == []
