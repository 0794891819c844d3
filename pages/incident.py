"""The incident on the card: its rule in words and what to do, evidence, what is near, earlier cases, its journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dash import html
from sqlalchemy import Connection

from access import cameras
from access.rescue import near as rescuers
from access.site import Site
from geo import feature, handling, journal, zone
from geo.fence import Fence, fences
from geo.rescue import WITHIN_NM, Rescuer
from geo.rule import DISTRESS, Rule, rules
from pages import mark, place, service
from pages.chart import TRACK_BEFORE
from pages.line import given_to, level_words, rule_title, state_words, step_words
from pages.text import Text
from pages.words import duration, words

NEAR = {"camera": 3, "environment": 1}  # how many of each layer of stations are named
EARLIER = 5
NM_M = 1852.0


@dataclass(frozen=True)
class Incident:
    """Everything the card says of one alarm, read in one transaction."""

    row: Mapping[str, Any]
    journal: Sequence[Mapping[str, Any]] = ()
    near: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    rescuers: Sequence[Rescuer] | None = None  # of a distress with a place
    earlier: Sequence[Mapping[str, Any]] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    rule: Rule | None = None
    fence: Fence | None = None


def incident(
    connection: Connection, site: Site, row: Mapping[str, Any], alarms: Sequence[Mapping[str, Any]], now: datetime
) -> Incident:
    """What is known of an alarm; alarms: its object's, newest first."""
    called = row["rule_kind"] in DISTRESS and row["lon"] is not None
    coming = rescuers(connection, site, row["lon"], row["lat"], now, casualty=row["object_key"]) if called else None
    near: dict[str, Any] = {}
    for layer in site.layers if row["lon"] is not None else ():
        if layer.name in NEAR and layer.shape.kind == "station":
            found = _stations(connection, site, layer, row)
            near |= {layer.name: found} if found else {}
    units = {one["key"]: one["name_vi"] for one in handling.units(connection)}
    earlier = [one for one in alarms if one["id"] != row["id"]]
    lines = [dict(line) for line in journal.lines_of(connection, row["id"])]
    rule = next((one for one in rules(connection, every=True) if one.id == row["rule_id"]), None)
    fence = next(iter(fences(connection, [row["fence"]], every=True)), None) if row["fence"] else None
    return Incident(row, lines, near, coming, earlier, units, rule, fence)


