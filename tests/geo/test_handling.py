from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from geo import alarm, desk, handling, journal, shelf
from geo.handling import ESCALATIONS_MOST
from geo.shelf import ANSWER
from tests.connections import connected, told
from tests.geo.alarming import LAN, MINH, NOW, Desk, at, desk_of, made


@pytest.fixture
def board(database) -> Iterator[Desk]:
    rules = [
        made("zone", escalate_s=300, severity="high"),
        made("calm"),
        made("near", "approach", "high", params={"steps_nm": [15, 10, 6, 3]}, escalate_s=300),
        made("line", "crossing", "high", escalate_s=300),
        made("quiet_line", "crossing", "high", escalate_s=300, latching=False),
        made("lost", "silence", "high", params={"silence_s": 21_600}, escalate_s=300),
        made("source", "feed", latching=False),
    ]
    with desk_of(database, *rules) as found:
        yield found


def due(board: Desk, minutes: float) -> int:
    with board.owner.begin() as connection:
        return handling.escalate_due(connection, at(minutes))


def escalations(board: Desk, number: int) -> list[tuple[str, int]]:
    rows = board.ask("SELECT actor, data FROM alarm_journal WHERE alarm_id = :id AND transition = 'escalate' "
                     "ORDER BY id", id=number)  # fmt: skip
    return [(row["actor"], row["data"]["level"]) for row in rows]


# Given to a unit, and spoken of.


def test_an_alarm_is_given_to_a_unit_and_a_person(board) -> None:
    number = board.raised("zone")
    with board.web() as connection:
        assert handling.assign(connection, number, "one", "Ng. V. A.", LAN, "gần nhất", at(1))
        assert not handling.assign(connection, 999_999, "one", None, LAN, None, at(1))
        with pytest.raises(ValueError, match=r"there is no unit 'nobody'; there are: .*one.*two"):
            handling.assign(connection, number, "nobody", None, LAN, None, at(1))
        row = desk.one(connection, number, at(1))
    assert (row["unit"], row["unit_vi"], row["person"], row["assigned_at"]) == (
        "one", "Đơn vị một", "Ng. V. A.", at(1),
    )  # fmt: skip
    (line,) = board.ask("SELECT actor, comment, data FROM alarm_journal WHERE transition = 'assign'")
    assert line == {"actor": "Lan", "comment": "gần nhất", "data": {"unit": "one", "person": "Ng. V. A."}}
    with board.web() as connection:
        handling.assign(connection, number, "two", None, MINH, None, at(2))
    assert board.ask("SELECT unit, person FROM alarm") == [{"unit": "two", "person": None}]


def test_a_withdrawn_alarm_is_given_to_nobody(board) -> None:
    number = board.raised("zone")
    with board.web() as connection:
        alarm.withdraw_alarm(connection, number, LAN, "vị trí sai", at(1))
        assert not handling.assign(connection, number, "one", None, LAN, None, at(2))
        assert not handling.escalate(connection, number, LAN, None, at(2))
    assert board.journal() == ["raise", "withdraw"]


def test_a_comment_is_a_line_of_the_journal_and_changes_nothing(board) -> None:
    number = board.raised("zone")
    before = board.ask("SELECT * FROM alarm")
    with board.web() as connection:
        assert handling.remark(connection, number, LAN, "gọi lần hai không nghe máy", at(1))
        assert not handling.remark(connection, 999_999, LAN, "ai đó", at(1))
        with pytest.raises(ValueError, match="says something"):
            handling.remark(connection, number, LAN, " \n", at(1))
        lines = journal.lines_of(connection, number)
    assert [(line["transition"], line["comment"]) for line in lines] == [
        ("raise", None), ("comment", "gọi lần hai không nghe máy"),
    ]  # fmt: skip
    assert board.ask("SELECT * FROM alarm") == before


