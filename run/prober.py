"""The prober: looks at each camera's picture in turn and tells what it found the way all records come in.

Promise 17: only places that an administrator allows, each name resolved once and that address connected to, no
redirects, 5 s, 5 MB, and only what is a picture. Fair: a few at once, fewer at one place, and whoever is away is left
alone longer.
"""

import heapq
import json
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
import sqlalchemy as sa
import structlog

from geo.camera import OFFLINE
from geo.camera_health import Limits, Look, State, judge, rest
from geo.camera_picture import image_type, picture_digest
from geo.camera_reader import CameraReader
from geo.figure import figures
from geo.heartbeat import Heartbeat
from geo.lease import leased
from geo.outgoing import Outgoing, OutgoingError, place, target
from geo.table import Shape
from ingest.feed import Feed, Lane, RawBatch, Source, pushed_source, stream_name
from ingest.stream import to_entry
from layers import push_feed
from layers.layer import Layer

log = structlog.get_logger()
LAYER, SENDER = "camera", "prober"
LEASE = "haidang:prober"
PICTURE_BYTES_MAX = 5 << 20
TICK_S, READ_EVERY_S = 0.25, 10.0
AGAIN_AFTER = timedelta(minutes=5)  # the same health is told again, so that it does not look old
ACCEPT = "image/jpeg, image/png, image/webp"
FAULTS = (  # what the way out says, as the fault that the card has words for
    ("is not allowed", "not_allowed"), ("is an address of this machine", "not_allowed"), ("cannot be resolved", "name"),
    ("was not resolved", "name"), ("did not answer within", "late"),
)  # fmt: skip


@dataclass(frozen=True)
class Camera:
    """One camera to look at."""

    id: str
    url: str
    simulated: bool

    @property
    def place(self) -> str:
        """host:port of its picture; of a wrong address nothing."""
        try:
            return place(*target(self.url))
        except ValueError:
            return ""


def layer_of(layers: Iterable[Layer]) -> Layer | None:
    """The layer of cameras, if there is one."""
    return next((layer for layer in layers if layer.name == LAYER), None)


def sources(feed: Feed) -> dict[bool, Source]:
    """Where the prober's records come in: of simulated cameras, and of real ones."""
    name = pushed_source(feed, SENDER)
    return {False: Source(name, "", feed), True: Source(f"{name}.sim", "", feed, simulated=True)}


def prober_lanes(connection: sa.Connection, layers: Sequence[Layer]) -> tuple[Lane, ...]:
    """The same for the workers, as far as there are cameras to look at: else nobody misses what the prober says."""
    layer = layer_of(layers)
    feed = push_feed(layer) if layer else None
    if layer is None or feed is None:
        return ()
    style, c = layer.style, layer.shape.latest.c
    kinds = set(connection.scalars(sa.select(c.simulated).where(c.snapshot_url != "").distinct()))
    found = [source for simulated, source in sources(feed).items() if simulated in kinds]
    return tuple(Lane(source, layer.shape, style.label, style.columns(), layer.identify) for source in found)


