"""Everybody speaks at the legal intervals, the same each time, and everything said is accepted at the door."""

from collections import Counter, defaultdict
from itertools import islice, pairwise, takewhile

import numpy as np
import pyais
import pytest

from demo import scenario as script
from demo.fleet import Radio, careless, fleet
from demo.past import STILL_S, history, past_moments
from demo.radio import day, fix, interval, live
from demo.scenario import scripted
from demo.speech import Fix
from geo.account import Account
from ingest.ais import messages

START = 1_795_300_000.0
TEN_MINUTES = 600.0


def decode(line):
    """The decoded message of one single-part line and the time of its tag block."""
    _, tag, sentence = line.split(b"\\")
    return pyais.decode(sentence), int(tag.split(b"c:")[1][:13]) / 1000


@pytest.fixture(scope="module")
def ten_minutes():
    return list(takewhile(lambda said: said[0] < START + TEN_MINUTES, live(day(1, START), START)))


@pytest.fixture(scope="module")
def two_hours_before():
    return list(history(1, START - 7200, START))


@pytest.mark.parametrize(
    ("radio", "speed", "status", "seconds"),
    [
        (Radio.A, 0.0, 5, 180), (Radio.A, 0.4, 1, 180), (Radio.A, 2.5, 7, 10), (Radio.A, 13.9, 0, 10),
        (Radio.A, 15.0, 0, 6), (Radio.A, 24.0, 0, 2), (Radio.B_CS, 1.9, 0, 180), (Radio.B_CS, 5.0, 0, 30),
        (Radio.B_CS, 20.0, 0, 30), (Radio.B_SO, 1.0, 0, 180), (Radio.B_SO, 8.0, 0, 30), (Radio.B_SO, 15.0, 0, 15),
    ],
)  # fmt: skip
def test_intervals_by_class_as_the_domain_gives_them(radio, speed, status, seconds):
    hull = next(boat for boat in fleet(1) if boat.radio is radio and not boat.laid_up)
    assert interval(hull, Fix(START, 108, 17, speed, 0, 0, status)) == seconds


def test_what_is_heard_keeps_those_intervals(ten_minutes):
    heard = defaultdict(list)
    for _, lines in ten_minutes:
        message, at = decode(lines[0]) if len(lines) == 1 else (None, 0)
        if message is not None and message.msg_type == 18 and message.mmsi not in careless(1).values():
            heard[message.mmsi].append((at, message.speed))
    checked = 0
    for fixes in heard.values():
        for (at, speed), (later, _) in pairwise(fixes):
            if abs(speed - 2) > 0.1:
                assert later - at == pytest.approx(180 if speed < 2 else 30, abs=0.01)
                checked += 1
    assert checked > 2000


def test_the_stream_is_in_order_and_of_a_believable_rate(ten_minutes):
    moments = [at for at, _ in ten_minutes]
    assert moments == sorted(moments)
    assert 12 < sum(len(lines) for _, lines in ten_minutes) / TEN_MINUTES < 60


def test_all_types_are_spoken(ten_minutes):
    raw = b"\n".join(line for _, lines in ten_minutes for line in lines)
    kinds = Counter(fields["msg_type"] for fields, _ in messages(raw, Account(), []))
    assert set(kinds) == {1, 4, 5, 9, 14, 18, 19, 21, 24}


def test_everything_said_is_accepted_at_the_door(ten_minutes, two_hours_before):
    raw = [line for _, lines in ten_minutes for line in lines]
    for said in (raw, two_hours_before):
        account, letters = Account(), []
        decoded = list(messages(b"\n".join(said), account, letters))
        assert account.rejected == {}
        assert account.accepted == account.received == len(said)
        assert account.ignored == 0
        assert len(decoded) == account.messages


