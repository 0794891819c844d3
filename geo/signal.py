"""The lost-signal clock: what a boat's silence means under the law, from its last fix and what was reported by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from geo.duty import Duty
from geo.figure import Figures

State = Literal["OK", "LATE", "LOST", "MANUAL_REPORTING", "OVERDUE_REPORT", "OVERDUE_10D", "AT_PORT", "NOT_REQUIRED"]
ALARMS = ("LOST", "MANUAL_REPORTING", "OVERDUE_REPORT", "OVERDUE_10D")  # LATE is a status, never an alarm (domain.md 6)


@dataclass(frozen=True)
class Signal:
    """Where a boat stands. lost_since: its last automatic fix, once it counts as lost; bucket: `6h-10d` or `10d`."""

    state: State
    lost_since: datetime | None = None
    next_report_due_at: datetime | None = None
    return_due_at: datetime | None = None

    @property
    def bucket(self) -> str | None:
        """The authority's bucket of an open loss."""
        return None if self.lost_since is None else "10d" if self.state == "OVERDUE_10D" else "6h-10d"


def signal(
    duty: Duty,
    figures: Figures,
    now: datetime,
    last_fix_at: datetime,
    at_sea: bool,
    laid_up: bool = False,
    reports: Sequence[datetime] = (),
) -> Signal:
    """The state of a boat that must be monitored (domain.md 1.3, facts 1 to 4 and 7).

    last_fix_at: the last automatic fix of its current device; AIS is none. reports: positions told by hand since then.
    A report by hand restarts the clock of the next report and ends neither the loss nor the days to port.
    """
    if duty.interval is None or laid_up:
        return Signal("NOT_REQUIRED")
    if not at_sea:
        return Signal("AT_PORT")
    silent = now - last_fix_at
    lost_after = figures.at("lost_after", now).span
    if silent < lost_after:
        late = silent > duty.interval.span + figures.at("vms_grace", now).span
        return Signal("LATE" if late else "OK")
    return_due = last_fix_at + figures.at("return_within", now).span
    told = [at for at in reports if last_fix_at < at <= now]
    due = (max(told) if told else last_fix_at + lost_after) + figures.at("manual_report_every", now).span
    state: State = "MANUAL_REPORTING" if told else "LOST"
    if told and now > due:
        state = "OVERDUE_REPORT"
    if now >= return_due:
        state = "OVERDUE_10D"
    return Signal(state, last_fix_at, due, return_due)
