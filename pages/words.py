"""Rules in words: what a rule watches, of whom, where and when, and what follows, told back as plain sentences."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from geo.criteria import ALL, LISTS
from geo.fence import Fence
from geo.rule import DISTRESS, EVENTS, UNFENCED, Rule
from layers.layer import Layer
from pages.mark import severity_word
from pages.text import Text

NAMED_AT_MOST = 4  # of a longer list only its length is told
ENDLESS = {"silence", *UNFENCED, *EVENTS}  # no end of theirs is delayed


def words(t: Text, rule: Rule, fence: Fence | None = None, layer: Layer | None = None) -> str:
    """When the rule raises an alarm, as one sentence. fence: the rule's own; layer: whose columns have names."""
    event = _EVENTS[rule.kind](t, rule, _where(t, rule, fence), _who(t, rule, layer), layer)
    level = severity_word(t, rule.severity).lower()
    parts = [
        t("Báo động mức {level} khi {event}", level=level, event=event),
        *_conditions(t, _told(rule), layer),
        *([hours(t, rule.schedule)] if rule.schedule else []),
    ]
    return ", ".join(filter(None, parts)) + "."


def _told(rule: Rule) -> Mapping[str, Any]:
    """The conditions on a fix that the event does not say itself: that a transmitter is active is its status."""
    if rule.kind not in DISTRESS:
        return rule.qualifies
    return {column: condition for column, condition in rule.qualifies.items() if column != "status"}


def consequences(t: Text, rule: Rule) -> str:
    """What becomes of the alarm: its end, whether it stays, and who hears of it when nobody answers."""
    parts = []
    if rule.off_delay_s and rule.kind not in ENDLESS:
        parts.append(t("Hết khi điều kiện không còn trong {span}.", span=duration(t, rule.off_delay_s)))
    if rule.latching:
        parts.append(t("Giữ trên bàn đến khi có người xác nhận."))
    else:
        parts.append(t("Tự rời bàn khi đã hết."))
    if rule.escalate_s:
        parts.append(t("Sau {span} không ai xác nhận thì chuyển lên cấp trên.", span=duration(t, rule.escalate_s)))
    return " ".join(parts)


def kind_words(t: Text, kind: str) -> str:
    """A rule's kind as a short name."""
    names = {
        "inside": t("Ở trong vùng"),
        "outside": t("Phải ở trong vùng"),
        "enter": t("Vào vùng"),
        "exit": t("Ra khỏi vùng"),
        "crossing": t("Vượt tuyến"),
        "approach": t("Đến gần ranh giới"),
        "threshold": t("Giá trị vượt ngưỡng"),
        "silence": t("Mất tín hiệu"),
        "proximity": t("Hai tàu gặp nhau"),
        "wrong_zone": t("Sai vùng khai thác"),
        "distress": t("Cấp cứu"),
        "distress_test": t("Thử thiết bị cấp cứu"),
        "feed": t("Nguồn dữ liệu im lặng"),
        "loss": t("Mất kết nối giám sát hành trình"),
        "outage": t("Sự cố nhà cung cấp"),
    }
    return names.get(kind, kind)


def duration(t: Text, seconds: float) -> str:
    """A span of time exactly, in at most two units: `90 s` is `1 phút 30 giây`, `5400 s` is `1 giờ 30 phút`."""
    left = round(seconds)
    units = ((86_400, t("{n} ngày")), (3600, t("{n} giờ")), (60, t("{n} phút")), (1, t("{n} giây")))
    parts = []
    for size, name in units:
        number, left = divmod(left, size)
        if number:
            parts.append(name.format(n=t.number(number)))
    return " ".join(parts[:2]) or t("{n} giây", n=0)


def hours(t: Text, schedule: Sequence[Mapping[str, Any]]) -> str:
    """A schedule: `thứ 2 đến thứ 6 06:00–18:00; chủ nhật 00:00–06:00`."""
    spans = [f"{days(t, span['days'])} {span['from']}–{span['to']}" for span in schedule]
    return t("chỉ trong giờ: {spans}", spans="; ".join(spans))


