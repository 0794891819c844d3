"""The truth that is told is what the sentences show."""

import json
from collections import defaultdict

import numpy as np
import pytest
import shapely

from demo import scenario as script
from demo.area import APPROACH, BAN, areas
from demo.command import stamps, write_truth
from demo.past import history
from demo.radio import day, live
from demo.scenario import MINUTE, scenario, scripted
from demo.truth import truths
from geo.account import Account
from geo.basemap import is_land
from geo.reference import reference_fences
from geo.zone import INSHORE, OFFSHORE, zones_of
from ingest.ais import messages
from ingest.sentence import read_tag, tag_time

START = 1_795_300_000.0
BOATS = scripted(1)


@pytest.fixture(scope="module")
def told():
    return truths(1, START)


@pytest.fixture(scope="module")
def heard():
    """Time, longitude, latitude and speed by MMSI, as the door reads them: three hours before, two and a half after."""
    lines = list(history(1, START - 3 * 3600, START))
    numbers = {boat.mmsi for boat in BOATS.values()}
    today = day(1, START)
    today = type(today)(1, START, tuple(each for each in today.speakers if each[0].mmsi in numbers), today.play)
    for at, said in live(today, START):
        if at > START + 150 * MINUTE:
            break
        lines += said
    fixes = defaultdict(list)
    for fields, parts in messages(b"\n".join(lines), Account(), []):
        if fields["mmsi"] in numbers and fields.get("lon") is not None:
            at = tag_time(read_tag(parts[0].tag))
            fixes[fields["mmsi"]].append((at, fields["lon"], fields["lat"], fields["speed"]))
    return {mmsi: np.array(sorted(rows)) for mmsi, rows in fixes.items()}


def test_who_is_inside_an_area_is_seen_inside_and_only_then(told, heard):
    shapes = {area.name: shapely.Polygon(area.ring) for area in areas()}
    spans = defaultdict(list)
    for truth in told:
        if truth.kind == "inside":
            spans[truth.mmsi, truth.parameters["area"]].append((truth.start, truth.end or np.inf))
    for mmsi, rows in heard.items():
        for name, shape in shapes.items():
            inside = shapely.contains_xy(shape, rows[:, 1], rows[:, 2])
            meant = np.zeros(len(rows), bool)
            for begin, end in spans[mmsi, name]:
                meant |= (rows[:, 0] >= begin + 10) & (rows[:, 0] <= end - 10)
                near = (np.abs(rows[:, 0] - begin) < 10) | (np.abs(rows[:, 0] - end) < 10)
                inside[near] = meant[near]
            np.testing.assert_array_equal(inside, meant)
    assert {key[1] for key in spans} == {BAN.name, APPROACH.name}


def test_a_boat_enters_within_the_first_three_minutes_and_then_about_every_ten(told):
    enters = sorted((t.start - START) / MINUTE for t in told if t.kind == "inside" and t.start > START)
    leaves = sorted((t.end - START) / MINUTE for t in told if t.kind == "inside" and t.end and t.end > START)
    assert enters[0] < 3
    events = [at for at in sorted(enters + leaves) if at < 180]
    assert max(np.diff(events)) < 18
    assert 5 <= len([at for at in events if at < 60]) <= 12


def test_the_alarm_list_does_not_begin_empty(told):
    assert [t for t in told if t.kind == "inside" and t.end and START - 6 * 3600 < t.end < START]


def test_the_trawler_of_16_4_m_works_slowly_in_the_inshore_zone(told, heard):
    boat = BOATS[script.WORKER]
    rows = heard[boat.mmsi]
    during = rows[(rows[:, 0] > START) & (rows[:, 0] < START + 10 * MINUTE)]
    assert len(during) >= 18
    assert ((during[:, 3] > 1.5) & (during[:, 3] < 4.5)).all()
    assert set(zones_of(reference_fences()).classify(during[:, 1], during[:, 2]).tolist()) == {INSHORE}
    wrong = [t for t in told if t.kind == "wrong_zone" and t.mmsi == boat.mmsi and t.start < START]
    assert wrong
    assert wrong[-1].parameters["length_m"] == 16.4
    entered = next(t for t in told if t.kind == "inside" and t.mmsi == boat.mmsi)
    assert entered.start == pytest.approx(START + 2.5 * MINUTE, abs=15)


def test_the_crossing_is_seen_and_the_boat_is_back_within_two_hours(told, heard):
    boat = BOATS[script.CROSSER]
    crossing = next(t for t in told if t.kind == "crossing")
    assert (crossing.mmsi, boat.length_m) == (boat.mmsi, 14.2)
    assert crossing.start == pytest.approx(START + 6 * MINUTE, abs=15)
    assert 60 < crossing.parameters["returned_min"] <= 120
    rows = heard[boat.mmsi]
    zones = zones_of(reference_fences()).classify(rows[:, 1], rows[:, 2])
    clear_of_edges = (np.abs(rows[:, 0] - crossing.start) > 10) & (np.abs(rows[:, 0] - crossing.end) > 10)
    out = (rows[:, 0] > crossing.start) & (rows[:, 0] < crossing.end)
    recent = rows[:, 0] > START - 1800
    np.testing.assert_array_equal((zones == OFFSHORE)[clear_of_edges & recent], out[clear_of_edges & recent])


def test_two_boats_have_met_for_more_than_two_hours_and_still_do(told, heard):
    meeting = next(t for t in told if t.kind == "encounter")
    assert meeting.start < START - 2 * 3600
    assert meeting.end > START + 3600
    a, b = (heard[BOATS[name].mmsi] for name in script.MEETING)
    at = np.arange(meeting.start + 60, meeting.end - 60, 60.0)
    lon, lat = (
        [np.interp(at, rows[:, 0], rows[:, column]) for rows in (a, b)] for column in (1, 2)
    )  # fmt: skip
    apart_m = np.hypot((lon[0] - lon[1]) * np.cos(np.radians(17)), lat[0] - lat[1]) * 60 * 1852
    assert apart_m.max() < 500
    for rows in (a, b):
        during = rows[(rows[:, 0] > meeting.start + 60) & (rows[:, 0] < meeting.end - 60)]
        assert np.median(during[:, 3]) < 2


def test_who_falls_silent_is_heard_before_and_never_after(told, heard):
    silence = next(t for t in told if t.kind == "silence")
    rows = heard[silence.mmsi]
    assert silence.end is None
    assert silence.start == START + 4.5 * MINUTE
    assert silence.start - 31 < rows[-1, 0] < silence.start


def test_no_scripted_boat_crosses_land_in_two_days():
    play = scenario(1, START)
    at = np.arange(START - 24 * 3600, START + 40 * 3600, 60.0)
    for plan in play.plans.values():
        way = plan.track(0).motion(at)
        assert not is_land(way.lon, way.lat).any()
        assert way.speed.max() < 9


def test_the_scripts_move_with_the_start():
    later = truths(1, START + 5000.0)
    assert [(t.kind, t.mmsi, round(t.start - 5000)) for t in later if t.kind == "inside"] == [
        (t.kind, t.mmsi, round(t.start)) for t in truths(1, START) if t.kind == "inside"
    ]


def test_the_file_holds_one_json_line_for_each_event_on_the_sentences_clock(tmp_path, told):
    path = tmp_path / "demo" / "truth.jsonl"
    write_truth(path, 1, START, speed=10.0)
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [record["kind"] for record in records] == [truth.kind for truth in told]
    clock = stamps(START, 10.0)
    assert [record["start"] for record in records] == [clock(truth.start) for truth in told]
    silence = next(record for record in records if record["kind"] == "silence")
    assert silence["start"] == START + 27.0
