"""What people do with rules, against a real database: versions, two editors, faults with their field, lists."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from shapely import LineString, box

from access import fences as fencing
from access import rules as doing
from access.editing import Conflict, Missing
from access.site import Site
from geo.actor import SYSTEM, Actor
from geo.alarm import clear_alarm, raise_alarm
from geo.fence import Fence, fences, put_fences
from geo.fence_kind import Wrong
from geo.revision import mark
from geo.roster import Roster, roster_history
from geo.rule import Rule, rules, save_rule
from geo.rulebook import book, kept, rule_history
from layers import discover, seed
from tests.connections import connected

LAN, MINH = Actor("Lan"), Actor("Minh")
AREA = Fence("cam", "area", "Khu cấm", "Closed area", box(107.8, 16.7, 107.95, 16.8))
GATE = Fence("cong", "gate", "Cổng", "Gate", LineString([[107.6, 16.6], [107.7, 16.6]]))
RULE = Rule("lau", "inside", "vessel", "Ở lâu", "Stays long", "high", "cam", dwell_s=600)


@pytest.fixture
def site(database: Any, redis_server: str) -> Iterator[Site]:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
        put_fences(connection, [AREA, GATE], SYSTEM)
    with connected(database.web) as engine:
        yield Site(engine, redis_server, discover(), "Huế", "Huế", (16.6, 107.9, 10))


def now(site: Site, key: str = "lau") -> Rule:
    with site.engine.connect() as connection:
        found = kept(connection, key)
    assert found is not None
    return found


def test_a_rule_is_saved_changed_and_restored_as_versions(site: Site) -> None:
    assert doing.save(site, RULE, None, LAN, "mới").version == 1
    done = doing.save(site, replace(RULE, dwell_s=900, severity="critical"), 1, MINH, "chặt hơn")
    assert (done.version, set(done.changed)) == (2, {"dwell_s", "severity"})
    assert doing.save(site, now(site), 2, MINH).changed == ()
    assert now(site).version == 2
    assert doing.restore(site, "lau", 1, 2, LAN).version == 3
    assert (now(site).dwell_s, now(site).severity) == (600, "high")
    with site.engine.connect() as connection:
        told = [(one.version, one.actor, one.comment, set(one.changed)) for one in rule_history(connection, "lau")]
    both = {"dwell_s", "severity"}
    assert told == [
        (3, "Lan", "khôi phục phiên bản 1", both), (2, "Minh", "chặt hơn", both), (1, "Lan", "mới", set()),
    ]  # fmt: skip
    with pytest.raises(Missing, match="no version 9"):
        doing.restore(site, "lau", 9, 3, LAN)


def test_of_two_who_begin_from_one_version_the_second_is_told_who_was_first(site: Site) -> None:
    doing.save(site, RULE, None, LAN)
    doing.switch(site, "lau", False, 1, MINH, "ồn quá")
    for late in (
        lambda: doing.save(site, RULE, 1, LAN),
        lambda: doing.save(site, RULE, None, LAN),
        lambda: doing.switch(site, "lau", True, 1, LAN),
        lambda: doing.restore(site, "lau", 1, 1, LAN),
    ):
        with pytest.raises(Conflict) as told:
            late()
        assert (told.value.version, told.value.actor) == (2, "Minh")
        assert told.value.at is not None
        assert abs(datetime.now(UTC) - told.value.at) < timedelta(minutes=1)
    assert (now(site).enabled, now(site).version) == (False, 2)
    with pytest.raises(Missing, match="'khong'"):
        doing.switch(site, "khong", True, 1, LAN)
    with pytest.raises(Missing):
        doing.save(site, replace(RULE, key="khong"), 3, LAN)


def test_a_rule_that_the_fence_editor_changed_is_a_conflict_too(site: Site) -> None:
    doing.save(site, RULE, None, LAN)
    with site.engine.connect() as connection:
        held = fencing.current(connection, "cam")
    assert held is not None
    changed = replace(held.watch, severity="medium")
    fencing.save(site, held.shown, changed, fencing.Base(held.fence.version), MINH)
    with pytest.raises(Conflict) as told:
        doing.save(site, RULE, 1, LAN)
    assert told.value.actor == "Minh"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"fence_key": "khong"}, "fence_key", "no fence 'khong'"),
        ({"fence_key": None}, "fence_key", "needs a fence"),
        ({"fence_key": "cong"}, "fence_key", "needs an area"),
        ({"kind": "crossing"}, "fence_key", "needs a line"),
        ({"kind": "crossing", "fence_key": "cong", "params": {"direction": "up"}}, "direction", "to_left"),
        ({"kind": "approach"}, "steps_nm", "nautical miles"),
        ({"kind": "approach", "params": {"steps_nm": [3, 6]}}, "steps_nm", "far to near"),
        ({"kind": "silence", "params": {"silence_s": 0}}, "silence_s", "seconds, 1 to"),
        ({"kind": "proximity", "params": {"distance_m": float("nan")}}, "distance_m", "metres"),
        ({"kind": "threshold", "params": {"column": "speed", "above": float("inf")}}, "above", "a number"),
        ({"kind": "threshold", "params": {"column": "speed"}}, "params", "either above or below"),
        ({"kind": "threshold", "params": {"column": "khong", "above": 1}}, "column", "'khong'"),
        ({"params": {"steps_nm": [3]}}, "params", "knows no 'steps_nm'"),
        ({"dwell_s": -1}, "dwell_s", "dwell_s"),
        ({"off_delay_s": float("nan")}, "off_delay_s", "off_delay_s"),
        ({"escalate_s": 5}, "escalate_s", "10 to"),
        ({"applies_to": {"length_m": [1]}}, "applies_to", "length_m"),
        ({"applies_to": {"mau": [1, 2]}}, "applies_to", "'mau'"),
        ({"applies_to": {"include": ["@khong"]}}, "applies_to", "'@khong'"),
        ({"qualifies": {"speed": "fast"}}, "qualifies", "speed"),
        ({"schedule": [{"days": [8], "from": "06:00", "to": "18:00"}]}, "schedule", "Monday"),
        ({"layer": "tram"}, "layer", "'tram'"),
        ({"name_vi": "  "}, "name_vi", "name"),
        ({"name_vi": "x\0"}, "name_vi", "cannot be kept"),
        ({"key": "Á b"}, "key", "a-z"),
        ({"key": "lab"}, "key", "a-z"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_field_and_nothing_is_kept(
    site: Site, change: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(Wrong) as told:
        doing.save(site, replace(RULE, **change), None, LAN)
    assert told.value.field == field
    assert words in told.value.en
    with site.engine.connect() as connection:
        assert kept(connection, str(change.get("key", "lau"))) is None


def test_a_rule_keeps_its_kind(site: Site) -> None:
    doing.save(site, RULE, None, LAN)
    with pytest.raises(Wrong) as told:
        doing.save(site, replace(RULE, kind="enter"), 1, LAN)
    assert told.value.field == "kind"


def test_a_version_whose_fence_was_retired_since_is_not_restored(site: Site) -> None:
    doing.save(site, RULE, None, LAN)
    doing.save(site, replace(RULE, kind="inside", severity="low"), 1, LAN)
    fencing.retire(site, "cam", fencing.Base(1), LAN, "hết mùa")
    with pytest.raises(Wrong) as told:
        doing.restore(site, "lau", 1, 2, LAN)
    assert told.value.field == "fence_key"
    assert doing.switch(site, "lau", False, 2, LAN).version == 3


def test_the_book_counts_what_each_rule_raised(site: Site, database: Any) -> None:
    doing.save(site, RULE, None, LAN)
    at = datetime.now(UTC)
    with connected(database.owner) as owner, owner.begin() as connection:
        rule = next(one for one in rules(connection) if one.key == "lau")
        fence = next(one.id for one in fences(connection) if one.key == "cam")
        for number, raised in enumerate((at - timedelta(days=40), at - timedelta(days=3), at)):
            subject = {"object_key": str(number), "object_label": "x", "lon": 107.9, "lat": 16.7, "observed_at": raised}
            raise_alarm(connection, rule, fence, {**subject, "simulated": False, "evidence": {}}, raised, raised)
        clear_alarm(connection, rule, "1", at, at)
    with site.engine.connect() as connection:
        entry = book(connection, at + timedelta(seconds=1), "lau")[0]
        everything = book(connection, at)
    assert (entry.raised, entry.open, entry.updated_by, entry.fence_vi) == (2, 2, "Lan", "Khu cấm")
    assert {"distress", "vessel_feed", "lau"} <= {one.rule.key for one in everything}
    assert next(one for one in everything if one.rule.key == "distress").raised == 0


def test_a_list_by_name_is_put_and_marks_the_rules_as_changed(site: Site) -> None:
    roster = Roster("nha", "vessel", "Tàu nhà", "Own boats", ("574000001", "574000001", "574000002"))
    with site.engine.connect() as connection:
        before = mark(connection)
    doing.save_roster(site, roster, LAN)
    done = doing.save(site, replace(RULE, applies_to={"exclude": ["@nha"]}), None, LAN)
    assert done.version == 1
    with site.engine.connect() as connection:
        assert mark(connection) != before
        rule = next(one for one in rules(connection) if one.key == "lau")
        who = connection.scalar(sa.text("SELECT updated_by FROM roster WHERE key = 'nha'"))
    assert list(rule.applies_to["exclude"]) == ["574000001", "574000002"]
    assert who == "Lan"
    with pytest.raises(Wrong) as told:
        doing.save_roster(site, replace(roster, members=("",)), LAN)
    assert told.value.field == "members"


def test_a_list_by_name_has_versions_and_of_two_editors_the_second_is_told(site: Site) -> None:
    roster = Roster("nha", "vessel", "Tàu nhà", "Own boats", ("574000001", "574000002"))
    assert doing.save_roster(site, roster, LAN, "mới", 0)[0] == 1
    assert doing.save_roster(site, roster, LAN, None, 1)[0] == 1  # as it was: no version more
    later = replace(roster, members=("574000002", "574000003"))
    assert doing.save_roster(site, later, MINH, "đổi tàu", 1)[0] == 2
    for base in (0, 1):
        with pytest.raises(Conflict) as told:
            doing.save_roster(site, roster, LAN, None, base)
        assert (told.value.version, told.value.actor) == (2, "Minh")
    assert doing.save_roster(site, roster, LAN)[0] == 3  # another program, which says of none that it began from it
    with site.engine.connect() as connection:
        told = [(one.version, one.actor, one.comment, one.came, one.went) for one in roster_history(connection, "nha")]
    assert told == [
        (3, "Lan", None, ("574000001",), ("574000003",)),
        (2, "Minh", "đổi tàu", ("574000003",), ("574000001",)),
        (1, "Lan", "mới", ("574000001", "574000002"), ()),
    ]


@pytest.mark.parametrize("key", ["distress", "distress_test"])
def test_a_distress_rule_cannot_be_silenced_by_any_door(site: Site, key: str) -> None:
    rule = now(site, key)
    hours = [{"days": [1], "from": "06:00", "to": "18:00"}]
    silenced: tuple[tuple[str, dict[str, Any]], ...] = (
        ("enabled", {"enabled": False}), ("schedule", {"schedule": hours}), ("fence_key", {"fence_key": "cam"}),
    )  # fmt: skip
    for field, change in silenced:
        for told in (replace(rule, **change), replace(rule, key=f"moi_{field}", **change)):
            with pytest.raises(Wrong) as refused:
                doing.save(site, told, rule.version if told.key == key else None, LAN)
            assert refused.value.field == field
    with pytest.raises(Wrong) as refused:
        doing.switch(site, key, False, rule.version, LAN)
    assert (refused.value.field, refused.value.vi) == ("enabled", "Quy tắc cấp cứu không tắt được")
    assert now(site, key) == rule
    # A version that was off, kept by an earlier program, is not brought back either.
    with site.engine.begin() as connection:
        save_rule(connection, replace(rule, enabled=False), MINH, datetime.now(UTC))
        save_rule(connection, rule, MINH, datetime.now(UTC))
    with pytest.raises(Wrong) as refused:
        doing.restore(site, key, rule.version + 1, rule.version + 2, LAN)
    assert refused.value.field == "enabled"
    assert doing.save(site, replace(now(site, key), escalate_s=60), rule.version + 2, LAN).changed == ("escalate_s",)