def days(t: Text, numbers: Sequence[int]) -> str:
    """Days of the week (1 is Monday), runs of three and more as one."""
    names = (t("T2"), t("T3"), t("T4"), t("T5"), t("T6"), t("T7"), t("CN"))
    wanted = sorted({int(number) for number in numbers})
    if len(wanted) == 7:
        return t("mọi ngày")
    runs: list[list[int]] = []
    for number in wanted:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    told = []
    for run in runs:
        own = [names[number - 1] for number in run]
        told += [f"{own[0]}–{own[-1]}"] if len(own) > 2 else own
    return ", ".join(told)


def column_words(t: Text, column: str, layer: Layer | None) -> tuple[str, str]:
    """A column's name as people read it, in lower case, and its unit."""
    for field in layer.fields if layer else ():
        if field.name == column:
            name = t.title(field)
            return (name if name.isupper() else name[:1].lower() + name[1:]), field.unit
    return {"shipname": t("tên")}.get(column, column), ""


def limits(t: Text, low: float | None, high: float | None, unit: str) -> str:
    """A range [low, high) in words."""
    tail = f" {unit_words(t, unit)}" if unit else ""
    if low is not None and high is not None:
        return t("từ {low} đến dưới {high}", low=t.number(low, 2), high=t.number(high, 2)) + tail
    if low is not None:
        return t("từ {low}", low=t.number(low, 2)) + tail
    return t("dưới {high}", high=t.number(high, 2)) + tail


def unit_words(t: Text, unit: str) -> str:
    """A unit as it is written in a sentence."""
    return t("hải lý/giờ") if unit == "kn" else unit


def _who(t: Text, rule: Rule, layer: Layer | None) -> str:
    where, more = _flat(rule.applies_to)
    module = f"pages.{rule.layer}"
    noun = t("đối tượng")
    if find_spec(module) is not None and hasattr(import_module(module), "who"):
        noun, where = import_module(module).who(t, where)
    include, exclude = (tuple(where.pop(name, ())) for name in ("include", "exclude"))
    told = [words for each in (where, *more) for words in _conditions(t, each, layer)]
    if include and not set(_flat(rule.applies_to)[0]) - set(LISTS):
        noun = t("{noun} trong danh sách ({list})", noun=noun, list=_list(t, include))
    elif include:
        told.append(t("gồm cả {list}", list=_list(t, include)))
    if exclude:
        told.append(t("trừ {list}", list=_list(t, exclude)))
    return f"{noun} ({'; '.join(told)})" if told else noun


