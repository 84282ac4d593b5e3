"""What lies over the map besides its cells and points: one function for each sheet, told to the script of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.web import Web
from layouts.view import ViewState

Maker = Callable[[Web, ViewState], dict[str, Any] | None]


def pin(_web: Web, view: ViewState) -> dict[str, Any] | None:
    """A place that was looked up: `lon` and `lat` in degrees (CGCS2000)."""
    try:
        lon, lat = (float(part) for part in view.pin.split(","))
    except ValueError:
        return None
    return {"lon": lon, "lat": lat} if abs(lon) <= 180 and abs(lat) <= 85 else None


MAKERS: dict[str, Maker] = {"pin": pin}


def overlays(web: Web, view: ViewState) -> dict[str, Any]:
    """Sheet → what it shows in this view, without those that show nothing."""
    made = {name: make(web, view) for name, make in MAKERS.items()}
    return {name: told for name, told in made.items() if told is not None}
