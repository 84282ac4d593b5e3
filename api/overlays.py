"""What lies over the map besides its cells and points: one function for each sheet, told to the script of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.web import Web
from data import area_answers
from data.answers import Answer
from data.errors import WrongInput
from layouts.view import ViewState

Maker = Callable[[Web, ViewState, dict[str, Answer]], dict[str, Any] | None]


def pin(_web: Web, _view: ViewState, answers: dict[str, Answer]) -> dict[str, Any] | None:
    """What was found or pointed at: `lon` and `lat` in degrees (CGCS2000), where the reader may see it."""
    found = answers.get("pin")
    place = (found.parts.get("lon"), found.parts.get("lat")) if found is not None else (None, None)
    return {"lon": place[0], "lat": place[1]} if None not in place else None


def area(web: Web, view: ViewState, _answers: dict[str, Answer]) -> dict[str, Any] | None:
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


def overlays(web: Web, view: ViewState, answers: dict[str, Answer]) -> dict[str, Any]:
    """Sheet → what it shows in this view, without those that show nothing."""
    made = {name: make(web, view, answers) for name, make in MAKERS.items()}
    return {name: told for name, told in made.items() if told is not None}
