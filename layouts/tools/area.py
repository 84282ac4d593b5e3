"""Drawing an area: how to draw one, what is in it, which resources are nearest, and taking it away as a file."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

from data.answers import Answer, Question
from layouts import words
from layouts.links import anchor
from layouts.parts import EMPTY, banner, demo_chip, fresh_mark, join
from layouts.screen import Context, Screen
from layouts.tools import Answers, Tool
from layouts.tools.area_lists import lists, near_list, short_m
from layouts.view import ViewState

EACH = 3
FORMS = (("circle", "画圆"), ("polygon", "画多边形"), ("line", "画线带"))
FILES = (("xlsx", "Excel"), ("csv", "CSV"), ("geojson", "GeoJSON"))
_SPOT = re.compile(r"^-?\d{1,3}(\.\d{1,15})?,-?\d{1,2}(\.\d{1,15})?$")


def _asks(_screen: Screen, view: ViewState) -> dict[str, Question]:
    if not view.area:
        return {}
    return {"inside": Question("area", view.area), "near": Question("nearest", origin(view), limit=EACH)}


def origin(view: ViewState) -> str:
    """From where the nearest are sought: the place that is pinned, else the area's center."""
    return view.pin if _SPOT.match(view.pin) else view.area


def _render(answers: Answers, _screen: Screen, context: Context) -> Markup:
    found = answers.get("inside")
    if found is None:
        return _hands(context) + Markup('<p class="say">在地图上画一个区域，这里列出其中的人口、敏感目标、风险隐患、'
                                        '应急资源和在办事件，以及离它最近的资源。</p>')
    if "area" not in found.parts:
        return _hands(context) + banner("s-att", found.note or "区域读不出，请重画")
    return _hands(context) + _head(found, context) + _people(found) + lists(found, context) + _near(answers, context)


def _hands(context: Context) -> Markup:
    """Buttons that take the pointer, and the same by typing."""
    buttons = EMPTY.join(Markup('<button type="button" class="ctl" data-act="draw" data-kind="{}">{}</button>').format(
        form, word) for form, word in FORMS)
    more = EMPTY
    if context.view.area:
        more = (Markup('<button type="button" class="ctl" data-act="draw" data-kind="show">看全</button>')
                + anchor(context, {"area": None}, "清除", "ctl"))
    return Markup('<div class="draw">{}{}</div><p class="note draw-says" role="status" aria-live="polite" '
                  'data-idle="{}">{}</p>{}').format(buttons, more, _idle(context), _idle(context), _typed(context))


def _idle(context: Context) -> str:
    return "拖动图上的方块可改形状和位置" if context.view.area else ""


def _typed(context: Context) -> Markup:
    """What the pointer does, by the keyboard: a center with a radius, a river with a band."""
    form, _, rest = context.view.area.partition(":")
    center, _, reach = rest.rpartition(",") if form == "circle" else ("", "", "2000")
    name, _, band = rest.rpartition(",") if form == "river" else ("", "", "500")
    rivers = [key.removeprefix("river:") for key in context.names if key.startswith("river:")]
    options = EMPTY.join(Markup("<option{}>{}</option>").format(
        Markup(" selected") if river == name else EMPTY, river) for river in rivers)
    pinned = Markup('<button type="button" class="ctl" data-act="draw" data-kind="pin">取定位点</button>') \
        if context.view.pin else EMPTY
    circle = Markup(
        '<form class="typed" data-kind="circle"><label><span>圆心</span><input name="center" value="{}" '
        'placeholder="115.41234,25.95123" aria-label="圆心的经度和纬度" autocomplete="off"></label>'
        '<label><span>半径（米）</span><input name="radius" value="{}" inputmode="numeric" autocomplete="off"></label>'
        '<div class="draw"><button class="ctl main">圈定</button><button type="button" class="ctl" data-act="draw" '
        'data-kind="middle">取地图中心</button>{}</div></form>').format(center, reach, pinned)
    river_form = Markup(
        '<form class="typed" data-kind="river"><label><span>河流</span><select name="river">{}</select></label>'
        '<label><span>两侧（米）</span><input name="band" value="{}" inputmode="numeric" autocomplete="off"></label>'
        '<div class="draw"><button class="ctl main">圈定沿岸</button></div></form>').format(options, band)
    return Markup('<details class="byhand" id="area-typed"><summary>输入坐标或河名<i>▾</i></summary>'
                  '{}{}</details>').format(circle, river_form if rivers else EMPTY)


