"""Records that somebody pushes, some in each request: what a feed takes, read by the very code that reads its lines."""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from ingest.feed import RECORD_ID, Member, Push, Row
from ingest.json_lines import TWICE, Members, record_id
from ingest.lines import Refused, read_line

NUMBER = re.compile(r"[+-]?[0-9]{1,10}(?:\.[0-9]{1,10})?")
FLAGS = {"1": True, "true": True, "0": False, "false": False}
WHOLE_DIGITS_MAX = 400  # beyond it Python refuses to read a number, and with it the whole body
NOT_OBJECT = "not_object"


@dataclass(frozen=True)
class Judged:
    """One record: its line for the stream and the row that the worker will read in it, or the reason why not.

    line: of a refused one what is kept as its dead letter. record_id: of a refused one, where it could be told.
    """

    line: bytes
    row: Row | None = None
    reason: str | None = None
    record_id: str | None = None


def read_json(body: bytes) -> list[Any]:
    """The records of a JSON body, which is one object or a list of them. Raises Refused (`not_json`)."""
    try:
        found = json.loads(body.decode("utf-8-sig"), object_pairs_hook=Members, parse_int=_whole)
    except (ValueError, RecursionError):
        raise Refused("not_json") from None
    return found if isinstance(found, list) else [found]


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= WHOLE_DIGITS_MAX else float(digits)


def read_csv(push: Push, body: bytes) -> list[Any]:
    """The records of a CSV body, one a line, by its header, or without one in the feed's own order.

    A line that cannot be read as one stands as its bytes. Raises Refused (`not_csv`): no UTF-8, or a header that misses
    the feed's members.
    """
    try:
        lines = [line for line in body.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise Refused("not_csv") from None
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
    return [_record(push, names, line) for line in lines]


def _record(push: Push, names: Sequence[str], line: str) -> dict[str, Any] | bytes:
    cells = _cells(line)
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

    Reasons: those of the feed's reader, `time_range`, `too_long`, `not_object`, `member_twice`, `not_csv`.
    """
    if isinstance(told, bytes):
        return Judged(told, reason="not_csv")
    own = None
    try:
        if not isinstance(told, dict):
            return Judged(_as_told(told), reason=NOT_OBJECT)
        own = told_id(told)
        if isinstance(told, Members) and told.pairs:
            return Judged(_as_told(told), None, TWICE, own)
        meant = {name: value for name, value in given.items() if told.get(name) in (None, "")}
        record = {name: told[name] for name in push.names if told.get(name) is not None} | meant
        line = _text(record)
        if len(line) > push.line_bytes_max:
            return Judged(line, None, "too_long", own)
        return Judged(line, read_line(push.read, line, now))
    except Refused as reason:
        return Judged(line, None, str(reason), own)
    except RecursionError:  # nested deeper than can be written again
        return Judged(b"", None, "not_json", own)


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
        if not isinstance(each, dict) or (isinstance(each, Members) and each.pairs):
            found.append((_as_told(each), False))
            continue
        record = {name: each[name] for name in push.names if each.get(name) is not None}
        dated = "observed_at" in record
        if dated and RECORD_ID.name not in record:
            record[RECORD_ID.name] = blake2b(_text(record), digest_size=16).hexdigest()
        found.append((_text(record), dated))
    return found


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
