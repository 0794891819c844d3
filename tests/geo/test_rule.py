import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from shapely.geometry import box

from geo import revision
from geo.actor import SYSTEM, Actor
from geo.fence import Fence, as_json, fences, put_fences, save_fence
from geo.rule import KINDS, NEEDS_FENCE, Rule, checked, put_rules, rules, save_rule, stored_rules
from tests.connections import connected, told

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
LAN = Actor("Lan")
PARAMS = {
    "approach": {"steps_nm": [3]},
    "threshold": {"column": "speed", "above": 10},
    "silence": {"silence_s": 60},
    "proximity": {"distance_m": 500},
}


def made(kind: str = "inside", **changes: object) -> Rule:
    given = {"key": "r", "kind": kind, "layer": "vessel", "name_vi": "Luật", "name_en": "Rule", "severity": "high"}
    given |= {"fence_key": "f" if kind in NEEDS_FENCE else None, "params": PARAMS.get(kind, {})}
    return Rule(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"kind": "sideways"}, {"severity": "dreadful"}])
def test_a_rule_that_nobody_knows_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(change.values()))):
        made(**change)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_of_each_kind_that_makes_sense_is_let_through(kind: str) -> None:
    assert checked(made(kind)) == made(kind)
    assert made(kind).is_event == (kind in ("enter", "exit", "crossing"))


INF, NAN = float("inf"), float("nan")
WRONG = [
    (made(key=" "), "a rule needs a key and a Vietnamese name"),
    (made(name_vi=""), "a rule needs a key and a Vietnamese name"),
    *[(made(kind, fence_key=None), f"rule r: {kind} needs a fence") for kind in NEEDS_FENCE],
    (made(dwell_s=-1), "dwell_s is 0 to 2678400 seconds"),
    (made(dwell_s=INF), "dwell_s is 0 to"),
    (made(dwell_s=NAN), "dwell_s is 0 to"),
    (made(off_delay_s=1e9), "off_delay_s is 0 to"),
    (made(escalate_s=5), "escalate_s is 10 to 31622400 seconds, or none"),
    (made(escalate_s=INF), "escalate_s is 10 to"),
    (made(escalate_s=NAN), "escalate_s is 10 to"),
    (made(params={"steps_nm": [3]}), "inside knows no 'steps_nm'; it knows none"),
    (made("crossing", params={"way": "left"}), "crossing knows no 'way'; it knows direction"),
    (made("crossing", params={"direction": "up"}), "direction is one of both, to_left, to_right, not 'up'"),
    (made("approach", params={}), "approach needs steps_nm: distances in nautical miles"),
    *[(made("approach", params={"steps_nm": steps}), "steps_nm is distances in nautical miles, from far to near")
      for steps in ([], [3, 6], [6, 6], [0], [-3], ["6"], [True], [INF], [201], "15", {"15": 1})],
    (made("threshold", params={"column": "speed"}), "a threshold is either above or below a number"),
    (made("threshold", params={"column": "speed", "above": 1, "below": 2}), "either above or below"),
    (made("threshold", params={"column": "a b", "above": 1}), "column is the name of a column, not 'a b'"),
    (made("threshold", params={"above": 1}), "threshold needs column"),
    (made("threshold", params={"column": "speed", "above": INF}), "above is a number, not inf"),
    (made("threshold", params={"column": "speed", "above": NAN}), "above is a number, not nan"),
    (made("threshold", params={"column": "speed", "below": True}), "below is a number, not True"),
    (made("threshold", params={"column": "speed", "below": 1, "deadband": -1}), "deadband is a number from 0 on"),
    (made("silence", params={}), "silence needs silence_s: seconds, 1 to 31622400"),
    (made("silence", params={"silence_s": 0}), "silence_s is seconds"),
    (made("silence", params={"silence_s": INF}), "silence_s is seconds"),
    (made("silence", params={"silence_s": 60, "horizon_s": 1e12}), "horizon_s is seconds"),
    (made("proximity", params={"distance_m": 0}), "distance_m is metres, 1 to 100,000"),
    (made("proximity", params={"distance_m": 500, "hysteresis_m": -1}), "hysteresis_m is metres from 0 on"),
    (made("feed", params={"factor": 0}), "factor is how many expected intervals"),
    (made(applies_to={"speed": 4}), r"rule r, applies_to, speed: 4 is not \[low, high\)"),
    (made(qualifies={"gear": {"like": ["x"]}}), "rule r, qualifies, gear"),
    (made(schedule=({"days": [9]},)), "schedule, span 1"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "words"), WRONG, ids=[f"{item.kind}: {words[:40]}" for item, words in WRONG])
