"""The map's part of a view: which cells, coloured by which metric, with which marks and point layers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from api.mapcells import PART, cells_in, cells_of, dense
from api.maplayers import points, sheets, span
from api.overlays import overlays
from api.questions import moment
from api.web import Web
from data.answers import Answer
from layouts import words
from layouts.choropleth import Shading, marks, shade
from layouts.maplayers import HEAT
from layouts.screen import Context, Screen
from layouts.view import ViewState

MOST_NUMBERS, MOST_VALUES = 100, 600


def numbered(web: Web, view: ViewState) -> bool:
    """Whether numbers stand beside the names: over the whole place, unless events were asked for, single or as a
    density, or there are more divisions than numbers could be read.
    """
    keys = [key.removeprefix(HEAT) for key in view.map.layers]
    chosen = any(web.pack.layers[key].kind == "events" for key in keys if key in web.pack.layers)
    return (view.division == web.pack.divisions.root.code and not chosen
            and cells_in(web.pack.divisions, view) <= MOST_NUMBERS)


def _ground(web: Web, name: str) -> str:
    """A file that was there at the start is asked for: when it has gone meanwhile, the map says so."""
    return f"/api/v1/layers/{name}.geojson?v={web.ground[name]}" if name in web.ground else ""


def _borrowed(web: Web, view: ViewState, level: str, shading: Shading) -> tuple[str, dict[str, list[Any]]] | None:
    """Below the finest published level: the cells to touch are those asked for, else the children, each in the color
    of the division whose figure it is, and named so. A finer level's cells look for it among those above them.
    """
    divisions = web.pack.divisions
    names, asked = divisions.level_names, view.map.drawn or view.map.level
    if asked and names.index(asked) > names.index(level):
        return asked, {code: [at, f"{divisions.get(code).name}级 {text}"]
                       for code, (at, text) in shading.values.items()}
    here = divisions.get(view.division)
    children = divisions.children(here.code)
    if not children or names.index(level) > here.level or asked:
        return None
    owner = next((code for code in divisions.chain(here.code) if code in shading.values), "")
    if not owner:
        return None
    at, text = shading.values[owner]
    return names[here.level + 1], {child.code: [at, f"{divisions.get(owner).name}级 {text}"] for child in children}


def _figures(web: Web, view: ViewState, answer: Answer, shading: Shading) -> dict[str, Any] | None:
    """Where the values of very many cells are read, and how they become classes and words; None where few stand here.
    """
    if len(shading.values) <= MOST_VALUES or not shading.by_limits:
        return None
    window = [("window", view.window)] if not (view.start or view.end) else []
    parts = isinstance(cells_of(web, answer.parts["level"]), dict)
    pairs = [("division", PART if parts else view.division), ("by", answer.parts["level"]), *span(view), *window,
             ("v", web.gate.version(web.gate.feeds_of(answer.question), moment(web, view)))]
    return {"url": f"/api/v1/metrics/{answer.question.name}?{urlencode(pairs)}", "breaks": list(shading.breaks),
            "unit": answer.unit, "decimals": answer.decimals, "signed": answer.question.name.endswith(words.OVER),
            "within": list(web.pack.divisions.chain(view.division))}


def map_state(web: Web, screen: Screen, context: Context, answers: dict[str, Answer],
              shading: Shading | None = None) -> dict[str, Any]:
    """The map as JSON; {} on a page without one. `shading`: classes that were made elsewhere."""
    answer, view = answers.get("map"), context.view
    if answer is None:
        return {}
    divisions = web.pack.divisions
    level = answer.parts.get("level") or divisions.level_names[min(1, len(divisions.level_names) - 1)]
    shading = shading or context.shading or shade(answer, view.map.classes)
    figures = _figures(web, view, answer, shading)
    values = {} if figures else {code: list(value) for code, value in shading.values.items()}
    if cells := _borrowed(web, view, level, shading):
        (level, values), figures = cells, None
    numbers = marks(answers) if numbered(web, view) else {}
    bounds = divisions.geometry[divisions.index(view.division)].bounds
    return {
        "metric": answer.question.name, "division": view.division, "level": level,
        "cells": cells_of(web, level), "dense": dense(divisions, view),
        "finer": [cells_of(web, name) for name in divisions.level_names[divisions.level_names.index(level) + 1:]],
        "outline": cells_of(web, divisions.level_names[0]),
        "neighbours": _ground(web, "neighbours"), "rivers": _ground(web, "rivers"),
        "values": values, "figures": figures, "classes": list(shading.tokens),
        "marks": {code: list(mark) for code, mark in numbers.items()},
        "bounds": [round(edge, 5) for edge in bounds],
        "focus": "" if view.division == divisions.root.code else view.division,
        "points": points(web, screen, view, answers, bool(numbers)),
        "overlays": overlays(web, view, answers) | sheets(web, screen, view, context.densities)}
