"""Rivers and reservoirs of the demo county: rain of the hours before, through kernels with stated lags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demo.chance import Reals, uniform
from demo.days import season
from demo.lags import RESERVOIR_PEAK_H, RIVER_PEAK_H
from demo.series import Series, slot_ends

if TYPE_CHECKING:
    from demo.county import County

RIVER_NAMES = ("贡江县城", "贡江峡山", "梅江", "濂江", "澄江", "小溪河")
RIVER_BASE_M = (104.2, 98.6, 118.4, 121.7, 126.3, 131.5)
RIVER_GAIN = 0.105
WARN_ABOVE_M, GUARANTEE_ABOVE_M = 3.2, 5.0
SURGING = (2, 9)


def kernel(peak_h: int, hours: int, power: float = 2.0) -> Reals:
    """Weights over the hours 0 … hours-1 before, peak at `peak_h`, sum 1."""
    part = np.arange(hours) / peak_h
    weights = part**power * np.exp(power * (1.0 - part))
    return np.asarray(weights / weights.sum())


def respond(rain: Reals, weights: Reals) -> Reals:
    """Weighted sums of the hours before; rain (h, k) → (h - len(weights) + 1, k), last row = last hour."""
    rows = len(rain) - len(weights) + 1
    total = np.zeros((rows, rain.shape[1]))
    for ago, weight in enumerate(weights):
        first = len(weights) - 1 - ago
        total += weight * rain[first:first + rows]
    return total


def to_slots(hourly: Reals) -> Reals:
    """(25, k) levels at the full hours of a UTC day → (288, k) at every 5 minutes' end."""
    hours, part = np.divmod(np.arange(1, 289), 12)
    low, high = np.minimum(hours, 24), np.minimum(hours + 1, 24)
    share = (part / 12.0)[:, None]
    return np.asarray(hourly[low] * (1 - share) + hourly[high] * share)


def river(county: County, day: int) -> list[Series]:
    """Level (m) and flow (m³/s) every 5 minutes of a UTC day."""
    sites = county.sites["station_river"]
    wide = county.sky.hours(day * 24 - 72, day * 24 + 24)[:, :len(county.sites["station_rain"].ids)]
    basin = wide.mean(axis=1, keepdims=True)
    hourly = np.concatenate([respond(basin, kernel(peak, 72)) for peak in RIVER_PEAK_H[:len(sites.ids)]], axis=1)
    times = slot_ends(day, 300)
    month = county.days.month(county.days.local_day(times))
    base = np.array(RIVER_BASE_M[:len(sites.ids)]) + 0.5 * season(month, 5.5)[:, None]
    ripple = 0.01 * uniform(county.seed, "ripple", times[:, None] // 300, np.arange(len(sites.ids)))
    # kernel sums are mm an hour: × 10 makes a storm of 10 mm/h over the basin raise the river by about a gain's ten
    rise = RIVER_GAIN * 3.9 * to_slots(hourly) ** 0.9
    level = np.round(base + rise + ripple, 2)
    depth = level - np.array(RIVER_BASE_M[:len(sites.ids)]) + 1.6
    flow = np.round(np.array([260.0, 310.0, 120.0, 90.0, 45.0, 30.0])[:len(sites.ids)] * (depth / 1.6) ** 1.6, 0)
    return [Series("river_level_m", sites.ids, times, level), Series("flow", sites.ids, times, flow)]


def reservoir_facts(county: County) -> dict[str, Reals]:
    """Simulated properties: flood_limit_m, normal_m, dead_m, storage_limit (10⁴ m³ at the flood limit), margin_m."""
    number = np.arange(len(county.sites["reservoir"].ids))
    limit = np.round(120.0 + 110.0 * uniform(county.seed, "limit", number), 2)
    margin = 2.2 + 1.2 * uniform(county.seed, "margin", number)
    storage = np.round(10 ** (1.3 + 1.7 * uniform(county.seed, "storage", number)), 1)
    return {"flood_limit_m": limit, "normal_m": np.round(limit + 1.5, 2), "dead_m": np.round(limit - 14.0, 2),
            "storage_limit": storage, "margin_m": margin}


def reservoir(county: County, day: int) -> list[Series]:
    """Level (m) and storage (10⁴ m³) every 5 minutes of a UTC day; two of them surge in the storm scenario."""
    sites, facts = county.sites["reservoir"], reservoir_facts(county)
    first = len(county.sites["station_rain"].ids)
    towns = county.sky.hours(day * 24 - 240, day * 24 + 24)[:, first:][:, sites.town]
    weights = 0.5 * kernel(RESERVOIR_PEAK_H, 240, 2.0) + 0.5 * kernel(30, 240, 1.0)
    rise = to_slots(respond(towns, weights)) * 0.8
    times = slot_ends(day, 300)
    month = county.days.month(county.days.local_day(times))
    level = facts["flood_limit_m"] - facts["margin_m"] + 0.5 * season(month, 6.0)[:, None] + np.minimum(rise, 3.4)
    if county.storm_at is not None:
        hours = (times - (county.storm_at - 5 * 3600)) / 3600.0
        surge = 3.6 * np.clip(hours / 4.5, 0, 1) * np.exp(-np.maximum(hours - 8, 0) / 60.0)
        level[:, [number % level.shape[1] for number in SURGING]] += surge[:, None]
    level = np.round(level, 2)
    share = np.clip((level - facts["dead_m"]) / (facts["flood_limit_m"] - facts["dead_m"]), 0.02, 1.6)
    storage = np.round(facts["storage_limit"] * share**1.8, 1)
    return [Series("reservoir_level_m", sites.ids, times, level), Series("storage", sites.ids, times, storage)]


def rain_series(county: County, day: int) -> list[Series]:
    """Rain (mm) in the 5 minutes ended at each time of a UTC day."""
    ids = county.sites["station_rain"].ids
    return [Series("rain_mm", ids, slot_ends(day, 300), county.sky.rain(day)[:, :len(ids)] / 10.0)]

