"""What a run of the rule lab found: progress, alarms a day, which vessels, where, and how two drafts differ."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from math import log2
from typing import Any

import dash_leaflet as dl
from dash import html

from access.site import Site
from geo import lab_run
from geo.fence import Fence
from geo.rule import Rule
from pages import mark
from pages.text import Text
from pages.words import words

SHOWN_ALARMS, SHOWN_TOP, SHOWN_MARKS = 100, 12, 600
MAP_WIDE, MAP_HIGH = 840, 270  # pixels that marks may take of the map where it is smallest (lab.css)
DAY_FIGURE = 150  # ISA-18.2: what one desk can answer in a day, to be confirmed by the authority


def sentence(t: Text, site: Site, rule: Rule, places: Mapping[str, Fence]) -> str:
    """The draft told back in words."""
    return words(t, rule, places.get(rule.fence_key or ""), site.layer(rule.layer))


def layout(t: Text, site: Site, row: Mapping[str, Any], places: Mapping[str, Fence]) -> list[Any]:
    """One run, whatever its state; what was found before it ended early is shown too."""
    result = row["result"]
    parts: list[Any] = [_head(t, row)]
    if not result:
        return parts
    if result["full"]:
        full = t(
            "Một bản nháp báo quá nhiều, nên chỉ xét đến {at}.", at=t.when(datetime.fromisoformat(result["through"]))
        )
        parts.append(html.P(full, className="lab-over"))
    drafts = lab_run.drafts_of(row)
    parts.append(
        html.Div(
            [
                _figures(t, site, rule, found, row, number, places)
                for number, (rule, found) in enumerate(zip(drafts, result["drafts"], strict=True))
            ],
            className="lab-drafts",
        )
    )
    if "agreement" in result:
        parts.append(_agreement(t, result["agreement"]))
    parts.append(_days(t, result["drafts"]))
    if row["state"] != "running":  # a map that is made anew each second cannot be looked at
        parts.append(_where(t, result["drafts"]))
    return [*parts, _tables(t, drafts, result["drafts"])]


def _head(t: Text, row: Mapping[str, Any]) -> html.Div:
    state = {
        "waiting": t("Đang chờ bắt đầu"),
        "running": t("Đang chạy"),
        "done": t("Đã xong"),
        "stopped": t("Đã dừng theo yêu cầu; số liệu đến lúc dừng"),
        "failed": t("Không chạy được: {why}", why=row["fault"] or ""),
        "interrupted": t("Đã dừng giữa chừng: tiến trình chạy thử không còn; hãy chạy lại"),
    }[row["state"]]
    percent = round(100 * row["progress"])
    result = row["result"] or {}
    about = t(
        "{fixes} vị trí của {objects} tàu, {start} – {end}",
        fixes=t.number(result.get("fixes")),
        objects=t.number(result.get("objects")),
        start=t.when(row["start_at"]),
        end=t.when(row["end_at"]),
    )
    badge = [" ", html.Span(t("mô phỏng"), className="badge small")] if result.get("simulated") else []
    bar = html.Div(
        html.Div(style={"width": f"{percent}%"}, className="lab-done"),
        className=f"lab-bar {row['state']}",
        role="progressbar",
        **{"aria-valuenow": str(percent), "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": state},
    )
    return html.Div(
        [
            html.H2(t("Lần thử {n}", n=row["id"])),
            html.P([html.Strong(state), f" · {percent} %"]),
            bar,
            html.P([about, *badge], className="muted"),
        ],
        className=f"lab-head {row['state']}",
    )


def _figures(
    t: Text,
    site: Site,
    rule: Rule,
    found: Mapping[str, Any],
    row: Mapping[str, Any],
    number: int,
    places: Mapping[str, Fence],
) -> html.Section:
    through = datetime.fromisoformat(row["result"]["through"])
    a_day = found["total"] / max((through - row["start_at"]).total_seconds() / 86_400, 1 / 24)
    pairs = [
        (t("Báo động"), t.number(found["total"])),
        (t("Mỗi ngày, trung bình"), t.number(a_day, 1)),
        (t("Ngày nhiều nhất"), t.number(max((count for _, count in found["days"]), default=0))),
        (t("Tàu"), t.number(found["objects"])),
        (t("Còn mở lúc cuối"), t.number(found["standing"])),
        (t("Lúc dồn dập (trên 10 trong 10 phút)"), t.number(found["floods"])),
    ]
    over = [html.P(t("Nhiều hơn một bàn trực xử lý được (150 mỗi ngày)."), className="lab-over")]
    on = html.Button(
        t("Bật bản này"), id={"part": "lab-on", "number": number}, className="action", n_clicks=0,
        disabled=row["state"] not in ("done", "stopped"),
    )  # fmt: skip
    title = t("Bản nháp A") if number == 0 else t("Bản nháp B")
    return html.Section(
        [
            html.H3([html.I(className=f"lab-key lab-{'ab'[number]}"), title, " · ", _title(t, rule)]),
            html.P(sentence(t, site, rule, places), className="note"),
            mark.facts(pairs),
            *(over if a_day > DAY_FIGURE else []),
            on,
        ],
        className="lab-draft",
    )


def _title(t: Text, rule: Rule) -> str:
    return t.pick(rule.name_vi, rule.name_en).partition(":")[0]


def _agreement(t: Text, found: Mapping[str, Any]) -> html.P:
    only_a, only_b = found["only"]
    return html.P(
        t(
            "Cả hai cùng báo: {both} · chỉ A: {a} · chỉ B: {b}",
            both=t.number(found["both"]),
            a=t.number(only_a),
            b=t.number(only_b),
        ),
        className="lab-agreement",
    )


def _days(t: Text, drafts: Sequence[Mapping[str, Any]]) -> html.Section:
    """Alarms a day, the drafts side by side."""
    top = max((count for found in drafts for _, count in found["days"]), default=0) or 1
    columns = []
    for index, (day, _) in enumerate(drafts[0]["days"]):
        at = date.fromisoformat(day)
        counts = [found["days"][index][1] for found in drafts if index < len(found["days"])]
        bars = [
            html.I(className=f"lab-{'ab'[n]}", style={"height": f"{100 * count / top:.1f}%"})
            for n, count in enumerate(counts)
        ]
        told = " / ".join(t.number(count) for count in counts)
        columns.append(
            html.Div(
                [html.Span(told, className="lab-count"), html.Div(bars, className="lab-bars"), f"{at:%d/%m}"],
                className="lab-day",
                title=f"{at:%d/%m/%Y}: {told}",
            )
        )
    return html.Section([html.H3(t("Báo động theo ngày")), html.Div(columns, className="lab-days")])


def _where(t: Text, drafts: Sequence[Mapping[str, Any]]) -> html.Section:
    """Where they were raised, on the same base map as everything else."""
    marks, places = [], []
    for number, found in enumerate(drafts):
        for alarm in found["alarms"][:SHOWN_MARKS]:
            if "lat" in alarm:
                places.append([alarm["lat"], alarm["lon"]])
                marks.append(
                    dl.CircleMarker(
                        center=places[-1],
                        radius=5 - number,
                        className=f"lab-mark lab-{'ab'[number]}",
                        interactive=False,
                    )
                )
    if not places:
        return html.Section([html.H3(t("Ở đâu")), html.P(t("Không có báo động nào."), className="empty")])
    lats, lons = zip(*places, strict=True)
    chart = dl.Map(
        [dl.LayerGroup(marks)],
        id="lab-map",
        center=[(min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2],
        zoom=_zoom(max(lons) - min(lons), max(lats) - min(lats)),
        className="lab-map",
        minZoom=3,
        maxZoom=16,
        attributionControl=False,
    )
    return html.Section([html.H3(t("Ở đâu")), chart])


def _zoom(wide: float, high: float) -> int:
    """The nearest zoom at which so many degrees find room; one of longitude takes 256 / 360 pixels at zoom 0."""
    most = min(MAP_WIDE / max(wide, 1e-3), MAP_HIGH / max(high, 1e-3) * 0.95) * 360 / 256  # latitudes lie wider here
    return max(3, min(12, int(log2(most))))


def _tables(t: Text, drafts: Sequence[Rule], found: Sequence[Mapping[str, Any]]) -> html.Div:
    sections = []
    for number, (rule, each) in enumerate(zip(drafts, found, strict=True)):
        key = html.I(className=f"lab-key lab-{'ab'[number]}")
        top = [
            html.Tr([html.Td(_link(rule, one_key, label)), html.Td(t.number(count), className="number")])
            for one_key, label, count in each["top"][:SHOWN_TOP]
        ]
        rows = [_row(t, rule, alarm) for alarm in each["alarms"][:SHOWN_ALARMS]]
        more = each["total"] - len(rows)
        sections.append(
            html.Section(
                [
                    html.H3([key, t("Tàu nhiều nhất")]),
                    html.Table(html.Tbody(top), className="lab-table"),
                    html.H3([key, t("Từng báo động")]),
                    html.Table(html.Tbody(rows), className="lab-table"),
                    html.P(t("và {n} báo động nữa", n=t.number(more)), className="note", hidden=more <= 0),
                ]
            )
        )
    return html.Div(sections, className="lab-drafts")


def _row(t: Text, rule: Rule, alarm: Mapping[str, Any]) -> html.Tr:
    raised = datetime.fromisoformat(alarm["raised_at"])
    cleared = datetime.fromisoformat(alarm["cleared_at"]) if alarm["cleared_at"] else None
    lasted = t.age((cleared - raised).total_seconds()) if cleared else t("còn mở")
    where = {"lat": alarm.get("lat"), "lon": alarm.get("lon")}
    return html.Tr(
        [
            html.Td(mark.severity(t, alarm["severity"])),
            html.Td(t.exact(raised)),
            html.Td(_link(rule, alarm["key"], alarm["label"], **where)),
            html.Td(lasted if cleared != raised else "", className="muted"),
            html.Td(t("chỉ ở bản này") if alarm["alone"] else "", className="muted"),
        ]
    )


def _link(rule: Rule, key: str, label: str, lat: float | None = None, lon: float | None = None) -> html.A:
    place = f"&lat={lat}&lon={lon}&z=12" if lat is not None else ""
    return html.A(label, href=f"/?chosen={rule.layer}.{key}{place}")


def recent(t: Text, rows: Sequence[Mapping[str, Any]], now: datetime) -> html.Section:
    """The newest runs, to look at again."""
    if not rows:
        return html.Section([])
    items = [
        html.Li(
            [
                html.A(t("Lần thử {n}", n=row["id"]), href=f"/rules/lab?run={row['id']}"),
                f" · {', '.join(_title(t, rule) for rule in lab_run.drafts_of(row))} · {row['actor']} · ",
                mark.age(t, row["asked_at"], now),
            ]
        )
        for row in rows
    ]
    return html.Section([html.H3(t("Các lần thử gần đây")), html.Ul(items)], className="lab-empty")
