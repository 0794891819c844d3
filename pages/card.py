"""The card of the chosen object: what it is, where and how old it is, and the incident it is in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from sqlalchemy import Connection

from access import areas
from access.site import Site
from geo import anomaly, feature, fence, zone
from geo.basemap import is_land
from geo.desk import alarms_of, one
from geo.fleet import boat_by_mmsi
from geo.handling import ESCALATIONS_MOST
from geo.heard import boat_heard
from geo.registration import parse
from geo.rule import DISTRESS
from pages import mark, place, service
from pages.boat_words import address
from pages.chart import SPEED_STEPS_KN
from pages.incident import Incident, before, incident, sections
from pages.line import rule_title, waits
from pages.read import DatabaseAway, read
from pages.text import Text

REFRESH_MS = 3_000
SHOWN_NOTES = timedelta(hours=24)
OVER = ("cleared", "withdrawn")


def layout(site: Site, t: Text) -> html.Section:
    """Hidden until something is chosen."""
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
            html.Div([], id="card-alarms"),
            html.Div([], id="card-facts"),
            actions,
            dcc.Store(id="card-ask"),
            dcc.Store(id="card-answer"),
            dcc.Interval(id="card-tick", interval=REFRESH_MS),
        ],
        id="card",
        className="card",
        hidden=True,
        **{"aria-label": t("Đối tượng đang chọn")},
    )


def head(t: Text, layer: Any, row: Mapping[str, Any], now: datetime) -> html.Div:
    """The label, what kind of thing it is, its key, and that it is simulated.

    A station that has fallen silent is not what it was: in place of its kind that is said, in grey and hollow.
    """
    kind = mark.kind_of(layer.style.kinds, row)
    key = f"MMSI {row['key']}" if layer.shape.key == "mmsi" else str(row["key"])
    named, color, at = t.title(kind), kind.color, row.get("observed_at")
    old = at is None or (now - at).total_seconds() > (kind.stale_s or layer.style.stale_s)
    dead = old and layer.shape.kind == "station"
    if dead:
        named, color = t("chưa có số liệu") if at is None else t("không gửi số liệu"), "ink-3"
    words = f"{named} · {key}" if row["label"] != row["key"] else named
    badge = [html.Span(t("mô phỏng"), className="badge small")] if row.get("simulated") else []
    marks = [mark.icon(kind.icon, color, dead), html.H2(str(row["label"])), html.Span(words, className="muted"), *badge]
    if row.get("boat"):
        marks.append(html.A(t("Hồ sơ tàu"), href=address(row["boat"], t.lang), className="card-boat"))
    return html.Div(marks, className="card-head")


def facts(t: Text, layer: Any, row: Mapping[str, Any], now: datetime, more: Any = None) -> list[Any]:
    """Name and value pairs, and what the service itself shows below them."""
    moves = layer.shape.kind == "moving"
    seen = t("Vị trí cuối") if moves else t("Số liệu cuối")
    pairs = [*service.facts(t, layer, row), *_position(t, row), (seen, _seen(t, row, now))]
    below = [speed_key(t)] if moves else service.more(t, layer, row, more)
    return [mark.facts(pairs), *below]


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
    return [(t("Vị trí"), html.Span(words, className="position")), *_commune(t, row)]


def _commune(t: Text, row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Of what stands still: the commune it is in, and its place in that province's plane of VN-2000."""
    if row.get("commune_name") is None:
        return []
    guessed = f" ({t('theo điểm tham khảo')})" if row["commune_estimated"] else ""
    plane = areas.plane(row["commune_province"], row["lon"], row["lat"])
    if "east_m" in plane:
        told = f"E {t.number(plane['east_m'], 1)} N {t.number(plane['north_m'], 1)} ({plane['meridian']})"
    else:
        told = t.pick(plane["refused_vi"], plane["refused_en"])
    return [(t("Xã, phường"), f"{row['commune_name']}{guessed}"), ("VN-2000", told)]


def _seen(t: Text, row: Mapping[str, Any], now: datetime) -> html.Span:
    return html.Span(
        [mark.age(t, row.get("observed_at"), now), html.Span(f" · {row.get('source', '')}", className="muted")]
    )


def notes(t: Text, found: Sequence[Mapping[str, Any]], now: datetime) -> html.Ul:
    """What was odd about the object, in words and with its times: a note to look into, never an alarm."""
    return html.Ul(
        [_note(t, one, now) for one in found], className="card-notes", **{"aria-label": t("Có dấu hiệu bất thường")}
    )


def _note(t: Text, one: Mapping[str, Any], now: datetime) -> html.Li:
    line = [mark.icon("note"), html.Span(t.title(one["kind"])), mark.age(t, one["last_at"], now)]
    times = t("{n} lần, từ {at}", n=t.number(one["count"]), at=t.when(one["first_at"]))
    return html.Li([html.Div(line, className="alarm-line"), html.P(times, className="muted")])


def speed_key(t: Text) -> html.Div:
    """What the trail's colours mean, in knots."""
    steps = ["0", *(t.number(step, 1) for step in SPEED_STEPS_KN)]
    swatches = [html.Span([html.I(className=f"swatch speed-{n}"), words]) for n, words in enumerate(steps)]
    return html.Div([html.Span(t("Vệt 24 giờ, hl/giờ:")), *swatches], className="speed-key")


def target_of(alarms: Sequence[Mapping[str, Any]], asked: int | None) -> Mapping[str, Any] | None:
    """The alarm in hand: the one that was pressed, else the first of the object's that waits, else one that stands."""
    for fits in (lambda each: each["id"] == asked, waits, lambda each: each["state"] not in OVER):
        found = next(filter(fits, alarms), None)
        if found is not None:
            return found
    return None


