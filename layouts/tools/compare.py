"""The tool for comparing: choose in plain words with what; see what rose and fell, or divisions in a table."""

from __future__ import annotations

from markupsafe import Markup

from data.answers import Question
from layouts import words
from layouts.compared import Comparison
from layouts.comparing import MOST_DIVISIONS, codes_of, of_divisions, with_division
from layouts.division_table import chips, table
from layouts.links import anchor, division_link
from layouts.mapcards import WINDOW_WORDS, WINDOWS, map_metric
from layouts.parts import EMPTY, banner
from layouts.screen import Context, Screen
from layouts.sidecards import LEAVE, end, looks, tally
from layouts.tools import Answers, Tool
from layouts.view import ViewState

MOST_ROWS = 5
INSTANTS = (("yesterday", "昨天此时"), ("last_week", "上周此时"), ("last_month", "上月此时"), ("last_year", "去年此时"))
SPANS = (("previous", "前一时段"), ("last_week", "上周同期"), ("last_month", "上月同期"), ("last_year", "去年同期"))


def _asks(_screen: Screen, _view: ViewState) -> dict[str, Question]:
    """Nothing: what the comparison has found comes with the context."""
    return {}


def render(_answers: Answers, screen: Screen, context: Context) -> Markup:
    """What is compared now with its findings, then everything it can be compared with."""
    found, codes = context.compared, codes_of(context.view.compare)
    picking = context.view.compare.startswith("divisions:")
    pieces = [_problem(found, context)]
    if found is not None and found.sides:
        pieces.append(_found(found, context))
    if picking:
        pieces.append(_divisions(found, codes, context))
    pieces.append(_choices(screen, context, picking))
    return EMPTY.join(pieces)


def _problem(found: Comparison | None, context: Context) -> Markup:
    if found is None or not found.problem:
        return EMPTY
    return banner("s-att", found.problem, anchor(context, LEAVE, "取消", "act"))


def _found(found: Comparison, context: Context) -> Markup:
    here, there = found.sides
    head = Markup('<div class="vs-head"><b>{}</b><span class="q">对比</span><b>{}</b></div>'
                  '<div class="looks">{}{}</div>').format(here.label, there.label, looks(found, context), end(context))
    if found.asked is not None and found.asked.kind == "at":
        head += _knowledge(context)
    if not found.subtracts:
        return head + Markup('<p class="note q">两侧单位或层级不同，不能相减；可并排或滑动查看</p>')
    unit = "百分点" if here.answer.unit == "%" else here.answer.unit
    count = Markup('<p class="note">{}差值{}：{}</p>').format(here.answer.name, f"（{unit}）" if unit else "",
                                                        tally(found))
    return head + count + _moves("上升最多", found.differences.rises, found, context) + _moves(
        "下降最多", found.differences.falls, found, context)


def _knowledge(context: Context) -> Markup:
    """What was known at a past instant, or with what came and was corrected later: the reader chooses."""
    later = context.view.known == "now"
    told = "含后来补报和更正的数据" if later else "只含当时已收到的数据"
    change = anchor(context, {"known": None if later else "now"}, "改为当时所知" if later else "改为含后来更正", "act")
    return Markup('<p class="note q">另一时刻{}·{}</p>').format(told, change)


