"""The command `db`: bring the schema to the newest with what every installation starts with, and keep what must be."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from geo.commune import find_after
from geo.database import DatabaseError, engine, upgrade
from layers import discover, seed
from run.connection import addresses
from run.fault import Fault

if TYPE_CHECKING:
    from settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The database.")


def bring_up(owner_url: str) -> list[str]:
    """The newest schema, the reference lines and the layers' rules; returns what was made, in words."""
    layers = discover()
    made = upgrade(owner_url, [layer.shape for layer in layers])
    owner = engine(owner_url)
    with owner.begin() as connection:
        other = seed(connection, layers)
    if other:
        find_after(owner)
    owner.dispose()
    return made


@app.callback()
def group() -> None:
    """Commands that need only the database."""


@app.command("upgrade")
def upgrade_command(context: typer.Context) -> None:
    """Bring the schema to the newest; safe to run again and at any time."""
    settings: Settings = context.find_root().obj
    try:
        made = bring_up(addresses(settings)["DATABASE_URL"])
    except (Fault, DatabaseError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo("\n".join(made) if made else "nothing to do")


@app.command("retain")
def retain_command(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is due.")] = False,
) -> None:
    """Move closed days to the archive, delete what is older than it must be kept; runs by itself each night."""
    settings: Settings = context.find_root().obj
    from geo.archive import ArchiveError
    from geo.retention import Policy, retain

    policy = Policy(
        settings.archive_after_days, settings.retention_months, settings.dead_letter_days, settings.dead_letter_rows
    )
    try:
        owner = engine(addresses(settings)["DATABASE_URL"])
        shapes = [layer.shape for layer in discover()]
        said = 0
        for line in retain(owner, settings.archive, shapes, policy, datetime.now(UTC), dry_run):
            said += 1
            typer.echo(line)
    except (Fault, DatabaseError, ArchiveError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if not said:
        typer.echo("nothing to do")
