"""A shift given over: what happened in it and what stands at its end, read from the journal; two sign it."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from geo import table
from geo.actor import Actor
from geo.rule import SEVERITIES
from geo.shift import Shift, shift_of

VERSION = 1  # of the content's form
LISTED = 200  # alarms that a section names; beyond it only its count tells of them, and the counts per rule
SECTIONS = ("open", "opened", "closed", "suppressed", "withdrawn", "escalated", "assigned")
STANDING = ("unacknowledged", "returned", "acknowledged", "shelved", "suppressed")
# Which line of the journal says who did it, when and why; of what is open or new, the acknowledgement.
_TOLD_BY = {
    "open": "acknowledge",
    "opened": "acknowledge",
    "closed": "acknowledge",
    "suppressed": "suppress",
    "withdrawn": "withdraw",
    "escalated": "escalate",
    "assigned": "assign",
}
Reason = Literal["gone", "not_begun", "given", "taken", "replaced", "same"]


class Refused(Exception):
    """A signature that cannot be given; `reason` says why, for the screen to put into words."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


# What became of every alarm that stood or changed in a shift, as it was at the end of it. An alarm that stood then
# either stands still or has a line since. A simulated day is told all at once when the demo starts, so its lines count
# at the event's own time; all others when they were written here, so that what came late is in the shift that saw it.
_STANDING = """
WITH touched AS (
    SELECT id FROM alarm
    WHERE withdrawn_at IS NULL AND (cleared_at IS NULL OR (acknowledged_at IS NULL AND latching))
    UNION
    SELECT id FROM alarm WHERE raised_at < CAST(:end AS timestamptz) + interval '1 day' -- whatever a clock was wrong by
        AND id IN (SELECT alarm_id FROM alarm_journal WHERE at >= :start)
), line AS (
    SELECT j.id, j.alarm_id, j.transition, j.data,
        CASE WHEN a.simulated THEN least(j.at, coalesce(j.observed_at, j.at)) ELSE j.at END AS moment
    FROM touched JOIN alarm a USING (id) JOIN alarm_journal j ON j.alarm_id = a.id
), past AS (
    SELECT alarm_id,
        min(moment) FILTER (WHERE transition = 'raise') AS opened_at,
        max(moment) FILTER (WHERE transition = 'clear') AS cleared_at,
        max(moment) FILTER (WHERE transition = 'acknowledge') AS acknowledged_at,
        max(moment) FILTER (WHERE transition = 'withdraw') AS withdrawn_at,
        max(moment) FILTER (WHERE transition = 'suppress') AS suppressed_at,
        max(moment) FILTER (WHERE transition = 'escalate') AS escalated_at,
        max(moment) FILTER (WHERE transition = 'assign') AS assigned_at,
        coalesce(max(id) FILTER (WHERE transition = 'acknowledge')
               > coalesce(max(id) FILTER (WHERE transition = 'step'), 0), false) AS acknowledged,
        coalesce(max(id) FILTER (WHERE transition = 'suppress')
               > coalesce(max(id) FILTER (WHERE transition = 'release'), 0), false) AS suppressed,
        coalesce(max(id) FILTER (WHERE transition = 'shelve')
               > coalesce(max(id) FILTER (WHERE transition = 'unshelve'), 0), false) AS shelved,
        (array_agg(data ->> 'until' ORDER BY id DESC) FILTER (WHERE transition = 'shelve'))[1] AS shelved_until
    FROM line WHERE moment < :end GROUP BY alarm_id HAVING bool_or(transition = 'raise')
), ended AS (
    SELECT past.*, a.rule_id, a.severity, a.simulated,
        CASE WHEN NOT a.latching OR past.cleared_at IS NULL THEN past.cleared_at
             WHEN past.acknowledged THEN greatest(past.cleared_at, past.acknowledged_at) END AS closed_at
    FROM past JOIN alarm a ON a.id = past.alarm_id
), standing AS MATERIALIZED (
    SELECT ended.*, rule.kind,
        opened_at >= :start AS opened,
        closed_at >= :start AND coalesce(closed_at < withdrawn_at, true) AS closed,
        withdrawn_at >= :start AS withdrawn,
        withdrawn_at >= :start AND coalesce(withdrawn_at <= closed_at, true) AS taken_back,
        escalated_at >= :start AS escalated,
        assigned_at >= :start AS assigned,
        opened_at < :start AND coalesce(least(closed_at, withdrawn_at) >= :start, true) AS carried,
        CASE WHEN withdrawn_at IS NOT NULL THEN 'withdrawn'
             WHEN closed_at IS NOT NULL THEN 'closed'
             WHEN shelved AND coalesce(CAST(shelved_until AS timestamptz) > :end, true) THEN 'shelved'
             WHEN suppressed THEN 'suppressed'
             WHEN cleared_at IS NOT NULL THEN 'returned'
             WHEN acknowledged THEN 'acknowledged' ELSE 'unacknowledged' END AS state
    FROM ended JOIN rule ON rule.id = ended.rule_id
)
"""

