"""Observations of stations through a worker, Redis and PostGIS: what is stored, what comes late, what raises alarms."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from access.site import Site
from geo.figure import put_figures, seeds
from geo.observation import observed
from ingest.feed import Lane, RawBatch, Source
from layers import kpi_values
from layers.environment import LAYER
from pages import flood
from tests.connections import connected

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
Work = Callable[..., int]


def lane(name: str = "environment.test") -> Lane:
    source = Source(name, "udp://127.0.0.1:1", LAYER.feeds[0])
    return Lane(source, LAYER.shape, LAYER.style.label, LAYER.style.columns(), LAYER.identify)


@pytest.fixture
def city(bench: Any) -> Any:
    with connected(bench.database.owner) as owner, owner.begin() as connection:
        put_figures(connection, seeds())
    return bench


def told(ago: timedelta, id: str = "S", **members: Any) -> bytes:
    return json.dumps({"id": id, "observed_at": (NOW - ago).isoformat(), **members}).encode()


def batch(city: Any, *lines: bytes, source: str = "environment.test") -> RawBatch:
    batch: RawBatch = city.batch(datetime.now(UTC).timestamp(), *lines, source=source)
    return batch


def state(city: Any, id: str = "S") -> dict[str, Any]:
    (row,) = city.ask("SELECT *, ST_X(geom) AS lon, ST_Y(geom) AS lat FROM environment WHERE id = :id", id=id)
    return dict(row)


def test_fact_21_observations_become_a_state_with_its_index(city: Any, work: Work) -> None:
    newest_first = [60, 50, 40, 30, *[20] * 8]
    lines = [told(back * HOUR, pm25=value, lon=107.58, lat=16.46) for back, value in enumerate(newest_first)]
    work(batch(city, *lines[::-1]), lanes=(lane(),))
    row = state(city)
    assert (row["aqi"], row["aqi_of"], row["aqi_until"]) == (101, "pm25", NOW)
    assert row["pm25_12h"] == pytest.approx(50.63, abs=0.01)
    assert city.one("SELECT count(*) FROM environment_history") == 12
    (feed,) = city.ask("SELECT * FROM feed")
    assert (feed["received"], feed["accepted"], feed["rows"]) == (12, 12, 12)


def test_batches_of_their_own_count_together_and_what_comes_late_mends_the_state(city: Any, work: Work) -> None:
    lanes = (lane(), lane("environment.other"))
    for back in (11, 10, 9, 8, 7, 6, 5, 4, 3):
        work(batch(city, told(back * HOUR, pm25=20.0, lon=107.58, lat=16.46)), lanes=lanes)
    work(batch(city, told(timedelta(0), no2=5.0), source="environment.other"), lanes=lanes)
    before = state(city)
    assert (before["aqi"], before["no2"], before["pm25"]) == (None, 5.0, None)
    # What was missing of the last two hours comes after it, by the other source.
    work(batch(city, told(2 * HOUR, pm25=60.0), told(HOUR, pm25=40.0)), lanes=lanes)
    after = state(city)
    assert after["observed_at"] == NOW
    assert after["aqi"] > 50
    assert (after["no2"], after["pm25"]) == (5.0, 40.0)
    # A record without a place is kept where its station stands.
    assert city.one("SELECT count(*) FROM environment_history WHERE geom IS NULL") == 0


def test_a_record_sent_again_is_stored_once_and_counted(city: Any, work: Work) -> None:
    one = told(HOUR, pm25=20.0)
    work(batch(city, one, one, told(HOUR, pm25=21.0)), batch(city, one), lanes=(lane(),))
    assert city.one("SELECT count(*) FROM environment_history") == 2
    work(batch(city, one), lanes=(lane(),))
    assert city.one("SELECT count(*) FROM environment_history") == 2


def test_what_is_wrong_is_refused_by_its_member_or_flagged_and_nothing_is_lost(city: Any, work: Work) -> None:
    ahead = {"id": "S", "observed_at": (datetime.now(UTC) + HOUR).isoformat(), "pm25": 7}
    lines = (
        told(3 * HOUR, pm25="31"),
        told(3 * HOUR, parameter="pm25", value=3, unit="ppb"),
        told(3 * HOUR, parameter="radon", value=3),
        told(2 * HOUR, pm25=99999, no2=4.0),
        told(HOUR, parameter="no2", value=10, unit="ppb"),
        told(HOUR - MINUTE, parameter="no2", value=20, unit="µg/m³"),
        json.dumps(ahead).encode(),
    )
    work(batch(city, *lines), lanes=(lane(),))
    (feed,) = city.ask("SELECT * FROM feed")
    assert feed["rejected"] == {"value:pm25": 1, "unit": 1, "parameter": 1}
    assert city.one("SELECT count(*) FROM dead_letter") == 3
    flags = [row["quality"] for row in city.ask("SELECT quality FROM environment_history ORDER BY observed_at")]
    still = f"pm25:range=99999@{NOW - 2 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    assert flags[:3] == ["pm25:range=99999", still, f"no2:unit=µg/m³ {still}"]
    assert flags[3].startswith("observed_at:future=")
    assert state(city)["observed_at"] <= datetime.now(UTC)  # the next true one is not taken for a late one
    assert state(city)["pm25"] == 7.0


def test_fact_22_a_river_above_its_levels_raises_an_alarm_each_with_the_level_as_evidence(
    city: Any, work: Work
) -> None:
    city.seed([], [rule for rule in LAYER.rules if rule.key.startswith("river_bd")])
    river = {"river": "kim_long", "kind": "river", "lon": 107.56, "lat": 16.45}
    work(batch(city, told(20 * MINUTE, water_m=1.98, **river)), lanes=(lane(),))
    work(batch(city, told(10 * MINUTE, water_m=3.45)), lanes=(lane(),))
    work(batch(city, told(timedelta(0), water_m=3.52)), lanes=(lane(),))
    rows = city.ask(
        "SELECT rule.key, alarm.evidence FROM alarm JOIN rule ON rule.id = alarm.rule_id"
        " ORDER BY alarm.observed_at, rule.key"
    )
    assert [row["key"] for row in rows] == ["river_bd1", "river_bd2", "river_bd3"]
    highest = rows[-1]["evidence"]
    assert (highest["water_m"], highest["stage"], highest["nearest_level"]) == (3.52, 3.0, 3.0)
    assert highest["above_m"] == pytest.approx(0.02)


def test_an_alarm_of_a_river_without_a_known_first_level_ends_below_the_others_and_comes_again(
    city: Any, work: Work
) -> None:
    city.seed([], [rule for rule in LAYER.rules if rule.key.startswith("river_bd")])
    river = {"river": "ha_bang", "kind": "river", "lon": 109.2, "lat": 13.3}

    def alarms() -> list[tuple[str, bool]]:
        rows = city.ask(
            "SELECT rule.key, alarm.cleared_at IS NOT NULL AS over FROM alarm JOIN rule ON rule.id = alarm.rule_id"
            " ORDER BY rule.key, alarm.raised_at"
        )
        return [(row["key"], row["over"]) for row in rows]

    work(batch(city, told(3 * HOUR, water_m=8.6, **river)), lanes=(lane(),))
    assert alarms() == [("river_bd1", False), ("river_bd2", False)]
    work(batch(city, told(2 * HOUR, water_m=8.4)), lanes=(lane(),))
    assert state(city)["stage"] is None  # what is shown says no more than is known
    work(batch(city, told(HOUR, water_m=5.0)), lanes=(lane(),))
    assert alarms() == [("river_bd1", True), ("river_bd2", True)]
    work(batch(city, told(timedelta(0), water_m=9.0)), lanes=(lane(),))
    assert alarms() == [("river_bd1", True), ("river_bd1", False), ("river_bd2", True), ("river_bd2", False)]


def test_what_a_station_measured_is_read_for_its_chart(city: Any, work: Work) -> None:
    lines = [told(2 * HOUR, pm25=20.0, lon=107.58, lat=16.46), told(HOUR, no2=5.0)]
    work(batch(city, *lines), lanes=(lane(),))
    work(batch(city, told(HOUR, no2=6.0)), lanes=(lane(),))  # a correction
    with connected(city.database.web) as web, web.connect() as connection:
        seen = observed(connection, Path("/nowhere"), LAYER.shape, "S", NOW - 24 * HOUR, NOW)
    assert {name: [value for _, value in own] for name, own in seen.samples.items()} == {
        "pm25": [20.0], "no2": [5.0, 6.0],
    }  # fmt: skip


def test_every_station_knows_its_commune_and_a_kpi_counts_the_doubtful(city: Any, work: Work) -> None:
    work(batch(city, told(HOUR, pm25=-5, no2=1.0, lon=107.58, lat=16.46)), lanes=(lane(),))
    with connected(city.database.web) as web, web.connect() as connection:
        kpi = next(one for one in LAYER.kpis if one.name == "suspect")
        query = sa.select(sa.literal_column(kpi.sql)).select_from(LAYER.shape.latest)
        assert connection.scalar(query) == 1


def test_what_a_dead_station_said_last_counts_in_no_figure_of_now(city: Any, work: Work) -> None:
    own = [told(back * HOUR, id="AIR", pm25=300.0, lon=107.58, lat=16.46) for back in (3, 2, 1, 0)]
    river = told(timedelta(0), id="RIVER", water_m=2.5, river="kim_long", kind="river", lon=107.56, lat=16.45)
    odd = told(timedelta(0), id="ODD", pm25=-999, lon=107.57, lat=16.46)
    work(batch(city, *own, river, odd), lanes=(lane(),))
    figures = ("total", "fresh", "suspect", "above_bd1", "aqi_most")

    def counted(ago: timedelta) -> list[Any]:
        with connected(city.database.owner) as owner, owner.begin() as connection:
            connection.execute(sa.update(LAYER.shape.latest).values(observed_at=datetime.now(UTC) - ago))
            known = kpi_values(connection, LAYER)
        return [known[name] for name in figures]

    index = state(city, "AIR")["aqi"]
    assert index > 200
    assert counted(timedelta(0)) == [3, 3, 1, 1, index]
    assert counted(31 * MINUTE) == [3, 2, 1, 0, index]
    assert counted(136 * MINUTE) == [3, 0, 0, 0, None]


def test_a_river_whose_level_sensor_died_stays_on_the_floods_screen(city: Any, work: Work) -> None:
    river = {"river": "kim_long", "kind": "river", "lon": 107.56, "lat": 16.45}
    work(batch(city, told(3 * HOUR, water_m=2.5, **river), told(timedelta(0), temperature_c=25.0)), lanes=(lane(),))
    assert state(city)["water_m"] is None
    work(batch(city, told(timedelta(0), id="T", temperature_c=25.0, lon=107.5, lat=16.4)), lanes=(lane(),))
    with connected(city.database.web) as web, web.connect() as connection:
        site = Site(web, city.redis_url, (LAYER,), "Huế", "Huế", (16.5, 107.6, 10))
        (one,) = flood.flood(connection, site, NOW + MINUTE).rivers
    assert (one.row["id"], one.row["water_m"], one.heard_at) == ("S", None, NOW - 3 * HOUR)
