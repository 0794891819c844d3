"""Sends a message as signed JSON to an address that expects it, signed as Standard Webhooks says."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from geo.carrier import Webhook
from geo.delivery import TEST, Delivery, Outcome
from geo.outgoing import Outgoing
from run.gateway import filled_url, words_of
from run.wording import Message

PREFIX = "whsec_"  # of a key that is written in base64


def send(
    outgoing: Outgoing, config: Webhook, secrets: Mapping[str, str], given: Delivery, message: Message, now: datetime
) -> Outcome:
    """POST it; any 2xx is taken as received. Raises OutgoingError."""
    body = json.dumps(payload(given, message), ensure_ascii=False).encode()
    at = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": given.message_id,
        "webhook-timestamp": at,
        "webhook-signature": sign(secrets[config.secret], given.message_id, at, body),
    }
    answer = outgoing.request("POST", filled_url(config.url, {}, secrets), headers, body)
    return Outcome(200 <= answer.status < 300, words_of(answer))


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; the key is the secret, or what follows `whsec_`."""
    key = secret.encode()
    if secret.startswith(PREFIX):
        with suppress(binascii.Error):  # else it is a plain secret that happens to begin so
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _warning(given: Delivery, message: Message) -> dict[str, Any]:
    """A warning: what of it a machine needs; all of it stands in the CAP document."""
    row = given.line
    names = ("identifier", "sender", "status", "msg_type", "hazard", "risk_level", "severity", "urgency", "certainty",
             "words", "area_words", "geom", "simulated", "note")  # fmt: skip
    data = {"warning": given.warning_id, **{name: row[name] for name in names}}
    data |= {name: row[name].isoformat() if row[name] else None for name in ("sent", "onset_at", "expires_at")}
    kind = given.transition.replace("_", ".")
    return {"type": kind, "timestamp": row["known_at"].isoformat(), "text": message.line,
            "data": {**data, "url": message.link or None}}  # fmt: skip


def payload(given: Delivery, message: Message) -> dict[str, Any]:
    """What a webhook is told: type, time, one sentence in `text`, and the alarm's or warning's own in `data`."""
    if given.transition == TEST:
        head = {"type": "channel.test", "timestamp": given.made_at.isoformat(), "text": message.line}
        return {**head, "data": {"asked_by": given.asked_by}}
    line = given.line
    if given.warning_id is not None:
        return _warning(given, message)
    names = ("layer", "object_key", "object_label", "other_key", "severity", "value", "lon", "lat", "simulated")
    times = ("raised_at", "cleared_at", "acknowledged_at")
    data: dict[str, Any] = {"alarm": given.alarm_id, "rule": line["rule"], **{name: line[name] for name in names}}
    data |= {name: line[name].isoformat() if line[name] else None for name in times}
    data |= {"rule_vi": line["name_vi"], "rule_en": line["name_en"], "fence_vi": line["fence_vi"]}
    data |= {"fence_en": line["fence_en"], "url": message.link or None}
    if given.flood_id is not None:
        data["flood"] = {"id": given.flood_id, "alarms": line["flood_size"]}
    return {
        "type": f"alarm.{given.transition}",
        "timestamp": line["happened_at"].isoformat(),
        "text": message.line,
        "data": data,
    }
