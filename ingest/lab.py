"""The rule lab: draft rules over a layer's past, judged by the very functions that judge what comes in."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from geo import criteria as conditions
from geo.calendar import ZONE
from geo.column import epoch_us
from geo.episode import FRESH, Clear, Presence, Raise, Verdict, step_severity
from geo.episode import Step as Nearer
from geo.fence import PORT, SIDES, Fence, Fences
from geo.fence_kind import COASTAL_HOME
from geo.past import Piece
from geo.rule import LAWFUL, SEVERITIES, UNFENCED, Rule
from geo.table import Shape
from ingest.judgement import Step, judge_rule
from ingest.scene import Look, Scene, Target
from ingest.view import NOT_REACHED

WARM_LEAST = timedelta(hours=24)  # before the period, so that what goes on at its beginning is known
ALARMS_MAX = 20_000  # of one draft: a rule that raises more is not looked at any longer
KEPT_MAX, TOP_MAX = 3_000, 100  # alarms of a draft, and objects, that the result tells one by one
FLOOD_S, FLOOD_ALARMS = 600, 10  # ISA-18.2: a flood begins above ten alarms in ten minutes
SIDE_LINES = ("coast_line", "inshore_line", "zone_inshore")  # by which the sides of lines are told


@dataclass
class Alarm:
    """One alarm that a draft would have raised; cleared_at None: it still stood at the end. steps: (at, value)."""

    target: Target
    label: str
    raised_at: datetime
    cleared_at: datetime | None
    value: float | None
    severity: str
    lon: float | None
    lat: float | None
    steps: list[tuple[datetime, float]] = field(default_factory=list)


def check(rules: Sequence[Rule], shape: Shape) -> None:
    """Raise ValueError for a draft that cannot be tried on the past, in words."""
    for rule in rules:
        if rule.kind in UNFENCED:
            raise ValueError(f"rule {rule.key}: {rule.kind} cannot be tried on the past; only live data tell of it")
        if rule.layer != shape.name:
            raise ValueError(f"rule {rule.key}: of layer {rule.layer}, not of {shape.name}")


def columns_of(rules: Sequence[Rule], shape: Shape, label: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the drafts need of each fix, and of each object as it is known today."""
    named = set().union(*(rule.columns | conditions.columns_of(rule.qualifies) for rule in rules)) - {shape.key, ""}
    fix, beside = set(shape.fix_columns()), {NOT_REACHED[name] for name in named & NOT_REACHED.keys()}
    return tuple(sorted((named | beside | {"track"}) & fix)), tuple(sorted((named | {label}) - fix))


def warm_up(rules: Sequence[Rule]) -> timedelta:
    """How long before the period the past is looked at."""
    longest = max((max(one.dwell_s, one.off_delay_s, one.params.get("silence_s", 0)) for one in rules), default=0)
    return max(WARM_LEAST, 2 * timedelta(seconds=float(longest)))


def fences_of(rules: Sequence[Rule], fences: Iterable[Fence]) -> Fences:
    """What the drafts are about, alone: other fences need not be measured."""
    items = list(fences)
    keys = {rule.fence_key for rule in rules}
    lawful = any(rule.kind in LAWFUL for rule in rules)
    sides = lawful or any(item.kind in SIDES for item in items if item.key in keys)
    kinds = {*(SIDE_LINES if sides else ()), *((PORT, COASTAL_HOME) if lawful else ())}
    return Fences(tuple(item for item in items if item.key in keys or item.kind in kinds))


