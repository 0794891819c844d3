"""Rows of the vessel table out of decoded AIS: the columns that messages carry, whichever way they were decoded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from geo.account import Account
from ingest.ais import (
    FIX_FIELDS,
    FUTURE_SECOND_S,
    POSITION_TYPES,
    STATIC_FIELDS,
    USED_TYPES,
    messages,
    observed_at,
    row_of,
)
from ingest.columnar import Group, fingerprint_of
from ingest.feed import FUTURE_S_MAX, PAST_S_MAX, Decoded, RawBatch, empty_frame, in_time_range
from ingest.lines import LETTERS_MAX
from ingest.message import OTHER, TABLES, Table
from ingest.scan import Scan, scan
from ingest.sentence import SENTENCE, read_tag
from ingest.sixbit import Array

Columns = Mapping[str, Array]
CLASSES = {**dict.fromkeys((1, 2, 3, 5), "A"), **dict.fromkeys((18, 19, 24), "B")}
SIZES = ("to_bow", "to_stern", "to_port", "to_starboard")
ETA = ("month", "day", "hour", "minute")
# Everything else is a number: float64, NaN where there is none.
OBJECTS = frozenset(
    ("accuracy", "virtual_aid", "cs", "shipname", "callsign", "destination", "eta", "ais_class", "safety_text")
)
WHOLE = frozenset(("mmsi", "fingerprint"))
YES_NO = np.array([False, True], object)


@dataclass
class _Rows:
    """Columns of rows as they are found, each with the number of the line its message began on."""

    account: Account
    letters: list[tuple[str, bytes]]
    received_at: float
    pieces: list[tuple[Array, Columns]] = field(default_factory=list)

    def frame(self) -> pd.DataFrame:
        """All rows in the order heard."""
        lines = np.concatenate([line for line, _ in self.pieces])
        place = np.empty(len(lines), np.int64)
        place[np.argsort(lines, kind="stable")] = np.arange(len(lines))
        names = dict.fromkeys([*(name for _, columns in self.pieces for name in columns), "lon", "lat"])
        whole = {name: _empty(name, len(lines)) for name in names}
        first = 0
        for line, columns in self.pieces:
            here = place[first : first + len(line)]
            first += len(line)
            for name, values in columns.items():
                whole[name][here] = values
        stamps = pd.to_datetime(whole.pop("observed_at"), unit="s", utc=True).as_unit("us")
        # Left to itself pandas would make its own strings of the objects, which nobody downstream wants.
        series = {name: pd.Series(values, dtype=values.dtype, copy=False) for name, values in whole.items()}
        return pd.DataFrame({**series, "observed_at": stamps}, copy=False)


def _empty(name: str, count: int) -> Array:
    if name in WHOLE:
        return np.zeros(count, np.int64)
    return np.full(count, None, object) if name in OBJECTS else np.full(count, np.nan)


def decode_batch(batch: RawBatch, tables: Sequence[Table] = (*TABLES, OTHER)) -> Decoded:
    """Framed AIS sentences to a frame of vessel rows; see Feed.decode.

    Messages of `tables` are read by columns where they are sound, all others one by one, with the same outcome.
    """
    account = Account(received=sum(batch.rejected.values()))
    account.rejected.update(batch.rejected)
    rows = _Rows(account, list(batch.letters), batch.received_at)
    chunk = scan(batch.raw, tables)
    for group in chunk.groups:
        _take_group(rows, chunk, group)
    account.received += len(chunk.refused)
    account.rejected.update(reason for reason, _ in chunk.refused)
    rows.letters.extend(chunk.letters(max(0, LETTERS_MAX - len(rows.letters))))
    for first, end in _runs(chunk.slow):
        _take_slow(rows, b"\n".join(chunk.line(number) for number in range(first, end)), first)
    frame = rows.frame() if rows.pieces else empty_frame(["mmsi"])
    return Decoded(frame, account, rows.letters)


def _runs(marked: Array) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(marked, prepend=False, append=False))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _take_group(rows: _Rows, chunk: Scan, group: Group) -> None:
    """Count and keep the messages of one table."""
    account, sentences = rows.account, int(group.parts.sum())
    account.received += sentences
    account.accepted += sentences
    account.messages += len(group.line)
    if group.table.types[0] not in USED_TYPES:
        account.ignored += len(group.line)
        return
    columns = columns_of(group)
    at = _observed_at(group, chunk.times(group.line), rows.received_at)
    timely = (at >= rows.received_at - PAST_S_MAX) & (at <= rows.received_at + FUTURE_S_MAX)
    columns["observed_at"] = at
    line = group.line
    if not timely.all():
        _refuse_times(rows, chunk, line[~timely], group.parts[~timely])
        line, columns = line[timely], {name: values[timely] for name, values in columns.items()}
    if "lon" in columns:
        account.positions += int(np.count_nonzero(~np.isnan(columns["lon"])))
    if len(line):
        rows.pieces.append((line, columns))


def _refuse_times(rows: _Rows, chunk: Scan, lines: Array, parts: Array) -> None:
    for line, count in zip(lines.tolist(), parts.tolist(), strict=True):
        rows.account.accepted -= count
        rows.account.messages -= 1
        rows.account.rejected["time_range"] += count
        for number in range(line, line + count):
            match = SENTENCE.search(chunk.line(number))
            rows.letters.append(("time_range", match[2] if match else chunk.line(number)))


def _observed_at(group: Group, told: Array, received_at: float) -> Array:
    """As ais.observed_at, for all messages of a group."""
    at: Array = told
    if "second" in group.table.named and "lon" in group.table.named:
        second = group.columns(["second"])["second"]
        latest = received_at + FUTURE_SECOND_S
        at = np.where(np.isnan(at), latest - (latest - second) % 60, at)
    return np.where(np.isnan(at), received_at, at)


def columns_of(group: Group) -> dict[str, Array]:
    """The vessel table's columns that a group of messages carries; as ais.row_of."""
    types, wanted = (
        group.table.types,
        ["mmsi", "msg_type", *FIX_FIELDS, "lon", "lat", "cs", *STATIC_FIELDS, "name", "name_ext"],
    )
    found = group.columns([*dict.fromkeys(wanted), *SIZES, *ETA])
    made: dict[str, Array] = {"mmsi": found["mmsi"], "fingerprint": group.fingerprint}
    if types[0] in POSITION_TYPES:
        made |= {name: found[name] for name in (*FIX_FIELDS, "lon", "lat") if name in found}
    if types[0] in (5, 19, 21, 24):
        described = {name: found[name] for name in STATIC_FIELDS if name in found}
        if "name" in found:
            whole: Array = np.strings.add(found["name"], found["name_ext"])
            described["shipname"] = np.strings.strip(whole, b"@ ")
        described |= _sizes(found) | _eta(found)
        made |= {name: values for name, values in described.items() if _any(values)}
    if types[0] in CLASSES:
        made["ais_class"] = np.full(len(group.line), CLASSES[types[0]], object)
    if types[0] == 18:
        made["cs"] = found["cs"]
    return {name: _plain(values) for name, values in made.items()}


