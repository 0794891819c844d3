from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa

from geo import alarm, handling
from geo import desk as reading
from geo import journal as lines
from geo.actor import SYSTEM, Actor
from geo.fence import put_fences
from geo.reference import reference_fences
from geo.rule import Rule, put_rules, rules
from tests.connections import asked, connected, told

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
LAN = Actor("Lan")


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.fixture
def engine(database):
    with connected(database.owner) as opened:
        with opened.begin() as connection:
            put_fences(connection, reference_fences(), SYSTEM)
            fence = "vung_long"
            put_rules(
                connection,
                [
                    Rule("zone", "inside", "vessel", "Sai vùng", "Wrong zone", "high", fence),
                    Rule("small", "inside", "vessel", "Nhỏ", "Small", "low", fence),
                    Rule("distress", "distress", "vessel", "Cấp cứu", "Distress", "critical"),
                ],
                SYSTEM,
            )
        yield opened


def raised(engine: sa.Engine, key: str = "zone", boat: str = "574000001", when: datetime = NOW) -> int | None:
    with engine.begin() as connection:
        rule = next(rule for rule in rules(connection) if rule.key == key)
        fence_id = connection.scalar(sa.text("SELECT id FROM fence WHERE key = :key"), {"key": rule.fence_key})
        subject = {
            "object_key": boat, "object_label": f"TTH-{boat}", "lon": 108.3, "lat": 16.7, "observed_at": when,
            "simulated": False, "evidence": {"speed": 2.5},
        }  # fmt: skip
        return alarm.raise_alarm(connection, rule, fence_id, subject, when, when)


def cleared(engine: sa.Engine, key: str = "zone", boat: str = "574000001", when: datetime = NOW) -> int | None:
    with engine.begin() as connection:
        rule = next(rule for rule in rules(connection) if rule.key == key)
        return alarm.clear_alarm(connection, rule, boat, when, when)


def acknowledged(engine: sa.Engine, number: int, actor: Actor = LAN, when: datetime = NOW):
    with engine.begin() as connection:
        return handling.acknowledge(connection, number, actor, "đã gọi", when)


def desk(engine: sa.Engine, now: datetime = NOW, limit: int = 500) -> list[dict[str, object]]:
    with engine.connect() as connection:
        return reading.desk(connection, now, limit)


def journal(database) -> list[str]:
    return [row["transition"] for row in asked(database.web, "SELECT transition FROM alarm_journal ORDER BY id")]


@pytest.mark.parametrize("key", ["zone", "distress"])  # with a fence, and without one
def test_promise_02_an_episode_is_raised_once_however_many_raise_it_at_the_same_time(engine, database, key) -> None:
    barrier = Barrier(8)

    def together(_: int) -> int | None:
        barrier.wait()
        return raised(engine, key)

    with ThreadPoolExecutor(8) as pool:
        made = [number for number in pool.map(together, range(8)) if number is not None]
    assert len(made) == 1
    assert asked(database.web, "SELECT count(*) FROM alarm") == [{"count": 1}]
    assert journal(database) == ["raise"]


def test_the_next_episode_is_another_row(engine, database) -> None:
    first = raised(engine)
    assert cleared(engine, when=at(5)) == first
    assert cleared(engine, when=at(6)) is None
    second = raised(engine, when=at(10))
    assert second not in (None, first)
    assert journal(database) == ["raise", "clear", "raise"]


def test_episodes_under_two_fences_are_both_cleared_and_told(engine, database) -> None:
    raised(engine)
    told(database.owner, "UPDATE alarm SET fence_id = (SELECT id FROM fence WHERE key = 'khoi')")
    raised(engine)
    cleared(engine, when=at(1))
    assert journal(database) == ["raise", "raise", "clear", "clear"]
    assert asked(database.web, "SELECT count(*) FROM alarm WHERE cleared_at IS NULL") == [{"count": 0}]


def test_of_two_who_acknowledge_at_once_one_is_first(engine, database) -> None:
    number = raised(engine)
    barrier = Barrier(2)

    def together(name: str):
        barrier.wait()
        return acknowledged(engine, number, Actor(name))

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(together, ["Lan", "Minh"]))
    (winner,) = [answer for answer in answers if answer is not None]
    assert desk(engine)[0]["acknowledged_by"] == winner["acknowledged_by"]
    assert journal(database) == ["raise", "acknowledge"]
    assert acknowledged(engine, number) is None
    assert acknowledged(engine, 999_999) is None


def test_an_alarm_leaves_the_desk_when_it_is_cleared_and_acknowledged(engine) -> None:
    number = raised(engine)
    assert [row["state"] for row in desk(engine)] == ["unacknowledged"]
    acknowledged(engine, number, when=at(1))
    assert [row["state"] for row in desk(engine)] == ["acknowledged"]
    cleared(engine, when=at(2))
    assert desk(engine) == []
    second = raised(engine, when=at(3))
    cleared(engine, when=at(4))
    assert [row["state"] for row in desk(engine)] == ["returned"]
    acknowledged(engine, second, when=at(5))
    assert desk(engine) == []


