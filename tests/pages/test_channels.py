"""Pure pieces of the channels' screen: states in words, what is typed as values and back, log rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.channels import Overview
from geo.carrier import ChannelError, parse
from geo.channel import Channel, Problem, Route
from geo.delivery import LOST, REASONS
from geo.delivery_log import STATES
from pages import channel_form, channel_list, channel_routes, delivery
from pages.text import Text
from tests.pages.test_parts import texts

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
VI, EN = Text("vi"), Text("en")
HOOK = {"url": "https://hooks.example/a", "secret": "key"}
SMS: dict[str, Any] = {
    "url": "https://sms.example/", "method": "POST", "recipients": ("+84905000111", "0905000222"),
    "headers": {"Authorization": "Bearer ${secret.sms}", "X-A": "b: c"}, "body": "${text}", "body_kind": "text",
    "status": (200, 202), "expect": "ok", "accents": True, "segments": 2,
}  # fmt: skip
EMAIL = {
    "host": "smtp.hue.gov.vn", "port": 587, "security": "starttls", "sender": "a@hue.gov.vn",
    "recipients": ("b@hue.gov.vn", "c@hue.gov.vn"), "username": "haidang", "password": "mail",
}  # fmt: skip


def overview(**changes: Any) -> Overview:
    given: dict[str, Any] = {"routes": (Route(),), "problems": (), "counts": {}, "enabled": True, **changes}
    channel = Channel("hook", "webhook", "Cứu nạn", HOOK, enabled=given.pop("enabled"))
    return Overview(channel, **given)


@pytest.mark.parametrize(
    ("given", "withholding", "lamp", "words"),
    [
        ({"enabled": False}, False, "idle", "đang tắt"),
        ({"problems": (Problem("place", "x", "x chưa có", "x is not"),)}, False, "bad", "chưa gửi được: x chưa có"),
        ({}, True, "held", "giữ lại mọi tin"),
        ({"routes": ()}, False, "idle", "chưa có tuyến"),
        ({}, False, "idle", "chưa gửi tin nào trong 24 giờ"),
        ({"counts": {"retrying": 2}}, False, "bad", "2 tin đang phải gửi lại"),
        ({"counts": {"failed_at": NOW, "delivered_at": NOW - timedelta(hours=1), "failed": 1}}, False, "bad", "1 tin"),
        ({"counts": {"delivered_at": NOW - timedelta(minutes=3)}}, False, "ok", "gửi được, lần cuối   3 phút"),
    ],
)
def test_how_a_channel_fares_in_words(given: dict[str, Any], withholding: bool, lamp: str, words: str) -> None:
    found, said = channel_list.state(VI, overview(**given), withholding, NOW)
    assert found == lamp
    assert texts(said).startswith(words)


def test_an_empty_list_says_what_it_means() -> None:
    assert "báo động chỉ hiện trên các màn hình" in texts(channel_list.rows(VI, [], None, False, NOW))


@pytest.mark.parametrize(("kind", "config"), [("email", EMAIL), ("sms", SMS), ("webhook", HOOK)])
def test_what_a_form_shows_is_what_it_saves(kind: str, config: dict[str, Any]) -> None:
    typed = {
        key: channel_form.as_text(name, config.get(name))
        for key, (own, name) in channel_form.TYPED.items()
        if own == kind
    }
    picked = {key: config.get(name) for key, (own, name) in channel_form.PICKED.items() if own == kind}
    assert parse(kind, channel_form.config_of(kind, typed, picked)) == parse(kind, config)


def test_people_separate_recipients_as_they_like() -> None:
    assert channel_form.as_value("recipients", "a@b.vn; c@d.vn,\ne@f.vn\n") == ["a@b.vn", " c@d.vn", "", "e@f.vn"]
    with pytest.raises(ChannelError) as caught:
        channel_form.as_value("port", "fünf")
    assert channel_form.told(VI, caught.value) == "Cổng: phải là số"
    assert channel_form.told(EN, caught.value) == "Port: must be a number"


def test_a_key_comes_from_the_name() -> None:
    assert channel_form.key_of("Thư trực ban (Đội 2)", []) == "thu-truc-ban-doi-2"
    assert channel_form.key_of("Thư", ["thu", "thu-2"]) == "thu-3"
    assert channel_form.key_of("", []) == "kenh"


def test_a_route_in_words() -> None:
    assert texts(channel_routes.rows(VI, [Route(transitions=("raise", "clear"))], [])) == (
        "Mọi luật mọi mức · báo động mới, đã hết ×"
    )
    assert texts(channel_routes.rows(EN, [Route("gone", ("critical",), ("raise",))], [])) == (
        "gone Critical · new alarm ×"
    )


def message(**changes: Any) -> dict[str, Any]:
    row = {
        "made_at": NOW, "channel_name": "Cứu nạn", "state": "delivered", "due_at": None, "answer": "250 Ok",
        "attempts": 1, "transition": "raise", "asked_by": None, "flood_id": None, "rule_vi": "Vào vùng cấm: ra",
        "rule_en": "Closed", "object_label": "TTH-1", "object_key": "1", "severity": "high",
    }  # fmt: skip
    return {**row, **changes}


def test_the_log_says_what_became_of_each() -> None:
    rows = delivery.rows(
        VI,
        [
            message(),
            message(state="retrying", due_at=NOW, answer="HTTP 503", attempts=2, flood_id=3),
            message(state="withheld", answer="flood", attempts=0),
            message(transition="test", asked_by="Lan", state="waiting", answer=None, attempts=0),
            message(
                transition="warning_alert",
                state="withheld",
                answer="ended",
                warning_status="Exercise",
                warning_words={"vi": {"headline": "Lũ trên sông Hương"}},
                attempts=0,
            ),
        ],
        NOW,
    )
    said = [" ".join(texts(row).split()) for row in rows]
    assert said == [
        "0 s Cứu nạn báo động mới · Vào vùng cấm · TTH-1 đã gửi 1 250 Ok",
        "0 s Cứu nạn báo động mới · Vào vùng cấm · TTH-1 · cả đợt dồn dập đang gửi lại lần nữa lúc 10:00:00 2 HTTP 503",
        "0 s Cứu nạn báo động mới · Vào vùng cấm · TTH-1 giữ lại – cùng một đợt dồn dập, đã báo một lần",
        "0 s Cứu nạn tin thử · Lan đang chờ –",
        (
            "0 s Cứu nạn DIỄN TẬP cảnh báo · Lũ trên sông Hương giữ lại – "
            "cảnh báo đã hủy, đã thay hoặc hết hạn trước khi gửi"
        ),
    ]


def test_every_state_and_every_reason_has_its_words() -> None:
    for t in (VI, EN):
        assert all(delivery.state_word(t, state) != state or t is EN for state in STATES)
        assert all(delivery.reason(t, why) != why for why in REASONS)


def test_our_own_answers_are_in_the_readers_language_and_anothers_as_they_are() -> None:
    missing = "x.vn:587 is not allowed; an administrator may add it to HAIDANG_OUTGOING_ALLOWED"
    assert delivery.answer_words(VI, missing) == "x.vn:587 chưa có trong HAIDANG_OUTGOING_ALLOWED"
    assert delivery.answer_words(VI, "x:1 cannot be reached: {y}") == "không nối được tới x:1: {y}"
    assert delivery.answer_words(EN, LOST) == "interrupted, and there is no attempt left"
    assert delivery.answer_words(VI, "550 5.1.1 {unknown} user") == "550 5.1.1 {unknown} user"
