"""One line of the alarm desk in words, for the page's script to draw: an alarm by itself, or a whole flood."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from geo.alarm import WAITING
from geo.rule import DISTRESS
from geo.selection import urgent
from pages.mark import severity_word
from pages.text import Text

TEST = "TEST"


def line(t: Text, one: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What a row shows and what it leads to, as plain values; `more` are the words below its name, in order."""
    flood = one.get("flood")
    own = _flood(t, one) if flood else _alarm(t, one)
    return {
        "key": f"flood-{flood}" if flood else f"alarm-{one['id']}",
        "id": None if flood else one["id"],
        "flood": flood,
        "layer": one["layer"],
        "lat": one["lat"],
        "lon": one["lon"],
        "severity": one["severity"],
        "severity_word": severity_word(t, str(one["severity"])),
        "state": one["state"],
        "urgent": urgent(one),
        "distress": one["rule_kind"] in DISTRESS,
        "test": one["rule_kind"] == "distress_test",
        "value": one["value"],
        "escalations": one["escalations"],
        "raised_at": one["raised_at"].isoformat(),
        "raised": t.exact(one["raised_at"]),
        "clock": t.clock(one["raised_at"], now),
        **own,
    }


def _alarm(t: Text, one: Mapping[str, Any]) -> dict[str, Any]:
    fence = t.pick(one["fence_vi"], one["fence_en"])
    name = str(one["object_label"] or one["object_key"] or "")
    did = state_words(t, one)
    words = [step_words(t, one), did, unit_words(t, one), level_words(t, one), children_words(t, one)]
    return {
        "title": rule_title(t, one),
        "full": t.pick(one["rule_vi"], one["rule_en"]),
        "object_key": one["object_key"],
        "object": name,
        "fence": fence,
        "more": [part for part in (name, fence, *words) if part],
        "state_words": did or t("chưa xác nhận"),
        "notes": [part for part in (words[0], words[3], words[4]) if part],
        "unit": given_to(t, one),
        "comment": one["comment"] or "",
        "children": one.get("children") or 0,
    }


def _flood(t: Text, one: Mapping[str, Any]) -> dict[str, Any]:
    title = t("Nhiều quy tắc") if one["mixed"] else rule_title(t, one)
    words = [t("{n} báo động", n=t.number(one["total"])), t("{n} chưa xác nhận", n=t.number(one["waiting"]))]
    words.append(t("{n} đang diễn ra", n=t.number(one["open"])))
    if one["critical"]:
        words.append(t("{n} khẩn cấp", n=t.number(one["critical"])))
    return {
        "title": title,
        "full": title if one["mixed"] else t.pick(one["rule_vi"], one["rule_en"]),
        "object_key": None,
        "object": words[0],
        "fence": "" if one["mixed"] else t.pick(one["fence_vi"], one["fence_en"]),
        "more": words,
        "state_words": words[1],
        "notes": words[2:],
        "unit": "",
        "comment": "",
        "children": one["total"],
    }


def rule_title(t: Text, one: Mapping[str, Any]) -> str:
    """The rule's short name: what stands before the colon of its full wording; a test is marked by itself."""
    words = t.pick(one["rule_vi"], one["rule_en"])
    if words.startswith(f"{TEST}:"):
        words = words.removeprefix(f"{TEST}:").strip()
    short = words.partition(":")[0]
    return short[:1].upper() + short[1:]


def state_words(t: Text, one: Mapping[str, Any]) -> str:
    """What became of it, in words: nothing for a fresh one, who took it, or that it passed by itself."""
    words = {
        "returned": t("đã hết, chưa xác nhận"),
        "withdrawn": t("đã rút lại"),
        "shelved": t("đang tạm hoãn"),
        "suppressed": t("được nén"),
    }
    if one["state"] in words:
        return words[str(one["state"])]
    return t("{name} đã xác nhận", name=one["acknowledged_by"]) if one["acknowledged_at"] else ""


def step_words(t: Text, one: Mapping[str, Any]) -> str:
    """How near an approach has come: the step that it was last announced at."""
    near = one["rule_kind"] == "approach" and one["value"] is not None
    return t("còn {n} hải lý", n=t.number(one["value"], 1)) if near else ""


def given_to(t: Text, one: Mapping[str, Any]) -> str:
    """The unit that has it, and whom of it."""
    unit = t.pick(one["unit_vi"], one["unit_en"])
    return f"{unit} ({one['person']})" if unit and one["person"] else unit


def unit_words(t: Text, one: Mapping[str, Any]) -> str:
    """Whom it was given to, as one of the words below its name."""
    unit = given_to(t, one)
    return t("giao {unit}", unit=unit) if unit else ""


def level_words(t: Text, one: Mapping[str, Any]) -> str:
    """How often it was passed on because nobody had answered."""
    return t("chuyển cấp trên, lần {n}", n=one["escalations"]) if one["escalations"] else ""


def children_words(t: Text, one: Mapping[str, Any]) -> str:
    """How many alarms it keeps from the desk by design."""
    return t("{n} báo động con được nén", n=t.number(one["children"])) if one.get("children") else ""


def waits(one: Mapping[str, Any]) -> bool:
    """Whether it waits for somebody to acknowledge it."""
    return one["state"] in WAITING
