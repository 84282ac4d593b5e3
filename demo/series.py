"""Values of a metric at several stations and times, and how they become records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from demo.chance import Flags, Ints, Reals
from demo.days import DAY_S

MICRO = 1_000_000


@dataclass(frozen=True)
class Series:
    """`values` (n, k): a metric at k stations and n times (s, end of the interval); NaN = not delivered."""

    metric: str
    ids: tuple[str, ...]
    times: Ints
    values: Reals

    def hourly(self, add: bool) -> Series:
        """At the full hours only: the value there, or the sum of the hour (silent where nothing came)."""
        whole = self.times % 3600 == 0
        if not add:
            return Series(self.metric, self.ids, self.times[whole], self.values[whole])
        rows = int(whole.sum())
        blocks = self.values.reshape(rows, -1, len(self.ids))
        empty = np.isnan(blocks).all(axis=1)
        sums = np.round(np.nansum(blocks, axis=1), 1)
        return Series(self.metric, self.ids, self.times[whole], np.where(empty, np.nan, sums))

    def chosen(self, rows: Flags) -> tuple[Ints, Ints, Reals]:
        """(time index, station index, value) of the delivered cells that the mask `rows` (n, k) or (n,) names."""
        mask = rows if rows.ndim == 2 else rows[:, None]
        when, where = np.nonzero(mask & ~np.isnan(self.values))
        return when, where, self.values[when, where]

    def records(self, rows: Flags) -> list[dict[str, Any]]:
        """Observation records (time in µs) of the chosen cells, in order of time."""
        when, where, values = self.chosen(rows)
        stamps = (self.times[when] * MICRO).tolist()
        return [{"station": self.ids[station], "metric": self.metric, "time": stamp, "value": value, "demo": True}
                for station, stamp, value in zip(where.tolist(), stamps, values.tolist(), strict=True)]


def slot_ends(day: int, step_s: int) -> Ints:
    """Ends of the steps of a UTC day: (start, start + 24 h]."""
    return day * DAY_S + step_s * np.arange(1, DAY_S // step_s + 1)
