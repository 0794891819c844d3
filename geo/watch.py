"""What is watched of a fence: the rules that belong to it, as one value that the editor and the files speak of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from geo.fence import Fence, fences
from geo.fence_kind import BOUNDARY_STEPS_NM, KINDS, NM_M, Wrong
from geo.rule import DIRECTIONS, SEVERITIES, Rule, checked, stored_rules

AREA_KINDS = ("inside", "outside", "enter", "exit", "approach")
LINE_KINDS: Mapping[str, tuple[str, ...]] = {"gate": ("crossing",), "boundary": ("approach",)}
NAMES: Mapping[str, tuple[str, str]] = {
    "inside": ("Ở trong vùng", "Inside the area"),
    "outside": ("Ở ngoài vùng", "Outside the area"),
    "enter": ("Đi vào vùng", "Entered the area"),
    "exit": ("Rời khỏi vùng", "Left the area"),
    "approach": ("Đến gần", "Coming near"),
    "crossing": ("Đi qua cổng", "Passed the gate"),
}
WATCHED = tuple(NAMES)
DWELLING = ("inside", "outside", "exit")


@dataclass(frozen=True)
class Watch:
    """Which kinds of rules a fence has, and what they share; an approach is one level less grave than the severity."""

    kinds: frozenset[str] = frozenset()
    severity: str = "high"
    off_delay_s: float = 0.0
    direction: str = "both"
    steps_nm: tuple[float, ...] = BOUNDARY_STEPS_NM
    response_vi: str | None = None
    response_en: str | None = None
    layer: str = "vessel"


@dataclass(frozen=True)
class Held:
    """A fence as it is kept, with its rules: its own by kind, and how many others are about it."""

    fence: Fence
    rules: Mapping[str, Rule] = field(default_factory=dict)
    others: tuple[Rule, ...] = ()

    @property
    def watch(self) -> Watch:
        """What its own rules say together."""
        return watch_of(self.fence, self.rules)

    @property
    def dwell_s(self) -> float:
        """The dwell of its own rules, which a fence made elsewhere may not have itself."""
        return max([self.fence.dwell_s, *(self.rules[kind].dwell_s for kind in DWELLING if kind in self.rules)])

    @property
    def shown(self) -> Fence:
        """The fence as the editor and the files show it: with the dwell that counts."""
        return replace(self.fence, dwell_s=self.dwell_s)

    @property
    def rule_versions(self) -> dict[str, int]:
        """The version of each of its own rules, by kind."""
        return {kind: rule.version for kind, rule in self.rules.items()}


def held(connection: sa.Connection, keys: Sequence[str] | None = None, every: bool = False) -> list[Held]:
    """Fences with their rules, in the order of their ids; `every`: retired ones too."""
    about: dict[str, list[Rule]] = {}
    for rule in stored_rules(connection):
        about.setdefault(rule.fence_key or "", []).append(rule)
    return [with_rules(one, about.get(one.key, ())) for one in fences(connection, keys, every)]


def with_rules(fence: Fence, about: Sequence[Rule]) -> Held:
    """A fence and the rules about it: its own of a kind is the one named after it, else the first of that kind."""
    own: dict[str, Rule] = {}
    for kind in WATCHED:
        of_kind = [rule for rule in about if rule.kind == kind]
        named = [rule for rule in of_kind if rule.key == own_key(fence.key, kind)]
        found = named or of_kind
        if found:
            own[kind] = found[0]
    numbers = {rule.id for rule in own.values()}
    return Held(fence, own, tuple(rule for rule in about if rule.id not in numbers))


def own_key(fence_key: str, kind: str) -> str:
    """The key of the rule of a kind that belongs to a fence."""
    return f"{fence_key}.{kind}"


def watch_of(fence: Fence, own: Mapping[str, Rule]) -> Watch:
    """What a fence's rules say together; one without rules begins as its kind does."""
    kind = KINDS.get(fence.kind)
    if not own:
        return Watch(severity=kind.severity if kind else "high")
    enabled = frozenset(name for name, rule in own.items() if rule.enabled)
    chief = next((rule for name, rule in own.items() if name != "approach"), None)
    approach, crossing = own.get("approach"), own.get("crossing")
    first = chief or approach
    assert first is not None
    only_near = chief is None and fence.kind != "boundary"
    return Watch(
        enabled,
        _graver(first.severity) if only_near else first.severity,
        first.off_delay_s,
        str(crossing.params.get("direction", "both")) if crossing else "both",
        approach.steps_nm if approach and fence.kind == "boundary" else BOUNDARY_STEPS_NM,
        first.response_vi,
        first.response_en,
        first.layer,
    )


