import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from threading import Barrier

import pytest
import sqlalchemy as sa

from geo import alarm, flood, shelf
from geo import desk as reading
from geo.flood import DAY_LINES, ENDS_BELOW, LINES, OWN_LINES, SPAN
from tests.connections import connected, told
from tests.geo.alarming import LAN, NOW, Desk, at, desk_of, made

CROSSINGS = [made(f"line_{n}", "crossing", "high") for n in range(4)]


KEYS = ["line_0", "line_1", "line_2", "zone", "near", "grave", "lost"]


@pytest.fixture
def desk(database) -> Iterator[Desk]:
    given = [
        *CROSSINGS,
        made("zone"),
        made("near", "approach", params={"steps_nm": [3]}),
        made("grave", severity="critical"),
        made("passing", latching=False),
        made("lost", "silence", params={"silence_s": 21_600}),
        made("source", "feed", latching=False),
        made("distress", "distress", "critical"),
        made("test", "distress_test", "low"),
    ]
    with desk_of(database, *given) as found:
        yield found


def new_lines(desk: Desk) -> list[datetime]:
    """When each line of its own and each group was new, in order."""
    own = "SELECT listed_at AS at FROM alarm WHERE listed_at IS NOT NULL"
    rows = desk.ask(f"{own} UNION ALL SELECT started_at FROM flood ORDER BY 1")
    return [row["at"] for row in rows]


def most_within(moments: list[datetime], span: timedelta = SPAN) -> int:
    """The most that lie in any such span."""
    return max((sum(begin <= each < begin + span for each in moments) for begin in moments), default=0)


def storm(desk: Desk, raises: list[tuple[str, datetime]], at_once: int = 50) -> None:
    """Raise of boats of their own at their moments, so many in a transaction as a busy worker would."""
    for first in range(0, len(raises), at_once):
        part = raises[first : first + at_once]
        with desk.owner.begin() as connection, flood.gathered(connection, part[-1][1]):
            for number, (key, now) in enumerate(part, first):
                assert desk.raise_in(connection, key, 1_000 + number, now) is not None


@pytest.mark.parametrize("at_once", [1, 40, 1_000])
def test_promise_24_a_thousand_crossings_in_a_minute_are_at_most_ten_new_lines(desk, at_once: int) -> None:
    order = random.Random(24)
    keys = [f"line_{order.choice([0, 0, 0, 1, 2, 3])}" for _ in range(1_000)]
    storm(desk, [(key, NOW + timedelta(seconds=0.06 * n)) for n, key in enumerate(keys)], at_once)
    assert len(new_lines(desk)) == LINES
    lines = desk.lines(1)
    assert len(lines) == LINES
    # None is lost: in the table, in the journal, and counted by the lines.
    assert desk.ask("SELECT count(*) AS n, count(DISTINCT object_key) AS boats FROM alarm") == [
        {"n": 1_000, "boats": 1_000}
    ]
    counted = desk.ask("SELECT transition, count(*) AS n FROM alarm_journal GROUP BY 1 ORDER BY 1")
    assert counted == [{"transition": "clear", "n": 1_000}, {"transition": "raise", "n": 1_000}]
    assert sum(line.get("total") or 1 for line in lines) == 1_000
    groups = [line for line in lines if line["flood"]]
    assert [line["mixed"] for line in groups].count(True) == 1
    with desk.web() as connection:
        for line in groups:
            members = reading.members(connection, line["flood"], at(1), limit=2_000)
            assert len(members) == line["total"]
            assert line["mixed"] or {each["rule"] for each in members} == {line["rule"]}


def test_promise_24_a_critical_one_is_the_severity_of_its_group_and_distress_has_a_line_of_its_own(desk) -> None:
    storm(desk, [("zone", NOW)] * 100)
    with desk.owner.begin() as connection, flood.gathered(connection, NOW):
        desk.raise_in(connection, "grave", 1, NOW)
        desk.raise_in(connection, "near", 2, NOW)
        desk.raise_in(connection, "grave", 3, NOW)
        desk.raise_in(connection, "line_0", 4, NOW)
        sart = desk.raise_in(connection, "distress", 970_000_001, NOW)
        desk.raise_in(connection, "test", 972_000_001, NOW)
    lines = desk.lines()
    assert (lines[0]["id"], lines[0]["flood"], lines[0]["severity"]) == (sart, None, "critical")
    assert len(lines) == LINES + 1
    graves = [line for line in lines[1:] if line["severity"] == "critical"]
    assert [(line["rule"], line["total"]) for line in graves] == [("grave", 2)]
    mixed = next(line for line in lines if line.get("mixed"))
    assert (mixed["total"], mixed["severity"]) == (3, "high")
    storm(desk, [("distress", NOW)] * 12)  # a sinking ferry's boats
    assert sum(line["flood"] is None and line["rule"] == "distress" for line in desk.lines()) == 13
    assert desk.ask("SELECT count(*) AS n FROM alarm WHERE flood_id IS NOT NULL AND rule_id = "
                    "(SELECT id FROM rule WHERE key = 'distress')") == [{"n": 0}]  # fmt: skip


