"""Fences as people change them: versions, rules in the same transaction, two editors, retiring and restoring."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from shapely.geometry import LineString, Polygon, box

from access import fences as doing
from access.fences import Base, Conflict, Missing
from access.site import Site
from geo.actor import SYSTEM, Actor
from geo.alarm import raise_alarm
from geo.fence import Fence, fences, put_fences
from geo.fence_history import history
from geo.fence_kind import Wrong
from geo.revision import CHANNEL, mark
from geo.rule import Rule, put_rules, rules
from geo.watch import Held, Watch, held
from layers import discover, seed
from run.process import wait_for
from tests.connections import asked, connected

LAN, MINH = Actor("Lan"), Actor("Minh")
SQUARE = box(107.8, 16.7, 107.95, 16.8)
FENCE = Fence("cam", "area", "Khu cấm", "Closed area", SQUARE, hysteresis_m=50, buffer_m=926, dwell_s=60)
WATCH = Watch(frozenset({"inside", "approach"}), "high", 30.0, response_vi="Gọi chủ tàu")


@pytest.fixture
def site(database: Any, redis_server: str) -> Iterator[Site]:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    with connected(database.web) as engine:
        yield Site(engine, redis_server, discover(), "Huế", "Huế", (16.6, 107.9, 10))


def now(site: Site, key: str = "cam") -> Held:
    with site.engine.connect() as connection:
        found = doing.current(connection, key)
    assert found is not None
    return found


def saved(site: Site, fence: Fence = FENCE, watch: Watch | None = WATCH, base: Base | None = None) -> int:
    return doing.save(site, fence, watch, base or Base(), LAN, "vẽ mới").version


def test_a_new_fence_comes_with_its_rules(site: Site) -> None:
    done = doing.save(site, FENCE, WATCH, Base(), LAN, "vẽ mới")
    assert (done.version, done.rules) == (1, ("inside", "approach"))
    with site.engine.connect() as connection:
        inside, approach = [rule for rule in rules(connection) if rule.fence_key == "cam"]
    assert (inside.key, inside.kind, inside.severity, inside.dwell_s) == ("cam.inside", "inside", "high", 60.0)
    assert (inside.off_delay_s, inside.hysteresis_m, inside.response_vi) == (30.0, 50.0, "Gọi chủ tàu")
    assert (inside.name_vi, inside.name_en) == ("Ở trong vùng: Khu cấm", "Inside the area: Closed area")
    assert (approach.key, approach.severity, approach.steps_nm) == ("cam.approach", "medium", (0.5,))
    assert now(site).watch == WATCH


def test_nothing_changed_is_no_version(site: Site) -> None:
    saved(site)
    done = doing.save(site, replace(FENCE, season=()), WATCH, Base(1), MINH)
    assert (done.version, done.changed, done.rules) == (1, (), ())


def test_of_two_editors_the_second_is_told_who_was_first_and_loses_nothing(site: Site) -> None:
    saved(site)
    doing.save(site, replace(FENCE, name_vi="Khu cấm mới"), WATCH, Base(1), MINH, "đổi tên")
    with pytest.raises(Conflict, match="version 2 was saved by Minh") as caught:
        doing.save(site, replace(FENCE, buffer_m=500), WATCH, Base(1), LAN)
    assert (caught.value.version, caught.value.actor) == (2, "Minh")
    assert caught.value.at is not None
    assert abs(datetime.now(UTC) - caught.value.at) < timedelta(minutes=1)
    assert now(site).fence.name_vi == "Khu cấm mới"
    with pytest.raises(Conflict):
        doing.save(site, FENCE, WATCH, Base(), LAN)  # a new one under a key that is taken
    with pytest.raises(Missing):
        doing.save(site, replace(FENCE, key="khac"), WATCH, Base(3), LAN)


def test_two_who_save_at_the_very_same_time_are_one_version_and_one_refusal(site: Site) -> None:
    saved(site)
    ready, results = threading.Barrier(8), []

    def save(number: int) -> None:
        ready.wait()
        try:
            doing.save(site, replace(FENCE, dwell_s=100.0 + number), WATCH, Base(1), Actor(f"người {number}"))
            results.append("saved")
        except Conflict:
            results.append("told")

    threads = [threading.Thread(target=save, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["saved", *["told"] * 7]
    with site.engine.connect() as connection:
        assert [one.version for one in history(connection, "cam")] == [2, 1]


def test_a_rule_changed_elsewhere_meanwhile_is_not_written_over(site: Site, database: Any) -> None:
    saved(site)
    seen = now(site).rule_versions
    with site.engine.begin() as connection:
        rule = next(one for one in rules(connection) if one.key == "cam.inside")
        doing.save_rule(connection, replace(rule, qualifies={"speed": [None, 4]}), MINH, datetime.now(UTC))
    with pytest.raises(Conflict, match="Minh"):
        doing.save(site, replace(FENCE, note="x"), WATCH, Base(1, seen), LAN)
    doing.save(site, replace(FENCE, note="x"), replace(WATCH, severity="low"), Base(1, now(site).rule_versions), LAN)
    own = now(site).rules["inside"]
    assert (own.severity, own.qualifies) == ("low", {"speed": [None, 4]})


def test_what_is_not_watched_any_more_is_switched_off_and_stays(site: Site) -> None:
    saved(site)
    done = doing.save(site, replace(FENCE, buffer_m=0), replace(WATCH, kinds=frozenset({"exit"})), Base(1), LAN)
    assert done.rules == ("inside", "exit", "approach")
    kept = now(site).rules
    assert {kind: rule.enabled for kind, rule in kept.items()} == {"inside": False, "exit": True, "approach": False}


def test_a_rule_that_was_there_before_is_the_fence_s_own(site: Site, database: Any) -> None:
    with connected(database.owner) as owner, owner.begin() as connection:
        put_fences(connection, [Fence("cu", "area", "Khu cũ", "Old", SQUARE, simulated=True)], SYSTEM)
        old = Rule("cu", "inside", "vessel", "Vào khu cũ", "In", "critical", "cu", 90, {"ship_type": (30, 31)})
        put_rules(connection, [old, replace(old, key="cu2", severity="low")], SYSTEM)
    known = now(site, "cu")
    assert (known.watch.kinds, known.watch.severity, known.dwell_s) == ({"inside"}, "critical", 90)
    assert [rule.key for rule in known.others] == ["cu2"]
    fence = replace(known.shown, dwell_s=120)
    doing.save(site, fence, known.watch, Base(1), LAN)
    own = now(site, "cu").rules["inside"]
    assert (own.key, own.dwell_s, own.applies_to, own.name_vi) == ("cu", 120, {"ship_type": [30, 31]}, "Vào khu cũ")
    assert now(site, "cu").fence.simulated


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"key": "Khu"}, "key"),
        ({"key": "new"}, "key"),
        ({"kind": "kingdom"}, "kind"),
        ({"kind": "coast_line"}, "kind"),
        ({"name_vi": "  "}, "name_vi"),
        ({"name_vi": "x" * 121}, "name_vi"),
        ({"note": "\0"}, "note"),
        ({"hysteresis_m": -1.0}, "hysteresis_m"),
        ({"dwell_s": float("nan")}, "dwell_s"),
        ({"buffer_m": 5.0}, "buffer_m"),
        ({"valid_from": datetime(2026, 5, 1, tzinfo=UTC), "valid_to": datetime(2026, 4, 1, tzinfo=UTC)}, "valid_to"),
        ({"season": [["02-30", "03-01"]]}, "season"),
        ({"applies_to": {"length_m": [1]}}, "applies_to"),
        ({"geom": LineString([(107, 16), (108, 17)])}, "geom"),
        ({"geom": Polygon([(107, 16), (107.5, 16), (108, 16)])}, "geom"),
        ({"kind": "gate"}, "geom"),
    ],
)
def test_what_cannot_be_is_refused_by_field_and_nothing_is_kept(site: Site, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Wrong) as caught:
        doing.save(site, replace(FENCE, **change), WATCH, Base(), LAN)
    assert caught.value.field == field
    with site.engine.connect() as connection:
        reference = ("coast", "inshore", "zone", "port")
        assert [one for one in fences(connection, every=True) if not one.kind.startswith(reference)] == []


@pytest.mark.parametrize(
    ("kind", "geom", "watched", "field"),
    [
        ("boundary", LineString([(107, 16), (108, 17)]), {"crossing"}, "kinds"),
        ("boundary", LineString([(107, 16), (108, 17)]), {"inside"}, "kinds"),
        ("gate", LineString([(107, 16), (108, 17)]), {"approach"}, "kinds"),
        ("area", SQUARE, {"crossing"}, "kinds"),
        ("area", SQUARE, {"approach"}, "buffer_m"),
    ],
)
def test_a_fence_is_watched_only_as_its_kind_can_be(site: Site, kind: str, geom: Any, watched: set, field: str) -> None:
    fence = Fence("x", kind, "X", "X", geom)
    with pytest.raises(Wrong) as caught:
        doing.save(site, fence, Watch(frozenset(watched)), Base(), LAN)
    assert caught.value.field == field


def test_fact_11_a_sea_boundary_is_told_at_15_10_6_and_3_miles(site: Site) -> None:
    line = LineString([(109, 16), (109.5, 17)])
    saved(site, Fence("rg", "boundary", "Ranh giới", "Boundary", line), Watch(frozenset({"approach"}), "critical"))
    rule = now(site, "rg").rules["approach"]
    assert (rule.steps_nm, rule.severity) == ((15, 10, 6, 3), "critical")


def test_retired_it_is_out_of_force_and_kept_and_can_be_restored(site: Site) -> None:
    saved(site)
    with pytest.raises(Wrong, match="say why"):
        doing.retire(site, "cam", Base(1), LAN, " ")
    done = doing.retire(site, "cam", Base(1), LAN, "hết mùa")
    assert (done.version, done.changed) == (2, ("retired_at",))
    with site.engine.connect() as connection:
        assert "cam" not in [one.key for one in fences(connection)]
        assert [rule for rule in rules(connection) if rule.fence_key == "cam"] == []
        assert "cam" in [one.fence.key for one in held(connection, every=True)]
    assert doing.retire(site, "cam", Base(2), MINH, "lần nữa").version == 2
    with pytest.raises(Conflict):
        doing.retire(site, "cam", Base(1), MINH, "x")
    restored = doing.restore(site, "cam", 1, Base(2), MINH)
    assert restored.version == 3
    assert now(site).fence.retired_at is None
    with site.engine.connect() as connection:
        assert len([rule for rule in rules(connection) if rule.fence_key == "cam"]) == 2
        newest = history(connection, "cam")[0]
    assert (newest.actor, newest.comment, newest.changed) == ("Minh", "khôi phục phiên bản 1", ("retired_at",))
    with pytest.raises(Missing):
        doing.restore(site, "cam", 9, Base(3), LAN)


def test_an_older_version_comes_back_with_its_rules(site: Site) -> None:
    saved(site)
    smaller = replace(FENCE, geom=box(107.8, 16.7, 107.9, 16.8), buffer_m=0.0)
    doing.save(site, smaller, Watch(frozenset({"inside", "enter"}), "low"), Base(1), MINH)
    doing.restore(site, "cam", 1, Base(2), LAN)
    back = now(site)
    assert back.fence.geom.equals(SQUARE)
    assert back.watch == WATCH
    assert not back.rules["enter"].enabled


def test_the_history_says_who_changed_what_and_when(site: Site) -> None:
    saved(site)
    doing.save(site, replace(FENCE, geom=box(107.8, 16.7, 107.9, 16.8)), WATCH, Base(1), MINH, "thu nhỏ")
    doing.save(site, replace(now(site).fence, owner="Chi cục"), replace(WATCH, severity="critical"), Base(2), LAN)
    with site.engine.connect() as connection:
        third, second, first = history(connection, "cam")
    assert (first.version, first.actor, first.comment, first.changed) == (1, "Lan", "vẽ mới", ())
    assert (second.actor, second.comment, second.changed, second.rules) == ("Minh", "thu nhỏ", ("geom",), {})
    assert (third.changed, third.rules) == (("owner",), {"inside": ("severity",), "approach": ("severity",)})
    assert first.size > second.size == third.size
    assert first.at < second.at < third.at


def test_a_reference_line_is_not_edited_here(site: Site) -> None:
    line = now(site, "tuyen_bo").fence
    for attempt in (replace(line, name_vi="Khác"), replace(FENCE, key="tuyen_bo")):
        with pytest.raises(Wrong) as caught:
            doing.save(site, attempt, None, Base(1), LAN)
        assert caught.value.field == "kind"
    with pytest.raises(Wrong):
        doing.retire(site, "tuyen_bo", Base(1), LAN, "thử")


def test_every_save_changes_the_mark_and_hints_to_the_screens(site: Site) -> None:
    with site.engine.connect() as connection:
        before = mark(connection)
    with redis.Redis.from_url(site.redis_url) as client, client.pubsub() as listener:
        listener.subscribe(CHANNEL)
        assert wait_for(lambda: (listener.get_message() or {}).get("type") == "subscribe", 10)
        saved(site)
        assert wait_for(lambda: (listener.get_message() or {}).get("type") == "message", 10)
    with site.engine.connect() as connection:
        assert mark(connection) != before
    doing.save(replace(site, redis_url="redis://127.0.0.1:9/0"), replace(FENCE, note="y"), WATCH, Base(1), LAN)


def test_a_save_waits_for_no_worker_that_raises_an_alarm_of_the_fence(site: Site, database: Any) -> None:
    saved(site)
    number = now(site).fence.id
    rule = now(site).rules["inside"]
    subject = {"object_key": "574000001", "object_label": "X", "lon": 107.9, "lat": 16.75, "simulated": False}
    with connected(database.ingest) as ingest, ingest.begin() as worker:
        at = datetime.now(UTC)
        assert raise_alarm(worker, rule, number, {**subject, "observed_at": at, "evidence": {}}, at, at) is not None
        with site.engine.begin() as connection:
            connection.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
            doing.put(connection, replace(FENCE, note="z"), replace(WATCH, severity="low"), Base(1), LAN, at)
    assert asked(database.web, "SELECT severity FROM alarm") == [{"severity": "high"}]
    assert now(site).fence.version == 2
