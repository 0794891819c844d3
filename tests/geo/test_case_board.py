"""The board of lost signals: in which column each case stands, and that it is read anew only when something changed."""

import pytest

from geo.actor import Actor
from geo.boat_case import end_case, hold
from geo.case_board import board, column_of
from geo.case_work import Deed, add_note
from tests.fleet import Fleet, fleet_of, hours


@pytest.fixture
def fleet(database):
    with fleet_of(database) as made:
        yield made


def read(fleet: Fleet, last=None):
    with fleet.web.connect() as connection:
        return board(connection, fleet.time, last)


def test_each_case_stands_in_the_column_of_its_stage_and_late_boats_in_their_own(fleet) -> None:
    for boat, provider in ((1, "vnpt"), (2, "vishipel"), (3, "binhanh"), (9, "viettel")):
        fleet.register([boat], provider=provider)
    fleet.hear(0, 1, 2, 3)
    fleet.tick(6)
    fleet.hear(4, 9)
    fleet.hear(7, 2, by_hand=True)
    fleet.hear(7.5, 3)
    fleet.tick(8)
    shown = read(fleet)
    columns = {row["registration"]: column_of(row) for row in shown.cases}
    assert columns == {fleet.name(1): "LOST", fleet.name(2): "MANUAL_REPORTING", fleet.name(3): "ENDED"}
    (late,) = shown.late
    assert (late["registration"], late["auto_at"], late["provider_name"]) == (fleet.name(9), hours(4), "Viettel")
    assert (shown.beyond, shown.outages) == (0, [])
    told = next(row for row in shown.cases if row["registration"] == fleet.name(2))
    assert (told["fix_lon"], told["fix_lat"]) == (108.3, 16.9)
    assert told["next_report_due_at"] == hours(13)  # six hours after what came by the feed


def test_the_board_is_read_anew_when_a_case_or_a_late_boat_changed(fleet) -> None:
    fleet.register([1, 2])
    fleet.hear(0, 1)
    fleet.tick(6)
    first = read(fleet)
    assert read(fleet, first) is first
    (row,) = first.cases
    with fleet.web.begin() as connection:
        add_note(connection, row["id"], Deed(Actor("Lan"), hours(6)), "chờ tin")
    second = read(fleet, first)
    assert second.cases[0]["version"] == row["version"] + 1
    fleet.hear(6, 2)
    fleet.tick(10)
    third = read(fleet, second)
    assert [one["registration"] for one in third.late] == [fleet.name(2)]
    with fleet.ingest.begin() as connection:
        held = hold(connection, [row["id"]])[row["id"]]
        end_case(connection, held, "NOT_REQUIRED", hours(10), hours(10))
    assert [column_of(one) for one in read(fleet, third).cases] == ["ENDED"]


def test_an_outage_stands_on_the_board_with_its_boats_labelled(fleet) -> None:
    boats = range(1, 13)
    fleet.register(boats)
    fleet.hear(0, *boats)
    fleet.tick(4)
    (outage,) = read(fleet).outages
    assert (outage["object_label"], outage["evidence"]["boats"]) == ("VNPT", 12)
    assert {one["outage_id"] for one in read(fleet).late} == {outage["id"]}
    fleet.tick(6)
    shown = read(fleet)
    assert {row["outage_id"] for row in shown.cases} == {outage["id"]}
    assert all(row["next_report_due_at"] == hours(12) for row in shown.cases)
    assert not shown.late
