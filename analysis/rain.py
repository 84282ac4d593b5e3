"""Rain by GB/T 28592-2012: classes of 24 h and 12 h totals (mm), and the days that rain is counted by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

CLASSES = ("零星", "小雨", "中雨", "大雨", "暴雨", "大暴雨", "特大暴雨")
# Lower bounds of the classes from 小雨 on, mm.
BOUNDS: dict[int, tuple[str, ...]] = {24: ("0.1", "10.0", "25.0", "50.0", "100.0", "250.0"),
                                      12: ("0.1", "5.0", "15.0", "30.0", "70.0", "140.0")}
SHORT_HEAVY_MM = 20.0
WATER_DAY_HOUR = 8
WEATHER_DAY_HOUR = 20


@dataclass(frozen=True)
class RainClass:
    """`grade` 0 (零星) … 6 (特大暴雨), its name, and the total as compared (rounded to 0.1 mm)."""

    grade: int
    name: str
    total_mm: float


def rounded_mm(total_mm: float) -> Decimal:
    """The total to 0.1 mm by GB/T 8170 (half to even), as written in decimals."""
    return Decimal(str(round(total_mm, 6))).quantize(Decimal("0.1"), ROUND_HALF_EVEN)


def rain_class(total_mm: float | None, hours: int = 24) -> RainClass | None:
    """Class of a total of 24 or 12 hours; None without a total.

    Raises:
        ValueError: other hours, or a negative total.
    """
    if hours not in BOUNDS:
        raise ValueError(f"GB/T 28592 只有 24 小时与 12 小时等级，得到 {hours}")
    if total_mm is None:
        return None
    if total_mm != total_mm or total_mm < 0:
        raise ValueError(f"雨量 {total_mm:g} 无效")
    total = rounded_mm(total_mm)
    grade = sum(total >= Decimal(bound) for bound in BOUNDS[hours])
    return RainClass(grade, CLASSES[grade], float(total))


def short_heavy(hour_mm: float | None) -> bool:
    """短时强降水: at least 20 mm in one hour."""
    return hour_mm is not None and hour_mm >= SHORT_HEAVY_MM


def water_day(local: datetime) -> date:
    """The hydrological day of a local instant: 08:00 to 08:00 of the next (from memory; print the window)."""
    return (local - timedelta(hours=WATER_DAY_HOUR)).date()


def water_day_window(day: date) -> tuple[datetime, datetime]:
    """Local [start, end) of a hydrological day, without zone."""
    start = datetime.combine(day, time(WATER_DAY_HOUR))
    return start, start + timedelta(days=1)


def weather_day_window(day: date) -> tuple[datetime, datetime]:
    """Local [start, end) of a meteorological day: 20:00 of the day before to 20:00 (from memory)."""
    end = datetime.combine(day, time(WEATHER_DAY_HOUR))
    return end - timedelta(days=1), end


def window_words(start: datetime, end: datetime) -> str:
    """A window as it must stand beside every total: 11月21日08时至11月22日08时."""
    return f"{start.month}月{start.day}日{start.hour:02}时至{end.month}月{end.day}日{end.hour:02}时"
