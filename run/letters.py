"""The command `dead-letters`: what was refused, shown safely, and put back once its cause is mended."""

import json
import unicodedata
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import redis
import sqlalchemy as sa
import typer

from access.push import PROVIDER
from geo import table
from geo.account import LETTER_BYTES
from geo.database import engine
from ingest.feed import PUSHED, Framed, Source
from ingest.lines import RETAINED_UNDATED
from ingest.pipeline import REFUSED
from ingest.stream import Writer
from ingest.worker import NO_BATCH
from layers import discover
from run.connection import addresses
from run.fault import Fault
from run.replay import wait_committed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from settings import Settings

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help="What was refused, and putting it back.")
NOT_SENT = (REFUSED, NO_BATCH)  # kept in words of our own: there are no sender's bytes to put back

BySource = Annotated[str | None, typer.Option("--source", help="Of this source alone.")]
ByReason = Annotated[str | None, typer.Option("--reason", help="Refused for this reason alone.")]
Since = Annotated[datetime | None, typer.Option(help="Refused at or after this time (UTC).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@dataclass(frozen=True)
class Choice:
    """Which letters are meant."""

    source: str | None = None
    reason: str | None = None
    since: datetime | None = None
    fresh: bool = False  # never put back yet

    def condition(self) -> sa.ColumnElement[bool]:
        """The letters as a condition on the table."""
        column = table.dead_letter.c
        since = self.since if self.since is None or self.since.tzinfo else self.since.replace(tzinfo=UTC)
        return sa.and_(
            sa.true(),
            *([column.source == self.source] if self.source else []),
            *([column.reason == self.reason] if self.reason else []),
            *([column.at >= since] if since else []),
            *([column.replayed_at.is_(None)] if self.fresh else []),
        )


def visible(raw: bytes) -> str:
    """Bytes as text that can do a terminal no harm: control, bidi and other unseen characters are escaped."""
    return "".join(_shown(character) for character in raw.decode("utf-8", "backslashreplace"))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return character
    return character.encode("unicode_escape").decode("ascii")


@app.callback(invoke_without_command=True)
def dead_letters(context: typer.Context) -> None:
    """What was refused: list it (the default), or put it back."""
    if context.invoked_subcommand is None:
        list_letters(context)


@app.command("list")
def list_letters(
    context: typer.Context,
    source: BySource = None,
    reason: ByReason = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The newest letters: when, of which source, why, and the first kilobyte of what came."""
    settings: Settings = context.find_root().obj
    choice = Choice(source, reason, since)
    with _one_line():
        url = addresses(settings)["DATABASE_URL_WEB"]
        with _connected(url) as connection:
            query = sa.select(table.dead_letter).where(choice.condition())
            number = connection.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
            newest = connection.execute(query.order_by(table.dead_letter.c.id.desc()).limit(limit)).mappings().all()
    letters = [_described(row) for row in reversed(newest)]
    if as_json:
        typer.echo(json.dumps({"number": number, "letters": letters}, default=str, ensure_ascii=False))
        return
    for each in letters:
        marks = "".join(f" ({word})" for word in ("cut", "replayed") if each[word])
        head = f"{each['at']:%Y-%m-%d %H:%M:%S}Z  {each['source']:<20}  {each['reason']:<20}"
        typer.echo(f"{head}  {each['text']}{marks}")
    typer.echo(f"{len(letters)} of {number} dead letters", err=True)


@app.command("replay")
def replay_letters(
    context: typer.Context,
    source: BySource = None,
    reason: ByReason = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the oldest.")] = 10_000,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; else only say what would be done.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also those that were put back before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put letters back through their source's stream as the receiver would, each once; prints the account."""
    settings: Settings = context.find_root().obj
    choice = Choice(source, reason, since, fresh=not again)
    with _one_line():
        where = addresses(settings)
        with redis.Redis.from_url(where["REDIS_URL"], socket_timeout=30) as client:
            answer, waits = _replay(where["DATABASE_URL_INGEST"], client, choice, limit, apply)
        web = engine(where["DATABASE_URL_WEB"])
        for name, peer, began, records in waits:
            account = wait_committed(web, name, peer, began, records, lossy=False, quiet=as_json)
            answer.setdefault("accounts", {})[name] = account.as_dict()
    typer.echo(json.dumps(answer) if as_json else "\n".join(_told(answer, apply)))


Wait = tuple[str, str, datetime, int]  # source, sender's name in the ledger, since when, records


def _replay(
    url: str, client: redis.Redis, choice: Choice, limit: int, apply: bool
) -> tuple[dict[str, Any], list[Wait]]:
    """What becomes of the chosen letters, and (with `apply`) what is to be waited for.

    They are marked in the transaction that puts them back: it ends only after Redis has them, and a second replay at
    the same time waits for it and finds them marked.
    """
    column, began = table.dead_letter.c, datetime.now(UTC)
    counts: Counter[str] = Counter()
    waits: list[Wait] = []
    with _connected(url) as connection, connection.begin():
        sources = _sources(connection)
        query = sa.select(table.dead_letter).where(choice.condition()).order_by(column.source, column.at, column.id)
        rows = connection.execute((query.with_for_update() if apply else query).limit(limit)).mappings().all()
        for row in rows:
            counts[_hindrance(row, sources) or "replayable"] += 1
        good = [row for row in rows if _hindrance(row, sources) is None]
        if apply and good:
            marked = sa.update(table.dead_letter).where(column.id.in_([row["id"] for row in good]))
            connection.execute(marked.values(replayed_at=began))
            for name, letters in groupby(good, key=lambda row: str(row["source"])):
                peer = f"dead letters {uuid.uuid4().hex}"
                waits.append((name, peer, began, _put_back(Writer(client, sources[name], peer), list(letters))))
    return {"letters": len(rows), **dict(sorted(counts.items())), "replayed": len(good) if apply else 0}, waits


def _put_back(writer: Writer, letters: Sequence[sa.RowMapping]) -> int:
    """Letters of one source into its stream, those of one moment together; returns how many records they are."""
    records = 0
    for at, same in groupby(letters, key=lambda row: row["at"]):
        framed = _framed(writer.source, [row["raw"] for row in same])
        records += len(framed.lines) + sum(framed.rejected.values())
        # With the time it came: a message that tells none must not be taken for one of today.
        writer.add(framed, received_at=at.timestamp())
    return records


def _framed(source: Source, letters: Sequence[bytes]) -> Framed:
    """Letters as whole records; what was pushed is one record each, whatever a framer would find in its texts."""
    if PUSHED in source.name:
        return Framed(list(letters), sum(map(len, letters)))
    framer = source.feed.framer()
    for raw in letters:
        framer.datagram(raw, 0.0)
    framer.close()
    return framer.take()


def _hindrance(row: sa.RowMapping, sources: dict[str, Source]) -> str | None:
    """Why a letter cannot be put back, or None."""
    if row["reason"] in NOT_SENT:
        return "not the sender's bytes"
    if len(row["raw"]) >= LETTER_BYTES:
        return "cut"
    if row["reason"] == RETAINED_UNDATED:
        return "says no time"  # put back, it would be of the time at which the broker told it
    if PUSHED in row["source"]:
        if row["reason"] == PROVIDER:
            return "not for its key to say"  # put back, it would be past the key that refused it
        if not row["raw"].startswith(b"{") or b"\n" in row["raw"]:
            return "no record by itself"  # a whole body, a list: a reader of lines would make something else of it
    return None if row["source"] in sources else "of no known source"


def _sources(connection: sa.Connection) -> dict[str, Source]:
    """Every source that was ever worked and whose feed there still is."""
    feeds = {feed.name: feed for layer in discover() for feed in layer.feeds}
    rows = connection.execute(sa.select(table.feed)).mappings()
    return {
        row["source"]: Source(row["source"], "", feeds[row["feed"]], row["simulated"])
        for row in rows
        if row["feed"] in feeds
    }


def _described(row: sa.RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "at": row["at"],
        "source": row["source"],
        "reason": row["reason"],
        "text": visible(row["raw"]),
        "bytes": len(row["raw"]),
        "cut": len(row["raw"]) >= LETTER_BYTES,
        "replayed": row["replayed_at"],
    }


def _told(answer: dict[str, Any], apply: bool) -> Iterable[str]:
    accounts = answer.pop("accounts", {})
    yield from (f"{name:>24}  {value}" for name, value in answer.items())
    for name, account in accounts.items():
        yield name
        yield from (f"{key:>24}  {value}" for key, value in account.items())
    if not apply and answer.get("replayable"):
        yield "Nothing was done yet; add --apply to put them back."


@contextmanager
def _connected(url: str) -> "Iterator[sa.Connection]":
    opened = engine(url)
    try:
        with opened.connect() as connection:
            yield connection
    finally:
        opened.dispose()


@contextmanager
def _one_line() -> "Iterator[None]":
    try:
        yield
    except Fault as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (OSError, redis.RedisError, sa.exc.SQLAlchemyError) as error:
        typer.echo(f"cannot ask the running system: {str(error).splitlines()[0]}", err=True)
        raise typer.Exit(1) from None
