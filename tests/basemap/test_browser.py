"""The base map in a real browser, on a real dash-leaflet map: names and plates, pixels, reader, themes."""

import io
import re
import struct
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dash
import dash_leaflet as dl
import numpy as np
import pytest
from dash import html
from PIL import Image
from werkzeug.serving import make_server

from geo import basemap

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

ASSETS = basemap.FOLDER.parent
SEA = {"dark": (10, 17, 24), "light": (219, 230, 237)}
LAND = {"dark": (26, 38, 49), "light": (244, 243, 238)}
# What must stand in every view, as a name or on a plate.
WORDS = {
    "vi": {
        "hoang_sa": r"^(Quần đảo )?Hoàng Sa \(Việt Nam\)",
        "truong_sa": r"^(Quần đảo )?Trường Sa \(Việt Nam\)",
        "east_sea": r"^(BIỂN ĐÔNG$|Biển Đông [\d.]+ km)",
    },
    "en": {
        "hoang_sa": r"^Hoang Sa (Islands )?\(Viet Nam\)",
        "truong_sa": r"^Truong Sa (Islands )?\(Viet Nam\)",
        "east_sea": r"^(EAST SEA$|East Sea [\d,]+ km)",
    },
}
DRAWN = """() => { const tiles = [...document.querySelectorAll('.basemap-tiles canvas')];
    return tiles.length > 0 && tiles.every((c) => c.classList.contains('leaflet-tile-loaded')); }"""
# ... and the fading in is over and other zooms' tiles are gone.
SETTLED = """(zoom) => { const layer = [...document.querySelectorAll('.basemap-tiles .leaflet-tile-container')];
    const tiles = layer.flatMap((each) => [...each.children]);
    return tiles.length > 0 && layer.filter((each) => each.children.length).length === 1
        && tiles.every((c) => c.job.z === zoom && c.classList.contains('leaflet-tile-loaded')
            && getComputedStyle(c).opacity === '1'); }"""
