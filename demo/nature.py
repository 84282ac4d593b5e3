"""Air and water quality of the demo county, moved by season, hour, weather and rain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demo.chance import Reals, normal, smooth, uniform
from demo.days import bump, season
from demo.hydro import kernel, respond
from demo.lags import WATER_QUALITY_PEAK_H
from demo.series import Series, slot_ends

if TYPE_CHECKING:
    from demo.county import County


def _washed(county: County, day: int) -> Reals:
    """(24, 1) share of particles that rain of the last three hours leaves in the air."""
    first = len(county.sites["station_rain"].ids)
    wet = county.sky.hours(day * 24 - 2, day * 24 + 24)[:, :first].mean(axis=1)
    fell = wet[:-2] * 0.6 + wet[1:-1] * 0.9 + wet[2:] * 0.7
    return np.asarray(np.exp(-0.22 * np.minimum(fell, 8.0))[:, None], float)


def air(county: County, day: int) -> list[Series]:
    """Hourly pm25 pm10 so2 no2 o3 (µg/m³) and co (mg/m³); about 1 % of the hours are missing."""
    sites, seed = county.sites["station_air"], county.seed
    times = slot_ends(day, 3600)
    column, number = times[:, None], np.arange(len(sites.ids))
    month = county.days.month(county.days.local_day(times - 1))[:, None]
    hour = county.days.local_hour(times)[:, None]
    rush = 0.5 * bump(hour, 8.5, 1.8) + 0.6 * bump(hour, 20.0, 2.6)
    still = county.sky.stagnation(times)[:, None]
    local = 0.85 + 0.3 * uniform(seed, "airsite", number) + 0.1 * smooth(column, 7200, seed, "airlocal", number)
    cold = season(month, 0.6)
    dust = np.exp(0.45 * still + 0.08 * normal(seed, "dust", column // 3600, number)) * local * _washed(county, day)
    sparks = 1.0 + 1.5 * (np.abs(county.days.spring(county.days.local_day(times))) < 2)[:, None] * bump(hour, 0.5, 2.0)
    sun = np.clip(bump(hour, 15.0, 3.2), 0.02, 1.0)
    warm = np.clip((county.sky.temperature(times)[:, None] - 5.0) / 25.0, 0.05, 1.3)
    pm25 = (24.0 + 11.0 * cold) * (0.85 + 0.4 * rush) * dust * sparks
    values = {
        "pm25": pm25, "pm10": pm25 * (1.55 + 0.2 * uniform(seed, "coarse", column // 3600, number)) + 4,
        "so2": (8.0 + 3.0 * cold) * np.sqrt(dust), "no2": (17.0 + 6.0 * cold) * (0.6 + rush) * np.sqrt(dust),
        "o3": 28.0 + 118.0 * sun * warm * (0.85 + 0.25 * still) * np.sqrt(_washed(county, day)) * (0.95 + 0.05 * local),
    }
    made = {metric: np.maximum(1.0, np.round(value)) for metric, value in values.items()}
    made["co"] = np.round((0.65 + 0.2 * cold) * (0.7 + 0.5 * rush) * np.sqrt(dust), 1)
    lost = uniform(seed, "airlost", column // 3600, number) < 0.01
    return [Series(metric, sites.ids, times, np.where(lost, np.nan, value)) for metric, value in made.items()]


def water(county: County, day: int) -> list[Series]:
    """ph, do, codmn, nh3n, tp (mg/L) every 4 hours; rain of the hours before washes phosphorus and nitrogen in."""
    sites, seed = county.sites["station_water"], county.seed
    times = slot_ends(day, 4 * 3600)
    column, number = times[:, None], np.arange(len(sites.ids))
    first = len(county.sites["station_rain"].ids)
    rain = county.sky.hours(day * 24 - 71, day * 24 + 24)[:, :first].mean(axis=1, keepdims=True)
    wash = respond(rain, kernel(WATER_QUALITY_PEAK_H, 72))[3::4]
    dirty = 0.55 + 0.9 * uniform(seed, "river", number)
    noise = 1.0 + 0.08 * normal(seed, "water", column // 3600, number)
    drift = 1.0 + 0.15 * smooth(column, 9 * 86400, seed, "drift", number)
    celsius = county.sky.temperature(times)[:, None]
    values = {
        "ph": np.round(7.35 + 0.25 * smooth(column, 86400, seed, "ph", number), 2),
        "do": np.round(10.6 - 0.13 * celsius - 0.5 * dirty + 0.3 * (noise - 1.0), 1),
        "codmn": np.round((2.1 * dirty + 0.7 * wash) * noise * drift, 1),
        "nh3n": np.round((0.24 * dirty + 0.06 * wash) * noise * drift, 2),
        "tp": np.round((0.060 * dirty + 0.024 * wash) * noise * drift, 3),
    }
    return [Series(metric, sites.ids, times, value) for metric, value in values.items()]
