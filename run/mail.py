"""Sends a message as an e-mail: through one relay, over a connection that was allowed, never in clear by mistake."""

import smtplib
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from geo.carrier import Email
from geo.delivery import Delivery, Outcome
from geo.outgoing import ANSWER_BYTES_MAX, Line, Outgoing, OutgoingError, place
from run.wording import Message


def send(outgoing: Outgoing, config: Email, secrets: Mapping[str, str], given: Delivery, message: Message) -> Outcome:
    """Hand the letter to the relay for everybody who has it not yet. Raises OutgoingError.

    What the relay took for some and refused for others is tried again for the others alone.
    """
    wanted = [one for one in config.recipients if one not in given.reached]
    letter = compose(config, given, message).as_bytes(policy=SMTP)
    with outgoing.connection(config.host, config.port) as line:
        relay = None
        try:
            relay = _Relay(config, outgoing, line)
            answer, refused = relay.deliver(config, secrets.get(config.password, ""), wanted, letter)
        except ssl.SSLError:  # some of which are ValueErrors as well
            raise
        except (smtplib.SMTPException, EOFError, ValueError) as error:
            late = f"{place(config.host, config.port)} did not answer within {outgoing.timeout_s:g} s"
            raise OutgoingError(late if line.over() else _words(error)) from None
        finally:
            if relay is not None:
                relay.close()
    reached = tuple(one for one in wanted if one not in refused)
    if refused:
        answer = "; ".join(f"{one}: {words}" for one, words in refused.items())
    return Outcome(not refused, answer, reached)


def compose(config: Email, given: Delivery, message: Message) -> EmailMessage:
    """The letter: its Message-ID stays the same at every attempt; all that concerns one alarm hangs together."""
    letter = EmailMessage()
    domain = config.sender.rpartition("@")[2]
    letter["From"] = Address("Hải Đăng", addr_spec=config.sender)
    letter["To"] = ", ".join(config.recipients)
    letter["Subject"] = message.subject
    letter["Date"] = format_datetime(given.made_at)
    letter["Message-ID"] = f"<{given.message_id}@{domain}>"
    if given.alarm_id is not None:
        letter["References"] = f"<haidang-alarm-{given.alarm_id}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers
    if message.severity in ("critical", "high"):
        letter["Importance"] = "high"
    letter.set_content(message.letter, cte="base64")
    return letter


class _Relay(smtplib.SMTP):
    """smtplib over a connection that is there already, whose answers are of bounded size."""

    def __init__(self, config: Email, outgoing: Outgoing, line: Line) -> None:
        self._line, self._tls, self._rest = line.socket, outgoing.tls, ANSWER_BYTES_MAX
        if config.security == "tls":
            self._line = outgoing.tls.wrap_socket(line.socket, server_hostname=config.host)
        # Its own name would be looked up for minutes where there is no DNS; the address in brackets is as good.
        own = line.socket.getsockname()[0] if config.security != "tls" else self._line.getsockname()[0]
        name = f"[IPv6:{own}]" if ":" in own else f"[{own}]"
        super().__init__(config.host, config.port, local_hostname=name, timeout=outgoing.timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # Where smtplib would look the host up and connect: that is done, once and to what is allowed.
        return self._line

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"), self)
        return super().getreply()

    def spend(self, count: int) -> None:
        """Count what was read; too much of it ends the conversation."""
        self._rest -= count
        if self._rest < 0:
            raise smtplib.SMTPException(f"the answer is longer than {ANSWER_BYTES_MAX} bytes")

    def deliver(self, config: Email, password: str, recipients: list[str], letter: bytes) -> tuple[str, dict[str, str]]:
        """The relay's last words, and whom it refused with which."""
        self.ehlo_or_helo_if_needed()
        if config.security == "starttls":
            self.starttls(context=self._tls)  # raises where the relay cannot; there is no going on in clear
            self.ehlo()
        if config.username:
            self.login(config.username, password)
        self._must(self.mail(config.sender), 250)
        answers = {one: self.rcpt(one) for one in recipients}
        refused = {one: _said(*answer) for one, answer in answers.items() if answer[0] not in (250, 251)}
        if len(refused) == len(recipients):
            return "", refused
        said = self._must(self.data(letter), 250)
        with suppress(smtplib.SMTPException, OSError):  # it has the letter, and that is what counts
            self.quit()
        return said, refused

    def _must(self, answer: tuple[int, bytes], code: int) -> str:
        if answer[0] != code:
            raise smtplib.SMTPResponseException(*answer)
        return _said(*answer)


class _Bounded:
    """A file of which no more is read than may be."""

    def __init__(self, file: Any, relay: _Relay) -> None:
        self._file, self._relay = file, relay

    def readline(self, most: int) -> bytes:
        line = bytes(self._file.readline(most))
        self._relay.spend(len(line))
        return line

    def close(self) -> None:
        self._file.close()


def _said(code: int, words: bytes) -> str:
    return f"{code} {words.decode(errors='replace')}"


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        return _said(error.smtp_code, words if isinstance(words, bytes) else str(words).encode())
    if isinstance(error, smtplib.SMTPException):
        return str(error)
    return f"no SMTP answer ({type(error).__name__})"
