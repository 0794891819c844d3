"""The command `bench`: one subcommand a benchmark."""

from __future__ import annotations

from typing import Annotated, Any

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


@app.command()
def live(
    context: typer.Context,
    as_json: Json = False,
    seconds: Annotated[float, typer.Option(min=1, help="How long messages are sent.")] = 20,
    rate: Annotated[int, typer.Option(min=1, help="Messages a second.")] = 1000,
) -> None:
    """Time from a UDP datagram to a drawn pixel, through every process, at a steady rate."""
    from bench import live as path
    from bench.chromium import NoBrowserError

    settings: Any = context.find_root().obj
    try:
        report = path.measure(seconds, rate, settings.flush_ms, settings.live_tick_ms)
    except (NoBrowserError, path.StartError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    report.print(as_json)
