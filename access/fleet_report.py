"""Statistics of the fishing fleet for screens, papers and files: one day, each day of a month, the month as a whole."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from access.site import Site
from geo.calendar import ZONE, in_years, local_day
from geo.figure import Figure, Figures, NoFigure, figures
from geo.fleet_count import FLOW, By, Case, Picture, Row, count, picture_now, picture_then, total
from geo.fleet_roll import cases_of, heard, members_at, members_now
from geo.past import Reader
from geo.provider import providers
from geo.wrong import Wrong

GROUPS: tuple[By, ...] = ("length", "commune", "provider")
# The figures by which boats are told apart, in the order in which the paper names them.
GROUNDS = (
    "vms_least_length", "national_least_length", "vms_interval_24", "vms_interval_15", "vms_grace", "lost_after",
    "return_within", "returned_quickly",
)  # fmt: skip


class Refused(ValueError):
    """A day or month that cannot be told of, in both languages."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi, self.en = vi, en


@dataclass(frozen=True)
class Day:
    """The figures of one day: a row each class, commune or provider, and the sums. live: as it is at `at`, today."""

    day: date
    at: datetime
    live: bool
    by: By
    rows: list[Row]
    total: Row
    unknown: tuple[str, ...]
    grounds: Mapping[str, Figure]
    made_at: datetime
    simulated: bool


@dataclass(frozen=True)
class Month:
    """The figures of a month. groups: standing at its last day's end, what came and went in all of it, by `By`.

    days: a row a day, with its `day`. total: as in groups. causes, outcomes: how often each was concluded.
    """

    first: date
    last: date
    at: datetime
    made_at: datetime
    live: bool
    days: list[Row]
    groups: dict[By, list[Row]]
    total: Row
    causes: dict[str, int]
    outcomes: dict[str, int]
    grounds: Mapping[str, Figure]
    simulated: bool


def day_of(text: str | None, now: datetime) -> date:
    """A day as it is written in an address, by default today. Raises Refused."""
    today = now.astimezone(ZONE).date()
    try:
        day = in_years(date.fromisoformat(text), "day") if text else today
    except Wrong as wrong:
        raise Refused(f"Ngày: {wrong.vi}", str(wrong)) from None
    except ValueError:
        raise Refused("Ngày viết như 2026-11-25", "a day is written like 2026-11-25") from None
    if day > today:
        raise Refused("Ngày này chưa tới", "that day is still to come")
    return day


def month_of(text: str | None, now: datetime) -> date:
    """The first day of a month as it is written in an address, by default of this one. Raises Refused."""
    today = now.astimezone(ZONE).date()
    try:
        if text and len(text) != len("2026-11"):
            raise ValueError(text)
        first = in_years(date.fromisoformat(f"{text}-01"), "month") if text else today.replace(day=1)
    except Wrong as wrong:
        raise Refused(f"Tháng: {wrong.vi}", str(wrong)) from None
    except ValueError:
        raise Refused("Tháng viết như 2026-11", "a month is written like 2026-11") from None
    if first > today:
        raise Refused("Tháng này chưa tới", "that month is still to come")
    return first


def statistics(site: Site, day: date, by: By, now: datetime) -> Day:
    """The figures of a day. Raises Refused."""
    (picture,), _, figure, names = _pictures(site, [day], now)
    rows = _named(count(picture.members, picture.marks, by, figure, _noon(day), picture.unknown), by, names)
    live = picture.at == now
    unknown = tuple(sorted(picture.unknown))
    return Day(
        day,
        picture.at,
        live,
        by,
        rows,
        total(picture),
        unknown,
        _grounds(figure, day),
        now,
        _simulated(site, [picture]),
    )


def month(site: Site, first: date, now: datetime) -> Month:
    """The figures of the month that begins on a day, up to today when it is this one. Raises Refused."""
    today = now.astimezone(ZONE).date()
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    last = min(following - timedelta(days=1), today)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    pictures, cases, figure, names = _pictures(site, days, now)
    end = pictures[-1]
    members = {name: one for picture in pictures for name, one in picture.members.items()}
    standing = [mark for mark in end.marks if mark[1] not in FLOW]
    marks = [*standing, *(mark for picture in pictures for mark in picture.marks if mark[1] in FLOW)]
    groups: dict[By, list[Row]] = {
        by: _named(count(members, marks, by, figure, _noon(last), end.unknown), by, names) for by in GROUPS
    }
    begin, until = local_day(_noon(first))[0], local_day(_noon(last))[1]
    closed = [one for one in cases if one.closed_at is not None and begin <= one.closed_at < until]
    return Month(
        first, last, end.at, now, end.at == now,
        [{"day": picture.day, **total(picture)} for picture in pictures],
        groups,
        total(Picture(last, end.at, members, tuple(marks), end.unknown)),
        _counted([one.cause for one in closed]), _counted([one.outcome for one in closed]),
        _grounds(figure, last),
        _simulated(site, pictures),
    )  # fmt: skip


def _pictures(
    site: Site, days: Sequence[date], now: datetime
) -> tuple[list[Picture], list[Case], Figures, dict[str, str]]:
    """A picture of each day, in order, with the cases of all of them, the figures, and the providers' names."""
    today = now.astimezone(ZONE).date()
    past = [_noon(day) for day in days if day < today]
    start, end = local_day(_noon(days[0]))[0], local_day(_noon(days[-1]))[1]
    # Days that are read must not be kept from being archived meanwhile, so each question is a transaction of its own.
    with site.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        figure = figures(connection)
        names = {one.key: one.name for one in providers(connection)}
        cases = cases_of(connection, start, end)
        found: list[Picture] = []
        try:
            if past:
                layer = site.layer("vms")
                ends = [local_day(at)[1] for at in past]
                listened: dict[date, Any] = {}
                if layer is not None:
                    reader = Reader(connection, site.archive, layer.shape, ("manual",))
                    listened = heard(reader, start, ends[-1])
                for at, members in zip(past, members_at(connection, ends), strict=True):
                    told = listened.get(at.astimezone(ZONE).date())
                    found.append(picture_then(members, cases, told, figure, at))
            if len(past) < len(days):
                found.append(picture_now(members_now(connection), cases, figure, now))
        except NoFigure as error:
            raise Refused(f"Chưa có số liệu pháp lý của ngày đó: {error}", str(error)) from None
    return found, cases, figure, names


def _noon(day: date) -> datetime:
    """A moment of a day of the centre that no rounding takes out of it."""
    return datetime.combine(day, time(12), ZONE).astimezone(UTC)


def _named(rows: list[Row], by: By, names: dict[str, str]) -> list[Row]:
    """Providers under the names by which people know them."""
    return [
        {"key": row["key"], "name": names.get(row["key"]) if by == "provider" else row["key"], **row} for row in rows
    ]


def _grounds(figure: Figures, day: date) -> dict[str, Figure]:
    return {key: figure.at(key, _noon(day)) for key in GROUNDS}


def _counted(words: Sequence[str | None]) -> dict[str, int]:
    return dict(Counter(word for word in words if word is not None).most_common())


def _simulated(site: Site, pictures: Sequence[Picture]) -> bool:
    return site.simulated or any(one.simulated for picture in pictures for one in picture.members.values())