def test_units_are_added_once_and_read_in_their_order(board) -> None:
    with board.owner.begin() as connection:
        assert handling.put_units(connection, [("one", "Khác", "Other"), ("sar", "Tìm kiếm", "Rescue")]) == 1
        found = [row["key"] for row in handling.units(connection) if row["key"] in ("one", "two", "sar")]
        names = {row["key"]: row["name_vi"] for row in handling.units(connection)}
    assert found == ["one", "sar", "two"]
    assert (names["one"], names["sar"]) == ("Đơn vị một", "Tìm kiếm")


# Escalation: by the clock and by hand.


def test_what_nobody_answers_is_passed_on_three_times_at_most(board) -> None:
    number = board.raised("zone")
    assert due(board, 4.9) == 0
    assert [due(board, minutes) for minutes in (5, 5.1, 10, 15, 20, 60)] == [1, 0, 1, 1, 0, 0]
    assert escalations(board, number) == [("hệ thống", 1), ("hệ thống", 2), ("hệ thống", 3)]
    assert ESCALATIONS_MOST == 3
    assert board.ask("SELECT escalations, escalated_at, escalate_due_at FROM alarm") == [
        {"escalations": 3, "escalated_at": at(15), "escalate_due_at": None}
    ]


def test_a_clock_that_stood_still_misses_nothing_that_fell_due(board) -> None:
    numbers = [board.raised("zone", boat, boat) for boat in range(4)]
    answered = board.raised("zone", 9)
    board.acknowledged(answered, 1)
    assert due(board, 600) == 4
    assert [escalations(board, number) for number in numbers] == [[("hệ thống", 1)]] * 4
    assert due(board, 604) == 0  # the next level waits as long again, and not for nothing
    assert due(board, 605) == 4
    assert escalations(board, answered) == []


def test_what_is_answered_over_shelved_suppressed_or_withdrawn_is_not_passed_on(board) -> None:
    answered, over, aside, child, wrong, quiet = (board.raised("zone", boat) for boat in range(6))
    board.acknowledged(answered)
    board.cleared("zone", 1)
    parent = board.raised("source", 0)
    with board.owner.begin() as connection:
        shelf.shelve(connection, aside, "1h", LAN, "neo", NOW)
        alarm.suppress(connection, [child], parent, NOW)
        alarm.withdraw_alarm(connection, wrong, LAN, "sai", NOW)
    assert due(board, 30) == 1
    assert escalations(board, quiet) == [("hệ thống", 1)]
    assert board.raised("calm", 1)
    assert due(board, 30.1) == 0
    assert escalations(board, over) == []


def test_an_event_is_over_at_once_and_is_passed_on_all_the_same(board) -> None:
    number, quiet = board.raised("line", 1), board.raised("quiet_line", 2)
    assert board.state(number) == "returned"
    assert due(board, 5) == 1
    assert escalations(board, number) == [("hệ thống", 1)]
    assert escalations(board, quiet) == []
    board.acknowledged(number, 6)
    assert due(board, 60) == 0


def test_a_person_passes_it_on_and_the_clock_waits_again(board) -> None:
    number = board.raised("zone")
    with board.web() as connection:
        assert handling.escalate(connection, number, LAN, "tàu không dừng", at(4.9))
        assert not handling.escalate(connection, 999_999, LAN, None, at(4.9))
    assert due(board, 5.1) == 0
    assert due(board, 9.9) == 1
    with board.web() as connection:
        assert handling.escalate(connection, number, LAN, None, at(10))
        assert not handling.escalate(connection, number, LAN, None, at(11))
    assert escalations(board, number) == [("Lan", 1), ("hệ thống", 2), ("Lan", 3)]
    assert due(board, 600) == 0
    assert board.ask("SELECT escalations FROM alarm") == [{"escalations": 3}]


def test_what_was_answered_may_be_passed_on_by_hand_and_then_waits_for_no_clock(board) -> None:
    number = board.raised("zone")
    board.acknowledged(number, 1)
    with board.web() as connection:
        assert handling.escalate(connection, number, LAN, None, at(2))
    assert due(board, 600) == 0
    board.cleared("zone", minutes=3)
    with board.web() as connection:
        assert not handling.escalate(connection, number, LAN, None, at(4))


