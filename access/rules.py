"""What a person does with rules: save, switch on and off, restore an older version, and put the lists they speak of."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from access.editing import Conflict as Conflict
from access.editing import Missing as Missing
from access.editing import alone, conflict, said, tell
from access.site import Site
from geo.actor import Actor
from geo.fence import Fence, fences
from geo.fence_kind import KINDS as FENCE_KINDS
from geo.fence_kind import Wrong
from geo.roster import Roster, put_roster, roster_version, rosters
from geo.rule import DISTRESS, NEEDS_FENCE, Rule, checked, save_rule
from geo.rulebook import changes, kept, rule_history

KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")
TAKEN = ("lab", "new", "check", "export", "import")  # words of the addresses under which rules stand
NAME_MAX, TEXT_MAX, JSON_MAX, MEMBERS_MAX = 120, 2_000, 100_000, 20_000
LISTS = ("include", "exclude")


@dataclass(frozen=True)
class Saved:
    """What became of it: the version that now counts and what it changed; nothing where all was as it is kept."""

    key: str
    version: int
    changed: tuple[str, ...]
    at: datetime


def save(site: Site, rule: Rule, base: int | None, actor: Actor, comment: str | None = None) -> Saved:
    """Keep a rule as a new version; base: the version it was begun from, None for a new rule.

    Raises Wrong for what cannot be, Missing for a rule that is gone, Conflict when somebody saved it in between.
    """
    return tell(site, lambda on, now: put(on, site, rule, base, actor, now, comment))


def put(
    connection: sa.Connection,
    site: Site,
    rule: Rule,
    base: int | None,
    actor: Actor,
    now: datetime,
    comment: str | None = None,
) -> Saved:
    """What `save` does, in a transaction of the caller's."""
    alone(connection)
    known = _unchanged(connection, rule.key, base)
    if known and known.kind != rule.kind:
        raise Wrong("kind", "Loại của quy tắc không đổi được; hãy tạo quy tắc mới", "a rule keeps its kind")
    return _keep(connection, known, rule_checked(connection, site, rule), actor, now, comment)


def switch(site: Site, key: str, enabled: bool, base: int | None, actor: Actor, comment: str | None = None) -> Saved:
    """Put a rule in force or out of it; what it raised stays on the desk until it is over."""

    def change(known: Rule, _: sa.Connection) -> Rule:
        return replace(known, enabled=enabled)

    return _change(site, key, base, actor, comment, change)


def restore(site: Site, key: str, version: int, base: int | None, actor: Actor, comment: str | None = None) -> Saved:
    """Keep an older version as a new one."""

    def change(known: Rule, connection: sa.Connection) -> Rule:
        then = next((one.rule for one in rule_history(connection, key) if one.version == version), None)
        if then is None:
            raise Missing(f"{key} has no version {version}")
        return rule_checked(connection, site, replace(then, id=known.id, version=known.version))

    return _change(site, key, base, actor, comment or f"khôi phục phiên bản {version}", change)


def _change(
    site: Site,
    key: str,
    base: int | None,
    actor: Actor,
    comment: str | None,
    change: Callable[[Rule, sa.Connection], Rule],
) -> Saved:
    def work(connection: sa.Connection, now: datetime) -> Saved:
        alone(connection)
        known = _unchanged(connection, key, base)
        if known is None:
            raise Missing(f"there is no rule {key[:80]!r}")
        return _keep(connection, known, change(known, connection), actor, now, comment)

    return tell(site, work)


def _unchanged(connection: sa.Connection, key: str, base: int | None) -> Rule | None:
    known = kept(connection, key)
    if known is None:
        if base is not None:
            raise Missing(f"there is no rule {key[:80]!r}")
        return None
    if base != known.version:
        raise conflict(connection, "rule", key, key, known.version)
    return known


def _keep(
    connection: sa.Connection, known: Rule | None, rule: Rule, actor: Actor, now: datetime, comment: str | None
) -> Saved:
    _heard(rule)
    differs = changes(known, rule)
    if known and not differs:
        return Saved(rule.key, known.version, (), now)
    version = save_rule(connection, rule, actor, now, said(comment))
    return Saved(rule.key, version, differs if known else ("key",), now)


def _heard(rule: Rule) -> None:
    """A distress is heard at any hour and at any place, whoever saves its rule and by whichever door. Raises Wrong."""
    if rule.kind not in DISTRESS:
        return
    if not rule.enabled:
        raise Wrong("enabled", "Quy tắc cấp cứu không tắt được", "a distress rule cannot be switched off")
    if rule.schedule:
        raise Wrong("schedule", "Quy tắc cấp cứu có hiệu lực mọi giờ", "a distress rule holds at any hour")
    if rule.fence_key:
        raise Wrong("fence_key", "Quy tắc cấp cứu có hiệu lực ở mọi nơi", "a distress rule holds everywhere")


def rule_checked(connection: sa.Connection, site: Site, rule: Rule) -> Rule:
    """The rule, when all of it makes sense here: its fence, layer, columns and lists are there. Raises Wrong."""
    if not KEY.fullmatch(rule.key) or rule.key in TAKEN:
        raise Wrong("key", "Mã gồm chữ thường không dấu, số, . _ và -", "a key is of a-z, 0-9, . _ and -, at most 80")
    _texts(rule)
    try:
        checked(rule)
    except ValueError as error:
        raise _as_wrong(rule, str(error)) from None
    _plain(rule)
    _placed(connection, rule)
    _columns(site, rule)
    known = {one.key for one in rosters(connection)}
    for name in LISTS:
        for key in rule.applies_to.get(name, ()):
            if str(key).startswith("@") and str(key)[1:] not in known:
                raise Wrong("applies_to", f"Không có danh sách {key}", f"there is no roster {str(key)[:60]!r}")
    return rule