def test_a_withdrawn_alarm_leaves_the_desk_and_stays_in_the_journal(engine, database) -> None:
    number = raised(engine)
    assert number is not None
    with engine.begin() as connection:
        assert alarm.withdraw_alarm(connection, number, LAN, "vị trí sai", at(1)) == number
        assert alarm.withdraw_alarm(connection, number, LAN, "lần nữa", at(2)) is None
    assert desk(engine) == []
    assert acknowledged(engine, number) is None
    assert cleared(engine) is None
    assert journal(database) == ["raise", "withdraw"]
    (line,) = asked(database.owner, "SELECT actor, comment FROM alarm_journal WHERE transition = 'withdraw'")
    assert line == {"actor": "Lan", "comment": "vị trí sai"}
    assert raised(engine, when=at(3)) not in (None, number)  # the next one is another episode


def test_an_episode_that_is_known_afterwards_is_raised_and_cleared_at_once(engine, database) -> None:
    standing = raised(engine)
    with engine.begin() as connection:
        rule = next(rule for rule in rules(connection) if rule.key == "zone")
        subject = {"object_key": "574000001", "object_label": None, "lon": 108.3, "lat": 16.7, "observed_at": at(-9),
                   "simulated": False, "evidence": {}}  # fmt: skip
        fence_id = connection.scalar(sa.text("SELECT fence_id FROM alarm"))
        past = alarm.raise_alarm(connection, rule, fence_id, subject, at(-9), NOW, at(-5))
    assert past not in (None, standing)
    assert journal(database) == ["raise", "raise", "clear"]
    assert asked(database.owner, "SELECT id FROM alarm WHERE cleared_at IS NULL") == [{"id": standing}]


def test_a_row_says_who_where_and_why(engine) -> None:
    raised(engine)
    (row,) = desk(engine)
    assert (row["rule_vi"], row["rule_en"], row["severity"]) == ("Sai vùng", "Wrong zone", "high")
    assert (row["object_label"], row["fence_vi"], row["lon"]) == ("TTH-574000001", "Vùng lộng", 108.3)
    assert row["evidence"] == {"speed": 2.5}


def test_desk_order_is_emergency_then_unacknowledged_then_returned_then_acknowledged(engine) -> None:
    known = raised(engine, boat="1", when=at(1))
    acknowledged(engine, known)
    raised(engine, boat="2", when=at(2))
    cleared(engine, boat="2", when=at(3))
    raised(engine, "small", boat="3", when=at(9))
    raised(engine, boat="4", when=at(4))
    raised(engine, boat="5", when=at(5))
    raised(engine, "distress", boat="970000001", when=at(0))
    assert [row["object_key"] for row in desk(engine)] == ["970000001", "5", "4", "3", "2", "1"]


def test_promise_24_beyond_the_limit_the_gravest_stays(engine) -> None:
    raised(engine, "distress", boat="970000001", when=at(-600))
    for number in range(12):
        raised(engine, "small", boat=str(number), when=at(number))
    assert [row["severity"] for row in desk(engine, limit=3)] == ["critical", "low", "low"]


STAMPS = ("withdrawn_at", "shelved_until", "suppressed_at", "cleared_at", "acknowledged_at")


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({}, "unacknowledged"),
        ({"acknowledged_at": NOW}, "acknowledged"),
        ({"cleared_at": NOW}, "returned"),
        ({"cleared_at": NOW, "acknowledged_at": NOW}, "cleared"),
        ({"shelved_until": at(1)}, "shelved"),
        ({"shelved_until": at(-1)}, "unacknowledged"),
        ({"shelved_until": at(1), "withdrawn_at": NOW}, "withdrawn"),
        ({"suppressed_at": NOW}, "suppressed"),
        ({"suppressed_at": NOW, "shelved_until": at(1)}, "shelved"),
        ({"latching": False, "cleared_at": NOW}, "cleared"),
        ({"latching": False}, "unacknowledged"),
        ({"shelved_until": at(1), "cleared_at": NOW, "acknowledged_at": NOW}, "cleared"),
    ],
)
def test_the_state_is_derived(given: dict[str, datetime], state: str) -> None:
    assert alarm.state({**dict.fromkeys(STAMPS), "latching": True, **given}, NOW) == state


def test_ticks_an_objects_alarms_and_the_head_of_the_journal(engine) -> None:
    raised(engine, when=at(0))
    cleared(engine, when=at(1))
    raised(engine, when=at(2))
    with engine.connect() as connection:
        assert [row["at"] for row in reading.ticks(connection, at(0), at(2))] == [at(0)]
        found = reading.alarms_of(connection, "vessel", "574000001", NOW)
        assert [row["raised_at"] for row in found] == [at(2), at(0)]
        assert lines.head(connection) >= 3


def test_an_actor_has_a_name() -> None:
    with pytest.raises(ValueError, match="a name is needed"):
        Actor("  ")
