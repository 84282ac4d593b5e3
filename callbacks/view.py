"""The view: one state, figures first, everything else one painted frame later, all in the browser (assets/view.js)."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output

from layouts import ids


def register(app: Dash) -> None:
    """Wire the two client-side functions of a view; `data-ready` is set by `CountyMap` when its picture stands."""
    html_of = [Output(ids.region(name), "html") for name in ids.FIRST_REGIONS]
    later = [Output(ids.region(name), "html") for name in ids.LATER_REGIONS]
    app.clientside_callback(
        ClientsideFunction("view", "figures"), *html_of, Output(ids.ANSWER, "data"),
        Input(ids.VIEW, "data"), Input(ids.LIVE, "data"))
    app.clientside_callback(
        ClientsideFunction("view", "rest"), *later, Output(ids.MAP_STATE, "data"),
        Input(ids.ANSWER, "data"), prevent_initial_call=True)
