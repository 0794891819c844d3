"""What the simulated cameras stream: HTTP Live Streaming (RFC 8216) whose pieces are made when they are asked for.

Each picture is a frame of H.264 whose macroblocks stand as they are (I_PCM; ITU-T H.264, 7.3.5): large, but every
player shows it and nothing has to encode it. Pieces are fragmented MP4 (ISO/IEC 14496-12 and -15).
"""

import struct
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from PIL import Image

WIDTH, HEIGHT = 512, 288  # whole macroblocks of 16 by 16
PIECE_S, FRAMES = 2, 4  # of one piece: seconds, pictures
LISTED = 5  # pieces that a playlist names: a live one forgets what is older
_SCALE = 1000  # units of time a second
_WIDE, _HIGH = WIDTH // 16, HEIGHT // 16
_NAL_SPS, _NAL_PPS, _NAL_IDR = b"\x67", b"\x68", b"\x65"
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def newest(now: float) -> int:
    """Number of the newest piece that is over at a moment (seconds since 1970)."""
    return int(now // PIECE_S) - 1


def playlist(now: float) -> bytes:
    """The playlist at a moment: the last pieces, by their numbers."""
    last = newest(now)
    first = last - LISTED + 1
    begun = datetime.fromtimestamp(first * PIECE_S, UTC).isoformat(timespec="seconds")
    lines = [
        "#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{PIECE_S}", f"#EXT-X-MEDIA-SEQUENCE:{first}",
        '#EXT-X-MAP:URI="init.mp4"', f"#EXT-X-PROGRAM-DATE-TIME:{begun}",
    ]  # fmt: skip
    for number in range(first, last + 1):
        lines += [f"#EXTINF:{PIECE_S:.3f},", f"{number}.m4s"]
    return ("\n".join(lines) + "\n").encode()


def moments(number: int) -> list[float]:
    """When each picture of a piece is seen, in seconds since 1970."""
    return [number * PIECE_S + PIECE_S * n / FRAMES for n in range(FRAMES)]


def begin() -> bytes:
    """What a player reads before all pieces: the sizes and how the pictures are coded."""
    sps, pps = _NAL_SPS + _sequence(), _NAL_PPS + _picture()
    coded = _box(b"avcC", b"\x01" + sps[1:4] + b"\xff\xe1", _sized(sps), b"\x01", _sized(pps))
    entry = struct.pack(">6xH16xHHIIIH32xHh", 1, WIDTH, HEIGHT, 0x480000, 0x480000, 0, 1, 24, -1)
    none = [_full(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco")]
    table = _box(
        b"stbl",
        _full(b"stsd", 0, 0, struct.pack(">I", 1), _box(b"avc1", entry, coded)),
        *none,
        _full(b"stsz", 0, 0, bytes(8)),
    )
    here = _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1)))
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, 0, struct.pack(">8xIIHH", _SCALE, 0, 0x55C4, 0)),
        _full(b"hdlr", 0, 0, struct.pack(">4x4s12x", b"vide"), b"\0"),
        _box(b"minf", _full(b"vmhd", 0, 1, bytes(8)), here, table),
    )
    shown = struct.pack(">8xI4xI8xHHHH36sII", 1, 0, 0, 0, 0, 0, _MATRIX, WIDTH << 16, HEIGHT << 16)
    movie = _box(
        b"moov",
        _full(b"mvhd", 0, 0, struct.pack(">8xIIIH10x36s24xI", _SCALE, 0, 0x10000, 0x0100, _MATRIX, 2)),
        _box(b"trak", _full(b"tkhd", 0, 3, shown), media),
        _box(b"mvex", _full(b"trex", 0, 0, struct.pack(">5I", 1, 1, 0, 0, 0))),
    )
    return _box(b"ftyp", b"iso5", bytes(4), b"iso5avc1") + movie


