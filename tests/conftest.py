"""What tests share: private servers in a home of their own, a fresh database each, a browser, real sample data."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from run.role import Urls, make_database, superuser_url, urls
from run.servers import Servers, servers

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "haidang_template"
_numbers = count(1)


@dataclass(frozen=True)
class Database(Urls):
    """A test's own database: the four roles' addresses, its superuser's, and its name."""

    superuser: str
    name: str


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes (marked long)")


@pytest.hookimpl(tryfirst=True)  # before -m chooses by what is marked here
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Pure tests, then those with servers, then browsers: what fails soonest is seen soonest, and Playwright's event
    # loop, which stays in this thread once it is started, meets no test that runs one of its own.
    items.sort(key=lambda item: _cost(getattr(item, "fixturenames", ())))
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()) or ROOT / "tests" / "faults" in item.path.parents:
            item.add_marker(pytest.mark.alone)
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --long"))


def _cost(fixtures: Collection[str]) -> int:
    return 2 if "browser" in fixtures else 1 if "private_servers" in fixtures else 0


def _make_home_directory() -> Path:
    # Not pytest's tmp_path: as root, the servers run as another user, who cannot reach into it.
    directory = Path(tempfile.mkdtemp(prefix="haidang-test-"))
    directory.chmod(0o755)
    return directory


@pytest.fixture
def home_directory() -> Iterator[Path]:
    """An empty directory for a home, which the servers' user can reach."""
    directory = _make_home_directory()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def private_servers() -> Iterator[Servers]:
    """PostgreSQL with PostGIS and Redis for this run of the tests; fast, not durable (run.servers has real ones)."""
    directory = _make_home_directory()
    with servers(directory, "tests", durable=False) as running:
        yield running
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def database_template(private_servers: Servers) -> str:
    """Name of a database brought to the newest schema once; nobody may connect to it any more."""
    server = private_servers.postgres
    make_database(server, TEMPLATE)
    _upgrade(urls(server, TEMPLATE))
    with server.connect() as connection:
        connection.execute(f"ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [TEMPLATE])
    return TEMPLATE


@pytest.fixture
def database(private_servers: Servers, database_template: str) -> Iterator[Database]:
    """A fresh database of the newest schema, for one test."""
    yield from _database(private_servers, database_template)


@pytest.fixture
def empty_database(private_servers: Servers) -> Iterator[Database]:
    """A fresh database with PostGIS and no schema of ours, for the tests of the schema's making."""
    yield from _database(private_servers, None)


def _database(running: Servers, template: str | None) -> Iterator[Database]:
    server = running.postgres
    name = f"test_{next(_numbers)}"
    if template is None:
        make_database(server, name)
    else:
        with server.connect() as connection:
            # Without fsync, copying files is several times faster than writing them to the log (the default since 15).
            strategy = "STRATEGY FILE_COPY" if server.installation.version >= 15 else ""
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER haidang_owner {strategy}")
    roles = urls(server, name)
    yield Database(roles.owner, roles.ingest, roles.web, roles.backup, superuser_url(server, name), name)
    with server.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _upgrade(roles: Urls) -> None:
    from geo import database as schema
    from layers import discover

    schema.upgrade(roles.owner, tuple(layer.shape for layer in discover()))


@pytest.fixture
def redis_server(private_servers: Servers) -> str:
    """Address of an empty Redis."""
    from redis import Redis

    url = private_servers.redis.url
    with Redis.from_url(url) as connection:
        connection.flushall()
    return url


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    # Where no package brings one, ./haidang test has fetched Playwright's own, which it finds by itself.
    executable = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        # As root, and in most containers, Chromium's own sandbox cannot start.
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        chromium = playwright.chromium.launch(executable_path=executable, args=[*sandbox, "--disable-dev-shm-usage"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real captures, not part of the program: in ../shared/data beside the checkout, or in HAIDANG_SHARED_DATA."""
    path = Path(os.environ.get("HAIDANG_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no sample data at {path}")
    return path
