"""What newer records cannot change any more: versions of a feed by how far back they reach, points kept by bucket."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from data.answers import Point
from data.columns import Array
from data.inputs import Inputs
from data.pack import Metric

MOST_STEPS, MOST_POINTS = 512, 100_000
Stamp = Callable[[Metric, int], Any]
_NONE: tuple[Any, None] = (None, None)


class Reach:
    """Versions of a feed by the oldest instant that each told of: the past before it stands as it stood."""

    def __init__(self) -> None:
        self._base = 0
        self._since: list[int] = []
        self._version: list[int] = []

    def note(self, version: int, oldest_us: int) -> None:
        """A newer version tells of instants from `oldest_us` on."""
        while self._since and self._since[-1] >= oldest_us:
            self._since.pop()
            self._version.pop()
        self._since.append(oldest_us)
        self._version.append(version)
        if len(self._since) > MOST_STEPS:
            half = MOST_STEPS // 2
            self._base = self._version[half - 1]
            del self._since[:half], self._version[:half]

    def before(self, end_us: int) -> int:
        """The newest version that told of an instant before `end_us`; 0 = none."""
        at = bisect_left(self._since, end_us)
        return self._version[at - 1] if at else self._base


class PointMemo:
    """Finished points of series, kept bucket by bucket with the stamp of their data. For one thread at a time.

    `stamp(metric, end)`: what changes whenever a record before `end` (µs UTC) that the metric looks at does.
    """

    def __init__(self, stamp: Stamp) -> None:
        self._stamp = stamp
        self._kept: OrderedDict[Any, dict[int, tuple[Any, Point]]] = OrderedDict()
        self._size = 0

    def series(self, inputs: Inputs, division: str, starts: Array,
               compute: Callable[[Inputs, Array], Sequence[Point]]) -> tuple[Point, ...]:
        """The points of all buckets; `compute(inputs of a span, its bucket starts)` makes those that are not at hand.

        A bucket that the window cuts, as the present one mostly is, is made anew each time.
        """
        kept = self._shelf((id(inputs.metric), division, inputs.step, inputs.offset, inputs.filters))
        at, ends = starts.tolist(), [*starts[1:].tolist(), inputs.end]
        stamps = [None if start < inputs.start or end == inputs.end else self._stamp(inputs.metric, end)
                  for start, end in zip(at, ends, strict=True)]
        held = [kept.get(start, _NONE) for start in at]
        found = [point if stamp is not None and stamp == old else None
                 for stamp, (old, point) in zip(stamps, held, strict=True)]
        for first, last in _gaps(found):
            part = replace(inputs, start=max(at[first], inputs.start), end=ends[last - 1],
                           moving=inputs.moving and last == len(at))
            made = compute(part, starts[first:last])
            found[first:last] = made
            for place, point in zip(range(first, last), made, strict=True):
                if stamps[place] is not None:
                    self._size += at[place] not in kept
                    kept[at[place]] = (stamps[place], point)
        return tuple(point for point in found if point is not None)

    def _shelf(self, key: Any) -> dict[int, tuple[Any, Point]]:
        while self._size > MOST_POINTS and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1])
        found = self._kept.setdefault(key, {})
        self._kept.move_to_end(key)
        return found


def _gaps(points: Sequence[Point | None]) -> list[tuple[int, int]]:
    """[first, last) of each run of points that are not at hand."""
    edges = np.flatnonzero(np.diff([False, *(point is None for point in points), False]))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
