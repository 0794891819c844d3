"""What runs in a home, as a file that `status` and other programs read: process ids, ports, restarts."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from run.home import Home, holder


@dataclass(frozen=True)
class Process:
    """One supervised process: `restarts` counts all of them, `frozen` those after a heartbeat stood still."""

    name: str
    pid: int | None
    state: Literal["up", "waiting", "stopped"]
    started_at: str
    restarts: int = 0
    frozen: int = 0
    last_exit: int | None = None


@dataclass(frozen=True)
class State:
    """The running program: who it is, where it is reached, and its processes. Times are UTC, ISO 8601."""

    pid: int
    purpose: str
    started_at: str
    url: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()


def write(home: Home, state: State) -> None:
    """Replace the home's state file in one step."""
    draft = home.run / "state.new"
    draft.write_text(json.dumps(asdict(state), indent=1))
    draft.replace(home.run / "state.json")


def read(path: Path) -> State | None:
    """The state of the program that runs in the home at `path` now; None when none does."""
    home = Home(path, None)
    held = holder(home)
    try:
        entry = json.loads((home.run / "state.json").read_text())
    except (OSError, ValueError):
        return None
    if held is None or held[0] != entry["pid"]:
        return None  # left by a program that was killed
    return State(**{**entry, "processes": tuple(Process(**process) for process in entry["processes"])})
