"""`/divisions/{code}`: a division with its children and profile."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.questions import path, window
from api.web import json_answer, query_of, web_of
from data.answers import Question, Scope


def division(request: Request) -> Response:
    """Code, name, level, parent, children and profile."""
    web = web_of(request)
    scope = Scope(path(request, "code"))
    answer = web.gate.read(web.principal(request), Question("profile"), scope, window(web, query_of(request)))
    return json_answer(request, answer.parts)
