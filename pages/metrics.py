"""The screen `/alarms/metrics`: the alarm load against ISA-18.2's figures, by hour, by source, and until answered."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl

from dash import Dash, Input, Output, State, dcc, html, no_update

from access.site import Site
from geo import metric
from geo.rule import SEVERITIES
from geo.shift import ZONE
from pages import banner, header, mark, stores
from pages import shift as phrase
from pages.read import DatabaseAway, read
from pages.text import Text

POLL_MS = 60_000
DAYS = (1, 7, 30, 365)
BARS_MOST = 400


def asked(search: str, now: datetime) -> tuple[datetime, datetime, int | None]:
    """The period of an address: `days=7` until now, or `from=2026-11-01&to=2026-11-30`, whose last day is in it.

    What cannot be read falls back to the last seven days; the third value is the number of days until now, or None.
    """
    query = {name.lower(): value.strip() for name, value in parse_qsl(search.lstrip("?"))}
    first, last = _day(query.get("from")), _day(query.get("to"))
    if first is not None:
        start = datetime.combine(first, time(), ZONE)
        end = datetime.combine(last, time(), ZONE) + timedelta(days=1) if last else now
        if start < min(end, now) and end - start <= metric.LONGEST:
            return start.astimezone(UTC), end.astimezone(UTC), None
    days = query.get("days", "")
    number = int(days) if days.isdecimal() and 1 <= int(days[:6]) <= metric.LONGEST.days else 7
    return now - timedelta(days=number), now, number


def _day(text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2100 else None


def layout(site: Site, t: Text, search: str) -> html.Div:
    """Arrangement; the figures come with the first reading, and again each minute."""
    _, _, days = asked(search, datetime.now(UTC))
    spans = [
        html.A(
            _span_title(t, one),
            href=phrase.address(t, "/alarms/metrics", days=one),
            className="press",
            **({"aria-current": "page"} if one == days else {}),
        )
        for one in DAYS
    ]
    links = [
        html.A(t("Bàn giao ca"), href=phrase.address(t, "/handover"), className="press"),
        html.A(t("Bàn báo động"), href=phrase.address(t, "/alarms"), className="press"),
        html.A(t("Bản đồ"), href=phrase.address(t, "/"), className="press"),
    ]
    head = html.Div(
        [
            html.H2(t("Chỉ số báo động")),
            html.Nav(spans, className="spans", **{"aria-label": t("Khoảng thời gian")}),
            html.Div(links),
        ],
        className="handover-head",
    )
    return html.Div(
        [
            header.layout(site, t),
            html.Main(
                [
                    head,
                    html.Div(html.P(t("Đang đọc nhật ký…"), className="empty"), id="metrics-body"),
                    dcc.Store(id="metrics-asked", data=search),
                    dcc.Interval(id="metrics-tick", interval=POLL_MS),
                ],
                className="metrics",
            ),
            banner.layout(site, t),
            stores.apart(t),
        ],
        className="screen screen-metrics",
    )


def _span_title(t: Text, days: int) -> str:
    return {1: t("24 giờ"), 365: t("1 năm")}.get(days, t("{n} ngày", n=days))


def body(t: Text, told: Mapping[str, Any]) -> list[Any]:
    """The period, the tiles, the alarms over time, by hour of day, the ten worst, and how soon they were answered."""
    return [
        _period(t, told),
        html.Div(
            [*(_tile(t, name, told) for name in _TILES), _answer_tile(t, told["answers"]["all"])], className="tiles"
        ),
        html.Div([_series(t, told["series"]), _hours(t, told["hours"])], className="charts"),
        html.Div([_top(t, told), html.Div([_mix(t, told), _answers(t, told["answers"])])], className="charts"),
        html.P(
            t(
                "Mức so sánh theo ANSI/ISA-18.2 và IEC 62682, cho một vị trí trực; chờ cơ quan có thẩm quyền xác nhận "
                "[CFG]. Báo động bị nén hoặc tạm hoãn ngay từ đầu không được tính."
            ),
            className="note",
        ),
    ]


_TILES = (
    *("hour_mean", "day_mean", "busy_slots", "flood_time", "top_share"),
    *("chattering", "fleeting", "stale", "high_share"),
)


def _period(t: Text, told: Mapping[str, Any]) -> html.P:
    words = t(
        "{alarms} báo động từ {start} đến {end}; {lines} dòng mới trên bàn sau khi gom, {suppressed} bị nén, "
        "{withdrawn} bị thu hồi.",
        alarms=t.number(told["alarms"]),
        lines=t.number(told["lines"]),
        suppressed=t.number(told["suppressed"]),
        withdrawn=t.number(told["withdrawn"]),
        start=t.when(told["from"]),
        end=t.when(told["to"]),
    )
    full = (told["to"] - told["from"]).total_seconds() / 3600
    if told["covered_h"] + 1 < full:
        covered = t.age(told["covered_h"] * 3600)
        words = f"{words} {t('Chỉ có số liệu của {span} cuối.', span=covered)}"
    return html.P(words, className="metrics-period")


def _title(t: Text, name: str) -> tuple[str, str, str]:
    """A figure's name, its unit, and what it means."""
    return {
        "hour_mean": (t("Báo động mỗi giờ"), "", t("trung bình trong khoảng thời gian")),
        "day_mean": (t("Báo động mỗi ngày"), "", t("trung bình trong khoảng thời gian")),
        "busy_slots": (t("Khoảng 10 phút có trên 10"), "%", t("phần trăm số khoảng 10 phút")),
        "flood_time": (t("Thời gian dồn dập"), "%", t("từ lúc trên 10 đến lúc dưới 5 báo động trong 10 phút")),
        "top_share": (t("Phần của 10 nguồn nhiều nhất"), "%", t("quy tắc × đối tượng")),
        "chattering": (t("Nguồn lặp dồn"), "", t("từ 3 lần trong 1 phút")),
        "fleeting": (t("Báo động thoáng qua"), "", t("tự hết trong vòng 1 phút")),
        "stale": (t("Báo động tồn quá 24 giờ"), "", t("nhiều nhất vào cuối một ngày")),
        "high_share": (t("Mức cao và khẩn cấp"), "%", t("phần trăm số báo động")),
    }[name]


