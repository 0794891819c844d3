"""Pictures of cameras as tiles: a process with little memory and no files reads them, one after the other.

Pillow meets a stranger's picture only in that child (camera_reader_child.py). What breaks it or keeps it busy costs the
child, which is begun anew, and says nothing of the camera.
"""

import select
import struct
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from geo.camera_picture import TILE_BYTES, TILES

log = structlog.get_logger()
CHILD = Path(__file__).with_name("camera_reader_child.py")
LIMIT_S = 5.0
READ_MOST = 100_000  # pictures of one child, so that what leaks in a decoder stays small
LENGTH = struct.Struct(">I")


@dataclass
class CameraReader:
    """Reads pictures for one process, whose threads may share it; a context manager that ends the child."""

    limit_s: float = LIMIT_S
    child: tuple[str, ...] = (sys.executable, "-I", str(CHILD))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: "subprocess.Popen[bytes] | None" = None
    _folder: "tempfile.TemporaryDirectory[str] | None" = None
    _read: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            self._end()

    def tiles(self, picture: bytes) -> bytes | None:
        """A picture's checksums, TILE_BYTES each, row by row from the upper left; empty for what is no picture.

        None where the reader broke or was late: of that picture nothing is known.
        """
        with self._lock:
            try:
                return self._ask(picture)
            except OSError as error:
                log.warning("a camera's picture broke its reader", bytes=len(picture), error=str(error))
                self._end()
                return None

    def _ask(self, picture: bytes) -> bytes | None:
        if self._running is None or self._read >= READ_MOST:
            self._begin()
        running = self._running
        assert running is not None
        assert running.stdin is not None
        assert running.stdout is not None
        self._read += 1
        # The child reads all of it before it looks at any: with its pipe empty it takes what we write.
        running.stdin.write(LENGTH.pack(len(picture)) + picture)
        running.stdin.flush()
        if not select.select([running.stdout], [], [], self.limit_s)[0]:
            raise TimeoutError(f"not read within {self.limit_s:g} s")
        said = running.stdout.read(1)
        if said == b"\0":
            return b""
        found = running.stdout.read(TILES * TILE_BYTES) if said == b"\1" else b""
        if len(found) != TILES * TILE_BYTES:
            raise OSError("its reader ended")
        return found

    def _begin(self) -> None:
        self._end()
        self._folder = tempfile.TemporaryDirectory(prefix="haidang-camera-")
        surroundings = {"HOME": self._folder.name, "TMPDIR": self._folder.name, "LANG": "C.UTF-8"}
        self._running = subprocess.Popen(
            self.child, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=self._folder.name, env=surroundings,
        )  # fmt: skip
        self._read = 0

    def _end(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.communicate()
        if self._folder is not None:
            self._folder.cleanup()
        self._running = self._folder = None
