"""A small centre for the screens: the real web process's server over a real database and Redis, with a few boats."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
import uvicorn
from psycopg import sql
from shapely import box

from access.site import Site
from geo import account, anomaly, history, rule, table
from geo.actor import SYSTEM
from geo.alarm import clear_alarm, raise_alarm
from geo.database import engine
from geo.fence import Fence, fences, put_fences
from geo.outgoing import allow
from layers import discover, seed
from run.lab import starter
from run.role import urls
from run.servers import Servers
from run.web import make_server
from tests.program import CLEAN, ROOT

VESSEL = next(layer for layer in discover() if layer.name == "vessel").shape
TWICE = 574096986  # a number that a second boat sends too, far to the south
HOSTILE = "<SVG/ONLOAD=A()>"
CLOSED = Fence("closed", "area", "Khu vực cấm khai thác", "No-fishing area", box(107.8, 16.7, 107.95, 16.8))
RULE = rule.Rule(
    "closed", "inside", "vessel", "Vào khu vực cấm: không được vào", "In a closed area: keep out", "high", "closed"
)


@dataclass(frozen=True)
class Centre:
    """Where its pages are, and its database as the owner sees it."""

    url: str
    engine: sa.Engine

    def raise_alarm(self, mmsi: int, label: str, key: str = RULE.key, lon: float = 107.85) -> int:
        """A breach by that boat of that rule, as the worker would write it."""
        now = datetime.now(UTC)
        with self.engine.begin() as connection:
            broken = next(one for one in rule.rules(connection) if one.key == key)
            fence_id = next((one.id for one in fences(connection) if one.key == broken.fence_key), None)
            clear_alarm(connection, broken, str(mmsi), now, now)
            subject = {"object_key": str(mmsi), "object_label": label, "lon": lon, "lat": 16.72, "observed_at": now}
            number = raise_alarm(connection, broken, fence_id, {**subject, "simulated": True, "evidence": {}}, now, now)
        assert number is not None
        return number

    def clear_alarm(self, mmsi: int, key: str = RULE.key) -> None:
        """The end of such a breach."""
        now = datetime.now(UTC)
        with self.engine.begin() as connection:
            broken = next(one for one in rule.rules(connection) if one.key == key)
            assert clear_alarm(connection, broken, str(mmsi), now, now)


def boat(mmsi: int, name: str, lon: float, lat: float, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    row = {"mmsi": mmsi, "shipname": name, "lon": lon, "lat": lat, "observed_at": now, "received_at": now}
    rest = {"source": "ais.sim", "simulated": True, "speed": 6.0, "course": 60.0, "ship_type": 30, "length_m": 16.4}
    return {**row, **rest, "msg_type": 18, "callsign": f"XV{mmsi % 1000}", "status": None, **more}


def fleet() -> list[dict[str, Any]]:
    boats = [boat(574090000 + n, f"TTH-9{n:04d}-TS", 107.66 + 0.02 * n, 16.6 + 0.01 * n) for n in range(24)]
    named = [
        boat(574091234, "TTH-91234-TS", 107.85, 16.72, length_m=24.5, speed=2.1, status=7),
        boat(TWICE, "BĐ 96986 TS", 107.95, 16.60, anomaly=anomaly.DUPLICATE_MMSI, track=0),
        boat(574000039, "HẢI NAM 39", 108.0, 16.55, ship_type=70, speed=11.0),
        boat(574000666, HOSTILE, 107.9, 16.66),
    ]
    return [*boats, *named]


def track(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Six hours of fixes that end where the boat is, with a silence of an hour in their middle."""
    fixes = []
    for n in range(60):
        ago = timedelta(minutes=6 * n + (60 if n > 30 else 0))
        way = {"lon": row["lon"] - 0.004 * n, "lat": row["lat"] - 0.001 * n, "speed": float(n % 14)}
        fixes.append({**row, "observed_at": row["observed_at"] - ago, **way})
        if row["mmsi"] == TWICE:
            ago += timedelta(minutes=3)
            fixes.append({**fixes[-1], "observed_at": row["observed_at"] - ago, "lat": way["lat"] - 1, "track": 1})
    return fixes


def fill(owner: sa.Engine) -> None:
    rows = fleet()
    names = set(VESSEL.latest.c.keys())
    with owner.begin() as connection:
        seed(connection, discover())
        put_fences(connection, [CLOSED], SYSTEM)
        rule.put_rules(connection, [RULE], SYSTEM)
        for row in rows:
            point = sa.func.ST_SetSRID(sa.func.ST_MakePoint(row["lon"], row["lat"]), 4326)
            values = {name: value for name, value in row.items() if name in names}
            connection.execute(sa.insert(VESSEL.latest).values(geom=point, **values))
        past = pd.DataFrame([fix for row in rows[-4:] for fix in track(row)])
        history.ensure_days(connection, VESSEL, past)
        history.append(
            connection,
            VESSEL,
            past[
                ["mmsi", "lon", "lat", "observed_at", "received_at", "source", "simulated", "speed", "course", "track"]
            ],
        )
        now = datetime.now(UTC)
        odd = {"layer": "vessel", "object_key": str(TWICE), "kind": "duplicate_mmsi", "count": 118}
        times = {"first_at": now - timedelta(hours=7), "last_at": now - timedelta(minutes=3)}
        connection.execute(sa.insert(table.anomaly).values(**odd, **times))
        account.register_feed(connection, "ais.sim", "ais", "vessel", simulated=True, expected_s=60)
        told = account.Account(received=300, accepted=297, messages=290, positions=280, rows=28)
        told.rejected["checksum"] = 3
        account.record(connection, "ais.sim", told, datetime.now(UTC))


@contextmanager
def standing(private_servers: Servers, template: str, name: str, *allowed: str) -> Iterator[Centre]:
    """A centre of that name, for as long as the context lasts; allowed: what it may ask besides, host:port."""
    server = private_servers.postgres
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER haidang_owner")
    roles = urls(server, name)
    owner = engine(roles.owner)
    fill(owner)
    site = Site(
        engine=engine(roles.web),
        redis_url=private_servers.redis.url,
        layers=discover(),
        centre_vi="Trung tâm điều hành Huế",
        centre_en="Huế operations centre",
        view=(16.62, 107.95, 10),
        simulated=True,
        outgoing_allowed=allow(allowed),
        start_lab=starter({**CLEAN, "DATABASE_URL_WEB": roles.web}, ROOT / "app.py"),
    )
    listening = socket.create_server(("127.0.0.1", 0))
    web = uvicorn.Server(
        uvicorn.Config(
            make_server(site), log_level="warning", ws_per_message_deflate=False, timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield Centre(f"http://127.0.0.1:{listening.getsockname()[1]}", owner)
    web.should_exit = True
    thread.join(timeout=10)
    for each in (owner, site.engine):
        each.dispose()
    with server.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def centre(private_servers: Servers, database_template: str) -> Iterator[Centre]:
    """One centre for a file of tests."""
    with standing(private_servers, database_template, "pages_centre") as made:
        yield made


@pytest.fixture
def own_centre(private_servers: Servers, database_template: str) -> Iterator[Centre]:
    """A centre for one test, whose desk nobody else has filled."""
    with standing(private_servers, database_template, "pages_own_centre") as made:
        yield made
