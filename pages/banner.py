"""What is wrong, across the top of the map: a lost connection, a database that does not answer, no data and why."""

from dash import ClientsideFunction, Dash, Input, Output, html

from access.site import Site
from pages.text import Text


def layout(site: Site, t: Text) -> html.Div:
    """Empty while all is well."""
    return html.Div("", id="banner", className="banner", role="alert", hidden=True)


def register(app: Dash, site: Site) -> None:
    """The worst of what connection, database and sources say; screen.js keeps its clock ticking."""
    app.clientside_callback(
        ClientsideFunction("haidang", "banner"),
        Output("banner", "children"),
        Output("banner", "hidden"),
        Output("banner", "className"),
        Input("connection", "data"),
        Input("database", "data"),
        Input("sources", "data"),
    )
