"""What the card says about a station: the river against its alarm levels, the air by VN_AQI, and what it measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from dash import html
from sqlalchemy import Connection

from access.site import Site
from geo import observation
from geo.aqi import band
from geo.figure import figures
from geo.observation import Part
from geo.parameter import AIR, BY_NAME, PARAMETERS, RAIN_MM, WATER_M
from geo.river import Stage, levels
from pages.text import Text

_CM = Decimal("0.01")
_STEADY_M_H = 0.005  # what rounds to no centimetre an hour
DAY = timedelta(hours=24)
# What the chart is of: the first of these that the station measured, its parts, and what stands for the values of one.
_CHARTS: Sequence[tuple[str, int, observation.Whole]] = (
    (WATER_M.name, 48, observation.last),
    (RAIN_MM.name, 24, sum),
    ("pm25", 24, observation.mean),
    ("pm10", 24, observation.mean),
    *((one.name, 24, observation.mean) for one in PARAMETERS if one.name not in ("pm25", "pm10", "water_m", "rain_mm")),
)
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
    """What is odd about a station, each by the member that it speaks of and with what was told; when, if earlier."""
    return "; ".join(_odd(t, word) for word in (told or "").split())


def _odd(t: Text, told: str) -> str:
    word, _, at = told.partition("@")
    name, _, rest = word.partition(":")
    flag, _, value = rest.partition("=")
    of = t.title(BY_NAME[name]) if name in BY_NAME else name
    words = {
        "range": t("{of}: ngoài khoảng đo ({value}), không tính", of=of, value=value),
        "future": t("giờ của trạm đi trước ({value}), lấy giờ nhận", value=value),
        "unit": t("{of}: đổi đơn vị sang {value}", of=of, value=value),
    }
    said = words.get(flag, word)
    when = t("lúc {at}", at=t.when(datetime.fromisoformat(at))) if at else ""
    return f"{said} ({when})" if when else said


def _value(t: Text, value: float | None, unit: str) -> str:
    return "" if value is None else f"{t.number(value, 2)} {unit}".strip()


@dataclass(frozen=True)
class Chart:
    """The last 24 hours of one parameter, the alarm levels to compare them with (metres), and when it was told last."""

    name: str
    parts: Sequence[Part]
    levels: Mapping[int, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    last_at: datetime | None = None


def read_more(connection: Connection, site: Site, layer: Any, row: Mapping[str, Any], now: datetime) -> Chart | None:
    """The chart of what the station is there for; None where it measured nothing for a day."""
    seen = observation.observed(connection, site.archive, layer.shape, str(row["key"]), now - DAY, now)
    known = levels(str(row["river"]), figures(connection), now) if row.get("river") else {}
    return chart_of(seen, {level: float(metres) for level, metres in known.items()}, now)


def chart_of(seen: observation.Observed, known: Mapping[int, float], now: datetime) -> Chart | None:
    """The chart of what was observed in the 24 hours before a moment."""
    for name, count, whole in _CHARTS:
        if seen.samples.get(name):
            parts = observation.parts(seen.samples[name], now - DAY, now, count, whole)
            levels_of = known if name == WATER_M.name else {}
            return Chart(name, parts, levels_of, seen.missing, seen.samples[name][-1][0])
    return None


def more(t: Text, row: Mapping[str, Any], chart: Chart) -> list[Any]:
    """The last 24 hours as bars, with lines at the alarm levels that are near."""
    of = BY_NAME[chart.name]
    values = [part.value for part in chart.parts if part.value is not None]
    low, high = scale(values, chart.levels)
    title = t("{name}, 24 giờ qua", name=t.title(of))
    told = t("từ {low} đến {high} {unit}", low=t.number(min(values), 2), high=t.number(max(values), 2), unit=of.unit)
    lines = [
        html.Span(f"BĐ{level}", className="level", style={"bottom": f"{_percent(metres, low, high):.2f}%"})
        for level, metres in chart.levels.items()
        if low < metres < high
    ]
    bars = [_bar(t, part, of.unit, low, high) for part in chart.parts]
    ends = [html.Span(t.when(chart.parts[0].end)), html.Span(t.when(chart.parts[-1].end))]
    drawn = html.Div([*lines, *bars], className="station-bars", role="img", **{"aria-label": f"{title}: {told}"})
    holes = [html.P(words, className="muted") for words in chart.missing]
    head = html.Div([html.Span(title), html.Span(told, className="muted")], className="station-head")
    return [html.Div([head, drawn, html.Div(ends, className="station-ends"), *holes], className="station-chart")]


def scale(values: Sequence[float], known: Mapping[int, float]) -> tuple[float, float]:
    """From where to where a chart goes: from nought, or of a river around what it had, with the next level above."""
    most = max(values)
    if not known:
        return min(0.0, min(values)), most if most > 0 else 1.0
    above = [metres for metres in known.values() if metres > most]
    margin = max(0.2, (most - min(values)) / 10)
    return min(values) - margin, (min(above) if above else most) + margin


def _percent(value: float, low: float, high: float) -> float:
    return 100 * (value - low) / (high - low)


def _bar(t: Text, part: Part, unit: str, low: float, high: float) -> html.Div:
    if part.value is None:
        return html.Div([], className="station-bar none", title=f"{t.when(part.end)}: {t('không có số liệu')}")
    height = html.I(style={"height": f"{_percent(part.value, low, high):.2f}%"})
    return html.Div([height], className="station-bar", title=f"{t.when(part.end)}: {t.number(part.value, 2)} {unit}")
