"""The first minutes with the whole program: the demo, its simulated day, a breach, two browsers, a real capture."""

import json
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from run import port
from run.process import wait_for
from tests.program import answer, opened

pytestmark = pytest.mark.alone
SPEED = 5  # the simulated day runs this much faster, so that its first breach comes within the test
BREACH_S = 240
OUTAGE_S = 420  # a provider's outage is noticed some minutes after the start


@dataclass(frozen=True)
class Demo:
    """A running demo: its address, its home, where it listens for NMEA over TCP, and what it said at its start."""

    url: str
    home: Path
    tcp: str
    settings: dict[str, str]
    said: list[str]


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    # Not pytest's own folder: as root, the servers run as another user, who cannot reach into it.
    home = Path(tempfile.mkdtemp(prefix="haidang-test-"))
    home.chmod(0o755)
    web, tcp, udp = port.choose(), port.choose(), port.choose(socket.SOCK_DGRAM)
    addresses = [f"udp://127.0.0.1:{udp}", f"tcp-listen://127.0.0.1:{tcp}"]
    settings = {"HAIDANG_FEED_SOURCES": json.dumps({"ais": addresses})}
    with opened(home, "demo", "--port", str(web), "--speed", str(SPEED), **settings) as (_, said):
        yield Demo(f"http://127.0.0.1:{web}", home, f"tcp://127.0.0.1:{tcp}", settings, said)
    shutil.rmtree(home)


def page_of(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="vi-VN").new_page()
    page.goto(url)
    expect(page.locator("#live-mark")).to_have_class(re.compile("live"), timeout=60_000)
    return page


def asked(page: Page, path: str) -> Any:
    """What the API answers to the page itself."""
    return page.evaluate("path => fetch(path).then(answer => answer.json())", path)


def places(page: Page) -> dict[str, list[float]]:
    found = asked(page, "/api/v1/layers/vessel/features?limit=2000")["features"]
    return {feature["id"]: feature["geometry"]["coordinates"] for feature in found}


def moved(before: dict[str, list[float]], now: dict[str, list[float]]) -> int:
    return sum(now.get(key) not in (None, place) for key, place in before.items())


def alarms_of(page: Page, rule: str) -> list[dict[str, Any]]:
    return [alarm for alarm in asked(page, "/api/v1/alarms") if alarm["rule"] == rule]


def breaches(page: Page) -> list[dict[str, Any]]:
    return alarms_of(page, "demo_ban")


@pytest.mark.timeout(600)
def test_step_1_the_demo_opens_on_hue_with_its_boats_moving(demo: Demo, browser: Browser) -> None:
    text = "\n".join(demo.said)
    assert "PostgreSQL" in text
    assert "Redis" in text
    assert re.search(r"Stored 1\d\d,\d\d\d positions", text)
    page = page_of(browser, demo.url)
    expect(page.locator("#badge")).to_have_text("DỮ LIỆU MÔ PHỎNG")
    # 61 of Huế's own boats are 24 m and longer (domain 1.5); a guest from another province may lie among them, and two
    # that share a number count as one.
    expect(page.locator('[data-kind-key="vessel.fishing_24"] .count')).to_have_text(
        re.compile("6[0-9]"), timeout=30_000
    )
    expect(page.locator("#feed-ais-sim")).to_have_attribute("data-fresh", "fresh", timeout=30_000)
    before = places(page)
    assert len(before) > 600
    assert wait_for(lambda: moved(before, places(page)) >= 50, 90, every_s=2)
    page.context.close()


@pytest.mark.timeout(600)
def test_step_2_a_search_finds_a_moving_boat_with_its_day_behind_it(demo: Demo, browser: Browser) -> None:
    page = page_of(browser, demo.url)
    page.keyboard.press("/")
    page.keyboard.type("tth-91234")
    expect(page.locator("#search-list [role=option]").first).to_be_visible(timeout=20_000)
    page.keyboard.press("Enter")
    expect(page.locator("#card h2")).to_have_text("TTH-91234-TS", timeout=20_000)
    expect(page.locator("#card")).to_contain_text("mô phỏng")
    expect(page.locator("path.trail").first).to_be_attached(timeout=20_000)
    page.wait_for_function("new URLSearchParams(location.search).get('chosen') === 'vessel.574091234'")
    page.context.close()


