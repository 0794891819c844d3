"""The form of one channel: its name and what its kind needs, a switch, and the button that sends a test."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, dcc, html, no_update

from access import channels
from access.channels import Overview
from access.site import Site
from geo.actor import Actor
from geo.carrier import BODIES, KINDS, METHODS, SECURITY, SEGMENTS_MOST, ChannelError
from geo.channel import Channel
from pages import mark
from pages.channel_list import kind_word
from pages.place import fold
from pages.read import DatabaseAway, act
from pages.text import Text

# What is typed: id -> the field of the config that it is, and its kind. `lines` hold one value each.
TYPED: Mapping[str, tuple[str, str]] = {
    "em-host": ("email", "host"), "em-port": ("email", "port"), "em-username": ("email", "username"),
    "em-sender": ("email", "sender"), "em-recipients": ("email", "recipients"), "wh-url": ("webhook", "url"),
    "sm-url": ("sms", "url"), "sm-recipients": ("sms", "recipients"), "sm-headers": ("sms", "headers"),
    "sm-body": ("sms", "body"), "sm-status": ("sms", "status"), "sm-expect": ("sms", "expect"),
}  # fmt: skip
# What is picked.
PICKED: Mapping[str, tuple[str, str]] = {
    "em-security": ("email", "security"), "em-password": ("email", "password"), "wh-secret": ("webhook", "secret"),
    "sm-method": ("sms", "method"), "sm-body_kind": ("sms", "body_kind"), "sm-segments": ("sms", "segments"),
    "sm-accents": ("sms", "accents"),
}  # fmt: skip
SECRETS = ("em-password", "wh-secret")
BEGIN: Mapping[str, Mapping[str, Any]] = {
    "email": {"port": 587, "security": "starttls"},
    "webhook": {},
    "sms": {"method": "POST", "body_kind": "json", "segments": 1, "body": '{"to": "${to}", "text": "${text}"}'},
}


def layout(site: Site, t: Text) -> html.Section:
    """All kinds' fields stand here, and those of the open one's kind are shown."""
    return html.Section(
        [
            html.Header(
                [
                    html.H2("", id="channel-title"),
                    html.Span("", id="channel-kind", className="muted"),
                    html.Button(t("Gửi thử"), id="channel-test", className="action", n_clicks=0),
                    html.Button("", id="channel-switch", className="action", n_clicks=0),
                ],
                className="form-head",
            ),
            html.Div([], id="channel-problems", className="problems"),
            html.Div(
                [
                    _typed("ch-name", t("Tên kênh"), t("ví dụ: Thư trực ban"), 80),
                    html.Div(_email(site, t), id="for-email", className="kind-fields", hidden=True),
                    html.Div(_webhook(site, t), id="for-webhook", className="kind-fields", hidden=True),
                    html.Div(_sms(site, t), id="for-sms", className="kind-fields", hidden=True),
                ],
                className="fields",
            ),
            html.Footer(
                [
                    _typed("actor", t("Cán bộ trực ban"), t("Họ tên hoặc mã số"), 60, remember=True),
                    html.Button(t("Lưu kênh"), id="channel-save", className="primary", n_clicks=0),
                    html.P("", id="channel-result", role="status", className="form-result"),
                ],
                className="form-foot",
            ),
            dcc.Store(id="channel-values"),
        ],
        className="channel-form",
        **{"aria-labelledby": "channel-title"},
    )


def _typed(
    name: str, label: str, hint: str, most: int, note: str = "", lines: bool = False, remember: bool = False
) -> html.Div:
    box = mark.entry(name, hint, most, remember=remember, lines=lines)
    words = [html.Span(note, className="note")] if note else []
    place = html.Label([html.Span(label), box])
    return html.Div([place, *words, dcc.Store(id=f"{name}-text")], className=f"form-field {name}")


def _choice(name: str, label: str, options: Sequence[tuple[Any, str]], value: Any) -> html.Div:
    items = [{"label": words, "value": each} for each, words in options]
    picked = dcc.RadioItems(items, value, id=name, className="choices", inline=True)
    return html.Div([html.Span(label), picked], className=f"form-field {name}", role="group", **{"aria-label": label})


def _secret(site: Site, t: Text, name: str, label: str, note: str) -> html.Div:
    names = sorted(site.secret_names)
    hint = t("chọn tên bí mật") if names else t("HAIDANG_SECRETS chưa có bí mật nào")
    picked = dcc.Dropdown(names, None, id=name, placeholder=hint, searchable=False, className="picked")
    return html.Div(
        [html.Label(label, htmlFor=name), picked, html.Span(note, className="note")], className=f"form-field {name}"
    )


def _email(site: Site, t: Text) -> list[Any]:
    security = [("starttls", "STARTTLS"), ("tls", "TLS"), ("plain", t("không"))]
    return [
        _typed("em-host", t("Máy chủ SMTP"), "smtp.hue.gov.vn", 253),
        _typed("em-port", t("Cổng"), "587", 5),
        _typed("em-sender", t("Người gửi"), "haidang@hue.gov.vn", 200),
        _choice("em-security", t("Mã hóa"), [one for one in security if one[0] in SECURITY], "starttls"),
        _typed("em-username", t("Tên đăng nhập"), t("bỏ trống nếu không cần"), 100),
        _secret(site, t, "em-password", t("Mật khẩu"), t("Chỉ lưu tên của bí mật, không lưu mật khẩu.")),
        _typed("em-recipients", t("Người nhận"), "truc-ban@hue.gov.vn", 4000, t("Mỗi dòng một địa chỉ."), lines=True),
    ]


def _webhook(site: Site, t: Text) -> list[Any]:
    url = t("JSON có chữ ký theo Standard Webhooks. Phần bí mật của địa chỉ viết là {place}.", place="${secret.TÊN}")
    return [
        _typed("wh-url", t("Địa chỉ"), "https://…", 2000, url, lines=True),
        _secret(site, t, "wh-secret", t("Khóa ký"), t("Bên nhận dùng cùng khóa này để kiểm tra chữ ký.")),
    ]


def _sms(site: Site, t: Text) -> list[Any]:
    names = ", ".join(f"${{{one}}}" for one in ("text", "to", "id", "time", "severity", "rule", "object"))
    places = t("Ô điền được: {names}.", names=f"{names}, ${{secret.TÊN}}")
    accents = dcc.Checklist(
        [{"label": t("giữ dấu (70 chữ một tin, thay vì 160)"), "value": "yes"}],
        [],
        id="sm-accents",
        className="choices",
    )
    segments = [(n, str(n)) for n in range(1, SEGMENTS_MOST + 1)]
    return [
        _typed("sm-url", t("Địa chỉ cổng SMS"), "https://…", 4000, lines=True),
        _choice("sm-method", t("Phương thức"), [(one, one) for one in METHODS], "POST"),
        _choice("sm-body_kind", t("Kiểu nội dung"), [(one, one.upper()) for one in BODIES], "json"),
        _typed(
            "sm-headers",
            t("Tiêu đề HTTP"),
            "Authorization: Bearer ${secret.sms}",
            4000,
            t("Mỗi dòng: Tên: giá trị."),
            lines=True,
        ),
        _typed(
            "sm-recipients",
            t("Số điện thoại"),
            "+84905000111",
            1000,
            t("Mỗi dòng một số; mỗi số một yêu cầu."),
            lines=True,
        ),
        _typed("sm-body", t("Nội dung gửi cổng"), '{"to": "${to}", "text": "${text}"}', 4000, places, lines=True),
        _typed("sm-status", t("Mã HTTP là đã nhận"), t("mọi mã 2xx"), 60),
        _typed("sm-expect", t("Và câu trả lời có chứa"), t("không bắt buộc"), 200),
        html.Div([accents], className="form-field sm-accents"),
        _choice("sm-segments", t("Nhiều nhất mấy tin ghép"), segments, 1),
    ]


def labels(t: Text) -> dict[str, str]:
    """What the fields are called, so that an error can name the one it means."""
    return {
        "name": t("Tên kênh"), "host": t("Máy chủ SMTP"), "port": t("Cổng"), "security": t("Mã hóa"),
        "username": t("Tên đăng nhập"), "password": t("Mật khẩu"), "sender": t("Người gửi"),
        "recipients": t("Người nhận"), "url": t("Địa chỉ"), "secret": t("Khóa ký"), "headers": t("Tiêu đề HTTP"),
        "body": t("Nội dung gửi cổng"), "status": t("Mã HTTP là đã nhận"), "expect": t("Và câu trả lời có chứa"),
    }  # fmt: skip


def told(t: Text, error: ChannelError) -> str:
    """A refusal in words: the field as the form calls it, and why."""
    return f"{labels(t).get(error.field, error.field)}: {t.pick(error.vi, error.en)}"


def as_text(name: str, value: Any) -> str:
    """A field's value as it is typed."""
    if value is None:
        return ""
    if name == "headers":
        return "\n".join(f"{header}: {words}" for header, words in value.items())
    if name == "status":
        return ", ".join(map(str, value))
    return "\n".join(value) if isinstance(value, list | tuple) else str(value)


