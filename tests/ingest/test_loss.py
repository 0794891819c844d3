"""Lost signals as the clock finds them: stages, alarms and cases, ports, restarts, and figures that change."""

import random
from collections.abc import Iterator
from datetime import timedelta
from time import perf_counter

import pytest
import sqlalchemy as sa

from geo.actor import Actor
from geo.alarm import withdraw_alarm
from geo.anomaly import OTHER_DEVICE
from geo.case_work import Deed, close_case, enter_position, log_contact
from tests.connections import told
from tests.fleet import NEAR_THUAN_AN, SEA, T0, THUAN_AN, Fleet, fleet_of, hours

LAN = Actor("Lan")
MINUTE = 1 / 60


@pytest.fixture
def fleet(database) -> Iterator[Fleet]:
    with fleet_of(database) as made:
        yield made


def opened(fleet: Fleet) -> list[str]:
    return [row["registration"] for row in fleet.ask("SELECT registration FROM boat_case ORDER BY id")]


def reported(
    fleet: Fleet, boat: int, at: float, place: tuple[float, float] = SEA, entered: float | None = None
) -> None:
    with fleet.web.begin() as connection:
        deed = Deed(LAN, hours(at if entered is None else entered), at=hours(at))
        enter_position(connection, fleet.case(boat)["id"], deed, *place, None)


def test_fact_01_a_boat_of_14_9_m_is_never_lost_and_one_of_15_m_is(fleet) -> None:
    fleet.register([1], 14.9)
    fleet.register([2], 15.0)
    fleet.hear(0, 1, 2)
    for hour in (0, 6, 30, 300):
        fleet.tick(hour)
    assert opened(fleet) == [fleet.name(2)]
    assert {line["object_key"] for line in fleet.lines()} == {fleet.name(2)}
    assert fleet.state(1) == "NOT_REQUIRED"