def _moves(title: str, moved: tuple[tuple[str, float], ...], found: Comparison, context: Context) -> Markup:
    """The places that moved most one way, with both values and the difference."""
    if not moved:
        return EMPTY
    now, then = ({group.code: group.value for group in side.answer.groups} for side in found.sides)
    answer = found.sides[0].answer
    rows = EMPTY.join(Markup('<tr><th scope="row">{}</th><td class="r">{}</td><td class="r q">{}</td>'
                             '<td class="r"><b>{}</b></td></tr>').format(
        division_link(context, code, found.places.get(code, code)), words.value(answer, now.get(code)),
        words.value(answer, then.get(code)), words.signed(step, answer.decimals)) for code, step in moved[:MOST_ROWS])
    heads = [side.name for side in found.sides]
    head = Markup('<th scope="col">{}</th>').format(title) + EMPTY.join(
        Markup('<th scope="col" class="r">{}</th>').format(word) for word in (*heads, "差值"))
    return Markup('<table class="moves"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(head, rows)


def _divisions(found: Comparison | None, codes: tuple[str, ...], context: Context) -> Markup:
    told = "在地图上点选区划，或在下面搜索" if len(codes) < MOST_DIVISIONS else "已满 4 个；移除一个后可再加入"
    head = Markup('<div class="vs-head"><b>区划对比</b><span class="q">{}</span></div><div class="vs-chips">{}{}</div>'
                  ).format(told, chips(found, context) if found else EMPTY, end(context))
    add = _adding(codes, context) if len(codes) < MOST_DIVISIONS else EMPTY
    if found is None or found.problem or not codes:
        return head + add
    few = Markup('<p class="note q">再加入一个区划即可对比</p>') if len(codes) == 1 else EMPTY
    return head + add + few + table(found, context)


def _adding(codes: tuple[str, ...], context: Context) -> Markup:
    """A search among the divisions one level below, and the same as a list to touch."""
    left = [(code, name) for code, name in context.children if code not in codes]
    if not left:
        return EMPTY
    options = EMPTY.join(Markup('<option value="{}" data-code="{}">{}</option>').format(name, code, code)
                         for code, name in left)
    links = EMPTY.join(anchor(context, {"compare": with_division(context.view.compare, code)}, name)
                       for code, name in left)
    return Markup('<div class="vs-add"><input type="search" list="vs-names" name="vs-add" data-compare-add '
                  'placeholder="搜索下级区划" aria-label="搜索下级区划，选中即加入对比" autocomplete="off">'
                  '<datalist id="vs-names">{}</datalist>'
                  '<details class="menu"><summary>全部下级<i>▾</i></summary><div class="drop grid">{}</div></details>'
                  '</div>').format(options, links)


def _choices(screen: Screen, context: Context, picking: bool) -> Markup:
    now = words.local(context.now_us, context.place.timezone)
    instants = EMPTY.join(_choice(context, f"at:{key}", word) for key, word in INSTANTS)
    own = Markup('<span class="vs-own"><input type="datetime-local" name="vs-at" max="{}" aria-label="自选时刻">'
                 '<button type="button" class="ctl" data-compare-at>对比此刻</button></span>').format(
        now.strftime("%Y-%m-%dT%H:%M"))
    spans = EMPTY.join(_choice(context, f"window:{key}", word) for key, word in SPANS)
    spans += EMPTY.join(_choice(context, f"window:{key}", WINDOW_WORDS[key]) for key in WINDOWS
                        if context.view.start or key != context.view.window)
    chosen = map_metric(screen, context.view)
    metrics = EMPTY.join(_choice(context, f"metric:{key}", context.names.get(f"metric:{key}", key))
                         for key in screen.map.metrics if key != chosen)
    rest = sorted((word, name.partition(":")[2]) for name, word in context.names.items()
                  if name.startswith("metric:") and name.partition(":")[2] not in (*screen.map.metrics, chosen))
    metrics += _others(rest, context) if rest else EMPTY
    here = context.view.division
    start = of_divisions([here] if here and here != context.place.code else [])
    divisions = EMPTY if picking else anchor(context, {"compare": start, "split": None}, "选 2 至 4 个区划", "ctl")
    return (_group("与另一时刻比", instants + own) + _group("与另一时段比", spans)
            + _group("与另一指标比", metrics) + _group("区划之间比", divisions))


def _others(rest: list[tuple[str, str]], context: Context) -> Markup:
    """Every other metric of the place, to be chosen by its name."""
    options = EMPTY.join(Markup('<option value="metric:{}"{}>{}</option>').format(
        key, Markup(" selected") if context.view.compare == f"metric:{key}" else EMPTY, word) for word, key in rest)
    return Markup('<select data-name="compare" aria-label="其他指标"><option value="{}">其他指标…</option>{}</select>'
                  ).format(context.view.compare, options)


def _choice(context: Context, text: str, word: str) -> Markup:
    on = context.view.compare == text
    return anchor(context, {"compare": text}, word, "ctl on" if on else "ctl", on)


def _group(title: str, inner: Markup) -> Markup:
    if not inner:
        return EMPTY
    return Markup('<div class="vs-group"><h3>{}</h3><div class="vs-chips">{}</div></div>').format(title, inner)


def compare_link(context: Context) -> Markup:
    """From the card of the division in view into the comparison of divisions; nothing where it is in it or four are."""
    code = context.view.division
    text = with_division(context.view.compare, code)
    if code in ("", context.place.code) or text == context.view.compare:
        return EMPTY
    return Markup('<p class="vs-in">{}</p>').format(
        anchor(context, {"compare": text, "split": None, "tool": TOOL.key}, "加入区划对比", "ctl"))


TOOL = Tool("compare", "对比", "c", _asks, render)