def _stations(connection: Connection, site: Site, layer: Any, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The nearest of a layer's stations; of cameras those that look at the place."""
    if layer.name != "camera":
        return feature.nearest(connection, layer.shape, row["lon"], row["lat"], NEAR[layer.name])
    looking = cameras.near(connection, site, row["lon"], row["lat"], NEAR[layer.name])
    return [{**one.told(), "key": one.id, "label": one.name} for one in looking]


def sections(t: Text, site: Site, found: Incident, now: datetime) -> list[Any]:
    """The card's part about one alarm."""
    row = found.row
    parts = [
        _head(t, row, now),
        _part(t("Theo quy tắc"), _rule(t, site, found)),
        _part(t("Cần làm"), _response(t, row)),
        _part(t("Tàu đến cứu được sớm nhất"), [] if found.rescuers is None else [_rescuers(t, found.rescuers, now)]),
        _part(t("Bằng chứng"), [evidence(t, site, row)]),
        _part(t("Gần nhất"), [_near(t, site, found.near)] if found.near else []),
        *before(t, found.earlier, now),
        _part(t("Nhật ký"), [history(t, found)] if found.journal else []),
    ]
    return [html.Div([part for part in parts if part is not None], className="incident")]


def _part(title: str, content: list[Any]) -> html.Section | None:
    return html.Section([html.H3(title), *content]) if content else None


def _head(t: Text, row: Mapping[str, Any], now: datetime) -> html.Div:
    test = [html.Span("TEST", className="badge small")] if row["rule_kind"] == "distress_test" else []
    simulated = [html.Span(t("mô phỏng"), className="badge small")] if row["simulated"] else []
    line = [mark.severity(t, str(row["severity"])), html.Strong(rule_title(t, row)), *test, *simulated]
    state = [state_words(t, row) or t("chưa xác nhận"), step_words(t, row), level_words(t, row), given_to(t, row)]
    when = [t("lúc {at}", at=t.exact(row["raised_at"])), " · ", mark.age(t, row["raised_at"], now)]
    return html.Div(
        [
            html.Div(line, className="incident-name"),
            html.P(when, className="muted"),
            html.P(" · ".join(filter(None, state)), className="incident-state"),
            *([html.P(f"“{row['comment']}”")] if row["comment"] else []),
        ],
        className="incident-head",
    )


def _rule(t: Text, site: Site, found: Incident) -> list[html.P]:
    row = found.row
    fence = t.pick(row["fence_vi"], row["fence_en"])
    sentence = words(t, found.rule, found.fence, site.layer(str(row["layer"]))) if found.rule else ""
    told = [html.P(t.pick(row["rule_vi"], row["rule_en"]))]
    return told + [html.P(line, className="muted") for line in (sentence, fence) if line]


def _response(t: Text, row: Mapping[str, Any]) -> list[html.P]:
    words = t.pick(row["response_vi"], row["response_en"])
    return [html.P(line) for line in words.splitlines() if line.strip()]


def evidence(t: Text, site: Site, row: Mapping[str, Any]) -> html.Div:
    """What was known when it was raised: place, movement, distance; and where its track is to be seen."""
    facts = dict(row["evidence"])
    layer = site.layer(str(row["layer"]))
    own = service.facts(t, layer, facts) if layer else []
    apart = facts.get("distance_m")
    pairs: list[tuple[str, Any]] = [
        (t("Vị trí khi báo"), _where(t, row, bool(facts.get("interpolated")))),
        (t("Quan trắc lúc"), t.exact(row["observed_at"])),
        *own,
        (t("Khoảng cách"), f"{t.number(apart)} m ({t.number(apart / NM_M, 2)} {t('hải lý')})" if apart else ""),
        (t("Vùng khai thác"), _zone(t, facts)),
        (t("Bức điện an toàn"), str(facts.get("safety_text") or "")),
        (t("Đối tượng kia"), _other(t, row)),
        (t("Hết lúc"), t.exact(row["cleared_at"]) if row["cleared_at"] else ""),
        (t("Vệt"), _track(t, row)),
    ]
    return html.Div([mark.facts(pairs)], className="evidence")


def _zone(t: Text, facts: Mapping[str, Any]) -> str:
    """The zone a boat was in, and those that it may work in."""
    if "zone" not in facts:
        return ""
    if facts.get("waters"):
        return t("ven bờ của tỉnh khác; được phép: ven bờ của tỉnh mình")
    names = {en: t.pick(vi, en) for vi, en in zip(zone.NAMES_VI, zone.NAMES_EN, strict=True)}
    own = ", ".join(names.get(name, name) for name in facts.get("allowed", ()))
    return t("{zone}; được phép: {allowed}", zone=names.get(facts["zone"], facts["zone"]), allowed=own)


def _where(t: Text, row: Mapping[str, Any], interpolated: bool) -> Any:
    if row["lat"] is None:
        return t("chưa có")
    lat, lon = row["lat"], row["lon"]
    words = [html.Span(place.dms(lat, lon)), html.Br(), html.Span(f"{t.degrees(lat)}  {t.degrees(lon)}")]
    if interpolated:
        words += [html.Br(), html.Span(t("nội suy giữa hai điểm"), className="muted")]
    return html.Span(words, className="position")


def _other(t: Text, row: Mapping[str, Any]) -> Any:
    if not row["other_key"]:
        return ""
    to = mark.target(go="other", layer=row["layer"], key=row["other_key"])
    return html.Button(str(row["other_key"]), className="linked", **to)


def _track(t: Text, row: Mapping[str, Any]) -> Any:
    if row["lat"] is None:
        return ""
    start = row["raised_at"] - TRACK_BEFORE
    words = t("từ {at}, 30 phút trước khi báo", at=t.when(start))
    to = f"/?lat={row['lat']:.5f}&lon={row['lon']:.5f}&z=12&chosen={row['layer']}.{row['object_key']}&alarm={row['id']}"
    link = html.A(t("Xem trên bản đồ"), href=f"{to}&lang={t.lang}", className="on-map")
    return html.Span([words, " · ", link])


def _near(t: Text, site: Site, near: Mapping[str, Sequence[Mapping[str, Any]]]) -> html.Ul:
    items = []
    for name, rows in near.items():
        layer = site.layer(name)
        for row in rows:
            to = mark.target(go="near", layer=name, key=row["key"], lat=row["lat"], lon=row["lon"], zoom=13)
            press = html.Button(str(row["label"]), className="linked", **to)
            words = html.Span(
                f"{t.title(layer)} · {distance(t, row['distance_m'])}" if layer else "", className="muted"
            )
            items.append(html.Li([press, words]))
    return html.Ul(items, className="near")


def _rescuers(t: Text, found: Sequence[Rescuer], now: datetime) -> Any:
    """The boats that can be there first: how far, which course to steer, how long, and how old their position is."""
    if not found:
        return html.P(t("Không nghe được tàu nào trong {n} hải lý.", n=t.number(WITHIN_NM)), className="muted")
    items = []
    for one in found:
        to = mark.target(go="near", layer=one.layer, key=one.key, lat=one.lat, lon=one.lon, zoom=11)
        way = t("{miles} hải lý, lái {course}°", miles=t.number(one.distance_nm, 1), course=f"{one.course_deg:03.0f}")
        reach = t("tới sau {span} ở {pace} hải lý/giờ", span=duration(t, max(60.0, one.reach_s // 60 * 60)),
                  pace=t.number(one.pace_kn, 0))  # fmt: skip
        about = [html.Span(way), " · ", html.Strong(reach)]
        badge = [html.Span(t("mô phỏng"), className="badge small")] if one.simulated else []
        name = html.Div([html.Button(one.label, className="linked", **to), *badge, mark.age(t, one.observed_at, now)])
        items.append(html.Li([name, html.Div(about, className="muted")]))
    return html.Ol(items, className="rescuers")


def distance(t: Text, metres: float) -> str:
    """`850 m`, `12,4 km`."""
    return f"{t.number(metres)} m" if metres < 1000 else f"{t.number(metres / 1000, 1)} km"


def before(t: Text, rows: Sequence[Mapping[str, Any]], now: datetime) -> list[Any]:
    """The object's earlier cases, when there are any."""
    cases = html.Ul([_case(t, one, now) for one in rows[:EARLIER]], className="card-alarms")
    return [_part(t("Trước đây"), [cases])] if rows else []


def _case(t: Text, one: Mapping[str, Any], now: datetime) -> html.Li:
    head = [
        mark.severity(t, str(one["severity"])),
        html.Strong(rule_title(t, one)),
        mark.age(t, one["raised_at"], now),
    ]
    state = state_words(t, one) or (t("đã hết") if one["state"] == "cleared" else t("chưa xác nhận"))
    fence = t.pick(one["fence_vi"], one["fence_en"])
    words = [html.P(" · ".join(filter(None, [fence, state])), className="muted")]
    comment = [html.P(f"“{one['comment']}”")] if one["comment"] else []
    return html.Li([html.Div(head, className="alarm-line"), *words, *comment], className=f"past-{one['state']}")


def history(t: Text, found: Incident) -> html.Ol:
    """The alarm's journal, the newest line first: when, who, what, and what was said."""
    return html.Ol([_entry(t, found, line) for line in reversed(found.journal)], className="journal")


def _entry(t: Text, found: Incident, line: Mapping[str, Any]) -> html.Li:
    who = "" if line["actor_kind"] == "system" else str(line["actor"])
    what = transition_words(t, line, found.units)
    words = [html.Time(t.exact(line["at"]), dateTime=line["at"].isoformat(), className="muted"), html.Span(what)]
    if who:
        words.append(html.Span(who, className="who"))
    said = [html.P(f"“{line['comment']}”")] if line["comment"] else []
    return html.Li([html.Div(words), *said])


def transition_words(t: Text, line: Mapping[str, Any], units: Mapping[str, str]) -> str:
    """One line of the journal: what happened, with what it was given."""
    data = line["data"] or {}
    plain = {
        "raise": t("Báo động"),
        "clear": t("Hết vi phạm"),
        "acknowledge": t("Xác nhận"),
        "comment": t("Ghi chú"),
        "unshelve": t("Trở lại bàn"),
        "suppress": t("Được nén dưới báo động khác"),
        "release": t("Hết được nén"),
        "revise": t("Sửa giờ theo dữ liệu đến muộn"),
        "withdraw": t("Rút lại"),
    }
    name = str(line["transition"])
    if name == "step":
        return t("Đến gần: còn {n} hải lý", n=t.number(data.get("value"), 1))
    if name == "assign":
        given = units.get(str(data.get("unit")), str(data.get("unit") or ""))
        return t("Giao {unit}", unit=f"{given} ({data['person']})" if data.get("person") else given)
    if name == "escalate":
        return t("Chuyển cấp trên, lần {n}", n=data.get("level", 1))
    if name == "shelve":
        until = data.get("until")
        at = t.when(datetime.fromisoformat(until)) if until else "–"
        return t("Tạm hoãn đến khi tàu về cảng") if data.get("span") == "trip" else t("Tạm hoãn đến {at}", at=at)
    return plain.get(name, name)
