"""Whether the process lives, whether it is ready to be looked at, and its figures for Prometheus."""

import time
from datetime import UTC, datetime
from typing import Any

import redis
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client import REGISTRY as PROCESS

from access.site import Site
from geo.account import feeds
from layers import kpi_values

STARTED = time.time()


def mount(server: FastAPI, site: Site) -> None:
    """Add /healthz, /readyz and /metrics."""

    @server.get("/healthz", tags=["health"])
    def healthz() -> dict[str, Any]:
        """The process lives."""
        return {"status": "ok", "uptime_s": round(time.time() - STARTED, 1)}

    @server.get("/readyz", tags=["health"])
    def readyz() -> JSONResponse:
        """The database and Redis answer; each feed with the age of its last message. 503 when a server is away."""
        answer = {"database": _database(site), "redis": _redis(site)}
        ready = all(state == "ok" for state in answer.values())
        try:
            sources = _feeds(site) if answer["database"] == "ok" else {}
        except sa.exc.SQLAlchemyError:  # it went away in this very moment; the next question will say so
            sources = {}
        return JSONResponse({"ready": ready, **answer, "feeds": sources}, 200 if ready else 503)

    @server.get("/metrics", tags=["health"])
    def metrics() -> Response:
        """Figures of this process, of every feed and of every layer, in Prometheus's text format."""
        body = generate_latest(PROCESS) + generate_latest(_figures(site))
        return Response(body, media_type=CONTENT_TYPE_LATEST)


def _database(site: Site) -> str:
    try:
        with site.engine.connect() as connection:
            connection.execute(sa.text("SELECT 1 FROM feed LIMIT 1"))
    except sa.exc.SQLAlchemyError as error:
        return f"away: {str(error.__cause__ or error).splitlines()[0]}"
    return "ok"


def _redis(site: Site) -> str:
    try:
        with redis.Redis.from_url(site.redis_url, socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        return f"away: {error}"
    return "ok"


def _feeds(site: Site) -> dict[str, Any]:
    now = datetime.now(UTC)
    with site.engine.connect() as connection:
        rows = feeds(connection)
    return {
        row["source"]: {
            "age_s": None
            if row["last_message_at"] is None
            else round((now - row["last_message_at"]).total_seconds(), 1),
            "expected_s": row["expected_s"],
        }
        for row in rows
    }


def _figures(site: Site) -> CollectorRegistry:
    registry = CollectorRegistry()
    counts = Gauge("haidang_feed_records", "Records of a source by outcome.", ["source", "outcome"], registry=registry)
    refused = Gauge(
        "haidang_feed_rejected", "Rejected records of a source by reason.", ["source", "reason"], registry=registry
    )
    age = Gauge("haidang_feed_age_seconds", "Age of a source's last message.", ["source"], registry=registry)
    kpi = Gauge("haidang_layer_kpi", "A layer's figure.", ["layer", "kpi"], registry=registry)
    now = datetime.now(UTC)
    try:
        with site.engine.connect() as connection:
            for row in feeds(connection):
                for outcome in ("received", "accepted", "ignored", "messages", "positions", "rows"):
                    counts.labels(row["source"], outcome).set(row[outcome])
                for reason, number in row["rejected"].items():
                    refused.labels(row["source"], reason).set(number)
                if row["last_message_at"] is not None:
                    age.labels(row["source"]).set((now - row["last_message_at"]).total_seconds())
            for layer in site.layers:
                for name, value in kpi_values(connection, layer).items():
                    kpi.labels(layer.name, name).set(value or 0)
    except sa.exc.SQLAlchemyError:
        pass  # /readyz says so; the process's own figures are still worth having
    return registry
