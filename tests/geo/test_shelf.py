from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from geo import flood, shelf
from geo.desk import members
from geo.shelf import ANSWER, TRIP_MOST, NotShelvable
from tests.connections import connected, told
from tests.geo.alarming import LAN, MINH, NOW, Desk, at, desk_of, made

UNDER_ALL_RULES = (
    "INSERT INTO shelf (layer, object_key, kind, reason, at, until, actor) "
    "VALUES ('vessel', :boat, 'time', 'cả tàu', :at, :until, 'Minh')"
)


@pytest.fixture
def desk(database) -> Iterator[Desk]:
    rules = [
        made("zone", escalate_s=600),
        made("other"),
        made("passing", latching=False),
        made("distress", "distress", "critical"),
        made("test", "distress_test", "low"),
    ]
    with desk_of(database, *rules) as found:
        yield found


def put(desk: Desk, number: int, span: str = "1h", minutes: float = 0.0, reason: str = "neo tránh gió", who=LAN):
    with desk.web() as connection:
        return shelf.shelve(connection, number, span, who, reason, at(minutes))


def expire(desk: Desk, minutes: float, in_port=()) -> int:
    with desk.owner.begin() as connection, flood.gathered(connection, at(minutes)):
        return shelf.expire(connection, at(minutes), in_port)


def shelves(desk: Desk, minutes: float = 0.0) -> list[tuple[str, str, str]]:
    with desk.web() as connection:
        return [(row["object_key"], row["actor"], row["reason"]) for row in shelf.shelves(connection, at(minutes))]


@pytest.mark.parametrize(
    ("span", "long"),
    [("30m", timedelta(minutes=30)), ("1h", timedelta(hours=1)), ("6h", timedelta(hours=6)), ("trip", TRIP_MOST)],
)
def test_a_shelf_says_who_why_and_until_when_and_leaves_the_desk_free(desk, span: str, long: timedelta) -> None:
    number = desk.raised("zone")
    assert put(desk, number, span) == NOW + long
    assert desk.state(number, 1) == "shelved"
    assert desk.lines(1) == []
    assert [row["state"] for row in desk.all(1)] == ["shelved"]
    assert shelves(desk) == [("1", "Lan", "neo tránh gió")]
    (line,) = desk.ask("SELECT actor, comment, data FROM alarm_journal WHERE transition = 'shelve'")
    assert line == {"actor": "Lan", "comment": "neo tránh gió",
                    "data": {"span": span, "until": (NOW + long).isoformat()}}  # fmt: skip


def test_fact_25_a_shelf_expires_by_itself(desk) -> None:
    number = desk.raised("zone")
    put(desk, number, "30m")
    assert expire(desk, 29) == 0
    assert desk.state(number, 29) == "shelved"
    assert expire(desk, 30) == 1
    assert expire(desk, 31) == 0
    assert [line["id"] for line in desk.lines(30)] == [number]
    assert desk.state(number, 30) == "unacknowledged"
    assert desk.journal(number) == ["raise", "shelve", "unshelve"]
    (line,) = desk.ask("SELECT actor, actor_kind FROM alarm_journal WHERE transition = 'unshelve'")
    assert line["actor_kind"] == "system"
    assert shelves(desk, 30) == []


def test_what_is_raised_meanwhile_is_shelved_from_the_start_and_comes_back_with_it(desk) -> None:
    put(desk, desk.raised("zone"), "1h")
    desk.cleared("zone", minutes=5)
    again = desk.raised("zone", minutes=10)
    assert desk.state(again, 11) == "shelved"
    (line,) = desk.ask("SELECT actor_kind, comment, data FROM alarm_journal WHERE alarm_id = :id AND "
                       "transition = 'shelve'", id=again)  # fmt: skip
    assert line == {"actor_kind": "system", "comment": "neo tránh gió",
                    "data": {"by": "Lan", "until": at(60).isoformat()}}  # fmt: skip
    assert desk.lines(20) == []
    expire(desk, 60)
    assert sorted(line["state"] for line in desk.lines(60)) == ["returned", "unacknowledged"]  # silence is no answer
    assert desk.state(desk.raised("zone", 2, 61), 61) == "unacknowledged"


def test_a_shelf_holds_one_object_under_one_rule(desk) -> None:
    put(desk, desk.raised("zone", 1))
    mine, others = desk.raised("other", 1), desk.raised("zone", 2)
    assert {line["id"] for line in desk.lines()} == {mine, others}


@pytest.mark.parametrize("key", ["distress", "test"])
def test_a_distress_cannot_be_shelved(desk, key: str) -> None:
    number = desk.raised(key, 970_000_001)
    with pytest.raises(NotShelvable, match="distress"):
        put(desk, number)
    told(desk.database.owner, UNDER_ALL_RULES, boat="970000002", at=NOW, until=at(60))
    later = desk.raised(key, 970_000_002)
    assert desk.state(later, 1) == "unacknowledged"
    assert len(desk.lines(1)) == 2


