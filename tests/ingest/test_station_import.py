"""A station that a list knows, and its first record: they are one station, which stands where the list says."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from access.station_import import carry_out
from geo.actor import Actor
from geo.figure import put_figures, seeds
from geo.station_file import Draft
from ingest.feed import Lane, Source
from layers.environment import LAYER
from tests.connections import connected


def test_a_record_without_a_place_is_of_the_station_that_a_list_has_put_there(
    bench: Any, work: Callable[..., int]
) -> None:
    draft = Draft(
        2, "KIM-LONG", {"name": "Kim Long", "kind": "river", "river": "kim_long", "lon": 107.55, "lat": 16.45}, {}
    )
    with connected(bench.database.owner) as owner:
        with owner.begin() as connection:
            put_figures(connection, seeds())
        assert carry_out(owner, LAYER.shape, [draft], Actor("Lan"), None)[1] == 1
    lane = Lane(Source("environment.test", "udp://127.0.0.1:1", LAYER.feeds[0]), LAYER.shape, LAYER.style.label,
                LAYER.style.columns(), LAYER.identify)  # fmt: skip
    work(
        bench.batch(datetime.now(UTC).timestamp(), b'{"id":"KIM-LONG","water_m":2.56}', source="environment.test"),
        lanes=(lane,),
    )
    (row,) = bench.ask("SELECT *, ST_X(geom) AS lon FROM environment")
    assert (row["name"], row["stage"], row["nearest_level"], row["above_m"]) == ("Kim Long", 2, 2, 0.56)
    assert (row["lon"], row["source"]) == (107.55, "environment.test")