_TOTALS = sa.text(
    _STANDING
    + """
SELECT rule_id, severity, count(*) FILTER (WHERE carried) AS carried, count(*) FILTER (WHERE opened) AS opened,
    count(*) FILTER (WHERE closed) AS closed, count(*) FILTER (WHERE taken_back) AS withdrawn,
    count(*) FILTER (WHERE state = 'unacknowledged') AS unacknowledged,
    count(*) FILTER (WHERE state = 'returned') AS returned,
    count(*) FILTER (WHERE state = 'acknowledged') AS acknowledged,
    count(*) FILTER (WHERE state = 'shelved') AS shelved, count(*) FILTER (WHERE state = 'suppressed') AS suppressed,
    bool_or(simulated) AS simulated
FROM standing WHERE carried OR opened OR closed OR taken_back
GROUP BY rule_id, severity
"""
)

_PICKED = sa.text(
    _STANDING
    + """
, placed AS (
    SELECT section, standing.*,
        row_number() OVER (PARTITION BY section ORDER BY
            (section = 'open' AND kind = 'distress' AND state <> 'acknowledged') DESC,
            CASE WHEN section = 'open' THEN array_position(CAST(:states AS text[]), state) ELSE 0 END,
            array_position(CAST(:severities AS text[]), severity), moment DESC, alarm_id DESC) AS place,
        count(*) OVER (PARTITION BY section) AS total
    FROM standing CROSS JOIN LATERAL (VALUES
        ('open', state IN ('unacknowledged', 'returned', 'acknowledged'), opened_at),
        ('opened', opened, opened_at),
        ('closed', closed, closed_at),
        ('suppressed', state = 'suppressed' OR suppressed_at >= :start, suppressed_at),
        ('withdrawn', withdrawn, withdrawn_at),
        ('escalated', escalated, escalated_at),
        ('assigned', assigned, assigned_at)) AS seen (section, holds, moment)
    WHERE holds
)
SELECT p.section, p.total, p.state, p.opened_at, p.cleared_at, p.closed_at, p.withdrawn_at, p.shelved_until,
    a.id, a.severity, a.layer, a.object_key, a.object_label, a.other_key, a.raised_at, a.parent_id, a.simulated,
    rule.kind AS rule_kind, rule.name_vi AS rule_vi, rule.name_en AS rule_en,
    fence.name_vi AS fence_vi, fence.name_en AS fence_en, ST_X(a.geom) AS lon, ST_Y(a.geom) AS lat
FROM placed p JOIN alarm a ON a.id = p.alarm_id JOIN rule ON rule.id = a.rule_id
    LEFT JOIN fence ON fence.id = a.fence_id
WHERE p.place <= :listed ORDER BY p.section, p.place
"""
)

_LINES = sa.text(
    """
SELECT DISTINCT ON (j.alarm_id, j.transition) j.alarm_id, j.transition, j.at, j.actor, j.comment,
    j.data ->> 'level' AS level, j.data ->> 'person' AS person, unit.name_vi AS unit_vi, unit.name_en AS unit_en
FROM alarm_journal j LEFT JOIN unit ON unit.key = j.data ->> 'unit'
WHERE j.alarm_id = ANY(:ids) AND j.at < :end
    AND j.transition IN ('acknowledge', 'suppress', 'withdraw', 'escalate', 'assign')
ORDER BY j.alarm_id, j.transition, j.id DESC
"""
)

