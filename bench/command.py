"""The command `bench`: one subcommand a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Side-by-side benchmarks; nothing here is a test.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Data = Annotated[str | None, typer.Option(help="A capture of AIS sentences, gzipped or not.")]
ROOT = Path(__file__).resolve().parent.parent
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
def queue(
    as_json: Json = False,
    data: Data = None,
    runs: Annotated[int, typer.Option(min=1, help="How often each contender runs.")] = 5,
) -> None:
    """Sentences a second into a durable Redis: an entry a batch, beside an XADD a sentence, single and pipelined."""
    from bench import queue as way

    way.measure(data, runs).print(as_json)


@app.command()
def pipeline(
    as_json: Json = False,
    data: Data = None,
    sentences: Annotated[int, typer.Option(min=20_000, help="How many, where no file is given.")] = 200_000,
    runs: Annotated[int, typer.Option(min=1, help="How often each contender runs.")] = 3,
) -> None:
    """The whole path from the stream to committed rows, beside pyais with executemany and with an ORM."""
    from bench import pipeline as path

    path.measure(data, sentences, runs).print(as_json)


@app.command()
def world(
    as_json: Json = False,
    minutes: Annotated[float, typer.Option(min=0.2, help="How long, after ten seconds to warm up.")] = 10,
    rate: Annotated[int, typer.Option(min=100, help="Sentences a second.")] = 19_000,
) -> None:
    """The world's rate, sustained through the real processes: lag, memory and disk over time."""
    from bench import world as path
    from bench.program import StartError

    try:
        report = path.measure(minutes, rate, lambda line: typer.echo(line, err=True))
    except StartError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    report.print(as_json)


