"""The channels' screen in a real browser: a channel made, routed, tested and switched off, and what is sent."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from access.site import Site
from geo.actor import Actor
from geo.channel import Channel, put_channel
from geo.outgoing import Outgoing
from layers import discover, seed
from run.process import wait_for
from run.sender import Sender
from run.web import make_server
from tests.connections import asked, connected, told
from tests.geo.test_warning import EXERCISE, issued
from tests.outgoing import Web, web

NAME = "Trung tâm cứu nạn"


@dataclass
class Centre:
    """Where the pages are, its database, the receiver of its webhooks, and a sender at work."""

    url: str
    database: Any
    receiver: Web


@pytest.fixture(params=[False])
def centre(request: Any, database: Any, redis_server: str) -> Iterator[Centre]:
    held = request.param
    with web() as receiver, connected(database.web) as engine, connected(database.ingest) as ingest:
        with connected(database.owner) as owner, owner.begin() as connection:
            seed(connection, discover())
        allowed = frozenset({receiver.place})
        site = Site(
            engine, redis_server, discover(), "Huế", "Huế", (16.6, 107.9, 10),
            outgoing_allowed=allowed, secret_names=frozenset({"hook-key", "mail"}), withholding=held,
        )  # fmt: skip
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(make_server(site), log_level="error", timeout_graceful_shutdown=1))
        sender = Sender(ingest, Outgoing(allowed), {"hook-key": "geheim"}, withholding=held)
        stop = threading.Event()
        threads = [
            threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True),
            threading.Thread(target=sender.run, args=(stop.is_set,), daemon=True),
        ]
        for thread in threads:
            thread.start()
        yield Centre(f"http://127.0.0.1:{listening.getsockname()[1]}", database, receiver)
        server.should_exit = True
        stop.set()
        for thread in threads:
            thread.join(20)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="vi-VN")
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(error.message))
    made.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    yield made
    context.close()
    assert faults == []


def add_webhook(page: Page, centre: Centre) -> None:
    page.locator("[data-new=webhook]").click()
    expect(page.locator("#for-webhook")).to_be_visible(timeout=20_000)
    page.locator("#ch-name").fill(NAME)
    page.locator("#wh-url").fill(f"http://{centre.receiver.place}/in")
    page.locator("#wh-secret").click()
    page.get_by_role("option", name="hook-key").click()


def test_a_channel_is_made_routed_tested_and_switched_off(centre: Centre, page: Page) -> None:
    page.goto(f"{centre.url}/channels")
    expect(page.locator("#channel-list")).to_contain_text("Chưa có kênh nào", timeout=20_000)
    add_webhook(page, centre)
    page.locator("#channel-save").click()
    expect(page.locator("#channel-result")).to_have_text("Hãy ghi tên cán bộ trực ban trước.")
    page.locator("#actor").fill("Lê Thị Bé")
    page.locator("#channel-save").click()
    expect(page.locator("#channel-result")).to_contain_text("Đã lưu.", timeout=20_000)
    row = page.locator("[data-channel=trung-tam-cuu-nan]")
    expect(row).to_contain_text("chưa có tuyến", timeout=20_000)

    # A route, and an alarm that takes it.
    expect(page.locator("#route-save")).to_be_enabled(timeout=20_000)
    page.locator("#route-save").click()
    expect(page.locator("#route-list")).to_contain_text("Mọi luật", timeout=20_000)
    told(
        centre.database.owner,
        "WITH made AS (INSERT INTO alarm (rule_id, layer, object_key, object_label, severity, observed_at, raised_at) "
        "SELECT id, 'vessel', '970000001', '<b>SART</b>', 'critical', now(), now() FROM rule WHERE key = 'distress' "
        "RETURNING id) INSERT INTO alarm_journal (alarm_id, transition, at, actor, actor_kind) "
        "SELECT id, 'raise', now(), 'x', 'system' FROM made",
    )
    first = page.locator("#delivery-rows tr").first
    expect(first).to_contain_text("<b>SART</b>", timeout=20_000)  # text is text
    expect(first).to_contain_text("đã gửi", timeout=20_000)
    expect(row).to_contain_text("gửi được", timeout=20_000)

    page.locator("#channel-test").click()
    expect(first).to_contain_text("tin thử · Lê Thị Bé", timeout=20_000)
    expect(first).to_contain_text("đã gửi", timeout=20_000)
    assert len(centre.receiver.asked) == 2
    assert "geheim" not in page.content()

    page.locator("#channel-switch").click()
    expect(row).to_contain_text("đang tắt", timeout=20_000)
    expect(page.locator("#channel-test")).to_be_hidden()
    who = asked(centre.database.owner, "SELECT DISTINCT actor FROM revision WHERE kind = 'channel'")
    assert who == [{"actor": "Lê Thị Bé"}]


def test_a_channel_is_opened_by_its_address_changed_and_its_faults_are_named(centre: Centre, page: Page) -> None:
    with connected(centre.database.web) as engine, engine.begin() as connection:
        config = {"host": "smtp.hue.gov.vn", "sender": "a@hue.gov.vn", "recipients": ["b@hue.gov.vn"]}
        login = {"username": "haidang", "password": "mail"}
        channel = Channel("mail", "email", "Thư", {**config, **login})
        put_channel(connection, channel, Actor("Lan"), datetime.now(UTC))
    page.goto(f"{centre.url}/channels?channel=mail&lang=en")
    expect(page.locator("#em-host")).to_have_value("smtp.hue.gov.vn", timeout=20_000)
    expect(page.locator("#channel-problems")).to_contain_text("smtp.hue.gov.vn:587 is not in HAIDANG_OUTGOING_ALLOWED")
    page.locator("#actor").fill("Lan")
    page.locator("#em-recipients").fill("b@hue.gov.vn\nnobody")
    page.locator("#channel-save").click()
    expect(page.locator("#channel-result")).to_have_text("Recipients: 'nobody' is not a mail address", timeout=20_000)
    page.locator("#em-recipients").fill("b@hue.gov.vn\nc@hue.gov.vn")
    page.locator("#channel-save").click()
    expect(page.locator("#channel-result")).to_have_text("Saved.", timeout=20_000)
    (row,) = asked(centre.database.owner, "SELECT config FROM channel")
    assert (row["config"]["recipients"], row["config"]["password"]) == (["b@hue.gov.vn", "c@hue.gov.vn"], "mail")


def test_two_routes_of_which_one_is_changed_and_dropped(centre: Centre, page: Page) -> None:
    page.goto(f"{centre.url}/channels")
    add_webhook(page, centre)
    page.locator("#actor").fill("Lan")
    page.locator("#channel-save").click()
    expect(page.locator("#route-save")).to_be_enabled(timeout=20_000)
    page.locator("#route-save").click()
    expect(page.locator("#route-list li")).to_have_count(1, timeout=20_000)
    page.locator("#route-severities label").nth(3).click()
    page.locator("#route-save").click()
    expect(page.locator("#route-list")).to_contain_text("Khẩn cấp, Cao, Trung bình ·", timeout=20_000)
    page.locator("#route-severities label").nth(0).click()
    page.locator("[data-route=edit]").click()
    expect(page.locator("#route-severities input").first).to_be_checked(timeout=20_000)
    page.locator("[data-route=drop]").click()
    expect(page.locator("#route-list")).to_contain_text("Chưa có tuyến nào", timeout=20_000)
    assert asked(centre.database.owner, "SELECT count(*) AS n FROM route") == [{"n": 0}]


@pytest.mark.parametrize("centre", [True], indirect=True)
def test_in_a_rehearsal_the_screen_says_so_and_a_test_is_withheld(centre: Centre, page: Page) -> None:
    page.goto(f"{centre.url}/channels")
    expect(page.locator(".held-note")).to_contain_text("không tin nào ra khỏi đây, kể cả tin thử")
    add_webhook(page, centre)
    page.locator("#actor").fill("Lan")
    page.locator("#channel-save").click()
    expect(page.locator("#channel-test")).to_be_visible(timeout=20_000)
    page.locator("#channel-test").click()
    expect(page.locator("#channel-result")).to_contain_text("GIỮ LẠI", timeout=20_000)
    first = page.locator("#delivery-rows tr").first
    expect(first).to_contain_text("giữ lại", timeout=20_000)
    expect(first).to_contain_text("hệ thống đang mô phỏng", timeout=20_000)
    expect(first).to_have_class(re.compile("withheld"))
    assert wait_for(lambda: asked(centre.database.owner, "SELECT count(*) AS n FROM delivery") == [{"n": 1}], 10)
    assert centre.receiver.asked == []


def test_a_channel_that_is_told_so_takes_warnings_too(centre: Centre, page: Page) -> None:
    with connected(centre.database.web) as engine, engine.begin() as connection:
        hook = {"url": f"http://{centre.receiver.place}/in", "secret": "hook-key"}
        put_channel(connection, Channel("hook", "webhook", NAME, hook), Actor("Lan"), datetime.now(UTC))
    page.goto(f"{centre.url}/channels?channel=hook")
    switch = page.locator("#channel-warnings")
    expect(switch).to_be_enabled(timeout=20_000)
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    expect(page.locator("#route-result")).to_have_text("Hãy ghi tên cán bộ trực ban trước.", timeout=20_000)
    page.locator("#actor").fill("Lan")
    switch.click()
    expect(page.locator("#route-result")).to_have_text("Cảnh báo phát từ bây giờ đi cả kênh này.", timeout=20_000)
    expect(switch).to_have_attribute("aria-pressed", "true", timeout=20_000)
    with connected(centre.database.web) as engine, engine.begin() as connection:
        now = datetime.now(UTC)
        issued(connection, replace(EXERCISE, expires_at=now + timedelta(hours=6)), now)
    first = page.locator("#delivery-rows tr").first
    expect(first).to_contain_text("Lũ trên sông Hương", timeout=20_000)
    expect(first).to_contain_text("DIỄN TẬP")
    expect(first).to_contain_text("đã gửi", timeout=20_000)
    (sent,) = centre.receiver.asked
    assert json.loads(sent.body)["type"] == "warning.alert"
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false", timeout=20_000)
