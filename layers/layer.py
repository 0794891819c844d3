"""What a city service is, as values: Layer, its Style on the map, its Fields and its Kpis."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from geo.criteria import Range
from geo.rule import Rule
from geo.table import Shape
from ingest.feed import Feed, Identify

# The wedges are of what looks somewhere: its angle is where to, its value how wide (degrees).
Icon = Literal[
    "arrow", "dot", "square", "diamond", "wedge", "wedge-slow", "wedge-still", "wedge-off", "wedge-unseen",
    "pin", "pin-near", "pin-late", "flag", "cross", "distress",
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One class of the legend. `where` maps a column to [low, high); the first kind whose conditions all hold wins.

    color is a design token's name; parent groups kinds under one legend line; stale_s overrides the layer's.
    """

    name: str
    vi: str
    en: str
    icon: Icon
    color: str
    where: Mapping[str, Range] = field(default_factory=dict)
    parent: str | None = None
    stale_s: int | None = None


@dataclass(frozen=True)
class Style:
    """How a layer's points are drawn; the last kind takes what no other does.

    label, angle (degrees true) and value name columns, and so does estimated: true of a position that nothing measured,
    which is drawn hollow. stale_s and lost_s are ages in seconds. cluster: far out, many are drawn as one with their
    number, in the colour of the first kind that is among them: kinds stand with the worst first.
    """

    kinds: tuple[Kind, ...]
    label: str
    stale_s: int
    lost_s: int
    angle: str | None = None
    value: str | None = None
    estimated: str | None = None
    min_zoom: int = 0
    cluster: bool = False

    def columns(self) -> tuple[str, ...]:
        """Every column that drawing needs, once each."""
        named = [
            self.label,
            self.angle,
            self.value,
            self.estimated,
            *(column for kind in self.kinds for column in kind.where),
        ]
        return tuple(dict.fromkeys(name for name in named if name))


@dataclass(frozen=True)
class Field:
    """One column as people read it; unit is "" for a bare text or number."""

    name: str
    unit: str
    vi: str
    en: str


@dataclass(frozen=True)
class Kpi:
    """One figure: `sql` is an aggregate over the layer's latest table; all of a layer's are read in one SELECT."""

    name: str
    vi: str
    en: str
    sql: str
    unit: str = ""


@dataclass(frozen=True)
class Layer:
    """A city service. Its name is the name of its table, file, channel, component and icon.

    identify: for records that do not say by themselves whose they are, or all that is to be known with them.
    """

    vi: str
    en: str
    group: Literal["sea", "city", "base"]
    shape: Shape
    style: Style
    feeds: tuple[Feed, ...] = ()
    identify: Identify | None = None
    rules: tuple[Rule, ...] = ()
    fields: tuple[Field, ...] = ()
    kpis: tuple[Kpi, ...] = ()
    roles: tuple[str, ...] = ("operator",)
    order: int = 100

    @property
    def name(self) -> str:
        """The layer's name, from its table."""
        return self.shape.name
