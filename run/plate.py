"""The command `plate`: the whole number plate of a camera's event, to somebody by name, for a reason that is kept."""

from typing import TYPE_CHECKING, Annotated

import typer

from run.disclosure import told
from run.letters import visible

if TYPE_CHECKING:
    from settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def plate(
    context: typer.Context,
    event: Annotated[int, typer.Argument(min=1, help="The event's number, as /cameras/events shows it.")],
    actor: Annotated[str, typer.Option(help="Who is told; it is kept.")],
    reason: Annotated[str, typer.Option(help="Why, for instance the number of the file; it is kept.")],
) -> None:
    """Tell one plate, with an entry that nobody can change; no screen and no other command does."""
    settings: Settings = context.find_root().obj
    query = "SELECT tell_plate(:event, :who, :why)"
    found = told(settings, query, {"event": event, "who": actor, "why": reason}, "no plate was told")
    if found is None:
        typer.echo(f"event {event} is not there, or has no plate", err=True)
        raise typer.Exit(1)
    typer.echo(visible(str(found).encode()))
