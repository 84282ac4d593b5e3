"""The shown division's card: what it is, how large, and the way down to its children."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from layouts import words
from layouts.frame import Drawn, framed
from layouts.links import division_link
from layouts.parts import EMPTY
from layouts.screen import Answers, Context, Panel
from layouts.tables import text_rem

Children = tuple[tuple[str, str], ...]

# what a wall's panel has room for, in rem: rows of chips, each with its padding and the gap behind it
ROWS, WIDTH_REM, CHIP_REM = 5, 27.0, 1.5


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
    facts: list[tuple[str, object]] = [
        ("人口", _amount(card.get("population"), "人")), ("面积", _amount(card.get("area_km2"), "km²")),
        ("密度", _amount(_density(card), "人/km²")), ("下级", _amount(children, "个")),
        ("编码", str(context.view.division or context.place.code))]
    cells = EMPTY.join(Markup('<div><div class="note q">{}</div><div class="fact b">{}</div></div>').format(*fact)
                       for fact in facts)
    named = fitting(context.children)
    chips = EMPTY.join(division_link(context, code, short, "ctl") for code, short in named)
    if len(named) < len(context.children):
        chips += Markup('<span class="note q">等 {} 个，全部见地图左上</span>').format(len(context.children))
    below = Markup('<div class="note q mt">下一级</div><div class="chips">{}</div>').format(chips) if chips else EMPTY
    return Drawn(Markup('<div class="facts">{}</div>{}').format(cells, below),
                 f"{name}概况" + (f"·{level}" if level else ""))


def fitting(children: Children) -> Children:
    """The first of the divisions whose chips fit into the panel; a wall cannot be scrolled."""
    row, used = 1, 0.0
    for at, (_, name) in enumerate(children):
        width = text_rem(name) + CHIP_REM
        if used + width > WIDTH_REM:
            row, used = row + 1, 0.0
        used += width
        if row > ROWS:
            # the last place is that of the words that say how many there are
            return children[:max(1, at - 3)]
    return children


def _density(card: dict[str, Any]) -> float | None:
    """People a km²; None where either is unknown."""
    people, area = card.get("population"), card.get("area_km2")
    return people / area if isinstance(people, int | float) and isinstance(area, int | float) and area else None


def _amount(value: object, unit: str) -> Markup:
    if not isinstance(value, int | float):
        return Markup('<span class="q">未知</span>')
    decimals = 0 if isinstance(value, int) or abs(value) >= 100 else 1
    return Markup('{}<span class="u">{}</span>').format(words.number(float(value), decimals), unit)
