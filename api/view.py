"""`/view`: everything a page shows, as finished fragments; computed once per question and data version."""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from access.principal import Principal
from api.compare import Shown, compare, map_of, questions_of
from api.mapcells import seen_level
from api.maplayers import densities, layer_questions
from api.mapstate import numbered
from api.questions import moment_us, scope_of, window
from api.tiles import stamp
from api.topics import topic_rows
from api.web import Packed, Web, answer, query_of, web_of
from data.answers import Answer, Question, Scope, Window
from data.errors import NotFound, WrongInput, YipingError
from data.loading import loading
from layouts.choropleth import METHODS, shade
from layouts.maplayers import GRATICULE, HEAT, NO_LAYER
from layouts.regions import body_class, questions, regions
from layouts.screen import Context, Place, Screen
from layouts.view import ViewState, from_query, to_query

log = logging.getLogger(__name__)


def place_of(web: Web) -> Place:
    """What layouts may know of the pack."""
    place, divisions = web.pack.place, web.pack.divisions
    return Place(place.code, place.name, place.brand, tuple((level.key, level.word) for level in place.levels),
                 place.boundary_note, divisions.root.official, place.timezone)


def screen_of(web: Web, key: str) -> Screen:
    """A screen of this place. Raises NotFound."""
    for screen in web.screens:
        if screen.key == key:
            return screen
    raise NotFound(f"没有屏 {key!r:.30}；可用 {'、'.join(screen.key for screen in web.screens)}")


def context_of(web: Web, screen: Screen, view: ViewState, principal: Principal) -> Context:
    """What panels may look at besides their answers; a view of the past is drawn by the clock of then."""
    divisions = web.pack.divisions
    code = view.division or principal.division
    if code not in divisions:
        raise WrongInput(f"没有区划 {code:.40}；编码为 12 或 15 位，可从总览逐级点开")
    chain = tuple((above, divisions.get(above).name) for above in reversed(divisions.chain(code)))
    children = tuple((child.code, child.name) for child in divisions.children(code))
    demo = any(web.live.tables.demo.values())
    return Context(place_of(web), replace(view, division=code), chain, moment_us(web, view), _theme(view), demo,
                   words_of(web), children, screen.window, loading(web.settings.state_dir))


def words_of(web: Web) -> dict[str, str]:
    """Words of the pack that layouts show: metrics, layers, categories, channels, departments."""
    pack = web.pack
    named = {f"metric:{key}": metric.name for key, metric in pack.metrics.items()}
    named |= {f"layer:{key}": layer.name for key, layer in pack.layers.items()}
    named |= {f"layer:{key}": layer.name for key, layer in pack.tiles.items()} | {f"layer:{GRATICULE}": "经纬网"}
    named |= {f"credit:{key}": tiles.credit for key, tiles in pack.tile_sources().items()}
    named |= {f"category:{key}": category.name for key, category in pack.categories.items()}
    named |= {f"channel:{key}": word for key, word in pack.channels.items()}
    named |= {f"screen:{screen.key}": screen.title for screen in web.screens}
    named |= {f"river:{name}": name for name in web.gate.ground.here}
    named |= {f"feed:{key}": feed.name for key, feed in pack.feeds.items()}
    return named | {f"department:{word}": word for word in pack.place.departments.values()}


def _theme(view: ViewState) -> str:
    return "light" if view.theme == "light" else "dark"


def ask(web: Web, principal: Principal, question: Question, scope: Scope, span: Window) -> Answer:
    """One answer for a panel; a failure becomes an answer that says so, because one panel must not empty the page."""
    try:
        if question.kind == "topics":
            return Answer(question, "专题目录", rows=topic_rows(web, principal, span), freshness="live")
        return web.gate.read(principal, question, scope, span)
    except YipingError as error:
        note = str(error)
    except Exception:
        reference = secrets.token_hex(3).upper()
        log.exception("question %s %s failed, reference %s", question.kind, question.name, reference)
        note = f"计算出错，编号 {reference}；数据更新时自动重试，请将编号告知管理员"
    return Answer(question, question.name, note=note, freshness="down", at_division=scope.division)


def view_of(web: Web, screen: Screen, query: dict[str, str]) -> ViewState:
    """The view of an address; what its map should show stays where this place has it."""
    view = from_query(screen.key, query, screen.window)
    asked, pack = view.map, web.pack
    drawn = {key: layer.kind != "lines" for key, layer in pack.layers.items()}
    drawn |= dict.fromkeys((*pack.tiles, GRATICULE), False)
    layers = tuple(key for key in asked.layers if key == NO_LAYER or key in drawn or drawn.get(key.removeprefix(HEAT)))
    return seen_level(pack.divisions, replace(view, map=replace(
        asked, layers=layers, metric=asked.metric if asked.metric in pack.metrics else "",
        level=asked.level if asked.level in pack.divisions.level_names else "",
        classes=asked.classes if asked.classes in METHODS else "")))


