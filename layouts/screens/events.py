"""城市事件: what came in, what is late, who has it, where it gathers."""

from __future__ import annotations

from layouts import asks
from layouts.screen import Figure, MapView, Panel, Screen

SCREEN = Screen(
    key="events", title="城市事件", topics=("C1", "C2", "C4", "C6"), lead="events",
    figures=(Figure("open_events"), Figure("received_events", "last_week", "受理"), Figure("overdue_events"),
             Figure("due_soon_events", "yesterday", "24 时内到期"), Figure("on_time_rate", "last_week"),
             Figure("satisfaction_rate", "last_week")),
    map=MapView("open_events_per_10k",
                ("open_events_per_10k", "open_events", "received_events", "overdue_events", "on_time_rate"),
                ("events", "sensor_manhole", "sensor_lamp", "camera", "parking", "gate"), ("events",),
                {"number": asks.by("open_events", "children"), "warn": asks.by("overdue_events", "children"),
                 "att": asks.by("due_soon_events", "children")}),
    lead_asks={"warnings": asks.WARNINGS, "overdue_by": asks.by("overdue_events", "children")},
    panels=(
        Panel("p1", "p1", "事件流转", "C1", "funnel",
              {"by": asks.by("received_events", "stage"), "hours": asks.now("handle_hours"),
               "rate": asks.now("closing_rate"), "rework": asks.now("rework_rate")},
              ("环节漏斗", "办结率与平均用时", "返工率")),
        Panel("p2", "p2", "超期事件", "C1", "overdue",
              {"list": asks.rows("events", 6, "overdue"), "count": asks.now("overdue_events", "yesterday"),
               "soon": asks.now("due_soon_events"), "by": asks.by("overdue_events", "children")},
              ("在办与超期",), css="first"),
        Panel("p3", "p3", "部门按期办结率", "C1", "bars", {"by": asks.by("on_time_rate", "department")},
              ("按期办结率", "按部门"), options={"lowest": True}),
        Panel("p4", "p4", "受理与结案", "C1", "trend",
              {"received": asks.over_time("received_events", "last_week"), "closed": asks.over_time("closed_events")},
              (), options={"bars": True, "pair": True, "plain_title": True}),
        Panel("p5", "p5", "诉求类别", "C2", "bars", {"by": asks.by("received_events", "category")},
              ("类别构成",), options={"share": True}),
        Panel("p6", "p6", "在办事件", "C4", "ranking", {"by": asks.by("open_events", "children")}, ("网格事件负荷",),
              also={"C1": ("按乡镇",)}),
        Panel("s1", "s1", "诉求", "C2", "heat", {"hours": asks.last("received_events", "hour", 24 * 28)},
              ("小时 × 星期热力",)),
        Panel("s2", "s2", "受理渠道", "C2", "bars", {"by": asks.by("received_events", "channel")}, ("按渠道受理",),
              options={"share": True}),
        Panel("s3", "s3", "部门满意率", "C1", "bars", {"by": asks.by("satisfaction_rate", "department")}, ("满意率",),
              options={"lowest": True}),
        Panel("s4", "s4", "按期办结率", "C1", "trend", {"rate": asks.last("on_time_rate", "day", 30, "last_week")},
              ("按期办结率",)),
        Panel("s5", "s5", "平均处置用时", "C1", "trend",
              {"hours": asks.last("handle_hours", "day", 30, "last_week")}, ("办结率与平均用时",)),
        Panel("s6", "s6", "即将到期", "C1", "overdue", {"list": asks.rows("events", 6, "due")}, ("将到期与倒计时",)),
    ))
