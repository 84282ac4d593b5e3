"""The catalogue of layers: all metrics, layers and lines of the place by domain, with source, time and freshness."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from data.answers import Answer, Question
from layouts import maplayers, words
from layouts.choropleth import METHODS
from layouts.links import Patch, anchor
from layouts.mapcards import map_metric
from layouts.parts import EMPTY, banner, fresh_word, join
from layouts.screen import Context, Screen
from layouts.tools import Answers, Tool
from layouts.topics import DOMAINS
from layouts.view import ViewState

GROUND = "底图"
# Fewer marks than this say where they are by themselves.
LEAST_DENSE = 30
METHOD_WORDS = {"": "默认", "natural": "自然断点", "quantile": "分位", "thresholds": "限值"}
Row = dict[str, Any]


def _asks(_screen: Screen, _view: ViewState) -> dict[str, Question]:
    return {"catalogue": Question("layers")}


def _render(answers: Answers, screen: Screen, context: Context) -> Markup:
    found = answers.get("catalogue")
    if found is None or not found.rows:
        return banner("f-unknown", (found.note if found else "") or "图层目录暂时读不出，稍后自动重试")
    search = Markup('<input class="find" type="search" data-find="layers" placeholder="输入名称筛选，如“水位”" '
                    'aria-label="按名称筛选图层" autocomplete="off">'
                    '<div class="none" role="status" hidden>没有这样的图层</div>')
    return search + _coloring(found, screen, context) + EMPTY.join(
        _group(name, rows, screen, context) for name, rows in _grouped(found))


def _grouped(found: Answer) -> Iterable[tuple[str, list[Row]]]:
    """Rows by the word of their domain, marks before metrics: what can be pointed at first."""
    names = [*DOMAINS.values(), GROUND]
    groups: dict[str, list[Row]] = {name: [] for name in names}
    for row in found.rows:
        groups[DOMAINS.get(str(row["topic"])[:1], GROUND)].append(row)
    return [(name, sorted(rows, key=lambda row: row["kind"] == "metric")) for name, rows in groups.items() if rows]


def _coloring(found: Answer, screen: Screen, context: Context) -> Markup:
    """What colors the divisions, at which level and in which classes."""
    metric = map_metric(screen, context.view)
    row = next((row for row in found.rows if row["kind"] == "metric" and row["id"] == metric), None)
    published = row["levels"] if row else []
    levels = [("", "自动"), *context.place.levels]
    finer = Markup('<div class="hint">{}以下未发布，按所属{}着色</div>')
    told = dict(context.place.levels).get(published[-1], "").partition("（")[0] if published else ""
    note = finer.format(told, told) if published and len(published) < len(context.place.levels) else EMPTY
    ways = [(key, METHOD_WORDS[key]) for key in ("", *METHODS) if not key or key in (row["classes"] if row else ())]
    classes = (Markup('<div class="pick" role="group" aria-label="分级方法">{}</div>').format(
        _choices(context, "classes", context.view.map.classes, ways)) if len(ways) > 1
        else Markup('<div class="hint">颜色为生效预警的最高级别</div>'))
    return Markup('<section class="lg now"><h3>着色：{}</h3>'
                  '<div class="pick" role="group" aria-label="着色的层级">{}</div>{}{}</section>').format(
        row["name"] if row else context.names.get(f"metric:{metric}", metric),
        _choices(context, "level", context.view.map.level, [(key, word.partition("（")[0]) for key, word in levels]),
        note, classes)


def _choices(context: Context, name: str, chosen: str, options: Iterable[tuple[str, str]]) -> Markup:
    return EMPTY.join(anchor(context, {name: key or None}, word, "on" if key == chosen else "", key == chosen)
                      for key, word in options)


def _group(name: str, rows: list[Row], screen: Screen, context: Context) -> Markup:
    return Markup('<section class="lg"><h3>{}</h3><ul>{}</ul></section>').format(
        name, EMPTY.join(_row(row, screen, context) for row in rows))


def _row(row: Row, screen: Screen, context: Context) -> Markup:
    """One entry: its switch with name and count, its density, and below where it is from and how old."""
    on, patch, kind = _switch(row, screen, context.view)
    name, count = Markup('<span class="nm">{}</span>').format(row["name"]), _count(row)
    glyph = Markup('<i class="ck {}" aria-hidden="true"></i>').format(kind)
    main = (Markup('<span class="sw1">{}{}{}</span>').format(glyph, name, count) if patch is None
            else _own(row["id"], anchor(context, patch, glyph + name + count, "sw1 on" if on else "sw1", on)))
    return Markup('<li data-name="{}"{}>{}{}<div class="src">{}</div></li>').format(
        row["name"], Markup(' class="on"') if on else EMPTY, main, _heat(row, screen, context), _source(row, context))


def _switch(row: Row, screen: Screen, view: ViewState) -> tuple[bool, Patch | None, str]:
    """(on, what a touch changes or None where it is always there, kind of its sign)."""
    if row["kind"] == "ground":
        return True, None, "fixed"
    if row["kind"] == "metric":
        default = row["id"] == screen.map.metric
        return row["id"] == map_metric(screen, view), {"metric": None if default else row["id"]}, "one"
    on = row["id"] in maplayers.chosen(screen, view)
    return on, {"layers": maplayers.toggled(screen, view, row["id"])}, "many"


def _count(row: Row) -> Markup:
    if row["kind"] == "metric":
        return Markup('<span class="n">{}</span>').format(row["unit"]) if row["unit"] else EMPTY
    if row["count"] is None:
        return EMPTY
    unit = {"events": "件", "lines": "条", "ground": "条"}.get(row["kind"], "处")
    blind = f"，{words.number(row['unlocated'])} {unit}无坐标" if row["unlocated"] else ""
    return Markup('<span class="n">{}</span>').format(f"{words.number(row['count'])} {unit}{blind}")


def _heat(row: Row, screen: Screen, context: Context) -> Markup:
    """The switch of a layer's density, where there are enough marks to have one."""
    key = maplayers.HEAT + str(row["id"])
    on = key in maplayers.chosen(screen, context.view)
    if row["kind"] not in ("assets", "events") or ((row["count"] or 0) < LEAST_DENSE and not on):
        return EMPTY
    return _own(key, anchor(context, {"layers": maplayers.toggled(screen, context.view, key)}, "热力",
                            "hb on" if on else "hb", on), f"{row['name']}热力")


def _own(key: str, link: Markup, told: str = "") -> Markup:
    """A link that keeps the focus of the keyboard though a touch changes what it does next; `told`: its whole name."""
    name = Markup(' aria-label="{0}" title="{0}"').format(told) if told else EMPTY
    return Markup('<a data-own="{}"{}{}').format(key, name, link[2:])


def _source(row: Row, context: Context) -> Markup:
    times = (int(row["time_us"]), int(row["contact_us"]))
    when = words.moment(times[0], context.place.timezone, context.now_us) if times[0] else ""
    still = row["kind"] in ("lines", "ground", "tiles")
    if still:
        mark = EMPTY if row["freshness"] != "down" else Markup("文件读不出")
    else:
        mark = fresh_word(str(row["freshness"]), times, float(row["cadence_s"]), when)
    return join(filter(None, [row["source"], mark]), "·")


TOOL = Tool("layers", "图层", "l", _asks, _render)
