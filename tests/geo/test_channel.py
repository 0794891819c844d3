from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geo.actor import SYSTEM, Actor
from geo.carrier import ChannelError, parse, place_of, secrets_of
from geo.channel import ANNOUNCED, Channel, Route, channels, drop_route, problems, put_channel, put_route, routes
from geo.rule import Rule, put_rules
from tests.connections import asked, connected

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
LAN = Actor("Lan")
EMAIL: dict[str, Any] = {
    "host": "smtp.hue.gov.vn",
    "sender": "haidang@hue.gov.vn",
    "recipients": ["truc@hue.gov.vn"],
    "username": "haidang",
    "password": "mail-password",
}
WEBHOOK = {"url": "https://hooks.hue.gov.vn/a/${secret.hook-path}", "secret": "hook-key"}
SMS: dict[str, Any] = {
    "url": "https://sms.example:8443/send?to=${to}",
    "recipients": ["+84905000111"],
    "headers": {"Authorization": "Bearer ${secret.sms}"},
    "body": '{"text": "${text}"}',
}


def wrong(kind: str, config: dict[str, Any]) -> str:
    with pytest.raises(ChannelError) as caught:
        parse(kind, config)
    assert caught.value.vi
    assert caught.value.en
    return caught.value.field


def test_each_kind_says_where_it_goes_and_which_secrets_it_uses() -> None:
    mail, hook, sms = parse("email", EMAIL), parse("webhook", WEBHOOK), parse("sms", SMS)
    assert (place_of(mail), secrets_of(mail)) == ("smtp.hue.gov.vn:587", {"mail-password"})
    assert (place_of(hook), secrets_of(hook)) == ("hooks.hue.gov.vn:443", {"hook-key", "hook-path"})
    assert (place_of(sms), secrets_of(sms)) == ("sms.example:8443", {"sms"})
    assert place_of(parse("email", {**EMAIL, "host": "[2001:DB8::1]", "port": 25})) == "[2001:db8::1]:25"


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        ("fax", {}, "kind"),
        ("email", {"host": "mail server"}, "host"),
        ("email", {"port": "587"}, "port"),
        ("email", {"port": 0}, "port"),
        ("email", {"security": "none"}, "security"),
        ("email", {"sender": "haidang"}, "sender"),
        ("email", {"sender": "a@b.vn\r\nBcc: x@y.vn"}, "sender"),
        ("email", {"recipients": []}, "recipients"),
        ("email", {"recipients": ["a@b.vn", "c@d.vn\r\nBcc: x@y.vn"]}, "recipients"),
        ("email", {"recipients": "a@b.vn"}, "recipients"),
        ("email", {"password": ""}, "password"),
        ("email", {"password": "what a password!"}, "password"),
        ("email", {"security": "plain"}, "security"),  # it would show the password to everybody on the way
        ("email", {"pasword": "x"}, "pasword"),
        ("email", {"host": "a\x00b"}, "host"),
        ("webhook", {"url": "ftp://x/y"}, "url"),
        ("webhook", {"url": "https://me:it@x/y"}, "url"),
        ("webhook", {"url": "https://${secret.host}/y"}, "url"),
        ("webhook", {"url": "https://x/${nothing}"}, "url"),
        ("webhook", {"url": "https://x/$"}, "url"),
        ("webhook", {"secret": ""}, "secret"),
        ("sms", {"recipients": ["0905 000 111; drop"]}, "recipients"),
        ("sms", {"headers": {"Authorization": "Bearer abc"}}, "headers"),
        ("sms", {"headers": {"X-Api-Key": "abc"}}, "headers"),
        ("sms", {"headers": {"X-Name": "a\r\nX-Other: b"}}, "headers"),
        ("sms", {"headers": {"X Name": "a"}}, "headers"),
        ("sms", {"body": '{"text": "hello"}'}, "body"),
        ("sms", {"body": "${text.__class__}${text}"}, "body"),
        ("sms", {"body": "${text}\ud800"}, "body"),
        ("sms", {"status": [302]}, "status"),
        ("sms", {"segments": 4}, "segments"),
        ("sms", {"accents": "yes"}, "accents"),
    ],
)
def test_what_cannot_be_is_refused_with_the_name_of_the_field(kind: str, change: dict[str, Any], field: str) -> None:
    config = {"email": EMAIL, "webhook": WEBHOOK, "sms": SMS}.get(kind, {})
    if field == "body" and "text.__class__" in str(change):
        # A place's name ends at the dot, and what follows is text: no template reaches into a value.
        with pytest.raises(ChannelError, match="stray"):
            parse(kind, {**config, **change})
        return
    assert wrong(kind, {**config, **change}) == field


