"""The OpenAPI document, made from the table of resources and the field table of records."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.web import json_answer
from data.records import FIELDS

_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"}, "real": {"type": "number"}, "time": {"type": "string", "format": "date-time"},
    "flag": {"type": "boolean"}, "json": {}}
_WORDS = {
    "/view": "一屏的全部内容", "/metrics": "指标目录", "/metrics/{metric}": "一个指标的数、序列或分组",
    "/events": "事件，分页", "/events/{event}": "一个事件及其经过", "/warnings": "预警",
    "/layers/{layer}.geojson": "图层", "/divisions/{code}": "区划", "/feeds": "数据源状态",
    "/feeds/{feed}/records": "推送记录", "/departments": "各部门本周的数据质量",
    "/quarantine": "隔离区，按数据源与原因",
    "/quarantine/{item}": "一条隔离的记录", "/topics": "53 个专题", "/live": "哪些版本变了", "/openapi.json": "本文档"}
_QUERY = ("division", "from", "to", "window", "at", "by", "compare", "cursor", "since", "v")


def _schema(kind: str) -> dict[str, Any]:
    fields = {spec.name: dict(_TYPES[spec.type], **({"enum": list(spec.one_of)} if spec.one_of else {}))
              for spec in FIELDS[kind]}
    return {"type": "object", "properties": {**fields, "demo": {"type": "boolean"}}, "additionalProperties": False,
            "required": [spec.name for spec in FIELDS[kind] if spec.required]}


def _operation(path: str) -> dict[str, Any]:
    names = [part[1:-1] for part in path.replace(".geojson", "").split("/") if part.startswith("{")]
    inside = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    asked = () if "records" in path else _QUERY
    query = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in asked]
    answers = {"200": {"description": "成功"}, "default": {"description": "RFC 9457 问题说明", "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}}}
    found: dict[str, Any] = {"summary": _WORDS[path], "parameters": inside + query, "responses": answers}
    if "records" in path:
        body = {"type": "array", "items": {"anyOf": [{"$ref": f"#/components/schemas/{kind}"} for kind in FIELDS]}}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
        found["security"] = [{"token": []}]
    return found


def build() -> dict[str, Any]:
    """The document."""
    problem = {"type": "object", "properties": {"type": {"type": "string"}, "title": {"type": "string"},
                                                "status": {"type": "integer"}, "detail": {"type": "string"}}}
    paths = {path: {"post" if "records" in path else "get": _operation(path)} for path in _WORDS}
    wish = {"type": "object", "required": ["deed"], "properties": {
        "deed": {"type": "string", "enum": ["correct", "replay", "dismiss"]},
        "ids": {"type": "array", "items": {"type": "integer"}}, "raw": {"type": "string"},
        **{name: {"type": "string"} for name in ("feed", "kind", "station")}}}
    body = {"required": True, "content": {"application/json": {"schema": wish}}}
    paths["/quarantine"]["post"] = {**_operation("/quarantine"), "summary": "更正、送回或作废（值班人员）",
                                    "parameters": [], "requestBody": body}
    return {"openapi": "3.1.0", "info": {"title": "一屏统览", "version": "1"}, "servers": [{"url": "/api/v1"}],
            "paths": paths, "components": {
                "schemas": {"problem": problem, **{kind: _schema(kind) for kind in FIELDS}},
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}}


def document(request: Request) -> Response:
    """`/openapi.json`."""
    return json_answer(request, build())
