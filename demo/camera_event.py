"""What a recognition system would see through the city's cameras: pushed by the same door as real ones, with a key."""

import json
import os
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from demo.camera import simulated
from geo import api_key
from geo.actor import Actor
from geo.calendar import ZONE
from geo.camera_event import FALSE_REASONS
from geo.outgoing import Outgoing, OutgoingError, place, target
from ingest.camera_event import NAME

SENDER, KEPT = "camera-mo-phong", "camera-events.token"
SLOT_S = 20.0  # at most one event in each
BEFORE = timedelta(hours=6)  # so much of the past is there when a demo begins
REVIEWED_UNTIL = timedelta(minutes=40)  # what is older the shift before has decided
LAST_SHIFT = "Ca trước (mô phỏng)"
CAMERAS = 12
ANSWER_BYTES_MAX = 4 << 20
# How often each type is seen, and its lanes.
TYPES = (
    ("red_light", 22), ("no_helmet", 20), ("stop_park", 16), ("wrong_lane", 12), ("encroachment", 10), ("speeding", 6),
    ("wrong_way", 5), ("phone", 4), ("littering", 3), ("awning", 1), ("discharge", 1),
)  # fmt: skip
LANES = ("làn 1", "làn 2", "làn 3", "hướng ra cầu", "hướng vào trung tâm")
# The share of slots with an event, by the hour of Viet Nam's day: two rush hours, a quiet night.
BUSY = (2, 1, 1, 1, 2, 8, 30, 55, 45, 30, 28, 34, 30, 26, 26, 30, 40, 58, 46, 30, 24, 16, 8, 4)
log = structlog.get_logger()


def put_key(connection: sa.Connection, folder: Path, actor: Actor, now: datetime) -> None:
    """A key for this demo, its token where only the simulation reads it; those of earlier demos are closed."""
    for key in api_key.keys(connection):
        if key.sender == SENDER and key.state(now) == "in use":
            api_key.disable(connection, key.prefix, actor, now)
    _, token = api_key.make(connection, SENDER, (NAME,), None, actor, now, now + timedelta(days=30))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / KEPT
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(token)


def event(seed: int, slot: int) -> dict[str, Any] | None:
    """What is seen in a slot of time, the same each time it is asked; None for nothing."""
    chance = random.Random(f"camera event {seed} {slot}")
    at = datetime.fromtimestamp(slot * SLOT_S + chance.random() * (SLOT_S - 1), UTC)
    if chance.random() * 100 >= BUSY[at.astimezone(ZONE).hour]:
        return None
    kind = chance.choices([name for name, _ in TYPES], [share for _, share in TYPES])[0]
    row: dict[str, Any] = {
        "record_id": f"s{seed}-{slot}",
        "camera": chance.choice(_watching()),
        "type": kind,
        "occurred_at": at.isoformat(timespec="seconds"),
        "confidence": round(min(0.99, chance.betavariate(8, 2)), 2),
        "simulated": True,
    }
    if kind in ("littering", "awning", "discharge", "encroachment"):
        return row
    series = chance.choice("ABCDEFGH")
    # 00 is no province: no simulated plate is anybody's.
    return {**row, "plate": f"00{series}-{chance.randint(0, 999):03d}.{chance.randint(0, 99):02d}",
            "lane": chance.choice(LANES)}  # fmt: skip


@cache
def _watching() -> list[str]:
    """The cameras behind which something recognises what they show: of those that do."""
    return [one.id for one in simulated() if one.behaves == "live"][:CAMERAS]


def events(seed: int, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
    """Everything that is seen in [start, end), by its slots."""
    for slot in range(int(start.timestamp() // SLOT_S), int(end.timestamp() // SLOT_S)):
        if (seen := event(seed, slot)) is not None:
            yield seen


def pictured(row: dict[str, Any], pictures: int | None) -> dict[str, Any]:
    """An event with the address of what its camera showed then; pictures: the port of this machine that shows it."""
    at = int(datetime.fromisoformat(row["occurred_at"]).timestamp())
    return row if pictures is None else {**row, "snapshot": f"http://127.0.0.1:{pictures}/{row['camera']}/{at}.jpg"}


def push(url: str, token: str, seed: int, asked: threading.Event, pictures: int | None = None) -> None:
    """Push what was seen before, let the last shift decide it, then push what is seen as time goes; until asked."""
    done = datetime.now(UTC) - BEFORE
    reviewed = False
    while not asked.is_set():
        now = datetime.now(UTC)
        try:
            if seen := [pictured(row, pictures) for row in events(seed, done, now)]:
                _ask(f"{url}/api/v1/layers/{NAME}/records", seen, token)
            done = now
            if not reviewed:
                _review(url, seed, now - REVIEWED_UNTIL, asked)
                reviewed = True
        except (OSError, ValueError) as error:  # the web process is not there yet, or no more
            log.info("camera events wait", error=str(error))
        asked.wait(SLOT_S)


def _review(url: str, seed: int, until: datetime, asked: threading.Event) -> None:
    """Decide as people would what is older than `until` and nobody has looked at, two thirds of it confirmed."""
    query = f"state=detected&limit=500&until={until.isoformat(timespec='seconds').replace('+00:00', 'Z')}"
    for one in _ask(f"{url}/api/v1/camera-events?{query}"):
        if asked.is_set() or not one["simulated"]:
            continue
        chance = random.Random(f"review {seed} {one['id']}")
        step = {"actor": LAST_SHIFT, "version": one["version"]}
        address = f"{url}/api/v1/camera-events/{one['id']}"
        if chance.random() < 1 / 3:
            reasons = [reason for reason in FALSE_REASONS if reason != "other"]
            _ask(f"{address}/false", {**step, "reason": chance.choice(reasons)})
            continue
        _ask(f"{address}/confirm", step)
        if chance.random() < 0.7:
            _ask(f"{address}/forward", {**step, "version": one["version"] + 1, "unit": "traffic_police"})
        asked.wait(0.02)


def _ask(address: str, body: Any = None, token: str | None = None) -> Any:
    """The answer of the centre's own API, None where a person at the desk was first; raises OSError, ValueError."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    own = Outgoing(frozenset({place(*target(address))}))  # the centre itself, and nothing else
    data = None if body is None else json.dumps(body).encode()
    try:
        answer = own.request("GET" if data is None else "POST", address, headers, data, ANSWER_BYTES_MAX)
    except OutgoingError as error:
        raise OSError(str(error)) from None
    if answer.status == 409:
        return None
    if answer.status >= 400:
        raise OSError(f"{address} answered {answer.status}")
    return json.loads(answer.body)
