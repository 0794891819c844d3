"""The live picture: the newest value of every object of every layer, and what changed of it since the last tick."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Classify = Callable[[pd.DataFrame], npt.NDArray[np.uint8]]
Range = tuple[float | None, float | None]
NameRow = tuple[int, str, str, bool]  # handle, key, label, simulated

#: One object on the wire, 16 bytes, little-endian; see `pack`.
RECORD = np.dtype([("handle_kind", "<u4"), ("lon", "<i4"), ("lat", "<i4"), ("angle_value_age", "<u4")])
ESTIMATED = 0x80  # top bit of the kind byte: the position is estimated or hand-entered
NO_ANGLE, NO_VALUE, OLDEST = 511, 1023, 8191
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
    """The frame of one `encode` payload; raises ValueError when the bytes are no Arrow IPC stream with the columns needed."""
    frame: pd.DataFrame = pa.ipc.open_stream(payload).read_all().to_pandas()
    missing = {"key", "lon", "lat", "observed_at"} - set(frame.columns)
    if missing:
        raise ValueError(f"live payload lacks the columns {', '.join(sorted(missing))}")
    return frame


def classifier(kinds: Sequence[Mapping[str, Range]]) -> Classify:
    """A function that gives each row the index of the first kind whose every `column in [low, high)` holds, else the last kind."""

    def classify(frame: pd.DataFrame) -> npt.NDArray[np.uint8]:
        result = np.full(len(frame), max(len(kinds) - 1, 0), np.uint8)
        numbers: dict[str, npt.NDArray[np.float64]] = {}
        for index in range(len(kinds) - 1, -1, -1):
            holds = np.ones(len(frame), bool)
            for column, (low, high) in kinds[index].items():
                if column not in numbers:
                    numbers[column] = _numbers(frame, column)
                values = numbers[column]
                holds &= ~np.isnan(values)
                if low is not None:
                    holds &= values >= low
                if high is not None:
                    holds &= values < high
            if kinds[index]:
                result[holds] = index
        return result

    return classify


@dataclass(frozen=True)
class Reading:
    """Which columns of a layer's payload are drawn: the label, the angle (degrees true), the value, and how to classify."""

    label: str | None
    angle: str | None
    value: str | None
    classify: Classify


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
        """Take a full reading of the database that began at `serial == since`: apply it, forget what it no longer has."""
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
        observed = _microseconds(frame["observed_at"])
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
        return self._write(h, {"lon": lon[order], "lat": lat[order], "observed": observed[order], **self._read(frame.iloc[order])}, serial)

    def _read(self, rows: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
        reading = self.reading
        kind = reading.classify(rows).astype(np.uint8)
        kind |= np.where(_flags(rows, "estimated"), ESTIMATED, 0).astype(np.uint8)
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
        c = self._c
        return list(zip(h.tolist(), c["key"][h].tolist(), c["label"][h].tolist(), c["simulated"][h].tolist(), strict=True))

    def _pack(self, h: npt.NDArray[np.int64], now_ms: float) -> bytes:
        c = self._c
        return pack(h, c["kind"][h], c["lon"][h], c["lat"][h], c["angle"][h], c["value"][h], now_ms / 1e3 - c["observed"][h] / 1e6)


def pack(
    handle: npt.NDArray[Any],
    kind: npt.NDArray[Any],
    lon: npt.NDArray[Any],
    lat: npt.NDArray[Any],
    angle: npt.NDArray[Any],
    value: npt.NDArray[Any],
    age_s: npt.NDArray[Any],
) -> bytes:
    """Sixteen bytes per object: handle 24 | kind 8; lon, lat in 1e-7 degrees; angle 9 | value 10 | age 13 bits (piecewise)."""
    out = np.empty(len(handle), RECORD)
    out["handle_kind"] = handle.astype(np.uint32) | (kind.astype(np.uint32) << 24)
    out["lon"] = np.rint(lon * 1e7).astype(np.int32)
    out["lat"] = np.rint(lat * 1e7).astype(np.int32)
    known = np.isfinite(angle)
    degrees = np.where(known, np.rint(np.where(known, angle, 0)) % 360, NO_ANGLE).astype(np.uint32)
    out["angle_value_age"] = degrees | (_value_code(value) << 9) | (_age_code(age_s) << 19)
    return out.tobytes()


def _value_code(value: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    """Ten bits: 0-51.1 by 0.1, then to 306 by 1, then to 2,852 by 10; 1023 is unknown. Below zero counts as zero."""
    v = np.nan_to_num(value.astype(np.float64), nan=0.0, posinf=1e9).clip(0, 2852)
    code = np.select([v < 51.15, v < 306.5], [np.rint(v * 10), 512 + np.rint(v - 51.2)], 767 + np.rint((v - 306) / 10))
    return np.where(np.isnan(value), NO_VALUE, np.minimum(code, NO_VALUE - 1)).astype(np.uint32)


def _age_code(age_s: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    """Thirteen bits: to 4,095 s by 1, then to 18 h by 30, then to 15 days by 600; 8191 is older. The future counts as now."""
    a = np.clip(age_s.astype(np.float64), 0, 1e9)
    code = np.select([a < 4096, a < 65536], [np.floor(a), 4096 + np.floor((a - 4096) / 30)], 6144 + np.floor((a - 65536) / 600))
    return np.minimum(code, OLDEST).astype(np.uint32)


def _numbers(frame: pd.DataFrame, column: str | None) -> npt.NDArray[np.float64]:
    if column is None or column not in frame:
        return np.full(len(frame), np.nan)
    numbers: pd.Series[float] = pd.to_numeric(frame[column], errors="coerce")
    return numbers.to_numpy(np.float64, na_value=np.nan)


def _flags(frame: pd.DataFrame, column: str) -> npt.NDArray[np.bool_]:
    if column not in frame:
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


def _microseconds(times: pd.Series[Any]) -> npt.NDArray[np.int64]:
    utc = pd.to_datetime(times, utc=True).dt.tz_localize(None)
    return utc.to_numpy("datetime64[us]").astype(np.int64)
