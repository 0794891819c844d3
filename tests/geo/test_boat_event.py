"""Events are kept once: the same look changes nothing, late fixes revise or withdraw, and nothing is removed."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from geo.behaviour.criteria import criteria
from geo.behaviour.event import Event
from geo.behaviour.wording import sentence
from geo.boat_event import Doer, Revision, Wanted, events, events_of_boat, known_events, revise
from geo.figure import Figures, seeds
from tests.connections import connected
from tests.fleet import T0, Fleet, fleet_of, hours

CRITERIA = criteria(Figures(seeds()), T0)
KINDS = ("fishing", "gap", "possible_disabling", "port_visit", "encounter")
TOLD = {kind: CRITERIA.told(kind) for kind in KINDS}
BOAT = Doer("vms", "TTH-90001-TS", label="TTH-90001-TS")
PARAMETERS = {
    "fishing": {"gear": "trawl", "median_kn": 3.1, "positions": 20, "hours": 2.0},
    "gap": {"offshore_nm": 30.0, "positions_before": 5},
    "possible_disabling": {"offshore_nm": 61.0, "positions_before": 40},
    "port_visit": {"port": "cang_thuan_an"},
    "encounter": {"median_m": 210, "median_kn": 0.6},
}  # fmt: skip


def event(kind: str, began: float, ended: float | None, confidence: str = "usual", **more: Any) -> Event:
    end = None if ended is None else hours(ended)
    return Event(kind, hours(began), end, 108.3, 16.9, confidence, {**PARAMETERS[kind], **more})


@pytest.fixture
def fleet(database) -> Iterator[Fleet]:
    with fleet_of(database) as found:
        found.register([1])
        yield found


def look(
    fleet: Fleet, *found: Event, at: float = 100, since: float = -100, doer: Doer = BOAT, first: float = -100
) -> Revision:
    with fleet.ingest.begin() as connection:
        known = known_events(connection, doer, KINDS, hours(since))
        return revise(connection, doer, known, found, TOLD, hours(at), hours(since), hours(first))


def rows(fleet: Fleet) -> list[dict[str, Any]]:
    return fleet.ask("SELECT * FROM boat_event ORDER BY id")


def test_the_same_look_again_changes_nothing(fleet) -> None:
    found = (event("fishing", 1, 3), event("gap", 5, None), event("port_visit", -20, 0))
    assert look(fleet, *found) == Revision(added=3)
    before = rows(fleet)
    assert look(fleet, *found, at=101) == Revision()
    assert rows(fleet) == before


def test_an_event_that_grew_is_the_same_event(fleet) -> None:
    look(fleet, event("fishing", 1, 3))
    assert look(fleet, event("fishing", 0.5, 4, positions=31)) == Revision(changed=1)
    (row,) = rows(fleet)
    assert (row["began_at"], row["ended_at"], row["version"]) == (hours(0.5), hours(4), 2)
    assert row["parameters"]["positions"] == 31


def test_a_silence_that_becomes_a_sign_is_the_same_silence(fleet) -> None:
    look(fleet, event("gap", 5, None))
    look(fleet, event("possible_disabling", 5, None))
    look(fleet, event("possible_disabling", 5, 19))
    (row,) = rows(fleet)
    assert (row["kind"], row["ended_at"], row["withdrawn_at"]) == ("possible_disabling", hours(19), None)


def test_what_later_fixes_refute_is_withdrawn_and_stays(fleet) -> None:
    look(fleet, event("gap", 5, 14), event("fishing", 1, 3))
    assert look(fleet, event("fishing", 1, 3), at=120) == Revision(withdrawn=1)
    kept = {row["kind"]: row["withdrawn_at"] for row in rows(fleet)}
    assert kept == {"gap": hours(120), "fishing": None}
    with fleet.web.connect() as connection:
        assert [row["kind"] for row in events(connection, Wanted())] == ["fishing"]
        assert len(events(connection, Wanted(withdrawn=True))) == 2
    # And may be found once more: a new event, since the other was taken back.
    assert look(fleet, event("gap", 5, 14), event("fishing", 1, 3)) == Revision(added=1)


def test_two_that_late_fixes_join_are_one(fleet) -> None:
    look(fleet, event("fishing", 1, 3), event("fishing", 5, 9))
    assert look(fleet, event("fishing", 1, 9)) == Revision(changed=1, withdrawn=1)
    assert look(fleet, event("fishing", 1, 3), event("fishing", 5, 9)) == Revision(added=1, changed=1)
    standing = [(row["began_at"], row["ended_at"]) for row in rows(fleet) if row["withdrawn_at"] is None]
    assert sorted(standing) == [(hours(1), hours(3)), (hours(5), hours(9))]


def test_what_lies_before_the_look_is_left_alone(fleet) -> None:
    look(fleet, event("fishing", 1, 3), event("port_visit", -50, 0.5))
    assert look(fleet, event("fishing", 6, 8), since=4) == Revision(added=1)
    assert [row["withdrawn_at"] for row in rows(fleet)] == [None, None, None]


def test_a_late_fix_that_joins_what_was_looked_at_with_what_was_not_leaves_one(fleet) -> None:
    look(fleet, event("fishing", 1, 3), event("fishing", 5, 9))
    with fleet.ingest.begin() as connection:
        known = known_events(connection, BOAT, KINDS, hours(0))
        done = revise(connection, BOAT, known, [event("fishing", 1, 9)], TOLD, hours(100), hours(4))
    assert done == Revision(changed=1, withdrawn=1)


def test_what_was_counted_of_a_stay_before_stays(fleet) -> None:
    look(fleet, event("port_visit", -50, None, stops=2, silences=1))
    look(fleet, event("port_visit", -50, 3))
    (row,) = rows(fleet)
    assert (row["parameters"]["stops"], row["parameters"]["silences"], row["ended_at"]) == (2, 1, hours(3))


@pytest.mark.parametrize(
    ("first", "began", "told_hours", "positions", "miles"), [(50, 1, 59, 200, 120.5), (1, 51, 9, 60, 30.0)]
)
def test_of_a_stretch_that_began_before_the_fixes_the_beginning_is_kept(
    fleet, first, began, told_hours, positions, miles
) -> None:
    look(fleet, event("fishing", 1, 55, hours=54, positions=200, distance_nm=120.5))
    end_alone = event("fishing", 51, 60, hours=9, positions=60, distance_nm=30.0)
    assert look(fleet, end_alone, first=first) == Revision(changed=1)
    (row,) = rows(fleet)
    assert (row["began_at"], row["ended_at"]) == (hours(began), hours(60))
    told = row["parameters"]
    assert (told["hours"], told["positions"], told["distance_nm"]) == (told_hours, positions, miles)
    assert look(fleet, end_alone, first=first) == Revision()


def test_an_event_keeps_the_figures_by_which_it_was_judged(fleet) -> None:
    look(fleet, event("gap", 5, 14))
    (row,) = rows(fleet)
    assert row["criteria"]["gap_least"] == "6 h"
    assert row["criteria"]["disabling_from_shore"] == "50 nm"
    assert not any(key.startswith("fishing") for key in row["criteria"])


def test_a_boats_events_are_those_of_its_device_and_of_its_transponder(fleet) -> None:
    with fleet.owner.begin() as connection:
        connection.execute(sa.text("UPDATE boat SET mmsi = 574090001 WHERE registration = 'TTH-90001-TS'"))
        connection.execute(sa.text("INSERT INTO vessel (mmsi, received_at, source) VALUES (574090001, now(), 'test')"))
    look(fleet, event("fishing", 1, 9, "low"), event("fishing", 20, 30, "low"), event("gap", 40, 50))
    look(fleet, event("fishing", 2, 8), doer=Doer("vessel", "574090001"))
    look(fleet, event("encounter", 12, 15), doer=Doer("vessel", "574000002", "574090001", "B", "A"))
    look(fleet, event("fishing", 2, 8), doer=Doer("vessel", "574000003"))
    with fleet.web.connect() as connection:
        found = events_of_boat(connection, "TTH-90001-TS", hours(0), hours(60))
        assert [(row["layer"], row["kind"], row["began_at"]) for row in found] == [
            ("vms", "gap", hours(40)),
            ("vms", "fishing", hours(20)),
            ("vessel", "encounter", hours(12)),
            ("vessel", "fishing", hours(2)),  # and not the same once more, coarsely
        ]
        assert [row["kind"] for row in events_of_boat(connection, "TTH-90001-TS", hours(10), hours(16))] == [
            "encounter"
        ]
        assert events_of_boat(connection, "TTH-99999-TS", hours(0), hours(60)) == []


def test_events_are_asked_for_by_kind_time_and_place(fleet) -> None:
    look(fleet, event("fishing", 1, 3), event("gap", 5, None))
    with fleet.web.connect() as connection:

        def kinds(**wanted: Any) -> list[str]:
            return [row["kind"] for row in events(connection, Wanted(**wanted))]

        assert kinds() == ["gap", "fishing"]
        assert kinds(kinds=("fishing",)) == ["fishing"]
        assert kinds(since=hours(4)) == ["gap"]
        assert kinds(until=hours(4)) == ["fishing"]
        assert kinds(bbox=(108, 16.5, 108.5, 17)) == ["gap", "fishing"]
        assert kinds(bbox=(109, 16.5, 109.5, 17)) == []
        assert kinds(keys=("TTH-90002-TS",)) == []
        assert kinds(confidence="low") == []


def test_no_worker_removes_an_event_and_no_screen_makes_one(database) -> None:
    for url, statement in (
        (database.ingest, "DELETE FROM boat_event"),
        (database.web, "DELETE FROM boat_event"),
        (database.web, "UPDATE boat_event SET kind = 'gap'"),
        (database.web, "INSERT INTO boat_event DEFAULT VALUES"),
    ):
        with connected(url) as opened, opened.connect() as connection, pytest.raises(sa.exc.ProgrammingError):
            connection.execute(sa.text(statement))


def test_sentences_say_what_was_seen_and_accuse_nobody(fleet) -> None:
    look(fleet, *(event(kind, 10 * number, 10 * number + 7.5) for number, kind in enumerate(KINDS) if kind != "gap"))
    look(fleet, event("gap", 60, None), since=59, at=70)
    with fleet.web.connect() as connection:
        found = {
            row["kind"]: sentence(row, hours(70), ("Cảng cá Thuận An", "Thuận An fishing port"))
            for row in events(connection, Wanted())
        }
    assert found["possible_disabling"][0] == (
        "Có dấu hiệu tắt thiết bị: 7,5 giờ, bắt đầu cách bờ 61,0 hải lý, 40 vị trí trong 12 giờ trước đó"
    )
    assert found["gap"] == (
        "Khoảng lặng tín hiệu: 10,0 giờ, còn tiếp diễn, bắt đầu cách bờ 30,0 hải lý",
        "Gap in the signal: 10.0 h, going on, began 30.0 nm from shore",
    )
    silent = next(row for row in rows(fleet) if row["kind"] == "gap")
    silent["parameters"]["source_silent"] = True
    assert sentence(silent, hours(70)) == (
        "Khoảng lặng tín hiệu: 10,0 giờ, còn tiếp diễn, bắt đầu cách bờ 30,0 hải lý, nguồn dữ liệu cũng im lặng",
        "Gap in the signal: 10.0 h, going on, began 30.0 nm from shore, its data source was silent too",
    )
    assert found["port_visit"][0] == "Ghé Cảng cá Thuận An: 7,5 giờ"
    assert "dấu hiệu" not in found["gap"][0]
    assert found["fishing"][0].startswith("Hoạt động giống đánh bắt: 7,5 giờ, lưới kéo")
