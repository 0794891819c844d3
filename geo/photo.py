"""Photographs that strangers send, drawn anew where they can do no harm: only the picture is left of a file.

The child (photo_child.py) has limits of time and memory and an empty surrounding, and takes whatever breaks it with it.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore

from geo.wrong import Wrong

CHILD = Path(__file__).with_name("photo_child.py")
BYTES_MOST = 8 << 20
LIMIT_S, AT_ONCE = 15.0, 2
TYPE = "image/jpeg"
FIELD = "photo"
_free = BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Photo:
    """A JPEG of ours, at most 1,920 pixels a side. lon, lat: where EXIF said it was taken; it says so no more."""

    data: bytes
    width: int
    height: int
    lon: float | None = None
    lat: float | None = None


def drawn(data: bytes) -> Photo:
    """The photograph that a file of JPEG, PNG or WebP shows. Raises Wrong, which names the field and what to do."""
    if len(data) > BYTES_MOST:
        raise Wrong(FIELD, f"Ảnh quá lớn: nhiều nhất {BYTES_MOST >> 20} MB", f"at most {BYTES_MOST >> 20} MB")
    if not _known(data):
        raise Wrong(FIELD, "Chỉ nhận ảnh JPEG, PNG hoặc WebP", "a picture is taken as JPEG, PNG or WebP")
    said = _run(data)
    head, _, picture = said.partition(b"\n")
    try:
        about = json.loads(head)
    except ValueError:
        raise Wrong(FIELD, "Không đọc được ảnh này", "the picture could not be read: it broke its reader") from None
    if "fault" in about:
        raise Wrong(FIELD, about["fault"]["vi"], about["fault"]["en"])
    if not picture.startswith(b"\xff\xd8\xff"):
        raise Wrong(FIELD, "Không đọc được ảnh này", "the picture could not be drawn anew")
    return Photo(picture, about["width"], about["height"], about.get("lon"), about.get("lat"))


def _known(data: bytes) -> bool:
    webp = data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    return webp or data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))


def _run(data: bytes) -> bytes:
    if not _free.acquire(timeout=LIMIT_S):
        raise Wrong(FIELD, "Đang đọc nhiều ảnh khác: thử lại sau", "too many pictures are being read; try again")
    try:
        with tempfile.TemporaryDirectory(prefix="haidang-photo-") as folder:
            surroundings = {"HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
            done = subprocess.run(
                [sys.executable, "-I", str(CHILD)], input=data, capture_output=True, timeout=LIMIT_S, cwd=folder,
                env=surroundings,
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Wrong(FIELD, "Không đọc xong ảnh này", f"it could not be read within {LIMIT_S:g} s") from None
    finally:
        _free.release()
    return done.stdout if done.returncode == 0 else b""