_SHELVES = sa.text(
    """
SELECT s.layer, s.object_key, s.reason, s.at, s.until, s.actor, s.ended_by, s.kind, rule.name_vi AS rule_vi,
    rule.name_en AS rule_en, CASE WHEN s.ended_at < :end THEN s.ended_at END AS ended_at,
    (s.ended_at IS NULL OR s.ended_at >= :end) AND s.until > :end AS stands,
    label.object_label, coalesce(label.simulated, false) AS simulated
FROM shelf s LEFT JOIN rule ON rule.id = s.rule_id LEFT JOIN LATERAL (
    SELECT object_label, simulated FROM alarm a
    WHERE a.layer = s.layer AND a.object_key = s.object_key ORDER BY raised_at DESC LIMIT 1) label ON true
WHERE s.at < :end AND least(s.ended_at, s.until) > :start
ORDER BY stands DESC, s.until, s.id
"""
)

_MUTES = sa.text(
    """
SELECT at, actor, comment, data ->> 'minutes' AS minutes FROM alarm_journal
WHERE transition = 'mute' AND alarm_id IS NULL AND at >= :start AND at < :end ORDER BY id
"""
)

# Silences longer than the feed's own interval, by the minutes in which something came: `least` of what they lasted is
# certain, since within a minute nothing is known. A feed that was never heard before has no silence before its first.
_GAPS = sa.text(
    """
WITH heard AS (
    SELECT m.source, m.at FROM minute m WHERE m.at >= :start AND m.at < :end
    UNION ALL
    SELECT f.source, last.at FROM feed f CROSS JOIN LATERAL (
        SELECT max(at) AS at FROM minute m WHERE m.source = f.source AND m.at < :start) last WHERE last.at IS NOT NULL
), silence AS (
    SELECT source, at + interval '1 minute' AS since, lead(at) OVER (PARTITION BY source ORDER BY at) AS until
    FROM heard
)
SELECT s.source, greatest(s.since, :start) AS since, s.until, f.simulated
FROM silence s JOIN feed f USING (source)
WHERE coalesce(s.until, :end) - s.since > f.expected_s * interval '1 second' AND coalesce(s.until, :end) > :start
ORDER BY s.source, s.since
"""
)

_FEED_ALARMS = sa.text(
    """
SELECT a.object_key AS source, greatest(a.raised_at, :start) AS since,
    CASE WHEN a.cleared_at < :end THEN a.cleared_at END AS until, a.simulated
FROM alarm a JOIN rule ON rule.id = a.rule_id
WHERE rule.kind = 'feed' AND a.withdrawn_at IS NULL AND a.raised_at < :end AND coalesce(a.cleared_at > :start, true)
ORDER BY a.object_key, a.raised_at
"""
)


def content(connection: sa.Connection, shift: Shift, now: datetime) -> dict[str, Any]:
    """What a handover of the shift says, as values that JSON holds: now while it runs, else as it was at its end.

    `counts` balance: carried + opened - closed - withdrawn = the five that stand. A section names at most LISTED
    alarms and counts all. What happened after the shift before was signed early belongs to this one.

    Raises:
        Refused: the shift has not begun.
    """
    if now <= shift.starts_at:
        raise Refused("not_begun", f"shift {shift.name} has not begun")
    span = {"start": _begins(connection, shift), "end": min(now, shift.ends_at)}
    totals = [dict(row) for row in connection.execute(_TOTALS, span).mappings()]
    feeds = _feeds(connection, span)
    shelved = [dict(row) for row in connection.execute(_SHELVES, span).mappings()]
    value = {
        "version": VERSION,
        "shift": shift.name,
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
        "from": span["start"],
        "as_of": span["end"],
        "counts": _sums(totals, "severity"),
        "rules": _rules(connection, totals),
        **_sections(connection, span),
        "shelved": {"count": len(shelved), "items": shelved[:LISTED]},
        "mutes": [dict(row) for row in connection.execute(_MUTES, span).mappings()],
        "feeds": feeds,
        "simulated": any(row["simulated"] for row in (*totals, *feeds, *shelved)),
    }
    return dict(_plain(value))


