"""What the card says about a station: the river against its alarm levels, the air by VN_AQI, and what it measured."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from dash import html

from geo.aqi import band
from geo.parameter import AIR, BY_NAME, PARAMETERS, RAIN_MM, WATER_M
from geo.river import Stage
from pages.text import Text

_CM = Decimal("0.01")
_STEADY_M_H = 0.005  # what rounds to no centimetre an hour
_SHOWN = tuple(one for one in PARAMETERS if one not in (WATER_M, RAIN_MM))


def facts(t: Text, row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Name and value pairs in reading order; a pair without a value is left out by the card."""
    kinds = {"air": t("không khí"), "water": t("chất lượng nước"), "rain": t("mưa"), "river": t("mực nước sông")}
    return [
        (t("Loại trạm"), kinds.get(str(row.get("kind")), "")),
        (t("Mực nước"), water(t, row)),
        (t("Mức lên"), rise(t, row.get("rise_m_h"))),
        (t("VN_AQI giờ"), index(t, row)),
        *[(t.title(one), _value(t, row.get(one.name), one.unit)) for one in _SHOWN],
        (t("Mưa 1 giờ"), _value(t, row.get("rain_1h_mm"), "mm")),
        (t("Mưa 24 giờ"), _value(t, row.get("rain_24h_mm"), "mm")),
        (t("Số liệu nghi ngờ"), quality(t, row.get("quality"))),
        (t("Đơn vị quản lý"), str(row.get("owner") or "")),
    ]


def water(t: Text, row: Mapping[str, Any]) -> str:
    """A level with where it stands to the nearest alarm level, as bulletins say it: `2,56 m, trên BĐ2 0,56 m`."""
    level = row.get("water_m")
    if level is None:
        return ""
    metres = Decimal(str(level)).quantize(_CM, ROUND_HALF_UP)
    reached, nearest, above = (row.get(name) for name in ("stage", "nearest_level", "above_m"))
    known = Stage(
        metres,
        None if reached is None else int(reached),
        None if nearest is None else int(nearest),
        None if above is None else Decimal(str(above)).quantize(_CM, ROUND_HALF_UP),
    )
    words = known.words(t.lang != "vi")
    told = f"{metres:.2f}" if t.lang != "vi" else f"{metres:.2f}".replace(".", ",")
    return f"{told} m, {words}" if words else t("{level} m, trạm chưa có mức báo động", level=told)


def rise(t: Text, metres: float | None) -> str:
    """How fast a river rises or falls."""
    if metres is None:
        return ""
    if abs(metres) < _STEADY_M_H:
        return t("đứng")
    speed = t.number(abs(metres), 2)
    return t("lên {n} m/giờ", n=speed) if metres > 0 else t("xuống {n} m/giờ", n=speed)


def index(t: Text, row: Mapping[str, Any]) -> Any:
    """The hourly index with its level in the decision's own colour, what makes it, and until when the hour goes."""
    known = row.get("aqi")
    if known is None:
        air = any(row.get(one.name) is not None for one in AIR)
        return t("chưa đủ số liệu bụi của 3 giờ cuối") if air else ""
    level = band(int(known))
    name = str(row.get("aqi_of") or "").removesuffix("_1h").removesuffix("_8h")
    of = t.title(BY_NAME[name]) if name in BY_NAME else ""
    words = f"{int(known)} · {t.title(level)}" + (f" · {of}" if of else "")
    until = t("giờ đến {at}", at=t.when(row["aqi_until"])) if row.get("aqi_until") else ""
    swatch = html.I(className="swatch aqi", style={"background": "rgb({}, {}, {})".format(*level.rgb)})
    return html.Span([swatch, f" {words} ", html.Span(until, className="muted")])


def quality(t: Text, told: str | None) -> str:
    """What is odd about the last record, each by the member that it speaks of and with what was told."""
    return "; ".join(_odd(t, word) for word in (told or "").split())


def _odd(t: Text, word: str) -> str:
    name, _, rest = word.partition(":")
    flag, _, value = rest.partition("=")
    of = t.title(BY_NAME[name]) if name in BY_NAME else name
    words = {
        "range": t("{of}: ngoài khoảng đo ({value}), không tính", of=of, value=value),
        "future": t("giờ của trạm đi trước ({value}), lấy giờ nhận", value=value),
        "unit": t("{of}: đổi đơn vị sang {value}", of=of, value=value),
    }
    return words.get(flag, word)


def _value(t: Text, value: float | None, unit: str) -> str:
    return "" if value is None else f"{t.number(value, 2)} {unit}".strip()
