"""`/search`: what was typed, found; `/here/{pin}`: what is at a place."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from api.questions import as_json, path, window
from api.told import told
from api.web import json_answer, query_of, web_of
from data.answers import Question, Scope
from data.finding import ENDED

SHOWN = 12


def search(request: Request) -> Response:
    """Divisions, assets and events by name, alias, pinyin, initials, code or number, or the point of coordinates.

    Best first: exact > beginning > inside > initials; division before asset before event; then nearer to `division`.
    `ended=1`: where nothing is found, also events that ended before memory begins, by their whole number.
    """
    web, query = web_of(request), query_of(request)
    principal = web.principal(request)
    typed = query.get("q", "")
    scope = Scope(query.get("division") or principal.division)
    order = ENDED if query.get("ended") == "1" else ""
    question = Question("search", typed, limit=int(query.get("limit") or SHOWN), order=order)
    found = web.gate.read(principal, question, scope, window(web, query))
    return json_answer(request, {"q": typed, "results": list(found.rows), "total": found.total,
                                 "at": query.get("at") or None, "freshness": found.freshness,
                                 "served_from": found.served_from})


def here(request: Request) -> Response:
    """The division at a pin with one figure, the nearest asset of each layer, open events within 500 m."""
    web, query = web_of(request), query_of(request)
    principal = web.principal(request)
    metric = query.get("metric") or web.pack.place.default_metric
    found = web.gate.read(principal, Question("pin", path(request, "pin"), by=metric), Scope(principal.division),
                          window(web, query))
    parts = found.parts
    thing = told(web, [parts["thing"]])[0] if parts["thing"] else None
    figure = as_json(found, ZoneInfo(web.pack.place.timezone)) if parts["code"] else None
    if figure is not None:
        figure |= {"metric": metric, "parts": {}}
    return json_answer(request, {
        "kind": parts["kind"], "thing": thing, "lon": parts["lon"], "lat": parts["lat"], "crs": "EPSG:4490",
        "division": parts["code"], "chain": parts["chain"], "figure": figure, "nearest": parts["nearest"],
        "events": told(web, parts["events"])})
