"""Photographs of strangers: what is left of a file is its picture, and what is none is refused by its field."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from geo.photo import BYTES_MOST, Photo, drawn
from geo.photo_child import Refused, draw
from geo.wrong import Wrong

JPEG_END = b"\xff\xd9"


def scene(width: int = 320, height: int = 200, mode: str = "RGB") -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert(mode)


def file(picture: Image.Image, kind: str = "JPEG", **more: Any) -> bytes:
    made = io.BytesIO()
    picture.save(made, kind, **more)
    return made.getvalue()


def located(lat: tuple[float, ...], lon: tuple[float, ...], south: str = "N", west: str = "E") -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "Nhà của tôi, 5 Lê Lợi"
    exif[0x0112] = 6  # turned
    exif.get_ifd(0x8825).update({1: south, 2: lat, 3: west, 4: lon})
    return file(scene(), exif=exif, comment=b"0912345678")


def opened(photo: Photo) -> Image.Image:
    return Image.open(io.BytesIO(photo.data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says to have so many pixels, all of them there."""
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(b"\0" * (1 + width // 8)) for _ in range(height)) + rows.flush()

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "CMYK"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"),
     ("WEBP", "RGBA")],
)  # fmt: skip
def test_a_photograph_is_drawn_anew_as_a_jpeg(kind: str, mode: str) -> None:
    photo = drawn(file(scene(mode=mode), kind))
    with opened(photo) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (320, 200))
    assert (photo.width, photo.height) == (320, 200)


def test_a_large_one_becomes_as_large_as_a_screen() -> None:
    photo = drawn(file(scene(5_000, 4_000), quality=30))
    assert (photo.width, photo.height) == (1_920, 1_536)


def test_promise_16_its_place_is_read_and_nothing_of_what_it_says_stays() -> None:
    photo = drawn(located((16.0, 27.0, 49.32), (107.0, 35.0, 25.8)))
    assert photo.lat == pytest.approx(16.4637, abs=1e-6)
    assert photo.lon == pytest.approx(107.5905, abs=1e-6)
    assert (photo.width, photo.height) == (200, 320)  # turned as it is to be seen
    with opened(photo) as picture:
        assert not picture.getexif()
        assert {"exif", "icc_profile", "comment", "xmp"}.isdisjoint(picture.info)
    for words in (b"Exif", b"GPS", "Lê Lợi".encode(), b"0912345678"):
        assert words not in photo.data


@pytest.mark.parametrize(
    ("lat", "lon", "south", "west", "place"),
    [
        ((10.0, 30.0, 0.0), (20.0, 0.0, 0.0), "S", "W", (-10.5, -20.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), "N", "E", None),
        ((99.0, 0.0, 0.0), (20.0, 0.0, 0.0), "N", "E", None), ((1.0,), (2.0,), "N", "E", None),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_is_none(
    lat: tuple[float, ...], lon: tuple[float, ...], south: str, west: str, place: tuple[float, float] | None
) -> None:
    photo = drawn(located(lat, lon, south, west))
    assert (photo.lat, photo.lon) == (place or (None, None))


def polyglot() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("run.html", "<script>alert(1)</script>" * 20)
    return file(scene()) + packed.getvalue() + b"<script>alert(1)</script><?php system('id') ?>"


def test_promise_16_of_a_file_that_is_two_things_only_the_picture_is_left() -> None:
    photo = drawn(polyglot())
    assert photo.data.endswith(JPEG_END)
    assert not zipfile.is_zipfile(io.BytesIO(photo.data))
    for words in (b"<script", b"<?php", b"PK\x03\x04"):
        assert words not in photo.data
    hidden = file(scene(), "PNG", pnginfo=None).replace(b"IEND", b"IEND") + b"<script>"
    assert b"<script" not in drawn(hidden).data


def _cut(kind: str) -> Callable[[], bytes]:
    def made() -> bytes:
        data = file(scene(640, 480), kind)
        return data[: len(data) * 2 // 3]

    return made


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"", "JPEG, PNG or WebP"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "JPEG, PNG or WebP"),
        (lambda: b"<html><script>alert(1)</script>", "JPEG, PNG or WebP"),
        (lambda: file(scene(), "GIF"), "JPEG, PNG or WebP"),
        (lambda: file(scene(), "TIFF"), "JPEG, PNG or WebP"),
        (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n", "JPEG, PNG or WebP"),
        (lambda: b"\xff\xd8\xff" + b"<svg onload=alert(1)>" * 50, "damaged"),
        (lambda: b"\x89PNG\r\n\x1a\n" + b"GIF89a" * 50, "damaged"),
        (lambda: b"RIFF\0\0\0\0WEBP" + b"\0" * 500, "damaged"),
        (_cut("JPEG"), "damaged"), (_cut("PNG"), "damaged"), (_cut("WEBP"), "damaged"),
        (lambda: bomb(12_000, 12_000), "at most 25 megapixels"),
        (lambda: bomb(5_001, 5_000), "at most 25 megapixels"),
        (lambda: bomb(60_000, 1_000), "megapixels"),
        (lambda: b"\xff\xd8\xff" + b"0" * BYTES_MOST, "at most 8 MB"),
    ],
)  # fmt: skip
def test_promise_16_what_is_no_photograph_is_refused_by_its_field(make: Callable[[], bytes], words: str) -> None:
    with pytest.raises(Wrong) as caught:
        drawn(make())
    assert caught.value.field == "photo"
    assert words in caught.value.en
    assert caught.value.vi


def test_as_large_as_may_be_is_taken() -> None:
    assert drawn(bomb(5_000, 5_000)).width == 1_920


SEEDS = [
    file(scene(64, 48)),
    file(scene(64, 48), "PNG"),
    file(scene(64, 48), "WEBP"),
    located((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8))
def test_promise_05_a_mutant_is_drawn_or_refused_and_breaks_nothing(
    seed: bytes, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(seed)
    for where, value in changes:
        data[int(where * len(data))] = value
    with suppress(Refused):
        about, picture = draw(bytes(data))
        assert picture.startswith(b"\xff\xd8\xff")
        assert about["width"] * about["height"] <= 1_920**2
