"""The command `reporter`: who sent a field report, to somebody by name, for a reason that is kept."""

import json
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
import typer

from geo.database import engine
from run.connection import addresses
from run.fault import Fault
from run.letters import visible

if TYPE_CHECKING:
    from settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def reporter(
    context: typer.Context,
    report: Annotated[str, typer.Argument(help="The report's number, PA26-XXXXXXXX.")],
    actor: Annotated[str, typer.Option(help="Who is told; it is kept.")],
    reason: Annotated[str, typer.Option(help="Why, for instance the number of the file; it is kept.")],
) -> None:
    """Tell who sent one report, with an entry that nobody can change; no screen and no other command does."""
    settings: Settings = context.find_root().obj
    query = sa.text("SELECT tell_reporter(:report, :who, :why)")
    try:
        opened = engine(addresses(settings)["DATABASE_URL"])
        try:
            with opened.begin() as connection:
                told = connection.scalar(query, {"report": report, "who": actor, "why": reason})
        finally:
            opened.dispose()
    except (Fault, ValueError) as error:
        typer.echo(visible(str(error).encode()), err=True)
        raise typer.Exit(1) from None
    except sa.exc.SQLAlchemyError as error:
        typer.echo(f"nobody was told: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None
    if told is None:
        typer.echo(f"there is no report {visible(report.encode())}", err=True)
        raise typer.Exit(1)
    typer.echo(visible(json.dumps(told, ensure_ascii=False).encode()))
