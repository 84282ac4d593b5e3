"""Class limits of a choropleth: natural breaks (Fisher 1958, exact) and quantiles, each at the roundest number there.

A limit belongs to the class above it. No class is ever empty and equal values are never parted, so there may be fewer
classes than asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CLASSES = 5
# Smaller numbers have no digits left to round.
SMALLEST = 1e-280
# Beyond so many different values those that lie together are joined first: the search takes the square of their number.
MOST_DISTINCT = 1000
_Reals = npt.NDArray[np.float64]


def natural(values: Sequence[float], classes: int = CLASSES) -> tuple[float, ...]:
    """Limits that make the values inside the classes differ least (sum of squared deviations from class means).

    Args:
        values: finite numbers in any order; none gives no limits.
        classes: how many classes at most.
    """
    distinct, counts = np.unique(np.asarray(values, float), return_counts=True)
    classes = min(classes, len(distinct))
    if classes < 2:
        return ()
    first = _joined(distinct)
    weight = np.add.reduceat(counts.astype(float), first)
    centered = distinct - distinct.mean()
    total = np.add.reduceat(centered * counts, first)
    square = np.add.reduceat(centered ** 2 * counts, first)
    starts = _best_starts(weight, total, square, min(classes, len(first)))
    return _limits(distinct, [int(first[start]) for start in starts])


def quantiles(values: Sequence[float], classes: int = CLASSES) -> tuple[float, ...]:
    """Limits that put as nearly as possible equally many values into each class; equal values stay together."""
    distinct, counts = np.unique(np.asarray(values, float), return_counts=True)
    if classes < 2 or len(distinct) < 2:
        return ()
    below = np.cumsum(counts)[:-1]
    wanted = [len(values) * share / classes for share in range(1, classes)]
    starts = {int(np.argmin(np.abs(below - rank))) + 1 for rank in wanted}
    return _limits(distinct, sorted(starts))


def roundest(low: float, high: float) -> float:
    """The number with the fewest digits that is above `low` and not above `high`."""
    if low < 0 <= high:
        return 0.0
    if max(abs(low), abs(high)) < SMALLEST:
        return high
    power = math.floor(math.log10(max(abs(low), abs(high)))) + 1
    for digits in range(18):
        scale = 10.0 ** abs(power - digits)
        found = math.floor(high / scale) * scale if power >= digits else math.floor(high * scale) / scale
        if low < found <= high:
            return found
    return high


def _joined(distinct: _Reals) -> npt.NDArray[np.intp]:
    """Where each group of neighbouring values begins: every value alone, or where many half by rank, half by width.

    Equal steps alone would leave all in one group beside a single value far off, ranks alone would bridge a gap.
    """
    if len(distinct) <= MOST_DISTINCT:
        return np.arange(len(distinct))
    half = MOST_DISTINCT // 2
    ranks = np.arange(half) * len(distinct) // half
    edges = distinct[0] + (distinct[-1] - distinct[0]) * np.arange(1, half) / half
    return np.union1d(ranks, np.searchsorted(distinct, edges))


def _best_starts(weight: _Reals, total: _Reals, square: _Reals, classes: int) -> list[int]:
    """First group of the second, third … class of the best partition, by dynamic programming over all of them."""
    size = len(weight)
    sums = [np.concatenate([[0.0], np.cumsum(column)]) for column in (weight, total, square)]
    spread = [column[None, :] - column[:, None] for column in sums]
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = spread[2] - spread[1] ** 2 / spread[0]
    # cost[i, j]: groups i … j−1 as one class.
    cost[np.tril_indices(size + 1)] = np.inf
    best = cost[0]
    chosen = []
    for _ in range(classes - 1):
        tried = best[:, None] + cost
        chosen.append(np.argmin(tried, axis=0))
        best = np.min(tried, axis=0)
    starts, end = [], size
    for column in reversed(chosen):
        end = int(column[end])
        starts.append(end)
    return starts[::-1]


def _limits(distinct: _Reals, starts: Sequence[int]) -> tuple[float, ...]:
    return tuple(roundest(float(distinct[start - 1]), float(distinct[start])) for start in starts)
