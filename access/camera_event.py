"""Cameras' events as others push them and as screens are given them: stored at once, plates masked everywhere."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Any

import sqlalchemy as sa

from access.push import DATABASE_AWAY, UNREAD_LETTERS, UNREAD_MAX, Door, Reject, Taken, away
from access.site import Site
from geo import account, camera_review
from geo.actor import Actor
from geo.api_key import Key
from geo.camera_event import without, without_plates
from geo.camera_review import Row, Wanted
from geo.outgoing import Outgoing, OutgoingError
from geo.yielding import deed, giving_way
from ingest.camera_event import NAME, PLATE_AS_CAMERA, PUSH
from ingest.feed import RECORD_ID
from ingest.push import Judged, judge, unread

EVENTS = NAME  # what their sources' names begin with
EXPECTED_S = 3600.0  # at night cameras see little
STORE_WAITS_MS = 5_000
PICTURE_BYTES_MAX, PICTURES_AT_ONCE = 5 << 20, 8
# What a picture begins with; nothing else is handed on, whatever its sender calls it.
PICTURES: Mapping[bytes, str] = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


_COUNT = sa.text(
    "SELECT count_events(:sender, :expected, CAST(:counts AS jsonb), CAST(:refused AS jsonb),"
    " CAST(:heard AS timestamptz))"
)


class NoPicture(Exception):
    """The picture cannot be shown; the message says why and what to do."""


@dataclass(frozen=True)
class EventDoor(Door):
    """The door for events: whoever has a key for them. They are in the database when it answers."""

    def take(self, key: Key, layer: Any, records: Sequence[Any], idempotency: str | None) -> Taken:
        """Judge each record and store what is good in one transaction with the account. Raises Denied."""
        now = datetime.now(UTC)
        found = self._of_cameras([judge(PUSH, told, {}, now.timestamp()) for told in records])
        rows: dict[str, Row] = {}
        taken = Taken(received=len(found))
        for index, each in enumerate(found):
            if each.row is None:
                taken.rejected.append(Reject(index, each.record_id, each.reason or ""))
            elif each.row[RECORD_ID.name] not in rows:
                rows[each.row[RECORD_ID.name]] = _event(each.row)
        letters = [(each.reason, _letter(told, each)) for told, each in zip(records, found, strict=True) if each.reason]
        taken.accepted = self._keep_events(key, list(rows.values()), taken, letters, now)
        taken.already = taken.received - taken.accepted - len(taken.rejected)
        taken.unread = [name[:UNREAD_LETTERS] for name in unread(PUSH, records)[:UNREAD_MAX]]
        return taken

    def refuse(self, key: Key, layer: Any, body: bytes, reason: str) -> None:
        """Count a body that cannot be read as one reject, and keep its beginning. Raises Denied."""
        text = without_plates(body[: 2 * account.LETTER_BYTES].decode("utf-8", "replace"))
        counted = Taken(received=1, rejected=[Reject(0, None, reason)])
        self._keep_events(key, [], counted, [(reason, text.encode())], datetime.now(UTC))

    def _of_cameras(self, found: Sequence[Judged]) -> Sequence[Judged]:
        """Refused is a camera that looks like a plate, which everybody would read, unless the register has it.

        Raises Denied.
        """
        told = {row["camera"] for each in found if (row := each.row) and without_plates(row["camera"]) != row["camera"]}
        if not told:
            return found
        try:
            with self.site.engine.connect() as connection:
                strange = told - _names(connection, self.site, told).keys()
        except DATABASE_AWAY:
            raise away("the database") from None
        return [
            Judged(each.line, None, PLATE_AS_CAMERA, row[RECORD_ID.name])
            if (row := each.row) and row["camera"] in strange
            else each
            for each in found
        ]

    def _keep_events(
        self, key: Key, rows: Sequence[Row], taken: Taken, letters: Sequence[tuple[str, bytes]], now: datetime
    ) -> int:
        """How many of the events are new."""
        source = f"{NAME}.push.{key.sender}"
        try:
            with self.site.engine.connect() as connection, giving_way(connection, STORE_WAITS_MS):
                new = camera_review.store(connection, key.sender, rows, now)
                account.keep_letters(connection, source, letters, now)
                good = taken.received - len(taken.rejected)
                counts = {"received": taken.received, "accepted": good, "messages": good, "rows": new}
                told = {"sender": key.sender, "expected": EXPECTED_S, "heard": now if good else None}
                told["counts"] = json.dumps({**counts, "duplicates": good - new})
                told["refused"] = json.dumps(Counter(each.reason for each in taken.rejected))
                connection.execute(_COUNT, told)
        except DATABASE_AWAY:
            raise away("the database") from None
        return new


def _event(row: Mapping[str, Any]) -> Row:
    rest = {name: value for name, value in row.items() if name != "observed_at"}
    return {**rest, "occurred_at": datetime.fromtimestamp(row["observed_at"], UTC)}


def _letter(told: Any, judged: Judged) -> bytes:
    """A refused record as it may be kept: without its plate, wherever in it that stands."""
    text = judged.line.decode("utf-8", "replace")
    plate = told.get("plate") if isinstance(told, dict) else None
    if isinstance(plate, str) and plate:
        text = without(text, plate)
    return without_plates(text).encode()


def listed(site: Site, wanted: Wanted, limit: int) -> list[Row]:
    """Events that are wanted, the newest first, each with the name of its camera; None: of no registered one."""
    with site.engine.connect() as connection:
        return _named(connection, site, camera_review.events(connection, wanted, limit))


def _named(connection: sa.Connection, site: Site, rows: Sequence[Row]) -> list[Row]:
    names = _names(connection, site, {row["camera"] for row in rows})
    return [{**row, "camera_name": names.get(row["camera"])} for row in rows]


def _names(connection: sa.Connection, site: Site, ids: Set[str]) -> dict[str, str]:
    """The names of those cameras that the register has."""
    layer = site.layer("camera")
    if layer is None or not ids:
        return {}
    column = layer.shape.latest.c
    query = sa.select(column.id, column.name).where(column.id.in_(ids))
    return {found.id: found.name or found.id for found in connection.execute(query)}


def counted(site: Site, wanted: Wanted) -> Row:
    """How many there are of each state and type."""
    with site.engine.connect() as connection:
        return camera_review.counts(connection, wanted)


def one(site: Site, event_id: int) -> Row:
    """One event with what was decided about it. Raises NoEvent."""
    with site.engine.connect() as connection:
        return _named(connection, site, [camera_review.one_event(connection, event_id)])[0]


def decide(
    site: Site, event_id: int, what: str, version: int, actor: Actor, reason: str | None = None,
    note: str | None = None, unit: str | None = None,
) -> Row:  # fmt: skip
    """One step of an event's review; the event after it. Raises NoEvent, Stale, Wrong."""

    def act(connection: sa.Connection, now: datetime) -> Row:
        camera_review.decide(connection, event_id, what, version, actor, now, reason, note, unit)
        return _named(connection, site, [camera_review.one_event(connection, event_id)])[0]

    return deed(site.engine, act)


_asking = BoundedSemaphore(PICTURES_AT_ONCE)


def picture(site: Site, event_id: int) -> tuple[bytes, str]:
    """An event's picture and its type, fetched by the rules of what leaves the house. Raises NoEvent, NoPicture."""
    with site.engine.connect() as connection:
        address = camera_review.picture_of(connection, event_id)
    if address is None:
        raise NoPicture("its sender told of no picture")
    if not _asking.acquire(timeout=2):
        raise NoPicture("too many pictures are being fetched; ask again")
    try:
        answer = Outgoing(site.outgoing_allowed).request("GET", address, {}, most_bytes=PICTURE_BYTES_MAX + 1)
    except OutgoingError as error:
        raise NoPicture(str(error)) from None
    finally:
        _asking.release()
    if answer.status != 200 or answer.cut_off or len(answer.body) > PICTURE_BYTES_MAX:
        raise NoPicture(f"its sender answered {answer.status}, {len(answer.body)} bytes")
    kind = next((kind for begin, kind in PICTURES.items() if answer.body.startswith(begin)), None)
    if kind is None:
        raise NoPicture("what its sender answered is no JPEG or PNG picture")
    return answer.body, kind
