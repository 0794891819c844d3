"""One layer as the live stream sees it: its columns in the database, and its style as told to the browser."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from geo.column import read_frame
from geo.live import Reading, classifier
from layers.layer import Layer

_KIND = ("name", "vi", "en", "icon", "color", "parent", "stale_s")


class Picture:
    """Reads the drawn columns of a layer's latest table, and describes the layer's style for the browser."""

    def __init__(self, layer: Layer) -> None:
        style, table = layer.style, layer.shape.latest
        self.name: str = layer.name
        classify = classifier([kind.where for kind in style.kinds])
        self.reading = Reading(style.label, style.angle, style.value, classify, style.estimated)
        wanted = dict.fromkeys((*style.columns(), "simulated", "anomaly"))
        columns = [table.c[column] for column in wanted if column in table.c]
        names = ", ".join(column.name for column in columns)
        self._query = (
            f"SELECT {layer.shape.key}::text AS key, ST_X(geom) AS lon, ST_Y(geom) AS lat, observed_at, received_at,"
            f" {names} FROM {table.name} WHERE geom IS NOT NULL AND observed_at IS NOT NULL"
        )
        stamp = sa.DateTime(timezone=True)
        self._types: dict[str, sa.types.TypeEngine[Any]] = {
            "key": sa.Text(),
            "lon": sa.Float(),
            "lat": sa.Float(),
            "observed_at": stamp,
        }
        self._types |= {"received_at": stamp, **{column.name: column.type for column in columns}}
        self._layer = layer

    def read(self, connection: sa.Connection, since: datetime | None = None) -> pd.DataFrame:
        """The latest rows (received after `since`): key, lon, lat, observed_at, received_at, the style's columns."""
        query, values = self._query, []
        if since is not None:
            query, values = f"{query} AND received_at > %s", [since]
        rows = read_frame(connection, query, self._types, values)
        return rows.astype({name: "float64" for name, kind in rows.dtypes.items() if kind == "Int64"})

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
