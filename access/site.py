"""What every screen and route is given: the layers, the web role's database, the stream, the centre's values."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from layers.layer import Layer


@dataclass(frozen=True)
class Site:
    """One centre's installation as its web process sees it. view: lat, lon (degrees) and zoom of the first picture.

    archive: the directory of the closed days' files, for geo.track. Of what may leave the house: outgoing_allowed, the
    places (host:port) that channels may reach; secret_names, never their values; withholding, that nothing leaves it.
    cap_sender, public_url: under which name, and below which address, warnings go out.
    start_lab: starts the process of a run of the rule lab by its number.
    """

    engine: Engine
    redis_url: str
    layers: tuple[Layer, ...]
    centre_vi: str
    centre_en: str
    view: tuple[float, float, int]
    archive: Path = Path()
    simulated: bool = False
    basemap_url: str | None = None
    basemap_attribution: str = ""
    tick_ms: int = 250
    live_clients_max: int = 1000
    outgoing_allowed: frozenset[str] = frozenset()
    secret_names: frozenset[str] = frozenset()
    withholding: bool = False
    cap_sender: str = "haidang.invalid"
    public_url: str | None = None
    start_lab: Callable[[int], None] | None = None
    allowed_hosts: tuple[str, ...] = field(default=("127.0.0.1", "localhost", "[::1]"))

    def layer(self, name: str) -> Layer | None:
        """The layer of that name, or None."""
        return next((layer for layer in self.layers if layer.name == name), None)
