"""The shown division's card: what it is, how large, and the way down to its children."""

from __future__ import annotations

from markupsafe import Markup

from layouts import words
from layouts.frame import Drawn, framed
from layouts.links import division_link
from layouts.parts import EMPTY
from layouts.screen import Answers, Context, Panel

MOST = 30


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; ask: `card` (profile)."""
    return framed(panel, answers, context, draw)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: name and level of the division."""
    card = answers["card"].parts
    name = str(card.get("name") or context.place.name)
    level = str(card.get("level_word") or card.get("level") or "")
    below_it = card.get("children")
    children = len(below_it) if isinstance(below_it, list | tuple) else below_it
    facts = [("人口", _amount(card.get("population"), "人")), ("面积", _amount(card.get("area_km2"), "km²")),
             ("下级", _amount(children, "个")), ("编码", str(context.view.division or context.place.code))]
    cells = EMPTY.join(Markup('<div><div class="note q">{}</div><div class="fact b">{}</div></div>').format(*fact)
                       for fact in facts)
    chips = EMPTY.join(division_link(context, code, short, "ctl") for code, short in context.children[:MOST])
    below = Markup('<div class="note q mt">下一级</div><div class="chips">{}</div>').format(chips) if chips else EMPTY
    return Drawn(Markup('<div class="facts">{}</div>{}').format(cells, below),
                 f"{name}概况" + (f"·{level}" if level else ""))


def _amount(value: object, unit: str) -> Markup:
    if not isinstance(value, int | float):
        return Markup('<span class="q">未知</span>')
    decimals = 0 if isinstance(value, int) or abs(value) >= 100 else 1
    return Markup('{}<span class="u">{}</span>').format(words.number(float(value), decimals), unit)
