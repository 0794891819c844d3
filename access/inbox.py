"""What a handling unit has to do, across the services: reports, alarms, boats' cases, and events of cameras."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from access.site import Site
from geo import camera_review, case_list, desk, report_list, table
from geo.camera_event import TYPES
from geo.figure import figures

Row = dict[str, Any]
EACH_MOST = 200  # of each service: who has more looks at it by the service's own list
CASE_KINDS: Mapping[str, tuple[str, str]] = {
    "loss": ("Mất tín hiệu", "Lost signal"),
    "crossing": ("Vượt ranh giới", "Crossing"),
    "zone": ("Sai vùng", "Wrong zone"),
}


class NoUnit(LookupError):
    """There is no such unit."""


def inbox(site: Site, unit: str) -> Row:
    """The unit, when this was so, its items by what is due first, and how many of each service there are (`counts`).

    An item: service, id, title_vi, title_en, status, since, due_at (None: no term), page (where it is worked on), and
    of a report its row. Of nobody who sent a report anything is in it. Raises NoUnit.
    """
    now = datetime.now(UTC)
    with site.engine.connect() as connection:
        own = connection.execute(sa.select(table.unit).where(table.unit.c.key == unit)).mappings().one_or_none()
        if own is None:
            raise NoUnit(f"there is no unit {unit[:80]!r}: /api/v1/units lists them")
        found = {
            "report": [_report(row) for row in report_list.inbox(connection, unit)[:EACH_MOST]],
            "alarm": [_alarm(row) for row in desk.of_unit(connection, unit, now, EACH_MOST)],
            "case": _cases(connection, unit, now),
            "event": _events(connection, site, unit),
        }
    items = [item for rows in found.values() for item in rows]
    items.sort(key=lambda item: (item["due_at"] is None, item["due_at"] or item["since"], item["service"], item["id"]))
    told = {"unit": dict(own), "at": now, "most": EACH_MOST, "items": items}
    return {**told, "counts": {service: len(rows) for service, rows in found.items()}}


def _item(service: str, key: Any, titles: tuple[str, str], page: str, **more: Any) -> Row:
    return {"service": service, "id": str(key), "title_vi": titles[0], "title_en": titles[1], "page": page, **more}


def _report(row: Row) -> Row:
    page = f"/services/report?state=all&report={row['id']}"
    times = {"since": row["given_at"], "due_at": row["due_at"], "status": row["status"]}
    return _item("report", row["id"], (row["title"], row["title"]), page, **times, report=row)


def _alarm(row: Row) -> Row:
    label = row["object_label"] or row["object_key"]
    titles = tuple(f"{(row[name] or '').partition(':')[0]}: {label}" for name in ("rule_vi", "rule_en"))
    due_at = row["escalate_due_at"] if row["acknowledged_at"] is None else None
    times = {"since": row["assigned_at"] or row["raised_at"], "due_at": due_at, "status": row["state"]}
    return _item("alarm", row["id"], (titles[0], titles[1]), f"/alarms?alarm={row['id']}", **times)


def _cases(connection: sa.Connection, unit: str, now: datetime) -> list[Row]:
    """Every clock of a case is somebody's duty; what runs out first is its term."""
    wanted = case_list.Wanted(units=(unit,))
    items = []
    for row in case_list.cases(connection, wanted, figures(connection), now, EACH_MOST):
        vi, en = CASE_KINDS.get(row["kind"], (row["kind"], row["kind"]))
        clocks = [row.get(name) for name in ("next_report_due_at", "return_due_at")]
        clocks += [row["escalate_due_at"]] if row["escalated_at"] is None and row["ended_at"] is None else []
        due_at = min(filter(None, clocks), default=None)
        titles = (f"{vi}: {row['registration']}", f"{en}: {row['registration']}")
        times = {"since": row["since"], "due_at": due_at, "status": row["stage"]}
        items.append(_item("case", row["id"], titles, f"/fisheries?case={row['id']}", **times))
    return items


def _events(connection: sa.Connection, site: Site, unit: str) -> list[Row]:
    wanted = camera_review.Wanted(state="forwarded", unit=unit)
    rows = camera_review.events(connection, wanted, EACH_MOST)
    names = _cameras(connection, site, [row["camera"] for row in rows])
    items = []
    for row in rows:
        vi, en = TYPES.get(row["type"], (row["type"], row["type"]))
        place = names.get(row["camera"]) or row["camera"]
        times = {"since": row["state_at"], "due_at": None, "status": row["state"]}
        page = f"/cameras/events?event={row['id']}"
        items.append(_item("event", row["id"], (f"{vi}: {place}", f"{en}: {place}"), page, **times))
    return items


def _cameras(connection: sa.Connection, site: Site, keys: Sequence[str]) -> Mapping[str, str]:
    layer = site.layer("camera")
    if layer is None or not keys:
        return {}
    column = layer.shape.latest.c
    found = connection.execute(sa.select(column.id, column.name).where(column.id.in_(set(keys))))
    return {row.id: row.name for row in found}
