"""`/events`: events page by page, and one with its history; `/warnings`."""

from __future__ import annotations

import base64
import binascii
from hashlib import blake2b
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.questions import checked_scope, path, scope_of, window
from api.told import told
from api.web import json_answer, query_of, web_of
from data.answers import Question
from data.errors import WrongInput
from data.rowsets import place_of

PAGE = 100


def _asked(query: dict[str, str]) -> str:
    """The question that a cursor goes on with."""
    kept = sorted((name, value) for name, value in query.items() if name not in ("cursor", "v"))
    return blake2b(orjson.dumps(kept), digest_size=6).hexdigest()


def _after(query: dict[str, str]) -> tuple[int, str, str] | tuple[()]:
    """The row that the page before ended with."""
    if not query.get("cursor"):
        return ()
    try:
        asked, key, feed, event_id = orjson.loads(base64.urlsafe_b64decode(query["cursor"].encode()))
        if not (isinstance(key, int) and isinstance(feed, str) and isinstance(event_id, str) and abs(key) < 2**63):
            raise ValueError("no place of a row")
    except (ValueError, TypeError, binascii.Error):
        raise WrongInput("cursor 不是上一页给出的值；去掉它从头取") from None
    if asked != _asked(query):
        raise WrongInput("cursor 是另一次查询的；筛选和时段要与上一页相同，或去掉 cursor 从头取")
    return key, feed, event_id


def _next(query: dict[str, str], row: dict[str, Any], order: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([_asked(query), *place_of(row, order)])).decode()


def listing(request: Request) -> Response:
    """Events of a division in a window; `overdue=1` only open ones past their due; `next` is the next page's cursor.

    A page goes on after the last row of the one before, whatever came or went meanwhile; an event that changes moves to
    the front, where a new walk finds it.
    """
    web, query = web_of(request), query_of(request)
    plain = {f"f.{name}": query[name] for name in ("stage", "category", "channel", "department") if query.get(name)}
    scope = checked_scope(web, {**query, **plain})
    order = "overdue" if query.get("overdue") in ("1", "true") else query.get("order", "newest")
    question = Question("rows", "events", order=order, limit=PAGE + 1, after=_after(query))
    answer = web.gate.read(web.principal(request), question, scope, window(web, query))
    rows = list(answer.rows[:PAGE])
    cursor = _next(query, rows[-1], order) if len(answer.rows) > PAGE else None
    return json_answer(request, {"events": told(web, rows), "total": answer.total, "next": cursor,
                                 "freshness": answer.freshness, "served_from": answer.served_from})


def one(request: Request) -> Response:
    """One event with the instants of its stages; `feed` chooses where several feeds have the id, else the newest."""
    web, query = web_of(request), query_of(request)
    row = web.gate.event(web.principal(request), path(request, "event"), window(web, query), query.get("feed", ""))
    return json_answer(request, told(web, [row])[0])


def warnings(request: Request) -> Response:
    """Warnings in force, and those of the last 30 days."""
    web, query = web_of(request), query_of(request)
    question = Question("warnings", limit=200)
    answer = web.gate.read(web.principal(request), question, scope_of(web, query), window(web, query))
    return json_answer(request, {"warnings": told(web, answer.rows), "active": answer.total,
                                 "freshness": answer.freshness})
