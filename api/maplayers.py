"""The map's layers: what is asked of them, where the browser reads them, and what is told of their sheets."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from shapely.geometry.base import BaseGeometry

from analysis.density import Density, bandwidth_m, density_of, zoom_for
from api.questions import moment
from api.web import Web
from data.answers import Answer, Question
from data.catalogue import line_file, line_version, rows_question
from data.marks import MOST_SINGLE, SQUARE_PX
from geo.plane import areas_km2
from layouts.maplayers import HEAT, heats_on, layers_on, told_by
from layouts.screen import Screen
from layouts.view import ViewState


def span(view: ViewState) -> list[tuple[str, str]]:
    """Filters and instants of a view; a window that follows the clock ends now, as a layer does without one."""
    said = (("from", view.start), ("to", view.end), ("at", view.at), ("known", view.known))
    return [*((f"f.{key}", value) for key, value in view.filters), *((word, value) for word, value in said if value)]


def address(name: str, view: ViewState, version: str, scoped: bool, at: str = "") -> str:
    """Address of a layer's GeoJSON; `at`: as it was then, of one that shows the whole place."""
    pairs = [("division", view.division), *span(view)] if scoped else [("at", at)] if at else []
    return f"/api/v1/layers/{name}.geojson?{urlencode([*pairs, ('v', version)])}"


def layer_questions(web: Web, screen: Screen, view: ViewState) -> dict[str, Question]:
    """What is asked of the map's layers: `layer.<key>`, how many there are, for the screen's own and whatever is on;
    `state.<key>`, the readings by which the marks of one that is on are colored.
    """
    layers, on = web.pack.layers, layers_on(screen, view)
    heats = [HEAT + key for key in heats_on(screen, view)]
    keys = [key for key in dict.fromkeys((*screen.map.layers, *on, *heats)) if key.removeprefix(HEAT) in layers]
    found = {f"layer.{key}": rows_question(layers[key.removeprefix(HEAT)]) for key in keys
             if layers[key.removeprefix(HEAT)].kind != "lines"}
    # Of a density all points are asked for: the very question behind the address from which the map reads them.
    found |= {f"heat.{key}": Question("marks", rows_question(layers[key]).name, zoom=_joined(web, view, key))
              for key in heats_on(screen, view) if key in layers}
    return found | {f"state.{key}": Question("metric", layers[key].metric, "station") for key in on
                    if key in layers and layers[key].metric}


def points(web: Web, screen: Screen, view: ViewState, answers: dict[str, Answer],
            counted: bool) -> list[dict[str, Any]]:
    """Layers that are on; where numbers stand beside the names, single events would say the same again.

    old: its source is down, so that what is drawn is only the last that was known. many: more than are told one by
    one, so that the map asks for what is in sight, at its zoom.
    """
    found = []
    for key in layers_on(screen, view):
        layer = web.pack.layers.get(key)
        if layer is None or layer.kind == "lines" or (counted and layer.kind == "events"):
            continue
        told = told_by(key, answers)
        found.append({"layer": key, "name": layer.name, "url": layer_url(web, view, key), "kind": layer.kind,
                      "shape": layer.shape, "old": told is not None and told.freshness == "down",
                      "many": told is not None and not layer.metric and (told.total or 0) > MOST_SINGLE})
    return found


def layer_url(web: Web, view: ViewState, key: str, scoped: bool = False) -> str:
    """Where a layer's records are read; `scoped`: those of the division alone, whatever their kind."""
    layer = web.pack.layers[key]
    if layer.kind == "lines":
        return address(key, view, line_version(line_file(web.pack, layer)), False)
    feeds = web.gate.feeds_of(rows_question(layer))
    feeds += web.gate.feeds_of(Question("metric", layer.metric)) if layer.metric else ()
    then = moment(web, view)
    since = web.gate.assets_at(then)
    # From one instant to the next the same address while no asset changes.
    at = since.isoformat() if since is not None and not then.known_now else ""
    scoped = scoped or layer.kind == "events" or bool(layer.metric)
    return address(key, view, web.gate.version(feeds, then), scoped, at)


def densities(web: Web, screen: Screen, view: ViewState, answers: dict[str, Answer]) -> dict[str, Density]:
    """Bandwidth and limits of the densities that are on, of the points of the view's division."""
    held = {key: answers[f"heat.{key}"].rows for key in heats_on(screen, view) if f"heat.{key}" in answers}
    return {key: density_of([(row["lon"], row["lat"], row["n"]) for row in rows], _area_km2(web, view))
            for key, rows in held.items()}


def _shape(web: Web, view: ViewState) -> BaseGeometry:
    """The border of the view's division; of the whole place where the address names none, or none that exists."""
    divisions = web.pack.divisions
    code = view.division if view.division in divisions else divisions.root.code
    return divisions.geometry[divisions.index(code)]


def _area_km2(web: Web, view: ViewState) -> float:
    return float(areas_km2([_shape(web, view)])[0])


def _joined(web: Web, view: ViewState, key: str) -> int | None:
    """The zoom whose squares join a layer's points finely enough for the density; None where all are told."""
    south, north = _shape(web, view).bounds[1::2]
    width = bandwidth_m(_area_km2(web, view))
    return None if web.pack.layers[key].metric else zoom_for(width, SQUARE_PX, (south + north) / 2)


def sheets(web: Web, screen: Screen, view: ViewState, found: dict[str, Density]) -> dict[str, Any]:
    """Sheet → what it shows: the density of a layer, and layers of lines."""
    told: dict[str, Any] = {}
    for key, density in found.items():
        zoom = _joined(web, view, key)
        url = layer_url(web, view, key, True) + (f"&zoom={zoom}" if zoom is not None else "")
        told["heat"] = {"url": url, "name": web.pack.layers[key].name, "bandwidth": density.bandwidth_m,
                        "limits": list(density.limits)}
    lines = [key for key in layers_on(screen, view) if key in web.pack.layers and web.pack.layers[key].kind == "lines"]
    return told | ({"lines": [{"layer": key, "name": web.pack.layers[key].name, "url": layer_url(web, view, key)}
                               for key in lines]} if lines else {})
