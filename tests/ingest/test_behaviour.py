"""The clock keeps what boats did: the same however often it looks, revised by what comes late, a few boats a tick."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from geo.behaviour.way import Way, way_of
from geo.table import Shape
from ingest import behaviour as looking
from ingest.near import Near, hourly
from layers import discover
from tests.connections import told
from tests.fleet import SEA, T0, THUAN_AN, Fleet, fleet_of, hours

SHAPES: dict[str, Shape] = {layer.name: layer.shape for layer in discover()}
FAR = (110.3, 16.3)  # beyond 50 miles from every shore
KNOT_DEGREE = 1 / 60


@pytest.fixture
def fleet(database) -> Iterator[Fleet]:
    with fleet_of(database) as found:
        with found.owner.begin() as connection:
            query = "SELECT ensure_partition('vessel_history', day) FROM unnest(CAST(:days AS date[])) AS day"
            days = [(T0 + timedelta(days=day)).date() for day in range(-1, 20)]
            connection.execute(sa.text(query), {"days": days})
        yield found


def sails(fleet: Fleet, mmsi: int, at: Iterable[float], place=SEA, knots: float = 0.0, ship_type: int = 30,
          north_m: float = 0.0, speed: float | None = None) -> None:  # fmt: skip
    """AIS as the worker leaves it: an object that goes east from a place at T0, heard at those hours."""
    times = list(at)
    rows = [
        {"mmsi": mmsi, "at": hours(each), "lon": place[0] + each * knots * KNOT_DEGREE / np.cos(np.radians(place[1])),
         "lat": place[1] + north_m / 111_195, "speed": knots if speed is None else speed, "type": ship_type}
        for each in times
    ]  # fmt: skip
    with fleet.ingest.begin() as connection:
        columns, values = "(mmsi, geom, observed_at, received_at, source, speed", (
            "VALUES (:mmsi, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :at, :at, 'ais.test', :speed"
        )  # fmt: skip
        connection.execute(sa.text(f"INSERT INTO vessel_history {columns}) {values})"), rows)
        connection.execute(
            sa.text(f"INSERT INTO vessel AS t {columns}, ship_type, shipname) {values}, :type, 'TAU ' || :mmsi) "
                    "ON CONFLICT (mmsi) DO UPDATE SET geom = excluded.geom, observed_at = excluded.observed_at, "
                    "speed = excluded.speed WHERE excluded.observed_at >= t.observed_at"),
            rows,
        )  # fmt: skip


def every(minutes: float, start: float, end: float) -> np.ndarray:
    return np.arange(start, end + 1e-9, minutes / 60)


def look(fleet: Fleet, at: float) -> None:
    """Ticks until everybody that is due has been looked at."""
    for _ in range(50):
        fleet.tick(at)
        if not fleet.clock._watcher.queue and not fleet.clock._watcher.pairs:
            return
    raise AssertionError("looking does not come to an end")


def events(fleet: Fleet, *kinds: str, withdrawn: bool = False) -> list[dict[str, Any]]:
    found = fleet.ask("SELECT * FROM boat_event ORDER BY began_at, kind, object_key")
    return [row for row in found if row["kind"] in kinds and (withdrawn or row["withdrawn_at"] is None)]


def test_a_monitored_boat_that_is_silent_at_sea_has_a_gap_and_a_late_fix_takes_it_back(fleet) -> None:
    fleet.register([1])
    fleet.hear(-6, 1, place=SEA)
    for at in (-4, -2, 0):
        fleet.hear(at, 1, place=SEA)
    look(fleet, 5.9)
    assert events(fleet, "gap") == []
    look(fleet, 6.1)
    (gap,) = events(fleet, "gap")
    assert (gap["layer"], gap["object_key"], gap["began_at"], gap["ended_at"]) == ("vms", fleet.name(1), hours(0), None)
    fleet.hear(3, 1, place=SEA)  # it had only been held up
    fleet.hear(6.5, 1, place=SEA)
    look(fleet, 7)
    assert events(fleet, "gap") == []
    assert [row["withdrawn_at"] for row in events(fleet, "gap", withdrawn=True)] == [hours(7)]


def test_fact_20_a_silence_of_ais_far_out_grows_into_signs_and_ends_with_the_next_fix(fleet) -> None:
    sails(fleet, 574000001, every(10, -12, 0), FAR, 1.5)
    look(fleet, 6.1)
    assert [row["kind"] for row in events(fleet, "gap", "possible_disabling")] == ["gap"]
    look(fleet, 12.1)
    (sign,) = events(fleet, "gap", "possible_disabling")
    assert (sign["kind"], sign["ended_at"], sign["version"]) == ("possible_disabling", None, 2)
    assert sign["parameters"]["offshore_nm"] > 50
    sails(fleet, 574000001, [20], FAR, 1.5)
    look(fleet, 20.1)
    (ended,) = events(fleet, "gap", "possible_disabling")
    assert (ended["id"], ended["ended_at"]) == (sign["id"], hours(20))


def test_a_silence_in_lộng_is_a_silence_however_long(fleet) -> None:
    sails(fleet, 574000001, every(10, -12, 0), SEA, 1.5)
    look(fleet, 40)
    assert [row["kind"] for row in events(fleet, "gap", "possible_disabling")] == ["gap"]


def test_a_silence_whose_first_fix_has_gone_to_the_archive_ends_all_the_same(fleet) -> None:
    sails(fleet, 574000001, every(10, -12, 0), FAR, 1.5)
    look(fleet, 13)
    (before,) = events(fleet, "possible_disabling")
    with fleet.owner.begin() as connection:
        connection.execute(sa.text("DELETE FROM vessel_history"))
    fleet.restarted()
    sails(fleet, 574000001, every(10, 200, 201), FAR)
    look(fleet, 201.1)
    (after,) = events(fleet, "possible_disabling")
    assert (after["id"], after["ended_at"]) == (before["id"], hours(200))
    assert after["parameters"]["positions_before"] == before["parameters"]["positions_before"]


@pytest.mark.parametrize("began", [0, -20])  # within the 12 hours that are read before a silence, and before them
def test_what_was_held_up_joins_an_event_that_was_over_before_the_span_that_is_judged_anew(fleet, began) -> None:
    sails(fleet, 574000001, every(10, began, 2), FAR, 3.0)
    look(fleet, 9)
    (before,) = events(fleet, "fishing")
    assert (before["began_at"], before["ended_at"]) == (hours(began), hours(2))
    sails(fleet, 574000001, every(10, 2 + 1 / 6, 60), FAR, 3.0)
    look(fleet, 60.1)
    (after,) = events(fleet, "fishing")
    assert (after["id"], after["began_at"], after["ended_at"]) == (before["id"], hours(began), hours(60))
    assert after["parameters"]["hours"] == 60 - began
    assert events(fleet, "gap") == []


def test_what_was_held_up_joins_an_encounter_that_was_over_before_the_span_that_is_judged_anew(fleet) -> None:
    sails(fleet, 574000001, every(10, 0, 14), FAR, 1.0)
    for start, end, north_m in ((0, 4, 250), (4.25, 4.75, 20_000), (5, 14, 250)):
        sails(fleet, 574000002, every(10, start, end), FAR, 1.0, north_m=north_m)
    look(fleet, 14.1)
    for number in (1, 2):
        sails(fleet, 574000000 + number, every(10, 14 + 1 / 6, 60), FAR, 1.0, north_m=250 * (number - 1))
    look(fleet, 60.1)
    first, second = events(fleet, "encounter")
    assert first["ended_at"] < hours(5) < second["ended_at"] == hours(60)
    told(fleet.database.owner, "DELETE FROM vessel_history WHERE mmsi = 574000002 AND observed_at BETWEEN :a AND :b",
              a=hours(4.2), b=hours(4.8))  # fmt: skip
    sails(fleet, 574000002, every(10, 4.25, 4.75), FAR, 1.0, north_m=250)
    look(fleet, 61.2)
    (event,) = events(fleet, "encounter")
    assert (event["began_at"], event["ended_at"]) == (hours(0), hours(60))


def test_what_lasts_longer_than_its_fixes_are_kept_keeps_its_beginning(fleet) -> None:
    sails(fleet, 574000001, every(10, 0, 30), FAR, 1.0)
    sails(fleet, 574000002, every(10, 0, 30), FAR, 1.0, north_m=250)
    look(fleet, 30.1)
    before = {(row["kind"], row["object_key"]): row for row in events(fleet, "fishing", "loitering", "encounter")}
    assert {kind for kind, _ in before} == {"fishing", "loitering", "encounter"}
    told(fleet.database.owner, "DELETE FROM vessel_history WHERE observed_at < :edge", edge=hours(20))
    for number in (1, 2):
        sails(fleet, 574000000 + number, every(10, 30 + 1 / 6, 32), FAR, 1.0, north_m=250 * (number - 1))
    look(fleet, 32.1)
    after = {(row["kind"], row["object_key"]): row for row in events(fleet, "fishing", "loitering", "encounter")}
    assert set(after) == set(before)
    for name, row in after.items():
        old = before[name]
        assert (row["id"], row["began_at"], row["ended_at"]) == (old["id"], hours(0), hours(32))
        assert row["parameters"]["hours"] == 32
        assert row["parameters"]["positions"] >= old["parameters"]["positions"]
    changed = fleet.ask("SELECT * FROM boat_event ORDER BY id")
    fleet.restarted()
    look(fleet, 32.2)
    assert fleet.ask("SELECT * FROM boat_event ORDER BY id") == changed


def alarm(fleet: Fleet, rule: str, key: str, since: float, until: float | None, taken_back: bool = False) -> None:
    told(fleet.database.owner,
         "INSERT INTO alarm (rule_id, layer, object_key, severity, observed_at, raised_at, cleared_at, withdrawn_at) "
         "SELECT id, layer, :key, severity, :since, :since, :until, :withdrawn FROM rule WHERE key = :rule",
         rule=rule, key=key, since=hours(since), until=None if until is None else hours(until),
         withdrawn=hours(since + 1) if taken_back else None)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "span", "taken_back", "kind"),
    [
        ("ais.test", (0.5, None), False, "gap"),
        ("ais.test", (0.5, 3), False, "gap"),
        ("ais.test", (-9, -3), False, "possible_disabling"),
        ("ais.test", (0.5, 3), True, "possible_disabling"),
        ("ais.other", (0.5, None), False, "possible_disabling"),  # by whom the boat was never heard
    ],
)
def test_a_silence_while_its_source_was_silent_as_a_whole_is_no_sign(fleet, key, span, taken_back, kind) -> None:
    sails(fleet, 574000001, every(10, -12, 0), FAR, 1.5)
    alarm(fleet, "vessel_feed", key, *span, taken_back)
    look(fleet, 13)
    (row,) = events(fleet, "gap", "possible_disabling")
    assert (row["kind"], row["parameters"].get("source_silent", False)) == (kind, kind == "gap")
    sails(fleet, 574000001, [20], FAR)
    look(fleet, 20.1)
    (row,) = events(fleet, "gap", "possible_disabling")
    assert (row["kind"], row["ended_at"]) == (kind, hours(20))


@pytest.mark.parametrize(("provider", "kind"), [("vnpt", "gap"), ("viettel", "possible_disabling")])
def test_a_silence_in_its_providers_outage_is_no_sign(fleet, provider, kind) -> None:
    fleet.register([1])
    for at in every(30, -12, 0):
        fleet.hear(at, 1, place=FAR)
    fleet.tick(0.1)
    alarm(fleet, "vms_outage", provider, 3, 8)
    look(fleet, 13)
    (row,) = events(fleet, "gap", "possible_disabling")
    assert (row["kind"], row["parameters"].get("source_silent", False)) == (kind, kind == "gap")


def test_looking_again_or_anew_changes_nothing(fleet) -> None:
    fleet.register([1])
    told(fleet.database.owner, "UPDATE boat SET mmsi = 574000001, gear = 'trawl'")
    sails(fleet, 574000001, every(3, 0, 2), FAR, 8)
    sails(fleet, 574000001, every(3, 2.05, 6), FAR, 3.2)
    sails(fleet, 574000001, every(3, 6.05, 12), FAR, 1.0, speed=0.4)
    look(fleet, 12.1)
    found = fleet.ask("SELECT * FROM boat_event ORDER BY id")
    assert {row["kind"] for row in found} == {"fishing", "loitering"}
    (fishing,) = events(fleet, "fishing")
    assert (fishing["parameters"]["gear"], fishing["confidence"], fishing["object_label"]) == (
        "trawl", "usual", "TAU 574000001",
    )  # fmt: skip
    assert fishing["criteria"]["fishing_trawl_to"] == "5.5 kn"
    look(fleet, 13.2)
    fleet.restarted()
    look(fleet, 13.3)
    assert fleet.ask("SELECT * FROM boat_event ORDER BY id") == found


def test_two_that_meet_have_one_encounter_and_late_fixes_refute_it(fleet) -> None:
    sails(fleet, 574000001, every(5, 0, 8), FAR, 1.0)
    beside = every(5, 2, 5)
    sails(fleet, 574000002, every(5, 0, 1.9), FAR, 1.0, north_m=20_000)
    sails(fleet, 574000002, beside, FAR, 1.0, north_m=250)
    sails(fleet, 574000002, every(5, 5.1, 8), FAR, 1.0, north_m=20_000)
    sails(fleet, 574000003, every(5, 0, 8), FAR, 1.0, north_m=900)  # near, and never near enough
    look(fleet, 8.1)
    (event,) = events(fleet, "encounter")
    assert (event["object_key"], event["other_key"]) == ("574000001", "574000002")
    assert (event["object_label"], event["other_label"]) == ("TAU 574000001", "TAU 574000002")
    assert event["parameters"]["median_m"] == 250
    look(fleet, 9.2)
    assert [row["version"] for row in events(fleet, "encounter", withdrawn=True)] == [1]
    # It was another one after all: what it sent in between comes late, and tells of another place.
    told(fleet.database.owner, "DELETE FROM vessel_history WHERE mmsi = 574000002 AND observed_at BETWEEN :a AND :b",
              a=hours(2.5), b=hours(4.5))  # fmt: skip
    sails(fleet, 574000002, every(5, 2.5, 4.5), FAR, 1.0, north_m=9_000)
    look(fleet, 10.3)
    assert events(fleet, "encounter") == []
    assert len(events(fleet, "encounter", withdrawn=True)) == 1


def test_two_ships_that_do_not_fish_are_nobodys_matter(fleet) -> None:
    for number, kind in ((1, 70), (2, 80)):
        sails(fleet, 574000000 + number, every(5, 0, 8), FAR, 1.0, ship_type=kind, north_m=number * 100)
    look(fleet, 8.1)
    assert fleet.ask("SELECT * FROM boat_event") == []
    sails(fleet, 574000003, every(5, 0, 8), FAR, 1.0, north_m=250)  # a fishing boat beside both
    look(fleet, 8.7)
    assert {(row["object_key"], row["other_key"]) for row in events(fleet, "encounter")} == {
        ("574000001", "574000003"), ("574000002", "574000003"),
    }  # fmt: skip


def test_a_stay_in_port_is_one_however_many_looks_it_lasts(fleet) -> None:
    sails(fleet, 574000001, every(5, 0, 1), (THUAN_AN[0] + 0.1, THUAN_AN[1]), -6)
    start = (THUAN_AN[0] + 0.1 - 6 * KNOT_DEGREE / np.cos(np.radians(THUAN_AN[1])), THUAN_AN[1])
    for at in range(10, 121, 10):
        sails(fleet, 574000001, every(30, max(1.1, at - 9.9), at), start)
        look(fleet, at)
        fleet.restarted()
    (stay,) = events(fleet, "port_visit")
    assert (stay["parameters"]["port"], stay["ended_at"], stay["parameters"]["stops"]) == ("cang_thuan_an", None, 1)
    assert stay["began_at"] < hours(1)
    assert len(events(fleet, "port_visit", withdrawn=True)) == 1
    sails(fleet, 574000001, every(5, 121, 122), SEA)
    look(fleet, 123)
    (left,) = events(fleet, "port_visit")
    assert (left["id"], left["ended_at"]) == (stay["id"], hours(121))


def test_a_fix_told_by_hand_or_of_another_device_ends_no_silence(fleet) -> None:
    fleet.register([1])
    fleet.hear(-2, 1)
    fleet.hear(0, 1)
    fleet.hear(4, 1, by_hand=True)
    fleet.hear(5, 1, device="OTHER")
    told(fleet.database.owner, "UPDATE vms_history SET anomaly = 128 WHERE device = 'OTHER'")
    look(fleet, 7)
    (gap,) = events(fleet, "gap")
    assert (gap["began_at"], gap["ended_at"]) == (hours(0), None)


def test_a_tick_looks_at_a_few_and_the_next_ones_at_the_others(fleet, monkeypatch) -> None:
    for number in range(12):
        sails(fleet, 574000001 + number, every(5, 0, 8), (FAR[0], FAR[1] + 0.05 * number), 1.0)
    monkeypatch.setattr(looking, "BUDGET_S", 0.0)
    beats: list[int] = []
    watcher = fleet.clock._watcher
    with fleet.ingest.begin() as connection:
        shapes = [SHAPES["vessel"]]
        ports = looking_ports()
        assert watcher.look(connection, shapes, ports, hours(8.1), lambda: beats.append(1), budget_s=0.0) == {}
        assert len(watcher.queue) == 12
        done = watcher.look(connection, shapes, ports, hours(8.1), lambda: beats.append(1), budget_s=60)
    assert len(done) == 12
    assert len(beats) == 14  # once for each, and before and after it is read who was heard


def test_the_time_to_read_who_was_heard_is_not_the_boats_time(fleet, monkeypatch) -> None:
    for number in range(3):
        sails(fleet, 574000001 + number, every(5, 0, 8), (FAR[0], FAR[1] + 0.05 * number), 1.0)
    clock = [0.0]
    monkeypatch.setattr(looking, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    read = looking.Watcher._heard

    def slowly(*given: Any) -> Any:
        clock[0] += 10
        return read(*given)

    monkeypatch.setattr(looking.Watcher, "_heard", slowly)
    with fleet.ingest.begin() as connection:
        done = fleet.clock._watcher.look(
            connection, [SHAPES["vessel"]], looking_ports(), hours(8.1), lambda: None, budget_s=0.2
        )
    assert len(done) == 3


def test_of_boats_that_wait_equally_long_the_order_is_that_of_their_names(fleet) -> None:
    for number in (3, 1, 4, 2):
        sails(fleet, 574000000 + number, [0, 8], (FAR[0], FAR[1] + 0.05 * number), 1.0)
    watcher = fleet.clock._watcher
    with fleet.ingest.begin() as connection:
        watcher.look(connection, [SHAPES["vessel"]], looking_ports(), hours(8.1), lambda: None, budget_s=0.0)
    assert [one.key for one in watcher.queue] == [f"57400000{number}" for number in (1, 2, 3, 4)]


def test_who_is_not_heard_any_more_is_forgotten(fleet) -> None:
    for number in (1, 2):
        sails(fleet, 574000000 + number, every(10, 0, 8), FAR, 1.0, north_m=200 * number)
    look(fleet, 8.1)
    watcher = fleet.clock._watcher
    assert len(watcher.marks) == len(watcher.known) == len(watcher.near._of) == 2
    watcher.pairs["574000001", "574000002"] = None
    sails(fleet, 574000001, every(10, 240, 250), FAR)
    look(fleet, 250.1)
    assert set(watcher.marks) == {("vessel", "574000001")}
    assert set(watcher.known) == set(watcher.near._of) == {"574000001"}
    assert watcher.pairs == {}


def test_who_met_is_told_while_others_are_still_waiting(fleet, monkeypatch) -> None:
    for number in range(2):
        sails(fleet, 574000001 + number, every(5, 0, 8), FAR, 1.0, north_m=200 * number)
    for number in range(2, 9):
        sails(fleet, 574000001 + number, every(5, 0.05, 8.05), (FAR[0], FAR[1] + 0.05 * number), 1.0)
    times = iter(range(100))
    monkeypatch.setattr(looking, "time", SimpleNamespace(monotonic=lambda: next(times)))
    watcher = fleet.clock._watcher
    with fleet.ingest.begin() as connection:
        done = watcher.look(connection, [SHAPES["vessel"]], looking_ports(), hours(8.1), lambda: None, budget_s=3)
    assert sorted(key for _, key in done) == ["574000001", "574000002"]
    assert len(watcher.queue) == 7
    assert len(events(fleet, "encounter")) == 1


def looking_ports():
    from geo.behaviour.way import ports_of
    from geo.reference import reference_ports

    return ports_of(reference_ports())


def test_one_boat_that_cannot_be_judged_costs_the_others_nothing(fleet, monkeypatch) -> None:
    for number in (1, 2, 3):
        sails(fleet, 574000000 + number, every(5, 0, 8), (FAR[0], FAR[1] + 0.1 * number), 1.0)
    whole = looking.behaviour

    def fails(way: Way, *rest: Any, **more: Any) -> Any:
        if way.lat[0] == pytest.approx(FAR[1] + 0.2):
            raise ZeroDivisionError
        return whole(way, *rest, **more)

    monkeypatch.setattr(looking, "behaviour", fails)
    look(fleet, 8.1)
    assert {row["object_key"] for row in events(fleet, "loitering")} == {"574000001", "574000003"}


def test_who_is_near_whom_is_who_a_comparison_of_all_pairs_finds() -> None:
    rng = np.random.default_rng(5)
    near = Near()
    ways: dict[str, Way] = {}
    known: set[tuple[str, str]] = set()
    for number in range(40):
        at = np.arange(0, 12 * 3600, 600.0)
        lon, lat = (
            109 + rng.uniform(0, 0.06) + at * rng.normal(0, 2e-7),
            17 + rng.uniform(0, 0.06) + at * rng.normal(0, 2e-7),
        )
        ways[str(number)] = way_of(at, lon, lat, np.ones(len(at)), looking_ports())
        for other in near.put(str(number), hourly(ways[str(number)], 5_000), 500):
            known.add((other, str(number)))
    from geo.behaviour.criteria import criteria
    from geo.behaviour.encounter import encounters
    from geo.figure import Figures, seeds

    figures = criteria(Figures(seeds()), T0)
    met = {
        (a, b) for a in ways for b in ways if int(a) < int(b) and encounters(ways[a], ways[b], figures)
    }  # fmt: skip
    assert met
    assert met <= known
    assert len(known) < 40 * 39 / 2 / 3
