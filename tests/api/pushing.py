"""What tests of the push door share: boats in the register, keys, records, and a worker for what was pushed."""

import gzip
import http.client
import json
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
import sqlalchemy as sa

from geo import api_key
from geo.actor import Actor
from geo.fishery import boat, device
from ingest import worker as worker_module
from ingest.worker import Worker
from layers import discover, push_lanes
from tests.connections import connected
from tests.ingest.conftest import drain

OURS, OTHERS = "TTH-91234-TS", "QNg-95518-TS"
PATH = "/api/v1/layers/vms/records"


def enrol(owner: sa.Engine, now: datetime) -> None:
    """A boat with a device of VNPT, and another with one of Viettel."""
    with owner.begin() as connection:
        for number, (registration, provider) in enumerate(((OURS, "vnpt"), (OTHERS, "viettel"))):
            own = {"home_province": "Huế", "updated_at": now, "updated_by": "test", "length_m": 16.4}
            connection.execute(sa.insert(boat).values(registration=registration, **own))
            fitted = {"id": f"D{number + 1}", "registration": registration, "provider": provider}
            connection.execute(sa.insert(device).values(slot=1, active=True, **fitted))


def key(database: Any, sender: str = "vnpt", layers: Sequence[str] = ("vms",), **more: Any) -> str:
    """A new key's token."""
    with connected(database.owner) as owner, owner.begin() as connection:
        given = {"provider_name": None, **more}
        return api_key.make(connection, sender, layers, actor=Actor("Lan"), now=datetime.now(UTC), **given)[1]


def fix(ago_min: float = 5, **members: Any) -> dict[str, Any]:
    """A fix of our boat."""
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=ago_min)
    return {"registration": OURS, "observed_at": at.isoformat(), "lon": 108.0, "lat": 16.8, **members}


def push(port: int, token: str | None, body: Any, path: str = PATH, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """Status, answer and headers of a push of bytes, or of what JSON makes of it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if given.get("content-encoding") == "gzip" and not data.startswith(b"\x1f"):
        data = gzip.compress(data)
    try:
        connection.request("POST", path, data, own | given)
        answer = connection.getresponse()
        text = answer.read()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, json.loads(text) if "json" in named.get("content-type", "") else text.decode(), named
    finally:
        connection.close()


@contextmanager
def working(database: Any, redis_url: str) -> Any:
    """A function that lets a worker do all that senders pushed so far."""
    with connected(database.ingest) as ingest, redis.Redis.from_url(redis_url) as client:
        known = lambda connection: push_lanes(discover(), api_key.senders(connection))  # noqa: E731
        worker = Worker((), ingest, client, further=known)
        before, worker_module.READ_BLOCK_MS = worker_module.READ_BLOCK_MS, 20
        try:
            yield lambda: drain(worker)
        finally:
            worker_module.READ_BLOCK_MS = before
