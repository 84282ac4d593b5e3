"""A panel in full: the server makes the figure and the table, a dialog shows them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from dash import Dash, Input, Output, dcc, html, no_update
from dash.development.base_component import Component

from callbacks.services import Enlarge, Enlarged, Services
from data.errors import WrongInput, YipingError
from layouts import ids

_log = logging.getLogger(__name__)
_PANEL = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_MOST_QUERY = 2000
_GRAPH: Any = {"displaylogo": False, "responsive": True, "scrollZoom": True}


def register(app: Dash, services: Services) -> None:
    """Wire the dialog."""
    outputs = [Output(ids.DIALOG, name) for name in ("title", "children", "opened")]
    handler = partial(open_panel, services.enlarge)
    app.callback(*outputs, Input(ids.CONTROL, "data"), prevent_initial_call=True, on_error=told)(handler)


def open_panel(enlarge: Enlarge, control: object) -> tuple[Any, Any, Any]:
    """Title, content and open flag of the dialog for the last action."""
    asked = question(control)
    if asked is None:
        return no_update, no_update, no_update
    panel = enlarge(*asked)
    return panel["title"], content(panel), True


def told(error: Exception) -> tuple[Any, Any, Any]:
    """The dialog of an action that failed: one sentence, never a trace."""
    if not isinstance(error, YipingError):
        _log.error("enlarge failed", exc_info=error)
    sentence = str(error) if isinstance(error, YipingError) else "此面板暂时无法放大，已记录；请稍后重试。"
    return "无法打开", [html.P(sentence, className="say")], True


def question(control: object) -> tuple[dict[str, str], str] | None:
    """(query, panel) of an enlarge action; None for another action; WrongInput for what no page sends."""
    if not isinstance(control, Mapping) or control.get("act") != "enlarge":
        return None
    panel, query = control.get("panel"), control.get("query")
    if isinstance(panel, str) and isinstance(query, str) and _PANEL.fullmatch(panel) and len(query) <= _MOST_QUERY:
        return dict(parse_qsl(query)), panel
    raise WrongInput("放大的请求无法识别，请刷新页面后重试。")


def content(panel: Enlarged) -> list[Component]:
    """Figure, note and table of a panel."""
    shown: list[Component] = []
    if panel["figure"] is not None:
        shown.append(dcc.Graph(figure=panel["figure"], config=_GRAPH, className="big"))
    if panel.get("note"):
        shown.append(html.P(panel["note"], className="note"))
    if panel["rows"]:
        head = html.Thead(html.Tr([html.Th(name, scope="col") for name in panel["columns"]]))
        body = html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in panel["rows"]])
        shown.append(html.Div(html.Table([head, body]), className="tb"))
    return shown
