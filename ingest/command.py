"""The command `decode`: captures to records, without any server."""

import json
import sys
import time
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geo.account import Account
from ingest.offline import WRITERS, CaptureError, records

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class Format(StrEnum):
    """How decoded records are written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@app.command()
def decode(
    files: Annotated[
        list[str], typer.Argument(help="Captures of AIS sentences, gzipped or not; - for standard input.")
    ],
    form: Annotated[Format, typer.Option("--format", help="How records are written.")] = Format.JSONL,
    out: Annotated[Path | None, typer.Option(help="A file instead of standard output.")] = None,
) -> None:
    """Decode AIS sentences (tag blocks, multi-part, gzip) to one record a message; the account ends on stderr."""
    if form is Format.PARQUET and out is None and sys.stdout.isatty():
        typer.echo("parquet is not for a terminal: give --out FILE", err=True)
        raise typer.Exit(2)
    account, began = Account(), time.perf_counter()
    try:
        target = out.open("wb") if out else sys.stdout.buffer
        with target if out else nullcontext():
            WRITERS[form.value](records(files, account), target)
            target.flush()
    except BrokenPipeError:
        sys.stderr.close()  # the reader had enough, as `head` does
        raise typer.Exit(0) from None
    except (CaptureError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps({**account.as_dict(), "seconds": round(time.perf_counter() - began, 3)}), err=True)
