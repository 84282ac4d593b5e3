"""`/events`: events page by page, and one with its history; `/warnings`."""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request
from starlette.responses import Response

from api.questions import checked_scope, path, scope_of, window
from api.web import json_answer, query_of, web_of
from data.answers import Question
from data.errors import WrongInput

PAGE = 100


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return max(0, int(base64.urlsafe_b64decode(cursor.encode())))
    except (ValueError, binascii.Error):
        raise WrongInput("cursor 不是上一页给出的值；去掉它从头取") from None


def listing(request: Request) -> Response:
    """Events of a division in a window; `overdue=1` only open ones past their due; `next` is the next page's cursor."""
    web, query = web_of(request), query_of(request)
    plain = {f"f.{name}": query[name] for name in ("stage", "category", "channel", "department") if query.get(name)}
    scope = checked_scope(web, {**query, **plain})
    first = _offset(query.get("cursor", ""))
    order = "overdue" if query.get("overdue") in ("1", "true") else query.get("order", "newest")
    question = Question("rows", "events", order=order, limit=first + PAGE)
    answer = web.gate.read(web.principal(request), question, scope, window(web, query))
    more = answer.total > first + PAGE
    cursor = base64.urlsafe_b64encode(str(first + PAGE).encode()).decode() if more else None
    return json_answer(request, {"events": list(answer.rows[first:]), "total": answer.total, "next": cursor,
                                 "freshness": answer.freshness, "served_from": answer.served_from})


def one(request: Request) -> Response:
    """One event with the instants of its stages; `feed` chooses where several feeds have the id, else the newest."""
    web, query = web_of(request), query_of(request)
    row = web.gate.event(web.principal(request), path(request, "event"), window(web, query), query.get("feed", ""))
    return json_answer(request, row)


def warnings(request: Request) -> Response:
    """Warnings in force, and those of the last 30 days."""
    web, query = web_of(request), query_of(request)
    question = Question("warnings", limit=200)
    answer = web.gate.read(web.principal(request), question, scope_of(web, query), window(web, query))
    return json_answer(request, {"warnings": list(answer.rows), "active": answer.total, "freshness": answer.freshness})
