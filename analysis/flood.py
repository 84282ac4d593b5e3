"""Rivers and reservoirs: metres over a limit, rate of rise, time to the next limit; all limits are configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

State = Literal["normal", "near", "over_warning", "over_guarantee"]
WORDS: dict[State, str] = {"normal": "正常", "near": "接近警戒", "over_warning": "超警", "over_guarantee": "超保"}
NEAR_M = 0.5
FLAT_M_PER_H = 0.005


@dataclass(frozen=True)
class RiverState:
    """`over_warning_m`, `over_guarantee_m`: level minus limit (negative = below), None where no limit is stated."""

    state: State
    over_warning_m: float | None
    over_guarantee_m: float | None

    @property
    def text(self) -> str:
        """超保 0.12 m / 超警 0.85 m / 距警戒 0.40 m, — without any limit."""
        if self.state == "over_guarantee" and self.over_guarantee_m is not None:
            return f"超保 {self.over_guarantee_m:.2f} m"
        if self.over_warning_m is None:
            return "—"
        return f"{'超警' if self.over_warning_m >= 0 else '距警戒'} {abs(self.over_warning_m):.2f} m"


def _over(level_m: float, limit_m: float | None) -> float | None:
    return None if limit_m is None else round(level_m - limit_m, 6)


def river_state(level_m: float | None, warning_m: float | None, guarantee_m: float | None = None,
                near_m: float = NEAR_M) -> RiverState | None:
    """A level against 警戒水位 and 保证水位 (reaching a limit counts as over it); None without a level.

    Raises:
        ValueError: the guarantee level lies below the warning level.
    """
    if level_m is None:
        return None
    if warning_m is not None and guarantee_m is not None and guarantee_m < warning_m:
        raise ValueError("保证水位低于警戒水位；请核对 limits.yaml")
    warning, guarantee = _over(level_m, warning_m), _over(level_m, guarantee_m)
    state: State = "normal"
    if guarantee is not None and guarantee >= 0:
        state = "over_guarantee"
    elif warning is not None and warning >= 0:
        state = "over_warning"
    elif warning is not None and warning >= -near_m:
        state = "near"
    return RiverState(state, warning, guarantee)


def rate_m_per_h(readings: Sequence[tuple[float, float | None]]) -> float | None:
    """Rate of rise (m/h) as the least-squares slope of (hours, level m); None with fewer than two instants."""
    points = [(hours, level) for hours, level in readings if level is not None]
    if len(points) < 2:
        return None
    middle = sum(hours for hours, _ in points) / len(points)
    mean = sum(level for _, level in points) / len(points)
    spread = sum((hours - middle) ** 2 for hours, _ in points)
    if spread == 0:
        return None
    return sum((hours - middle) * (level - mean) for hours, level in points) / spread


def hours_to(level_m: float, rate: float | None, limit_m: float) -> float | None:
    """Hours until the limit at the present rate; 0 when reached, None when not rising (under 0.005 m/h)."""
    if level_m >= limit_m:
        return 0.0
    if rate is None or rate < FLAT_M_PER_H:
        return None
    return (limit_m - level_m) / rate


def rate_words(rate: float | None) -> str:
    """↑ 0.12 m/h, ↓ …, 平稳, — when unknown."""
    if rate is None:
        return "—"
    if abs(rate) < FLAT_M_PER_H:
        return "平稳"
    return f"{'↑' if rate > 0 else '↓'} {abs(rate):.2f} m/h"


@dataclass(frozen=True)
class Season:
    """A stretch of the year, both ends inclusive as (month, day), and the reservoir's 汛限水位 (m) within it."""

    start: tuple[int, int]
    end: tuple[int, int]
    limit_m: float


def flood_limit_m(seasons: Sequence[Season], day: date) -> float | None:
    """The limit in force on a day; None outside every season (no limit holds then). Seasons may run over New Year.

    Raises:
        ValueError: two seasons hold on that day with different limits.
    """
    now = (day.month, day.day)
    found = {season.limit_m for season in seasons
             if (season.start <= now <= season.end if season.start <= season.end
                 else now >= season.start or now <= season.end)}
    if len(found) > 1:
        raise ValueError(f"{day.month}月{day.day}日有多个汛限水位；请核对 limits.yaml")
    return next(iter(found), None)


def over_flood_limit_m(level_m: float | None, seasons: Sequence[Season], day: date) -> float | None:
    """Metres over the 汛限水位 of the day (negative = below); None without a level or outside the flood season."""
    limit = flood_limit_m(seasons, day)
    return None if level_m is None or limit is None else _over(level_m, limit)