def test_promise_24_a_critical_one_in_the_group_of_all_other_rules_is_its_severity(desk) -> None:
    storm(desk, [("zone", NOW)] * 20 + [("near", NOW), ("line_0", NOW)])
    grave = desk.raised("grave", 7)
    mixed = next(line for line in desk.lines() if line.get("mixed"))
    assert mixed["severity"] == "critical"
    desk.acknowledged(grave, 1)
    mixed = next(line for line in desk.lines(1) if line.get("mixed"))
    assert mixed["severity"] == "high"  # of what waits


@pytest.mark.parametrize("seed", [1, 2])
def test_promise_24_no_ten_minutes_ever_have_more_than_ten_new_lines(desk, seed: int) -> None:
    """Hours in which it is now quiet and now not, of several rules, alarms that happened now and hours ago."""
    order, moment, boats = random.Random(seed), NOW, count()
    for pace in [0.2, 150, 2, 30, 150, 2, 0.2, 30, 150, 2, 30, 150]:
        while order.random() > 0.02:
            moment += timedelta(seconds=order.expovariate(1 / pace))
            with desk.owner.begin() as connection, flood.gathered(connection, moment):
                for _ in range(order.choice([1, 1, 2, 5])):
                    late = moment - timedelta(hours=order.uniform(0, 100)) if order.random() < 0.3 else None
                    desk.raise_in(connection, order.choice(KEYS), next(boats), moment, late)
                flood.end_over(connection, moment)
    found = new_lines(desk)
    assert OWN_LINES <= most_within(found) <= LINES
    assert most_within(found) == LINES
    assert desk.ask("SELECT count(*) AS n FROM alarm WHERE listed_at IS NULL AND flood_id IS NULL") == [{"n": 0}]
    assert desk.ask("SELECT count(*) > 1 AS several FROM flood WHERE ended_at IS NOT NULL") == [{"several": True}]


def test_promise_24_many_who_raise_at_once_never_make_more_lines(desk) -> None:
    threads, each = 8, 25
    barrier = Barrier(threads)

    def raising(thread: int) -> None:
        with connected(desk.database.ingest) as engine:
            barrier.wait()
            for number in range(each):
                with engine.begin() as connection, flood.gathered(connection, NOW):
                    for extra in range(1 + number % 3):
                        key = f"line_{(thread + extra) % 4}"
                        desk.raise_in(connection, key, 1_000 * thread + 10 * number + extra, NOW)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(raising, range(threads)))
    assert len(new_lines(desk)) == LINES
    assert desk.ask("SELECT count(*) AS n FROM flood") == [{"n": LINES - OWN_LINES}]
    assert sum(line.get("total") or 1 for line in desk.lines()) == len(desk.ask("SELECT id FROM alarm")) == 392


def test_the_flood_ends_when_few_are_raised(desk) -> None:
    storm(desk, [("zone", NOW)] * 20)
    group = desk.ask("SELECT id, rule_id, started_at, ended_at FROM flood")
    assert [(row["started_at"], row["ended_at"]) for row in group] == [(NOW, None)]
    for minute in range(4, 24, 4):  # two or three in ten minutes
        desk.raised("zone", minute, minute)
    with desk.owner.begin() as connection:
        assert flood.running(connection) == []
    members = desk.ask(
        "SELECT raised_at, flood_id FROM alarm WHERE object_key IN ('4', '8', '12', '16', '20') ORDER BY 1"
    )
    assert [row["flood_id"] is not None for row in members] == [True, True, False, False, False]
    assert desk.ask("SELECT ended_at FROM flood") == [{"ended_at": at(12)}]


