"""What people see of a camera: its picture and its stream, fetched by us within what may leave the house."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import urljoin

import sqlalchemy as sa

from access.site import Site
from geo.camera_near import Looking, looking_at
from geo.camera_picture import image_type
from geo.camera_review import unseen
from geo.outgoing import Outgoing, OutgoingError
from geo.table import Shape

BYTES_MAX = 5 << 20
PICTURE_LASTS_S = 1.0  # however many look at one camera, it is asked once a second
WATCHING_MOST = 16  # of the 40 threads that answer everybody, those that may wait for cameras
KEPT_PICTURES, KEPT_PARTS = 200, 20_000
PLAYLIST_BYTES_MAX, PLAYLIST_LINES_MAX = 256 << 10, 5_000
PLAYLIST = "application/vnd.apple.mpegurl"
PICTURE_TYPES = "image/jpeg, image/png, image/webp"


class NoCamera(LookupError):
    """There is no such camera, or it has none of what was asked for; the message says which."""


class NoView(Exception):
    """The camera does not show anything now; the message says why, without its address."""


class Busy(Exception):
    """As many wait for cameras already as may: it may come again in a moment."""


@dataclass(frozen=True)
class Seen:
    """What a camera answered: bytes of one of the media types that are passed on."""

    body: bytes
    media_type: str


@dataclass(frozen=True)
class _Last:
    """When a camera answered last, and with what; or why not."""

    at: float = -1e9
    found: Seen | None = None
    fault: str = ""


@dataclass
class _Shelf:
    """The last answer of one camera, and who is asking it just now."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    last: _Last = _Last()


@dataclass
class Viewer:
    """One web process's view of the cameras. The parts of streams have names of ours: no browser sees an address."""

    site: Site
    outgoing: Outgoing
    _shelves: "OrderedDict[str, _Shelf]" = field(default_factory=OrderedDict)
    _parts: "OrderedDict[tuple[str, str], str]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _places: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(WATCHING_MOST))

    def picture(self, id: str) -> Seen:
        """A camera's picture of the last second. Raises NoCamera, NoView, Busy."""
        url = self._address(id, "snapshot_url")
        with self._lock:
            shelf = self._shelves.setdefault(id, _Shelf())
            self._shelves.move_to_end(id)
            while len(self._shelves) > KEPT_PICTURES:
                self._shelves.popitem(last=False)
        if not _recent(shelf.last):
            if shelf.last.fault and shelf.lock.locked():  # it is being asked again: not all need wait for what it says
                raise NoView(shelf.last.fault)
            with self._turn(), shelf.lock:
                if not _recent(shelf.last):
                    shelf.last = self._asked(url)
        last = shelf.last
        if last.found is None:
            raise NoView(last.fault)
        return last.found

    def playlist(self, id: str) -> Seen:
        """A camera's stream (HLS, RFC 8216), with names of ours for its parts. Raises NoCamera, NoView, Busy."""
        url = self._address(id, "hls_url")
        with self._turn():
            found = self._fetch(url, PLAYLIST, playlist_type)
        return self._renamed(id, url, found, "part/")

    def part(self, id: str, name: str) -> Seen:
        """What a playlist points to by our name: another playlist, or a piece. Raises NoCamera, NoView, Busy."""
        with self._lock:
            url = self._parts.get((id, name))
        if url is None:
            raise NoCamera(f"camera {id[:40]!r} has no such part now: ask for its playlist again")
        with self._turn():
            found = self._fetch(url, "*/*", lambda body: playlist_type(body) or media_type(body))
        # Whatever a playlist that is a part points to stands beside it.
        return self._renamed(id, url, found, "") if found.media_type == PLAYLIST else found

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """A place among those that wait for cameras, which may hang for seconds. Raises Busy."""
        if not self._places.acquire(blocking=False):
            raise Busy("too many pictures and streams are being fetched just now")
        try:
            yield
        finally:
            self._places.release()

    def _asked(self, url: str) -> _Last:
        try:
            found = self._fetch(url, PICTURE_TYPES, image_type)
        except NoView as error:
            return _Last(time.monotonic(), None, str(error))
        return _Last(time.monotonic(), found)

    def _renamed(self, id: str, url: str, found: Seen, folder: str) -> Seen:
        if len(found.body) > PLAYLIST_BYTES_MAX:
            raise NoView("its playlist is too long")
        text = found.body.decode("utf-8", "replace")
        return Seen(rewritten(text, lambda told: folder + self._named(id, urljoin(url, told))).encode(), PLAYLIST)

    def _named(self, id: str, url: str) -> str:
        """Our name of a part; it is kept for as long as nobody needs its place."""
        name = blake2b(url.encode(), digest_size=12).hexdigest()
        with self._lock:
            self._parts[id, name] = url
            self._parts.move_to_end((id, name))
            while len(self._parts) > KEPT_PARTS:
                self._parts.popitem(last=False)
        return name

    def _address(self, id: str, column: str) -> str:
        shape = camera_shape(self.site)
        c = shape.latest.c
        with self.site.engine.connect() as connection:
            row = connection.execute(sa.select(c[column]).where(c.id == id.replace("\0", ""))).one_or_none()
        if row is None:
            raise NoCamera(f"there is no camera {id[:40]!r}")
        if not row[0]:
            what = "picture" if column == "snapshot_url" else "stream"
            raise NoCamera(f"no address of a {what} is registered for camera {id[:40]!r}")
        return str(row[0])

    def _fetch(self, url: str, accept: str, kind: Callable[[bytes], str | None]) -> Seen:
        try:
            answer = self.outgoing.request("GET", url, {"Accept": accept}, None, BYTES_MAX + 1)
        except OutgoingError as error:
            raise NoView(_bare(str(error))) from None
        if answer.status != 200:
            raise NoView(f"it answered {answer.status}")
        if len(answer.body) > BYTES_MAX:
            raise NoView(f"it sent more than {BYTES_MAX >> 20} MB")
        if answer.cut_off:
            raise NoView("its answer was cut off")
        found = kind(answer.body)
        if found is None:
            raise NoView("it answered with something else than was asked for")
        return Seen(answer.body, found)


