"""Sentences for tests: messages by field names, encoded by pyais and given tag blocks of their own."""

import pyais

from ingest.sentence import checksum


def tag(**fields: object) -> bytes:
    """A tag block with its checksum: tag(c=1700000000, s="A") -> b"\\\\c:1700000000,s:A*hh\\\\"."""
    text = ",".join(f"{name}:{value}" for name, value in fields.items()).encode()
    return b"\\%s*%02X\\" % (text, checksum(text))


def sentences(msg_type: int, mmsi: int, *, channel: str = "A", seq_id: int = 0, **fields: object) -> list[bytes]:
    """The sentences of one message, without tag block or line end."""
    data = {"msg_type": msg_type, "mmsi": mmsi, **fields}
    return [
        line.encode()
        for line in pyais.encode_dict(data, talker_id="AI", sentence_type="VDM", radio_channel=channel, seq_id=seq_id)
    ]


def message(msg_type: int, mmsi: int, at: float | None = None, **fields: object) -> list[bytes]:
    """As `sentences`, with the time `at` (epoch seconds) in a tag block before the first and as the sender's second."""
    if at is None:
        return sentences(msg_type, mmsi, **fields)
    lines = sentences(msg_type, mmsi, **{"second": round(at) % 60, **fields})
    return [tag(c=round(at)) + lines[0], *lines[1:]]


def position(mmsi: int, lon: float, lat: float, at: float | None = None, **fields: object) -> bytes:
    """A class A position report."""
    return message(1, mmsi, at, lon=lon, lat=lat, **{"speed": 5.0, "course": 90.0, **fields})[0]
