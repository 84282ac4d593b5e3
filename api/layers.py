"""`/layers`: geometry of divisions (immutable per version), points and lines of the map's layers."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.questions import path, scope_of, window
from api.web import Packed, Web, answer, query_of, web_of
from data.answers import Answer, Question
from data.errors import NotFound, WrongInput
from data.ground_files import GROUND, ground_json
from geo.layers import divisions_geojson


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    place = [round(row["lon"], 6), round(row["lat"], 6)]
    properties = {"id": row["id"], "feed": row["feed"], "name": row.get("name") or row.get("title", ""),
                  "state": str(row.get("state", "")), "text": row.get("stage") or row.get("text", "")}
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": properties}


def _collection(features: list[dict[str, Any]], found: Answer) -> Packed:
    body = {"type": "FeatureCollection", "freshness": found.freshness, "features": features}
    return Packed(orjson.dumps(body), "application/geo+json")


def _divisions(web: Web, level: str) -> Packed:
    if level not in web.pack.divisions.level_names:
        raise NotFound(f"没有层级 {level!r:.20}；可用 {'、'.join(web.pack.divisions.level_names)}")
    positions = web.pack.divisions.at_level(web.pack.divisions.level_names.index(level))
    return Packed(divisions_geojson(web.pack.divisions, positions), "application/geo+json")


def _ground(web: Web, name: str) -> Packed:
    if name not in web.ground:
        raise NotFound(f"地方包没有 {name}.geojson")
    return Packed(ground_json(web.pack.root, name), "application/geo+json")


def _inside(row: dict[str, Any], bbox: tuple[float, ...] | None) -> bool:
    if row["lon"] is None or row["lat"] is None:
        return False
    return bbox is None or (bbox[0] <= row["lon"] <= bbox[2] and bbox[1] <= row["lat"] <= bbox[3])


def _bbox(text: str) -> tuple[float, ...] | None:
    if not text:
        return None
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
    question = Question("rows", source, order="open", limit=20_000)
    found = web.gate.read(web.principal(request), question, scope_of(web, query), window(web, query))
    box = _bbox(query.get("bbox", ""))
    return _collection([_feature(row) for row in found.rows if _inside(row, box)], found)


def layer(request: Request) -> Response:
    """A layer as GeoJSON: divisions-<level>, neighbours, rivers, or a layer of the pack."""
    web, name = web_of(request), path(request, "layer")
    web.principal(request)
    versioned = "v" in query_of(request)
    # The cache outlives a web process, and so new borders.
    key: tuple[str, ...] = ("layer", name, web.geometry_version)
    if name.startswith("divisions-"):
        packed = web.shelf.get_or_make(key, lambda: _divisions(web, name.partition("-")[2]))
        return answer(request, packed, versioned)
    if name in GROUND:
        key = ("layer", name, web.ground.get(name, ""))
        return answer(request, web.shelf.get_or_make(key, lambda: _ground(web, name)), versioned)
    key = ("points", name, str(request.url.query), web.principal(request).role, web.gate.version())
    return answer(request, web.shelf.get_or_make(key, lambda: _points(web, request, name)), versioned)
