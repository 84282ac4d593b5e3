"""From an address to what the gate is asked: scope and window."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from starlette.requests import Request

from api.told import local
from api.web import Web
from data.answers import Answer, Scope, Window
from data.clock import to_us
from data.errors import WrongInput
from data.records import STAGES
from data.windows import window_of
from layouts.view import ViewState


def scope_of(web: Web, query: dict[str, str]) -> Scope:
    """Division (the whole place without one) and filters of an address."""
    filters = tuple(sorted((name[2:], value) for name, value in query.items() if name.startswith("f.") and value))
    return Scope(query.get("division") or web.pack.divisions.root.code, filters)


def checked_scope(web: Web, query: dict[str, str]) -> Scope:
    """The scope of a call; a page leaves aside what it does not know, a program that calls is told.

    Raises:
        WrongInput: a filter on no known field, or for a word that no event can have.
    """
    scope, pack = scope_of(web, query), web.pack
    known: dict[str, Collection[str]] = {"stage": STAGES, "category": pack.categories, "channel": pack.channels,
                                         "department": ()}
    for name, value in scope.filters:
        if name not in known:
            raise WrongInput(f"不能按 f.{name:.30} 筛选；可用 {'、'.join(f'f.{field}' for field in known)}")
        unknown = [word for word in value.split(",") if known[name] and word not in known[name]]
        if unknown:
            raise WrongInput(f"{name}={unknown[0]!r:.40} 不认识；可用 {'、'.join(known[name])}")
    return scope


def window(web: Web, query: dict[str, str], default: str = "24h") -> Window:
    """The window of an address in the place's time."""
    return window_of(query, web.clock.now(), web.pack.place.timezone, default)


def moment(web: Web, view: ViewState) -> Window:
    """A window that ends at the instant of a view, as known when the view says."""
    return window(web, {name: value for name, value in (("at", view.at), ("known", view.known)) if value})


def moment_us(web: Web, view: ViewState) -> int:
    """The instant from which a view's ages and deadlines are counted: now, or then."""
    now_us, at = web.clock.now_us(), moment(web, view).at
    return now_us if at is None else min(now_us, to_us(at))


def as_json(answer: Answer, zone: Any) -> dict[str, Any]:
    """An answer as the API gives it; instants in the place's local time with offset."""
    found: dict[str, Any] = {
        "metric": answer.question.name, "name": answer.name, "value": answer.value, "unit": answer.unit,
        "division": answer.at_division, "n": answer.n, "time": answer.time and local(answer.time, zone),
        "source": answer.source, "freshness": answer.freshness, "served_from": answer.served_from,
        "state": answer.state, "target": answer.target, "demo": answer.demo}
    if answer.unlocated is not None:
        found["unlocated"] = answer.unlocated
    if answer.stations is not None:
        found["stations"] = {"told": answer.stations.told, "known": answer.stations.known,
                             "enough": answer.stations.enough}
    if answer.change is not None:
        found["change"] = {"word": answer.change.word, "value": answer.change.value, "unit": answer.change.unit}
    if answer.parts:
        found["parts"] = answer.parts
    if answer.series:
        found["series"] = [{"time": local(point.time, zone), "value": point.value, "n": point.n, **point.extra}
                           for point in answer.series]
    if answer.groups:
        found["rows"] = {group.code: group.value for group in answer.groups}
        found["names"] = {group.code: group.name for group in answer.groups}
    return found


def path(request: Request, name: str) -> str:
    """A parameter of the path."""
    return str(request.path_params[name])
