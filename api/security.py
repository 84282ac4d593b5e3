"""Headers on every answer that is not Dash's own, and the refusal of writes from foreign pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.web import problem

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
           "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}


def foreign(headers: Headers) -> bool:
    """True for a request that a page of another origin caused; machines send neither Origin nor Sec-Fetch-Site."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host", ""):
        return True
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


class SecurityHeaders:
    """Plain ASGI middleware (streams pass untouched)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the headers; a foreign write gets 403."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] not in _SAFE and foreign(Headers(scope=scope)):
            await problem(403, "无权访问", "写入只接受本站页面或带令牌的系统")(scope, receive, told)
            return
        await self._app(scope, receive, told)
