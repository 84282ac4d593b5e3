"""`/feeds`: state of every feed, and the push door, which hands bodies to the collector and answers after its fsync."""

from __future__ import annotations

import logging
from zoneinfo import ZoneInfo

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from access.principal import EXPORT, Principal
from api.questions import path, scope_of, window
from api.spreadsheet import CSV_MEDIA, Sheet, csv_bytes
from api.told import local, told
from api.web import Web, json_answer, problem, query_of, web_of
from data.answers import Answer, Question
from data.clock import from_us
from data.collector_line import TOKEN
from data.errors import NotFound, Unavailable
from data.tokens import check

log = logging.getLogger(__name__)
MOST, STALLED_S = 10_000_000, 8.0
COLUMNS = {"department": "部门", "feed_names": "数据源", "feeds": "数据源数", "normal": "正常", "accepted": "本周收下",
           "duplicate": "重复", "rejected": "隔离", "late": "迟到", "sound": "合格率 %", "losses": "中断次数",
           "lost_s": "中断秒数", "waiting": "待更正", "silent": "静默设备", "score": "质量得分"}


def listing(request: Request) -> Response:
    """State of every feed."""
    web, query = web_of(request), query_of(request)
    answer = web.gate.read(web.principal(request), Question("feeds"), scope_of(web, query), window(web, query))
    return json_answer(request, {"feeds": told(web, answer.rows)})


def departments(request: Request) -> Response:
    """This week by department, who collects and who answers for it; `format=csv` as a table for a spreadsheet."""
    web, query = web_of(request), query_of(request)
    principal, root = web.principal(request), web.pack.divisions.root.code
    answer = web.gate.read(principal, Question("rows", "feed_departments"), scope_of(web, {}), window(web, query))
    if query.get("format") != "csv":
        return json_answer(request, {"departments": told(web, answer.rows)})
    web.gate.act(principal, EXPORT, root)
    name = f"departments-{answer.time:%Y-%m-%d}.csv" if answer.time else "departments.csv"
    rows = [[row[key] for key in COLUMNS] for row in answer.rows]
    body = csv_bytes(Sheet("部门", tuple(COLUMNS.values()), rows), _about(answer, principal, web))
    return Response(body, media_type=CSV_MEDIA, headers={
        "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"})


def _about(answer: Answer, principal: Principal, web: Web) -> dict[str, str]:
    """Of when the figures are, in what state, and who took them when."""
    zone = ZoneInfo(web.pack.place.timezone)
    newest = max((row["last_time_us"] for row in answer.rows), default=0)
    normal, feeds = (sum(row[name] for row in answer.rows) for name in ("normal", "feeds"))
    state = f"{feeds} 个数据源中 {normal} 个正常" + ("，演示数据" if answer.demo else "")
    return {"数据时间": local(from_us(newest), zone) if newest else "没有", "状态": state,
            "导出人": f"{principal.name}（{principal.role}）", "导出时间": local(web.clock.now(), zone)}


async def _body(request: Request) -> bytes | None:
    """The body, None when it is larger than allowed (known as early as its length is)."""
    if int(request.headers.get("content-length") or 0) > MOST:
        return None
    found, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST:
            return None
        found.append(chunk)
    return b"".join(found)


def _door(web: Web, feed: str) -> str:
    """Where a feed's records go: of several collectors to the one that holds it."""
    line, says = web.live.collector, list[str]()
    if not line.others:
        return f"/push/{feed}"
    try:
        says = web.state.holder(feed)
    except Unavailable:
        log.info("the holder of %s is not known while Redis is away", feed)
    return f"{line.url(says)}/push/{feed}"


async def _hand_over(request: Request, feed: str, body: bytes, extra: dict[str, str]) -> httpx.Response:
    """The collector's answer; asked a second time when a connection broke, for a repeated record is a duplicate."""
    client: httpx.AsyncClient = request.app.state.collector
    web, tries = web_of(request), 2
    headers = {"content-type": request.headers.get("content-type", "application/json"), **extra}
    several = bool(web.live.collector.others)
    wait = httpx.Timeout(STALLED_S) if several else client.timeout
    while True:
        place = await run_in_threadpool(_door, web, feed)
        try:
            return await client.post(place, content=body, headers=headers, timeout=wait)
        except httpx.TransportError as error:
            tries -= 1
            # One of several that stands still has lost the feed by now: whoever sends again is led to the next.
            if not tries or (several and isinstance(error, httpx.TimeoutException)):
                raise Unavailable("采集进程暂时不在，记录没有收下；请稍后重发") from error


async def push(request: Request) -> Response:
    """Takes records of one feed; 200 means they are on disk."""
    web, feed = web_of(request), path(request, "feed")
    if feed not in web.pack.feeds:
        raise NotFound(f"没有数据源 {feed!r:.40}")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    far = web.live.collector.far
    # The tokens of a far collector are on its machine: it looks at the one that comes with the push.
    if scheme.lower() != "bearer" or not (far or check(web.settings, feed, token)):
        return problem(401, "缺少令牌", f"需要 Authorization: Bearer <令牌>；令牌用 ./yiping feed token {feed} 生成")
    packing = request.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("", "identity"):
        said = f"Content-Encoding: {packing:.20} 不接受，没有收下；请去掉压缩，直接发送 JSON"
        return problem(415, "不接受压缩的内容", said)
    body = await _body(request)
    if body is None:
        return problem(413, "内容过大", "一次最多 10 MB、10,000 条；请分批发送")
    reply = await _hand_over(request, feed, body, {TOKEN: token} if far else {})
    wait = {name: reply.headers[name] for name in ("retry-after",) if name in reply.headers}
    return Response(reply.content, reply.status_code, wait, media_type=reply.headers.get("content-type"))
