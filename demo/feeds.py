"""The observation feeds of the demo county: steps, how late each station reports, and blocks of a UTC day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from demo import flows, hydro, nature, sensors
from demo.chance import Flags, Ints, uniform
from demo.county import County
from demo.days import DAY_S
from demo.series import Series

Block = Callable[[County, int], list[Series]]


@dataclass(frozen=True)
class ObservedFeed:
    """`step_s` between times; stations report `late` (from, to) s after them; `adds` metrics are sums of a step."""

    key: str
    step_s: int
    late: tuple[int, int]
    block: Block
    adds: frozenset[str] = frozenset()


OBSERVED: dict[str, ObservedFeed] = {feed.key: feed for feed in (
    ObservedFeed("rain", 300, (3, 70), hydro.rain_series, frozenset({"rain_mm"})),
    ObservedFeed("river", 300, (5, 90), hydro.river),
    ObservedFeed("reservoir", 300, (5, 120), hydro.reservoir),
    ObservedFeed("air_hourly", 3600, (40, 420), nature.air),
    ObservedFeed("water_quality", 4 * 3600, (120, 900), nature.water),
    ObservedFeed("power", 900, (8, 150), flows.power),
    ObservedFeed("parking", 300, (5, 200), flows.parking),
    ObservedFeed("traffic", 300, (4, 150), flows.traffic, frozenset({"flow"})),
    ObservedFeed("hall", 300, (6, 30), flows.hall, frozenset({"hall_cases"})),
    ObservedFeed("sensors", 300, (5, 245), sensors.sensors),
)}
NEVER = {"feed-down": frozenset({"hall"})}


class Observations:
    """What the stations of a county report, and when."""

    def __init__(self, county: County):
        self.county = county
        self._block = lru_cache(maxsize=40)(self._make)
        self.lateness = lru_cache(maxsize=40)(self._lateness)

    def delivered(self, key: str) -> bool:
        """False for a feed that the scenario never delivers."""
        return key not in NEVER.get(self.county.scenario, frozenset())

    def block(self, key: str, day: int) -> list[Series]:
        """All series of a feed on a UTC day; cached."""
        return self._block(key, day)

    def _make(self, key: str, day: int) -> list[Series]:
        return OBSERVED[key].block(self.county, day)

    def _lateness(self, key: str, ids: tuple[str, ...]) -> Ints:
        """(k,) seconds after a time at which each station reports it."""
        low, high = OBSERVED[key].late
        return (low + (high - low) * uniform(self.county.seed, "late", key, np.arange(len(ids)))).astype(np.int64)

    def reported(self, key: str, after: int, until: int, since: int = 0) -> list[dict[str, Any]]:
        """Records that stations report in (after, until] (s), at the feed's own step, of times later than `since`."""
        if not self.delivered(key):
            return []
        found: list[dict[str, Any]] = []
        earliest = max(after - OBSERVED[key].late[1], since)
        for day in range(earliest // DAY_S, (until - 1) // DAY_S + 1):
            for series in self.block(key, day):
                low, high = np.searchsorted(series.times, [earliest, until], side="right")
                if low < high:
                    part = Series(series.metric, series.ids, series.times[low:high], series.values[low:high])
                    report = part.times[:, None] + self.lateness(key, part.ids)
                    found += part.records((report > after) & (report <= until))
        return found

    def coarse(self, key: str, after: int, until: int) -> list[tuple[Series, Flags]]:
        """Hourly (or the feed's longer step) series, and the mask of rows with times in (after, until]."""
        if not self.delivered(key):
            return []
        feed, found = OBSERVED[key], []
        for day in range(after // DAY_S, (until - 1) // DAY_S + 1):
            for series in self.block(key, day):
                thin = series.hourly(series.metric in feed.adds) if feed.step_s < 3600 else series
                found.append((thin, (thin.times > after) & (thin.times <= until)))
        return found

    def coarse_records(self, key: str, after: int, until: int) -> list[dict[str, Any]]:
        """Records of `coarse`."""
        return [row for series, rows in self.coarse(key, after, until) for row in series.records(rows)]