def test_what_cannot_be_shelved_is_said(desk) -> None:
    number = desk.raised("zone")
    with pytest.raises(NotShelvable, match="say why"):
        put(desk, number, reason="  ")
    with pytest.raises(NotShelvable, match="30m, 1h, 6h or trip, not '2h'"):
        put(desk, number, "2h")
    assert put(desk, 999_999) is None
    desk.acknowledged(number)
    desk.cleared("zone")
    assert put(desk, number) is None
    assert desk.ask("SELECT count(*) AS n FROM shelf") == [{"n": 0}]


def test_it_is_taken_back_before_its_time_by_a_person(desk) -> None:
    number = desk.raised("zone")
    put(desk, number)
    with desk.web() as connection:
        assert shelf.unshelve(connection, number, MINH, at(5))
        assert not shelf.unshelve(connection, number, MINH, at(6))
        assert not shelf.unshelve(connection, 999_999, MINH, at(6))
    assert desk.state(number, 5) == "unacknowledged"
    (line,) = desk.ask("SELECT actor FROM alarm_journal WHERE transition = 'unshelve'")
    assert line == {"actor": "Minh"}
    assert desk.ask("SELECT ended_by, ended_at FROM shelf") == [{"ended_by": "Minh", "ended_at": at(5)}]


def test_what_comes_back_may_be_answered_before_it_is_escalated(desk) -> None:
    number = desk.raised("zone")
    put(desk, number, "30m")
    expire(desk, 30)
    assert desk.ask("SELECT escalate_due_at FROM alarm WHERE id = :id", id=number) == [
        {"escalate_due_at": at(30) + ANSWER}
    ]
    never = desk.raised("other")
    put(desk, never, "30m", 31)
    expire(desk, 61)
    assert desk.ask("SELECT escalate_due_at FROM alarm WHERE id = :id", id=never) == [{"escalate_due_at": None}]


def test_a_trip_ends_in_port(desk) -> None:
    put(desk, desk.raised("zone", 1), "trip")
    put(desk, desk.raised("zone", 2), "trip")
    put(desk, desk.raised("zone", 3), "6h")
    assert expire(desk, 10, [("vessel", "1"), ("vessel", "3"), ("camera", "2")]) == 1
    assert {key for key, _, _ in shelves(desk, 10)} == {"2", "3"}


def test_put_aside_again_it_is_for_the_new_time(desk) -> None:
    number = desk.raised("zone")
    put(desk, number, "30m")
    put(desk, number, "6h", 10, "đã gọi", MINH)
    assert shelves(desk, 10) == [("1", "Minh", "đã gọi")]
    assert expire(desk, 31) == 0
    assert desk.state(number, 31) == "shelved"
    assert desk.state(number, 369) == "shelved"
    assert desk.state(number, 371) == "unacknowledged"


def test_of_two_who_put_it_aside_at_once_one_shelf_is_left(desk) -> None:
    number, barrier = desk.raised("zone"), Barrier(8)

    def together(thread: int) -> None:
        with connected(desk.database.web) as engine:
            barrier.wait()
            with engine.begin() as connection:
                shelf.shelve(connection, number, ("30m", "6h")[thread % 2], LAN, f"lý do {thread}", NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(together, range(8)))
    (open_one,) = desk.ask("SELECT until FROM shelf WHERE ended_at IS NULL")
    assert desk.ask("SELECT shelved_until AS until FROM alarm") == [open_one]
    assert desk.ask("SELECT count(*) AS n FROM shelf") == [{"n": 8}]


def test_what_another_shelf_still_holds_stays_on_it(desk) -> None:
    number = desk.raised("zone")
    put(desk, number, "30m")
    told(desk.database.owner, UNDER_ALL_RULES, boat="1", at=NOW, until=at(120))
    assert expire(desk, 30) == 1
    assert desk.state(number, 31) == "shelved"
    assert desk.journal(number) == ["raise", "shelve"]
    assert expire(desk, 120) == 1
    assert desk.journal(number) == ["raise", "shelve", "unshelve"]


def test_what_is_over_and_does_not_latch_does_not_come_back(desk) -> None:
    put(desk, desk.raised("passing"), "30m")
    desk.cleared("passing", minutes=5)
    expire(desk, 30)
    assert desk.lines(31) == []


def test_shelved_members_are_not_counted_in_their_groups_line(desk) -> None:
    numbers = [desk.raised("zone", boat) for boat in range(12)]
    (group,) = [line for line in desk.lines(1) if line["flood"]]
    assert group["total"] == 5
    put(desk, numbers[-1])
    (group,) = [line for line in desk.lines(1) if line["flood"]]
    assert group["total"] == 4
    with desk.web() as connection:
        assert len(members(connection, group["flood"], at(1))) == 4
