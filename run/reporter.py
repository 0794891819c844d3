"""The command `reporter`: who sent a field report, to somebody by name, for a reason that is kept."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from run.disclosure import told
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
    query = "SELECT tell_reporter(:report, :who, :why)"
    found = told(settings, query, {"report": report, "who": actor, "why": reason}, "nobody was told")
    if found is None:
        typer.echo(f"there is no report {visible(report.encode())}", err=True)
        raise typer.Exit(1)
    typer.echo(visible(json.dumps(found, ensure_ascii=False).encode()))