def _flat(where: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Conditions that a fence and its rule each have (geo.criteria.both) as one object, and what has no place in it."""
    found = {name: value for name, value in where.items() if name != ALL}
    more: list[dict[str, Any]] = []
    for part in where.get(ALL, ()):
        own, rest = _flat(part)
        more += rest
        for name, value in own.items():
            if name in LISTS:
                found[name] = [*found.get(name, ()), *value]
            elif found.setdefault(name, value) != value:
                more.append({name: value})
    return found, more


def conditions(t: Text, where: Mapping[str, Any], layer: Layer | None) -> list[str]:
    """Each condition in words."""
    own, more = _flat(where)
    return [told for each in (own, *more) for told in _conditions(t, each, layer)]


def _list(t: Text, keys: Sequence[Any]) -> str:
    named = [t("danh sách {name}", name=key[1:]) if key.startswith("@") else key for key in map(str, keys)]
    return ", ".join(named) if len(keys) <= NAMED_AT_MOST else t("{n} đối tượng", n=t.number(len(keys)))


def _conditions(t: Text, where: Mapping[str, Any], layer: Layer | None) -> list[str]:
    found = []
    for column, condition in where.items():
        name, unit = column_words(t, column, layer)
        if column in ("include", "exclude"):
            told = _list(t, condition)
            found.append(t("gồm cả {list}", list=told) if column == "include" else t("trừ {list}", list=told))
        elif isinstance(condition, Mapping):
            forms = {
                "in": t("{name} là {list}"),
                "not_in": t("{name} không phải {list}"),
                "prefix": t("{name} bắt đầu bằng {list}"),
                "not_prefix": t("{name} không bắt đầu bằng {list}"),
            }
            either = t(" hoặc ")
            found += [
                forms[word].format(name=name, list=either.join(map(str, texts))) for word, texts in condition.items()
            ]
        else:
            low, high = condition
            if low is not None or high is not None:
                found.append(f"{name} {limits(t, low, high, unit)}")
    return found


def _where(t: Text, rule: Rule, fence: Fence | None) -> str:
    if fence is not None:
        return t.pick(fence.name_vi, fence.name_en)
    return rule.fence_key or ""


def _lasting(t: Text, rule: Rule) -> str:
    return t(" liên tục {span}", span=duration(t, rule.dwell_s)) if rule.dwell_s else ""


def _inside(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    return t("{who} ở trong {where}", who=who, where=where) + _lasting(t, rule)


def _outside(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    return t("{who}, vốn phải ở trong {where}, ở ngoài", who=who, where=where) + _lasting(t, rule)


def _enter(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    return t("{who} đi vào {where}", who=who, where=where)


def _exit(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    stayed = t(" sau khi đã ở trong ít nhất {span}", span=duration(t, rule.dwell_s)) if rule.dwell_s else ""
    return t("{who} đi ra khỏi {where}", who=who, where=where) + stayed


def _crossing(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    sides = {
        "both": "",
        "to_left": t(" sang bên trái (nhìn theo chiều vẽ của tuyến)"),
        "to_right": t(" sang bên phải (nhìn theo chiều vẽ của tuyến)"),
    }
    return t("{who} vượt qua {where}", who=who, where=where) + sides[str(rule.params.get("direction", "both"))]


def _approach(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    steps = " / ".join(t.number(step, 2) for step in rule.steps_nm)
    return t(
        "{who} đến cách {where} dưới {steps} hải lý, mỗi mức báo một lần trong một lần đến gần",
        who=who,
        where=where,
        steps=steps,
    )


def _threshold(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    name, unit = column_words(t, str(rule.params["column"]), layer)
    above = "above" in rule.params
    value = t.number(float(rule.params["above" if above else "below"]), 2)
    told = f"{value} {unit_words(t, unit)}".strip()
    found = (
        t("{name} của {who} trên {value}", name=name, who=who, value=told)
        if above
        else t("{name} của {who} dưới {value}", name=name, who=who, value=told)
    )
    return found + (t(" trong {where}", where=where) if where else "") + _lasting(t, rule)


def _silence(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    place = t(" có vị trí cuối trong {where}", where=where) if where else ""
    span = duration(t, float(rule.params["silence_s"]))
    return t("{who}{place} mất tín hiệu quá {span}", who=who, place=place, span=span)


def _proximity(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    metres = t.number(float(rule.params["distance_m"]))
    found = t("hai {who} ở cách nhau dưới {metres} m", who=who, metres=metres)
    return found + (t(" trong {where}", where=where) if where else "") + _lasting(t, rule)


def _wrong_zone(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    buffer = rule.params.get("buffer_m")
    beyond = t(" quá {n} m", n=t.number(float(buffer))) if buffer else ""
    who = t("{who} không phải lắp thiết bị giám sát", who=who) if rule.params.get("unmonitored") else who
    works = t(", với tốc độ như đang khai thác") if rule.params.get("by_gear") else ""
    found = t("{who} ở vùng không dành cho chiều dài, loại hình và tỉnh của tàu{beyond}", who=who, beyond=beyond)
    return found + works + _lasting(t, rule)


def _distress(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    return t("thiết bị cấp cứu (SART, MOB, EPIRB) đang phát")


def _distress_test(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    return t("thiết bị cấp cứu (SART, MOB, EPIRB) đang phát thử")


def _feed(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    factor = t.number(float(rule.params.get("factor", 3)), 1)
    return t("cả một nguồn dữ liệu im lặng quá {n} lần chu kỳ của nó", n=factor)


def _loss(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    return t("{who} ở trên biển mất kết nối giám sát hành trình đủ số giờ mà pháp luật quy định", who=who)


def _outage(t: Text, rule: Rule, where: str, who: str, layer: Layer | None) -> str:
    return t("nhiều tàu của một nhà cung cấp cùng mất tín hiệu trong thời gian ngắn")


_EVENTS = {
    "inside": _inside,
    "outside": _outside,
    "enter": _enter,
    "exit": _exit,
    "crossing": _crossing,
    "approach": _approach,
    "threshold": _threshold,
    "silence": _silence,
    "proximity": _proximity,
    "wrong_zone": _wrong_zone,
    "distress": _distress,
    "distress_test": _distress_test,
    "feed": _feed,
    "loss": _loss,
    "outage": _outage,
}