# Names and plates that a reader can see: not hidden, and with their whole box inside the window.
VISIBLE = """() => [...document.querySelectorAll('.basemap-name, .basemap-plate')].filter((e) => {
    const b = e.getBoundingClientRect(), s = getComputedStyle(e);
    return b.width > 20 && b.left >= 0 && b.top >= 0 && b.right <= innerWidth && b.bottom <= innerHeight
        && s.visibility === 'visible' && s.display !== 'none' && parseFloat(s.opacity) > 0.5
        && parseFloat(s.fontSize) >= 10;
}).map((e) => ({ group: e.dataset.group, text: e.textContent.trim() }))"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    app = dash.Dash(assets_folder=str(ASSETS), assets_ignore=r"^(?!basemap\.(js|css)$|tokens\.css$).*")
    size = {"width": "100vw", "height": "100vh"}
    app.layout = html.Div(dl.Map(id="map", center=[16.35, 107.85], zoom=9, zoomSnap=0.5, zoomControl=False, style=size))
    app.index_string = app.index_string.replace("<body>", '<body style="margin: 0">')
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()


def opened(browser: "Browser", address: str, **context: Any) -> "Page":
    page = browser.new_context(**{"viewport": {"width": 1366, "height": 768}, **context}).new_page()
    page.add_init_script(
        "const wait = setInterval(() => { if (window.L) { clearInterval(wait);"
        "L.Map.addInitHook(function () { window.test_map = this; }); } }, 0);"
    )
    page.goto(address)
    page.wait_for_function("window.test_map && test_map._loaded")
    page.evaluate("haidang.basemap.ready")
    page.wait_for_function(DRAWN)
    return page


@pytest.fixture(scope="module")
def page(browser: "Browser", address: str) -> "Iterator[Page]":
    page = opened(browser, address)
    yield page
    page.context.close()


def show(page: "Page", lat: float, lon: float, zoom: float) -> None:
    page.evaluate("([lat, lon, zoom]) => test_map.setView([lat, lon], zoom, {animate: false})", [lat, lon, zoom])


def dress(page: "Page", theme: str, lang: str) -> None:
    page.evaluate(
        "async ([theme, lang]) => { const r = document.documentElement; r.dataset.theme = theme; r.lang = lang;"
        "dispatchEvent(new Event('haidang:theme'));"
        "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); }",
        [theme, lang],
    )


def sovereign_words_stand(page: "Page", lang: str, where: object) -> None:
    seen = page.evaluate(VISIBLE)
    for group, pattern in WORDS[lang].items():
        assert any(each["group"] == group and re.match(pattern, each["text"]) for each in seen), (where, group, seen)


VIEWS = [(16.35, 107.85), (16.5, 112.0), (9.6, 114.2), (12.68, 108.05), (51.5, 0.0), (-40.0, -170.0), (16.35, 467.85)]


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_fact_24_archipelagos_and_the_east_sea_stand_at_every_zoom(page: "Page", theme: str, lang: str) -> None:
    dress(page, theme, lang)
    for zoom in range(2, 19):
        for lat, lon in VIEWS:
            show(page, lat, lon, zoom)
            sovereign_words_stand(page, lang, (theme, lang, zoom, lat, lon))


@pytest.mark.parametrize("size", [(800, 600), (1920, 1080), (3840, 2160)])
def test_fact_24_they_stand_on_every_screen_and_under_any_over_layer(
    browser: "Browser", address: str, size: tuple[int, int]
) -> None:
    page = opened(browser, address, viewport={"width": size[0], "height": size[1]})
    page.evaluate("haidang.basemap.over({kind: 'tiles', url: 'data:image/gif;base64,R0lGODlhAQABAAAAACw='})")
    for zoom in (2, 5, 9, 13, 18):
        show(page, 16.35, 107.85, zoom)
        sovereign_words_stand(page, "vi", (size, zoom))
    page.evaluate("haidang.basemap.over(null)")
    page.context.close()


def test_fact_24_islands_are_drawn_above_an_opaque_over_layer(browser: "Browser", address: str) -> None:
    page = opened(browser, address)
    page.evaluate("haidang.basemap.over({kind: 'tiles', url: 'data:image/gif;base64,R0lGODlhAQABAAAAACw='})")
    show(page, 9.6, 114.2, 8)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.basemap-marks canvas')].some((c) => {"
        "const copy = document.createElement('canvas'), t = copy.getContext('2d');"
        "copy.width = copy.height = 512; t.drawImage(c, 0, 0);"
        "return t.getImageData(0, 0, 512, 512).data.some((each) => each > 0); })",
        polling=500,
    )
    page.evaluate("haidang.basemap.over(null)")
    assert page.locator(".basemap-marks").count() == 0
    page.context.close()


def test_fact_24_no_name_of_another_language_stands_in_the_archipelagos(page: "Page") -> None:
    dress(page, "dark", "vi")
    for lat, lon in ((16.5, 112.0), (9.6, 114.2)):
        for zoom in range(9, 13):
            show(page, lat, lon, zoom)
            for each in page.evaluate(VISIBLE):
                assert each["group"] in ("hoang_sa", "truong_sa", "east_sea"), each


def test_a_plate_names_direction_and_distance_and_flies_there(page: "Page") -> None:
    dress(page, "dark", "vi")
    show(page, 16.45, 107.6, 10)
    plate = page.locator(".basemap-plate[data-group=hoang_sa]")
    assert re.fullmatch(r"Hoàng Sa \(Việt Nam\) 39\d km", plate.inner_text().strip())
    # 3.8 degrees due east: the arrow points to the right.
    turn = plate.locator(".basemap-arrow").evaluate("(e) => new DOMMatrix(getComputedStyle(e).transform).b")
    assert abs(turn) < 0.2
    page.evaluate("() => { window.arrived = new Promise((done) => test_map.once('moveend', done)); }")
    plate.click()
    page.evaluate("arrived.then(() => 0)")
    assert page.evaluate("test_map.getCenter().distanceTo([16.45, 112])") < 60_000
    assert page.locator(".basemap-name", has_text="Quần đảo Hoàng Sa (Việt Nam)").count() == 1


def test_the_browser_reads_what_python_reads(page: "Page") -> None:
    head, sections = basemap.basemap()
    survey = page.evaluate("haidang.basemap.survey()")
    for name, section in sections.items():
        checksum = 0
        for unit in np.rint(section.points / head["unit"]).astype(np.int64).ravel().tolist():
            checksum = (checksum * 31 + unit + 100_000_000) % 4294967291
        assert survey[name] == {
            "parts": len(section.kinds),
            "vertices": len(section.points),
            "levels": int(section.levels.sum()),
            "checksum": checksum,
        }


def test_the_browser_and_python_agree_on_land(page: "Page") -> None:
    random = np.random.default_rng(24)
    near = random.uniform((107.2, 16.0), (108.4, 16.9), (600, 2))
    far = random.uniform((-180, -78), (180, 83), (600, 2))
    points = np.vstack([near, far])
    here = np.array(page.evaluate("(points) => haidang.basemap.land(points)", points.tolist()))
    there = basemap.is_land(points[:, 0], points[:, 1])
    assert 0.2 < there.mean() < 0.8
    # Edges are straight in degrees for one and in the map's projection for the other: metres, away from the poles.
    assert (here == there)[:600].all()
    assert (here == there).mean() > 0.995


PIXELS = [
    ("land", 107.62, 16.40),
    ("land", 107.795, 16.445),
    ("land", 107.3, 16.4),
    ("sea", 107.86, 16.315),
    ("sea", 108.33, 16.73),
    ("sea", 107.77, 16.73),
]


def close(pixel: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    return max(abs(a - b) for a, b in zip(pixel[:3], wanted, strict=True)) <= 6


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_pixels_of_land_and_sea_have_their_colours(browser: "Browser", address: str, theme: str) -> None:
    page = opened(browser, address)
    dress(page, theme, "vi")
    page.add_style_tag(content=".basemap-names, .leaflet-control-container { visibility: hidden }")
    for zoom in (9, 11.5, 13):
        for kind, lon, lat in PIXELS:
            show(page, lat, lon, zoom)
            page.wait_for_function(SETTLED, arg=zoom)
            at = page.evaluate(
                "([lat, lon]) => { const p = test_map.latLngToContainerPoint([lat, lon]); return [p.x, p.y]; }",
                [lat, lon],
            )
            picture = Image.open(io.BytesIO(page.screenshot()))
            pixel = picture.getpixel((round(at[0]), round(at[1])))
            assert close(pixel, (LAND if kind == "land" else SEA)[theme]), (theme, zoom, kind, lon, lat, pixel)
    page.context.close()


def test_a_theme_change_repaints_the_tiles_in_place(browser: "Browser", address: str) -> None:
    page = opened(browser, address)
    dress(page, "dark", "vi")
    tiles = "[...document.querySelectorAll('.basemap-tiles canvas')]"
    before = page.evaluate(f"{tiles}.map((c, i) => (c.dataset.n = i)).length")
    dress(page, "light", "vi")
    page.wait_for_function(
        "() => { const t = document.createElement('canvas').getContext('2d');"
        "t.drawImage(document.querySelector('.basemap-tiles canvas'), 0, 0);"
        "return t.getImageData(200, 100, 1, 1).data[0] > 200; }"
    )
    same = page.evaluate(f"{tiles}.filter((c) => c.dataset.n).length")
    assert same == before
    page.context.close()


def test_the_cursor_position_is_shown_in_both_forms_and_copied(browser: "Browser", address: str) -> None:
    page = opened(browser, address, permissions=["clipboard-read", "clipboard-write"])
    dress(page, "dark", "vi")
    page.mouse.move(683, 384)
    shown = page.locator(".basemap-cursor")
    assert re.fullmatch(r"16°2\d′\d\d″N 107°5\d′\d\d″E · 16,3\d{4} 107,8\d{4}", shown.inner_text())
    page.mouse.click(683, 384)
    shown.click()
    page.wait_for_function("document.querySelector('.basemap-cursor').textContent === 'Đã chép tọa độ'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"16°2\d′\d\d″N 107°5\d′\d\d″E \(16\.3\d{4}, 107\.8\d{4}\)", copied)
    assert page.locator(".basemap-length").inner_text() == "10 hải lý"
    page.context.close()


def pmtiles() -> bytes:
    """A PMTiles file (version 3) with one tile for zooms 0 and 1: half `earth`, and a boundary."""

    def number(value: int) -> bytes:
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)

    def field(key: int, data: bytes) -> bytes:
        return number(key << 3 | 2) + number(len(data)) + data

    def layer(name: str, kind: int, *commands: int) -> bytes:
        shape = field(4, b"".join(number(each) for each in commands))
        feature = field(2, number(3 << 3) + number(kind) + shape)
        return field(3, number(15 << 3) + number(2) + field(1, name.encode()) + feature + number(5 << 3) + number(4096))

    # MoveTo, three LineTo (zigzag), ClosePath; then MoveTo and one LineTo.
    tile = layer("earth", 3, 9, 0, 0, 26, 4096, 0, 0, 8192, 4095, 0, 15) + layer(
        "boundaries", 2, 9, 0, 2048, 10, 8192, 0
    )
    root = number(1) + number(0) + number(5) + number(len(tile)) + number(1)
    at = [127, len(root), 127 + len(root), 2, 129 + len(root), 0, 129 + len(root), len(tile), 5, 1, 1]
    box = struct.pack("<iiii", -1_800_000_000, -850_000_000, 1_800_000_000, 850_000_000)
    head = b"PMTiles\x03" + struct.pack("<11Q", *at) + bytes([1, 1, 1, 1, 0, 1]) + box + struct.pack("<Bii", 0, 0, 0)
    return head + root + b"{}" + tile


def test_a_pmtiles_file_is_drawn_over_the_base_map_and_the_names_stay(browser: "Browser", address: str) -> None:
    page = opened(browser, address)
    data = pmtiles()

    def serve(route: "Route") -> None:
        first, last = (int(each) for each in route.request.headers["range"].removeprefix("bytes=").split("-"))
        span = f"bytes {first}-{min(last, len(data) - 1)}/{len(data)}"
        route.fulfill(status=206, body=data[first : last + 1], headers={"content-range": span})

    page.route("**/ground.pmtiles", serve)
    dress(page, "dark", "vi")
    show(page, 20.0, -135.0, 5)
    page.add_style_tag(content=".basemap-names { visibility: hidden }")

    def wait_for_colour(colour: tuple[int, int, int]) -> None:
        page.wait_for_function(
            "(colour) => {"
            "const c = document.querySelector('.leaflet-layer:not(.basemap-tiles, .basemap-marks) canvas');"
            "if (!c || !c.width) return false; const t = document.createElement('canvas').getContext('2d');"
            "t.drawImage(c, 0, 0); const d = t.getImageData(10, 10, 1, 1).data;"
            "return colour.every((each, i) => Math.abs(each - d[i]) < 3); }",
            arg=list(colour),
        )

    page.evaluate("haidang.basemap.over({kind: 'pmtiles', url: '/ground.pmtiles', max_zoom: 1})")
    wait_for_colour(LAND["dark"])
    dress(page, "light", "vi")
    wait_for_colour(LAND["light"])
    page.add_style_tag(content=".basemap-names { visibility: visible !important }")
    sovereign_words_stand(page, "vi", "pmtiles")
    page.context.close()


def test_an_over_layer_of_an_unknown_kind_is_refused_by_name(page: "Page") -> None:
    why = page.evaluate("haidang.basemap.over({kind: 'wms', url: 'x'}).catch((error) => error.message)")
    assert "wms" in why


def test_nothing_is_fetched_from_another_host(browser: "Browser", address: str) -> None:
    context = browser.new_context()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(address)
    page.wait_for_function(DRAWN)
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    context.close()
