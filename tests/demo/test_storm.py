"""The exercise's storm: entered by the importer, as simulated, once; its circles stay off the first picture."""

from datetime import UTC, datetime, timedelta

from shapely.geometry import box

from demo.seed import DEMO
from demo.storm import put_storm, sheet
from geo import storm
from geo.storm_area import swept
from geo.storm_file import of_sheet
from tests.connections import connected

NOW = datetime(2026, 11, 28, 6, 30, 20, tzinfo=UTC)
FIRST_PICTURE = box(107.2, 16.0, 108.8, 17.2)  # what a wide screen shows of Thuận An at the start


def test_it_is_a_good_bulletin_whose_circles_lie_far_out_at_sea() -> None:
    draft = of_sheet(sheet(NOW), None)
    assert (draft.faults, draft.ignored) == ((), ())
    track = storm.Bulletin("", NOW, tuple(point for _, point in draft.points)).track
    area = swept(track, 6, NOW, NOW + timedelta(hours=36))
    assert not area.intersects(FIRST_PICTURE)
    assert area.intersects(box(109.4, 15.5, 110, 17))  # where the boats farthest out work


def test_it_is_entered_once_and_again_when_it_is_old(database) -> None:
    with connected(database.owner) as engine:
        assert put_storm(engine, NOW, DEMO)
        assert not put_storm(engine, NOW + timedelta(hours=1), DEMO)
        assert put_storm(engine, NOW + timedelta(hours=7), DEMO)
        with engine.connect() as connection:
            (one,) = storm.storms(connection)
        assert (one.simulated, one.version, one.number, one.name) == (True, 2, None, "Diễn tập")
        with engine.begin() as connection:
            storm.close(connection, one.id, DEMO, NOW + timedelta(hours=8), None)
        assert not put_storm(engine, NOW + timedelta(hours=20), DEMO)
