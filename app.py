"""The front door: reads the settings, mounts the rooms' commands, and wires nothing else."""

import logging
import sys
from importlib import import_module

import structlog
import typer
from pydantic import ValidationError

from settings import Settings

app = typer.Typer(
    name="haidang",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Hải Đăng: a live map for a city's operations centre and its sea.",
)
# Which room brings which commands. Only the room that is asked for is loaded: a receiver needs neither Dash nor pandas.
ROOMS = {
    "run.command": ("demo", "up"),
    "run.processes": ("receive", "work", "clock", "send", "probe", "gather", "keep", "web"),
    "run.replay": ("replay",),
    "run.lab": ("lab",),
    "run.status": ("status",),
    "run.letters": ("dead-letters",),
    "run.importing": ("import",),
    "run.exporting": ("export",),
    "run.user": ("user",),
    "run.plate": ("plate",),
    "run.reporter": ("reporter",),
    "run.holidays": ("holidays",),
    "demo.command": ("simulate",),
    "demo.pictures": ("pictures",),
    "ingest.command": ("decode",),
    "run.schema": ("db",),
    "bench.command": ("bench",),
}
GROUPS = {
    "run.schema": "db",
    "run.letters": "dead-letters",
    "run.importing": "import",
    "run.holidays": "holidays",
    "run.exporting": "export",
    "run.user": "user",
    "bench.command": "bench",
}


def mount(asked: str | None) -> None:
    """Mount the commands of the room that has the one asked for, or of all rooms."""
    wanted = [room for room, commands in ROOMS.items() if asked in commands] or list(ROOMS)
    for name in wanted:
        room = import_module(name)
        if name in GROUPS:
            app.add_typer(room.app, name=GROUPS[name])
        else:
            app.registered_commands.extend(room.app.registered_commands)


def configure_logs(level: str) -> None:
    """Structured logs on stderr: one JSON object a line, or plain words on a terminal."""
    shown = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")


def faults(error: ValidationError) -> str:
    """What is wrong with the settings: one line that names each."""
    return "; ".join(f"{_variable(item['loc'])}: {item['msg']}" for item in error.errors())


def _variable(place: tuple[int | str, ...]) -> str:
    """The environment variable of a setting: those under customary names (DATABASE_URL) have no prefix."""
    name = str(place[0]) if place else "settings"
    return name if not place or name.isupper() else f"HAIDANG_{name.upper()}"


@app.callback()
def main(context: typer.Context) -> None:
    """Hải Đăng: a live map for a city's operations centre and its sea."""
    try:
        settings = Settings()
    except ValidationError as error:
        typer.echo(faults(error), err=True)
        raise typer.Exit(1) from None
    except ValueError as error:  # a value that is not even JSON, where JSON is expected
        typer.echo(f"settings: {error}", err=True)
        raise typer.Exit(1) from None
    configure_logs(settings.log_level)
    context.obj = settings


if __name__ == "__main__":
    mount(sys.argv[1] if len(sys.argv) > 1 else None)
    app(prog_name="haidang")
