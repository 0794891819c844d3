"""Communes on the map in a real browser: borders, names, shades and their legend, search, the place pointed at."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import shapely
import sqlalchemy as sa
from geoalchemy2.shape import from_shape
from playwright.sync_api import Browser, BrowserContext, Page, expect
from shapely.geometry import box

from geo.actor import Actor
from geo.area import area, areas, save_areas
from geo.commune import cut_again
from tests.pages.test_screen_browser import find, opened, query

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
# Thuận An, Phú Hồ and Vinh Lộc as squares round their points; every other commune stays without an outline.
HALF = 0.03
SQUARED = ("19900", "19918", "20122")
BOATS = {"Thuận An": 12, "Vinh Lộc": 3, "Chân Mây - Lăng Cô": 1}


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="vi-VN")
    yield made
    made.close()


@pytest.fixture
def page(centre: Any, context: BrowserContext) -> Page:
    with centre.engine.begin() as connection:
        known = {one.code: one for one in areas(connection)}
        for code in SQUARED:
            one = known[code]
            square = box(one.lon - HALF, one.lat - HALF, one.lon + HALF, one.lat + HALF)
            whole = shapely.multipolygons([square])
            save_areas(connection, [replace(one, geom=whole, version=one.version + 1)], Actor("Lan"), NOW, None)
            outline = from_shape(whole, srid=4326)
            connection.execute(sa.update(area).where(area.c.code == code).values(outline=outline))
        cut_again(connection, ["46"])
        connection.execute(sa.text("DELETE FROM boat WHERE updated_by = 'Lan'"))
        insert = sa.text(
            "INSERT INTO boat (registration, length_m, home_province, commune, updated_at, updated_by)"
            " VALUES (:name, 16, 'Huế', :commune, now(), 'Lan')"
        )
        numbers = iter(range(90_000, 99_000))
        for commune, count in BOATS.items():
            for _ in range(count):
                connection.execute(insert, {"name": f"TTH-{next(numbers)}-TS", "commune": commune})
    return opened(context, f"{centre.url}/?lat=16.45&lon=107.8&z=11")


def names(page: Page) -> list[str]:
    return page.locator(".commune-name span").all_inner_texts()


def test_borders_and_names_are_off_at_first_and_names_do_not_lie_over_each_other(page: Page) -> None:
    assert page.locator("path.commune").count() == 0
    page.locator("#area-toggle").click()
    expect(page.locator("path.commune:not(.guessed)")).to_have_count(len(SQUARED))
    expect(page.locator("path.commune.guessed").first).to_be_attached()
    expect(page.locator(".commune-name span").first).to_be_visible()
    assert "Thuận An" in names(page)
    assert query(page)["areas"] == "1"
    boxes = [one.bounding_box() for one in page.locator(".commune-name span").all()]
    assert len(boxes) > 5
    for n, one in enumerate(boxes):
        for other in boxes[n + 1 :]:
            assert one is not None
            assert other is not None
            apart_x = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            apart_y = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
            assert apart_x or apart_y
    expect(page.locator("#area-notes")).to_contain_text("chấm là điểm tham khảo")
    page.locator("#area-toggle").click()
    expect(page.locator("path.commune")).to_have_count(0)
    expect(page.locator(".commune-name")).to_have_count(0)
    expect(page.locator("#area-more")).to_be_hidden()
    assert "areas" not in query(page)
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_figure_shades_the_communes_and_its_legend_has_classes_unit_source_and_time(page: Page) -> None:
    page.locator("#area-toggle").click()
    page.locator("#area-kpi").select_option("boat.registered")
    expect(page.locator("path.commune.shade-4:not(.guessed)")).to_have_count(1)
    expect(page.locator("path.commune.shade-0.guessed")).to_have_count(1)  # a point, since it has no outline
    lines = page.locator("#area-legend li")
    expect(lines).to_have_text(
        ["12 tàu · 1 xã, phường", "3 tàu · 1 xã, phường", "1 tàu · 1 xã, phường", "Không có · 139 xã, phường"]
    )
    expect(page.locator("#area-notes")).to_contain_text(re.compile(r"Nguồn: Sổ đăng ký tàu cá, lúc \d\d:\d\d:\d\d"))
    assert "Thuận An\n12" in names(page)
    assert query(page)["areas"] == "boat.registered"
    told = """[...document.querySelectorAll('path.commune[class*=shade-]')].map((one) => getComputedStyle(one).fill)"""
    fills = set(page.evaluate(told))
    tokens = """['critical', 'high', 'medium'].map((name) => { const one = document.createElement('i');
      one.style.color = `var(--${name})`; document.body.append(one); return getComputedStyle(one).color; })"""
    assert len(fills) == 3
    assert not fills & set(page.evaluate(tokens))
    page.reload()
    expect(page.locator("path.commune.shade-4:not(.guessed)")).to_have_count(1, timeout=20_000)
    assert page.faults == []  # type: ignore[attr-defined]


def test_a_commune_is_found_by_its_name_without_accents_and_flown_to(page: Page) -> None:
    find(page, "chan may lang")
    page.wait_for_function("Math.abs(haidang.map.getCenter().lat - 16.265) < 0.002")
    page.wait_for_function("Math.abs(haidang.map.getCenter().lng - 107.972) < 0.002")
    page.keyboard.press("/")
    page.keyboard.press("Control+a")
    page.keyboard.type("phu xuan")
    options = page.locator("#search-list [role=option]")
    expect(options.filter(has_text="Phường Phú Xuân")).to_contain_text("xã, phường · Huế")
    expect(options.filter(has_text="Xã Phú Xuân")).to_contain_text("xã, phường · Đắk Lắk")


def test_a_pointer_that_rests_is_told_the_commune_and_the_place_in_vn_2000_and_at_sea_nothing(page: Page) -> None:
    at = page.evaluate(
        "(() => { const p = haidang.map.latLngToContainerPoint([16.544, 107.646]); return [p.x, p.y]; })()"
    )
    frame = page.locator("#map").bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + at[0] + 5, frame["y"] + at[1])
    page.mouse.move(frame["x"] + at[0], frame["y"] + at[1])
    place = page.locator(".area-place")
    expect(place).to_have_text(
        re.compile(r"^Phường Thuận An · VN-2000 107°00′ E 568\.\d{3}(,\d)? N 1\.829\.\d{3}(,\d)?$")
    )
    page.mouse.move(frame["x"] + frame["width"] - 80, frame["y"] + 90)
    expect(place).to_have_text("")
    page.wait_for_timeout(1_200)
    expect(place).to_have_text("")
