"""One process that we start, watch and stop: what it is (Program) and its life (Running)."""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from run.home import identity

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Program:
    """How to start one process, and how it wants to be stopped and watched.

    `stage` orders start and stop: a lower one starts earlier and stops later. `frozen_s` is how many seconds its
    `heartbeat` file may stand still. `prepare` runs before every start (it clears what a kill -9 left behind) and may
    answer with the id of a process that is already the one wanted, which is then adopted instead.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    cwd: Path | None = None
    stage: int = 1
    stop_signal: signal.Signals = signal.SIGTERM
    stop_s: float = 10.0
    orphan_signal: signal.Signals = signal.SIGKILL
    heartbeat: Path | None = None
    frozen_s: float = 30.0
    prepare: Callable[[], int | None] | None = None


class Running:
    """A started (or adopted) process."""

    def __init__(self, program: Program, pid: int, popen: "subprocess.Popen[bytes] | None") -> None:
        self.program = program
        self.pid = pid
        self.started = time.monotonic()
        self._popen = popen
        # An adopted process is not our child: a pidfd names it for good, even if its number is given away again.
        self._pidfd = os.pidfd_open(pid) if popen is None else -1
        self._gone = False

    @property
    def adopted(self) -> bool:
        """Whether somebody else had started it."""
        return self._popen is None

    def poll(self) -> int | None:
        """Exit code (negative: the signal that ended it; 0 if adopted and gone), or None while it lives.

        When the process is found dead, what is left of its process group is killed with it.
        """
        if self._popen is None:
            if not self._gone and select.select([self._pidfd], [], [], 0)[0]:
                self._gone = True
                os.close(self._pidfd)
            return 0 if self._gone else None
        if self._popen.returncode is None:
            # Look without reaping: as long as the dead leader is not reaped, its group's number is nobody else's.
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return None
            self._signal_group(signal.SIGKILL)
        return self._popen.poll()

    def stopped(self) -> bool:
        """Whether something has stopped it (SIGSTOP), so that it holds what it holds and does nothing."""
        try:
            # proc_pid_stat(5): the state stands after the name, which is in brackets and may itself hold some.
            return Path(f"/proc/{self.pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"T"
        except (OSError, IndexError):
            return False

    def send(self, sig: signal.Signals) -> None:
        """Send `sig` to the process, if it still lives."""
        if self.poll() is not None:
            return
        if self._popen is None:
            signal.pidfd_send_signal(self._pidfd, sig)
        else:
            self._popen.send_signal(sig)

    def kill(self) -> None:
        """SIGKILL for the process and its whole group."""
        if self.poll() is not None:
            return
        if self._popen is None:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        else:
            self._signal_group(signal.SIGKILL)

    def wait(self, timeout_s: float) -> bool:
        """Whether the process ended within `timeout_s` seconds."""
        return wait_for(lambda: self.poll() is not None, timeout_s)

    def stop(self) -> bool:
        """Ask it to stop, wait, and kill it when it does not; whether it stopped by itself."""
        self.send(self.program.stop_signal)
        if self.wait(self.program.stop_s):
            return True
        self.kill()
        self.wait(5.0)
        return False

    def _signal_group(self, sig: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, sig)


def start(program: Program) -> Running:
    """Start a program in a session of its own, its output appended to its log; or adopt the one that already runs."""
    if program.prepare is not None:
        pid = program.prepare()
        if pid is not None:
            with suppress(ProcessLookupError):  # gone in the meantime
                return Running(program, pid, None)
    if program.heartbeat is not None:
        program.heartbeat.unlink(missing_ok=True)
    with program.log.open("ab") as log:
        popen = subprocess.Popen(
            program.argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=program.cwd,
            env=_environment(program),
            start_new_session=True,
            preexec_fn=_die_with_parent(program.orphan_signal, os.getpid()),
            **identity(program.user),
        )
    return Running(program, popen.pid, popen)


def wait_for(condition: Callable[[], bool], timeout_s: float, every_s: float = 0.02) -> bool:
    """Whether `condition` came true within `timeout_s` seconds, asked each `every_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return condition()
        time.sleep(every_s)
    return True


def _environment(program: Program) -> dict[str, str]:
    if program.user is None:
        environment = dict(os.environ)
    else:  # another user's process gets none of our secrets
        environment = {name: os.environ[name] for name in ("PATH", "TZDIR") if name in os.environ}
    environment.update(program.env)
    if program.heartbeat is not None:
        environment["HAIDANG_HEARTBEAT"] = str(program.heartbeat)
    return environment


def _die_with_parent(sig: signal.Signals, parent: int) -> Callable[[], None]:
    """What a child does before it becomes its program: ask the kernel to signal it when we die (Linux only)."""

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
            if os.getppid() != parent:  # died before the kernel was asked
                os._exit(1)

    return ask
