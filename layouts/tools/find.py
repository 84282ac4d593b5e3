"""Finding: what was found or pointed at, and everything about that place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from data.answers import Answer, Question
from layouts import words
from layouts.frame import division_name
from layouts.links import anchor, division_link, href
from layouts.mapcards import map_metric
from layouts.parts import EMPTY, demo_chip, empty, figure_text, fresh_mark, join, state_mark
from layouts.screen import Context, Screen
from layouts.tools import Answers, Tool
from layouts.view import ViewState

DIGITS, MOST_EVENTS = 6, 8
SYSTEM = "CGCS2000"
Row = Mapping[str, Any]


def question(screen: Screen, view: ViewState) -> Question | None:
    """What is asked about a view's pin, with the figure that the map shows; None without a pin."""
    return Question("pin", view.pin, by=map_metric(screen, view)) if view.pin and not screen.plain else None


def _asks(screen: Screen, view: ViewState) -> dict[str, Question]:
    asked = question(screen, view)
    return {"pin": asked} if asked else {}


def _render(answers: Answers, _screen: Screen, context: Context) -> Markup:
    found = answers.get("pin")
    if found is None:
        return _help()
    away = anchor(context, {"pin": None}, "移除图钉", "ctl")
    if not found.parts.get("kind"):
        return empty("e-none", "这里看不了", found.note or "没有读到这一处的数据，稍后自动重试") + _row_of([away])
    parts = found.parts
    share = Markup('<a class="ctl" href="{}" data-act="link">复制链接</a>').format(href(context, {}))
    card = (anchor(context, {"division": parts["code"], "bbox": None, "tool": "profile"}, "区划名片", "ctl")
            if parts["code"] else EMPTY)
    return EMPTY.join([_head(parts, context), _where(parts, context), _row_of([card, share, away]),
                       _figure(found, parts, context), _events(parts, context), _nearest(parts, context)])


def _help() -> Markup:
    """What can be typed, and how to ask the map itself."""
    rows = (("名称、别名", "区划、设施、事件名称中的任何一段"),
            ("拼音、首字母", "全拼、首字母，多音字各种读法都认"), ("编码、编号", "区划编码、设施编号、事件编号的开头"),
            ("坐标", "115.41,25.95；115°24′36″E 25°57′N；gcj: 或 bd: 开头为火星、百度坐标"))
    told = EMPTY.join(Markup('<div class="how"><b>{}</b><span>{}</span></div>').format(*row) for row in rows)
    return Markup('<p class="note">在页面上方的搜索框输入，或按 <kbd>/</kbd> 直接开始。</p>{}'
                  '<p class="note mt">地图上点右键、长按，或按菜单键：这里有什么。</p>').format(told)


def _row_of(links: Iterable[Markup]) -> Markup:
    return Markup('<div class="found-acts">{}</div>').format(EMPTY.join(links))


def _head(parts: Row, context: Context) -> Markup:
    thing = parts["thing"]
    if parts["kind"] == "event":
        mark = state_mark(str(thing["state"]))
        facts = join([thing["category"], thing["channel"], thing["stage"], thing["department"], thing["id"]], "·")
        head = Markup("<h3>{}{}</h3>").format(mark, thing["title"])
    elif parts["kind"] == "asset":
        facts = join(filter(None, [thing["layer_name"], thing.get("department"), thing["id"]]), "·")
        head = Markup("<h3>{}</h3>").format(thing["name"])
    else:
        return Markup("<h3>这里有什么</h3>")
    demo = demo_chip() if thing.get("demo") and not context.demo else EMPTY
    return Markup('{}<div class="note">{}{}</div>').format(head, facts, demo)


def _where(parts: Row, context: Context) -> Markup:
    """The divisions, the deepest last, and the coordinates with the name of their system."""
    chain = [division_link(context, step["code"] if depth else context.place.code, step["name"])
             for depth, step in enumerate(parts["chain"])]
    told = join(chain, " › ") if chain else Markup("{}").format(f"不在{context.place.name}范围内")
    if parts["lon"] is None:
        return Markup('<div class="found-where">{}<div class="note q">没有坐标，地图上不标出</div></div>').format(told)
    text = f"{parts['lon']:.{DIGITS}f},{parts['lat']:.{DIGITS}f}"
    return Markup('<div class="found-where">{0}<div class="note">{1} <span class="q">先经度后纬度·{2}</span> '
                  '<button type="button" class="act" data-copy="{1}">复制坐标</button></div></div>').format(
        told, text, SYSTEM)


def _figure(found: Answer, parts: Row, context: Context) -> Markup:
    """The figure of the deepest division that publishes it, with its time, source and freshness."""
    if not parts["code"] or not found.question.by:
        return EMPTY
    names = {step["code"]: step["name"] for step in parts["chain"]}
    whose = names.get(found.at_division) or division_name(found.at_division, context)
    value = figure_text(found) if found.value is not None or found.text else Markup("未知")
    return Markup('<div class="found-fig"><div class="note">{}·{}</div><div class="lbl b fact">{}</div>'
                  '<div class="note q">{} {}</div></div>').format(found.name, whose, value, found.source,
                                                                  fresh_mark(found, context))


def metres(distance_m: float) -> str:
    """85 米, 1.2 千米."""
    return f"{words.number(distance_m)} 米" if distance_m < 1000 else f"{words.number(distance_m / 1000, 1)} 千米"


def _events(parts: Row, context: Context) -> Markup:
    rows, head = parts["events"], "500 米内未结事件"
    if parts["lon"] is None:
        return EMPTY
    if not rows:
        return Markup('<h4>{}</h4><p class="note">没有</p>').format(head)
    told = EMPTY.join(Markup('<tr><td>{}</td><td class="el">{}</td><td>{}</td><td class="r">{}</td></tr>').format(
        state_mark(str(row["state"]), ""), _pinned(context, "event", row, row["title"]), row["stage"],
        metres(row["distance_m"])) for row in rows[:MOST_EVENTS])
    more = f"，列出最近 {MOST_EVENTS} 件" if len(rows) > MOST_EVENTS else ""
    return Markup("<h4>{} {} 件{}</h4><table class=\"near\"><tbody>{}</tbody></table>").format(head, len(rows), more,
                                                                                            told)


def _nearest(parts: Row, context: Context) -> Markup:
    rows = parts["nearest"]
    if not rows:
        return EMPTY
    told = EMPTY.join(Markup('<tr><td>{}</td><td class="el">{}</td><td class="r">{}</td></tr>').format(
        row["layer_name"], _pinned(context, "asset", row, row["name"]), metres(row["distance_m"])) for row in rows)
    return Markup('<h4>各类最近设施<span class="note q">直线距离，按椭球面计算</span></h4>'
                  '<table class="near"><tbody>{}</tbody></table>').format(told)


def _pinned(context: Context, kind: str, row: Row, name: object) -> Markup:
    return anchor(context, {"pin": f"{kind}:{row['feed']}:{row['id']}", "tool": "find"}, name, "dl")


TOOL = Tool("find", "查找", "/", _asks, _render)
