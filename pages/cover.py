"""A tile service or PMTiles file over the base map, where the settings name one; names and islands stay above it."""

from dash import ClientsideFunction, Dash, Input, Output, dcc

from access.site import Site


def layout(site: Site) -> dcc.Store:
    """The over-layer as haidang.basemap.over takes it, or None."""
    url = site.basemap_url
    if url is None:
        return dcc.Store(id="cover", data=None)
    kind = "pmtiles" if url.partition("?")[0].endswith(".pmtiles") else "tiles"
    return dcc.Store(id="cover", data={"kind": kind, "url": url, "attribution": site.basemap_attribution})


def register(app: Dash, site: Site) -> None:
    """Hand the over-layer to the base map once the screen is there."""
    app.clientside_callback(
        ClientsideFunction("haidang_cover", "lay"), Output("cover", "storage_type"), Input("cover", "data")
    )
