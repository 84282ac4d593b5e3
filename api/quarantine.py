"""`/quarantine`: refused records by feed and reason, one of them, and what a person on duty does with them."""

from __future__ import annotations

import httpx
import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from access.principal import CORRECT
from api.questions import path, scope_of, window
from api.told import REFUSAL, told
from api.web import json_answer, query_of, web_of
from data.answers import Question, Scope
from data.errors import NotFound, Unavailable, WrongInput

MOST_BODY = 2_000_000
MOST_ID = 2**53
TEXTS = ("feed", "kind", "station", "raw")
DEEDS = ("correct", "replay", "dismiss")


def _rows(request: Request, name: str, scope: Scope) -> Response:
    web, query = web_of(request), query_of(request)
    principal = web.principal(request)
    answer = web.gate.read(principal, Question("rows", name), scope, window(web, query))
    return json_answer(request, {"rows": told(web, answer.rows, REFUSAL), "total": answer.total})


def listing(request: Request) -> Response:
    """Refusals by feed and kind of reason; total: rows that wait."""
    return _rows(request, "quarantine", scope_of(web_of(request), query_of(request)))


def one(request: Request) -> Response:
    """One refused record: text, reason, what became of it."""
    root, item = web_of(request).pack.divisions.root.code, path(request, "item")
    if not (item.isascii() and item.isdigit()):
        raise NotFound(f"没有隔离记录 {item!r:.40}；编号是数字，见 /api/v1/quarantine")
    return _rows(request, "quarantine_item", Scope(root, (("item", item),)))


async def desk(request: Request) -> Response:
    """What waits, or what a person does about it."""
    return await settle(request) if request.method == "POST" else await run_in_threadpool(listing, request)


async def settle(request: Request) -> Response:
    """{deed: correct | replay | dismiss, ids or feed, kind, station; raw} → what came of it; for the duty role only."""
    web, principal = web_of(request), web_of(request).principal(request)
    root = web.pack.divisions.root.code
    web.gate.act(principal, CORRECT, root)
    wish = await _wish(request)
    address = request.client.host if request.client else ""
    reply = await _asked(request, {**wish, "who": f"{principal.name} {address}".strip()})
    return Response(reply.content, reply.status_code, {"Cache-Control": "no-store"},
                    media_type=reply.headers.get("content-type"))


async def _wish(request: Request) -> dict[str, object]:
    if int(request.headers.get("content-length") or MOST_BODY + 1) > MOST_BODY:
        raise WrongInput("更正的内容太长；请分成几条")
    try:
        wish = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise WrongInput("应为 JSON 对象 {deed, ids 或 feed}") from error
    if not isinstance(wish, dict) or wish.get("deed") not in DEEDS:
        raise WrongInput(f"deed 应为 {'、'.join(DEEDS)} 之一")
    odd = [name for name in wish if name not in ("deed", "ids", *TEXTS) or (name in TEXTS
                                                                          and not isinstance(wish[name], str))]
    if odd:
        raise WrongInput(f"{odd[0]!r:.40} 不认识或不是文字；可用 deed、ids、{'、'.join(TEXTS)}")
    ids = wish.get("ids", [])
    # 1.0 is a whole number to JSON.
    if not isinstance(ids, list) or not all(type(item) in (int, float) and 0 <= item <= MOST_ID and item == int(item)
                                            for item in ids):
        raise WrongInput("ids 应为隔离记录编号的列表；编号见数据汇聚页")
    return {**wish, "ids": [int(item) for item in ids]}


async def _asked(request: Request, wish: dict[str, object]) -> httpx.Response:
    client: httpx.AsyncClient = request.app.state.collector
    line = web_of(request).live.collector
    place = f"{await run_in_threadpool(line.here)}/quarantine" if line.others else "/quarantine"
    try:
        return await client.post(place, content=orjson.dumps(wish), timeout=600.0)
    except httpx.TransportError as error:
        raise Unavailable("采集进程暂时不在，没有执行；请稍后刷新页面查看，再试一次") from error
