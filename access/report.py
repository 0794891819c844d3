"""Field reports as others bring and read them: whose key it is, how many may come, and what is told of which."""

import json
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import sqlalchemy as sa

from access.push import DATABASE_AWAY, Denied, Door, away
from access.site import Site
from geo import account, report_list, report_near, report_photo, report_public, report_work
from geo.actor import Actor
from geo.api_key import Key
from geo.area import Area, areas
from geo.calendar import ZONE
from geo.figure import figures
from geo.handling import units
from geo.photo import Photo
from geo.report import REPORT, STAGES, STATUSES, TRACKS
from geo.report_category import Category, answered, categories
from geo.report_list import Row, Wanted
from geo.report_near import Suggestion
from geo.report_receive import Sent, law, receive
from geo.report_text import shown
from geo.report_work import Step
from geo.workday import Term, due
from geo.yielding import deed, giving_way
from layers import kpi_values

PERSON_PER_MINUTE = 10  # reports of one account or device: a flood from there stops at this door
PEOPLE_MOST = 50_000
STORE_WAITS_MS = 5_000
EXPECTED_S = 86_400.0  # there are days on which a system sends none
KEPT = ("service_code", "lat", "long", "address_string", "description")  # of what was refused; of people nothing
CHANNEL = "open311"
AIMED = ("on_time", "satisfied")  # figures of the layer that have an aim, report_<name>_aim
BEGINNINGS = ("receive", "reopen")  # deeds with which a term begins
EXTENSIONS = (1, 2, 3, 5, 7, 10)  # working days that a term may be put off by
NOT_PUBLIC = ("words", "address", "lon", "lat", "title")  # until somebody has looked at it and published it
CLOSED = tuple(status for status in STATUSES if STAGES[status] >= STAGES["published"])
OPEN = tuple(status for status in STATUSES if status not in CLOSED)


@dataclass
class Pace:
    """How often each person may come: so many times in any 60 seconds; who was quiet longest is forgotten."""

    per_minute: int
    _seen: "OrderedDict[str, deque[float]]" = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def wait_s(self, person: str, now: float | None = None) -> int:
        """0 when it may come now, which counts; else after how many seconds."""
        now = time.monotonic() if now is None else now
        with self._lock:
            times = self._seen.setdefault(person, deque())
            self._seen.move_to_end(person)
            while times and now - times[0] >= 60:
                times.popleft()
            if len(times) >= self.per_minute:
                return max(1, int(60 - (now - times[0])) + 1)
            times.append(now)
            if len(self._seen) > PEOPLE_MOST:
                self._seen.popitem(last=False)
        return 0


@dataclass(frozen=True)
class ReportDoor:
    """Where reports come in from other systems, each with its key."""

    site: Site
    door: Door
    pace: Pace = field(default_factory=lambda: Pace(PERSON_PER_MINUTE))

    def admit(self, token: str | None) -> Key:
        """The key of a request, which counts against what it may ask in a minute. Raises Denied."""
        return self.door.admit(token, REPORT)

    def slow(self, key: Key, person: str | None) -> None:
        """Raises Denied (429) for a person, by account or device, who comes too often; all others are not slowed.

        What comes with a key and names nobody counts against the key's own limit alone.
        """
        wait = self.pace.wait_s(f"{key.sender} {person}"[:200]) if person else 0
        if wait:
            raise Denied(429, f"at most {self.pace.per_minute} reports a minute from one person", wait)

    def bring(self, key: Key, sent: Sent, answers: Mapping[str, Sequence[str]]) -> tuple[str, str]:
        """Keep a report; its number and its sender's secret. Raises Wrong, and Denied while the database is away."""
        try:
            with self.site.engine.connect() as connection, giving_way(connection, STORE_WAITS_MS):
                kind = next((one for one in categories(connection) if one.key == sent.category), None)
                given = answered(kind, answers) if kind else {}
                told = Sent(**{**vars(sent), "attributes": {**sent.attributes, **given}})
                now = datetime.now(UTC)
                made = receive(connection, told, Actor(key.sender, "system"), now)
                tally(connection, key.sender, None, now)
                return made
        except DATABASE_AWAY:
            raise away("the database") from None

    def refuse(self, key: Key, reason: str, given: Mapping[str, str]) -> None:
        """Count a report that is not taken, and keep what it said as a dead letter: nothing in it tells who sent it."""
        now = datetime.now(UTC)
        with (
            suppress(*DATABASE_AWAY),
            self.site.engine.connect() as connection,
            giving_way(connection, STORE_WAITS_MS),
        ):
            account.keep_letters(connection, f"report.push.{key.sender}", [(reason, letter(given))], now)
            tally(connection, key.sender, reason, now)


def tally(connection: sa.Connection, sender: str, reason: str | None, now: datetime, n: int = 1) -> None:
    """Count reports of a sender: taken ones, or by the reason why they were not."""
    told = {"sender": sender, "expected": EXPECTED_S, "reason": reason, "n": n, "at": now}
    connection.execute(sa.text("SELECT count_report(:sender, :expected, :reason, :n, :at)"), told)


def letter(given: Mapping[str, str]) -> bytes:
    """What is kept of a report that was not taken: nothing in it tells who sent it."""
    kept = {name: shown(given[name]) for name in KEPT if name in given}
    return json.dumps(kept, ensure_ascii=False).encode()


def offered(site: Site) -> list[Category]:
    """What may be reported now."""
    with site.engine.connect() as connection:
        return categories(connection)


def communes(site: Site) -> Sequence[Area]:
    """Where reports may come from."""
    with site.engine.connect() as connection:
        return areas(connection)


