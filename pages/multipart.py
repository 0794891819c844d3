"""What a browser's form sends as multipart/form-data (RFC 7578): its fields and its files, nothing else of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

PARTS_MOST, FIELD_BYTES_MOST, HEAD_BYTES_MOST = 100, 64 << 10, 2 << 10
_BOUNDARY = re.compile(r'multipart/form-data\s*;.*?boundary=(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_NAMED = re.compile(rb'(?<![a-z*])(name|filename)="([^"\r\n]*)"')


class NotAForm(ValueError):
    """The body is no form as browsers send one; the message says what is wrong."""


@dataclass
class Form:
    """The fields, each with its values in their order, and the files by the name of their field."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)

    def first(self, name: str) -> str:
        """The first value of a field, without blanks around it; empty where there is none."""
        return self.fields.get(name, [""])[0].strip()


def read(kind: str, body: bytes) -> Form:
    """The form of a body of that Content-Type. Raises NotAForm."""
    found = _BOUNDARY.match(kind)
    if found is None:
        raise NotAForm("it is not multipart/form-data with a boundary")
    made = Form()
    for head, data in _parts(body, (found[1] or found[2]).encode("latin-1", "replace")):
        named = {name.decode(): value.decode("utf-8", "replace") for name, value in _NAMED.findall(head)}
        if "name" not in named:
            raise NotAForm("a part of it has no name")
        if "filename" in named:
            if data:
                made.files.append((named["name"], data))
        elif len(data) > FIELD_BYTES_MOST:
            raise NotAForm(f"the field {named['name'][:40]} has more than {FIELD_BYTES_MOST} bytes")
        else:
            made.fields.setdefault(named["name"], []).append(data.decode("utf-8", "replace"))
    return made


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each part's head and content; the body must end as it says that it does."""
    between = b"\r\n--" + boundary
    start = len(boundary) + 2
    if not body.startswith(between[2:]):
        raise NotAForm("it does not begin with its boundary")
    for _ in range(PARTS_MOST + 1):
        if body.startswith(b"--", start):
            return
        end = body.find(between, start)
        head_end = body.find(b"\r\n\r\n", start, start + HEAD_BYTES_MOST)
        if end < 0 or head_end < 0 or head_end > end:
            raise NotAForm("a part of it has no head or no end")
        yield body[start:head_end], body[head_end + 4 : end]
        start = end + len(between)
    raise NotAForm(f"it has more than {PARTS_MOST} parts")
