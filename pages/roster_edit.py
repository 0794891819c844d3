"""Lists by name: those that there are, the form of one, and its versions."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from dash import html

from access import rules as doing
from access.editing import Conflict
from access.rules import MEMBERS_MAX
from access.site import Site
from geo.actor import Actor
from geo.fence_kind import Wrong
from geo.roster import Roster, RosterVersion, roster_history, roster_version, rosters
from pages import rule_fields
from pages.fence_form import new_key
from pages.rule_choice import has
from pages.rule_edit import close, conflict, foot, gone
from pages.text import Text
from pages.typed import parts, read_keys

TOLD_MOST = 6  # members that came or went are named up to so many


def overview(t: Text, found: Sequence[Roster]) -> html.Section:
    """The lists with their names and how many they hold, and the way to a new one."""
    rows = [
        html.Li(
            [
                html.Button(t.pick(one.name_vi, one.name_en), className="link", **{"data-roster-open": one.key}),
                html.Span(f"@{one.key} · {t('{n} đối tượng', n=t.number(len(one.members)))}", className="muted"),
            ]
        )
        for one in found
    ]
    empty = html.Li(t("Chưa có danh sách nào."), className="muted")
    return html.Section(
        [
            html.H2(t("Danh sách")),
            html.P(t("Quy tắc và vùng gọi một danh sách bằng @tên để luôn tính hoặc không tính."), className="note"),
            html.Ol(rows or [empty], className="busiest"),
            html.Button(["+ ", t("Danh sách mới")], className="action", **{"data-roster-open": "new"}),
        ],
        className="side-part",
    )


def opened(
    connection: sa.Connection, site: Site, t: Text, ask: Mapping[str, Any]
) -> tuple[html.Section, dict[str, Any]]:
    """The form of one list, and what rules.js writes into its fields."""
    key, number = str(ask.get("roster") or ""), int(ask.get("n") or 0)
    known = next((one for one in rosters(connection) if one.key == key), None)
    if known is None and key != "new":
        return gone(t, t("Không có danh sách {name}.", name=f"@{key[:60]}")), {"n": number, "what": "gone"}
    one = known or Roster("", "vessel" if site.layer("vessel") else site.layers[0].name, "", "", ())
    layers = [(each.name, t.title(each)) for each in site.layers]
    hint = "574091234" if has(site.layer(one.layer), "mmsi") else ""
    title = t.pick(one.name_vi, one.name_en) or t("Danh sách mới")
    past = roster_history(connection, key) if known else []
    form = html.Section(
        [
            html.Header(
                [
                    html.H2(title, id="side-title", tabIndex=-1),
                    close(t),
                    html.P(f"@{one.key}" if known else "", className="muted side-about"),
                ],
                className="side-head",
            ),
            html.Div(
                [
                    rule_fields.section(
                        t("Danh sách"),
                        rule_fields.pair(
                            rule_fields.box(t("Tên (tiếng Việt)"), "name_vi", "", 120),
                            rule_fields.box(t("Tên (tiếng Anh)"), "name_en", "", 120),
                        ),
                        *([rule_fields.choice(t("Lớp"), "layer", layers)] if len(layers) > 1 else []),
                        rule_fields.box(t("Mỗi dòng một đối tượng (MMSI)"), "members", hint, 400_000, lines=True),
                    ),
                    rule_fields.section(t("Các phiên bản"), html.Ol(_versions(t, past), className="versions")),
                ],
                className="side-scroll",
            ),
            foot(t, "roster"),
        ],
        id=f"roster-form-{number}",
        className="side-form roster",
        **{"data-form": "roster", "aria-labelledby": "side-title"},
    )
    version = roster_version(connection, key) if known else 0
    name_en = "" if one.name_en == one.name_vi else one.name_en
    shown = {"name_vi": one.name_vi, "name_en": name_en, "layer": one.layer, "members": "\n".join(one.members)}
    return form, {"n": number, "what": "roster", "key": one.key or None, "version": version, "fields": shown}


def _versions(t: Text, found: Sequence[RosterVersion]) -> list[Any]:
    rows = []
    for number, one in enumerate(found):
        back: list[Any] = []
        if number:
            label = t("Khôi phục phiên bản {n}", n=one.version)
            back = [html.Button(t("Khôi phục"), className="action", title=label, **{"data-restore": str(one.version)})]
        told = [
            *([t("thêm {list}", list=_named(t, one.came))] if one.came else []),
            *([t("bớt {list}", list=_named(t, one.went))] if one.went else []),
        ] or [t("đổi tên")]
        rows.append(
            html.Li(
                [
                    html.Strong(t("Phiên bản {n}", n=one.version)),
                    html.Span(f"{one.actor} · {t.when(one.at)}", className="muted"),
                    *back,
                    html.Ul([html.Li(words) for words in told]),
                    *([html.P(f"“{one.comment}”", className="muted")] if one.comment else []),
                ]
            )
        )
    return rows or [html.Li(t("Chưa lưu lần nào."), className="empty")]


def _named(t: Text, keys: Sequence[str]) -> str:
    named = ", ".join(keys[:TOLD_MOST])
    rest = len(keys) - TOLD_MOST
    return named + (t(" và {n} nữa", n=t.number(rest)) if rest > 0 else "")


def members_of(t: Text, text: str, mmsi: bool) -> tuple[str, ...]:
    """The members that were typed, each once. Raises ValueError in words."""
    keys = read_keys(t, text, (), mmsi) if mmsi else parts(text)
    if len(keys) > MEMBERS_MAX:
        raise ValueError(t("Nhiều nhất {n} đối tượng", n=t.number(MEMBERS_MAX)))
    return tuple(dict.fromkeys(keys))


def changed(site: Site, t: Text, draft: Mapping[str, Any]) -> dict[str, Any]:
    """Save a list, or an older version of it as a new one; the answer is like that of a rule."""
    name, comment = str(draft.get("actor") or "").strip()[:60], str(draft.get("comment") or "") or None
    if not name:
        return {"nameless": True, "words": t("CHƯA lưu: hãy ghi tên trực ban.")}
    key, base = str(draft.get("key") or ""), int(draft.get("version") or 0)
    try:
        with site.engine.connect() as connection:
            made = _made(connection, site, t, draft, key)
        if isinstance(made, dict):
            return made
        version, at = doing.save_roster(site, made, Actor(name), comment, base)
    except Wrong as error:
        return {"errors": {error.field: t.pick(error.vi, error.en)}, "words": t("CHƯA lưu: xem chỗ báo lỗi.")}
    except Conflict as error:
        return conflict(t, error)
    if version == base:
        return {"saved": made.key, "version": version, "words": t("Không có gì thay đổi."), "roster": True}
    words = t("Đã lưu phiên bản {n} lúc {at}.", n=version, at=t.when(at))
    return {"saved": made.key, "version": version, "words": words, "roster": True, "again": True}


def _made(
    connection: sa.Connection, site: Site, t: Text, draft: Mapping[str, Any], key: str
) -> Roster | dict[str, Any]:
    if draft.get("what") == "restore":
        then = [one.roster for one in roster_history(connection, key) if one.version == int(draft["restore"])]
        return then[0] if then else {"words": t("CHƯA lưu: quy tắc hoặc phiên bản này không còn.")}
    given = dict(draft.get("fields") or {})
    known = {one.key: one for one in rosters(connection)}
    names = [str(given.get(each) or "").strip() for each in ("name_vi", "name_en")]
    layer = str(given.get("layer") or (known[key].layer if key in known else "vessel"))
    try:
        members = members_of(t, str(given.get("members") or ""), has(site.layer(layer), "mmsi"))
    except ValueError as error:
        return {"errors": {"members": str(error)}, "words": t("CHƯA lưu: xem chỗ báo lỗi.")}
    made = key or new_key(names[0], list(known))
    return Roster(made, layer, names[0], names[1] or names[0], members)
