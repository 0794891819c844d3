"""Many live clients in one process, light enough not to be what is measured: each counts its ticks and their ages."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
import time
from array import array
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import uvloop

from api.broadcast import HEADER
from api.live import PATH
from geo.record import RECORD

#: Boats that carry the moment of their publication as their longitude: 1e-5 degrees a millisecond since `epoch`.
BEACONS = tuple(str(574_990_000 + n) for n in range(64))
LON_PER_MS = 1e-5
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
SNAPSHOT, DELTA = 1, 2


@dataclass
class Crowd:
    """What the clients of one process share: who the beacons are, how old each frame was, whether they are counting."""

    epoch: float
    counting: bool = False
    beacons: npt.NDArray[np.uint32] | None = None
    published: dict[int, float | None] = field(default_factory=dict)  # frame's number -> oldest beacon's, epoch seconds

    def introduce(self, told: dict[str, Any]) -> None:
        """Learn the beacons' handles from a message of names."""
        handles = [handle for handle, key, _, _ in told["rows"] if key in BEACONS]
        if handles:
            known = self.beacons if self.beacons is not None else np.empty(0, np.uint32)
            self.beacons = np.union1d(known, np.array(handles, np.uint32))

    def published_at(self, seq: int, body: bytes) -> float | None:
        """When the oldest news in a delta was published (epoch seconds); read once per process, as all get the same."""
        if seq not in self.published:
            records = np.frombuffer(body, RECORD)
            mine = np.isin(records["handle_kind"] & 0xFFFFFF, self.beacons if self.beacons is not None else [])
            lon = records["lon"][mine]
            self.published[seq] = self.epoch + float(lon.min()) / 1e7 / LON_PER_MS / 1e3 if len(lon) else None
            self.published.pop(seq - 1000, None)
        return self.published[seq]


class Listener(asyncio.Protocol):
    """One live client: RFC 6455 as far as a server's frames need it; counts frames by number, and their ages."""

    def __init__(self, crowd: Crowd, port: int) -> None:
        self._crowd, self._port = crowd, port
        self._buffer = bytearray()
        self._open = False
        self.joined = asyncio.get_running_loop().create_future()
        self.lost = False
        self.seq: int | None = None
        self.ticks = self.gaps = self.snapshots = 0
        self.ages_ms = array("f")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the live stream."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUpgrade: websocket\r\n"
        upgrade += f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        self.transport.write(upgrade.encode())

    def connection_lost(self, error: Exception | None) -> None:
        """A client that is dropped is not held."""
        self.lost = True
        if not self.joined.done():
            self.joined.set_exception(ConnectionError("the live stream was refused"))

    def data_received(self, data: bytes) -> None:
        """Take what frames are whole."""
        self._buffer += data
        if not self._open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.transport.close()
                return
            self._open, self._buffer = True, rest
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        buffer, at = self._buffer, 2
        if len(buffer) < 2:
            return None
        size = buffer[1] & 0x7F
        if size > 125:
            form, at = (">H", 4) if size == 126 else (">Q", 10)
            if len(buffer) < at:
                return None
            (size,) = struct.unpack_from(form, buffer, 2)
        if len(buffer) < at + size:
            return None
        opcode, body = buffer[0] & 0x0F, bytes(buffer[at : at + size])
        del buffer[: at + size]
        return opcode, body

    def _take(self, opcode: int, body: bytes) -> None:
        if opcode == PING:
            self.transport.write(bytes((0x8A, 0x80 | len(body), 0, 0, 0, 0)) + body)  # masked with zeros
        elif opcode == TEXT:
            self._take_text(body)
        elif opcode == BINARY:
            _, _, kind, _, _, seq, _, _ = HEADER.unpack_from(body)
            if kind == SNAPSHOT:
                return
            self.gaps += self.seq is not None and seq != self.seq + 1
            self.seq = seq
            self.ticks += self._crowd.counting
            if kind == DELTA and self._crowd.counting:
                at = self._crowd.published_at(seq, body[HEADER.size :])
                if at is not None:
                    self.ages_ms.append(1000 * (time.time() - at))

    def _take_text(self, body: bytes) -> None:
        if body.startswith(b'{"type":"hello"'):
            self.seq = json.loads(body)["seq"]
            self.snapshots += 1
            if not self.joined.done():
                self.joined.set_result(None)
        elif body.startswith(b'{"type":"names"') and (self._crowd.beacons is None or len(body) < 10_000):
            self._crowd.introduce(json.loads(body))


@dataclass(frozen=True)
class Heard:
    """What the clients of one process have to tell: per client, and how late their own process ran."""

    lost: list[bool]
    gaps: list[int]
    snapshots: list[int]
    ticks: list[int]
    ages_ms: list[npt.NDArray[np.float32]]
    lag_ms: list[float]


def listen(port: int, count: int, epoch: float, begun: Any, ended: Any, answer: Any) -> None:
    """A process of `count` clients: joins, counts from `begun` to `ended` (multiprocessing events), sends its Heard."""
    uvloop.run(_listen(port, count, epoch, begun, ended, answer))


async def _listen(port: int, count: int, epoch: float, begun: Any, ended: Any, answer: Any) -> None:
    loop, crowd = asyncio.get_running_loop(), Crowd(epoch)
    listeners = []
    for _ in range(count):
        _, listener = await loop.create_connection(lambda: Listener(crowd, port), "127.0.0.1", port)
        await asyncio.wait_for(listener.joined, 60)
        listeners.append(listener)
    answer.put(None)  # all have joined
    lag_ms = array("f")
    while not ended.is_set():
        crowd.counting = crowd.counting or begun.is_set()
        due = loop.time() + 0.05
        await asyncio.sleep(0.05)
        if crowd.counting:
            lag_ms.append(1000 * (loop.time() - due))
    crowd.counting = False
    answer.put(
        Heard(
            [one.lost for one in listeners],
            [one.gaps for one in listeners],
            [one.snapshots for one in listeners],
            [one.ticks for one in listeners],
            [np.array(one.ages_ms, np.float32) for one in listeners],
            list(lag_ms),
        )
    )
