"""The drawing in a real browser: told is drawn, glued to the map, can be pointed at, and looks frozen when it is."""

import base64
import io
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from api.broadcast import text
from bench.stage import Stage, stage
from layers.vessel import LAYER as VESSEL

STORES = ("chosen", "counts", "view", "connection", "rows", "alarm-hint", "feed-hint")
SIZE = {"width": 900, "height": 600}
DOT = (0, 255, 0)
MARKER = (255, 0, 255)


@pytest.fixture
def sea() -> Iterator[Stage]:
    with stage() as running:
        yield running


def opened(browser: Browser, url: str, dpr: float = 1, setup: str = "") -> Page:
    page = browser.new_page(viewport=SIZE, device_scale_factor=dpr)
    page.add_init_script(
        f"window.told = {{}}; for (const name of {list(STORES)})"
        " addEventListener('haidang:' + name, (event) => { window.told[name] = event.detail; });" + setup
    )
    page.goto(url)
    page.wait_for_function("window.haidang?.map && window.told?.connection?.state === 'live'")
    return page


def boats(*places: tuple[str, float, float], **more: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "key": [key for key, _, _ in places],
            "lon": [lon for _, lon, _ in places],
            "lat": [lat for _, _, lat in places],
            "observed_at": pd.Timestamp.now("UTC").as_unit("us"),
            "mmsi": [int(key) for key, _, _ in places],
            "shipname": [f"TTH-{key[-5:]}-TS" for key, _, _ in places],
            "course": 0.0,
            "speed": 0.0,
            "ship_type": 30,
            "length_m": 16.0,
            "msg_type": 1,
            "simulated": False,
        }
    )
    return frame.assign(**more)


def counted(page: Page, total: int) -> dict[str, Any]:
    page.wait_for_function("(n) => window.told.counts?.vessel?.total === n", arg=total)
    counts: dict[str, Any] = page.evaluate("told.counts.vessel")
    return counts


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def centre_of(
    image: np.ndarray[Any, Any], colour: tuple[int, int, int], tolerance: int = 90
) -> tuple[float, float] | None:
    near = np.abs(image - np.array(colour)).sum(axis=2) < tolerance
    if near.sum() < 4:
        return None
    ys, xs = np.nonzero(near)
    return float(xs.mean()), float(ys.mean())


def shows(page: Page, colour: tuple[int, int, int]) -> tuple[float, float]:
    """Where the colour's centre is, as soon as it is drawn."""
    for _ in range(100):
        found = centre_of(pixels(page.screenshot()), colour)
        if found:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"{colour} was never drawn")


def paint(page: Page, **tokens: str) -> None:
    page.evaluate(
        "(tokens) => { for (const [name, value] of Object.entries(tokens))"
        " document.documentElement.style.setProperty('--' + name, value); dispatchEvent(new Event('haidang:theme')); }",
        tokens,
    )


@pytest.mark.parametrize("dpr", [1, 2])
def test_a_boat_is_drawn_where_leaflet_says_it_is(browser: Browser, sea: Stage, dpr: int) -> None:
    page = opened(browser, sea.url, dpr)
    paint(page, fishing="#00ff00", sea="#000000")
    page.evaluate("haidang.live.labels(false)")
    sea.put(boats(("574000001", 108.25, 16.65)))
    x, y = shows(page, DOT)
    at = page.evaluate(
        "(() => { const p = haidang.map.latLngToContainerPoint([16.65, 108.25]); return [p.x, p.y]; })()"
    )
    # The centre of a pixel is half a pixel from its corner, in which screenshots are counted.
    assert math.dist(((x + 0.5) / dpr, (y + 0.5) / dpr), at) < 1
    page.close()


def test_counts_follow_deltas_and_removals(browser: Browser, sea: Stage) -> None:
    sea.put(boats(("574000001", 108.2, 16.6), ("574000002", 108.3, 16.6), ("574000003", 108.3, 16.7)))
    page = opened(browser, sea.url)
    assert counted(page, 3)["kinds"]["fishing_15"] == 3
    sea.put(boats(("574000002", 108.3, 16.6), ship_type=70))
    page.wait_for_function("told.counts.vessel.kinds.cargo === 1")
    sea.remove(["574000001"])
    assert counted(page, 2)["kinds"]["fishing_15"] == 1
    sea.put(boats(("574000009", 108.2, 16.6)))  # takes the freed handle
    counted(page, 3)
    page.evaluate("haidang.live.choose('vessel', '574000009')")
    assert page.evaluate("told.chosen") == {"layer": "vessel", "key": "574000009"}
    page.close()


