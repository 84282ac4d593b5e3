"""Tools of the map: a bar of names over it, and one drawer whose content comes with the view like any panel's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from data.answers import Answer, Question
from layouts.links import anchor
from layouts.parts import EMPTY
from layouts.screen import Context, Screen
from layouts.symbols import icon
from layouts.view import ViewState

Answers = dict[str, Answer]


@dataclass(frozen=True)
class Tool:
    """One tool. `key` is the word in the address (`tool=`), `hotkey` the key that opens it.

    `asks`: what it wants to know of a view, answered by the gate like a panel's questions. `render`: the drawer's body
    from those answers, by the names of `asks`. `place`: `side`, over the column beside the map, or `bar`, along the
    foot of the page, where everything else stays in sight.
    """

    key: str
    name: str
    hotkey: str
    asks: Callable[[Screen, ViewState], dict[str, Question]]
    render: Callable[[Answers, Screen, Context], Markup]
    place: str = "side"


def opened(tools: tuple[Tool, ...], screen: Screen, view: ViewState) -> Tool | None:
    """The tool whose drawer is open; None on a page without a map or when the address names none that exists."""
    return None if screen.plain else next((tool for tool in tools if tool.key == view.tool), None)


def bar(tools: tuple[Tool, ...], context: Context) -> Markup:
    """The tools' names; each opens its drawer, or closes it when it is open."""
    return EMPTY.join(_button(tool, context) for tool in tools)


def _button(tool: Tool, context: Context) -> Markup:
    on = context.view.tool == tool.key
    link = anchor(context, {"tool": None if on else tool.key}, tool.name, "on" if on else "", on)
    told = Markup(' data-own="tool-{3}" data-key="{0}" title="{1}（按 {2}）" aria-keyshortcuts="{0}"').format(
        tool.hotkey, tool.name, tool.hotkey.upper(), tool.key)
    return Markup("<a{}{}").format(told, link[2:])


def drawer(tool: Tool | None, answers: Answers, screen: Screen, context: Context) -> Markup:
    """The open drawer: its name, the way out of it, and its body."""
    if tool is None:
        return EMPTY
    prefix = f"tool.{tool.key}."
    own = {name.removeprefix(prefix): answer for name, answer in answers.items() if name.startswith(prefix)}
    cross = Markup('<span role="img" aria-label="关闭" title="关闭（Esc）">{}</span>').format(icon("g-x"))
    return Markup('<section class="drawer tool-{}" aria-label="{}"><header><h2>{}</h2>{}</header>'
                  '<div class="drawer-body">{}</div></section>').format(
        tool.key, tool.name, tool.name, anchor(context, {"tool": None}, cross, "drawer-close"),
        tool.render(own, screen, context))


def asks_of(tool: Tool | None, screen: Screen, view: ViewState) -> list[tuple[str, Question]]:
    """The open tool's questions, by the names under which `drawer` expects their answers."""
    if tool is None:
        return []
    return [(f"tool.{tool.key}.{name}", question) for name, question in tool.asks(screen, view).items()]


def body_class(tool: Tool | None, screen: Screen, past: bool = False) -> str:
    """Classes of the page's body: which screen it is, what is open on it, and whether it shows the past."""
    there = f"has-{tool.place} has-{tool.key}" if tool else ""
    then = "is-replay" if past else ""
    far = "" if screen.plain or any(panel.slot.startswith("s") for panel in screen.panels) else "no-far"
    return " ".join(filter(None, (f"screen-{screen.key}", "is-plain" if screen.plain else "", far, there, then)))
