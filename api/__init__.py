"""What other systems call: the live stream, features, alarms, health and metrics."""

from fastapi import FastAPI

from access.site import Site
from api import alarms, features, health, live


def mount(server: FastAPI, site: Site) -> None:
    """Put every route of this room on the server; to be called before Dash adds its own."""
    health.mount(server, site)
    features.mount(server, site)
    alarms.mount(server, site)
    live.mount(server, site)
