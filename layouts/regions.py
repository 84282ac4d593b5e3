"""Every region of a page as finished HTML, and every question a screen asks; one failing panel stays alone."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from data.answers import Answer, Question
from layouts import asks, chrome, mapcards, maplayers, sidecards, tools
from layouts.choropleth import marks, shade
from layouts.compared import Comparison
from layouts.frame import error_section
from layouts.leads import lead
from layouts.panels import KINDS
from layouts.parts import EMPTY
from layouts.screen import Context, Panel, Screen
from layouts.screens import SCREENS
from layouts.tools import find
from layouts.tools.registry import TOOLS
from layouts.view import ViewState

LOG = logging.getLogger("yiping.layouts")
SLOTS = tuple(f"{column}{row}" for column in "ps" for row in range(1, 7))
TICKER = asks.rows("events", 8, "newest")
Answers = dict[str, Answer]
Draw = Callable[[Panel, Answers, Context], Markup]


def questions(screen: Screen, view: ViewState | None = None) -> list[tuple[str, Question]]:
    """All asks of a screen for a view, by the name under which `regions` expects the answer.

    Equal questions appear under each of their names; the gate computes them once.
    """
    shown = view or ViewState(screen=screen.key, window=screen.window)
    found = [(f"figure.{f.metric}", Question("metric", f.metric, compare=f.compare)) for f in screen.figures]
    found += [(f"lead.{name}", question) for name, question in screen.lead_asks.items()]
    if not screen.plain:
        found += map_questions(screen, shown)
    found += [(f"{panel.key}.{name}", question) for panel in screen.panels for name, question in panel.asks.items()]
    found.append(("ticker", TICKER))
    if pinned := find.question(screen, shown):
        found.append(("pin", pinned))
    found += tools.asks_of(tools.opened(TOOLS, screen, shown), screen, shown)
    return [(name, asks.settled(question, shown)) for name, question in found]


def map_questions(screen: Screen, view: ViewState) -> list[tuple[str, Question]]:
    """What the map of a view asks: its metric, and the marks beside the names."""
    level = view.map.drawn or view.map.level or "children"
    return [("map", Question("metric", mapcards.map_metric(screen, view), by=level)),
            *((f"map.{name}", replace(question, by=level)) for name, question in screen.map.asks.items())]


def regions(screen: Screen, answers: Answers, context: Context, feed_rows: Sequence[dict[str, Any]] = (),
            screens: Sequence[Screen] = SCREENS, draw: Draw | None = None) -> dict[str, str]:
    """Every region's HTML; slots without a panel are empty strings. `draw`: `safe_panel`, or the same from memory."""
    context = replace(context, window=screen.window)
    makers: dict[str, Callable[[], object]] = {
        "lead": lambda: lead(screen, answers, context),
        "figures": lambda: chrome.figures(screen, answers, context),
        "filters": lambda: chrome.filter_bar(screen, context),
        "nav": lambda: chrome.nav(screens, screen, answers, context),
        "situation": lambda: chrome.situation(answers, context),
        "ticker": lambda: chrome.ticker(answers, context),
        "feeds": lambda: chrome.feed_counts(feed_rows, context),
        **_map_makers(screen, answers, context)}
    made = {name: _safe(name, make) for name, make in makers.items()}
    made.update(dict.fromkeys(SLOTS, ""))
    made.update({panel.slot: str((draw or safe_panel)(panel, answers, context)) for panel in screen.panels})
    return made


def _map_makers(screen: Screen, answers: Answers, context: Context) -> dict[str, Callable[[], object]]:
    if screen.plain:
        return {name: Markup for name in ("crumb", "maphead", "layers", "legends", "claim", "sides", "tools", "tool")}
    tool = tools.opened(TOOLS, screen, context.view)
    return {"crumb": lambda: mapcards.crumb(context),
            "maphead": lambda: mapcards.map_head(screen, answers, context),
            "layers": lambda: maplayers.layer_switches(screen, context),
            "legends": lambda: legends(screen, answers, context),
            "claim": lambda: mapcards.claim(context),
            "sides": lambda: sidecards.strip(context),
            "tools": lambda: tools.bar(TOOLS, context),
            "tool": lambda: tools.drawer(tool, answers, screen, context)}


def body_class(screen: Screen, view: ViewState, compared: Comparison | None = None) -> str:
    """Classes of the page's body."""
    drawn = f" look-{compared.drawn}" if compared is not None and compared.drawn else ""
    return tools.body_class(tools.opened(TOOLS, screen, view), screen, bool(view.at)) + drawn


def legends(screen: Screen, answers: Answers, context: Context) -> Markup:
    """Classes of the map, what the numbers on it mean, be they beside names or in the discs of events, and its layers.
    """
    answer = answers.get("map")
    if answer is None:
        return Markup("")
    found, view = marks(answers), context.view
    unit = f"{answer.name}（{answer.unit}）" if answer.unit else answer.name
    word = mapcards.level_word(answer, context)
    counted = answers.get("map.number")
    signs = mapcards.mark_legend(found, counted.unlocated if counted else None, word)
    if not found and "events" in maplayers.layers_on(screen, view):
        signs = mapcards.cluster_legend()
    signs += maplayers.layer_legend(screen, answers, context) + maplayers.density_legend(screen, context)
    second = Markup('<div class="legend two">{}</div>').format(signs) if signs else Markup("")
    if context.compared is not None and context.compared.sides:
        return sidecards.legends(context.compared, word) + (EMPTY if context.compared.shows_difference else second)
    shading = context.shading or shade(answer, view.map.classes)
    return mapcards.legend(unit, shading, f"按{word}", mapcards.class_note(answer, shading, context)) + second


def safe_panel(panel: Panel, answers: Answers, context: Context, log: logging.Logger = LOG) -> Markup:
    """The panel, or one error tile in its place: the only edge where any error of a panel is caught."""
    own = {name: answers[f"{panel.key}.{name}"] for name in panel.asks if f"{panel.key}.{name}" in answers}
    try:
        return KINDS[panel.kind](panel, own, context)
    except Exception:
        reference = secrets.token_hex(3).upper()
        log.exception("panel %s of screen %s failed, reference %s", panel.key, context.view.screen, reference)
        return error_section(panel, reference)


def _safe(name: str, make: Callable[[], object]) -> str:
    """A region, or nothing in its place: the page around a failing part stays."""
    try:
        return str(make())
    except Exception:
        LOG.exception("region %s failed", name)
        if name != "lead":
            return ""
        return ('<div class="lead is-unknown"><div class="txt"><h1>概况暂时无法生成</h1>'
                '<p>各面板不受影响，错误已记录</p></div></div>')
