"""Messages that leave the house: over real SMTP and HTTP, out of a real database, once each, whoever is killed."""

import base64
import email
import email.policy
import hashlib
import hmac
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from geo.actor import SYSTEM, Actor
from geo.channel import Channel, Route, put_channel, put_route
from geo.delivery import ask_test, enqueue
from geo.outgoing import Outgoing
from geo.rule import Rule, put_rules
from run import port
from run.process import wait_for
from run.sender import Sender, hidden
from run.webhook import sign
from tests.connections import asked, connected, told
from tests.outgoing import Web, trusting, web
from tests.program import CLEAN, ROOT

T0 = datetime(2026, 11, 25, 3, tzinfo=UTC)
LAN = Actor("Lan")
SECRETS = {
    "mail": "geheim-mail",
    "hook": "whsec_" + base64.b64encode(b"key of the hook").decode(),
    "sms": 'ge"heim&sms',
}
LEADER = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND classid = hashtext('haidang:sender')::oid"
HOSTILE = "TTH-1\r\nBcc: thief@evil.example\r\n\r\nbody"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class Post:
    """A relay that keeps what it takes, and refuses whom the test says."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], email.message.EmailMessage]] = []
        self.refused: dict[str, str] = {}
        self.logins: list[tuple[str, str, bool]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.letters.append((list(envelope.rcpt_tos), letter))
        return "250 2.0.0 Ok: queued as 4ABC"

    def check(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        name, word = given.login.decode(), given.password.decode()
        self.logins.append(
            (name, word, session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None)
        )
        return AuthResult(success=(name, word) == ("haidang", SECRETS["mail"]), handled=False)


@contextmanager
def relay(
    authority: trustme.CA | None = None, implicit: bool = False, login: bool = False
) -> Iterator[tuple[Post, int]]:
    post, context = Post(), None
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
    options: dict[str, Any] = {"authenticator": post.check, "auth_required": login, "auth_require_tls": login}
    if context is not None and implicit:
        options |= {
            "ssl_context": context,
            "auth_required": False,
            "auth_require_tls": False,
        }  # there is no other way in
    elif context is not None:
        options |= {"tls_context": context, "require_starttls": True}
    controller = Controller(post, hostname="127.0.0.1", port=port.choose(), server_hostname="relay.example", **options)
    controller.start()
    try:
        yield post, controller.port
    finally:
        controller.stop(no_assert=True)


class House:
    """A centre with a rule, and a sender whose time the test sets."""

    def __init__(self, database: Any, owner: Any, ingest: Any) -> None:
        self.database, self.owner, self.time = database, owner, T0
        self.sender = Sender(ingest, Outgoing(), SECRETS, centre="Trung tâm Huế", now=lambda: self.time)

    def allow(self, *places: str, tls: ssl.SSLContext | None = None) -> None:
        self.sender.outgoing = Outgoing(frozenset(places), tls=tls) if tls else Outgoing(frozenset(places))

    def channel(self, kind: str, config: dict[str, Any], key: str = "one", *routes: Route) -> Channel:
        with self.owner.begin() as connection:
            made = put_channel(connection, Channel(key, kind, key, config), LAN, T0)
            for route in routes or (Route(),):
                put_route(connection, made, route, LAN, T0)
        return made

    def alarm(self, label: str = "TTH-91234-TS", severity: str = "high", **more: Any) -> None:
        values = {"object_label": label, "severity": severity, **more}
        told(
            self.database.owner,
            f"WITH made AS (INSERT INTO alarm (rule_id, layer, object_key, observed_at, raised_at, geom, "
            f"{', '.join(values)}) SELECT id, 'vessel', gen_random_uuid(), :at, :at, "
            f"ST_SetSRID(ST_MakePoint(107.85, 16.72), 4326), {', '.join(':' + name for name in values)} "
            "FROM rule RETURNING id) INSERT INTO alarm_journal (alarm_id, transition, at, actor, actor_kind) "
            "SELECT id, 'raise', :at, 'x', 'system' FROM made",
            at=self.time, **values,
        )  # fmt: skip

    def turn(self, seconds: float) -> None:
        """One look of the sender at that moment, each channel's messages sent before it ends."""
        self.time = at(seconds)
        with self.sender.engine.connect() as connection:
            wanted = self.sender.fill(connection)
        for channel in wanted:
            self.sender.empty(channel)

    def rows(self) -> list[dict[str, Any]]:
        return asked(self.database.owner, "SELECT * FROM delivery ORDER BY id")

    def answer(self) -> str:
        return str(self.rows()[-1]["answer"])


