"""The supervisor: starts the processes, starts the dead again, kills the frozen, and stops all in order."""

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

from run import state
from run.fault import Fault
from run.home import Home
from run.log import Log, short
from run.process import Program, Running, start
from run.servers import last_words

TICK_S = 0.1
BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # before the first restart, the second, ...
STEADY_S = 30.0  # a process that lived this long starts again without waiting
FIRST_BEAT_S = 90.0  # a process may need this long before its first heartbeat: a cold disk, a busy machine
STOPPED_S = 2.0  # a process that something stopped (SIGSTOP) holds its locks and connections for so long at most
STARTS_AT_MOST = 3  # deaths during set-up: then it is no accident
SHOWN_AT_MOST, QUIET_S = 5, 60.0  # lines of one process on the console per so many seconds: its log has them all
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Watched:
    """One program under watch and what has happened to it."""

    program: Program
    log: Log
    running: Running | None
    started_at: str
    position: int = 0  # of its log, when it was last started
    restarts: int = 0
    frozen: int = 0
    quick_deaths: int = 0
    last_exit: int | None = None
    start_at: float = 0.0  # monotonic; when to start it again
    beat: int | None = None  # time of change of its heartbeat file, ns
    beat_seen: float = 0.0  # monotonic; when that was last seen to change
    going: float = 0.0  # monotonic; when it was last seen not to be stopped
    shown: int = 0  # lines for the console since shown_since (monotonic)
    shown_since: float = 0.0


