"""The profile card of the division in view: what it is, who answers for it, how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from data.answers import Answer, Question
from layouts import asks, words
from layouts.links import anchor
from layouts.mapcards import chain_down
from layouts.panels import profile
from layouts.panels.warnings import LEVEL_WORDS, in_force
from layouts.parts import EMPTY, change_mark, demo_chip, figure_text, fresh_mark, join, state_mark
from layouts.screen import Context, Panel, Screen
from layouts.tools import Answers, Tool
from layouts.tools.compare import compare_link
from layouts.view import ViewState

_CARD = Panel("tool-profile", "tool", "区划名片", "O2", "profile", {"card": asks.PROFILE})
PEOPLE, OPEN = Question("people"), asks.rows("events", 5, "open")
Row = Mapping[str, Any]


def _asks(screen: Screen, _view: ViewState) -> dict[str, Question]:
    figures = {f"figure.{figure.metric}": Question("metric", figure.metric, compare=figure.compare)
               for figure in screen.figures}
    return {**_CARD.asks, "people": PEOPLE, **figures, "events": OPEN, "warnings": asks.WARNINGS}


def _render(answers: Answers, screen: Screen, context: Context) -> Markup:
    card = profile.render(_CARD, {"card": answers["card"]} if "card" in answers else {}, context)
    figures = [answers[f"figure.{figure.metric}"] for figure in screen.figures
               if f"figure.{figure.metric}" in answers]
    parts = [card, compare_link(context), _people(answers.get("people")), _figures(figures, context),
             _events(answers.get("events"), context), _warnings(answers.get("warnings"), context),
             _assets(answers.get("card"), context)]
    return EMPTY.join(parts)


def _head(title: str, answer: Answer, context: Context) -> Markup:
    """A heading with source, time and freshness."""
    return Markup('<h4>{}<span class="note q">{} {}</span></h4>').format(title, answer.source,
                                                                         fresh_mark(answer, context))


def _people(answer: Answer | None) -> Markup:
    """Who answers for the division; numbers and names come masked."""
    if answer is None or not answer.rows:
        return Markup('<h4>负责人</h4><p class="note">未登记；由地方包或状态目录的 people.csv 提供</p>')
    rows = EMPTY.join(Markup("<tr><td>{}</td><td>{}{}</td><td class=\"r\">{}</td></tr>").format(
        row["role"], row["name"], Markup(" {}").format(demo_chip()) if row["demo"] else EMPTY,
        row["phone"]) for row in answer.rows)
    return Markup('<h4>负责人<span class="note q">姓名、电话已脱敏</span></h4>'
                  '<table class="near"><tbody>{}</tbody></table>').format(rows)


def _figures(found: list[Answer], context: Context) -> Markup:
    rows = EMPTY.join(_figure(answer, context) for answer in found)
    return Markup('<h4>主要指标</h4><table class="near figs"><tbody>{}</tbody></table>').format(rows) if rows else EMPTY


def _figure(answer: Answer, context: Context) -> Markup:
    """One metric: state, value, change; below them source, time and freshness, and whose figure it is."""
    value = figure_text(answer) if answer.value is not None or answer.text else Markup("未知")
    bad = answer.state in ("att", "warn", "alarm")
    borrowed = dict(context.chain).get(answer.at_division, "") if answer.at_division != context.view.division else ""
    told = join(filter(None, [answer.source, f"数据为{borrowed}级" if borrowed else ""]), "·")
    return Markup('<tr><td class="el">{}{}<div class="note q">{} {}</div></td><td class="r"><b>{}</b>'
                  '<div class="note">{}</div></td></tr>').format(
        state_mark(answer.state, "") if bad else EMPTY, answer.name, told, fresh_mark(answer, context), value,
        change_mark(answer))


def _events(answer: Answer | None, context: Context) -> Markup:
    if answer is None:
        return EMPTY
    head = _head(f"未结事件 {words.number(answer.total)} 件", answer, context)
    if not answer.rows:
        return head + Markup('<p class="note">没有</p>')
    rows = EMPTY.join(Markup('<tr><td>{}</td><td class="el">{}</td><td class="r">{}</td></tr>').format(
        state_mark(str(row["state"]), ""),
        anchor(context, {"pin": f"event:{row['feed']}:{row['id']}", "tool": "find"}, row["title"], "dl"), row["stage"])
        for row in answer.rows)
    more = anchor(context, {"screen": "events", "tool": None}, "全部事件", "act")
    return head + Markup('<table class="near"><tbody>{}</tbody></table>{}').format(rows, more)


def _warnings(answer: Answer | None, context: Context) -> Markup:
    if answer is None:
        return EMPTY
    rows = in_force(answer.rows)
    head = _head(f"生效预警 {len(rows)} 条", answer, context)
    if not rows:
        return head + Markup('<p class="note">没有</p>')
    told = EMPTY.join(Markup('<tr><td><span class="chip chip-{}">{}</span></td><td class="el">{}</td></tr>').format(
        row["level"], LEVEL_WORDS.get(str(row["level"]), ""), row["headline"] or row["kind"]) for row in rows)
    return head + Markup('<table class="near"><tbody>{}</tbody></table>').format(told)


def _assets(answer: Answer | None, context: Context) -> Markup:
    """How many of each layer lie in the division, those that report first."""
    held = answer.parts.get("assets") if answer is not None else None
    if not held:
        return EMPTY
    where = chain_down(context)[-1][1]
    groups = []
    for title, reports in (("监测设备", True), ("设施", False)):
        rows = [row for row in held if row["reports"] == reports]
        if rows:
            chips = EMPTY.join(Markup('<span class="tally">{} <b>{}</b></span>').format(
                row["name"], words.number(row["count"])) for row in rows)
            groups.append(Markup('<h4>{}<span class="note q">{}登记数</span></h4><div class="tallies">{}</div>').format(
                title, where, chips))
    return EMPTY.join(groups)


TOOL = Tool("profile", "名片", "p", _asks, _render)
