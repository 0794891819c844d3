"""Of whom a fence or a rule speaks, as a form has it: length, type of ship, beginning of the name, the two lists."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from geo.criteria import LISTS
from geo.roster import Roster
from pages.text import Text
from pages.typed import number_text, parts, read_keys, read_number

LENGTH, TYPE, NAME = "length_m", "ship_type", "shipname"
FIELDS = ("length_from", "length_to", "ship_type", "prefixes", *LISTS)
OTHER = "other"  # a type of ship that the form has no word for: it stays as it is
Read = Callable[..., Any]


def range_of(condition: Any) -> tuple[float | None, float | None] | None:
    """The ends of a condition that is a range with one end at least; None for any other."""
    if isinstance(condition, Mapping) or not isinstance(condition, list | tuple) or len(condition) != 2:
        return None
    low, high = condition
    return None if low is None and high is None else (low, high)


def who_fields(
    t: Text, where: Mapping[str, Any], types: Sequence[tuple[float, float]], name: str = NAME
) -> dict[str, str]:
    """What the form shows of conditions on an object. types: the ranges of ship types that it has words for."""
    low, high = range_of(where.get(LENGTH)) or (None, None)
    return {
        "length_from": number_text(t, low),
        "length_to": number_text(t, high),
        "ship_type": _type_text(where.get(TYPE), types),
        "prefixes": ", ".join(map(str, _prefixes(where.get(name)))),
        **{each: ", ".join(map(str, where.get(each, ()))) for each in LISTS},
    }


def who_of(
    t: Text,
    given: Mapping[str, Any],
    before: Mapping[str, Any],
    lists: Sequence[Roster],
    read: Read,
    name: str = NAME,
    mmsi: bool = True,
) -> dict[str, Any]:
    """The conditions that were typed; those of `before` that the form does not show stay as they are."""
    found = left(before, (), name)
    low, high = (read(each, lambda text: read_number(t, text), None) for each in ("length_from", "length_to"))
    if low is not None or high is not None:
        found[LENGTH] = [low, high]
    elif LENGTH in before and range_of(before[LENGTH]) is None:
        found[LENGTH] = before[LENGTH]
    kind = str(given.get("ship_type") or "")
    if kind == OTHER:
        found[TYPE] = before[TYPE]
    elif kind:
        found[TYPE] = [float(end) if "." in end else int(end) for end in kind.split(":")]
    prefixes = parts(str(given.get("prefixes") or ""))
    old = before.get(name)
    rest = {word: texts for word, texts in old.items() if word != "prefix"} if isinstance(old, Mapping) else {}
    if prefixes or rest:
        found[name] = {**rest, **({"prefix": prefixes} if prefixes else {})}
    elif old is not None and not isinstance(old, Mapping):
        found[name] = old
    for each in LISTS:
        keys = read(each, lambda text: read_keys(t, text, lists, mmsi), [])
        if keys:
            found[each] = keys
    return found


def left(where: Mapping[str, Any], types: Sequence[tuple[float, float]], name: str = NAME) -> dict[str, Any]:
    """Conditions that the form does not show at all, or, of a type of ship, not in words."""
    found = {each: value for each, value in where.items() if each not in (LENGTH, TYPE, name, *LISTS)}
    if types and _type_text(where.get(TYPE), types) == OTHER:
        found[TYPE] = where[TYPE]
    named = where.get(name)
    rest = {word: texts for word, texts in named.items() if word != "prefix"} if isinstance(named, Mapping) else {}
    return {**found, name: rest} if types and rest else found


def _prefixes(named: Any) -> Sequence[Any]:
    return named.get("prefix", ()) if isinstance(named, Mapping) else ()


def _type_text(condition: Any, types: Sequence[tuple[float, float]]) -> str:
    if condition is None:
        return ""
    known = tuple(condition) if isinstance(condition, list | tuple) else ()
    return f"{known[0]:g}:{known[1]:g}" if known in types else OTHER
