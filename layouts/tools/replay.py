"""The player: any interval of the past on the map and every panel, step by step; its bar with what happened when."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from data.answers import Question
from layouts import words
from layouts.links import Patch, anchor, href
from layouts.panels.warnings import LEVEL_WORDS
from layouts.parts import EMPTY
from layouts.screen import Context, Screen
from layouts.symbols import icon
from layouts.tools import Answers, Tool
from layouts.view import ViewState

SPEEDS = (1, 10, 60, 600, 3600)
HOUR, DAY = 3_600_000_000, 86_400_000_000
MOST_PRESETS, MOST_TICKS = 3, 400
LIVE: Patch = {"at": None, "known": None, "replay": None, "tool": None}
WORDS = {"warning": "预警", "loss": "数据源中断", "event": "事件"}
BUTTONS = (("prev", "p-prev", "上一处预警、中断或事件（Page Up）"), ("back", "p-back", "后退一步（←）"),
           ("play", "p-play", "播放（空格）"), ("pause", "p-pause", "暂停（空格）"),
           ("on", "p-on", "前进一步（→）"), ("next", "p-next", "下一处预警、中断或事件（Page Down）"))


def _asks(_screen: Screen, view: ViewState) -> dict[str, Question]:
    around = f"@{view.at}" if view.at else ""
    return {"line": Question("timeline", view.replay or around)}


def _render(answers: Answers, _screen: Screen, context: Context) -> Markup:
    found = answers.get("line")
    if found is None or "from_us" not in found.parts:
        return Markup('<p class="player-none">{}</p>').format((found.note if found else "") or "时间轴暂时读不出")
    first, last = int(found.parts["from_us"]), int(found.parts["to_us"])
    at = min(max(context.now_us if context.view.at else last, first), last)
    return Markup('<div class="player" data-from="{}" data-to="{}" data-at="{}">{}{}</div>').format(
        first, last, at, _head(context, at, _choice(found, context)), _track(found, at, context))


def address_of(us: int) -> str:
    """An instant as it stands in an address."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _head(context: Context, at: int, choice: Markup) -> Markup:
    shown = words.local(at, context.place.timezone).strftime("%Y-%m-%d %H:%M:%S")
    now = Markup('<output class="player-now">{}<b>{}</b></output>').format(
        "回放" if context.view.at else "实时", shown)
    buttons = EMPTY.join(Markup('<button type="button" class="pb pb-{0}" data-act="replay-{0}" title="{1}" '
                                'aria-label="{1}">{2}</button>').format(key, told, icon(sign))
                         for key, sign, told in BUTTONS)
    speeds = EMPTY.join(Markup('<button type="button" class="ps" data-act="replay-speed" data-kind="{0}" '
                               'title="每秒 {1}">{2}×</button>').format(speed, _pace(speed), f"{speed:,}")
                        for speed in SPEEDS)
    known = ("按当时所知", "按现有数据") if context.view.known != "now" else ("按现有数据", "按当时所知")
    patch: Patch = {"known": None if context.view.known == "now" else "now"}
    other = anchor(context, patch, f"改{known[1]}", "player-link") if context.view.at else EMPTY
    link = Markup('<button type="button" class="player-link" data-act="link">复制链接</button>')
    return Markup('<div class="player-row">{}<span class="player-buttons" role="group" aria-label="播放">{}</span>'
                  '<span class="player-speeds" role="group" aria-label="倍速">{}</span>'
                  '{}<span class="player-known">{}{}{}</span><span class="player-mark" role="status"></span>'
                  '{}</div>').format(
        now, buttons, speeds, choice, known[0] if context.view.at else "", other, link,
        anchor(context, LIVE, "回到实时" if context.view.at else "关闭", "player-live"))


def _pace(speed: int) -> str:
    return f"{speed} 秒" if speed < 60 else f"{speed // 60} 分钟" if speed < 3600 else f"{speed // 3600} 小时"


