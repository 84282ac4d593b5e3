"""`/topics`: which of the 53 topics are live, computed from the declarations and the data at the moment of asking."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from access.principal import Principal
from api.web import Web, json_answer, web_of
from data.answers import Question, Scope, Window
from data.errors import YipingError
from data.windows import window_of
from layouts.screen import Panel
from layouts.topics import TOPICS, Topic


def _panels(web: Web, topic: str) -> list[tuple[str, Panel]]:
    return [(screen.key, panel) for screen in web.screens for panel in screen.panels
            if panel.topic == topic or topic in panel.also]


def _shown(web: Web, topic: str) -> dict[str, set[str]]:
    """Panels and maps that show phrases of a topic: `screen.panel` → the phrases."""
    shown = {f"{key}.{panel.key}": {*(panel.shows if panel.topic == topic else ()), *panel.also.get(topic, ())}
             for key, panel in _panels(web, topic)}
    return shown | {f"{screen.key}.map": set(screen.map.also[topic]) for screen in web.screens
                    if topic in screen.map.also}


def _feeds(web: Web, topic: str, metrics: list[str]) -> list[str]:
    own = [key for key, feed in web.pack.feeds.items() if feed.topic == topic]
    asked = [question for _, panel in _panels(web, topic) for question in panel.asks.values()
             if question.kind in ("metric", "rows", "warnings")]
    shown = [feed for question in asked for feed in web.gate.feeds_of(question) if feed in web.pack.feeds]
    return sorted({*own, *shown, *(feed for name in metrics for feed in web.pack.metrics[name].feeds)})


def _why_not(web: Web, topic: Topic, found: dict[str, Any], asked: tuple[Principal, Window]) -> list[str]:
    rows = web.gate.read(asked[0], Question("feeds"), _root(web), asked[1]).rows
    states = {row["feed"]: row["freshness"] for row in rows}
    why = []
    if not found["feeds"]:
        why.append("没有声明数据源")
    elif not any(states.get(feed) in ("live", "scheduled") for feed in found["feeds"]):
        why.append("数据源都不在实时或定期状态：" + "、".join(web.pack.feeds[feed].name for feed in found["feeds"]))
    why += [f"指标“{web.pack.metrics[name].name}”没有带时间和来源的数" for name in found["metrics"]
            if not _answers(web, name, asked)]
    shown = {phrase for phrases in _shown(web, topic.id).values() for phrase in phrases}
    unseen = [phrase for phrase in topic.phrases if phrase not in shown]
    why += ["没有面板显示：" + "、".join(unseen)] if unseen else []
    empty = [layer for layer in found["layers"] if not _features(web, layer, asked)]
    why += [f"图层“{web.pack.layers[layer].name}”没有要素" for layer in empty]
    return why


def _root(web: Web) -> Scope:
    return Scope(web.pack.divisions.root.code)


def _answers(web: Web, metric: str, asked: tuple[Principal, Window]) -> bool:
    try:
        answer = web.gate.read(asked[0], Question("metric", metric), _root(web), asked[1])
    except YipingError:
        return False
    return answer.value is not None and answer.time is not None and bool(answer.source)


def _features(web: Web, layer: str, asked: tuple[Principal, Window]) -> bool:
    declared = web.pack.layers[layer]
    if asked[1].at is None:
        held = web.live.tables
        return declared.kind == "lines" or bool(len(held.events) if declared.kind == "events"
                                                else held.assets.layer(declared.source))
    source = "events" if declared.kind == "events" else f"assets:{declared.source}"
    return declared.kind == "lines" or web.gate.read(asked[0], Question("rows", source, limit=1), _root(web),
                                                     asked[1]).total > 0


def topic_rows(web: Web, principal: Principal, shown: Window | None = None) -> tuple[dict[str, Any], ...]:
    """One row a topic: id, name, domain, live, why_not, screens, panels, feeds, metrics, layers; at the instant of a
    window of the past, else now.
    """
    now = window_of({}, web.clock.now(), web.pack.place.timezone)
    span = shown if shown is not None and shown.at is not None else now
    rows = []
    for topic in TOPICS:
        metrics = [key for key, metric in web.pack.metrics.items() if metric.topic == topic.id]
        layers = [key for key, layer in web.pack.layers.items() if layer.topic == topic.id]
        panels = list(_shown(web, topic.id))
        found: dict[str, Any] = {
            "id": topic.id, "name": topic.name, "domain": topic.domain,
            "screens": sorted({name.partition(".")[0] for name in panels}), "panels": panels,
            "feeds": _feeds(web, topic.id, metrics),
            "metrics": metrics, "layers": layers, "briefing": ""}
        why = _why_not(web, topic, found, (principal, span))
        rows.append({**found, "live": not why, "why_not": "；".join(why)})
    return tuple(rows)


def listing(request: Request) -> Response:
    """The 53 topics and how many are live."""
    web = web_of(request)
    rows = topic_rows(web, web.principal(request))
    return json_answer(request, {"topics": list(rows), "live": sum(row["live"] for row in rows), "total": len(rows)})
