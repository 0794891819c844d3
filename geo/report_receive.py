"""How a field report is received: what it must say, what of it is shown, when it is due, and who may never be read."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import WKTElement

from geo.actor import Actor
from geo.calendar import ZONE
from geo.commune import commune_of
from geo.figure import Figures, NoFigure, figures
from geo.report import (
    ADDRESS_MOST,
    CHANNELS,
    NAME_MOST,
    ON_TIME,
    STAGES,
    TEXT_MOST,
    TITLE_MOST,
    report,
    report_category,
    report_entry,
    report_reporter,
)
from geo.report_text import plain, shown, titled
from geo.workday import Calendar, Term, calendar, due, term, warned
from geo.wrong import Wrong

Row = dict[str, Any]
AHEAD_MOST = timedelta(minutes=2)  # clocks differ
AGO_MOST = timedelta(days=30)  # so long ago it may have been sent or seen
LETTERS = "23456789BCDFGHJKMNPQRSTVWXYZ"  # none that is taken for another one, and no words


@dataclass(frozen=True)
class Reporter:
    """Who sent a report; it is written down and read by no program."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    account: str | None = None
    device: str | None = None
    media_url: str | None = None


@dataclass(frozen=True)
class Sent:
    """A report as it came. lon, lat: None where only an address was told; sent_at: when the citizen sent it.

    seen_at: when they say that they saw it; it is told to whoever works on it, and no term is reckoned from it.
    """

    category: str
    words: str
    channel: str
    sent_at: datetime
    lon: float | None = None
    lat: float | None = None
    address: str | None = None
    reporter: Reporter = field(default_factory=Reporter)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = False
    seen_at: datetime | None = None


@dataclass(frozen=True)
class Law:
    """What terms are reckoned by at a moment: the figures and the calendar."""

    figures: Figures
    calendar: Calendar
    at: datetime

    def term(self, track: str, category: str) -> Term:
        """How long a report of that track may take; a category may have a figure of its own."""
        try:
            return term(self.figures, f"report_{track}_due_{category}", self.at)
        except NoFigure:
            return term(self.figures, f"report_{track}_due", self.at)

    def times(self, start: datetime, track: str, category: str) -> Row:
        """due_at and warn_at of a term that begins at `start`."""
        return self.until(start, due(start, self.term(track, category), self.calendar), track, category)

    def until(self, start: datetime, end: datetime, track: str, category: str) -> Row:
        """The same of a term whose end was set."""
        share = self.figures.at("report_warn_share", self.at).value / 100
        return {"due_at": end, "warn_at": warned(start, end, self.term(track, category), self.calendar, share)}


def law(connection: sa.Connection, at: datetime) -> Law:
    """The figures and the calendar as they are at a moment."""
    held = figures(connection)
    return Law(held, calendar(connection, held, at), at)


def receive(connection: sa.Connection, sent: Sent, actor: Actor, now: datetime) -> tuple[str, str]:
    """Keep a report; its number, and the secret by which its sender proves to be that. Raises Wrong.

    Its words are kept as everybody may see them; where something was masked the whole ones stand with the sender.
    """
    words, row = _checked(connection, sent, now)
    key, secret = _number(now), secrets.token_urlsafe(18)
    kept = law(connection, now)
    track = row["track"]
    values = {
        "id": key, "geom": point(sent.lon, sent.lat), "observed_at": now, "received_at": now,
        "source": f"report.{sent.channel}", "simulated": sent.simulated, "status": "new", "stage": STAGES["new"],
        "opened_at": sent.sent_at, "title": titled(shown(words), TITLE_MOST), "category": sent.category, "track": track,
        "channel": sent.channel, "words": shown(words), "late": ON_TIME, "version": 1, "described_at": now,
        "address": _address(sent.address), **kept.times(now, track, sent.category),
    }  # fmt: skip
    connection.execute(sa.insert(report).values(values))
    who = _who(sent.reporter)
    own = {"report_id": key, "words": words if shown(words) != words else None, "secret": digest(secret), "at": now}
    connection.execute(sa.insert(report_reporter).values({**who, **own}))
    answers = {code: _masked(value) for code, value in sent.attributes.items()} or None
    told = {"channel": sent.channel, "attributes": answers, "sent_at": sent.sent_at.isoformat()}
    if sent.seen_at is not None:
        told["seen_at"] = sent.seen_at.isoformat()
    log(connection, key, "receive", "new", actor, now, data={name: one for name, one in told.items() if one})
    return key, secret


