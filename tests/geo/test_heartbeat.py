"""A sign of life is a file's time."""

import os
from pathlib import Path

from geo.heartbeat import Heartbeat


def test_a_beat_renews_the_files_time(tmp_path: Path) -> None:
    path = tmp_path / "beats" / "worker"
    beat = Heartbeat(path)
    beat.beat()
    os.utime(path, (1, 1))
    beat.beat()
    assert path.stat().st_mtime > 1


def test_without_a_path_nothing_happens() -> None:
    Heartbeat(None).beat()
    Heartbeat("").beat()
