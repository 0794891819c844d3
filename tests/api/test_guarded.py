import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect


def test_promise_14_the_served_site_stands_behind_the_guard(serve) -> None:
    site = serve()
    assert site.get("/", host="evil.example")[0] == 400
    assert site.get("/api/v1/layers", host="evil.example")[0] == 400
    path = "/api/v1/alarms/1/acknowledge"
    assert site.ask("POST", path, {"actor": "Lan"}, origin="https://evil.example")[0] == 403
    assert site.ask("POST", path, {"actor": "Lan"}, sec_fetch_site="cross-site")[0] == 403
    assert site.ask("POST", "/_dash-update-component", {}, origin="https://evil.example")[0] == 403
    assert site.ask("POST", path, b"x" * ((2 << 20) + 1))[0] == 413
    with (
        pytest.raises(InvalidStatus),
        connect(f"ws://127.0.0.1:{site.port}/api/v1/live", origin="https://evil.example"),
    ):
        pass
    with connect(f"ws://127.0.0.1:{site.port}/api/v1/live", origin=f"http://127.0.0.1:{site.port}") as live:
        assert '"hello"' in live.recv(timeout=20)


def test_the_documentation_is_served_from_here(serve) -> None:
    site = serve()
    status, page = site.get("/api/docs")
    assert status == 200
    assert "http" not in page.replace("http-equiv", "")
    paths = site.get("/api/openapi.json")[1]["paths"]
    assert {"/api/v1/layers", "/api/v1/alarms", "/healthz", "/readyz", "/metrics"} <= set(paths)
