from layers import kpi_values
from layers.camera import LAYER, STALE_S
from tests.connections import connected, told


def test_what_nobody_looked_at_lately_counts_as_that_and_not_as_what_was_seen_of_it(database) -> None:
    told(
        database.owner,
        "INSERT INTO camera (id, geom, observed_at, received_at, source, health)"
        " SELECT n::text, ST_SetSRID(ST_MakePoint(107.59, 16.46), 4326), now() - n % 3 * make_interval(secs => :age),"
        " now(), 'test', CASE WHEN n < 12 THEN n / 3 END FROM generate_series(0, 14) n",
        age=STALE_S - 60,
    )
    told(database.owner, "UPDATE camera SET observed_at = NULL WHERE id = '14'")
    with connected(database.web) as web, web.connect() as connection:
        found = kpi_values(connection, LAYER)
    # Of each health three: just now, within the time that counts, and longer ago.
    seen = {"online": 2, "degraded": 2, "frozen": 2, "offline": 2}
    assert found == {"total": 15, **seen, "unseen": 4 + 3}
