"""Vital signs: one row a figure with status, value, change and a line of the last seven periods."""

from __future__ import annotations

from markupsafe import Markup

from data.answers import FRESHNESS_WORDS, Answer
from layouts import words
from layouts.frame import Drawn, division_name, framed, level_word
from layouts.parts import EMPTY, STATE_RANK, change_mark, fresh_word, state_mark, times_us, with_unit
from layouts.plots import spark
from layouts.screen import Answers, Context, Panel
from layouts.tables import Column, Cut, table

COLUMNS = (Column(""), Column("体征", wide=True), Column("当前", right=True),
           Column("较上期", right=True, optional=True),
           Column("近 7 期┄目标", right=True))
SHORT = {"较昨日": "日", "较上周": "周", "较上期": "期", "较去年": "年"}


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel of vital signs."""
    return framed(panel, answers, context, draw)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: how many are normal and which is worst."""
    shown = [answers[name] for name in panel.asks if name in answers]
    return Drawn(table(COLUMNS, [_row(answer, context) for answer in shown], "tight"), _title(shown),
                 department=f"汇总 {len({a.source for a in shown if a.source})} 个部门")


def _title(shown: list[Answer]) -> str:
    known = [a for a in shown if a.value is not None and a.freshness in ("live", "scheduled")]
    bad = sorted((a for a in known if STATE_RANK[a.state or ""] > 0), key=lambda a: -STATE_RANK[a.state or ""])
    if shown and not known:
        return f"{len(shown)} 项体征均无新数据"
    head = f"{len(known)} 项体征全部正常" if not bad else f"{len(known)} 项体征 {len(known) - len(bad)} 项正常"
    blind = len(shown) - len(known)
    tail = f"，{words.short(bad[0].name, 8)}需关注" if bad else f"，{blind} 项无新数据" if blind else ""
    return head + tail


def _row(answer: Answer, context: Context) -> tuple[object, ...]:
    freshness = "unknown" if answer.value is None and answer.freshness in ("live", "scheduled") else answer.freshness
    stale = freshness in ("late", "down", "unknown")
    mark = fresh_word(freshness, times_us(answer), answer.cadence_s) if stale else state_mark(answer.state, "")
    if stale:
        word = FRESHNESS_WORDS[freshness]
        mark = Markup('<span class="only-sign" role="img" aria-label="{0}" title="{0}">{1}</span>').format(word, mark)
    value = with_unit(answer.value, answer.unit, answer.decimals)
    change = EMPTY if stale or answer.change is None else change_mark(answer, SHORT.get(answer.change.word))
    line = spark([point.value for point in answer.series], answer.target)
    borrowed = answer.value is not None and answer.at_division not in ("", context.view.division or context.place.code)
    tag = (level_word(answer.at_division, context), f"数据为{division_name(answer.at_division, context)}级")
    shown = Markup('<span class="{}">{}</span>').format("old" if stale else "", value)
    return mark, Cut(answer.name, 10, tag if borrowed else None), shown, change, line
