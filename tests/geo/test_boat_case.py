"""Cases of boats: what their log keeps, who may conclude them and when, and what is passed on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from geo.actor import Actor
from geo.boat_case import (
    Opening,
    end_case,
    escalate_after,
    escalate_cases,
    hold,
    open_case,
    step_case,
    within_two_hours,
)
from geo.case_work import (
    Deed,
    Missing,
    NoCase,
    Stale,
    add_note,
    assign_case,
    close_case,
    enter_position,
    escalate_by_hand,
    log_contact,
)
from geo.figure import Figures, seeds
from tests.fleet import T0, Fleet, hours

LAW, LAN, MINH = Figures(seeds()), Actor("Lan"), Actor("Minh")


class Cases(Fleet):
    """A fleet of one boat with a case, opened an hour after T0."""

    def __init__(self, database: Any, stack: ExitStack) -> None:
        super().__init__(database, stack)
        self.register([1])
        self.number = self.opened("crossing")

    def opened(self, kind: Any, at: float = 1) -> int:
        due = hours(at) + escalate_after(LAW, kind, hours(at))
        opening = Opening(kind, self.name(1), "provincial", "OPEN", hours(at), hours(at), due)
        with self.ingest.begin() as connection:
            number = open_case(connection, opening, hours(at))
        assert number is not None
        return number

    def do(self, deed: Callable[..., Any], *given: Any, at: float = 2, version: int | None = None) -> Any:
        with self.web.begin() as connection:
            return deed(connection, self.number, Deed(LAN, hours(at), version), *given)

    def row(self) -> dict[str, Any]:
        return self.ask("SELECT * FROM boat_case WHERE id = :id", id=self.number)[0]

    def log(self) -> list[tuple[str, str]]:
        rows = self.ask("SELECT kind, actor FROM boat_case_entry WHERE case_id = :id ORDER BY id", id=self.number)
        return [(row["kind"], row["actor"]) for row in rows]

    def ended(self, at: float) -> int:
        with self.ingest.begin() as connection:
            return end_case(connection, hold(connection, [self.number])[self.number], "RETURNED", hours(at), hours(at))


@pytest.fixture
def cases(database) -> Iterator[Cases]:
    with ExitStack() as stack:
        yield Cases(database, stack)


def call(cases: Cases, **more: Any) -> int:
    return cases.do(log_contact, "chủ tàu", "0905 000 111", "không nghe máy", **more)


@pytest.mark.parametrize(
    ("called", "cause", "outcome", "lacks"),
    [
        (False, None, None, "thiếu nguyên nhân, kết quả, dòng liên hệ"),
        (False, "power", "restored", "thiếu dòng liên hệ"),
        (True, None, "restored", "thiếu nguyên nhân"),
        (True, "power", "", "thiếu kết quả"),
    ],
)
def test_fact_13_a_case_is_not_closed_without_cause_outcome_and_contact(cases, called, cause, outcome, lacks) -> None:
    if called:
        call(cases)
    with pytest.raises(Missing) as caught:
        cases.do(close_case, cause, outcome, None)
    assert caught.value.vi == lacks
    assert cases.row()["closed_at"] is None


def test_fact_13_neither_does_the_database_close_one_that_nobody_was_called_for(cases) -> None:
    with cases.web.begin() as connection, pytest.raises(sa.exc.IntegrityError, match="no contact in its log"):
        connection.execute(
            sa.text("UPDATE boat_case SET closed_at = now(), closed_by = 'x', cause = 'power', outcome = 'fined'")
        )
    call(cases)
    with cases.web.begin() as connection, pytest.raises(sa.exc.IntegrityError, match="boat_case_closed"):
        connection.execute(sa.text("UPDATE boat_case SET closed_at = now(), closed_by = 'x', cause = 'power'"))


@pytest.mark.parametrize("statement", ["UPDATE boat_case_entry SET text = 'x'", "DELETE FROM boat_case_entry",
                                       "TRUNCATE boat_case_entry"])  # fmt: skip
@pytest.mark.parametrize("role", ["owner", "ingest", "web"])
def test_fact_13_the_log_is_append_only_in_the_database(cases, statement: str, role: str) -> None:
    with (
        getattr(cases, role).begin() as connection,
        pytest.raises(sa.exc.DBAPIError, match=r"append-only|permission denied"),
    ):
        connection.execute(sa.text(statement))


def test_what_is_done_is_a_line_each_with_who_did_it(cases) -> None:
    call(cases)
    cases.do(enter_position, 108.2, 16.9, "qua đài duyên hải")
    cases.do(add_note, "gọi lại lúc 10 giờ")
    cases.do(assign_case, "border_guard", "Thiếu tá Bình")
    cases.do(escalate_by_hand, "tàu sát ranh giới")
    cases.do(close_case, "device", "device_fault", "niêm chì còn nguyên")
    assert cases.log() == [("stage", "hệ thống"), *[(kind, "Lan") for kind in
                           ("contact", "position", "note", "assign", "escalation", "close")]]  # fmt: skip
    row = cases.row()
    assert (row["unit"], row["person"], row["cause"], row["outcome"], row["closed_by"]) == (
        "border_guard", "Thiếu tá Bình", "device", "device_fault", "Lan")  # fmt: skip
    assert (row["reported_at"], row["escalated_at"], row["closed_at"]) == (hours(2), hours(2), hours(2))
    assert cases.one("SELECT ST_X(geom) FROM boat_case") == 108.2
    (contact,) = cases.ask("SELECT data, text FROM boat_case_entry WHERE kind = 'contact'")
    assert contact == {"data": {"who": "chủ tàu", "number": "0905 000 111"}, "text": "không nghe máy"}


def test_who_saw_an_older_version_and_who_comes_after_the_end_is_told(cases) -> None:
    before = cases.row()["version"]
    call(cases, version=before)
    with pytest.raises(Stale, match=f"at version {before + 1}, not {before}"):
        cases.do(add_note, "…", version=before)
    cases.do(escalate_by_hand, None)
    with pytest.raises(Stale, match="escalated already"):
        cases.do(escalate_by_hand, None)
    cases.do(close_case, "unknown", "explained", None)
    with pytest.raises(Stale, match="is closed"):
        call(cases)
    cases.number = 999
    with pytest.raises(NoCase):
        call(cases)


def test_what_makes_no_sense_is_refused_and_changes_nothing(cases) -> None:
    before = cases.row()
    for deed, *given in (
        (log_contact, " ", None, "x"),
        (log_contact, "chủ tàu", None, ""),
        (enter_position, 0.0, 0.0, None),
        (enter_position, 16.9, 108.2, None),
        (enter_position, float("nan"), 16.0, None),
        (add_note, " "),
        (assign_case, "nobody", None),
    ):
        with pytest.raises(ValueError, match=r"."):
            cases.do(deed, *given)
    with pytest.raises(ValueError, match="not happened yet"), cases.web.begin() as connection:
        log_contact(connection, cases.number, Deed(LAN, hours(2), at=hours(3)), "chủ tàu", None, "nghe máy")
    with pytest.raises(ValueError, match="older than the last automatic fix"), cases.web.begin() as connection:
        enter_position(connection, cases.number, Deed(LAN, hours(2), at=hours(0.5)), 108, 16, None)
    call(cases)
    with pytest.raises(ValueError, match="cause is one of power, device"):
        cases.do(close_case, "aliens", "restored", None)
    assert cases.row() == {**before, "version": before["version"] + 1}


@pytest.mark.parametrize(("after", "quick"), [(119, True), (120, True), (121, False)])
def test_fact_12_a_boat_that_returns_has_its_minutes_and_120_count_as_within_two_hours(cases, after, quick) -> None:
    assert cases.ended(1 + after / 60) == after
    row = cases.row()
    assert (row["stage"], row["facts"], row["closed_at"]) == (
        "RETURNED",
        {"minutes": after, "proposed": "returned"},
        None,
    )
    assert within_two_hours(row, LAW) == quick
    (line,) = cases.ask("SELECT data FROM boat_case_entry ORDER BY id DESC LIMIT 1")
    assert line["data"] == {"stage": "RETURNED", "minutes": after}


@pytest.mark.parametrize(("kind", "after"), [("loss", 24), ("crossing", 12), ("zone", 12)])
def test_fact_12_what_is_unresolved_goes_on_to_the_next_level_when_its_time_is_up(cases, kind, after) -> None:
    cases.ended(1.5)
    number = cases.opened(kind, at=2)
    with cases.ingest.begin() as connection:
        assert escalate_cases(connection, hours(2 + after) - timedelta(seconds=1)) == 0
        assert escalate_cases(connection, hours(2 + after)) == 1
        assert escalate_cases(connection, hours(2 + after)) == 0
    assert cases.ask("SELECT case_id, at FROM boat_case_entry WHERE kind = 'escalation'") == [
        {"case_id": number, "at": hours(2 + after)}]  # fmt: skip


def test_of_one_kind_one_case_goes_on_and_those_that_are_over_wait_for_their_conclusion(cases) -> None:
    opening = Opening("crossing", cases.name(1), "national", "OPEN", hours(3), hours(3), None)
    with cases.ingest.begin() as connection:
        assert open_case(connection, opening, hours(3)) is None
    cases.ended(2)
    with cases.ingest.begin() as connection:
        second = open_case(connection, opening, hours(3))
        assert second is not None
        step_case(connection, second, "FOLLOWED", hours(4), hours(4))
    assert cases.ask("SELECT stage, closed_at FROM boat_case ORDER BY id") == [
        {"stage": "RETURNED", "closed_at": None}, {"stage": "FOLLOWED", "closed_at": None}]  # fmt: skip


def test_an_end_that_is_none_is_refused(cases) -> None:
    with cases.ingest.begin() as connection, pytest.raises(ValueError, match="a case ends as RESTORED, AT_PORT"):
        end_case(connection, hold(connection, [cases.number])[cases.number], "LOST", T0, T0)
