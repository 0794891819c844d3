"""Records of stations: what is taken, in which unit, what is refused and what is kept aside."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.environment import FEED, PUSH
from ingest.feed import Decoded, RawBatch
from ingest.push import judge, read_csv

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)


def decoded(*records: Any) -> Decoded:
    raw = b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in records)
    return FEED.decode(RawBatch("environment.test", "boot", 1, NOW.timestamp(), raw))


def told(**members: Any) -> dict[str, Any]:
    return {"id": "HUE-AQ-01", "observed_at": NOW.isoformat(), **members}


def row(**members: Any) -> dict[str, Any]:
    found = decoded(told(**members))
    assert not found.letters
    assert len(found.frame) == 1
    return dict(found.frame.iloc[0])


def test_several_parameters_come_by_name_and_one_by_parameter_and_unit() -> None:
    many = row(pm25=31.5, no2=22)
    assert (many["pm25"], many["no2"], many["measured"], many["units"]) == (31.5, 22.0, "pm25 no2", None)
    one = row(parameter="NO2", value=10, unit="ppb")
    assert one["no2"] == pytest.approx(18.82, abs=0.01)
    assert (one["measured"], one["units"]) == ("no2", "no2=ppb")
    assert row(water_m=256, unit="cm")["water_m"] == pytest.approx(2.56)
    assert row(parameter="PM2.5", value=12)["pm25"] == 12.0


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"pm25": "31.5"}, "value:pm25"),
        ({"pm25": True}, "value:pm25"),
        ({"pm25": [31.5]}, "value:pm25"),
        ({"parameter": "pm25", "value": "high"}, "value:value"),
        ({"parameter": "pm25"}, "value:value"),
        ({"value": 12}, "parameter"),
        ({"name": "Trạm", "kind": "air"}, "parameter"),  # alive it is when it measures
        ({"pm25": None}, "parameter"),
        ({"parameter": "radon", "value": 12}, "parameter"),
        ({"parameter": "pm25", "value": 12, "pm25": 13}, "parameter"),
        ({"parameter": "pm25", "value": 12, "unit": "ppb"}, "unit"),
        ({"parameter": "pm25", "value": 12, "unit": "stones"}, "unit"),
        ({"pm25": 12, "no2": 4, "unit": "µg/m³"}, "unit"),  # of which of the two
        ({"unit": "µg/m³"}, "unit"),
        ({"kind": "submarine", "pm25": 12}, "station_kind"),
        ({"observed_at": "yesterday", "pm25": 12}, "time"),
        ({"observed_at": (NOW + timedelta(days=2)).isoformat(), "pm25": 12}, "time_range"),
        ({"lon": 107.5, "lat": "16", "pm25": 12}, "position"),
        ({"id": "", "pm25": 12}, "key"),
        ({"name": 5, "pm25": 12}, "value:name"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_its_member_counted_and_kept(members: dict[str, Any], reason: str) -> None:
    found = decoded(told(pm10=20) if "pm25" not in members else told(pm25=1), told(**members))
    assert found.account.received == 2
    assert found.account.accepted == len(found.frame) == 1  # the other one does not suffer from it
    assert dict(found.account.rejected) == {reason: 1}
    assert [kept for kept, _ in found.letters] == [reason]
    assert json.loads(found.letters[0][1]) == told(**members)


def test_nan_and_infinity_are_no_numbers() -> None:
    found = decoded(b'{"id": "a", "pm25": NaN}', b'{"id": "a", "pm25": Infinity}', b'{"id": "a", "pm25": 1e999}')
    assert dict(found.account.rejected) == {"value:pm25": 3}


@pytest.mark.parametrize(
    ("members", "quality"),
    [
        ({"pm25": -999, "no2": 4}, "pm25:range=-999"),
        ({"pm25": 99999, "no2": 4}, "pm25:range=99999"),
        ({"parameter": "humidity", "value": 140, "unit": "%"}, "humidity:range=140"),
        ({"ph": 14.2, "oxygen_mg_l": -1}, "ph:range=14.2 oxygen_mg_l:range=-1"),
    ],
)
def test_what_no_sensor_measures_is_kept_beside_and_counts_nowhere(members: dict[str, Any], quality: str) -> None:
    found = row(**members)
    assert found["quality"] == quality
    for word in quality.split():
        name = word.partition(":")[0]
        assert found[name] != found[name]
        assert name not in (found["measured"] or "").split()
    assert row(pm25=-999, no2=4)["no2"] == 4.0


@pytest.mark.parametrize(("minutes", "future"), [(1, False), (2, False), (3, True), (1000, True)])
def test_a_clock_in_the_future_is_marked_and_its_record_stands_at_its_reception(minutes: int, future: bool) -> None:
    at = NOW + timedelta(minutes=minutes)
    found = row(observed_at=at.isoformat(), pm25=12)
    assert found["pm25"] == 12.0
    if future:
        assert found["observed_at"] == NOW
        assert found["quality"] == f"observed_at:future={at:%Y-%m-%dT%H:%M:%SZ}"
    else:
        assert found["observed_at"] == at
        assert found["quality"] is None


def test_without_a_time_it_is_of_its_reception() -> None:
    found = decoded({"id": 7, "pm25": 12}).frame.iloc[0]
    assert (found["id"], found["observed_at"]) == ("7", NOW)


def test_csv_and_pushed_records_go_through_the_same_reader() -> None:
    body = "id,observed_at,parameter,value,unit\nKIM-LONG,2026-11-20T02:50:00Z,mực nước,256,cm\nKIM-LONG,,water_m,x,m\n"
    good, bad = (judge(PUSH, one, {}, NOW.timestamp()) for one in read_csv(PUSH, body.encode(), 10))
    assert good.row is not None
    assert good.row["water_m"] == pytest.approx(2.56)
    assert bad.reason == "value:value"


def test_every_column_of_the_sample_is_taken_without_a_reject() -> None:
    raw, now = b"\n".join(FEED.sample()), datetime.now(UTC).timestamp()
    found = FEED.decode(RawBatch("environment.test", "boot", 1, now, raw))
    assert found.account.received == found.account.accepted == len(found.frame) == 4
    assert set(found.frame["kind"]) == {"air", "river", "rain", "water"}
    assert not found.letters
