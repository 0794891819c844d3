"""The live picture: the newest value per object, told once, in sixteen bytes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.live import LiveState, Reading, classifier, decode, encode
from geo.record import ESTIMATED, MARKED, NO_ANGLE, NO_VALUE, RECORD, pack

NOW = pd.Timestamp("2026-11-21 13:14:07", tz="UTC")
NOW_MS = NOW.timestamp() * 1000
KINDS = classifier(
    [{"mmsi": (970e6, 975e6)}, {"ship_type": (30, 31), "length_m": (24, None)}, {"ship_type": (30, 31)}, {}]
)


def boats(*rows: dict[str, Any]) -> pd.DataFrame:
    usual = {"lon": 107.6, "lat": 16.6, "observed_at": NOW, "course": 118.0, "speed": 7.4, "ship_type": 30}
    usual |= {"length_m": 16.4, "mmsi": 574091234, "shipname": "TTH-91234-TS", "simulated": False}
    return pd.DataFrame([{**usual, **row} for row in rows])


@pytest.fixture
def state() -> LiveState:
    return LiveState({"vessel": Reading("shipname", "course", "speed", KINDS)})


def records(delta: Any) -> np.ndarray[Any, Any]:
    return np.frombuffer(delta.records, RECORD)


def test_a_frame_survives_the_wire() -> None:
    frame = boats({"key": "1"}, {"key": "2", "shipname": None, "length_m": np.nan})
    back = decode(encode(frame))
    assert back["key"].tolist() == ["1", "2"]
    assert back["observed_at"].dtype == "datetime64[us, UTC]"
    assert pd.isna(back["shipname"][1])
    assert back["lon"].tolist() == [107.6, 107.6]


@pytest.mark.parametrize("payload", [b"", b"garbage" * 30, encode(pd.DataFrame({"a": [1]}))])
def test_a_payload_that_is_none_is_refused_by_name(payload: bytes) -> None:
    with pytest.raises(ValueError):
        decode(payload)


def test_the_first_kind_that_holds_wins_and_a_missing_value_never_does() -> None:
    frame = boats(
        {"mmsi": 972000001},
        {"length_m": 24},
        {"length_m": np.nan},
        {"ship_type": None},
        {"ship_type": 70, "length_m": 90},
    )
    assert KINDS(frame).tolist() == [0, 1, 2, 3, 3]


def test_only_what_changed_is_told_and_only_its_newest_value(state: LiveState) -> None:
    assert state.apply("vessel", boats({"key": "1"}, {"key": "2"})) == 2
    (first,) = state.delta(NOW_MS)
    assert first.count == 2
    assert first.names == [(0, "1", "TTH-91234-TS", False), (1, "2", "TTH-91234-TS", False)]
    assert state.delta(NOW_MS) == []
    later = NOW + pd.Timedelta(seconds=2)
    state.apply("vessel", boats({"key": "2", "observed_at": later, "lat": 16.8}, {"key": "2", "lat": 16.7}))
    (second,) = state.delta(NOW_MS + 2000)
    assert (second.count, second.names) == (1, [])
    assert records(second)["lat"].tolist() == [168000000]


def test_older_rows_and_rows_without_a_place_change_nothing(state: LiveState) -> None:
    state.apply("vessel", boats({"key": "1"}))
    state.delta(NOW_MS)
    older = boats({"key": "1", "observed_at": NOW - pd.Timedelta(seconds=1), "lat": 1.0})
    assert state.apply("vessel", older) == 0
    assert state.apply("vessel", boats({"key": "2", "lon": np.nan})) == 0
    assert state.apply("vessel", boats({"key": "3", "observed_at": pd.NaT})) == 0
    assert state.apply("vessel", boats({"key": "1"})) == 0
    assert not state.changed


def test_a_new_name_alone_is_told(state: LiveState) -> None:
    state.apply("vessel", boats({"key": "1", "shipname": None}))
    (first,) = state.delta(NOW_MS)
    assert first.names == [(0, "1", "", False)]
    state.apply("vessel", boats({"key": "1"}))
    (second,) = state.delta(NOW_MS)
    assert second.names == [(0, "1", "TTH-91234-TS", False)]


def test_a_handle_is_used_again_only_after_its_removal_was_told(state: LiveState) -> None:
    state.apply("vessel", boats({"key": "1"}, {"key": "2"}))
    state.delta(NOW_MS)
    assert state.remove("vessel", ["1", "unknown"]) == 1
    state.apply("vessel", boats({"key": "3"}))
    (delta,) = state.delta(NOW_MS)
    assert delta.removed.tolist() == [0]
    assert [name[:2] for name in delta.names] == [(2, "3")]
    state.apply("vessel", boats({"key": "4"}))
    (delta,) = state.delta(NOW_MS)
    assert [name[:2] for name in delta.names] == [(0, "4")]
    (all_of_it,) = state.snapshot(NOW_MS)
    assert sorted(name[1] for name in all_of_it.names) == ["2", "3", "4"]


def test_reconciling_forgets_what_the_database_lost_but_not_what_came_meanwhile(state: LiveState) -> None:
    state.apply("vessel", boats({"key": "1"}, {"key": "2"}))
    began = state.serial
    state.apply("vessel", boats({"key": "3"}))
    state.reconcile("vessel", boats({"key": "1"}), began)
    (picture,) = state.snapshot(NOW_MS)
    assert sorted(name[1] for name in picture.names) == ["1", "3"]


def test_a_snapshot_leaves_the_running_tick_alone(state: LiveState) -> None:
    state.apply("vessel", boats({"key": "1"}))
    (picture,) = state.snapshot(NOW_MS)
    assert picture.count == 1
    (delta,) = state.delta(NOW_MS)
    assert delta.count == 1


def test_many_objects_grow_the_columns(state: LiveState) -> None:
    rows = boats({"key": "0"})
    many = pd.concat([rows] * 5000, ignore_index=True).assign(key=[str(n) for n in range(5000)])
    assert state.apply("vessel", many) == 5000
    assert state.count("vessel") == 5000
    (delta,) = state.delta(NOW_MS)
    assert len(delta.records) == 16 * 5000


def one(**values: float) -> np.void:
    usual = {"handle": 5, "kind": 2, "lon": 107.6, "lat": 16.6, "angle": 118.0, "value": 7.4, "age_s": 3.0, **values}
    columns = {name: np.array([value]) for name, value in usual.items()}
    columns["handle"] = columns["handle"].astype(np.int64)
    columns["kind"] = columns["kind"].astype(np.uint8)
    record: np.void = np.frombuffer(pack(**columns), RECORD)[0]
    return record


def test_the_record_holds_what_is_known_and_says_what_is_not() -> None:
    record = one()
    assert int(record["handle_kind"]) == 5 | 2 << 24
    assert (int(record["lon"]), int(record["lat"])) == (1076000000, 166000000)
    tail = int(record["angle_value_age"])
    assert (tail & 511, tail >> 9 & 1023, tail >> 19) == (118, 74, 3)
    unknown = int(one(angle=np.nan, value=np.nan)["angle_value_age"])
    assert (unknown & 511, unknown >> 9 & 1023) == (NO_ANGLE, NO_VALUE)
    assert int(one(angle=359.7)["angle_value_age"]) & 511 == 0
    assert int(one(age_s=-5)["angle_value_age"]) >> 19 == 0
    assert int(one(age_s=1e9)["angle_value_age"]) >> 19 == 8191


def decoded_value(code: int) -> float:
    return code / 10 if code < 512 else 51.2 + (code - 512) if code < 768 else 306 + (code - 767) * 10


def decoded_age(code: int) -> float:
    return code if code < 4096 else 4096 + (code - 4096) * 30 if code < 6144 else 65536 + (code - 6144) * 600


@given(st.floats(0, 2850))
def test_values_come_back_within_their_step(value: float) -> None:
    back = decoded_value(int(one(value=value)["angle_value_age"]) >> 9 & 1023)
    assert abs(back - value) <= (0.06 if value < 51 else 0.6 if value < 306 else 5.1)


@given(st.floats(0, 1_290_000))
def test_ages_come_back_within_their_step(age: float) -> None:
    back = decoded_age(int(one(age_s=age)["angle_value_age"]) >> 19)
    assert 0 <= age - back <= (1 if age < 4096 else 30 if age < 65536 else 600)


def test_an_estimated_position_is_marked() -> None:
    state = LiveState({"vessel": Reading("shipname", "course", "speed", KINDS, "told")})
    state.apply("vessel", boats({"key": "1"}).assign(told=True))
    (delta,) = state.delta(NOW_MS)
    assert int(records(delta)["handle_kind"][0]) >> 24 & ESTIMATED


def test_what_is_odd_about_a_boat_is_told_and_taken_back(state: LiveState) -> None:
    for bits, marked in ((8.0, MARKED), (0.0, 0), (float("nan"), 0)):
        state.apply("vessel", boats({"key": "1"}, {"key": "2", "speed": bits + 1}).assign(anomaly=[bits, 0.0]))
        told = {
            int(head) & 0xFFFFFF: int(head) >> 24 for d in state.delta(NOW_MS) for head in records(d)["handle_kind"]
        }
        assert told.get(0, 0) & MARKED == marked
        assert told.get(1, 0) & MARKED == 0
