"""The command `bench`: one subcommand a benchmark."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Side-by-side benchmarks; nothing here is a test.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Seconds = Annotated[float, typer.Option("--seconds", min=3, help="How long each contender runs.")]


@app.callback()
def bench() -> None:
    """Side-by-side benchmarks, each from one run on one machine."""


@app.command("map")
def draw(as_json: Json = False, seconds: Seconds = 15) -> None:
    """Main-thread time, bytes, data to drawn and frames per second of the live map beside dash-leaflet's own ways."""
    from bench import map as contest
    from bench.chromium import NoBrowserError

    try:
        report = contest.measure(seconds)
    except NoBrowserError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    report.print(as_json)