def _tile(t: Text, name: str, told: Mapping[str, Any]) -> html.Div:
    figure, (title, unit, meaning) = told["figures"][name], _title(t, name)
    value = figure["value"]
    verdict, words = _verdict(t, figure)
    number = t.number(value, 1 if unit or (value or 0) % 1 else 0) + (f" {unit}" if unit and value is not None else "")
    most = {"hour_mean": "hour_most", "day_mean": "day_most"}.get(name)
    more = t("nhiều nhất {n}", n=t.number(told["figures"][most]["value"])) if most else ""
    return html.Div(
        [
            html.H3(title, title=meaning),
            html.P([html.B(number), html.Span(more)], className="value"),
            html.P([html.I(className=f"verdict {verdict}", **{"aria-hidden": "true"}), html.Span(words)]),
            html.P(_target(t, figure, unit), className="muted"),
        ],
        className=f"tile {verdict}",
    )


def _answer_tile(t: Text, told: Mapping[str, Any] | None) -> html.Div:
    """How soon somebody acknowledged; the standards give no figure for it."""
    value = t.age(told["median_s"]) if told else "–"
    more = t("9 trên 10 trong {age}", age=t.age(told["p90_s"])) if told else ""
    return html.Div(
        [
            html.H3(t("Thời gian đến khi xác nhận"), title=t("từ lần gọi cuối đến khi có người xác nhận")),
            html.P(html.B(value), className="value"),
            html.P(more),
            html.P(t("trung vị; không có mức so sánh"), className="muted"),
        ],
        className="tile none",
    )


def _verdict(t: Text, figure: Mapping[str, Any]) -> tuple[str, str]:
    if figure["value"] is None:
        return "none", t("chưa đủ số liệu")
    return {
        "acceptable": ("good", t("đạt")),
        "maximum": ("near", t("trong giới hạn")) if figure["acceptable"] is not None else ("good", t("đạt")),
        "over": ("over", t("vượt")),
    }.get(figure["met"] or "", ("none", ""))


def _target(t: Text, figure: Mapping[str, Any], unit: str) -> str:
    sign, tail = "<" if figure["under"] else "≤", f" {unit}" if unit else ""
    bounds = [
        (t("nên {bound}"), figure["acceptable"]),
        (t("tối đa {bound}"), figure["maximum"]),
    ]
    words = [
        text.format(bound=f"{sign} {t.number(bound)}{tail}" if bound else "0")
        for text, bound in bounds
        if bound is not None
    ]
    return " · ".join(words) + ("" if figure["confirmed"] else " [CFG]")