def test_the_flood_goes_on_while_five_are_raised_in_ten_minutes(desk) -> None:
    storm(desk, [("zone", NOW)] * 20)
    for number in range(30):
        desk.raised("zone", number, 1 + 1.9 * number)
    assert desk.ask("SELECT count(*) AS n, bool_and(ended_at IS NULL) AS on FROM flood") == [{"n": 1, "on": True}]
    with desk.owner.begin() as connection:
        assert flood.end_over(connection, at(57)) == 0
        assert flood.end_over(connection, at(61)) == 1
        assert flood.end_over(connection, at(62)) == 0
    assert ENDS_BELOW == 5


def test_what_is_only_known_late_is_new_now(desk) -> None:
    """A rule of silence that has just been switched on, a provider that sends what it had kept for a week."""
    with desk.owner.begin() as connection, flood.gathered(connection, NOW):
        for number in range(300):
            desk.raise_in(connection, "lost", number, NOW, NOW - timedelta(hours=number / 2))
    assert len(new_lines(desk)) == OWN_LINES + 1
    assert len(desk.lines()) == OWN_LINES + 1


def test_what_is_suppressed_shelved_or_over_takes_no_line(desk) -> None:
    parent = desk.raised("source", 0)
    for number in range(100):
        desk.raised("lost", number, parent_id=parent)
    for number in range(100, 200):
        desk.raised("passing", number, cleared_at=at(0))
    assert len(new_lines(desk)) == 1
    assert [(line["id"], line["children"]) for line in desk.lines()] == [(parent, 100)]
    with desk.owner.begin() as connection:
        assert flood.running(connection) == []


def test_what_comes_back_to_the_desk_is_counted_as_new(desk) -> None:
    """A source is back and a hundred of its objects are not; a dozen shelves end in one minute."""
    parent = desk.raised("source", 0)
    for number in range(100):
        desk.raised("lost", number, parent_id=parent)
    desk.cleared("lost", 5, 20)
    with desk.owner.begin() as connection:
        assert alarm.release(connection, parent, at(30)) == 99
    assert len([moment for moment in new_lines(desk) if moment == at(30)]) == OWN_LINES + 1
    assert sum(line.get("total") or 1 for line in desk.lines(30)) == 100
    put = [desk.raised("zone", number, 60) for number in range(12)]
    with desk.web() as connection:
        for number in put:
            shelf.shelve(connection, number, "30m", LAN, "neo tránh gió", at(61))
    assert not any(line["rule"] == "zone" for line in desk.lines(62))
    with desk.owner.begin() as connection, flood.gathered(connection, at(91)):
        assert shelf.expire(connection, at(91)) == 12
    found = [line for line in desk.lines(91) if line["rule"] == "zone"]
    assert sum(line.get("total") or 1 for line in found) == 12
    assert most_within(new_lines(desk)) <= LINES


def test_beyond_what_a_person_can_answer_in_a_day_what_is_not_urgent_is_grouped_by_rule(desk) -> None:
    for number in range(DAY_LINES + 20):
        desk.raised("zone", number, 8 * number)
        desk.cleared("zone", number, 8 * number + 1)
    minutes = 8 * (DAY_LINES + 19)
    assert minutes < 24 * 60
    assert len(new_lines(desk)) == DAY_LINES + 1
    assert desk.ask("SELECT kind FROM flood") == [{"kind": "day"}]
    grave = desk.raised("grave", 1, minutes + 1)
    assert desk.ask("SELECT flood_id FROM alarm WHERE id = :id", id=grave) == [{"flood_id": None}]
    low = desk.raised("near", 2, minutes + 2)
    assert desk.ask("SELECT flood_id IS NOT NULL AS grouped FROM alarm WHERE id = :id", id=low) == [{"grouped": True}]
    # Half a day later yesterday's lines are used up no more.
    with desk.owner.begin() as connection:
        assert flood.end_over(connection, at(minutes + 20 * 60)) == 0
        assert flood.end_over(connection, at(minutes + 24 * 60 + 3)) == 2
    after = desk.raised("zone", 9_999, minutes + 24 * 60 + 4)
    assert desk.ask("SELECT flood_id FROM alarm WHERE id = :id", id=after) == [{"flood_id": None}]


def test_an_urgent_one_is_not_put_to_the_group_of_a_day(desk) -> None:
    told(desk.database.owner, "INSERT INTO flood (rule_id, kind, started_at) SELECT id, 'day', :at FROM rule "
                              "WHERE key IN ('near', 'line_0')", at=NOW)  # fmt: skip
    far, near = desk.raised("near", 1, value=3.0), desk.raised("line_0", 1)
    rows = desk.ask("SELECT id FROM alarm WHERE flood_id IS NOT NULL")
    assert (rows, near in [row["id"] for row in rows]) == ([{"id": far}], False)


