"""What a screen asks to be done about a case, and what it is told: done, or what is missing at which field."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from access import cases
from access.site import Site
from geo.actor import Actor
from geo.case_work import Missing, NoCase, Stale
from geo.wrong import Wrong
from pages import moment
from pages.place import coordinates
from pages.read import DatabaseAway, act
from pages.text import Text


class Refused(Exception):
    """It was not done: `fields` says what is wrong with which field, in words."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(", ".join(fields))
        self.fields = fields


@dataclass(frozen=True)
class Deed:
    """One thing that a station asks for, of the case in the version that it shows."""

    action: str
    case: int
    version: int
    actor: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> "Deed":
        """From what the page's script put together."""
        typed = {str(name): str(value).replace("\0", "").strip() for name, value in (asked.get("fields") or {}).items()}
        actor = str(asked.get("actor") or "").replace("\0", "").strip()[:60]
        return cls(str(asked.get("action")), int(asked["case"]), int(asked["version"]), actor, typed)

    def said(self, name: str, most: int = 500) -> str | None:
        """What was typed there, None for nothing."""
        return self.fields.get(name, "")[:most] or None


async def do(site: Site, t: Text, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do it; {ok, words, fields: {name: what is wrong}, conflict}."""
    deed = Deed.of(asked)
    try:
        if not deed.actor:
            raise Refused({"actor": t("Hãy ghi tên cán bộ trực ban trước.")})
        words = await DEEDS[deed.action](site, t, deed, Actor(deed.actor))
    except Refused as error:
        return _not(t, " ".join(error.fields.values()), error.fields)
    except Missing as error:
        lacking = {
            "cause": t("Chọn nguyên nhân"),
            "outcome": t("Chọn kết quả xử lý"),
            "contact": t("Sổ chưa có dòng liên hệ nào: gọi và ghi lại trước khi kết luận"),
        }
        return _not(t, t.pick(error.vi, error.en) + ".", {name: lacking[name] for name in error.fields})
    except Wrong as error:
        own = FIELDS.get((deed.action, error.field), error.field)
        return _not(t, t.pick(error.vi, error.en), {own: t.pick(error.vi, error.en)})
    except NoCase:
        return _not(t, t("Không còn vụ việc này."))
    except Stale as error:
        reasons = {
            "changed": t("người khác vừa ghi vào vụ việc này. Xem phần mới rồi làm lại; chữ đã gõ vẫn còn."),
            "closed": t("vụ việc đã được kết luận."),
            "escalated": t("vụ việc đã được chuyển cấp trên."),
        }
        return {**_not(t, reasons[error.reason]), "conflict": True}
    except DatabaseAway:
        return _not(t, t("Cơ sở dữ liệu không trả lời."))
    return {"ok": True, "words": words, "fields": {}, "conflict": False}


def _not(t: Text, words: str, fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"ok": False, "words": f"{t('CHƯA làm')}: {words}", "fields": dict(fields or {}), "conflict": False}


def _at(t: Text, deed: Deed, name: str) -> datetime | None:
    try:
        return moment.read(t, deed.fields.get(name, ""))
    except ValueError as error:
        raise Refused({name: str(error)}) from None


async def _contact(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    lacking = {"who": t("Ghi đã gọi ai"), "result": t("Ghi kết quả cuộc gọi")}
    missing = {name: words for name, words in lacking.items() if not deed.said(name)}
    at = _at(t, deed, "called")
    if missing:
        raise Refused(missing)
    who, result = deed.said("who", 120) or "", deed.said("result") or ""
    await act(site, cases.log_contact, deed.case, actor, deed.version, at, who, deed.said("number", 40), result)
    return t("Đã ghi liên hệ vào sổ.")


async def _position(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    point = coordinates(deed.fields.get("place", ""))
    at = _at(t, deed, "placed")
    if point is None:
        raise Refused({"place": t("Viết vị trí như 16°54'N 108°18'E hoặc 16,9 108,3")})
    lat, lon = point
    await act(site, cases.enter_position, deed.case, actor, deed.version, at, lon, lat, deed.said("teller"))
    return t("Đã ghi vị trí báo tay: đồng hồ báo vị trí chạy lại.")


async def _assign(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    unit = deed.said("unit")
    if unit is None:
        raise Refused({"unit": t("Hãy chọn đơn vị.")})
    await act(site, cases.assign, deed.case, actor, deed.version, unit, deed.said("person", 120))
    return t("Đã giao.")


async def _escalate(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    await act(site, cases.escalate, deed.case, actor, deed.version, deed.said("why"))
    return t("Đã chuyển cấp trên.")


async def _note(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    text = deed.said("note")
    if text is None:
        raise Refused({"note": t("Hãy ghi điều cần nói.")})
    await act(site, cases.add_note, deed.case, actor, deed.version, None, text)
    return t("Đã ghi.")


async def _close(site: Site, t: Text, deed: Deed, actor: Actor) -> str:
    cause, outcome, text = deed.said("cause"), deed.said("outcome"), deed.said("remark")
    await act(site, cases.close, deed.case, actor, deed.version, cause, outcome, text)
    return t("Đã kết luận vụ việc; sổ vẫn giữ.")


DEEDS: Mapping[str, Callable[[Site, Text, Deed, Actor], Awaitable[str]]] = {
    "contact": _contact,
    "position": _position,
    "assign": _assign,
    "escalate": _escalate,
    "note": _note,
    "close": _close,
}
# Where the screen says what the engine found wrong, by deed and the engine's own word for it.
FIELDS = {("contact", "at"): "called", ("position", "at"): "placed", ("note", "text"): "note"}
