"""数据汇聚: every data source and who answers for it, what was refused and its correction, devices, sharing."""

from __future__ import annotations

from layouts import asks
from layouts.screen import MapView, Panel, Screen

SCREEN = Screen(
    key="feeds", title="数据汇聚", topics=("Q1", "Q2", "Q3"), lead="feeds", figures=(), map=MapView(""),
    lead_asks={"feeds": asks.FEEDS, "warnings": asks.WARNINGS, "quarantine": asks.rows("quarantine")},
    panels=(
        Panel("p1", "p1", "数据源", "Q1", "feeds", {"list": asks.FEEDS},
              ("数据源新鲜度", "数量与隔离原因", "质量得分与规则"), options={"long": True}),
        Panel("p2", "p2", "部门本周", "Q1", "table", {"list": asks.rows("feed_departments")}, ("谁采集谁负责",),
              options={
            "columns": (("department", "部门", "wide"), ("feeds", "数据源", "number"), ("normal", "正常", "number"),
                        ("accepted", "收下", "number"), ("rejected", "隔离", "number"), ("sound", "合格 %", "share"),
                        ("losses", "中断", "number"), ("waiting", "待更正", "number"), ("silent", "静默", "number"),
                        ("score", "得分", "number")),
            "optional": ("feeds", "normal", "accepted", "losses", "silent", "waiting"),
            "most": 16, "count": "个部门", "download": "/api/v1/departments?format=csv"}),
        Panel("p4", "p4", "隔离区", "Q1", "quarantine", {"list": asks.rows("quarantine")}, (), options={
            "columns": (("name", "数据源", "text"), ("kind", "原因", "text"), ("waiting", "待处理", "number"))}),
        Panel("p5", "p5", "更正与送回", "Q1", "correction", {"item": asks.rows("quarantine_item")},
              ("隔离更正与重放",)),
        Panel("p3", "p3", "感知设备在线", "Q2", "table", {"list": asks.rows("device_types")}, ("按类型接入", "在线率"),
              options={"columns": (("name", "类型", "wide"), ("count", "设备", "number"), ("silent", "静默", "number"),
                                   ("online", "在线 %", "share")), "most": 5, "spare": 10,
                       "none": "没有可判断的设备"}),
        Panel("p6", "p6", "静默设备", "Q2", "table", {"list": asks.rows("devices", 40)}, ("静默设备",), options={
            "columns": (("name", "设备", "wide"), ("department", "部门", "text"), ("last_time_us", "最后收到", "us")),
            "most": 5, "spare": 10, "count": "台", "none": "没有静默设备"}),
        Panel("s1", "s1", "数据共享", "Q3", "trend",
              {"asked": asks.last("sharing_requests", "month", 12), "met": asks.last("sharing_met", "month", 12)},
              ("共享需求与满足",), options={"bars": True, "pair": True, "plain_title": True,
                                       "note": "每月提出的共享需求与已满足的需求"}),
    ))
