"""`/layers`: geometry of divisions (immutable per version), points and lines of the map's layers."""

from __future__ import annotations

from typing import Any

import orjson
import shapely
from starlette.requests import Request
from starlette.responses import Response

from api.questions import path, scope_of, window
from api.web import Packed, Web, answer, query_of, web_of
from data.answers import Answer, Question
from data.errors import NotFound, WrongInput
from geo.layers import divisions_geojson

GROUND = ("neighbours", "rivers")
Box = tuple[float, ...]


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    place = [round(row["lon"], 6), round(row["lat"], 6)]
    properties = {"id": row["id"], "feed": row["feed"], "name": row.get("name") or row.get("title", ""),
                  "state": str(row.get("state", "")), "text": row.get("stage") or row.get("text", ""), "n": row["n"]}
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": properties}


def _collection(features: list[dict[str, Any]], found: Answer) -> Packed:
    body = {"type": "FeatureCollection", "freshness": found.freshness, "features": features}
    return Packed(orjson.dumps(body), "application/geo+json")


def _divisions(web: Web, level: str, code: str, box: Box) -> Packed:
    """Cells of a level, of the division and in the box where one is given."""
    divisions = web.pack.divisions
    if level not in divisions.level_names:
        raise NotFound(f"没有层级 {level!r:.20}；可用 {'、'.join(divisions.level_names)}")
    if code not in divisions:
        raise NotFound(f"没有区划 {code!r:.40}；编码见 /api/v1/divisions/{web.pack.place.code}")
    positions = divisions.at_level(divisions.level_names.index(level))
    positions = positions[divisions.below(code)[positions]]
    if box:
        bounds = shapely.bounds([divisions.geometry[position] for position in positions]).reshape(-1, 4)
        west, south, east, north = box
        positions = positions[(bounds[:, 0] <= east) & (bounds[:, 2] >= west) & (bounds[:, 1] <= north)
                              & (bounds[:, 3] >= south)]
    return Packed(divisions_geojson(divisions, positions), "application/geo+json")


def _ground(web: Web, name: str) -> Packed:
    file = web.pack.root / f"{name}.geojson"
    if not file.exists():
        raise NotFound(f"地方包没有 {name}.geojson")
    return Packed(orjson.dumps(orjson.loads(file.read_bytes())), "application/geo+json")


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
    events = name == "events" or (layer is not None and layer.kind == "events")
    if layer is None and not events:
        raise NotFound(f"没有图层 {name!r:.40}；图层见 layers.yaml")
    source = "events" if events else f"assets:{layer.source if layer else name}"
    zoom = int(query["zoom"]) if query.get("zoom") else None
    question = Question("marks", source, box=_bbox(query.get("bbox", "")), zoom=zoom)
    found = web.gate.read(web.principal(request), question, scope_of(web, query), window(web, query))
    return _collection([_feature(row) for row in found.rows], found)


def layer(request: Request) -> Response:
    """A layer as GeoJSON: divisions-<level>, neighbours, rivers, or a layer of the pack."""
    web, name, query = web_of(request), path(request, "layer"), query_of(request)
    principal = web.principal(request)
    versioned = "v" in query
    # The cache outlives a web process, and so new borders.
    key: tuple[str, ...] = ("layer", name, web.geometry_version)
    if name.startswith("divisions-"):
        level, code, box = name.partition("-")[2], query.get("division") or web.pack.place.code, query.get("bbox", "")
        packed = web.shelf.get_or_make((*key, code, box), lambda: _divisions(web, level, code, _bbox(box)))
        return answer(request, packed, versioned)
    if name in GROUND:
        return answer(request, web.shelf.get_or_make(key, lambda: _ground(web, name)), versioned)
    key = ("points", name, str(request.url.query), principal.role, principal.division, web.gate.version())
    return answer(request, web.shelf.get_or_make(key, lambda: _points(web, request, name)), versioned)
