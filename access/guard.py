"""The guard before everything else: pure ASGI, so that websockets pass through it too."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_BYTES_MAX = 2 << 20
# Where files are the body; a citizen's form has five photographs and its words.
LARGER = {"/api/v1/fences/import": 8 << 20, "/api/v1/report-photos": 8 << 20, "/public/reports/new": 48 << 20}
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
)
REVALIDATE = ((b"cache-control", b"no-cache"),)


class Guard:
    """Refuses foreign hosts (DNS rebinding), foreign origins on whatever changes or streams, and oversized bodies."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 400, 403 or 413 with the reason."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
            return
        # Assets that Dash does not stamp (workers, the base map) are asked for again, and answered by their ETag.
        asset = scope["path"].startswith("/assets/") and not scope["query_string"]
        await self._app(scope, _bounded(receive, _most(scope)), _with_headers(send, REVALIDATE if asset else ()))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            return 400, "this host name is not served here; add it to HAIDANG_ALLOWED_HOSTS if it should be"
        if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
            return None
        if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return 403, "requests from other sites are refused"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return 403, "requests from other origins are refused"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _most(scope):
            return 413, f"a request may hold at most {_most(scope)} bytes"
        return None


def _most(scope: Scope) -> int:
    return LARGER.get(scope["path"], BODY_BYTES_MAX)


def _name(host: str) -> str:
    """The host without its port, IPv6 brackets kept."""
    bare = host.lower()
    if bare.startswith("["):
        return bare[: bare.find("]") + 1]
    return bare.partition(":")[0]


def _bounded(receive: Receive, most: int) -> Receive:
    """A body without a length is cut off where one with a length would have been refused."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            if taken > most:
                return {"type": "http.disconnect"}
        return message

    return bounded


def _with_headers(send: Send, more: Iterable[tuple[bytes, bytes]]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *HEADERS, *more]
        await send(message)

    return sending


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    body: dict[str, Any] = {"error": reason}
    headers = [(b"content-type", b"application/json"), *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
