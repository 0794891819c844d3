"""What a person does about boats' cases: one transaction, and a word to every screen when an alarm changed with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from access.desk import announce
from access.fleet import card
from access.site import Site
from geo import case_list
from geo import case_work as work
from geo.actor import Actor
from geo.case_list import Wanted
from geo.contact import Contact, mask, without_numbers
from geo.figure import figures
from geo.handling import units
from geo.journal import head
from geo.wrong import Wrong
from geo.yielding import deed

T = TypeVar("T")
Row = dict[str, Any]


def found(site: Site, wanted: Wanted, now: datetime, limit: int) -> list[Row]:
    """The cases that are wanted, as geo.case_list has them."""
    with site.engine.connect() as connection:
        return case_list.cases(connection, wanted, figures(connection), now, limit)


def one(site: Site, case_id: int, now: datetime) -> Row | None:
    """A case with its log, in which only the last digits of numbers can be read; None when there is none."""
    with site.engine.connect() as connection:
        row = case_list.one_case(connection, case_id, figures(connection), now)
    if row is not None:
        row["log"] = [{**line, "text": _plain(line["text"]), "data": _masked(line["data"])} for line in row["log"]]
    return row


def opened(site: Site, case_id: int, now: datetime) -> tuple[Row, tuple[Contact, ...]] | None:
    """A case as `one` has it, units in its log by their names, and its boat's people with masked numbers."""
    row = one(site, case_id, now)
    if row is None:
        return None
    with site.engine.connect() as connection:
        known = card(connection, row["registration"])
        named = {unit["key"]: {"unit_vi": unit["name_vi"], "unit_en": unit["name_en"]} for unit in units(connection)}
    row["log"] = [{**line, "data": {**line["data"], **named.get(line["data"].get("unit"), {})}} for line in row["log"]]
    return row, known.people if known else ()


def _masked(data: Row) -> Row:
    written = {name: _plain(value) for name, value in data.items()}
    return {**written, "number": mask(data["number"])} if data.get("number") else written


def _plain(value: Any) -> Any:
    return without_numbers(value) if isinstance(value, str) else value


def log_contact(
    site: Site, case_id: int, actor: Actor, version: int | None, at: datetime | None, who: str, number: str | None,
    result: str,
) -> Row:  # fmt: skip
    """Write down a call. This and the others raise case_work's NoCase, Stale and Missing, and ValueError."""
    return _do(site, case_id, actor, version, at, lambda on, by: work.log_contact(on, case_id, by, who, number, result))


def enter_position(
    site: Site, case_id: int, actor: Actor, version: int | None, at: datetime | None, lon: float, lat: float,
    text: str | None,
) -> Row:  # fmt: skip
    """Keep a position that was told by hand."""
    return _do(site, case_id, actor, version, at, lambda on, by: work.enter_position(on, case_id, by, lon, lat, text))


def add_note(site: Site, case_id: int, actor: Actor, version: int | None, at: datetime | None, text: str) -> Row:
    """Add a note."""
    return _do(site, case_id, actor, version, at, lambda on, by: work.add_note(on, case_id, by, text))


def assign(site: Site, case_id: int, actor: Actor, version: int | None, unit: str, person: str | None) -> Row:
    """Give a case to a unit and, if named, a person of it."""
    return _do(site, case_id, actor, version, None, lambda on, by: work.assign_case(on, case_id, by, unit, person))


def escalate(site: Site, case_id: int, actor: Actor, version: int | None, text: str | None) -> Row:
    """Pass a case on before its time, and its alarm with it."""
    return _do(site, case_id, actor, version, None, lambda on, by: work.escalate_by_hand(on, case_id, by, text))


def close(
    site: Site, case_id: int, actor: Actor, version: int | None, cause: str | None, outcome: str | None,
    text: str | None,
) -> Row:  # fmt: skip
    """Conclude a case that was seen in this version: nobody concludes what another one has just written to."""
    if version is None:
        raise Wrong("version", "Cần phiên bản của vụ việc đã đọc", "the version of the case that was seen")
    return _do(
        site, case_id, actor, version, None, lambda on, by: work.close_case(on, case_id, by, cause, outcome, text)
    )


def _do(
    site: Site,
    case_id: int,
    actor: Actor,
    version: int | None,
    at: datetime | None,
    change: Callable[[sa.Connection, work.Deed], object],
) -> Row:
    """The case as it is after the change."""

    def act(connection: sa.Connection, now: datetime) -> tuple[bool, int, datetime]:
        before = head(connection)
        change(connection, work.Deed(actor, now, version, at))
        after = head(connection)
        return after != before, after, now

    told, newest, now = deed(site.engine, act)
    if told:
        announce(site.redis_url, newest)
    row = one(site, case_id, now)
    assert row is not None  # it was changed just now, and none is ever removed
    return row
