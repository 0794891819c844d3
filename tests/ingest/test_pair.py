"""Who is near whom: the fast way says what the plain way says, wherever the past is cut."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from geo.column import epoch_us
from geo.episode import Presence
from geo.fence import Fence, Fences
from geo.past import Piece
from geo.rule import Rule
from ingest.lab import Trial
from ingest.pair import looks_of_pairs
from ingest.party import Party
from ingest.scene import Scene
from layers.vessel import LAYER
from tests.ingest.plain_pair import plain_looks

T0 = datetime(2026, 11, 21, 3, tzinfo=UTC)
METRE = 1 / 111_195.0
AREA = Fence("area", "area", "Khu", "Area", box(107.0, 16.0, 107.004, 16.2), hysteresis_m=100)
FENCES = Fences((AREA,))
LATER = settings(max_examples=60, deadline=None)


@st.composite
def meetings(draw: st.DrawFn) -> pd.DataFrame:
    """A crowd that lies side by side and speaks seldom or often, those who go to and fro, and some at sea."""
    order = np.random.default_rng(draw(st.integers(0, 2**32)))
    parts = []
    for number in range(draw(st.integers(2, 9))):
        every = order.choice([2, 9, 15, 25, 40])
        at = np.cumsum(order.integers(1, 2 * every, draw(st.integers(1, 25))))
        lies = order.random() < 0.6
        # Side by side about as far apart as the rules' distances, so that the scatter of positions decides.
        scatter = order.normal(0, 12, len(at)) if lies else order.uniform(0, 700, len(at))
        east = order.choice([0, 40, 90, 300]) + scatter
        parts.append(
            pd.DataFrame(
                {
                    "mmsi": 574_000_000 + number,
                    "observed_at": [T0 + timedelta(minutes=int(minute), seconds=number) for minute in at],
                    "lon": 107.001 + east * METRE,
                    "lat": 16.1 + order.normal(0, 15, len(at)) * METRE,
                    "speed": order.choice([0.0, 3.0, 9.0], len(at), p=[0.7, 0.2, 0.1] if lies else [0.2, 0.4, 0.4]),
                }
            )
        )
    told = pd.concat(parts).astype({"observed_at": "datetime64[us, UTC]"})
    told["received_at"] = told["observed_at"]
    return told.sort_values("observed_at", kind="stable", ignore_index=True)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Rules of two objects that differ in all that a meeting is judged by."""
    params = {"distance_m": draw(st.sampled_from([60, 100, 400]))}
    given = {
        "hysteresis_m": draw(st.sampled_from([0.0, 30.0])),
        "dwell_s": draw(st.sampled_from([0.0, 300.0, 1200.0, 2400.0])),
        "off_delay_s": draw(st.sampled_from([0.0, 240.0, 1500.0])),
        "qualifies": draw(st.sampled_from([{}, {"speed": [1, None]}, {"speed": [None, 4]}])),
        "applies_to": draw(st.sampled_from([{}, {"exclude": ["574000001"]}])),
        "fence_key": draw(st.sampled_from([None, None, "area"])),
    }
    return Rule("meet", "proximity", "vessel", "Gặp", "Meet", "high", params=params, id=1, **given)


def about(fixes: pd.DataFrame) -> pd.DataFrame:
    keys = np.unique(fixes["mmsi"])
    names = ["" if key % 3 == 0 else f"TTH-{key % 100}" for key in keys.tolist()]
    return pd.DataFrame({"mmsi": keys, "simulated": False, "shipname": names}).set_index("mmsi", drop=False)


def tried(rule: Rule, fixes: pd.DataFrame, cuts: list[int]) -> tuple[Any, ...]:
    """What a trial over the pieces raises, and remembers at the end of each."""
    start = T0 + timedelta(minutes=30)
    trial = Trial(LAYER.shape, LAYER.style.label, [rule], FENCES, about(fixes), start)
    remembered = []
    for begin, until in zip([0, *cuts], [*cuts, len(fixes)], strict=True):
        piece = fixes.iloc[begin:until].reset_index(drop=True)
        if len(piece):
            first, last = (piece["observed_at"].iloc[n].to_pydatetime() for n in (0, -1))
            trial.take(Piece(first, last + timedelta(microseconds=1), piece))
            remembered.append(dict(trial._memory[0]))
    trial.finish(T0 + timedelta(days=2))
    return trial.alarms[0], remembered, trial.before


