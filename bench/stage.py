"""A bare map page with a made-up fleet on the real live stream: what the drawing is measured and tested on."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dash
import dash_leaflet as dl
import numpy as np
import numpy.typing as npt
import pandas as pd
import uvicorn
from dash import dcc, html
from fastapi import FastAPI

from access.site import Site
from api.live import LiveHub, Loop, serve
from geo.database import engine
from layers.layer import Layer
from layers.vessel import LAYER as VESSEL

ASSETS = Path(__file__).resolve().parent.parent / "assets"
CENTRE = (16.6, 108.2)
#: No page scripts but the live drawing's: what the other screens' scripts cost is not the drawing's.
ONLY_LIVE = r"^(?!live\.js$|tokens\.css$).*"
STORES = ("chosen", "counts", "view", "connection", "feed-hint", "alarm-hint", "rows")


@dataclass
class Fleet:
    """Vessels around Huế, from a seed: positions, courses and speeds; `move` moves a share of them on for a second."""

    count: int
    seed: int = 7
    lon: npt.NDArray[np.float64] = field(init=False)
    lat: npt.NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self._random = random = np.random.default_rng(self.seed)
        n = self.count
        self.lon = random.uniform(107.4, 109.0, n)
        self.lat = random.uniform(16.0, 17.2, n)
        self._course = random.uniform(0, 360, n)
        self._speed = np.where(random.random(n) < 0.2, 0.0, random.uniform(1, 12, n))
        self._ship_type = random.choice([30, 30, 30, 60, 70, 80, 90], n)
        self._length = random.uniform(6, 60, n)

    def rows(self, which: npt.NDArray[np.int64] | None = None) -> pd.DataFrame:
        """Those vessels (all) as a worker publishes them: after-state rows of the vessel layer, observed now."""
        i = np.arange(self.count) if which is None else which
        mmsi = 574_000_000 + i
        return pd.DataFrame(
            {
                "key": mmsi.astype(str),
                "lon": self.lon[i],
                "lat": self.lat[i],
                "observed_at": pd.Timestamp.now("UTC").as_unit("us"),
                "mmsi": mmsi,
                "shipname": [f"TTH-{90000 + n}-TS" for n in i],
                "course": self._course[i],
                "speed": self._speed[i],
                "ship_type": self._ship_type[i],
                "length_m": self._length[i],
                "msg_type": 1,
                "simulated": True,
            }
        )

    def move(self, share: float) -> pd.DataFrame:
        """Move a share of the vessels on, and give their rows."""
        i = np.sort(self._random.choice(self.count, int(self.count * share), replace=False)).astype(np.int64)
        way = self._speed[i] / 3600 / 60
        self.lon[i] += np.sin(np.radians(self._course[i])) * way
        self.lat[i] += np.cos(np.radians(self._course[i])) * way
        return self.rows(i)


class StageHub(LiveHub):
    """A live hub that is handed its rows and asks neither Redis nor a database."""

    def freeze(self, frozen: bool) -> None:
        """Stop or start every loop, leaving the clients connected."""
        for task in self._tasks:
            task.cancel()
        self._tasks = [] if frozen else [asyncio.create_task(self._forever(loop)) for loop in self.loops()]

    def loops(self) -> tuple[Loop, ...]:
        """Only ticks and heartbeats."""
        return (self._tick, self._beat)


@dataclass(frozen=True)
class Stage:
    """A running page: its address, and `put` to hand changed rows of a layer to the live stream."""

    url: str
    hub: StageHub
    loop: asyncio.AbstractEventLoop

    def put(self, rows: pd.DataFrame, layer: str = "vessel") -> None:
        """Tell the live stream of changed rows; returns when they are taken."""
        self._within(lambda: self.hub.take(layer, rows))

    def remove(self, keys: list[str], layer: str = "vessel") -> None:
        """Make objects vanish from the live stream."""
        self._within(lambda: self.hub.forget(layer, keys))

    def tell(self, message: str) -> None:
        """Send a text message to every client."""
        self._within(lambda: self.hub.broadcast.tell([message]))

    def freeze(self, frozen: bool) -> None:
        """Make the server fall silent, connections open, and speak again."""
        self._within(lambda: self.hub.freeze(frozen))

    def _within(self, act: Callable[[], None]) -> None:
        done = threading.Event()

        def run() -> None:
            act()
            done.set()

        self.loop.call_soon_threadsafe(run)
        done.wait(30)


def site(layers: tuple[Layer, ...] = (VESSEL,), tick_ms: int = 50) -> Site:
    """A Site whose servers are never asked."""
    nowhere = engine("postgresql://nobody@127.0.0.1:1/none")
    return Site(nowhere, "redis://127.0.0.1:1", layers, "Huế", "Huế", (*CENTRE, 10), simulated=True, tick_ms=tick_ms)


def page(
    server: FastAPI, children: list[Any] | None = None, zoom: int = 10, map_options: dict[str, Any] | None = None
) -> dash.Dash:
    """A Dash app with a map alone, on the server."""
    app = dash.Dash("stage", server=server, backend="fastapi", assets_folder=str(ASSETS), assets_ignore=ONLY_LIVE)
    style = {"position": "fixed", "inset": 0, "background": "var(--sea)"}
    leaflet = dl.Map(children or [], id="map", center=CENTRE, zoom=zoom, style=style, **(map_options or {}))
    app.layout = html.Div([leaflet, *[dcc.Store(id=name) for name in STORES]])
    return app


@contextmanager
def running(server: FastAPI) -> Iterator[tuple[str, asyncio.AbstractEventLoop, uvicorn.Server]]:
    """Serve on a free loopback port from a thread; stops at the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        server, log_level="error", ws_per_message_deflate=False, timeout_graceful_shutdown=1, lifespan="on"
    )
    web = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []
    started = threading.Event()

    async def serve_it() -> None:
        loops.append(asyncio.get_running_loop())
        started.set()
        await web.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve_it()), daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", loops[0], web
    finally:
        web.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def stage(layers: tuple[Layer, ...] = (VESSEL,), tick_ms: int = 50, zoom: int = 10) -> Iterator[Stage]:
    """The page with the live drawing, and an empty sea to put vessels on."""
    server = FastAPI()
    hub = StageHub(site(layers, tick_ms))
    serve(server, hub)
    page(server, zoom=zoom)
    with running(server) as (url, loop, _):
        yield Stage(url, hub, loop)