def starting(kind: str) -> Watch:
    """What is watched of a new fence of a kind."""
    known = KINDS[kind]
    return Watch(frozenset(known.watched), known.severity)


def possible(fence_kind: str) -> tuple[str, ...]:
    """The kinds of rules that a kind of fence can have: an open line has no inside, and is crossed only as a gate."""
    return LINE_KINDS.get(fence_kind, AREA_KINDS)


def watch_checked(fence: Fence, watch: Watch) -> Watch:
    """The watch, when it can be one of this fence. Raises Wrong for the first fault."""
    strange = watch.kinds - set(possible(fence.kind))
    if strange:
        words = ", ".join(sorted(strange))
        raise Wrong("kinds", "Loại vùng này không theo dõi được cách đó", f"a {fence.kind} is not watched by {words}")
    if watch.severity not in SEVERITIES:
        raise Wrong("severity", "Chọn một mức", f"one of {', '.join(SEVERITIES)}")
    if watch.direction not in DIRECTIONS:
        raise Wrong("direction", "Chọn một chiều", f"one of {', '.join(DIRECTIONS)}")
    if "approach" in watch.kinds and fence.kind != "boundary" and not fence.buffer_m:
        raise Wrong("buffer_m", "Cảnh báo đến gần cần khoảng cách", "an approach needs a distance: buffer_m")
    return watch


def wanted(now: Held, fence: Fence, watch: Watch) -> list[Rule]:
    """The rules of a fence as a watch has them, those alone that differ from what is kept.

    What is not watched any more is switched off and stays, since alarms speak of it; what the watch does not speak of
    (conditions on each fix, schedules, escalation) stays as it is. Raises Wrong for what cannot be.
    """
    found = []
    for kind in WATCHED:
        known = now.rules.get(kind)
        if known is None and kind not in watch.kinds:
            continue
        rule = _rule(known, now, fence, watch, kind)
        if rule != known:
            found.append(rule)
    return found


def _rule(known: Rule | None, now: Held, fence: Fence, watch: Watch, kind: str) -> Rule:
    if kind not in watch.kinds:
        assert known is not None
        return replace(known, enabled=False)
    vi, en = _names(kind, fence)
    base = known or Rule(own_key(fence.key, kind), kind, watch.layer, vi, en, watch.severity, fence.key)
    fresh = known is None or kind not in now.watch.kinds
    was = now.watch

    def said(name: str) -> bool:
        """Whether somebody has said it now; what a rule was given elsewhere stays otherwise."""
        return fresh or getattr(watch, name) != getattr(was, name)

    near = kind == "approach" and fence.kind != "boundary"
    params = dict(base.params)
    if kind == "crossing" and said("direction"):
        params["direction"] = watch.direction
    if near and (fresh or fence.buffer_m != now.fence.buffer_m):
        params["steps_nm"] = [round(fence.buffer_m / NM_M, 4)]
    if kind == "approach" and not near and said("steps_nm"):
        params["steps_nm"] = list(watch.steps_nm)
    own_names = (base.name_vi, base.name_en) == _names(kind, now.fence)
    rule = replace(
        base,
        name_vi=vi if own_names else base.name_vi,
        name_en=en if own_names else base.name_en,
        severity=(_milder(watch.severity) if near else watch.severity) if said("severity") else base.severity,
        dwell_s=fence.dwell_s if kind in DWELLING and (fresh or fence.dwell_s != now.dwell_s) else base.dwell_s,
        off_delay_s=watch.off_delay_s if said("off_delay_s") else base.off_delay_s,
        params=params,
        response_vi=watch.response_vi if said("response_vi") else base.response_vi,
        response_en=watch.response_en if said("response_en") else base.response_en,
        enabled=True,
    )
    try:
        return checked(rule)
    except ValueError as error:
        raise Wrong(kind, "Quy tắc không hợp lệ", str(error)) from None


def _names(kind: str, fence: Fence) -> tuple[str, str]:
    vi, en = NAMES[kind]
    return f"{vi}: {fence.name_vi}", f"{en}: {fence.name_en or fence.name_vi}"


def _milder(severity: str) -> str:
    return SEVERITIES[min(SEVERITIES.index(severity) + 1, len(SEVERITIES) - 1)]


def _graver(severity: str) -> str:
    return SEVERITIES[max(SEVERITIES.index(severity) - 1, 0)]
