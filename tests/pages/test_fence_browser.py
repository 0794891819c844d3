"""Fences on the map in a real browser: live on every screen, drawn by mouse and by keyboard, repaired, refused."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.pages.test_screen_browser import SIZE, opened

RING = [[107.55, 16.7], [107.78, 16.7], [107.78, 16.8], [107.55, 16.8], [107.55, 16.7]]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport=SIZE, locale="vi-VN")
    yield made
    made.close()


def put(page: Page, key: str, **change: Any) -> dict[str, Any]:
    """Save a fence through the API, as another program would."""
    body = {"actor": "Minh", "name_vi": "Khu thử", "geometry": {"type": "Polygon", "coordinates": [RING]}, **change}
    answer = page.evaluate(
        """([key, body]) => fetch(`/api/v1/fences/${key}`, {method: "PUT", body: JSON.stringify(body),
            headers: {"content-type": "application/json"}}).then(async (a) => [a.status, await a.json()])""",
        [key, body],
    )
    assert answer[0] == 200, answer
    return dict(answer[1])


def retire(page: Page, key: str, version: int) -> None:
    status = page.evaluate(
        """([key, version]) => fetch(`/api/v1/fences/${key}`, {method: "DELETE",
            body: JSON.stringify({actor: "Minh", version, comment: "thử xong"}),
            headers: {"content-type": "application/json"}}).then((a) => a.status)""",
        [key, version],
    )
    assert status == 200


def named(page: Page, words: str) -> Any:
    return page.locator(".zone-name span", has_text=re.compile(f"^{words}$"))


def test_a_saved_fence_is_on_every_open_map_within_two_seconds_and_a_retired_one_vanishes(
    centre: Any, browser: Browser
) -> None:
    first, second = (browser.new_context(viewport=SIZE) for _ in range(2))
    one, two = opened(first, centre.url), opened(second, f"{centre.url}/?lang=en")
    before = two.locator("path.zone").count()
    began = time.monotonic()
    put(one, "song", name_en="Live area")
    expect(named(two, "Live area")).to_be_visible(timeout=2_000)
    assert time.monotonic() - began < 2
    expect(named(one, "Khu thử")).to_be_visible(timeout=2_000)
    expect(two.locator("path.zone")).to_have_count(before + 1)
    put(one, "song", version=1, name_vi="Khu đổi tên", name_en="Renamed", valid_from="2030-01-01T00:00:00+07:00")
    expect(named(one, "Khu đổi tên · chưa có hiệu lực")).to_be_visible(timeout=3_000)
    expect(two.locator("path.zone.area.dim")).to_have_count(1, timeout=3_000)
    assert two.evaluate("document.querySelectorAll('path.zone.area').length") == 2
    retire(one, "song", 2)
    expect(named(one, "Khu đổi tên · chưa có hiệu lực")).to_have_count(0, timeout=3_000)
    expect(two.locator("path.zone.dim")).to_have_count(0, timeout=3_000)
    expect(named(one, "Khu vực cấm khai thác")).to_be_visible()
    for page, context in ((one, first), (two, second)):
        assert page.faults == []  # type: ignore[attr-defined]
        context.close()
