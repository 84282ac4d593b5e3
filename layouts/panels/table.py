"""A generic table: rows of records, or several figures as rows."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from data.answers import Answer
from layouts import words
from layouts.frame import Drawn, framed
from layouts.links import anchor, division_link
from layouts.parts import axis_note, calm, change_mark, join, state_mark, with_unit
from layouts.screen import Answers, Context, Panel
from layouts.tables import Column, Cut, table

MOST = 6
PAGES = ("feeds", "topics")
LONG = 22
FIGURES = (Column("指标", wide=True), Column("当前", right=True), Column("较同期", right=True),
           Column("进度", right=True, optional=True))


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel. With ask `list`: its rows by option `columns` = ((key, head, form), …); else each ask is a row.

    form: text | wide | number | us | state | division | yes | list | screens. Options: `most`, `none` (words when
    empty), `count` (words after the number in the title).
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
    columns = [Column(head, right=form in ("number", "us"), wide=form == "wide") for _, head, form in forms]
    most = int(str(panel.options.get("most") or MOST))
    rows = [[_cell(row, key, form, context) for key, _, form in forms] for row in listed.rows[:most]]
    total = listed.total or len(listed.rows)
    more = axis_note(f"另有 {words.number(total - len(rows))} 条") if total > len(rows) else Markup("")
    counted = str(panel.options.get("count") or "")
    return Drawn(table(columns, rows) + more,
                 f"{panel.title} {words.number(total)} {counted}" if counted else panel.title)


def _figures(panel: Panel, answers: Answers) -> Drawn:
    shown = [answers[name] for name in panel.asks if name in answers]
    sources = list(dict.fromkeys(answer.source for answer in shown if answer.source))
    return Drawn(table(FIGURES, [_figure(answer) for answer in shown], "tight" if len(shown) > 6 else ""), panel.title,
                 department="·".join(sources[:3]))


def _figure(answer: Answer) -> tuple[object, ...]:
    done = answer.parts.get("progress_pct")
    bad = answer.state in ("att", "warn", "alarm")
    name = Markup("{}{}").format(state_mark(answer.state, ""), answer.name) if bad else answer.name
    return (name, with_unit(answer.value, answer.unit, answer.decimals), change_mark(answer) or words.NONE,
            f"{words.number(float(done), 1)}%" if done is not None else words.NONE)


def _cell(row: dict[str, Any], key: str, form: str, context: Context) -> object:
    value = row.get(key)
    if value is None or value == "":
        return "" if form == "state" else words.NONE
    if form in ("text", "wide"):
        return Cut(str(value), 60 if form == "text" else LONG if context.view.screen in PAGES else 14)
    return _FORMS[form](value, row, context)


def _number(value: Any, row: dict[str, Any], context: Context) -> object:
    return words.number(float(value), 0 if float(value) == int(float(value)) else 2)


def _moment(value: Any, row: dict[str, Any], context: Context) -> object:
    return words.clock_or_day(int(value), context.place.timezone, context.now_us)


def _state(value: Any, row: dict[str, Any], context: Context) -> object:
    return state_mark(str(value), "")


def _division(value: Any, row: dict[str, Any], context: Context) -> object:
    return division_link(context, str(row.get("division_code") or ""), str(value))


def _yes(value: Any, row: dict[str, Any], context: Context) -> object:
    return Markup('<b>已接通</b>') if value is True else Markup('<span class="q">未接通</span>')


def _list(value: Any, row: dict[str, Any], context: Context) -> object:
    items = value if isinstance(value, list | tuple) else [value]
    return Cut("、".join(context.names.get(f"feed:{item}", str(item)) for item in items), LONG)


def _screens(value: Any, row: dict[str, Any], context: Context) -> object:
    names = value if isinstance(value, list | tuple) else [value]
    return join([anchor(context, {"screen": str(name)}, context.names.get(f"screen:{name}", str(name)), "act")
                 for name in names], "、")


_FORMS = {"number": _number, "us": _moment, "state": _state, "division": _division, "yes": _yes, "list": _list,
          "screens": _screens}
