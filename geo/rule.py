"""Rules as data: what is watched, of whom, where and when, how grave it is, and what is to be done about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from geo import table
from geo.actor import Actor
from geo.calendar import Schedule, check_schedule, in_hours
from geo.criteria import both, check, columns_of
from geo.figure import Figures
from geo.figure import figures as law
from geo.revision import keep

SEVERITIES = ("critical", "high", "medium", "low")
DIRECTIONS = ("both", "to_left", "to_right")
# States that dwell and end with a delay; events that happen at a moment; what only the clock finds.
FENCED_STATES = ("inside", "outside", "threshold", "proximity", "approach", "wrong_zone")
EVENTS = ("enter", "exit", "crossing")
DISTRESS = ("distress", "distress_test")
DUTIES = ("loss", "outage")  # of the fisheries law: their times are its dated figures (geo.figure), not the rule's
KINDS = (*FENCED_STATES, *EVENTS, "silence", *DISTRESS, "feed", *DUTIES)
UNFENCED = (*DISTRESS, "feed", *DUTIES)  # hold everywhere, and are not tried on the past
LAWFUL = ("wrong_zone",)  # judged by the figures of the law that hold at the moment
# What the register says of a boat, as far as its layer has it; where a layer has a length of its own besides, as AIS
# does, the register's comes first.
REGISTERED = ("length_m", "register_length_m", "role", "home_province", "gear")
NO_FIGURES = Figures(())
HORIZON_S = 7 * 86_400.0  # of a silence: whoever was silent for longer when the rule came is no news
YEAR_S = 366 * 86_400
NEEDS_FENCE = ("inside", "outside", "enter", "exit", "crossing", "approach")


def _number(low: float, high: float = float("inf")) -> Callable[[Any], bool]:
    def good(value: Any) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        return number and low <= value <= high

    return good


def _steps(value: Any) -> bool:
    good = isinstance(value, list | tuple) and value and all(map(_number(0.01, 200), value))
    return bool(good) and list(value) == sorted(set(value), reverse=True)


# What each kind is given besides its fence: name -> (whether it must be, whether a value is good, how it is written).
PARAMS: Mapping[str, Mapping[str, tuple[bool, Callable[[Any], bool], str]]] = {
    "crossing": {"direction": (False, lambda value: value in DIRECTIONS, f"one of {', '.join(DIRECTIONS)}")},
    "approach": {"steps_nm": (True, _steps, "distances in nautical miles, from far to near, each once")},
    "threshold": {
        "column": (True, lambda value: isinstance(value, str) and value.isidentifier(), "the name of a column"),
        "above": (False, _number(float("-inf")), "a number"),
        "below": (False, _number(float("-inf")), "a number"),
        "deadband": (False, _number(0), "a number from 0 on"),
    },
    "silence": {
        "silence_s": (True, _number(1, YEAR_S), f"seconds, 1 to {YEAR_S}"),
        "horizon_s": (False, _number(1, YEAR_S), f"seconds, 1 to {YEAR_S}"),
    },
    "proximity": {
        "distance_m": (True, _number(1, 100_000), "metres, 1 to 100,000"),
        "hysteresis_m": (False, _number(0, 100_000), "metres from 0 on"),
    },
    "wrong_zone": {
        "buffer_m": (False, _number(0, 50_000), "metres from 0 on"),
        "by_gear": (False, lambda value: isinstance(value, bool), "true or false"),
        "unmonitored": (False, lambda value: isinstance(value, bool), "true or false"),
    },
    "feed": {"factor": (False, _number(1, 1_000), "how many expected intervals of silence, 1 to 1,000")},
}


@dataclass(frozen=True)
class Rule:
    """One rule as data.

    kind: a state, `inside` (raised when an object stays in the fence for dwell_s), `outside` (when it has left it for
    dwell_s: it should be inside), `threshold` (a column above or below a limit, everywhere or in the fence),
    `proximity` (two objects nearer than distance_m), `approach` (nearer than each of steps_nm to the fence),
    `wrong_zone` (a fishing boat in a zone that its length and role do not allow, geo.duty, or in the coastal waters of
    another province; by_gear: at the speeds at which its gear is worked; unmonitored: of boats that need no monitoring
    device); an event,
    `enter`, `exit`, `crossing` (of a line, in a direction); `silence` (nothing heard for silence_s); `distress` and
    `distress_test` (a distress transmitter is active, or being tested); `feed` (a whole source of the layer is silent);
    `loss` (at sea a boat has not reported for the law's hours), `outage` (many boats of one provider at once).
    applies_to: conditions on the object; qualifies: conditions on each fix, for instance speed (geo.criteria).
    dwell_s and off_delay_s: on-delay and off-delay, in event time. latching: it stays on the desk when it is over,
    until somebody acknowledges it. escalate_s: unanswered for so long, it is escalated. hysteresis_m is the fence's.
    """

    key: str
    kind: str
    layer: str
    name_vi: str
    name_en: str
    severity: str
    fence_key: str | None = None
    dwell_s: float = 0.0
    applies_to: Mapping[str, Any] = field(default_factory=dict)
    qualifies: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    off_delay_s: float = 0.0
    schedule: Schedule = ()
    latching: bool = True
    escalate_s: float | None = None
    response_vi: str | None = None
    response_en: str | None = None
    enabled: bool = True
    version: int = 1
    id: int = 0
    hysteresis_m: float = 0.0  # of its fence, as it is read; of two objects, what their rule says
    figures: Figures = field(default=NO_FIGURES, compare=False, repr=False)  # of the law, for a kind that judges by it

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"rule {self.key}: unknown kind {self.kind!r}, one of {', '.join(KINDS)}")
        if self.severity not in SEVERITIES:
            raise ValueError(f"rule {self.key}: unknown severity {self.severity!r}, one of {', '.join(SEVERITIES)}")

    @property
    def steps_nm(self) -> tuple[float, ...]:
        """The distances of an approach, from far to near, nautical miles."""
        return tuple(float(step) for step in self.params.get("steps_nm", ()))

    @property
    def is_event(self) -> bool:
        """Whether it happens at a moment and has no duration."""
        return self.kind in EVENTS

    @property
    def columns(self) -> set[str]:
        """The columns of an object that must be known to judge it."""
        lawful = set(REGISTERED) if self.kind in LAWFUL else set()
        return columns_of(self.applies_to) | {str(self.params.get("column", ""))} | lawful

    def in_hours(self, at: datetime) -> bool:
        """Whether its schedule holds at that moment."""
        return in_hours(self.schedule, at)


def checked(rule: Rule) -> Rule:
    """The rule, when all of it makes sense. Raises ValueError that names what does not, and how it is written."""
    where = f"rule {rule.key}"
    if not rule.key.strip() or not rule.name_vi.strip():
        raise ValueError("a rule needs a key and a Vietnamese name")
    if rule.kind == "wrong_zone" and rule.fence_key:
        raise ValueError(f"{where}: wrong_zone goes by the reference lines and takes no fence")
    if rule.kind in NEEDS_FENCE and not rule.fence_key:
        raise ValueError(f"{where}: {rule.kind} needs a fence")
    for name in ("dwell_s", "off_delay_s"):
        if not 0 <= getattr(rule, name) <= 31 * 86_400:
            raise ValueError(f"{where}: {name} is 0 to {31 * 86_400} seconds")
    if rule.escalate_s is not None and not 10 <= rule.escalate_s <= YEAR_S:
        raise ValueError(f"{where}: escalate_s is 10 to {YEAR_S} seconds, or none")
    wanted = PARAMS.get(rule.kind, {})
    for name in rule.params.keys() - wanted.keys():
        raise ValueError(f"{where}: {rule.kind} knows no {name!r}; it knows {', '.join(wanted) or 'none'}")
    for name, (needed, good, form) in wanted.items():
        if name not in rule.params:
            if needed:
                raise ValueError(f"{where}: {rule.kind} needs {name}: {form}")
        elif not good(rule.params[name]):
            raise ValueError(f"{where}: {name} is {form}, not {rule.params[name]!r}")
    if rule.kind == "threshold" and ("above" in rule.params) == ("below" in rule.params):
        raise ValueError(f"{where}: a threshold is either above or below a number")
    check(rule.applies_to, f"{where}, applies_to")
    check(rule.qualifies, f"{where}, qualifies")
    check_schedule(rule.schedule)
    return rule


STORED = tuple(one.name for one in fields(Rule) if one.name not in ("id", "hysteresis_m", "figures"))


def rules(connection: sa.Connection, every: bool = False) -> list[Rule]:
    """The rules in force, of kinds that this version knows, in the order of their ids; `every`: switched off ones too.

    A fence's own conditions, dwell and hysteresis stand in the rules about it, and lists by name are their members.
    """
    rule, fence = table.rule.c, table.fence.c
    query = (
        sa.select(
            *[rule[name] for name in STORED],
            rule.id,
            fence.applies_to.label("fence_applies_to"),
            fence.dwell_s.label("fence_dwell_s"),
            sa.func.coalesce(fence.hysteresis_m, 0.0).label("hysteresis_m"),
        )
        .select_from(table.rule.outerjoin(table.fence, fence.key == rule.fence_key))
        .where(rule.kind.in_(KINDS) & rule.severity.in_(SEVERITIES))
        .order_by(rule.id)
    )
    if not every:
        query = query.where(rule.enabled, fence.retired_at.is_(None))
    members, figures = rosters(connection), law(connection)
    return [
        resolved(
            Rule(**{name: row[name] for name in (*STORED, "id")}),
            row["fence_applies_to"] or {},
            row["fence_dwell_s"] or 0.0,
            row["hysteresis_m"],
            members,
            figures,
        )
        for row in connection.execute(query).mappings()
    ]


def stored_rules(connection: sa.Connection) -> list[Rule]:
    """Every rule of a known kind as it is kept: without what its fence and the lists by name add to it."""
    rule = table.rule.c
    query = sa.select(*[rule[name] for name in STORED], rule.id).order_by(rule.id)
    known = rule.kind.in_(KINDS) & rule.severity.in_(SEVERITIES)
    return [Rule(**row) for row in connection.execute(query.where(known)).mappings()]


def rosters(connection: sa.Connection) -> dict[str, Sequence[str]]:
    """The members of every list, by its name."""
    rows = connection.execute(sa.select(table.roster.c.key, table.roster.c.members))
    return {row.key: row.members for row in rows}


def resolved(
    item: Rule,
    fence_applies_to: Mapping[str, Any],
    fence_dwell_s: float,
    fence_hysteresis_m: float,
    members: Mapping[str, Sequence[str]],
    figures: Figures = NO_FIGURES,
) -> Rule:
    """A rule as it is judged: with its fence's conditions, dwell and hysteresis, its lists' members and the law."""
    return replace(
        item,
        dwell_s=max(item.dwell_s, fence_dwell_s),
        hysteresis_m=float(item.params.get("hysteresis_m", fence_hysteresis_m)),
        figures=figures if item.kind in LAWFUL else NO_FIGURES,
        applies_to=both(with_members(fence_applies_to, members), with_members(item.applies_to, members)),
    )


def with_members(where: Mapping[str, Any], members: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Conditions whose include and exclude lists name objects only: `@name` there stands for a roster's members."""
    found = dict(where)
    for name in ("include", "exclude"):
        if name in found:
            # The name of a list that is empty, or gone, names nobody; without it the condition would be gone too.
            lists = [(members.get(str(key)[1:]) if str(key).startswith("@") else None) or (key,) for key in found[name]]
            found[name] = [key for each in lists for key in each]
    return found


def put_rules(connection: sa.Connection, items: Sequence[Rule], actor: Actor) -> int:
    """Add the rules whose key is not there yet; one that an operator has changed since is left as it is."""
    added = 0
    for item in items:
        row = {**_row(item), "updated_at": datetime.now(UTC), "updated_by": actor.name}
        statement = insert(table.rule).values(row).on_conflict_do_nothing(index_elements=["key"])
        if connection.scalar(statement.returning(table.rule.c.id)) is not None:
            keep(connection, "rule", item.key, 1, _row(item), row["updated_at"], actor, None)
            added += 1
    return added


def save_rule(connection: sa.Connection, item: Rule, actor: Actor, now: datetime, comment: str | None = None) -> int:
    """Put a rule as a new version, or as a new rule; returns its version. Raises ValueError for one that is wrong."""
    row = {**_row(checked(item)), "version": 1, "updated_at": now, "updated_by": actor.name}
    # Numbered by the database itself, so that two who save at once make a version each. The key is not written again:
    # a worker that raises an alarm of this rule meanwhile need not wait for us.
    again = {name: value for name, value in row.items() if name != "key"} | {"version": table.rule.c.version + 1}
    statement = insert(table.rule).values(row).on_conflict_do_update(index_elements=["key"], set_=again)
    version: int = connection.execute(statement.returning(table.rule.c.version)).scalar_one()
    keep(connection, "rule", item.key, version, _row(replace(item, version=version)), now, actor, comment)
    return version


def _row(item: Rule) -> dict[str, Any]:
    return {name: getattr(item, name) for name in STORED}