def _begins(connection: sa.Connection, shift: Shift) -> datetime:
    """Where the one before left off: at this shift's beginning, or when it was signed if that was earlier."""
    before = find(connection, shift.previous)
    if before is None:
        return shift.starts_at
    return min(shift.starts_at, datetime.fromisoformat(before["content"]["as_of"]))


def _sums(totals: Iterable[Mapping[str, Any]], by: str) -> dict[Any, dict[str, int]]:
    names = ("carried", "opened", "closed", "withdrawn", *STANDING)
    sums: dict[Any, dict[str, int]] = {}
    for row in totals:
        one = sums.setdefault(row[by], dict.fromkeys(names, 0))
        for name in names:
            one[name] += row[name]
    return sums


def _rules(connection: sa.Connection, totals: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same counts per rule, the busiest first."""
    sums, column = _sums(totals, "rule_id"), table.rule.c
    query = sa.select(column.id, column.name_vi, column.name_en).where(column.id.in_(sums))
    rows = [
        {"rule_vi": row["name_vi"], "rule_en": row["name_en"], **sums[row["id"]]}
        for row in connection.execute(query).mappings()
    ]
    return sorted(rows, key=lambda row: (-row["opened"], -row["carried"], row["rule_vi"]))


def _sections(connection: sa.Connection, span: Mapping[str, datetime]) -> dict[str, Any]:
    asked = {**span, "states": list(STANDING[:3]), "severities": list(SEVERITIES), "listed": LISTED}
    rows = connection.execute(_PICKED, asked).mappings().all()
    ids = sorted({row["id"] for row in rows})
    told: dict[tuple[int, str], Mapping[Any, Any]] = {
        (line["alarm_id"], line["transition"]): line
        for line in connection.execute(_LINES, {"ids": ids, "end": span["end"]}).mappings()
    }
    sections: dict[str, Any] = {name: {"count": 0, "items": []} for name in SECTIONS}
    for row in rows:
        section = sections[row["section"]]
        section["count"] = row["total"]
        item = {name: value for name, value in row.items() if name not in ("section", "total")}
        line = told.get((row["id"], _TOLD_BY[row["section"]]), {})
        given = told.get((row["id"], "assign"), {})
        said = {name: line.get(name) for name in ("at", "actor", "comment", "level")}
        section["items"].append({**item, **said, **{n: given.get(n) for n in ("unit_vi", "unit_en", "person")}})
    return sections


def _feeds(connection: sa.Connection, span: Mapping[str, datetime]) -> list[dict[str, Any]]:
    """Which feeds were silent in the span, by the alarms about them and by the minutes in which nothing came."""
    spells = [dict(row) for query in (_GAPS, _FEED_ALARMS) for row in connection.execute(query, span).mappings()]
    return joined(spells)


def joined(spells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Spells {source, since, until (None = still), simulated} of which those that touch, of one source, are one."""
    whole: list[dict[str, Any]] = []
    for spell in sorted(spells, key=lambda one: (one["source"], one["since"])):
        last = whole[-1] if whole and whole[-1]["source"] == spell["source"] else None
        if last is None or (last["until"] is not None and last["until"] < spell["since"]):
            whole.append(dict(spell))
        else:
            ends = (last["until"], spell["until"])
            last["until"] = None if None in ends else max(ends)
            last["simulated"] = last["simulated"] or spell["simulated"]
    return whole


def _plain(value: Any) -> Any:
    """Times as ISO 8601 in UTC, everything below mappings and lists."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def digest(value: Mapping[str, Any]) -> str:
    """SHA-256 of a content in its canonical form, in hexadecimal: two papers with the same one say the same."""
    form = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(form.encode()).hexdigest()


def find(connection: sa.Connection, shift: Shift) -> dict[str, Any] | None:
    """The shift's handover as it was signed last, or None while nobody has."""
    column = table.handover.c
    query = sa.select(table.handover).where(column.starts_at == shift.starts_at, column.ends_at == shift.ends_at)
    return _one(connection, query.order_by(column.id.desc()).limit(1))


def one(connection: sa.Connection, number: int) -> dict[str, Any] | None:
    """The handover of that number, or None."""
    return _one(connection, sa.select(table.handover).where(table.handover.c.id == number))


def _one(connection: sa.Connection, query: sa.Select[Any]) -> dict[str, Any] | None:
    row = connection.execute(query).mappings().one_or_none()
    return {str(name): value for name, value in row.items()} if row is not None else None


def draft(connection: sa.Connection, shift: Shift, now: datetime) -> dict[str, Any]:
    """The shift's handover as it would be signed now: a row without signatures. Raises Refused as content does."""
    names = (column.name for column in table.handover.c)
    bounds = {"starts_at": shift.starts_at, "ends_at": shift.ends_at}
    return {**dict.fromkeys(names), **bounds, "content": content(connection, shift, now)}


def handovers(connection: sa.Connection, before: datetime, limit: int = 30) -> list[dict[str, Any]]:
    """Earlier handovers, the latest shift first and each as it was signed last: who gave, who took, and when."""
    column = table.handover.c
    names = [column[name] for name in ("id", "starts_at", "ends_at", "given_by", "given_at", "taken_by", "taken_at")]
    query = (
        sa.select(*names)
        .ext(distinct_on(column.starts_at))
        .where(column.starts_at < before)
        .order_by(column.starts_at.desc(), column.id.desc())
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def give(connection: sa.Connection, shift: Shift, note: str, actor: Actor, now: datetime) -> dict[str, Any]:
    """Sign as the one who gives the shift over: what it says now is frozen. The row.

    Until it is taken, the giver may sign anew, which replaces what was given.

    Raises:
        Refused: it has not begun, is given already by somebody else, or taken.
    """
    # One at a time: nobody may sign what another is just signing.
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"handover {shift.name}"))))
    before = find(connection, shift)
    if before is not None and before["taken_at"] is not None:
        raise Refused("taken", f"shift {shift.name} is given and taken: it stays as it was signed")
    if before is not None and not same_person(before["given_by"], actor.name):
        raise Refused("given", f"shift {shift.name} has been given over by {before['given_by']}")
    row = {
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
        "note": note.strip() or None,
        "content": content(connection, shift, now),
        "given_by": actor.name,
        "given_at": now,
    }
    made = connection.execute(sa.insert(table.handover).values(row).returning(table.handover.c.id)).scalar_one()
    return one(connection, made) or {}


def take(connection: sa.Connection, number: int, actor: Actor, now: datetime) -> dict[str, Any]:
    """Sign as the one who takes the shift over, somebody other than the giver. The row, which nobody changes after.

    Raises:
        Refused: there is no such handover, it is taken or replaced already, or the same person gave it.
    """
    row = one(connection, number)
    if row is None:
        raise Refused("gone", f"there is no handover {number}")
    shift = shift_of(row["starts_at"])
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"handover {shift.name}"))))
    row = find(connection, shift)
    if row is None or row["id"] != number:
        raise Refused("replaced", f"handover {number} was signed anew since: read that one")
    if row["taken_at"] is not None:
        raise Refused("taken", f"handover {number} has been taken by {row['taken_by']}")
    if same_person(row["given_by"], actor.name):
        raise Refused("same", "who gives a shift over cannot take it too: another person signs")
    column = table.handover.c
    statement = sa.update(table.handover).where(column.id == number, column.taken_at.is_(None))
    connection.execute(statement.values(taken_by=actor.name, taken_at=now))
    return one(connection, number) or {}


def same_person(first: str, second: str) -> bool:
    """Whether two written names are one person's: letters' case, form and spaces do not tell people apart."""
    return _folded(first) == _folded(second)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
