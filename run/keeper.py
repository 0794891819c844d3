"""The keeper: once a night, and soon after a start, it runs `db retain` as a process of its own."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

import structlog

from geo.heartbeat import Heartbeat

log = structlog.get_logger()
LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")
NIGHT = time_of_day(2, 30)  # the quietest hour of the desk, and half past: every closed day ended at 07:00 before it
FIRST_S = 600.0  # after a start: a machine that is off at night keeps its promises too
TICK_S = 1.0


def next_night(now: datetime) -> datetime:
    """The next half past two at night in Việt Nam, in UTC."""
    local = now.astimezone(LOCAL)
    tonight = local.replace(hour=NIGHT.hour, minute=NIGHT.minute, second=0, microsecond=0)
    return (tonight if tonight > local else tonight + timedelta(days=1)).astimezone(UTC)


def keep(
    command: Sequence[str],
    heartbeat: Heartbeat,
    stopping: Callable[[], bool],
    first_s: float = FIRST_S,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Run `command` after `first_s` seconds and each night, until told to stop; its lines go where ours go.

    A process of its own gives back its memory, and is killed without harm whenever we are (geo.archive).
    """
    os.nice(10)
    due = now() + timedelta(seconds=first_s)
    child: subprocess.Popen[bytes] | None = None
    while not stopping():
        heartbeat.beat()
        if child is not None and child.poll() is not None:
            (log.info if child.returncode == 0 else log.error)("retention ended", code=child.returncode)
            child = None
        if child is None and now() >= due:
            due = next_night(now())
            child = subprocess.Popen(command)
        time.sleep(TICK_S)
    if child is not None:
        child.kill()
        child.wait()
