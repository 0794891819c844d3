"""What the database keeps closed and tells only to somebody by name, for a reason, with a line that stays."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import typer

from geo.database import engine
from run.connection import addresses
from run.fault import Fault
from run.letters import visible

if TYPE_CHECKING:
    from settings import Settings


def told(settings: "Settings", query: str, values: Mapping[str, Any], refused: str) -> Any:
    """What a function of the database tells the owner, in a transaction that keeps its line; None for nothing.

    Ends the command with one line: `refused`, and why.
    """
    try:
        opened = engine(addresses(settings)["DATABASE_URL"])
        try:
            with opened.begin() as connection:
                return connection.scalar(sa.text(query), values)
        finally:
            opened.dispose()
    except (Fault, ValueError) as error:
        typer.echo(visible(str(error).encode()), err=True)
        raise typer.Exit(1) from None
    except sa.exc.SQLAlchemyError as error:
        typer.echo(f"{refused}: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None
