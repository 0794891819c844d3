"""Which of many fences hold which points: our raster, shapely's tree over the fences, and a join in PostGIS."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from bench.report import Report
from geo.fence import Fence, Fences
from geo.raster import raster
from run.role import make_database, superuser_url
from run.servers import servers

FENCES, VERTICES = 500, (50, 2_000)
SEA = (102.0, 7.0, 116.0, 21.0)  # the South China Sea off Vietnam, degrees
POINTS, POINTS_OF_PEERS = 1_000_000, 100_000  # a peer's answer takes as long for fewer points
BATCH = 35_000  # what a loaded worker asks at once
SUBDIVIDED_VERTICES = 128
ROUNDS = 5
Pairs = NDArray[np.int64]
Ask = Callable[[NDArray[np.float64], NDArray[np.float64]], Pairs]


def drawn_fences(seed: int = 1) -> list[shapely.Polygon]:
    """Areas like drawn ones and like coasts: bays and capes of every size, 5 to 65 km across, some overlapping."""
    order = np.random.default_rng(seed)
    found = []
    for _ in range(FENCES):
        angle = np.linspace(0, 2 * np.pi, order.integers(*VERTICES, endpoint=True), endpoint=False)
        radius = np.ones(len(angle))
        for wave in range(2, 40):
            radius += order.normal(0, 0.5 / wave**1.2) * np.cos(wave * angle + order.uniform(0, 2 * np.pi))
        radius = np.maximum(radius, 0.1) * order.uniform(0.05, 0.6)
        middle = order.uniform(SEA[:2], SEA[2:])
        found.append(shapely.Polygon(middle + (radius * [np.cos(angle), np.sin(angle)]).T))
    return found


def scattered(number: int, seed: int = 2) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points all over the sea, lon and lat."""
    order = np.random.default_rng(seed)
    return order.uniform(SEA[0], SEA[2], number), order.uniform(SEA[1], SEA[3], number)


def measure() -> Report:
    """Every contender in turn, round after round; all of them must find the same."""
    areas = drawn_fences()
    lon, lat = scattered(POINTS)
    few = lon[:POINTS_OF_PEERS], lat[:POINTS_OF_PEERS]
    data = f"{FENCES} made-up areas of {VERTICES[0]} to {VERTICES[1]:,} vertices, {POINTS:,} points over the same sea"
    report = Report("fences", f"{data}; {POINTS_OF_PEERS:,} of them for the peers", ("shapely", "numpy"))
    report.versions["geos"] = shapely.geos_version_string
    tree = shapely.STRtree(areas)
    fences = Fences(tuple(Fence(str(n), "area", "", "", area) for n, area in enumerate(areas)))
    started = time.perf_counter()
    raster(areas)
    report.add("raster, building it", "s", time.perf_counter() - started)

    def ours(x: NDArray[np.float64], y: NDArray[np.float64]) -> Pairs:
        core, _ = fences.hits(x, y)
        owner = np.repeat([int(key) for key in core], [len(points) for points in core.values()])
        return np.stack([owner, np.concatenate(list(core.values()))])

    def stored(x: NDArray[np.float64], y: NDArray[np.float64]) -> Pairs:
        pairs: Pairs = tree.query(shapely.points(x, y), predicate="intersects")[::-1]
        return pairs

    with tempfile.TemporaryDirectory(prefix="haidang-bench-") as home:
        Path(home).chmod(0o755)  # as root, the servers run as another user
        with servers(Path(home), "bench", durable=False) as running:
            make_database(running.postgres, "fences")
            with psycopg.connect(superuser_url(running.postgres, "fences").replace("+psycopg", "")) as database:
                report.versions["postgis"] = _fill(database, areas, *few)

                def joined(_x: NDArray[np.float64], _y: NDArray[np.float64]) -> Pairs:
                    rows = database.execute(
                        "SELECT DISTINCT area, id FROM part JOIN point ON ST_Intersects(part.geom, point.geom)"
                    )
                    return np.array(rows.fetchall()).T

                contenders: list[tuple[str, Ask, tuple[NDArray[np.float64], ...]]] = [
                    ("raster", ours, (lon, lat)),
                    (f"raster, batches of {BATCH:,}", ours, (lon[:BATCH], lat[:BATCH])),
                    ("shapely STRtree, intersects", stored, few),
                    (f"PostGIS, ST_Subdivide {SUBDIVIDED_VERTICES}", joined, few),
                ]
                _rounds(report, contenders)
                same = [_sorted(ours(*few)), _sorted(stored(*few)), _sorted(joined(*few))]
    medians = {row.contender: row.median for row in report.rows}
    names = [name for name, _, _ in contenders]
    report.ratios = {"vs_strtree": medians[names[0]] / medians[names[2]]}
    report.ratios |= {"vs_postgis": medians[names[0]] / medians[names[3]]}
    report.figures = {"same_hits": float(all(np.array_equal(same[0], other) for other in same[1:]))}
    report.figures |= {"hits_per_point": same[0].shape[1] / POINTS_OF_PEERS}
    return report


def _rounds(report: Report, contenders: list[tuple[str, Ask, tuple[NDArray[np.float64], ...]]]) -> None:
    runs: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, ask, points in contenders:
            started = time.perf_counter()
            ask(*points)
            runs.setdefault(name, []).append(len(points[0]) / (time.perf_counter() - started))
    for name, rates in runs.items():
        report.add(name, "points/s", *rates)


def _sorted(pairs: Pairs) -> Pairs:
    return pairs[:, np.lexsort(pairs)]


def _fill(
    database: psycopg.Connection, areas: list[shapely.Polygon], lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> str:
    """The peers' tables with their spatial indexes; returns the version of PostGIS."""
    database.execute("CREATE TABLE area (id int, geom geometry); CREATE TABLE point (id int, geom geometry)")
    for table, shapes in (("area", np.array(areas)), ("point", shapely.points(lon, lat))):
        texts = shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True)
        with database.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for row in enumerate(texts):
                copy.write_row(row)
    parts = f"SELECT id AS area, ST_Subdivide(geom, {SUBDIVIDED_VERTICES}) AS geom FROM area"
    database.execute(f"CREATE TABLE part AS {parts}")
    for table in ("part", "point"):
        database.execute(f"CREATE INDEX ON {table} USING gist (geom)")
        database.execute(f"ANALYZE {table}")
    version = database.execute("SELECT postgis_lib_version()").fetchone()
    return str(version[0]) if version else "?"
