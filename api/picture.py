"""One layer as the live stream sees it: its columns in the database, and its style as told to the browser."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from geo.live import Reading, classifier
from layers.layer import Layer

_KIND = ("name", "vi", "en", "icon", "color", "parent", "stale_s")


class Picture:
    """Reads the drawn columns of a layer's latest table, and describes the layer's style for the browser."""

    def __init__(self, layer: Layer) -> None:
        style, table = layer.style, layer.shape.latest
        self.name: str = layer.name
        self.reading = Reading(style.label, style.angle, style.value, classifier([kind.where for kind in style.kinds]))
        wanted = dict.fromkeys((*style.columns(), "simulated", "estimated", "anomaly"))
        key = table.c[layer.shape.key]
        self._table = table
        self._select = sa.select(
            sa.cast(key, sa.Text).label("key"),
            sa.func.ST_X(table.c.geom).label("lon"),
            sa.func.ST_Y(table.c.geom).label("lat"),
            table.c.observed_at,
            table.c.received_at,
            *[table.c[column] for column in wanted if column in table.c],
        ).where(table.c.geom.isnot(None), table.c.observed_at.isnot(None))
        self._layer = layer

    def read(self, connection: sa.Connection, since: datetime | None = None) -> pd.DataFrame:
        """The latest rows (received after `since`): key, lon, lat, observed_at, received_at, the style's columns."""
        statement = self._select if since is None else self._select.where(self._table.c.received_at > since)
        result = connection.execute(statement)
        rows = pd.DataFrame.from_records(result.fetchall(), columns=list(result.keys()))
        for column in ("observed_at", "received_at"):
            rows[column] = pd.to_datetime(rows[column], utc=True)
        return rows

    def described(self, index: int) -> dict[str, Any]:
        """The layer in the greeting: name, index, titles, and its style with kinds in the order of their numbers."""
        layer, style = self._layer, self._layer.style
        kinds = [{name: getattr(kind, name) for name in _KIND} for kind in style.kinds]
        fields = {field.name: {"unit": field.unit, "vi": field.vi, "en": field.en} for field in layer.fields}
        return {
            "name": layer.name,
            "index": index,
            "vi": layer.vi,
            "en": layer.en,
            "style": {
                "kinds": kinds,
                "stale_s": style.stale_s,
                "lost_s": style.lost_s,
                "min_zoom": style.min_zoom,
                "cluster": style.cluster,
                "angle": fields.get(style.angle or ""),
                "value": fields.get(style.value or ""),
            },
        }
