"""The web application of a test: the real server on a free port, with its database and Redis."""

import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import uvicorn

from access.site import Site
from layers import discover, seed
from run.port import choose
from run.process import wait_for
from run.web import make_server
from tests.connections import connected


@dataclass
class Served:
    """A running server and how it is asked."""

    site: Site
    port: int
    database: Any

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and body (JSON decoded where it is JSON)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, data, {"content-type": "application/json", **named})
            answer = connection.getresponse()
            text = answer.read()
            kind = answer.headers.get("content-type", "")
            return answer.status, json.loads(text) if "json" in kind else text.decode()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        return self.ask("GET", path, **headers)


@pytest.fixture
def serve(database, redis_server) -> Iterator[Any]:
    """A function that serves a site: the given one with some fields changed."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []
    with connected(database.web) as engine, connected(database.owner) as owner:
        with owner.begin() as connection:
            seed(connection, discover())

        def start(**changes: Any) -> Served:
            site = Site(engine, redis_server, discover(), "Huế", "Huế", (16.6, 107.9, 10))
            site = replace(site, **changes)
            port = choose()
            config = uvicorn.Config(make_server(site), port=port, log_level="error", timeout_graceful_shutdown=1)
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run)
            thread.start()
            running.append((server, thread))
            assert wait_for(lambda: server.started, 60)
            return Served(site, port, database)

        yield start
        for server, thread in running:
            server.should_exit = True
            thread.join(20)
