"""The command `export`: what the centre keeps, as files for spreadsheets."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import sqlalchemy as sa
import typer

from access.evidence import SETTLED_AFTER, Refused, assemble
from access.evidence_pack import manifest, zipped
from access.fleet_report import Refused as ReportRefused
from api.sheet import sheet
from geo.canonical import digest, moment
from geo.case_list import CSV_COLUMNS, Status, Wanted, cases
from geo.database import engine
from geo.figure import figures
from run.connection import addresses
from run.fault import Fault

if TYPE_CHECKING:
    from settings import Settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Files out of the centre."
)
ROWS_MOST = 1_000_000
Kind = Literal["loss", "crossing", "zone"]


@app.callback()
def group() -> None:
    """Files out of the centre."""


@app.command("cases")
def export_cases(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="The file; else it is written to the standard output.")] = None,
    status: Annotated[str, typer.Option(help=f"One of {', '.join(get_args(Status))}.")] = "all",
    kind: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(get_args(Kind))}; several times.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Begun on this day or later (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Begun before this day (UTC).")] = None,
) -> None:
    """Boats' cases as CSV: lost signals, crossings and wrong zones, with their ends and conclusions."""
    settings: Settings = context.find_root().obj
    if status not in get_args(Status):
        raise typer.BadParameter(f"is one of {', '.join(get_args(Status))}", param_hint="--status")
    for each in kind or ():
        if each not in get_args(Kind):
            raise typer.BadParameter(f"is one of {', '.join(get_args(Kind))}", param_hint="--kind")
    begin, end = (one and one.replace(tzinfo=UTC) for one in (since, until))
    wanted = Wanted(status, kinds=tuple(kind or ()), since=begin, until=end)  # type: ignore[arg-type]  # checked above
    with _one_line(out):
        opened = engine(addresses(settings)["DATABASE_URL_WEB"])
        with opened.connect() as connection:
            rows = cases(connection, wanted, figures(connection), datetime.now(UTC), ROWS_MOST)
        opened.dispose()
        made = sheet(CSV_COLUMNS, rows)
        if out is None:
            sys.stdout.buffer.write(made)
        else:
            out.write_bytes(made)
            typer.echo(f"{len(rows)} cases in {out}")


@app.command("evidence")
def export_evidence(
    context: typer.Context,
    registration: Annotated[str, typer.Argument(help="The boat, its registration in any spelling or its MMSI.")],
    start: Annotated[datetime, typer.Option("--from", help="Beginning of the period (UTC).")],
    end: Annotated[datetime, typer.Option("--to", help="Its end (UTC), at most 31 days later.")],
    out: Annotated[Path, typer.Option(help="The ZIP file that is written.")],
    as_of: Annotated[
        datetime | None, typer.Option(help="Only what had been received by then (UTC); by default a minute ago.")
    ] = None,
) -> None:
    """A boat's evidence pack: PDF, track, fences as they were, alarms, cases, and the SHA-256 of each file."""
    from pages.evidence_paper import paper  # Dash and all that it needs are loaded for this command alone
    from run.web import make_site

    settings: Settings = context.find_root().obj
    now = datetime.now(UTC)
    known_by = as_of.replace(tzinfo=UTC) if as_of else (now - SETTLED_AFTER).replace(microsecond=0)
    with _one_line(out):
        site = make_site(settings, addresses(settings)["DATABASE_URL_WEB"], "")
        span = (start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), known_by)
        try:
            with site.engine.connect() as connection:
                pack = assemble(connection, site, registration, *span, now)
        finally:
            site.engine.dispose()
        printed = paper(site, pack)
        out.write_bytes(zipped(site, pack, printed))
        told = digest(manifest(site, pack, printed))
        typer.echo(f"{pack.registration} as of {moment(pack.as_of)} in {out}; SHA-256 of manifest.json: {told}")


@app.command("fisheries-report")
def export_fisheries_report(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="The file that is written, .pdf or .xlsx.")],
    month: Annotated[str | None, typer.Option(help="Such as 2026-11; by default this one, up to now.")] = None,
    lang: Annotated[str, typer.Option(help="vi or en.")] = "vi",
) -> None:
    """The month's report of the fisheries watch: each day, length class, commune and provider."""
    from access import fleet_report
    from pages import fleet_paper, fleet_sheets  # Dash and all that it needs are loaded for this command alone
    from pages.text import LANGUAGES
    from run.web import make_site

    settings: Settings = context.find_root().obj
    makers = {".pdf": fleet_paper.paper, ".xlsx": fleet_sheets.month_book}
    make = makers.get(out.suffix.lower())
    if make is None:
        raise typer.BadParameter(f"ends in {' or '.join(makers)}", param_hint="--out")
    if lang not in LANGUAGES:
        raise typer.BadParameter(f"is one of {', '.join(LANGUAGES)}", param_hint="--lang")
    now = datetime.now(UTC)
    with _one_line(out):
        site = make_site(settings, addresses(settings)["DATABASE_URL_WEB"], "")
        try:
            found = fleet_report.month(site, fleet_report.month_of(month, now), now)
        finally:
            site.engine.dispose()
        out.write_bytes(make(site, found, lang))
        typer.echo(f"{found.first:%Y-%m}, {len(found.days)} days, {found.total['opened']} new losses in {out}")


@contextmanager
def _one_line(out: Path | None) -> Iterator[None]:
    try:
        yield
    except (Refused, ReportRefused, Fault, RuntimeError) as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(1) from None
    except sa.exc.SQLAlchemyError as error:
        typer.echo(f"cannot ask the database: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"the system refused: {error.strerror or error} ({out})", err=True)
        raise typer.Exit(1) from None