def test_a_password_may_go_in_clear_to_this_machine_alone() -> None:
    assert parse("email", {**EMAIL, "host": "127.0.0.1", "security": "plain"})


def test_what_keeps_a_channel_from_sending_is_said() -> None:
    mail = Channel("mail", "email", "Thư", EMAIL)
    place, secret = problems(mail, frozenset(), frozenset())
    assert "smtp.hue.gov.vn:587" in place.en
    assert "HAIDANG_OUTGOING_ALLOWED" in place.vi
    assert "mail-password" in secret.en
    assert problems(mail, {"smtp.hue.gov.vn:587"}, {"mail-password"}) == ()
    (old,) = problems(Channel("old", "email", "Cũ", {"host": "x"}), frozenset(), frozenset())
    assert old.kind == "config"


def test_channels_and_routes_are_kept_with_who_changed_them(database) -> None:
    with connected(database.web) as engine:
        with engine.begin() as connection:
            made = put_channel(connection, Channel("mail", "email", " Thư trực ban ", EMAIL), LAN, NOW)
            put_route(connection, made, Route(severities=("low", "critical")), LAN, NOW)
        with engine.begin() as connection, pytest.raises(ChannelError, match="no rule"):
            put_route(connection, made, Route("nothing"), LAN, NOW)
        with connected(database.owner) as owner, owner.begin() as connection:
            put_rules(connection, [Rule("d", "distress", "vessel", "Cấp cứu", "Distress", "critical")], SYSTEM)
        with engine.begin() as connection:
            later = NOW + timedelta(minutes=1)
            put_route(connection, made, Route("d", transitions=("clear", "raise")), Actor("Minh"), later)
            (found,) = channels(connection)
            assert (found.name, found.config["port"], found.updated_by) == ("Thư trực ban", 587, "Lan")
            assert routes(connection) == {
                "mail": [Route(None, ("critical", "low"), ANNOUNCED), Route("d", transitions=("raise", "clear"))]
            }
            assert drop_route(connection, made, "d", LAN, later)
            assert not drop_route(connection, made, "d", LAN, later)
            with pytest.raises(ChannelError, match="stays so"):
                put_channel(connection, Channel("mail", "webhook", "x", WEBHOOK), LAN, NOW)
    kept = asked(database.web, "SELECT version, actor, value FROM revision WHERE kind = 'channel' ORDER BY version")
    assert [(row["version"], row["actor"], len(row["value"]["routes"])) for row in kept] == [
        (1, "Lan", 0),
        (2, "Lan", 1),
        (3, "Minh", 2),
        (4, "Lan", 1),
    ]
    assert kept[0]["value"]["config"]["password"] == "mail-password"  # a name


def test_a_channel_that_is_switched_on_again_tells_nothing_of_the_time_between(database) -> None:
    with connected(database.web) as engine, engine.begin() as connection:
        made = put_channel(connection, Channel("mail", "email", "Thư", EMAIL), LAN, NOW)
        put_route(connection, made, Route(), LAN, NOW)
        put_channel(connection, Channel("mail", "email", "Thư", EMAIL, enabled=False), LAN, NOW)
        put_channel(connection, Channel("mail", "email", "Thư", EMAIL), LAN, NOW + timedelta(hours=1))
    assert asked(database.web, "SELECT since FROM route") == [{"since": NOW + timedelta(hours=1)}]
