"""A panel in full for the dialog: a Plotly figure with zoom and hover, and the numbers as a table."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from data.answers import Answer
from layouts import words
from layouts.screen import Context, Panel

COLORS = {"dark": ("#9CC4DE", "#5C7093", "#C9A0C6", "#84BDB0"), "light": ("#2C6A93", "#8292A8", "#94578F", "#2F7F70")}
INK = {"dark": ("#E6EDF7", "#22304A", "#101C33"), "light": ("#14213A", "#D3DBE6", "#FFFFFF")}


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
    drawn = go.Figure(traces)
    drawn.update_layout(paper_bgcolor=ground, plot_bgcolor=ground, font={"color": text, "size": 14},
                        margin={"l": 56, "r": 16, "t": 16, "b": 48}, legend={"orientation": "h"}, xaxis=axis,
                        hovermode="x unified",
                        yaxis={**axis, "title": {"text": " / ".join(filter(None, units))}}, showlegend=len(traces) > 1)
    result: dict[str, Any] = drawn.to_plotly_json()
    return result


def table(answers: dict[str, Answer], context: Context) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of the first answer that has several numbers."""
    for answer in answers.values():
        value = f"{answer.name}({answer.unit})" if answer.unit else answer.name
        if answer.series:
            return ["时间", value], [[f"{_local(point.time, context):%m-%d %H:%M}", _number(point.value, answer)]
                                   for point in answer.series]
        if answer.groups:
            return ["名称", value, "记录数"], [[group.name, _number(group.value, answer), str(group.n)]
                                          for group in answer.groups]
        if answer.rows:
            return _records(answer)
    return [], []


def _number(value: float | None, answer: Answer) -> str:
    return "—" if value is None else words.number(value, answer.decimals)


def _records(answer: Answer) -> tuple[list[str], list[list[str]]]:
    hidden = ("_us", "_code", "lon", "lat", "demo")
    names = [name for name in answer.rows[0] if not name.endswith(hidden)][:8]
    return names, [["" if row.get(name) is None else str(row[name]) for name in names] for row in answer.rows]


def enlarged(panel: Panel, answers: dict[str, Answer], context: Context) -> dict[str, Any]:
    """Title, figure, table and the sources of a panel."""
    columns, rows = table(answers, context)
    sources = "·".join(dict.fromkeys(answer.source for answer in answers.values() if answer.source))
    note = f"来源 {sources}" + ("·演示数据" if any(answer.demo for answer in answers.values()) else "")
    return {"title": panel.title, "figure": figure(answers, context), "columns": columns, "rows": rows, "note": note}
