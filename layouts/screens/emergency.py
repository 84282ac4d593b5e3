"""应急管理: rain, rivers and reservoirs against their limits, hazards, lifelines, warnings, shelters."""

from __future__ import annotations

from layouts import asks
from layouts.screen import Figure, MapView, Panel, Screen

SCREEN = Screen(
    key="emergency", title="应急管理", topics=("M1", "M3", "M4", "M6", "M7", "M8"), lead="emergency",
    figures=(Figure("rain_3h_max", "", "最大 3 时雨量"), Figure("reservoir_over_count", "yesterday", "超汛限水库"),
             Figure("river_over_m", "yesterday", "最高水位距警戒"), Figure("ponding_count", "yesterday", "积水点"),
             Figure("hazard_people", "", "隐患点人数"), Figure("device_online_rate", "yesterday", "生命线在线率")),
    map=MapView("rain_24h_max", ("rain_24h_max", "rain_3h_max", "river_over_m", "reservoir_over_m", "hazard_people", "warnings_active"),
                ("station_rain", "station_river", "reservoir", "hazard", "sensor_ponding", "shelter", "team", "supply", "hydrant"),
                ("station_river", "reservoir")),
    lead_asks={"warnings": asks.WARNINGS},
    panels=(
        Panel("p1", "p1", "水库", "M1", "stations",
              {"by": asks.by("reservoir_over_m", "station"), "sites": asks.rows("assets:reservoir")}, ("水库对汛限",),
              css="first", options={"over": True, "word": "水库", "frame": True, "limit": "flood_limit_m", "limit_name": "汛限"}),
        Panel("p2", "p2", "降雨", "M1", "trend",
              {"rain": asks.last("rain_1h", "hour", 24)}, ("站点雨量与面雨量",),
              options={"bars": True, "plain_title": True, "note": "逐时各站平均雨量"}),
        Panel("p3", "p3", "河道水位距警戒", "M1", "trend", {"river": asks.last("river_over_m", "hour", 24)}, ("河道水位对警戒与保证",),
              options={"plain_title": True, "limit": (0.0, "警戒", "h-orange"), "note": "最高站水位与警戒水位之差 m"}),
        Panel("p4", "p4", "预警信息", "M3", "warnings", {"list": asks.WARNINGS}, ("类型、颜色、范围、有效时间",)),
        Panel("p5", "p5", "24 小时雨量", "M1", "ranking", {"by": asks.by("rain_24h_max", "children")}, ("站点雨量与面雨量",)),
        Panel("p6", "p6", "地质灾害隐患点", "M4", "table", {"list": asks.rows("assets:hazard")}, ("隐患点与受威胁人数",),
              options={"columns": (("name", "隐患点", "wide"), ("division", "地点", "division"), ("kind", "类型", "text"),
                                   ("people", "受威胁人数", "number")), "count": "处", "none": "本区划内没有隐患点"}),
        Panel("s1", "s1", "河道水位", "M1", "stations",
              {"by": asks.by("river_over_m", "station"), "sites": asks.rows("assets:station_river")}, ("河道水位对警戒与保证",),
              options={"over": True, "word": "水位站", "limit": "warn_m", "limit_name": "警戒"}),
        Panel("s2", "s2", "受威胁人数", "M4", "ranking", {"by": asks.by("hazard_people", "children")}, ("隐患点与受威胁人数",)),
        Panel("s3", "s3", "生命线设备在线率", "M6", "trend", {"rate": asks.last("device_online_rate", "day", 14, "yesterday")},
              ("设备在线率",), options={"plain_title": True}),
        Panel("s4", "s4", "避难场所", "M8", "table", {"list": asks.rows("assets:shelter")}, ("队伍、物资、避难场所、车辆",),
              options={"columns": (("name", "场所", "wide"), ("division", "地点", "division"), ("capacity", "可容人数", "number")),
                       "count": "处", "none": "本区划内没有避难场所"}),
        Panel("s5", "s5", "内涝积水点", "M6", "trend", {"count": asks.last("ponding_count", "hour", 24)}, ("传感器对阈值",),
              options={"bars": True, "plain_title": True}),
        Panel("s6", "s6", "超期事件", "C1", "overdue",
              {"list": asks.rows("events", 6, "overdue"), "soon": asks.now("due_soon_events"),
               "by": asks.by("overdue_events", "children")}, ("在办、超期、将到期与倒计时",)),
    ))