def test_of_two_clocks_and_a_person_each_level_is_reached_once(board) -> None:
    numbers = [board.raised("zone", boat) for boat in range(20)]
    barrier = Barrier(6)

    def together(thread: int) -> None:
        with connected(board.database.ingest if thread % 2 else board.database.web) as engine:
            barrier.wait()
            for number in numbers:
                with engine.begin() as connection:
                    if thread % 2:
                        handling.escalate_due(connection, at(5))
                    else:
                        handling.escalate(connection, number, LAN, None, at(5))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(together, range(6)))
    for number in numbers:
        levels = [level for _, level in escalations(board, number)]
        assert levels == list(range(1, len(levels) + 1))
        assert 1 <= len(levels) <= ESCALATIONS_MOST


# Suppression by design.


def test_an_approach_is_suppressed_by_the_breach_of_the_same_fence_and_given_back_after_it(board) -> None:
    near = board.raised("near", value=3.0)
    other = board.raised("near", 2, value=3.0)
    breach = board.raised("calm", minutes=1)
    assert board.state(near, 1) == "suppressed"
    assert {(line["id"], line["children"]) for line in board.lines(1)} == {(breach, 1), (other, 0)}
    with board.web() as connection:
        assert [row["id"] for row in desk.children(connection, breach, at(1))] == [near]
    board.cleared("calm", minutes=30)
    assert board.state(near, 30) == "unacknowledged"
    assert board.journal(near) == ["raise", "suppress", "release"]
    assert {line["id"] for line in board.lines(30)} == {breach, near, other}
    told_with = "SELECT data FROM alarm_journal WHERE alarm_id = :id AND data IS NOT NULL ORDER BY id"
    lines = board.ask(told_with, id=near)
    assert [line["data"] for line in lines] == [{"parent": breach}] * 2


def test_an_approach_under_a_breach_is_suppressed_from_the_start(board) -> None:
    breach = board.raised("calm")
    near = board.raised("near", minutes=1, value=3.0)
    assert board.state(near, 1) == "suppressed"
    assert [line["id"] for line in board.lines(1)] == [breach]
    assert board.raised("near", 2, 1, value=3.0)
    assert len(board.lines(1)) == 2


def test_what_ends_while_it_is_suppressed_needs_nobody(board) -> None:
    near = board.raised("near", value=3.0)
    breach = board.raised("calm")
    board.cleared("near", minutes=5)
    assert board.state(near, 5) == "cleared"
    board.cleared("calm", minutes=6)
    assert [line["id"] for line in board.lines(6)] == [breach]
    assert board.journal(near) == ["raise", "suppress", "clear"]
    assert [row["id"] for row in board.all(6)] == [breach]


def test_what_is_given_back_may_be_answered_before_it_is_passed_on(board) -> None:
    near = board.raised("near", value=3.0)
    board.raised("calm")
    board.cleared("calm", minutes=60)
    assert board.ask("SELECT escalate_due_at AS due FROM alarm WHERE id = :id", id=near) == [{"due": at(60) + ANSWER}]
    assert due(board, 61) == 0
    assert due(board, 62) == 1


def test_the_clocks_of_what_a_silent_source_suppresses_run_on(board) -> None:
    parent = board.raised("source", 0)
    lost = board.raised("lost", 1, parent_id=parent)
    assert (board.state(lost), board.journal(lost)) == ("suppressed", ["raise", "suppress"])
    assert board.ask("SELECT raised_at FROM alarm WHERE id = :id", id=lost) == [{"raised_at": NOW}]
    with board.owner.begin() as connection:
        assert alarm.release(connection, parent, at(20)) == 1
        assert alarm.release(connection, parent, at(21)) == 0
    assert board.state(lost, 20) == "unacknowledged"


# An approach comes nearer.