@pytest.fixture
def house(database):
    with connected(database.owner) as owner, connected(database.ingest) as ingest:
        with owner.begin() as connection:
            rule = Rule(
                "closed", "silence", "vessel", "Vào khu vực cấm: ra ngay", "Closed", "high", params={"silence_s": 9}
            )
            put_rules(connection, [rule], SYSTEM)
        yield House(database, owner, ingest)


def mail(number: int, **changes: Any) -> dict[str, Any]:
    given = {"host": "localhost", "port": number, "security": "plain", "sender": "haidang@hue.gov.vn"}
    return {**given, "recipients": ["truc@hue.gov.vn", "chi-cuc@hue.gov.vn"], **changes}


def hook(server: Web, **changes: Any) -> dict[str, Any]:
    return {"url": f"http://{server.place}/in", "secret": "hook", **changes}


def gateway(server: Web, **changes: Any) -> dict[str, Any]:
    return {
        "url": f"http://{server.place}/send?to=${{to}}&key=${{secret.sms}}",
        "recipients": ["+84905000111", "0905000222"],
        "headers": {"Authorization": "Bearer ${secret.sms}"},
        "body": '{"text": "${text}", "id": "${id}"}',
        **changes,
    }


def test_an_alarm_arrives_as_a_letter(house) -> None:
    with relay() as (post, number):
        house.allow(f"localhost:{number}")
        house.channel("email", mail(number))
        house.alarm()
        house.turn(1)
        house.turn(2)
        ((recipients, letter),) = post.letters
    assert recipients == ["truc@hue.gov.vn", "chi-cuc@hue.gov.vn"]
    assert letter["subject"] == "[Hải Đăng] CAO · Vào khu vực cấm · TTH-91234-TS"
    assert letter["from"] == "Hải Đăng <haidang@hue.gov.vn>"
    (row,) = house.rows()
    assert letter["message-id"] == f"<haidang-{row['id']}-20261125030001@hue.gov.vn>"
    text = letter.get_content()
    assert "16°43'12\"N 107°51'00\"E (16,72000; 107,85000)" in text
    assert "Lúc: 10:00 25/11/2026" in text
    assert (row["attempts"], row["delivered_at"], row["answer"]) == (1, at(1), "250 2.0.0 Ok: queued as 4ABC")


@pytest.mark.parametrize("implicit", [False, True])
def test_a_password_goes_through_tls_that_was_checked(house, implicit: bool) -> None:
    authority, security = trustme.CA(), "tls" if implicit else "starttls"
    with relay(authority, implicit, login=True) as (post, number):
        house.channel("email", mail(number, security=security, username="haidang", password="mail"))
        house.alarm()
        house.allow(f"localhost:{number}")  # without trust in the authority
        house.turn(1)
        assert "no secure connection" in house.answer()
        assert post.logins == []
        house.allow(f"localhost:{number}", tls=trusting(authority))
        house.turn(31)
        assert post.logins == [("haidang", SECRETS["mail"], True)]
        assert len(post.letters) == 1
        assert house.rows()[0]["delivered_at"] == at(31)


