"""`/layers`: geometry of divisions (immutable per version), points and lines of the map's layers."""

from __future__ import annotations

import time
from typing import Any

import orjson
import shapely
from starlette.requests import Request
from starlette.responses import Response

from access.principal import Principal
from api.mapcells import MOST_IN_PART, cells_of
from api.questions import path, scope_of, window
from api.told import told
from api.web import Packed, Web, answer, json_answer, query_of, web_of
from data.answers import Answer, Question, Scope, Window
from data.catalogue import line_features, line_file, rows_question
from data.errors import NotFound, WrongInput
from data.ground_files import GROUND, ground_json
from geo.layers import divisions_geojson
from layouts import words
from layouts.topics import DOMAINS

TOLD = ("id", "name", "kind", "topic", "unit", "source", "time_us", "freshness", "count", "unlocated", "levels",
        "metric")
Box = tuple[float, ...]
# Between two parts that are made ahead others have their turn.
REST_S = 0.1
# A station of which no reading is known: neither well nor ill.
UNREAD = ("unknown", "无读数")


Read = dict[str, tuple[str, str]]


def _feature(row: dict[str, Any], states: Read | None) -> dict[str, Any]:
    place = [round(row["lon"], 6), round(row["lat"], 6)]
    state, text = (str(row.get("state", "")), row.get("stage") or row.get("text", "")) if states is None else \
        states.get(row["id"], UNREAD)
    properties = {"id": row["id"], "feed": row["feed"], "name": row.get("name") or row.get("title", ""),
                  "state": state, "text": text, "n": row["n"]}
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": properties}


def _collection(features: list[dict[str, Any]], found: Answer) -> Packed:
    body = {"type": "FeatureCollection", "freshness": found.freshness, "features": features}
    return Packed(orjson.dumps(body), "application/geo+json")


def _divisions(web: Web, level: str, code: str, box: Box) -> Packed:
    """Cells of a level, of the division and in the box where one is given."""
    divisions = web.pack.divisions
    if level not in divisions.level_names:
        raise NotFound(f"没有层级 {level!r:.20}；可用 {'、'.join(divisions.level_names)}")
    if code and code not in divisions:
        raise NotFound(f"没有区划 {code!r:.40}；编码见 /api/v1/divisions/{web.pack.place.code}")
    positions = divisions.at_level(divisions.level_names.index(level))
    positions = positions[divisions.below(code or divisions.root.code)[positions]]
    if box:
        bounds = shapely.bounds([divisions.geometry[position] for position in positions]).reshape(-1, 4)
        west, south, east, north = box
        positions = positions[(bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north)
                              & (bounds[:, 3] >= south)]
    return Packed(divisions_geojson(divisions, positions), "application/geo+json")


def _ground(web: Web, name: str) -> Packed:
    if name not in web.ground:
        raise NotFound(f"地方包没有 {name}.geojson")
    return Packed(ground_json(web.pack.root, name), "application/geo+json")


def _bbox(text: str) -> Box:
    if not text:
        return ()
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise WrongInput(f"bbox={text!r:.60} 应为 west,south,east,north 四个经纬度；去掉它取全部") from None
    return west, south, east, north


def _points(web: Web, request: Request, name: str) -> Packed:
    query = query_of(request)
    layer = web.pack.layers.get(name)
    if layer is None and name != "events":
        raise NotFound(f"没有图层 {name!r:.40}；图层见 layers.yaml")
    if layer is not None and layer.kind == "lines":
        features = line_features(line_file(web.pack, layer))
        return Packed(orjson.dumps({"type": "FeatureCollection", "features": features}), "application/geo+json")
    source = rows_question(layer).name if layer is not None else "events"
    # Marks that are read one by one (stations) are told one by one.
    read = layer.metric if layer is not None else ""
    zoom = int(query["zoom"]) if query.get("zoom") and not read else None
    question = Question("marks", source, box=_bbox(query.get("bbox", "")), zoom=zoom)
    within = (web.principal(request), scope_of(web, query), window(web, query))
    found = web.gate.read(within[0], question, *within[1:])
    states = _states(web, read, within) if read else None
    return _collection([_feature(row, states) for row in found.rows], found)


def _states(web: Web, metric: str, within: tuple[Principal, Scope, Window]) -> Read:
    """Station → (state, reading in words) by the metric that the layer declares."""
    principal, scope, span = within
    found = web.gate.read(principal, Question("metric", metric, "station"), scope, span)
    return {group.code: (str(group.extra.get("state") or "ok"),
                         f"{found.name} {words.value(found, group.value)} {found.unit}".strip())
            for group in found.groups if group.value is not None}


def catalogue(request: Request) -> Response:
    """`/layers`: everything that the map can show, made from the declarations of the pack."""
    web, query = web_of(request), query_of(request)
    found = web.gate.read(web.principal(request), Question("layers"), scope_of(web, query), window(web, query))
    rows = [{name: row[name] for name in TOLD} | {"group": DOMAINS.get(row["topic"][:1], "底图")} for row in found.rows]
    return json_answer(request, {"layers": told(web, rows)})


def _cells(web: Web, level: str, code: str) -> Packed:
    # The cache outlives a web process, and so new borders.
    key = ("layer", f"divisions-{level}", web.geometry_version, code)
    return web.shelf.get_or_make(key, lambda: _divisions(web, level, code, ()))


def make_ahead(web: Web) -> None:
    """Makes the cells of all levels, a part at a time: whoever looks first shall not wait for them."""
    divisions = web.pack.divisions
    for number, level in enumerate(divisions.level_names):
        told = cells_of(web, level)
        parts = [""] if isinstance(told, str) else [
            divisions.items[int(at)].code for at in divisions.at_level(divisions.cover(number, MOST_IN_PART))]
        for code in parts:
            _cells(web, level, code).form("br")
            time.sleep(REST_S)


def layer(request: Request) -> Response:
    """A layer as GeoJSON: divisions-<level>, neighbours, rivers, or a layer of the pack."""
    web, name, query = web_of(request), path(request, "layer"), query_of(request)
    principal = web.principal(request)
    versioned = "v" in query
    if name.startswith("divisions-"):
        level, code, box = name.partition("-")[2], query.get("division", ""), query.get("bbox", "")
        if box:
            # There are as many boxes as somebody may write: none of them is worth keeping.
            return answer(request, _divisions(web, level, code, _bbox(box)), versioned)
        return answer(request, _cells(web, level, code), versioned)
    if name in GROUND:
        own = ("layer", name, web.ground.get(name, ""))
        return answer(request, web.shelf.get_or_make(own, lambda: _ground(web, name)), versioned)
    if query.get("bbox"):
        return answer(request, _points(web, request, name), versioned)
    version = web.gate.version((), window(web, query))
    key = ("points", name, str(request.url.query), principal.role, principal.division, version)
    return answer(request, web.shelf.get_or_make(key, lambda: _points(web, request, name)), versioned)
