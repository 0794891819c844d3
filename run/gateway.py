"""Sends a message as an SMS: by asking a gateway as its templates say, one request a recipient."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

from geo.carrier import Sms, Words
from geo.delivery import Delivery, Outcome
from geo.outgoing import Answer, Outgoing, OutgoingError
from run.wording import Message, plain, sms

# How a value is written so that it stays a value, wherever a template puts it.
WRITTEN: Mapping[str, Callable[[str], str]] = {
    "json": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "form": quote_plus,
    "xml": lambda value: escape(value, {'"': "&quot;", "'": "&apos;"}),
    "text": str,
}
TYPES = {
    "json": "application/json; charset=utf-8",
    "form": "application/x-www-form-urlencoded",
    "xml": "text/xml; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}


def send(
    outgoing: Outgoing,
    config: Sms,
    secrets: Mapping[str, str],
    given: Delivery,
    message: Message,
    note: Callable[[str], None],
) -> Outcome:
    """Ask for each recipient who has it not yet, and stop at the first who is refused.

    note: writes down who has it, at once, so that nobody else's fault sends it to them again.
    """
    reached: list[str] = []
    answer = ""
    for recipient in config.recipients:
        if recipient in given.reached:
            continue
        try:
            taken, answer = _ask(outgoing, config, secrets, given, message, recipient)
        except OutgoingError as error:
            return Outcome(False, str(error), tuple(reached))
        if not taken:
            return Outcome(False, answer, tuple(reached))
        note(recipient)
        reached.append(recipient)
    return Outcome(True, answer, tuple(reached))


def _ask(
    outgoing: Outgoing, config: Sms, secrets: Mapping[str, str], given: Delivery, message: Message, recipient: str
) -> tuple[bool, str]:
    values = {
        "text": sms(message, config.accents, config.segments),
        "to": recipient,
        "id": f"{given.message_id}-{recipient.lstrip('+')}",
        "time": message.when,
        "severity": message.severity,
        "rule": message.rule,
        "object": message.label,
    }
    headers = {"Content-Type": TYPES[config.body_kind]} if config.body else {}
    for name, words in config.headers.items():
        headers[name] = fill(words, values, secrets, _in_header)
    body = fill(config.body, values, secrets, WRITTEN[config.body_kind]).encode() if config.body else None
    answer = outgoing.request(config.method, filled_url(config.url, values, secrets), headers, body)
    good = answer.status in config.status if config.status else 200 <= answer.status < 300
    said = answer.body.decode(errors="replace")
    return good and config.expect in said, words_of(answer)


def filled_url(words: str, values: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    """An address with its places filled, each value percent-encoded."""
    return fill(words, values, secrets, lambda value: quote(value, safe=""))


def fill(words: str, values: Mapping[str, str], secrets: Mapping[str, str], written: Callable[[str], str]) -> str:
    """A template with its places filled; values are written so that they cannot end the place they stand in."""
    places = {**values, **{f"secret.{name}": value for name, value in secrets.items()}}
    return Words(words).substitute({name: written(value) for name, value in places.items()})


def _in_header(value: str) -> str:
    return plain(value, 2000).encode("ascii", "replace").decode()


def words_of(answer: Answer) -> str:
    """What a server answered; still to be shortened, and to be cleared of secrets before that."""
    said = answer.body.decode(errors="replace").strip()
    return f"HTTP {answer.status}" + (f": {said}" if said else "")