def unit_names(site: Site) -> Mapping[str, str]:
    """The units' Vietnamese names."""
    with site.engine.connect() as connection:
        return {row["key"]: row["name_vi"] for row in units(connection)}


def listed(site: Site, wanted: Wanted, limit: int, public: bool = True) -> list[Row]:
    """Reports that are wanted, in their order; where `public`, of what is not published no words and no place."""
    with site.engine.connect() as connection:
        rows = report_list.reports(connection, wanted, limit)
        keys = [row["id"] for row in rows if not public or told(row)]
        told_by = report_public if public else report_list
        replies, photos = told_by.answers(connection, keys), told_by.first_photos(connection, keys)
        more = [{"answer": replies.get(row["id"]), "photo": photos.get(row["id"])} for row in rows]
        return [{**(seen(row) if public else row), **own} for row, own in zip(rows, more, strict=True)]


def seen(row: Row) -> Row:
    """A report as everybody may see it."""
    hidden: dict[str, Any] = {} if told(row) else dict.fromkeys(NOT_PUBLIC)
    return {**row, **hidden}


def told(row: Row) -> bool:
    """Whether a report is published."""
    return row["published_at"] is not None and row["status"] not in report_public.ASIDE


def one(site: Site, key: str) -> Row:
    """A report with all that was done about it. Raises NoReport."""
    with site.engine.connect() as connection:
        return report_list.one_report(connection, key)


def act(site: Site, key: str, step: Step) -> Row:
    """One deed; the report after it. Raises NoReport, Stale, Wrong."""

    def change(connection: sa.Connection, now: datetime) -> Row:
        report_work.act(connection, key, step, now)
        return report_list.one_report(connection, key)

    return deed(site.engine, change)


def enter(site: Site, sent: Sent, actor: Actor) -> Row:
    """What somebody at the desk or the hotline writes down for a citizen; `secret` is theirs. Raises Wrong."""

    def change(connection: sa.Connection, now: datetime) -> Row:
        key, secret = receive(connection, sent, actor, now)
        return {**report_list.one_report(connection, key), "secret": secret}

    return deed(site.engine, change)


def rate(site: Site, key: str, secret: str, score: int, words: str | None) -> None:
    """What its sender says of the answer. Raises NoReport, Stale, Wrong."""
    deed(site.engine, lambda connection, now: report_work.rate(connection, key, secret, score, words, now))


def inbox(site: Site, unit: str) -> list[Row]:
    """What a unit has to do, what is due first at the top."""
    with site.engine.connect() as connection:
        return report_list.inbox(connection, unit)


def standing(site: Site) -> Row:
    """How many reports there are of each status, and how each unit stands."""
    with site.engine.connect() as connection:
        return {"statuses": report_list.counted(connection), "units": report_list.standing(connection)}


def counted(site: Site, wanted: Wanted) -> Mapping[str, int]:
    """How many of the reports that are wanted there are of each status."""
    with site.engine.connect() as connection:
        return report_list.counted(connection, wanted)


def measures(site: Site) -> Row:
    """The figures of the service as its layer names them, how each unit stands, and when that was so."""
    layer = site.layer(REPORT.name)
    with site.engine.connect() as connection:
        values = kpi_values(connection, layer) if layer else {}
        titled = [
            {"name": kpi.name, "vi": kpi.vi, "en": kpi.en, "unit": kpi.unit, "value": values[kpi.name]}
            for kpi in (layer.kpis if layer else ())
        ]
        held, at = figures(connection), datetime.now(UTC)
        aims = {name: held.at(f"report_{name}_aim", at).value for name in AIMED}
        return {
            "at": at,
            "source": REPORT.name,
            "kpis": titled,
            "aims": aims,
            "units": report_list.standing(connection),
        }


def terms(site: Site, key: str) -> Row:
    """How many working days a report has left, when each track would have it due, and what more days would make of it.

    Raises NoReport.
    """
    with site.engine.connect() as connection:
        row, now = report_list.one_report(connection, key), datetime.now(UTC)
        kept = law(connection, now)
        begun = max((line["at"] for line in row["log"] if line["deed"] in BEGINNINGS), default=row["opened_at"])
        end = row["due_at"] or now
        tracks = {track: kept.times(begun, track, row["category"])["due_at"] for track in TRACKS}
        # A term ends with its last day, which is the next one's first moment: what is added begins on that last day.
        last = max(end - timedelta(seconds=1), now)
        more = {days: due(last, Term(days, "wd"), kept.calendar) for days in EXTENSIONS}
        days = last.astimezone(ZONE).date(), more[EXTENSIONS[-1]].astimezone(ZONE).date()
        left = kept.calendar.between(now, end) if end > now else 0
        return {
            "due_at": row["due_at"], "left_wd": left, "tracks": tracks, "more": more,
            "lacks": kept.calendar.lacks(*days),
        }  # fmt: skip


def near(site: Site, key: str) -> list[Suggestion]:
    """What a report may be the same as, the likest first."""
    with site.engine.connect() as connection:
        return report_near.suggestions(connection, key, figures(connection), datetime.now(UTC))


def add_photo(site: Site, key: str, part: str, made: Photo, actor: Actor) -> str:
    """Keep a photograph that was drawn anew; its name. Raises NoReport, Wrong."""
    return deed(site.engine, lambda connection, now: report_photo.keep(connection, key, part, made, actor, now))


def withhold(site: Site, name: str, withheld: bool, actor: Actor) -> None:
    """Show a photograph to nobody outside, or again. Raises NoPhoto."""
    deed(site.engine, lambda connection, now: report_public.withhold(connection, name, withheld, actor, now))


def picture(site: Site, name: str) -> bytes:
    """A photograph by its name. Raises NoPhoto."""
    with site.engine.connect() as connection:
        return report_photo.picture(connection, name)
