"""A panel in full, for the dialog: the same questions as on the page, answered as a figure and a table."""

from __future__ import annotations

from typing import Any

from api.questions import scope_of, window
from api.view import ask, context_of, screen_of
from api.web import Web
from data.errors import NotFound
from layouts import asks
from layouts.enlarged import enlarged
from layouts.view import from_query


def enlarge(web: Web, query: dict[str, str], panel: str) -> dict[str, Any]:
    """Title, figure, columns and rows of a panel of the view in `query` (with `screen`).

    Raises:
        NotFound: no such screen or panel.
    """
    screen = screen_of(web, query.get("screen") or "overview")
    found = next((each for each in screen.panels if panel in (each.slot, each.key)), None)
    if found is None:
        raise NotFound(f"{screen.title}没有面板 {panel!r:.40}")
    principal = web.sessions.principal(None)
    if principal is None:
        raise NotFound("请先登录")
    view = from_query(screen.key, query, screen.window)
    context = context_of(web, screen, view, principal)
    scope = scope_of(web, {**query, "division": context.view.division})
    span = window(web, query, screen.window)
    answers = {name: ask(web, principal, asks.settled(question, context.view), scope, span)
               for name, question in found.asks.items()}
    return enlarged(found, answers, context)
