"""Two to four divisions against each other: one column each, best and worst in words, courses on one scale."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from data.answers import Answer
from layouts import words
from layouts.compared import Column, Comparison, Line
from layouts.comparing import without_division
from layouts.frame import division_name
from layouts.links import anchor, division_link
from layouts.parts import EMPTY, fresh_mark
from layouts.plots import spark
from layouts.screen import Context
from layouts.symbols import icon

MARK_WORDS = {"best": ("a-up", "最好"), "worst": ("a-dn", "最差")}


def chips(found: Comparison, context: Context) -> Markup:
    """The chosen divisions; each can be taken out again."""
    return EMPTY.join(_chip(column, context) for column in found.columns)


def _chip(column: Column, context: Context) -> Markup:
    cross = Markup('<span role="img" aria-label="移除" title="移除">{}</span>').format(icon("g-x"))
    inner = Markup("{}{}").format(column.name, cross)
    return anchor(context, {"compare": without_division(context.view.compare, column.code)}, inner, "chip chip-acc")


def table(found: Comparison, context: Context) -> Markup:
    """Facts and figures of the divisions side by side."""
    head = EMPTY.join(Markup('<th scope="col">{}</th>').format(division_link(context, column.code, column.name))
                      for column in found.columns)
    rows = [_fact("常住人口（人）", [_amount(column, "population", 0) for column in found.columns]),
            _fact("面积（km²）", [_amount(column, "area_km2", 1) for column in found.columns])]
    rows += [_figures(line, found.columns, context) for line in found.lines]
    refused = EMPTY.join(Markup('<div class="note st-att">{}：{}</div>').format(column.name, column.problem)
                         for column in found.columns if column.problem)
    return Markup('{}<div class="tb"><table class="versus n{}"><thead><tr><th scope="col">指标</th>{}</tr></thead>'
                  '<tbody>{}</tbody></table></div>').format(refused, len(found.columns), head, EMPTY.join(rows))


def _fact(label: str, cells: Sequence[Markup]) -> Markup:
    return Markup('<tr><th scope="row">{}</th>{}</tr>').format(label, EMPTY.join(cells))


def _amount(column: Column, name: str, decimals: int) -> Markup:
    card = column.figures.get("profile")
    value = card.parts.get(name) if card is not None else None
    if not isinstance(value, int | float):
        return Markup('<td class="r q">{}</td>').format("无权" if column.problem else "未知")
    return Markup('<td class="r">{}</td>').format(words.number(float(value), decimals))


def _figures(line: Line, columns: Sequence[Column], context: Context) -> Markup:
    held = [column.figures.get(line.key) for column in columns]
    ranks = ranked([_own(answer, column.code) for answer, column in zip(held, columns, strict=True)], line.direction)
    courses = [_course(column.courses.get(line.key)) for column in columns]
    span = shared_span(courses)
    unit = next((answer.unit for answer in held if answer is not None and answer.unit), "")
    label = f"{line.label}（{unit}）" if unit else line.label
    cells = [_cell(answer, column, (rank, course, span), context)
             for answer, column, rank, course in zip(held, columns, ranks, courses, strict=True)]
    return _fact(label, cells)


def _own(answer: Answer | None, code: str) -> float | None:
    """A value that is the division's own, as it reads: one borrowed from above is nobody's merit."""
    if answer is None or answer.value is None or answer.at_division != code:
        return None
    return round(answer.value, answer.decimals)


def ranked(values: Sequence[float | None], direction: str) -> list[str]:
    """best | worst | '' for each; without a direction, or where all are the same, nobody is either."""
    known = [value for value in values if value is not None]
    if not direction or len(known) < 2 or min(known) == max(known):
        return [""] * len(values)
    best, worst = (max(known), min(known)) if direction == "higher" else (min(known), max(known))
    return ["best" if value == best else "worst" if value == worst else "" for value in values]


def shared_span(courses: Sequence[Sequence[float | None]]) -> tuple[float, float]:
    """Lowest and highest value of all courses, so that equal heights mean equal values."""
    known = [value for course in courses for value in course if value is not None]
    return (min(known), max(known)) if known else (0.0, 1.0)


def _course(answer: Answer | None) -> list[float | None]:
    return [point.value for point in answer.series] if answer is not None else []


def _cell(answer: Answer | None, column: Column, drawn: tuple[str, list[float | None], tuple[float, float]],
          context: Context) -> Markup:
    rank, course, span = drawn
    if answer is None:
        return Markup('<td class="r q">{}</td>').format("无权" if column.problem else "未知")
    if answer.value is None and not answer.text:
        return Markup('<td class="r q">{}{}</td>').format(
            "不可用" if answer.freshness == "down" else "未知", fresh_mark(answer, context, with_time=False))
    mark = EMPTY
    if rank:
        sign, told = MARK_WORDS[rank]
        mark = Markup('<span class="rank {}">{}{}</span>').format(rank, icon(sign), told)
    borrowed = EMPTY
    if answer.at_division and answer.at_division != column.code:
        borrowed = Markup('<span class="note q">{}级</span>').format(division_name(answer.at_division, context))
    shown = words.value(answer, answer.value) if answer.value is not None else answer.text
    old = fresh_mark(answer, context) if answer.freshness in ("late", "down", "unknown") else EMPTY
    line = spark(course, span=span) if sum(value is not None for value in course) > 1 and not borrowed else EMPTY
    return Markup('<td class="r"><b>{}</b>{}{}{}{}</td>').format(shown, mark, borrowed, old, line)
