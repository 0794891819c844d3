"""The web process: one FastAPI server with our routes first, Dash's after them, and the guard before both."""

import os
import resource
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastapi_offline
import uvicorn
from dash import Dash
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

import api
import pages
from access.guard import Guard
from access.site import Site
from api.statistics import Makers
from geo.database import engine
from geo.heartbeat import Heartbeat
from geo.outgoing import allow
from layers import discover
from pages import evidence_paper, fisheries_paper, fleet_paper, fleet_sheets, handover_paper, public_routes
from run.lab import starter

if TYPE_CHECKING:
    from settings import Settings

ROOT = Path(__file__).resolve().parent.parent
# Workers are started by our own scripts, and the base map's data are read by one; neither is a page script.
NOT_PAGE_SCRIPTS = r".*\.worker\.js$|.*\.py$"
NOT_PAGE_FOLDERS = ["^basemap$", "^vendor$", "^docs$", "^public$"]
SEND_BUFFER_BYTES = 128 << 10  # per connection, of which the kernel makes twice as much
DOCS = """<!DOCTYPE html>
<html lang="vi"><head><meta charset="utf-8"><title>Hải Đăng API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script><script src="/assets/docs/open.js"></script></body></html>"""


def make_site(settings: "Settings", database_url: str, redis_url: str) -> Site:
    """The Site of this installation, from its settings."""
    return Site(
        engine=engine(database_url),
        redis_url=redis_url,
        layers=discover(),
        centre_vi=settings.centre_vi,
        centre_en=settings.centre_en,
        view=(settings.view_lat, settings.view_lon, settings.view_zoom),
        archive=settings.archive,
        simulated=any(settings.simulated_sources.values()),
        basemap_url=settings.basemap_url,
        basemap_attribution=settings.basemap_attribution,
        tick_ms=settings.live_tick_ms,
        live_clients_max=settings.live_clients_max,
        allowed_hosts=settings.allowed_hosts,
        outgoing_allowed=allow(settings.outgoing_allowed),
        secret_names=frozenset(settings.secrets),
        withholding=settings.withholding,
        cap_sender=settings.cap_sender,
        public_url=settings.public_url,
        start_lab=starter(os.environ),
    )


def make_server(site: Site) -> ASGIApp:
    """The ASGI application of one site."""
    server = FastAPI(title="Hải Đăng", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")

    @server.get("/api/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(DOCS)

    viewer = Path(fastapi_offline.__file__).parent / "static"
    server.mount("/api/docs/", StaticFiles(directory=viewer))
    report = Makers(fleet_paper.paper, fleet_sheets.month_book, fleet_sheets.day_book)
    api.mount(server, site, handover_paper.paper, fisheries_paper.paper, evidence_paper.paper, report)
    public_routes.mount(server, site)
    dash = Dash(
        __name__,
        server=server,
        backend="fastapi",
        assets_folder=str(ROOT / "assets"),
        assets_ignore=NOT_PAGE_SCRIPTS,
        assets_path_ignore=NOT_PAGE_FOLDERS,
        title="Hải Đăng",
        update_title="",
        compress=False,
    )
    pages.mount(dash, site)
    # Dash finds its scripts and styles at the first request to `/`; any other address asked for before that would be
    # answered without them.
    dash._setup_server()
    return Guard(server, site.allowed_hosts)


class _Server(uvicorn.Server):
    """uvicorn that gives its sign of life from its own main loop, and lets go of connections that are over."""

    def __init__(self, config: uvicorn.Config, heartbeat: Heartbeat) -> None:
        super().__init__(config)
        self._heartbeat = heartbeat
        self._unsent: dict[Any, int] = {}  # connection that is being closed -> bytes it still has to send

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in (one for server in self.servers for one in server.sockets):
            # Each connection inherits it. The kernel would by itself keep megabytes for a client that does not read,
            # and it would be minutes before anybody noticed.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            self._heartbeat.beat()
            self._cut_off()
        return await super().on_tick(counter)

    def _cut_off(self) -> None:
        """End what is being closed and got rid of nothing for a second: the other side may never read the rest."""
        closing = [one for one in self.server_state.connections if one.transport.is_closing()]
        unsent = {one: one.transport.get_write_buffer_size() for one in closing}
        for one, size in unsent.items():
            if self._unsent.get(one) == size:
                one.transport.abort()
        self._unsent = unsent


def allow_connections() -> None:
    """Let this process open as many files as it may: the usual 1,024 are fewer than its live clients."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve(application: ASGIApp, host: str, port: int, heartbeat: Heartbeat) -> None:
    """Serve until a signal ends it; open streams are closed after 3 s at the latest."""
    allow_connections()
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        # The live stream's frames are dense already, and deflating them once per client would cost more than it saves.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    _Server(config, heartbeat).run()