class Trial:
    """Drafts over a past that is handed on piece by piece, in the order of time.

    Between pieces it carries each object's last fix, what each rule remembers, and from which look on the clock has
    its say: so it does not matter where the past is cut. rules: as geo.rule.resolved makes them; about: every object
    as it is known today, since nobody knows what it was called then.
    """

    def __init__(
        self, shape: Shape, label: str, rules: Sequence[Rule], fences: Fences, about: pd.DataFrame, start: datetime
    ) -> None:
        self.rules, self.start, self.fixes = tuple(rules), start, 0
        self.alarms: list[list[Alarm]] = [[] for _ in rules]
        self.before = [0] * len(self.rules)  # alarms that stood when the period began
        self._shape, self._label, self._fences, self._about = shape, label, fences, about
        self._known = pd.DataFrame()
        self._objects: set[Any] = set()
        self._memory: list[dict[Target, Presence]] = [{} for _ in rules]
        self._held: list[dict[Target, Look]] = [{} for _ in rules]
        self._open: list[dict[Target, Alarm]] = [{} for _ in rules]

    @property
    def full(self) -> bool:
        """Whether a draft has raised so much that more would say nothing new."""
        return any(len(own) >= ALARMS_MAX for own in self.alarms)

    @property
    def objects(self) -> int:
        """How many objects were seen in the period."""
        return len(self._objects)

    def take(self, piece: Piece, stopping: Callable[[], bool] = lambda: False) -> None:
        """Judge a piece, and what the clock makes of it up to its end."""
        fixes = piece.fixes
        if fixes.empty:
            return  # what the clock has to say of it is said when something follows
        if piece.end > self.start:
            self.fixes += len(fixes)
            self._objects.update(fixes[self._shape.key].unique().tolist())
        scene = self._scene(fixes)
        for number, rule in enumerate(self.rules):
            if not stopping():
                own = judge_rule(rule, scene, self._memory[number], piece.end, self._held[number])
                self._apply(number, rule, scene, own)
        self._known = _last(self._shape.key, self._known, fixes)

    def finish(self, end: datetime) -> None:
        """What the clock has to say up to the end of the period."""
        for number, rule in enumerate(self.rules):
            fence = self._fences.by_key.get(rule.fence_key or "")
            own = judge_rule(rule, None, self._memory[number], end, self._held[number], fence)
            self._apply(number, rule, None, own)
            self.alarms[number].sort(key=lambda alarm: (alarm.raised_at, alarm.target))
            self.before[number] += sum(alarm.raised_at < self.start for alarm in self._open[number].values())

    def _scene(self, fixes: pd.DataFrame) -> Scene:
        key = self._shape.key
        last = fixes.drop_duplicates(key, keep="last").set_index(key, drop=False).sort_index()
        told = [name for name in self._about if name not in last]
        after = last.join(self._about[told])
        before = self._known if len(self._known) else last.iloc[:0]
        scene = Scene.of(self.rules, self._fences, self._shape, self._label, fixes, before, after)
        if any(rule.kind == "proximity" for rule in self.rules) and len(self._known):
            scene = scene.beside(self._neighbours(scene))
        return scene

    def _neighbours(self, scene: Scene) -> pd.DataFrame:
        others = self._known[~self._known.index.isin(scene.after.index)]
        at = epoch_us(others["observed_at"])
        fresh = at >= int(scene.at[0]) - int(FRESH.total_seconds() * 1e6)
        near = others[fresh].assign(at=at[fresh])
        near = near.join(self._about[[name for name in self._about if name not in near]])
        return near.set_index(near[self._shape.key].astype(str))

    def _apply(self, number: int, rule: Rule, scene: Scene | None, steps: Iterable[Step]) -> None:
        memory, held = self._memory[number], self._held[number]
        for step in list(steps):
            for verdict, look in step.verdicts:
                self._note(number, rule, scene, step.target, verdict, look)
            if step.presence is None:
                memory.pop(step.target, None)
            else:
                memory[step.target] = step.presence
            if step.last is not None and (step.presence is not None or rule.kind == "silence"):
                held[step.target] = Look(step.last.sight, -1, label=step.last.label, known_at=step.last.known_at)
            else:
                held.pop(step.target, None)

    def _note(self, number: int, rule: Rule, scene: Scene | None, target: Target, verdict: Verdict, look: Look) -> None:
        standing = self._open[number]
        if isinstance(verdict, Raise):
            lon, lat = self._place(scene, target, verdict, look)
            label = look.label or self._name(target[0])
            severity = step_severity(rule, verdict.value)
            alarm = Alarm(target, label, verdict.at, verdict.until, verdict.value, severity, lon, lat)
            if verdict.until is None:
                standing[target] = alarm
            if verdict.at >= self.start:
                self.alarms[number].append(alarm)
        elif isinstance(verdict, Nearer) and target in standing:
            alarm = standing[target]
            alarm.steps.append((verdict.at, verdict.value))
            alarm.severity = step_severity(rule, verdict.value)
        elif isinstance(verdict, Clear) and target in standing:
            alarm = standing.pop(target)
            alarm.cleared_at = max(alarm.raised_at, verdict.at)
            self.before[number] += alarm.raised_at < self.start <= alarm.cleared_at

    def _place(
        self, scene: Scene | None, target: Target, verdict: Raise, look: Look
    ) -> tuple[float | None, float | None]:
        """Where the object was when it was raised: at its last fix by then, or on its way to the next."""
        if scene is not None and look.row >= 0:
            if look.share is not None:
                return scene.place_between(look.row, verdict.at)
            place = scene.place[look.row]
            own = np.flatnonzero((scene.place == place) & scene.placed)
            own = own[scene.at[own] <= scene.stamp(verdict.at)]
            if len(own):
                fix: Any = scene.records.iloc[own[-1]]
                return float(fix["lon"]), float(fix["lat"])
            key: Any = scene.after.index[place]
        else:
            key = int(target[0]) if self._shape.key_is_number else target[0]
        if key in self._known.index:
            known: Any = self._known.loc[key]
            return float(known["lon"]), float(known["lat"])
        return None, None

    def _name(self, key: str) -> str:
        number: Any = int(key) if self._shape.key_is_number else key
        name = self._about[self._label].get(number)
        return str(name) if name is not None and name == name and name else key

    def standing(self, number: int) -> int:
        """How many alarms of a draft stood at the end, whenever they were raised."""
        return len(self._open[number])

    def is_simulated(self) -> bool:
        """Whether any of the objects seen is made up."""
        known = self._about["simulated"]
        return bool(known[known.index.isin(list(self._objects))].fillna(False).astype(bool).any())


