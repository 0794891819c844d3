"""A sign of life is a file's time."""

import os
from pathlib import Path

import sqlalchemy as sa

from geo.heartbeat import Heartbeat
from tests.connections import connected


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


def test_whoever_asks_the_database_lives(tmp_path: Path, database) -> None:
    path = tmp_path / "worker"
    path.touch()
    beat = Heartbeat(path)
    with connected(database.web) as engine, engine.connect() as connection:
        beat.beat_with(connection)
        os.utime(path, (1, 1))
        connection.execute(sa.text("SELECT 1"))
        assert path.stat().st_mtime > 1
