"""The exercise from outside: a valid CAP alert, received as simulated, once; it lies off the mouth of Thuận An."""

from datetime import UTC, datetime, timedelta

import shapely

from demo.warning import HEADLINES, LASTS, ORIGIN, put_warning
from geo.warning_state import in_force, one_warning
from tests.connections import connected

NOW = datetime(2026, 11, 28, 6, 30, 20, tzinfo=UTC)


def test_it_is_received_as_an_exercise_once_and_again_when_it_runs_out(database) -> None:
    with connected(database.owner) as engine:
        assert put_warning(engine, NOW)
        assert not put_warning(engine, NOW + timedelta(hours=1))
        with engine.connect() as connection:
            (row,) = in_force(connection, NOW)
            told = one_warning(connection, row["id"], NOW)
        assert (row["origin"], row["status"], row["simulated"], row["risk_level"]) == (ORIGIN, "Exercise", True, 2)
        assert (told["words"]["vi"]["headline"], told["words"]["en"]["headline"]) == HEADLINES
        assert told["notes"] == []
        area = shapely.geometry.shape(told["geom"])
        assert area.contains(shapely.Point(108.3, 16.8))  # lon first again
        assert not area.intersects(shapely.box(107.4, 16.3, 108.0, 16.75))
        assert put_warning(engine, NOW + LASTS - timedelta(hours=1))
        with engine.connect() as connection:
            assert in_force(connection, NOW + 3 * LASTS) == []
