import asyncio
from typing import Any

import pytest

from access.guard import BODY_BYTES_MAX, Guard

HOSTS = ("127.0.0.1", "localhost", "[::1]", "map.hue.gov.vn")


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads the whole body and answers 200, or accepts the websocket."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(
    kind: str = "http", method: str = "POST", body: tuple[bytes, ...] = (b"",), **headers: str
) -> list[dict[str, Any]]:
    """What the guard sends for one request; header names with _ for -."""
    named = {"host": "127.0.0.1:8050", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope: dict[str, Any] = {
        "type": kind,
        "path": "/",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
    }
    if kind == "http":
        scope["method"] = method
    sent: list[dict[str, Any]] = []
    chunks = [{"type": "http.request", "body": part, "more_body": n + 1 < len(body)} for n, part in enumerate(body)]

    async def receive() -> dict[str, Any]:
        return chunks.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Guard(inner, HOSTS)(scope, receive, send))  # type: ignore[arg-type]
    return sent


def status(*given: Any, **headers: Any) -> int:
    first = ask(*given, **headers)[0]
    return (
        int(first["status"]) if "status" in first else {"websocket.accept": 101, "websocket.close": 403}[first["type"]]
    )


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.2:8050", "[::2]", "@127.0.0.1"]
)
def test_promise_14_a_foreign_host_is_refused_everywhere(kind: str, host: str) -> None:
    assert status(kind, host=host) == (400 if kind == "http" else 403)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8050", "[::1]:8050", "map.hue.gov.vn", "127.0.0.1"])
def test_our_own_hosts_are_served(host: str) -> None:
    assert status(host=host) == 200
    assert status("websocket", host=host, origin=f"https://{host.lower()}") == 101


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1.evil.example:8050", "127.0.0.1:8050"],
)
def test_promise_14_a_foreign_origin_changes_and_streams_nothing(kind: str, origin: str) -> None:
    assert status(kind, origin=origin) == 403


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_promise_14_another_site_changes_and_streams_nothing(kind: str, site: str) -> None:
    assert status(kind, sec_fetch_site=site) == 403


def test_our_own_origin_is_served() -> None:
    for kind, expected in (("http", 200), ("websocket", 101)):
        assert status(kind, origin="http://127.0.0.1:8050", sec_fetch_site="same-origin") == expected


def test_reading_is_open_to_links_from_elsewhere() -> None:
    assert status("http", "GET", origin="https://evil.example", sec_fetch_site="cross-site") == 200


def test_an_oversized_body_is_refused_before_it_is_read() -> None:
    assert status(content_length=str(BODY_BYTES_MAX + 1)) == 413
    assert status(content_length=str(BODY_BYTES_MAX)) == 200
    assert status(content_length="many") == 413


def test_a_body_without_a_length_is_cut_off_where_one_with_a_length_would_be_refused() -> None:
    part = b"x" * (BODY_BYTES_MAX // 2)
    assert ask(body=(part, part))[1]["body"] == str(BODY_BYTES_MAX).encode()
    assert ask(body=(part, part, b"x")) == []


def test_every_answer_carries_the_headers() -> None:
    for answer in (ask(), ask(host="evil.example")):
        names = dict(answer[0]["headers"])
        assert names[b"x-content-type-options"] == b"nosniff"
        assert names[b"x-frame-options"] == b"SAMEORIGIN"
