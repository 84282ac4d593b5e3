"""The map's part of a view: which cells, coloured by which metric, with which marks and point layers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from api.overlays import overlays
from api.web import Web
from data.answers import Answer, Question
from layouts.choropleth import Shading, marks, shade
from layouts.mapcards import layers_on
from layouts.screen import Screen
from layouts.view import ViewState


def _url(name: str, view: ViewState, version: str, scoped: bool) -> str:
    pairs = [("division", view.division)] if scoped else []
    pairs += [(f"f.{key}", value) for key, value in view.filters if scoped]
    # A window that follows the clock ends now, as a layer does without one.
    pairs += [(word, value) for word, value in (("from", view.start), ("to", view.end), ("at", view.at),
                                                ("known", view.known)) if scoped and value]
    return f"/api/v1/layers/{name}.geojson?{urlencode([*pairs, ('v', version)])}"


def numbered(web: Web, view: ViewState) -> bool:
    """Whether numbers stand beside the names: over the whole place, unless single events were asked for."""
    chosen = any(web.pack.layers[key].kind == "events" for key in view.map.layers if key in web.pack.layers)
    return view.division == web.pack.divisions.root.code and not chosen


def _points(web: Web, screen: Screen, view: ViewState, counted: bool) -> list[dict[str, Any]]:
    """Point layers that are on; where numbers stand beside the names, single events would say the same again."""
    found = []
    for key in layers_on(screen, view):
        layer = web.pack.layers.get(key)
        if layer is None or layer.kind == "lines" or (counted and layer.kind == "events"):
            continue
        kind = Question("rows", "events" if layer.kind == "events" else f"assets:{layer.source}")
        version = web.gate.version(web.gate.feeds_of(kind))
        found.append({"layer": key, "url": _url(key, view, version, layer.kind == "events"), "kind": layer.kind,
                      "shape": layer.shape, "name": layer.name})
    return found


def _ground(web: Web, name: str) -> str:
    """A file that was there at the start is asked for: when it has gone meanwhile, the map says so."""
    return f"/api/v1/layers/{name}.geojson?v={web.ground[name]}" if name in web.ground else ""


def _borrowed(web: Web, view: ViewState, level: str, shading: Shading) -> tuple[str, dict[str, list[Any]]] | None:
    """Below the finest published level: the cells to touch are still the children, each in the colour of the division
    whose figure it is, and named so.
    """
    divisions = web.pack.divisions
    here = divisions.get(view.division)
    children = divisions.children(here.code)
    if not children or divisions.level_names.index(level) > here.level:
        return None
    owner = next((code for code in divisions.chain(here.code) if code in shading.values), "")
    if not owner:
        return None
    at, text = shading.values[owner]
    return divisions.level_names[here.level + 1], {child.code: [at, f"{divisions.get(owner).name}级 {text}"]
                                                   for child in children}


def map_state(web: Web, screen: Screen, view: ViewState, answers: dict[str, Answer]) -> dict[str, Any]:
    """The map as JSON; {} on a page without one."""
    answer = answers.get("map")
    if answer is None:
        return {}
    divisions = web.pack.divisions
    level = answer.parts.get("level") or divisions.level_names[min(1, len(divisions.level_names) - 1)]
    shading = shade(answer)
    values = {code: list(value) for code, value in shading.values.items()}
    if cells := _borrowed(web, view, level, shading):
        level, values = cells
    numbers = marks(answers) if numbered(web, view) else {}
    bounds = divisions.geometry[divisions.index(view.division)].bounds
    return {
        "metric": answer.question.name, "division": view.division, "level": level,
        "cells": _url(f"divisions-{level}", view, web.geometry_version, False),
        "finer": [_url(f"divisions-{name}", view, web.geometry_version, False)
                  for name in divisions.level_names[divisions.level_names.index(level) + 1:]],
        "outline": _url(f"divisions-{divisions.level_names[0]}", view, web.geometry_version, False),
        "neighbours": _ground(web, "neighbours"), "rivers": _ground(web, "rivers"),
        "values": values, "classes": list(shading.tokens),
        "marks": {code: list(mark) for code, mark in numbers.items()},
        "bounds": [round(edge, 5) for edge in bounds],
        "focus": "" if view.division == divisions.root.code else view.division,
        "points": _points(web, screen, view, bool(numbers)), "overlays": overlays(web, view)}
