"""The cards that float over the map: breadcrumb, title with the choice of metric, layers, legends, boundary note."""

from __future__ import annotations

from markupsafe import Markup, escape

from data.answers import Answer
from layouts import words
from layouts.choropleth import EVENT_STATES, Shading
from layouts.links import anchor
from layouts.parts import EMPTY, join
from layouts.screen import Context, Screen
from layouts.symbols import icon
from layouts.view import ViewState

WINDOW_WORDS = {"24h": "近 24 小时", "7d": "近 7 天", "30d": "近 30 天", "today": "今天", "week": "本周",
                "month": "本月",
                "ytd": "今年以来"}
WINDOWS = ("24h", "7d", "30d", "month", "ytd")
FIELD_WORDS = {"category": "类别", "channel": "渠道", "department": "部门", "stage": "环节", "item": "隔离记录",
               "groups": "隔离区页"}
NO_LAYER = "none"
GRATICULE = "graticule"
SHAPES = ("circle", "square", "triangle", "diamond", "reservoir", "house")


def map_metric(screen: Screen, view: ViewState) -> str:
    """The metric that colours the map: the view's where the screen offers it, else the screen's."""
    return view.map.metric if view.map.metric in screen.map.metrics else screen.map.metric


def layers_on(screen: Screen, view: ViewState) -> tuple[str, ...]:
    """Layers that are switched on: the view's, the screen's own where the view says nothing; `none` = no layer."""
    chosen = view.map.layers or screen.map.on
    return tuple(layer for layer in (*screen.map.layers, *screen.map.ground) if layer in chosen)


def chain_down(context: Context) -> tuple[tuple[str, str], ...]:
    """The view's division and all above it, the place first."""
    chain = context.chain or ((context.place.code, context.place.name),)
    return chain if chain[0][0] == context.place.code else chain[::-1]


def crumb(context: Context) -> Markup:
    """县 › 乡镇 › 村 ▾: links upwards, children of the last one, removable filters."""
    chain = chain_down(context)
    up = [anchor(context, {"division": code if depth else None, "bbox": None}, name)
          for depth, (code, name) in enumerate(chain[:-1])]
    steps = [*up, Markup("<b>{}</b>").format(chain[-1][1])]
    if context.children:
        steps.append(_children(context, len(chain)))
    return join(steps, " › ") + Markup('<span class="crumb-chips">{}</span>').format(filter_chips(context))


def _children(context: Context, depth: int) -> Markup:
    levels = context.place.levels
    word = levels[depth][1] if depth < len(levels) else "下级"
    links = EMPTY.join(anchor(context, {"division": code, "bbox": None}, name) for code, name in context.children)
    return Markup('<details class="menu kids"><summary>{}<i>▾</i></summary>'
                  '<div class="drop grid">{}</div></details>').format(
        word, links)


def filter_chips(context: Context) -> Markup:
    """One removable chip per filter."""
    return EMPTY.join(_chip(context, field, value) for field, value in context.view.filters)


def _chip(context: Context, field: str, value: str) -> Markup:
    told = context.names.get(f"{field}:{value}", value)
    cross = Markup('<span role="img" aria-label="移除" title="移除">{}</span>').format(icon("g-x"))
    inner = Markup("{}：{}{}").format(FIELD_WORDS.get(field, field), told, cross)
    return anchor(context, {f"f.{field}": None}, inner, "chip chip-acc")


def window_words(context: Context) -> str:
    """The window in words."""
    view = context.view
    if view.start or view.end:
        return f"{view.start or '…'} 至 {view.end or '现在'}"
    return WINDOW_WORDS.get(view.window, view.window)


def map_head(screen: Screen, answers: dict[str, Answer], context: Context) -> Markup:
    """What the map shows and where it is highest; the choice of metric; data time, window and source."""
    answer = answers.get("map")
    if answer is None:
        return Markup("<b>地图数据载入中</b>")
    known = [group for group in answer.groups if group.value is not None]
    top = max(known, key=lambda group: group.value or 0, default=None)
    told = f"{answer.name}：{top.name}最高" if len(known) > 1 and top is not None and (top.value or 0) else answer.name
    when = words.moment(words.to_us(answer.time), context.place.timezone, context.now_us) if answer.time else "未知"
    period = words.period(str(answer.parts.get("period") or ""))
    facts = join(filter(None, [period or when, "" if period else window_words(context), answer.source]), "·")
    return Markup("<b>{}</b>{}{}<span>{}</span>").format(told, _metrics(screen, context), _windows(context), facts)


