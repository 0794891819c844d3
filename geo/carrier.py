"""What carries a message out of the house: an SMTP relay, a webhook or an SMS gateway, its configuration checked."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any

from geo import outgoing

KINDS = ("email", "webhook", "sms")
SECURITY = ("starttls", "tls", "plain")
METHODS = ("POST", "GET", "PUT")
BODIES = ("json", "form", "xml", "text")
RECIPIENTS_MOST, TEMPLATE_MOST, SEGMENTS_MOST = 50, 4000, 3
PLACES = ("text", "to", "id", "time", "severity", "rule", "object")

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,60}")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|\[?[0-9A-Fa-f:.]{2,45}\]?")
_MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")
_PHONE = re.compile(r"\+?[0-9]{3,15}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,60}")
_GUARDED = re.compile(r"authorization|cookie|secret|token|passw|key", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ChannelError(ValueError):
    """A channel or a route that cannot be: which field, and why, in both languages."""

    def __init__(self, name: str, vi: str, en: str) -> None:
        super().__init__(f"{name}: {en}")
        self.field, self.vi, self.en = name, vi, en


class Words(Template):
    """A template with the places `${text}`, `${to}`, ... and `${secret.NAME}`; it fills them and does nothing else."""

    idpattern = r"(?a:secret\.[A-Za-z0-9_-]{1,60}|[a-z]+)"
    flags = re.NOFLAG


@dataclass(frozen=True)
class Email:
    """An SMTP relay. security: `starttls`, `tls` from the first byte, or `plain`; password: the name of a secret."""

    host: str
    port: int
    security: str
    sender: str
    recipients: tuple[str, ...]
    username: str = ""
    password: str = ""


@dataclass(frozen=True)
class Webhook:
    """An address that takes signed JSON. url may hold `${secret.NAME}`; secret: the name of the signing key."""

    url: str
    secret: str


@dataclass(frozen=True)
class Sms:
    """A gateway that sends an SMS when it is asked by HTTP; one request a recipient.

    url, headers and body are `Words`. status: what the gateway answers when it took it (empty: any 2xx); expect: words
    that its answer then holds. accents: keep them, at 70 characters a segment instead of 160.
    """

    method: str
    url: str
    recipients: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    body_kind: str = "json"
    status: tuple[int, ...] = ()
    expect: str = ""
    accents: bool = False
    segments: int = 1


Config = Email | Webhook | Sms


class _Reader:
    """Takes the fields of a config one by one, so that what is left is what nobody asked for."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._rest = dict(config)

    def text(self, name: str, pattern: re.Pattern[str] | None, vi: str, en: str, most: int = 200) -> str:
        value = self._rest.pop(name, "")
        value = value.strip() if isinstance(value, str) else value
        good = isinstance(value, str) and len(value) <= most and (pattern is None or pattern.fullmatch(value))
        if not good or not _storable(value):
            raise ChannelError(name, vi, en)
        return str(value)

    def optional(self, name: str, pattern: re.Pattern[str] | None, vi: str, en: str, most: int = 200) -> str:
        if self._rest.get(name) in (None, ""):
            self._rest.pop(name, None)
            return ""
        return self.text(name, pattern, vi, en, most)

    def choice(self, name: str, among: Sequence[str], default: str) -> str:
        value = self._rest.pop(name, default) or default
        if value not in among:
            raise ChannelError(name, f"phải là một trong: {', '.join(among)}", f"must be one of {', '.join(among)}")
        return str(value)

    def number(self, name: str, low: int, high: int, default: int | None = None) -> int:
        value = self._rest.pop(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ChannelError(name, f"phải là số từ {low} đến {high}", f"must be a number from {low} to {high}")
        return value

    def flag(self, name: str) -> bool:
        value = self._rest.pop(name, False)
        if not isinstance(value, bool):
            raise ChannelError(name, "phải là true hoặc false", "must be true or false")
        return value

    def many(self, name: str, pattern: re.Pattern[str], vi: str, en: str) -> tuple[str, ...]:
        value = self._rest.pop(name, ())
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise ChannelError(name, "phải là một danh sách", "must be a list of texts")
        found = tuple(dict.fromkeys(one.strip() for one in value if one.strip()))
        if not 0 < len(found) <= RECIPIENTS_MOST:
            raise ChannelError(name, f"cần từ 1 đến {RECIPIENTS_MOST}", f"must be 1 to {RECIPIENTS_MOST}")
        for one in found:
            if not pattern.fullmatch(one):
                raise ChannelError(name, f"“{one[:60]}” {vi}", f"{one[:60]!r} {en}")
        return found

    def take(self, name: str, default: Any) -> Any:
        return self._rest.pop(name, default)

    def end(self) -> None:
        if self._rest:
            name = str(next(iter(self._rest)))[:40]
            raise ChannelError(name, "không phải là một mục của kênh này", "is not a field of this kind of channel")


def _storable(text: str) -> bool:
    """Whether PostgreSQL can keep it: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def parse(kind: str, config: Mapping[str, Any]) -> Config:
    """The config of a kind, checked field by field. Raises ChannelError, which names the field."""
    if kind not in _PARSERS:
        raise ChannelError("kind", f"phải là một trong: {', '.join(KINDS)}", f"must be one of {', '.join(KINDS)}")
    reader = _Reader(config)
    made = _PARSERS[kind](reader)
    reader.end()
    return made


def _email(reader: _Reader) -> Email:
    host = reader.text("host", _HOST, "phải là tên máy hoặc địa chỉ IP", "must be a host name or an IP address")
    made = Email(
        host=host.strip("[]"),
        port=reader.number("port", 1, 65535, 587),
        security=reader.choice("security", SECURITY, "starttls"),
        sender=reader.text("sender", _MAIL, "phải là một địa chỉ thư", "must be a mail address"),
        recipients=reader.many("recipients", _MAIL, "không phải là địa chỉ thư", "is not a mail address"),
        username=reader.optional("username", re.compile(r"[^\x00-\x1f\x7f]+"), "không hợp lệ", "is not usable"),
        password=reader.optional("password", _SECRET, *_NAME_OF_SECRET),
    )
    if bool(made.username) != bool(made.password):
        raise ChannelError("password", "tên đăng nhập và mật khẩu phải đi cùng nhau", "goes together with a username")
    if made.password and made.security == "plain" and made.host not in ("127.0.0.1", "localhost", "::1"):
        raise ChannelError(
            "security", "không gửi mật khẩu qua đường không mã hóa", "a password is never sent without encryption"
        )
    return made


def _webhook(reader: _Reader) -> Webhook:
    return Webhook(url=_url(reader), secret=reader.text("secret", _SECRET, *_NAME_OF_SECRET))


def _sms(reader: _Reader) -> Sms:
    made = Sms(
        method=reader.choice("method", METHODS, "POST"),
        url=_url(reader),
        recipients=reader.many("recipients", _PHONE, "không phải là số điện thoại", "is not a phone number"),
        headers=_headers(reader.take("headers", {})),
        body=_template("body", reader.optional("body", None, *_TOO_LONG, TEMPLATE_MOST)),
        body_kind=reader.choice("body_kind", BODIES, "json"),
        status=_status(reader.take("status", ())),
        expect=reader.optional("expect", None, *_TOO_LONG),
        accents=reader.flag("accents"),
        segments=reader.number("segments", 1, SEGMENTS_MOST, 1),
    )
    written = (made.url, made.body, *made.headers.values())
    if not any("text" in Words(one).get_identifiers() for one in written):
        raise ChannelError("body", "cần có ${text} để mang lời báo động", "must hold ${text}, or it says nothing")
    return made


def _url(reader: _Reader) -> str:
    value = reader.text("url", re.compile(r"https?://[\x21-\x7e]+"), *_NO_URL, TEMPLATE_MOST)
    if "$" in value.split("/", 3)[2]:
        raise ChannelError("url", "tên máy không được là ô điền", "the host must not be a place to fill")
    try:
        outgoing.target(value)
    except ValueError as error:
        raise ChannelError("url", _NO_URL[0], str(error)) from None
    return _template("url", value)


def _template(name: str, value: str) -> str:
    words = Words(value)
    if not words.is_valid():
        raise ChannelError(name, "có dấu $ không đúng; dấu $ thật viết là $$", "holds a stray $; a real one is $$")
    for place in words.get_identifiers():
        if place not in PLACES and not place.startswith("secret."):
            known = ", ".join(f"${{{one}}}" for one in (*PLACES, "secret.NAME"))
            raise ChannelError(name, f"không có ô ${{{place}}}; chỉ có {known}", f"no ${{{place}}}; there are {known}")
    return value


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > 20:
        raise ChannelError("headers", "phải là các cặp tên và giá trị", "must be up to 20 names with their values")
    for name, text in value.items():
        if not isinstance(name, str) or not _HEADER.fullmatch(name):
            raise ChannelError("headers", f"tên “{str(name)[:40]}” không hợp lệ", f"{str(name)[:40]!r} is no name")
        if not isinstance(text, str) or _CONTROL.search(text) or not text.isascii() or len(text) > 500:
            raise ChannelError("headers", f"giá trị của {name} không hợp lệ", f"the value of {name} is not usable")
        _template("headers", text)
        if _GUARDED.search(name) and "${secret." not in text:
            raise ChannelError(
                "headers",
                f"{name} phải lấy giá trị từ một bí mật: ${{secret.TÊN}}",
                f"{name} must take its value from a secret: ${{secret.NAME}}",
            )
    return dict(value)


def _status(value: Any) -> tuple[int, ...]:
    good = isinstance(value, list | tuple) and all(type(one) is int and 200 <= one < 300 for one in value)
    if not good or len(value) > 20:
        raise ChannelError("status", "phải là các số từ 200 đến 299", "must be numbers from 200 to 299")
    return tuple(value)


_NAME_OF_SECRET = (
    "phải là tên của một bí mật trong HAIDANG_SECRETS, không phải chính nó",
    "must be the name of a secret in HAIDANG_SECRETS, not the secret itself",
)
_NO_URL = ("phải bắt đầu bằng https:// (hoặc http://)", "must begin with https:// (or http://)")
_TOO_LONG = ("quá dài", "is too long")
_PARSERS: Mapping[str, Callable[[_Reader], Config]] = {"email": _email, "webhook": _webhook, "sms": _sms}


def place_of(config: Config) -> str:
    """The `host:port` that a channel connects to."""
    if isinstance(config, Email):
        return outgoing.place(config.host, config.port)
    return outgoing.place(*outgoing.target(config.url))


def secrets_of(config: Config) -> frozenset[str]:
    """The names of the secrets that a channel uses."""
    if isinstance(config, Email):
        return frozenset(filter(None, [config.password]))
    written = [config.url]
    if isinstance(config, Sms):
        written += [config.body, *config.headers.values()]
    named = {place.removeprefix("secret.") for one in written for place in Words(one).get_identifiers() if "." in place}
    return frozenset(named | ({config.secret} if isinstance(config, Webhook) else set()))