@dataclass
class Prober:
    """Looks at every camera that has a picture's address, for as long as it holds the lease.

    keep: takes a batch of records; when it returns they are on disk.
    """

    shape: Shape
    feed: Feed
    engine: sa.Engine
    outgoing: Outgoing
    keep: Callable[[RawBatch], None]
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    reader: CameraReader = field(default_factory=CameraReader)
    boot: str = field(default_factory=lambda: f"probe {uuid.uuid4().hex}")
    limits: Limits | None = None
    states: dict[str, State] = field(default_factory=dict)
    _cameras: dict[str, Camera] = field(default_factory=dict)
    _due: list[tuple[datetime, str]] = field(default_factory=list)
    # Those that are due while as many as may are being looked at where they are, by that place.
    _aside: dict[str, deque[tuple[datetime, str]]] = field(default_factory=dict)
    _queued: set[str] = field(default_factory=set)
    _busy: "dict[Future[Look], Camera]" = field(default_factory=dict)
    _told: dict[str, datetime] = field(default_factory=dict)
    _waiting: dict[bool, list[dict[str, Any]]] = field(default_factory=lambda: {False: [], True: []})
    _seq: int = 0

    def run(self, stopping: Callable[[], bool]) -> None:
        """Look until told to stop; a server that is away is waited for."""
        with self.reader, ThreadPoolExecutor(32, "look") as pool:
            while not stopping():
                self.heartbeat.beat()
                try:
                    with self.engine.connect() as connection:
                        connection.detach()  # so that with it the lease ends
                        self._work(connection, pool, stopping)
                except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
                    log.warning("database is away", error=str(error).splitlines()[0])
                    self.engine.dispose()
                    time.sleep(1)
            pool.shutdown(wait=False, cancel_futures=True)

    def _work(self, connection: sa.Connection, pool: ThreadPoolExecutor, stopping: Callable[[], bool]) -> None:
        read_at, told_at = -READ_EVERY_S, 0.0
        while not stopping():
            self.heartbeat.beat()
            if not leased(connection, LEASE):
                time.sleep(1)
                continue
            if time.monotonic() - read_at >= READ_EVERY_S:
                self.read(connection)
                read_at = time.monotonic()
            self.turn(pool)
            if time.monotonic() - told_at >= 1:
                self.tell()
                told_at = time.monotonic()

    def read(self, connection: sa.Connection) -> None:
        """The cameras as they are registered now, and the figures of the day."""
        c = self.shape.latest.c
        columns = (c.id, c.snapshot_url, c.simulated, c.health, c.health_since, c.fault)
        with connection.begin():
            rows = list(connection.execute(sa.select(*columns).where(c.snapshot_url != "")))
            self.limits = Limits.of(figures(connection), self.now())
        known, now = self._cameras, self.now()
        self._cameras = {row[0]: Camera(row[0], row[1], bool(row[2])) for row in rows}
        fresh = [row for row in rows if row[0] not in known]
        for n, row in enumerate(fresh):
            self.states.setdefault(row[0], State(row[3], row[4], row[5]))
            if row[0] not in self._queued:
                # Spread over a round: what was started together need not look together for ever.
                self._queue(row[0], now + self.limits.every * (n / len(fresh)))
        for gone in known.keys() - self._cameras.keys():
            self.states.pop(gone, None)
            self._told.pop(gone, None)

    def turn(self, pool: ThreadPoolExecutor) -> int:
        """Begin the looks that are due and may begin, and take over those that are done; returns how many."""
        assert self.limits is not None
        now = self.now()
        at_places = Counter(camera.place for camera in self._busy.values())
        while self._due and self._due[0][0] <= now and len(self._busy) < self.limits.at_once:
            at, id = heapq.heappop(self._due)
            camera = self._cameras.get(id)
            if camera is not None and at_places[camera.place] >= self.limits.at_once_a_place:
                self._aside.setdefault(camera.place, deque()).append((at, id))
                continue
            self._queued.discard(id)
            if camera is None:
                continue
            at_places[camera.place] += 1
            self._busy[pool.submit(self.look, camera)] = camera
        done, _ = wait(self._busy, TICK_S, FIRST_COMPLETED) if self._busy else (set(), None)
        if not self._busy:
            time.sleep(TICK_S)
        for job in done:
            self.take(self._busy.pop(job), job.result())
        self._back_in_line()
        return len(done)

    def _back_in_line(self) -> None:
        """As many of those that are set aside as their place has room for."""
        assert self.limits is not None
        at_places = Counter(camera.place for camera in self._busy.values())
        for name, waiting in list(self._aside.items()):
            for _ in range(min(len(waiting), self.limits.at_once_a_place - at_places[name])):
                heapq.heappush(self._due, waiting.popleft())
            if not waiting:
                del self._aside[name]

    def look(self, camera: Camera) -> Look:
        """One look at a camera, over the way out."""
        began, at = time.monotonic(), self.now()
        try:
            answer = self.outgoing.request("GET", camera.url, {"Accept": ACCEPT}, None, PICTURE_BYTES_MAX + 1)
        except OutgoingError as error:
            return Look(at, fault=fault_of(str(error)))
        except Exception as error:  # whatever a camera says must not end the prober, which looks at the others
            log.error("look failed", camera=camera.id, error=repr(error)[:200])
            return Look(at, fault="unreachable")
        if answer.status != 200:
            return Look(at, fault=f"status_{answer.status}")
        if len(answer.body) > PICTURE_BYTES_MAX:
            return Look(at, fault="too_long")
        if answer.cut_off or image_type(answer.body) is None:
            return Look(at, fault="not_image")
        ms, digest = (time.monotonic() - began) * 1000, picture_digest(answer.body)
        known = self.states.get(camera.id)
        if known is not None and digest == known.digest:
            return Look(at, ms, digest, tiles=known.stands.first if known.stands else None)
        return Look(at, ms, digest, tiles=self.reader.tiles(answer.body))

    def take(self, camera: Camera, look: Look) -> None:
        """Judge a look, have what is new of it told, and plan the next."""
        assert self.limits is not None
        if camera.id not in self._cameras:
            return
        before = self.states.get(camera.id, State())
        after = self.states[camera.id] = judge(before, look, self.limits)
        self._queue(camera.id, look.at + rest(after, self.limits))
        last = self._told.get(camera.id)
        news = (after.health, after.fault) != (before.health, before.fault)
        # A look that missed is no sign of what it showed before; that it is offline is what such looks say.
        seen = look.fault is None or after.health == OFFLINE
        again = seen and (last is None or look.at - last >= AGAIN_AFTER)
        if after.health is not None and (news or again):
            self._told[camera.id] = look.at
            self._waiting[camera.simulated].append(record(camera, look, after))

    def tell(self) -> int:
        """Hand over what waits to be told; what the stream does not take is kept for the next time."""
        told = 0
        for simulated, source in sources(self.feed).items():
            records = self._waiting[simulated]
            if not records:
                continue
            self._seq += 1
            lines = b"\n".join(json.dumps(one, ensure_ascii=False).encode() for one in records)
            try:
                self.keep(RawBatch(source.name, self.boot, self._seq, self.now().timestamp(), lines))
            except (redis.RedisError, OSError) as error:
                log.warning("redis is away", error=str(error))
                self._waiting[simulated] = list({one["id"]: one for one in records}.values())
                continue
            told += len(records)
            self._waiting[simulated] = []
        return told

    def _queue(self, id: str, at: datetime) -> None:
        heapq.heappush(self._due, (at, id))
        self._queued.add(id)


def record(camera: Camera, look: Look, state: State) -> dict[str, Any]:
    """What is told of a camera, in the layer's own members."""
    since = state.since.isoformat() if state.since else None
    told: Mapping[str, Any] = {
        "id": camera.id,
        "observed_at": look.at.isoformat(),
        "health": state.health,
        "health_since": since,
        "answer_ms": None if state.ms is None else round(state.ms, 1),
        "fault": state.fault,
    }
    return {name: value for name, value in told.items() if value is not None}


def fault_of(words: str) -> str:
    """The name of a fault of the way out."""
    if words.startswith("the address must"):
        return "address"
    return next((name for part, name in FAULTS if part in words), "unreachable")


def stream_keeper(url: str) -> Callable[[RawBatch], None]:
    """Puts batches into their Redis Stream."""
    client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)

    def keep(batch: RawBatch) -> None:
        fields: Any = to_entry(batch)
        client.xadd(stream_name(batch.source), fields)

    return keep
