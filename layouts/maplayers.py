"""Layers of the map: which are on in a view, their switches, and what the legend says of each that is on."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup, escape

from data.answers import Answer
from layouts import words
from layouts.links import anchor
from layouts.parts import EMPTY, FRESH, fresh_mark
from layouts.screen import Context, Screen
from layouts.symbols import icon
from layouts.view import ViewState

NO_LAYER, HEAT, GRATICULE = "none", "heat.", "graticule"
# So many marks of a layer crowd somewhere at the scale of a county.
CROWD = 60
SHAPES = ("circle", "square", "triangle", "diamond", "reservoir", "house", "cross", "drop", "hexagon", "arrow")


def chosen(screen: Screen, view: ViewState) -> tuple[str, ...]:
    """All that is switched on: the view's choice, the screen's own where the view says nothing.

    Of densities the last alone is: two of them over each other could not be told apart.
    """
    asked = tuple(dict.fromkeys(key for key in view.map.layers or screen.map.on if key != NO_LAYER))
    heats = [key for key in asked if key.startswith(HEAT)]
    return tuple(key for key in asked if key not in heats[:-1])


def layers_on(screen: Screen, view: ViewState) -> tuple[str, ...]:
    """Layers that show every record, in the screen's own order, those from the catalogue behind it."""
    on = [key for key in chosen(screen, view) if not key.startswith(HEAT)]
    return tuple(sorted(on, key=lambda key: screen.map.layers.index(key) if key in screen.map.layers else 99))


def heats_on(screen: Screen, view: ViewState) -> tuple[str, ...]:
    """Layers whose density is shown."""
    return tuple(key.removeprefix(HEAT) for key in chosen(screen, view) if key.startswith(HEAT))


def toggled(screen: Screen, view: ViewState, key: str) -> str:
    """The `layers` of the address with one switched over; what else is on stays."""
    on = chosen(screen, view)
    rest = [one for one in on if one != key] if key in on else [*on, key]
    return ",".join(rest) or NO_LAYER


def layer_switches(screen: Screen, context: Context) -> Markup:
    """The screen's own layers and whatever else is on; each is a link to the same view with it on or off."""
    on = chosen(screen, context.view)
    keys = dict.fromkeys((*screen.map.layers, *on))
    return EMPTY.join(anchor(context, {"layers": toggled(screen, context.view, key)},
                             icon("g-box") + _layer_key(key, context), "on" if key in on else "", key in on)
                      for key in keys)


def _layer_key(layer: str, context: Context) -> Markup:
    """What a layer looks like on the map, its word, and how many of it lie in the division."""
    word = name_of(layer, context)
    if layer not in context.layers:
        return escape(word)
    shape, count = context.layers[layer]
    key = Markup('{}{}<span class="n">{}</span>').format(icon(f"m-{drawn_shape(shape)}", "lk"), word,
                                                         words.number(count))
    blind = context.unplaced.get(layer, 0)
    if not blind:
        return key
    unit = "件" if shape == "cluster" else "处"
    return key + Markup('<span class="blind">另有 {} {}无坐标</span>').format(words.number(blind), unit)


def name_of(layer: str, context: Context) -> str:
    """The word of a layer or of its density."""
    word = context.names.get(f"layer:{layer.removeprefix(HEAT)}", layer)
    return f"{word}热力" if layer.startswith(HEAT) else word


def drawn_shape(shape: str) -> str:
    """The shape that the map draws for a declared one: what it has no drawing for is a disc."""
    return shape if shape in SHAPES else "circle"


def told_by(layer: str, answers: Mapping[str, Answer]) -> Answer | None:
    """The answer whose freshness is a layer's: of its readings where its marks show any, else of its records."""
    return answers.get(f"state.{layer}") or answers.get(f"layer.{layer}")


def layer_legend(screen: Screen, answers: Mapping[str, Answer], context: Context) -> Markup:
    """One line for each layer of marks that is on: how it is drawn and, where that must be known, why it is not."""
    lines = [_legend_line(key, answers, context) for key in layers_on(screen, context.view)
             if context.layers.get(key, ("", 0))[0] != "cluster" or _silent(told_by(key, answers))]
    crowd = any(shape != "cluster" and count >= CROWD for key in layers_on(screen, context.view)
                for shape, count in [context.layers.get(key, ("cluster", 0))])
    told = Markup('<div class="how">密集处合为一个圈，数字为处数</div>') if crowd else EMPTY
    return EMPTY.join(line for line in lines if line) + told


def density_legend(screen: Screen, context: Context) -> Markup:
    """What the shades of a density mean: points per km², by which bandwidth."""
    key = next(iter(heats_on(screen, context.view)), "")
    if key not in context.densities:
        return EMPTY
    found, unit = context.densities[key], "件" if context.layers.get(HEAT + key, ("", 0))[0] == "cluster" else "处"
    head = Markup("<h3>{}（{}/平方千米）</h3>").format(name_of(HEAT + key, context), unit)
    if not found.limits:
        return head + Markup('<div class="how">本区划没有可画的点</div>')
    rows = [Markup('<div><span class="sw h{}"></span>≥ {:g}</div>').format(at, limit)
            for at, limit in reversed(list(enumerate(found.limits)))]
    return head + EMPTY.join(rows) + Markup('<div class="how">高斯核，带宽 {} 米</div>').format(found.bandwidth_m)


def _silent(found: Answer | None) -> bool:
    return found is not None and found.freshness not in FRESH


def _legend_line(key: str, answers: Mapping[str, Answer], context: Context) -> Markup:
    shape, count = context.layers.get(key, ("", 0))
    found, word = told_by(key, answers), name_of(key, context)
    if key == GRATICULE or f"credit:{key}" in context.names:
        return EMPTY
    if not shape:
        return Markup('<div><span class="sym"><span class="lw"></span></span>{}</div>').format(word)
    sign = Markup('<span class="sym">{}</span>').format(icon(f"m-{drawn_shape(shape)}", "lk"))
    told = Markup('<span class="n">{}</span>').format(f"{words.number(count)} 处" if count else "本区划没有")
    mark = EMPTY
    if found is not None and _silent(found):
        tail = "，灰色为最后已知" if found.freshness == "down" and count else ""
        mark = Markup('<span class="n">{}{}</span>').format(fresh_mark(found, context), tail)
    return Markup("<div>{}{}{}{}</div>").format(sign, word, told, mark)
