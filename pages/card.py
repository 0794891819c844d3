"""The card of the chosen object: what it is, where and how old, its alarms in words, and what can be done."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy import Connection

from access import desk
from access.site import Site
from geo import anomaly, feature, fence, zone
from geo.actor import Actor
from geo.basemap import is_land
from geo.desk import alarms_of
from pages import mark, place
from pages.chart import SPEED_STEPS_KN
from pages.desk import OPEN, rule_title, state_words
from pages.read import DatabaseAway, act, read
from pages.text import Text

REFRESH_MS = 3_000
SHOWN_ALARMS = 5
SHOWN_NOTES = timedelta(hours=24)


def layout(site: Site, t: Text) -> html.Section:
    """Hidden until something is chosen. The form stands still while the facts above it are read again."""
    form = html.Div(
        [
            html.P("", id="ack-what", className="ack-what"),
            html.Label(
                [html.Span(t("Cán bộ trực ban")), mark.entry("actor", t("Họ tên hoặc mã số"), 60, remember=True)]
            ),
            html.Label([html.Span(t("Ghi chú")), mark.entry("ack-comment", t("không bắt buộc"), 300)]),
            dcc.Store(id="actor-text"),
            dcc.Store(id="ack-comment-text"),
            html.Button(t("Xác nhận"), id="ack", className="primary", n_clicks=0),
            html.Span("", id="ack-result", role="status", className="ack-result"),
        ],
        id="ack-form",
        className="ack",
        hidden=True,
    )
    actions = html.Div(
        [
            html.Button(
                [t("Bám theo"), html.Kbd("F")], id="card-follow", className="action", **{"data-key-press": "f"}
            ),
            html.Button(
                [t("Vệt 24 giờ"), html.Kbd("T")], id="card-trail", className="action", **{"data-key-press": "t"}
            ),
            html.Button(
                [t("Bỏ chọn"), html.Kbd("Esc")], id="card-close", className="action", **{"data-key-press": "Escape"}
            ),
        ],
        className="actions",
    )
    return html.Section(
        [
            html.Div([], id="card-head"),
            form,
            html.Div([], id="card-alarms"),
            html.Div([], id="card-facts"),
            actions,
            dcc.Store(id="ack-target"),
            dcc.Interval(id="card-tick", interval=REFRESH_MS),
        ],
        id="card",
        className="card",
        hidden=True,
        **{"aria-label": t("Đối tượng đang chọn")},
    )


def head(t: Text, layer: Any, row: Mapping[str, Any]) -> html.Div:
    """The label, what kind of thing it is, its key, and that it is simulated."""
    kind = mark.kind_of(layer.style.kinds, row)
    key = f"MMSI {row['key']}" if layer.shape.key == "mmsi" else str(row["key"])
    words = f"{t.title(kind)} · {key}" if row["label"] != row["key"] else t.title(kind)
    badge = [html.Span(t("mô phỏng"), className="badge small")] if row.get("simulated") else []
    marks = [mark.icon(kind.icon, kind.color), html.H2(str(row["label"])), html.Span(words, className="muted"), *badge]
    return html.Div(marks, className="card-head")


def facts(t: Text, layer: Any, row: Mapping[str, Any], now: datetime) -> list[Any]:
    """Name and value pairs; a layer with words of its own has them in pages/<layer>.py, `facts(t, row)`."""
    pairs = [*_own(t, layer, row), *_position(t, row), (t("Vị trí cuối"), _seen(t, row, now))]
    return [mark.facts(pairs), *([speed_key(t)] if layer.shape.history is not None else [])]


def _own(t: Text, layer: Any, row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    module = f"pages.{layer.name}"
    if find_spec(module) is not None and hasattr(import_module(module), "facts"):
        return list(import_module(module).facts(t, row))
    return [(t.title(one), _value(t, row.get(one.name), one.unit)) for one in layer.fields]


def _value(t: Text, value: Any, unit: str) -> str:
    if value is None:
        return ""
    words = t.number(value, 2) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return f"{words} {unit}".strip()


def _position(t: Text, row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if row.get("lat") is None:
        return [(t("Vị trí"), t("chưa có"))]
    lat, lon = row["lat"], row["lon"]
    copy = html.Button(
        mark.icon("copy"),
        id="card-copy",
        className="quiet copy",
        title=t("Sao chép vị trí"),
        **{"aria-label": t("Sao chép vị trí"), "data-copy": f"{place.dms(lat, lon)} ({lat:.5f}, {lon:.5f})"},
    )
    words = [
        html.Span(place.dms(lat, lon)),
        copy,
        html.Br(),
        html.Span(f"{t.degrees(lat)}  {t.degrees(lon)}", className="muted"),
    ]
    return [(t("Vị trí"), html.Span(words, className="position"))]


def _seen(t: Text, row: Mapping[str, Any], now: datetime) -> html.Span:
    return html.Span(
        [mark.age(t, row.get("observed_at"), now), html.Span(f" · {row.get('source', '')}", className="muted")]
    )


def alarm_list(t: Text, alarms: Sequence[Mapping[str, Any]], now: datetime) -> html.Ul:
    """The object's alarms, open and past, with the rule and what became of it in words."""
    return html.Ul(
        [_alarm(t, one, now) for one in alarms[:SHOWN_ALARMS]], className="card-alarms", **{"aria-label": t("Báo động")}
    )


