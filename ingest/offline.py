"""Decoding without a database: captures of AIS sentences to records, one a message, with the account."""

import csv
import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from geo.account import Account
from ingest.ais import messages
from ingest.feed import Framed
from ingest.sentence import NmeaFramer, read_tag, tag_time

READ_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
FIRST_COLUMNS = ("msg_type", "mmsi", "repeat", "lon", "lat", "source", "received_at")


class CaptureError(Exception):
    """A capture cannot be read; the message names it and says why."""


@contextmanager
def open_capture(name: str) -> Iterator[BinaryIO]:
    """A capture for reading, for as long as the context lasts: a file, gzipped or not, or `-` for standard input.

    Raises:
        CaptureError: there is no such file, it is a folder, or it may not be read.
    """
    try:
        # Standard input cannot be looked into without taking from it; a reader of its own with a buffer can.
        raw = os.fdopen(os.dup(sys.stdin.fileno()), "rb") if name == "-" else Path(name).open("rb")  # noqa: SIM115 # the caller closes it
    except OSError as error:
        raise CaptureError(f"cannot read {name}: {error.strerror}") from error
    with raw:
        zipped = raw.peek(2)[:2] == GZIP_MAGIC
        with gzip.open(raw) if zipped else nullcontext(raw) as stream:
            yield cast(BinaryIO, stream)


def framed(names: Iterable[str]) -> Iterator[Framed]:
    """Whole messages of captures, about a mebibyte at a time; every file's end ends its last line."""
    for name in names:
        framer = NmeaFramer()
        with open_capture(name) as stream:
            try:
                while data := stream.read(READ_BYTES):
                    framer.feed(data, 0.0)
                    yield framer.take()
            except (OSError, EOFError, zlib.error) as error:
                raise CaptureError(f"cannot read {name}: {error}") from error
        framer.close()
        yield framer.take()


def records(names: Iterable[str], account: Account) -> Iterator[dict[str, Any]]:
    """Every accepted message of captures as a flat record, in the order heard; the account is filled on the way."""
    for part in framed(names):
        account.received += sum(part.rejected.values())
        account.rejected.update(part.rejected)
        for fields, sentences in messages(b"\n".join(part.lines), account, []):
            tag = read_tag(sentences[0].tag)
            told = tag_time(tag)
            account.positions += fields.get("lon") is not None
            account.rows += 1
            record = {"msg_type": fields["msg_type"], "mmsi": fields["mmsi"], "repeat": fields["repeat"], **fields}
            record.setdefault("lon", None)
            record.setdefault("lat", None)
            if "s" in tag:
                record["source"] = tag["s"]
            if told is not None:
                record["received_at"] = datetime.fromtimestamp(told, UTC).isoformat()
            yield record


def write_jsonl(rows: Iterable[dict[str, Any]], out: BinaryIO) -> None:
    """One JSON object a line."""
    for row in rows:
        out.write(json.dumps(row, ensure_ascii=False, default=str).encode() + b"\n")


def write_csv(rows: Iterable[dict[str, Any]], out: BinaryIO) -> None:
    """CSV with the union of all fields; cells that a spreadsheet would run as a formula are made plain text."""
    kept = list(rows)
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, _columns(kept), restval="")
    writer.writeheader()
    for row in kept:
        writer.writerow({name: _plain(value) for name, value in row.items()})
    text.detach()


def _plain(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def write_parquet(rows: Iterable[dict[str, Any]], out: BinaryIO) -> None:
    """Apache Parquet with the union of all fields; a field of mixed kinds becomes text."""
    import pandas as pd

    kept = list(rows)
    frame = pd.DataFrame.from_records(kept, columns=_columns(kept))
    for name in frame.columns:
        if frame[name].dropna().map(type).nunique() > 1:
            frame[name] = frame[name].map(lambda value: value if value is None else str(value))
    frame.to_parquet(out, index=False)


def _columns(rows: Iterable[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys([*FIRST_COLUMNS, *(name for row in rows for name in row)]))


WRITERS: dict[str, Callable[[Iterable[dict[str, Any]], BinaryIO], None]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}
