"""Stated lags and reactions of the demo county: what moves what, and how much later. Tests measure them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lag:
    """`effect` follows `cause` after `hours` (peak of cross-correlation lies between `low` and `high` hours)."""

    cause: str
    effect: str
    hours: float
    low: float
    high: float


LAGS = (
    Lag("rain", "river_level_m", 5.0, 2.0, 10.0),
    Lag("rain", "reservoir_level_m", 14.0, 8.0, 48.0),
    Lag("rain", "ponding_cm", 0.5, 0.0, 1.0),
    Lag("rain", "safe_flood events", 0.75, 0.0, 2.0),
    Lag("rain", "pm25 falls", 1.0, 0.0, 4.0),
    Lag("rain", "tp", 10.0, 4.0, 24.0),
    Lag("water cut", "pressure_mpa falls", 0.0, 0.0, 0.2),
    Lag("water cut", "util_water calls", 0.7, 0.0, 2.0),
    Lag("power cut", "silent lamps and gas sensors", 0.0, 0.0, 0.2),
    Lag("power cut", "util_power calls", 0.5, 0.0, 2.0),
)
RIVER_PEAK_H = (4, 5, 5, 6, 7, 8)
RESERVOIR_PEAK_H = 14
WATER_QUALITY_PEAK_H = 10
