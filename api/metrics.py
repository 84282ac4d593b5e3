"""`/metrics`: the catalogue, and one metric's value, series or rows."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from api.questions import as_json, checked_scope, path, window
from api.web import json_answer, query_of, web_of
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
    """One metric for a division and window, optionally `by` level, hour, day, month, category …"""
    web, query = web_of(request), query_of(request)
    question = Question("metric", path(request, "metric"), query.get("by", ""), query.get("compare", ""))
    answer = web.gate.read(web.principal(request), question, checked_scope(web, query), window(web, query))
    return json_answer(request, as_json(answer, ZoneInfo(web.pack.place.timezone)))