def as_value(name: str, text: str) -> Any:
    """A field's value out of what was typed. Raises ChannelError."""
    if name == "recipients":
        return [one for line in text.splitlines() for one in line.replace(";", ",").split(",")]
    if name == "headers":
        pairs = [line.partition(":") for line in text.splitlines() if line.strip()]
        return {header.strip(): words.strip() for header, _, words in pairs}
    if name in ("port", "status"):
        try:
            numbers = [int(one) for one in text.replace(",", " ").split()]
        except ValueError:
            raise ChannelError(name, "phải là số", "must be a number") from None
        return numbers if name == "status" else (numbers[0] if len(numbers) == 1 else None)
    return text


def config_of(kind: str, typed: Mapping[str, str | None], picked: Mapping[str, Any]) -> dict[str, Any]:
    """The config of what stands in the form. Raises ChannelError."""
    config = {name: as_value(name, typed.get(key) or "") for key, (own, name) in TYPED.items() if own == kind}
    for key, (own, name) in PICKED.items():
        if own == kind:
            config[name] = bool(picked.get(key)) if name == "accents" else picked.get(key) or ""
    return config


def key_of(name: str, taken: Sequence[str]) -> str:
    """A key for a new channel, out of its name: `Thư trực ban` is `thu-truc-ban`, the second one `thu-truc-ban-2`."""
    plain = fold(name).replace(" ", "-")[:34] or "kenh"
    return next(key for n in range(1, 1000) if (key := plain if n == 1 else f"{plain}-{n}") not in taken)


