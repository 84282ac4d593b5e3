"""A generic table: rows of records, or several figures as rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from markupsafe import Markup, escape

from data.answers import Answer, Change
from layouts import words
from layouts.frame import Drawn, framed
from layouts.links import anchor, division_link, near
from layouts.panels.progress import named, usual
from layouts.parts import axis_note, calm, change_mark, join, state_mark, with_unit
from layouts.screen import Answers, Context, Panel
from layouts.symbols import icon
from layouts.tables import Column, Cut, data_table, table

Rows = tuple[dict[str, Any], ...]
MOST = 6
PAGES = ("feeds", "topics")
LONG = 90
MONTH = "_month"
FIGURES = (Column("指标", wide=True), Column("累计/余额", right=True), Column("同比", right=True),
           Column("当月", right=True, optional=True), Column("环比", right=True))


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel. With ask `list`: its rows by option `columns` = ((key, head, form), …); else each ask is a row.

    form: text | wide | number | us | state | late | division | yes | list | screens. Options: `most`, `spare` (rows in
    all where there is room), `optional` (keys of columns that a phone leaves out), `none` (words when
    empty), `count` (words after the number in the title), `largest` (key of the figure by which rows stand).
    """
    return framed(panel, answers, context, draw)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: the declared one, with the number of rows."""
    if "list" not in answers:
        return _figures(panel, answers)
    listed = answers["list"]
    if not listed.rows:
        return Drawn(calm(listed, str(panel.options.get("none") or "没有记录"), "范围随所选区划与时段变化"),
                     panel.title)
    declared = panel.options.get("columns")
    forms = [(str(key), str(head), str(form)) for key, head, form in declared] if isinstance(declared, tuple) else []
    columns = _columns(panel, forms)
    most = int(str(panel.options.get("most") or MOST))
    spare = max(most, int(str(panel.options.get("spare") or 0)))
    ordered, told = _first(panel, listed.rows)
    rows = [[_cell(row, key, form, context) for key, _, form in forms] for row in ordered[:spare]]
    told_more = _more(listed.total or len(listed.rows), len(rows), most)
    total = listed.total or len(listed.rows)
    address = str(panel.options.get("download") or "")
    save = Markup('<a class="act" href="{}" download>下载表格</a>').format(address) if address else ""
    more = axis_note(told_more, save) if told_more or save else Markup("")
    counted = str(panel.options.get("count") or "")
    return Drawn(table(columns, rows, most=most) + more,
                 f"{panel.title} {words.number(total)} {counted}{told}" if counted else panel.title)


def _columns(panel: Panel, forms: list[tuple[str, str, str]]) -> list[Column]:
    """Columns; those that option `optional` names go first where there is little room."""
    named = panel.options.get("optional")
    optional = {str(key) for key in named} if isinstance(named, tuple) else set()
    return [Column(head, right=form in ("number", "share", "us"), wide=form == "wide", optional=key in optional)
            for key, head, form in forms]


def _more(total: int, given: int, most: int) -> Markup:
    """How many rows are not shown, by itself and where the spare ones are shown too; '' where all are."""
    said = [f"另有 {words.number(total - shown)} 条" if total > shown else "" for shown in (min(most, given), given)]
    if given <= most:
        return escape(said[0])
    return Markup('<span class="unspared">{}</span><span class="spared">{}</span>').format(*said)


def _first(panel: Panel, listed: Rows) -> tuple[Rows, str]:
    """Rows that option `first` = (key, word) marks stand first, counted in the title; `largest` orders all."""
    by, first = str(panel.options.get("largest") or ""), panel.options.get("first")
    if by:
        listed = tuple(sorted(listed, key=lambda row: (row.get(by) is None, -float(row.get(by) or 0))))
    if not isinstance(first, tuple):
        return listed, ""
    key, word = (str(part) for part in first)
    marked = tuple(row for row in listed if row.get(key) is True)
    rest = tuple(row for row in listed if row.get(key) is not True)
    return marked + rest, f"，{len(marked)} 个{word}" if marked else ""


def _figures(panel: Panel, answers: Answers) -> Drawn:
    """Indicators: so far this year, this month alone (ask `<name>_month`), each against its own before."""
    shown = [answers[name] for name in panel.asks if name in answers and not name.endswith(MONTH)]
    months = [answers.get(f"{name}{MONTH}") for name in panel.asks if name in answers and not name.endswith(MONTH)]
    head = usual(shown)
    sources = list(dict.fromkeys(answer.source for answer in shown if answer.source))
    rows = [_figure(answer, month, head) for answer, month in zip(shown, months, strict=True)]
    return Drawn(table(FIGURES, rows, "tight" if len(shown) > 6 else ""), panel.title, _behind(shown, months),
                 department="·".join(sources[:3]), head=head)


def _figure(answer: Answer, month: Answer | None, head: Answer | None) -> tuple[object, ...]:
    bad = answer.state in ("att", "warn", "alarm")
    name = Markup("{}{}").format(state_mark(answer.state, "") if bad else "", named(answer, head))
    alone = words.NONE if month is None else words.number(month.value, month.decimals)
    return (name, with_unit(answer.value, answer.unit, answer.decimals), change_mark(answer, "") or words.NONE,
            alone, _month_on_month(answer, month))


def _month_on_month(answer: Answer, month: Answer | None) -> object:
    mom = (month or answer).parts.get("mom")
    if mom is None:
        return words.NONE
    return change_mark(replace(answer, change=Change("环比", float(mom), "%")), "")


def _behind(shown: list[Answer], months: list[Answer | None]) -> Markup:
    rows = []
    for answer, month in zip(shown, months, strict=True):
        done = answer.parts.get("progress_pct")
        alone = f"{words.number(month.value, month.decimals)} {month.unit}" if month else words.NONE
        mom = (month or answer).parts.get("mom")
        rows.append((answer.name, words.period(str(answer.parts.get("period") or words.NONE)),
                     f"{words.number(answer.value, answer.decimals)} {answer.unit}",
                     words.number(answer.parts.get("yoy"), 1), alone, words.number(mom, 1),
                     words.number(answer.target, answer.decimals), words.number(done, 1)))
    return data_table(("指标", "时期", "累计/余额", "同比 %", "当月", "环比 %", "目标", "进度 %"), rows)


def _cell(row: dict[str, Any], key: str, form: str, context: Context) -> object:
    value = row.get(key)
    if value is None or value == "":
        return "" if form in ("state", "late") else words.NONE
    if form in ("text", "wide"):
        return Cut(str(value), 60 if form == "text" else LONG if context.view.screen in PAGES else 14)
    return _FORMS[form](value, row, context)


def _number(value: Any, row: dict[str, Any], context: Context) -> object:
    return words.number(float(value), 0 if float(value) == int(float(value)) else 2)


def _share(value: Any, row: dict[str, Any], context: Context) -> object:
    return words.number(float(value), 1)


def _moment(value: Any, row: dict[str, Any], context: Context) -> object:
    if not value:
        return words.NONE
    return words.clock_or_day(int(value), context.place.timezone, context.now_us)


def _state(value: Any, row: dict[str, Any], context: Context) -> object:
    return state_mark(str(value), "")


def _late(value: Any, row: dict[str, Any], context: Context) -> object:
    sign = Markup('<span class="st st-att" role="img" aria-label="滞后" title="滞后">{}</span>')
    return sign.format(icon("s-att")) if value is True else ""


def _division(value: Any, row: dict[str, Any], context: Context) -> object:
    return division_link(context, str(row.get("division_code") or ""), near(context, str(value)))


def _yes(value: Any, row: dict[str, Any], context: Context) -> object:
    return Markup('<b>已接通</b>') if value is True else Markup('<span class="q">未接通</span>')


def _list(value: Any, row: dict[str, Any], context: Context) -> object:
    items = value if isinstance(value, list | tuple) else [value]
    return Cut("、".join(context.names.get(f"feed:{item}", str(item)) for item in items), LONG)


def _screens(value: Any, row: dict[str, Any], context: Context) -> object:
    names = value if isinstance(value, list | tuple) else [value]
    return join([anchor(context, {"screen": str(name)}, context.names.get(f"screen:{name}", str(name)), "act")
                 for name in names], "、")


_FORMS = {"number": _number, "share": _share, "us": _moment, "state": _state, "late": _late, "division": _division,
          "yes": _yes, "list": _list, "screens": _screens}
