"""What of the desk is shown: lines chosen by severity, state, unit, rule and place, in an order; asked for as a URL."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geo.alarm import STATES, WAITING
from geo.rule import SEVERITIES

NO_UNIT = "none"  # not given to anybody yet
SEVERAL = "several"  # a flood of several rules
ORDERS = ("severity", "rule", "object", "fence", "raised", "state", "unit")


@dataclass(frozen=True)
class Selection:
    """A choice of lines; what names nothing leaves everything in. box: west, south, east, north in degrees."""

    severity: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    unit: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None
    sort: str = ""
    down: bool = False

    @property
    def narrows(self) -> bool:
        """Whether it may leave something out."""
        return any((self.severity, self.state, self.unit, self.rule, self.box))


def selection(query: Mapping[str, Any]) -> Selection:
    """The selection that names ask for, `severity=high,critical&sort=-raised`; what is not understood is left out."""
    words = {name: str(query.get(name) or "").strip() for name in ("severity", "state", "unit", "rule", "sort", "bbox")}
    parts = {
        name: tuple(filter(None, (part.strip() for part in words[name].casefold().split(","))))
        for name in ("severity", "state", "unit", "rule")
    }
    order = words["sort"].casefold()
    named = order.lstrip("-")
    return Selection(
        severity=tuple(part for part in parts["severity"] if part in SEVERITIES),
        state=tuple(part for part in parts["state"] if part in STATES),
        unit=parts["unit"],
        rule=parts["rule"],
        box=_box(words["bbox"]),
        sort=named if named in ORDERS else "",
        down=order.startswith("-") and named in ORDERS,
    )


def as_query(wanted: Selection) -> dict[str, str]:
    """A selection as the address names it; what is empty is left out."""
    named = {name: ",".join(getattr(wanted, name)) for name in ("severity", "state", "unit", "rule")}
    named["sort"] = f"-{wanted.sort}" if wanted.down else wanted.sort
    return {name: words for name, words in named.items() if words}


def _box(words: str) -> tuple[float, float, float, float] | None:
    try:
        west, south, east, north = (float(part) for part in words.split(","))
    except ValueError:
        return None
    return (west, south, east, north) if south <= north else None


def urgent(line: Mapping[str, Any]) -> bool:
    """Whether nothing may hide a line: a distress or the gravest severity, for as long as it waits."""
    return line["state"] in WAITING and (line["rule_kind"] == "distress" or line["severity"] == SEVERITIES[0])


def choose(lines: Sequence[Mapping[str, Any]], wanted: Selection, lang: str = "vi") -> list[Mapping[str, Any]]:
    """The chosen lines in the wanted order, else in desk order; what is urgent is always there and comes first."""
    first = [line for line in lines if urgent(line)]
    rest = [line for line in lines if not urgent(line) and _fits(line, wanted)]
    if wanted.sort:
        for part in (first, rest):
            part.sort(key=lambda line: _by(line, wanted.sort, lang), reverse=wanted.down)
    return first + rest


def facets(lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """How many lines there are of each severity, state, unit and rule."""
    counted = {"severity": Counter(line["severity"] for line in lines), "state": Counter(_states(lines))}
    counted |= {"unit": Counter(map(unit_of, lines)), "rule": Counter(map(rule_of, lines))}
    return {name: dict(counts) for name, counts in counted.items()}


def _states(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(line["state"]) for line in lines]


def unit_of(line: Mapping[str, Any]) -> str:
    """The key of the unit that has it."""
    return NO_UNIT if line.get("flood") or not line.get("unit") else str(line["unit"])


def rule_of(line: Mapping[str, Any]) -> str:
    """The key of its rule."""
    return SEVERAL if line.get("mixed") else str(line["rule"])


def _fits(line: Mapping[str, Any], wanted: Selection) -> bool:
    return (
        (not wanted.severity or line["severity"] in wanted.severity)
        and (not wanted.state or line["state"] in wanted.state)
        and (not wanted.unit or unit_of(line).casefold() in wanted.unit)
        and (not wanted.rule or rule_of(line).casefold() in wanted.rule)
        and (wanted.box is None or bool(line.get("flood")) or _within(line, wanted.box))
    )


def _within(line: Mapping[str, Any], box: tuple[float, float, float, float]) -> bool:
    if line["lon"] is None:
        return False
    west, south, east, north = box
    lon = line["lon"]
    across = west <= lon <= east if west <= east else lon >= west or lon <= east  # RFC 7946 section 5.2
    return across and bool(south <= line["lat"] <= north)


def _by(line: Mapping[str, Any], order: str, lang: str) -> Any:
    if order == "severity":
        return SEVERITIES.index(line["severity"])
    if order == "state":
        return STATES.index(line["state"])
    if order == "raised":
        return line["raised_at"]
    if order == "object":
        return _alphabetical(line["object_label"] or line["object_key"])
    return _alphabetical(line.get(f"{order}_{lang}") or line.get(f"{order}_vi"))


def _alphabetical(words: str | None) -> tuple[bool, str, str]:
    """As in a list of names: without a name last, accents after the letters themselves."""
    bare = unicodedata.normalize("NFD", (words or "").casefold().replace("đ", "d"))
    return not words, "".join(letter for letter in bare if not unicodedata.combining(letter)), words or ""