def register(app: Dash, site: Site) -> None:
    """Open what is chosen, save it, switch it, test it; each change with a name."""
    _open(app, site)
    _save(app, site)
    _press(app, site)
    app.clientside_callback(
        ClientsideFunction("haidang_channels", "write"),
        Output("channel-values", "storage_type"),
        Input("channel-values", "data"),
    )


async def _one(site: Site, key: str) -> Overview | None:
    return next((one for one in await act(site, channels.overview) if one.channel.key == key), None)


def _open(app: Dash, site: Site) -> None:
    @app.callback(
        Output("channel-open", "hidden"),
        Output("channel-values", "data"),
        *[Output(f"for-{kind}", "hidden") for kind in KINDS],
        *[Output(key, "value") for key in PICKED],
        *[Output(key, "options") for key in SECRETS],
        Output("channel-result", "children"),
        Input("channel-chosen", "data"),
        State("words", "data"),
    )
    async def opened(chosen: dict[str, Any] | None, words: dict[str, Any]) -> tuple[Any, ...]:
        nothing = (no_update,) * (2 + len(KINDS) + len(PICKED) + len(SECRETS))
        if not chosen:
            return True, *nothing[1:], ""
        if chosen.get("saved"):  # what stands in the form is what was saved just now
            return *nothing, no_update
        try:
            one = await _one(site, str(chosen["key"])) if chosen.get("key") else None
        except DatabaseAway:
            return *nothing, Text(words["lang"])("Cơ sở dữ liệu không trả lời: CHƯA đọc được.")
        kind = one.channel.kind if one else str(chosen.get("kind") or "")
        if kind not in KINDS:
            return True, *nothing[1:], ""
        config = one.channel.config if one else BEGIN[kind]
        values = {key: as_text(name, config.get(name)) for key, (own, name) in TYPED.items() if own == kind}
        values["ch-name"] = one.channel.name if one else ""
        picked = [_picked(config, kind, own, name) for own, name in PICKED.values()]
        # Also one that is gone meanwhile: whoever saves the rest must not lose it unawares.
        names = [sorted(site.secret_names | set(filter(None, [config.get(PICKED[key][1])]))) for key in SECRETS]
        return False, values, *[kind != each for each in KINDS], *picked, *names, ""

    @app.callback(
        Output("channel-title", "children"),
        Output("channel-kind", "children"),
        Output("channel-problems", "children"),
        Output("channel-switch", "children"),
        Output("channel-switch", "hidden"),
        Output("channel-test", "hidden"),
        Input("channel-chosen", "data"),
        Input("channel-news", "data"),
        State("words", "data"),
    )
    async def headed(chosen: dict[str, Any] | None, _: Any, words: dict[str, Any]) -> tuple[Any, ...]:
        t = Text(words["lang"])
        if not chosen:
            return "", "", [], "", True, True
        try:
            one = await _one(site, str(chosen["key"])) if chosen.get("key") else None
        except DatabaseAway:
            return (no_update,) * 6
        if one is None:
            return t("Kênh mới"), kind_word(t, str(chosen.get("kind"))), [], "", True, True
        problems = [html.P(t.pick(each.vi, each.en)) for each in one.problems]
        switch = t("Tắt kênh") if one.channel.enabled else t("Bật kênh")
        kind = f"{kind_word(t, one.channel.kind)} · {one.channel.key}"
        return one.channel.name, kind, problems, switch, False, not one.channel.enabled


