"""Provider outages: one alarm with its children, clocks that run on, an end, and who is given back to the desk."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.actor import Actor
from geo.alarm import withdraw_alarm
from geo.figure import Figures, seeds
from ingest.outage import find, needed
from tests.connections import told
from tests.fleet import T0, Fleet, fleet_of, hours

LAW = Figures(seeds())


@pytest.fixture
def fleet(database) -> Iterator[Fleet]:
    with fleet_of(database) as made:
        yield made


def spread(fleet: Fleet, boats: range, since: float, over: float) -> None:
    """Last fixes spread over some hours, as boats that report every three hours have them."""
    for number, boat in enumerate(boats):
        fleet.hear(round(since + over * number / len(boats), 3), boat)


def told_of(fleet: Fleet) -> list[tuple[str, str, int]]:
    return [(line["rule"], line["object_key"], line["children"]) for line in fleet.lines()]


def test_fact_06_ten_boats_of_one_provider_within_the_hour_are_one_alarm(fleet) -> None:
    fleet.register(range(50))
    fleet.register(range(100, 150), provider="viettel")
    spread(fleet, range(10), 0, 0.9)
    spread(fleet, range(10, 50), 3, 0.9)
    spread(fleet, range(100, 109), 0, 0.9)  # one too few
    spread(fleet, range(109, 150), 3, 0.9)
    fleet.tick(3.9)
    fleet.hear(3.95, *range(10, 50), *range(109, 150))
    fleet.tick(4.2)
    assert told_of(fleet) == []
    fleet.tick(4.4)  # the tenth is late at 0.81 + 3.5 h; nobody is lost yet
    (line,) = fleet.lines()
    assert (line["rule"], line["object_key"], line["object_label"], line["value"]) == ("vms_outage", "vnpt", "VNPT", 10)
    assert line["observed_at"] == hours(3.5)
    assert abs(line["raised_at"] - hours(4.31)) < timedelta(seconds=1)
    fleet.hear(6, *range(10, 50), *range(109, 150))
    fleet.tick(7)
    assert told_of(fleet)[0] == ("vms_outage", "vnpt", 10)
    # The other provider's nine are alarms of their own, and wait for nobody.
    assert sorted(key for rule, key, _ in told_of(fleet)[1:] if rule == "vms_loss")[:2] == [
        fleet.name(100),
        fleet.name(101),
    ]
    cases = fleet.ask("SELECT provider, outage_id, stage, escalate_due_at - stage_at AS due FROM boat_case")
    assert sorted((row["provider"], row["outage_id"] is not None) for row in cases) == [
        *[("viettel", False)] * 9, *[("vnpt", True)] * 10]  # fmt: skip
    assert {row["due"] for row in cases} == {timedelta(hours=24)}


def test_fact_06_800_boats_of_one_provider_silent_at_once_are_one_line_on_the_desk(fleet) -> None:
    fleet.register(range(800))
    fleet.hear(0, *range(800))
    fleet.tick(0.1)
    for tick in range(12):
        fleet.tick(6 + tick / 3600)
    assert told_of(fleet) == [("vms_outage", "vnpt", 800)]
    assert fleet.one("SELECT count(*) FROM boat_case WHERE outage_id IS NOT NULL") == 800
    # Their clocks run on: the case of each is escalated, and its ten days end.
    for tick in range(6):
        fleet.tick(30 + tick / 3600)
    assert fleet.one("SELECT count(*) FROM boat_case WHERE escalated_at IS NOT NULL") == 800
    fleet.tick(240)
    assert fleet.one("SELECT count(*) FROM boat_case WHERE stage = 'OVERDUE_10D'") == 800
    assert told_of(fleet) == [("vms_outage", "vnpt", 800)]


def test_fact_06_recovery_ends_the_outage_and_gives_back_who_stays_silent(fleet) -> None:
    fleet.register(range(12))
    spread(fleet, range(12), 0, 0.5)
    for at in (1, 4.2, 6, 6.6, 7):
        fleet.tick(at)
    assert told_of(fleet) == [("vms_outage", "vnpt", 12)]
    fleet.hear(8, 0, 1, 2, 3, 4)
    fleet.tick(8.01)
    assert [line["cleared_at"] for line in fleet.lines()] == [None]  # fewer than half
    fleet.hear(8.5, 5)
    fleet.tick(8.51)
    (line,) = fleet.lines()
    assert (line["rule"], line["cleared_at"], line["children"]) == ("vms_outage", hours(8.5), 6)
    fleet.hear(9, 6, 7, 8, 9)
    for at in (9.1, 12, 12.4):
        fleet.tick(at)
        fleet.hear(at, *range(10))
    assert [key for rule, key, _ in told_of(fleet) if rule == "vms_loss"] == []
    fleet.tick(12.51)  # four hours after its end
    assert sorted(key for rule, key, _ in told_of(fleet) if rule == "vms_loss") == [fleet.name(10), fleet.name(11)]
    ended = fleet.ask("SELECT facts->>'proposed' AS proposed FROM boat_case WHERE ended_at IS NOT NULL")
    assert [row["proposed"] for row in ended] == ["provider_outage"] * 10
    # What was told of is not told of again, and the next outage is another one.
    assert [row["registration"] for row in fleet.ask("SELECT registration FROM boat_signal WHERE outage_id > 0")] == []
    fleet.tick(12.6)
    assert fleet.one("SELECT count(*) FROM alarm a JOIN rule r ON r.id = rule_id WHERE r.kind = 'outage'") == 1
    fleet.tick(16.2)
    assert fleet.one("SELECT count(*) FROM alarm a JOIN rule r ON r.id = rule_id WHERE r.kind = 'outage'") == 2


def test_alarms_that_stood_before_the_outage_was_seen_follow_it(fleet) -> None:
    told(fleet.database.owner, "UPDATE rule SET enabled = false WHERE key = 'vms_outage'")
    fleet.register(range(12))
    spread(fleet, range(12), 0, 0.5)
    fleet.tick(1)
    fleet.tick(7)
    assert {line["rule"] for line in fleet.lines()} == {"vms_loss"}
    told(fleet.database.owner, "UPDATE rule SET enabled = true WHERE key = 'vms_outage'")
    fleet.register([20])
    fleet.hear(7, 20)
    fleet.tick(7.1)
    # It comes in the flood that they made, and they leave the desk.
    assert [line["rule"] for line in fleet.lines()] == ["vms_outage"]
    assert fleet.one("SELECT count(*) FROM alarm WHERE suppressed_at = :at", at=hours(7.1)) == 12
    assert fleet.one("SELECT count(*) FROM boat_case WHERE outage_id IS NOT NULL") == 12


def test_an_outage_that_a_person_took_back_is_not_raised_again(fleet) -> None:
    fleet.register(range(12))
    spread(fleet, range(12), 0, 0.5)
    for at in (1, 4.2, 7):
        fleet.tick(at)
    with fleet.ingest.begin() as connection:
        number = fleet.one("SELECT a.id FROM alarm a JOIN rule r ON r.id = rule_id WHERE r.kind = 'outage'")
        withdraw_alarm(connection, number, Actor("Lan"), "bão, tàu tự tắt máy", hours(7.1))
    fleet.register([20])
    fleet.hear(7, 20)
    fleet.tick(7.2)
    rules = [line["rule"] for line in fleet.lines()]
    assert "vms_outage" not in rules
    assert fleet.one("SELECT count(*) FROM alarm WHERE suppressed_at IS NOT NULL") == 0
    assert len(fleet.ask("SELECT 1 AS one FROM alarm WHERE withdrawn_at IS NULL AND cleared_at IS NULL")) == 12


def test_a_boat_that_was_lost_before_stays_on_the_desk_by_itself(fleet) -> None:
    fleet.register(range(12))
    fleet.hear(0, 11)
    fleet.tick(0.1)
    spread(fleet, range(11), 5, 0.5)
    fleet.tick(6.1)
    fleet.tick(9.3)
    assert sorted(told_of(fleet)) == [("vms_loss", fleet.name(11), 0), ("vms_outage", "vnpt", 0)]


@pytest.mark.parametrize(("fleet_size", "boats"), [(4, 3), (10, 3), (11, 4), (20, 6), (33, 10), (40, 10), (2000, 10)])
def test_fact_06_ten_boats_or_thirty_percent_make_an_outage(fleet_size: int, boats: int) -> None:
    assert needed(fleet_size, LAW, T0) == boats


@given(st.lists(st.integers(0, 400), max_size=40), st.integers(1, 60))
def test_an_outage_is_found_wherever_the_hour_lies(minutes: list[int], size: int) -> None:
    enough = needed(size, LAW, T0)
    late = [T0 + timedelta(minutes=minute) for minute in minutes]
    within = [
        max(sorted(each for each in late if at <= each)[: enough]) for at in late
        if sum(at <= each <= at + timedelta(minutes=60) for each in late) >= enough
    ]  # fmt: skip
    found = find(late, size, LAW, T0)
    assert (found is None) == (not within)
    assert found is None or found.at == min(within)
