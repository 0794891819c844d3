"""The command `lab`: one run of the rule lab in a process of its own, so that the web process stays light."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
import structlog
import typer

from geo import lab_run
from geo.database import engine
from geo.fence import fences
from geo.figure import figures
from geo.past import Reader, described
from geo.rule import Rule, resolved, rosters
from ingest import lab
from layers import discover

if TYPE_CHECKING:
    from settings import Settings

log = structlog.get_logger()
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
BEAT_S, STOP_S, TELL_S = 0.5, 1.5, 1.0
PIECE_ROWS = 120_000  # of a piece: a second or two of work, so that progress is seen
NICE = 10


@app.command("lab", hidden=True)
def lab_command(context: typer.Context, run: Annotated[int, typer.Argument(min=1)]) -> None:
    """One process: a run that the lab's screen has asked for; the web process starts it."""
    settings: Settings = context.find_root().obj
    url = settings.secret("database_url_web") or settings.secret("database_url")
    if url is None:
        typer.echo("lab: DATABASE_URL is not set; runs are started by the web process", err=True)
        raise typer.Exit(1)
    os.nice(NICE)
    opened = engine(url)
    try:
        Run(opened, settings.archive, run).go()
    finally:
        opened.dispose()


def starter(environment: Mapping[str, str], front_door: Path | None = None) -> Callable[[int], None]:
    """What starts a run's process beside this one; it ends with this one. front_door: app.py, else this process's."""
    door = str(front_door or Path(sys.argv[0]).resolve())

    def start(run: int) -> None:
        child = subprocess.Popen([sys.executable, door, "lab", str(run)], env=dict(environment))
        threading.Thread(target=child.wait, daemon=True).start()  # or it would stay behind as a zombie

    return start


@dataclass
class Run:
    """One run: judges the past piece by piece, tells how far it has come, and stops when it is asked to."""

    opened: sa.Engine
    archive: Path
    number: int
    progress: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def go(self) -> None:
        """From the first fix to the last, or until it is stopped; what goes wrong is written down in words."""
        watch = threading.Thread(target=self._watch, daemon=True)
        watch.start()
        fault = None
        try:
            self._judge()
        except (ValueError, LookupError) as error:
            fault = str(error)
        except sa.exc.SQLAlchemyError as error:
            fault = f"the database: {str(error).splitlines()[0]}"
        except Exception as error:  # whoever asked must not wait for ever; the log has all of it
            log.exception("lab run failed", run=self.number)
            fault = f"{type(error).__name__}: {error}"
        self._over.set()
        watch.join()
        with self.opened.begin() as connection:
            lab_run.end(connection, self.number, datetime.now(UTC), fault)

    def _judge(self) -> None:
        with self.opened.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            row = lab_run.one(connection, self.number, datetime.now(UTC))
            if row is None:
                raise LookupError(f"there is no run {self.number}")
            start, end = row["start_at"], row["end_at"]
            asked = lab_run.drafts_of(row)
            layer = next((each for each in discover() if asked and each.name == asked[0].layer), None)
            if layer is None:
                raise ValueError("the drafts are of no layer that is known here")
            shape, label = layer.shape, layer.style.label
            lab.check(asked, shape)
            drafts = _resolved(connection, asked)
            places = lab.fences_of(drafts, fences(connection, every=True))
            fix, about = lab.columns_of(drafts, shape, label)
            trial = lab.Trial(shape, label, drafts, places, described(connection, shape, about), start)
            begin = start - lab.warm_up(drafts)
            told = time.monotonic()
            through = start
            for piece in Reader(connection, self.archive, shape, fix, PIECE_ROWS).pieces(begin, end):
                trial.take(piece, self._stopping.is_set)
                if self._stopping.is_set():
                    break
                through = max(start, piece.end)
                self.progress = (piece.end - begin) / (end - begin)
                if trial.full:
                    break
                if time.monotonic() - told >= TELL_S:
                    lab_run.tell(connection, self.number, lab.account(trial, through))
                    told = time.monotonic()
            else:
                trial.finish(end)
                through = end
            lab_run.tell(connection, self.number, lab.account(trial, through))

    def _watch(self) -> None:
        """Give a sign of life, hear whether to stop, and end with the process that started this one."""
        parent, asked = os.getppid(), None
        while not self._over.wait(BEAT_S):
            if os.getppid() != parent:
                os._exit(1)
            try:
                with self.opened.begin() as connection:
                    goes_on = lab_run.beat(connection, self.number, self.progress, datetime.now(UTC))
                    if not goes_on and asked is not None and time.monotonic() - asked > STOP_S:
                        lab_run.end(connection, self.number, datetime.now(UTC))
            except sa.exc.SQLAlchemyError:
                continue  # its silence says so
            if goes_on:
                continue
            self._stopping.set()
            if asked is not None and time.monotonic() - asked > STOP_S:
                os._exit(0)  # in the middle of a piece; what was found before is written down
            asked = asked or time.monotonic()


def _resolved(connection: sa.Connection, drafts: list[Rule]) -> list[Rule]:
    places = {fence.key: fence for fence in fences(connection, every=True)}
    members, law = rosters(connection), figures(connection)
    found = []
    for number, draft in enumerate(drafts, 1):  # numbers tell them apart: drafts have none of the database's
        fence = places.get(draft.fence_key or "")
        if draft.fence_key and fence is None:
            raise ValueError(f"rule {draft.key}: there is no fence {draft.fence_key!r}")
        own = (fence.applies_to, fence.dwell_s, fence.hysteresis_m) if fence else ({}, 0.0, 0.0)
        found.append(resolved(Rule(**{**vars(draft), "id": number}), *own, members, law))
    return found