def test_a_rule_that_makes_no_sense_is_refused_with_what_and_how(item: Rule, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        checked(item)


@pytest.fixture
def owner(database) -> Iterator[sa.Engine]:
    with connected(database.owner) as engine:
        yield engine


def test_rules_are_read_as_they_were_put_and_unknown_ones_are_left_out(owner) -> None:
    one = made("distress", key="slow", severity="low", dwell_s=5.0, applies_to={"mmsi": [1, None]},
               qualifies={"speed": [None, 4]}, response_vi="Gọi", escalate_s=60)  # fmt: skip
    with owner.begin() as connection:
        assert put_rules(connection, [one], LAN) == 1
        assert put_rules(connection, [replace(one, name_vi="Khác")], LAN) == 0
        connection.execute(
            sa.text(
                "INSERT INTO rule (key, kind, layer, name_vi, name_en, severity, updated_at, updated_by) "
                "VALUES ('new', 'of_a_later_version', 'vessel', '', '', 'low', now(), 'x')"
            )
        )
        (found,) = rules(connection)
    assert replace(found, id=0, schedule=()) == one
    assert found.id > 0


def test_each_save_is_a_version_with_who_when_and_why(owner, database) -> None:
    first = made("silence", key="lost")
    with connected(database.web) as web:
        with web.begin() as connection:
            assert save_rule(connection, first, LAN, NOW, "bắt đầu") == 1
        with web.begin() as connection:
            assert save_rule(connection, replace(first, severity="low", version=1), Actor("Minh"), NOW) == 2
        with web.begin() as connection, pytest.raises(ValueError, match="silence needs silence_s"):
            save_rule(connection, replace(first, params={}), LAN, NOW)
    with owner.begin() as connection:
        (now,) = rules(connection)
        kept = revision.versions(connection, "rule", "lost")
        then = revision.as_of(connection, "rule", NOW)
    assert (now.version, now.severity) == (2, "low")
    assert [(row["version"], row["actor"], row["comment"]) for row in kept] == [
        (2, "Minh", None),
        (1, "Lan", "bắt đầu"),
    ]
    assert [row["value"]["severity"] for row in kept] == ["low", "high"]
    assert [row["version"] for row in then] == [2]


@pytest.mark.parametrize("new", [True, False])
def test_two_who_save_at_once_make_two_versions(owner, database, new: bool) -> None:
    item, barrier, made_versions, errors = made("silence"), threading.Barrier(4), [], []
    area = Fence("f", "area", "Khu", "Area", box(107, 16, 108, 17))
    with owner.begin() as connection:
        if not new:
            save_rule(connection, item, LAN, NOW)
            save_fence(connection, area, LAN, NOW)

    def save(number: int) -> None:
        with connected(database.web) as engine:
            barrier.wait()
            try:
                with engine.begin() as connection:
                    made_versions.append(("rule", save_rule(connection, item, Actor(f"n{number}"), NOW)))
                    made_versions.append(("fence", save_fence(connection, area, Actor(f"n{number}"), NOW)))
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    first = 1 if new else 2
    for kind in ("rule", "fence"):
        assert sorted(version for name, version in made_versions if name == kind) == list(range(first, first + 4))


def test_a_fence_stands_in_its_rules_and_not_in_what_is_stored_of_them(owner) -> None:
    area = Fence("f", "area", "Khu", "Area", box(107, 16, 108, 17), dwell_s=600, hysteresis_m=500,
                 applies_to={"length_m": [15, None], "exclude": ["@known"]})  # fmt: skip
    longer = made(key="longer", dwell_s=900, applies_to={"ship_type": [30, 31], "exclude": ["7"]})
    with owner.begin() as connection:
        put_fences(connection, [area], SYSTEM)
        put_rules(connection, [made(), longer, made("proximity", key="pair")], SYSTEM)
        connection.execute(
            sa.text(
                "INSERT INTO roster (key, layer, name_vi, name_en, members, updated_at, updated_by) "
                "VALUES ('known', 'vessel', '', '', '[\"5\", \"6\"]', now(), 'x')"
            )
        )
        found = {one.key: one for one in rules(connection)}
        stored = {one.key: one for one in stored_rules(connection)}
    assert (found["r"].dwell_s, found["longer"].dwell_s, found["r"].hysteresis_m) == (600, 900, 500)
    assert found["r"].applies_to == {"length_m": [15, None], "exclude": ["5", "6"]}
    assert found["longer"].applies_to == {
        "length_m": [15, None], "ship_type": [30, 31], "exclude": ["5", "6", "7"],
    }  # fmt: skip
    assert found["pair"].hysteresis_m == 0
    assert (stored["r"].dwell_s, stored["r"].applies_to, stored["r"].hysteresis_m) == (0, {}, 0)


def test_what_is_switched_off_or_about_a_retired_fence_is_not_in_force(owner, database) -> None:
    area = Fence("f", "area", "Khu", "Area", box(107, 16, 108, 17))
    with owner.begin() as connection:
        put_fences(connection, [area], SYSTEM)
        put_rules(connection, [made(), made(key="off", enabled=False), made("silence", key="lost")], SYSTEM)
    told(database.owner, "UPDATE fence SET retired_at = now()")
    with owner.begin() as connection:
        assert [one.key for one in rules(connection)] == ["lost"]
        assert [one.key for one in rules(connection, every=True)] == ["r", "off", "lost"]
        assert fences(connection) == []
        assert [one.key for one in fences(connection, every=True)] == ["f"]


def test_the_mark_differs_with_every_change(owner, database) -> None:
    area = Fence("f", "area", "Khu", "Area", box(107, 16, 108, 17))
    seen = []

    def look() -> None:
        with owner.begin() as connection:
            seen.append(revision.mark(connection))

    look()
    for change in (
        lambda on: put_fences(on, [area], SYSTEM),
        lambda on: put_rules(on, [made()], SYSTEM),
        lambda on: save_fence(on, area, LAN, NOW),
        lambda on: save_rule(on, made(), LAN, NOW),
        lambda on: on.execute(sa.text("INSERT INTO roster (key, layer, name_vi, name_en, updated_at, updated_by) "
                                      "VALUES ('a', 'vessel', '', '', now(), 'x')")),
        lambda on: on.execute(sa.text("DELETE FROM roster")),
    ):  # fmt: skip
        with owner.begin() as connection:
            change(connection)
        look()
    look()
    assert len(set(seen)) == 6  # the list that came and went leaves no trace
    assert seen[-1] == seen[-2]


def test_a_fences_version_is_json_with_its_geometry(owner) -> None:
    area = Fence("f", "area", "Khu", "Area", box(107, 16, 108, 17), valid_from=NOW, season=(("04-01", "06-30"),),
                 review_by=NOW.date())  # fmt: skip
    with owner.begin() as connection:
        assert save_fence(connection, area, LAN, NOW) == 1
        assert save_fence(connection, replace(area, retired_at=NOW), LAN, NOW, "hết hạn") == 2
        (last, first) = revision.versions(connection, "fence", "f")
        (back,) = fences(connection, ["f"], every=True)
    assert first["value"]["geom"]["type"] == "Polygon"
    assert first["value"]["valid_from"] == NOW.isoformat()
    assert first["value"]["review_by"] == "2026-11-21"
    assert (last["comment"], last["value"]["retired_at"]) == ("hết hạn", NOW.isoformat())
    assert as_json(area)["season"] in ([["04-01", "06-30"]], (("04-01", "06-30"),))
    assert (back.version, back.retired_at, [list(span) for span in back.season]) == (2, NOW, [["04-01", "06-30"]])
