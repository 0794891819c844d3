"""What a camera's picture is, and whether two of them show the same, though a clock runs in one corner.

A frozen camera may send its last picture coded anew each time, with the recorder's clock burnt into it. Then every part
of it but the clock is the same to the last level of grey, which no lens in front of a city ever is: its sensor is never
without noise. So a picture is cut into tiles, and each is known by a checksum (camera_reader).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
ACROSS, DOWN, TILE_BYTES = 16, 9, 4
TILES = ACROSS * DOWN
FLAT = bytes(TILE_BYTES)  # a tile of one shade, as a dark sky is: that it is the same says nothing
EDGE = 2  # clocks and names stand in the uppermost and lowermost rows
CHANGED_MOST, SAME_LEAST = 24, 24  # tiles that a clock and a name may cover; with something in them and the same


@dataclass(frozen=True)
class Stands:
    """A picture that may have stopped: the tiles of the first one, and which of them changed since then."""

    first: bytes
    changed: frozenset[int] = frozenset()


def stands(before: Stands | None, tiles: bytes | None) -> Stands | None:
    """The same standing picture with one more look at it, or None where it lives, or nothing can be said.

    Whatever changes has to stay in a few tiles at the upper and lower edge, always the same ones, while much of the
    rest that is not of one shade does not change at all.
    """
    if before is None or tiles is None or len(tiles) != len(before.first):
        return None
    pairs = list(zip(_each(before.first), _each(tiles), strict=True))
    changed = before.changed | {n for n, (one, other) in enumerate(pairs) if one != other}
    within = all(n // ACROSS < EDGE or n // ACROSS >= DOWN - EDGE for n in changed)
    same = sum(one == other != FLAT for n, (one, other) in enumerate(pairs) if n not in changed)
    if not within or len(changed) > CHANGED_MOST or same < SAME_LEAST:
        return None
    return Stands(before.first, frozenset(changed))


def _each(tiles: bytes) -> Iterator[bytes]:
    for at in range(0, len(tiles), TILE_BYTES):
        yield tiles[at : at + TILE_BYTES]


def image_type(body: bytes) -> str | None:
    """The media type of a picture by its first bytes, whatever its sender calls it; None for what is none."""
    if body.startswith(JPEG):
        return "image/jpeg"
    if body.startswith(PNG):
        return "image/png"
    return "image/webp" if body[:4] == b"RIFF" and body[8:12] == b"WEBP" else None


def picture_digest(body: bytes) -> bytes:
    """A digest of what a picture shows: without the notes (times, texts) that a recorder may write into each copy."""
    digest = blake2b(digest_size=16)
    parts = _jpeg_parts(body) if body.startswith(JPEG) else _png_parts(body) if body.startswith(PNG) else [body]
    for part in parts:
        digest.update(part)
    return digest.digest()


def _jpeg_parts(body: bytes) -> Iterator[bytes]:
    """The segments of a JPEG (ITU-T T.81, annex B) but APPn and COM; from the first scan on all of it."""
    at = 2
    while at + 4 <= len(body) and body[at] == 0xFF:
        marker = body[at + 1]
        if marker == 0xDA:
            break
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(body[at + 2 : at + 4])
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            yield body[at:end]
        at = max(end, at + 2)
    yield body[at:]


def _png_parts(body: bytes) -> Iterator[bytes]:
    """The chunks of a PNG that hold the picture: IHDR, PLTE, IDAT."""
    at = len(PNG)
    while at + 8 <= len(body):
        end = at + 12 + int.from_bytes(body[at : at + 4])
        if body[at + 4 : at + 8] in (b"IHDR", b"PLTE", b"IDAT"):
            yield body[at:end]
        at = end
