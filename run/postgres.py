"""The private PostgreSQL of one home: made with initdb, started on a loopback port, cleaned up after a kill -9."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from run import port
from run.fault import Fault
from run.home import Home
from run.memory import megabytes
from run.process import Program, wait_for

SUPERUSER = "postgres"
BINARIES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin")
SOCKET_PATH_MAX = 100  # bytes; the kernel's limit is 107 with the file's own name of .s.PGSQL.nnnnn inside


@dataclass(frozen=True)
class Installation:
    """An installed PostgreSQL that has PostGIS."""

    version: int
    binaries: Path
    postgis: str


@dataclass(frozen=True)
class Postgres:
    """The PostgreSQL server of one home. `durable=False` gives up safety for speed: for tests only."""

    home: Home
    installation: Installation
    port: int
    durable: bool

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home.path / "postgres" / "data"

    @property
    def title(self) -> str:
        """For a person to read: what it is."""
        return f"PostgreSQL {self.installation.version} with PostGIS {self.installation.postgis}"

    def program(self) -> Program:
        """How to start, stop and watch it."""
        return Program(
            name="postgres",
            argv=(str(self.installation.binaries / "postgres"), "-D", str(self.data)),
            log=self.home.log / "postgres.log",
            user=self.home.user,
            cwd=self.data,
            env={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
            stage=0,
            stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back, a checkpoint is written
            stop_s=60.0,
            orphan_signal=signal.SIGINT,
            prepare=self.clear,
        )

    def clear(self) -> int | None:
        """Clear what a kill -9 left behind, or answer with the id of this home's server if it still runs."""
        lines = _pid_file(self.data)
        left = _processes_in(self.data)
        if lines and int(lines[0]) in left:
            if int(lines[3]) == self.port and not lines[-1].startswith("stopping"):
                return int(lines[0])
            wait_for(lambda: int(lines[0]) not in _processes_in(self.data), 60.0)
            left = _processes_in(self.data)
        # Without their postmaster the other processes are of no use, but they hold the shared memory: quit them.
        for pid in left:
            _send(pid, signal.SIGQUIT)
        if not wait_for(lambda: not _processes_in(self.data), 5.0):
            for pid in _processes_in(self.data):
                _send(pid, signal.SIGKILL)
            wait_for(lambda: not _processes_in(self.data), 5.0)
        # A number out of an earlier life may belong to anybody by now, and PostgreSQL would then refuse to start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        return None

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """A superuser's connection in autocommit mode."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=SUPERUSER,
            password=self.home.secret("postgres"),
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def answers(self) -> bool:
        """Whether it takes connections; false while it starts or recovers."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True


def find_installation(version: int | None = None) -> Installation:
    """The newest installed PostgreSQL that has PostGIS, or exactly `version`. Raises Fault when there is none."""
    found: dict[int, Installation] = {}
    for installation in _installations():
        found.setdefault(installation.version, installation)
    wanted = version if version is not None else max(found, default=0)
    if wanted in found:
        return found[wanted]
    if version is not None:
        raise Fault(
            f"The database was made by PostgreSQL {version}, which is not installed any more;"
            f" install postgresql-{version}-postgis-3, or restore a backup into an empty home."
        )
    raise Fault("PostgreSQL with PostGIS is not installed; install postgresql-postgis (Debian, Ubuntu).")


def make_postgres(home: Home, durable: bool = True) -> Postgres:
    """The server of this home: its directory made if it is new, its port chosen, its settings written."""
    top = home.server_directory("postgres")
    data = top / "data"
    made = data / "PG_VERSION"
    installation = find_installation(int(made.read_text()) if made.exists() else None)
    if not made.exists():
        _initialise(home, installation, data, durable)
    lines = _pid_file(data)
    running = bool(lines) and int(lines[0]) in _processes_in(data)
    chosen = int(lines[3]) if running else port.kept(top / "port")
    server = Postgres(home, installation, chosen, durable)
    _write_settings(server)
    return server


