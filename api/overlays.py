"""What lies over the map besides its cells and points: one function for each sheet, told to the script of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.web import Web
from data import area_answers
from data.errors import WrongInput
from layouts.view import ViewState

Maker = Callable[[Web, ViewState], dict[str, Any] | None]


def pin(_web: Web, view: ViewState) -> dict[str, Any] | None:
    """A place that was looked up: `lon` and `lat` in degrees (CGCS2000)."""
    try:
        lon, lat = (float(part) for part in view.pin.split(","))
    except ValueError:
        return None
    return {"lon": lon, "lat": lat} if abs(lon) <= 180 and abs(lat) <= 85 else None


def area(web: Web, view: ViewState) -> dict[str, Any] | None:
    """What was drawn: its address's text, form, points and reach, outline and bounds; None where it is no area."""
    if not view.area:
        return None
    try:
        found = web.gate.ground.area(view.area)
    except WrongInput:
        # The drawer says in a sentence what is wrong with it.
        return None
    told = area_answers.told(found)
    names = ("text", "form", "points", "reach_m", "center", "outline", "course", "bounds")
    return {**{name: told[name] for name in names}, "editing": view.tool == "area"}


MAKERS: dict[str, Maker] = {"pin": pin, "area": area}


def overlays(web: Web, view: ViewState) -> dict[str, Any]:
    """Sheet → what it shows in this view, without those that show nothing."""
    made = {name: make(web, view) for name, make in MAKERS.items()}
    return {name: told for name, told in made.items() if told is not None}
