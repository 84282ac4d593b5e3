"""What stands around every screen: navigation, situation, filter bar, figures, ticker, counts of feeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from data.answers import FRESHNESS_WORDS, Answer
from layouts import words
from layouts.links import anchor
from layouts.mapcards import WINDOW_WORDS, WINDOWS, chain_down, filter_chips
from layouts.panels.air import air_class
from layouts.panels.warnings import LEVEL_WORDS, in_force
from layouts.parts import (
    EMPTY,
    change_mark,
    chip,
    demo_chip,
    fresh_mark,
    fresh_word,
    join,
    state_mark,
    stations_mark,
    times_us,
)
from layouts.screen import Context, Figure, Screen
from layouts.symbols import icon
from layouts.tables import text_rem

LEAVE: dict[str, str | None] = {"metric": None, "layers": None, "level": None, "bbox": None}
BORROWED = "数据为"
MOST_TICKS = 6
LONGEST_TICK = 22
WIDEST_REM = 8.2


def alarm(answers: dict[str, Answer]) -> bool:
    """True while a red warning is in force."""
    found = answers.get("lead.warnings")
    return found is not None and any(row.get("level") == "red" for row in in_force(found.rows))


def nav(screens: Iterable[Screen], screen: Screen, answers: dict[str, Answer], context: Context) -> Markup:
    """Links to all screens; the division stays, what belongs to one screen goes."""
    dropped = {**LEAVE, **{f"f.{field}": None for field, _ in context.view.filters}}
    red = (Markup('<span role="img" aria-label="有红色预警">{}</span>').format(icon("s-alarm")) if alarm(answers)
           else EMPTY)
    return EMPTY.join(anchor(context, {**dropped, "screen": other.key},
                             Markup("{}{}").format(other.title, red if other.key == "emergency" else EMPTY),
                             "on" if other.key == screen.key else "", other.key == screen.key) for other in screens)


def situation(answers: dict[str, Answer], context: Context) -> Markup:
    """Demo mark, peace or alarm, date and clock; the browser moves the clock on."""
    now = words.local(context.now_us, context.place.timezone)
    pieces = [demo_chip()] if context.demo else []
    if context.busy:
        pieces.append(chip(context.busy, "chip-plain"))
    if context.view.at:
        pieces.append(_replayed(context, now))
    if alarm(answers):
        pieces.append(chip("红色预警", "chip-red"))
    elif not context.view.at:
        pieces.append(chip("平时"))
    date = f"{now.year} 年 {now.month} 月 {now.day} 日 {words.WEEKDAYS[now.weekday()]}"
    # The clock of a replay stands: the browser moves none but that of now.
    moved = ("", "") if context.view.at else (Markup(' data-clock="date"'), Markup(' data-clock="time"'))
    pieces.append(Markup('<span class="lbl date"{}>{}</span>').format(moved[0], date))
    pieces.append(Markup('<span class="clock"{}>{}</span>').format(moved[1], now.strftime("%H:%M")))
    return EMPTY.join(pieces)


def _replayed(context: Context, then: datetime) -> Markup:
    """What keeps a view of the past from being taken for the present: its instant, large, and the way back."""
    known = Markup("<small>按现有数据</small>") if context.view.known == "now" else EMPTY
    shown = then.strftime("%m-%d %H:%M:%S")
    back = anchor(context, {"at": None, "known": None, "replay": None}, "回到实时", "then-back")
    return Markup('<span class="then" role="status"><b>回放</b>{}{}</span>{}').format(shown, known, back)


def filter_bar(screen: Screen, context: Context) -> Markup:
    """Division, window, filters, theme: desk and phone; walls do without."""
    here = chain_down(context)[-1][1]
    division = Markup('<span class="ctl on">{}</span>').format(here)
    chosen = "" if context.view.start else context.view.window
    links = EMPTY.join(anchor(context, {"window": key, "from": None, "to": None}, WINDOW_WORDS[key],
                              "ctl on" if key == chosen else "ctl", key == chosen) for key in WINDOWS)
    theme = "浅色" if context.theme == "dark" else "深色"
    tools = Markup('<button type="button" class="ctl opt push" data-act="theme">{}</button>').format(theme)
    chips = Markup('<span class="chips-row">{}</span>').format(filter_chips(context)) if context.view.filters else EMPTY
    return Markup('{}<span class="seg" role="group" aria-label="时段">{}</span>{}{}').format(division, links, chips,
                                                                                           tools)


def figures(screen: Screen, answers: dict[str, Answer], context: Context) -> Markup:
    """The six large figures; where one is too long for its cell all of them are set one size smaller."""
    found = [answers.get(f"figure.{figure.metric}") for figure in screen.figures]
    long = any(2.25 * text_rem(value) + text_rem(unit) > WIDEST_REM for value, unit in map(_value, filter(None, found)))
    cells = EMPTY.join(kpi(figure, answer, screen, context) for figure,
                       answer in zip(screen.figures, found, strict=True))
    return Markup('<div class="kpi-row{}">{}</div>').format(" fit" if long else "", cells)


def kpi(figure: Figure, answer: Answer | None, screen: Screen, context: Context) -> Markup:
    """Label with state, value with unit, change, and target or limit; stale values are grey with their age."""
    if answer is None:
        label = figure.label or context.names.get(f"metric:{figure.metric}", "")
        return Markup('<div class="kpi is-loading"><div class="lbl"><span class="kn">{}</span></div>'
                      '<div class="fig sk"></div>'
                      '<div class="note">载入中</div><div class="note q">&nbsp;</div></div>').format(label)
    bad = answer.state in ("att", "warn", "alarm") and answer.freshness in ("live", "scheduled")
    mark = state_mark(answer.state, "") if bad else EMPTY
    css = f"kpi s-{answer.state}" if bad else "kpi is-old" if answer.freshness in ("late", "down", "unknown") else "kpi"
    value, unit = _value(answer)
    first, second = _lines(answer, context)
    inner = Markup('<div class="lbl">{}<span class="kn">{}</span>{}</div><div class="fig">{}<small>{}</small></div>'
                   '<div class="note">{}</div><div class="note q" title="{}">{}</div>').format(
        mark, figure.label or answer.name, _partly(answer), value, unit, first, _origin(answer, context), second)
    if figure.metric not in screen.map.metrics:
        return Markup('<div class="{}" data-metric="{}">{}</div>').format(css, figure.metric, inner)
    return anchor(context, {"metric": figure.metric}, inner, css)


def _partly(answer: Answer) -> Markup:
    """How many stations are in a figure that some of them are missing from; there is no room to say it of all."""
    whole = answer.stations is None or answer.stations.told == answer.stations.known
    return EMPTY if whole else stations_mark([answer])


def _value(answer: Answer) -> tuple[str, str]:
    if answer.value is None:
        return (answer.text, "") if answer.text else (words.NONE, "")
    if answer.name and answer.question.name == "aqi":
        return words.number(answer.value), air_class(answer.value)[1]
    if answer.question.name.endswith(words.OVER):
        return words.over(answer.value, answer.decimals), answer.unit
    return words.compact(answer.value, answer.decimals), answer.unit


def _lines(answer: Answer, context: Context) -> tuple[Markup, Markup]:
    """The two lines under a figure: its change, then its mark with time and target; of a stale one the mark first."""
    told = _second(answer, context)
    if answer.value is None or answer.freshness in ("late", "down", "unknown"):
        return _mark(answer, context), escape(told)
    first = _first(answer)
    if not first:
        return escape(told), _mark(answer, context)
    if told.startswith(BORROWED):
        return first, join([_mark(answer, context, timed=False), told], " ")
    pieces = [_mark(answer, context), told.replace("目标 ", "目标").replace("进度 ", "进度")]
    return first, join(filter(None, pieces[::-1] if answer.scheduled else pieces), "·")


def _mark(answer: Answer, context: Context, timed: bool = True) -> Markup:
    """Freshness and time of a figure; the browser judges it on, so that it ages when the server is dead. A borrowed
    figure has room for the sign alone.
    """
    if answer.value is None and answer.freshness in ("live", "scheduled"):
        return fresh_word("unknown", (0, 0), answer.cadence_s)
    at = words.to_us(answer.time) if answer.time else 0
    period = words.period(str(answer.parts.get("period") or "")) if answer.freshness == "scheduled" else ""
    year = f"{words.local(context.now_us, context.place.timezone).year} 年"
    clock = words.clock_or_day(at, context.place.timezone, context.now_us) if at else ""
    tail = period.removeprefix(year).replace(" ", "") or clock
    sign = fresh_word(answer.freshness, times_us(answer), answer.cadence_s)
    return join([sign, tail], " ") if timed else sign


def _origin(answer: Answer, context: Context) -> str:
    """Where a figure comes from, in words: freshness, time, department."""
    marks = [fresh_mark(answer, context).striptags(), stations_mark([answer]).striptags()]
    return "·".join(fact for fact in (*marks, answer.source, answer.limit_text) if fact)


def _first(answer: Answer) -> Markup:
    change, worst = answer.change, LEVEL_WORDS.get(str(answer.parts.get("worst")), "")
    if worst:
        return Markup("最高{}色").format(worst)
    if change is not None and change.unit == answer.unit == "%" and change.value == answer.value:
        return escape(f"{change.word}增速")
    if change is not None:
        return change_mark(answer)
    return Markup("{}").format(answer.limit_text)


def _second(answer: Answer, context: Context) -> str:
    asked = context.view.division or context.place.code
    if answer.value is None and answer.freshness in ("live", "scheduled"):
        return "本区划没有数据"
    if answer.at_division and answer.at_division != asked:
        return f"{BORROWED}{dict(context.chain).get(answer.at_division, context.place.name)}级"
    if answer.parts.get("progress_pct") is not None:
        return f"进度 {words.number(float(answer.parts['progress_pct']))}%"
    if answer.question.name.endswith(words.OVER) and answer.value is not None:
        return words.against(answer.question.name, answer.value)
    if answer.limit_text:
        return answer.limit_text if answer.change is not None else ""
    if answer.target is not None:
        unit = answer.unit if answer.unit == "%" else f" {answer.unit}"
        return f"目标 {words.number(answer.target, answer.decimals)}{unit}"
    return ""


def ticker(answers: dict[str, Answer], context: Context) -> Markup:
    """The newest stages of events."""
    found = answers.get("ticker")
    head = Markup("<b>刚刚发生</b>")
    if found is None or not found.rows:
        return head + Markup("<span>本时段暂无新事件</span>")
    return head + EMPTY.join(_tick(row, context) for row in found.rows[:MOST_TICKS])


def _tick(row: dict[str, Any], context: Context) -> Markup:
    at = int(row.get("stage_time_us") or row.get("time_us") or 0)
    when = words.clock_or_day(at, context.place.timezone, context.now_us) if at else words.NONE
    told = " ".join(str(row[key]) for key in ("division", "title", "stage") if row.get(key))
    return Markup("<span><i>{}</i>{}</span>").format(when, words.short(told, LONGEST_TICK))


def feed_counts(rows: Iterable[dict[str, Any]], context: Context) -> Markup:
    """How many feeds are in which state."""
    by = Counter(str(row.get("freshness") or "unknown") for row in rows)
    live = by.pop("scheduled", 0) + by["live"]
    parts = [fresh_count("live", live)] + [fresh_count(key, by[key]) for key in ("late", "down", "unknown")]
    total = anchor(context, {**LEAVE, "screen": "feeds"}, f"数据源 {live + by['late'] + by['down'] + by['unknown']}",
                   "q")
    # shown by the page itself while nobody answers (html.is-lost): what was counted then is no longer known
    lost = Markup('<span class="lost-word">连接中断，断前：</span>')
    return Markup("{}{}{}").format(lost, total, EMPTY.join(parts))


def fresh_count(key: str, count: int) -> Markup:
    """One count with its mark; no data-* attributes: it does not age by itself."""
    word = "正常" if key == "live" else FRESHNESS_WORDS[key]
    return Markup('<span class="fr fr-{}">{}{} {}</span>').format(key, icon(f"f-{key}"), word, count)