def _installations() -> list[Installation]:
    directories = [path for pattern in BINARIES for path in sorted(Path("/").glob(pattern.lstrip("/")))]
    on_path = shutil.which("pg_config")
    if on_path:
        directories.append(Path(on_path).resolve().parent)
    found = []
    for directory in directories:
        if not (directory / "initdb").exists() or not (directory / "postgres").exists():
            continue
        version = _answer(directory / "postgres", "--version").split()[2].split(".")[0]
        # Debian keeps a server's shared files under its major version; elsewhere pg_config knows.
        control = Path(f"/usr/share/postgresql/{version}/extension/postgis.control")
        if not control.exists() and (directory / "pg_config").exists():
            control = Path(_answer(directory / "pg_config", "--sharedir")) / "extension/postgis.control"
        if version.isdigit() and control.exists():
            found.append(Installation(int(version), directory, _default_version(control)))
    return found


def _answer(binary: Path, option: str) -> str:
    return subprocess.run([binary, option], capture_output=True, text=True, check=True, cwd="/").stdout.strip()


def _default_version(control: Path) -> str:
    for line in control.read_text().splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "default_version":
            return value.strip().strip("'")
    return "3"


def _initialise(home: Home, installation: Installation, data: Path, durable: bool) -> None:
    shutil.rmtree(data, ignore_errors=True)  # of an initdb that was interrupted: PG_VERSION is not there
    password = data.with_name("password")
    password.write_text(home.secret("postgres"))
    password.chmod(0o600)
    if home.user is not None:
        shutil.chown(password, home.user)
    fresh = data.with_name("data.new")
    shutil.rmtree(fresh, ignore_errors=True)
    command = [
        *(str(installation.binaries / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "-E", "UTF8"),
        *("--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password}", "--data-checksums"),
        *(() if durable else ("--no-sync",)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=data.parent, check=False, **home.identity())
    password.unlink()
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Fault(f"initdb could not make a database in {data} ({reason}).")
    fresh.rename(data)  # only a complete one has the name that counts


def _write_settings(server: Postgres) -> None:
    main = server.data / "postgresql.conf"
    include = "include 'haidang.conf'"
    if include not in main.read_text():
        with main.open("a") as out:
            out.write(f"\n{include}\ninclude_if_exists '../local.conf'  # an administrator's own settings win\n")
    ours = server.data / "haidang.conf"
    ours.write_text(_settings(server))
    if server.home.user is not None:
        shutil.chown(ours, server.home.user)


def _settings(server: Postgres) -> str:
    sockets = server.home.server_directory("postgres") / "socket"
    sockets.mkdir(exist_ok=True)
    if server.home.user is not None:
        shutil.chown(sockets, server.home.user)
    directory = str(sockets) if len(str(sockets)) < SOCKET_PATH_MAX else ""  # without one, TCP serves
    shared = megabytes(eighths=1, least=128, most=1024) if server.durable else 128
    safe = "on" if server.durable else "off"
    return f"""# Written by Hải Đăng at every start: put your own settings into ../local.conf.
listen_addresses = '127.0.0.1'
port = {server.port}
unix_socket_directories = '{directory}'
unix_socket_permissions = 0700
max_connections = 100
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C.UTF-8'

# Memory: an eighth of the machine, at most 1 GB (which is what an 8 GB machine gets); the page cache does the rest.
shared_buffers = {shared}MB
effective_cache_size = {4 * shared}MB
work_mem = 16MB
maintenance_work_mem = {max(64, shared // 4)}MB

# What is committed stays: nothing here may be turned off where data counts.
fsync = {safe}
full_page_writes = {safe}
synchronous_commit = {safe}

# Steady writing of positions: few, spread-out checkpoints and compressed full pages.
wal_compression = lz4
max_wal_size = {4 * shared}MB
min_wal_size = 128MB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
autovacuum_naptime = 20s

# Short queries on a solid-state disk: compiling them costs more than it brings.
random_page_cost = 1.1
jit = off

logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
log_min_duration_statement = 1s
log_lock_waits = on
log_checkpoints = {safe}
"""


def _pid_file(data: Path) -> list[str]:
    """Lines of postmaster.pid (pid, data, start time, port, socket, address, shared memory, state), if complete."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []
    return lines if len(lines) >= 8 and lines[0].isdigit() and lines[3].isdigit() else []


def _processes_in(directory: Path) -> set[int]:
    """Ids of the processes that work in `directory`: every process of a PostgreSQL server works in its data."""
    found = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if os.readlink(f"/proc/{entry.name}/cwd") == str(directory):
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


def _send(pid: int, sig: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sig)
