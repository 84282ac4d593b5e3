"""The frame of every panel: head, freshness, menu, and the states loading, unknown, unavailable, stale, error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from markupsafe import Markup

from data.answers import Answer
from layouts import words
from layouts.links import anchor, href
from layouts.parts import (
    EMPTY,
    FRESH,
    axis_note,
    banner,
    demo_chip,
    elapsed,
    empty,
    fresh_mark,
    known,
    skeleton,
    stations_mark,
)
from layouts.screen import Answers, Context, Panel
from layouts.symbols import icon
from layouts.tables import plain


@dataclass(frozen=True)
class Drawn:
    """What a kind draws: `title` its message ("" = the declared one), `html` the body, `table` the figures behind.

    `asked`: the answers behind it, which say how many stations are in them. `head`: the answer whose
    time and freshness stand in the head, where it is not the first fresh one.
    """

    html: Markup
    title: object = ""
    table: Markup = EMPTY
    css: str = ""
    department: str = ""
    head: Answer | None = None
    asked: tuple[Answer, ...] = ()


AGEING = ("metric", "rows", "warnings", "profile")
Draw = Callable[[Panel, Answers, Context], Drawn]


def framed(panel: Panel, answers: Answers, context: Context, draw: Draw) -> Markup:
    """The whole `<section>`: the state's own body where nothing can be drawn, else the kind's drawing."""
    missing = [name for name in panel.asks if name not in answers]
    if missing and len(missing) == len(panel.asks):
        return section(panel, context, None, Drawn(skeleton(), css="is-loading"))
    main = main_answer(answers)
    held = tuple(answers.values())
    if main is None or not _delivered(main):
        return section(panel, context, main, replace(_absent(panel, main, context), asked=held))
    drawn = replace(draw(panel, answers, context), asked=held)
    if main.freshness in ("late", "down") and main.question.kind in AGEING:
        body = Markup('{}<div class="val">{}</div>').format(_stale_banner(main, context), drawn.html)
        drawn = Drawn(body, panel.title, drawn.table, f"{drawn.css} is-stale".strip(), drawn.department, asked=held)
    return section(panel, context, drawn.head or main, drawn)


def main_answer(answers: Answers) -> Answer | None:
    """The answer whose time and freshness stand in the head: the first delivered and fresh one, else the first."""
    held = [answer for answer in answers.values() if _delivered(answer)]
    fresh = [answer for answer in held if answer.freshness in FRESH]
    return next(iter(fresh or held or list(answers.values())), None)


def _delivered(answer: Answer) -> bool:
    if known(answer):
        return True
    return answer.question.kind in ("rows", "warnings", "feeds") and answer.freshness in ("live", "late", "scheduled")


def _absent(panel: Panel, main: Answer | None, context: Context) -> Drawn:
    """Unavailable (the source is down) is not unknown (never delivered)."""
    source = anchor(context, {"screen": "feeds"}, "查看数据源", "act")
    if main is not None and main.freshness == "down":
        since = _since(main, context)
        strip = banner("f-down", Markup("{}起无数据{}").format(since[0], since[1]) if since
                       else "数据源拒绝连接或已停止上报", source)
        return Drawn(strip + empty("e-none", f"{panel.title}暂不可用",
                                   main.note or "来源恢复后自动显示，期间不以旧值代替"), css="is-down")
    note = main.note if main is not None and main.note else "该数据源尚未送达任何记录；到数后自动显示"
    return Drawn(empty("e-none", f"{panel.title}：未知", note) + axis_note("未知不等于零", source), css="is-unknown")


def _since(main: Answer, context: Context) -> tuple[str, Markup] | None:
    if main.time is None:
        return None
    at = words.to_us(main.time)
    # What stood still at the instant of a replay did not do so until now.
    long = EMPTY if context.view.at else Markup("，已 {}").format(elapsed(at + main.stepped_us, context.now_us))
    return words.moment(at, context.place.timezone, context.now_us), long


def _stale_banner(main: Answer, context: Context) -> Markup:
    source = anchor(context, {"screen": "feeds"}, "查看数据源", "act")
    since = _since(main, context)
    text = Markup("数据已停止更新")
    if since:
        text = Markup("数据停在 {}{}未更新").format(since[0], since[1] or "，到回放时刻")
    return banner(f"f-{main.freshness}", text, source)


def section(panel: Panel, context: Context, main: Answer | None, drawn: Drawn) -> Markup:
    """Head (title, menu, department, freshness) and body of a panel."""
    title = drawn.title or panel.title
    told = plain(title)
    covered = stations_mark(drawn.asked)
    mark = fresh_mark(main, context) if main is not None and main.question.kind in AGEING else EMPTY
    department = drawn.department or (main.source if main is not None else "")
    demo = demo_chip() if main is not None and main.demo and not context.demo else EMPTY
    css = " ".join(filter(None,
                          (panel.slot, panel.css, f"k-{panel.kind}", drawn.css, "has-table" if drawn.table else "")))
    return Markup('<section class="panel {}" id="{}" data-panel="{}" data-topic="{}" aria-label="{}">'
                  '<h2><span class="t" title="{}">{}</span>{}{}</h2>'
                  '<div class="meta"><span class="dep" title="{}">{}</span>{}{}</div>'
                  '<div class="body">{}{}</div>{}</section>').format(
        css, f"panel-{panel.key}", panel.key, panel.topic, panel.title, told, title, demo,
        _menu(panel, context, bool(drawn.table)), department, department, covered, mark, drawn.html,
        _borrowed(main, context), drawn.table)


def _menu(panel: Panel, context: Context, has_table: bool) -> Markup:
    table = (Markup('<button type="button" data-act="table" data-panel="{}">表格</button>').format(panel.key)
             if has_table else EMPTY)
    return Markup('<details class="menu"><summary aria-label="{0}的菜单" title="放大·表格·链接">{1}</summary>'
                  '<div class="drop">'
                  '<button type="button" data-act="enlarge" data-panel="{2}">放大</button>{3}'
                  '<a href="{4}" data-act="link" data-panel="{2}">链接</a></div></details>').format(
        panel.title, icon("g-dots"), panel.key, table, f"{href(context, {})}#panel-{panel.key}")


def _borrowed(main: Answer | None, context: Context) -> Markup:
    """Says whose figure it is when it is not the asked division's: below the finest published level."""
    if main is None or not main.at_division or main.at_division == (context.view.division or context.place.code):
        return EMPTY
    name = division_name(main.at_division, context)
    return Markup('<div class="borrowed">数据为{}级，{}以下未发布</div>').format(name, name)


def division_name(code: str, context: Context) -> str:
    """Name of a division of the view's chain, "" = the place itself, else its code."""
    return dict(context.chain).get(code, context.place.name if code in ("", context.place.code) else code)


def level_word(code: str, context: Context) -> str:
    """What a division of the view's chain is: 县, 乡镇 …; its name where the chain does not hold it."""
    codes = [above for above, _ in context.chain]
    if code not in codes:
        return division_name(code, context)
    word = context.place.levels[codes.index(code)][1]
    return word.partition("（")[0]


def error_section(panel: Panel, reference: str) -> Markup:
    """The tile in place of a panel that failed: the others stay."""
    return Markup('<section class="panel {} is-error" id="panel-{}" data-panel="{}"><h2><span class="t">{}</span></h2>'
                  '<div class="meta"><span class="dep">本面板出错，其余面板不受影响</span></div>'
                  '<div class="body">{}</div></section>').format(
        panel.slot, panel.key, panel.key, panel.title,
        empty("e-error", "此面板暂时无法显示", f"已记录，编号 {reference}；数据更新时自动重试，请将编号告知管理员"))