def test_a_click_on_a_boat_chooses_it_and_on_water_lets_it_go(browser: Browser, sea: Stage) -> None:
    sea.put(boats(("574000001", 108.2, 16.6)))
    page = opened(browser, sea.url)
    counted(page, 1)
    x, y = SIZE["width"] / 2, SIZE["height"] / 2
    page.mouse.click(x + 4, y - 3)
    page.wait_for_function("told.chosen?.key === '574000001'")
    page.mouse.click(x + 200, y)
    page.wait_for_function("told.chosen === null")
    page.close()


def test_hovering_shows_at_most_six_facts_as_text(browser: Browser, sea: Stage) -> None:
    payload = "<img src=x onerror=window.hurt=1>"
    sea.put(boats(("574000001", 108.2, 16.6), shipname=payload, speed=7.4, course=118.0, simulated=True))
    page = opened(browser, sea.url)
    counted(page, 1)
    page.evaluate("document.documentElement.lang = 'vi'; dispatchEvent(new Event('haidang:theme'))")
    page.mouse.move(SIZE["width"] / 2 + 30, SIZE["height"] / 2)
    page.mouse.move(SIZE["width"] / 2 + 2, SIZE["height"] / 2 + 1)
    tip = page.locator(".point-tip")
    expect(tip).to_be_visible()
    expect(tip.locator("strong")).to_have_text(payload)
    facts = tip.inner_text()
    assert "7,4 hl/giờ" in facts
    assert "118°" in facts
    assert tip.locator("strong, div").count() <= 6
    assert page.evaluate("window.hurt") is None
    assert page.locator("img[src=x]").count() == 0
    page.close()


def test_hidden_kinds_vanish_but_distress_stays(browser: Browser, sea: Stage) -> None:
    page = opened(browser, sea.url)
    paint(page, fishing="#00ff00", critical="#ff00ff", sea="#000000")
    page.evaluate("haidang.live.labels(false)")
    sea.put(boats(("574000001", 108.25, 16.65)))
    sea.put(boats(("970000001", 108.1, 16.55)))
    shows(page, DOT)
    shows(page, MARKER)
    page.evaluate("haidang.live.filter({vessel: {off: ['fishing', 'distress']}})")
    for _ in range(100):
        image = pixels(page.screenshot())
        if centre_of(image, DOT) is None:
            break
        page.wait_for_timeout(50)
    assert centre_of(image, DOT) is None
    assert centre_of(image, MARKER) is not None
    page.close()


def test_rows_list_what_is_in_view_nearest_first(browser: Browser, sea: Stage) -> None:
    sea.put(boats(("574000001", 108.3, 16.6), ("574000002", 108.21, 16.6), ("574000003", 120.0, 16.6)))
    page = opened(browser, sea.url)
    counted(page, 3)
    page.evaluate("haidang.live.rows(true)")
    page.wait_for_function("told.rows?.length === 2")
    rows = page.evaluate("told.rows")
    assert [row["key"] for row in rows] == ["574000002", "574000001"]
    assert {"layer", "key", "label", "kind", "speed", "age_s"} <= set(rows[0])
    page.close()


def test_a_clustered_layer_gathers_its_points_and_opens_at_a_click(browser: Browser) -> None:
    clustered = replace(VESSEL, style=replace(VESSEL.style, cluster=True))
    with stage((clustered,)) as running:
        running.put(boats(("574000001", 108.2, 16.6), ("574000002", 108.2004, 16.6004), ("574000003", 108.2, 16.6005)))
        page = opened(browser, running.url)
        counted(page, 3)
        before = page.evaluate("haidang.map.getZoom()")
        for _ in range(50):
            page.mouse.click(SIZE["width"] / 2, SIZE["height"] / 2)
            page.wait_for_timeout(100)
            if page.evaluate("haidang.map.getZoom()") > before:
                break
        assert page.evaluate("haidang.map.getZoom()") > before
        page.close()


def test_hints_reach_the_page(browser: Browser, sea: Stage) -> None:
    page = opened(browser, sea.url)
    sea.tell(text("alarm", seq=41))
    page.wait_for_function("told['alarm-hint']?.seq === 41")
    sea.tell(text("feeds", feeds=[{"source": "ais.sim"}], database="away"))
    page.wait_for_function("told['feed-hint']?.database === 'away'")
    page.close()


