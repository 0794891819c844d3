"""The command `pictures`: serves the simulated cameras' pictures and streams over HTTP, drawn when asked for."""

import io
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image, ImageDraw, ImageFont

from demo import stream
from demo.camera import Simulated, simulated
from geo.calendar import ZONE
from geo.heartbeat import Heartbeat

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
WIDTH, HEIGHT, SKY = 640, 360, 150
SLOW_S = 2.6
KEPT_S = 75 * 86_400  # as its register says
FONTS = Path(__file__).resolve().parents[1] / "assets" / "fonts"
BADGE = "MÔ PHỎNG"
Font = ImageFont.FreeTypeFont


@app.command()
def pictures(port: Annotated[int, typer.Option(help="Where to listen on this machine.", min=1, max=65535)]) -> None:
    """One process: the pictures of the simulated cameras; runs until stopped."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    heart = Heartbeat(os.environ.get("HAIDANG_HEARTBEAT"))
    with served(port):
        while not asked.wait(1.0):
            heart.beat()


@contextmanager
def served(port: int = 0) -> Iterator[int]:
    """The pictures on a port of this machine, which it gives, for as long as the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Pictures)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Pictures(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """A camera's picture as it is now, or what belongs to its stream."""
        id, _, part = self.path.strip("/").partition("/")
        camera = _cameras().get(id if part else id.removesuffix(".jpg"))
        if camera is None:
            self.send_error(404)
            return
        if camera.behaves == "away":
            self.close_connection = True
            return
        if camera.behaves == "slow":
            time.sleep(SLOW_S)
        kind, body = _streamed(camera, part) if part else ("image/jpeg", _still_or_now(camera))
        if not body:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Said of no picture."""


@cache
def _cameras() -> dict[str, Simulated]:
    return {one.id: one for one in simulated()}


def _still_or_now(camera: Simulated) -> bytes:
    return still(camera.id) if camera.behaves == "frozen" else picture(camera, datetime.now(ZONE))


def _streamed(camera: Simulated, part: str) -> tuple[str, bytes]:
    """A part of a camera's stream, or what it showed before, with its media type; nothing where there is none now."""
    now = time.time()
    if part == "live.m3u8":
        return "application/vnd.apple.mpegurl", stream.playlist(now)
    if part == "init.mp4":
        return "video/mp4", stream.begin()
    if part.endswith(".jpg"):
        return "image/jpeg", _kept(camera, part.removesuffix(".jpg"), now)
    number = part.removesuffix(".m4s")
    if not number.isdecimal() or not 0 <= stream.newest(now) - int(number) < 2 * stream.LISTED:
        return "", b""
    stopped = _stopped_at(camera.id) if camera.behaves == "frozen" else None
    seen = [datetime.fromtimestamp(stopped or at, ZONE) for at in stream.moments(int(number))]
    return "video/mp4", stream.piece(int(number), [scene(camera, at) for at in seen])


def _kept(camera: Simulated, second: str, now: float) -> bytes:
    """What it showed at a second since 1970, for as long as it keeps that."""
    if not second.isdecimal() or not 0 <= now - int(second) < KEPT_S:
        return b""
    return picture(camera, datetime.fromtimestamp(int(second), ZONE))


@cache
def _stopped_at(id: str) -> float:
    return time.time() - 3600


@cache
def still(id: str) -> bytes:
    """The picture at which a camera stopped, an hour before."""
    return picture(_cameras()[id], datetime.fromtimestamp(_stopped_at(id), ZONE))


def picture(camera: Simulated, at: datetime) -> bytes:
    """What a camera sees at a moment, as JPEG."""
    told = io.BytesIO()
    scene(camera, at).save(told, "JPEG", quality=72)
    return told.getvalue()


def scene(camera: Simulated, at: datetime) -> Image.Image:
    """A street of simple shapes and what is on it then, the camera's name, the time, and that it is made up."""
    seconds = at.timestamp()
    own = random.Random(camera.id)
    light = 1 - abs(at.hour + at.minute / 60 - 12.5) / 14
    image = Image.new("RGB", (WIDTH, HEIGHT), _shade((136, 176, 206), light))
    draw = ImageDraw.Draw(image)
    for n in range(9):  # houses
        left = n * 76 - own.randrange(30)
        tone = _shade((own.randrange(90, 190), own.randrange(80, 150), own.randrange(70, 130)), light)
        draw.rectangle((left, SKY - own.randrange(20, 95), left + own.randrange(50, 80), SKY + 26), fill=tone)
    draw.rectangle((0, SKY + 26, WIDTH, HEIGHT), fill=_shade((96, 98, 102), light))
    for n in range(-1, 9):  # the line in the middle of the road
        left = n * 90
        draw.polygon(((left + 10, 268), (left + 56, 268), (left + 50, 274), (left + 2, 274)), fill=(220, 220, 210))
    for n in range(11):
        pace, lane = own.uniform(40, 110), own.randrange(2)
        along = (own.uniform(0, 900) + seconds * pace) % (WIDTH + 260) - 130
        x, y = (along, 282 + 12 * (n % 3)) if lane else (WIDTH - along, 196 + 11 * (n % 3))
        size = 1.25 if lane else 0.8
        color = (own.randrange(60, 235), own.randrange(60, 235), own.randrange(60, 235))
        if n % 3:  # motorcycles are many
            draw.ellipse((x, y, x + 26 * size, y + 13 * size), fill=color)
            draw.ellipse((x + 8 * size, y - 14 * size, x + 17 * size, y), fill=(40, 40, 46))
        else:
            draw.rounded_rectangle((x, y - 16 * size, x + 74 * size, y + 14 * size), 7, fill=color)
    _words(draw, camera.name, at)
    return image


def _words(draw: ImageDraw.ImageDraw, name: str, at: datetime) -> None:
    draw.rectangle((0, 0, WIDTH, 30), fill=(12, 16, 22))
    inscribe(draw, (10, 4), name, lettering(17))
    clock = f"{at:%H:%M:%S %d/%m/%Y}"
    inscribe(draw, (WIDTH - 10 - _length(clock, lettering(17)), 4), clock, lettering(17))
    wide = _length(BADGE, lettering(15))
    draw.rectangle((WIDTH - wide - 26, HEIGHT - 34, WIDTH - 8, HEIGHT - 8), fill=(176, 96, 0))
    inscribe(draw, (WIDTH - wide - 17, HEIGHT - 31), BADGE, lettering(15))


def _shade(color: tuple[int, int, int], light: float) -> tuple[int, int, int]:
    r, g, b = (round(part * max(0.25, min(1.0, light))) for part in color)
    return r, g, b


@cache
def lettering(size: int) -> tuple[Font, Font]:
    """Two files of one hand: the letters of Latin, and those that Vietnamese has besides."""
    files = (FONTS / f"be-vietnam-pro-{part}-500.woff2" for part in ("latin", "vietnamese"))
    latin, more = (ImageFont.truetype(file, size) for file in files)
    return latin, more


def _runs(text: str, fonts: tuple[Font, Font]) -> Iterator[tuple[str, Font]]:
    for letter in text:
        yield letter, fonts[1] if ord(letter) > 0xFF and letter not in "–—" else fonts[0]


def _length(text: str, fonts: tuple[Font, Font]) -> float:
    return sum(font.getlength(letter) for letter, font in _runs(text, fonts))


def inscribe(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, fonts: tuple[Font, Font]) -> None:
    """Write a line of Vietnamese onto a picture."""
    x, y = at
    for letter, font in _runs(text, fonts):
        draw.text((x, y), letter, font=font, fill=(245, 245, 245))
        x += font.getlength(letter)
