"""Every time an alarm called somebody, as columns: its raising and each nearer step, read from the alarm journal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from geo.actor import SYSTEM
from geo.rule import SEVERITIES

FLEETING = timedelta(minutes=1)  # what is over by itself within it is brief
NEVER = np.iinfo(np.int64).min  # how PostgreSQL sends -infinity
_EPOCH_US = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000  # PostgreSQL counts from here

# What was suppressed or shelved from the start called nobody. As in geo.handover, a simulated alarm counts at its own
# time, any other when it was told here. An acknowledgement answers the last call before it.
# The columns come as bytes: a hundred thousand rows one by one would take several times as long. Objects and people
# come as 64-bit hashes, under which two of them meet once in billions; their names are asked for by an alarm's id.
_CALLS = sa.text(
    """
WITH quiet AS MATERIALIZED (
    SELECT alarm_id, at FROM alarm_journal WHERE transition IN ('suppress', 'shelve') AND at >= :start
), nearer AS MATERIALIZED (
    SELECT alarm_id, max(id) AS last FROM alarm_journal WHERE transition = 'step' AND at >= :start GROUP BY alarm_id
), call AS (
    SELECT a.id, a.rule_id, hashtextextended(a.layer || ' ' || a.object_key, 0) AS object,
        CASE WHEN a.simulated THEN least(j.at, coalesce(j.observed_at, j.at)) ELSE j.at END AS moment,
        array_position(CAST(:severities AS text[]), a.severity) - 1
            + CASE WHEN a.flood_id IS NOT NULL THEN 4 ELSE 0 END
            + CASE WHEN j.transition = 'raise' AND a.cleared_at - a.raised_at < :fleeting
                AND coalesce(a.acknowledged_at > a.cleared_at, true) THEN 8 ELSE 0 END AS marks,
        CASE WHEN coalesce(j.id >= nearer.last, true) AND a.acknowledged_by <> :system THEN a.acknowledged_at
            END AS answered_at,
        hashtextextended(coalesce(a.acknowledged_by, ''), 0) AS person
    FROM alarm_journal j JOIN alarm a ON a.id = j.alarm_id LEFT JOIN nearer ON nearer.alarm_id = j.alarm_id
    WHERE j.transition IN ('raise', 'step') AND j.at >= :start AND NOT EXISTS (
        SELECT FROM quiet WHERE quiet.alarm_id = j.alarm_id AND quiet.at = j.at)
)
SELECT string_agg(int8send(id), '') AS alarm_id, string_agg(timestamptz_send(moment), '') AS moment,
    string_agg(int4send(rule_id), '') AS rule_id, string_agg(int8send(object), '') AS object,
    string_agg(int4send(marks), '') AS marks, string_agg(int8send(person), '') AS person,
    string_agg(timestamptz_send(coalesce(answered_at, '-infinity')), '') AS answered
FROM call WHERE moment >= :start AND moment < :end
"""
)

_NAMES = sa.text(
    """
SELECT a.id, a.layer, a.object_key, a.object_label, a.acknowledged_by AS person, rule.kind AS rule_kind,
    rule.name_vi AS rule_vi, rule.name_en AS rule_en
FROM alarm a JOIN rule ON rule.id = a.rule_id WHERE a.id = ANY(:ids)
"""
)


@dataclass(frozen=True)
class Calls:
    """Calls as columns of one length, in order of source and time.

    moment, answered: microseconds since 1970, `answered` NEVER while nobody has; source: a number for each rule and
    object, from 0; severity: index into SEVERITIES; grouped: one of a flood's; brief: over by itself within a minute;
    person: a number for whoever answered.
    """

    alarm_id: NDArray[np.int64]
    moment: NDArray[np.int64]
    source: NDArray[np.int64]
    severity: NDArray[np.int64]
    grouped: NDArray[np.bool_]
    brief: NDArray[np.bool_]
    answered: NDArray[np.int64]
    person: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.moment)


def calls(connection: sa.Connection, start: datetime, end: datetime) -> Calls:
    """All calls of [start, end); the times are aware."""
    asked = {"start": start, "end": end, "fleeting": FLEETING, "system": SYSTEM.name, "severities": list(SEVERITIES)}
    row = connection.execute(_CALLS, asked).mappings().one()
    column = {
        name: np.frombuffer(row[name] or b"", ">i4" if name in ("rule_id", "marks") else ">i8").astype(np.int64)
        for name in row
    }
    order = np.lexsort((column["moment"], column["object"], column["rule_id"]))
    sorted_by = {name: values[order] for name, values in column.items()}
    rule_id, objects, marks = sorted_by["rule_id"], sorted_by["object"], sorted_by["marks"]
    new = np.ones(len(order), np.int64)
    new[1:] = (np.diff(rule_id) != 0) | (objects[1:] != objects[:-1])
    answered = sorted_by["answered"]
    return Calls(
        alarm_id=sorted_by["alarm_id"],
        moment=sorted_by["moment"] + _EPOCH_US,
        source=np.cumsum(new) - 1,
        severity=marks & 3,
        grouped=(marks & 4) > 0,
        brief=(marks & 8) > 0,
        answered=np.where(answered == NEVER, NEVER, answered + _EPOCH_US),
        person=sorted_by["person"],
    )


def names(connection: sa.Connection, alarm_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Whose alarms these are: rule, object and who acknowledged, by the alarm's id."""
    rows = connection.execute(_NAMES, {"ids": [int(one) for one in alarm_ids]}).mappings()
    return {row["id"]: {str(name): value for name, value in row.items() if name != "id"} for row in rows}