def test_fact_02_lost_is_told_at_six_hours_and_late_is_no_alarm(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    assert fleet.tick(5 + 59 * MINUTE) == 0
    assert (fleet.state(1), fleet.lines(), opened(fleet)) == ("LATE", [], [])
    assert fleet.tick(6) == 1
    (line,) = fleet.lines()
    assert (line["rule"], line["object_key"], line["raised_at"], line["observed_at"]) == (
        "vms_loss", fleet.name(1), hours(6), T0)  # fmt: skip
    assert fleet.stages(1) == [("LOST", 6)]
    assert fleet.tick(6.01) == 0
    case = fleet.case(1)
    assert (case["since"], case["alarm_id"], case["device"], case["provider"]) == (T0, line["id"], "D1", "vnpt")


def test_fact_03_a_report_by_hand_restarts_its_clock_and_does_not_end_the_loss(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    fleet.tick(6)
    reported(fleet, 1, 8)
    fleet.tick(8.01)
    assert fleet.state(1) == "MANUAL_REPORTING"
    fleet.tick(14)
    assert fleet.state(1) == "MANUAL_REPORTING"
    fleet.tick(14 + MINUTE)
    assert fleet.stages(1) == [("LOST", 6), ("MANUAL_REPORTING", 8), ("OVERDUE_REPORT", 14)]
    assert fleet.case(1)["ended_at"] is None
    assert [line["state"] for line in fleet.lines()] == ["unacknowledged"]
    # A frame told by hand that comes by the feed counts as well, and neither is a fix of its device.
    fleet.hear(15, 1, by_hand=True)
    fleet.tick(15.01)
    assert fleet.stages(1)[3:] == [("MANUAL_REPORTING", 15)]


def test_a_report_by_hand_that_comes_by_the_feed_stands_in_the_case_once(fleet) -> None:
    fleet.register([1, 2])
    fleet.hear(0, 1, 2)
    fleet.tick(6)
    reported(fleet, 1, 8)
    fleet.tick(8.01)
    version = fleet.case(1)["version"]
    for hour in (9, 11):
        fleet.hear(hour, 1, place=(108.1, 16.8), by_hand=True)
        fleet.tick(hour + 0.01)
    told = fleet.ask("SELECT at, actor_kind, data FROM boat_case_entry WHERE kind = 'position' ORDER BY at")
    assert [(line["at"], line["actor_kind"]) for line in told] == [
        (hours(8), "declared"), (hours(9), "system"), (hours(11), "system")]  # fmt: skip
    assert told[2]["data"] == {"lon": 108.1, "lat": 16.8}
    case = fleet.case(1)
    assert (case["reported_at"], case["stage"], case["version"]) == (hours(11), "MANUAL_REPORTING", version + 2)
    assert fleet.case(2)["reported_at"] is None
    fleet.tick(12)
    fleet.hear(13, 1, by_hand=True)  # both in one look: the report belongs to the case, the fix ends it
    fleet.hear(13.5, 1)
    fleet.tick(13.6)
    case = fleet.case(1)
    assert (case["stage"], case["reported_at"]) == ("RESTORED", hours(13))
    assert fleet.one("SELECT count(*) FROM boat_case_entry WHERE kind = 'position'") == 4


def test_fact_04_the_days_to_port_count_from_the_last_fix_whatever_is_reported(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    fleet.tick(6)
    for hour in range(10, 240, 5):
        reported(fleet, 1, hour)
        fleet.tick(hour + 0.1)
    assert fleet.tick(239.9) == 0
    assert fleet.state(1) == "MANUAL_REPORTING"
    fleet.tick(240)
    assert fleet.stages(1) == [("LOST", 6), ("MANUAL_REPORTING", 10), ("OVERDUE_10D", 240)]


def test_fact_05_only_a_fix_of_the_current_device_ends_a_loss(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    fleet.tick(6)
    # The second device's fix stands aside: in the history with its mark, and nowhere else.
    told(fleet.database.ingest, "INSERT INTO vms_history (registration, geom, observed_at, received_at, source, "
         "device, anomaly) VALUES (:name, ST_SetSRID(ST_MakePoint(108, 17), 4326), :at, :at, 'vms.test', 'other', "
         ":aside)", name=fleet.name(1), at=hours(7), aside=OTHER_DEVICE)  # fmt: skip
    told(fleet.database.ingest, "UPDATE vms SET observed_at = :at WHERE registration = :name", at=hours(7.5),
         name=fleet.name(1))  # fmt: skip
    fleet.tick(8)
    assert fleet.state(1) == "LOST"
    fleet.hear(9, 1)
    assert fleet.tick(9.02) == 1
    assert fleet.stages(1) == [("LOST", 6), ("RESTORED", 9)]
    case = fleet.case(1)
    assert (case["ended_at"], case["closed_at"], case["facts"]["minutes"]) == (hours(9), None, 540)
    assert case["facts"]["proposed"] == "restored"
    assert fleet.one("SELECT cleared_at FROM alarm") == hours(9)


def test_fact_07_in_port_silence_is_no_loss_in_at_3_km_and_out_at_4_km(fleet) -> None:
    fleet.register([1, 2, 3, 4])
    fleet.hear(0, 1, 2, place=THUAN_AN)
    fleet.hear(0, 3, 4, place=NEAR_THUAN_AN)  # between the two, from outside
    fleet.tick(0.1)
    fleet.hear(1, 1, place=NEAR_THUAN_AN)  # and from inside
    fleet.hear(1, 2)
    told(fleet.database.owner, "UPDATE boat SET laid_up_at = now(), version = 2 WHERE registration = :name",
         name=fleet.name(4))  # fmt: skip
    fleet.tick(1.1)
    fleet.tick(20)
    assert {boat: fleet.state(boat) for boat in (1, 2, 3, 4)} == {
        1: "AT_PORT", 2: "LOST", 3: "LOST", 4: "NOT_REQUIRED"}  # fmt: skip
    assert opened(fleet) == [fleet.name(2), fleet.name(3)]


def test_a_boat_that_is_told_to_be_in_port_is_there_and_lost_again_when_it_leaves_silently(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    fleet.tick(6)
    reported(fleet, 1, 20, THUAN_AN)
    assert fleet.tick(20.01) == 1
    assert (fleet.state(1), fleet.case(1)["ended_at"]) == ("AT_PORT", hours(20))
    assert fleet.tick(60) == 0
    reported(fleet, 1, 70)
    assert fleet.tick(70.01) == 1
    assert fleet.stages(1) == [("LOST", 6), ("AT_PORT", 20), ("MANUAL_REPORTING", 70)]
    assert fleet.case(1)["ended_at"] is None
    fleet.hear(75, 1, place=THUAN_AN)
    fleet.tick(75.01)
    assert fleet.stages(1)[3:] == [("RESTORED", 75)]
    assert [row["cleared_at"] for row in fleet.ask("SELECT cleared_at FROM alarm ORDER BY id")] == [
        hours(20),
        hours(75),
    ]


def test_fact_14_a_case_is_the_nations_from_24_m_on(fleet) -> None:
    fleet.register([1], 24)
    fleet.register([2], 23.9)
    fleet.hear(0, 1, 2)
    fleet.tick(7)
    levels = fleet.ask("SELECT registration, owner_level FROM boat_case ORDER BY registration")
    assert [row["owner_level"] for row in levels] == ["national", "provincial"]


def test_a_restart_misses_neither_a_loss_nor_its_end(fleet) -> None:
    fleet.register([1, 2])
    fleet.hear(0, 1, 2)
    fleet.tick(0.1)
    fleet.hear(7, 1)  # lost from 6 to 7 while nobody looked
    fleet.hear(9, 1)
    fleet.restarted()
    fleet.tick(9.5)
    assert fleet.stages(1) == [("LOST", 6), ("RESTORED", 7)]
    assert fleet.stages(2) == [("LOST", 6)]
    rows = fleet.ask("SELECT raised_at, cleared_at FROM alarm ORDER BY object_key")
    assert rows == [{"raised_at": hours(6), "cleared_at": hours(7)}, {"raised_at": hours(6), "cleared_at": None}]


def test_a_fix_that_was_only_late_takes_the_alarm_back(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    fleet.tick(6)
    fleet.hear(5.9, 1)
    fleet.tick(6.2)
    assert fleet.state(1) == "OK"
    assert fleet.stages(1) == [("LOST", 6), ("RESTORED", 5.9)]
    assert fleet.ask("SELECT cleared_at, withdrawn_at FROM alarm") == [{"cleared_at": None, "withdrawn_at": hours(6.2)}]
    assert fleet.tick(11.8) == 0
    assert fleet.tick(11.95) == 1
    assert fleet.stages(1)[2:] == [("LOST", 11.9)]


def test_a_worker_that_hears_the_boat_this_moment_is_waited_for(fleet) -> None:
    fleet.register([1, 2])
    fleet.hear(0, 1, 2)
    fleet.tick(1)
    with fleet.ingest.connect() as writing, writing.begin():
        writing.execute(sa.text(f"SELECT 1 FROM vms WHERE registration = '{fleet.name(1)}' FOR NO KEY UPDATE"))
        assert fleet.tick(6.1) == 1
    assert opened(fleet) == [fleet.name(2)]
    assert fleet.tick(6.2) == 1
    assert fleet.stages(1) == [("LOST", 6)]


def test_a_case_that_a_person_concluded_is_not_opened_again_and_its_alarm_ends(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    fleet.tick(6)
    with fleet.web.begin() as connection:
        number = fleet.case(1)["id"]
        log_contact(connection, number, Deed(LAN, hours(7)), "chủ tàu", "0905000111", "máy hỏng, đang quay về")
        close_case(connection, number, Deed(LAN, hours(7)), "device", "device_fault", None)
    assert fleet.tick(7.01) == 1
    assert fleet.one("SELECT cleared_at FROM alarm") == hours(7.01)
    for hour in (8, 24, 300):
        assert fleet.tick(hour) == 0
    assert len(opened(fleet)) == 1
    fleet.hear(301, 1)
    fleet.tick(301.1)
    fleet.tick(310)
    assert [row["since"] for row in fleet.ask("SELECT since FROM boat_case ORDER BY id")] == [T0, hours(301)]


def test_the_rule_chooses_of_whom_alarms_are_raised_and_the_law_whose_cases_are_opened(fleet) -> None:
    told(fleet.database.owner, "UPDATE rule SET applies_to = '{\"length_m\": [24, null]}', severity = 'critical' "
         "WHERE key = 'vms_loss'")  # fmt: skip
    fleet.register([1], 24)
    fleet.register([2], 16)
    fleet.hear(0, 1, 2)
    fleet.tick(6)
    assert [(line["object_key"], line["severity"]) for line in fleet.lines()] == [(fleet.name(1), "critical")]
    assert opened(fleet) == [fleet.name(1), fleet.name(2)]
    with fleet.ingest.begin() as connection:
        withdraw_alarm(connection, fleet.case(1)["alarm_id"], LAN, "thử", hours(6.1))
    assert fleet.tick(7) == 0


def test_the_hours_are_those_of_the_dated_figures(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    fleet.tick(4.9)
    told(fleet.database.owner, "UPDATE figure SET value = 5 WHERE key = 'lost_after' AND effective_to IS NULL")
    fleet.tick(5.5)
    assert fleet.stages(1) == [("LOST", 5)]


def test_fact_12_a_loss_that_nobody_resolves_goes_on_to_the_next_level_after_24_hours(fleet) -> None:
    fleet.register([1, 2])
    fleet.hear(0, 1, 2)
    fleet.tick(6)
    told(fleet.database.owner, "UPDATE alarm SET acknowledged_at = :at, acknowledged_by = 'Lan'", at=hours(6.1))
    fleet.hear(8, 2)
    fleet.tick(8.1)
    fleet.tick(29.9)
    assert fleet.one("SELECT count(*) FROM boat_case_entry WHERE kind = 'escalation'") == 0
    fleet.tick(30)
    (line,) = fleet.ask("SELECT case_id, at, actor_kind, data FROM boat_case_entry WHERE kind = 'escalation'")
    assert line == {"case_id": fleet.case(1)["id"], "at": hours(30), "actor_kind": "system", "data": {"alarm": True}}
    assert fleet.case(1)["escalated_at"] == hours(30)
    assert fleet.one("SELECT escalations FROM alarm WHERE object_key = :name", name=fleet.name(1)) == 1
    fleet.tick(31)
    assert fleet.one("SELECT count(*) FROM boat_case_entry WHERE kind = 'escalation'") == 1


def test_whenever_the_clock_looks_the_logs_of_the_cases_are_the_same(fleet) -> None:
    """Four fleets of the same histories, looked at at other moments each: some miss whole losses."""
    chance = random.Random(5)
    histories = []
    for _ in range(12):
        at, one = 0.0, [(0.0, SEA)]
        while at < 60:
            at += chance.choice([2, 3, 3, 5, 7, 9, 14, 26])
            one.append((at, chance.choice([SEA, SEA, SEA, NEAR_THUAN_AN, THUAN_AN])))
        histories.append(one)
    looks = [[0.5 * n for n in range(140)], sorted(chance.uniform(0, 70) for _ in range(25)), [33.0], []]
    for number in range(len(looks)):
        fleet.register(range(100 * number, 100 * number + 12))
    waiting = sorted(
        (at, 100 * number + boat, place)
        for number in range(4) for boat, one in enumerate(histories) for at, place in one
    )  # fmt: skip
    # Fixes come as they are sent; the clock looks at one fleet at a time, so that each has its own moments.
    events = [(at, 0, boat, place) for at, boat, place in waiting]
    events += [(at, 1, number, SEA) for number, moments in enumerate(looks) for at in [0.25, *moments, 70.0]]
    everything = range(400)
    for at, kind, which, place in sorted(events):
        if kind == 0:
            fleet.hear(at, which, place=place)
            continue
        others = [fleet.name(boat) for boat in everything if boat // 100 != which]
        told(fleet.database.owner, "UPDATE vms SET auto_at = NULL WHERE registration = ANY(:names)", names=others)
        fleet.tick(at)
        told(fleet.database.owner, "UPDATE vms SET auto_at = (SELECT max(observed_at) FROM vms_history h WHERE "
             "h.registration = vms.registration) WHERE auto_at IS NULL")  # fmt: skip
    for boat in range(12):
        logs = [fleet.stages(100 * number + boat) for number in range(4)]
        assert logs[0] == logs[1] == logs[2] == logs[3], histories[boat]
    assert sum(len(fleet.stages(boat)) for boat in range(12)) > 20


@pytest.mark.alone
def test_a_tick_over_5000_boats_writes_nothing_and_is_cheap(fleet) -> None:
    count = 5000
    fleet.register(range(count // 2), 26, "viettel")
    fleet.register(range(count // 2, count))
    fleet.hear(0, *range(count))
    fleet.tick(0.1)
    before = fleet.one("SELECT max(xmin::text::bigint) FROM boat_signal")
    spent = []
    for tick in range(5):
        began = perf_counter()
        fleet.tick(0.2 + tick / 3600)
        spent.append(perf_counter() - began)
    assert fleet.one("SELECT max(xmin::text::bigint) FROM boat_signal") == before
    assert sorted(spent)[2] < 0.5, spent
    fleet.hear(0.5, 1, 2, 3)
    fleet.tick(0.51)
    assert fleet.one("SELECT count(*) FROM boat_signal WHERE auto_at = :at", at=hours(0.5)) == 3


def test_what_is_due_is_found_by_time_alone(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    fleet.tick(0.1)
    due = fleet.one("SELECT due_at FROM boat_signal")
    assert due - T0 == timedelta(hours=3.5)


def test_who_has_just_been_started_misses_nobody(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    fleet.clock._began = None
    fleet.tick(7)
    assert fleet.ask("SELECT * FROM boat_signal") == []
    fleet.tick(7 + 1 / 60)
    assert fleet.ask("SELECT * FROM boat_signal") == []
    fleet.tick(7 + 2 / 60)
    assert fleet.state(1) == "LOST"


def test_a_device_whose_clock_is_ahead_ends_no_loss_and_stops_nobodys_watch(fleet) -> None:
    fleet.register([1, 2])
    fleet.hear(0, 2)
    values = "VALUES (:name, ST_SetSRID(ST_MakePoint(108.3, 16.9), 4326), {at}, :heard, 'vms.test', 'D1', false"
    columns = "(registration, geom, observed_at, received_at, source, device, manual"
    given = {"name": fleet.name(1), "at": hours(30), "heard": hours(1)}
    told(fleet.database.owner, f"INSERT INTO vms_history {columns}) {values.format(at=':at')})", **given)
    del given["at"]
    told(fleet.database.owner, f"INSERT INTO vms {columns}, auto_at) {values.format(at=':heard')}, :heard)", **given)
    fleet.tick(2)
    assert [fleet.state(boat) for boat in (1, 2)] == ["OK", "OK"]
    fleet.tick(6.5)
    assert [fleet.state(boat) for boat in (1, 2)] == ["LATE", "LOST"]
    fleet.tick(31)
    assert fleet.state(1) == "LOST"
    assert fleet.stages(1) == [("LOST", 7)]


def test_a_boat_that_cannot_be_judged_costs_nobody_else_his_watch(fleet) -> None:
    fleet.register([1, 2])
    fleet.hear(0, 1, 2)
    told(fleet.database.owner, "UPDATE vms SET auto_at = '2015-01-01' WHERE registration = :name", name=fleet.name(1))
    fleet.tick(6.5)
    assert fleet.state(2) == "LOST"
    assert fleet.ask("SELECT * FROM boat_signal WHERE registration = :name", name=fleet.name(1)) == []


def test_a_loss_that_goes_on_after_a_port_is_escalated_anew(fleet) -> None:
    fleet.register([1])
    fleet.hear(0, 1)
    fleet.tick(7)
    fleet.tick(31)
    assert fleet.case(1)["escalated_at"] is not None
    fleet.hear(40, 1, place=THUAN_AN, by_hand=True)
    fleet.tick(40.1)
    assert fleet.case(1)["stage"] == "AT_PORT"
    fleet.hear(70, 1, by_hand=True)
    fleet.tick(70.1)
    case = fleet.case(1)
    assert (case["ended_at"], case["escalated_at"]) == (None, None)
    fleet.tick(70 + 24.1)
    assert fleet.case(1)["escalated_at"] is not None
