"""The command `holidays`: the days off and the swapped days of a year as the government's notice has them."""

import csv
import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
import typer

from geo.actor import Actor
from geo.calendar import ZONE
from geo.database import engine
from geo.workday import COLUMNS, Holiday, days_of, holiday_of, set_holiday
from geo.wrong import Wrong
from run.connection import addresses
from run.fault import Fault
from run.letters import visible

if TYPE_CHECKING:
    from settings import Settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Holidays and swapped days."
)
LINES_MOST = 1_000  # a year has fewer days


@app.callback()
def group() -> None:
    """Holidays and swapped working days, by which due times in working days are reckoned."""


@contextmanager
def _database(context: typer.Context) -> Iterator[sa.Connection]:
    settings: Settings = context.find_root().obj
    try:
        opened = engine(addresses(settings)["DATABASE_URL"])
        try:
            with opened.begin() as connection:
                yield connection
        finally:
            opened.dispose()
    except (Fault, Wrong, ValueError, OSError) as error:
        typer.echo(visible(str(error).encode()), err=True)
        raise typer.Exit(1) from None
    except sa.exc.SQLAlchemyError as error:
        typer.echo(f"the database did not do it: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None


def _line(one: Holiday) -> str:
    kind = "off   " if one.kind == "off" else "worked"
    return visible(f"{one.day:%Y-%m-%d %a}  {kind}  {one.name_vi} ({one.legal_ref}) [{one.certainty}]".encode())


def _told(years: Sequence[int]) -> str:
    named = ", ".join(str(year) for year in sorted(set(years)))
    return f"Terms that begin from now on go by it ({named}); those that run keep the end that was told."


@app.command("list")
def show(
    context: typer.Context,
    year: Annotated[int | None, typer.Option(min=2000, max=2100, help="Of which year; else this one.")] = None,
) -> None:
    """The days of a year that are not what their place in the week says."""
    asked = year or datetime.now(ZONE).year
    with _database(context) as connection:
        found = days_of(connection, asked)
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo(f"no day of {asked} is entered: its due times count holidays as worked", err=True)


@app.command("set")
def put(
    context: typer.Context,
    day: Annotated[str, typer.Argument(help="YYYY-MM-DD.")],
    kind: Annotated[str, typer.Argument(help="off, or work (a Saturday worked for a day off).")],
    name: Annotated[str, typer.Argument(help="What the day is called.")],
    ground: Annotated[str, typer.Option(help="Number and date of the notice.")],
    english: Annotated[str, typer.Option(help="What it is called in English.")] = "",
    certainty: Annotated[str, typer.Option(help="C: the notice was read; CFG: to be confirmed.")] = "C",
    actor: Annotated[str | None, typer.Option(help="Who does it; else the name you are logged in with.")] = None,
) -> None:
    """Write one day, in place of what stands there."""
    with _database(context) as connection:
        row = {"day": day, "kind": kind, "name_vi": name, "name_en": english or name, "legal_ref": ground}
        one = holiday_of({**row, "certainty": certainty})
        set_holiday(connection, one, Actor(actor or getpass.getuser()), datetime.now(UTC))
    typer.echo(_line(one))
    typer.echo(_told([one.day.year]), err=True)


@app.command("import")
def bring(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help=f"CSV with {', '.join(COLUMNS)}.", dir_okay=False)],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else only say what would be done.")] = False,
    actor: Annotated[str | None, typer.Option(help="Who does it; else the name you are logged in with.")] = None,
) -> None:
    """Write the days of a year's notice, all or none; a dry run shows which change."""
    with _database(context) as connection:
        days = _read(file)
        before = {one.day: one for year in {one.day.year for one in days} for one in days_of(connection, year)}
        changed = [one for one in days if before.get(one.day) != one]
        for one in changed:
            typer.echo(f"{'change' if one.day in before else 'add   '}  {_line(one)}")
            if apply:
                set_holiday(connection, one, Actor(actor or getpass.getuser()), datetime.now(UTC))
    done = "written" if apply else "would be written; --apply does it"
    typer.echo(f"{len(changed)} of {len(days)} days {done}", err=True)
    if apply and changed:
        typer.echo(_told([one.day.year for one in changed]), err=True)


def _read(file: Path) -> list[Holiday]:
    """The days of a CSV. Raises ValueError, which names the line."""
    found: dict[date, Holiday] = {}
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.DictReader(opened)
        lacking = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if lacking:
            raise ValueError(f"{file.name}: its first line lacks {', '.join(lacking)}")
        for row in rows:
            try:
                one = holiday_of(row)
            except (ValueError, Wrong) as error:
                raise ValueError(f"{file.name}, line {rows.line_num}: {error}") from None
            if one.day in found:
                raise ValueError(f"{file.name}, line {rows.line_num}: {one.day} stands there twice")
            if len(found) >= LINES_MOST:
                raise ValueError(f"{file.name}: more than {LINES_MOST} lines")
            found[one.day] = one
    return list(found.values())
