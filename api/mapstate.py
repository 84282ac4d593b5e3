"""The map's part of a view: which cells, coloured by which metric, with which marks and point layers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from api.web import Web
from data.answers import Answer, Question
from layouts.choropleth import marks, shade
from layouts.mapcards import layers_on
from layouts.screen import Screen
from layouts.view import ViewState


def _url(name: str, view: ViewState, version: str, scoped: bool) -> str:
    pairs = [("division", view.division)] if scoped else []
    pairs += [(f"f.{key}", value) for key, value in view.filters if scoped]
    return f"/api/v1/layers/{name}.geojson?{urlencode([*pairs, ('v', version)])}"


def _points(web: Web, screen: Screen, view: ViewState, numbered: bool) -> list[dict[str, Any]]:
    """Point layers that are on; where numbers stand beside the names, single events would say the same again."""
    found = []
    for key in layers_on(screen, view):
        layer = web.pack.layers.get(key)
        if layer is None or layer.kind == "lines" or (numbered and layer.kind == "events"):
            continue
        kind = Question("rows", "events" if layer.kind == "events" else f"assets:{layer.source}")
        version = web.gate.version(web.gate.feeds_of(kind))
        found.append({"layer": key, "url": _url(key, view, version, layer.kind == "events"), "kind": layer.kind,
                      "shape": layer.shape})
    return found


def _ground(web: Web, name: str) -> str:
    if not (web.pack.root / f"{name}.geojson").exists():
        return ""
    return f"/api/v1/layers/{name}.geojson?v={web.geometry_version}"


def map_state(web: Web, screen: Screen, view: ViewState, answers: dict[str, Answer]) -> dict[str, Any]:
    """The map as JSON; {} on a page without one."""
    answer = answers.get("map")
    if answer is None:
        return {}
    divisions = web.pack.divisions
    level = answer.parts.get("level") or divisions.level_names[min(1, len(divisions.level_names) - 1)]
    shading = shade(answer)
    chosen = any(web.pack.layers[key].kind == "events" for key in view.map.layers if key in web.pack.layers)
    numbered = marks(answers) if view.division == divisions.root.code and not chosen else {}
    bounds = divisions.geometry[divisions.index(view.division)].bounds
    return {
        "metric": answer.question.name, "division": view.division, "level": level,
        "cells": _url(f"divisions-{level}", view, web.geometry_version, False),
        "finer": [_url(f"divisions-{name}", view, web.geometry_version, False)
                  for name in divisions.level_names[divisions.level_names.index(level) + 1:]],
        "outline": _url(f"divisions-{divisions.level_names[0]}", view, web.geometry_version, False),
        "neighbours": _ground(web, "neighbours"), "rivers": _ground(web, "rivers"),
        "values": {code: list(value) for code, value in shading.values.items()}, "classes": list(shading.tokens),
        "marks": {code: list(mark) for code, mark in numbered.items()},
        "bounds": [round(edge, 5) for edge in bounds],
        "focus": "" if view.division == divisions.root.code else view.division,
        "points": _points(web, screen, view, bool(numbered))}
