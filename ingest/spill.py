"""Where batches wait on disk while Redis is away: numbered segments of checksummed records, written and read in order.

Saved means fsynced: `append` returns when its batches, and the name of the file that they are in, are on disk.
Everything here blocks, so the receiver calls it in threads; its sockets never wait for a disk.
"""

import errno
import fcntl
import json
import os
import shutil
import struct
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ingest.feed import RawBatch
from ingest.stream import to_entry

log = structlog.get_logger()
SEGMENT_BYTES = 2 << 20  # about what goes to Redis in one round trip
MAGIC = b"HDs1"
HEAD = struct.Struct("<4sIHII")  # magic, CRC-32 of what follows this head, lengths of source, head and raw
ALIVE, LOCK, SUFFIX = "alive", "lock", ".segment"
FULL = (errno.ENOSPC, errno.EDQUOT)

Entry = tuple[str, dict[str, bytes]]  # a source and the fields of its stream entry


class SpoolError(Exception):
    """The place for batches on disk cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class Gap:
    """A predecessor died: when it was last alive (epoch seconds), and the sources that nobody has heard since."""

    since: float
    sources: tuple[str, ...]


@dataclass
class _Segment:
    path: Path
    size: int = 0


def pack(batch: RawBatch) -> bytes:
    """A batch as one record: the very bytes of its stream entry, with their lengths and a checksum before them."""
    fields = to_entry(batch)
    source = batch.source.encode()
    body = source + fields["head"] + fields["raw"]
    return HEAD.pack(MAGIC, zlib.crc32(body), len(source), len(fields["head"]), len(fields["raw"])) + body


def unpack(data: bytes) -> tuple[list[Entry], int]:
    """The entries of a segment's bytes, and how many damaged places were passed over on the way to the next record."""
    found: list[Entry] = []
    at = damaged = 0
    while 0 <= at < len(data):
        entry, end = _record(data, at)
        if entry is not None:
            found.append(entry)
            at = end
        else:
            damaged += 1
            at = data.find(MAGIC, at + 1)
    return found, damaged


def _record(data: bytes, at: int) -> tuple[Entry | None, int]:
    body = at + HEAD.size
    if body > len(data):
        return None, at
    magic, told, source, head, raw = HEAD.unpack_from(data, at)
    end = body + source + head + raw
    if magic != MAGIC or end > len(data) or zlib.crc32(data[body:end]) != told:
        return None, at
    fields = {"head": data[body + source : end - raw], "raw": data[end - raw : end]}
    return (data[body : body + source].decode(), fields), end


