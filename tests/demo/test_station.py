"""The simulated stations: believable, by the feed's own door, and the flood at its moments."""

import json
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pandas as pd
import pytest

from demo.station import DEAD_S, STATIONS, history, live
from geo.figure import Figures, seeds
from geo.river import stage
from ingest.environment import FEED
from ingest.feed import RawBatch
from ingest.station import HISTORY, completed

START = datetime(2026, 11, 20, 1, 3, 20, tzinfo=UTC).timestamp()
HOUR, MINUTE = 3600.0, 60.0
LAW = Figures(seeds())


def whole(until: float) -> pd.DataFrame:
    """All that is told from a day before the start until some time after it, with each station's states."""
    lines = [*history(1, START - 24 * HOUR, START), *(line for at, (line,) in _until(START + until))]
    framer = FEED.framer()
    for line in lines:
        framer.feed(line + b"\n", 0.0)
    taken = framer.take()
    found = FEED.decode(RawBatch("environment.sim", "boot", 1, START + until, b"\n".join(taken.lines)))
    assert not found.letters
    assert len(found.frame) == len(lines)
    return completed(found.frame, pd.DataFrame(columns=list(HISTORY)), {}, LAW)[0]


def _until(end: float) -> list[Any]:
    found = []
    for one in live(START, START):
        if one[0] >= end:
            return found
        found.append(one)
    return found


@pytest.fixture(scope="module")
def day() -> pd.DataFrame:
    return whole(7 * HOUR)


def at(day: pd.DataFrame, key: str, minutes: float) -> pd.Series:
    own = day[(day["id"] == key) & (day["observed_at"] <= pd.Timestamp(START + minutes * MINUTE, unit="s", tz="UTC"))]
    return own.iloc[-1]


def test_step_6_kim_long_passes_its_third_level_at_six_minutes_and_a_half(day: pd.DataFrame) -> None:
    before, after = at(day, "KIM-LONG", 6.4), at(day, "KIM-LONG", 6.5)
    assert (before["stage"], after["stage"]) == (2, 3)
    assert stage("kim_long", after["water_m"], LAW, datetime.fromtimestamp(START, UTC)).words() == "trên BĐ3 0,02 m"
    assert 0.3 < after["rise_m_h"] < 0.5
    highest = day[day["id"] == "KIM-LONG"]["water_m"].max()
    assert highest == pytest.approx(4.56, abs=0.01)  # as on 30 October 2025


def test_a_day_before_all_rivers_are_low_and_their_flood_comes_by_and_by(day: pd.DataFrame) -> None:
    for key in ("KIM-LONG", "PHU-OC"):
        own = day[day["id"] == key]
        assert own.iloc[0]["stage"] == 0
        assert own["stage"].diff().max() <= 1
        assert set(own["stage"]) == {0, 1, 2, 3}
        assert own["water_m"].diff().abs().max() < 0.12
    assert day[day["id"] == "PHONG-BINH"]["stage"].isna().all()


def test_rain_in_the_mountains_is_heavier_and_comes_before_the_flood(day: pd.DataFrame) -> None:
    sums = {key: at(day, key, 0)["rain_24h_mm"] for key in ("HUE-RAIN", "BACH-MA-RAIN", "A-LUOI-RAIN")}
    assert 80 < sums["HUE-RAIN"] < sums["A-LUOI-RAIN"] < sums["BACH-MA-RAIN"] < 600


def test_the_air_has_an_index_and_one_station_is_dead(day: pd.DataFrame) -> None:
    now = {key: at(day, key, 0) for key in day["id"].unique() if key.startswith("HUE-AQ")}
    assert len(now) == 4
    assert all(one["aqi"] > 0 for one in now.values())
    assert now["HUE-AQ-02"]["aqi"] > 100 > now["HUE-AQ-01"]["aqi"]
    assert now["HUE-AQ-04"]["observed_at"].timestamp() < START + DEAD_S
    wrong = day[day["id"] == "HUE-AQ-03"]["quality"].dropna()
    assert 3 < len(wrong) < 60
    assert set(wrong) == {"pm10:range=-999"}


def test_the_same_moment_is_told_in_the_same_words_before_and_after_the_start() -> None:
    early = [json.loads(line) for line in history(1, START - HOUR, START)]
    again = [json.loads(line) for _, (line,) in islice(live(START, START - HOUR), len(early))]
    assert early == again
    assert {one["id"] for one in early} == {one.id for one in STATIONS} - {"HUE-AQ-04"}
    times = [one["observed_at"] for one in early]
    assert times == sorted(times)
