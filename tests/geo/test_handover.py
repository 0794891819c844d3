import json
import random
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from geo import handover
from geo.actor import Actor
from geo.handover import Refused, content, digest, draft, find, give, handovers, joined, one, take
from geo.shift import parse
from tests.connections import connected, told
from tests.watch import BE, LAN, MINH, SHIFT, Watch, afternoon, local

AFTER = local("23:00")
STANDING = ("unacknowledged", "returned", "acknowledged", "shelved", "suppressed")
COUNTS = ("carried", "opened", "closed", "withdrawn", *STANDING)


@pytest.fixture
def watch(database):
    with connected(database.owner) as engine:
        yield Watch(engine).prepare()


def said(watch: Watch, now: datetime = AFTER, shift=SHIFT) -> dict:
    with watch.engine.connect() as connection:
        return content(connection, shift, now)


def standing(value: dict) -> dict[str, int]:
    sums = {name: sum(row[name] for row in value["counts"].values()) for name in STANDING}
    return {name: count for name, count in sums.items() if count}


def numbers(value: dict, section: str) -> list[int]:
    return [item["id"] for item in value[section]["items"]]


def test_promise_02_a_shift_says_what_stood_came_and_went(watch: Watch) -> None:
    made = afternoon(watch)
    value = said(watch)
    counts = {severity: tuple(row[name] for name in COUNTS) for severity, row in value["counts"].items()}
    assert counts == {
        #          carried opened closed withdrawn | unacknowledged returned acknowledged shelved suppressed
        "critical": (0, 1, 0, 0, 1, 0, 0, 0, 0),  # cry
        "high": (1, 3, 0, 0, 2, 1, 1, 0, 0),  # old | back, known, given back
        "medium": (0, 3, 1, 0, 1, 0, 0, 0, 1),  # late, child, and the feed's, which closed
        "low": (1, 4, 2, 1, 1, 0, 0, 1, 0),  # leaving | first, wrong, aside, passing
    }
    assert numbers(value, "open") == [made[n] for n in ("cry", "given back", "old", "late", "first", "back", "known")]
    assert value["open"]["count"] == 7
    assert sorted(numbers(value, "opened")) == sorted(
        made[n]
        for n in ("first", "late", "back", "known", "wrong", "aside", "given back", "child", "passing", "cry", "feed")
    )
    assert sorted(numbers(value, "closed")) == sorted(made[n] for n in ("leaving", "passing", "feed"))
    assert numbers(value, "withdrawn") == [made["wrong"]]
    assert numbers(value, "suppressed") == [made["child"]]
    assert numbers(value, "escalated") == [made["late"]]
    assert numbers(value, "assigned") == [made["known"]]
    assert value["simulated"] is False
    assert (value["from"], value["as_of"]) == (SHIFT.starts_at.isoformat(), SHIFT.ends_at.isoformat())


def test_each_row_says_who_did_what_and_why(watch: Watch) -> None:
    made = afternoon(watch)
    value = said(watch)
    rows = {item["id"]: item for item in value["open"]["items"]}
    known = rows[made["known"]]
    assert (known["state"], known["actor"], known["comment"]) == ("acknowledged", "Minh", "đã gọi chủ tàu")
    assert (known["unit_vi"], known["person"]) == ("Chi cục Thủy sản", "Trần Văn Bé")
    assert (known["rule_vi"], known["fence_en"], known["object_label"]) == (
        "Sai vùng: tàu từ 15 m", "No-fishing area", "TTH-00006-TS",
    )  # fmt: skip
    assert known["at"] == local("16:10").isoformat()
    assert rows[made["old"]]["actor"] is None  # it was acknowledged after the shift
    (wrong,) = value["withdrawn"]["items"]
    assert (wrong["actor"], wrong["comment"], wrong["state"]) == ("Lan", "vị trí sai", "withdrawn")
    (late,) = value["escalated"]["items"]
    assert (late["actor"], late["level"], late["comment"]) == ("Minh", "1", "chưa liên lạc được")
    assert (late["raised_at"], late["opened_at"]) == (local("13:50").isoformat(), local("14:20").isoformat())
    (child,) = value["suppressed"]["items"]
    assert (child["parent_id"], child["state"]) == (made["known"], "suppressed")
    shelves = [(row["object_key"], row["reason"], row["actor"], row["stands"]) for row in value["shelved"]["items"]]
    assert shelves == [("574000008", "đang kiểm tra", "Lan", True), ("574000009", "tàu cứu hộ", "Lan", False)]
    assert value["shelved"]["items"][0]["until"] == local("00:05", "2026-11-26").isoformat()
    assert [(row["actor"], row["minutes"]) for row in value["mutes"]] == [("Lan", "5")]


