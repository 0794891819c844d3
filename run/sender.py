"""The sender: takes what the outbox holds out of the house, one leased process; a second one waits as its stand-in."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import sqlalchemy as sa
import structlog

from geo.carrier import ChannelError, Config, Email, Webhook, parse, secrets_of
from geo.channel import Channel, channels
from geo.delivery import WINDOW, Delivery, Outcome, Patience, due, enqueue, note_reached, record, take
from geo.heartbeat import Heartbeat
from geo.lease import leased
from geo.outgoing import Outgoing, OutgoingError
from run import gateway, mail, webhook
from run.wording import compose, plain

log = structlog.get_logger()
TICK_S = 1.0
LEASE = "haidang:sender"
RECENT, WHOLE_EVERY = timedelta(minutes=10), timedelta(minutes=10)
CHANNELS_AT_ONCE = 6  # each has its connection; the pool has a few more
ANSWER_MOST = 300
HIDDEN = "•••"


@dataclass
class Sender:
    """Fills the outbox from the journal and empties it, each channel by itself, so that a dead one holds up no other.

    secrets: name -> value, which no log and no answer ever holds. withholding: nothing leaves the house.
    """

    engine: sa.Engine
    outgoing: Outgoing
    secrets: Mapping[str, str] = field(default_factory=dict)
    withholding: bool = False
    centre: str = ""
    public_url: str | None = None
    patience: Patience = field(default_factory=Patience)
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _whole_at: datetime | None = None
    _busy: dict[int, "Future[None]"] = field(default_factory=dict)

    def run(self, stopping: Callable[[], bool]) -> None:
        """Look each second until told to stop; the lease is a lock of the connection that fills the outbox."""
        with ThreadPoolExecutor(CHANNELS_AT_ONCE, "channel") as pool:
            while not stopping():
                self.heartbeat.beat()
                try:
                    with self.engine.connect() as connection:
                        connection.detach()  # so that with it the lease ends, and does not go back to the pool
                        while not stopping():
                            self.heartbeat.beat()
                            if leased(connection, LEASE):
                                self._start(pool, self.fill(connection), stopping)
                            time.sleep(TICK_S)
                except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
                    log.warning("database is away", error=str(error).splitlines()[0])
                    self.engine.dispose()
                    time.sleep(TICK_S)

    def fill(self, connection: sa.Connection) -> list[Channel]:
        """Put what is new into the outbox; the channels that have something due."""
        now = self.now()
        # Once at the start and then now and then, far back; else only where a late commit may still turn up.
        whole = self._whole_at is None or now - self._whole_at >= WHOLE_EVERY
        with connection.begin():
            enqueue(connection, now, self.withholding, now - (WINDOW if whole else RECENT))
            wanted = due(connection, now)
            known = {one.id: one for one in channels(connection)} if wanted else {}
        if whole:
            self._whole_at = now
        return [known[number] for number in wanted]

    def empty(self, channel: Channel, stopping: Callable[[], bool] = lambda: False) -> None:
        """Send what is due on a channel, in order, until nothing is or until it refuses one."""
        while not stopping():
            with self.engine.begin() as connection:
                given = take(connection, channel.id, self.now(), self.patience, self.withholding)
            if given is None:
                return
            outcome = self._attempt(channel, given)
            with self.engine.begin() as connection:
                record(connection, given, outcome, self.now(), self.patience)
            told = log.info if outcome.done else log.warning
            told("message", channel=channel.key, id=given.message_id, attempt=given.attempts, answer=outcome.answer)
            if not outcome.done:
                return

    def _start(self, pool: ThreadPoolExecutor, wanted: list[Channel], stopping: Callable[[], bool]) -> None:
        self._busy = {number: job for number, job in self._busy.items() if not job.done()}
        for channel in wanted:
            if channel.id not in self._busy:
                self._busy[channel.id] = pool.submit(self._work, channel, stopping)

    def _work(self, channel: Channel, stopping: Callable[[], bool]) -> None:
        try:
            self.empty(channel, stopping)
        except sa.exc.SQLAlchemyError as error:
            # What was sent and could not be written down is due again, under the same id.
            log.warning("database is away", channel=channel.key, error=str(error).splitlines()[0])

    def _attempt(self, channel: Channel, given: Delivery) -> Outcome:
        secrets: Mapping[str, str] = {}
        try:
            config = parse(channel.kind, channel.config)
            secrets = self._secrets_for(config)
            outcome = self._send(config, secrets, given)
        except (OutgoingError, ChannelError) as error:
            outcome = Outcome(False, str(error))
        except sa.exc.SQLAlchemyError:
            raise
        except Exception as error:  # one message that cannot be made must not stop the others
            log.error("message failed", channel=channel.key, id=given.message_id, error=type(error).__name__)
            outcome = Outcome(False, f"the message could not be made ({type(error).__name__})")
        return Outcome(outcome.done, hidden(outcome.answer, secrets), outcome.reached)

    def _secrets_for(self, config: Config) -> dict[str, str]:
        for name in secrets_of(config):
            if name not in self.secrets:
                raise OutgoingError(f"there is no secret {name!r} in HAIDANG_SECRETS")
        return {name: self.secrets[name] for name in secrets_of(config)}

    def _send(self, config: Config, secrets: Mapping[str, str], given: Delivery) -> Outcome:
        message = compose(given, self.centre, self.public_url)
        if isinstance(config, Email):
            return mail.send(self.outgoing, config, secrets, given, message)
        if isinstance(config, Webhook):
            return webhook.send(self.outgoing, config, secrets, given, message, self.now())
        return gateway.send(self.outgoing, config, secrets, given, message, lambda one: self._reached(given, one))

    def _reached(self, given: Delivery, recipient: str) -> None:
        with self.engine.begin() as connection:
            note_reached(connection, given, recipient)


def hidden(answer: str, secrets: Mapping[str, str]) -> str:
    """What the other side said, as one short line in which no secret stands, should it repeat one in any spelling."""
    spell: tuple[Callable[[str], str], ...] = (*gateway.WRITTEN.values(), lambda value: quote(value, safe=""))
    spellings = {write(value) for value in secrets.values() if value for write in spell}
    for value in sorted(spellings, key=len, reverse=True):
        answer = answer.replace(value, HIDDEN)
    return plain(answer, ANSWER_MOST)
