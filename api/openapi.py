"""The OpenAPI document, made from the table of calls, the place's words and the field table of records."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api import openapi_answers as shape
from api.openapi_answers import Schema
from api.openapi_calls import CALLS, Call, body_of, or_empty, schema_of
from api.web import json_answer, web_of
from data.records import FIELDS

_TYPES: dict[str, Schema] = {
    "text": {"type": "string"}, "real": {"type": "number"}, "time": {"type": "string", "format": "date-time"},
    "flag": {"type": "boolean"}, "json": {}}
_WHY = {304: "没有变：仍是 If-None-Match 说的那一版", 400: "看不懂的参数或内容", 401: "没有令牌，或不是这个数据源的",
        403: "无权", 404: "没有这个名字", 413: "内容过大", 415: "不接受压缩的内容", 500: "没有料到的错误",
        503: "暂时不可用；Retry-After 说多久后再试"}
_ETAG = {"ETag": {"required": True, "schema": {"type": "string"}, "description": "这一版的标记，可放进 If-None-Match"}}


def _record(kind: str) -> Schema:
    fields = {spec.name: dict(_TYPES[spec.type], **({"enum": list(spec.one_of)} if spec.one_of else {}))
              for spec in FIELDS[kind]}
    return {"type": "object", "properties": {**fields, "demo": {"type": "boolean"}}, "additionalProperties": False,
            "required": [spec.name for spec in FIELDS[kind] if spec.required]}


def _refusal(status: int) -> dict[str, Any]:
    return {"description": _WHY[status], "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}}


def _operation(call: Call, known: dict[str, Schema]) -> dict[str, Any]:
    names = [part[1:-1] for part in call.path.replace(".geojson", "").split("/") if part.startswith("{")]
    text = {"type": "string", "minLength": 1}
    asked = [{"name": name, "in": "path", "required": True, "schema": known.get(name, text)} for name in names]
    asked += [{"name": name, "in": "query", "schema": or_empty(schema_of(call, name, known))} for name in call.query]
    done: dict[str, Any] = {"description": "成功", "content": {
        media: {"schema": schema} for media, schema in call.answers.items()}}
    answers: dict[str, Any] = {"200": done | ({"headers": _ETAG} if call.tagged else {})}
    if call.tagged:
        answers["304"] = {"description": _WHY[304], "headers": _ETAG}
    answers |= {str(status): _refusal(status) for status in sorted({*call.refusals, 403, 500, 503})}
    found: dict[str, Any] = {"summary": call.words, "parameters": asked, "responses": answers,
                             "operationId": f"{call.method}{call.path}"}
    if call.method == "post":
        found["requestBody"] = body_of(call)
        found["security"] = [{"session": []}] if call.path == "/quarantine" else [{"token": []}]
    return found


def build(known: dict[str, Schema]) -> dict[str, Any]:
    """The document of a place, by the words of its parameters."""
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method] = _operation(call, known)
    return {"openapi": "3.1.0", "info": {"title": "一屏统览", "version": "1"}, "servers": [{"url": "/api/v1"}],
            "paths": paths, "components": {
                "schemas": {"problem": shape.PROBLEM, **{kind: _record(kind) for kind in FIELDS}},
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"},
                                    "session": {"type": "apiKey", "in": "cookie", "name": "yp_session"}}}}


def document(request: Request) -> Response:
    """`/openapi.json`."""
    return json_answer(request, build(web_of(request).parameters))