def test_fact_11_a_step_makes_the_open_episode_graver_and_asks_anew(board) -> None:
    number = board.raised("near", value=15.0)
    assert board.ask("SELECT severity, value FROM alarm") == [{"severity": "low", "value": 15.0}]
    board.acknowledged(number, 1)
    with board.owner.begin() as connection:
        assert alarm.step_alarm(connection, board.rules["near"], "1", at(5), 3.0, at(5)) == number
        assert alarm.step_alarm(connection, board.rules["near"], "2", at(5), 3.0, at(5)) is None
    assert board.state(number, 5) == "unacknowledged"
    assert board.ask("SELECT severity, value, acknowledged_by FROM alarm") == [
        {"severity": "high", "value": 3.0, "acknowledged_by": None}
    ]
    assert board.journal(number) == ["raise", "acknowledge", "step"]
    assert due(board, 9) == 0
    assert due(board, 10) == 1


# What the roles may do, and what nobody may.

REFUSED_TO_WEB = (
    "UPDATE alarm SET severity = 'low'",
    "UPDATE alarm SET raised_at = now()",
    "UPDATE alarm SET cleared_at = now()",
    "UPDATE alarm SET flood_id = NULL",
    "UPDATE alarm SET suppressed_at = NULL",
    "UPDATE alarm SET evidence = '{}'",
    "DELETE FROM alarm",
    "INSERT INTO alarm (rule_id, layer, object_key) SELECT id, 'vessel', 'x' FROM rule LIMIT 1",
    "INSERT INTO flood (kind, started_at) VALUES ('burst', now())",
    "UPDATE flood SET ended_at = now()",
    "DELETE FROM presence",
    "DELETE FROM shelf",
    "DELETE FROM fence",
    "DELETE FROM rule",
    "INSERT INTO unit (key, name_vi, name_en) VALUES ('x', 'x', 'x')",
)
APPENDED = tuple(
    statement.format(name)
    for name, column in (("alarm_journal", "actor"), ("revision", "actor"))
    for statement in (f"UPDATE {{}} SET {column} = 'x'", "DELETE FROM {}", "TRUNCATE {}")
)


@pytest.mark.parametrize("statement", REFUSED_TO_WEB + APPENDED)
def test_the_web_role_can_do_no_more_than_the_desk_needs(board, statement: str) -> None:
    board.raised("zone")
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        told(board.database.web, statement)


@pytest.mark.parametrize("statement", APPENDED)
@pytest.mark.parametrize("role", ["ingest", "owner"])
def test_the_journal_and_the_versions_are_append_only_even_for_their_owner(board, role: str, statement: str) -> None:
    board.raised("zone")
    before = board.ask("SELECT count(*) FROM alarm_journal") + board.ask("SELECT count(*) FROM revision")
    with pytest.raises(sa.exc.ProgrammingError, match=r"append-only|permission denied"):
        told(getattr(board.database, role), statement)
    assert board.ask("SELECT count(*) FROM alarm_journal") + board.ask("SELECT count(*) FROM revision") == before
    assert before[0]["count"] > 0
    assert before[1]["count"] > 0


def test_the_ingest_role_raises_clears_and_groups(board) -> None:
    with connected(board.database.ingest) as engine, engine.begin() as connection:
        for boat in range(12):
            assert board.raise_in(connection, "zone", boat, NOW)
        assert alarm.clear_alarm(connection, board.rules["zone"], "3", at(1), at(1))
        assert handling.escalate_due(connection, at(5)) == 11
    for statement in ("DELETE FROM alarm", "UPDATE fence SET name_vi = 'x'", "UPDATE rule SET enabled = false"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            told(board.database.ingest, statement)


def test_a_desk_that_is_too_full_says_how_many_lines_it_leaves_out_and_they_are_the_least(board) -> None:
    numbers = {key: board.raised(key, boat) for boat, key in enumerate(("calm", "zone", "calm", "lost"), 1)}
    with board.web() as connection:
        assert desk.beyond(connection, NOW) == 0
        assert desk.beyond(connection, NOW, limit=3) == 1
        shown = {line["id"] for line in desk.lines(connection, NOW, limit=2)}
    assert shown == {numbers["zone"], numbers["lost"]}
