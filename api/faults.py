"""Errors of a request become problem documents: our own by the table, others as one sentence without detail."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response

from api.web import problem, problem_of
from data.errors import YipingError

log = logging.getLogger(__name__)


def ours(request: Request, error: Exception) -> Response:
    """An own error."""
    return problem_of(error) if isinstance(error, YipingError) else unforeseen(request, error)


def unforeseen(request: Request, error: Exception) -> Response:
    """Anything else: logged with its trace, told without it."""
    log.error("unforeseen at %s", request.url.path, exc_info=error)
    return problem(500, "出错了", "程序遇到没有料到的情况，已记入日志；请稍后再试")


def missing(request: Request, error: Exception) -> Response:
    """No such path or method."""
    status = getattr(error, "status_code", 404)
    said = (("没有找到", f"没有 {request.url.path:.100} 这个地址；接口见 /api/v1/openapi.json") if status == 404 else
            ("方法不对", f"{request.url.path:.100} 不接受 {request.method:.10}；接口见 /api/v1/openapi.json"))
    reply = problem(status, *said)
    reply.headers.update(getattr(error, "headers", None) or {})
    return reply