def _recent(last: _Last) -> bool:
    return time.monotonic() - last.at < PICTURE_LASTS_S


def camera_shape(site: Site) -> Shape:
    """The table of cameras. Raises NoCamera."""
    layer = site.layer("camera")
    if layer is None:
        raise NoCamera("there is no layer of cameras here")
    return layer.shape


def near(connection: sa.Connection, site: Site, lon: float, lat: float, limit: int = 3) -> list[Looking]:
    """The nearest cameras that look at a place (geo.camera_near); none where there is no such layer."""
    layer = site.layer("camera")
    return looking_at(connection, layer.shape, lon, lat, limit) if layer is not None else []


def has_view(connection: sa.Connection, site: Site, id: str) -> tuple[bool, bool]:
    """Whether a picture's and a stream's address of a camera are registered."""
    c = camera_shape(site).latest.c
    row: Any = connection.execute(sa.select(c.snapshot_url, c.hls_url).where(c.id == id)).one_or_none()
    return (bool(row[0]), bool(row[1])) if row is not None else (False, False)


def unseen_events(connection: sa.Connection, id: str, now: datetime) -> int:
    """How many of its events of the last day nobody has looked at."""
    row = connection.execute(unseen([id], now)).one_or_none()
    return 0 if row is None else int(row.events)


def rewritten(playlist: str, name: Callable[[str], str]) -> str:
    """A playlist with other names for whatever it points to: lines that are no tags, and URI="..." within tags."""
    lines = playlist.splitlines()[:PLAYLIST_LINES_MAX]
    return "\n".join(_line(line.strip(), name) for line in lines) + "\n"


def _line(line: str, name: Callable[[str], str]) -> str:
    if not line or (line.startswith("#") and 'URI="' not in line):
        return line
    if not line.startswith("#"):
        return name(line)
    before, _, rest = line.partition('URI="')
    told, _, after = rest.partition('"')
    return f'{before}URI="{name(told)}"{after}'


def playlist_type(body: bytes) -> str | None:
    """The media type of a playlist; None for what is none."""
    return PLAYLIST if body.startswith(b"#EXTM3U") else None


def media_type(body: bytes) -> str | None:
    """The media type of a piece of a stream by its first bytes; None for what is none."""
    if body[:1] == b"\x47" and (len(body) < 189 or body[188:189] == b"\x47"):
        return "video/mp2t"
    if body[4:8] in (b"ftyp", b"styp", b"moof", b"sidx", b"emsg", b"prft"):
        return "video/mp4"
    if body.startswith(b"ID3") or (len(body) > 1 and body[0] == 0xFF and body[1] & 0xF6 == 0xF0):
        return "audio/aac"
    if body.startswith((b"WEBVTT", b"\xef\xbb\xbfWEBVTT")):
        return "text/vtt"
    return "application/octet-stream" if len(body) == 16 else None  # a key of AES-128


def _bare(words: str) -> str:
    """What the way out says, without whose address it was."""
    for part in ("did not answer within", "is not allowed", "cannot be reached", "cannot be resolved", "no secure"):
        if part in words:
            return {"is not allowed": "its address is not allowed; an administrator may add it",
                    "did not answer within": "it did not answer in time", "no secure": "no secure connection"}.get(
                        part, "it cannot be reached")  # fmt: skip
    return "it cannot be reached"
