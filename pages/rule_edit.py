"""One rule beside the list: what a new one can begin from, its form, the sentence it makes, and its versions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from dash import html

from access import lab
from access import rules as doing
from access.editing import Conflict, Missing
from access.rules import TAKEN
from access.site import Site
from geo import lab_run
from geo.actor import Actor
from geo.fence import Fence, fences
from geo.fence_kind import Wrong
from geo.roster import Roster, rosters
from geo.rule import NEEDS_FENCE, UNFENCED, Rule, stored_rules
from geo.rulebook import RECENT, Entry, book, changes, kept, rule_history
from pages import mark, rule_fields, rule_load
from pages import rule_history as past
from pages.fence_form import new_key
from pages.rule_choice import how
from pages.rule_form import FIELDS_OF, PLACE, fields, rule_of
from pages.rule_preset import presets, starting
from pages.text import Text
from pages.words import consequences, kind_words, words

UNSAID = "Giá trị chưa đúng"  # of access, where the form knows more about how the value is written


def opened(
    connection: sa.Connection, site: Site, t: Text, ask: Mapping[str, Any]
) -> tuple[html.Section, dict[str, Any]]:
    """The part that is asked for, and what rules.js writes into its fields."""
    key, number = str(ask.get("rule") or ""), int(ask.get("n") or 0)
    if key == "new" and not ask.get("preset"):
        return _presets(t, site), {"n": number, "what": "presets"}
    if key == "new":
        entry, rule = None, starting(str(ask["preset"]), _layer(site, ask.get("layer")))
    else:
        entry = next(iter(book(connection, datetime.now(UTC), key)), None)
        if entry is None:
            return gone(t, t("Không có quy tắc {key}.", key=key[:80])), {"n": number, "what": "gone"}
        rule = entry.rule
    places, lists = fences(connection, every=True), rosters(connection)
    layer = site.layer(rule.layer)
    form = html.Section(
        [
            _head(t, site, rule, entry),
            html.Div([], id="rule-sentence", className="rule-sentence", role="status", **{"aria-live": "polite"}),
            html.Div(
                [
                    *rule_fields.sections(t, site, rule, places, lists),
                    *([_past(connection, t, site, rule, entry, places)] if entry else []),
                ],
                className="side-scroll",
            ),
            foot(t, "rule", tried=rule.kind not in UNFENCED),
        ],
        id=f"rule-form-{number}",  # another one each time, so that no box of another rule stays in it
        className="side-form",
        **{"data-form": "rule", "aria-labelledby": "side-title"},
    )
    shown = {**fields(t, rule, layer), "layer": rule.layer, **dict(ask.get("typed") or {})}
    about = {"key": rule.key or None, "version": rule.version if entry else None, "layer": rule.layer}
    return form, {"n": number, "what": "rule", **about, "preset": ask.get("preset"), "fields": shown}


def _layer(site: Site, asked: Any) -> str:
    names = [one.name for one in site.layers]
    return str(asked) if asked in names else "vessel" if "vessel" in names else names[0]


def gone(t: Text, why: str) -> html.Section:
    """In place of what is not there any more."""
    return html.Section([html.Header([html.H2(why, id="side-title", tabIndex=-1), close(t)], className="side-head")])


def close(t: Text) -> html.Button:
    """Back to the overview."""
    more = {"data-side-close": "1", "aria-label": t("Đóng")}
    return html.Button("×", className="quiet", title=t("Đóng (Esc)"), **more)


def foot(t: Text, what: str, tried: bool = False) -> html.Footer:
    """The reason, the buttons that save and try, and what became of it."""
    attempt = {"data-try": "1", "title": t("Chạy những gì đang ghi trên 30 ngày qua, không lưu")}
    return html.Footer(
        [
            rule_fields.box(t("Lý do, ghi chú"), "comment", t("không bắt buộc"), 500),
            html.Div(
                [
                    *([html.Button(t("Thử bản nháp"), className="action", **attempt)] if tried else []),
                    html.Button([t("Lưu"), html.Kbd("Ctrl S")], className="primary", **{"data-save": what}),
                ],
                className="side-buttons",
            ),
            html.P("", id="side-result", role="status"),
        ],
        className="side-foot",
    )


def _presets(t: Text, site: Site) -> html.Section:
    rows = []
    for name, title in presets(t).items():
        rule = starting(name, _layer(site, None))
        sentence = _sentence(t, site, rule, None, needed=name == "speed")
        face = [mark.severity(t, rule.severity), html.Strong(title), html.Span(sentence, className="note")]
        rows.append(html.Li(html.Button(face, className="preset", **{"data-preset": name})))
    return html.Section(
        [
            html.Header([html.H2(t("Quy tắc mới"), id="side-title", tabIndex=-1), close(t)], className="side-head"),
            html.P(t("Bắt đầu từ một mẫu; mọi con số sửa được sau."), className="side-note"),
            html.Ol(rows, className="presets"),
        ],
        className="side-form",
        **{"aria-labelledby": "side-title"},
    )


def _head(t: Text, site: Site, rule: Rule, entry: Entry | None) -> html.Header:
    layer = site.layer(rule.layer)
    about = [kind_words(t, rule.kind), t.title(layer) if layer else rule.layer]
    title = rule_load.title(t, entry) if entry else t("Quy tắc mới")
    lines: list[Any] = [html.Span(" · ".join([*about, *([rule.key] if entry else [])]))]
    lang = "" if t.lang == "vi" else f"&lang={t.lang}"
    links: list[Any] = []
    if entry and rule.fence_key and not entry.fence_retired:
        links.append(html.A(t("Vùng này trên bản đồ"), href=f"/?fence={rule.fence_key}{lang}"))
    if entry and rule.kind not in UNFENCED:
        links.append(html.A(t("Thử trên quá khứ"), href=f"/rules/lab?a={rule.key}{lang}"))
    return html.Header(
        [
            html.H2(title, id="side-title", tabIndex=-1),
            close(t),
            html.P([*lines, *links], className="muted side-about"),
        ],
        className="side-head",
    )


def _past(
    connection: sa.Connection, t: Text, site: Site, rule: Rule, entry: Entry, places: Sequence[Fence]
) -> html.Div:
    load = rule_load.load_of(book(connection, datetime.now(UTC)))
    rows = _versions(connection, t, site, rule, places)
    return html.Div(
        [
            rule_fields.section(t("Tải báo động"), html.P(rule_load.told(t, entry, load))),
            rule_fields.section(t("Các phiên bản"), html.Ol(rows, id="rule-versions", className="versions")),
        ]
    )


def _versions(connection: sa.Connection, t: Text, site: Site, rule: Rule, places: Sequence[Fence]) -> list[Any]:
    by_key = {one.key: one for one in places}
    return past.versions(t, rule_history(connection, rule.key), by_key, site.layer(rule.layer))


def versions(connection: sa.Connection, site: Site, t: Text, key: str) -> list[Any]:
    """The versions of a rule as they stand now."""
    rule = kept(connection, key)
    return _versions(connection, t, site, rule, fences(connection, every=True)) if rule else []


# What is typed


def drafted(
    connection: sa.Connection, site: Site, t: Text, typed: Mapping[str, Any]
) -> tuple[Rule, dict[str, str], Fence | None]:
    """The rule that the form means, what is wrong by field, and its fence. Raises Missing when it is gone."""
    key = typed.get("key")
    base = kept(connection, str(key)) if key else starting(str(typed.get("preset")), _layer(site, typed.get("layer")))
    if base is None:
        raise Missing(f"there is no rule {str(key)[:80]!r}")
    lists: list[Roster] = rosters(connection)
    given = dict(typed.get("fields") or {})
    rule, wrong = rule_of(t, given, base, lists, site.layer(base.layer))
    if not rule.key:
        taken = [one.key for one in stored_rules(connection)]
        rule = replace(rule, key=new_key(rule.name_vi, [*taken, *TAKEN]))
    found = fences(connection, [rule.fence_key], every=True) if rule.fence_key else []
    if not wrong:
        try:
            doing.rule_checked(connection, site, rule)
        except Wrong as error:
            wrong = refusal(t, rule, error)
    return rule, wrong, found[0] if found else None


def refusal(t: Text, rule: Rule, error: Wrong) -> dict[str, str]:
    """A refusal beside the field that it means, in the units of the form."""
    own = FIELDS_OF.get(rule.kind, ())
    place = own[0] if error.field == "params" and own else PLACE.get(error.field, error.field)
    plain = how(t, place) if error.vi == UNSAID else ""
    return {place: plain or t.pick(error.vi, error.en)}


def checked(connection: sa.Connection, site: Site, t: Text, typed: Mapping[str, Any]) -> dict[str, Any]:
    """The draft as a sentence and what follows from it, and what is wrong by field."""
    try:
        rule, wrong, fence = drafted(connection, site, t, typed)
    except Missing:
        return {"n": typed.get("n"), "sentence": t("Quy tắc này không còn."), "more": "", "errors": {}}
    said = _sentence(t, site, rule, fence)
    return {"n": typed.get("n"), "sentence": said, "more": consequences(t, rule), "errors": wrong}


def _sentence(t: Text, site: Site, rule: Rule, fence: Fence | None, needed: bool = False) -> str:
    """The rule in words; needed: it is to have a fence, as some kinds must, and speaks of one before it has it."""
    if not rule.fence_key and (needed or rule.kind in NEEDS_FENCE):
        place = {"crossing": t("một tuyến"), "approach": t("một ranh giới")}.get(rule.kind, t("một vùng"))
        rule = replace(rule, fence_key=place)
    return words(t, rule, fence, site.layer(rule.layer))


# What is done


def changed(site: Site, t: Text, draft: Mapping[str, Any]) -> dict[str, Any]:
    """Save, restore or switch; the answer says what became of it, or what is wrong beside which field."""
    name, comment = str(draft.get("actor") or "").strip()[:60], str(draft.get("comment") or "") or None
    if not name:
        return {"nameless": True, "words": t("CHƯA lưu: hãy ghi tên trực ban.")}
    actor, key, version = Actor(name), str(draft.get("key") or ""), draft.get("version")
    base = int(version) if version else None
    try:
        if draft.get("what") == "switch":
            return _switched(site, t, key, bool(draft.get("on")), base, actor)
        if draft.get("what") == "restore":
            done = doing.restore(site, key, int(draft["restore"]), base, actor, comment)
            said = t("Đã khôi phục thành phiên bản {n}.", n=done.version)
            return {"saved": key, "version": done.version, "words": said, "again": True}
        if draft.get("what") == "try":
            return _tried(site, t, draft, actor)
        return _saved(site, t, draft, base, actor, comment)
    except Wrong as error:
        return _refused(t, {PLACE.get(error.field, error.field): t.pick(error.vi, error.en)})
    except Conflict as error:
        return conflict(t, error)
    except Missing:
        return {"words": t("CHƯA lưu: quy tắc hoặc phiên bản này không còn.")}


def _switched(site: Site, t: Text, key: str, enabled: bool, base: int | None, actor: Actor) -> dict[str, Any]:
    done = doing.switch(site, key, enabled, base, actor)
    with site.engine.connect() as connection:
        rule = kept(connection, key)
    name = t.pick(rule.name_vi, rule.name_en).partition(":")[0] if rule else key
    said = t("Đã bật “{name}”.", name=name) if enabled else t("Đã tắt “{name}”.", name=name)
    return {"switched": key, "version": done.version, "words": said, "enabled": enabled}


def _saved(
    site: Site, t: Text, draft: Mapping[str, Any], base: int | None, actor: Actor, comment: str | None
) -> dict[str, Any]:
    with site.engine.connect() as connection:
        rule, wrong, _ = drafted(connection, site, t, draft)
    if wrong:
        return _refused(t, wrong)
    try:
        done = doing.save(site, rule, base, actor, comment)
    except Wrong as error:
        return _refused(t, refusal(t, rule, error))
    if not done.changed:
        said = t("Không có gì thay đổi.")
    else:
        said = t("Đã lưu phiên bản {n} lúc {at}.", n=done.version, at=t.when(done.at))
    return {"saved": done.key, "version": done.version, "words": said, "again": base is None}


def _tried(site: Site, t: Text, draft: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """Try what is typed on the last 30 days, beside the rule as it is kept when that is another."""
    with site.engine.connect() as connection:
        rule, wrong, _ = drafted(connection, site, t, draft)
        known = kept(connection, rule.key)
    if wrong:
        return _refused(t, wrong, t("CHƯA thử: xem chỗ báo lỗi."))
    now = datetime.now(UTC)
    drafts = [rule, known] if known and changes(known, rule) else [rule]
    try:
        run = lab.start(site, drafts, now - RECENT, now, actor)
    except lab_run.Busy:
        return {"words": t("Đang có {n} lần thử chạy: chờ xong hoặc dừng một lần.", n=lab_run.RUNNING_MOST)}
    except ValueError as error:
        return {"words": t("Chưa làm được: {why}", why=error)}
    return {"run": run, "words": t("Đã bắt đầu lần thử {n}.", n=run)}


def _refused(t: Text, errors: Mapping[str, str], words_: str = "") -> dict[str, Any]:
    return {"errors": dict(errors), "words": words_ or t("CHƯA lưu: xem chỗ báo lỗi.")}


def conflict(t: Text, error: Conflict) -> dict[str, Any]:
    """Who was first, which version, and when."""
    said = t(
        "CHƯA lưu: {name} đã lưu phiên bản {n} lúc {at}. Mở bản đó rồi sửa lại.",
        name=error.actor,
        n=error.version,
        at=t.when(error.at),
    )
    return {"conflict": error.version, "key": error.key, "words": said}
