"""What could not be taken, by feed and reason: how many wait, since when, and what can be done with all of them."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from layouts import words
from layouts.frame import Drawn, framed
from layouts.links import anchor
from layouts.parts import EMPTY, axis_note, empty
from layouts.screen import Answers, Context, Panel
from layouts.tables import Column, Cut, table

COLUMNS = (Column("数据源", wide=True), Column("原因", wide=True), Column("待处理", right=True),
           Column("共", right=True, optional=True), Column("最近", right=True, optional=True), Column("", right=True))
MOST, PAGE = 9, "groups"
NOT_ALLOWED = "只有值班人员可以更正、送回和作废：请用启动时打印的一次性链接登录"


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; ask: `list` (quarantine)."""
    return framed(panel, answers, context, draw)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: how many rows wait for how many reasons."""
    listed = answers["list"]
    waiting = [row for row in listed.rows if row.get("waiting")]
    if not listed.rows:
        return Drawn(empty("e-calm", "隔离区是空的", "没有记录被拒绝"), "隔离区无待处理")
    page = _page(context, len(waiting))
    shown = waiting[page * MOST:(page + 1) * MOST] or list(listed.rows)[:MOST]
    body = table(COLUMNS, [_row(row, context) for row in shown])
    note = _turning(context, page, len(waiting))
    title = f"隔离区 {words.number(listed.total)} 条待处理" if waiting else "隔离区无待处理"
    return Drawn(body + note, title)


def _page(context: Context, groups: int) -> int:
    """The page of groups that the address names, from 0; the last one where so many do not wait any more."""
    asked = dict(context.view.filters).get(PAGE, "")
    wanted = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 1
    return max(0, min(wanted, (groups + MOST - 1) // MOST) - 1)


def _turning(context: Context, page: int, groups: int) -> Markup:
    """Links to the groups before and after; nothing where all are shown."""
    rest = groups - (page + 1) * MOST
    back = str(page) if page > 1 else None
    before = anchor(context, {f"f.{PAGE}": back}, f"‹ 前 {MOST} 组", "act") if page else EMPTY
    after = anchor(context, {f"f.{PAGE}": str(page + 2)}, f"其余 {rest} 组 ›", "act") if rest > 0 else EMPTY
    return axis_note(before, after) if before or after else EMPTY


def _row(row: dict[str, Any], context: Context) -> tuple[object, ...]:
    sample, ready = row.get("sample"), int(row.get("ready") or 0)
    reason = Cut(str(row.get("kind") or ""), 48)
    acts = EMPTY
    if sample and row.get("waiting"):
        acts = anchor(context, {"f.item": str(sample)}, "更正", "act")
        acts += deed("replay", f"送回 {words.number(ready)}" if ready else "送回", row,
                     f"把这一组{'站点已登记的' if ready else ''}记录按原样再送一次")
    at = int(row.get("last") or 0)
    return (Cut(str(row.get("name") or row.get("feed") or ""), 12), reason, words.number(row.get("waiting") or 0),
            words.number(max(row.get("count") or 0, row.get("waiting") or 0)),
            words.clock_or_day(at, context.place.timezone, context.now_us) if at else words.NONE, acts)


def deed(name: str, word: str, row: dict[str, Any], title: str, item: object = "") -> Markup:
    """A button that settles a row or, without one, its whole group; it cannot be pressed by who may not."""
    closed = EMPTY if row.get("may") else Markup(" disabled")
    return Markup('<button type="button" class="act deed" data-deed="{}" data-feed="{}" data-kind="{}" data-item="{}" '
                  'title="{}"{}>{}</button>').format(
        name, row.get("feed") or "", row.get("kind") or "", item, title if row.get("may") else NOT_ALLOWED, closed,
        word)
