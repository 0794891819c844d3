"""What boats did, on the map: by a key or the address, in words when pointed at, of the chosen boat all of it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from geo.behaviour.criteria import criteria
from geo.behaviour.event import Event
from geo.boat_event import Doer, revise
from geo.figure import Figures, seeds
from tests.pages.conftest import HOSTILE

PARAMETERS: dict[str, dict[str, Any]] = {
    "fishing": {"gear": "trawl", "median_kn": 3.1, "positions": 20},
    "encounter": {"median_m": 210, "median_kn": 0.6},
    "loitering": {"average_kn": 0.8, "offshore_nm": 31.0},
    "port_visit": {"port": "cang_thuan_an"},
    "gap": {"offshore_nm": 12.0, "positions_before": 40},
    "possible_disabling": {"offshore_nm": 61.0, "positions_before": 40},
}


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    expect.set_options(timeout=20_000)
    made = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    yield made
    made.close()
    expect.set_options(timeout=5_000)


def keep(centre: Any, key: int, kind: str, began_h: float, ended_h: float | None, lon: float, other: str = "",
         label: str = "TTH-90003-TS", confidence: str = "usual") -> None:  # fmt: skip
    now = datetime.now(UTC)
    ended = None if ended_h is None else now - timedelta(hours=ended_h)
    doer = Doer("vessel", str(key), other, label, other and "QNg-95518-TS")
    event = Event(kind, now - timedelta(hours=began_h), ended, lon, 16.68, confidence, PARAMETERS[kind])
    with centre.engine.begin() as connection:
        told = {kind: criteria(Figures(seeds()), now).told(kind)}
        revise(connection, doer, [], [event], told, now, now)


def test_what_boats_did_is_marked_when_it_is_asked_for(own_centre: Any, context: BrowserContext) -> None:
    own, another = 574090003, 574090004
    keep(own_centre, own, "encounter", 8, 4, 107.75, str(another))
    keep(own_centre, own, "fishing", 20, 12, 107.80)
    keep(own_centre, own, "loitering", 11, 6, 107.85, confidence="low")
    keep(own_centre, own, "port_visit", 40, 23, 107.90)
    keep(own_centre, another, "fishing", 9, 5, 107.95)  # nobody asked for this boat's work
    keep(own_centre, another, "gap", 7, None, 108.00, label=HOSTILE)
    keep(own_centre, another, "possible_disabling", 20, 2, 108.05)
    keep(own_centre, another, "gap", 90, 60, 108.10)  # the day before
    page = context.new_page()
    page.goto(f"{own_centre.url}/?theme=light")
    expect(page.locator("#live-mark")).to_have_class(re.compile("live"))
    marks = page.locator(".event")
    expect(page.get_by_role("button", name="Hành vi")).to_have_attribute("aria-pressed", "false")
    expect(marks).to_have_count(0)
    page.keyboard.press("h")
    expect(marks).to_have_count(3)  # of all boats: the meeting and the silences
    page.wait_for_function("new URLSearchParams(location.search).get('events') === '1'")
    page.goto(f"{own_centre.url}/?events=1&chosen=vessel.{own}&theme=light")
    expect(marks).to_have_count(6)
    expect(page.locator(".event-loitering.low")).to_have_count(1)
    page.locator(".event-encounter").hover()
    words = page.locator(".event-words")
    expect(words).to_contain_text("Gặp nhau trên biển với QNg-95518-TS: 4,0 giờ, cách nhau 210 m")
    expect(words).to_contain_text("theo AIS")
    page.mouse.move(5, 5)
    expect(words).to_have_count(0)
    page.locator(".event-gap").focus()  # without a mouse
    expect(words).to_contain_text("Khoảng lặng tín hiệu")
    expect(words).to_contain_text(HOSTILE)
    page.keyboard.press("h")
    expect(marks).to_have_count(0)
    page.close()
