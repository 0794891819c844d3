"""What an import of a list would do, row by row: told before anything is done, and the same when it is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from geo.wrong import Wrong

What = Literal["new", "changed", "unchanged", "conflict"]
WHATS: tuple[What, ...] = ("new", "changed", "unchanged", "conflict")
COMMENT = "nhập từ tệp {name}"


@dataclass(frozen=True)
class Line:
    """What would become of one row: its number, whose it is, the fields that change, or what is wrong with it."""

    number: int
    id: str
    what: What
    fields: tuple[str, ...] = ()
    wrongs: tuple[Wrong, ...] = ()
    after: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Account:
    """What would become of every row, in the order of the file."""

    lines: tuple[Line, ...]

    @property
    def counts(self) -> dict[What, int]:
        """How many rows of each."""
        found = Counter(line.what for line in self.lines)
        return {what: found[what] for what in WHATS}
