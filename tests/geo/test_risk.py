"""Who is looked at first: each reason by itself, its weight, and what counts against nobody."""

from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from geo.boat_case import Opening, open_case
from geo.figure import Figures, seeds
from geo.heard import tell
from geo.risk import Reason, risks, weighed, wording
from tests.fleet import T0, Fleet

FIGURES = Figures(seeds())
QUIET: dict[str, Any] = {
    "length_m": 16.0, "role": "catching", "licence_until": None, "fitted": True, "lost_since": None,
    "astray_since": None, "losses": 0, "zones": 0, "filed": 0, "approaches": 0, "disablings": 0,
}  # fmt: skip


def keys(**more: Any) -> dict[str, float]:
    return {one.key: one.points for one in weighed({**QUIET, **more}, FIGURES, T0)}


def test_nothing_speaks_for_a_boat_that_keeps_the_rules() -> None:
    assert keys() == {}
    assert keys(losses=1) == {}  # one loss may happen to anybody
    assert keys(licence_until=date(2027, 11, 21)) == {}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"licence_until": date(2026, 11, 20)}, {"licence_expired": 30}),
        ({"licence_until": date(2026, 11, 21)}, {"licence_ends": 5}),
        ({"licence_until": date(2026, 11, 20), "length_m": 5.9}, {}),  # needs none (Law 2017 Art. 50)
        ({"fitted": False}, {"no_device": 30}),
        ({"fitted": False, "length_m": 14.9}, {}),
        ({"lost_since": T0 - timedelta(hours=7)}, {"lost_now": 15}),
        ({"lost_since": T0 - timedelta(days=10)}, {"lost_overdue": 40}),
        ({"astray_since": T0 - timedelta(hours=1), "zones": 1}, {"astray_now": 25, "zone": 15}),
        ({"losses": 4}, {"loss": 24}),
        ({"losses": 40}, {"loss": 40}),  # no reason counts more than five times
        ({"filed": 2, "approaches": 1, "disablings": 1}, {"filed": 40, "approach": 5, "disabling": 15}),
    ],
)
def test_each_reason_has_its_weight(more: dict[str, Any], expected: dict[str, float]) -> None:
    assert keys(**more) == expected


def test_the_weightiest_comes_first_and_each_has_words() -> None:
    found = weighed({**QUIET, "losses": 3, "licence_until": date(2026, 1, 1), "fitted": False}, FIGURES, T0)
    assert [one.key for one in found] == ["licence_expired", "no_device", "loss"]
    assert found[2] == Reason("loss", 16, {"times": 3, "days": 90})
    everything = {one.key.removeprefix("risk_") for one in FIGURES.items if one.unit == "điểm"}
    for key in everything:
        vi, en = wording(Reason(key, 1))
        assert vi != en


@pytest.fixture
def fleet(database):
    with ExitStack() as stack:
        yield Fleet(database, stack)


def test_the_list_is_made_of_the_register_the_cases_the_alarms_and_what_boats_did(fleet) -> None:
    now = datetime.now(UTC)
    fleet.register([1, 2, 3, 4, 5])
    name = fleet.name
    with fleet.owner.begin() as connection:
        connection.execute(
            sa.text("UPDATE boat SET licence_until = '2026-01-31' WHERE registration = :a"), {"a": name(1)}
        )
        connection.execute(sa.text("UPDATE boat SET laid_up_at = now() WHERE registration = :a"), {"a": name(4)})
        connection.execute(sa.text("DELETE FROM device WHERE registration = ANY(:a)"), {"a": [name(3), name(4)]})
        # AIS knows it by its name alone.
        heard = "INSERT INTO vessel (mmsi, received_at, source, shipname) VALUES (574000001, :at, 't', :name)"
        connection.execute(sa.text(heard), {"at": now, "name": name(1)})
        tell(connection)
        for layer, key in (("vms", name(1)), ("vessel", "574000001")):  # one thing, seen by its device and its AIS
            connection.execute(sa.text(
                "INSERT INTO boat_event (kind, layer, object_key, began_at, geom, confidence, parameters, criteria, "
                "judged_at) VALUES ('possible_disabling', :layer, :key, :at, ST_SetSRID(ST_MakePoint(109, 17), 4326), "
                "'low', '{}', '{}', :at)"), {"layer": layer, "key": key, "at": now - timedelta(days=3)})  # fmt: skip
        for day in (50, 40, 30):
            since = now - timedelta(days=day)
            opening = Opening("loss", name(2), "provincial", "LOST", since, since, None)
            number = open_case(connection, opening, since)
            connection.execute(sa.text("UPDATE boat_case SET ended_at = :at WHERE id = :n"), {"at": since, "n": number})
    with fleet.web.connect() as connection:
        found = risks(connection, FIGURES, now)
    assert [(one.registration, one.score) for one in found] == [(name(1), 45), (name(3), 30), (name(2), 16)]
    assert [reason.key for reason in found[0].reasons] == ["licence_expired", "disabling"]
    with fleet.web.connect() as connection:
        assert [one.registration for one in risks(connection, FIGURES, now, 1)] == [name(1)]
