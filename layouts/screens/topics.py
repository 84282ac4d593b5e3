"""专题目录: the 53 topics with what is live and why not, as a plain page."""

from __future__ import annotations

from layouts import asks
from layouts.screen import MapView, Panel, Screen

SCREEN = Screen(
    key="topics", title="专题目录", topics=(), lead="topics", figures=(), map=MapView(""),
    lead_asks={"topics": asks.TOPICS, "warnings": asks.WARNINGS},
    panels=(Panel("p1", "p1", "专题", "Q1", "table", {"list": asks.TOPICS}, (), css="page-panel", options={
        "columns": (("id", "编号", "text"), ("name", "专题", "wide"), ("domain", "领域", "text"),
                    ("live", "状态", "yes"),
                    ("why_not", "未接通原因", "wide"), ("screens", "画面", "screens"), ("feeds", "数据源", "list")),
        "most": 60, "count": "个"}),))
