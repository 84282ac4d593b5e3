"""数据汇聚: the state of every data source, as a plain page."""

from __future__ import annotations

from layouts import asks
from layouts.screen import MapView, Panel, Screen

SCREEN = Screen(
    key="feeds", title="数据汇聚", topics=("Q1",), lead="feeds", figures=(), map=MapView(""),
    lead_asks={"feeds": asks.FEEDS, "warnings": asks.WARNINGS},
    panels=(Panel("p1", "p1", "数据源", "Q1", "feeds", {"list": asks.FEEDS},
                  ("数据源新鲜度", "数量与隔离原因"), css="page-panel", options={"long": True}),))