def _series(t: Text, told: Mapping[str, Any]) -> html.Section:
    """A bar an hour, or a day: its parts are the severities, the line is what is acceptable."""
    hourly = told["step_s"] == 3600
    bars, good = told["bars"][-BARS_MOST:], 6 if hourly else 150
    top = max([good * 1.25, *(sum(bar[name] for name in SEVERITIES) for bar in bars)])
    columns = [_bar(t, bar, top, hourly) for bar in bars]
    line = html.I(
        className="target",
        style={"bottom": f"{100 * good / top:.2f}%"},
        title=t("nên {bound}", bound=f"≤ {good}"),
    )
    label = html.Span(f"≤ {t.number(good)}", className="target-word", style={"bottom": f"{100 * good / top:.2f}%"})
    title = t("Báo động theo giờ") if hourly else t("Báo động theo ngày")
    chart = html.Div([line, label, *columns], className="bars", role="img", **{"aria-label": title})
    return html.Section([html.H3(title), chart, _axis(t, bars, hourly), _key(t)], className="chart-part wide")


def _bar(t: Text, bar: Mapping[str, Any], top: float, hourly: bool) -> html.Div:
    total = sum(bar[name] for name in SEVERITIES)
    parts = [
        html.I(className=f"part-{name}", style={"height": f"{100 * bar[name] / top:.2f}%"})
        for name in SEVERITIES
        if bar[name]
    ]
    at = bar["at"].astimezone(ZONE)
    when = f"{at:%H}:00 {at:%d/%m/%Y}" if hourly else f"{at:%d/%m/%Y}"
    words = ", ".join(f"{mark.severity_word(t, name)} {t.number(bar[name])}" for name in SEVERITIES if bar[name])
    hover = f"{when}: {t.number(total)}" + (f" ({words})" if words else "")
    return html.Div(parts, className="bar", title=hover)


