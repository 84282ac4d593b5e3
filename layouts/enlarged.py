"""A panel in full for the dialog: a Plotly figure with zoom and hover, and the numbers as a table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from data.answers import FRESHNESS_WORDS, Answer
from layouts import words
from layouts.panels.warnings import LEVEL_WORDS
from layouts.parts import STATE_WORDS, fresh_mark
from layouts.screen import Context, Panel

Table = tuple[list[str], list[list[str]]]
COLORS = {"dark": ("#9CC4DE", "#5C7093", "#C9A0C6", "#84BDB0"), "light": ("#2C6A93", "#8292A8", "#94578F", "#2F7F70")}
INK = {"dark": ("#E6EDF7", "#22304A", "#101C33"), "light": ("#14213A", "#D3DBE6", "#FFFFFF")}
# Panels of many figures with units of their own: one axis would say nothing.
FIGURES = ("vitals", "progress", "table")
STEPS = {"hour": "%m-%d %H:%M", "month": "%Y-%m", "quarter": "%Y-%m", "year": "%Y"}
DAY = "%Y-%m-%d"
HEADS = {"headline": "预警", "title": "事件", "name": "名称", "level": "级别", "category": "类别", "department": "部门",
         "divisions": "范围", "division": "地点", "channel": "渠道", "stage": "环节", "state": "状态",
         "freshness": "新鲜度", "cadence_s": "应间隔", "time_us": "发生时间", "stage_time_us": "环节时间",
         "due_us": "时限", "overdue_s": "已超期", "sent_us": "发布", "expires_us": "至", "last_time_us": "数据时间",
         "last_received_us": "最近收到", "accepted": "已入库", "duplicate": "重复", "rejected": "隔离", "error": "说明"}
WORDS = {"level": LEVEL_WORDS, "state": STATE_WORDS, "freshness": FRESHNESS_WORDS}


def _local(instant: datetime, context: Context) -> datetime:
    return instant.astimezone(ZoneInfo(context.place.timezone)).replace(tzinfo=None)


def _traces(answers: dict[str, Answer], context: Context) -> list[Any]:
    colors = COLORS[context.theme]
    found: list[Any] = []
    for answer in answers.values():
        color = colors[len(found) % len(colors)]
        if answer.series:
            found.append(go.Scatter(x=[_local(point.time, context) for point in answer.series],
                                    y=[point.value for point in answer.series], name=answer.name, mode="lines+markers",
                                    line={"color": color}, connectgaps=False))
        elif answer.groups:
            shown = answer.groups[:40]
            found.append(go.Bar(x=[group.name for group in shown], y=[group.value for group in shown], name=answer.name,
                                marker={"color": color}))
    return found


def figure(answers: dict[str, Answer], context: Context) -> dict[str, Any] | None:
    """The Plotly figure of a panel's series and groups; None when it has neither."""
    traces = _traces(answers, context)
    if not traces:
        return None
    text, line, ground = INK[context.theme]
    units = list(dict.fromkeys(answer.unit for answer in answers.values() if answer.series or answer.groups))
    axis = {"gridcolor": line, "linecolor": line, "zeroline": False, "automargin": True}
    by = next((answer.question.by for answer in answers.values() if answer.series), "")
    dates = {"tickformat": STEPS.get(by, DAY), "hoverformat": STEPS.get(by, DAY)} if by else {}
    drawn = go.Figure(traces)
    drawn.update_layout(paper_bgcolor=ground, plot_bgcolor=ground, font={"color": text, "size": 14},
                        margin={"l": 56, "r": 16, "t": 16, "b": 48}, legend={"orientation": "h"},
                        xaxis={**axis, **dates}, hovermode="x unified",
                        yaxis={**axis, "tickformat": ",", "title": {"text": " / ".join(filter(None, units))}},
                        showlegend=len(traces) > 1)
    result: dict[str, Any] = drawn.to_plotly_json()
    return result


def table(panel: Panel, answers: dict[str, Answer], context: Context) -> Table:
    """Columns and rows: records, series side by side, groups, or a row a figure; a profile's facts."""
    found = list(answers.values())
    listed = [answer for answer in found if answer.rows]
    if panel.kind in FIGURES and not listed:
        return _figures(found, context)
    if "list" in answers and listed:
        return _records(panel, answers["list"] if answers["list"].rows else listed[0], context)
    if series := [answer for answer in found if answer.series]:
        return _series(series, context)
    if groups := [answer for answer in found if answer.groups]:
        answer = groups[0]
        return ["名称", _head(answer), "记录数"], [[group.name, _number(group.value, answer), words.number(group.n)]
                                               for group in answer.groups]
    if listed:
        return _records(panel, listed[0], context)
    known = [answer for answer in found if answer.value is not None]
    return _figures(known, context) if known else _facts(found, context)


