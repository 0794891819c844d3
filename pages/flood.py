"""The screen `/flood`: each river against its alarm levels, how fast it rises, its last day, and the rain behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from dash import Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy import Connection

from access.site import Site
from geo.parameter import WATER_M
from pages import banner, environment, header, mark, stores
from pages.read import DatabaseAway, read
from pages.text import Text

POLL_MS = 60_000
LAYER = "environment"
# What is said of the hours to come: only of a river that clearly rises, and not beyond what a straight line can tell
# (decided by us, [D]).
RISING_M_H, AHEAD_MOST = 0.05, timedelta(hours=6)
_FACTS = (
    "id", "name", "kind", "river", "observed_at", "simulated", "water_m", "stage", "nearest_level", "above_m",
    "rise_m_h", "rain_1h_mm", "rain_24h_mm",
)  # fmt: skip


@dataclass(frozen=True)
class River:
    """One river station: its latest state, and the chart of its level over the last day, if it told any."""

    row: Mapping[str, Any]
    chart: environment.Chart | None

    @property
    def heard_at(self) -> datetime:
        """When its level was told last: a station whose level sensor died may still tell of other things."""
        told = self.chart.last_at if self.chart is not None else None
        at: datetime = told or self.row["observed_at"]
        return at


@dataclass(frozen=True)
class Flood:
    """All that the screen shows: rivers, the gravest first, and rain stations, the wettest first."""

    rivers: Sequence[River]
    rain: Sequence[Mapping[str, Any]]


def layout(site: Site, t: Text, search: str) -> html.Div:
    """Arrangement; what it tells comes with the first reading, and again each minute."""
    lang = "" if t.lang == "vi" else f"?lang={t.lang}"
    back = html.A(t("Bản đồ"), href=f"/{lang}", className="press")
    return html.Div(
        [
            header.layout(site, t),
            html.Main(
                [
                    html.Div([html.H2(t("Lũ: sông và mưa")), html.Div(back)], className="handover-head"),
                    html.P(
                        t("Mức báo động theo Quyết định 05/2020/QĐ-TTg; số liệu đo, không phải bản tin dự báo."),
                        className="metrics-period",
                    ),
                    html.Div(html.P(t("Đang đọc…"), className="empty"), id="flood-body"),
                    dcc.Interval(id="flood-tick", interval=POLL_MS),
                ],
                className="metrics flood",
            ),
            banner.layout(site, t),
            stores.apart(t),
        ],
        className="screen screen-metrics",
    )


def flood(connection: Connection, site: Site, now: datetime) -> Flood:
    """Rivers and rain as they stand."""
    layer = site.layer(LAYER)
    if layer is None:
        return Flood((), ())
    column = layer.shape.latest.c
    level = column.water_m.is_not(None) | (column.kind == "river") | column.river.is_not(None)
    told = column.observed_at.is_not(None) & (level | column.rain_24h_mm.is_not(None))
    found = connection.execute(sa.select(*[column[name] for name in _FACTS]).where(told)).mappings()
    rows = [{**row, "key": row["id"]} for row in found]
    rivers = sorted((row for row in rows if _is_river(row)), key=gravity)
    rain = sorted((row for row in rows if row["rain_24h_mm"] is not None), key=lambda row: -row["rain_24h_mm"])
    charts = [environment.read_more(connection, site, layer, row, now) for row in rivers]
    own = [chart if chart is not None and chart.name == WATER_M.name else None for chart in charts]
    return Flood([River(row, chart) for row, chart in zip(rivers, own, strict=True)], rain)


def _is_river(row: Mapping[str, Any]) -> bool:
    """Whether it is there to tell a river's level, be it that it tells none any more."""
    return row["water_m"] is not None or row["kind"] == "river" or bool(row["river"])


def gravity(row: Mapping[str, Any]) -> tuple[int, float, str]:
    """The order of rivers: by the level reached, then by how near the next one is; those without levels last."""
    stage = -1 if row["stage"] is None else int(row["stage"])
    return (-stage, -float(row["above_m"] or 0.0), str(row["name"] or row["id"]))


