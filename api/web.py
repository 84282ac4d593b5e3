"""What every resource of the web needs: services of one process, principal, answers with ETag and compression."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import Any, cast

import brotli
import orjson
from starlette.requests import Request
from starlette.responses import Response

from access.principal import Principal
from api.openapi_calls import CALLS, check
from api.panel_shelf import PanelShelf
from data.cache import AnswerCache
from data.clock import Clock
from data.errors import HTTP_STATUS, RETRY_AFTER_S, TITLES, NotAllowed, YipingError
from data.gate import Gate
from data.live import Live
from data.pack import Pack
from data.sessions import Sessions
from data.settings import Settings
from data.state import State
from layouts.screen import Screen

Handler = Callable[[Request], Any]
COOKIE, PREFIX = "yp_session", "/api/v1"
_PACKERS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("br", lambda raw: brotli.compress(raw, quality=5)), ("gzip", lambda raw: gzip.compress(raw, 6)))
SMALL = 900
SHELF_BYTES = 64_000_000


@dataclass
class Packed:
    """A body with its compressed forms, made once each."""

    body: bytes
    media: str = "application/json"
    forms: dict[str, bytes] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """Strong validator of the body."""
        return '"' + hashlib.blake2b(self.body, digest_size=12).hexdigest() + '"'

    def form(self, accepts: str) -> tuple[str, bytes]:
        """(content encoding, bytes) that the client takes."""
        if len(self.body) < SMALL or self.media.startswith("image/"):
            return "", self.body
        for name, pack in _PACKERS:
            if name in accepts:
                if name not in self.forms:
                    self.forms[name] = pack(self.body)
                return name, self.forms[name]
        return "", self.body


class Shelf:
    """Answers as bytes, computed once per key (flask-caching behind it), with their compressed forms at hand."""

    def __init__(self, cache: AnswerCache, most: int = 400) -> None:
        self._cache, self._most = cache, most
        self._forms: OrderedDict[str, Packed] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def held(self, parts: tuple[Any, ...]) -> Packed | None:
        """The answer of a key if it is at hand."""
        key = _digest(parts)
        with self._lock:
            found = self._forms.get(key)
            if found is not None:
                self._forms.move_to_end(key)
            return found

    def get_or_make(self, parts: tuple[Any, ...], make: Callable[[], Packed], ttl_s: float = 300.0) -> Packed:
        """The answer of a key, which must name everything it depends on: principal, question, data version."""
        found = self.held(parts)
        if found is not None:
            return found
        key = _digest(parts)

        def body() -> bytes:
            made = make()
            return made.media.encode() + b"\n" + made.body

        kind, _, raw = self._cache.get_or_make(key, body, ttl_s).partition(b"\n")
        with self._lock:
            if key not in self._forms:
                self._forms[key] = Packed(raw, kind.decode())
                self._bytes += len(raw)
            found = self._forms[key]
            while len(self._forms) > self._most or (self._bytes > SHELF_BYTES and len(self._forms) > 1):
                self._bytes -= len(self._forms.popitem(last=False)[1].body)
        return found


def _digest(parts: tuple[Any, ...]) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=20).hexdigest()


@dataclass
class Web:
    """Services of one web process, handed to every handler. `ground`: ground files at the start → version."""

    settings: Settings
    pack: Pack
    clock: Clock
    state: State
    live: Live
    gate: Gate
    sessions: Sessions
    shelf: Shelf
    panels: PanelShelf = field(default_factory=PanelShelf)
    screens: tuple[Screen, ...] = ()
    geometry_version: str = ""
    ground: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)

    def principal(self, request: Request) -> Principal:
        """Who asks, from the session cookie only.

        Raises:
            NotAllowed: nobody is logged in and the place is not a demo.
        """
        found = self.sessions.principal(request.cookies.get(COOKIE))
        if found is None:
            raise NotAllowed("请先登录")
        return found


def web_of(request: Request) -> Web:
    """The services of the application that serves the request."""
    found: Web = request.app.state.web
    return found


def query_of(request: Request) -> dict[str, str]:
    """The query as a flat mapping (the last of repeated names), as `held` has let it through."""
    return dict(request.query_params)


def held(path: str, handler: Handler) -> Handler:
    """The handler of a call behind the check of its query, which so no handler can forget.

    A query with a parameter that the OpenAPI document does not allow ends in WrongInput; a page's address is read more
    kindly.
    """
    calls = {call.method: call for call in CALLS if call.path == path and call.strict}

    def judge(request: Request) -> None:
        call = calls.get("get" if request.method == "HEAD" else request.method.lower())
        if call is not None:
            check(call, web_of(request).parameters, query_of(request))

    # Starlette gives plain handlers a thread of their own, and knows them by their kind.
    if iscoroutinefunction(handler):
        async def waited(request: Request) -> Response:
            judge(request)
            return cast(Response, await handler(request))
        return waited

    def plain(request: Request) -> Response:
        judge(request)
        return cast(Response, handler(request))
    return plain


def answer(request: Request, packed: Packed, immutable: bool = False) -> Response:
    """The body in the form the client takes, 304 where it holds it already."""
    headers = {"ETag": packed.etag, "Vary": "Accept-Encoding, Cookie",
               "Cache-Control": "private, max-age=31536000, immutable" if immutable else "private, no-cache"}
    if packed.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    encoding, body = packed.form(request.headers.get("accept-encoding", ""))
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(body, media_type=packed.media, headers=headers)


def json_answer(request: Request, value: Any, immutable: bool = False) -> Response:
    """A JSON value as an answer."""
    return answer(request, Packed(orjson.dumps(value)), immutable)


def problem(status: int, title: str, detail: str) -> Response:
    """An RFC 9457 problem document."""
    body = orjson.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {})
    return Response(body, status, media_type="application/problem+json", headers=headers)


def problem_of(error: YipingError) -> Response:
    """The problem document of one of our own errors."""
    return problem(HTTP_STATUS.get(type(error), 500), TITLES.get(type(error), "出错了"), str(error))
