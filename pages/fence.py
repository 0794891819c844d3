"""The fence editor: what its drawer beside the map shows of fences and their versions, and what is done there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import shapely
import sqlalchemy as sa
from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update

from access import fences as doing
from access.fences import Base, Conflict, Missing
from access.site import Site
from geo.actor import Actor
from geo.calendar import ZONE
from geo.fence_history import Version, at_version, history
from geo.fence_json import state
from geo.fence_kind import REFERENCE, Wrong, title
from geo.occupancy import inside_now
from geo.outline import area_km2, length_km
from geo.ring import Checked
from geo.roster import Roster, rosters
from geo.watch import Held, held
from pages import fence_file, fence_form
from pages.fence_layout import layout as layout
from pages.read import DatabaseAway, act, read
from pages.text import Text

# What is shown


def listed(t: Text, found: Sequence[Held], now: datetime) -> list[Any]:
    """A row a fence: its name, kind, and what is to be known of it; the reference lines last, the retired ones dim."""
    own = [one for one in found if one.fence.kind not in REFERENCE]
    standing = [one for one in own if not one.fence.retired_at]
    gone = [one for one in own if one.fence.retired_at]
    rows = [_line(t, one, now) for one in sorted(standing, key=lambda one: one.fence.name_vi.casefold())]
    empty = [html.Li(t("Chưa có vùng nào. Hãy vẽ vùng đầu tiên."), className="empty")] if not rows else []
    return [*empty, *rows, *[_line(t, one, now) for one in gone]]


def _line(t: Text, one: Held, now: datetime) -> html.Li:
    fence = one.fence
    known = title(fence.kind)
    watched = len(one.watch.kinds)
    parts = [t.pick(*known), state_words(t, state(fence, now)), t("{n} quy tắc", n=watched)]
    if fence.review_by and fence.review_by < _today(now):
        parts.append(t("quá hạn xem lại"))
    if fence.simulated:
        parts.append(t("mô phỏng"))
    held_now = state(fence, now) == "in_force"
    button = html.Button(
        [
            html.Span(t.pick(fence.name_vi, fence.name_en), className="what"),
            html.Span(" · ".join(filter(None, parts)), className="more"),
        ],
        className="fence-item" + ("" if held_now else " dim"),
        **{"data-fence-key": fence.key},
    )
    return html.Li(button)


def _today(now: datetime) -> date:
    return now.astimezone(ZONE).date()


def state_words(t: Text, name: str) -> str:
    """Whether a fence holds, in words; nothing for one that does."""
    words = {
        "retired": t("đã bỏ"), "future": t("chưa có hiệu lực"), "past": t("hết hiệu lực"),
        "out_of_season": t("ngoài mùa"),
    }  # fmt: skip
    return words.get(name, "")


def field_words(t: Text) -> dict[str, str]:
    """The fields of fences and rules as the history names them."""
    return {
        "name_vi": t("tên"), "name_en": t("tên tiếng Anh"), "kind": t("loại"), "note": t("ghi chú về vùng"),
        "geom": t("hình vẽ"), "hysteresis_m": t("trễ khi rời"), "buffer_m": t("đệm vàng"),
        "dwell_s": t("thời gian ở trong"), "applies_to": t("áp dụng cho"), "valid_from": t("hiệu lực từ"),
        "valid_to": t("hiệu lực đến"), "season": t("mùa"), "owner": t("người phụ trách"),
        "review_by": t("ngày xem lại"), "retired_at": t("bỏ hoặc khôi phục"), "severity": t("mức độ"),
        "off_delay_s": t("hết sau"), "params": t("khoảng cách, chiều"), "response_vi": t("việc cần làm"),
        "response_en": t("việc cần làm (tiếng Anh)"), "enabled": t("bật, tắt"), "qualifies": t("điều kiện từng vị trí"),
    }  # fmt: skip


def versions(t: Text, found: Sequence[Version], key: str) -> list[Any]:
    """The versions, newest first: who, when, why, what was changed, and a look at each."""
    words = field_words(t)
    return [_version(t, one, key, words, newest=index == 0) for index, one in enumerate(found)]


def _version(t: Text, one: Version, key: str, words: Mapping[str, str], newest: bool) -> html.Li:
    names = [*one.changed, *[name for changed in one.rules.values() for name in changed]]
    told = ", ".join(dict.fromkeys(words.get(name, name) for name in names))
    if not told:
        told = t("vùng mới") if one.version == 1 else t("quy tắc mới")
    look = {"data-fence-look": str(one.version), "data-fence-of": key}
    buttons = [html.Button(t("Xem trên bản đồ"), className="action", **look)]
    if not newest:
        back = {"data-fence-restore": str(one.version), "data-fence-of": key}
        buttons.append(html.Button(t("Khôi phục"), className="action", **back))
    return html.Li(
        [
            html.Strong(t("Phiên bản {n}", n=one.version)),
            html.Span(f"{one.actor} · {t.when(one.at)}", className="muted"),
            html.P(told),
            *([html.P(f"“{one.comment}”", className="muted")] if one.comment else []),
            html.Div(buttons, className="fence-buttons"),
        ]
    )


def size_words(t: Text, geom: Any) -> str:
    """`12,4 km² · chu vi 15,2 km`, or a line's length."""
    area, length = area_km2(geom), length_km(geom)
    if not area:
        return t("dài {km} km", km=t.number(length, 2))
    return t("{area} km² · chu vi {km} km", area=t.number(area, 2), km=t.number(length, 2))