def _windows(context: Context) -> Markup:
    """The choice of window on a wall, where there is no filter bar."""
    chosen = "" if context.view.start else context.view.window
    links = EMPTY.join(anchor(context, {"window": key, "from": None, "to": None}, WINDOW_WORDS[key],
                              "on" if key == chosen else "", key == chosen) for key in WINDOWS)
    return Markup('<details class="menu windows"><summary>换时段<i>▾</i></summary>'
                  '<div class="drop">{}</div></details>').format(links)


def _metrics(screen: Screen, context: Context) -> Markup:
    chosen = map_metric(screen, context.view)
    if len(screen.map.metrics) < 2:
        return EMPTY
    links = EMPTY.join(anchor(context, {"metric": metric}, context.names.get(f"metric:{metric}", metric),
                              "on" if metric == chosen else "", metric == chosen) for metric in screen.map.metrics)
    return Markup('<details class="menu metrics"><summary>换指标<i>▾</i></summary>'
                  '<div class="drop">{}</div></details>').format(links)


def layer_switches(screen: Screen, context: Context) -> Markup:
    """One switch a layer; each is a link to the same view with the layer on or off."""
    on = layers_on(screen, context.view)
    pieces = []
    for layer in (*screen.map.layers, *(key for key in screen.map.ground if key != GRATICULE or key in on)):
        rest = [key for key in (*screen.map.layers, *screen.map.ground) if (key in on) != (key == layer)]
        inner = Markup("{}{}").format(icon("g-box"), _layer_key(layer, context))
        pieces.append(anchor(context, {"layers": ",".join(rest) or NO_LAYER}, inner, "on" if layer in on else "",
                             layer in on))
    return EMPTY.join(pieces)


def _layer_key(layer: str, context: Context) -> Markup:
    """What a layer looks like on the map, its word, and how many of it lie in the division."""
    word = context.names.get(f"layer:{layer}", layer)
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


def drawn_shape(shape: str) -> str:
    """The shape that the map draws for a declared one: what it has no drawing for is a disc."""
    return shape if shape in SHAPES else "circle"


def cluster_legend() -> Markup:
    """What the discs of single events mean where no numbers stand beside the names."""
    rows = [Markup("<div>{}{}</div>").format(_state_sign(state), told) for state, told in EVENT_STATES]
    told = "数字为件数，形状为最重状态"
    return Markup('<div class="legend two"><h3>{}</h3>{}</div>').format(told, EMPTY.join(rows))


def _state_sign(state: str) -> Markup:
    if state == "ok":
        return Markup('<span class="sym"><span class="dotw"></span></span>')
    return Markup('<span class="sym st st-{0}">{1}</span>').format(state, icon(f"s-{state}"))


def legend(title: str, classes: Shading, unit_word: str, note: str = "") -> Markup:
    """Classes of the map with their borders and how many divisions each holds."""
    if not classes.values:
        return Markup('<div class="legend"><h3>{}</h3><div>暂无数据</div></div>').format(title)
    rows = EMPTY.join(Markup('<div><span class="sw {}"></span>{}<span class="n">{} 个</span></div>').format(token,
                                                                                                           words_, n)
                      for token, words_, n in classes.legend)
    below = Markup('<div class="q">{}</div>').format(note) if note else EMPTY
    return Markup('<div class="legend"><h3>{}</h3>{}{}</div>').format(f"{title}·{unit_word}", rows, below)


def mark_legend(found: dict[str, tuple[str, str]], unlocated: float | None, unit_word: str) -> Markup:
    """What the numbers beside the names mean, and how many are in none of the places."""
    if not found:
        return EMPTY
    states = [state for _, state in found.values()]
    rows = []
    for state, told in EVENT_STATES:
        if count := states.count(state):
            rows.append(Markup('<div>{}{}<span class="n">{} 个{}</span></div>').format(_state_sign(state), told, count,
                                                                                      unit_word))
    if unlocated:
        rows.append(Markup('<div class="blind">另有 {} 件未定位到{}</div>').format(words.number(unlocated), unit_word))
    return Markup('<div class="legend two"><h3>数字为在办件数，形状为状态</h3>{}</div>').format(EMPTY.join(rows))


def claim(context: Context) -> Markup:
    """Says that the borders are not official; scale and north belong to the map itself."""
    note = context.place.boundary_note
    credits_ = [context.names[f"credit:{key}"] for key in context.view.map.layers if context.names.get(f"credit:{key}")]
    below = EMPTY.join(Markup('<span class="credit">{}</span>').format(told) for told in credits_)
    if context.place.official:
        return below + Markup("<span>{}</span>").format(note)
    for head in ("示意边界，", "示意边界"):
        note = note.removeprefix(head)
    told = f"·{note}" if note else "·非行政界线，不作划界依据"
    return below + Markup("<span><b>示意边界</b>{}</span>").format(told)
