"""The map's part of a view: which cells, coloured by which metric, with which marks and point layers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from api.overlays import overlays
from api.web import Web
from data.answers import Answer, Question
from data.catalogue import rows_question
from data.marks import MOST_SINGLE
from layouts import words
from layouts.choropleth import Shading, marks, shade
from layouts.maplayers import HEAT, heats_on, layers_on, told_by
from layouts.screen import Screen
from layouts.view import ViewState

MOST_NUMBERS, MOST_VALUES = 100, 600


def _span(view: ViewState) -> list[tuple[str, str]]:
    """Filters and instants of a view; a window that follows the clock ends now, as a layer does without one."""
    said = (("from", view.start), ("to", view.end), ("at", view.at), ("known", view.known))
    return [*((f"f.{key}", value) for key, value in view.filters), *((word, value) for word, value in said if value)]


def _url(name: str, view: ViewState, version: str, scoped: bool) -> str:
    pairs = [("division", view.division), *_span(view)] if scoped else []
    return f"/api/v1/layers/{name}.geojson?{urlencode([*pairs, ('v', version)])}"


def numbered(web: Web, view: ViewState, counted: Answer | None = None) -> bool:
    """Whether numbers stand beside the names: over the whole place, unless single events were asked for or there are
    more divisions than numbers could be read.
    """
    chosen = any(web.pack.layers[key].kind == "events" for key in view.map.layers if key in web.pack.layers)
    crowded = counted is not None and len(counted.groups) > MOST_NUMBERS
    return view.division == web.pack.divisions.root.code and not chosen and not crowded


def layer_questions(web: Web, screen: Screen, view: ViewState) -> dict[str, Question]:
    """What is asked of the map's layers: `layer.<key>`, how many there are, for the screen's own and whatever is on;
    `state.<key>`, the readings by which the marks of one that is on are colored.
    """
    layers, on = web.pack.layers, layers_on(screen, view)
    heats = [HEAT + key for key in heats_on(screen, view)]
    keys = [key for key in dict.fromkeys((*screen.map.layers, *on, *heats)) if key.removeprefix(HEAT) in layers]
    found = {f"layer.{key}": rows_question(layers[key.removeprefix(HEAT)]) for key in keys
             if layers[key.removeprefix(HEAT)].kind != "lines"}
    return found | {f"state.{key}": Question("metric", layers[key].metric, "station") for key in on
                    if key in layers and layers[key].metric}


def _points(web: Web, screen: Screen, view: ViewState, answers: dict[str, Answer],
            counted: bool) -> list[dict[str, Any]]:
    """Layers that are on; where numbers stand beside the names, single events would say the same again.

    old: its source is down, so that what is drawn is only the last that was known. many: more than are told one by
    one, so that the map asks for what is in sight, at its zoom.
    """
    found = []
    for key in layers_on(screen, view):
        layer = web.pack.layers.get(key)
        if layer is None or (counted and layer.kind == "events"):
            continue
        told = told_by(key, answers)
        found.append({"layer": key, "url": layer_url(web, view, key), "kind": layer.kind, "shape": layer.shape,
                      "old": told is not None and told.freshness == "down",
                      "many": told is not None and not layer.metric and (told.total or 0) > MOST_SINGLE})
    return found


def layer_url(web: Web, view: ViewState, key: str, scoped: bool = False) -> str:
    """Where a layer's records are read; `scoped`: those of the division alone, whatever their kind."""
    layer = web.pack.layers[key]
    if layer.kind == "lines":
        return _url(key, view, web.geometry_version, False)
    feeds = web.gate.feeds_of(rows_question(layer))
    feeds += web.gate.feeds_of(Question("metric", layer.metric)) if layer.metric else ()
    return _url(key, view, web.gate.version(feeds), scoped or layer.kind == "events" or bool(layer.metric))


def _ground(web: Web, name: str) -> str:
    if not (web.pack.root / f"{name}.geojson").exists():
        return ""
    return f"/api/v1/layers/{name}.geojson?v={web.geometry_version}"


def _borrowed(web: Web, view: ViewState, level: str, shading: Shading) -> tuple[str, dict[str, list[Any]]] | None:
    """Below the finest published level: the cells to touch are those asked for, else the children, each in the color
    of the division whose figure it is, and named so. A finer level's cells look for it among those above them.
    """
    divisions = web.pack.divisions
    names, asked = divisions.level_names, view.map.level
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
    pairs = [("division", view.division), ("by", answer.parts["level"]), *_span(view), *window,
             ("v", web.gate.version(web.gate.feeds_of(answer.question)))]
    return {"url": f"/api/v1/metrics/{answer.question.name}?{urlencode(pairs)}", "breaks": list(shading.breaks),
            "unit": answer.unit, "decimals": answer.decimals, "signed": answer.question.name.endswith(words.OVER)}


def map_state(web: Web, screen: Screen, view: ViewState, answers: dict[str, Answer]) -> dict[str, Any]:
    """The map as JSON; {} on a page without one."""
    answer = answers.get("map")
    if answer is None:
        return {}
    divisions = web.pack.divisions
    level = answer.parts.get("level") or divisions.level_names[min(1, len(divisions.level_names) - 1)]
    shading = shade(answer, view.map.classes)
    figures = _figures(web, view, answer, shading)
    values = {} if figures else {code: list(value) for code, value in shading.values.items()}
    if cells := _borrowed(web, view, level, shading):
        (level, values), figures = cells, None
    numbers = marks(answers) if numbered(web, view, answers.get("map.number")) else {}
    bounds = divisions.geometry[divisions.index(view.division)].bounds
    return {
        "metric": answer.question.name, "division": view.division, "level": level,
        "cells": _url(f"divisions-{level}", view, web.geometry_version, False),
        "finer": [_url(f"divisions-{name}", view, web.geometry_version, False)
                  for name in divisions.level_names[divisions.level_names.index(level) + 1:]],
        "outline": _url(f"divisions-{divisions.level_names[0]}", view, web.geometry_version, False),
        "neighbours": _ground(web, "neighbours"), "rivers": _ground(web, "rivers"),
        "values": values, "figures": figures, "classes": list(shading.tokens),
        "marks": {code: list(mark) for code, mark in numbers.items()},
        "bounds": [round(edge, 5) for edge in bounds],
        "focus": "" if view.division == divisions.root.code else view.division,
        "points": _points(web, screen, view, answers, bool(numbers)), "overlays": overlays(web, view)}
