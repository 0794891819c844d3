"""The rule lab raises what the live path raises: the same days through both, over a real database."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, box

from geo import table
from geo.actor import SYSTEM
from geo.archive import close_day
from geo.database import engine
from geo.episode import FRESH
from geo.fence import Fence, Fences, fences, put_fences
from geo.past import Reader, described
from geo.rule import Rule, put_rules, rules
from ingest.ais import AIS
from ingest.blame import decode
from ingest.feed import Lane, RawBatch, Source
from ingest.lab import Trial, account, check, columns_of, fences_of, warm_up
from ingest.worker import Worker
from layers import discover, environment
from layers.vessel import LAYER
from run.clock import Clock
from tests.nmea import position

T0 = datetime(2026, 11, 21, 3, tzinfo=UTC)  # 10:00 in Huế
BOAT, OTHER = 574_000_001, 574_000_002
MINUTE = timedelta(minutes=1)
AREA = Fence("area", "area", "Khu", "Area", box(107.0, 16.0, 107.2, 16.2), hysteresis_m=600)
THIN = Fence("thin", "area", "Dải", "Strip", box(107.3, 15.0, 107.31, 17.0), hysteresis_m=300)
LINE = Fence("line", "line", "Tuyến", "Line", LineString([(107.25, 15.5), (107.25, 16.7)]), hysteresis_m=400)
# In the area, on its margin, between the area and the strip, on the line's margin, in the strip, east of all of it.
PLACES = (
    (107.10, 16.10),
    (107.19, 16.10),
    (107.204, 16.10),
    (107.215, 16.10),
    (107.248, 16.11),
    (107.252, 16.10),
    (107.29, 16.12),
    (107.305, 16.10),
    (107.33, 16.10),
    (107.60, 16.15),
)
SLOW, FAST = 2.0, 9.0


def rule(key: str, kind: str, fence: str | None = "area", **fields: Any) -> Rule:
    return Rule(key, kind, "vessel", f"Luật {key}", f"Rule {key}", "high", fence, **fields)


RULES = (
    rule("inside", "inside"),
    rule("stay", "inside", dwell_s=600, off_delay_s=300),
    rule("work", "inside", dwell_s=1500, qualifies={"speed": [None, 4]}),
    rule("strip", "inside", "thin", dwell_s=120),
    rule("keep", "outside", dwell_s=600),
    rule("linger", "outside", dwell_s=300, off_delay_s=1800, qualifies={"speed": [None, 4]}),
    rule("enter", "enter", "thin"),
    rule("leave", "exit", dwell_s=1200),
    rule("cross", "crossing", "line"),
    rule("seaward", "crossing", "line", params={"direction": "to_right"}, qualifies={"speed": [4, None]}),
    rule("fast", "threshold", None, params={"column": "speed", "above": 8, "deadband": 7}, dwell_s=600,
         off_delay_s=900),
    rule("fast_here", "threshold", params={"column": "speed", "above": 8}),
    rule("near", "approach", "thin", params={"steps_nm": [5, 2, 0.5]}, off_delay_s=600),
    rule("lost", "silence", None, params={"silence_s": 3600}),
    rule("lost_here", "silence", params={"silence_s": 5400}),
    rule("meet", "proximity", None, params={"distance_m": 1500, "hysteresis_m": 800}, dwell_s=600, off_delay_s=300),
    rule("meet_here", "proximity", params={"distance_m": 3000}, qualifies={"speed": [None, 4]}),
    rule("hours", "inside", dwell_s=900, schedule=[{"days": [1, 2, 3, 4, 5, 6, 7], "from": "11:00", "to": "12:30"}]),
    rule("lost_hours", "silence", None, params={"silence_s": 1200},
         schedule=[{"days": [6], "from": "11:30", "to": "13:00"}]),
    rule("not_this", "inside", applies_to={"exclude": [str(OTHER)]}),
)  # fmt: skip


@dataclass(frozen=True)
class Fix:
    """One position: minutes after T0, whose, where, how fast, and after how many minutes it is heard."""

    at: int
    mmsi: int
    place: tuple[float, float]
    speed: float
    delay: int = 0

    @property
    def observed_at(self) -> datetime:
        return T0 + self.at * MINUTE

    @property
    def heard_at(self) -> datetime:
        return self.observed_at + self.delay * MINUTE

    def line(self) -> bytes:
        return position(self.mmsi, *self.place, self.observed_at.timestamp(), speed=self.speed)


Told = tuple[str, str, str, datetime, datetime | None, float | None]


class Day:
    """A database that days are played into, through a worker and a clock whose time the day sets."""

    def __init__(self, database: Any, redis_url: str) -> None:
        urls = (database.owner, database.ingest, database.web, database.superuser)
        self.owner, self.ingest, self.web, self.super = map(engine, urls)
        self.redis_url, self.now = redis_url, T0
        self.client = redis.Redis.from_url(redis_url)
        self.lane = Lane(Source("ais.test", "udp://127.0.0.1:1", AIS), LAYER.shape, LAYER.style.label, ())
        self._seq = 0

    def close(self) -> None:
        for each in (self.owner, self.ingest, self.web, self.super):
            each.dispose()
        self.client.close()

    def begin(self, own: Sequence[Rule]) -> None:
        """An empty sea and desk, with the fences and these rules."""
        with self.super.begin() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # the journal refuses it else
            names = "vessel, vessel_history, alarm, alarm_journal, presence, ledger, feed, minute, anomaly, fence, rule"
            connection.exec_driver_sql(f"TRUNCATE {names}, revision, flood, shelf RESTART IDENTITY CASCADE")
        with self.owner.begin() as connection:
            put_fences(connection, [AREA, THIN, LINE], SYSTEM)
            put_rules(connection, own, SYSTEM)
            self.fences, self.rules = tuple(fences(connection)), tuple(rules(connection))

    def play(self, own: Sequence[Rule], fixes: Sequence[Fix], end: datetime) -> None:
        """Each fix as it is heard, and the clock at every moment at which it may have something to say."""
        self.begin(own)
        worker = Worker((self.lane,), self.ingest, self.client, now=lambda: self.now)
        worker._fences, worker._rules = Fences(self.fences), self.rules
        self.clock = Clock(discover(), self.ingest, self.redis_url, now=lambda: self.now)
        # What is due between two fixes is told at the second one too, as long as it is fresh and no hours end before.
        timed = [one for one in own if one.schedule]
        spans = {timedelta(), FRESH}
        spans |= {timedelta(seconds=one.params.get("silence_s", one.dwell_s)) for one in timed}
        hours = [T0.replace(hour=hour, minute=minute) for hour in range(3, 8) for minute in (0, 30)]
        heard = {fix.observed_at for fix in fixes} | {fix.heard_at for fix in fixes}
        ticks = {at + span for at in heard for span in spans} | {at for at in hours if at >= T0} | {end}
        last = min(heard)
        with self.ingest.connect() as connection:
            for at in sorted(at for at in ticks | heard if at <= end):
                self.now = at
                if at in ticks and at >= last:
                    self.clock.tick(connection)
                for fix in (fix for fix in fixes if fix.heard_at == at):
                    self._hear(worker, connection, [fix])

    def fill(self, own: Sequence[Rule], fixes: Sequence[Fix]) -> None:
        """The fixes as history alone: no rule is in force while they come."""
        self.begin(own)
        worker = Worker((self.lane,), self.ingest, self.client, now=lambda: self.now)
        with self.ingest.connect() as connection:
            for at in sorted({fix.heard_at for fix in fixes}):
                self.now = at
                self._hear(worker, connection, [fix for fix in fixes if fix.heard_at == at])

    def _hear(self, worker: Worker, connection: sa.Connection, fixes: Sequence[Fix]) -> None:
        self._seq += 1
        lines = b"\n".join(fix.line() for fix in fixes)
        batch = RawBatch("ais.test", "boot", self._seq, self.now.timestamp(), lines)
        worker.process(connection, self.lane, [(batch, decode(self.lane, batch))])

    def raised(self) -> list[Told]:
        """What stands or stood on the desk and was not taken back."""
        alarm, own = table.alarm.c, table.rule.c
        query = (
            sa.select(own.key, alarm.object_key, alarm.other_key, alarm.raised_at, alarm.cleared_at, alarm.value)
            .select_from(table.alarm.join(table.rule))
            .where(alarm.withdrawn_at.is_(None))
        )
        with self.owner.connect() as connection:
            return sorted(map(tuple, connection.execute(query)), key=_order)  # type: ignore[arg-type]

    def withdrawn(self) -> int:
        with self.owner.connect() as connection:
            gone = table.alarm.c.withdrawn_at.is_not(None)
            return connection.scalar(sa.select(sa.func.count()).select_from(table.alarm).where(gone)) or 0

    def tried(
        self, own: Sequence[Rule], start: datetime, end: datetime, rows_max: int = 1000, archive: Path = Path("/none")
    ) -> Trial:
        """The same rules over the same past, in the lab."""
        trial, missing = self._try(own, start, end, rows_max, archive)
        assert missing == []
        return trial

    def missing(self, own: Sequence[Rule], start: datetime, end: datetime, archive: Path) -> list[str]:
        """The beginnings of what the lab says that it could not read."""
        _, missing = self._try(own, start, end, 1000, archive)
        return [words[: words.index(" of ") + 3] for words in missing]

    def _try(
        self, own: Sequence[Rule], start: datetime, end: datetime, rows_max: int, archive: Path
    ) -> tuple[Trial, list[str]]:
        chosen = [one for one in self.rules if one.key in {each.key for each in own}]
        check(chosen, LAYER.shape)
        fix_columns, about_columns = columns_of(chosen, LAYER.shape, LAYER.style.label)
        missing: list[str] = []
        with self.web.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            about = described(connection, LAYER.shape, about_columns)
            trial = Trial(LAYER.shape, LAYER.style.label, chosen, fences_of(chosen, self.fences), about, start)
            reader = Reader(connection, archive, LAYER.shape, fix_columns, rows_max)
            for piece in reader.pieces(start - warm_up(chosen), end):
                missing += [words for words in piece.missing if words not in missing]
                trial.take(piece)
        trial.finish(end)
        return trial, missing


def told(trial: Trial) -> list[Told]:
    """As Day.raised has it."""
    found = [
        (own.key, *alarm.target, alarm.raised_at, alarm.cleared_at, alarm.steps[-1][1] if alarm.steps else alarm.value)
        for own, alarms in zip(trial.rules, trial.alarms, strict=True)
        for alarm in alarms
    ]
    return sorted(found, key=_order)


def _order(one: Any) -> tuple[Any, ...]:
    return (*one[:4], one[5] or 0)


# A day takes seconds to play, so the first one that fails is shown as it is.
PLAYED = settings(
    max_examples=int(os.environ.get("LAB_DAYS", "12")),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def day(database: Any, redis_server: str) -> Iterator[Day]:
    opened = Day(database, redis_server)
    yield opened
    opened.close()


GAPS = (1, 2, 3, 5, 8, 10, 11, 19, 20, 21, 40, 61, 125)
BERTH = ((107.100, 16.1), (107.105, 16.1), (107.113, 16.1), (107.122, 16.1), (107.205, 16.1))


def tracks(
    most: int, boats: Sequence[int], places: Sequence[tuple[float, float]], delays: Sequence[int] = (0,)
) -> st.SearchStrategy[list[Fix]]:
    """Fixes at whole minutes in the order of time."""
    step = st.tuples(*map(st.sampled_from, (GAPS, boats, places, [SLOW, FAST], delays)))

    def laid(steps: list[tuple[int, int, tuple[float, float], float, int]]) -> list[Fix]:
        at, found = 0, []
        for wait, *rest in steps:
            at += wait
            found.append(Fix(at, *rest))
        return found

    return st.lists(step, min_size=2, max_size=most).map(laid)


def end_of(fixes: Sequence[Fix]) -> datetime:
    return max(fix.heard_at for fix in fixes) + 100 * MINUTE


@PLAYED
@given(tracks(12, [BOAT, BOAT, OTHER], PLACES), st.sampled_from([1, 2, 1000]))
def test_the_lab_raises_what_the_live_path_raised_when_the_day_is_played_in_order(day, fixes, rows_max) -> None:
    end = end_of(fixes)
    day.play(RULES, fixes, end)
    assert day.withdrawn() == 0
    assert told(day.tried(RULES, T0, end, rows_max)) == day.raised()


@PLAYED
@given(tracks(12, [BOAT, OTHER, OTHER + 1], BERTH), st.sampled_from([1, 3, 1000]))
def test_who_met_in_the_lab_has_met_in_life(day, fixes, rows_max) -> None:
    own = [one for one in RULES if one.kind == "proximity"]
    end = end_of(fixes)
    day.play(own, fixes, end)
    assert told(day.tried(own, T0, end, rows_max)) == day.raised()


@PLAYED
@given(tracks(12, [BOAT, OTHER, OTHER + 1], BERTH, [0, 0, 0, 1, 4, 12, 30, 70, 140]))
def test_who_met_is_known_in_the_end_whatever_was_heard_first(day, fixes) -> None:
    own = [one for one in RULES if one.kind == "proximity"]
    end = end_of(fixes)
    day.play(own, fixes, end)
    assert told(day.tried(own, T0, end)) == day.raised()


LATE = [one for one in RULES if one.kind not in ("proximity", "silence") and not one.schedule]
SILENCES = [one for one in RULES if one.kind == "silence" and not one.schedule]
DELAYS = [0, 0, 0, 1, 4, 12, 30, 70, 140]


@PLAYED
@given(tracks(10, [BOAT], PLACES, DELAYS))
def test_late_fixes_lead_to_the_alarms_that_they_would_have_raised_in_time(day, fixes) -> None:
    end = end_of(fixes)
    day.play(LATE, fixes, end)
    assert told(day.tried(LATE, T0, end)) == day.raised()


@PLAYED
@given(tracks(10, [BOAT], PLACES, DELAYS[:-2]))
def test_late_fixes_end_the_silences_that_they_would_have_ended_in_time(day, fixes) -> None:
    # Each is heard before its own silence is due: one that begins and ends in what comes in one go nobody could notice.
    end = end_of(fixes)
    day.play(SILENCES, fixes, end)
    assert told(day.tried(SILENCES, T0, end)) == day.raised()


# Each fix as (minute, number of its place, speed, minutes until it is heard).
LATE_DAYS = {
    "an end is told, and then it was not over": [(2, 3, FAST, 0), (4, 2, SLOW, 0), (7, 0, SLOW, 30), (8, 6, FAST, 30),
                                                 (10, 0, SLOW, 30), (30, 6, SLOW, 70), (50, 5, SLOW, 0)],
    "a dwell is told, and then it was over": [(8, 9, SLOW, 4), (10, 2, FAST, 12), (12, 0, FAST, 0), (13, 5, FAST, 30),
                                              (74, 9, FAST, 140), (77, 4, SLOW, 70), (85, 2, FAST, 30),
                                              (87, 0, SLOW, 0), (90, 5, SLOW, 0)],
    "one is opened again while another is open": [(40, 2, SLOW, 1), (41, 5, SLOW, 70), (81, 6, FAST, 12),
                                                  (89, 8, SLOW, 0), (97, 1, SLOW, 0), (107, 5, SLOW, 0),
                                                  (128, 1, SLOW, 0)],
    "it is broken on, by a fix that breaks no rule anew": [(8, 4, FAST, 12), (11, 8, SLOW, 70), (30, 2, SLOW, 12),
                                                           (35, 9, FAST, 30), (54, 7, FAST, 4), (179, 6, FAST, 140),
                                                           (219, 1, FAST, 0), (238, 8, SLOW, 12), (259, 0, SLOW, 70),
                                                           (270, 4, FAST, 140)],
    "the clock raises again what it had ended": [(299, 6, SLOW, 12), (319, 0, FAST, 12), (321, 5, SLOW, 70)],
    "on the margin, and heard after its end": [(8, 7, FAST, 12), (18, 1, FAST, 0), (28, 6, FAST, 140),
                                               (31, 0, SLOW, 70), (42, 3, FAST, 140), (52, 8, SLOW, 0),
                                               (55, 2, SLOW, 4)],
    "a dwell whose proof is old when it comes": [(61, 3, FAST, 30), (80, 1, SLOW, 70), (91, 8, FAST, 0),
                                                 (102, 8, FAST, 30), (112, 6, SLOW, 0)],
    "a dwell that is over when it is first heard": [(0, 9, SLOW, 0), (49, 0, SLOW, 70), (89, 9, SLOW, 30)],
}  # fmt: skip


@pytest.mark.parametrize("name", LATE_DAYS)
def test_late_fixes_leave_the_alarms_that_the_day_knows_in_the_end(day, name: str) -> None:
    fixes = [Fix(at, BOAT, PLACES[place], speed, delay) for at, place, speed, delay in LATE_DAYS[name]]
    own = [one for one in LATE if one.key in ("inside", "stay", "near", "fast", "keep", "linger")]
    day.play(own, fixes, end_of(fixes))
    with day.owner.connect() as connection:
        assert connection.execute(sa.select(table.dead_letter.c.reason)).all() == []
    assert told(day.tried(own, T0, end_of(fixes))) == day.raised()


def test_a_fix_told_ahead_of_its_time_counts_when_it_was_heard(day) -> None:
    own = [one for one in RULES if one.key in ("inside", "cross", "lost")]
    inside, beyond, east = PLACES[0], PLACES[6], PLACES[8]
    fixes = [Fix(0, BOAT, inside, SLOW), Fix(90, BOAT, beyond, SLOW, delay=-70), Fix(30, BOAT, east, SLOW)]
    end = T0 + 200 * MINUTE
    day.play(own, fixes, end)
    assert [one[0] for one in day.raised()] == ["cross", "inside", "lost"]
    for rows_max in (1, 1000):
        assert told(day.tried(own, T0, end, rows_max)) == day.raised()


def test_an_archived_day_is_tried_like_any_other(day, database, home_directory) -> None:
    fixes = [Fix(at, BOAT, PLACES[(at // 7) % len(PLACES)], SLOW) for at in range(0, 600, 7)]
    fixes.insert(40, Fix(270, OTHER, PLACES[0], SLOW, delay=-70))
    end = T0 + 700 * MINUTE
    own = [one for one in RULES if one.kind != "proximity"]
    day.fill(own, fixes)
    before = told(day.tried(own, T0, end))
    assert len({one[0] for one in before}) > 8
    close_day(day.owner, home_directory, LAYER.shape, T0.date(), end)
    with day.owner.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM vessel_history")) == 0
    assert told(day.tried(own, T0, end, 10, home_directory)) == before
    with day.owner.connect() as connection:
        (file,) = connection.scalars(sa.select(table.archive.c.file)).all()
    (home_directory / file).unlink()
    assert day.missing(own, T0, end, home_directory) == [f"{home_directory / file}: {len(fixes)} fixes of"]


def test_the_warm_up_knows_what_went_on_when_the_period_began(day) -> None:
    own = [one for one in RULES if one.key in ("inside", "stay", "enter", "lost")]
    fixes = [Fix(at, BOAT, PLACES[0], SLOW) for at in range(0, 200, 10)]
    day.fill(own, fixes)
    start, end = T0 + 100 * MINUTE, T0 + 300 * MINUTE
    trial = day.tried(own, start, end)
    assert [one[:4] for one in told(trial)] == [("lost", str(BOAT), "", T0 + 250 * MINUTE)]
    assert dict(zip((one.key for one in trial.rules), trial.before, strict=True)) == {
        "inside": 1, "stay": 1, "enter": 0, "lost": 0,
    }  # fmt: skip


def test_what_only_live_data_tell_is_not_tried() -> None:
    for one in (rule("sos", "distress", None), rule("quiet", "feed", None), replace(RULES[0], layer="report")):
        with pytest.raises(ValueError, match=one.key):
            check([one], LAYER.shape)


def test_a_draft_about_a_rivers_stage_sees_where_it_stands_to_the_levels_that_are_known() -> None:
    (one,) = (each for each in environment.LAYER.rules if each.key == "river_bd2")
    fix, _ = columns_of([one], environment.LAYER.shape, "name")
    assert {"stage", "nearest_level"} <= set(fix)


def test_two_drafts_are_compared_alarm_by_alarm(day) -> None:
    short, long = rule("short", "inside"), rule("long", "inside", dwell_s=3600)
    fixes = [*(Fix(at, BOAT, PLACES[0], SLOW) for at in range(0, 120, 10)), Fix(130, BOAT, PLACES[8], SLOW)]
    fixes += [Fix(140, BOAT, PLACES[0], SLOW), Fix(150, BOAT, PLACES[8], SLOW)]
    day.fill([short, long], fixes)
    end = T0 + timedelta(days=2)
    found = account(day.tried([short, long], T0, end), end)
    assert found["agreement"] == {"both": 1, "only": [1, 0]}
    first, second = found["drafts"]
    assert (first["total"], second["total"], first["objects"], first["standing"]) == (2, 1, 1, 0)
    assert first["top"] == [[str(BOAT), str(BOAT), 2]]
    assert first["days"] == [["2026-11-21", 2], ["2026-11-22", 0], ["2026-11-23", 0]]
    assert [one["alone"] for one in first["alarms"]] == [False, True]
    assert first["alarms"][1] | {"lon": 107.1, "lat": 16.1} == first["alarms"][1]
    json.dumps(found)


def test_a_draft_that_raises_without_end_is_stopped(day, monkeypatch) -> None:
    monkeypatch.setattr("ingest.lab.ALARMS_MAX", 3)
    fixes = [Fix(at, BOAT, PLACES[0 if at % 2 else 8], SLOW) for at in range(20)]
    day.fill([RULES[0]], fixes)
    assert day.tried([RULES[0]], T0, T0 + timedelta(days=1)).full
