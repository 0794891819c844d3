"""Our warnings on channels: once each, from when a channel takes them, never what is simulated or over; in words."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from geo import delivery, delivery_log
from geo.channel import Channel, put_channel, take_warnings
from geo.delivery import Delivery, Outcome, Patience
from geo.warning_deed import approve, cancel, draft, issue
from geo.warning_delivery import sent
from run.webhook import payload
from run.wording import Message, compose, sms
from tests.connections import asked
from tests.geo.test_warning import CONTENT, EXERCISE, HOA, ISSUER, LAN, NOW, issued, web

__all__ = ["web"]  # a fixture
HOOK = {"url": "https://hooks.example/a", "secret": "key"}
PATIENCE = Patience()


@pytest.fixture
def channel(web: sa.Connection) -> Channel:
    with web.begin():
        made = put_channel(web, Channel("hook", "webhook", "Báo Huế", HOOK), LAN, NOW)
        put_channel(web, Channel("none", "webhook", "Không nhận", HOOK), LAN, NOW)
        return take_warnings(web, made, True, LAN, NOW)


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def taken(web: sa.Connection, channel: Channel, now: datetime) -> Delivery | None:
    return delivery.take(web, channel.id, now, PATIENCE)


def told(given: Delivery | None) -> Message:
    assert given is not None
    return compose(given, "Trung tâm Huế", "https://hue.example")


def test_a_warning_goes_once_to_each_channel_that_takes_them_and_its_cancel_after_it(web, channel) -> None:
    with web.begin():
        warning = issued(web)
        assert delivery.enqueue(web, later(1)) == 1  # the other channel takes none
        assert delivery.enqueue(web, later(1)) == 0
        given = taken(web, channel, later(1))
        assert given is not None
        assert (given.warning_id, given.transition) == (warning, "warning_alert")
        delivery.record(web, given, Outcome(True, "200 OK", ("a",)), later(2), PATIENCE)
        ended = cancel(web, warning, HOA, later(3), "Nước đã rút", ISSUER)
        assert delivery.enqueue(web, later(4)) == 1
        message = told(taken(web, channel, later(4)))
        assert message.line.startswith("HỦY CẢNH BÁO · CẤP 3 · Lũ trên sông Hương")
        assert "Lý do hủy: Nước đã rút" in message.letter
        (row,) = sent(web, warning)
        assert (row["channel_name"], row["state"], row["delivered_at"]) == ("Báo Huế", "delivered", later(2))
        assert [one["state"] for one in sent(web, ended)] == ["retrying"]
        log = delivery_log.log(web, "hook")
        assert [one["warning_words"]["vi"]["headline"] for one in log] == ["Lũ trên sông Hương"] * 2


def test_what_is_simulated_over_or_older_than_the_channels_word_stays(web, channel) -> None:
    with web.begin():
        issued(web, EXERCISE, later(1), simulated=True)
        short = issued(web, replace(CONTENT, expires_at=later(5)), later(1))
        followed = issued(web, CONTENT, later(1))
        assert delivery.enqueue(web, later(2)) == 3
        cancel(web, followed, LAN, later(3), "nhầm", ISSUER)
        assert taken(web, channel, later(6)) is None  # one ran out, one was cancelled, before they could go
        fates = {one["warning_id"]: one["answer"] for one in delivery_log.log(web, "hook")}
        assert (fates[short], fates[followed]) == ("ended", "ended")
        assert sorted(fates.values()) == ["ended", "ended", "simulated_warning"]
        take_warnings(web, channel, False, LAN, later(7))
        issued(web, CONTENT, later(8))
        take_warnings(web, channel, True, LAN, later(9))  # what was issued in between is not told afterwards
        assert delivery.enqueue(web, later(10)) == 0
        issued(web, CONTENT, later(11))
        assert delivery.enqueue(web, later(12), withholding=True) == 1
        assert delivery_log.log(web, "hook", limit=1)[0]["answer"] == "rehearsal"


def test_every_form_of_an_exercise_says_first_that_it_is_none_of_the_truth(web, channel) -> None:
    with web.begin():
        issued(web, EXERCISE)
        delivery.enqueue(web, later(1))
        given = taken(web, channel, later(1))
        message = told(given)
    assert given is not None
    first = "DIỄN TẬP, không phải thật"
    assert message.line.startswith(first)
    assert message.subject.startswith(f"[Hải Đăng] {first}")
    assert message.letter.startswith(f"Loại: {first}")
    assert sms(message, accents=False, segments=1).startswith("DIEN TAP, khong phai that CANH BAO CAP 3:")
    body: dict[str, Any] = payload(given, message)
    assert (body["type"], body["data"]["status"]) == ("warning.alert", "Exercise")
    assert body["data"]["url"] == f"https://hue.example/cap/{given.line['identifier']}.xml"


def test_an_update_takes_the_place_of_what_has_not_gone_yet(web, channel) -> None:
    with web.begin():
        first = issued(web)
        delivery.enqueue(web, later(1))
        made = draft(web, replace(CONTENT, risk_level=4), LAN, later(2), of_id=first)
        approve(web, made, 1, HOA, later(2))
        issue(web, made, 2, LAN, later(2), ISSUER)
        delivery.enqueue(web, later(3))
        message = told(taken(web, channel, later(3)))
        assert message.line.startswith("CẬP NHẬT CẢNH BÁO · CẤP 4")
        assert taken(web, channel, later(3)) is None


def test_a_channel_that_was_off_tells_nothing_of_meanwhile_and_its_versions_say_so(web, channel, database) -> None:
    with web.begin():
        put_channel(web, replace(channel, enabled=False), LAN, later(1))
        issued(web, CONTENT, later(2))
        put_channel(web, replace(channel, enabled=True), LAN, later(3))
        assert delivery.enqueue(web, later(4)) == 0
    kept = asked(database.owner, "SELECT value FROM revision WHERE kind = 'channel' AND key = 'hook' ORDER BY version")
    assert [one["value"]["warnings"] for one in kept] == [False, True, True, True]


def test_a_warning_of_a_clock_ahead_of_ours_is_told_when_we_are_there_and_not_held_for_over(web, channel) -> None:
    with web.begin():
        warning = issued(web, CONTENT, later(1))
        assert delivery.enqueue(web, NOW) == 0
        assert delivery.enqueue(web, later(1)) == 1
        given = taken(web, channel, later(1))
        assert given is not None
        assert given.warning_id == warning


def test_after_a_long_standstill_what_is_in_force_still_is_told_and_what_is_over_is_not(web, channel) -> None:
    hours = 60 * 9
    with web.begin():
        long = issued(web, replace(CONTENT, expires_at=later(2 * hours)))
        issued(web)  # over after six hours
        ended = issued(web, replace(CONTENT, expires_at=later(2 * hours)), later(1))
        cancelled = cancel(web, ended, LAN, later(2), "nhầm", ISSUER)
        assert delivery.enqueue(web, later(hours), since=later(hours - 10)) == 3
        fates = {one["warning_id"]: one["answer"] for one in delivery_log.log(web, "hook")}
        assert fates == {long: None, ended: "ended", cancelled: None}
        first, second = (taken(web, channel, later(hours)) for _ in range(2))
        assert first is not None
        assert second is not None
        assert (first.warning_id, second.warning_id) == (long, cancelled)
