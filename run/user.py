"""The commands `user token`: the keys by which other systems push records; shown once, listed without their secret."""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
import typer

from geo import api_key
from geo.actor import Actor
from geo.api_key import Key
from geo.database import engine
from geo.report import REPORT
from ingest.camera_event import NAME as EVENTS
from layers import discover, push_feed
from run.connection import addresses
from run.fault import Fault
from run.letters import visible

if TYPE_CHECKING:
    from settings import Settings

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Who may use the centre."
)
token = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Keys of other systems."
)
app.add_typer(token, name="token")

By = Annotated[str | None, typer.Option("--actor", help="Who does it; else the name you are logged in with.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def group() -> None:
    """Who may use the centre: at present the keys of other systems."""


@token.command("add")
def add(
    context: typer.Context,
    sender: Annotated[str, typer.Argument(help="The sender's name, a-z, 0-9, - and _; it may have several keys.")],
    layers: Annotated[list[str], typer.Option("--layer", help="A layer that it may push to; give several.")],
    provider: Annotated[
        str | None, typer.Option(help="The provider whose devices alone it speaks for, by key or name.")
    ] = None,
    expires: Annotated[datetime | None, typer.Option(help="When it opens nothing any more (UTC).")] = None,
    per_minute: Annotated[int, typer.Option(min=1, max=60_000, help="Requests in a minute.")] = api_key.PER_MINUTE,
    actor: By = None,
    as_json: AsJson = False,
) -> None:
    """A new key. Its token is shown here and nowhere again."""
    taking = [*(layer.name for layer in discover() if push_feed(layer)), EVENTS, REPORT.name]
    for name in layers:
        if name not in taking:
            raise typer.BadParameter(f"{name!r} takes no records; there are: {', '.join(taking)}", param_hint="--layer")
    with _begun(context) as connection:
        who, until = _who(actor), expires and expires.replace(tzinfo=UTC)
        names = dict.fromkeys(layers)
        key, told = api_key.make(connection, sender, names, provider, who, datetime.now(UTC), until, per_minute)
    if as_json:
        typer.echo(json.dumps({"prefix": key.prefix, "sender": key.sender, "token": told}))
        return
    speaks = f", for {key.provider} alone" if key.provider else ""
    typer.echo(f"Key {key.prefix} of {key.sender} for {', '.join(key.layers)}{speaks}. Its token, shown only now:")
    typer.echo(told)


@token.command("list")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """All keys by their prefixes, and when each was last used."""
    now = datetime.now(UTC)
    with _begun(context) as connection:
        found = api_key.keys(connection)
    if as_json:
        names = [name for name in Key.__dataclass_fields__ if name != "provider_names"]
        rows = [{name: getattr(key, name) for name in names} | {"state": key.state(now)} for key in found]
        typer.echo(json.dumps({"keys": rows}, default=str))
        return
    typer.echo(f"{'key':<10}{'sender':<22}{'state':<10}{'last used':<22}{'per min':>8}  layers")
    for key in found:
        used = f"{key.used_at:%Y-%m-%d %H:%M:%S}Z" if key.used_at else "-"
        speaks = f" ({key.provider})" if key.provider else ""
        head = f"{key.prefix:<10}{key.sender:<22}{key.state(now):<10}{used:<22}{key.per_minute:>8}"
        typer.echo(f"{head}  {', '.join(key.layers)}{speaks}")


@token.command("disable")
def close(
    context: typer.Context,
    prefix: Annotated[str, typer.Argument(help="The key's prefix, as `list` shows it: hd_<prefix>_...")],
    actor: By = None,
) -> None:
    """Close a key for ever; requests with it are refused from now on."""
    with _begun(context) as connection:
        key = api_key.disable(connection, prefix, _who(actor), datetime.now(UTC))
    typer.echo(f"Key {key.prefix} of {key.sender} is disabled.")


def _who(actor: str | None) -> Actor:
    return Actor((actor or getpass.getuser()).strip())


@contextmanager
def _begun(context: typer.Context) -> Iterator[sa.Connection]:
    settings: Settings = context.find_root().obj
    try:
        opened = engine(addresses(settings)["DATABASE_URL"])
        try:
            with opened.begin() as connection:
                yield connection
        finally:
            opened.dispose()
    except (Fault, ValueError) as error:
        typer.echo(visible(str(error).encode()), err=True)
        raise typer.Exit(1) from None
    except sa.exc.SQLAlchemyError as error:
        typer.echo(f"cannot ask the database: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None