def _track(found: Any, at: int, context: Context) -> Markup:
    first, last = int(found.parts["from_us"]), int(found.parts["to_us"])
    cells = found.parts["cells"]
    most = max([*cells, 1])
    width = 1000 / len(cells)
    bars = EMPTY.join(Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        number * width, 20 - 20 * count / most, width * .8, 20 * count / most)
        for number, count in enumerate(cells) if count)
    ticks = EMPTY.join(_tick(row, (first, last), context) for row in found.rows[:MOST_TICKS])
    shown = words.local(at, context.place.timezone).strftime("%m-%d %H:%M:%S")
    slider = Markup('<input type="range" class="player-at" name="replay-at" min="{}" max="{}" step="1" value="{}" '
                    'aria-label="回放位置" aria-valuetext="{}">').format(
        first // 1_000_000, last // 1_000_000, at // 1_000_000, shown)
    return Markup('<div class="player-track"><svg class="player-cells" viewBox="0 0 1000 20" aria-hidden="true" '
                  'preserveAspectRatio="none">{}</svg>{}{}</div>').format(bars, slider, ticks)


def _tick(row: dict[str, Any], span: tuple[int, int], context: Context) -> Markup:
    kind, state = row["kind"], row["state"]
    when = words.local(row["us"], context.place.timezone).strftime("%m-%d %H:%M")
    level = f"{LEVEL_WORDS[state]}色" if state in LEVEL_WORDS else ""
    told = f"{when} {level}{WORDS[kind]}：{row['text']}"
    share = 100 * (row["us"] - span[0]) / max(span[1] - span[0], 1)
    return Markup('<button type="button" tabindex="-1" class="pt pt-{} pt-{}" data-act="replay-tick" data-kind="{}" '
                  'data-us="{}" style="left:{:.3f}%" title="{}" aria-label="{}"></button>').format(
        kind, state or "none", kind, row["us"], share, told, told)


def _choice(found: Any, context: Context) -> Markup:
    """The interval, and behind it the choice: the usual lengths, two dates, and what happened in it."""
    zone = context.place.timezone
    first, last = int(found.parts["from_us"]), int(found.parts["to_us"])
    fields = EMPTY.join(Markup('<label>{}<input type="datetime-local" step="60" name="replay-{}" value="{}"></label>')
                        .format(word, name, words.local(us, zone).strftime("%Y-%m-%dT%H:%M"))
                        for word, name, us in (("起", "from", first), ("止", "to", last)))
    lengths = EMPTY.join(Markup('<button type="button" class="player-link" data-act="replay-last" data-kind="{}">{}'
                                '</button>').format(hours, word)
                         for hours, word in ((24, "近 24 小时"), (168, "近 7 天")))
    told = [row for row in found.rows if row["kind"] in ("warning", "loss")][-MOST_PRESETS:]
    spans = EMPTY.join(anchor(context, _span(row), words.short(f"{WORDS[row['kind']]}：{row['text']}", 16),
                              "player-link") for row in told)
    facts = (f"{sum(row['kind'] == 'warning' for row in found.rows)} 条预警·"
             f"{sum(row['kind'] == 'loss' for row in found.rows)} 次中断·{words.number(found.parts['events'])} 件事件")
    told_span = "—".join(words.local(us, zone).strftime("%m-%d %H:%M") for us in (first, last))
    return Markup('<details class="menu player-choice" id="player-choice"><summary class="player-link" '
                  'title="换时段">{}<i>▾</i></summary>'
                  '<div class="drop"><p>{}</p><p>{}</p><p>{}</p><p class="q">{}</p>{}</div></details>').format(
        told_span, lengths, spans, fields, facts, _strip(first, last, context))


def _strip(first: int, last: int, context: Context) -> Markup:
    """The command that lays this view over the interval on one sheet: pictures are taken where the program runs."""
    command = strip_command(first, last, context)
    return Markup('<div class="player-strip"><p>整段排成一张图（12 个时刻）：在运行本系统的机器上执行'
                  '<button type="button" class="player-link" data-copy="{0}" data-copies="命令">复制命令</button></p>'
                  '<code>{0}</code></div>').format(command)


def strip_command(first: int, last: int, context: Context) -> str:
    """`./yiping capture` for the view from one instant to another (µs UTC), as a shell takes it."""
    page = href(context, {"at": None, "replay": None, "tool": None})
    span = f"{address_of(first)}~{address_of(last)}"
    return shlex.join(["./yiping", "capture", page, "--strip", span, "--frames", "12", "--out", "strip.png"])


def _span(row: dict[str, Any]) -> Patch:
    """From an hour before something began to an hour after it ended."""
    first = row["us"] - HOUR
    last = min((row["until_us"] or row["us"] + 12 * HOUR) + HOUR, row["us"] + 14 * DAY)
    return {"replay": f"{address_of(first)}~{address_of(last)}", "at": address_of(first)}


TOOL = Tool("replay", "回放", "r", _asks, _render, place="bar")
