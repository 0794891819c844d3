"""Boats' events over HTTP: by boat, kind, time and place, each in a sentence."""

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from geo.behaviour.criteria import criteria
from geo.behaviour.event import Event
from geo.boat_event import Doer, revise
from geo.figure import Figures, seeds
from tests.connections import told
from tests.fleet import T0, Fleet, hours

CRITERIA = criteria(Figures(seeds()), T0)


@pytest.fixture
def site(serve, database):
    with ExitStack() as stack:
        served = serve()
        served.fleet = Fleet(database, stack)
        served.fleet.register([1])
        told(database.owner, "UPDATE boat SET mmsi = 574090001")
        told(database.owner, "INSERT INTO vessel (mmsi, received_at, source) VALUES (574090001, now(), 'test')")
        port = {"port": "cang_thuan_an", "entry_seen": True}
        keep(served, Doer("vms", "TTH-90001-TS"), Event("port_visit", hours(0), hours(9), 107.64, 16.557, "low", port))
        meeting = {"median_m": 210, "median_kn": 0.6, "hours": 3.0}
        keep(served, Doer("vessel", "574000002", "574090001", "TAU B", "TAU A"),
             Event("encounter", hours(20), hours(23), 108.5, 17.0, "usual", meeting))  # fmt: skip
        gap = {"offshore_nm": 31.0, "positions_before": 5}
        keep(served, Doer("vms", "TTH-90009-TS"), Event("gap", hours(30), None, 108.9, 17.2, "usual", gap))
        yield served


def keep(site: Any, doer: Doer, event: Event) -> None:
    with site.fleet.ingest.begin() as connection:
        revise(connection, doer, [], [event], {event.kind: CRITERIA.told(event.kind)}, hours(50), hours(-50))


def kinds(site: Any, query: str) -> list[str]:
    status, rows = site.get(f"/api/v1/events?{query}")
    assert status == 200, rows
    return [row["kind"] for row in rows]


def test_events_are_chosen_by_boat_kind_time_and_place(site) -> None:
    later = (T0 + timedelta(hours=25)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for query, found in {
        "": ["gap", "encounter", "port_visit"],
        "key=574090001": ["encounter"], "key=tth%2090001": ["encounter", "port_visit"], "key=TTH.90009": ["gap"],
        "key=TTH-99999-TS": [],
        "key=tth90001&kind=port_visit": ["port_visit"], "key=tth90001&layer=vessel": ["encounter"],
        "kind=gap,encounter": ["gap", "encounter"], "layer=vms": ["gap", "port_visit"],
        f"from={later}": ["gap"], f"to={later}": ["encounter", "port_visit"],
        "bbox=108,16.9,109,17.1": ["encounter"], "confidence=low": ["port_visit"], "limit=1": ["gap"],
    }.items():  # fmt: skip
        assert kinds(site, query) == found, query


@pytest.mark.parametrize(
    ("query", "says"),
    [("kind=theft", "there are: fishing"), ("bbox=1,2,3", "west,south,east,north"), ("bbox=9,1,8,2", "west,south"),
     ("confidence=none", ""), ("from=yesterday", ""), ("limit=0", ""), ("bbox=nan,nan,nan,nan", "west,south"),
     ("key=%00", "key"), ("key=tth%0090001", "key"), ("from=0001-01-01T00:00:00%2B07:00", "from"),
     ("to=9999-12-31T23:59:59Z", "from 1970 to 9998")],
)  # fmt: skip
def test_what_cannot_be_asked_is_said(site, query, says) -> None:
    status, answer = site.get(f"/api/v1/events?{query}")
    assert status == 422
    assert says in str(answer)


def test_each_event_has_its_figures_its_criteria_and_a_sentence(site) -> None:
    _, (gap, encounter, visit) = site.get("/api/v1/events")
    assert visit["vi"].startswith("Ghé Cảng cá Thuận An: 9,0 giờ")
    assert "Thuận An fishing port" in visit["en"]
    assert encounter["vi"] == "Gặp nhau trên biển với TAU A: 3,0 giờ, cách nhau 210 m, trung vị 0,6 hải lý/giờ"
    assert encounter["criteria"]["encounter_least"] == "2 h"
    assert (gap["ended_at"], gap["parameters"]["offshore_nm"]) == (None, 31.0)
    assert "dấu hiệu" not in gap["vi"]


def test_the_same_as_geojson(site) -> None:
    status, found = site.get("/api/v1/events.geojson?kind=encounter")
    assert status == 200
    (feature,) = found["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [108.5, 17.0]}
    assert feature["properties"]["other_label"] == "TAU A"
    assert "lon" not in feature["properties"]