def _head(answer: Answer) -> str:
    return f"{answer.name}（{answer.unit}）" if answer.unit else answer.name


def _number(value: float | None, answer: Answer) -> str:
    return words.value(answer, value)


def _series(found: list[Answer], context: Context) -> Table:
    """One row an instant, one column a series of the same step."""
    shown = [answer for answer in found if answer.question.by == found[0].question.by]
    form = STEPS.get(found[0].question.by, DAY)
    at = [{point.time: point.value for point in answer.series} for answer in shown]
    times = sorted({time for values in at for time in values})
    return (["时间", *map(_head, shown)],
            [[f"{_local(time, context):{form}}", *(_number(values.get(time), answer)
                                                  for values, answer in zip(at, shown, strict=True))]
             for time in times])


def _figures(found: Iterable[Answer], context: Context) -> Table:
    """One row a figure, each with its own comparison, target, time and source."""
    rows = []
    for answer in found:
        change = answer.change
        told = "" if change is None else (f"{change.word} " + words.signed(
            change.value, words.difference_decimals(change.unit, answer.decimals)) + change.unit)
        rows.append([_head(answer), _number(answer.value, answer), told or words.NONE,
                     words.number(answer.target, answer.decimals), fresh_mark(answer, context).striptags(),
                     answer.source or words.NONE])
    return (["指标", "当前", "比较", "目标", "新鲜度·数据时间", "来源"], rows) if rows else ([], [])


def _facts(found: Iterable[Answer], context: Context) -> Table:
    """What a division's card says."""
    parts = next((answer.parts for answer in found if answer.parts.get("name")), None)
    if parts is None:
        return [], []
    below = [name for _, name in context.children]
    facts = [("名称", str(parts["name"])), ("编码", str(context.view.division or context.place.code)),
             ("人口（人）", words.number(parts.get("population"))),
             ("面积（km²）", words.number(parts.get("area_km2"), 1)),
             (f"下级（{len(below)} 个）", "、".join(below) or words.NONE)]
    return ["项目", "内容"], [list(fact) for fact in facts]


def _records(panel: Panel, answer: Answer, context: Context) -> Table:
    """The panel's own columns; else those keys that have a word here, times as times."""
    declared = panel.options.get("columns")
    heads = {str(key): str(head) or "标记" for key, head, _ in declared} if isinstance(declared, tuple) else HEADS
    names = [key for key in heads if any(row.get(key) not in (None, "") for row in answer.rows)]
    return [heads[key] for key in names], [[_cell(key, row.get(key), context) for key in names] for row in answer.rows]


def _cell(key: str, value: Any, context: Context) -> str:
    if value is None or value == "":
        return words.NONE
    if key in WORDS:
        return WORDS[key].get(str(value), str(value))
    if key.endswith("_us"):
        return words.moment(int(value), context.place.timezone, context.now_us) if value else words.NONE
    if key.endswith("_s"):
        return (words.interval if key == "cadence_s" else words.short_age)(float(value)) if value else words.NONE
    if isinstance(value, list | tuple):
        return "、".join(_name(str(item), context) for item in value) or words.NONE
    if isinstance(value, bool):
        return "是" if value else "否"
    return words.number(value, 0 if float(value).is_integer() else 2) if isinstance(value, int | float) else str(value)


def _name(key: str, context: Context) -> str:
    return context.names.get(f"feed:{key}", context.names.get(f"screen:{key}", key))


def _when(answers: dict[str, Answer], context: Context) -> str:
    """Freshness and data time of the first figure that has them; a table of figures says them row by row."""
    timed = next((answer for answer in answers.values() if answer.time is not None), None)
    return fresh_mark(timed, context).striptags() if timed is not None else ""


def enlarged(panel: Panel, answers: dict[str, Answer], context: Context) -> dict[str, Any]:
    """Title, figure, table, and the sources, data time and freshness of a panel."""
    columns, rows = table(panel, answers, context)
    sources = "·".join(dict.fromkeys(one for answer in answers.values() for one in answer.source.split("·") if one))
    demo = "演示数据" if any(answer.demo for answer in answers.values()) else ""
    note = "·".join(filter(None, [f"来源 {sources}" if sources else "", _when(answers, context), demo]))
    drawn = None if panel.kind in FIGURES else figure(answers, context)
    return {"title": panel.title, "figure": drawn, "columns": columns, "rows": rows, "note": note}