def check(connection: sa.Connection, sent: Sent, now: datetime) -> None:
    """Raises Wrong for what `receive` would not take."""
    _checked(connection, sent, now)
    _who(sent.reporter)


def _who(reporter: Reporter) -> Row:
    most = {"media_url": ADDRESS_MOST}
    return {name: plain(value, name, most.get(name, NAME_MOST)) for name, value in vars(reporter).items()}


def _masked(value: Any) -> Any:
    return shown(value) if isinstance(value, str) else [shown(each) for each in value]


def digest(secret: str) -> str:
    """The SHA-256 under which a sender's secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _number(now: datetime) -> str:
    """A number that can be said over the telephone and not guessed."""
    return f"PA{now.astimezone(ZONE):%y}-" + "".join(secrets.choice(LETTERS) for _ in range(8))


def _checked(connection: sa.Connection, sent: Sent, now: datetime) -> tuple[str, Row]:
    words = plain(sent.words, "words", TEXT_MOST, lines=True)
    if words is None:
        raise Wrong("words", "Hãy ghi nội dung phản ánh", "say what it is about")
    if sent.channel not in CHANNELS:
        raise Wrong("channel", f"Một trong: {', '.join(CHANNELS)}", f"one of {', '.join(CHANNELS)}")
    column = report_category.c
    query = sa.select(report_category).where(column.key == sent.category, column.retired_at.is_(None))
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise Wrong("category", "Không có lĩnh vực này", f"there is no category {sent.category[:40]!r}")
    if sent.sent_at > now + AHEAD_MOST:
        raise Wrong("sent_at", "Giờ này chưa tới", "it is still to come")
    if (sent.lon is None) != (sent.lat is None):
        raise Wrong("place", "Cần cả vĩ độ và kinh độ", "both a longitude and a latitude")
    if sent.lon is not None and sent.lat is not None:
        on_land(connection, sent.lon, sent.lat)
    elif not _address(sent.address):
        raise Wrong("place", "Hãy chọn vị trí hoặc ghi địa chỉ", "a place on the map, or an address")
    return words, dict(row)


def _address(text: str | None) -> str | None:
    told = plain(text, "address", ADDRESS_MOST)
    return told and shown(told)


def on_land(connection: sa.Connection, lon: float, lat: float) -> None:
    """Raises Wrong, which names the place, for one that lies in no commune of ours: at sea, abroad, or nowhere."""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90) or commune_of(connection, lon, lat).codes[0] is None:
        raise Wrong(
            "place", "Vị trí này ở ngoài địa bàn các xã, phường (ngoài biển hoặc nơi khác)",
            "it lies in none of the communes: at sea, or elsewhere",
        )  # fmt: skip


def point(lon: float | None, lat: float | None) -> WKTElement | None:
    """A place as the database takes it; None for none."""
    return None if lon is None or lat is None else WKTElement(f"POINT({lon!r} {lat!r})", srid=4326)


def log(
    connection: sa.Connection, key: str, deed: str, status: str, actor: Actor, now: datetime,
    reason: str | None = None, unit: str | None = None, data: Row | None = None,
) -> None:  # fmt: skip
    """Write a line of a report's log."""
    values = {"report_id": key, "deed": deed, "status": status, "reason": reason, "unit": unit, "data": data, "at": now}
    by = {"actor": actor.name, "actor_kind": actor.kind}
    connection.execute(sa.insert(report_entry).values({**values, **by}))