def test_positions_heard_are_the_positions_that_are(ten_minutes):
    today = day(1, START)
    senders = Counter(hull.mmsi for hull, _ in today.speakers)
    plans = {hull.mmsi: plan for hull, plan in today.speakers if senders[hull.mmsi] == 1}
    assert len(plans) == len(today.speakers) - 2  # one number is sent by two
    for _, lines in islice(ten_minutes, 0, None, 37):
        if len(lines) != 1:
            continue
        message, at = decode(lines[0])
        if message.mmsi in plans:
            truth = fix(plans[message.mmsi], message.mmsi, at)
            assert (message.lon, message.lat) == pytest.approx((truth.lon, truth.lat), abs=3e-6)
            assert message.speed == pytest.approx(truth.speed, abs=0.06)


def test_the_same_seed_and_start_say_the_same():
    first = list(islice(live(day(1, START), START), 300))
    day.cache_clear()
    assert list(islice(live(day(1, START), START), 300)) == first


def test_the_clock_of_a_faster_day_stamps_real_time():
    clock = lambda at: START + (at - START) / 10  # noqa: E731
    for at, lines in islice(live(day(1, START), START, clock), 400):
        for line in lines:
            assert int(line.split(b"c:")[1][:13]) / 1000 == pytest.approx(clock(at), abs=0.001)


def test_the_past_is_in_order_and_ends_now(two_hours_before):
    moments = [int(line.split(b"c:")[1][:13]) for line in two_hours_before]
    assert moments == sorted(moments)
    assert moments[0] >= (START - 7200) * 1000
    assert (START - 10) * 1000 < moments[-1] <= START * 1000


def test_the_past_is_thinned_but_nobody_begins_stale():
    today = day(1, START)
    for index, (hull, _) in enumerate(today.speakers):
        if getattr(hull, "laid_up", False):
            continue
        moments = past_moments(today, index, START - 86400, START)
        assert START - 180 <= moments[-1] <= START
        assert np.diff(moments).max() <= STILL_S + 180
        assert np.diff(moments).min() >= 179


def test_a_whole_day_has_a_bounded_number_of_sentences():
    today = day(1, START)
    assert (
        100_000 < sum(len(past_moments(today, i, START - 86400, START)) for i in range(len(today.speakers))) < 200_000
    )


def test_past_and_live_meet_without_a_jump(two_hours_before, ten_minutes):
    last, first = {}, {}
    for line in two_hours_before:
        if b"AIVDM,1,1,," in line:
            message, at = decode(line)
            if message.msg_type in (1, 18):
                last[message.mmsi] = (at, message)
    for _, lines in ten_minutes:
        if len(lines) == 1:
            message, at = decode(lines[0])
            if message.msg_type in (1, 18):
                first.setdefault(message.mmsi, (at, message))
    common = set(last) & set(first)
    assert len(common) > 600
    for mmsi in common:
        (before, a), (after, b) = last[mmsi], first[mmsi]
        way_nm = np.hypot((a.lon - b.lon) * 0.96, a.lat - b.lat) * 60
        assert way_nm <= (after - before) / 3600 * 25 + 0.02


def test_three_laid_up_boats_are_heard_once_a_day():
    today = day(1, START)
    laid_up = [i for i, (hull, _) in enumerate(today.speakers) if getattr(hull, "laid_up", False)]
    assert [len(past_moments(today, i, START - 86400, START)) for i in laid_up] == [1, 1, 1]


def test_the_silent_boat_is_heard_until_4_30_and_not_after(ten_minutes):
    silent = scripted(1)[script.SILENT].mmsi
    heard = [at for at, lines in ten_minutes if len(lines) == 1 and decode(lines[0])[0].mmsi == silent]
    assert heard
    assert START < max(heard) < START + 4.5 * 60


def test_the_man_overboard_test_is_one_burst_at_minute_9_with_its_label_first(ten_minutes):
    burst = [(at, lines) for at, lines in ten_minutes if len(lines) == 2 and b"AIVDM,1,1,," in lines[0]]
    burst = [(at, lines) for at, lines in burst if decode(lines[0])[0].mmsi == script.MOB_MMSI]
    assert [at - START for at, _ in burst] == [540.0, 544.0, 548.0, 552.0]
    for _, (text, place) in burst:
        assert decode(text)[0].text == "MOB TEST"
        assert decode(place)[0].status == 15