def test_a_relay_without_starttls_gets_nothing_in_clear(house) -> None:
    with relay() as (post, number):
        house.allow(f"localhost:{number}")
        house.channel("email", mail(number, security="starttls", username="haidang", password="mail"))
        house.alarm()
        house.turn(1)
        assert "STARTTLS" in house.answer()
        assert (post.logins, post.letters) == ([], [])


def test_a_wrong_password_is_said_and_not_shown(house) -> None:
    authority = trustme.CA()
    house.sender.secrets = {**SECRETS, "mail": "wrong-password"}
    with relay(authority, login=True) as (post, number):
        house.allow(f"localhost:{number}", tls=trusting(authority))
        house.channel("email", mail(number, security="starttls", username="haidang", password="mail"))
        house.alarm()
        house.turn(1)
        assert {word for _, word, _ in post.logins} == {"wrong-password"}
    assert house.answer().startswith("535 ")
    assert "wrong-password" not in house.answer()


def test_whom_the_relay_refused_is_tried_again_and_nobody_else(house) -> None:
    with relay() as (post, number):
        post.refused = {"chi-cuc@hue.gov.vn": "450 4.2.1 try later"}
        house.allow(f"localhost:{number}")
        house.channel("email", mail(number))
        house.alarm()
        house.turn(1)
        (row,) = house.rows()
        assert (row["reached"], row["delivered_at"]) == (["truc@hue.gov.vn"], None)
        assert row["answer"] == "chi-cuc@hue.gov.vn: 450 4.2.1 try later"
        post.refused = {}
        house.turn(31)
        assert [recipients for recipients, _ in post.letters] == [["truc@hue.gov.vn"], ["chi-cuc@hue.gov.vn"]]
        first, second = (letter["message-id"] for _, letter in post.letters)
    assert first == second
    assert house.rows()[0]["delivered_at"] == at(31)


def test_promise_15_a_name_cannot_add_a_header_or_a_recipient(house) -> None:
    with relay() as (post, number), web() as server:
        house.allow(f"localhost:{number}", server.place)
        house.channel("email", mail(number), "mail")
        house.channel("sms", gateway(server, headers={"X-Object": "${object}"}), "sms")
        house.channel("webhook", hook(server), "hook")
        house.alarm(HOSTILE)
        house.turn(1)
        ((recipients, letter),) = post.letters
        assert recipients == ["truc@hue.gov.vn", "chi-cuc@hue.gov.vn"]
        assert letter["bcc"] is None
        assert "Bcc: thief@evil.example" in letter["subject"]
        assert {one.headers.get("bcc") for one in server.asked} == {None}
        assert any(one.headers.get("x-object") == "TTH-1 Bcc: thief@evil.example body" for one in server.asked)
    assert [row["delivered_at"] for row in house.rows()] == [at(1)] * 3


def test_a_webhook_is_signed_and_its_signature_verifies(house) -> None:
    with web() as server:
        house.allow(server.place)
        house.sender.public_url = "https://haidang.hue"
        house.channel("webhook", hook(server))
        house.alarm()
        house.turn(1)
        (one,) = server.asked
    signed = f"{one.headers['webhook-id']}.{one.headers['webhook-timestamp']}.".encode() + one.body
    expected = base64.b64encode(hmac.digest(b"key of the hook", signed, hashlib.sha256)).decode()
    assert one.headers["webhook-signature"] == f"v1,{expected}"
    assert one.headers["webhook-timestamp"] == str(int(at(1).timestamp()))
    assert one.headers["webhook-signature"] != sign("another", one.headers["webhook-id"], "1", one.body)
    told_of = json.loads(one.body)
    assert (told_of["type"], told_of["timestamp"]) == ("alarm.raise", T0.isoformat())
    assert (
        told_of["text"] == "CAO · Vào khu vực cấm · TTH-91234-TS; báo động mới; 16.72000, 107.85000; 10:00 25/11/2026"
    )
    assert told_of["data"]["url"].startswith("https://haidang.hue/?chosen=vessel.")
    assert (told_of["data"]["rule"], told_of["data"]["lat"]) == ("closed", 16.72)