def test_lines_are_given_at_the_end_of_what_is_gathered_and_the_lock_is_taken_then(desk) -> None:
    def free() -> bool:
        with connected(desk.database.ingest) as engine, engine.begin() as connection:
            lock = sa.text("SELECT pg_try_advisory_xact_lock(hashtext(:lock))")
            return bool(connection.scalar(lock, {"lock": flood.LOCK}))

    with desk.owner.begin() as connection:
        with flood.gathered(connection, NOW):
            desk.raise_in(connection, "zone", 1, NOW)
            refused = connection.begin_nested()
            desk.raise_in(connection, "zone", 2, NOW)
            refused.rollback()
            assert free()
        assert not free()
    assert free()
    assert desk.ask("SELECT object_key, listed_at FROM alarm") == [{"object_key": "1", "listed_at": NOW}]


def test_what_fails_while_it_is_gathered_leaves_the_connection_as_it_was(desk) -> None:
    with desk.owner.connect() as connection:
        with pytest.raises(AssertionError), connection.begin(), flood.gathered(connection, NOW):
            assert desk.raise_in(connection, "zone", 1, NOW) is None
        with connection.begin():
            desk.raise_in(connection, "zone", 1, NOW)
    assert len(new_lines(desk)) == 1


def test_a_day_that_was_put_in_at_once_is_nobodys_flood(desk) -> None:
    with desk.owner.begin() as connection, flood.gathered(connection, NOW):
        for number in range(100):
            desk.raise_in(connection, "zone", number, NOW, NOW - timedelta(minutes=14 * number))
    assert len(desk.lines()) == OWN_LINES + 1
    with desk.owner.begin() as connection:
        flood.as_of_its_day(connection)
    lines = desk.lines()
    assert len(lines) == 100
    assert all(line["flood"] is None for line in lines)
    assert desk.ask("SELECT count(*) AS n FROM alarm WHERE listed_at = raised_at") == [{"n": 100}]
    desk.raised("grave", 1)
    assert desk.ask("SELECT count(*) AS n FROM flood") == [{"n": 0}]


def test_promise_24_a_thousand_raises_in_one_transaction_hold_up_nobody_for_long(desk) -> None:
    began = time.process_time()
    storm(desk, [(f"line_{n % 4}", NOW) for n in range(1_000)], at_once=1_000)
    assert time.process_time() - began < 5  # a second here, of which the database takes as much again


@pytest.mark.parametrize("seed", [25])
def test_fact_25_a_thousand_late_signals_in_a_day_are_at_most_150_annunciations(desk, seed: int) -> None:
    """Boats that fall silent all day long, some of them a provider's dozens within minutes; half come back in hours."""
    order = random.Random(seed)
    moments = [order.uniform(0, 24 * 60) for _ in range(700)]
    for begin in (order.uniform(0, 24 * 60) for _ in range(6)):
        moments += [min(begin + order.uniform(0, 15), 24 * 60 - 0.1) for _ in range(50)]
    ends = [(minutes + order.uniform(30, 600), "back", boat) for boat, minutes in enumerate(moments) if boat % 2]
    late = [(minutes, "late", boat) for boat, minutes in enumerate(moments)]
    ticks = [(float(minute), "tick", 0) for minute in range(24 * 60)]
    assert len(late) == 1_000
    for minutes, what, boat in sorted(late + [each for each in ends if each[0] < 24 * 60] + ticks):
        with desk.owner.begin() as connection, flood.gathered(connection, at(minutes)):
            if what == "tick":
                flood.end_over(connection, at(minutes))
            elif what == "late":
                desk.raise_in(connection, "lost", 10_000 + boat, at(minutes), at(minutes - 360))
            else:
                alarm.clear_alarm(connection, desk.rules["lost"], str(10_000 + boat), at(minutes), at(minutes))
    found = new_lines(desk)
    assert most_within(found) <= LINES
    assert most_within(found, timedelta(hours=24)) <= 150
    assert len(found) > 100  # and it is not by hiding everything that they are few
    # Each is in the journal once, and on a line of its own or in a group.
    assert desk.ask("SELECT count(DISTINCT alarm_id) AS n FROM alarm_journal WHERE transition = 'raise'") == [
        {"n": 1_000}
    ]
    assert desk.ask("SELECT count(*) AS n FROM alarm WHERE listed_at IS NULL AND flood_id IS NULL") == [{"n": 0}]
