"""The command `status`: each process and each feed: up, last message, rate, lag, rejects."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import redis
import sqlalchemy as sa
import typer

from geo import account
from geo.account import Account
from geo.database import engine
from ingest.stream import GROUP
from run import state
from run.connection import addresses
from run.fault import Fault

if TYPE_CHECKING:
    from settings import Settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
RATE_MINUTES = 5


@app.command()
def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Everything as one JSON object.")] = False,
) -> None:
    """Each process and each feed: up, last message, rate, lag, rejects; with the account over all feeds."""
    settings: Settings = context.find_root().obj
    try:
        answer = _status(settings)
    except Fault as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (OSError, redis.RedisError, sa.exc.SQLAlchemyError) as error:
        typer.echo(f"cannot ask the running system: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(answer, default=str) if as_json else "\n".join(_lines(answer)))


def _status(settings: "Settings") -> dict[str, Any]:
    where = addresses(settings)
    now = datetime.now(UTC)
    running = state.read(settings.home)
    with engine(where["DATABASE_URL_WEB"]).connect() as connection:
        rows = account.feeds(connection)
        recent = account.minutes_by_source(connection, now - timedelta(minutes=RATE_MINUTES), now)
    with redis.Redis.from_url(where["REDIS_URL"], socket_timeout=5) as client:
        for row in rows:
            row["lag"] = _lag(client, f"haidang:raw:{row['source']}")
            row["rate_per_s"] = round(recent.get(row["source"], 0) / (60 * RATE_MINUTES), 2)
            last = row["last_message_at"]
            row["age_s"] = None if last is None else round((now - last).total_seconds(), 1)
    total = Account()
    for row in rows:
        total.add(Account(**{name: row[name] for name in account.COUNTS}, rejected=Counter(row["rejected"])))
    uptime = (now - datetime.fromisoformat(running.started_at)).total_seconds() if running else 0.0
    processes = [vars(process) for process in running.processes] if running else []
    return {**total.as_dict(), "seconds": round(uptime, 1), "processes": processes, "feeds": rows}


def _lag(client: "redis.Redis", stream: str) -> int | None:
    """Batches of a stream that are not done: not read yet, or read and not acknowledged."""
    try:
        groups: Any = client.xinfo_groups(stream)
    except redis.ResponseError:
        return None
    found = next((group for group in groups if group["name"] in (GROUP, GROUP.encode())), None)
    return None if found is None else (found.get("lag") or 0) + found["pending"]


def _lines(answer: dict[str, Any]) -> list[str]:
    lines = [f"{'process':<12}{'state':<10}{'pid':>8}{'restarts':>10}"]
    for process in answer["processes"]:
        lines.append(f"{process['name']:<12}{process['state']:<10}{process['pid'] or '-':>8}{process['restarts']:>10}")
    lines += ["", f"{'feed':<22}{'age':>10}{'per s':>9}{'lag':>6}{'received':>12}{'accepted':>12}{'rejected':>10}"]
    for row in answer["feeds"]:
        age = "-" if row["age_s"] is None else f"{row['age_s']} s"
        lag = "-" if row["lag"] is None else row["lag"]
        refused = sum(row["rejected"].values())
        lines.append(
            f"{row['source']:<22}{age:>10}{row['rate_per_s']:>9}{lag:>6}{row['received']:>12}{row['accepted']:>12}{refused:>10}"
        )
        lines += [f"    {reason:<24}{number:>8}" for reason, number in sorted(row["rejected"].items())]
        lines += [f"    {name:<24}{number:>8}  (fault)" for name, number in sorted(row["faults"].items())]
    return lines
