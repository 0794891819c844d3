"""Open311 GeoReport v2 as it is written: answers in XML and JSON, errors in both, dates and lists of a question."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

from fastapi import Response

from geo.calendar import in_years

FORMATS: Mapping[str, str] = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
FIELDS_MOST = 200
# Letters that XML 1.0 has no way to write, not even by their numbers (section 2.2).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,80})\](\[\])?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")


class Fault(Exception):
    """A request that cannot be fulfilled: the HTTP status by the specification (400, 403, 404), and why.

    code: what stands in the body, which may say more than the status: 429 for what comes too often. reason: under which
    a report that is not taken is counted.
    """

    def __init__(
        self, status: int, description: str, headers: Mapping[str, str] | None = None, code: int | None = None,
        reason: str = "form",
    ) -> None:  # fmt: skip
        super().__init__(description)
        self.status, self.description, self.headers = status, description, dict(headers or {})
        self.code, self.reason = code or status, reason


def answer(fmt: str, root: str, item: str | None, value: Any, status: int = 200) -> Response:
    """A value under its root element, in the format: a list of `item` elements, or one mapping (item None).

    JSON is what the Spark convention makes of the XML: the root's own name is left out, and a list stays one.
    """
    if fmt == "json":
        return Response(json.dumps(value, ensure_ascii=False), status, media_type=FORMATS["json"])
    top = ElementTree.Element(root)
    if item is None:
        _members(top, value)
    else:
        for each in value:
            _members(ElementTree.SubElement(top, item), each)
    body = b'<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(
        top, encoding="utf-8", xml_declaration=False
    )
    return Response(body, status, media_type=FORMATS["xml"])


# What an element of each list is called.
ITEMS = {"attributes": "attribute", "values": "value", "endpoints": "endpoint", "formats": "format"}


def _members(parent: ElementTree.Element, value: Mapping[str, Any]) -> None:
    for name, member in value.items():
        child = ElementTree.SubElement(parent, name)
        if isinstance(member, Mapping):
            _members(child, member)
        elif isinstance(member, Sequence) and not isinstance(member, str):
            for each in member:
                inner = ElementTree.SubElement(child, ITEMS[name])
                if isinstance(each, Mapping):
                    _members(inner, each)
                else:
                    inner.text = _text(each)
        else:
            child.text = _text(member)


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return _NO_XML.sub("", str(value))


def refusal(fmt: str, fault: Fault) -> Response:
    """An error as the specification shapes it; for a format that there is not, in XML, which all clients read."""
    told = [{"code": fault.code, "description": fault.description}]
    made = answer(fmt if fmt in FORMATS else "xml", "errors", "error", told, fault.status)
    made.headers.update(fault.headers)
    return made


def known(fmt: str) -> str:
    """A format that is answered in. Raises Fault."""
    if fmt not in FORMATS:
        raise Fault(404, f"there is no format {fmt[:20]!r}: append .xml or .json to the resource")
    return fmt


def fields(body: bytes, query: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The arguments of a POST, and the answers among them by code (attribute[code]=x, or [code][]=x). Raises Fault.

    An empty argument counts as one that was not given.
    """
    try:
        # What follows a question mark is no body, but some clients send their key there.
        parts = filter(None, (query, body.decode("utf-8").strip()))
        pairs = [pair for part in parts for pair in _pairs(part)]
    except UnicodeDecodeError:
        raise Fault(400, "the body must be application/x-www-form-urlencoded in UTF-8") from None
    except ValueError:
        raise Fault(400, f"the body is no form of at most {FIELDS_MOST} fields: name=value&name=value") from None
    plain: dict[str, str] = {}
    answers: dict[str, list[str]] = {}
    for name, value in pairs:
        found = _ATTRIBUTE.fullmatch(name)
        if found:
            answers.setdefault(found[1], []).append(value)
        elif value.strip():
            plain[name] = value
    return plain, answers


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=False, strict_parsing=True, errors="strict", max_num_fields=FIELDS_MOST)


def moment(text: str | None, name: str) -> datetime | None:
    """A date and time with its offset (W3C note, of ISO 8601), None for none. Raises Fault."""
    if not (text or "").strip():
        return None
    told = (text or "").strip().replace(" ", "+")  # a plus sign in a question is read as a space
    if not _MOMENT.fullmatch(told):
        raise Fault(400, f"{name} must be a date and time with its offset, like 2010-05-24T00:00:00Z")
    try:
        return in_years(datetime.fromisoformat(told), name).astimezone(UTC)
    except (ValueError, OverflowError):  # among them Wrong: a year that cannot be reckoned with
        raise Fault(400, f"{name} is no date and time: {told[:40]}") from None


def written(at: datetime | None) -> str | None:
    """A moment as the specification writes it, to the second."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(text: str | None) -> list[str] | None:
    """What a comma-separated argument names; None for none."""
    found = [each.strip() for each in (text or "").replace("\0", "").split(",") if each.strip()]
    return list(dict.fromkeys(found)) or None