@LATER
@given(meetings(), rules(), st.lists(st.integers(0, 100), max_size=5))
def test_the_past_is_judged_as_record_by_record(fixes, rule, at) -> None:
    cuts = sorted(min(len(fixes), len(fixes) * each // 100) for each in at)
    fast = tried(rule, fixes, cuts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.judgement.looks_of_pairs", plain_looks)
        assert fast == tried(rule, fixes, cuts)


def scene_of(rule: Rule, fixes: pd.DataFrame, first: int) -> Scene:
    """The fixes from a number on as a batch, between the states before and after it; who is not in it lies beside."""
    known, batch = fixes.iloc[:first], fixes.iloc[first:].reset_index(drop=True)
    before, last = (
        each.drop_duplicates("mmsi", keep="last").set_index("mmsi", drop=False).sort_index() for each in (known, batch)
    )
    after = last.join(about(fixes)[["shipname"]])
    scene = Scene.of([rule], FENCES, LAYER.shape, "shipname", batch, before, after)
    others = before[~before.index.isin(after.index)]
    beside = others.assign(at=epoch_us(others["observed_at"])).join(about(fixes)[["shipname"]])
    return scene.beside(beside.set_index(beside["mmsi"].astype(str)))


@LATER
@given(meetings(), rules(), st.integers(0, 90), st.sets(st.tuples(st.integers(0, 8), st.integers(0, 12)), max_size=4))
def test_a_batch_is_seen_as_record_by_record(fixes, rule, part, met) -> None:
    keys = [tuple(sorted(f"{574_000_000 + each}" for each in pair)) for pair in met if pair[0] != pair[1]]
    memory = {(one, two): Presence(T0, T0) for one, two in keys}
    scene = scene_of(rule, fixes, len(fixes) * part // 100)
    assert looks_of_pairs(rule, scene, memory) == plain_looks(rule, scene, memory)


@LATER
@given(meetings(), st.integers(0, 50), st.sampled_from([1, 7, 1_000_000]))
def test_nothing_is_lost_where_many_are_taken_in_parts(fixes, part, most) -> None:
    rule = Rule("meet", "proximity", "vessel", "Gặp", "Meet", "high", params={"distance_m": 100}, id=1)
    scene = scene_of(rule, fixes, len(fixes) * part // 100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.party.MOST_AT_ONCE", most)
        assert looks_of_pairs(rule, scene, {}) == plain_looks(rule, scene, {})


def test_a_crowd_at_its_berths_costs_one_look_each() -> None:
    """Two hundred side by side for a day: what says the same is not looked at anew."""
    rule = Rule("meet", "proximity", "vessel", "Gặp", "Meet", "high", params={"distance_m": 100}, id=1, dwell_s=7e5)
    minutes = np.arange(0, 1440, 10)
    number, at = (each.ravel() for each in np.meshgrid(np.arange(200), minutes))
    fixes = pd.DataFrame(
        {
            "mmsi": 574_000_000 + number,
            "observed_at": pd.to_datetime(T0) + pd.to_timedelta(at, unit="min"),
            "lon": 107.0 + number * 5 * METRE,
            "lat": 16.1,
        }
    ).astype({"observed_at": "datetime64[us, UTC]"})
    scene = scene_of(rule, fixes.sort_values("observed_at", kind="stable", ignore_index=True), 0)
    looks = looks_of_pairs(rule, scene, {}, past=True)
    assert len(looks) == sum(200 - step for step in range(1, 21))  # a step is 4.8 m, so each meets the next twenty
    assert max(map(len, looks.values())) == 2
    assert len(Party(rule, scene, ()).pairs(100.0, scene.placed)) < 10_000