def in_hand(t: Text, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the form is told of the alarm in hand: what it is, and what cannot be done with it now, and why."""
    gone = row["state"] in OVER
    cannot: dict[str, str] = {}
    if gone or (not waits(row) and row["acknowledged_at"]):
        cannot["acknowledge"] = t("Đã xác nhận rồi.") if row["acknowledged_at"] else t("Không còn trên bàn.")
    if gone:
        cannot |= dict.fromkeys(("assign", "shelve", "escalate"), t("Không còn trên bàn."))
    if row["state"] == "withdrawn":
        cannot["withdraw"] = t("Đã rút lại rồi.")
    if row["rule_kind"] in DISTRESS:
        cannot["shelve"] = t("Báo động cấp cứu không được tạm hoãn.")
    if row["escalations"] >= ESCALATIONS_MOST:
        cannot.setdefault("escalate", t("Đã ở cấp cao nhất."))
    what = f"{rule_title(t, row)} · {row['object_label'] or row['object_key']}"
    own = {"id": row["id"], "layer": row["layer"], "key": row["object_key"], "unit": row["unit"] or ""}
    return {**own, "what": what, "cannot": cannot}


def register(app: Dash, site: Site) -> None:
    """Read again each few seconds while something is chosen, and after whatever was done."""

    @app.callback(
        Output("card", "hidden"),
        Output("card-head", "children"),
        Output("card-alarms", "children"),
        Output("card-facts", "children"),
        Output("deed-target", "data"),
        Output("card-answer", "data"),
        Output("database", "data", allow_duplicate=True),
        Input("card-ask", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def show(ask: dict[str, Any], words: dict[str, Any]) -> tuple[Any, ...]:
        answered = {"n": ask["n"]}
        if not ask["chosen"]:
            return True, [], [], [], None, answered, no_update
        t, now = Text(words["lang"]), datetime.now(UTC)
        try:
            about = await read(site, _about, site, ask["chosen"], now)
        except DatabaseAway:
            return *[no_update] * 5, answered, {"away": True}
        return False, *drawn(t, site, about, now), answered, no_update

    due = [Input("card-tick", "n_intervals"), Input("desk-changed", "data"), Input("deed-answer", "data")]
    app.clientside_callback(ClientsideFunction("haidang", "card_due"), Input("chosen", "data"), *due)
    app.clientside_callback(ClientsideFunction("haidang", "card_answered"), Input("card-answer", "data"))


@dataclass(frozen=True)
class About:
    """All that the card shows, read in one transaction."""

    layer: Any
    key: str
    row: Mapping[str, Any] | None
    incident: Incident | None
    alarms: Sequence[Mapping[str, Any]]
    odd: Sequence[Mapping[str, Any]]
    more: Any = None


def _about(connection: Connection, site: Site, chosen: Mapping[str, Any], now: datetime) -> About:
    asked = chosen.get("alarm")
    pressed = one(connection, int(asked), now) if asked else None
    named = (pressed["layer"], pressed["object_key"]) if pressed else (chosen.get("layer"), chosen.get("key"))
    name, key = (str(part or "") for part in named)
    layer = site.layer(name)
    alarms = alarms_of(connection, name, key, now) if key else []
    target = pressed or target_of(alarms, None)
    about = incident(connection, site, target, alarms, now) if target else None
    odd = anomaly.anomalies(connection, layer.name, key, now - SHOWN_NOTES) if layer is not None else []
    row = _feature(connection, layer, key) if layer is not None else None
    more = service.read_more(connection, site, layer, row, now) if layer is not None and row is not None else None
    return About(layer, key, row, about, alarms, odd, more)


def drawn(t: Text, site: Site, about: About, now: datetime) -> tuple[Any, Any, Any, Any]:
    """Head, what is told of alarms, facts of the object, and the alarm in hand."""
    listed = sections(t, site, about.incident, now) if about.incident else before(t, about.alarms, now)
    listed += [notes(t, about.odd, now)] if about.odd else []
    hand = in_hand(t, about.incident.row) if about.incident else None
    if about.layer is None or about.row is None:
        label = about.incident.row["object_label"] if about.incident else None
        nothing = html.P(t("Không có dữ liệu về đối tượng này."), className="empty")
        return html.Div(html.H2(str(label or about.key)), className="card-head"), listed, nothing, hand
    return head(t, about.layer, about.row, now), listed, facts(t, about.layer, about.row, now, about.more), hand


def _feature(connection: Connection, layer: Any, key: str) -> dict[str, Any] | None:
    """The feature's latest state and, at sea, the fishing zone it is in (domain fact 8; none on land)."""
    row = feature.one(connection, layer.shape, key)
    if row is not None and layer.group == "sea":
        row["boat"] = _boat(connection, layer, row)
    if row is None or row.get("lat") is None or layer.group != "sea" or is_land([row["lon"]], [row["lat"]])[0]:
        return row
    zones = zone.zones_of(fence.fences(connection))
    return {**row, "zone": zone.NAMES_VI[zones.classify(row["lon"], row["lat"])[0]]} if zones else row


def _boat(connection: Connection, layer: Any, row: Mapping[str, Any]) -> str | None:
    """The boat of the register that a vessel is, by its registration; None for none."""
    if layer.shape.key == "registration":
        return str(row["key"])
    if layer.shape.key != "mmsi":
        return None
    found = boat_by_mmsi(connection, row["mmsi"])
    if found is not None:
        return found.registration
    # Names are compared only where one is a registration: that costs more than all the rest of the card.
    heard = boat_heard(connection, row["mmsi"]) if parse(row["label"]) else None
    return heard.registration if heard else None