def _axis(t: Text, bars: Sequence[Mapping[str, Any]], hourly: bool) -> html.Div:
    """About eight labels, each under the bar it belongs to."""
    every = max(1, -(-len(bars) // 8))
    form = "%H:%M" if hourly else "%d/%m"
    labels = [
        html.Span(
            f"{bar['at'].astimezone(ZONE):{form}}",
            style={"left": f"{100 * (n + 0.5) / len(bars):.2f}%"},
        )
        for n, bar in enumerate(bars)
        if n % every == 0
    ]
    return html.Div(labels, className="axis", **{"aria-hidden": "true"})


def _key(t: Text) -> html.Div:
    names = [html.Span([html.I(className=f"part-{name}"), mark.severity_word(t, name)]) for name in SEVERITIES]
    return html.Div(names, className="bar-key")


def _mix(t: Text, told: Mapping[str, Any]) -> html.Section:
    """How the severities share the load, beside 80/15/5."""
    total = max(1, told["alarms"])
    wanted = {"critical": None, "high": 5, "medium": 15, "low": 80}
    rows = []
    for name in SEVERITIES:
        count = told["severities"][name]
        goal = t("nên {n} %", n=wanted[name]) if wanted[name] else ""
        rows.append(
            html.Tr(
                [
                    html.Th([mark.severity(t, name), mark.severity_word(t, name)], scope="row"),
                    html.Td(t.number(count), className="n"),
                    html.Td(f"{t.number(100 * count / total, 1)} %", className="n"),
                    html.Td(goal, className="muted"),
                ]
            )
        )
    note = html.P(t("Khẩn cấp và cao cộng lại nên không quá 5 %."), className="note")
    return html.Section(
        [html.H3(t("Tỉ lệ các mức")), html.Table(html.Tbody(rows), className="counts"), note], className="chart-part"
    )


def _top(t: Text, told: Mapping[str, Any]) -> html.Section:
    heads = [t("Quy tắc"), t("Đối tượng"), t("Báo động"), t("Phần"), t("Dấu hiệu")]
    total = max(1, told["alarms"])
    rows = [
        html.Tr(
            [
                html.Td(phrase.rule(t, one), title=t.pick(one["rule_vi"], one["rule_en"])),
                html.Td(html.A(phrase.thing(one), href=_place(t, one)), className="thing"),
                html.Td(t.number(one["alarms"]), className="n"),
                html.Td(f"{t.number(100 * one['alarms'] / total, 1)} %", className="n"),
                html.Td(_signs(t, one), className="muted"),
            ]
        )
        for one in told["top"]
    ]
    head = html.Thead(
        html.Tr([html.Th(word, scope="col", className="n" if n in (2, 3) else "") for n, word in enumerate(heads)])
    )
    empty = html.P(t("Không có báo động nào trong khoảng thời gian này."), className="empty")
    table = html.Table([head, html.Tbody(rows)], className="counts top") if rows else empty
    title = t("Mười nguồn nhiều nhất, trong {n} nguồn", n=t.number(told["objects"]))
    return html.Section([html.H3(title), table], className="chart-part wide")


def _head(words: Sequence[str], numbers: Sequence[int]) -> html.Thead:
    cells = [html.Th(word, scope="col", className="n" if n in numbers else "") for n, word in enumerate(words)]
    return html.Thead(html.Tr(cells))


def _place(t: Text, one: Mapping[str, Any]) -> str:
    return phrase.address(t, "/", chosen=f"{one['layer']}.{one['object_key']}")


def _signs(t: Text, one: Mapping[str, Any]) -> str:
    fleeting = t("{n} thoáng qua", n=t.number(one["fleeting"])) if one["fleeting"] else ""
    return " · ".join(filter(None, [t("lặp dồn") if one["chatters"] else "", fleeting]))


def _hours(t: Text, hours: Sequence[float]) -> html.Section:
    """The mean of each hour of the day."""
    top = max([*hours, 0.001])
    bars = [
        html.Div(
            html.I(className="part-mean", style={"height": f"{100 * value / top:.2f}%"}),
            className="bar",
            title=t("{hour} giờ: trung bình {n} báo động", hour=hour, n=t.number(value, 1)),
        )
        for hour, value in enumerate(hours)
    ]
    labels = [html.Span(str(hour), style={"left": f"{100 * (hour + 0.5) / 24:.2f}%"}) for hour in range(0, 24, 3)]
    title = t("Theo giờ trong ngày")
    return html.Section(
        [
            html.H3(title),
            html.Div(bars, className="bars low", role="img", **{"aria-label": title}),
            html.Div(labels, className="axis", **{"aria-hidden": "true"}),
        ],
        className="chart-part",
    )


def _answers(t: Text, told: Mapping[str, Any]) -> html.Section:
    """How soon alarms were acknowledged: of all, by severity, by person."""
    title = html.H3(t("Thời gian đến khi xác nhận"))
    if told["all"] is None:
        return html.Section(
            [title, html.P(t("Chưa có báo động nào được xác nhận."), className="empty")], className="chart-part"
        )
    groups: list[tuple[Any, Mapping[str, Any]]] = [(html.B(t("Tất cả")), told["all"])]
    groups += [
        ([mark.severity(t, name), mark.severity_word(t, name)], told["severity"][name])
        for name in SEVERITIES
        if name in told["severity"]
    ]
    groups += list(told["person"].items())[:10]
    heads = [t("Ai, mức nào"), t("Số"), t("Trung vị"), "P90"]
    rows = [
        html.Tr(
            [
                html.Th(name, scope="row"),
                html.Td(t.number(one["alarms"]), className="n"),
                html.Td(t.age(one["median_s"]), className="n"),
                html.Td(t.age(one["p90_s"]), className="n"),
            ]
        )
        for name, one in groups
    ]
    head = _head(heads, (1, 2, 3))
    return html.Section([title, html.Table([head, html.Tbody(rows)], className="counts")], className="chart-part")


def register(app: Dash, site: Site) -> None:
    """Read again each minute; a year is counted within a second."""

    @app.callback(
        Output("metrics-body", "children"),
        Output("database", "data", allow_duplicate=True),
        Input("metrics-tick", "n_intervals"),
        State("metrics-asked", "data"),
        State("words", "data"),
        State("database", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def show(_: int, search: str, words: dict[str, Any], database: dict[str, Any]) -> tuple[Any, Any]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        start, end, _days = asked(search, now)
        try:
            told = await read(site, metric.metrics, start, end, now)
        except DatabaseAway:
            return no_update, no_update if database.get("away") else {"away": True, "since": now.isoformat()}
        return body(t, told), {"away": False} if database.get("away") else no_update
