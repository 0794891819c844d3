"""A boat with a past for tests: its register entry, a week of fixes with a silence, and what the clock told of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo.actor import Actor
from geo.contact import Contact
from geo.device import Device
from geo.fleet import Boat, fit, put_boat
from layers import discover
from run.clock import FEEDS_AFTER, Clock

WHO = Actor("Trần Thị Hoa")
NAME, MMSI = "TTH-91234-TS", 574091234
PORT, SEA = (107.640, 16.557), (108.9, 17.4)
NO_REDIS = "redis://127.0.0.1:9/0"
EVERY_H = 2.0
# Hours before now: in port to 130, at sea with a silence of nine hours, in port from 40 to 30, at sea again, lost at 9.
LEFT, SILENT, BACK, AGAIN, LAST = 130.0, (80.0, 71.0), 40.0, 30.0, 9.0
OWNER = Contact("owner", "Nguyễn Văn Bảy", "0912345678")


def register(owner: sa.Engine, now: datetime, name: str = NAME, **more: Any) -> Boat:
    """Put the boat in, half a year ago, and give it a new seal and licence since."""
    told = {"shipname": "Hải Âu", "mmsi": MMSI, "callsign": "XV7H", "gear": "trawl", "commune": "Thuận An", **more}
    boat = Boat(name, 24.6, "Huế", licence="HU-1234", licence_until=(now + timedelta(days=41)).date(), **told)
    device = Device(f"VNT-{name[4:9]}", name, "vnpt", seal="KC-778", fitted_at=now - timedelta(days=170))
    with owner.begin() as connection:
        kept = put_boat(
            connection, fit(boat, device, now - timedelta(days=170)), WHO, now - timedelta(days=180), "theo hồ sơ giấy",
            people=[OWNER, Contact("captain", "Lê Văn Sáu", "0987654321")],
        )  # fmt: skip
        changed = replace(kept, power_kw=420.0)
        return put_boat(connection, changed, WHO, now - timedelta(days=3), "thay máy, gọi 0912345678")


def fixes(now: datetime) -> list[dict[str, Any]]:
    """The boat's fixes, oldest first."""
    found, ago = [], 168.0
    while ago >= LAST:
        if not SILENT[1] < ago < SILENT[0]:
            found.append({"at": now - timedelta(hours=ago), **_where(ago)})
        ago -= EVERY_H
    return found


def _where(ago: float) -> dict[str, float]:
    for begin, end in ((LEFT, BACK), (AGAIN, -10.0)):
        if begin > ago > end:
            share = min((begin - ago) / (begin - end), 1.0)
            out = 1 - abs(2 * share - 1)  # there and back
            lon, lat = (PORT[n] + (SEA[n] - PORT[n]) * out for n in (0, 1))
            return {
                "lon": round(lon, 5),
                "lat": round(lat + 0.05 * share, 5),
                "speed": round(9 - 7 * out, 1),
                "course": 55.0,
            }
    return {"lon": PORT[0], "lat": PORT[1], "speed": 0.0, "course": 0.0}


def hear(owner: sa.Engine, rows: list[dict[str, Any]], name: str = NAME, received: datetime | None = None) -> None:
    """Keep fixes as the worker does: the history, and the latest state."""
    rows = [
        {"name": name, "received": received or row["at"] + timedelta(seconds=20), "manual": False,
         "device": f"VNT-{name[4:9]}", "speed": None, "course": None, **row}
        for row in rows
    ]  # fmt: skip
    point = "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)"
    columns = "registration, geom, observed_at, received_at, source, device, provider, manual, speed, course"
    values = f":name, {point}, :at, :received, 'vms.test', :device, 'vnpt', :manual, :speed, :course"
    with owner.begin() as connection:
        connection.execute(
            sa.text("SELECT ensure_partition('vms_history', day) FROM unnest(CAST(:days AS date[])) AS day"),
            {"days": sorted({row["at"].date() for row in rows})},
        )
        connection.execute(sa.text(f"INSERT INTO vms_history ({columns}) VALUES ({values})"), rows)
        connection.execute(
            sa.text(
                f"INSERT INTO vms AS t ({columns}, auto_at) VALUES ({values}, CASE WHEN :manual THEN NULL ELSE :at END)"
                " ON CONFLICT (registration) DO UPDATE SET geom = excluded.geom, observed_at = excluded.observed_at,"
                " manual = excluded.manual, speed = excluded.speed, auto_at = greatest(t.auto_at, excluded.auto_at)"
                " WHERE excluded.observed_at >= t.observed_at"
            ),
            rows,
        )


def lay(owner: sa.Engine, ingest: sa.Engine, now: datetime, name: str = NAME, **more: Any) -> None:
    """The boat, its week, and the clock's judgement of it."""
    register(owner, now, name, **more)
    hear(owner, fixes(now), name)
    clock = Clock(discover(), ingest, NO_REDIS, now=lambda: now)
    clock._began = now - FEEDS_AFTER
    with ingest.connect() as connection:
        for _ in range(3):
            clock.tick(connection)