def test_the_signature_is_that_of_the_published_example() -> None:
    # The example of the Standard Webhooks specification's reference libraries.
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    made = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_gateway_is_asked_as_its_templates_say_once_a_recipient(house) -> None:
    with web() as server:
        house.allow(server.place)
        house.channel("sms", gateway(server, expect='"ok"'))
        house.alarm('TTH-1 "TS"')
        house.turn(1)
        first, second = server.asked
    assert first.path == "/send?to=%2B84905000111&key=ge%22heim%26sms"
    assert first.headers["authorization"] == 'Bearer ge"heim&sms'
    assert first.headers["content-type"] == "application/json; charset=utf-8"
    body = json.loads(first.body)
    assert body["text"] == 'CAO: Vao khu vuc cam. TTH-1 "TS". 16.72000, 107.85000. 10:00 25/11/2026'
    assert body["id"].endswith("-84905000111")
    assert "to=0905000222" in second.path
    (row,) = house.rows()
    assert (row["reached"], row["delivered_at"]) == (["+84905000111", "0905000222"], at(1))


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("form", "text=${object}&id=1", b"text=%22A%22+%26+%3CB%3E&id=1"),
        ("xml", "<sms><text>${object}</text></sms>", b"<sms><text>&quot;A&quot; &amp; &lt;B&gt;</text></sms>"),
        ("json", '{"text": "${object}"}', b'{"text": "\\"A\\" & <B>"}'),
        ("text", "${object}", b'"A" & <B>'),
    ],
)
def test_a_value_stays_a_value_in_every_kind_of_body(house, kind: str, body: str, expected: bytes) -> None:
    with web() as server:
        house.allow(server.place)
        headers = {"X-Text": "${text}"}
        house.channel("sms", gateway(server, body=body, body_kind=kind, recipients=["123"], headers=headers))
        house.alarm('"A" & <B>')
        house.turn(1)
        assert server.asked[0].body == expected


def test_a_gateway_that_says_no_in_a_200_is_tried_again_for_who_has_it_not(house) -> None:
    with web() as server:
        house.allow(server.place)
        house.channel("sms", gateway(server, expect='"ok": true'))
        house.alarm()

        def refuse_the_second(one: Any) -> None:
            server.body = b'{"ok": true}' if "84905000111" in one.path else b'{"ok": false, "why": "no credit"}'

        server.before = refuse_the_second
        house.turn(1)
        (row,) = house.rows()
        assert (row["reached"], row["delivered_at"]) == (["+84905000111"], None)
        assert row["answer"] == 'HTTP 200: {"ok": false, "why": "no credit"}'
        server.before = lambda one: setattr(server, "body", b'{"ok": true}')
        house.turn(31)
        assert [one.path[9:20] for one in server.asked] == ["%2B84905000", "0905000222&", "0905000222&"]
    assert house.rows()[0]["delivered_at"] == at(31)


def test_what_fails_is_tried_again_later_each_time_until_it_is_given_up(house) -> None:
    with web() as server:
        server.status, server.body = 503, b"over\x1b[31mload\xe2\x80\xae"
        house.allow(server.place)
        house.channel("webhook", hook(server))
        house.alarm()
        moments = [1, 31, 91, 211, 451, 931, 1891, 3691]  # after 30 s, 1, 2, 4, 8, 16 and 30 min
        for count, moment in enumerate(moments, 1):
            if count > 1:
                house.turn(moment - 1)
                assert len(server.asked) == count - 1
            house.turn(moment)
            assert len(server.asked) == count
        house.turn(100_000)
    (row,) = house.rows()
    assert len(server.asked) == row["attempts"] == 8
    assert (row["failed_at"], row["due_at"], row["answer"]) == (at(3691), None, "HTTP 503: over [31mload")
    assert len({one.headers["webhook-id"] for one in server.asked}) == 1
    assert len({one.headers["webhook-signature"] for one in server.asked}) == 8  # each with its own time


