"""Drawing on the map, side by side in one run: ours, dcc.Interval + dl.GeoJSON, and dl.GeoJSON with preferCanvas."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dash_leaflet as dl
from dash import Dash, Input, Output, dcc
from fastapi import FastAPI
from playwright.sync_api import Browser, Error, Page, ViewportSize

from bench.chromium import MainThread, chromium
from bench.report import Report, percentile
from bench.stage import Fleet, page, running, stage

SHARE = 0.2  # of the fleet moves between two updates
VIEW: ViewportSize = {"width": 1280, "height": 800}
ZOOM = 9  # the whole fleet is in view
RESTING_MS = 30.0  # of main thread a second: a page that has finished loading

PAN = """
async (ms) => {
  const gaps = [], start = performance.now();
  let last = start, i = 0;
  while (performance.now() - start < ms) {
    haidang.map.panBy([Math.round(12 * Math.sin(i / 60)), Math.round(12 * Math.cos(i / 60))], {animate: false});
    i++;
    await new Promise(requestAnimationFrame);
    gaps.push(performance.now() - last);
    last = performance.now();
  }
  return gaps;
}
"""


def measure(seconds: float = 15) -> Report:
    """Every contender for `seconds` each, one update a second, after as long a look at the idle page as is needed."""
    data = f"made-up fleets around Huế, {SHARE:.0%} moved each second, {VIEW['width']} x {VIEW['height']}, all in view"
    report = Report("map", data, ("dash", "dash-leaflet", "fastapi", "uvicorn", "playwright"))
    with chromium() as browser:
        report.versions["chromium"] = browser.version
        ours = {count: _ours(browser, report, count, seconds) for count in (1_000, 10_000, 20_000, 100_000)}
        markers = _geojson(browser, report, "dcc.Interval + dl.GeoJSON", 1_000, seconds, canvas=False)
        circles = _geojson(browser, report, "dl.GeoJSON + preferCanvas", 10_000, seconds, canvas=True)
    report.ratios = {
        "main_1k": markers["main"] / ours[1_000]["main"],
        "main_10k": circles["main"] / ours[10_000]["main"],
        "bytes_10k": circles["bytes"] / ours[10_000]["bytes"],
    }
    report.figures = {
        "drawn_p95_ms_10k": ours[10_000]["drawn_p95"],
        "drawn_p95_ms_100k": ours[100_000]["drawn_p95"],
        "fps_20k": ours[20_000]["fps"],
        "fps_100k": ours[100_000]["fps"],
        "main_ms_10k": ours[10_000]["main"],
        "main_ms_100k": ours[100_000]["main"],
    }
    return report


def _ours(browser: Browser, report: Report, count: int, seconds: float) -> dict[str, float]:
    fleet, name = Fleet(count), f"ours, {count:,} vessels"
    with stage(zoom=ZOOM) as running_stage:
        running_stage.put(fleet.rows())
        with _opened(browser, running_stage.url) as tab:
            tab.evaluate(
                "window.traced = []; haidang.live.labels(false); haidang.live.trace((one) => traced.push(one))"
            )
            _shown(tab, "window.traced.some((one) => one.seen > 0)")
            idle = _idle(tab)

            def update() -> None:
                running_stage.put(fleet.move(SHARE))

            main = MainThread(tab)
            updates = _each_second(tab, seconds, update)
            busy = main.lap() / updates - idle
            told = [one for one in tab.evaluate("traced") if one.get("seq")][1:]
            drawn = [one["drawn"] - one["heard"] for one in told]
            fps = _fps(tab, update)
    report.add(name, "ms of main thread per update", busy)
    report.add(name, "ms from data to drawn, p95", percentile(drawn, 0.95))
    report.add(name, "ms from data to drawn, median", percentile(drawn, 0.5))
    report.add(name, "raw bytes per update", *[one["bytes"] for one in told])
    report.add(name, "ms in the drawing worker per update", *[one["ms"] for one in told])
    report.add(name, "frames/s while panning", fps)
    size = percentile([one["bytes"] for one in told], 0.5)
    return {"main": busy, "bytes": size, "drawn_p95": percentile(drawn, 0.95), "fps": fps}


def _geojson(browser: Browser, report: Report, name: str, count: int, seconds: float, canvas: bool) -> dict[str, float]:
    fleet, name = Fleet(count), f"{name}, {count:,} vessels"
    server = FastAPI()
    # Canvas needs circles: Leaflet draws its default marker as an image element each.
    point: dict[str, Any] = {"pointToLayer": {"variable": "bench.circle"}} if canvas else {}
    layer = dl.GeoJSON(id="vessels", data=_features(fleet), **point)
    clock = dcc.Interval(id="clock", interval=1000, disabled=True)
    app = page(server, [layer], zoom=ZOOM, map_options={"preferCanvas": canvas})
    app.layout.children.append(clock)
    _updated(app, fleet)
    sizes: list[int] = []
    with running(server) as (url, _, _), _opened(browser, url, live=False) as tab:
        tab.on("response", lambda answer: sizes.append(_size(answer)))
        _shown(tab, "document.querySelectorAll('.leaflet-interactive, .leaflet-overlay-pane canvas').length > 0")
        idle = _idle(tab)
        main = MainThread(tab)
        tab.evaluate("dash_clientside.set_props('clock', {disabled: false})")
        tab.wait_for_timeout(seconds * 1000)
        answers = [size for size in sizes if size > 1000]
        busy = main.lap() / max(1, len(answers)) - idle
        fps = _fps(tab, None)
    report.add(name, "ms of main thread per update", busy)
    report.add(name, "raw bytes per update", *answers)
    report.add(name, "frames/s while panning", fps)
    return {"main": busy, "bytes": percentile([float(size) for size in answers], 0.5)}


def _updated(app: Dash, fleet: Fleet) -> None:
    @app.callback(Output("vessels", "data"), Input("clock", "n_intervals"), prevent_initial_call=True)  # type: ignore[untyped-decorator, unused-ignore]  # as Dash is typed or not
    def update(_: int) -> dict[str, Any]:
        fleet.move(SHARE)
        return _features(fleet)


def _features(fleet: Fleet) -> dict[str, Any]:
    """The fleet as people send it: every vessel, its position and what a tooltip needs."""
    rows = fleet.rows()
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]},
                "properties": {"mmsi": mmsi, "name": name, "course": round(course, 1), "speed": round(speed, 1)},
            }
            for lon, lat, mmsi, name, course, speed in zip(
                rows["lon"], rows["lat"], rows["key"], rows["shipname"], rows["course"], rows["speed"], strict=True
            )
        ],
    }


def _size(answer: Any) -> int:
    if "_dash-update-component" not in answer.url:
        return 0
    try:
        return len(answer.body())
    except Error:  # the page was closed while the last answer came
        return 0


@contextmanager
def _opened(browser: Browser, url: str, live: bool = True) -> Iterator[Page]:
    tab = browser.new_page(viewport=VIEW)
    tab.add_init_script("window.bench = {circle: (feature, place) => L.circleMarker(place, {radius: 3, weight: 1})};")
    if not live:
        tab.route("**/live.js*", lambda route: route.fulfill(body=KEEP_MAP, content_type="text/javascript"))
    tab.goto(url)
    _shown(tab, "window.haidang?.map")
    yield tab
    tab.close()


#: In place of the live drawing: only what the panning script needs.
KEEP_MAP = "window.haidang = {}; L.Map.addInitHook(function () { window.haidang.map = this; });"


def _shown(tab: Page, condition: str) -> None:
    tab.wait_for_function(f"() => {condition}", timeout=60_000)


def _idle(tab: Page, seconds: float = 4) -> float:
    """Busy milliseconds per second of the page without updates, once it has come to rest."""
    main = MainThread(tab)
    busy = [float("inf")]
    for _ in range(15):
        tab.wait_for_timeout(1000)
        busy.append(main.lap())
        if max(busy[-2:]) < RESTING_MS:
            break
    tab.wait_for_timeout(seconds * 1000)
    return main.lap() / seconds


def _each_second(tab: Page, seconds: float, update: Callable[[], None]) -> int:
    start, done = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        update()
        done += 1
        tab.wait_for_timeout(max(0, (start + done - time.monotonic()) * 1000))
    return done


def _fps(tab: Page, update: Callable[[], None] | None) -> float:
    """Frames per second while the map is panned for five seconds, updates going on each second."""
    gaps: list[float] = []
    for _ in range(5):
        if update:
            update()
        gaps += tab.evaluate(PAN, 1000)
    return 1000 * len(gaps) / sum(gaps)
