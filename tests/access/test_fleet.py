"""What screens are given of the register, and how they change it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from access import fleet as doing
from access.editing import Conflict, Missing
from access.site import Site
from geo import fleet
from geo.actor import Actor
from geo.contact import Contact
from geo.device import Device
from geo.fleet import Boat
from geo.wrong import Wrong
from layers import discover, seed
from tests.connections import connected

WHO, OTHER = Actor("Trần Thị Hoa"), Actor("Lê Văn Sáu")


@pytest.fixture
def site(database: Any) -> Iterator[Site]:
    with connected(database.owner) as owner, owner.begin() as connection:
        seed(connection, discover())
    with connected(database.web) as web:
        people = [Contact("owner", "Trần Bảy", "0912345678"), Contact("captain", "Lê Chín", None)]
        with web.begin() as connection:
            fleet.put_boat(connection, Boat("TTH-91234-TS", 16.4, "Huế"), WHO, datetime.now(UTC), people=people)
        yield Site(web, "redis://127.0.0.1:1", discover(), "Huế", "Huế", (16.6, 107.9, 10))


def test_numbers_are_masked_for_whoever_does_not_say_that_they_may_be_read(site: Site) -> None:
    with site.engine.connect() as connection:
        masked = doing.card(connection, "tth 91234")
        told = doing.card(connection, "TTH.91234", may_read_contacts=True)
        assert doing.card(connection, "TTH-99999") is None
    assert masked.people == (Contact("owner", "Trần Bảy", "•••••••678"), Contact("captain", "Lê Chín", None))
    assert told.people[0].phone == "0912345678"
    assert (masked.boat, masked.heard) == (told.boat, None)
    assert "0912345" not in repr(masked)


def test_of_two_who_began_from_one_version_the_second_is_told_who_was_first(site: Site) -> None:
    device = Device("VNT1", "", "vnpt")
    done = doing.change(site, "tth 91234", 1, lambda boat, now: fleet.fit(boat, device, now), OTHER, "lắp ở cảng")
    assert (done.version, done.device.id) == (2, "VNT1")
    with pytest.raises(Conflict) as caught:
        doing.change(site, "TTH-91234", 1, fleet.lay_up, WHO)
    assert (caught.value.version, caught.value.actor) == (2, OTHER.name)
    assert not doing.change(site, "TTH-91234", 2, fleet.lay_up, WHO).in_use
    with site.engine.connect() as connection:
        assert [row["actor"] for row in fleet.history(connection, "TTH-91234-TS")] == [WHO.name, OTHER.name, WHO.name]


def test_what_cannot_be_changes_nothing(site: Site) -> None:
    with pytest.raises(Missing):
        doing.change(site, "TTH-99999", 1, fleet.lay_up, WHO)
    with pytest.raises(Wrong):
        doing.change(site, "TTH-91234", 1, lambda boat, now: replace(boat, length_m=0), WHO)
    with site.engine.connect() as connection:
        assert doing.card(connection, "TTH-91234").boat.version == 1