def test_a_server_that_falls_silent_is_shown_as_stale_and_comes_back(browser: Browser) -> None:
    with stage() as running:
        page = opened(browser, running.url)
        page.evaluate(
            "told.seen = []; addEventListener('haidang:connection', (event) => told.seen.push(event.detail.state))"
        )
        running.freeze(True)
        page.wait_for_function("told.seen.includes('stale')", timeout=20_000)
        running.freeze(False)
        page.wait_for_function("told.seen.at(-1) === 'live'", timeout=20_000)
        page.close()


def test_without_websockets_the_stream_comes_as_events(browser: Browser, sea: Stage) -> None:
    sea.put(boats(("574000001", 108.2, 16.6)))
    page = browser.new_page(viewport=SIZE)
    page.add_init_script(
        "window.told = {}; addEventListener('haidang:counts', (event) => { told.counts = event.detail; })"
    )

    def without_websockets(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(
            response=answer,
            body="self.WebSocket = class { constructor() { setTimeout(() => this.onclose()); } close() {} };"
            + answer.text(),
        )

    page.route("**/draw.worker.js", without_websockets)
    page.goto(sea.url)
    counted(page, 1)
    sea.put(boats(("574000002", 108.2, 16.7)))
    counted(page, 2)
    page.close()


GLUE = """
async () => {
  const map = haidang.map, wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const settled = () => new Promise((done) => map.once('moveend', () => setTimeout(done, 120)));
  for (let i = 0; i < 60; i++) {
    map.panBy([Math.round(9 * Math.cos(i / 9)), Math.round(9 * Math.sin(i / 9))], {animate: false});
    await new Promise(requestAnimationFrame);
  }
  map.panBy([160, 90]); await settled();
  map.setZoom(map.getZoom() + 1); await settled();
  map.panBy([-140, -100]); await settled();
  map.setZoom(map.getZoom() - 1); await settled();
  map.flyTo([16.63, 108.23], map.getZoom() + 0.0, {duration: 0.5}); await settled();
  window.glued = true;
}
"""


def test_points_stay_within_two_pixels_of_the_map_while_it_moves(browser: Browser, sea: Stage) -> None:
    sea.put(boats(("574000001", 108.2, 16.6)))
    page = opened(browser, sea.url)
    paint(page, fishing="#00ff00", sea="#000000")
    page.evaluate("haidang.live.labels(false)")
    # Leaflet's own marker of the same place, 40 px above, is the measure: both must move as one.
    page.evaluate(
        "const icon = L.divIcon({className: '', iconSize: [10, 10], iconAnchor: [5, 45]});"
        "L.marker([16.6, 108.2], {icon}).addTo(haidang.map).getElement().style.background = '#ff00ff';"
    )
    shows(page, DOT)
    frames: list[bytes] = []
    session = page.context.new_cdp_session(page)

    def keep(event: dict[str, Any]) -> None:
        frames.append(event["data"])
        session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    session.on("Page.screencastFrame", keep)
    session.send("Page.startScreencast", {"format": "jpeg", "quality": 92, "everyNthFrame": 1})
    page.evaluate(GLUE)
    page.wait_for_function("window.glued")
    session.send("Page.stopScreencast")
    apart = []
    for frame in frames:
        image = pixels(base64.b64decode(frame))
        dot, marker = centre_of(image, DOT), centre_of(image, MARKER)
        if dot and marker:
            apart.append(math.dist(dot, (marker[0], marker[1] + 40)))
    page.close()
    assert len(apart) > 30, f"only {len(apart)} of {len(frames)} frames show both"
    within = sum(distance <= 2 for distance in apart) / len(apart)
    assert within >= 0.95, f"{within:.0%} of {len(apart)} frames within 2 px, worst {max(apart):.1f} px"


def test_what_is_odd_about_a_boat_is_noted_beside_it_until_it_no_longer_is(browser: Browser, sea: Stage) -> None:
    page = opened(browser, sea.url)
    paint(page, fishing="#00ff00", sea="#000000", ink="#ff00ff")
    page.evaluate("haidang.live.labels(false)")
    sea.put(boats(("574000001", 108.25, 16.65), anomaly=8.0))
    note, boat = shows(page, MARKER), shows(page, DOT)
    assert 4 < note[0] - boat[0] < 12
    assert 4 < boat[1] - note[1] < 12
    counted(page, 1)
    page.mouse.move(boat[0], boat[1])
    expect(page.locator(".point-tip")).to_contain_text("có dấu hiệu bất thường")
    sea.put(boats(("574000001", 108.25, 16.65), anomaly=0.0))
    for _ in range(100):
        if centre_of(pixels(page.screenshot()), MARKER) is None:
            break
        page.wait_for_timeout(50)
    assert centre_of(pixels(page.screenshot()), MARKER) is None
    page.close()
