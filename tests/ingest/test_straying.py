"""A wrong zone is a case from its alarm to the boat's return (fact 12), and nobody concludes it without a call (13)."""

from collections.abc import Iterator
from typing import Any

import pytest
from shapely.geometry import box

from geo.actor import SYSTEM, Actor
from geo.alarm import clear_alarm, raise_alarm, withdraw_alarm
from geo.boat_case import within_two_hours
from geo.fence import Fence, fences, put_fences
from geo.figure import Figures, seeds
from geo.rule import Rule, put_rules, rules
from tests.fleet import SEA, Fleet, fleet_of, hours

LAW = Figures(seeds())


@pytest.fixture
def fleet(database) -> Iterator[Fleet]:
    with fleet_of(database) as found:
        found.register([1, 2])
        yield found


def strays(fleet: Fleet, boat: int, at: float, name: str | None = None, rule: str = "vms_wrong_zone") -> int:
    """The alarm of a wrong zone, as the worker raises it."""
    name = name or fleet.name(boat)
    subject = {"object_key": name, "object_label": name, "lon": SEA[0], "lat": SEA[1], "observed_at": hours(at),
               "simulated": False, "evidence": {"zone": "inshore", "allowed": ["offshore"]}}  # fmt: skip
    with fleet.ingest.begin() as connection:
        known = next(one for one in rules(connection) if one.key == rule)
        number = raise_alarm(connection, known, None, subject, hours(at), hours(at))
    assert number is not None
    return number


def is_back(fleet: Fleet, boat: int, at: float, rule: str = "vms_wrong_zone") -> None:
    with fleet.ingest.begin() as connection:
        known = next(one for one in rules(connection) if one.key == rule)
        assert clear_alarm(connection, known, fleet.name(boat), hours(at), hours(at)) is not None


def cases(fleet: Fleet) -> list[dict[str, Any]]:
    return fleet.ask("SELECT * FROM boat_case WHERE kind = 'zone' ORDER BY id")


def test_an_alarm_of_a_wrong_zone_is_one_case_of_its_boat(fleet) -> None:
    number = strays(fleet, 1, 1)
    for at in (1.01, 1.1, 2):
        fleet.tick(at)
    (case,) = cases(fleet)
    assert (case["registration"], case["alarm_id"], case["stage"]) == (fleet.name(1), number, "ASTRAY")
    assert (case["owner_level"], case["device"], case["provider"]) == ("provincial", "D1", "vnpt")
    assert case["since"] == hours(1)
    assert case["facts"] == {"zone": "inshore", "allowed": ["offshore"], "fix": [108.3, 16.9]}


@pytest.mark.parametrize(("minutes", "quick"), [(119, True), (120, True), (121, False)])
def test_fact_12_a_boat_that_is_back_has_returned_after_so_many_minutes(fleet, minutes: float, quick: bool) -> None:
    strays(fleet, 1, 1)
    fleet.tick(1.01)
    is_back(fleet, 1, 1 + minutes / 60)
    fleet.tick(4)
    (case,) = cases(fleet)
    assert (case["stage"], case["facts"]["minutes"], case["facts"]["proposed"]) == ("RETURNED", minutes, "returned")
    assert within_two_hours(case, LAW) is quick
    assert case["closed_at"] is None


def test_fact_12_what_is_not_resolved_in_12_hours_goes_to_the_next_level(fleet) -> None:
    number = strays(fleet, 1, 1)
    strays(fleet, 2, 1)
    fleet.tick(1.01)
    is_back(fleet, 2, 2)
    fleet.tick(12.99)
    assert [case["escalated_at"] for case in cases(fleet)] == [None, None]
    fleet.tick(13)
    first, second = cases(fleet)
    assert (first["escalated_at"], second["escalated_at"]) == (hours(13), None)
    assert fleet.one("SELECT escalations >= 1 FROM alarm WHERE id = :id", id=number) is True


