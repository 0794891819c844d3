"""The screen `/rules/lab`: one or two drafts of a rule tried on the past, before anything is switched on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update
from sqlalchemy import Connection

from access import lab as doing
from access.site import Site
from geo import lab_run
from geo.actor import Actor
from geo.fence import Fence, fences
from geo.rule import UNFENCED, Rule, stored_rules
from pages import header, lab_period, lab_result, mark, stores
from pages.read import DatabaseAway, act, read
from pages.text import Text

SIDES = ("a", "b")
# What can be changed of a draft here, each as a number; the rest is changed in the rule itself.
NUMBERS = ("dwell_min", "off_delay_min", "length_m", "speed_kn", "param")
PARAM = {"silence": ("silence_s", 3600.0), "proximity": ("distance_m", 1.0)}


def layout(site: Site, t: Text, search: str) -> html.Div:
    """The form on the left, what a run found on the right; the address holds both drafts and the run."""
    asked = {key.lower(): value for key, value in parse_qsl(search.lstrip("?"))}
    run = asked.get("run", "")
    return html.Div(
        [
            header.layout(site, t),
            html.Aside(_form(t, asked), className="lab-form"),
            html.Main(html.Div(_empty(t), id="lab-result", className="lab-result"), className="full lab-main"),
            stores.apart(t),
            dcc.Store(id="lab-run", data=int(run) if run.isdigit() and len(run) < 18 else None),
            dcc.Store(id="lab-print"),
            html.Span("", id="lab-address", hidden=True),
            dcc.Interval(id="lab-tick", interval=1_000),
        ],
        className="screen screen-lab",
    )


def _form(t: Text, asked: Mapping[str, str]) -> list[Any]:
    return [
        html.H2(t("Thử quy tắc")),
        html.P(
            t("Chạy bản nháp trên dữ liệu đã lưu, bằng đúng các bước xét của hệ thống đang chạy."), className="note"
        ),
        *[_side(t, side, asked) for side in SIDES],
        lab_period.layout(t, asked),
        html.Label(
            [html.Span(t("Người thử")), mark.entry("lab-actor", t("Họ tên hoặc mã số"), 60, remember=True)],
            className="lab-who",
        ),
        dcc.Store(id="lab-actor-text"),
        html.Div(
            [
                html.Button(t("Chạy thử"), id="lab-start", className="primary", n_clicks=0),
                html.Button(t("Dừng"), id="lab-stop", className="action", n_clicks=0, disabled=True),
            ],
            className="actions-row",
        ),
        html.P("", id="lab-said", role="status", className="lab-said"),
        html.P(html.A(t("Danh sách quy tắc"), href=f"/rules{_lang(t)}")),
    ]


def _side(t: Text, side: str, asked: Mapping[str, str]) -> html.Section:
    chosen = asked.get(side)
    title = t("Bản nháp A") if side == "a" else t("Bản nháp B, để so sánh (không bắt buộc)")
    labels = {
        "dwell_min": t("Ở lại ít nhất (phút)"),
        "off_delay_min": t("Hết sau (phút)"),
        "length_m": t("Dài từ (m)"),
        "speed_kn": t("Chậm dưới (hl/giờ)"),
        "param": t("Tham số"),
    }
    numbers = [
        html.Label(
            [
                html.Span(labels[name], id={"part": "lab-label", "side": side, "name": name}),
                dcc.Input(
                    id={"part": "lab-number", "side": side, "name": name},
                    value=asked.get(f"{side}.{name}"),
                    type="text",
                    inputMode="decimal",
                    autoComplete="off",
                    debounce=True,
                    className="field",
                    placeholder="–",
                ),
            ],
            id={"part": "lab-field", "side": side, "name": name},
        )
        for name in NUMBERS
    ]
    return html.Section(
        [
            html.H3([html.I(className=f"lab-key lab-{side}"), title]),
            dcc.Dropdown(
                [{"label": chosen, "value": chosen}] if chosen else [],  # a value that is no option would be dropped
                chosen,
                id={"part": "lab-rule", "side": side},
                placeholder=t("Chọn quy tắc…"),
                className="picked",
                clearable=True,
                labels={"search": t("Tìm"), "no_options_found": t("Không có luật nào như vậy")},
            ),
            html.P("", id={"part": "lab-words", "side": side}, className="note lab-words"),
            html.Div(numbers, className="lab-numbers"),
        ],
        className="lab-side",
    )


def _lang(t: Text) -> str:
    return "" if t.lang == "vi" else f"?lang={t.lang}"


def _empty(t: Text) -> html.Div:
    return html.Div(
        [
            html.H2(t("Chưa có lần thử nào được chọn")),
            html.P(
                t(
                    "Chọn một quy tắc ở bên trái, đổi số liệu nếu muốn, rồi bấm Chạy thử. "
                    "Kết quả cho biết mỗi ngày sẽ có bao nhiêu báo động, của tàu nào, ở đâu."
                )
            ),
            html.Div([], id="lab-recent"),
        ],
        className="lab-empty",
    )


def draft(rule: Rule, numbers: Mapping[str, float | None]) -> Rule:
    """The rule with what was changed of it; None leaves a number as it is. Minutes, metres, knots, hours of silence.

    Raises ValueError for a number that makes no sense.
    """
    changed = rule
    for name, field in (("dwell_min", "dwell_s"), ("off_delay_min", "off_delay_s")):
        value = numbers.get(name)
        if value is not None:
            changed = replace(changed, **{field: float(value) * 60})  # type: ignore[arg-type] # two fields of seconds
    if (least := numbers.get("length_m")) is not None:
        changed = replace(changed, applies_to={**changed.applies_to, "length_m": [float(least), None]})
    if (speed := numbers.get("speed_kn")) is not None:
        changed = replace(changed, qualifies={**changed.qualifies, "speed": [None, float(speed)]})
    if (given := numbers.get("param")) is not None:
        changed = replace(changed, params=_param(rule, float(given)))
    return changed


def _param(rule: Rule, value: float) -> dict[str, Any]:
    if rule.kind == "threshold":
        return {**rule.params, "above" if "above" in rule.params else "below": value}
    if rule.kind in PARAM:
        name, factor = PARAM[rule.kind]
        return {**rule.params, name: value * factor}
    if rule.kind == "approach":
        return {**rule.params, "steps_nm": [value]}
    raise ValueError(f"rule {rule.key}: {rule.kind} has no further number")


def param_label(t: Text, rule: Rule | None) -> str:
    """What the last number of a draft means, for its kind; empty when it has none."""
    words = {
        "threshold": t("Giới hạn"),
        "silence": t("Im lặng (giờ)"),
        "proximity": t("Khoảng cách (m)"),
        "approach": t("Cách ranh giới (hải lý)"),
    }
    return words.get(rule.kind, "") if rule else ""


def known(connection: Connection, /) -> tuple[list[Rule], dict[str, Fence]]:
    """The rules that can be tried on the past, also those that are off, and all fences by key."""
    tried = [rule for rule in stored_rules(connection) if rule.kind not in UNFENCED]
    return tried, {fence.key: fence for fence in fences(connection, every=True)}


def register(app: Dash, site: Site) -> None:
    """The drafts as they are chosen, a run from start to end, and switching on."""
    rule_id, number_id = {"part": "lab-rule", "side": ALL}, {"part": "lab-number", "side": ALL, "name": ALL}

    @app.callback(
        Output(rule_id, "options"),
        Output({"part": "lab-words", "side": ALL}, "children"),
        Output({"part": "lab-field", "side": ALL, "name": ALL}, "hidden"),
        Output({"part": "lab-label", "side": ALL, "name": "param"}, "children"),
        Input(rule_id, "value"),
        Input(number_id, "value"),
        State(number_id, "id"),
        State("words", "data"),
    )
    async def choose(
        keys: list[str | None], values: list[Any], ids: list[Any], words: dict[str, Any]
    ) -> tuple[Any, ...]:
        t = Text(words["lang"])
        try:
            tried, places = await read(site, known)
        except DatabaseAway:
            return [no_update] * len(keys), [no_update] * len(keys), [no_update] * len(ids), [no_update] * len(keys)
        options = [{"label": _name(t, rule), "value": rule.key} for rule in tried]
        by_key = {rule.key: rule for rule in tried}
        chosen = [by_key.get(key or "") for key in keys]
        told, labels = [], []
        for side, rule in zip(SIDES, chosen, strict=True):
            numbers = _numbers(ids, values, side)
            told.append(lab_result.sentence(t, site, _drafted(rule, numbers), places) if rule else "")
            labels.append(param_label(t, rule))
        by_side = dict(zip(SIDES, chosen, strict=True))
        hidden = [_hidden(by_side[one["side"]], one["name"]) for one in ids]
        return [options] * len(keys), told, hidden, labels

    @app.callback(
        Output("lab-run", "data"),
        Output("lab-said", "children"),
        Input("lab-start", "n_clicks"),
        Input("lab-stop", "n_clicks"),
        Input({"part": "lab-on", "number": ALL}, "n_clicks"),
        State(rule_id, "value"),
        State(number_id, "value"),
        State(number_id, "id"),
        State("lab-span", "data"),
        State("lab-from-text", "data"),
        State("lab-to-text", "data"),
        State("lab-actor-text", "data"),
        State("lab-run", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def press(
        started: int,
        stopped: int,
        switched: list[int | None],
        keys: list[str | None],
        values: list[Any],
        ids: list[Any],
        span: str,
        first: str | None,
        last: str | None,
        name: str | None,
        run: int | None,
        words: dict[str, Any],
    ) -> tuple[Any, ...]:
        t, pressed = Text(words["lang"]), ctx.triggered_id
        if not ctx.triggered or not ctx.triggered[0]["value"]:
            return no_update, no_update  # a button that has only just been laid out
        if not (name or "").strip():
            return no_update, t("Hãy ghi tên người thử.")
        actor = Actor(str(name).strip()[:60])
        try:
            if pressed == "lab-stop":
                done = run is not None and await act(site, doing.stop, run)
                return no_update, t("Đang dừng…") if done else t("Không có lần thử nào đang chạy.")
            if isinstance(pressed, dict):
                assert run is not None
                version = await act(site, doing.switch_on, run, int(pressed["number"]), actor)
                return no_update, t("Đã bật, phiên bản {n}.", n=version)
            drafts = await _drafts(site, keys, values, ids)
            if not drafts:
                return no_update, t("Hãy chọn quy tắc cho bản nháp A.")
            begin, end = lab_period.period(t, span, first, last, datetime.now(UTC))
            number = await act(site, doing.start, drafts, begin, end, actor)
        except lab_run.Busy:
            words_busy = t("Đang có {n} lần thử chạy: chờ xong hoặc dừng một lần.", n=lab_run.RUNNING_MOST)
            return no_update, words_busy
        except (ValueError, LookupError) as error:
            return no_update, t("Chưa làm được: {why}", why=error)
        except DatabaseAway:
            return no_update, t("Cơ sở dữ liệu không trả lời: CHƯA chạy được.")
        return number, t("Đã bắt đầu lần thử {n}.", n=number)

    @app.callback(
        Output("lab-result", "children"),
        Output("lab-print", "data"),
        Output("lab-stop", "disabled"),
        Input("lab-tick", "n_intervals"),
        Input("lab-run", "data"),
        State("lab-print", "data"),
        State("words", "data"),
        running=[(Output("lab-tick", "disabled"), True, False)],  # or a slow answer is asked for twice, and drawn twice
    )
    async def show(_: int, run: int | None, last: Any, words: dict[str, Any]) -> tuple[Any, ...]:
        t, now = Text(words["lang"]), datetime.now(UTC)
        try:
            if run is None:
                if last == "recent" and ctx.triggered_id == "lab-tick":
                    return no_update, no_update, no_update
                listed = await read(site, lab_run.recent, now, 10)
                return [_empty(t), lab_result.recent(t, listed, now)], "recent", True
            row = await read(site, lab_run.one, run, now)
            if row is None:
                return html.P(t("Không có lần thử {n}.", n=run), className="empty"), None, True
            going = row["state"] in ("running", "waiting")
            seen = [run, row["state"], round(row["progress"], 3), bool(row["result"])]
            if seen == last:
                return no_update, no_update, not going
            _tried, places = await read(site, known)
        except DatabaseAway:
            return no_update, no_update, no_update
        return lab_result.layout(t, site, row, places), seen, not going

    app.clientside_callback(
        ClientsideFunction("haidang", "lab_address"),
        Output("lab-address", "children"),
        Input("lab-run", "data"),
        Input(rule_id, "value"),
        Input("lab-span", "data"),
        Input("lab-from-text", "data"),
        Input("lab-to-text", "data"),
        Input(number_id, "value"),
        State(number_id, "id"),
    )
    lab_period.register(app)


async def _drafts(site: Site, keys: Sequence[str | None], values: Sequence[Any], ids: Sequence[Any]) -> list[Rule]:
    tried, _ = await read(site, known)
    by_key = {rule.key: rule for rule in tried}
    found = []
    for side, key in zip(SIDES, keys, strict=True):
        rule = by_key.get(key or "")
        if rule is not None:
            found.append(draft(rule, {name: _number(name, text) for name, text in _numbers(ids, values, side).items()}))
    return found


def _numbers(ids: Sequence[Any], values: Sequence[Any], side: str) -> dict[str, str | None]:
    return {one["name"]: value for one, value in zip(ids, values, strict=True) if one["side"] == side}


def _number(name: str, text: str | None) -> float | None:
    """What was typed, with a decimal comma or point; None for nothing. Raises ValueError that names the field."""
    words = (text or "").strip().replace(",", ".")
    if not words:
        return None
    try:
        value = float(words)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:  # not a number is neither
        raise ValueError(f"{name}: {text!r} is no number from 0 on")
    return value


def _drafted(rule: Rule, numbers: Mapping[str, str | None]) -> Rule:
    try:
        return draft(rule, {name: _number(name, text) for name, text in numbers.items()})
    except ValueError:
        return rule


def _hidden(rule: Rule | None, name: str) -> bool:
    if rule is None:
        return True
    return name == "param" and rule.kind not in ("threshold", "approach", *PARAM)


def _name(t: Text, rule: Rule) -> str:
    words = t.pick(rule.name_vi, rule.name_en).partition(":")[0]
    return words if rule.enabled else f"{words} ({t('đang tắt')})"
