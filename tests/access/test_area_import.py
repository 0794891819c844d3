"""What stands in communes, found anew although somebody writes while other outlines come in."""

import threading
from typing import Any

import sqlalchemy as sa
from shapely.geometry import box, mapping

from access.area_import import Deed, carry_out
from geo.actor import Actor
from geo.area import areas
from geo.area_file import drafts
from geo.vector_file import Row
from run.process import wait_for
from run.schema import bring_up
from tests.connections import asked, connected, told
from tests.geo.test_commune import layers_of, seeded  # noqa: F401 # a fixture

PUT = (
    "INSERT INTO mast (id, geom, received_at, source) VALUES"
    " (:id, ST_SetSRID(ST_MakePoint(107.578, 16.474), 4326), now(), 't')"
)
KIM_LONG = Row(1, {"code": "19774"}, mapping(box(107.50, 16.38, 107.59, 16.48)), None)


def of(database: Any, name: str) -> str | None:
    (row,) = asked(database.web, "SELECT commune FROM mast WHERE id = :name", name=name)
    return row["commune"]


def has_outline(database: Any) -> bool:
    with connected(database.web) as opened, opened.connect() as connection:
        return areas(connection, code="19774", geometry=True)[0].geom is not None


def test_what_is_written_while_outlines_come_in_is_of_the_new_ones(seeded: Any) -> None:  # noqa: F811
    with layers_of(seeded), connected(seeded.web) as web, connected(seeded.ingest) as ingest:
        told(seeded.ingest, PUT, id="before")
        assert of(seeded, "before") == "19753"
        read = lambda known: drafts([KIM_LONG], known)[0]  # noqa: E731
        given = (web, read, "Sở Nội vụ", False, Deed(Actor("Lan"), "thử"))
        importing = threading.Thread(target=carry_out, args=given)
        with ingest.begin() as connection:  # a worker at work: it knows the old outlines alone
            connection.execute(sa.text(PUT), {"id": "meanwhile"})
            importing.start()
            wait_for(lambda: has_outline(seeded), 60)
            assert importing.is_alive()  # waits for the worker
        importing.join(60)
        assert (of(seeded, "before"), of(seeded, "meanwhile")) == ("19774", "19774")


def test_what_stood_there_before_the_communes_came_is_found_too(database: Any) -> None:
    with layers_of(database):
        told(database.ingest, PUT, id="early")
        assert of(database, "early") is None
        bring_up(database.owner)
        assert of(database, "early") == "19753"
