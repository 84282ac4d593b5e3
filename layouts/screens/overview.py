"""总览: is anything wrong in the county, where, since when, who has it."""

from __future__ import annotations

from layouts import asks
from layouts.screen import Figure, MapView, Panel, Screen

VITALS = ("on_time_rate", "satisfaction_rate", "device_online_rate", "water_good_rate", "good_day_rate", "parking_rate",
          "traffic_flow", "hall_waiting")

SCREEN = Screen(
    key="overview", title="总览", topics=("O1", "O2", "O3", "Q1"), lead="overview",
    figures=(Figure("open_events"), Figure("overdue_events"), Figure("warnings_active", "", "生效预警"), Figure("aqi"),
             Figure("river_over_m", "yesterday", "最高水位距警戒"), Figure("power_load", "yesterday", "用电负荷")),
    map=MapView("open_events_per_10k",
                ("open_events_per_10k", "open_events", "overdue_events", "received_events", "aqi", "rain_24h_max"),
                ("events", "station_air", "station_rain", "station_river", "reservoir", "hazard", "camera", "project"),
                ("events",),
                {"number": asks.by("open_events", "children"), "warn": asks.by("overdue_events", "children"),
                 "att": asks.by("due_soon_events", "children")}),
    lead_asks={"warnings": asks.WARNINGS, "overdue_by": asks.by("overdue_events", "children")},
    panels=(
        Panel("p1", "p1", "城市体征", "O1", "vitals",
              {metric: asks.last(metric, "day", 7, "last_week") for metric in VITALS},
              ("城市体征：状态、当前值、变化、走势",)),
        Panel("p2", "p2", "超期事件", "C1", "overdue",
              {"list": asks.rows("events", 6, "overdue"), "count": asks.now("overdue_events", "yesterday"),
               "soon": asks.now("due_soon_events"), "by": asks.by("overdue_events", "children")},
              ("在办与超期",), also={"O1": ("在办与超期事件",)}),
        Panel("p3", "p3", "气象与灾害预警", "M3", "warnings", {"list": asks.WARNINGS}, ("类型、颜色、范围、有效时间",),
              css="first", also={"O1": ("分级生效预警",)}),
        Panel("p4", "p4", "主要经济指标", "E1", "progress",
              {metric: asks.now(metric, "last_year") for metric in
               ("gdp", "retail", "revenue", "fixed_investment_yoy", "new_jobs", "foreign_capital")},
              ("目标与序时进度",)),
        Panel("p5", "p5", "空气质量", "N1", "air",
              {"aqi": asks.last("aqi", "hour", 24, "yesterday"), "pm25": asks.now("pm25"),
               "good": asks.now("good_day_rate")},
              ("AQI 与首要污染物", "优良天数比例")),
        Panel("p6", "p6", "事件受理", "C1", "trend",
              {"received": asks.over_time("received_events", "last_week"), "closed": asks.over_time("closed_events")},
              (), options={"bars": True, "pair": True, "plain_title": True}),
        Panel("s1", "s1", "诉求", "C2", "heat", {"hours": asks.last("received_events", "hour", 24 * 28)},
              ("小时 × 星期热力",)),
        Panel("s2", "s2", "河库水情", "M1", "stations",
              {"by": asks.by("river_over_m", "station"), "sites": asks.rows("assets:station_river")},
              (), options={"over": True, "word": "水位站", "limit": "warn_m",
                                        "limit_name": "警戒"}),
        Panel("s3", "s3", "每万人在办事件", "C4", "ranking", {"by": asks.by("open_events_per_10k", "children")},
              ("网格事件负荷",)),
        Panel("s4", "s4", "数据源", "Q1", "feeds", {"list": asks.FEEDS}, ("数据源新鲜度",),
              also={"O1": ("数据源新鲜度",)}),
        Panel("s5", "s5", "用电负荷", "E9", "trend", {"load": asks.over_time("power_load", "yesterday")},
              ("用电走势",), options={"note": "负荷为区划内各测点之和"}),
        Panel("s6", "s6", "区划概况", "O2", "profile", {"card": asks.PROFILE}, ("区划概况卡",)),
    ))
