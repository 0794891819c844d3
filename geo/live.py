"""The live picture: the newest value of every object of every layer, and what changed of it since the last tick."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geo.column import epoch_us
from geo.criteria import Range, matches
from geo.record import ESTIMATED, MARKED, pack

Classify = Callable[[pd.DataFrame], npt.NDArray[np.uint8]]
NameRow = tuple[int, str, str, bool]  # handle, key, label, simulated

MAX_HANDLES = 1 << 24

_COLUMNS: tuple[tuple[str, Any, Any], ...] = (
    ("lon", np.float64, np.nan),
    ("lat", np.float64, np.nan),
    ("angle", np.float32, np.nan),
    ("value", np.float32, np.nan),
    ("kind", np.uint8, 0),
    ("observed", np.int64, -(1 << 62)),  # microseconds since 1970, UTC
    ("serial", np.int64, 0),
    ("dirty", np.bool_, False),
    ("name_dirty", np.bool_, False),
    ("simulated", np.bool_, False),
    ("used", np.bool_, False),
    ("label", object, ""),
    ("key", object, ""),
)


def encode(frame: pd.DataFrame) -> bytes:
    """A frame of changed rows (after-state) as one Arrow IPC stream: key as string, observed_at as microseconds UTC."""
    arrays: dict[str, pa.Array] = {}
    for name in map(str, frame.columns):
        column = frame[name]
        if name == "key":
            arrays[name] = pa.array(column.astype(str).to_numpy(object), pa.string())
        elif name == "observed_at":
            arrays[name] = pa.array(pd.to_datetime(column, utc=True).dt.as_unit("us"), from_pandas=True)
        else:
            arrays[name] = pa.array(column, from_pandas=True)
    table = pa.table(arrays)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def decode(payload: bytes) -> pd.DataFrame:
    """The frame of one `encode` payload; ValueError when the bytes are no Arrow IPC stream or lack a column."""
    frame: pd.DataFrame = pa.ipc.open_stream(payload).read_all().to_pandas()
    missing = {"key", "lon", "lat", "observed_at"} - set(frame.columns)
    if missing:
        raise ValueError(f"live payload lacks the columns {', '.join(sorted(missing))}")
    return frame


def classifier(kinds: Sequence[Mapping[str, Range]]) -> Classify:
    """A function from rows to the index of the first kind whose conditions all hold, else the last kind's."""

    def classify(frame: pd.DataFrame) -> npt.NDArray[np.uint8]:
        result = np.full(len(frame), max(len(kinds) - 1, 0), np.uint8)
        for index in range(len(kinds) - 1, -1, -1):
            if kinds[index]:
                result[matches(frame, kinds[index])] = index
        return result

    return classify


@dataclass(frozen=True)
class Reading:
    """Which columns of a layer are drawn: label, angle (degrees true), value; and how its rows are classified.

    estimated: a column that is true of a position which nothing measured; it is drawn hollow.
    """

    label: str | None
    angle: str | None
    value: str | None
    classify: Classify
    estimated: str | None = None


@dataclass(frozen=True)
class Delta:
    """What one layer has to tell: handles gone, then names of new or renamed objects, then packed 16-byte records."""

    layer: str
    index: int
    removed: npt.NDArray[np.uint32]
    names: list[NameRow]
    records: bytes
    count: int


class LiveState:
    """The newest value per key of every layer, as numpy columns addressed by a small stable handle per key."""

    def __init__(self, layers: Mapping[str, Reading]) -> None:
        self._layers = {name: _Columns(name, i, reading) for i, (name, reading) in enumerate(layers.items())}
        self.serial = 0

    def apply(self, layer: str, frame: pd.DataFrame) -> int:
        """Take the rows of a frame that are not older than what is held; returns how many objects changed."""
        self.serial += 1
        return self._layers[layer].apply(frame, self.serial)

    def remove(self, layer: str, keys: Iterable[str]) -> int:
        """Forget objects by key; returns how many were known."""
        return self._layers[layer].remove(keys)

    def reconcile(self, layer: str, frame: pd.DataFrame, since: int) -> int:
        """Apply a full reading of the database that began at `serial == since`; forget what it no longer has."""
        changed = self.apply(layer, frame)
        return changed + self._layers[layer].remove_missing(set(frame["key"].astype(str)), since)

    def count(self, layer: str) -> int:
        """How many objects the layer holds now."""
        return len(self._layers[layer].handles)

    @property
    def changed(self) -> bool:
        """Whether a `delta` would have anything to say."""
        return any(columns.changed for columns in self._layers.values())

    def delta(self, now_ms: float) -> list[Delta]:
        """Only the newest value of each object changed since the last call, per layer; then starts anew."""
        return [columns.delta(now_ms) for columns in self._layers.values() if columns.changed]

    def snapshot(self, now_ms: float) -> list[Delta]:
        """Everything held, per layer; leaves the changes of the running tick in place."""
        return [columns.snapshot(now_ms) for columns in self._layers.values()]


