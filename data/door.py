"""The collector's door: HTTP on a unix socket for pushes, bulks and questions after its health."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from data.batches import Verdict
from data.bodies import MOST_BYTES, BadBody, Body, TooLarge, read_body, too_large
from data.collect import Collector
from data.errors import HTTP_STATUS, RETRY_AFTER_S, TITLES, YipingError
from data.feed_mapping import Mapping
from data.mapping import RowMapper
from data.pushed import BodyMapping
from data.quarantine import MOST_RAW
from data.quarantine_view import Chosen

log = logging.getLogger("yiping.door")


def make_door(collector: Collector) -> Starlette:
    """The application: `POST /push/{feed}`, `POST /bulk`, `GET /health`.

    It trusts whoever can open the socket; tokens are checked by the web, which stands in front.
    """
    door = Door(collector)
    routes = [Route("/push/{feed}", door.push, methods=["POST"]), Route("/bulk", door.bulk, methods=["POST"]),
              Route("/quarantine", door.quarantine, methods=["POST"]),
              Route("/health", door.health, methods=["GET"])]
    return Starlette(routes=routes, exception_handlers={YipingError: _refused, TooLarge: _refused, BadBody: _refused,
                                                        Exception: _refused})


class Door:
    """The handlers."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._mappings = {name: BodyMapping(RowMapper(feed, collector.clock))
                          for name, feed in collector.pack.feeds.items() if feed.map != Mapping()}

    async def push(self, request: Request) -> Response:
        """Raw canonical records → verdict, after they are on disk."""
        feed = request.path_params["feed"]
        self._collector.feed_exists(feed)
        try:
            body = await _read(request)
        except ClientDisconnect:
            return Response(status_code=400)
        lines = request.headers.get("content-type", "").split(";")[0].strip() == "application/x-ndjson"
        try:
            found = read_body(body, lines)
        except BadBody as error:
            raw = body[:MOST_RAW].decode("utf-8", "replace")
            await run_in_threadpool(self._collector.refuse, feed, [(raw, str(error))])
            raise
        if found.broken:
            await run_in_threadpool(self._collector.refuse, feed, [(raw, reason) for _, raw, reason in found.broken])
        if found.raws:
            self._collector.seen(feed, found.raws[0], whole=False)
        mapped = await run_in_threadpool(self._mappings[feed].apply, found) if feed in self._mappings else found
        if len(mapped.broken) > len(found.broken):
            odd = mapped.broken[len(found.broken):]
            await run_in_threadpool(self._collector.refuse, feed, [(raw, reason) for _, raw, reason in odd])
        if mapped.repaired:
            log.warning("push %s: %d numbers repaired (full-width digits or blanks around)", feed, mapped.repaired)
        verdict = await asyncio.wrap_future(self._collector.submit(feed, mapped.raws))
        return _json(_in_sent_order(verdict, mapped).as_json())

    async def bulk(self, request: Request) -> Response:
        """{kind, feed, paths}: staged Parquet files → {accepted, duplicate}."""
        try:
            wish = orjson.loads(await _read(request))
            kind, feed, paths = str(wish["kind"]), str(wish["feed"]), [Path(str(path)) for path in wish["paths"]]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise BadBody("应为 {kind, feed, paths} 的 JSON 对象") from error
        accepted, duplicate = await run_in_threadpool(self._collector.bulk, kind, feed, paths)
        return _json({"accepted": accepted, "duplicate": duplicate})

    async def quarantine(self, request: Request) -> Response:
        """{deed: correct | replay | dismiss, who, ids or feed, kind, station, raw to correct} → what came of it."""
        try:
            wish = orjson.loads(await _read(request))
            deed, who, raw = str(wish["deed"]), str(wish["who"]), wish.get("raw")
            chosen = Chosen(tuple(int(item) for item in wish.get("ids") or ()),
                            *(str(wish.get(name) or "") for name in ("feed", "kind", "station")))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadBody("应为 {deed, who, ids 或 feed} 的 JSON 对象") from error
        work = self._collector.replaying
        if deed == "correct" and isinstance(raw, str) and len(chosen.ids) == 1:
            return _json((await run_in_threadpool(work.correct, chosen.ids[0], raw, who)).as_json())
        if deed in ("replay", "dismiss"):
            done = await run_in_threadpool(work.replay if deed == "replay" else work.dismiss, chosen, who)
            return _json(done.as_json())
        raise BadBody("deed 应为 correct（带一个编号与 raw）、replay 或 dismiss")

    async def health(self, _request: Request) -> Response:
        """Parts, lags, counts and feeds."""
        return _json(self._collector.status())


async def _read(request: Request) -> bytes:
    if int(request.headers.get("content-length") or 0) > MOST_BYTES:
        raise too_large()
    if request.headers.get("content-encoding", "identity") != "identity":
        raise BadBody("不接受压缩的内容；请直接发送 JSON")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise too_large()
        parts.append(part)
    return b"".join(parts)


def _in_sent_order(verdict: Verdict, body: Body) -> Verdict:
    """The verdict with positions in what was sent, broken lines included."""
    if body.positions == list(range(len(body.raws))) and not body.broken:
        return verdict
    rejected = [(body.positions[index], reason) for index, reason in verdict.rejected]
    rejected += [(position, reason) for position, _, reason in body.broken]
    return Verdict(verdict.accepted, verdict.duplicate, tuple(sorted(rejected)))


def _json(value: Any, status: int = 200, kind: str = "application/json") -> Response:
    return Response(orjson.dumps(value), status_code=status, media_type=kind)


async def _refused(_request: Request, error: Exception) -> Response:
    """A problem document (RFC 9457) with one plain sentence."""
    if isinstance(error, YipingError):
        status = next((code for kind, code in HTTP_STATUS.items() if isinstance(error, kind)), 500)
        title = next((word for kind, word in TITLES.items() if isinstance(error, kind)), "出错")
        detail = str(error)
    elif isinstance(error, TooLarge):
        status, title, detail = 413, "内容太大", str(error)
    elif isinstance(error, BadBody):
        status, title, detail = 400, "输入有误", str(error)
    else:
        status, title, detail = 500, "内部错误", "采集器处理这批数据时出错；数据没有接收，请把日志交给维护人员"
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    answer = _json(problem, status, "application/problem+json")
    if status == 503:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer
