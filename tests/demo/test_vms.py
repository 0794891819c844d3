"""Every monitoring device reports at its interval, the same each time, and everything is accepted at the door."""

from collections import defaultdict
from datetime import UTC, datetime
from itertools import islice, pairwise, takewhile

import numpy as np
import pytest

from demo.device import devices
from demo.fleet import fleet
from demo.radio import day, fix
from demo.track import Activity
from demo.vms import NOTICED_S, NOTICED_WITHIN_S, Silence, history, live, reporters, silences
from geo.figure import Figures, seeds
from geo.registration import parse
from ingest.feed import RawBatch
from ingest.naf import read
from ingest.outage import find
from ingest.vms import VMS

START = 1_795_300_000.0
HOUR, DAY = 3600.0, 86_400.0
FITTED = [boat for boat in fleet(1) if devices(boat) and not boat.laid_up]


@pytest.fixture(scope="module")
def past() -> list[bytes]:
    return list(history(1, START - DAY, START))


def boat_of(message: bytes) -> str:
    """By its registration, else by its device."""
    report = read(message)
    owners = {one.id: boat.registration for boat in fleet(1) for one in devices(boat)}
    return str(parse(report.registration)) if report.registration else owners[report.device or ""]


def test_promise_06_everything_reported_is_accepted_at_the_door(past: list[bytes]) -> None:
    framer = VMS.framer()
    for message in past:
        framer.feed(message, 0.0)
    framer.close()
    found = VMS.decode(RawBatch("vms.sim", "b", 1, START, b"\n".join(framer.take().lines)))
    assert found.account.rejected == {}
    assert found.account.accepted == len(past)
    assert 3_000 < len(past) < 6_000


def test_434_boats_have_a_recent_past_at_the_start_and_three_of_them_have_fallen_silent(past: list[bytes]) -> None:
    last: dict[str, datetime] = {}
    for message in past:
        if not read(message).manual:
            last[boat_of(message)] = read(message).observed_at
    assert set(last) == {boat.registration for boat in FITTED}
    assert len(last) == 434  # of 437: three are laid up (domain.md 1.5)
    now = datetime.fromtimestamp(START, UTC)
    ages = {name: (now - at).total_seconds() / HOUR for name, at in last.items()}
    cut_off = {one.boat.registration for one in reporters(day(1, START)) if one.outage and one.device.active}
    late = {name: age for name, age in ages.items() if age > 3.05 and name not in cut_off}
    assert set(late) == set(silences(day(1, START)))
    assert sorted(age > 6 for age in late.values()) == [False, True, True]
    national = [ages[boat.registration] for boat in FITTED if boat.length_m >= 24 if boat.registration not in cut_off]
    assert max(national) <= 2.05


def test_each_device_keeps_the_interval_of_its_boat_s_class(past: list[bytes]) -> None:
    heard: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for message in past:
        report = read(message)
        if not report.manual:
            heard[boat_of(message), report.device or ""].append(report.observed_at)
    lengths = {boat.registration: boat.length_m for boat in fleet(1)}
    for (name, _), moments in heard.items():
        apart = {(b - a).total_seconds() / HOUR for a, b in pairwise(moments)}
        assert apart <= {2.0 if lengths[name] >= 24 else 3.0}


@pytest.mark.parametrize("start", [START, START + 7 * HOUR])
def test_one_provider_s_centre_fails_so_that_it_is_noticed_minutes_after_the_start(start: float) -> None:
    everybody = reporters(day(1, start))
    cut_off = [one for one in everybody if one.outage]
    (failing,) = {one.outage for one in cut_off}
    assert failing is not None
    assert {one.device.provider for one in cut_off} == {failing.provider}
    assert len({one.device.provider for one in everybody}) == 5
    assert start - 3.5 * HOUR < failing.since < start < failing.until
    # By the watch's own measure, over the boats that stay at sea.
    hours, figures = start + np.arange(-4.0, 3.0) * HOUR, Figures(seeds())
    today, silent = day(1, start), set(silences(day(1, start)))
    late, fleet_at_sea = [], 0
    for one in cut_off:
        if not one.device.active or one.boat.registration in silent:
            continue
        if (today.motion(one.index, hours).activity == Activity.MOORED).any():
            continue
        fleet_at_sea += 1
        said = [at for at, _ in one.reports(start - DAY, start + HOUR)]
        assert not any(failing.since <= at < failing.until for at in said)
        late.append(datetime.fromtimestamp(max(said) + one.every_s + 30 * 60, UTC))
    seen = find(late, fleet_at_sea, figures, datetime.fromtimestamp(start, UTC))
    assert seen is not None
    assert abs(seen.at.timestamp() - start - NOTICED_S) <= NOTICED_WITHIN_S


def test_a_report_says_where_the_boat_is(past: list[bytes]) -> None:
    today = day(1, START)
    plans = {boat.registration: (boat, plan) for boat, plan in today.speakers if boat in FITTED}
    checked = 0
    for message in islice(past, 0, None, 97):
        report, name = read(message), boat_of(message)
        if name in plans:
            boat, plan = plans[name]
            truth = fix(plan, boat.mmsi, report.observed_at.timestamp())
            assert (report.lon, report.lat) == pytest.approx((truth.lon, truth.lat), abs=6e-4)
            checked += 1
    assert checked > 30


def test_a_second_device_reports_beside_the_one_that_counts_and_by_hand_is_told_what_no_device_tells() -> None:
    today = day(1, START)
    aside = [one for one in reporters(today) if not one.device.active]
    assert len(aside) == 1
    by_hand = [read(message) for message in history(1, START - DAY, START) if read(message).manual]
    assert [(one.device, one.speed) for one in by_hand] == [(None, None)]
    silent = [silence for silence in silences(today).values() if silence.told_at]
    assert [by_hand[0].observed_at.timestamp()] == [pytest.approx(silent[0].told_at[0], abs=60)]


def test_what_is_said_live_goes_on_where_the_past_ended() -> None:
    today = day(1, START)
    soon = [lines[0] for _, lines in takewhile(lambda said: said[0] < START + 2 * HOUR, live(today, START))]
    whole = list(history(1, START - HOUR, START + 2 * HOUR, START))
    assert list(history(1, START - HOUR, START, START)) + soon == whole
    assert len(soon) > 250


def test_a_device_without_a_fault_reports_eight_or_twelve_times_a_day() -> None:
    one = next(one for one in reporters(day(1, START)) if one.silence == Silence(float("inf")))
    assert len(list(one.reports(START, START + DAY))) in (8, 12)
