"""An exercise bulletin of a storm far out at sea, entered as an office's table would be, through the importer."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from access import storm as importing
from access.storm import Said
from geo import storm
from geo.actor import Actor
from geo.calendar import ZONE
from geo.storm_file import of_sheet
from geo.vector_file import Sheet

HEAD = (
    "Thời gian (giờ VN)", "Vị trí tâm bão", "Cấp gió", "Bán kính gió cấp 6 (km)", "Bán kính gió cấp 10 (km)", "Loại",
)  # fmt: skip
# Hours from now, place, wind, radii. Its widest circle ends at 109°E, east of what the first picture shows, so that the
# boats farthest out have to be called and nothing lies over Thuận An.
POINTS = (
    (-6, "15,2N 116,6E", "cấp 11, giật cấp 14", "220", "80", "quan trắc"),
    (0, "15,5N 115,5E", "cấp 12, giật cấp 15", "230", "90", "quan trắc"),
    (12, "16,0N 113,5E", "cấp 12, giật cấp 15", "240", "90", "dự báo"),
    (24, "16,4N 111,6E", "cấp 12, giật cấp 14", "240", "90", "dự báo"),
    (36, "17,4N 111,4E", "cấp 10, giật cấp 13", "220", "60", "dự báo"),
)
SOURCE = "Bản tin diễn tập của Hải Đăng"
NAME = "Diễn tập"
COMMENT = "ngày mô phỏng"
AGAIN = timedelta(hours=6)


def sheet(now: datetime) -> Sheet:
    """The bulletin of that moment, at its minute."""
    whole = now.astimezone(ZONE).replace(second=0, microsecond=0)
    rows = [(f"{whole + timedelta(hours=hours):%H:%M %d/%m/%Y}", *cells) for hours, *cells in POINTS]
    return Sheet(HEAD, tuple((n, dict(zip(HEAD, row, strict=True))) for n, row in enumerate(rows, start=2)))


def put_storm(engine: sa.Engine, now: datetime, actor: Actor) -> bool:
    """Enter the exercise's bulletin, marked as simulated, unless its last one is fresh or somebody closed the storm."""
    with engine.connect() as connection:
        own = [one for one in storm.storms(connection) if one.simulated and one.name == NAME]
    if any(one.closed_at is not None or (one.bulletin and one.bulletin.issued_at > now - AGAIN) for one in own):
        return False
    issued = now.replace(second=0, microsecond=0)
    said = Said(source=SOURCE, name=NAME, issued_at=issued, simulated=True)
    _, kept = importing.carry_out(engine, of_sheet(sheet(now), None), said, actor, COMMENT)
    return kept is not None