def build(web: Web, principal: Principal, key: str, query: dict[str, str]) -> dict[str, Any]:
    """The whole view as JSON-ready values."""
    began = time.perf_counter()
    screen = screen_of(web, key)
    view = view_of(web, screen, query)
    context = context_of(web, screen, view, principal)
    scope = scope_of(web, {**query, "division": context.view.division})
    span = window(web, query, screen.window)
    counted = {key: ask(web, principal, question, scope, span)
               for key, question in layer_questions(web, screen, context.view).items()}
    shapes = {key[6:]: found for key, found in counted.items() if key.startswith("layer.")}
    context = replace(
        context, layers={key: (web.pack.layers[key.removeprefix(HEAT)].shape, found.total)
                         for key, found in shapes.items()},
        unplaced={key: int(found.unlocated) for key, found in shapes.items() if found.unlocated})
    context = replace(context, densities=densities(web, screen, context.view, counted))
    number = numbered(web, context.view)
    asked = [(name, question) for name, question in questions(screen, context.view)
             if number or not name.startswith("map.")]
    answers = counted | {name: ask(web, principal, question, scope, span) for name, question in asked}
    answers |= _sites(web, principal, (dict(asked), answers), span)
    if context.busy:
        # What it would be compared with is not all there yet.
        answers = {name: replace(found, change=None) for name, found in answers.items()}
    feeds = ask(web, principal, Question("feeds"), scope, span)
    if "map" in answers:
        context = replace(context, shading=shade(answers["map"], context.view.map.classes))
    shown = Shown(web, screen, context, query, scope, span, partial(ask, web, principal))
    found, other = compare(shown, answers)
    context = replace(context, compared=found)
    html = regions(screen, answers, context, feeds.rows, web.screens, web.panels.draw)
    log.debug("view %s in %.0f ms", key, 1000 * (time.perf_counter() - began))
    # What cannot change any more listens to nothing.
    depends = () if web.gate.settled(span) and not view.compare else feeds_of(web, key, query)
    return {"v": web.gate.version(depends), "now": web.clock.now_us(), "seq": web.live.tables.seq, "screen": key,
            "query": to_query(context.view, screen.window), "title": screen.title,
            "body": body_class(screen, context.view, found), "demo": context.demo,
            "alarm": _alarm(answers), "theme": context.theme, "from": web.live.served_from, "regions": html,
            "feeds": depends, "map": map_of(shown, answers, found, other)}


def _sites(web: Web, principal: Principal, held: tuple[dict[str, Question], dict[str, Answer]],
           span: Window) -> dict[str, Answer]:
    """Sites of the division whose stations stand in the panel: below the published level that is one above the view."""
    asked, answers = held
    found = {}
    for name, held_answer in answers.items():
        panel, _, part = name.rpartition(".")
        sites = asked.get(f"{panel}.sites")
        if part == "by" and sites is not None and held_answer.groups and held_answer.at_division:
            found[f"{panel}.sites"] = ask(web, principal, sites, Scope(held_answer.at_division), span)
    return found


def feeds_of(web: Web, key: str, query: dict[str, str]) -> tuple[str, ...]:
    """Feeds on which anything in the view depends."""
    screen = screen_of(web, key)
    view = view_of(web, screen, query)
    asked = [question for _, question in questions(screen, view)]
    asked += layer_questions(web, screen, view).values()
    asked += questions_of(web, screen, view)
    return tuple(sorted({feed for question in asked for feed in web.gate.feeds_of(question)}))


def _alarm(answers: dict[str, Answer]) -> bool:
    return any(row.get("active") and row.get("level") == "red" for found in answers.values()
               if found.question.kind == "warnings" for row in found.rows)


def packed(web: Web, principal: Principal, key: str, query: dict[str, str]) -> Packed:
    """The view's bytes, from the shelf while nothing it depends on has changed."""
    stamp = stamp_of(web, principal, key, query)
    return web.shelf.get_or_make(stamp, lambda: Packed(orjson.dumps(build(web, principal, key, query))))


def stamp_of(web: Web, principal: Principal, key: str, query: dict[str, str]) -> tuple[Any, ...]:
    """What a view's bytes depend on."""
    clean = tuple(sorted((name, value) for name, value in query.items() if name not in ("v", "screen")))
    span = window(web, query, screen_of(web, key).window)
    settled = web.gate.settled(span) and not query.get("compare")
    version = web.gate.version(feeds_of(web, key, query), span if settled else None)
    served = "" if settled else web.live.served_from
    tiles = stamp(web, query.get("layers", ""))
    return ("view", (key, clean, principal.role, principal.division, version, served, *tiles))


async def view(request: Request) -> Response:
    """The view of an address; one that is on the shelf waits for no thread."""
    web, query = web_of(request), query_of(request)
    key, principal = query.get("screen") or "overview", web.principal(request)
    found = web.shelf.held(stamp_of(web, principal, key, query))
    if found is None:
        found = await run_in_threadpool(_made, web, principal, query, request.headers.get("accept-encoding", ""))
    return answer(request, found, "v" in query)


def _made(web: Web, principal: Principal, query: dict[str, str], accepts: str) -> Packed:
    found = packed(web, principal, query.get("screen") or "overview", query)
    found.form(accepts)
    return found


def first_view(web: Web, path: str, query: dict[str, str], session: str | None = None) -> dict[str, Any]:
    """The view of a page's address for the first paint, as the cookie's session sees it.

    Raises:
        NotFound: no such page.
    """
    key = path.strip("/") or "overview"
    principal = web.sessions.principal(session)
    if principal is None:
        raise NotFound("请先登录")
    found: dict[str, Any] = orjson.loads(packed(web, principal, key, query).body)
    return found | {"now": web.clock.now_us()}
