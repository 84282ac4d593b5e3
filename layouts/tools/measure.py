"""Measuring on the map: the length of a line or the area of a ring, on the ellipsoid; and the grid of degrees."""

from __future__ import annotations

from markupsafe import Markup

from data.answers import Question
from geo import measuring
from layouts import words
from layouts.links import anchor
from layouts.maplayers import GRATICULE, chosen, toggled
from layouts.parts import EMPTY
from layouts.screen import Context, Screen
from layouts.tools import Answers, Tool
from layouts.view import ViewState

KIND_WORDS = {"line": "长度", "area": "面积"}
HOW = ("在地图上逐点单击，双击或回车结束；退格撤回一点，Esc 停手。",
       "只用键盘：先按 Tab 到地图，方向键移图，空格在十字处落点。")
BASIS = "按 CGCS2000 椭球面的大地线量算，与图上的缩放无关；坐标为经度、纬度。"
MU_M2 = 2000 / 3


def _asks(_screen: Screen, _view: ViewState) -> dict[str, Question]:
    return {}


def _render(_answers: Answers, screen: Screen, context: Context) -> Markup:
    path = measuring.parse(context.view.measure)
    choice = EMPTY.join(_choice(kind, path, context) for kind in measuring.KINDS)
    head = Markup('<p class="choice">{}{}</p>').format(choice, _clear(path, context))
    return Markup('<div class="measure">{}{}{}<p class="note">{}</p>{}</div>').format(
        head, _result(path), _legs(path), BASIS, _grid(screen, context))


def _choice(kind: str, path: measuring.Path, context: Context) -> Markup:
    on = kind == path.kind
    points = context.view.measure.partition(":")[2] if path.points else ""
    return anchor(context, {"measure": f"{kind}:{points}"}, KIND_WORDS[kind],
                  f"chip chip-acc{' on' if on else ''}", on)


def _clear(path: measuring.Path, context: Context) -> Markup:
    return anchor(context, {"measure": f"{path.kind}:"}, "清除", "chip chip-plain") if path.points else EMPTY


def _result(path: measuring.Path) -> Markup:
    """The one figure, or what is still needed for it."""
    if path.why:
        return Markup('<p class="wrong">{}</p>').format(f"地址里的 measure 看不懂：{path.why}")
    need = 2 if path.kind == "line" else 3
    if len(path.points) < need:
        left = EMPTY.join(Markup("<p>{}</p>").format(told) for told in HOW)
        return Markup('<div class="how">{}</div>').format(left)
    if path.kind == "line":
        return Markup('<p class="total"><b>{}</b></p>').format(length_words(measuring.length_m(path.points)))
    if measuring.crosses_itself(path.points):
        return Markup('<p class="wrong">边线自相交，围不出一块面积；请清除后重画，或退格撤回最后的点</p>')
    area = measuring.area_m2(path.points)
    around = measuring.length_m([*path.points, path.points[0]])
    return Markup('<p class="total"><b>{}</b></p><p>{}·周长 {}</p>').format(area_words(area), mu_words(area),
                                                                         length_words(around))


def _legs(path: measuring.Path) -> Markup:
    """Points with the length of the way to each."""
    if not path.points:
        return EMPTY
    closed = [*path.points, path.points[0]] if path.kind == "area" and len(path.points) > 2 else [*path.points]
    legs = ["", *(length_words(leg) for leg in measuring.legs_m(closed))]
    rows = EMPTY.join(
        Markup('<tr><td class="r">{}</td><td>{}</td><td class="r">{}</td></tr>').format(
            "回到 1" if number > len(path.points) else number, f"{lon:.5f}, {lat:.5f}", leg)
        for number, ((lon, lat), leg) in enumerate(zip(closed, legs, strict=True), 1))
    head = Markup('<thead><tr><th class="r">点</th><th>坐标</th><th class="r">到此一段</th></tr></thead>')
    return Markup('<div class="tb"><table>{}<tbody>{}</tbody></table></div>').format(head, rows)


def _grid(screen: Screen, context: Context) -> Markup:
    """The switch of the grid of degrees: a help for reading coordinates, off until asked for."""
    word = "关闭经纬网" if GRATICULE in chosen(screen, context.view) else "显示经纬网"
    patch = {"layers": toggled(screen, context.view, GRATICULE)}
    return Markup('<p>{}</p>').format(anchor(context, dict(patch), word, "chip chip-acc"))


def length_words(metres: float) -> str:
    """Metres to a tenth below one kilometre, kilometres to a metre's thousandth above."""
    return f"{words.number(metres, 1)} 米" if metres < 1000 else f"{words.number(metres / 1000, 3)} 千米"


def area_words(square_m: float) -> str:
    """Square metres below a tenth of a square kilometre, square kilometres above."""
    return (f"{words.number(square_m, 0)} 平方米" if square_m < 100_000
            else f"{words.number(square_m / 1e6, 3 if square_m < 1e8 else 1)} 平方千米")


def mu_words(square_m: float) -> str:
    """The same area in 亩 (2,000 / 3 m²)."""
    mu = square_m / MU_M2
    return f"合 {words.number(mu, 1 if mu < 1000 else 0)} 亩"


TOOL = Tool("measure", "量测", "m", _asks, _render)