def _alarm(t: Text, one: Mapping[str, Any], now: datetime) -> html.Li:
    fence = t.pick(one.get("fence_vi"), one.get("fence_en"))
    head = [
        mark.severity(t, str(one["severity"])),
        html.Strong(rule_title(t, one)),
        mark.age(t, one["raised_at"], now),
    ]
    state = state_words(t, one) or (t("đã hết") if one["state"] == "cleared" else t("chưa xác nhận"))
    rule = t.pick(one["rule_vi"], one["rule_en"]).partition(":")[2].strip() or _dwell(t, one)
    words = [html.P(line, className="muted") for line in (rule, " · ".join(filter(None, [fence, state]))) if line]
    comment = [html.P(f"“{one['comment']}”")] if one.get("comment") else []
    return html.Li([html.Div(head, className="alarm-line"), *words, *comment], className=f"past-{one['state']}")


def notes(t: Text, found: Sequence[Mapping[str, Any]], now: datetime) -> html.Ul:
    """What was odd about the object, in words and with its times: a note to look into, never an alarm."""
    return html.Ul(
        [_note(t, one, now) for one in found], className="card-notes", **{"aria-label": t("Có dấu hiệu bất thường")}
    )


def _note(t: Text, one: Mapping[str, Any], now: datetime) -> html.Li:
    line = [mark.icon("note"), html.Span(t.title(one["kind"])), mark.age(t, one["last_at"], now)]
    times = t("{n} lần, từ {at}", n=t.number(one["count"]), at=t.when(one["first_at"]))
    return html.Li([html.Div(line, className="alarm-line"), html.P(times, className="muted")])


def _dwell(t: Text, one: Mapping[str, Any]) -> str:
    dwell = one.get("dwell_s")
    return t("quá {age} liên tục", age=t.age(float(dwell))) if dwell else ""


def speed_key(t: Text) -> html.Div:
    """What the trail's colours mean, in knots."""
    steps = ["0", *(t.number(step, 1) for step in SPEED_STEPS_KN)]
    swatches = [html.Span([html.I(className=f"swatch speed-{n}"), words]) for n, words in enumerate(steps)]
    return html.Div([html.Span(t("Vệt 24 giờ, hl/giờ:")), *swatches], className="speed-key")


def target_of(alarms: Sequence[Mapping[str, Any]], asked: int | None) -> Mapping[str, Any] | None:
    """The alarm the button acknowledges: the one pressed on the desk while it waits, else the first that waits."""
    waiting = [one for one in alarms if one["state"] in OPEN]
    return next((one for one in waiting if one["id"] == asked), waiting[0] if waiting else None)