def _any(values: Array) -> bool:
    return bool(
        (values != b"").any() if values.dtype.kind == "S" else values.dtype.kind != "f" or ~np.isnan(values).all()
    )


def _plain(values: Array) -> Array:
    """Text and flags as Python's own; empty text as None."""
    if values.dtype.kind == "b":
        return YES_NO[values.view(np.uint8)]
    if values.dtype.kind != "S":
        return values
    text = values.astype(str).astype(object)
    text[values == b""] = None
    return text


def _sizes(found: Columns) -> dict[str, Array]:
    if SIZES[0] not in found:
        return {}
    bow, stern, port, starboard = (found[name] for name in SIZES)
    # A craft associated with a mothership (98MID) sends the mothership's MMSI where others send their size.
    own = found["mmsi"] // 10_000_000 != 98
    length, beam = np.where(own, bow + stern, np.nan), np.where(own, port + starboard, np.nan)
    return {"length_m": np.where(length == 0, np.nan, length), "beam_m": np.where(beam == 0, np.nan, beam)}


def _eta(found: Columns) -> dict[str, Array]:
    if "month" not in found or "callsign" not in found:
        return {}
    eta = np.full(len(found["month"]), b"", "S11")
    known = np.flatnonzero(~np.isnan(found["month"]) & ~np.isnan(found["day"]))
    numbers = [np.nan_to_num(found[name][known]).astype(int).tolist() for name in ETA]
    eta[known] = [b"%02d-%02d %02d:%02d" % each for each in zip(*numbers, strict=True)]
    return {"eta": eta}


def _take_slow(rows: _Rows, raw: bytes, first: int) -> None:
    """Decode a run of lines one by one; nothing that stands in one reaches into another (see Scan.slow)."""
    account, kept, lines = rows.account, [], []
    for number, (fields, parts) in enumerate(messages(raw, account, rows.letters)):
        if fields["msg_type"] not in USED_TYPES:
            continue
        at = observed_at(fields, read_tag(parts[0].tag), rows.received_at)
        if not in_time_range(at, rows.received_at):
            account.accepted -= len(parts)
            account.messages -= 1
            account.rejected["time_range"] += len(parts)
            rows.letters.extend(("time_range", part.bare) for part in parts)
            continue
        row = row_of(fields)
        account.positions += row.get("lon") is not None
        kept.append({**row, "observed_at": at, "fingerprint": fingerprint_of(b"".join(part.payload for part in parts))})
        lines.append(first + number)
    if kept:
        names = dict.fromkeys(name for row in kept for name in row)
        rows.pieces.append((np.array(lines), {name: _column(name, [row.get(name) for row in kept]) for name in names}))


def _column(name: str, values: list[Any]) -> Array:
    kind = object if name in OBJECTS else np.int64 if name in WHOLE else float
    return np.array(values, kind)
