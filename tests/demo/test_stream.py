"""What the simulated cameras stream, box by box and bit by bit; tests/pages/test_camera_browser.py plays it."""

import struct
from datetime import datetime

import numpy as np
import pytest
from PIL import Image

from demo import stream
from geo.calendar import ZONE

NOW = datetime(2026, 11, 29, 12, 0, 1, tzinfo=ZONE).timestamp()
GREY = Image.new("RGB", (640, 360), (128, 128, 128))


def boxes(body: bytes) -> dict[str, bytes]:
    found = {}
    while body:
        size, kind = struct.unpack(">I4s", body[:8])
        assert 8 <= size <= len(body)
        found[kind.decode()] = body[8:size]
        body = body[size:]
    return found


def test_a_playlist_names_the_last_pieces_that_are_over() -> None:
    lines = stream.playlist(NOW).decode().splitlines()
    numbers = [int(line.removesuffix(".m4s")) for line in lines if line.endswith(".m4s")]
    assert numbers == list(range(numbers[0], numbers[0] + stream.LISTED))
    assert f"#EXT-X-MEDIA-SEQUENCE:{numbers[0]}" in lines
    assert (numbers[-1] + 1) * stream.PIECE_S <= NOW < (numbers[-1] + 2) * stream.PIECE_S
    assert max(stream.moments(numbers[-1])) < NOW
    later = stream.playlist(NOW + stream.PIECE_S).decode().splitlines()
    assert f"#EXT-X-MEDIA-SEQUENCE:{numbers[0] + 1}" in later


def test_a_player_is_told_the_sizes_and_the_coding_first() -> None:
    whole = boxes(stream.begin())
    assert list(whole) == ["ftyp", "moov"]
    movie = boxes(whole["moov"])
    assert list(movie) == ["mvhd", "trak", "mvex"]
    head = boxes(movie["trak"])["tkhd"]
    assert struct.unpack(">II", head[-8:]) == (stream.WIDTH << 16, stream.HEIGHT << 16)


def test_a_piece_says_when_it_begins_and_where_each_picture_lies() -> None:
    number = stream.newest(NOW)
    made = stream.piece(number, [GREY] * stream.FRAMES)
    whole = boxes(made)
    run = boxes(boxes(whole["moof"])["traf"])
    assert struct.unpack(">Q", run["tfdt"][4:]) == (number * stream.PIECE_S * 1000,)
    count, offset, *sizes = struct.unpack(f">Ii{stream.FRAMES}I", run["trun"][4:])
    assert (count, sum(sizes)) == (stream.FRAMES, len(whole["mdat"]))
    assert made[offset:] == whole["mdat"]
    units = [made[offset + n * sizes[0] :] for n in range(count)]
    assert all(int.from_bytes(unit[:4]) == sizes[0] - 4 and unit[4] == 0x65 for unit in units)
    assert units[0][5:8] != units[1][5:8]  # neighbours that depend on nothing bear different numbers


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)])
def test_nothing_in_a_picture_looks_like_the_beginning_of_another_unit(colour: tuple[int, int, int]) -> None:
    picture = Image.fromarray(np.full((360, 640, 3), colour, np.uint8))
    unit = boxes(stream.piece(1, [picture]))["mdat"][4:]
    assert len(unit) > stream.WIDTH * stream.HEIGHT * 3 // 2
    assert b"\0\0" not in unit
