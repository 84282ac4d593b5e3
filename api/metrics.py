"""`/metrics`: the catalogue, and one metric's value, series or rows."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.questions import as_json, checked_scope, path, window
from api.web import Packed, Web, answer, json_answer, query_of, web_of
from data.answers import Question


def catalogue(request: Request) -> Response:
    """Every declared metric."""
    web = web_of(request)
    web.principal(request)
    feeds = web.pack.feeds
    rows = [{"id": key, "name": metric.name, "unit": metric.unit, "topic": metric.topic, "level": metric.level,
             "over_area": metric.over_area, "over_time": metric.over_time, "comparable": metric.comparable,
             "department": metric.department or feeds[metric.feeds[0]].department,
             "cadence": metric.cadence or feeds[metric.feeds[0]].cadence}
            for key, metric in web.pack.metrics.items()]
    return json_answer(request, {"metrics": rows})


def value(request: Request) -> Response:
    """One metric for a division and window, optionally `by` level, hour, day, month, category …

    With `v`, a version, the answer stands for good: the map reads the values of very many cells so.
    """
    web, query = web_of(request), query_of(request)
    if query.get("v"):
        principal = web.principal(request)
        depends = web.gate.version(web.gate.feeds_of(Question("metric", path(request, "metric"))))
        key = ("metric", str(request.url), principal.role, principal.division, depends, web.live.served_from)
        made = web.shelf.get_or_make(key, lambda: Packed(orjson.dumps(_value(request, web, query))))
        return answer(request, made, True)
    return json_answer(request, _value(request, web, query))


def _value(request: Request, web: Web, query: dict[str, str]) -> dict[str, Any]:
    question = Question("metric", path(request, "metric"), query.get("by", ""), query.get("compare", ""))
    found = web.gate.read(web.principal(request), question, checked_scope(web, query), window(web, query))
    return as_json(found, ZoneInfo(web.pack.place.timezone))
