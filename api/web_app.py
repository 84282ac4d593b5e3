"""The web process: Starlette outside (API, streams), Dash's Flask inside; started by `./yiping web`."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from flask import Flask, request
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp

from api import (
    area,
    enlarged,
    events,
    faults,
    feeds,
    finding,
    health,
    layers,
    metrics,
    openapi,
    places,
    quarantine,
    streams,
    tiles,
    topics,
    view,
)
from api.openapi_calls import parameters
from api.security import SecurityHeaders
from api.web import COOKIE, PREFIX, Shelf, Web, held
from data.answers import Question
from data.cache import AnswerCache, make_cache
from data.clock import Clock
from data.collector_line import line_of
from data.errors import YipingError
from data.feed_desk import FeedDesk
from data.gate import Gate
from data.ground_files import versions
from data.history import open_reader
from data.live import Live
from data.pack import Pack, load_pack
from data.people import People
from data.sessions import Sessions
from data.settings import Settings
from data.state import State
from data.tile_layers import hosts
from geo.layers import FORM
from layouts.fitting import fitted
from layouts.screens import SCREENS

DashMaker = Callable[..., Any]
# After the start, which has the processor first.
AHEAD_S = 5.0
RESOURCES: tuple[tuple[str, Any, str], ...] = (
    ("/view", view.view, "GET"), ("/metrics", metrics.catalogue, "GET"), ("/metrics/{metric}", metrics.value, "GET"),
    ("/events", events.listing, "GET"), ("/events/{event}", events.one, "GET"), ("/warnings", events.warnings, "GET"),
    ("/layers", layers.catalogue, "GET"), ("/layers/{layer}.geojson", layers.layer, "GET"),
    ("/divisions/{code}", places.division, "GET"),
    ("/search", finding.search, "GET"), ("/here/{pin}", finding.here, "GET"),
    ("/tiles/{tiles}/{z}/{x}/{y}", tiles.one, "GET"),
    ("/feeds", feeds.listing, "GET"), ("/feeds/{feed}/records", feeds.push, "POST"), ("/topics", topics.listing, "GET"),
    ("/departments", feeds.departments, "GET"), ("/quarantine", quarantine.desk, "GET POST"),
    ("/quarantine/{item}", quarantine.one, "GET"),
    ("/area", area.whole, "GET"), ("/area.csv", area.as_csv, "GET"), ("/area.xlsx", area.as_xlsx, "GET"),
    ("/area.geojson", area.as_geojson, "GET"),
    ("/live", streams.live, "GET"), ("/openapi.json", openapi.document, "GET"),
)


def services(settings: Settings, pack: Pack) -> Web:
    """The services of one process; nothing runs yet.

    Raises:
        Unavailable, WrongInput: a part that cannot be set up.
    """
    clock = Clock(settings.clock_offset_s or 0.0)
    state = State(settings.redis_url, f"yp:{pack.place.code}:")
    reader = open_reader(settings, pack)
    live = Live(pack, state, reader, clock, settings.state_dir)
    live.collector = line = line_of(settings)
    desk = FeedDesk(pack, settings.state_dir, line.asker() if line.far else None)
    live.quarantine = desk.quarantine
    cache = make_cache(Flask("yiping-cache"), settings.cache_url or settings.redis_url, f"yp:{pack.place.code}:c:")
    gate = Gate(pack, live, reader, desk)
    gate.named.people = People(pack.root, settings.state_dir)
    web = Web(settings, pack, clock, state, live, gate,
              Sessions(pack.divisions.root.code, settings.mode == "demo"), Shelf(AnswerCache(cache)))
    web.screens = fitted(SCREENS, lambda question: answerable(pack, question), pack.place.default_metric, pack.layers)
    web.parameters = parameters(pack, tuple(screen.key for screen in web.screens))
    file = next(iter(sorted(pack.root.glob("divisions.*"))), None)
    web.ground = versions(pack.root)
    # What is told of each division besides its border is part of the version, so that no browser keeps the older form.
    web.geometry_version = hashlib.blake2b(file.read_bytes() + FORM, digest_size=6).hexdigest() if file else "0"
    return web


def answerable(pack: Pack, question: Question) -> bool:
    """True when the pack declares what a question needs."""
    if question.kind == "metric":
        return question.name in pack.metrics
    kinds = {"warnings": "warning", "events": "event"}
    wanted = kinds.get(question.kind) or kinds.get(question.name)
    if question.name.startswith("assets:"):
        wanted = "asset"
    return wanted is None or any(feed.kind == wanted for feed in pack.feeds.values())


def dash_of(web: Web, make: DashMaker) -> Any:
    """Dash over the services."""
    def first(path: str, query: Any) -> dict[str, Any]:
        return view.first_view(web, path, dict(query), request.cookies.get(COOKIE))

    def enlarge(query: Any, panel: str) -> Any:
        return enlarged.enlarge(web, dict(query), panel)

    pitch, distance = web.settings.wall_pitch_mm, web.settings.wall_distance_m
    return make(place=view.place_of(web), screens=web.screens, first_view=first, enlarge=enlarge,
                demo=web.settings.mode == "demo", wall_root_px=wall_root_px(pitch, distance),
                pictures=hosts(web.pack.tile_sources(), web.settings.tianditu_key))


def wall_root_px(pitch_mm: float, distance_m: float) -> float:
    """Root size at which the smallest type (.875 rem, glyph .9 of it) is 16 arc-minutes high; 0 = the style's own rule.

    Height h = 2·d·tan(θ/2) (NUREG-0700 12.1.1.3, 16 arc-minutes); on the usual wall the style sheet's size is larger.
    """
    need_px = 2 * distance_m * 1000 * math.tan(math.radians(16 / 60) / 2) / pitch_mm
    return round(need_px / (0.875 * 0.9), 2)


def routes(dash: Any) -> list[BaseRoute]:
    """Every address; what is not ours is Dash's."""
    calls = [Route(path, held(path, handler), methods=verbs.split()) for path, handler, verbs in RESOURCES]
    # A router of its own: what is no call of ours gets a problem document, not a page of Dash's.
    own: list[BaseRoute] = [Mount(PREFIX, Router(calls, redirect_slashes=False))]
    own += [Route("/healthz", health.alive), Route("/readyz", health.ready), Route("/metrics", health.prometheus),
            Route("/login", health.login)]
    return [*own, Mount("/", cast(ASGIApp, WSGIMiddleware(dash.server, workers=8)))]


def application(settings: Settings, make: DashMaker) -> Starlette:
    """The ASGI application of a place; `make` makes the Dash app of its services."""
    web = services(settings, load_pack(settings.place_dir))
    hub = streams.Hub()
    web.live.listen(hub.changed)
    dash = dash_of(web, make)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        hub.bind()
        web.live.start()
        # Whoever types first shall not wait for the table of pinyin.
        threading.Thread(target=web.gate.named.learn, name="names", daemon=True).start()
        cells = threading.Timer(AHEAD_S, layers.make_ahead, (web,))
        cells.name, cells.daemon = "layers", True
        cells.start()
        dash.bundles.warm()
        web.gate.ground.warm()
        async with web.live.collector.client() as client:
            app.state.collector = client
            yield
        cells.cancel()
        hub.end()
        web.live.stop()

    app = Starlette(routes=routes(dash), lifespan=lifespan, exception_handlers={
        YipingError: faults.ours, HTTPException: faults.missing, Exception: faults.unforeseen})
    app.state.web, app.state.hub = web, hub
    app.add_middleware(SecurityHeaders)
    return app


