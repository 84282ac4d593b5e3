"""The cards that float over the map: breadcrumb, title with the choice of metric, layers, legends, boundary note."""

from __future__ import annotations

from markupsafe import Markup

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


def map_metric(screen: Screen, view: ViewState) -> str:
    """The metric that colours the map: the view's, which may be any of the catalogue, else the screen's."""
    return view.map.metric or screen.map.metric


def chain_down(context: Context) -> tuple[tuple[str, str], ...]:
    """The view's division and all above it, the place first."""
    chain = context.chain or ((context.place.code, context.place.name),)
    return chain if chain[0][0] == context.place.code else chain[::-1]


def crumb(context: Context) -> Markup:
    """县 › 乡镇 › 村 ▾: links upwards, children of the last one, removable filters."""
    chain = chain_down(context)
    up = [anchor(context, {"division": code if depth else None, "bbox": None}, name)
          for depth, (code, name) in enumerate(chain[:-1])]
    steps = [*up, Markup("<b>{}</b>").format(anchor(context, {"tool": "profile"}, chain[-1][1]))]
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
    most = max((group.value or 0 for group in known), default=0)
    top = [group for group in known if group.value == most]
    # Where several are equally high, none of them is the highest.
    told = f"{answer.name}：{top[0].name}最高" if len(known) > 1 and len(top) == 1 and most else answer.name
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


def cluster_legend() -> Markup:
    """What the discs of single events mean where no numbers stand beside the names."""
    rows = [Markup("<div>{}{}</div>").format(_state_sign(state), told) for state, told in EVENT_STATES]
    return Markup("<h3>数字为件数，形状为最重状态</h3>{}").format(EMPTY.join(rows))


def _state_sign(state: str) -> Markup:
    if state == "ok":
        return Markup('<span class="sym"><span class="dotw"></span></span>')
    return Markup('<span class="sym st st-{0}">{1}</span>').format(state, icon(f"s-{state}"))


def legend(title: str, classes: Shading, unit_word: str, note: Markup | str = "") -> Markup:
    """Classes of the map with their borders and how many divisions each holds."""
    if not classes.values:
        return Markup('<div class="legend"><h3>{}</h3><div>暂无数据</div></div>').format(title)
    rows = EMPTY.join(Markup('<div><span class="sw {}"></span>{}<span class="n">{} 个</span></div>').format(token,
                                                                                                           words_, n)
                      for token, words_, n in classes.legend)
    below = Markup('<div class="how">{}</div>').format(note) if note else EMPTY
    return Markup('<div class="legend"><h3>{}</h3>{}{}</div>').format(f"{title}·{unit_word}", rows, below)


def level_word(answer: Answer, context: Context) -> str:
    """The word of the level whose figures colour the map."""
    depth, levels = len(chain_down(context)), context.place.levels
    return next((told for key, told in levels if key == answer.parts.get("level")),
                levels[depth][1] if depth < len(levels) else "下级")


def class_note(answer: Answer, shading: Shading, context: Context) -> Markup:
    """How the classes were made, of how many divisions, and whose figures these are below the published level."""
    keys = [key for key, _ in context.place.levels]
    asked, drawn = context.view.map.level, answer.parts.get("level")
    told = Markup("{}，共 {} 个").format(shading.method, words.number(len(shading.values)))
    if context.view.map.drawn:
        return told + Markup("<br>{}过密，放大后逐个显示").format(dict(context.place.levels)[asked])
    if asked in keys and drawn in keys and keys.index(asked) > keys.index(drawn):
        words_ = dict(context.place.levels)
        told += Markup("<br>{}未发布，按所属{}着色").format(words_[asked], words_[drawn])
    return told


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
    return Markup("<h3>数字为在办件数，形状为状态</h3>{}").format(EMPTY.join(rows))


def claim(context: Context) -> Markup:
    """Says that the borders are not official, and the map's 审图号; scale and north belong to the map itself."""
    note, number = context.place.boundary_note, context.place.licence_no.removeprefix("审图号").lstrip("：: ")
    licence = Markup('<span class="credit">审图号：{}</span>').format(number) if number else EMPTY
    credits_ = [context.names[f"credit:{key}"] for key in context.view.map.layers if context.names.get(f"credit:{key}")]
    below = EMPTY.join(Markup('<span class="credit">{}</span>').format(told) for told in credits_)
    if context.place.official:
        return below + Markup("<span>{}</span>").format(note) + licence
    for head in ("示意边界，", "示意边界"):
        note = note.removeprefix(head)
    told = f"·{note}" if note else "·非行政界线，不作划界依据"
    return below + Markup("<span><b>示意边界</b>{}</span>").format(told) + licence
