"""What each benchmark is to reach: its floor, which must be met, and its stretch, which is the goal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One figure of one benchmark; `share` is the part of values that agree, 0 to 1."""

    bench: str
    key: str
    compared: str
    floor: float | None
    stretch: float | None = None
    unit: str = "x"
    more_is_better: bool = True

    def reached(self, value: float) -> str:
        """`stretch`, `floor`, `below the floor`, or nothing where there is no floor to miss."""
        for name, bound in (("stretch", self.stretch), ("floor", self.floor)):
            if bound is not None and (value >= bound if self.more_is_better else value <= bound):
                return name
        return "" if self.floor is None else "below the floor"


TARGETS = (
    Target("decode", "vs_pyais", "NMEA bytes to typed columns on one core, vs pyais IterMessages", 15, 25),
    Target("decode", "vs_libais", "... vs libais, which is handed its lines and checks no checksum", 5, 8),
    Target("decode", "vs_aiscat", "... vs AIS-catcher's Python decoder, to columns", 5, 8),
    Target("decode", "equal_numeric", "numeric values equal to pyais's", 1, unit="share"),
    Target("history", "vs_executemany", "rows/s with the index, vs SQLAlchemy Core executemany", 6, 10),
    Target("history", "bulk_vs_executemany", "... without indexes (bulk backfill)", 15, 25),
    Target("fences", "vs_strtree", "points/s in 500 polygons, vs shapely STRtree `intersects`", 20, 85),
    Target("fences", "vs_postgis", "... vs a PostGIS join on subdivided polygons", 20, 100),
    Target("fences", "same_hits", "hits equal to the exact test's", 1, unit="share"),
    Target("queue", "vs_single_xadd", "one stream entry per batch, vs one XADD per sentence", 200, 330),
    Target("pipeline", "vs_executemany", "the whole path, vs pyais + executemany", 6, 15),
    Target("pipeline", "vs_orm_row", "... vs pyais + ORM, a commit per row", 150, 400),
    Target("pipeline", "sentences_per_s", "... by itself", None, unit="sentences/s"),
    Target("world", "sentences_per_s", "sustained, the whole path on two cores", 19_000, 200_000, "sentences/s"),
    Target("world", "lag_growth_s", "... lag at the end less lag at the beginning", None, None, "s", False),
    Target("world", "rss_mb", "... resident memory at the end", None, None, "MB", False),
    Target("live", "p99_ms", "socket to drawn pixel at 1,000 messages/s, p99", 1000, 300, "ms", False),
    Target(
        "desk", "quiet_other_p99_ms", "an acknowledgement on another browser's screen, p99", 1000, None, "ms", False
    ),
    Target("desk", "busy_other_p99_ms", "... at 1,000 messages/s", 1000, None, "ms", False),
    Target(
        "board", "filter_p95_ms", "a filter of 5,000 open cases to the frame that shows it, p95", 200, None, "ms", False
    ),
    Target("map", "main_1k", "main thread per update, vs dcc.Interval + dl.GeoJSON, 1,000 vessels", 15, 100),
    Target("map", "main_10k", "... vs dl.GeoJSON + preferCanvas, 10,000 vessels", 20, 300),
    Target("map", "bytes_10k", "raw bytes per update, vs the same", 50, 57),
    Target("map", "drawn_p95_ms_10k", "data to drawn, 10,000 vessels, p95", 100, 50, "ms", False),
    Target("map", "drawn_p95_ms_100k", "... 100,000 vessels", 500, 100, "ms", False),
    Target("map", "fps_20k", "while panning, 20,000 vessels", 30, None, "frames/s"),
    Target("map", "fps_100k", "... 100,000 vessels", None, 30, "frames/s"),
    Target("clients", "held", "live clients of one web process, no tick lost, p95 < 1 s", 300, 1000, "clients"),
    Target("clients", "p95_ms", "... publication to receipt, p95", 1000, None, "ms", False),
    Target("tracks", "track_30d_ms", "one vessel's track of 30 days", 200, 50, "ms", False),
    Target("tracks", "picture_ms", "the whole picture at a past minute", 200, 50, "ms", False),
    Target("tracks", "positions", "... out of so many positions", 100e6, None, "positions"),
)
