"""Statistics of the fishing fleet and its monthly report, for other systems and for spreadsheets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Query, Response

from access.fleet_report import Day, Month, Refused, day_of, month, month_of, statistics
from access.site import Site
from api.sheet import sheet
from geo.fleet_count import COLUMNS

By = Literal["length", "commune", "provider", "day"]
Lang = Literal["vi", "en"]
Written = Annotated[str | None, Query(max_length=10)]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
AT_ONCE = 2


@dataclass(frozen=True)
class Makers:
    """What people read, laid out in the room of what they see: a month's paper and workbook, and a day's workbook."""

    paper: Callable[[Site, Month, str], bytes]
    month_book: Callable[[Site, Month, str], bytes]
    day_book: Callable[[Site, Day, str], bytes]


def mount(server: FastAPI, site: Site, make: Makers) -> None:
    """Add /api/v1/fisheries/statistics and /api/v1/fisheries/report, each in its forms."""
    reading: list[None] = []  # those that are being read: each goes through the fixes of its days

    @contextmanager
    def turn() -> Iterator[datetime]:
        if len(reading) >= AT_ONCE:
            raise HTTPException(503, "other statistics are being made; try again in a moment", {"retry-after": "10"})
        reading.append(None)
        try:
            yield datetime.now(UTC)
        except Refused as error:
            raise HTTPException(422, [{"loc": ["query"], "msg": error.en, "vi": error.vi}]) from None
        except RuntimeError as error:  # the room of papers says in words why there is none
            raise HTTPException(503, str(error)) from None
        finally:
            reading.pop()

    @server.get("/api/v1/fisheries/statistics", tags=["fisheries"])
    def figures(by: By = "length", day: Written = None, month: Written = None) -> dict[str, Any]:
        """How many boats must be seen, are seen, late or lost, and which cases came and went that day.

        `by=day`: a row each day of `month` (2026-11, by default this one); else of `day` (2026-11-25, by default now).
        null is what is not known, which is not none; `unknown` names those columns.
        """
        with turn() as now:
            if by == "day":
                found = _month(site, month, now)
                return {"by": by, "month": f"{found.first:%Y-%m}", "at": found.at, "live": found.live,
                        "rows": found.days, "simulated": found.simulated}  # fmt: skip
            one = statistics(site, day_of(day, now), by, now)
            return {"by": by, "day": one.day, "at": one.at, "live": one.live, "rows": one.rows, "total": one.total,
                    "unknown": one.unknown, "simulated": one.simulated}  # fmt: skip

    @server.get("/api/v1/fisheries/statistics.csv", tags=["fisheries"], response_class=Response)
    def table(by: By = "length", day: Written = None, month: Written = None) -> Response:
        """The same as a table, without sums."""
        with turn() as now:
            if by == "day":
                found = _month(site, month, now)
                made, name = sheet(("day", *COLUMNS), found.days), f"{found.first:%Y-%m}"
            else:
                one = statistics(site, day_of(day, now), by, now)
                made, name = sheet(("key", "name", *COLUMNS), one.rows), f"{one.day}-{by}"
            return _file(made, f"thong-ke-tau-ca-{name}.csv", "text/csv; charset=utf-8")

    @server.get("/api/v1/fisheries/statistics.xlsx", tags=["fisheries"], response_class=Response)
    def book(by: By = "length", day: Written = None, month: Written = None, lang: Lang = "vi") -> Response:
        """The same as a workbook; `by=day` is the month's."""
        with turn() as now:
            if by == "day":
                return _month_book(site, make, month, lang, now)
            one = statistics(site, day_of(day, now), by, now)
            return _file(make.day_book(site, one, lang), f"thong-ke-tau-ca-{one.day}-{by}.xlsx", XLSX)

    @server.get("/api/v1/fisheries/report.xlsx", tags=["fisheries"], response_class=Response)
    def report_book(month: Written = None, lang: Lang = "vi") -> Response:
        """The month's report (2026-11, by default this one) as a workbook."""
        with turn() as now:
            return _month_book(site, make, month, lang, now)

    @server.get("/api/v1/fisheries/report.pdf", tags=["fisheries"], response_class=Response)
    def report(month: Written = None, lang: Lang = "vi") -> Response:
        """The month's report on paper."""
        with turn() as now:
            found = _month(site, month, now)
            made = make.paper(site, found, lang)
            return _file(made, _report_name(found.first, "pdf"), "application/pdf", "inline")


def _month(site: Site, text: str | None, now: datetime) -> Month:
    return month(site, month_of(text, now), now)


def _month_book(site: Site, make: Makers, text: str | None, lang: str, now: datetime) -> Response:
    found = _month(site, text, now)
    return _file(make.month_book(site, found, lang), _report_name(found.first, "xlsx"), XLSX)


def _report_name(first: date, ending: str) -> str:
    return f"bao-cao-tau-ca-{first:%Y-%m}.{ending}"


def _file(made: bytes, name: str, kind: str, how: str = "attachment") -> Response:
    headers = {"content-disposition": f'{how}; filename="{name}"', "cache-control": "no-store"}
    return Response(made, media_type=kind, headers=headers)