def test_one_that_strays_again_is_another_case_and_two_alarms_at_once_are_one(fleet) -> None:
    strays(fleet, 1, 1)
    fleet.tick(1.01)
    is_back(fleet, 1, 2)
    fleet.tick(2.01)
    strays(fleet, 1, 3)
    fleet.tick(3.01)
    assert [case["stage"] for case in cases(fleet)] == ["RETURNED", "ASTRAY"]


def test_an_alarm_that_was_wrong_ends_its_case_and_one_that_was_over_too_early_goes_on(fleet) -> None:
    number, other = strays(fleet, 1, 1), strays(fleet, 2, 1)
    fleet.tick(1.01)
    is_back(fleet, 2, 2)
    with fleet.ingest.begin() as connection:
        withdraw_alarm(connection, number, Actor("Lan"), "nhầm", hours(2))
    fleet.tick(2.01)
    assert [case["stage"] for case in cases(fleet)] == ["NOT_REQUIRED", "RETURNED"]
    with fleet.owner.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alarm SET cleared_at = NULL WHERE id = {other}")
    fleet.tick(2.1)
    assert [(case["stage"], case["ended_at"]) for case in cases(fleet)] == [
        ("NOT_REQUIRED", hours(2)),
        ("ASTRAY", None),
    ]


def test_who_is_not_registered_has_no_case(fleet) -> None:
    strays(fleet, 0, 1, "TTH-99999-TS")
    fleet.tick(1.01)
    assert cases(fleet) == []


def test_two_rules_that_tell_of_one_straying_make_one_case(fleet) -> None:
    with fleet.owner.begin() as connection:
        put_rules(connection, [Rule("own", "wrong_zone", "vms", "Luật riêng", "Own rule", "low")], SYSTEM)
    strays(fleet, 1, 1)
    strays(fleet, 1, 1.5, rule="own")
    fleet.tick(1.6)
    is_back(fleet, 1, 2)
    fleet.tick(2.1)
    is_back(fleet, 1, 2.2, rule="own")
    fleet.tick(2.3)
    assert [case["stage"] for case in cases(fleet)] == ["RETURNED"]


def test_fact_12_who_leaves_the_area_where_boats_may_fish_has_crossed_until_it_is_back(fleet) -> None:
    area = Fence("may_fish", "allowed", "Vùng được phép", "Allowed", box(107, 16, 109, 18), hysteresis_m=500)
    with fleet.owner.begin() as connection:
        put_fences(connection, [area], SYSTEM)
        put_rules(connection, [Rule("crossed", "outside", "vms", "Vượt ranh", "Crossed", "high", "may_fish")], SYSTEM)
    name = fleet.name(1)
    subject = {"object_key": name, "object_label": name, "lon": 109.1, "lat": 17.0, "observed_at": hours(1),
               "simulated": False, "evidence": {}}  # fmt: skip
    with fleet.ingest.begin() as connection:
        known = next(one for one in rules(connection) if one.key == "crossed")
        fence_id = next(one.id for one in fences(connection) if one.key == "may_fish")
        assert raise_alarm(connection, known, fence_id, subject, hours(1), hours(1)) is not None
    strays(fleet, 1, 1)  # a wrong zone beside it is another matter
    fleet.tick(1.01)
    query = "SELECT kind, stage, facts->>'fence' AS fence, escalate_due_at, facts->'minutes' AS minutes FROM boat_case"
    crossed, zone = fleet.ask(f"{query} ORDER BY kind")
    assert (crossed["kind"], crossed["stage"], crossed["fence"]) == ("crossing", "ASTRAY", "may_fish")
    assert crossed["escalate_due_at"] == hours(13)
    assert (zone["kind"], zone["fence"]) == ("zone", None)
    is_back(fleet, 1, 2.5, "crossed")
    fleet.tick(2.6)
    crossed, zone = fleet.ask(f"{query} ORDER BY kind")
    assert (crossed["stage"], crossed["minutes"], zone["stage"]) == ("RETURNED", 90, "ASTRAY")