def test_feeds_that_were_silent_are_told_with_their_spells(watch: Watch) -> None:
    afternoon(watch)
    assert said(watch)["feeds"] == [
        {"source": "ais.cape", "since": local("21:00").isoformat(), "until": None, "simulated": False},
        {
            "source": "ais.quay", "since": local("15:05").isoformat(), "until": local("15:40").isoformat(),
            "simulated": False,
        },
    ]  # fmt: skip
    morning = said(watch, shift=parse("2026-11-25.1"))
    assert morning["feeds"] == []  # nothing is said of a time before the first that was ever heard
    night = said(watch, shift=parse("2026-11-25.3"))
    assert [(row["source"], row["since"], row["until"]) for row in night["feeds"]] == [
        ("ais.cape", local("22:00").isoformat(), None),
        ("ais.quay", local("22:30").isoformat(), None),
    ]


def test_spells_that_touch_are_one() -> None:
    def spell(source: str, since: int, until: int | None) -> dict:
        return {"source": source, "since": since, "until": until, "simulated": since == 5}

    found = joined([spell("a", 1, 3), spell("b", 2, 9), spell("a", 3, 4), spell("a", 5, None), spell("a", 7, 8)])
    assert [(one["source"], one["since"], one["until"]) for one in found] == [("a", 1, 4), ("a", 5, None), ("b", 2, 9)]
    assert [one["simulated"] for one in found] == [False, True, False]


def test_the_next_shift_begins_with_what_this_one_left(watch: Watch) -> None:
    made = afternoon(watch)
    value = said(watch, shift=SHIFT.next)
    counts = value["counts"]
    assert sum(row["carried"] for row in counts.values()) == 9  # seven on the desk, one shelved, one suppressed
    assert (counts["low"]["opened"], counts["high"]["closed"]) == (1, 1)
    assert numbers(value, "closed") == [made["known"]]
    assert made["old"] in numbers(value, "open")
    assert next(i for i in value["open"]["items"] if i["id"] == made["old"])["state"] == "acknowledged"


def test_a_running_shift_says_how_it_is_now_and_one_to_come_says_nothing(watch: Watch) -> None:
    made = afternoon(watch)
    value = said(watch, local("16:07"))
    assert value["as_of"] == local("16:07").isoformat()
    assert set(numbers(value, "open")) == {made[n] for n in ("old", "first", "late", "back", "known")}
    assert next(i for i in value["open"]["items"] if i["id"] == made["known"])["state"] == "unacknowledged"
    with pytest.raises(Refused, match="has not begun"):
        said(watch, local("13:59"))


def test_a_nearer_step_undoes_an_acknowledgement_and_a_released_child_stands_again(watch: Watch) -> None:
    parent = watch.raised("14:10", boat="574000001")
    child = watch.raised("14:20", "near", "574000002")
    watch.acknowledged("14:25", child)
    watch.stepped("14:30", 6.0, boat="574000002")
    assert standing(said(watch, local("14:35"))) == {"unacknowledged": 2}
    watch.acknowledged("14:40", child, MINH)
    watch.suppressed("14:50", child, parent)
    assert standing(said(watch, local("14:45"))) == {"unacknowledged": 1, "acknowledged": 1}
    assert standing(said(watch, local("14:55"))) == {"unacknowledged": 1, "suppressed": 1}
    watch.released("15:00", parent)
    value = said(watch, local("15:05"))
    assert standing(value) == {"unacknowledged": 1, "acknowledged": 1}
    assert numbers(value, "suppressed") == [child]  # it was, for a time
    assert value["suppressed"]["items"][0]["state"] == "acknowledged"


def test_a_simulated_day_told_at_once_counts_at_its_own_times(watch: Watch) -> None:
    number = watch.raised("09:00", boat="574000001", told="14:30", cleared="09:30", simulated=True)
    watch.acknowledged("09:40", number)
    watch.raised("14:40", boat="574000002", simulated=True)
    value = said(watch)
    assert value["opened"]["count"] == 1
    assert value["closed"]["count"] == 0
    assert value["simulated"] is True
    morning = said(watch, shift=parse("2026-11-25.1"))
    assert (morning["opened"]["count"], morning["closed"]["count"]) == (1, 1)


