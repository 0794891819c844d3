"""NMEA bytes to typed columns beside pyais, libais and AIS-catcher's decoder, and how far they equal pyais's."""

from __future__ import annotations

import gc
import gzip
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyais

from bench.capture import capture
from bench.report import Report
from geo.account import Account
from ingest.ais import messages
from ingest.feed import Framed
from ingest.reader import CHUNK_BYTES, Reader, chunks
from ingest.sentence import NmeaFramer

MADE_SENTENCES, ROUNDS = 100_000, 5


def measure(data: Path | None, rounds: int = ROUNDS) -> Report:
    """Contenders in turn over the same bytes, in seconds of one core; `data`: a capture or a directory, else made."""
    captures = read(data)
    whole = b"".join(captures.values())
    framed = _framed(whole)
    lines = whole.splitlines()
    heard = list(messages(b"\n".join(framed.lines), Account(), []))
    payloads = [_payload([part.bare for part in parts]) for _, parts in heard]
    contenders: dict[str, Callable[[], int]] = {
        "columns": lambda: by_columns(whole),
        "pyais IterMessages": lambda: by_pyais(lines),
        "libais (payloads only)": lambda: by_libais(payloads),
        "aiscat, to columns": lambda: by_aiscat(whole),
    }
    size = f"{len(captures)} captures" if data else "made capture"
    words = f"{size}, {len(lines):,} lines, {len(heard):,} messages, {len(whole):,} bytes in chunks of {CHUNK_BYTES:,}"
    report = Report("decode", words, ("numpy", "pyais", "libais", "aiscat"))
    runs: dict[str, list[float]] = defaultdict(list)
    for run in contenders.values():  # once unmeasured: imports, caches
        run()
    for _ in range(rounds):
        for name, run in contenders.items():
            gc.collect()
            gc.disable()  # or each would pay for looking through what the others and the bench hold
            start = time.process_time()
            run()
            runs[name].append(len(heard) / (time.process_time() - start))
            gc.enable()
    rows = [report.add(name, "messages/s", *runs[name]) for name in contenders]
    for key, row in zip(("vs_pyais", "vs_libais", "vs_aiscat"), rows[1:], strict=True):
        report.ratios[key] = rows[0].median / row.median
    report.figures |= equality(captures.values())
    return report


def read(data: Path | None) -> dict[str, bytes]:
    """Captures by name, unzipped."""
    if data is None:
        return {"made": capture(MADE_SENTENCES)}
    files = [data] if data.is_file() else sorted(path for path in data.rglob("*") if path.is_file())
    wanted = [path for path in files if not path.name.endswith((".json", ".chk", ".json.gz"))]
    bytes_of = {path.name: path.read_bytes() for path in wanted}
    return {name: gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw for name, raw in bytes_of.items()}


def by_columns(whole: bytes) -> int:
    """Ours: lines, checksums, parts, every field of every table, tag blocks' times; the rest by pyais."""
    done, reader = 0, Reader()
    for chunk in chunks(whole, reader):
        for group in chunk.groups:
            group.columns()
            chunk.scan.times(group.line)
            done += len(group.line)
        done += len(chunk.others)
    return done


def by_pyais(lines: list[bytes]) -> int:
    """pyais as its own documents say; it checks no checksum and makes no columns."""
    done = 0
    for message in pyais.IterMessages(lines):
        try:
            message.decode()
        except (pyais.exceptions.AISBaseException, ValueError, TypeError, IndexError):
            continue
        done += 1
    return done


def by_libais(payloads: list[tuple[str, int]]) -> int:
    """libais, handed joined payloads and their fill bits: no lines, no checksums, no columns."""
    import ais

    done = 0
    for payload, fill in payloads:
        try:
            ais.decode(payload, fill)
        except ais.DecodeError:
            continue
        done += 1
    return done


def by_aiscat(whole: bytes) -> int:
    """AIS-catcher's decoder, its records by type made columns."""
    import aiscat

    decoder, records = aiscat.Decoder(), defaultdict(list)
    for first in range(0, len(whole), CHUNK_BYTES):
        decoder.feed(whole[first : first + CHUNK_BYTES])
        while (record := decoder.next()) is not None:
            records[record.get("type")].append(record)
    for of_type in records.values():
        for name in of_type[0]:
            np.array([record.get(name) for record in of_type])
    return sum(map(len, records.values()))


def equality(captures: Any) -> dict[str, float]:
    """Shares of values by columns that equal pyais's, sentinels nulled alike: numbers (1 = all) and texts."""
    same, seen = {"numeric": 0, "text": 0}, {"numeric": 0, "text": 0}
    for raw in captures:
        for chunk in chunks(raw, Reader()):
            for group in chunk.groups:
                columns = group.columns()
                for row, (line, parts) in enumerate(zip(group.line.tolist(), group.parts.tolist(), strict=True)):
                    text = b"\n".join(chunk.scan.line(number) for number in range(line, line + parts))
                    ((fields, _),) = messages(text, Account(), [])
                    for name, column in columns.items():
                        kind = "text" if column.dtype.kind == "S" else "numeric"
                        seen[kind] += 1
                        same[kind] += _equal(column[row], fields[name])
    return {f"equal_{kind}": same[kind] / seen[kind] if seen[kind] else float("nan") for kind in seen} | {
        "values": float(sum(seen.values()))
    }


def _equal(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, bytes):
        return ours.decode() == (theirs or "")
    return bool(np.isnan(ours)) if theirs is None else bool(ours == theirs)


def _framed(whole: bytes) -> Framed:
    framer = NmeaFramer()
    framer.feed(whole, 0.0)
    framer.close()
    return framer.take()


def _payload(bare: list[bytes]) -> tuple[str, int]:
    fields = [sentence.split(b",") for sentence in bare]
    return b"".join(each[5] for each in fields).decode(), int(fields[-1][6][:1] or 0)