def test_promise_17_what_is_not_allowed_is_not_asked_and_says_so(house) -> None:
    with web() as server, web() as other:
        house.allow(other.place)
        house.channel("webhook", hook(server))
        house.alarm()
        house.turn(1)
        assert (
            house.answer() == f"{server.place} is not allowed; an administrator may add it to HAIDANG_OUTGOING_ALLOWED"
        )
        house.allow(server.place)
        server.status, server.headers = 307, {"Location": f"http://{other.place}/"}
        house.turn(31)
        assert house.answer() == 'HTTP 307: {"ok": true}'
        assert (len(server.asked), other.asked) == (1, [])


def test_a_secret_that_is_not_there_is_named_and_one_that_is_is_never_shown(house) -> None:
    with web() as server, structlog.testing.capture_logs() as logs:
        # A gateway that repeats what it was sent, address, headers and all.
        server.before = lambda one: setattr(server, "body", f"{one.path} {one.headers}".encode())
        server.status = 400
        house.allow(server.place)
        house.channel("sms", gateway(server), "sms")
        house.alarm()
        house.turn(1)
        assert "•••" in house.answer()
        house.sender.secrets = {}
        house.turn(31)
        assert house.answer() == "there is no secret 'sms' in HAIDANG_SECRETS"
        assert len(server.asked) == 1
    everything = json.dumps([house.rows(), logs, asked(house.database.owner, "SELECT * FROM revision")], default=str)
    for value in SECRETS.values():
        assert value not in everything
        assert hidden(f"x {value}", {"a": value}) == "x •••"
    assert "ge%22heim" not in everything


def test_one_dead_channel_holds_up_no_other_and_one_bad_message_no_good_one(house) -> None:
    with web() as server:
        house.allow(server.place)
        house.channel("webhook", hook(server), "good")
        told(
            house.database.owner,
            "INSERT INTO channel (key, kind, name, config, updated_at, updated_by) "
            "VALUES ('bad', 'webhook', 'x', '{\"url\": 1}', now(), 'x')",
        )
        told(
            house.database.owner,
            "INSERT INTO route (channel_id, severities, transitions, since) "
            "SELECT id, '[\"high\"]', '[\"raise\"]', :at FROM channel WHERE key = 'bad'",
            at=T0,
        )
        house.alarm()
        house.turn(1)
        assert len(server.asked) == 1
    assert sorted(row["delivered_at"] is not None for row in house.rows()) == [False, True]
    assert "url: must begin" in str([row["answer"] for row in house.rows()])


def test_in_a_rehearsal_nothing_is_sent_not_even_a_test(house) -> None:
    with web() as server:
        house.allow(server.place)
        channel = house.channel("webhook", hook(server))
        house.sender.withholding = True
        house.alarm()
        with house.owner.begin() as connection:
            ask_test(connection, channel, LAN, T0, withholding=False)  # by a screen that does not know
        house.turn(1)
        house.sender.withholding = False
        house.alarm(simulated=True)
        house.turn(2)
        house.turn(4000)
        assert server.asked == []
    assert [row["answer"] for row in house.rows()] == ["rehearsal", "rehearsal", "simulated"]


def test_a_test_message_arrives_as_one(house) -> None:
    with web() as server:
        house.allow(server.place)
        channel = house.channel("webhook", hook(server))
        with house.owner.begin() as connection:
            ask_test(connection, channel, LAN, T0, withholding=False)
        house.turn(1)
        (one,) = server.asked
    assert json.loads(one.body) == {
        "type": "channel.test",
        "timestamp": T0.isoformat(),
        "text": "TIN THỬ, không phải báo động; Lan gửi lúc 10:00 25/11/2026",
        "data": {"asked_by": "Lan"},
    }


