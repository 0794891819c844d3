from geo.database import engine
from tests.connections import told


def test_a_ready_site_says_so(serve) -> None:
    site = serve()
    assert site.get("/healthz")[1]["status"] == "ok"
    told(
        site.database.owner,
        "INSERT INTO feed (source, feed, layer, simulated, expected_s, last_message_at) "
        "VALUES ('ais.a', 'ais', 'vessel', false, 60, now()), ('ais.b', 'ais', 'vessel', false, 60, NULL)",
    )
    status, answer = site.get("/readyz")
    assert (status, answer["ready"], answer["database"], answer["redis"]) == (200, True, "ok", "ok")
    assert 0 <= answer["feeds"]["ais.a"]["age_s"] < 60
    assert answer["feeds"]["ais.b"] == {"age_s": None, "expected_s": 60.0}


def test_a_site_whose_servers_are_away_is_alive_and_not_ready(serve) -> None:
    gone = engine("postgresql://nobody@127.0.0.1:9/none")
    site = serve(engine=gone, redis_url="redis://127.0.0.1:9/0")
    assert site.get("/healthz")[0] == 200
    status, answer = site.get("/readyz")
    assert (status, answer["ready"]) == (503, False)
    assert answer["database"].startswith("away")
    assert answer["redis"].startswith("away")
    assert site.get("/metrics")[0] == 200
    gone.dispose()


def test_figures_for_prometheus(serve) -> None:
    site = serve()
    told(
        site.database.owner,
        "INSERT INTO feed (source, feed, layer, simulated, expected_s, received, rejected) "
        """VALUES ('ais.a', 'ais', 'vessel', false, 60, 12, '{"checksum": 3}')""",
    )
    status, text = site.get("/metrics")
    assert status == 200
    for line in (
        'haidang_feed_records{outcome="received",source="ais.a"} 12.0',
        'haidang_feed_rejected{reason="checksum",source="ais.a"} 3.0',
        'haidang_layer_kpi{kpi="total",layer="vessel"} 0.0',
        "process_resident_memory_bytes",
    ):
        assert line in text
