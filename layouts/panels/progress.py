"""Indicators of the year: done against the target, with the time progress as a tick."""

from __future__ import annotations

from markupsafe import Markup, escape

from data.answers import Answer
from layouts import words
from layouts.frame import Drawn, framed
from layouts.parts import axis_note, figure_text
from layouts.screen import Answers, Context, Panel
from layouts.tables import Bar, bars, data_table

SLOW_PP = 3.0
RATE_TICK = 80.0


def render(panel: Panel, answers: Answers, context: Context) -> Markup:
    """The panel; each ask is an indicator with parts progress_pct and time_progress_pct."""
    return framed(panel, answers, context, draw)


def gap_pp(answer: Answer) -> float | None:
    """Progress ahead (+) or behind (−) of time in percentage points; for a growth rate, value − target."""
    done, time = answer.parts.get("progress_pct"), answer.parts.get("time_progress_pct")
    if done is not None and time is not None:
        return float(done) - float(time)
    if answer.unit == "%" and answer.value is not None and answer.target is not None:
        return answer.value - answer.target
    return None


def draw(panel: Panel, answers: Answers, context: Context) -> Drawn:
    """Title: how many keep pace and which falls behind most."""
    shown = [answers[name] for name in panel.asks if name in answers]
    head = usual(shown)
    rows = [_bar(answer, head) for answer in shown]
    times = sorted({float(a.parts["time_progress_pct"]) for a in shown
                    if a.parts.get("time_progress_pct") is not None}, reverse=True)
    shares = "、".join(f"{words.number(time, 1)}%" for time in times)
    tick = f"竖线为各期时间进度 {shares}" if times else "竖线为目标"
    body = bars(rows, 100, name_rem=8.4, most_rem=10.4) + axis_note(f"{tick}·右列差百分点")
    sources = list(dict.fromkeys(a.source for a in shown if a.source))
    return Drawn(body, title(panel, shown), _table(shown), department="·".join(sources[:3]), head=head)


def usual(shown: list[Answer]) -> Answer | None:
    """An answer of the period that most rows have: it stands in the head, the others say theirs."""
    told = [str(answer.parts.get("period") or "") for answer in shown]
    known = [period for period in told if period]
    return shown[told.index(max(known, key=known.count))] if known else None


def named(answer: Answer, head: Answer | None) -> Markup:
    """A row's name, with its period where it is not the head's."""
    period = str(answer.parts.get("period") or "")
    if not period or head is None or period == head.parts.get("period"):
        return escape(answer.name)
    end = "末" if answer.parts.get("basis") == "balance" else ""
    return Markup('{}<small class="of">{}{}</small>').format(answer.name, words.short_period(period) or period, end)


def title(panel: Panel, shown: list[Answer]) -> str:
    """六项指标 5 快 1 慢，项目投资落后."""
    gaps = [(gap, answer.name) for answer in shown if (gap := gap_pp(answer)) is not None]
    if not gaps:
        return panel.title
    behind = sorted((gap, name) for gap, name in gaps if gap < 0)
    if not behind:
        return f"{len(gaps)} 项指标全部快于进度"
    return f"{len(gaps)} 项指标 {len(gaps) - len(behind)} 快 {len(behind)} 慢，{words.short(behind[0][1], 8)}落后"


def _bar(answer: Answer, head: Answer | None) -> Bar:
    gap = gap_pp(answer)
    done = answer.parts.get("progress_pct")
    tick = answer.parts.get("time_progress_pct")
    if done is None and gap is not None and answer.target:
        done, tick = RATE_TICK * (answer.value or 0) / answer.target, RATE_TICK
    css = "f-att" if answer.state in ("att", "warn", "alarm") or (gap is not None and gap < -SLOW_PP) else "hi"
    return Bar(named(answer, head), None if done is None else float(done), figure_text(answer), tick, css,
               words.signed(gap, 1) if gap is not None else words.NONE)


def _table(shown: list[Answer]) -> Markup:
    rows = []
    for answer in shown:
        done, time = (answer.parts.get(key) for key in ("progress_pct", "time_progress_pct"))
        target = words.number(answer.target, answer.decimals)
        period = words.period(str(answer.parts.get("period") or words.NONE))
        rows.append((answer.name, period, f"{words.number(answer.value, answer.decimals)} {answer.unit}", target,
                     words.number(done, 1), words.number(time, 1)))
    return data_table(("指标", "时期", "当前", "目标", "进度 %", "时间进度 %"), rows)
