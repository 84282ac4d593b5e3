"""The map's frame: a Leaflet map without tiles, on which own canvases hang (assets/map*.js)."""

from __future__ import annotations

import dash_leaflet as dl
from dash.development.base_component import Component

from layouts import ids


def county_map() -> Component:
    """Leaflet with its zoom buttons; everything else seen on it is drawn by assets/map*.js."""
    shown: Component = dl.MapContainer(
        [dl.ZoomControl(position="bottomright")],
        id=ids.MAP, className="ground", center=[0, 0], zoom=9, minZoom=5, maxZoom=18, zoomSnap=.25, zoomDelta=.5,
        wheelPxPerZoomLevel=120, zoomControl=False, attributionControl=False, preferCanvas=True, zoomAnimation=False,
        fadeAnimation=False, inertia=False, trackViewport=False, doubleClickZoom=True, keyboard=False)
    return shown
