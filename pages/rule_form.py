"""The rule's form: what its fields hold as text in people's units, and the rule that they mean."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from geo.criteria import LISTS
from geo.roster import Roster
from geo.rule import DIRECTIONS, DISTRESS, NEEDS_FENCE, SEVERITIES, UNFENCED, Rule
from layers.layer import Layer
from pages import who_form
from pages.rule_choice import has, label_column
from pages.text import Text
from pages.typed import number_text, read_number, read_steps
from pages.vessel import classes
from pages.who_form import range_of, who_fields, who_of
from pages.words import ENDLESS, conditions

MINUTE_S, HOUR_S = 60.0, 3_600.0
ROWS_MORE, SPANS_MORE = 3, 5  # empty ones beyond those in use
DWELLING = ("inside", "outside", "exit", "threshold", "proximity", "wrong_zone")
UNQUALIFIED = ("silence", *UNFENCED)  # no single fix of theirs is judged
EVERYWHERE = ("wrong_zone",)  # by lines of their own
FIELDS_OF: Mapping[str, tuple[str, ...]] = {
    "crossing": ("direction",), "approach": ("steps_nm",), "threshold": ("column", "side", "limit", "deadband"),
    "silence": ("silence_h",), "proximity": ("distance_m", "hysteresis_m"), "feed": ("factor",),
    "wrong_zone": ("buffer_m", "by_gear"),
}  # fmt: skip
# Fields of a rule that the form writes in other units or places: where a refusal of one is shown.
PLACE = {
    "dwell_s": "dwell_min", "off_delay_s": "off_delay_min", "escalate_s": "escalate_min", "silence_s": "silence_h",
    "above": "limit", "below": "limit", "applies_to": "include", "qualifies": "q0_from", "schedule": "s0_from",
    "key": "name_vi", "params": "fence_key",
}  # fmt: skip
Given = Mapping[str, Any]


def shown(kind: str) -> frozenset[str]:
    """The groups of fields that a kind of rule has in the form."""
    if kind in DISTRESS:
        return frozenset()
    if kind == "loss":
        return frozenset({"who", "schedule", "enabled"})
    if kind in UNFENCED:
        return frozenset({"enabled"})
    groups = {"who", "schedule", "enabled"} | (set() if kind in EVERYWHERE else {"fence"})
    groups |= {"dwell"} if kind in DWELLING else set()
    groups |= {"off_delay"} if kind not in ENDLESS else set()
    groups |= {"qualifies"} if kind not in UNQUALIFIED else set()
    return frozenset(groups)


def fields(t: Text, rule: Rule, layer: Layer | None) -> dict[str, Any]:
    """What the form shows of a rule: text for boxes and choices, true or false for ticks."""
    return {
        "name_vi": rule.name_vi,
        "name_en": rule.name_en,
        "severity": rule.severity,
        "fence_key": rule.fence_key or "",
        "enabled": rule.enabled,
        "latching": rule.latching,
        "dwell_min": number_text(t, rule.dwell_s / MINUTE_S),
        "off_delay_min": number_text(t, rule.off_delay_s / MINUTE_S),
        "escalate_min": number_text(t, None if rule.escalate_s is None else rule.escalate_s / MINUTE_S),
        "response_vi": rule.response_vi or "",
        "response_en": rule.response_en or "",
        **param_fields(t, rule),
        **who_fields(t, rule.applies_to, tuple(classes(t)), label_column(layer)),
        **_qualifies_fields(t, rule, layer),
        **_schedule_fields(rule),
    }


def param_fields(t: Text, rule: Rule) -> dict[str, Any]:
    """What a kind of rule is given besides its fence, as text."""
    given = rule.params
    texts: dict[str, Any] = {
        "direction": str(given.get("direction", DIRECTIONS[0])),
        "steps_nm": " / ".join(number_text(t, step) for step in rule.steps_nm),
        "column": str(given.get("column", "")),
        "side": "below" if "below" in given else "above",
        "limit": number_text(t, given.get("below", given.get("above"))),
        "deadband": number_text(t, given.get("deadband")),
        "silence_h": number_text(t, given["silence_s"] / HOUR_S) if "silence_s" in given else "",
        "distance_m": number_text(t, given.get("distance_m")),
        "hysteresis_m": number_text(t, given.get("hysteresis_m")),
        "factor": number_text(t, given.get("factor")),
        "buffer_m": number_text(t, given.get("buffer_m")),
        "by_gear": bool(given.get("by_gear")),
    }
    return {name: texts[name] for name in FIELDS_OF.get(rule.kind, ())}


def ranges(rule: Rule) -> dict[str, tuple[float | None, float | None]]:
    """The conditions on each fix that the form shows: ranges of a column."""
    found = {name: range_of(condition) for name, condition in rule.qualifies.items() if name not in LISTS}
    return {name: both for name, both in found.items() if both is not None}


def _qualifies_fields(t: Text, rule: Rule, layer: Layer | None) -> dict[str, Any]:
    if "qualifies" not in shown(rule.kind):
        return {}
    rows = [*ranges(rule).items(), *[("", (None, None))] * ROWS_MORE]
    found: dict[str, Any] = {}
    for number, (column, (low, high)) in enumerate(rows):
        beginning = "speed" if number == 0 and has(layer, "speed") else ""
        found[f"q{number}_column"] = column or beginning
        found |= {f"q{number}_from": number_text(t, low), f"q{number}_to": number_text(t, high)}
    return found


def _schedule_fields(rule: Rule) -> dict[str, Any]:
    if "schedule" not in shown(rule.kind):
        return {}
    found: dict[str, Any] = {}
    for number, span in enumerate([*rule.schedule, *[{"days": [], "from": "", "to": ""}] * SPANS_MORE]):
        found |= {f"s{number}_d{day}": day in span["days"] for day in range(1, 8)}
        found |= {f"s{number}_from": span["from"], f"s{number}_to": span["to"]}
    return found


def unshown(t: Text, rule: Rule, layer: Layer | None) -> list[str]:
    """What a rule says that the form does not show, in words; it stays as it is."""
    who = who_form.left(rule.applies_to, tuple(classes(t)), label_column(layer))
    fixes = {name: value for name, value in rule.qualifies.items() if name not in ranges(rule)}
    if "who" not in shown(rule.kind):
        who = dict(rule.applies_to)
    if "qualifies" not in shown(rule.kind):
        fixes = dict(rule.qualifies)
    told = [*conditions(t, who, layer), *conditions(t, fixes, layer)]
    if "horizon_s" in rule.params:
        told.append(t("chỉ tàu còn nghe được trong {n} giờ qua", n=t.number(rule.params["horizon_s"] / HOUR_S, 1)))
    return told


# What was typed


class _Reading:
    """Reads fields and remembers what is wrong with which; a wrong one counts as it was before."""

    def __init__(self, t: Text, given: Given, before: Given) -> None:
        self.t, self.before, self.wrong = t, before, dict[str, str]()
        self.given = {**before, **given}

    def text(self, name: str) -> str:
        return str(self.given.get(name) or "").strip()

    def same(self, *names: str) -> bool:
        """Whether these fields stand as they were shown: then what they show is kept to the last digit."""
        return all(self.given.get(name) == self.before.get(name) for name in names)

    def __call__(self, name: str, ask: Callable[[str], Any], default: Any) -> Any:
        try:
            return ask(self.text(name))
        except ValueError as error:
            self.wrong[name] = str(error)
            return default

    def number(self, name: str, default: Any, needed: bool = False, negative: bool = False) -> float | None:
        def ask(text: str) -> float | None:
            if needed and not text:
                raise ValueError(self.t("Hãy ghi một con số"))
            return _whole(read_number(self.t, text, negative))

        found: float | None = self(name, ask, default)
        return found


def rule_of(
    t: Text, given: Given, base: Rule, lists: Sequence[Roster], layer: Layer | None
) -> tuple[Rule, dict[str, str]]:
    """The rule that the fields mean, and what is wrong by field.

    base: the rule as it is kept, or what a new one begins from; whatever the form does not show stays as it says.
    """
    before = fields(t, base, layer)
    read = _Reading(t, given, before)
    groups = shown(base.kind)
    severity = read.text("severity")
    rule = replace(
        base,
        name_vi=read.text("name_vi"),
        name_en=read.text("name_en") or read.text("name_vi"),
        severity=severity if severity in SEVERITIES else base.severity,
        fence_key=(read.text("fence_key") or None) if "fence" in groups else base.fence_key,
        enabled=bool(read.given.get("enabled")) if "enabled" in groups else base.enabled,
        latching=bool(read.given.get("latching")),
        dwell_s=_span(read, "dwell_min", base.dwell_s) or 0.0,
        off_delay_s=_span(read, "off_delay_min", base.off_delay_s) or 0.0,
        escalate_s=_span(read, "escalate_min", base.escalate_s),
        params=_params(t, read, base),
        applies_to=_applies_to(t, read, base, lists, layer),
        qualifies=_qualifies(t, read, base),
        schedule=_schedule(t, read, base),
        response_vi=read.text("response_vi") or None,
        response_en=read.text("response_en") or None,
    )
    if not rule.name_vi:
        read.wrong["name_vi"] = t("Hãy đặt tên")
    if rule.kind in NEEDS_FENCE and not rule.fence_key:
        read.wrong["fence_key"] = t("Hãy chọn một tuyến") if rule.kind == "crossing" else t("Hãy chọn một vùng")
    return rule, read.wrong


def _span(read: _Reading, name: str, known: float | None) -> float | None:
    if read.same(name):
        return known
    minutes = read.number(name, None if known is None else known / MINUTE_S)
    return None if minutes is None else round(minutes * MINUTE_S, 1)


def _params(t: Text, read: _Reading, base: Rule) -> Mapping[str, Any]:
    names, known = FIELDS_OF.get(base.kind, ()), base.params
    if read.same(*names):
        return known
    if base.kind == "crossing":
        return {**known, "direction": read.text("direction")}
    if base.kind == "approach":
        steps = read("steps_nm", lambda text: _steps(t, text), list(base.steps_nm))
        return {**known, "steps_nm": steps}
    if base.kind == "silence":
        hours = read.number("silence_h", known["silence_s"] / HOUR_S, needed=True)
        return {**known, "silence_s": _whole((hours or 0.0) * HOUR_S)}
    plain = [name for name in names if name in ("distance_m", "hysteresis_m", "factor", "deadband", "buffer_m")]
    numbers = {name: read.number(name, known.get(name), name == "distance_m") for name in plain}
    found = {**known, **numbers}
    if base.kind == "threshold":
        side = "below" if read.text("side") == "below" else "above"
        limit = read.number("limit", known.get("above", known.get("below")), needed=True, negative=True)
        rest = {name: value for name, value in found.items() if name not in ("above", "below", "column")}
        found = {"column": read.text("column"), side: limit, **rest}
    if base.kind == "wrong_zone":
        found["by_gear"] = True if read.given.get("by_gear") else None
    return {name: value for name, value in found.items() if value is not None}


def _steps(t: Text, text: str) -> list[float]:
    steps = [_whole(step) or 0.0 for step in read_steps(t, text)]
    if not steps:
        raise ValueError(t("Hãy ghi ít nhất một khoảng cách"))
    return sorted(set(steps), reverse=True)


def _applies_to(t: Text, read: _Reading, base: Rule, lists: Sequence[Roster], layer: Layer | None) -> Mapping[str, Any]:
    if "who" not in shown(base.kind) or read.same(*who_form.FIELDS):
        return base.applies_to
    found = who_of(t, read.given, base.applies_to, lists, read, label_column(layer), mmsi=has(layer, "mmsi"))
    return _ordered(t, read, found, who_form.LENGTH, "length_to")


def _ordered(t: Text, read: _Reading, found: dict[str, Any], column: str, place: str) -> dict[str, Any]:
    low, high = range_of(found.get(column)) or (None, None)
    if low is not None and high is not None and low >= high:
        read.wrong[place] = t("Phải lớn hơn số “từ”")
        return {name: value for name, value in found.items() if name != column}
    return {name: [_whole(low), _whole(high)] if name == column and (low, high) != (None, None) else value
            for name, value in found.items()}  # fmt: skip


def _qualifies(t: Text, read: _Reading, base: Rule) -> Mapping[str, Any]:
    names = [name for name in read.before if re.fullmatch(r"q\d+_\w+", name)]
    if "qualifies" not in shown(base.kind) or read.same(*names):
        return base.qualifies
    found = {name: value for name, value in base.qualifies.items() if name not in ranges(base)}
    for number in range(len(names) // 3):
        place = f"q{number}"
        column = read.text(f"{place}_column")
        low = read.number(f"{place}_from", None, negative=True)
        high = read.number(f"{place}_to", None, negative=True)
        if low is None and high is None:
            continue
        if not column:
            read.wrong[f"{place}_column"] = t("Hãy chọn điều kiện gì")
        elif column in found:
            read.wrong[f"{place}_column"] = t("Đã có ở dòng khác")
        else:
            found = _ordered(t, read, {**found, column: [low, high]}, column, f"{place}_to")
    return found


def _schedule(t: Text, read: _Reading, base: Rule) -> Sequence[Mapping[str, Any]]:
    names = [name for name in read.before if re.fullmatch(r"s\d+_\w+", name)]
    if "schedule" not in shown(base.kind) or read.same(*names):
        return base.schedule
    found = []
    for number in range(len(names) // 9):
        place = f"s{number}"
        days = [day for day in range(1, 8) if read.given.get(f"{place}_d{day}")]
        if not days and not read.text(f"{place}_from") and not read.text(f"{place}_to"):
            continue
        begin, end = (read(f"{place}_{name}", lambda text: read_clock(t, text), None) for name in ("from", "to"))
        if not days:
            read.wrong[f"{place}_from"] = t("Hãy chọn ít nhất một ngày")
        elif begin is not None and end is not None:
            found.append({"days": days, "from": begin, "to": end})
    return found


def read_clock(t: Text, text: str) -> str:
    """A time of day as `HH:MM`, of `6:00`, `6h`, `6h30`, `06.30` or `24:00`. Raises ValueError in words."""
    found = re.fullmatch(r"(\d{1,2})(?:[:.hg](\d{2})?)?", text.lower())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (99, 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise ValueError(t("Viết giờ như 06:00"))
    return f"{hour % 24:02d}:{minute:02d}"


def _whole(value: float | None) -> float | None:
    """A whole number without its point, as rules are written."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
