"""Pictures of cameras: what they are, and one that stands still told from one that lives, whatever clock runs in it."""

import io
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image, ImageDraw, ImageFont

from geo.camera import FROZEN, ONLINE
from geo.camera_health import Limits, Look, State, judge
from geo.camera_picture import TILE_BYTES, TILES, image_type, picture_digest
from geo.camera_reader import CameraReader
from geo.figure import Figures, seeds

START = datetime(2026, 11, 29, 3, tzinfo=UTC)
LIMITS = Limits.of(Figures(seeds()), START)
MINUTE = timedelta(minutes=1)
SIZE = (640, 360)


@pytest.fixture(scope="module")
def reader() -> Iterator[CameraReader]:
    with CameraReader() as made:
        yield made


def scene(noise: int, seed: int = 0, shade: int = 110) -> Image.Image:
    """Houses with windows under a flat sky; noise: of the sensor, another one for each seed."""
    picture = Image.new("L", SIZE, 200)
    draw = ImageDraw.Draw(picture)
    own = random.Random(7)
    for left in range(0, 640, 16):
        for top in range(120, 360, 16):
            draw.rectangle(
                (left, top, left + own.randrange(4, 14), top + own.randrange(4, 14)), fill=own.randrange(shade)
            )
    if noise:
        speckles = Image.frombytes("L", SIZE, random.Random(seed).randbytes(SIZE[0] * SIZE[1]))
        picture = Image.blend(picture, speckles, noise / 100)
    return picture


def coded(picture: Image.Image, clock: str = "", top: int = 6, form: str = "JPEG") -> bytes:
    """A picture as its recorder sends it, with the time burnt into it."""
    shown = picture.copy()
    if clock:
        draw = ImageDraw.Draw(shown)
        draw.rectangle((380, top, 632, top + 24), fill=0)
        draw.text((384, top + 3), clock, fill=255, font=ImageFont.load_default(18))
    made = io.BytesIO()
    shown.save(made, form, quality=75)
    return made.getvalue()


def health(reader: CameraReader, *pictures: bytes) -> int | None:
    """What a camera is said to be after looks at such pictures a minute apart."""
    state = State()
    for n, picture in enumerate(pictures):
        look = Look(START + n * MINUTE, 50, picture_digest(picture), tiles=reader.tiles(picture))
        state = judge(state, look, LIMITS)
    return state.health


def clocks(count: int = 7) -> list[str]:
    return [f"29-11-2026 10:{n:02}:{7 * n % 60:02}" for n in range(count)]


@pytest.mark.parametrize("top", [6, 326])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_picture_that_stands_still_is_frozen_though_a_clock_runs_in_it(reader, form, top) -> None:
    still = scene(4)
    pictures = [coded(still, clock, top, form) for clock in clocks()]
    assert len({picture_digest(one) for one in pictures}) == len(pictures)
    assert health(reader, *pictures[:5]) == ONLINE  # five minutes are not over
    assert health(reader, *pictures) == FROZEN


def test_a_picture_whose_sensor_is_at_work_lives_though_nothing_moves(reader) -> None:
    assert health(reader, *(coded(scene(2, seed=n), clock) for n, clock in enumerate(clocks()))) == ONLINE


def test_something_that_moves_in_the_middle_is_life(reader) -> None:
    pictures = []
    for n, clock in enumerate(clocks()):
        moved = scene(4)
        ImageDraw.Draw(moved).ellipse((40 + 60 * n, 200, 60 + 60 * n, 214), fill=250)
        pictures.append(coded(moved, clock))
    assert health(reader, *pictures) == ONLINE


def test_of_a_dark_picture_nothing_is_said(reader) -> None:
    dark = Image.new("L", SIZE, 3)
    assert health(reader, *(coded(dark, clock) for clock in clocks())) == ONLINE