def told(t: Text, found: Checked) -> dict[str, Any]:
    """What a check found, as fence.js draws it: [lat, lon], faults in words, and the outline it would be kept as."""
    grave = [one for one in found.faults if one.weight != "tidied"]
    faults = [{"words": t.pick(one.vi, one.en), "lat": one.lat, "lon": one.lon, "weight": one.weight} for one in grave]
    geom = found.geom
    rings = fence_form.rings_of(geom) if geom is not None else None
    return {"faults": faults, "repaired": found.repaired, "refused": geom is None, "outline": rings}


# What is done


def register(app: Dash, site: Site) -> None:
    """Stores carry questions of fence.js to the server and its answers back; nothing here keeps a state."""
    fence_file.register(app, field_words)

    @app.callback(
        Output("fence-list", "children"),
        Output("database", "data", allow_duplicate=True),
        Input("fence-shown", "data"),
        Input("fence-mark", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def show(shown: Any, _: Any, words: dict[str, Any]) -> tuple[Any, Any]:
        if not shown:
            return no_update, no_update
        try:
            found = await read(site, held, None, True)
        except DatabaseAway:
            return no_update, {"away": True}
        return listed(Text(words["lang"]), found, datetime.now(UTC)), no_update

    @app.callback(
        Output("fence-data", "data"),
        Output("fence-versions", "children"),
        Input("fence-ask", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def open_one(ask: dict[str, Any] | None, words: dict[str, Any]) -> tuple[Any, Any]:
        t = Text(words["lang"])
        if not ask:
            return no_update, no_update
        try:
            return await read(site, _opened, t, str(ask.get("key") or "new"), ask)
        except DatabaseAway:
            return {"n": ask.get("n"), "fault": t("Cơ sở dữ liệu không trả lời.")}, no_update

    @app.callback(
        Output("fence-checked", "data"),
        Input("fence-shape", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def check(asked: dict[str, Any] | None, words: dict[str, Any]) -> Any:
        if not asked:
            return no_update
        t = Text(words["lang"])
        try:
            return await read(site, _checked, site, t, asked)
        except DatabaseAway:
            return {"n": asked.get("n"), "size": t("Cơ sở dữ liệu không trả lời.")}

    @app.callback(
        Output("fence-answer", "data"),
        Input("fence-draft", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def change(draft: dict[str, Any] | None, words: dict[str, Any]) -> Any:
        if not draft:
            return no_update
        t = Text(words["lang"])
        try:
            return {"n": draft.get("n"), **await act(site, _changed, t, draft)}
        except DatabaseAway:
            return {"n": draft.get("n"), "words": t("Cơ sở dữ liệu không trả lời: CHƯA lưu được.")}

    @app.callback(
        Output("fence-looked", "data"),
        Input("fence-look", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def look(asked: dict[str, Any] | None, words: dict[str, Any]) -> Any:
        if not asked or asked.get("version") is None:
            return None
        t = Text(words["lang"])
        try:
            then = await read(site, at_version, str(asked["key"]), int(asked["version"]))
        except DatabaseAway:
            return no_update
        if then is None:
            return None
        shape = shapely.simplify(then.fence.geom, 5e-5)
        return {"rings": fence_form.rings_of(shape), "words": t("Phiên bản {n}", n=asked["version"])}

    for name, answer in (("opened", "data"), ("checked", "checked"), ("answered", "answer"), ("looked", "looked")):
        app.clientside_callback(
            ClientsideFunction("haidang", f"fence_{name}"), Input(f"fence-{answer}", "data"), prevent_initial_call=True
        )
    # With an output, since Dash first runs a callback for the sake of its outputs.
    app.clientside_callback(
        ClientsideFunction("haidang", "fence_start"),
        Output("fence-panel", "data-started"),
        Input("fence-start", "data"),
    )


def _opened(connection: sa.Connection, t: Text, key: str, ask: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    lists = rosters(connection)
    names = ", ".join(f"@{one.key} ({t.pick(one.name_vi, one.name_en)})" for one in lists)
    told_lists = t("Danh sách có sẵn: {names}", names=names) if names else ""
    if key == "new":
        form = fence_form.blank(str(ask.get("kind") or "area"))
        return {"n": ask.get("n"), "key": None, "fields": form, "rosters": told_lists}, []
    known = doing.current(connection, key)
    if known is None:
        return {"n": ask.get("n"), "fault": t("Không có vùng {key}", key=key[:60])}, []
    fence = known.fence
    geom = fence.geom
    many = shapely.get_num_coordinates(geom) > fence_form.SHAPES_TOLD
    opened = {
        "n": ask.get("n"),
        "key": key,
        "version": fence.version,
        "rules": known.rule_versions,
        "fields": fence_form.fields(t, known),
        "rings": fence_form.rings_of(geom),
        "tool": "line" if "Line" in geom.geom_type else "polygon",
        "many": many,
        "retired": fence.retired_at is not None,
        "reference": fence.kind in REFERENCE,
        "title": t.pick(fence.name_vi, fence.name_en),
        "rosters": told_lists,
    }
    return opened, versions(t, history(connection, key), key)


def _checked(connection: sa.Connection, site: Site, t: Text, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The outline as it would be kept, its faults, its size, and how many are inside it now."""
    given, shape = dict(asked.get("fields") or {}), dict(asked.get("shape") or {})
    answer: dict[str, Any] = {"n": asked.get("n")}
    try:
        if asked.get("text") is not None:
            shape["rings"] = fence_form.rings_in(t, str(asked["text"]))
            answer["rings"] = shape["rings"]
        found = fence_form.outline(t, shape, str(given.get("kind") or "area"))
    except Wrong as wrong:
        words = t.pick(wrong.vi, wrong.en)
        return {**answer, "faults": [{"words": words, "lat": None, "lon": None, "weight": "refused"}], "refused": True}
    answer |= told(t, found)
    if found.geom is None:
        return answer
    size = size_words(t, found.geom)
    layer = site.layer("vessel")
    if layer is not None and area_km2(found.geom):
        fence, _, _ = fence_form.fence_of(t, given, None, "x", rosters(connection))
        count = inside_now(connection, layer.shape, found.geom, fence.applies_to, datetime.now(UTC))
        size += " · " + t("{n} tàu đang ở trong", n=count.all)
        if count.meant != count.all:
            size += " " + t("({n} thuộc diện áp dụng)", n=count.meant)
    return {**answer, "size": size}


def _changed(site: Site, t: Text, draft: Mapping[str, Any]) -> dict[str, Any]:
    """Save, retire or restore; the answer says what became of it, or what is wrong beside which field."""
    name, comment = str(draft.get("actor") or "").strip()[:60], str(draft.get("comment") or "")
    if not name:
        return {"errors": {"actor": t("Hãy ghi tên cán bộ trực ban")}, "words": t("CHƯA lưu.")}
    actor, key, what = Actor(name), str(draft.get("key") or ""), draft.get("what")
    base = Base(draft.get("version"), draft.get("rules"))
    try:
        if what == "retire":
            done = doing.retire(site, key, base, actor, comment)
        elif what == "restore":
            done = doing.restore(site, key, int(draft["restore"]), base, actor, comment or None)
        else:
            return _save(site, t, draft, key, base, actor, comment)
    except Wrong as wrong:
        return _refused(t, {FIELD.get(wrong.field, wrong.field): t.pick(wrong.vi, wrong.en)})
    except Conflict as error:
        return _conflict(t, error)
    except Missing:
        return {"words": t("Không còn vùng hoặc phiên bản này.")}
    words = t("Đã bỏ vùng này.") if what == "retire" else t("Đã khôi phục thành phiên bản {n}.", n=done.version)
    return {"saved": done.key, "version": done.version, "words": words, "gone": what == "retire"}


# Fields of values that the form writes in other ways.
FIELD = {"dwell_s": "dwell_min", "off_delay_s": "off_delay_min", "applies_to": "include", "approach": "steps_nm"}


def _save(
    site: Site, t: Text, draft: Mapping[str, Any], key: str, base: Base, actor: Actor, comment: str
) -> dict[str, Any]:
    given = dict(draft.get("fields") or {})
    with site.engine.connect() as connection:
        known = doing.current(connection, key) if key else None
        lists: list[Roster] = rosters(connection)
        taken = [one.fence.key for one in held(connection, every=True)] if not key else []
    key = key or fence_form.new_key(str(given.get("name_vi") or ""), taken)
    fence, watch, errors = fence_form.fence_of(t, given, known, key, lists)
    if not fence.name_vi:
        errors["name_vi"] = t("Hãy đặt tên")
    found = None
    try:
        found = fence_form.outline(t, draft.get("shape") or {}, fence.kind)
    except Wrong as wrong:
        errors["geom"] = t.pick(wrong.vi, wrong.en)
    if found is not None and (found.geom is None or found.repaired):
        last = next(one for one in reversed(found.faults) if one.weight != "tidied")
        errors["geom"] = t.pick(last.vi, last.en)
    if errors or found is None:
        return _refused(t, errors)
    done = doing.save(site, replace(fence, geom=found.geom), watch, base, actor, comment or None)
    if not done.changed and not done.rules:
        words = t("Không có gì thay đổi.")
    else:
        words = t("Đã lưu phiên bản {n} lúc {at}.", n=done.version, at=t.when(done.at))
    return {"saved": done.key, "version": done.version, "words": words}


def _refused(t: Text, errors: Mapping[str, str]) -> dict[str, Any]:
    return {"errors": dict(errors), "words": t("CHƯA lưu: xem chỗ báo lỗi.")}


def _conflict(t: Text, error: Conflict) -> dict[str, Any]:
    words = t(
        "CHƯA lưu: {name} đã lưu phiên bản {n} lúc {at}. Hãy xem bản đó rồi mở lại.",
        name=error.actor,
        n=error.version,
        at=t.when(error.at),
    )
    return {"conflict": error.version, "key": error.key, "words": words}
