"""Who did it: the person or process that every change carries."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Actor:
    """A person at the desk (`declared` until login exists, `user` after) or the system itself."""

    name: str
    kind: Literal["declared", "user", "system"] = "declared"

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a name is needed: say who acts")


SYSTEM = Actor("hệ thống", "system")
