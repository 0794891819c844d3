"""What is done about a field report: one deed after the other, each by somebody, with its line in the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo import table
from geo.actor import SYSTEM, Actor
from geo.report import (
    DEEDS,
    HANDLED,
    NOTE_MOST,
    ON_TIME,
    OVERDUE,
    REJECTIONS,
    RUNNING,
    STAGES,
    TEXT_MOST,
    TRACKS,
    WARNED,
    report,
    report_assignment,
    report_entry,
    report_rating,
    report_reply,
)
from geo.report_receive import Row, digest, law, log, on_land, point
from geo.report_text import plain, shown
from geo.wrong import Wrong

LATE_AT_ONCE = 500
DUE_MOST = timedelta(days=366)  # each day of a term is counted while the report is locked


class NoReport(LookupError):
    """There is no such report."""


class Stale(Exception):
    """Somebody was first, or the report is not where the deed begins; the message says who, when, and what it is."""


@dataclass(frozen=True)
class Step:
    """One deed: who does what to which version, and what they say with it (geo.report.Deed.needs)."""

    deed: str
    actor: Actor
    version: int
    reason: str | None = None
    choice: str | None = None
    unit: str | None = None
    words: str | None = None
    track: str | None = None
    into: str | None = None
    due: datetime | None = None
    lon: float | None = None
    lat: float | None = None


def act(connection: sa.Connection, key: str, step: Step, now: datetime) -> None:
    """Do it. Raises NoReport, Stale, Wrong."""
    if step.deed not in DEEDS:
        raise Wrong("deed", "Không có việc này", f"one of {', '.join(DEEDS)}")
    deed = DEEDS[step.deed]
    said = _said(connection, step, now)
    # The one that others are merged into is locked with it, both in the order of their numbers.
    rows = held(connection, [key, step.into] if step.into and step.deed == "merge" else [key])
    row = rows.get(key)
    if row is None:
        raise NoReport(f"there is no report {key[:40]}")
    if row["version"] != step.version or row["status"] not in deed.before:
        raise Stale(_last(connection, row))
    change, data = _DONE.get(step.deed, _nothing)(connection, row, step, said, now)
    after = change.pop("status", None) or deed.after or row["status"]
    if row["status"] in HANDLED and (after not in HANDLED or step.deed == "transfer"):
        _end_assignment(connection, key, step.deed, now)
    if step.deed in ("assign", "transfer"):
        given = {"report_id": key, "unit": said["unit"], "given_at": now, "given_by": step.actor.name}
        connection.execute(
            sa.insert(report_assignment).values({**given, "due_at": change.get("due_at", row["due_at"])})
        )
    if row["status"] in RUNNING and after not in RUNNING:
        change["late"] = ON_TIME if row["due_at"] is None or now <= row["due_at"] else OVERDUE
    _change(connection, row, now, status=after, stage=STAGES[after], **change)
    log(connection, key, step.deed, after, step.actor, now, said.get("reason"), said.get("unit"), data)


def held(connection: sa.Connection, keys: list[str]) -> dict[str, Row]:
    """Reports by their numbers, locked in the order of them."""
    query = sa.select(report).where(report.c.id.in_(keys)).order_by(report.c.id).with_for_update()
    return {row["id"]: dict(row) for row in connection.execute(query).mappings()}


def _last(connection: sa.Connection, row: Row) -> str:
    column = report_entry.c
    query = sa.select(column.actor, column.at).where(column.report_id == row["id"]).order_by(column.id.desc()).limit(1)
    line = connection.execute(query).one_or_none()
    by = f", by {line.actor} at {line.at:%FT%TZ}" if line else ""
    return f"report {row['id']} is {row['status']} in version {row['version']}{by}"


def _said(connection: sa.Connection, step: Step, now: datetime) -> Row:
    """What is said with a deed, checked. Raises Wrong."""
    needs = DEEDS[step.deed].needs
    reason, words = (
        plain(step.reason, "reason", NOTE_MOST, lines=True),
        plain(step.words, "words", TEXT_MOST, lines=True),
    )
    if reason is None and ("reason" in needs or (step.deed, step.choice) == ("reject", "other")):
        raise Wrong("reason", "Hãy ghi lý do", "say why")
    if "words" in needs and words is None:
        raise Wrong("words", "Hãy ghi nội dung trả lời", "say what is answered")
    if "choice" in needs and step.choice not in REJECTIONS:
        raise Wrong("choice", "Chọn lý do", f"one of {', '.join(REJECTIONS)}")
    if "track" in needs and step.track not in TRACKS:
        raise Wrong("track", "Chọn luồng xử lý", f"one of {', '.join(TRACKS)}")
    if "due" in needs and (step.due is None or step.due <= now):
        raise Wrong("due", "Thời hạn mới phải ở sau lúc này", "a moment that is still to come")
    if "due" in needs and step.due is not None and step.due > now + DUE_MOST:
        raise Wrong("due", f"Nhiều nhất {DUE_MOST.days} ngày nữa", f"at most {DUE_MOST.days} days from now")
    if "unit" in needs:
        known = sa.select(table.unit.c.key).where(table.unit.c.key == step.unit)
        if step.unit is None or connection.scalar(known) is None:
            raise Wrong("unit", "Chọn đơn vị", "there is no such unit: /api/v1/units lists them")
    if "place" in needs:
        if step.lon is None or step.lat is None:
            raise Wrong("place", "Hãy chọn vị trí", "a longitude and a latitude")
        on_land(connection, step.lon, step.lat)
    if "into" in needs and not step.into:
        raise Wrong("into", "Chọn phản ánh gốc", "the report that this one is the same as")
    return {
        "reason": reason and shown(reason),
        "words": words and shown(words),
        "unit": step.unit if "unit" in needs else None,
    }


# What each deed changes beside the status, and what its line keeps: (row, step, said) -> (columns, data).
_Done = tuple[Row, Row | None]


def _nothing(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    return {}, None


def _gives(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    return {"unit": said["unit"]}, {"from": row["unit"]} if row["unit"] else None


def _replies(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    line = {"report_id": row["id"], "unit": row["unit"], "words": said["words"], "at": now}
    by = {"actor": step.actor.name, "actor_kind": step.actor.kind}
    made = connection.execute(sa.insert(report_reply).values({**line, **by}).returning(report_reply.c.id))
    return {"replied_at": now}, {"reply": made.scalar_one()}


def _sends_back(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    given = {"report_id": row["id"], "unit": row["unit"], "given_at": now, "given_by": step.actor.name}
    connection.execute(sa.insert(report_assignment).values({**given, "due_at": row["due_at"]}))
    return {"replied_at": None, **_lateness(row, row["due_at"], row["warn_at"], now)}, None


def _closes(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    return {"closed_at": now}, None


def _rejects(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    return {"closed_at": now}, {"choice": step.choice}


def _publishes(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    return {"published_at": now}, None


def _reopens(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    times = law(connection, now).times(now, row["track"], row["category"])
    return {**times, "closed_at": None, "replied_at": None, "late": ON_TIME}, {"due_was": _iso(row["due_at"])}


def _extends(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    assert step.due is not None
    times = law(connection, now).until(_begun(connection, row), step.due, row["track"], row["category"])
    return _retimed(connection, row, times, now), {"due_was": _iso(row["due_at"]), "due": _iso(step.due)}


def _tracks(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    assert step.track is not None
    times = law(connection, now).times(_begun(connection, row), step.track, row["category"])
    data = {"track_was": row["track"], "track": step.track, "due_was": _iso(row["due_at"])}
    return {"track": step.track, **_retimed(connection, row, times, now)}, data


def _retimed(connection: sa.Connection, row: Row, times: Row, now: datetime) -> Row:
    open_one = report_assignment.c.report_id == row["id"], report_assignment.c.ended_at.is_(None)
    connection.execute(sa.update(report_assignment).where(*open_one).values(due_at=times["due_at"]))
    return {**times, **_lateness(row, times["due_at"], times["warn_at"], now)}


def _lateness(row: Row, due_at: datetime | None, warn_at: datetime | None, now: datetime) -> Row:
    late = OVERDUE if due_at and now >= due_at else WARNED if warn_at and now >= warn_at else ON_TIME
    return {"late": late}


def _begun(connection: sa.Connection, row: Row) -> datetime:
    """When the term of a report began: when it was received, or opened again."""
    column = report_entry.c
    query = sa.select(sa.func.max(column.at)).where(
        column.report_id == row["id"], column.deed.in_(("receive", "reopen"))
    )
    began: datetime | None = connection.scalar(query)
    return began or row["opened_at"]


def _places(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    was = sa.select(sa.func.ST_X(report.c.geom), sa.func.ST_Y(report.c.geom)).where(report.c.id == row["id"])
    lon, lat = connection.execute(was).one()
    data = {"lon": step.lon, "lat": step.lat, "lon_was": lon, "lat_was": lat}
    return {"geom": point(step.lon, step.lat)}, data


def _merges(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    """It stays whole under its number and points to the other one, which must not be merged itself."""
    other = connection.execute(sa.select(report).where(report.c.id == step.into)).mappings().one_or_none()
    if other is None or other["id"] == row["id"]:
        raise Wrong("into", "Không có phản ánh này", f"there is no other report {(step.into or '')[:40]}")
    if other["status"] in ("merged", "rejected"):
        raise Wrong(
            "into", f"Phản ánh {other['id']} đã gộp hoặc bị từ chối", f"report {other['id']} is {other['status']}"
        )
    if connection.scalar(sa.select(report.c.id).where(report.c.merged_into == row["id"]).limit(1)) is not None:
        raise Wrong("into", "Có phản ánh khác đã gộp vào đây", "others are merged into this one: take them apart first")
    data = {"into": other["id"], "status_was": row["status"], "late_was": row["late"], "unit_was": row["unit"]}
    return {"merged_into": other["id"], "closed_at": now}, data


def _unmerges(connection: sa.Connection, row: Row, step: Step, said: Row, now: datetime) -> _Done:
    """What it was before, from the line of the merge; a unit that had it has it again."""
    column = report_entry.c
    query = sa.select(column.data).where(column.report_id == row["id"], column.deed == "merge")
    was = connection.scalars(query.order_by(column.id.desc()).limit(1)).one()
    status = str(was["status_was"])
    if status in HANDLED:
        given = {"report_id": row["id"], "unit": was["unit_was"], "given_at": now, "given_by": step.actor.name}
        connection.execute(sa.insert(report_assignment).values({**given, "due_at": row["due_at"]}))
    late = _lateness(row, row["due_at"], row["warn_at"], now)
    return {"status": status, "merged_into": None, "closed_at": None, **late}, {"from": was["into"]}


_DONE: Mapping[str, Any] = {
    "assign": _gives, "transfer": _gives, "reply": _replies, "send_back": _sends_back, "close": _closes,
    "reject": _rejects, "publish": _publishes, "reopen": _reopens, "extend": _extends, "track": _tracks,
    "place": _places, "merge": _merges, "unmerge": _unmerges,
}  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _end_assignment(connection: sa.Connection, key: str, how: str, now: datetime) -> None:
    column = report_assignment.c
    ended = sa.update(report_assignment).where(column.report_id == key, column.ended_at.is_(None))
    connection.execute(ended.values(ended_at=now, ended_how=how))


def _change(connection: sa.Connection, row: Row, now: datetime, **values: Any) -> None:
    """Every change is a new version; received_at is by what maps find out that there is one."""
    own = {"version": row["version"] + 1, **later(now)}
    connection.execute(sa.update(report).where(report.c.id == row["id"]).values({**values, **own}))


def later(now: datetime) -> Row:
    """The columns by which maps find a change. `now` was taken before the row was locked, and may be older than it."""
    column = report.c
    after = sa.func.greatest(column.observed_at + timedelta(microseconds=1), now)
    return {"observed_at": after, "received_at": sa.func.greatest(column.received_at, now)}


def rate(connection: sa.Connection, key: str, secret: str, score: int, words: str | None, now: datetime) -> None:
    """What the sender says of the answer, once, 1 to 5. Raises NoReport (also for a wrong secret), Stale, Wrong."""
    row = held(connection, [key]).get(key)
    known = connection.scalar(sa.text("SELECT sent_by(:key, :digest)"), {"key": key, "digest": digest(secret)})
    if row is None or not known:
        raise NoReport("there is no such report, or its secret is another one")
    if score not in range(1, 6):
        raise Wrong("score", "Từ 1 đến 5", "from 1 to 5")
    if row["status"] not in ("published", "closed"):
        raise Stale(f"report {key} is {row['status']}: only what was answered is rated")
    said = plain(words, "words", NOTE_MOST, lines=True)
    values = {"report_id": key, "score": score, "words": said and shown(said), "at": now}
    taken = connection.scalar(sa.select(report_rating.c.report_id).where(report_rating.c.report_id == key))
    if taken is not None:
        raise Stale(f"report {key} was rated already")
    connection.execute(sa.insert(report_rating).values(values))
    _change(connection, row, now, rating=score)
    log(connection, key, "rate", row["status"], Actor("người phản ánh", "system"), now, data={"score": score})


def tell_late(connection: sa.Connection, now: datetime) -> int:
    """Warn of what has used up its share of the time, and say what is overdue, each once; how many."""
    column = report.c
    late = sa.case((column.due_at <= now, OVERDUE), else_=WARNED)
    query = (
        sa.select(column.id, column.status, column.version, late.label("now_late"))
        .where(column.stage < len(RUNNING), column.due_at.is_not(None))
        .where(sa.or_(
            sa.and_(column.due_at <= now, column.late < OVERDUE),
            sa.and_(column.warn_at <= now, column.late < WARNED),
        ))
        .order_by(column.id).limit(LATE_AT_ONCE).with_for_update(skip_locked=True)
    )  # fmt: skip
    rows = connection.execute(query).mappings().all()
    for row in rows:
        # Not a new version: nobody's look at the report is out of date because time has passed.
        told = sa.update(report).where(column.id == row["id"])
        connection.execute(told.values(late=row["now_late"], **later(now)))
        deed = "overdue" if row["now_late"] == OVERDUE else "warn"
        log(connection, row["id"], deed, row["status"], SYSTEM, now)
    return len(rows)
