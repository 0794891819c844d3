"""What any route tells of a request that it cannot answer."""

from typing import Any

from tests.connections import connected

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


def test_while_the_database_is_away_no_list_ends_in_a_fault_of_the_server(serve: Any) -> None:
    with connected(NOWHERE) as away:
        site = serve(engine=away)
        _, told = site.get("/api/openapi.json")
        paths = [path for path, route in told["paths"].items() if "get" in route and "{" not in path]
        found = {path: site.get(path) for path in paths if path != "/api/v1/live"}
        assert [path for path, (status, _) in found.items() if status == 500] == []
        tried = [path for path, (status, _) in found.items() if status == 503]
        assert len(tried) > len(found) / 2, found
        assert {"/api/v1/reports", "/api/v1/alarms", "/api/v1/warnings"} <= set(tried)
        assert "try again" in found["/api/v1/reports"][1]["detail"]
