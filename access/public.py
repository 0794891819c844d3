"""What everybody may do with field reports without logging in: read what is published, send one, follow and rate it."""

import io
import json
import time
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock

import sqlalchemy as sa
from PIL import Image

from access.push import DATABASE_AWAY
from access.report import Pace, letter, tally
from access.site import Site
from geo import account, report_public, report_work
from geo.actor import Actor
from geo.figure import figures
from geo.photo import Photo, drawn
from geo.report_category import Category, answered, categories
from geo.report_photo import keep
from geo.report_public import Asked, Row
from geo.report_receive import AGO_MOST, AHEAD_MOST, Reporter, Sent, check, receive
from geo.wrong import Wrong
from geo.yielding import deed, giving_way

PAGE = 20
SENDER = "public"
SOURCE = f"report.push.{SENDER}"
ADDRESS_PER_MINUTE = 10  # reports of one address on the net; of a village behind one, others wait a minute
LOOKS_PER_MINUTE = 60  # of one address with numbers and secrets
TOTALS_S, PLACES_S = 60.0, 3600.0
SMALL_SIDE = 480
SMALL_MOST = 300  # small pictures kept at hand, of about 30 kB each
WAITS_MS = 3_000
CITIZEN = Actor("người phản ánh", "system")


@dataclass(frozen=True)
class Told:
    """What a citizen filled in. seen_at: when they saw it, None for now; answers: to what the category asks."""

    category: str
    words: str
    address: str | None
    lon: float | None
    lat: float | None
    seen_at: datetime | None
    reporter: Reporter
    answers: dict[str, list[str]]