def piece(number: int, pictures: list[Image.Image]) -> bytes:
    """One piece: its pictures, spread evenly over its time."""
    frames = [_sized(_frame(picture, n % 2), 4) for n, picture in enumerate(pictures)]
    begun = number * PIECE_S * _SCALE
    each = PIECE_S * _SCALE // len(frames)
    # 8.8.7: offsets count from the box moof; each sample lasts as long, and depends on no other.
    head = _full(b"tfhd", 0, 0x020028, struct.pack(">III", 1, each, 0x02000000))
    time = _full(b"tfdt", 1, 0, struct.pack(">Q", begun))

    def fragment(offset: int) -> bytes:
        sizes = struct.pack(f">Ii{len(frames)}I", len(frames), offset, *map(len, frames))
        run = _full(b"trun", 0, 0x000201, sizes)
        return _box(
            b"moof", _full(b"mfhd", 0, 0, struct.pack(">I", number & 0xFFFFFFFF)), _box(b"traf", head, time, run)
        )

    return fragment(len(fragment(0)) + 8) + _box(b"mdat", *frames)


def _frame(picture: Image.Image, alternate: int) -> bytes:
    """A picture as one IDR slice (7.3.3). alternate: 0, 1, 0, ...: neighbours bear different numbers (7.4.3)."""
    bits = "1" + _ue(7) + "1" + "0000" + _ue(alternate) + "00" + "1" + _ue(1)
    first = _packed(bits + _ue(25))  # 25: I_PCM, after which the samples begin at a whole byte
    blocks = np.empty((_WIDE * _HIGH, 2 + 384), np.uint8)
    blocks[:, :2] = 0x0D, 0x00  # the same 25 for each macroblock after the first
    blocks[:, 2:] = _samples(picture)
    return _NAL_IDR + first + blocks.tobytes()[2:] + b"\x80"


def _samples(picture: Image.Image) -> npt.NDArray[np.uint8]:
    """Of each macroblock, row by row: 256 of luma, then 64 and 64 of the colours. None is zero, so that nothing in
    the slice looks like the beginning of another unit (7.4.1)."""
    planes = np.asarray(picture.resize((WIDTH, HEIGHT)).convert("YCbCr"), np.float32)
    # From the whole range of JPEG to that of television (BT.601), which a player assumes where nothing is said.
    luma = 16 + planes[:, :, 0] * (219 / 255)
    colours = 128 + (planes[:, :, 1:] - 128) * (224 / 255)
    halves = colours.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 2).mean((1, 3))
    parts = [(luma, 16), (halves[:, :, 0], 8), (halves[:, :, 1], 8)]
    cut = [
        plane.reshape(_HIGH, side, _WIDE, side).transpose(0, 2, 1, 3).reshape(-1, side * side) for plane, side in parts
    ]
    whole: npt.NDArray[np.uint8] = np.clip(np.rint(np.concatenate(cut, 1)), 1, 255).astype(np.uint8)
    return whole


def _sequence() -> bytes:
    """The sequence parameter set (7.3.2.1.1): constrained baseline, level 3, no picture refers to another."""
    sizes = _ue(_WIDE - 1) + _ue(_HIGH - 1)
    return b"\x42\xc0\x1e" + _packed(_ue(0) + _ue(0) + _ue(2) + _ue(0) + "0" + sizes + "1" + "1" + "0" + "0" + "1")


def _picture() -> bytes:
    """The picture parameter set (7.3.2.2): no arithmetic coding, and the deblocking filter can be switched off."""
    return _packed(
        _ue(0) + _ue(0) + "0" + "0" + _ue(0) + _ue(0) + _ue(0) + "0" + "00" + "1" * 3 + "1" + "0" + "0" + "1"
    )


def _ue(number: int) -> str:
    """An unsigned number in bits (9.1)."""
    digits = f"{number + 1:b}"
    return "0" * (len(digits) - 1) + digits


def _packed(bits: str) -> bytes:
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))


def _sized(unit: bytes, width: int = 2) -> bytes:
    return len(unit).to_bytes(width) + unit


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)
