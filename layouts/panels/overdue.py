"""List of events: overdue ones with how long, those due next with the time left, or the newest with their stage."""

from __future__ import annotations

from collections import Counter
from typing import Any

from markupsafe import Markup

from layouts import words
from layouts.frame import Drawn, framed
from layouts.links import anchor, division_link, near
from layouts.parts import axis_note as note
from layouts.parts import calm, change_mark, join, state_mark
from layouts.screen import Answers, Context, Panel
from layouts.tables import Column, Cut, table

OVERDUE = (Column(""), Column("事件", wide=True), Column("地点", optional=True),
           Column("承办", optional=True, second=True),
           Column("已超期", right=True))
DUE = (*OVERDUE[:-1], Column("剩余", right=True))
NEWEST = (Column(""), Column("事件", wide=True), Column("地点", optional=True), Column("环节"),
          Column("时间", right=True))


LONG_TITLE, SHORT_TITLE = 13, 10
EMPTY_WORDS = {"overdue": "当前无超期事件", "due": "24 小时内无到期事件"}


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The list; asks: `list` (rows events), and beside it `count`, `soon` (metrics)."""
    return framed(panel, answers, context, draw)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: how many and where most of them are."""
    order = panel.asks["list"].order
    late = order == "overdue"
    listed = answers["list"]
    total = listed.total or len(listed.rows)
    if not listed.rows:
        say = EMPTY_WORDS.get(order, "本时段无新事件")
        return Drawn(calm(listed, say, _soon(answers)), panel.title)
    most = LONG_TITLE if max(len(near(context, str(row.get("division")))) for row in listed.rows) <= 4 else SHORT_TITLE
    columns, draws = {"overdue": (OVERDUE, _overdue), "due": (DUE, _due)}.get(order, (NEWEST, _newest))
    rows = [draws(row, context, most) for row in listed.rows]
    more = total - len(listed.rows) if order in EMPTY_WORDS else 0
    facts = [f"另有 {words.number(more)} 件" if more > 0 else "", _soon(answers), _change(answers)]
    left = join(filter(None, facts), "·")
    told = f"{panel.title} {words.number(total)} 件" if order == "due" else panel.title
    return Drawn(table(columns, rows) + note(left, _all(context)), _title(panel, answers, total) if late else told)


def _title(panel: Panel, answers: Answers, total: int) -> str:
    groups = [g for g in answers["by"].groups if g.value] if "by" in answers else []
    if groups and len(answers["by"].groups) > 1:
        top = max(groups, key=lambda g: g.value or 0)
        if total == 1:
            return f"超期 1 件，在{top.name}"
        if (top.value or 0) * 2 >= total:
            return f"超期 {words.number(total)} 件，{words.number(top.value)} 件在{top.name}"
        return f"超期 {words.number(total)} 件，{top.name}最多"
    departments = Counter(str(row.get("department") or "") for row in answers["list"].rows)
    name, count = departments.most_common(1)[0]
    return f"超期 {words.number(total)} 件" + (f"，{name}承办最多" if name and count > 1 else "")


def _soon(answers: Answers) -> str:
    soon = answers.get("soon")
    return f"24 小时内到期 {words.number(soon.value)} 件" if soon and soon.value is not None else ""


def _change(answers: Answers) -> Markup:
    count = answers.get("count")
    return change_mark(count) if count else Markup("")


def _all(context: Context) -> Markup:
    if context.view.screen == "events":
        return Markup("")
    return anchor(context, {"screen": "events"}, "全部事件", "act")


def _subject(row: dict[str, Any], most: int) -> Cut:
    return Cut(str(row.get("title") or row.get("category") or row.get("id") or words.NONE), most)


def _place(row: dict[str, Any], context: Context) -> Markup:
    name = str(row.get("division") or words.NONE)
    codes = {child: code for code, child in context.children}
    return division_link(context, codes.get(name) or str(row.get("division_code") or ""), near(context, name))


def _overdue(row: dict[str, Any], context: Context, most: int) -> tuple[object, ...]:
    late = _age(row, float(row.get("overdue_s") or 0), "since", context)
    return (state_mark(str(row.get("state") or "warn"), ""), _subject(row, most), _place(row, context),
            Cut(str(row.get("department") or words.NONE), 6), Markup("<b>{}</b>").format(late))


def _due(row: dict[str, Any], context: Context, most: int) -> tuple[object, ...]:
    cells = _overdue(row, context, most)[:-1]
    left = row.get("left_s", (int(row["due_us"]) - context.now_us) / 1e6)
    return (*cells, Markup("<b>{}</b>").format(_age(row, float(left), "until", context)))


def _age(row: dict[str, Any], seconds: float, counts: str, context: Context) -> Markup:
    """Time over or left as the row gives it, at the view's instant; the browser counts on where that instant is now."""
    text, due = words.short_age(seconds), row.get("due_us")
    if not due or context.view.at or context.view.end:
        return Markup("{}").format(text)
    return Markup('<span class="age" data-{}="{}" data-form="short">{}</span>').format(counts, int(due), text)


def _newest(row: dict[str, Any], context: Context, most: int) -> tuple[object, ...]:
    at = int(row.get("stage_time_us") or row.get("time_us") or 0)
    when = words.clock_or_day(at, context.place.timezone, context.now_us) if at else words.NONE
    return (state_mark(str(row.get("state") or "ok"), ""), _subject(row, most + 2), _place(row, context),
            str(row.get("stage") or words.NONE), when)
