"""Inspections of boats, in port and at sea: who looked, what they found, what became of it; lines are only added."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from geo.actor import Actor
from geo.boat_file import cleaned
from geo.calendar import in_years
from geo.contact import without_numbers
from geo.fishery import boat, boat_inspection
from geo.wrong import Wrong

AHEAD_MOST = timedelta(minutes=2)  # clocks differ
AGAIN_WITHIN = timedelta(minutes=1)
TEXT_MOST, NAME_MOST, FINDINGS_MOST = 2_000, 120, 20
# What became of it, and what was found wrong: closed lists, in Vietnamese and English.
RESULTS: Mapping[str, tuple[str, str]] = {
    "clean": ("Không vi phạm", "Nothing wrong"),
    "reminded": ("Nhắc nhở", "Reminded"),
    "filed": ("Lập biên bản vi phạm", "Violation file"),
}
FINDINGS: Mapping[str, tuple[str, str]] = {
    "device": ("Thiết bị giám sát không hoạt động", "Monitoring device not working"),
    "seal": ("Kẹp chì mất, hỏng hoặc sai số", "Seal missing, broken or another one"),
    "other_device": ("Thiết bị của tàu khác", "Another boat's device"),
    "licence": ("Giấy phép khai thác", "Fishing licence"),
    "logbook": ("Nhật ký khai thác", "Logbook"),
    "safety": ("An toàn tàu cá, trang bị", "Safety and equipment"),
    "crew": ("Thuyền viên, văn bằng, chứng chỉ", "Crew and certificates"),
    "marking": ("Số đăng ký, dấu hiệu nhận biết", "Registration marks"),
    "gear": ("Ngư cụ, nghề khai thác", "Fishing gear"),
    "other": ("Khác", "Other"),
}


@dataclass(frozen=True)
class Inspection:
    """One inspection. at: when it was; place, unit, inspectors: where and by whom; document: number of the minutes.

    corrects: the number of an earlier line that this one takes the place of; none is ever changed.
    """

    registration: str
    at: datetime
    place: str
    unit: str
    result: str
    findings: tuple[str, ...] = ()
    inspectors: str | None = None
    document: str | None = None
    note: str | None = None
    corrects: int | None = None


def add_inspection(connection: sa.Connection, item: Inspection, actor: Actor, now: datetime) -> int:
    """Keep an inspection; its number. Raises Wrong for the first thing that is not right with it."""
    about = asdict(checked(item, now))
    row = about | {"entered_at": now, "actor": actor.name, "actor_kind": actor.kind}
    # One press is one line, however often it was sent.
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"inspection {item.registration}"))))
    if (again := _just_written(connection, about, actor, now)) is not None:
        return again
    if connection.scalar(sa.select(boat.c.registration).where(boat.c.registration == item.registration)) is None:
        raise Wrong("registration", "Không có tàu này trong sổ đăng ký", "the register has no such boat")
    if item.corrects is not None:
        column = boat_inspection.c
        known = sa.select(column.id).where(column.id == item.corrects, column.registration == item.registration)
        after = sa.select(column.id).where(column.corrects == item.corrects)
        if connection.scalar(known) is None:
            raise Wrong("corrects", "Không có dòng này của tàu", "there is no such line of this boat")
        if connection.scalar(after) is not None:
            raise Wrong("corrects", "Dòng này đã được sửa", "this line has been corrected already")
    number: int = connection.execute(boat_inspection.insert().values(row).returning(boat_inspection.c.id)).scalar_one()
    return number


def _just_written(connection: sa.Connection, about: Mapping[str, Any], actor: Actor, now: datetime) -> int | None:
    """The line that says the same, by the same person, of a moment ago."""
    column = boat_inspection.c
    same = [column[name].is_not_distinct_from(value) for name, value in about.items() if name not in ("at", "findings")]
    same.append(column.findings == sa.cast(list(about["findings"]), boat_inspection.c.findings.type))
    near = column.at.between(about["at"] - AGAIN_WITHIN, about["at"] + AGAIN_WITHIN)
    written = sa.and_(column.actor == actor.name, column.entered_at > now - AGAIN_WITHIN)
    return connection.scalar(sa.select(column.id).where(*same, near, written).limit(1))


def checked(item: Inspection, now: datetime) -> Inspection:
    """The inspection when all of it makes sense, its words without unseen characters; raises Wrong."""
    in_years(item.at, "at")
    if item.at > now + AHEAD_MOST:
        raise Wrong("at", "Giờ kiểm tra ở tương lai", "the time of the inspection lies ahead")
    for name, needed in (("place", True), ("unit", True), ("inspectors", False), ("document", False)):
        _text(name, getattr(item, name), NAME_MOST, needed)
    _text("note", item.note, TEXT_MOST, False)
    if item.result not in RESULTS:
        raise Wrong("result", "Chọn kết quả kiểm tra", f"the result is one of {', '.join(RESULTS)}")
    strange = [name for name in item.findings if name not in FINDINGS]
    if strange or len(item.findings) > FINDINGS_MOST:
        raise Wrong("findings", "Không có loại lỗi này", f"findings are some of {', '.join(FINDINGS)}")
    if item.result == "clean" and item.findings:
        raise Wrong("result", "Có lỗi thì kết quả không phải là không vi phạm", "what was found wrong is not clean")
    if item.result != "clean" and not item.findings:
        raise Wrong("findings", "Chọn lỗi đã thấy", "what was found wrong is to be named")
    inspectors, document, note = (cleaned(each) or None for each in (item.inspectors, item.document, item.note))
    place, unit = cleaned(item.place), cleaned(item.unit)
    return replace(item, place=place, unit=unit, inspectors=inspectors, document=document, note=note)


def _text(name: str, value: str | None, most: int, needed: bool) -> None:
    if needed and not cleaned(value):
        raise Wrong(name, "Hãy ghi mục này", "it is needed")
    if value is not None and (len(value) > most or "\0" in value):
        raise Wrong(name, f"Nhiều nhất {most} ký tự", f"at most {most} characters, none of them NUL")


def inspections(connection: sa.Connection, registration: str, limit: int = 100) -> Sequence[dict[str, Any]]:
    """A boat's inspections, the newest first, without those that were corrected; numbers in their words are masked."""
    column, later = boat_inspection.c, boat_inspection.alias("later").c
    query = (
        sa.select(boat_inspection)
        .where(column.registration == registration, ~sa.exists().where(later.corrects == column.id))
        .order_by(column.at.desc(), column.id.desc())
        .limit(limit)
    )
    return [told(dict(row)) for row in connection.execute(query).mappings()]


def inspections_by(
    connection: sa.Connection, registration: str, start: datetime, end: datetime, as_of: datetime
) -> list[dict[str, Any]]:
    """Every line of an inspection in [start, end] that had been entered by `as_of`, corrected ones too, by number."""
    column = boat_inspection.c
    query = sa.select(boat_inspection).where(column.registration == registration, column.entered_at <= as_of)
    every = [dict(row) for row in connection.execute(query.order_by(column.id)).mappings()]
    # With a line go those that it takes the place of, and those that take its own: they may be of another day.
    wanted = {row["id"] for row in every if start <= row["at"] <= end}
    linked = [{row["id"], row["corrects"]} for row in every if row["corrects"] is not None]
    while new := set().union(*(pair for pair in linked if pair & wanted)) - wanted:
        wanted |= new
    return [told(row) for row in every if row["id"] in wanted]


def told(row: dict[str, Any]) -> dict[str, Any]:
    """A line with the telephone numbers in its words masked."""
    words = ("place", "unit", "inspectors", "note")
    return {**row, **{name: without_numbers(row[name]) if row[name] else row[name] for name in words}}
