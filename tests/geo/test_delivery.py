"""The outbox over a real database: once a line, flood, shelf, back-off, whoever is killed in between."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from geo import delivery, delivery_log
from geo.actor import SYSTEM, Actor
from geo.channel import Channel, Route, put_channel, put_route
from geo.delivery import LOST, Outcome, Patience
from geo.rule import Rule, put_rules
from tests.connections import asked, connected, told

T0 = datetime(2026, 11, 25, 3, tzinfo=UTC)
LAN = Actor("Lan")
HOOK = {"url": "https://hooks.example/a", "secret": "key"}
SHORT = Patience(attempts=3, first=timedelta(seconds=30), longest=timedelta(seconds=50))


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


class Outbox:
    """A database with two rules, a channel with a route of every rule, and alarms as the test writes them."""

    def __init__(self, database: Any, engine: sa.Engine) -> None:
        self.database, self.engine = database, engine
        self.channel = self.add("hook", Route())

    def add(self, key: str, *own: Route, since: datetime = T0) -> Channel:
        with self.engine.begin() as connection:
            made = put_channel(connection, Channel(key, "webhook", key, HOOK), LAN, since)
            for route in own:
                put_route(connection, made, route, LAN, since)
        return made

    def alarm(self, key: str, rule: str = "closed", severity: str = "high", seconds: float = 0, **more: Any) -> int:
        values = {"object_key": key, "severity": severity, "observed_at": at(seconds), "raised_at": at(seconds), **more}
        names = ", ".join(values)
        with self.engine.begin() as connection:
            number = connection.scalar(
                sa.text(
                    f"INSERT INTO alarm (rule_id, layer, {names}) "
                    f"SELECT id, 'vessel', {', '.join(':' + name for name in values)} FROM rule WHERE key = :rule "
                    "RETURNING id"
                ),
                {**values, "rule": rule},
            )
        assert number is not None
        self.line(number, "raise", seconds)
        return int(number)

    def line(self, alarm: int, transition: str, seconds: float) -> None:
        told(
            self.database.owner,
            "INSERT INTO alarm_journal (alarm_id, transition, at, actor, actor_kind) "
            "VALUES (:alarm, :transition, :at, 'x', 'system')",
            alarm=alarm, transition=transition, at=at(seconds),
        )  # fmt: skip

    def flood(self, rule: str | None = "closed") -> int:
        told(
            self.database.owner,
            "INSERT INTO flood (rule_id, kind, started_at) "
            "VALUES ((SELECT id FROM rule WHERE key = :rule), 'burst', :at)",
            rule=rule, at=T0,
        )  # fmt: skip
        return int(asked(self.database.owner, "SELECT max(id) AS id FROM flood")[0]["id"])

    def enqueue(self, seconds: float, withholding: bool = False) -> int:
        with self.engine.begin() as connection:
            return delivery.enqueue(connection, at(seconds), withholding)

    def take(self, seconds: float, patience: Patience = SHORT) -> delivery.Delivery | None:
        with self.engine.begin() as connection:
            return delivery.take(connection, self.channel.id, at(seconds), patience)

    def record(self, given: delivery.Delivery, done: bool, seconds: float) -> None:
        with self.engine.begin() as connection:
            delivery.record(connection, given, Outcome(done, "said"), at(seconds), SHORT)

    def rows(self) -> list[dict[str, Any]]:
        return asked(self.database.owner, "SELECT * FROM delivery ORDER BY id")

    def fates(self) -> list[str | None]:
        """For each delivery in the order of its making: why it was withheld, or None."""
        return [row["answer"] if row["withheld_at"] else None for row in self.rows()]


@pytest.fixture
def outbox(database):
    with connected(database.owner) as owner, owner.begin() as connection:
        given = ("vessel", "Vào khu vực cấm: không được vào", "In a closed area", "high")
        put_rules(
            connection,
            [
                Rule("closed", "silence", *given, params={"silence_s": 60}),
                Rule("distress", "distress", "vessel", "Cấp cứu", "Distress", "critical"),
            ],
            SYSTEM,
        )
    with connected(database.owner) as engine:
        yield Outbox(database, engine)


def test_the_senders_and_the_screens_roles_may_do_what_they_do(outbox) -> None:
    outbox.alarm("1")
    with connected(outbox.database.ingest) as engine, engine.begin() as connection:
        assert delivery.enqueue(connection, at(1)) == 1
        given = delivery.take(connection, outbox.channel.id, at(1), SHORT)
        assert given is not None
        delivery.note_reached(connection, given, "a")
        delivery.note_reached(connection, given, "b")
        delivery.record(connection, given, Outcome(False, "no"), at(2), SHORT)
    with connected(outbox.database.web) as engine, engine.begin() as connection:
        delivery.ask_test(connection, outbox.channel, LAN, at(3), withholding=False)
        delivery.enqueue(connection, at(3))
        assert delivery.cancel(connection, outbox.channel, at(3)) == 2
        assert [row["state"] for row in delivery_log.log(connection)] == ["withheld", "withheld"]


def test_one_delivery_for_each_channel_and_line_whatever_is_run_twice(outbox) -> None:
    outbox.add("other", Route("closed", severities=("high",)), Route())
    outbox.add("elsewhere", Route("distress"))
    outbox.add("grave", Route(severities=("critical",)))
    alarm = outbox.alarm("1")
    assert [outbox.enqueue(1), outbox.enqueue(1)] == [2, 0]
    outbox.line(alarm, "step", 2)
    outbox.line(alarm, "acknowledge", 3)
    assert [outbox.enqueue(4), outbox.enqueue(5)] == [2, 0]
    assert {row["transition"] for row in outbox.rows()} == {"raise", "step"}


def test_eight_that_fill_the_outbox_at_once_fill_it_once(outbox) -> None:
    for number in range(40):
        outbox.alarm(str(number), seconds=number)
    flood = outbox.flood()
    for number in range(40, 60):
        outbox.alarm(str(number), seconds=number, flood_id=flood)
    together = threading.Barrier(8)

    def fill() -> None:
        together.wait()
        outbox.enqueue(61)

    threads = [threading.Thread(target=fill) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outbox.enqueue(62)
    assert len({row["journal_id"] for row in outbox.rows()}) == len(outbox.rows()) == 60
    assert sum(row["due_at"] is not None for row in outbox.rows()) == 41


def test_a_line_that_is_committed_late_under_a_lower_id_is_found(outbox) -> None:
    alarm = outbox.alarm("1")
    with connected(outbox.database.owner) as other, other.connect() as slow:
        with slow.begin():
            slow.execute(
                sa.text(
                    "INSERT INTO alarm_journal (alarm_id, transition, at, actor, actor_kind) "
                    "VALUES (:alarm, 'step', :at, 'x', 'system')"
                ),
                {"alarm": alarm, "at": at(1)},
            )
            outbox.line(alarm, "escalate", 2)
            assert outbox.enqueue(3) == 2
        assert outbox.enqueue(4) == 1
    assert [row["transition"] for row in outbox.rows()] == ["raise", "escalate", "step"]


def test_after_a_long_standstill_only_what_is_still_news_is_told(outbox) -> None:
    outbox.alarm("old", seconds=0)
    outbox.alarm("new", seconds=3 * 3600)
    assert outbox.enqueue(7 * 3600) == 1
    (row,) = outbox.rows()
    assert asked(outbox.database.owner, "SELECT object_key FROM alarm WHERE id = :id", id=row["alarm_id"]) == [
        {"object_key": "new"}
    ]


def test_what_was_before_its_route_is_none_of_its_concern(outbox) -> None:
    outbox.alarm("1", seconds=10)
    outbox.add("later", Route(), since=at(20))
    outbox.alarm("2", seconds=30)
    outbox.enqueue(40)
    assert len(outbox.rows()) == 3


def test_what_is_put_aside_is_not_announced_and_distress_always_is(outbox) -> None:
    flood = outbox.flood()
    outbox.alarm("shelved", shelved_until=at(3600))
    outbox.alarm("back", shelved_until=at(0))
    outbox.alarm("suppressed", suppressed_at=at(0))
    outbox.alarm("withdrawn", withdrawn_at=at(0))
    outbox.alarm("970000001", "distress", shelved_until=at(3600), suppressed_at=at(0), flood_id=flood)
    outbox.alarm("simulated", simulated=True)
    outbox.alarm("970000002", "distress", simulated=True)
    outbox.enqueue(10)
    assert outbox.fates() == ["shelved", None, "suppressed", "withdrawn", None, "simulated", "simulated"]


def test_late_data_raises_no_message(outbox) -> None:
    alarm = outbox.alarm("1")
    told(
        outbox.database.owner,
        "INSERT INTO alarm_journal (alarm_id, transition, at, observed_at, actor, actor_kind) "
        "VALUES (:alarm, 'step', :at, :then, 'x', 'system')",
        alarm=alarm, at=at(1), then=at(-7 * 3600),
    )  # fmt: skip
    outbox.enqueue(2)
    assert outbox.fates() == [None, "late"]


def test_a_flood_is_one_message_and_one_more_when_it_is_escalated(outbox) -> None:
    outbox.add("other", Route())
    flood = outbox.flood()
    alarms = [outbox.alarm(str(n), seconds=n, flood_id=flood) for n in range(5)]
    outbox.enqueue(6)
    outbox.alarm("late", seconds=7, flood_id=flood)
    outbox.enqueue(8)
    for alarm in alarms:
        outbox.line(alarm, "escalate", 9)
    outbox.enqueue(10)
    outbox.alarm("own", seconds=11)
    outbox.enqueue(12)
    sent = [row for row in outbox.rows() if row["due_at"] is not None and row["channel_id"] == outbox.channel.id]
    assert [row["transition"] for row in sent] == ["raise", "escalate", "raise"]
    given = outbox.take(13)
    assert given is not None
    assert (given.flood_id, given.line["flood_size"]) == (flood, 6)
    with pytest.raises(sa.exc.IntegrityError):  # a fact of the database
        told(
            outbox.database.owner,
            "INSERT INTO delivery (channel_id, flood_id, transition, made_at) "
            "VALUES (:channel, :flood, 'raise', now())",
            channel=outbox.channel.id, flood=flood,
        )  # fmt: skip


def test_in_a_rehearsal_nothing_leaves_the_house_and_the_log_shows_what_would_have(outbox) -> None:
    outbox.alarm("1")
    assert outbox.enqueue(1, withholding=True) == 1
    assert outbox.fates() == ["rehearsal"]
    outbox.alarm("2")
    outbox.enqueue(2)  # and then the same database is rehearsed with
    with outbox.engine.begin() as connection:
        assert delivery.take(connection, outbox.channel.id, at(3), SHORT, withholding=True) is None
    assert outbox.fates() == ["rehearsal", "rehearsal"]


def test_it_is_tried_again_twice_as_late_each_time_and_given_up(outbox) -> None:
    outbox.alarm("1")
    outbox.enqueue(1)
    times = [(1, 31), (31, 81), (81, None)]  # 30 s, then 60 s, of which 50 s are the most
    for number, (now, again) in enumerate(times, 1):
        given = outbox.take(now)
        assert given is not None
        assert given.attempts == number
        assert outbox.take(now) is None  # it is on its way
        outbox.record(given, False, now)
        if again is not None:
            assert outbox.take(again - 1) is None
    assert outbox.take(10_000) is None
    (row,) = outbox.rows()
    assert (row["attempts"], row["failed_at"], row["due_at"], row["answer"]) == (3, at(81), None, "said")


def test_who_was_killed_in_the_midst_of_an_attempt_leaves_it_due_again_under_the_same_id(outbox) -> None:
    outbox.alarm("1")
    outbox.enqueue(1)
    first = outbox.take(1)
    assert outbox.take(30) is None
    second = outbox.take(31)
    assert first is not None
    assert second is not None
    assert first.message_id == second.message_id
    assert (second.attempts, outbox.take(32)) == (2, None)
    third = outbox.take(200)
    assert third is not None
    assert outbox.take(1000) is None
    (row,) = outbox.rows()
    assert (row["attempts"], row["failed_at"], row["answer"]) == (3, at(1000), LOST)


def test_two_senders_never_take_the_same_message(outbox) -> None:
    for number in range(30):
        outbox.alarm(str(number))
    outbox.enqueue(1)
    together, taken = threading.Barrier(4), list[int]()

    def empty() -> None:
        together.wait()
        while (given := outbox.take(2)) is not None:
            taken.append(given.id)

    threads = [threading.Thread(target=empty) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == len(taken) == 30


def test_an_alarm_that_is_withdrawn_or_shelved_while_it_waits_is_not_sent_any_more(outbox) -> None:
    one, two = outbox.alarm("1"), outbox.alarm("2")
    outbox.enqueue(1)
    given = outbox.take(1)
    assert given is not None
    outbox.record(given, False, 1)
    told(outbox.database.owner, "UPDATE alarm SET withdrawn_at = :at WHERE id = :id", at=at(2), id=one)
    told(outbox.database.owner, "UPDATE alarm SET shelved_until = :at WHERE id = :id", at=at(3600), id=two)
    assert outbox.take(40) is None
    assert outbox.fates() == ["withdrawn", "shelved"]


def test_what_arrived_although_its_channel_was_switched_off_meanwhile_is_delivered(outbox) -> None:
    outbox.alarm("1")
    outbox.alarm("2")
    outbox.enqueue(1)
    one, two = outbox.take(1), outbox.take(1)
    assert one is not None
    assert two is not None
    with outbox.engine.begin() as connection:
        assert delivery.cancel(connection, outbox.channel, at(2)) == 2
    outbox.record(one, True, 3)
    outbox.record(two, False, 3)
    with outbox.engine.begin() as connection:
        assert [row["state"] for row in delivery_log.log(connection)] == ["withheld", "delivered"]


def test_the_log_is_newest_first_by_channel_and_state(outbox) -> None:
    other = outbox.add("other", Route())
    outbox.alarm("1")
    outbox.alarm("2", simulated=True)
    outbox.enqueue(1)
    given = outbox.take(1)
    assert given is not None
    outbox.record(given, True, 2)
    with outbox.engine.begin() as connection:
        rows = delivery_log.log(connection)
        assert [(row["channel"], row["state"]) for row in rows] == [
            ("other", "withheld"), ("hook", "withheld"), ("other", "waiting"), ("hook", "delivered"),
        ]  # fmt: skip
        assert delivery_log.log(connection, "hook", "delivered")[0]["answer"] == "said"
        assert [row["id"] for row in delivery_log.log(connection, before=rows[1]["id"])] == [r["id"] for r in rows[2:]]
        counts = delivery_log.summary(connection, at(10))
    assert (counts["hook"]["delivered"], counts["hook"]["waiting"], counts["other"]["waiting"]) == (1, 0, 1)
    assert other.id != outbox.channel.id