@dataclass
class Spool:
    """One receiver's directory of segments, before which come those that dead receivers left in the same place.

    A directory is locked for as long as its receiver lives (the kernel lets go however it dies), so a free lock means
    a predecessor. `place` holds one directory a receiver; `sources` are the names to be told about should this one die.
    `size`: bytes that wait.
    """

    place: Path
    sources: Sequence[str] = ()
    size: int = 0
    gaps: list[Gap] = field(default_factory=list)
    _segments: deque[_Segment] = field(default_factory=deque)
    _writing: int | None = None  # the last segment's file, while it may grow
    _number: int = 0
    _locks: dict[Path, int] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)  # the writer's thread and the reader's share this

    def __post_init__(self) -> None:
        self.directory = self.place / f"{time.time_ns():020}-{os.getpid()}-{id(self):x}"

    def __bool__(self) -> bool:
        return bool(self._segments)

    def start(self) -> None:
        """Take over what predecessors left. A full disk is no reason not to start: room may come.

        Raises:
            SpoolError: the place cannot be used.
        """
        try:
            self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.place):  # so that nobody takes a directory for dead that is being made
                for directory in sorted(path for path in self.place.iterdir() if path.is_dir()):
                    self._adopt(directory)
            self.touch()
        except OSError as error:
            if error.errno not in FULL:
                words = f"cannot keep batches in {self.place} ({error.strerror}); set HAIDANG_HOME to another directory"
                raise SpoolError(words) from error
            log.error("disk full", place=str(self.place))

    def append(self, batches: Iterable[RawBatch]) -> None:
        """Add batches behind all others and wait until they are on disk.

        Raises:
            OSError: the disk is full or broken; then none of them is kept.
        """
        data = b"".join(map(pack, batches))
        with self._guard:
            self._make()
            try:
                file = self._open() if self._writing is None else self._writing
                _write(file, data)
            except OSError:
                # After a failed fsync nobody knows what of this file is on disk: go on in another.
                if self._writing is not None:
                    with suppress(OSError):
                        os.ftruncate(self._writing, self._segments[-1].size)
                self._close()
                raise
            segment = self._segments[-1]
            segment.size += len(data)
            self.size += len(data)
            if segment.size >= SEGMENT_BYTES:
                self._close()

    def oldest(self) -> tuple[list[Entry], int]:
        """The entries of the oldest segment, which grows no more, and how many damaged places it has."""
        with self._guard:
            if len(self._segments) == 1:
                self._close()
            path = self._segments[0].path
        try:
            entries, damaged = unpack(path.read_bytes())
        except OSError as error:
            entries, damaged = [], 1
            log.error("segment unreadable", path=str(path), error=str(error))
        if damaged:
            log.error("segment damaged", path=str(path), places=damaged, batches=len(entries))
        return entries, damaged

    def drop(self) -> None:
        """Redis has the oldest segment: delete it, and its directory with the last one of a predecessor."""
        with self._guard:
            segment = self._segments.popleft()
            self.size -= segment.size
            segment.path.unlink(missing_ok=True)
            directory = segment.path.parent
            if directory != self.directory and not self._holds(directory):
                self._forget(directory)

    def touch(self) -> None:
        """Say that this receiver is alive; its successor learns from this when it died.

        Raises:
            OSError: the disk is full or broken.
        """
        if self.directory not in self._locks:
            with self._guard:
                self._make()
        os.utime(self.directory / ALIVE)

    def told(self) -> None:
        """The gaps are recorded where they will not be lost; no successor need tell of them again."""
        with self._guard:
            for directory in list(self._locks):
                if directory == self.directory:
                    continue
                (directory / ALIVE).unlink(missing_ok=True)
                if not self._holds(directory):
                    self._forget(directory)
        self.gaps.clear()

    def close(self, clean: bool = True) -> None:
        """This receiver ends; what still waits is its successor's, who tells of a gap unless the end is `clean`."""
        with self._guard:
            self._close()
            if clean:
                (self.directory / ALIVE).unlink(missing_ok=True)
            for directory in list(self._locks):
                if self._holds(directory) or (directory / ALIVE).exists():
                    os.close(self._locks.pop(directory))
                else:
                    self._forget(directory)

    def _adopt(self, directory: Path) -> None:
        lock = _lock(directory / LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock is None:
            return
        self._locks[directory] = lock
        if (alive := directory / ALIVE).exists():
            self.gaps.append(Gap(alive.stat().st_mtime, _names(alive) or tuple(self.sources)))
        for path in sorted(directory.glob(f"*{SUFFIX}")):
            self._segments.append(_Segment(path, path.stat().st_size))
            self.size += self._segments[-1].size

    def _make(self) -> None:
        """Make our own directory, if that is still to be done: the disk may have been full before."""
        if self.directory in self._locks:
            return
        with _locked(self.place):
            self.directory.mkdir(mode=0o700, exist_ok=True)
            (self.directory / ALIVE).write_text(json.dumps(list(self.sources)))
            lock = _lock(self.directory / LOCK, fcntl.LOCK_EX)
            assert lock is not None
            self._locks[self.directory] = lock
        _sync(self.place)

    def _open(self) -> int:
        self._number += 1
        path = self.directory / f"{self._number:010}{SUFFIX}"
        self._writing = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._segments.append(_Segment(path))
        _sync(self.directory)
        return self._writing

    def _close(self) -> None:
        if self._writing is None:
            return
        os.close(self._writing)
        self._writing = None
        if not self._segments[-1].size:
            self._segments.pop().path.unlink()

    def _holds(self, directory: Path) -> bool:
        return any(segment.path.parent == directory for segment in self._segments)

    def _forget(self, directory: Path) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(self._locks.pop(directory))


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fsync(file)


def _sync(directory: Path) -> None:
    """A file's name is on disk only when its directory is."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(path: Path, how: int) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, how)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return handle


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    handle = _lock(place / LOCK, fcntl.LOCK_EX)
    assert handle is not None
    try:
        yield
    finally:
        os.close(handle)


def _names(alive: Path) -> tuple[str, ...]:
    """The sources that an alive file names; none if its receiver died while it wrote them."""
    try:
        return tuple(map(str, json.loads(alive.read_text())))
    except ValueError:
        return ()
