"""Air quality: the index with its official class, pollutants, and the last hours as bars."""

from __future__ import annotations

from markupsafe import Markup

from data.answers import Answer
from layouts import words
from layouts.frame import Drawn, framed
from layouts.panels.trend import resolution, spread, time_labels
from layouts.parts import EMPTY, change_mark, chip, empty, join, known
from layouts.plots import MOST_BARS, Limit, Trace, axis, plot
from layouts.screen import Answers, Context, Panel
from layouts.tables import data_table

CLASSES = ((50, "优"), (100, "良"), (150, "轻度污染"), (200, "中度污染"), (300, "重度污染"))


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; asks: `aqi` (series), `pm25`, `good` (share of good days)."""
    return framed(panel, answers, context, draw)


def air_class(value: float | None) -> tuple[int, str]:
    """Class 1…6 of HJ 633 and its word; (0, 未知) without a value."""
    if value is None:
        return 0, "未知"
    return next(((k, word) for k, (top, word) in enumerate(CLASSES, 1) if value <= top), (6, "严重污染"))


def class_chip(value: float | None) -> Markup:
    """The official colour, always with its word."""
    level, word = air_class(value)
    return chip(word, f"chip-aqi aqi-{level}") if level else chip(word)


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: the class in words."""
    main = answers["aqi"]
    if not known(main):
        beside = join(filter(None, ["未知不等于优良", _good(answers)]), "·")
        return Drawn(empty("e-none", "本区划没有空气监测数据", beside), f"{panel.title}：未知", head=main)
    _, word = air_class(main.value)
    title = f"空气{word}" + _primary(main, "，首要污染物 ") if main.value is not None else panel.title
    top = Markup('<div class="row top"><div class="fig">{}<small>AQI</small></div>{}<div class="push r note">'
                 '<div>{}</div><div>{}</div></div></div>').format(
        words.number(main.value), class_chip(main.value), _second(answers),
        join(filter(None, [change_mark(main), _good(answers)]), "·"))
    if not any(point.value is not None for point in main.series):
        return Drawn(top, title, head=main)
    return Drawn(top + _chart(main, context), title, _table(main, context), head=main)


def _primary(main: Answer, before: str) -> str:
    found = str(main.parts.get("primary_text") or "")
    return before + found if found and found != words.NONE else ""


def _second(answers: Answers) -> str:
    pm25 = answers.get("pm25")
    facts = [_primary(answers["aqi"], "首要污染物 ")]
    if pm25 and pm25.value is not None:
        facts.append(f"{pm25.name} {words.number(pm25.value, pm25.decimals)} {pm25.unit}")
    return "·".join(filter(None, facts))


def _good(answers: Answers) -> str:
    good = answers.get("good")
    if not good or good.value is None:
        return ""
    target = f"（目标 {words.number(good.target)}%）" if good.target is not None else ""
    return f"优良天 {words.number(good.value, 1)}%{target}"


def _chart(main: Answer, context: Context) -> Markup:
    by = resolution(main.series)
    highest = max(point.value for point in main.series if point.value is not None)
    limit, word = next(((top, w) for top, w in CLASSES if highest <= top * 1.25), CLASSES[-1])
    scale = axis([point.value for point in main.series] + [limit], zero=True)
    as_bars = len(main.series) <= MOST_BARS
    trace = (Trace("bar", spread(main.series, True), "last", .72 / len(main.series)) if as_bars
             else Trace("line", spread(main.series)))
    labels = time_labels(main.series, context.place.timezone, by, as_bars)
    return plot([trace], scale, labels, [Limit(limit, f"{word} ≤ {limit}")])


def _table(main: Answer, context: Context) -> Markup:
    by = resolution(main.series)
    rows = [(words.full_bucket(point.time, context.place.timezone, by), words.number(point.value),
             air_class(point.value)[1])
            for point in main.series[-96:]]
    return data_table(("时间", "AQI", "类别"), rows) if rows else EMPTY
