"""`/live`: which versions changed — a stream of server-sent events, or the same by polling; never the data itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.web import Web, query_of, web_of

BEAT_S = 4.0


class Hub:
    """Joins the changes of the tables' thread and tells every stream: the first at once, the next after the gap."""

    def __init__(self, gap_s: float = 0.1) -> None:
        self._gap = gap_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: set[asyncio.Queue[tuple[int, tuple[str, ...]] | None]] = set()
        self._pending: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._told = 0.0
        self._seq = 0

    def bind(self) -> None:
        """Takes the running loop; called once at start."""
        self._loop = asyncio.get_running_loop()

    def changed(self, seq: int, feeds: tuple[str, ...]) -> None:
        """Called from the tables' thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._collect, seq, feeds)

    def _collect(self, seq: int, feeds: tuple[str, ...]) -> None:
        self._pending.update(dict.fromkeys(feeds, seq))
        self._seq = max(self._seq, seq)
        if self._timer is None and self._loop is not None:
            self._timer = self._loop.call_at(max(self._loop.time(), self._told + self._gap), self._tell)

    def _tell(self) -> None:
        message = (self._seq, tuple(sorted(self._pending)))
        self._pending, self._timer = {}, None
        self._told = self._loop.time() if self._loop is not None else 0.0
        for stream in self._streams:
            stream.put_nowait(message)

    def end(self) -> None:
        """Ends every stream, so that a restart waits for nobody."""
        for stream in self._streams:
            stream.put_nowait(None)

    def open(self) -> asyncio.Queue[tuple[int, tuple[str, ...]] | None]:
        """A new stream's queue."""
        stream: asyncio.Queue[tuple[int, tuple[str, ...]] | None] = asyncio.Queue()
        self._streams.add(stream)
        return stream

    def close(self, stream: asyncio.Queue[tuple[int, tuple[str, ...]] | None]) -> None:
        """Forgets a stream."""
        self._streams.discard(stream)


def _message(web: Web, feeds: tuple[str, ...]) -> bytes:
    return orjson.dumps({"v": web.gate.version(), "feeds": feeds, "now": web.clock.now_us(),
                         "from": web.live.served_from, "trouble": web.live.trouble, "seq": web.live.tables.seq})


async def _events(web: Web, hub: Hub) -> AsyncIterator[bytes]:
    stream = hub.open()
    try:
        yield b"retry: 500\n\ndata: " + _message(web, ()) + b"\n\n"
        while True:
            try:
                found = await asyncio.wait_for(stream.get(), BEAT_S)
            except TimeoutError:
                yield b"event: beat\ndata: " + _message(web, ()) + b"\n\n"
                continue
            if found is None:
                return
            yield f"id: {found[0]}\ndata: ".encode() + _message(web, found[1]) + b"\n\n"
    finally:
        hub.close(stream)


async def live(request: Request) -> Response:
    """The stream; with `since=<seq>` one answer: the feeds that changed after it."""
    web, query = web_of(request), query_of(request)
    web.principal(request)
    if "since" in query:
        since = int(query["since"]) if query["since"].isdigit() else 0
        feeds = tuple(sorted(feed for feed, seq in web.live.tables.versions.items() if seq > since))
        return Response(_message(web, feeds), media_type="application/json", headers={"Cache-Control": "no-store"})
    return StreamingResponse(_events(web, request.app.state.hub), media_type="text/event-stream",
                             headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
