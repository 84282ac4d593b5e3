"""What each station has been saying lately: a value that froze, a unit that changed."""

from __future__ import annotations

from collections.abc import Sequence

from data.health import seconds
from data.pack import Check
from data.records import FROZEN, Row, flagged
from data.times import MICRO

MOST_STATIONS = 50_000
STEADY_READINGS, STEADY, SAME_FACTOR = 8, 0.05, 0.02
# Older readings are no level to judge by: a jump that stays is believed after a day.
RECENT_US = 86_400_000_000
FROZEN_READINGS = 12
# Positions in a track: instant and value of the newest reading, first instant and number of equal ones, level, number
# of readings near that level.
TIME, VALUE, SINCE, EQUAL, LEVEL, NEAR = range(6)


class Tracks:
    """The last readings of one metric of a feed, six numbers a station; begins anew after a restart."""

    def __init__(self, check: Check) -> None:
        self._factors = tuple(by for factor in check.unit_jump for by in (factor, 1 / factor))
        self._frozen_us = round(seconds(check.frozen) * MICRO) if check.frozen else 0
        self._rests = frozenset(check.rests)
        self._known: dict[str, list[float]] = {}

    def follow(self, metric: str, station: str, times: Sequence[int], values: Sequence[float]
               ) -> tuple[list[tuple[int, str]], list[int]]:
        """Judges a station's readings in turn: (position, why not) of those refused, positions of those flagged."""
        refused: list[tuple[int, str]] = []
        frozen: list[int] = []
        row: Row = {"station": station, "metric": metric}
        for position, (row["time"], row["value"]) in enumerate(zip(times, values, strict=True)):
            row["quality"] = None
            reason = self.judge(row)
            if reason:
                refused.append((position, reason))
            elif row["quality"] is not None:
                frozen.append(position)
        return refused, frozen

    def judge(self, row: Row) -> str:
        """Why the reading cannot be taken, ''; a value that has stood still too long is flagged in `quality`."""
        time, value = row["time"], row["value"]
        track = self._known.get(row["station"])
        if track is None or time - track[TIME] > RECENT_US:
            if len(self._known) >= MOST_STATIONS:
                self._known.clear()
            self._known[row["station"]] = [time, value, time, 1, value, 1]
            return ""
        if time <= track[TIME]:
            return ""
        if value != track[VALUE]:
            return _changed(row, track, self._factors)
        track[TIME] = time
        track[EQUAL] += 1
        track[NEAR] += 1
        if track[EQUAL] >= FROZEN_READINGS and 0 < self._frozen_us <= time - track[SINCE] and value not in self._rests:
            row["quality"] = flagged(row["quality"], FROZEN)
        return ""


def _changed(row: Row, track: list[float], factors: tuple[float, ...]) -> str:
    value, level = row["value"], track[LEVEL]
    if level and -STEADY <= value / level - 1 <= STEADY:
        track[NEAR] += 1
    else:
        if track[NEAR] >= STEADY_READINGS and level:
            for factor in factors:
                if abs(value / level / factor - 1) <= SAME_FACTOR:
                    return _jumped(row, level, factor)
        track[LEVEL], track[NEAR] = value, 1
    track[TIME] = track[SINCE] = row["time"]
    track[VALUE], track[EQUAL] = value, 1
    return ""


def _jumped(row: Row, level: float, factor: float) -> str:
    by = f"{factor:g} 倍" if factor > 1 else f"{1 / factor:g} 分之一"
    return (f"{row['metric']} 疑似单位变了：{row['value']:g} 是近期水平 {level:g} 的 {by}；"
            f"请核对站点 {row['station']:.40} 的单位，属实的在 feeds.yaml 关掉 unit_jump")