@pytest.mark.timeout(600)
def test_step_3_who_works_in_a_wrong_zone_is_answered_and_given_to_a_unit_and_the_other_desk_sees_it(
    demo: Demo, browser: Browser
) -> None:
    one, other = page_of(browser, demo.url), page_of(browser, demo.url)
    assert wait_for(lambda: alarms_of(one, "demo_wrong_zone") != [], BREACH_S, every_s=2)
    alarm = alarms_of(one, "demo_wrong_zone")[0]
    assert (alarm["object_label"], alarm["severity"]) == ("TTH-91234-TS", "high")  # 16 m, in the inshore zone
    one.locator("#actor").fill("Ng. V. A.")
    row = one.locator(f"[data-alarm-row='{alarm['id']}'] .alarm-row")
    row.click()
    expect(one.locator("#card")).to_contain_text("Vùng lộng", timeout=20_000)
    one.keyboard.press("a")
    expect(one.locator("#deed-comment")).to_be_focused(timeout=10_000)
    one.keyboard.type("đã gọi chủ tàu")
    one.keyboard.press("Enter")
    expect(one.locator("#deed-words")).to_contain_text("Đã xác nhận", timeout=20_000)
    expect(other.locator(f"[data-alarm-row='{alarm['id']}']")).to_have_class(
        re.compile(r"\backnowledged"), timeout=10_000
    )
    expect(row).to_be_focused(timeout=20_000)  # back where the operator was
    one.keyboard.press("g")
    expect(one.locator("#deed-unit")).to_be_focused(timeout=10_000)
    one.locator("#deed-unit").select_option(label="Chi cục Thủy sản Huế")
    one.locator("#deed-person").fill("Hùng")
    one.locator("#deed-person").press("Enter")
    expect(one.locator("#deed-words")).to_contain_text("giao", timeout=20_000)
    (told,) = (each for each in asked(other, "/api/v1/alarms") if each["id"] == alarm["id"])
    assert (told["unit"], told["person"]) == ("fisheries", "Hùng")
    one.context.close()
    other.context.close()


@pytest.mark.timeout(600)
def test_a_breach_is_raised_once_and_an_acknowledgement_is_seen_at_the_other_desk(demo: Demo, browser: Browser) -> None:
    one, other = page_of(browser, demo.url), page_of(browser, demo.url)
    assert wait_for(lambda: breaches(one) != [], BREACH_S, every_s=2)
    breach = breaches(one)[-1]
    assert [alarm["object_key"] for alarm in breaches(one)].count(breach["object_key"]) == 1
    expect(other.locator("#desk")).to_contain_text(breach["object_label"], timeout=20_000)
    done = one.evaluate(
        f"""fetch('/api/v1/alarms/{breach["id"]}/acknowledge', {{method: 'POST',
        headers: {{'content-type': 'application/json'}},
        body: JSON.stringify({{actor: 'Ng. V. A.', comment: 'đã gọi chủ tàu'}})}}).then(r => r.status)"""
    )
    assert done == 200
    expect(other.locator("#desk")).to_contain_text("Ng. V. A. đã xác nhận", timeout=10_000)
    one.context.close()
    other.context.close()


@pytest.mark.timeout(600)
def test_step_4_a_silent_boat_is_a_case_with_its_clocks_and_a_silent_provider_is_one_line(
    demo: Demo, browser: Browser
) -> None:
    page = page_of(browser, demo.url)
    board = page.context.new_page()
    board.goto(f"{demo.url}/fisheries")
    lost = board.locator("section:has(#column-LOST) .case-card").first
    expect(lost.locator(".until").first).to_be_visible(timeout=60_000)  # its legal clocks run
    assert wait_for(lambda: alarms_of(page, "vms_outage") != [], OUTAGE_S, every_s=2)
    assert len(alarms_of(page, "vms_outage")) == 1
    expect(board.locator(".outage")).to_have_count(1, timeout=30_000)
    expect(board.locator(".outage")).to_contain_text("là một báo động")
    # No flood: of the boats that are silent with their provider none is a line of its own.
    losses = [each for each in alarms_of(page, "vms_loss") if each["suppressed_at"] is None]
    cases = asked(page, "/api/v1/cases?status=running&kind=loss")
    assert {each["object_key"] for each in losses} == {each["registration"] for each in cases if not each["outage_id"]}
    page.context.close()


@pytest.mark.timeout(600)
def test_a_real_capture_over_tcp_is_on_the_map_with_an_exact_account(demo: Demo, shared_data: Path) -> None:
    capture = shared_data / "ais" / "kystverket_Ais1000Lines.nm4"
    words = ("replay", str(capture), "--to", demo.tcp, "--speed", "max", "--json")
    code, lines = answer(demo.home, *words, **demo.settings)
    assert code == 0, lines
    account = json.loads(lines[-1])
    assert account["received"] == account["accepted"] + sum(account["rejected"].values()) == 1000
    assert account["messages"] == 877
    code, lines = answer(demo.home, "status", "--json", **demo.settings)
    assert code == 0, lines
    feeds = {feed["source"]: feed for feed in json.loads(lines[-1])["feeds"]}
    assert feeds[f"ais.tcp{demo.tcp.rpartition(':')[2]}"]["received"] == 1000
