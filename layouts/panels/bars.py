"""A metric by category, channel, department or station, largest first."""

from __future__ import annotations

from markupsafe import Markup

from data.answers import Answer, Group
from layouts import words
from layouts.frame import Drawn, framed
from layouts.links import anchor
from layouts.panels.ranking import MOST, STATE_CSS, goal, ranked, span
from layouts.parts import axis_note, empty, state_mark
from layouts.screen import Answers, Context, Panel
from layouts.tables import Bar, bars, data_table

FIELDS = ("category", "channel", "department")


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; ask: `by`. A row of a field that can be filtered narrows the screen to it.

    Options: `lowest`; `share` True adds each row's share of the total; `silent` True counts the devices
    that an online rate leaves out.
    """
    return framed(panel, answers, context, draw)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: the leading row, or how many miss the target."""
    main = answers["by"]
    known = ranked(main, bool(panel.options.get("lowest")))
    if not known:
        return Drawn(empty("e-none", "本时段没有记录", "更换时段或区划后再看"), panel.title)
    low, cap = span(main, known[:MOST])
    rows = [_bar(panel, group, main, context, k < 2) for k, group in enumerate(known[:MOST])]
    return Drawn(bars(rows, cap, low) + axis_note(_note(panel, main, low, known)),
                 title(panel, main, known), _table(main, known))


def title(panel: Panel, main: Answer, known: list[Group]) -> str:
    """两个部门低于 95% / 一半以上来自 12345 / 1,500 台终端，35 台静默."""
    if panel.options.get("silent"):
        return f"{panel.title} {words.number(main.n)} 台，{words.number(sum(map(silent, known)))} 台静默"
    if goal(main) is not None and main.target is not None and panel.options.get("lowest"):
        below = sum((group.value or 0) < main.target for group in known)
        wanted = f"{words.number(main.target)}{main.unit}"
        return f"{panel.title}：{below} 个低于 {wanted}" if below else f"{panel.title}：全部达到 {wanted}"
    return f"{panel.title}：{words.short(known[0].name, 9)}最多"


def _bar(panel: Panel, group: Group, main: Answer, context: Context, first: bool) -> Bar:
    missed = main.target is not None and bool(panel.options.get("lowest")) and (group.value or 0) < main.target
    css = "f-att" if missed else STATE_CSS.get(str(group.extra.get("state") or ""),
                                               "hi" if first or panel.options.get("lowest") else "")
    state = "att" if missed else str(group.extra.get("state") or "")
    text = Markup("{}{}<small>{}</small>").format(state_mark(state, "") if state in STATE_CSS else Markup(""),
                                                  words.number(group.value, main.decimals), main.unit)
    field = main.question.by
    name = anchor(context, {f"f.{field}": group.code}, group.name, "dl") if field in FIELDS else group.name
    return Bar(name, group.value, text, goal(main), css, _extra(panel, group, main))


def _extra(panel: Panel, group: Group, main: Answer) -> str | None:
    if panel.options.get("silent"):
        return f"{words.number(silent(group))} / {words.number(group.n)}"
    if panel.options.get("share"):
        total = main.value or sum(g.value or 0 for g in main.groups)
        return f"{words.number(100 * (group.value or 0) / total, 1)}%" if total else words.NONE
    return f"{words.number(group.n)} 件" if group.n and main.unit == "%" else None


def silent(group: Group) -> int:
    """Devices of a row that are not heard: those that its online rate leaves."""
    return round(group.n * (100 - (group.value or 0)) / 100)


def _note(panel: Panel, main: Answer, low: float, known: list[Group]) -> str:
    facts = [f"共 {len(known)} 项" if len(known) > MOST else ""]
    if panel.options.get("silent"):
        facts.append("右列为静默 / 接入台数")
    if main.value is not None:
        word = "合并计算" if main.unit == "%" else "总计"
        facts.append(f"{word} {words.number(main.value, main.decimals)} {main.unit}")
    if goal(main) is not None:
        facts.append(f"竖线目标 {words.number(main.target)}{main.unit}")
    if low:
        facts.append(f"轴自 {words.short_number(low)}{main.unit} 起")
    return "·".join(filter(None, facts))


def _table(main: Answer, known: list[Group]) -> Markup:
    rows = [(group.name, words.number(group.value, main.decimals), words.number(group.n)) for group in known]
    return data_table(("项目", f"{main.name}（{main.unit}）", "记录数"), rows)
