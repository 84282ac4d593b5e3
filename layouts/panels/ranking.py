"""Divisions below the shown one, ranked by a metric; each row narrows the screen to it."""

from __future__ import annotations

import math

from markupsafe import Markup

from data.answers import Answer, Group
from layouts import words
from layouts.frame import Drawn, division_name, framed
from layouts.links import division_link, near
from layouts.parts import EMPTY, axis_note, calm, empty, state_mark
from layouts.screen import Answers, Context, Panel
from layouts.tables import Bar, bars, data_table

MOST = 6
HIGH_RATE_PCT = 60.0
STATE_CSS = {"att": "f-att", "warn": "f-warn", "alarm": "f-alarm"}


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; ask: `by` (a metric by children). Options: `lowest` True ranks from the smallest."""
    return framed(panel, answers, context, draw)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: who leads."""
    main = answers["by"]
    known = ranked(main, bool(panel.options.get("lowest")))
    if not known:
        return Drawn(empty("e-none", "本级以下没有更细的数据", "此指标不按下级区划发布，见上级面板"), panel.title)
    if len(known) > 1 and not any(group.value for group in known):
        none = f"{words.number(0, main.decimals)} {main.unit}".strip()
        return Drawn(calm(main, f"{len(known)} 个区划均为 {none}", main.note or "有数时按大小排列"),
                     f"{panel.title}：均为 {none}", _table(main, known))
    rows = [_bar(group, main, context, first=k < 2) for k, group in enumerate(known[:MOST])]
    low, cap = span(main, known[:MOST])
    word = "最低" if panel.options.get("lowest") else "最高"
    note = _note(main, len(known), low, division_name(main.at_division or context.view.division, context))
    title = panel.title
    if len(known) > 1:
        level = known[0].value == known[-1].value
        leader = near(context, known[0].name, 8) + word
        if level:
            leader = f"均为 {words.number(known[0].value, main.decimals)}"
        title = f"{panel.title}：{leader}"
    return Drawn(bars(rows, cap, low) + axis_note(note), title, _table(main, known))


def goal(main: Answer) -> float | None:
    """The target where it holds for each row too: a rate's, never a sum's."""
    return main.target if main.unit == "%" else None


def span(main: Answer, shown: list[Group]) -> tuple[float, float]:
    """Where the bars' axis starts and ends: from 0, but rates that are all high start at a round figure below them."""
    values = [group.value or 0.0 for group in shown] + [value for value in [goal(main)] if value is not None]
    low = min(0.0, *values)
    if main.unit == "%" and min(values) >= HIGH_RATE_PCT:
        low = math.floor((min(values) - 5) / 10) * 10.0
    top = max(values)
    return low, top if top > low else low + 1.0


def ranked(main: Answer, lowest: bool = False) -> list[Group]:
    """Groups with a value, the largest first (the smallest first when `lowest`)."""
    known = [group for group in main.groups if group.value is not None]
    return sorted(known, key=lambda group: ((group.value or 0.0) * (1 if lowest else -1), group.code))


def _bar(group: Group, main: Answer, context: Context, first: bool) -> Bar:
    state = str(group.extra.get("state") or "")
    css = STATE_CSS.get(state, "hi" if first else "")
    text = Markup("{}{}<small>{}</small>").format(state_mark(state, "") if state in STATE_CSS else EMPTY,
                                                  words.number(group.value, main.decimals), main.unit)
    extra = str(group.extra["note"]) if group.extra.get("note") else None
    name = division_link(context, group.code, near(context, group.name, 10))
    return Bar(name, group.value, text, goal(main), css, extra)


def _note(main: Answer, count: int, low: float, whole: str) -> str:
    facts = [f"前 {min(MOST, count)} 位，共 {count} 个" if count > 1 else "只有本级的数，不作排名"]
    if main.value is not None:
        facts.append(f"{whole} {words.number(main.value, main.decimals)} {main.unit}")
    if goal(main) is not None:
        facts.append(f"竖线目标 {words.number(goal(main), main.decimals)}{main.unit}")
    if low:
        facts.append(f"轴自 {words.short_number(low)} 起")
    if main.unlocated:
        facts.append(f"另有 {words.number(main.unlocated, main.decimals)} 未定位")
    return "·".join(facts)


def _table(main: Answer, known: list[Group]) -> Markup:
    rows = [(k, group.name, words.number(group.value, main.decimals)) for k, group in enumerate(known, 1)]
    return data_table(("位次", "区划", f"{main.name}（{main.unit}）"), rows) if rows else EMPTY