@app.command()
def decode(
    data: Annotated[Path | None, typer.Option(help="A capture, or a directory of them; else a made one.")] = None,
    as_json: Json = False,
) -> None:
    """NMEA bytes to typed columns beside pyais, libais and AIS-catcher's decoder."""
    from bench import decode as contest

    contest.measure(data).print(as_json)


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
    from bench.program import StartError

    settings: Any = context.find_root().obj
    try:
        report = path.measure(seconds, rate, settings.flush_ms, settings.live_tick_ms)
    except (NoBrowserError, StartError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    report.print(as_json)


@app.command()
def desk(
    as_json: Json = False,
    count: Annotated[
        int, typer.Option(min=20, max=190, help="Alarms to acknowledge, half of them quiet, half in traffic.")
    ] = 190,
    rate: Annotated[int, typer.Option(min=1, help="Messages a second in the second half.")] = 1000,
) -> None:
    """Time from one operator's key to another browser's screen, with and without traffic."""
    from bench import desk as path
    from bench.chromium import NoBrowserError
    from bench.program import StartError

    try:
        report = path.measure(count, rate, lambda line: typer.echo(line, err=True))
    except (NoBrowserError, StartError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    report.print(as_json)


@app.command()
def board(
    as_json: Json = False,
    cases: Annotated[int, typer.Option(min=100, max=9_900, help="Open cases on the board.")] = 5_000,
    runs: Annotated[int, typer.Option(min=1, help="How often each filter is chosen.")] = 5,
) -> None:
    """How soon a filter of the lost-signal board is on the screen, and what reading the board costs."""
    from bench import board as path
    from bench.chromium import NoBrowserError
    from bench.program import StartError

    try:
        report = path.measure(cases, runs)
    except (NoBrowserError, StartError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    report.print(as_json)


@app.command()
def cameras(
    as_json: Json = False,
    number: Annotated[int, typer.Option("--cameras", min=20, max=20_000, help="Registered cameras.")] = 1_200,
    events: Annotated[int, typer.Option(min=100, help="Events a day; four days of them are there.")] = 50_000,
    runs: Annotated[int, typer.Option(min=1, help="How often each question is asked.")] = 15,
    seconds: Seconds = 15,
) -> None:
    """How soon questions about cameras and their events are answered, and what their updates cost the map."""
    from bench import cameras as path
    from bench.chromium import NoBrowserError
    from bench.program import StartError

    try:
        report = path.measure(number, events, runs, seconds)
    except (NoBrowserError, StartError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    report.print(as_json)


@app.command()
def reports(
    as_json: Json = False,
    number: Annotated[int, typer.Option("--reports", min=1_000, max=2_000_000, help="Reports of a year.")] = 183_000,
    placed: Annotated[int, typer.Option(min=100, help="So many of them have a place.")] = 58_000,
    runs: Annotated[int, typer.Option(min=1, help="How often each question is asked.")] = 15,
) -> None:
    """How soon board and desk answer over a year of field reports, and the map shows a pan or a filter."""
    from bench import reports as path
    from bench.chromium import NoBrowserError
    from bench.program import StartError

    try:
        report = path.measure(number, placed, runs)
    except (StartError, NoBrowserError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    report.print(as_json)


@app.command()
def clients(
    context: typer.Context,
    as_json: Json = False,
    number: Annotated[int, typer.Option("--clients", min=1, help="Live clients of the one web process.")] = 1000,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long they listen; the target says 10.")] = 1,
) -> None:
    """Live clients held by one web process without a lost tick, and the age of what reaches them."""
    from bench import clients as crowd

    settings: Any = context.find_root().obj
    try:
        report = crowd.measure(number, minutes, settings.live_tick_ms)
    except crowd.StartError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    report.print(as_json)


@app.command()
def history(
    as_json: Json = False,
    runs: Annotated[int, typer.Option(min=1, help="How often each contender runs.")] = 3,
) -> None:
    """Positions into PostGIS with its index and without, beside SQLAlchemy Core's executemany."""
    from bench import history as contest

    contest.measure(runs).print(as_json)


@app.command()
def fences(as_json: Json = False) -> None:
    """Points in 500 fences, beside shapely's tree and a join in PostGIS."""
    from bench import fences as contest

    contest.measure().print(as_json)


@app.command()
def tracks(
    as_json: Json = False,
    positions: Annotated[int, typer.Option(min=330_000, help="How many are stored.")] = 100_000_000,
    runs: Annotated[int, typer.Option(min=1, help="How many vessels and minutes are asked for.")] = 30,
    keep: Annotated[Path | None, typer.Option(help="A directory in which the made data stay.")] = None,
) -> None:
    """One vessel's 30-day track and the whole picture at a past minute, out of PostGIS and the archive."""
    from bench import tracks as past

    try:
        report = past.measure(positions, runs, keep, lambda line: typer.echo(line, err=True))
    except past.SpaceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    report.print(as_json)


@app.command()
def behaviour(
    as_json: Json = False,
    days: Annotated[float, typer.Option(min=3, help="Simulated days.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the simulated fleet.")] = 1,
) -> None:
    """Precision and recall of what boats are found to do, against what the simulated ones did."""
    from bench import behaviour as contest

    contest.measure(seed, days, lambda line: typer.echo(line, err=True)).print(as_json)


@app.command()
def table(
    files: Annotated[list[Path], typer.Argument(help="What `bench NAME --json` printed.")],
    write: Annotated[bool, typer.Option("--write", help="Put it into README.md, in place of the last one.")] = False,
) -> None:
    """A Markdown table of measured figures beside their floors and stretches."""
    from bench import table as page

    try:
        made = page.markdown(page.read(files))
        if write:
            page.write(ROOT / "README.md", made)
    except page.TableError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(made)


@app.command("all")
def every(
    out: Annotated[Path, typer.Option(help="Directory for one JSON file per benchmark.")],
    only: Annotated[str, typer.Option(help="Some of them, with commas between; else all.")] = "",
    data: Annotated[Path | None, typer.Option(help="A capture for those that take one.")] = None,
    minutes: Annotated[float | None, typer.Option(help="How long, for those that take it.")] = None,
) -> None:
    """Run the benchmarks in turn, each in a process of its own; those that fail are named at the end."""
    from bench import turn

    group: Any = typer.main.get_command(app)
    known = [name for name in group.commands if name not in ("all", "table")]
    names = only.split(",") if only else known
    if unknown := set(names) - set(known):
        raise typer.BadParameter(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")

    given = {"--data": data and data.resolve(), "--minutes": minutes}

    def options(name: str) -> list[str]:
        taken = {spelling for parameter in group.commands[name].params for spelling in parameter.opts}
        return [word for key, value in given.items() if value and key in taken for word in (key, str(value))]

    failed = turn.run([(name, options(name)) for name in names], out, lambda words: typer.echo(words, err=True))
    if failed:
        typer.echo(f"failed: {', '.join(failed)}", err=True)
        raise typer.Exit(1)
