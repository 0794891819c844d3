"""Counting the fleet: who must be seen and who is, losses in the authority's buckets, and when a case went on."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from demo.register import put_register
from geo.actor import Actor
from geo.figure import Figures, seeds
from geo.fleet_count import (
    NOT_KEPT,
    Case,
    Member,
    Picture,
    Span,
    Step,
    count,
    picture_now,
    picture_then,
    spans,
    total,
)
from geo.fleet_roll import members_at, members_now
from layers import discover, seed
from tests.connections import connected
from tests.fleet import fleet_of, hours

FIGURES = Figures(seeds())
NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)
BOAT = Member("TTH-90001-TS", 16.0, "catching")


def ago(number: float) -> datetime:
    return NOW - timedelta(hours=number)


def case(*steps: tuple[float, str], closed: float | None = None, **more: Any) -> Case:
    """Stages at so many hours before NOW, in the order in which they were written."""
    told = tuple(Step(ago(at), stage) for at, stage in steps)
    given = {"kind": "loss", "boat": BOAT, "since": told[0].at - timedelta(hours=6), "stage": told[-1].stage,
             "ended_at": None, "closed_at": None if closed is None else ago(closed), "steps": told, **more}  # fmt: skip
    return Case(**given)


def test_fact_07_437_boats_are_fitted_three_are_laid_up_and_434_must_be_and_are_seen(database) -> None:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
        put_register(connection, 7, NOW, Actor("nhập"))
        heard = "INSERT INTO boat_signal (registration, boat_version, auto_at, place_at, state, state_at) SELECT"
        heard += " registration, 1, :at, :at, 'OK', :at FROM boat WHERE length_m >= 15 AND laid_up_at IS NULL"
        connection.execute(sa.text(heard), {"at": ago(1)})
        members = members_now(connection)
        (then,) = members_at(connection, [NOW + timedelta(seconds=1)])
    assert {name: one.laid_up_at for name, one in then.items()} == {n: one.laid_up_at for n, one in members.items()}
    sums = total(picture_now(members, (), FIGURES, NOW))
    assert {name: sums[name] for name in ("registered", "monitored", "laid_up", "required", "visible", "late")} == {
        "registered": 693, "monitored": 437, "laid_up": 3, "required": 434, "visible": 434, "late": 0,
    }  # fmt: skip
    past = picture_then(then, (), set(then) - {next(iter(then))}, FIGURES, NOW)
    assert total(past)["required"] == 434
    rows = {row["key"]: row for row in _by(picture_now(members, (), FIGURES, NOW), "length")}
    assert list(rows) == [">=24", "15-<24", "12-<15", "6-<12", "<6"]
    assert [row["registered"] for row in rows.values()][2:] == [80, 176, 0]
    assert rows[">=24"]["monitored"] + rows["15-<24"]["monitored"] == 437
    assert [rows[key]["monitored"] for key in ("12-<15", "6-<12", "<6")] == [0, 0, 0]
    for by in ("length", "commune", "provider"):
        found = _by(picture_now(members, (), FIGURES, NOW), by)
        assert {name: sum(row[name] for row in found) for name in sums} == sums, by


def _by(picture: Picture, by: Any) -> list[dict[str, Any]]:
    return count(picture.members, picture.marks, by, FIGURES, NOW, picture.unknown)


@pytest.mark.parametrize(
    ("silent", "port", "columns"),
    [
        (2.0, None, {"visible"}),
        (3.6, None, {"visible", "late"}),  # three hours and the grace of thirty minutes
        (5.99, None, {"visible", "late"}),
        (6.0, None, {"lost_6h_10d"}),
        (239.9, None, {"lost_6h_10d"}),
        (240.0, None, {"lost_10d"}),
        (5.99, "thuan_an", {"visible"}),
        (30.0, "thuan_an", {"port_silent"}),
        (None, None, {"unheard"}),
    ],
)
def test_fact_04_each_boat_that_must_be_seen_is_in_one_column_late_ones_among_the_visible(
    silent, port, columns
) -> None:
    boat = Member("TTH-90001-TS", 15.0, "catching", auto_at=None if silent is None else ago(silent), port=port)
    row = total(picture_now({boat.registration: boat}, (), FIGURES, NOW))
    names = ("visible", "late", "lost_6h_10d", "lost_10d", "port_silent", "unheard")
    assert {name for name in names if row[name]} == columns
    assert row["required"] == sum(row[name] for name in names if name != "late") == 1


@pytest.mark.parametrize(("length", "laid_up", "required"), [(14.9, None, 0), (15.0, None, 1), (15.0, ago(1), 0)])
def test_fact_01_only_boats_of_15_m_that_are_in_use_must_be_seen(length, laid_up, required) -> None:
    boat = Member("TTH-90001-TS", length, "catching", laid_up_at=laid_up, auto_at=ago(7))
    row = total(picture_now({boat.registration: boat}, (), FIGURES, NOW))
    assert (row["registered"], row["required"], row["lost_6h_10d"]) == (1, required, required)


def test_the_clocks_own_states_and_cases_agree_with_the_figures(database) -> None:
    with fleet_of(database) as fleet:
        fleet.register([1, 2, 3, 4])
        fleet.register([5], length_m=14.9)
        fleet.hear(0, 1, 2)
        fleet.tick(7)
        fleet.hear(7, 3, 4, 5)
        fleet.tick(11)
        fleet.hear(240, 4)
        fleet.tick(241)
        with fleet.web.connect() as connection:
            row = total(picture_now(members_now(connection), (), FIGURES, hours(241)))
        assert Counter(fleet.state(boat) for boat in (1, 2, 3, 4)) == {"OVERDUE_10D": 2, "LOST": 1, "OK": 1}
        assert (row["lost_10d"], row["lost_6h_10d"], row["visible"], row["unheard"]) == (2, 1, 1, 0)


def test_a_case_goes_on_from_its_first_stage_to_its_end_and_again_when_the_boat_left_port() -> None:
    told = case((40, "LOST"), (30, "MANUAL_REPORTING"), (20, "AT_PORT"), (10, "LOST"))
    assert spans(told) == (Span(ago(40), ago(20)), Span(ago(10), None))
    assert spans(case((40, "LOST"), closed=15)) == (Span(ago(40), ago(15)),)
    assert spans(case((40, "LOST"), (20, "RESTORED"), closed=15)) == (Span(ago(40), ago(20)),)


def test_what_came_late_voids_the_stages_after_it_and_refutes_a_loss_that_was_none() -> None:
    assert spans(case((240, "LOST"), (6, "OVERDUE_10D"), (100, "RESTORED"))) == (Span(ago(240), ago(100)),)
    assert spans(case((40, "LOST"), (42, "RESTORED"))) == ()
    zone = case((40, "ASTRAY"), (20, "NOT_REQUIRED"), kind="zone")
    assert spans(zone) == (Span(ago(40), ago(20)),)
    steps = (*zone.steps[:1], Step(ago(20), "NOT_REQUIRED", withdrawn=True))
    assert spans(case((40, "ASTRAY"), kind="zone", steps=steps)) == ()


@pytest.mark.parametrize(("minutes", "quickly"), [(120, 1), (121, 0)])
def test_fact_12_a_crossing_counts_as_returned_quickly_on_the_day_on_which_it_began(minutes, quickly) -> None:
    begun = datetime(2026, 11, 26, 16, 30, tzinfo=UTC)  # half an hour before midnight
    back = begun + timedelta(minutes=minutes)
    told = Case("crossing", BOAT, begun, "RETURNED", back, None, (Step(begun, "OPEN"), Step(back, "RETURNED")))
    rows = [total(picture_then({}, [told], None, FIGURES, begun + timedelta(days=day))) for day in (0, 1)]
    assert [(row["crossing"], row["returned_quickly"]) for row in rows] == [(1, quickly), (0, 0)]
    assert rows[0]["opened"] == rows[0]["ended"] == 0  # losses alone


def test_of_a_past_day_what_nobody_wrote_down_is_unknown_and_not_none() -> None:
    row = total(picture_then({BOAT.registration: BOAT}, (), None, FIGURES, ago(48)))
    assert {name for name, value in row.items() if value is None} == {*NOT_KEPT, "visible"}
    empty = total(picture_then({}, (), set(), FIGURES, ago(48)))
    assert [empty[name] for name in ("registered", "required", "visible")] == [None, None, None]
