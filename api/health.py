"""`/healthz`, `/readyz`, Prometheus' `/metrics`, and the one-time link's `/login`."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.web import COOKIE, json_answer, web_of
from data import once
from data.clock import from_us
from data.errors import NotAllowed
from data.parts import read_status


def alive(request: Request) -> Response:
    """The process answers."""
    return Response("ok", media_type="text/plain")


def ready(request: Request) -> Response:
    """200 when figures can be answered and every part runs; else 503; always with the parts and the trouble."""
    web = web_of(request)
    known = read_status(web.settings.state_dir)
    broken = [name for name, part in known.items() if part.state not in ("up", "finished")]
    body = {"ready": web.live.tables.loaded and not broken, "broken": broken,
            "parts": {name: asdict(part) for name, part in known.items()},
            "trouble": web.live.trouble,
            "served_from": web.live.served_from, "redis": web.state.ok, "seq": web.live.tables.seq,
            "now": from_us(web.clock.now_us()).isoformat()}
    return Response(orjson.dumps(body), 200 if body["ready"] else 503, media_type="application/json",
                    headers={"Cache-Control": "no-store"})


def prometheus(request: Request) -> Response:
    """Counters as Prometheus text."""
    web = web_of(request)
    lines = ["# TYPE yiping_seq counter", f"yiping_seq {web.live.tables.seq}",
             "# TYPE yiping_answers_computed_total counter", f"yiping_answers_computed_total {web.gate.computed}",
             "# TYPE yiping_redis_up gauge", f"yiping_redis_up {int(web.state.ok)}",
             "# TYPE yiping_feed_accepted gauge"]
    lines += [f'yiping_feed_accepted{{feed="{feed}"}} {state.accepted}'
              for feed, state in sorted(web.live.health.items())]
    return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def login(request: Request) -> Response:
    """Takes the one-time link and opens a duty session; without one it says how to get it."""
    web = web_of(request)
    token = request.query_params.get("once", "")
    if not token:
        return json_answer(request, {"detail": "用启动时打印的一次性链接打开本页"})
    if not once.consume(web.settings, token):
        raise NotAllowed("这个链接已用过或已过期；重新启动服务会得到新的链接")
    reply = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    reply.set_cookie(COOKIE, web.sessions.open_duty(), httponly=True, samesite="lax", secure=secure, path="/")
    return reply