def _head(found: Answer, context: Context) -> Markup:
    area = found.parts["area"]
    notes = EMPTY.join(Markup('<p class="note">{}</p>').format(note) for note in area["notes"])
    files = EMPTY.join(Markup('<a class="ctl" href="{}" download>{}</a>').format(_file(context, ending), word)
                       for ending, word in FILES)
    mark = demo_chip() if found.demo else EMPTY
    whole = words.number(area["km2"], 2 if area["km2"] < 100 else 0)
    return Markup('<div class="area-head"><h3>{}{}</h3><p class="note">{} 平方公里·周长 {}·{}</p>{}'
                  '<div class="draw files"><span>下载</span>{}</div></div>').format(
        area["words"], mark, whole, short_m(area["perimeter_m"]), fresh_mark(found, context), notes, files)


def _file(context: Context, ending: str) -> str:
    """The call that answers the same question as a file."""
    view = context.view
    pairs = [("area", view.area), ("division", view.division), ("from", view.start), ("to", view.end), ("at", view.at),
             ("known", view.known), *((f"f.{name}", value) for name, value in view.filters if name != "item")]
    if not (view.start or view.end):
        pairs.append(("window", view.window))
    if origin(view) != view.area:
        pairs.append(("near", view.pin))
    return f"/api/v1/area.{ending}?{urlencode([(name, value) for name, value in pairs if value])}"


def _people(found: Answer) -> Markup:
    """Whole divisions only; what is merely touched is said and not counted."""
    people: dict[str, Any] | None = found.parts["people"]
    if people is None:
        return EMPTY
    if people["value"] is None:
        return Markup('<section class="area-list"><h3>常住人口<b>未知</b></h3><p class="note">{}</p></section>').format(
            _gaps(people) if people["rows"] else "所看区划内没有已公布的人口数")
    word, counted = people["level_word"], people["n_whole"] + people["n_partly"]
    rule = [f"代表点在区域内的 {counted} 个{word}合计，不按面积拆分"]
    if people["n_partly"]:
        rule.append(f"全部在内的 {people['n_whole']} 个{word} {words.number(people['least'])} 人")
    if people["n_outside"]:
        rule.append(f"另有 {people['n_outside']} 个{word}只触及边缘，未计 {words.number(people['outside'])} 人")
    if people["unknown"]:
        rule.append(f"其中 {people['unknown']} 个没有人口数")
    between = "" if people["most"] is None else \
        f"。实际介于 {words.number(people['least'])} 与 {words.number(people['most'])} 之间"
    told = Markup('<section class="area-list"><h3>常住人口<b>{}</b> 人</h3><p class="note">{}{}{}</p></section>')
    return told.format(
        words.number(people["value"]), "；".join(rule), between,
        f"·{words.period(people['period'])} 年" if people["period"].isdigit() else "")


def _gaps(people: dict[str, Any]) -> str:
    """Why the people of an area are unknown, and of whom a figure is there."""
    touched, word = len(people["rows"]), people["level_word"]
    known = sum(people[part] for part in ("whole", "partly", "outside"))
    rest = touched - people["unknown"]
    told = f"；其余 {rest} 个{word}共 {words.number(known)} 人，不作合计" if rest else ""
    return f"区域触及的 {touched} 个{word}中有 {people['unknown']} 个没有人口数{told}"


def _near(answers: Answers, context: Context) -> Markup:
    found = answers.get("near")
    if found is None or "travel" not in found.parts:
        return banner("s-att", found.note) if found is not None and found.note else EMPTY
    pinned = origin(context.view) != context.view.area
    where = join(["从定位点算起", anchor(context, {"pin": None}, "改从区域中心")], "·") if pinned else escape(
        "从区域中心算起；点清单中一行，改从那里算起")
    travel = found.parts["travel"]
    straight = (f"直线距离×{travel['detour']:g}÷{travel['speed_kmh']:g} km/h＋出动 {travel['departure_min']:g} 分。"
                f"{travel['basis']}；绕行系数：{travel['detour_source']}")
    told = f"按路网和各级道路的车速，另加出动 {travel['departure_min']:g} 分；路网不到处按{straight}" \
        if found.parts["roads"] else straight
    note = Markup('<p class="note">{}</p>').format(found.note) if found.note else EMPTY
    return Markup('<section class="area-list"><h3>就近资源</h3><p class="note">{}</p>{}{}'
                  '<p class="note">时间为估算：{}</p></section>').format(where, note, near_list(found, context), told)


TOOL = Tool("area", "圈定", "a", _asks, _render)
