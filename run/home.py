"""One home directory: everything the private servers and the supervisor keep on disk, used by one program at a time."""

import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from run.fault import Fault

SERVER_USER = "postgres"  # made by Debian's PostgreSQL package; initdb refuses root


@dataclass(frozen=True)
class Home:
    """A home directory and the unprivileged user that its servers run as (None: whoever runs the program)."""

    path: Path
    user: str | None

    @property
    def log(self) -> Path:
        """Directory of the log files, one per process."""
        return self.path / "log"

    @property
    def run(self) -> Path:
        """Directory of what describes the running program: lock, state, heartbeats."""
        return self.path / "run"

    def secret(self, name: str) -> str:
        """The generated password `name`, made at the first call and kept in a file only its owner can read."""
        file = self.path / "secrets" / name
        if not file.exists():
            draft = file.with_suffix(".new")
            draft.unlink(missing_ok=True)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as out:
                out.write(secrets.token_urlsafe(24))
            draft.rename(file)
        return file.read_text().strip()

    def identity(self) -> dict[str, Any]:
        """The servers' user, as keywords of subprocess."""
        return identity(self.user)

    def server_directory(self, name: str) -> Path:
        """A directory that belongs to the servers' user and that nobody else may enter."""
        directory = self.path / name
        directory.mkdir(exist_ok=True)
        directory.chmod(0o700)
        if self.user is not None:
            shutil.chown(directory, self.user, pwd.getpwnam(self.user).pw_gid)
        return directory


def make_home(path: Path) -> Home:
    """Make the directories of a home (or find them made) and choose the servers' user.

    Raises Fault when the directory cannot be written, or cannot be reached by the servers' user.
    """
    path = path.expanduser().absolute()
    user = _server_user()
    try:
        path.mkdir(parents=True, exist_ok=True)
        for part, mode in (("secrets", 0o700), ("log", 0o755), ("run", 0o755), ("run/heartbeat", 0o755)):
            (path / part).mkdir(exist_ok=True)
            (path / part).chmod(mode)
    except OSError as error:
        raise Fault(
            f"The home directory {path} cannot be used ({error.strerror}); set HAIDANG_HOME to another."
        ) from None
    if user is not None and not _reachable(path, user):
        raise Fault(
            f"The home directory {path} cannot be reached by the user {user!r}, who runs PostgreSQL for root;"
            " set HAIDANG_HOME to a directory outside of private ones, such as /var/lib/haidang."
        )
    return Home(path, user)


def identity(user: str | None) -> dict[str, Any]:
    """Keywords of subprocess for running as `user` (None: as whoever runs the program)."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": os.getgrouplist(user, entry.pw_gid)}


def _server_user() -> str | None:
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SERVER_USER)
    except KeyError:
        raise Fault(
            f"There is no user {SERVER_USER!r} to run PostgreSQL as (it never runs as root); install Debian's package"
            " `postgresql`, or start this as an ordinary user."
        ) from None
    return SERVER_USER


def _reachable(path: Path, user: str) -> bool:
    return subprocess.run(["test", "-x", str(path)], cwd="/", check=False, **identity(user)).returncode == 0


@contextmanager
def locked(home: Home, purpose: str) -> Iterator[None]:
    """Hold the home for this program alone; the kernel lets go of it however the program ends.

    Raises Fault, naming the process that holds it, when another program does.
    """
    file = home.run / "lock"
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Fault(_in_use(home, file)) from None
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()} {purpose}\n")
        lock.flush()
        yield


def holder(home: Home) -> tuple[int, str] | None:
    """Process id and purpose of the program that holds the home now, or None."""
    try:
        with (home.run / "lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pid, _, purpose = lock.read().strip().partition(" ")
                return int(pid or 0), purpose
    except OSError:
        pass
    return None


def _in_use(home: Home, file: Path) -> str:
    # The holder writes its line just after it has the lock: give it a moment to do so.
    for _ in range(50):
        pid, _, purpose = file.read_text().strip().partition(" ")
        if pid:
            break
        time.sleep(0.01)
    return (
        f"The home {home.path} is in use by process {pid} ({purpose});"
        " stop that one first, or set HAIDANG_HOME to another directory."
    )