def _last(key: str, known: pd.DataFrame, fixes: pd.DataFrame) -> pd.DataFrame:
    """Each object's last fix, by its key."""
    last = fixes.drop_duplicates(key, keep="last").set_index(key, drop=False)
    return pd.concat([known[~known.index.isin(last.index)], last]) if len(known) else last


def account(trial: Trial, through: datetime) -> dict[str, Any]:
    """What was found up to a moment, as values that JSON can hold: per draft its figures and alarms, and how the
    alarms of two drafts agree.
    """
    alone = [set[int](), set[int]()]
    found: dict[str, Any] = {
        "start": trial.start.isoformat(),
        "through": through.isoformat(),
        "fixes": trial.fixes,
        "objects": trial.objects,
        "simulated": trial.is_simulated(),
        "full": trial.full,
    }
    if len(trial.rules) == 2:
        alone = [_alone(own, other) for own, other in (trial.alarms, trial.alarms[::-1])]
        both = len(trial.alarms[0]) - len(alone[0])
        found["agreement"] = {"both": both, "only": [len(own) for own in alone]}
    found["drafts"] = [
        _draft(trial, number, through, alone[number] if len(trial.rules) == 2 else set())
        for number in range(len(trial.rules))
    ]
    return found


def _draft(trial: Trial, number: int, through: datetime, alone: set[int]) -> dict[str, Any]:
    alarms = trial.alarms[number]
    days = Counter(alarm.raised_at.astimezone(ZONE).date() for alarm in alarms)
    first, last = (at.astimezone(ZONE).date() for at in (trial.start, through - timedelta(microseconds=1)))
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    objects = Counter(key for alarm in alarms for key in filter(None, alarm.target))
    labels: dict[str, str] = {alarm.target[0]: alarm.label for alarm in alarms if not alarm.target[1]}
    labels |= {key: trial._name(key) for key in objects if key not in labels}
    severities = Counter(alarm.severity for alarm in alarms)
    return {
        "total": len(alarms),
        "standing": trial.standing(number),
        "before": trial.before[number],
        "days": [[day.isoformat(), days[day]] for day in span],
        "floods": _floods(alarms),
        "severities": {name: severities[name] for name in SEVERITIES if severities[name]},
        "objects": len(objects),
        "top": [[key, labels[key], count] for key, count in objects.most_common(TOP_MAX)],
        "alarms": [_told(alarm, index in alone) for index, alarm in enumerate(alarms[:KEPT_MAX])],
    }


def _told(alarm: Alarm, alone: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "key": alarm.target[0],
        "other": alarm.target[1],
        "label": alarm.label,
        "raised_at": alarm.raised_at.isoformat(),
        "cleared_at": alarm.cleared_at.isoformat() if alarm.cleared_at else None,
        "severity": alarm.severity,
        "value": alarm.value,
        "alone": alone,
    }
    if alarm.lon is not None and alarm.lat is not None:
        told |= {"lon": round(alarm.lon, 5), "lat": round(alarm.lat, 5)}
    if alarm.steps:
        told["steps"] = [[at.isoformat(), value] for at, value in alarm.steps]
    return told


def _floods(alarms: Sequence[Alarm]) -> int:
    """In how many stretches of ten minutes more than ten alarms would have come."""
    stretches = Counter(int(alarm.raised_at.timestamp()) // FLOOD_S for alarm in alarms)
    return sum(count > FLOOD_ALARMS for count in stretches.values())


def _alone(own: Sequence[Alarm], other: Sequence[Alarm]) -> set[int]:
    """Which of a draft's alarms meet none of the other draft's of the same object in time."""
    spans: dict[Target, list[Alarm]] = {}
    for alarm in other:
        spans.setdefault(alarm.target, []).append(alarm)

    def meet(one: Alarm, two: Alarm) -> bool:
        ends = (
            (two.cleared_at is None or one.raised_at <= two.cleared_at),
            (one.cleared_at is None or two.raised_at <= one.cleared_at),
        )
        return all(ends)

    return {n for n, one in enumerate(own) if not any(meet(one, two) for two in spans.get(one.target, ()))}
