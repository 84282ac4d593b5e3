"""生态环境: air by HJ 633, surface water by class, and where they stand worst."""

from __future__ import annotations

from layouts import asks
from layouts.screen import Figure, MapView, Panel, Screen

SCREEN = Screen(
    key="ecology", title="生态环境", topics=("N1", "N2"), lead="ecology",
    figures=(Figure("aqi"), Figure("pm25"), Figure("pm10"), Figure("o3"),
             Figure("good_day_rate", "last_year", "优良天比例"),
             Figure("water_good_rate", "last_year", "断面达标率")),
    map=MapView("aqi", ("aqi", "pm25", "pm10", "o3", "water_good_rate", "rain_24h"),
                ("station_air", "station_water", "station_rain", "enterprise"), ("station_air", "station_water")),
    lead_asks={"warnings": asks.WARNINGS},
    panels=(
        Panel("p1", "p1", "空气质量", "N1", "air",
              {"aqi": asks.last("aqi", "hour", 24, "yesterday"), "pm25": asks.now("pm25"),
               "good": asks.now("good_day_rate")},
              ("AQI 与首要污染物", "优良天数比例"), css="first"),
        Panel("p2", "p2", "颗粒物浓度", "N1", "trend",
              {"pm25": asks.over_time("pm25", "yesterday"), "pm10": asks.over_time("pm10")},
              ("逐时与逐日",), options={"zero": True}),
        Panel("p3", "p3", "臭氧浓度", "N1", "trend", {"o3": asks.over_time("o3", "yesterday")}, (),
              options={"zero": True}),
        Panel("p4", "p4", "各站 AQI", "N1", "stations",
              {"by": asks.by("aqi", "station"), "sites": asks.rows("assets:station_air")}, ("站点图",),
              options={"word": "空气站"}),
        Panel("p5", "p5", "水质断面", "N2", "stations",
              {"by": asks.by("water_good_rate", "station"), "sites": asks.rows("assets:station_water")},
              (), options={"word": "断面", "met": True}),
        Panel("p6", "p6", "近 30 天 AQI", "N1", "trend", {"aqi": asks.last("aqi", "day", 30)}, ("逐时与逐日",),
              options={"bars": True, "plain_title": True, "limit": (100.0, "良 ≤ 100", "")}),
        Panel("s1", "s1", "空气质量指数", "N1", "ranking", {"by": asks.by("aqi", "children")}, ()),
        Panel("s2", "s2", "断面达标率", "N2", "trend", {"rate": asks.last("water_good_rate", "day", 30)}, ()),
        Panel("s3", "s3", "降雨", "M1", "trend", {"rain": asks.over_time("rain_1h")}, ("站点雨量与面雨量",),
              options={"bars": True, "plain_title": True, "note": "各站平均雨量"}),
        Panel("s4", "s4", "生态类预警", "M3", "warnings", {"list": asks.WARNINGS}, ("类型、颜色、范围、有效时间",)),
        Panel("s5", "s5", "最新事件", "C1", "overdue", {"list": asks.rows("events", 6, "newest")}, ()),
        Panel("s6", "s6", "数据源", "Q1", "feeds", {"list": asks.FEEDS}, ("数据源新鲜度",)),
    ))
