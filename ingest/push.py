"""Records that somebody pushes, some in each request: what a feed takes, read by the very code that reads its lines."""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any

import structlog

from ingest.feed import RECORD_ID, Member, Push, Row
from ingest.json_lines import TWICE, Members, record_id
from ingest.lines import DECODER_FAULT, Refused, read_line

log = structlog.get_logger()
NUMBER = re.compile(r"[+-]?[0-9]{1,10}(?:\.[0-9]{1,20})?")
LINE = re.compile("[^\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")  # between the line ends of str.splitlines
# Of so many a body may hold on the average for each record that it may hold: lists and objects, and values in all. They
# cost fifty times their bytes and more once they are read.
NESTED_EACH, VALUES_EACH = 10, 60
FLAGS = {"1": True, "true": True, "0": False, "false": False}
WHOLE_DIGITS_MAX = 400  # beyond it Python refuses to read a number, and with it the whole body
NOT_OBJECT = "not_object"


class TooMany(ValueError):
    """A body holds more records than it may, or what takes as much room as they would."""


@dataclass(frozen=True)
class Judged:
    """One record: its line for the stream and the row that the worker will read in it, or the reason why not.

    line: of a refused one what is kept as its dead letter. record_id: of a refused one, where it could be told.
    """

    line: bytes
    row: Row | None = None
    reason: str | None = None
    record_id: str | None = None


def read_json(body: bytes, most: int) -> list[Any]:
    """The records of a JSON body, which is one object or a list of them; most: how many it may hold.

    Raises Refused (`not_json`), TooMany.
    """
    nested = body.count(b"{") + body.count(b"[")
    if nested > NESTED_EACH * most or nested + body.count(b",") > VALUES_EACH * most:
        raise TooMany
    try:
        found = json.loads(body.decode("utf-8-sig"), object_pairs_hook=Members, parse_int=_whole)
    except (ValueError, RecursionError):
        raise Refused("not_json") from None
    records = found if isinstance(found, list) else [found]
    if len(records) > most:
        raise TooMany
    return records


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= WHOLE_DIGITS_MAX else float(digits)


def read_csv(push: Push, body: bytes, most: int) -> list[Any]:
    """The records of a CSV body, one a line, by its header, or without one in the feed's own order.

    A line that cannot be read as one stands as its bytes; most: how many records it may hold. Raises Refused
    (`not_csv`): no UTF-8, or a header that misses the feed's members. Raises TooMany.
    """
    if body.count(b",") > VALUES_EACH * most:
        raise TooMany
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("not_csv") from None
    told = (found[0] for found in LINE.finditer(text) if found[0].strip())
    lines = list(islice(told, most + 2))  # a header, the records, and one too many
    if not lines:
        return []
    names: Sequence[str] = [name.strip() for name in _cells(lines[0]) or ()]
    if set(names) & set(push.names):
        lines = lines[1:]
        if len(set(names)) < len(names):
            raise Refused("not_csv")
    elif push.order:
        names = push.order
    else:
        raise Refused("not_csv")
    if len(lines) > most:
        raise TooMany
    return [_record(push, names, line) for line in lines]


def _record(push: Push, names: Sequence[str], line: str) -> dict[str, Any] | bytes:
    cells = _cells(line)
    while cells and len(cells) > len(names) and not cells[-1].strip():
        cells.pop()  # many a program writes a comma at the end of its lines
    if cells is None or len(cells) > len(names):
        return line.encode()
    told = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}
    return {name: value if (of := push.member(name)) is None else typed(of, value) for name, value in told.items()}


def _cells(line: str) -> list[str] | None:
    try:
        rows = list(csv.reader([line], strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def typed(member: Member, text: str) -> Any:
    """A cell as the member's kind; as it is where it is none, so that its reader refuses it by its name."""
    if member.kind in ("number", "whole", "time") and NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return FLAGS.get(text.lower(), text) if member.kind == "flag" else text


def judge(push: Push, told: Any, given: Mapping[str, str], now: float) -> Judged:
    """What becomes of one record that is received now (epoch seconds); given: what is meant where it says nothing.

    Reasons: those of the feed's reader, `time_range`, `too_long`, `not_object`, `member_twice`, `not_csv`; and
    `decoder_fault` where the reader itself fails.
    """
    if isinstance(told, bytes):
        return Judged(told, reason="not_csv")
    own, line = None, b""
    try:
        if not isinstance(told, dict):
            return Judged(_as_told(told), reason=NOT_OBJECT)
        own = told_id(told)
        if isinstance(told, Members) and told.pairs:
            return Judged(_as_told(told), None, TWICE, own)
        meant = {name: value for name, value in given.items() if _says_nothing(told.get(name))}
        record = {name: told[name] for name in push.names if told.get(name) is not None} | meant
        line = _text(record)
        if len(line) > push.line_bytes_max:
            return Judged(line, None, "too_long", own)
        return Judged(line, read_line(push.read, line, now))
    except Refused as reason:
        return Judged(line, None, str(reason), own)
    except RecursionError:  # nested deeper than can be written again
        return Judged(line, None, "not_json", own)
    except Exception as error:  # a reader's own fault must cost its record, not the request
        log.error("decoder failed", error=repr(error))
        return Judged(line, None, DECODER_FAULT, own)


def _says_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def told_id(told: Mapping[str, Any]) -> str | None:
    """The sender's id of a record that may be wrong in every way, if that at least is one."""
    try:
        return record_id(told)
    except Refused:
        return None


def lines_of(push: Push, told: Iterable[Any]) -> list[tuple[bytes, bool]]:
    """Records as lines for the stream, each with whether it says when it was observed; unjudged: the worker does it.

    What says so and has no id of its own gets one out of what it says: asked for again, it is the same record.
    """
    found = []
    for each in told:
        try:
            found.append(_line_of(push, each))
        except RecursionError:
            found.append((unreadable(b"nested deeper than can be written again"), False))
    return found


def _line_of(push: Push, told: Any) -> tuple[bytes, bool]:
    if not isinstance(told, dict):
        return unreadable(_as_told(told)), False
    if isinstance(told, Members) and told.pairs:
        return _as_told(told), False
    record = {name: told[name] for name in push.names if told.get(name) is not None}
    dated = "observed_at" in record
    if dated and RECORD_ID.name not in record:
        record[RECORD_ID.name] = blake2b(_text(record), digest_size=16).hexdigest()
    return _text(record), dated


def unreadable(raw: bytes) -> bytes:
    """A line that the worker refuses as `not_json`, with what is no record in it.

    As it came, a reader that knows more than JSON might take it: a list, say, for a line of CSV in its own order.
    """
    return b"{" + _text(raw.decode("utf-8", "backslashreplace"))


def _as_told(told: Any) -> bytes:
    if isinstance(told, bytes):
        return told
    return _twice(told.pairs) if isinstance(told, Members) and told.pairs else _text(told)


def unread(push: Push, records: Iterable[Any]) -> list[str]:
    """Members that nobody reads, by name: a misspelt one would be missed in silence."""
    names = dict.fromkeys(name for told in records if isinstance(told, dict) for name in told)
    return [name for name in names if name not in push.names]


def _text(value: Any) -> bytes:
    """A value as one line of JSON; never cut in two by a line end, which JSON escapes."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _twice(pairs: Sequence[tuple[str, Any]]) -> bytes:
    return b"{" + b",".join(_text(name) + b":" + _text(value) for name, value in pairs) + b"}"