def test_the_counts_balance_and_every_shift_begins_with_what_the_last_one_left(watch: Watch) -> None:
    """Whatever is done in whatever order: carried + opened - closed - withdrawn = what stands."""
    chance, boats = random.Random(7), [f"5740000{n:02d}" for n in range(40)]
    begin, standing = local("00:30"), {}
    for step in range(400):
        now = begin + timedelta(minutes=3 * step)
        boat = chance.choice(boats)
        if boat not in standing:
            key = chance.choice(["zone", "small", "caution", "lost"])
            late = timedelta(minutes=chance.choice([0, 0, 40]))
            standing[boat] = [watch.raised(now - late, key, boat, told=now), key, False, False]
            continue
        number, key, over, known = standing[boat]
        deed = chance.choice(["clear", "acknowledge", "withdraw", "shelve", "escalate"])
        if deed == "clear" and not over:
            watch.cleared(now, key, boat)
            standing[boat][2] = True
        elif deed == "acknowledge" and not known:
            watch.acknowledged(now, number)
            standing[boat][3] = True
        elif deed == "withdraw" and chance.random() < 0.3:
            watch.withdrawn(now, number)
            del standing[boat]
            continue
        elif deed == "shelve" and not (over and known) and not (over and key == "caution"):
            watch.shelved(now, number, "30m")
        if standing[boat][2] and (standing[boat][3] or key == "caution"):
            del standing[boat]
        watch.unshelved(now)
    left = 0
    shift, end = parse("2026-11-24.3"), begin + timedelta(minutes=3 * 400)
    while shift.starts_at < end:
        counts = said(watch, end, shift)["counts"].values()
        total = {name: sum(row[name] for row in counts) for name in COUNTS}
        stands = sum(total[name] for name in STANDING)
        assert total["carried"] + total["opened"] - total["closed"] - total["withdrawn"] == stands, shift.name
        assert total["carried"] == left, shift.name
        left, shift = stands, shift.next
    assert left == len(standing)
    assert left > 5


def test_a_long_section_names_the_gravest_and_counts_all(watch: Watch, monkeypatch) -> None:
    monkeypatch.setattr(handover, "LISTED", 3)
    for n in range(5):
        watch.raised(f"15:0{n}", "small", f"57400000{n}")
    grave = watch.raised("14:01", "cry", "970000001")
    value = said(watch)
    assert value["opened"]["count"] == 6
    assert numbers(value, "opened")[0] == grave
    assert len(numbers(value, "opened")) == 3
    assert sum(row["opened"] for row in value["rules"]) == 6
    assert (value["rules"][0]["rule_vi"], value["rules"][0]["opened"]) == ("Vào khu vực cấm", 5)


# ---- signatures ----------------------------------------------------------------------------------------------------


def given(
    watch: Watch, actor: Actor = LAN, note: str = "canh tàu TTH-00006", now: datetime = AFTER, shift=SHIFT
) -> dict:
    with watch.engine.begin() as connection:
        return give(connection, shift, note, actor, now)


def taken(watch: Watch, number: int, actor: Actor = MINH, now: datetime = AFTER) -> dict:
    with watch.engine.begin() as connection:
        return take(connection, number, actor, now)


def test_step_8_a_shift_is_given_frozen_and_taken(watch: Watch) -> None:
    afternoon(watch)
    with watch.engine.connect() as connection:
        before = draft(connection, SHIFT, AFTER)
        assert (before["given_at"], before["id"], before["content"]["open"]["count"]) == (None, None, 7)
    row = given(watch)
    assert (row["given_by"], row["given_at"], row["note"], row["taken_at"]) == (
        "Lan",
        AFTER,
        "canh tàu TTH-00006",
        None,
    )
    watch.acknowledged("23:10", int(row["content"]["open"]["items"][1]["id"]), BE)  # what comes after changes nothing
    done = taken(watch, row["id"])
    assert (done["taken_by"], done["content"]) == ("Minh", row["content"])
    assert digest(done["content"]) == digest(json.loads(json.dumps(before["content"])))
    with watch.engine.connect() as connection:
        assert find(connection, SHIFT) == done == one(connection, row["id"])
        (listed,) = handovers(connection, AFTER)
        assert (listed["given_by"], listed["taken_by"], listed["starts_at"]) == ("Lan", "Minh", SHIFT.starts_at)
        assert handovers(connection, SHIFT.starts_at) == []