def test_what_stood_still_is_live_again_after_two_pictures_that_are_not_the_same(reader) -> None:
    still = [coded(scene(4), clock) for clock in clocks(8)]
    moving = [coded(scene(2, seed=n), clock) for n, clock in enumerate(clocks(3))]
    assert health(reader, *still, *moving[:1]) == FROZEN
    assert health(reader, *still, *moving[:2]) == ONLINE


def test_what_cannot_be_read_has_no_tiles_and_the_next_one_is_read(reader) -> None:
    good = coded(scene(4))
    huge = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(huge, "PNG")
    for bad in (
        b"",
        b"\xff\xd8\xff",
        good[: len(good) // 8],
        b"<svg/>",
        huge.getvalue(),
        b"\x89PNG\r\n\x1a\n" + bytes(99),
    ):
        assert reader.tiles(bad) == b""
    found = reader.tiles(good)
    assert found is not None
    assert len(found) == TILES * TILE_BYTES


@pytest.mark.parametrize("does", ["import os; os._exit(3)", "import time; time.sleep(60)"])
def test_a_picture_that_kills_or_stops_its_reader_costs_the_reader_alone(does) -> None:
    with CameraReader(
        limit_s=1, child=(sys.executable, "-I", "-c", f"import sys; sys.stdin.buffer.read(1); {does}")
    ) as at:
        assert at.tiles(coded(scene(4))) is None
        at.child = CameraReader().child
        assert at.tiles(coded(scene(4))) is not None


def test_a_reader_that_breaks_makes_no_frozen_camera_live_and_delays_no_verdict(reader) -> None:
    still = [coded(scene(4), clock) for clock in clocks(12)]
    moving = [coded(scene(2, seed=n), "10:00") for n in range(2)]
    with CameraReader(limit_s=1, child=(sys.executable, "-I", "-c", "import os; os._exit(3)")) as broken:
        state, said = State(), ""
        for n, picture in enumerate([*still, *moving]):
            tiles = (broken if n in (2, 3, 8, 9, 10) else reader).tiles(picture)
            state = judge(state, Look(START + n * MINUTE, 50, picture_digest(picture), tiles=tiles), LIMITS)
            said += "f" if state.health == FROZEN else "." if state.health == ONLINE else "?"
    # The fifth look that was read says so; then only what was seen to move is live.
    assert said == "......fffffff."


def jpeg(*notes: bytes, scan: bytes = b"scan") -> bytes:
    def segment(marker: int, data: bytes) -> bytes:
        return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2) + data

    head = segment(0xE0, b"JFIF\0") + b"".join(segment(0xFE, note) for note in notes)
    return b"\xff\xd8" + head + segment(0xDB, b"\0" * 65) + segment(0xDA, b"\1") + scan + b"\xff\xd9"


def test_a_frozen_picture_with_a_new_note_in_each_copy_is_the_same_picture() -> None:
    assert picture_digest(jpeg(b"09:00:01")) == picture_digest(jpeg(b"09:00:02", b"more"))
    assert picture_digest(jpeg(b"09:00:01")) != picture_digest(jpeg(b"09:00:01", scan=b"other"))


def test_cut_and_hostile_pictures_have_a_digest_too() -> None:
    whole = jpeg(b"x")
    for data in [whole[:n] for n in range(len(whole))] + [b"\xff\xd8\xff\xff\xff\xff", b"\xff\xd8\xff\xe0\0\0" * 3]:
        assert len(picture_digest(data)) == 16


@pytest.mark.parametrize(
    ("body", "kind"),
    [(jpeg(), None), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"\x89PNG\r\n\x1a\n..", "image/png"), (b"<svg>", None),
     (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"), (b"RIFF\0\0\0\0WAVE", None), (b"", None), (b"<html>", None)],
)  # fmt: skip
def test_what_a_picture_is_goes_by_its_bytes(body: bytes, kind: str | None) -> None:
    assert image_type(body) == ("image/jpeg" if body.startswith(b"\xff\xd8\xff") else kind)
