"""Tables of HJ 633 (2012 and 2026): breakpoints, daily items, categories. Concentrations µg/m³, CO mg/m³."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

POLLUTANTS = ("so2", "no2", "pm10", "pm25", "co", "o3")
NAMES = {"so2": "SO₂", "no2": "NO₂", "pm10": "PM₁₀", "pm25": "PM₂.₅", "co": "CO", "o3": "O₃"}
AVERAGES = {"so2": ("24h", "1h"), "no2": ("24h", "1h"), "pm10": ("24h", "1h"), "pm25": ("24h", "1h"),
            "co": ("24h", "1h"), "o3": ("8h", "1h")}
IAQI_STEPS = (0, 50, 100, 150, 200, 300, 400, 500)

Breakpoints = dict[tuple[str, str], tuple[int, ...]]

# HJ 633—2026 table 3. SO2 1 h ends at 800 (note b) and O3 8 h at 800 (note c). PM 1 h uses the daily columns.
_COMMON: Breakpoints = {
    ("so2", "24h"): (0, 50, 150, 475, 800, 1600, 2100, 2620),
    ("so2", "1h"): (0, 150, 500, 650, 800),
    ("no2", "24h"): (0, 40, 80, 180, 280, 565, 750, 940),
    ("no2", "1h"): (0, 100, 200, 700, 1200, 2340, 3090, 3840),
    ("co", "24h"): (0, 2, 4, 14, 24, 36, 48, 60),
    ("co", "1h"): (0, 5, 10, 35, 60, 90, 120, 150),
    ("o3", "8h"): (0, 100, 160, 215, 265, 800),
    ("o3", "1h"): (0, 160, 200, 300, 400, 800, 1000, 1200),
}


def _particles(pm10_at_100: int, pm25_at_100: int) -> Breakpoints:
    pm10 = (0, 50, pm10_at_100, 250, 350, 420, 500, 600)
    pm25 = (0, 35, pm25_at_100, 115, 150, 250, 350, 500)
    return {("pm10", "24h"): pm10, ("pm10", "1h"): pm10, ("pm25", "24h"): pm25, ("pm25", "1h"): pm25}


@dataclass(frozen=True)
class Rules:
    """One edition. `items` of the daily report as (pollutant, average); `capped` = what a table that ends early gives.

    2026: SO2 1 h > 800 → 200, O3 8 h > 800 → 300. 2012: None, the sub-index of the other average counts instead.
    """

    name: str
    breakpoints: Breakpoints
    items: tuple[tuple[str, str], ...]
    capped: bool


_SIX = (("so2", "24h"), ("no2", "24h"), ("pm10", "24h"), ("pm25", "24h"), ("co", "24h"), ("o3", "8h"))
RULES_2012 = Rules("HJ 633—2012", {**_COMMON, **_particles(150, 75)}, (*_SIX, ("o3", "1h")), False)
RULES_2026 = Rules("HJ 633—2026", {**_COMMON, **_particles(120, 60)}, _SIX, True)
IN_FORCE_2026 = date(2026, 3, 1)


def rules_on(day: date) -> Rules:
    """The edition in force on the day of the observation."""
    return RULES_2026 if day >= IN_FORCE_2026 else RULES_2012


@dataclass(frozen=True)
class Category:
    """One of six: `low`..`high` inclusive, level, name, color word, its normative RGB as hex, text color on it."""

    low: int
    high: int
    level: str
    name: str
    color: str
    hex: str
    text: str


CATEGORIES = (
    Category(0, 50, "一级", "优", "绿色", "#00E400", "#000000"),
    Category(51, 100, "二级", "良", "黄色", "#FFFF00", "#000000"),
    Category(101, 150, "三级", "轻度污染", "橙色", "#FF7E00", "#000000"),
    Category(151, 200, "四级", "中度污染", "红色", "#FF0000", "#000000"),
    Category(201, 300, "五级", "重度污染", "紫色", "#99004C", "#FFFFFF"),
    Category(301, 500, "六级", "严重污染", "褐红色", "#7E0023", "#FFFFFF"),
)
