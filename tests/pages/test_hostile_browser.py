"""Text of strangers on the screens: five hundred names, words and warnings that would like to be more than text."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, expect

from geo import cap
from geo.actor import Actor
from geo.cap import Alert, Area, Info
from geo.report_receive import Sent, receive
from geo.report_work import Step, act
from geo.warning_received import receive as receive_warning
from layers import discover
from tests.pages.conftest import boat
from tests.pages.test_screen_browser import find, opened

LAN = Actor("Lan")
CODE = "window.evil_ran=1"
AWAY = "//evil.example/x"
BASES = (
    "<evil-x>e</evil-x>", f"<img src=x onerror={CODE}>", f"<svg onload={CODE}>", f"<script>{CODE}</script>",
    f'"><img src=x onerror="{CODE}">', f"'><img src=x onerror='{CODE}'>", "\"></evil-x><evil-x y='", "--><evil-x>",
    "]]><evil-x>", f"</title><script>{CODE}</script>", f"</textarea><svg/onload={CODE}>",
    f"</style><script>{CODE}</script>",
    f"<iframe srcdoc='<script>top.{CODE}</script>'>", f"<img src={AWAY}>", f"<link rel=stylesheet href={AWAY}>",
    f"javascript:{CODE}", f"<a href='javascript:{CODE}'>e</a>", f"<details open ontoggle={CODE}>",
    f"<body onload={CODE}>",
    f"<input autofocus onfocus={CODE}>", f"<math href='javascript:{CODE}'>e",
    f"{{{{constructor.constructor('{CODE}')()}}}}",
    f"${{{CODE}}}", f"&lt;img src=x onerror={CODE}&gt;", f"&#60;img src=x onerror={CODE}&#62;",
)  # fmt: skip
DRESSES = (
    "{}", "TTH {}", "{} TS", "Nguyễn {}", "{0}{0}", "a&amp;{}", "\\u003cb\\u003e{}", "%3Cb%3E{}", "\u202e{}",
    "{}\u200b\u2066",
    "'{}", '"{}', "`{}`", "<b>{}", "{}</b>", "=1+1{}", "\t{}", "<!--{}", "{}-->", "<p {}>",
)  # fmt: skip
PAYLOADS = [dress.format(base) for dress in DRESSES for base in BASES]
VESSELS, CAMERAS, REPORTS, WARNINGS, ALARMS = (PAYLOADS[n::5] for n in range(5))
LAYERS = {layer.name: layer.shape.latest for layer in discover()}
# What none of our own screens has, and a payload would bring.
FOREIGN = (
    "evil-x, [onerror], [onload], [onfocus], [ontoggle], iframe, math, details[ontoggle], a[href^='javascript:' i],"
    " img[src='x'], img[src*='evil'], link[href*='evil'], main script"
)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="vi-VN")
    yield made
    made.close()


def point(lon: float, lat: float) -> Any:
    return sa.func.ST_SetSRID(sa.func.ST_MakePoint(lon, lat), 4326)


def told_of(centre: Any) -> list[str]:
    """Every payload at a place where a stranger's text may come to stand; the keys of the reports."""
    now = datetime.now(UTC)
    with centre.engine.begin() as connection:
        for n, text in enumerate(VESSELS):
            row = boat(574800000 + n, text, 107.7 + n % 10 / 20, 16.5 + n // 10 / 40, destination=text, callsign=text)
            columns = LAYERS["vessel"].c.keys()
            values = {name: value for name, value in row.items() if name in columns}
            connection.execute(sa.insert(LAYERS["vessel"]).values(geom=point(row["lon"], row["lat"]), **values))
        for n, text in enumerate(CAMERAS):
            values = {
                "id": f"C{n}",
                "name": text,
                "owner": text,
                "provider": text,
                "observed_at": now,
                "received_at": now,
            }
            place = point(107.5 + n % 10 / 100, 16.4 + n // 10 / 100)
            connection.execute(sa.insert(LAYERS["camera"]).values(geom=place, source="camera.test", health=0, **values))
        keys = []
        for n, text in enumerate(REPORTS):
            sent = Sent("other", f"{text} tại đây", "web", now, 107.55 + n % 10 / 500, 16.44 + n // 10 / 500, text)
            keys.append(receive(connection, sent, LAN, now)[0])
        deeds: list[tuple[str, dict[str, Any]]] = [
            ("verify", {}), ("assign", {"unit": "urban_order"}), ("start", {}), ("reply", {"words": REPORTS[0]}),
            ("publish", {}),
        ]  # fmt: skip
        for n, key in enumerate(keys[:30]):
            for number, (deed, said) in enumerate(deeds[: 3 if n % 2 else 5], 1):
                act(connection, key, Step(deed, LAN, number, **said), now)
        for n, text in enumerate(WARNINGS):
            area = Area(area_desc=text, polygon=("16.4,107.5 16.6,107.5 16.6,107.7 16.4,107.5",))
            info = Info(
                category=("Met",), event=text, urgency="Expected", severity="Severe", certainty="Likely", headline=text,
                description=text, instruction=text, sender_name=text, expires=now + timedelta(hours=3), area=(area,),
            )  # fmt: skip
            alert = Alert(
                identifier=f"w{n}", sender="met.example", sent=now.replace(microsecond=0), status="Actual",
                msg_type="Alert", scope="Public", info=(info,),
            )  # fmt: skip
            document = cap.write(alert)
            receive_warning(connection, "cap.met", cap.read(document), document, now, timedelta(hours=24))
    for n, text in enumerate(ALARMS):
        centre.raise_alarm(574700000 + n, text)
    return keys


def clean(page: Page, what: str) -> None:
    """Nothing of a payload ran, stands in the page as more than text, or was asked for."""
    assert page.evaluate("window.evil_ran") is None, what
    found = page.evaluate(f"[...document.querySelectorAll({FOREIGN!r})].map((each) => each.outerHTML.slice(0, 200))")
    assert found == [], what
    assert not [said for said in page.faults if said.startswith("dialog")], what  # type: ignore[attr-defined]


def test_promise_15_of_500_hostile_texts_none_is_more_than_text_on_any_screen(
    centre: Any, context: BrowserContext
) -> None:
    assert len(set(PAYLOADS)) == 500
    keys = told_of(centre)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = opened(context, centre.url)
    expect(page.locator("#desk")).to_contain_text("evil")
    clean(page, "map")
    find(page, "574800000")
    page.locator("#rows-panel summary").click()
    expect(page.locator("#rows-list [role=option]").first).to_be_visible()
    page.wait_for_timeout(1_500)
    clean(page, "card, list and labels of the map")
    for path, shown in (
        ("/?chosen=camera.C0", "#card"), (f"/?chosen=report.{keys[0]}", "#card"), ("/alarms", "main"),
        ("/cameras", "main"), ("/warnings?id=1", "#warnings-one"), ("/services/report", "main"),
        (f"/services/report?report={keys[-1]}", "main"), ("/inbox?unit=urban_order", "main"),
        ("/public/reports", "main"), (f"/public/reports/{keys[0]}", "main"), ("/public/reports?lang=en", "main"),
    ):  # fmt: skip
        page.goto(f"{centre.url}{path}")
        expect(page.locator(shown).first).to_contain_text("evil", timeout=20_000)  # it is there, as text
        page.wait_for_timeout(2_000)
        clean(page, path)
    assert not [url for url in asked if "evil.example" in url.split("?", maxsplit=1)[0]]
