"""Weather of the demo county: rain systems that cross it, and the field of rain they leave (mm in 5 minutes)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from demo.chance import Ints, Reals, normal, one, smooth, uniform
from demo.days import DAY_S, Days, bump, date_of, season

SLOT_S = 300
SLOTS = DAY_S // SLOT_S
# chance a day that a front (wide, hours) or a thunderstorm (narrow, afternoon) starts, January to December
FRONT = (0.18, 0.26, 0.36, 0.42, 0.44, 0.42, 0.16, 0.17, 0.12, 0.09, 0.12, 0.12)
THUNDER = (0.0, 0.01, 0.05, 0.12, 0.20, 0.26, 0.30, 0.26, 0.12, 0.04, 0.01, 0.0)


@dataclass(frozen=True)
class System:
    """A rain system: from `start` (s), peak in mm/h, moving from (x, y) km by (vx, vy) km/h, a bell of `sigma` km."""

    start: int
    lasts_s: int
    peak: float
    x: float
    y: float
    vx: float
    vy: float
    sigma: float


class Sky:
    """Rain, temperature and wind as functions of time. Points are (x, y) km from the county's middle."""

    def __init__(self, seed: int, days: Days, x_km: Reals, y_km: Reals, storm_at: int | None):
        self.seed, self.days, self.x, self.y = seed, days, x_km, y_km
        self.storm_at = storm_at
        self._rain = lru_cache(maxsize=420)(self._rain_of_day)
        self._hours = lru_cache(maxsize=1400)(self._hours_of_day)

    def systems(self, day: int) -> list[System]:
        """Rain systems that start on a local day."""
        month = date_of(day).month - 1
        found = []
        if one(self.seed, "front", day) < FRONT[month]:
            found.append(self._front(day, 0.3 if 3 <= month <= 5 else 0.0))
        if one(self.seed, "thunder", day) < THUNDER[month]:
            found.append(self._thunder(day))
        if self._is_extreme(day):
            found.append(self._extreme(day))
        return found

    def _is_extreme(self, day: int) -> bool:
        date = date_of(day)
        chosen = 4 + int(one(self.seed, "extreme", date.year) * 22)
        return date.month == 6 and date.day == chosen

    def _front(self, day: int, wet: float) -> System:
        draw = uniform(self.seed, "front", day, np.arange(1, 6))
        peak = math.exp(0.75 + wet + 0.7 * float(normal(self.seed, "frontpeak", day)))
        angle = (draw[2] - 0.5) * 1.2
        lasts = 5 + draw[1] * 10
        speed = 4 + 5 * draw[3]
        back = -speed * lasts / 2
        start = self.days.start(day) + int(draw[0] * DAY_S)
        return System(start, int(lasts * 3600), peak, back * math.cos(angle),
                      back * math.sin(angle) + 20 * (draw[4] - 0.5), speed * math.cos(angle), speed * math.sin(angle),
                      24 + 14 * draw[4])

    def _thunder(self, day: int) -> System:
        draw = uniform(self.seed, "thunder", day, np.arange(1, 8))
        start = self.days.start(day) + int((12.5 + 6 * draw[0]) * 3600)
        peak = min(70.0, math.exp(2.5 + 0.55 * float(normal(self.seed, "thunderpeak", day))))
        return System(start, int((0.8 + 2 * draw[1]) * 3600), peak, 60 * (draw[2] - 0.5), 60 * (draw[3] - 0.5),
                      20 * (draw[4] - 0.5), 20 * (draw[5] - 0.5), 6 + 7 * draw[6])

    def _extreme(self, day: int) -> System:
        start = self.days.start(day) + int(one(self.seed, "extremestart", day) * 12 * 3600)
        return System(start, 11 * 3600, 26.0, -20.0, -8.0, 3.6, 1.5, 27.0)

    def _storm(self) -> list[System]:
        """The scenario's storm: rain since 14 h before the anchor, violent since 5 h."""
        if self.storm_at is None:
            return []
        at = self.storm_at
        return [System(at - 15 * 3600, 11 * 3600, 10.0, -8.0, 0.0, 1.0, 0.5, 38.0),
                System(at - 19_000, 32_000, 44.0, -10.0, -4.0, 2.6, 1.2, 24.0)]

    def rain(self, day: int) -> Ints:
        """(288, k) tenths of mm that fell at each point in the 5 minutes ended at each slot of a UTC day; cached."""
        return self._rain(day)

    def _rain_of_day(self, day: int) -> Ints:
        start = day * DAY_S
        total = np.zeros((SLOTS, len(self.x)))
        nearby = [system for local in (day - 1, day, day + 1) for system in self.systems(local)]
        for system in nearby + self._storm():
            low = max(0, (system.start - start) // SLOT_S)
            high = min(SLOTS, (system.start + system.lasts_s - start) // SLOT_S + 1)
            if low < high:
                total[low:high] += self._field(system, start + np.arange(low, high) * SLOT_S)
        if not total.any():
            return np.zeros(total.shape, np.int64)
        slots = (day * SLOTS + np.arange(SLOTS))[:, None]
        points = np.arange(len(self.x))
        patchy = 0.35 + 1.3 * uniform(self.seed, "patch", slots, points)
        return np.floor(total * patchy * (10 / 12) + uniform(self.seed, "drop", slots, points)).astype(np.int64) \
            * (total > 0.05)

    def _field(self, system: System, times: Ints) -> Reals:
        hours = ((times - system.start) / 3600.0)[:, None]
        part = np.clip(hours * 3600.0 / system.lasts_s, 0.0, 1.0)
        shape = np.clip(np.minimum(part / 0.15, (1.0 - part) / 0.3), 0.0, 1.0)
        away = (self.x - system.x - system.vx * hours) ** 2 + (self.y - system.y - system.vy * hours) ** 2
        return np.asarray(system.peak * shape * np.exp(-0.5 * away / system.sigma**2))

    def hours(self, first: int, last: int) -> Reals:
        """(last-first, k) mm in the hours numbered first … last-1; hour h is the one ended at (h+1) × 3600 s."""
        days = range(first // 24, (last - 1) // 24 + 1)
        whole = np.concatenate([self._hours(day) for day in days])
        return whole[first - days[0] * 24:last - days[0] * 24]

    def _hours_of_day(self, day: int) -> Reals:
        slots = self._rain(day)
        return np.asarray(slots.reshape(24, 12, -1).sum(axis=1) / 10.0)

    def temperature(self, times: Ints) -> Reals:
        """°C over the county: seasons, day and night, weather of some days."""
        days = self.days.local_day(times)
        yearly = 19.0 + 10.5 * season(self.days.month(days), 6.7)
        daily = 4.2 * bump(self.days.local_hour(times), 15.0, 3.5) - 1.8
        return np.asarray(yearly + daily + 4.0 * smooth(times, 4 * DAY_S, self.seed, "temperature"))

    def stagnation(self, times: Ints) -> Reals:
        """-1 (windy, clean) to 1 (still air)."""
        return smooth(times, 3 * DAY_S, self.seed, "still")