def register(app: Dash, site: Site) -> None:
    """Read again each few seconds while something is chosen; acknowledging is one press with a name."""

    @app.callback(
        Output("card", "hidden"),
        Output("card-head", "children"),
        Output("card-alarms", "children"),
        Output("card-facts", "children"),
        Output("ack-form", "hidden"),
        Output("ack-what", "children"),
        Output("ack-target", "data"),
        Output("database", "data", allow_duplicate=True),
        Input("chosen", "data"),
        Input("card-tick", "n_intervals"),
        Input("alarm-hint", "data"),
        Input("ack-result", "children"),
        State("words", "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def show(
        chosen: dict[str, Any] | None, _: int, hint: Any, done: Any, words: dict[str, Any]
    ) -> tuple[Any, ...]:
        if not chosen:
            return True, [], [], [], True, "", None, no_update
        t, now = Text(words["lang"]), datetime.now(UTC)
        try:
            return *await _card(site, t, chosen, now), no_update
        except DatabaseAway:
            return *[no_update] * 7, {"away": True}

    @app.callback(
        Output("ack-result", "children"),
        Output("ack-comment-text", "data"),
        Input("ack", "n_clicks"),
        State("ack-target", "data"),
        State("actor-text", "data"),
        State("ack-comment-text", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def press(
        _: int, alarm_id: int | None, name: str | None, comment: str | None, words: dict[str, Any]
    ) -> tuple[Any, Any]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        if alarm_id is None:
            return no_update, no_update
        if not (name or "").strip():
            return t("Hãy ghi tên cán bộ trực ban rồi xác nhận."), no_update
        actor = Actor(str(name).strip()[:60], "declared")
        try:
            done = await act(site, desk.acknowledge, alarm_id, actor, (comment or "").strip()[:300] or None)
        except DatabaseAway:
            return t("Cơ sở dữ liệu không trả lời: CHƯA xác nhận được."), no_update
        return (t("Đã xác nhận lúc {at}.", at=t.when(now)) if done else t("Người khác đã xác nhận trước."), "")

    app.clientside_callback(
        ClientsideFunction("haidang", "card_news"), Output("ack-result", "className"), Input("ack-target", "data")
    )


def _feature(connection: Connection, layer: Any, key: str) -> dict[str, Any] | None:
    """The feature's latest state and, at sea, the fishing zone it is in (domain fact 8; none on land)."""
    row = feature.one(connection, layer.shape, key)
    if row is None or row.get("lat") is None or layer.group != "sea" or is_land([row["lon"]], [row["lat"]])[0]:
        return row
    zones = zone.zones_of(fence.fences(connection))
    return {**row, "zone": zone.NAMES_VI[zones.classify(row["lon"], row["lat"])[0]]} if zones else row


async def _card(site: Site, t: Text, chosen: Mapping[str, Any], now: datetime) -> tuple[Any, ...]:
    layer = next((one for one in site.layers if one.name == chosen.get("layer")), None)
    key = str(chosen.get("key") or "")
    row = await read(site, _feature, layer, key) if layer is not None else None
    alarms = await read(site, alarms_of, str(chosen.get("layer") or ""), key, now) if key else []
    wanted = target_of(alarms, chosen.get("alarm"))
    what = rule_title(t, wanted) if wanted else ""
    form = (wanted is None, what, wanted["id"] if wanted else None)
    found = await read(site, anomaly.anomalies, layer.name, key, now - SHOWN_NOTES) if layer is not None else []
    listed = [*([alarm_list(t, alarms, now)] if alarms else []), *([notes(t, found, now)] if found else [])]
    if layer is None or row is None:
        nothing = html.P(t("Không có dữ liệu về đối tượng này."), className="empty")
        return False, html.Div(html.H2(key), className="card-head"), listed, nothing, *form
    return False, head(t, layer, row), listed, facts(t, layer, row, now), *form