@pytest.mark.parametrize("name", ["Lan", " lan ", "LAN", "Ｌａｎ"])
def test_who_gives_cannot_take(watch: Watch, name: str) -> None:
    number = given(watch)["id"]
    with pytest.raises(Refused, match="another person signs") as refused:
        taken(watch, number, Actor(name))
    assert refused.value.reason == "same"


def test_until_it_is_taken_the_giver_may_sign_anew_and_the_older_paper_is_void(watch: Watch) -> None:
    first = given(watch)["id"]
    with pytest.raises(Refused) as refused:
        given(watch, MINH)
    assert refused.value.reason == "given"
    watch.raised("21:00", boat="574000009")
    second = given(watch, note="sửa lại")
    assert (second["content"]["opened"]["count"], second["id"] > first) == (1, True)
    with pytest.raises(Refused) as refused:
        taken(watch, first)
    assert refused.value.reason == "replaced"
    taken(watch, second["id"])
    for again in (lambda: given(watch), lambda: taken(watch, second["id"], BE)):
        with pytest.raises(Refused) as refused:
            again()
        assert refused.value.reason == "taken"
    with pytest.raises(Refused) as refused:
        taken(watch, 999_999)
    assert refused.value.reason == "gone"


def test_what_happens_after_an_early_signature_is_the_next_shifts(watch: Watch) -> None:
    given(watch, now=local("21:30"))
    watch.raised("21:45", boat="574000001")
    watch.cleared("21:50", boat="574000001")
    value = said(watch, shift=SHIFT.next)
    assert value["from"] == local("21:30").isoformat()
    assert value["counts"]["high"]["opened"] == 1
    value = said(watch, shift=SHIFT.next.next, now=AFTER + timedelta(hours=12))
    assert (value["from"], value["counts"]["high"]["carried"]) == (SHIFT.next.ends_at.isoformat(), 1)


CHANGES = (
    "UPDATE handover SET content = '{}'",
    "UPDATE handover SET note = 'khác'",
    "UPDATE handover SET given_by = 'Bé'",
    "UPDATE handover SET given_at = now()",
    "UPDATE handover SET ends_at = now()",
    "DELETE FROM handover",
    "TRUNCATE handover",
)


@pytest.mark.parametrize("signed", ["given", "taken"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_database_itself_refuses_to_change_what_is_signed(watch: Watch, database, change: str, signed: str) -> None:
    number = given(watch)["id"]
    if signed == "taken":
        taken(watch, number)
    for role in (database.owner, database.web):
        with pytest.raises(sa.exc.ProgrammingError, match=r"is not changed|append-only|permission denied"):
            told(role, change)


def test_the_database_itself_refuses_a_second_taker_and_the_giver_as_taker(watch: Watch, database) -> None:
    number = given(watch)["id"]
    for name in ("Lan", " LAN"):
        with pytest.raises(sa.exc.ProgrammingError, match="cannot take it"):
            told(database.web, "UPDATE handover SET taken_by = :name, taken_at = now()", name=name)
    taken(watch, number)
    with pytest.raises(sa.exc.ProgrammingError, match="is not changed"):
        told(database.web, "UPDATE handover SET taken_by = 'Bé'")
    with pytest.raises(sa.exc.ProgrammingError, match="is not changed"):
        told(database.owner, "UPDATE handover SET taken_by = NULL, taken_at = NULL")


def test_of_two_who_give_at_once_one_is_first(watch: Watch) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    barrier = Barrier(2)

    def together(name: str) -> str:
        barrier.wait()
        try:
            return given(watch, Actor(name))["given_by"]
        except Refused as error:
            return error.reason

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(together, ["Lan", "Minh"]))
    assert answers in (["Lan", "given"], ["Minh", "given"])


def test_the_web_role_can_read_and_sign(watch: Watch, database) -> None:
    afternoon(watch)
    with connected(database.web) as engine, engine.begin() as connection:
        row = give(connection, SHIFT, "", LAN, AFTER)
        assert take(connection, row["id"], MINH, AFTER)["taken_by"] == "Minh"
        assert row["note"] is None


def test_times_are_kept_in_utc(watch: Watch) -> None:
    afternoon(watch)
    item = said(watch)["open"]["items"][0]
    assert datetime.fromisoformat(item["raised_at"]).tzinfo == UTC