class _Columns:
    """One layer's columns; rows are handles, reused only after their removal has been told."""

    def __init__(self, layer: str, index: int, reading: Reading, capacity: int = 1024) -> None:
        self.layer, self.index, self.reading = layer, index, reading
        self.handles: dict[str, int] = {}
        self.changed = False
        self._gone: list[int] = []
        self._free: list[int] = []
        self._next = 0
        self._c: dict[str, npt.NDArray[Any]] = {n: np.full(capacity, fill, t) for n, t, fill in _COLUMNS}

    def apply(self, frame: pd.DataFrame, serial: int) -> int:
        lon, lat = _numbers(frame, "lon"), _numbers(frame, "lat")
        placed = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)  # NaN compares false: a row without a position is not drawn
        observed = epoch_us(frame["observed_at"])
        order = np.flatnonzero(placed)
        order = order[np.argsort(observed[order], kind="stable")]  # the newest of a key is assigned last, and so wins
        keys = frame["key"].astype(str).to_numpy(object)[order]
        h = self._handles_of(keys)
        newer = observed[order] >= self._c["observed"][h]
        order, h = order[newer], h[newer]
        if len(order) == 0:
            return 0
        last = len(h) - 1 - np.unique(h[::-1], return_index=True)[1]
        order, h = order[last], h[last]
        where = {"lon": lon[order], "lat": lat[order], "observed": observed[order]}
        return self._write(h, {**where, **self._read(frame.iloc[order])}, serial)

    def _read(self, rows: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
        reading = self.reading
        kind = reading.classify(rows).astype(np.uint8)
        kind |= np.where(_flags(rows, reading.estimated), ESTIMATED, 0).astype(np.uint8)
        kind |= np.where(_numbers(rows, "anomaly") > 0, MARKED, 0).astype(np.uint8)
        return {
            "angle": _numbers(rows, reading.angle).astype(np.float32),
            "value": _numbers(rows, reading.value).astype(np.float32),
            "kind": kind,
            "simulated": _flags(rows, "simulated"),
            "label": _texts(rows, reading.label),
        }

    def _write(self, h: npt.NDArray[np.int64], new: dict[str, npt.NDArray[Any]], serial: int) -> int:
        c = self._c
        differs = np.zeros(len(h), bool)
        renamed = ~c["used"][h]
        for name, values in new.items():
            held = c[name][h]
            unlike = held != values
            if values.dtype.kind == "f":
                unlike &= ~(np.isnan(held) & np.isnan(values))
            if name in ("label", "simulated"):
                renamed |= unlike
            else:
                differs |= unlike
            c[name][h] = values
        differs |= renamed
        c["serial"][h] = serial
        c["used"][h] = True
        c["dirty"][h] |= differs
        c["name_dirty"][h] |= renamed
        changed = int(differs.sum())
        self.changed |= changed > 0
        return changed

    def _handles_of(self, keys: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        known = self.handles
        for key in keys:
            if key not in known:
                known[key] = self._new_handle()
                self._c["key"][known[key]] = key
        return np.fromiter(map(known.__getitem__, keys), np.int64, len(keys))

    def _new_handle(self) -> int:
        if self._free:
            return self._free.pop()
        handle, self._next = self._next, self._next + 1
        if handle >= MAX_HANDLES:
            raise ValueError(f"layer {self.layer} holds more than {MAX_HANDLES} objects")
        if handle == len(self._c["lon"]):
            for name, _, fill in _COLUMNS:
                self._c[name] = np.concatenate([self._c[name], np.full_like(self._c[name], fill)])
        return handle

    def remove(self, keys: Iterable[str]) -> int:
        gone = [self.handles.pop(key) for key in keys if key in self.handles]
        for name, _, fill in _COLUMNS:
            self._c[name][gone] = fill
        self._gone += gone
        self.changed |= bool(gone)
        return len(gone)

    def remove_missing(self, present: set[str], since: int) -> int:
        serial = self._c["serial"]
        return self.remove([key for key, h in self.handles.items() if key not in present and serial[h] <= since])

    def delta(self, now_ms: float) -> Delta:
        c = self._c
        h, named = np.flatnonzero(c["dirty"]), np.flatnonzero(c["name_dirty"])
        removed = np.array(self._gone, np.uint32)
        self._free += self._gone
        self._gone = []
        c["dirty"][h] = False
        c["name_dirty"][named] = False
        self.changed = False
        return Delta(self.layer, self.index, removed, self._names(named), self._pack(h, now_ms), len(h))

    def snapshot(self, now_ms: float) -> Delta:
        h = np.flatnonzero(self._c["used"])
        return Delta(self.layer, self.index, np.empty(0, np.uint32), self._names(h), self._pack(h, now_ms), len(h))

    def _names(self, h: npt.NDArray[np.int64]) -> list[NameRow]:
        columns = [self._c[name][h].tolist() for name in ("key", "label", "simulated")]
        return list(zip(h.tolist(), *columns, strict=True))

    def _pack(self, h: npt.NDArray[np.int64], now_ms: float) -> bytes:
        kind, lon, lat, angle, value = (self._c[name][h] for name in ("kind", "lon", "lat", "angle", "value"))
        return pack(h, kind, lon, lat, angle, value, now_ms / 1e3 - self._c["observed"][h] / 1e6)


def _numbers(frame: pd.DataFrame, column: str | None) -> npt.NDArray[np.float64]:
    if column is None or column not in frame:
        return np.full(len(frame), np.nan)
    numbers: pd.Series[float] = pd.to_numeric(frame[column], errors="coerce")
    return np.asarray(numbers.to_numpy(np.float64, na_value=np.nan), np.float64)


def _flags(frame: pd.DataFrame, column: str | None) -> npt.NDArray[np.bool_]:
    if column is None or column not in frame:
        return np.zeros(len(frame), bool)
    values = frame[column].to_numpy(object)
    return np.where(pd.isna(values), False, values).astype(bool)


def _texts(frame: pd.DataFrame, column: str | None) -> npt.NDArray[Any]:
    result = np.full(len(frame), "", object)
    if column is not None and column in frame:
        values = frame[column].to_numpy(object)
        known = ~pd.isna(values)
        result[known] = [str(v) for v in values[known]]
    return result