@dataclass
class Board:
    """The public side of one web process: how often an address may come, and what is kept at hand."""

    site: Site
    pace: Pace = field(default_factory=lambda: Pace(ADDRESS_PER_MINUTE))
    looks: Pace = field(default_factory=lambda: Pace(LOOKS_PER_MINUTE))
    refused: "Counter[str]" = field(default_factory=Counter)
    _places: tuple[float, bytes] | None = None
    _totals: tuple[float, Row] | None = None
    _counting: Lock = field(default_factory=Lock)
    _small: "OrderedDict[str, bytes]" = field(default_factory=OrderedDict)
    _drawing: Lock = field(default_factory=Lock)

    def page(self, asked: Asked) -> list[Row]:
        """Published reports that are asked for: one more than a page has, where there are more."""
        with self.site.engine.connect() as connection:
            return report_public.page(connection, asked, PAGE + 1)

    def totals(self) -> Row:
        """How the city answers, at most a minute old; while they are counted again, the ones before."""
        kept = self._totals
        if kept is not None and time.monotonic() - kept[0] < TOTALS_S:
            return kept[1]
        if not self._counting.acquire(blocking=kept is None):
            assert kept is not None
            return kept[1]
        try:
            if self._totals is not kept and self._totals is not None:
                return self._totals[1]  # somebody else has counted while this one waited
            with self.site.engine.connect() as connection:
                told = report_public.totals(connection, datetime.now(UTC))
            self._totals = (time.monotonic(), told)
            return told
        finally:
            self._counting.release()

    def one(self, key: str) -> Row:
        """A published report. Raises NoReport."""
        with self.site.engine.connect() as connection:
            return report_public.one(connection, key)

    def picture(self, name: str, small: bool) -> bytes:
        """A published photograph, whole or at most SMALL_SIDE pixels a side. Raises NoPhoto."""
        with self.site.engine.connect() as connection:
            kept = self._small.get(name) if small else None
            if kept is not None and report_public.shown(connection, name):
                return kept
            whole = report_public.picture(connection, name)
        if not small:
            return whole
        made = _smaller(whole)
        with self._drawing:
            self._small[name] = made
            while len(self._small) > SMALL_MOST:
                self._small.popitem(last=False)
        return made

    def offered(self) -> list[Category]:
        """What may be reported now."""
        with self.site.engine.connect() as connection:
            return categories(connection)

    def photos_most(self) -> int:
        """How many photographs a report may have."""
        with self.site.engine.connect() as connection:
            return int(figures(connection).at("report_photos_most", datetime.now(UTC)).value)

    def places(self) -> bytes:
        """The communes' outlines for a small map, as JSON; of the tile service of the settings, if there is one."""
        kept = self._places
        if kept is None or time.monotonic() - kept[0] > PLACES_S:
            with self.site.engine.connect() as connection:
                lat, lon, _ = self.site.view
                told = report_public.places(connection, lon, lat)
            url = self.site.basemap_url or ""
            tiles = url if "{z}" in url else None
            kept = self._places = (time.monotonic(), json.dumps({**told, "tiles": tiles}, ensure_ascii=False).encode())
        return kept[1]

    def check(self, told: Told) -> None:
        """Raises Wrong for what cannot be kept: before its photographs are drawn, which takes longest."""
        now = datetime.now(UTC)
        with self.site.engine.connect() as connection:
            check(connection, _sent(connection, told, now), now)

    def draw(self, photos: Sequence[bytes]) -> list[Photo]:
        """The photographs of a report; whoever asks has a turn (access.drawing). Raises Wrong."""
        return [_drawn(number, data, len(photos)) for number, data in enumerate(photos, 1)]

    def send(self, told: Told, photos: Sequence[Photo]) -> tuple[str, str]:
        """Keep a report with its photographs, all or nothing; its number and its sender's secret. Raises Wrong."""

        def change(connection: sa.Connection, now: datetime) -> tuple[str, str]:
            key, secret = receive(connection, _sent(connection, told, now), CITIZEN, now)
            for photo in photos:
                keep(connection, key, "report", photo, CITIZEN, now)
            tally(connection, SENDER, None, now)
            return key, secret

        return deed(self.site.engine, change)

    def refuse(self, reason: str, given: Mapping[str, str] | None = None) -> None:
        """Count a report that is not taken, and keep what it said where it was read. It never fails."""
        if given is None:
            self.refused[reason] += 1  # many at once are written down together, by count_refused
            return
        now = datetime.now(UTC)
        try:
            with self.site.engine.connect() as connection, giving_way(connection, WAITS_MS):
                account.keep_letters(connection, SOURCE, [(reason, letter(given))], now)
                tally(connection, SENDER, reason, now)
        except DATABASE_AWAY:
            self.refused[reason] += 1

    def count_refused(self) -> None:
        """Write down how many were not taken since the last time; what cannot be written now is kept for the next."""
        taken, self.refused = self.refused, Counter()
        now = datetime.now(UTC)
        try:
            with self.site.engine.connect() as connection, giving_way(connection, WAITS_MS):
                for reason, n in taken.items():
                    tally(connection, SENDER, reason, now, n)
        except DATABASE_AWAY:
            self.refused.update(taken)

    def followed(self, key: str, secret: str) -> Row:
        """Where a report stands, for its sender. Raises NoReport."""
        with self.site.engine.connect() as connection:
            return report_public.followed(connection, key, secret)

    def rate(self, key: str, secret: str, score: int, words: str | None) -> None:
        """What its sender says of the answer, once. Raises NoReport, Stale, Wrong."""
        deed(self.site.engine, lambda connection, now: report_work.rate(connection, key, secret, score, words, now))


def _sent(connection: sa.Connection, told: Told, now: datetime) -> Sent:
    if told.seen_at is not None and told.seen_at < now - AGO_MOST:
        raise Wrong("sent_at", f"Nhiều nhất {AGO_MOST.days} ngày trước", f"at most {AGO_MOST.days} days ago")
    if told.seen_at is not None and told.seen_at > now + AHEAD_MOST:
        raise Wrong("sent_at", "Giờ này chưa tới", "it is still to come")
    kind = next((one for one in categories(connection) if one.key == told.category), None)
    given = answered(kind, told.answers) if kind else {}
    return Sent(
        told.category, told.words, "web", now, told.lon, told.lat, told.address, told.reporter, given,
        seen_at=told.seen_at,
    )  # fmt: skip


def _drawn(number: int, data: bytes, of: int) -> Photo:
    try:
        return drawn(data)
    except Wrong as wrong:
        if of == 1:
            raise
        raise Wrong(wrong.field, f"Ảnh thứ {number}: {wrong.vi}", f"photograph {number}: {wrong.en}") from None


def _smaller(data: bytes) -> bytes:
    """Of a JPEG that was drawn here; what strangers sent is read by nothing but geo/photo_child.py."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as whole:
        whole.draft("RGB", (SMALL_SIDE, SMALL_SIDE))
        whole.thumbnail((SMALL_SIDE, SMALL_SIDE))
        made = io.BytesIO()
        whole.save(made, "JPEG", quality=75)
    return made.getvalue()