def test_a_flood_is_one_message_on_each_channel(house) -> None:
    with web() as server:
        house.allow(server.place)
        house.channel("webhook", hook(server))
        told(house.database.owner, "INSERT INTO flood (kind, started_at) VALUES ('burst', :at)", at=T0)
        (flood,) = asked(house.database.owner, "SELECT id FROM flood")
        for number in range(25):
            house.alarm(f"TTH-{number}", flood_id=flood["id"])
        house.turn(1)
        (one,) = server.asked
    assert json.loads(one.body)["data"]["flood"] == {"id": flood["id"], "alarms": 25}
    assert "25 báo động" in json.loads(one.body)["text"]


def test_of_two_senders_one_works_and_the_other_takes_over(house) -> None:
    with web() as server, connected(house.database.ingest) as second_engine:
        house.allow(server.place)
        house.channel("webhook", hook(server))
        second = Sender(second_engine, house.sender.outgoing, SECRETS, now=lambda: house.time)
        stops = threading.Event(), threading.Event()
        threads = [
            threading.Thread(target=one.run, args=(stop.is_set,))
            for one, stop in zip((house.sender, second), stops, strict=True)
        ]
        try:
            threads[0].start()
            assert wait_for(lambda: asked(house.database.owner, LEADER)[0]["n"] == 1, 20)
            threads[1].start()
            house.alarm()
            assert wait_for(lambda: len(server.asked) == 1, 20)
            stops[0].set()
            threads[0].join(20)
            house.alarm("TTH-2")
            assert wait_for(lambda: len(server.asked) == 2, 20)
        finally:
            for stop, thread in zip(stops, threads, strict=True):
                stop.set()
                if thread.ident is not None:
                    thread.join(20)
    assert all(row["attempts"] == 1 for row in house.rows())


def test_promise_01_kill_9_between_attempt_and_record_sends_it_again_under_the_same_id(house, tmp_path) -> None:
    with web() as server:
        hold = threading.Event()
        server.before = lambda one: hold.wait(30) and None
        house.channel("webhook", hook(server))
        environment = {
            **CLEAN,
            "HAIDANG_HOME": str(tmp_path),
            "DATABASE_URL_INGEST": house.database.ingest,
            "HAIDANG_SECRETS": json.dumps(SECRETS),
            "HAIDANG_OUTGOING_ALLOWED": json.dumps([server.place]),
        }
        now = datetime.now(UTC)
        told(house.database.owner, "UPDATE route SET since = :now", now=now - timedelta(minutes=1))
        house.time = now
        house.alarm()

        def start() -> "subprocess.Popen[bytes]":
            words = [sys.executable, str(ROOT / "app.py"), "send"]
            return subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)

        with start() as first:
            assert wait_for(lambda: len(server.asked) == 1, 60)
            os.kill(first.pid, signal.SIGKILL)  # it has been asked, and will never hear the answer
        (row,) = house.rows()
        assert (row["attempts"], row["delivered_at"], row["answer"]) == (1, None, None)
        assert row["due_at"] > datetime.now(UTC)
        hold.set()
        told(house.database.owner, "UPDATE delivery SET due_at = now()")  # half a minute later
        with start() as second:
            try:
                assert wait_for(lambda: house.rows()[0]["delivered_at"] is not None, 60)
            finally:
                second.terminate()
        assert second.returncode == 0
        once, again = server.asked
    assert once.headers["webhook-id"] == again.headers["webhook-id"]
    assert once.body == again.body
    assert [row["attempts"] for row in house.rows()] == [2]


def test_the_outbox_is_filled_by_whoever_comes_first(house) -> None:
    house.channel("webhook", {"url": "https://x.example/", "secret": "hook"})
    house.alarm()
    with house.owner.begin() as connection:
        assert enqueue(connection, at(1)) == 1
    with house.sender.engine.connect() as connection:
        house.time = at(2)
        assert [one.key for one in house.sender.fill(connection)] == ["one"]
    assert len(house.rows()) == 1
