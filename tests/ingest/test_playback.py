import gzip
import time
from pathlib import Path

import pytest

from geo.account import Account
from ingest.ais import messages
from ingest.offline import CaptureError
from ingest.playback import Playback
from ingest.sentence import SENTENCE, read_tag, tag_time
from tests.nmea import position, sentences, tag

T0 = 1_700_000_000


def capture(folder: Path, *lines: bytes, name: str = "capture.nmea") -> str:
    path = folder / name
    path.write_bytes(b"\n".join(lines))
    return str(path)


def played(play: Playback, *names: str) -> list[bytes]:
    data = b"".join(play.chunks(names))
    play.finish()
    return [line for line in data.split(b"\n") if line]


def times(lines: list[bytes]) -> list[float | None]:
    return [tag_time(read_tag(match[1])) for line in lines if (match := SENTENCE.search(line))]


def test_an_untimed_capture_comes_as_it_is_and_is_counted(tmp_path) -> None:
    lines = [position(574000001, 107.5, 16.5), b"garbage", *sentences(5, 574000001, shipname="A"), b"", b"x" * 2000]
    play = Playback(None, False)
    assert played(play, capture(tmp_path, *lines)) == [line for line in lines if line]
    assert play.counted == 5


def test_times_are_shifted_to_now_and_keep_their_distances(tmp_path) -> None:
    lines = [tag(c=T0 + n, s="A") + position(574000001, 107.5, 16.5) for n in (0, 1, 2)]
    before = time.time()
    found = played(Playback(None, False), capture(tmp_path, *lines))
    shifted = times(found)
    assert [round(at - shifted[0]) for at in shifted] == [0, 1, 2]
    assert before - 3 <= shifted[-1] <= time.time() + 1
    assert all(read_tag(SENTENCE.search(line)[1])["s"] == "A" for line in found)


def test_keep_times_keeps_them(tmp_path) -> None:
    lines = [tag(c=T0 + n) + position(574000001, 107.5, 16.5) for n in (0, 5)]
    assert played(Playback(None, True), capture(tmp_path, *lines)) == lines


def test_a_long_capture_at_full_speed_ends_now_and_not_in_the_future(tmp_path) -> None:
    lines = [tag(c=T0 + n * 3600) + position(574000001, 107.5, 16.5) for n in range(30)]
    shifted = times(played(Playback(None, False), capture(tmp_path, *lines)))
    assert max(shifted) <= time.time() + 1
    assert shifted[-1] - shifted[0] == pytest.approx(29 * 3600, abs=1)


def test_a_tag_block_with_a_wrong_checksum_is_left_alone(tmp_path) -> None:
    line = tag(c=T0).replace(b"c:17", b"c:16") + position(574000001, 107.5, 16.5)
    assert played(Playback(None, False), capture(tmp_path, line)) == [line]


def test_shifted_lines_are_still_whole_messages(tmp_path) -> None:
    first, second = sentences(5, 574000001, shipname="A")
    name = capture(tmp_path, tag(g="1-2-1", c=T0) + first, tag(g="2-2-1") + second)
    play = Playback(None, False)
    played(play, name)
    account = Account()
    assert len(list(messages(b"\n".join(play.framer.take().lines), account, []))) == 1
    assert account.received == play.counted == 2


def test_the_pace_is_the_recordings_times_the_factor(tmp_path, monkeypatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    lines = [tag(c=T0 + n) + position(574000001, 107.5, 16.5) for n in (0, 10, 40)]
    played(Playback(10.0, False), capture(tmp_path, *lines))
    assert [round(each) for each in slept] == [1, 4]


def test_gzip_and_what_is_not_a_capture(tmp_path) -> None:
    whole = gzip.compress(position(574000001, 107.5, 16.5) + b"\n")
    good, cut, wrong = tmp_path / "a.gz", tmp_path / "b.gz", tmp_path / "c.gz"
    good.write_bytes(whole)
    cut.write_bytes(whole[:-12])
    wrong.write_bytes(whole[:12] + b"\xff" * 40)
    assert len(played(Playback(None, False), str(good))) == 1
    for path in (cut, wrong, tmp_path / "none", tmp_path):
        with pytest.raises(CaptureError, match=path.name):
            played(Playback(None, False), str(path))
