"""A small county behind the real Dash app: real frame and regions, invented answers, a live stream that tests steer."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvicorn
from a2wsgi import WSGIMiddleware
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from callbacks.dash_app import make_dash
from callbacks.services import Services
from data.answers import Answer, Change, Group, Point
from data.errors import NotFound
from layouts import regions as made
from layouts.screen import Context, Place
from layouts.screens import BY_KEY, SCREENS
from layouts.view import from_query, to_query

ROOT = Path(__file__).resolve().parents[2]
PACK = ROOT / "places" / "yudu"
TZ = "Asia/Shanghai"
STATES = ("ok", "ok", "ok", "att", "warn", "alarm")
STEPS = {"hour": 3600, "day": 86400, "week": 604800, "month": 2592000}
NAMES = {"open_events": "在办事件", "overdue_events": "超期未办", "aqi": "空气 AQI", "power_load": "用电负荷"}


def share(*parts: object) -> float:
    """A number in 0…1 that depends on its parts only."""
    return int(hashlib.sha256(repr(parts).encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


class County:
    """Divisions, invented figures and the versions of two feeds."""

    def __init__(self, hostile: str = "") -> None:
        features = json.loads((PACK / "divisions.geojson").read_text(encoding="utf8"))["features"]
        self.features = features
        self.rows = {f["properties"]["code"]: f["properties"] for f in features}
        if hostile:
            self.rows["360731104000"]["name"] = hostile
        self.levels = ("county", "township", "village", "grid")
        words = tuple(zip(self.levels, ("县", "乡镇", "村", "网格"), strict=True))
        self.place = Place("360731000000", "于都县", "一屏统览", words, "示意边界", False, TZ)
        self.seq, self.bias, self.down = 1, 0.0, False
        self.asked: list[str] = []
        self.layer_bytes: dict[str, bytes] = {}
        self.delay_s = 0.0
        self.kept: dict[tuple, dict] = {}

    def children(self, code: str) -> list[dict]:
        return [row for row in self.rows.values() if row["parent"] == code]

    def chain(self, code: str) -> tuple[tuple[str, str], ...]:
        found = []
        while code:
            found.append((code, self.rows[code]["name"]))
            code = self.rows[code]["parent"]
        return tuple(reversed(found))

    def answer(self, question, view, now: datetime) -> Answer:
        bias = self.bias if question.name == "open_events" else 0
        value = round(1000 * share(question.name, view.division, view.window, bias), 0)
        base = Answer(question, NAMES.get(question.name, question.name), unit="件", value=value, time=now,
                      source="县城市运行中心", freshness="live", served_from="live", cadence_s=300,
                      change=Change("较昨日", -62, "件"), demo=True, at_division=view.division)
        if question.by in ("children", *self.levels):
            rows = self.rows_of(question.by, view)
            return replace(base, groups=tuple(self.group(question.name, row) for row in rows))
        if question.by in STEPS:
            count, step = question.limit or 24, timedelta(seconds=STEPS[question.by])
            series = (Point(now - step * (count - k), 50 + 40 * share(question.name, k)) for k in range(count))
            return replace(base, series=tuple(series))
        if question.kind == "rows":
            return replace(base, rows=tuple(_row(k, int(now.timestamp() * 1e6)) for k in range(6)), total=20)
        return replace(base, value=0.0) if question.kind == "warnings" else base

    def rows_of(self, by: str, view) -> list[dict]:
        if by == "children":
            return self.children(view.division)
        return [row for row in self.rows.values() if row["level"] == self.levels.index(by)]

    def group(self, name: str, row: dict) -> Group:
        number = round(20 * share(name, row["code"], self.bias), 1)
        return Group(row["code"], row["name"], number, 3, {"state": STATES[int(6 * share("s", row["code"])) % 6]})

    def view(self, key: str, query: dict[str, str]) -> dict:
        asked = (key, self.seq, *sorted((name, value) for name, value in query.items() if name != "v"))
        if asked not in self.kept:
            self.kept[asked] = self.made(key, query)
        return self.kept[asked]

    def made(self, key: str, query: dict[str, str]) -> dict:
        if key not in BY_KEY:
            raise NotFound(f"没有屏 {key}")
        screen = BY_KEY[key]
        shown = from_query(key, query, screen.window)
        now = datetime.fromisoformat(shown.at) if shown.at else datetime.now(UTC)
        if shown.division and shown.division not in self.rows:
            raise NotFound(f"没有区划 {shown.division}")
        shown = replace(shown, division=shown.division or self.place.code)
        kids = tuple((row["code"], row["name"]) for row in self.children(shown.division))
        now_us = int(now.timestamp() * 1e6)
        context = Context(self.place, shown, self.chain(shown.division), now_us, "dark", True, {}, kids)
        answers = {name: self.answer(question, shown, now) for name, question in made.questions(screen, shown)}
        html = made.regions(screen, answers, context)
        return {"v": str(self.seq), "seq": self.seq, "now": context.now_us, "screen": key, "query": to_query(shown),
                "title": screen.title, "alarm": False,
                "body": made.body_class(screen, context.view), "demo": True, "theme": "dark", "regions": html,
                "feeds": [] if shown.at else ["events", "air"], "map": {} if screen.plain else self.map(shown, answers)}

    def map(self, shown, answers) -> dict:
        row = self.rows[shown.division]
        leaf = row["level"] == len(self.levels) - 1
        asked = shown.map.level
        level = asked if asked in self.levels[1:] else self.levels[min(row["level"] + 1, 3)]
        color = made.shade(answers["map"])
        parent = row["parent"] if leaf else row["code"]
        url = "/api/v1/layers/{}.geojson?v=1".format
        points = [{"layer": "events", "kind": "events", "url": f"{url('events')}&division={row['code']}&n={self.seq}"}]
        if "camera" in shown.map.layers:
            points.append({"layer": "sensor", "kind": "assets", "shape": "circle", "url": url("sensor")})
        marks = made.marks(answers) if parent == self.place.code else {}
        return {"metric": answers["map"].question.name, "division": row["code"], "level": level,
                "cells": url(f"divisions-{level}"), "outline": url("divisions-county"),
                "neighbours": url("neighbours"), "rivers": url("rivers"), "points": points,
                "values": {code: list(v) for code, v in color.values.items()}, "classes": list(color.tokens),
                "marks": {code: list(mark) for code, mark in marks.items()}, "bounds": self.bounds(row["code"]),
                "focus": "" if row["parent"] is None else row["code"],
                "finer": [url(f"divisions-{name}") for name in self.levels[self.levels.index(level) + 1:]]}

    def bounds(self, code: str) -> list[float]:
        shape = next(f for f in self.features if f["properties"]["code"] == code)["geometry"]
        points = [p for ring in _rings(shape) for p in ring]
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        return [min(xs), min(ys), max(xs), max(ys)]

    def layer(self, name: str) -> bytes:
        if name.startswith("divisions-"):
            if name not in self.layer_bytes:
                level = self.levels.index(name.partition("-")[2])
                kept = [f for f in self.features if f["properties"]["level"] == level]
                self.layer_bytes[name] = json.dumps({"type": "FeatureCollection", "features": kept}).encode()
            return self.layer_bytes[name]
        if name in ("neighbours", "rivers"):
            return (PACK / f"{name}.geojson").read_bytes()
        many = {"events": 1286, "sensor": 1500}.get(name)
        if many is None:
            raise NotFound(name)
        box = self.bounds(self.place.code)
        spots = [_spot(name, k, box) for k in range(many)]
        return json.dumps({"type": "FeatureCollection", "features": spots}).encode()


def _row(k: int, us: int) -> dict:
    return {"id": f"e{k}", "title": f"红旗大道排水堵塞 {k}", "category": "排水", "division": "贡江镇",
            "department": "县住建局", "channel": "12345", "stage": "处置", "due_us": us, "overdue_s": 3600 * k,
            "state": "warn", "time_us": us,
            "stage_time_us": us, "name": f"站 {k}"}


def _spot(name: str, k: int, box: list[float]) -> dict:
    at = [box[0] + (box[2] - box[0]) * share(name, k, 1), box[1] + (box[3] - box[1]) * share(name, k, 2)]
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": at},
            "properties": {"id": f"{name}{k}", "name": f"{name} {k}", "text": "处置",
                           "state": STATES[k % 6] if name == "events" else ""}}


def _rings(geometry: dict) -> list:
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return [ring for polygon in polygons for ring in polygon]


class Stub:
    """The server on a free port; `push` tells open pages of changes; `stop` ends it, `start` brings it back."""

    def __init__(self, county: County) -> None:
        self.county = county
        self.port = _free_port()
        self.queues: set[asyncio.Queue] = set()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.dash = make_dash(Services(county.place, SCREENS, self.first, self.enlarge, demo=True,
                                       pictures=getattr(county, "pictures", ())))
        self.server: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def first(self, path: str, query) -> dict:
        return self.county.view(path.strip("/") or "overview", dict(query))

    def enlarge(self, query, panel: str):
        if panel not in {p.key for p in BY_KEY[query.get("screen", "overview")].panels}:
            raise NotFound(f"没有面板 {panel}，请刷新页面。")
        figure = {"data": [{"type": "bar", "x": ["甲", "乙"], "y": [3, 5]}], "layout": {"title": {"text": ""}}}
        rows = [["甲", "3"], ["乙", "5"]]
        return {"title": f"面板 {panel}", "figure": figure, "columns": ["名称", "值"], "rows": rows}

    async def view(self, request) -> Response:
        query = dict(request.query_params)
        self.county.asked.append(str(request.url.query))
        if self.county.delay_s:
            await asyncio.sleep(self.county.delay_s)
        if self.county.down:
            return JSONResponse({"title": "暂不可用", "detail": "历史库正在恢复"}, 503)
        try:
            found = self.county.view(query.get("screen", "overview"), query)
        except NotFound as error:
            return JSONResponse({"title": "没有找到", "detail": str(error), "status": 404}, 404)
        return Response(json.dumps(found, ensure_ascii=False), media_type="application/json",
                        headers={"Cache-Control": "private, max-age=31536000, immutable"})

    async def layer(self, request) -> Response:
        try:
            body = self.county.layer(request.path_params["layer"])
        except NotFound:
            return JSONResponse({"detail": "没有图层"}, 404)
        forever = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(body, media_type="application/geo+json", headers=forever)

    def message(self, feeds=()) -> str:
        seq = self.county.seq
        return json.dumps({"v": str(seq), "seq": seq, "feeds": list(feeds), "now": int(time.time() * 1e6)})

    async def live(self, request) -> Response:
        if "since" in request.query_params:
            since = request.query_params["since"]
            news = ["events", "air"] if since and int(since) < self.county.seq else []
            return Response(self.message(news), media_type="application/json")
        queue: asyncio.Queue = asyncio.Queue()
        self.queues.add(queue)

        async def told():
            try:
                yield f"retry: 500\n\nid: {self.county.seq}\ndata: {self.message()}\n\n"
                while (found := await queue.get()) is not None:
                    yield f"id: {self.county.seq}\ndata: {self.message(found)}\n\n"
            finally:
                self.queues.discard(queue)
        return StreamingResponse(told(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    def push(self, feeds: tuple[str, ...] = ("events",)) -> None:
        self.county.seq += 1
        for queue in list(self.queues):
            self.loop.call_soon_threadsafe(queue.put_nowait, feeds)

    def start(self) -> Stub:
        async def alive(_request):
            self.loop = asyncio.get_running_loop()
            return Response("ok")

        app = Starlette(routes=[
            Route("/healthz", alive), Route("/api/v1/view", self.view), Route("/api/v1/live", self.live),
            Route("/api/v1/layers/{layer}.geojson", self.layer), Mount("/", WSGIMiddleware(self.dash.server))])
        config = uvicorn.Config(app, "127.0.0.1", self.port, log_level="error", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        _until(lambda: _answers(self.port), 10)
        return self

    def stop(self) -> None:
        for queue in list(self.queues):
            self.loop.call_soon_threadsafe(queue.put_nowait, None)
        self.server.should_exit = True
        self.thread.join(10)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 0.3) as link:
            link.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return b"200" in link.recv(64)
    except OSError:
        return False


def _until(condition, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("server did not start")
        time.sleep(0.02)
