"""The paper of an evidence pack as HTML: what it says of a boat with very many fixes and of one without any."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from access.evidence import assemble
from access.site import Site
from geo.actor import Actor
from geo.fleet import Boat, put_boat
from layers import discover, seed
from pages.evidence_paper import sheet_of
from pages.evidence_sketch import DOTS_MOST
from tests import boat_past
from tests.connections import connected

NAME = "BĐ-96987-TS"
HOSTILE = "<script>alert(1)</script> =1+1"


class Seen(HTMLParser):
    """The elements and words that a reader of the HTML sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data + " "


@pytest.fixture
def sea(database: Any) -> Iterator[Any]:
    """Gives the paper of a boat that has so many fixes, a third of an hour apart, through the Hoàng Sa islands."""
    with connected(database.owner) as owner, connected(database.web) as web:
        with owner.begin() as connection:
            seed(connection, discover())
        now = datetime.now(UTC)
        site = Site(web, "redis://127.0.0.1:1", discover(), "Huế", "Huế", (16.6, 107.9, 10))
        with web.begin() as connection:
            boat = Boat(NAME, 26.5, "Gia Lai", shipname=HOSTILE, simulated=True)
            put_boat(connection, boat, Actor("Lan"), now - timedelta(days=60))

        def paper(fixes: int) -> Seen:
            rows = [
                {"at": now - timedelta(minutes=20 * n), "lon": 111.3 + 0.001 * n, "lat": 16.2, "manual": n % 10 == 0}
                for n in range(1, fixes + 1)
            ]
            if rows:
                boat_past.hear(owner, rows, NAME)
            with web.connect() as connection:
                span = (now - timedelta(days=30), now, now + timedelta(minutes=2))
                return Seen(sheet_of(site, assemble(connection, site, NAME, *span, now + timedelta(minutes=5))))

        yield paper


def test_a_boat_without_a_fix_has_a_paper_that_says_so(sea: Any) -> None:
    seen = sea(0)
    assert {"svg", "script"}.isdisjoint(seen.tags)
    for words in ("Không có vị trí nào trong khoảng này.", "Không có báo động nào", HOSTILE, "DỮ LIỆU MÔ PHỎNG"):
        assert words in seen.words
    assert re.search(r"Nghĩa vụ báo vị trí\s+bắt buộc, 2 giờ một lần", seen.words)


def test_the_archipelagos_stand_in_the_sketch_and_many_fixes_do_not_hide_them(sea: Any) -> None:
    seen = sea(2 * DOTS_MOST)
    assert "Quần đảo Hoàng Sa (Việt Nam)" in seen.words  # in the large map, and both in the small one
    assert re.search(r"Hoàng Sa\s+\(Việt Nam\)", seen.words)
    assert re.search(r"Trường Sa\s+\(Việt Nam\)", seen.words)
    assert "Biển Đông" in seen.words
    assert "50 do người báo (vòng rỗng)" in seen.words
    assert 50 <= seen.tags.count("circle") < 60  # those that were told, both ends, the archipelagos
    assert "và 380 dòng nữa: đầy đủ trong track_vms.csv." in seen.words
    assert "Sơ đồ tham khảo, không phải căn cứ pháp lý với mọi tuyến, vùng được vẽ" in seen.words
