"""The assembled server: scripts and styles whichever address is asked for first, an API 404, documentation offline."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect


@pytest.mark.parametrize("path", ["/", "/alarms", "/nothing-here"])
def test_the_first_page_asked_for_has_scripts_and_styles(serve: Any, path: str) -> None:
    status, page = serve().get(path)
    assert status == 200
    assert re.search(r'src="/assets/screen\.js\?m=', page)
    assert re.search(r'href="/assets/tokens\.css\?m=', page)
    assert "worker.js" not in page
    assert "/assets/vendor/" not in page


def test_an_unknown_api_address_is_a_404_and_not_a_screen(serve: Any) -> None:
    site = serve()
    for status, answer in (site.get("/api/v1/nothing"), site.ask("POST", "/api/v1/nothing", {})):
        assert status == 404
        assert "/api/docs" in answer["detail"]


def test_the_api_documentation_opens_and_reads_our_schema(serve: Any, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{serve().port}/api/docs")
    expect(page.locator('.opblock-summary-path[data-path="/readyz"]')).to_be_visible(timeout=20_000)
    page.close()