def body(t: Text, found: Flood, now: datetime, stale_s: float = 1_800) -> html.Div:
    """The rivers as cards, the rain as a list."""
    if not found.rivers and not found.rain:
        return html.Div(html.P(t("Chưa có trạm mực nước hoặc trạm mưa nào gửi số liệu."), className="empty"))
    rivers = html.Div([_river(t, one, now, stale_s) for one in found.rivers], className="flood-rivers")
    names = (t("Trạm mưa"), t("Mưa 1 giờ"), t("Mưa 24 giờ"), t("Số liệu cuối"))
    head = html.Thead(html.Tr([html.Th(name, className="n" if at in (1, 2) else "") for at, name in enumerate(names)]))
    rain = [html.Table([head, html.Tbody([_rain(t, row, now) for row in found.rain])], className="counts")]
    return html.Div([rivers, *(rain if found.rain else [])])


def _river(t: Text, one: River, now: datetime, stale_s: float) -> html.Article:
    row = one.row
    gone = row["water_m"] is None
    old = gone or (now - one.heard_at).total_seconds() > stale_s
    badge = [html.Span(t("mô phỏng"), className="badge small")] if row["simulated"] else []
    title = html.H3([str(row["name"] or row["id"]), *badge])
    said = [html.P(_gone(t, one) if gone else environment.water(t, row), className="flood-level")]
    if not old:  # how fast it rose when it was last heard says nothing of now
        said += [html.P(words) for words in (environment.rise(t, row["rise_m_h"]), ahead(t, one)) if words]
    heard_at = row["observed_at"] if gone else one.heard_at
    age = html.P([t("Số liệu cuối"), " ", mark.age(t, heard_at, now)], className="muted")
    chart = environment.more(t, row, one.chart) if one.chart is not None else []
    level = "" if row["stage"] is None else f" bd-{int(row['stage'])}"
    return html.Article([title, *said, age, *chart], className=f"flood-river{level}{' stale' if old else ''}")


def _gone(t: Text, one: River) -> str:
    """That it tells no level any more, and since when."""
    if one.chart is None:
        return t("không có mực nước trong 24 giờ qua")
    return t("không có mực nước từ {at}", at=t.when(one.heard_at))


def ahead(t: Text, one: River) -> str:
    """When a rising river would reach its next level, went it on as in the last hour; empty where that says nothing."""
    water_m, rise = one.row["water_m"], one.row["rise_m_h"]
    levels = one.chart.levels if one.chart is not None else {}
    above = [(metres, level) for level, metres in levels.items() if metres > water_m]
    if rise is None or rise < RISING_M_H or not above:
        return ""
    metres, level = min(above)
    span = timedelta(hours=(metres - water_m) / rise)
    if span > AHEAD_MOST:
        return ""
    span_words = t.age(max(60.0, span.total_seconds() // 60 * 60))
    return t("Nếu tiếp tục lên như giờ qua, tới BĐ{level} sau khoảng {span}.", level=level, span=span_words)


def _rain(t: Text, row: Mapping[str, Any], now: datetime) -> html.Tr:
    def millimetres(value: float | None) -> str:
        return t.number(value, 1) if value is not None else "–"

    return html.Tr(
        [
            html.Td(str(row["name"] or row["id"])),
            html.Td(f"{millimetres(row['rain_1h_mm'])} mm", className="n"),
            html.Td(f"{millimetres(row['rain_24h_mm'])} mm", className="n"),
            html.Td(mark.age(t, row["observed_at"], now)),
        ]
    )


def register(app: Dash, site: Site) -> None:
    """Read again each minute."""

    @app.callback(
        Output("flood-body", "children"),
        Output("database", "data", allow_duplicate=True),
        Input("flood-tick", "n_intervals"),
        State("words", "data"),
        State("database", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def show(_: int, words: dict[str, Any], database: dict[str, Any]) -> tuple[Any, Any]:
        now = datetime.now(UTC)
        try:
            found = await read(site, flood, site, now)
        except DatabaseAway:
            return no_update, no_update if database.get("away") else {"away": True, "since": now.isoformat()}
        return body(Text(words["lang"]), found, now), {"away": False} if database.get("away") else no_update
