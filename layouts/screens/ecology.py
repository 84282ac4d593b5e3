"""生态环境: air by HJ 633, surface water by class, and where they stand worst."""

from __future__ import annotations

from layouts import asks
from layouts.screen import Figure, MapView, Panel, Screen

SCREEN = Screen(
    key="ecology", title="生态环境", topics=("N1", "N2"), lead="ecology",
    figures=(Figure("aqi"), Figure("pm25"), Figure("pm10"), Figure("o3"), Figure("good_day_rate", "last_year", "优良天比例"),
             Figure("water_good_rate", "last_year", "水质优良率")),
    map=MapView("aqi", ("aqi", "pm25", "pm10", "o3", "water_good_rate", "rain_24h"),
                ("station_air", "station_water", "station_rain", "enterprise"), ("station_air", "station_water")),
    lead_asks={"warnings": asks.WARNINGS},
    panels=(
        Panel("p1", "p1", "空气质量", "N1", "air",
              {"aqi": asks.last("aqi", "hour", 24, "yesterday"), "pm25": asks.now("pm25"), "good": asks.now("good_day_rate")},
              ("AQI、首要污染物，逐时",), css="first"),
        Panel("p2", "p2", "颗粒物浓度", "N1", "trend",
              {"pm25": asks.over_time("pm25", "yesterday"), "pm10": asks.over_time("pm10")},
              ("PM2.5 与 PM10 走势",), options={"zero": True}),
        Panel("p3", "p3", "臭氧浓度", "N1", "trend", {"o3": asks.over_time("o3", "yesterday")}, ("臭氧走势",),
              options={"zero": True}),
        Panel("p4", "p4", "各站 AQI", "N1", "stations",
              {"by": asks.by("aqi", "station"), "sites": asks.rows("assets:station_air")}, ("站点 AQI",),
              options={"word": "空气站"}),
        Panel("p5", "p5", "水质断面", "N2", "stations",
              {"by": asks.by("water_good_rate", "station"), "sites": asks.rows("assets:station_water")},
              ("断面是否达标",), options={"word": "断面", "met": True}),
        Panel("p6", "p6", "近 30 天 AQI", "N1", "trend", {"aqi": asks.last("aqi", "day", 30)}, ("逐日 AQI",),
              options={"bars": True, "plain_title": True, "limit": (100.0, "良 ≤ 100", "")}),
        Panel("s1", "s1", "空气质量指数", "N1", "ranking", {"by": asks.by("aqi", "children")}, ("按区划的 AQI",)),
        Panel("s2", "s2", "水质优良率", "N2", "trend", {"rate": asks.last("water_good_rate", "day", 30)}, ("水质走势",)),
        Panel("s3", "s3", "降雨", "N2", "trend", {"rain": asks.over_time("rain_1h")}, ("面雨量",),
              options={"bars": True, "plain_title": True, "note": "各站平均雨量"}),
        Panel("s4", "s4", "生态类预警", "M3", "warnings", {"list": asks.WARNINGS}, ("生效预警",)),
        Panel("s5", "s5", "最新事件", "C1", "overdue", {"list": asks.rows("events", 6, "newest")}, ("最新动态",)),
        Panel("s6", "s6", "数据源", "Q1", "feeds", {"list": asks.FEEDS}, ("数据源新鲜度",)),
    ))