def _picked(config: Mapping[str, Any], kind: str, own: str, name: str) -> Any:
    if own != kind:
        return no_update
    value = config.get(name)
    return (["yes"] if value else []) if name == "accents" else value or None


def _save(app: Dash, site: Site) -> None:
    @app.callback(
        Output("channel-result", "children", allow_duplicate=True),
        Output("channel-chosen", "data", allow_duplicate=True),
        Output("channel-news", "data", allow_duplicate=True),
        Input("channel-save", "n_clicks"),
        State("channel-chosen", "data"),
        State("actor-text", "data"),
        State("ch-name-text", "data"),
        State("words", "data"),
        *[State(f"{key}-text", "data") for key in TYPED],
        *[State(key, "value") for key in PICKED],
        prevent_initial_call=True,
    )
    async def saved(
        clicks: int,
        chosen: dict[str, Any] | None,
        actor: str | None,
        name: str | None,
        words: dict[str, Any],
        *rest: Any,
    ) -> tuple[Any, ...]:
        t = Text(words["lang"])
        if not chosen:
            return no_update, no_update, no_update
        if not (actor or "").strip():
            return nameless(t), no_update, no_update
        typed, picked = dict(zip(TYPED, rest, strict=False)), dict(zip(PICKED, rest[len(TYPED) :], strict=True))
        try:
            found = {one.channel.key: one.channel for one in await act(site, channels.overview)}
            before = found.get(str(chosen.get("key")))
            kind = before.kind if before else str(chosen.get("kind"))
            key = before.key if before else key_of(name or "", list(found))
            config = config_of(kind, typed, picked)
            made = replace(before or Channel(key, kind, "", {}), name=name or "", config=config)
            await act(site, channels.put_channel, made, Actor(str(actor).strip()[:60]), before is None)
        except ChannelError as error:
            return told(t, error), no_update, no_update
        except DatabaseAway:
            return t("Cơ sở dữ liệu không trả lời: CHƯA lưu được."), no_update, no_update
        words_ = t("Đã lưu.") if before else t("Đã lưu. Hãy thêm tuyến để báo động đi kênh này.")
        return words_, {"key": key, "saved": clicks}, clicks


def _press(app: Dash, site: Site) -> None:
    @app.callback(
        Output("channel-result", "children", allow_duplicate=True),
        Output("channel-news", "data", allow_duplicate=True),
        Input("channel-test", "n_clicks"),
        Input("channel-switch", "n_clicks"),
        State("channel-chosen", "data"),
        State("actor-text", "data"),
        State("words", "data"),
        prevent_initial_call=True,
    )
    async def pressed(
        tests: int, switches: int, chosen: dict[str, Any] | None, name: str | None, words: dict[str, Any]
    ) -> tuple[Any, Any]:
        t, key = Text(words["lang"]), str((chosen or {}).get("key") or "")
        if not key:
            return no_update, no_update
        if not (name or "").strip():
            return nameless(t), no_update
        actor = Actor(str(name).strip()[:60])
        try:
            if ctx.triggered_id == "channel-test":
                await act(site, channels.test, key, actor)
                held = t("Tin thử đã GIỮ LẠI vì hệ thống đang mô phỏng: không có gì được gửi đi. Xem nhật ký bên dưới.")
                sent = t("Đã xếp tin thử vào hàng gửi; kết quả hiện ở nhật ký bên dưới.")
                return held if site.withholding else sent, f"test {tests}"
            one = await _one(site, key)
            enabled = one is not None and not one.channel.enabled
            await act(site, channels.enable, key, enabled, actor)
        except ChannelError as error:
            return told(t, error), no_update
        except DatabaseAway:
            return t("Cơ sở dữ liệu không trả lời: CHƯA làm được."), no_update
        off = t("Đã tắt kênh; những tin còn chờ được giữ lại.")
        return t("Đã bật kênh; kênh báo những gì xảy ra từ bây giờ.") if enabled else off, f"switch {switches}"


def nameless(t: Text) -> str:
    """What is said to somebody who changes something without a name."""
    return t("Hãy ghi tên cán bộ trực ban trước.")