def _texts(rule: Rule) -> None:
    if not rule.name_vi.strip():
        raise Wrong("name_vi", "Hãy đặt tên", "a Vietnamese name is needed")
    most = {"name_vi": NAME_MAX, "name_en": NAME_MAX, "response_vi": TEXT_MAX, "response_en": TEXT_MAX}
    for field, length in most.items():
        text = getattr(rule, field) or ""
        if len(text) > length:
            raise Wrong(field, f"Nhiều nhất {length} ký tự", f"at most {length} characters")
        if "\0" in text:
            raise Wrong(field, "Có ký tự không dùng được", "a character that cannot be kept")


def _as_wrong(rule: Rule, message: str) -> Wrong:
    """What the rule's own check said, with the field that it speaks of."""
    named = ("dwell_s", "off_delay_s", "escalate_s", "applies_to", "qualifies", "schedule")
    told = message.removeprefix(f"rule {rule.key}")
    field = next((name for name in named if re.match(rf"(: |, )?{name}\b", told)), None)
    if field is None and "needs a fence" in message:
        return Wrong("fence_key", "Loại quy tắc này cần một vùng hoặc tuyến", message)
    if field is None:
        inner = re.search(r"needs (\w+):|: (\w+) is ", told)
        field = next((name for name in (inner.groups() if inner else ()) if name), "params")
    return Wrong(field, "Giá trị chưa đúng", message)


def _plain(rule: Rule) -> None:
    """Whether JSON can keep what was given: no NaN, no infinity, no zero byte, and not without end."""
    for field in ("params", "applies_to", "qualifies", "schedule"):
        try:
            text = json.dumps(getattr(rule, field), allow_nan=False)
        except (TypeError, ValueError):
            raise Wrong(field, "Có số không dùng được", f"{field}: a number that is none") from None
        if "\\u0000" in text or len(text) > JSON_MAX:
            raise Wrong(field, "Dài quá hoặc có ký tự không dùng được", f"{field}: too long, or a zero byte")


def _placed(connection: sa.Connection, rule: Rule) -> None:
    if not rule.fence_key:
        return
    found: list[Fence] = fences(connection, [rule.fence_key])
    if not found:
        raise Wrong("fence_key", "Không có vùng này, hoặc nó đã thôi dùng", f"no fence {rule.fence_key[:60]!r}")
    kind = FENCE_KINDS.get(found[0].kind)
    line = kind.shape == "line" if kind else found[0].geom.geom_type.endswith("LineString")
    if rule.kind == "crossing" and not line:
        raise Wrong("fence_key", "Vượt tuyến cần một tuyến, không phải vùng", "crossing needs a line, not an area")
    if rule.kind in NEEDS_FENCE and rule.kind not in ("crossing", "approach") and line:
        raise Wrong("fence_key", "Đường không có bên trong: hãy chọn một vùng", f"{rule.kind} needs an area")


def columns(site: Site, layer: str) -> frozenset[str]:
    """The columns of a layer that conditions and thresholds may speak of; none of an unknown layer."""
    known = site.layer(layer)
    if known is None:
        return frozenset()
    return frozenset(column.name for column in known.shape.latest.c if column.name != "geom")


def _columns(site: Site, rule: Rule) -> None:
    known = columns(site, rule.layer)
    if not known:
        raise Wrong("layer", "Không có lớp này", f"there is no layer {rule.layer[:40]!r}")
    named: Mapping[str, Any] = {
        "params": [rule.params["column"]] if rule.kind == "threshold" else [],
        "applies_to": [name for name in rule.applies_to if name not in LISTS],
        "qualifies": [name for name in rule.qualifies if name not in LISTS],
    }
    for field, names in named.items():
        for name in names:
            if name not in known:
                place = "column" if field == "params" else field
                raise Wrong(place, f"Lớp này không có cột {name[:40]}", f"{rule.layer} has no column {name[:40]!r}")


def save_roster(
    site: Site, roster: Roster, actor: Actor, comment: str | None = None, base: int | None = None
) -> tuple[int, datetime]:
    """Put a list by name, as a version; the rules that speak of it are judged anew within a second.

    base: the version it was begun from, 0 for a new list, None to put it in place of whatever is there. Returns the
    version and when. Raises Wrong, and Conflict when somebody saved it in between.
    """
    made = roster_checked(site, roster)

    def work(connection: sa.Connection, now: datetime) -> tuple[int, datetime]:
        alone(connection)
        version = roster_version(connection, made.key)
        if base is not None and base != version:
            raise conflict(connection, "roster", made.key, made.key, version)
        return put_roster(connection, made, actor, now, said(comment)), now

    return tell(site, work)


def roster_checked(site: Site, roster: Roster) -> Roster:
    """The list with each of its members once, when all of it makes sense here. Raises Wrong."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", roster.key):
        raise Wrong("key", "Mã gồm chữ thường không dấu, số, _ và -", "a key is of a-z, 0-9, _ and -, at most 60")
    if site.layer(roster.layer) is None:
        raise Wrong("layer", "Không có lớp này", f"there is no layer {roster.layer[:40]!r}")
    names = (roster.name_vi, roster.name_en)
    if not roster.name_vi.strip() or any(len(name) > NAME_MAX or "\0" in name for name in names):
        raise Wrong("name_vi", "Hãy đặt tên ngắn", f"a name of 1 to {NAME_MAX} characters is needed")
    if len(roster.members) > MEMBERS_MAX or any(not 0 < len(one) <= 80 or "\0" in one for one in roster.members):
        raise Wrong("members", "Có đối tượng viết sai", f"at most {MEMBERS_MAX} keys of 1 to 80 characters")
    return replace(roster, members=tuple(dict.fromkeys(roster.members)))
