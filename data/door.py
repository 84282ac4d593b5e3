"""The collector's door: HTTP on a unix socket for pushes, bulks and questions after its health."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from data.batches import Verdict
from data.bodies import MOST_BYTES, BadBody, Body, TooLarge, read_body, too_large
from data.collect import Collector
from data.collector_line import SECRET, TOKEN, same, secret_of
from data.errors import HTTP_STATUS, RETRY_AFTER_S, TITLES, YipingError
from data.far_desk import answered, questions
from data.feed_mapping import Mapping
from data.mapping import RowMapper
from data.pushed import BodyMapping
from data.quarantine import MOST_RAW
from data.quarantine_view import Chosen
from data.settings import Settings
from data.tokens import check

log = logging.getLogger("yiping.door")
LONG = 1_000_000


def make_door(collector: Collector) -> Starlette:
    """The application: `POST /push/{feed}`, `POST /bulk`, `POST /quarantine`, `GET /health`.

    It trusts whoever can open the socket; tokens are checked by the web, which stands in front.
    """
    door = Door(collector)
    routes = [Route("/push/{feed}", door.push, methods=["POST"]), Route("/bulk", door.bulk, methods=["POST"]),
              Route("/quarantine", door.quarantine, methods=["POST"]),
              Route("/retain", door.retain, methods=["POST"]),
              Route("/health", door.health, methods=["GET"])]
    return Starlette(routes=routes, exception_handlers=FAULTS)


def make_far_door(collector: Collector, settings: Settings) -> ASGIApp:
    """For web parts on other machines: pushes with the feed's token, wishes to the quarantine, `POST /ask`, health.

    Every request carries the secret; staged files stay with the machine they lie on.
    """
    door = FarDoor(collector, settings)
    routes = [Route("/push/{feed}", door.push, methods=["POST"]), Route("/ask", door.ask, methods=["POST"]),
              Route("/quarantine", door.quarantine, methods=["POST"]), Route("/health", door.health, methods=["GET"])]
    return Guard(Starlette(routes=routes, exception_handlers=FAULTS), secret_of(settings))


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
            found = await _parsed(body, lines)
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
        """{kind, feed, paths}: staged Parquet files → {accepted, duplicate}; with offset they are an export's.

        {numbers: [least, most]} sets numbers aside for an export → {offset}.
        """
        try:
            wish = orjson.loads(await _read(request))
            if "numbers" in wish:
                least, most = (int(number) for number in wish["numbers"])
                return _json({"offset": await run_in_threadpool(self._collector.bulks.numbers, least, most)})
            kind, feed, paths = str(wish["kind"]), str(wish["feed"]), [Path(str(path)) for path in wish["paths"]]
            offset = None if wish.get("offset") is None else int(wish["offset"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise BadBody("应为 {kind, feed, paths} 的 JSON 对象") from error
        accepted, duplicate = await run_in_threadpool(self._collector.bulk, kind, feed, paths, offset)
        return _json({"accepted": accepted, "duplicate": duplicate})

    async def retain(self, request: Request) -> Response:
        """{who, dry} → {going}: what went, or would go, as its class says."""
        try:
            wish = orjson.loads(await _read(request))
            who, dry = str(wish["who"]), bool(wish["dry"])
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise BadBody("应为 {who, dry} 的 JSON 对象") from error
        return _json({"going": await run_in_threadpool(self._collector.retain, who, dry)})

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


class FarDoor(Door):
    """The handlers for other machines."""

    def __init__(self, collector: Collector, settings: Settings) -> None:
        super().__init__(collector)
        self._settings, self._known = settings, questions(collector.folder)

    async def push(self, request: Request) -> Response:
        """As there, for whoever has the feed's token."""
        feed = request.path_params["feed"]
        self._collector.feed_exists(feed)
        if not await run_in_threadpool(check, self._settings, feed, request.headers.get(TOKEN, "")):
            remedy = f"请在采集器的机器上用 ./yiping feed token {feed} 生成"
            return _problem(401, "缺少令牌", f"令牌不是数据源 {feed} 的；{remedy}")
        return await super().push(request)

    async def ask(self, request: Request) -> Response:
        """{question, values} → what the ledger or the quarantine says."""
        try:
            wish = orjson.loads(await _read(request))
        except orjson.JSONDecodeError as error:
            raise BadBody("应为 {question, values} 的 JSON 对象") from error
        return _json(await run_in_threadpool(answered, self._known, wish))


class Guard:
    """Lets in only who knows the secret; everybody else hears nothing of what is behind."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app, self._secret = app, secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        app: ASGIApp = self._app
        if scope["type"] == "http" and not same(Headers(scope=scope).get(SECRET, ""), self._secret):
            app = _problem(403, "无权访问", "密钥不对；两边的 YIPING_COLLECT_SECRET 应相同")
        await app(scope, receive, send)


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


async def _parsed(body: bytes, lines: bool) -> Body:
    """The body read; a long one beside the other pushes, not before them."""
    return await run_in_threadpool(read_body, body, lines) if len(body) > LONG else read_body(body, lines)


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
    return _problem(status, title, detail)


def _problem(status: int, title: str, detail: str) -> Response:
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    answer = _json(problem, status, "application/problem+json")
    if status == 503:
        answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


FAULTS: dict[Any, Any] = {YipingError: _refused, TooLarge: _refused, BadBody: _refused, Exception: _refused}
