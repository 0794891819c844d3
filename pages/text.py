"""Words, numbers, times and ages as an operator reads them, in Vietnamese (the source text) or English."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES = ("vi", "en")
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LOCALE_DIR = Path(__file__).parent / "locale"


class Titled(Protocol):
    """Anything that carries its own title in both languages."""

    @property
    def vi(self) -> str: ...  # noqa: D102  the class says it
    @property
    def en(self) -> str: ...  # noqa: D102  the class says it


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """Vietnamese source text -> translation; empty for Vietnamese itself. Source: pages/locale/<lang>.po."""
    path = LOCALE_DIR / f"{lang}.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        messages = read_po(file, locale=lang)
    return {str(m.id): str(m.string) for m in messages if m.id and m.string}


@dataclass(frozen=True, slots=True)
class Text:
    """One language's voice. Calling it translates: `t("Chưa xác nhận")`."""

    lang: str = "vi"

    @property
    def locale(self) -> str:
        """The CLDR locale of numbers."""
        return "vi_VN" if self.lang == "vi" else "en_GB"

    def __call__(self, message: str, **values: object) -> str:
        """The message in this language, with `{name}` places filled; an untranslated one stays Vietnamese."""
        words = catalogue(self.lang).get(message, message)
        return words.format(**values) if values else words

    def title(self, thing: Titled) -> str:
        """The title of a layer, kind, field or anything with `vi` and `en`."""
        return thing.vi if self.lang == "vi" else thing.en

    def pick(self, vi: str | None, en: str | None) -> str:
        """Whichever of two given texts is in this language, the other when it is missing."""
        return (vi or en or "") if self.lang == "vi" else (en or vi or "")

    def number(self, value: float | None, digits: int = 0) -> str:
        """A number with decimal comma and thousands dot (vi), at most `digits` decimals; a dash for None."""
        if value is None:
            return "–"
        return str(format_decimal(round(value, digits), format="#,##0." + "#" * digits, locale=self.locale))

    def degrees(self, value: float) -> str:
        """A decimal coordinate with all its five digits (about a metre)."""
        return str(format_decimal(value, format="0.00000", locale=self.locale))

    def when(self, at: datetime | None) -> str:
        """`HH:mm dd/MM/yyyy` in Asia/Ho_Chi_Minh. Naive times are UTC."""
        return self._format(at, "HH:mm dd/MM/yyyy")

    def exact(self, at: datetime | None) -> str:
        """`HH:mm:ss dd/MM/yyyy` in Asia/Ho_Chi_Minh, for hover and evidence."""
        return self._format(at, "HH:mm:ss dd/MM/yyyy")

    def clock(self, at: datetime, now: datetime) -> str:
        """`HH:mm:ss` of a moment of today in Asia/Ho_Chi_Minh, with `dd/MM` behind it on any other day."""
        same = at.astimezone(ZONE).date() == now.astimezone(ZONE).date()
        return self._format(at, "HH:mm:ss" if same else "HH:mm:ss dd/MM")

    def _format(self, at: datetime | None, pattern: str) -> str:
        if at is None:
            return "–"
        aware = at if at.tzinfo else at.replace(tzinfo=UTC)
        return str(format_datetime(aware.astimezone(ZONE), pattern, locale=self.locale))

    def age(self, seconds: float | None) -> str:
        """An age in at most two units: `12 s`, `3 phút`, `1 giờ 12`, `2 ngày`. screen.js ticks by the same table."""
        if seconds is None:
            return "–"
        whole = max(0, int(seconds))
        if whole < 60:
            return self("{n} s", n=whole)
        if whole < 3600:
            return self("{n} phút", n=whole // 60)
        if whole < 86400:
            hours, minutes = divmod(whole // 60, 60)
            return self("{n} giờ {m}", n=hours, m=f"{minutes:02d}") if minutes else self("{n} giờ", n=hours)
        return self("{n} ngày", n=whole // 86400)


def language(value: str | None) -> str:
    """The nearest language spoken here: an unknown or missing one is Vietnamese."""
    code = (value or "").strip().lower()[:2]
    return code if code in LANGUAGES else LANGUAGES[0]