class Supervisor:
    """Keeps the programs of one home running. Use inside of `listening()`, so that signals end `run` in good order."""

    def __init__(self, home: Home, purpose: str, say: Callable[[str], None]) -> None:
        self.home = home
        self.stopping = False
        self._say = say
        self._watched: list[Watched] = []
        self._state = state.State(pid=os.getpid(), purpose=purpose, started_at=_now())
        self._written: state.State | None = None
        self._watching = False
        self._last_tick = time.monotonic()
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)

    def describe(self, url: str | None = None, ports: Mapping[str, int] | None = None) -> None:
        """Say in the state file where the program is reached."""
        fields = {**vars(self._state), "url": url or self._state.url, "ports": {**self._state.ports, **(ports or {})}}
        self._state = state.State(**fields)
        self._write_state()

    def start(self, program: Program) -> None:
        """Start a program and watch it from now on."""
        log = Log(program.log)
        position = program.log.stat().st_size if program.log.exists() else 0
        self._watch(Watched(program, log, start(program), _now(), position))

    def adopt(self, running: Running) -> None:
        """Watch a process that was started already (a server that others had to wait for)."""
        self._watch(Watched(running.program, Log(running.program.log), running, _now()))

    def run(self, done: Callable[[], bool] = lambda: False) -> None:
        """Watch until `done()` or until a signal asks to stop."""
        self._watching = True
        while not self.stopping and not done():
            self.tick()
            select.select([self._wake], [], [], TICK_S)
            self._drain()
        self._watching = False

    def start_up(self, ready: Callable[[], bool]) -> None:
        """Watch until `ready()`; raises Fault when a process dies again and again before that."""

        def settled() -> bool:
            for watched in self._watched:
                if watched.quick_deaths >= STARTS_AT_MOST:
                    words = last_words(watched.program.log, watched.position)
                    raise Fault(f"{watched.program.name} does not start: {words} (see {watched.program.log})")
            return ready()

        self.run(settled)

    def tick(self) -> None:
        """Look once after every process and its log."""
        now = time.monotonic()
        pause = now - self._last_tick
        self._last_tick = now
        for watched in self._watched:
            if pause > 1.0:  # we stood still ourselves (a suspended machine), and so perhaps did all the others
                watched.beat_seen += pause
                watched.going += pause
            self._look_after(watched, now)
            self._show_news(watched)
        self._write_state()

    def stop(self) -> None:
        """Stop everything: the highest stage first, and within a stage all at once."""
        self.stopping = True
        if any(watched.running is not None for watched in self._watched):
            self._say("Stopping")
        for stage in sorted({watched.program.stage for watched in self._watched}, reverse=True):
            members = [w for w in self._watched if w.program.stage == stage and w.running is not None]
            for watched in members:
                assert watched.running is not None
                watched.running.send(watched.program.stop_signal)
            deadline = time.monotonic() + max((w.program.stop_s for w in members), default=0.0)
            for watched in members:
                assert watched.running is not None
                if not watched.running.wait(max(0.0, deadline - time.monotonic())):
                    self._say(f"{watched.program.name} did not stop within {watched.program.stop_s:.0f} s: killed")
                    watched.running.kill()
                    watched.running.wait(5.0)
                watched.last_exit = watched.running.poll()
                watched.running = None
                self._write_state()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Let Ctrl-C, SIGTERM and a closed terminal end `run`, and any child's death wake it; stop all at the end."""
        before = {sig: signal.signal(sig, self._asked_to_stop) for sig in STOPPING}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        descriptor = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            self.stop()
            signal.set_wakeup_fd(descriptor)
            for sig, handler in before.items():
                signal.signal(sig, handler)
            self._wake.close()
            self._waker.close()

    def _asked_to_stop(self, number: int, frame: FrameType | None) -> None:
        # Nothing is said from here: the line that it interrupts may be one that is just being said.
        if self.stopping:
            return
        self.stopping = True
        if not self._watching:  # still setting up: break off whatever it waits for
            raise KeyboardInterrupt

    def _watch(self, watched: Watched) -> None:
        watched.beat_seen = watched.going = time.monotonic()
        self._watched.append(watched)
        self._write_state()

    def _look_after(self, watched: Watched, now: float) -> None:
        if watched.running is None:
            if now >= watched.start_at:
                self._start_again(watched, now)
            return
        code = watched.running.poll()
        if code is not None:
            self._bury(watched, code, now)
        elif (still_s := self._still_s(watched, now)) is not None:
            watched.frozen += 1
            self._say(f"{watched.program.name} stood still for {still_s:.0f} s: killed")
            watched.running.kill()

    def _bury(self, watched: Watched, code: int, now: float) -> None:
        assert watched.running is not None
        steady = now - watched.running.started > STEADY_S
        watched.quick_deaths = 0 if steady else watched.quick_deaths + 1
        wait = BACKOFF_S[min(max(watched.quick_deaths - 1, 0), len(BACKOFF_S) - 1)]
        how = f"killed by signal {-code}" if code < 0 else f"ended with code {code}"
        self._say(f"{watched.program.name} {how}; starting it again{f' in {wait:g} s' if wait else ''}")
        watched.running, watched.last_exit, watched.start_at = None, code, now + wait
        if not wait:
            self._start_again(watched, now)

    def _start_again(self, watched: Watched, now: float) -> None:
        watched.restarts += 1
        watched.position = watched.program.log.stat().st_size if watched.program.log.exists() else 0
        watched.started_at = _now()
        watched.beat, watched.beat_seen, watched.going = None, now, now
        try:
            watched.running = start(watched.program)
        except OSError as error:
            watched.quick_deaths += 1
            watched.start_at = now + BACKOFF_S[min(watched.quick_deaths, len(BACKOFF_S) - 1)]
            self._say(f"{watched.program.name} could not be started ({error.strerror})")

    def _still_s(self, watched: Watched, now: float) -> float | None:
        """How long a process has stood still that may not any longer; None while it goes on, or still may."""
        assert watched.running is not None
        if not watched.running.stopped():
            watched.going = now
        elif now - watched.going > STOPPED_S:  # the servers too, which have no heartbeat
            return now - watched.going
        if watched.program.heartbeat is not None and self._is_frozen(watched, now):
            return now - watched.beat_seen
        return None

    def _is_frozen(self, watched: Watched, now: float) -> bool:
        # Seen to change, not compared with the clock on the wall, which may be set at any time.
        assert watched.program.heartbeat is not None
        try:
            beat = watched.program.heartbeat.stat().st_mtime_ns
        except OSError:
            beat = None
        if beat != watched.beat:
            watched.beat, watched.beat_seen = beat, now
        limit = watched.program.frozen_s if watched.beat is not None else max(FIRST_BEAT_S, watched.program.frozen_s)
        return now - watched.beat_seen > limit

    def _show_news(self, watched: Watched) -> None:
        now = time.monotonic()
        if now - watched.shown_since > QUIET_S:
            if watched.shown > SHOWN_AT_MOST:
                more = watched.shown - SHOWN_AT_MOST
                self._say(f"{watched.program.name}: and {more} more such lines, see {watched.program.log}")
            watched.shown, watched.shown_since = 0, now
        for line in watched.log.news():
            words = None if self.stopping else short(line, server=watched.program.stage == 0)
            if words:
                watched.shown += 1
                if watched.shown <= SHOWN_AT_MOST:
                    self._say(f"{watched.program.name}: {words}")
        watched.log.rotate()

    def _drain(self) -> None:
        try:
            while self._wake.recv(4096):
                pass
        except BlockingIOError:
            pass

    def _write_state(self) -> None:
        processes = tuple(
            state.Process(
                name=w.program.name,
                pid=w.running.pid if w.running else None,
                state="up" if w.running else "stopped" if self.stopping else "waiting",
                started_at=w.started_at,
                restarts=w.restarts,
                frozen=w.frozen,
                last_exit=w.last_exit,
            )
            for w in self._watched
        )
        self._state = state.State(**{**vars(self._state), "processes": processes})
        if self._state != self._written:
            state.write(self.home, self._state)
            self._written = self._state


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
