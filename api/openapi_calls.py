"""The calls of the API as the OpenAPI document tells them: one line of facts a call, true for the place served."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from api import openapi_answers as shape
from api.openapi_answers import Schema, rows, thing
from data.errors import WrongInput
from data.formulas import GROUPS
from data.pack import Pack
from data.records import FIELDS, STAGES
from data.spelling import MOST_TYPED
from data.steps import STEPS
from geo.areas import GRAMMAR
from layouts.comparing import LOOKS
from layouts.view import WINDOWS

MOST_WORDS = 40
JSON, GEOJSON, CSV, STREAM = "application/json", "application/geo+json", "text/csv", "text/event-stream"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PICTURES = ("image/png", "image/jpeg", "image/webp")
# A day, or an instant with or without offset; a text that only looks so is refused with 400.
_DAY = r"(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?"
_POINT = r"-?(1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,9})?,-?[0-8]?[0-9](\.[0-9]{1,9})?"
_CODE = r"^([0-9]{12}|[0-9]{15})$"
_GRID = {"type": "integer", "minimum": 0, "maximum": 4_194_303}
_GROUPED = sorted({word for words in GROUPS.values() for word in words})


@dataclass(frozen=True)
class Call:
    """One call: `query` names parameters, `answers` media type → schema, `refusals` the statuses it may refuse with.

    needs: parameters that must be there; filtered: it also reads `f.<field>`; strict: it refuses a parameter that it
    does not have.
    """

    path: str
    words: str
    answers: dict[str, Schema]
    query: tuple[str, ...] = ()
    refusals: tuple[int, ...] = (400, 404)
    method: str = "get"
    body: dict[str, Schema] = field(default_factory=dict)
    tagged: bool = True
    strict: bool = True
    filtered: bool = False
    needs: tuple[str, ...] = ()


_SPAN = ("division", "from", "to", "window", "at", "known")
_FILTERS = ("f.stage", "f.category", "f.channel", "f.department")
_AREA: dict[str, Any] = {"query": ("area", *_SPAN, "near", "limit", "each", *_FILTERS), "needs": ("area",),
                         "filtered": True, "refusals": (400, 404)}
_FILE = {**_AREA, "tagged": False}
CALLS: tuple[Call, ...] = (
    Call("/view", "一屏的全部内容", {JSON: shape.VIEW}, ("screen", *_SPAN, "compare", "split", "v"),
         strict=False, filtered=True),
    Call("/metrics", "指标目录", {JSON: thing({"metrics": rows(shape.METRIC)})}, refusals=(400,)),
    Call("/metrics/{metric}", "一个指标的数、序列或分组", {JSON: shape.FIGURE},
         (*_SPAN, "by", "compare", "v", *_FILTERS),
         filtered=True),
    Call("/events", "事件，分页：next 是下一页的 cursor", {JSON: shape.EVENTS},
         (*_SPAN, "stage", "category", "channel", "department", "overdue", "order", "cursor"),
         filtered=True),
    Call("/events/{event}", "一个事件及其经过；几个数据源有同一编号时用 feed 选定，不写则取最近有变化的一个",
         {JSON: shape.EVENT}, ("feed", *_SPAN[1:])),
    Call("/warnings", "预警", {JSON: thing({"warnings": rows(shape.WARNING), "active": shape.WHOLE,
                                         "freshness": shape.FRESH})}, _SPAN),
    Call("/layers", "图层目录：地图能显示的一切，由地方包的声明得出",
         {JSON: thing({"layers": rows(shape.LAYER)})}, _SPAN, filtered=True),
    Call("/layers/{layer}.geojson", "图层", {GEOJSON: shape.FEATURES}, (*_SPAN, "bbox", "zoom", "v"), filtered=True),
    Call("/area", "圈定区域内的人口、敏感目标、隐患、资源、在办事件，和就近资源", {JSON: shape.AREA}, **_AREA),
    Call("/area.csv", "同上，各清单合为一张表", {CSV: shape.TEXT}, **_FILE),
    Call("/area.xlsx", "同上，工作簿，一个清单一张表", {XLSX: shape.BINARY}, **_FILE),
    Call("/area.geojson", "同上，区域和其中各处", {GEOJSON: shape.FEATURES}, **_FILE),
    Call("/tiles/{tiles}/{z}/{x}/{y}", "本地底图的一块瓦片；没有的一块是透明的图片",
         dict.fromkeys(PICTURES, shape.PICTURE), ("v",)),
    Call("/divisions/{code}", "区划", {JSON: shape.DIVISION}, _SPAN[1:]),
    Call("/search", "查找区划、设施和事件：名称、别名、拼音、首字母、编码、事件编号，或一处坐标", {JSON: shape.FOUND},
         ("q", "limit", "division", "ended", *_SPAN[1:])),
    Call("/here/{pin}", "一处有什么：所属区划与数字、每类最近的设施、500 米内未结事件", {JSON: shape.HERE},
         ("metric", *_SPAN[1:])),
    Call("/feeds", "数据源状态", {JSON: thing({"feeds": rows(shape.FEED)})}, _SPAN),
    Call("/feeds/{feed}/records", "推送记录：答复时已在磁盘上", {JSON: shape.VERDICT},
         refusals=(400, 401, 403, 404, 413, 415, 503), method="post", tagged=False),
    Call("/departments", "各部门本周的数据质量", {JSON: thing({"departments": rows(shape.ANY)}), CSV: shape.TEXT},
         ("format", *_SPAN[1:]), (400,), tagged=False),
    Call("/quarantine", "隔离区，按数据源与原因", {JSON: shape.TABLE}, _SPAN),
    Call("/quarantine", "更正、送回或作废（值班人员）", {JSON: shape.DEED}, refusals=(400, 403, 404, 413, 503),
         method="post", tagged=False),
    Call("/quarantine/{item}", "一条隔离的记录", {JSON: shape.TABLE}, _SPAN[1:]),
    Call("/topics", "53 个专题", {JSON: thing({"topics": rows(shape.TOPIC), "live": shape.WHOLE,
                                            "total": shape.WHOLE})}, refusals=(400,)),
    Call("/live", "哪些版本变了：不带 since 是事件流，带 since 是一次的答复",
         {JSON: shape.CHANGES, STREAM: shape.TEXT}, ("since",), (400,), tagged=False),
    Call("/openapi.json", "本文档", {JSON: shape.ANY}, refusals=(400,)),
)


def body_of(call: Call) -> dict[str, Any]:
    """What a posting call takes."""
    if call.path == "/quarantine":
        wish = {"deed": {"type": "string", "enum": ["correct", "replay", "dismiss"]}}
        more = {"ids": rows({"type": "integer", "minimum": 0, "maximum": 2**53}), "raw": shape.TEXT,
                **dict.fromkeys(("feed", "kind", "station"), shape.TEXT)}
        return {"required": True, "content": {JSON: {"schema": thing(wish, more)}}}
    records = rows({"anyOf": [{"$ref": f"#/components/schemas/{kind}"} for kind in FIELDS]})
    return {"required": True, "content": {JSON: {"schema": records | {"maxItems": 10_000}},
                                          "application/x-ndjson": {"schema": shape.TEXT}}}


def parameters(pack: Pack, screens: tuple[str, ...]) -> dict[str, Schema]:
    """The schema of each parameter by name: words of the place are named, so that a caller can choose."""
    divisions = _form(_CODE, " 12 或 15 位数字的区划编码")
    moment = _form(f"^{_DAY}([T ]{_CLOCK})?$", "日期或时间，如 2026-11-22 或 2026-11-22T08:00:00%2B08:00")
    return {
        "division": divisions, "code": divisions, "from": moment, "to": moment, "at": moment,
        "known": _one_of(["now"]), "window": _one_of(WINDOWS), "screen": _one_of(screens),
        "compare": _one_of(["previous", "yesterday", "last_week", "last_year"]),
        "/view compare": _form("^(at:.+|window:.+|span:.+~.+|metric:.+|divisions:[0-9,]*)$",
                               " at:时刻、window:时段、span:起~止、metric:指标，或 divisions: 后用逗号隔开的编码"),
        "split": _one_of(LOOKS),
        "by": _one_of([*pack.divisions.level_names, *STEPS, "children", *_GROUPED]),
        "metric": _one_of(pack.metrics), "feed": _one_of(pack.feeds), "layer": _one_of(_layers(pack)),
        "overdue": _one_of(["0", "1", "true", "false"]), "order": _one_of(["newest", "open", "due", "overdue"]),
        "format": _one_of(["json", "csv"]), "since": _form("^[0-9]{1,18}$", "上次答复里的 seq"),
        "tiles": _form("^[A-Za-z][A-Za-z0-9_-]{0,63}$", "本地底图的图层名"), **dict.fromkeys("zxy", _GRID),
        "item": _form("^[0-9]{1,18}$", "记录的编号"),
        "/search limit": _form("^([1-9]|[1-4][0-9]|50)$", " 1 到 50 的整数"),
        "ended": _one_of(["0", "1"]),
        "q": _form(f"^[\\s\\S]{{0,{MOST_TYPED}}}$", f"至多 {MOST_TYPED} 字"),
        "pin": _form(f"^({_POINT}|(asset|event):[a-z0-9_]{{1,60}}:[^/]{{1,200}})$",
                     " 115.41,25.95、asset:FEED:ID 或 event:FEED:ID"),
        "bbox": _form(r"^-?[0-9]{1,3}(\.[0-9]+)?(,-?[0-9]{1,3}(\.[0-9]+)?){3}$",
                      " west,south,east,north 四个经纬度；去掉它取全部"),
        "area": _form("^(circle|polygon|line|river):", GRAMMAR),
        "limit": _form("^[1-9][0-9]{0,4}$", "每个清单最多几行"),
        "near": _form(r"^-?[0-9]{1,3}(\.[0-9]{1,15})?,-?[0-9]{1,2}(\.[0-9]{1,15})?$", " LON,LAT，从哪里找就近资源"),
        "each": _form("^[1-9][0-9]?$", "每类就近资源几处"),
        "zoom": _form("^([0-9]|1[0-9]|2[0-2])$", "0–22 的整数：点多时按这一级的方格聚合；去掉它逐个给出"),
        "cursor": _form("^[A-Za-z0-9_=-]+$", "上一页给出的 next；去掉它从头取"), **_filters(pack)}


def schema_of(call: Call, name: str, known: dict[str, Schema]) -> Schema:
    """The schema of a parameter; a call may have one of its own under a name that others use too."""
    return known.get(f"{call.path} {name}", known.get(name, shape.TEXT))


def _layers(pack: Pack) -> list[str]:
    grounds = [name for name in ("neighbours", "rivers") if (pack.root / f"{name}.geojson").exists()]
    return [*(f"divisions-{level}" for level in pack.divisions.level_names), *grounds, "events", *pack.layers]


def _filters(pack: Pack) -> dict[str, Schema]:
    """One word, or several with commas between; without declared words (departments) any text."""
    plain = {"stage": STAGES, "category": tuple(pack.categories), "channel": tuple(pack.channels)}
    found = {}
    for name, words in plain.items():
        if words:
            one = "|".join(map(re.escape, words))
            found[name] = found[f"f.{name}"] = _form(f"^({one})(,({one}))*$", f"{'、'.join(words)}，可用逗号隔开几个")
    return found


def _one_of(words: Any) -> Schema:
    return {"type": "string", "enum": list(words)}


def _form(pattern: str, said: str) -> Schema:
    return {"type": "string", "pattern": pattern, "description": said}


def or_empty(schema: Schema) -> Schema:
    """The schema of a parameter of a query: `name=` says the same as leaving it out."""
    if "enum" in schema:
        return schema | {"enum": ["", *schema["enum"]]}
    return schema | {"pattern": f"^$|{schema['pattern']}"} if "pattern" in schema else schema


def check(call: Call, known: dict[str, Schema], query: dict[str, str]) -> None:
    """Holds a question against the document.

    Raises:
        WrongInput: a parameter that the call does not have (a slip in `division=` would answer for the whole place), or
            a word or form that the document does not allow. Filters are judged where they are read.
    """
    odd = [name for name in query if name not in call.query and not (call.filtered and name.startswith("f."))]
    if odd:
        allowed = f"可用 {'、'.join(call.query)}" if call.query else "这个地址不带参数"
        raise WrongInput(f"没有 {odd[0]!r:.40} 这个参数；{allowed}")
    for name in call.needs:
        if not query.get(name):
            raise WrongInput(f"缺少 {name}；应为{known[name]['description']}")
    for name in call.query:
        value, schema = query.get(name, ""), schema_of(call, name, known)
        if not value:
            continue
        if value not in schema.get("enum", (value,)):
            raise WrongInput(f"{name}={value!r:.40} 不认识；可用 {'、'.join(schema['enum'][:MOST_WORDS])}")
        if not re.search(schema.get("pattern", ""), value):
            raise WrongInput(f"{name}={value!r:.40} 的写法不对；应为{schema['description']}")
