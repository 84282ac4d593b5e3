"""Buckets of time: hours, days, weeks from Monday and calendar months, by the place's own clock."""

from __future__ import annotations

import numpy as np

from data.columns import Array
from data.history_span import MONTH

DAY = 86_400_000_000
STEPS = {"hour": 3_600_000_000, "day": DAY, "week": 7 * DAY, "month": MONTH}


def shift_of(step: int) -> int:
    """How long before 1970 began the bucket of a step began: weeks begin on Mondays, 1970 on a Thursday."""
    return 3 * DAY if step > 0 and step % (7 * DAY) == 0 else 0


def bucket_start(times: Array, step: int, offset: int) -> Array:
    """Start of the bucket, µs UTC, that holds each time; `offset` is local time's distance from UTC."""
    starts: Array
    if step == MONTH:
        starts = (times + offset).astype("M8[us]").astype("M8[M]").astype("M8[us]").astype(np.int64) - offset
    else:
        shift = offset + shift_of(step)
        starts = (times + shift) // step * step - shift
    return starts


def bucket_starts(start: int, end: int, step: int, offset: int) -> Array:
    """Starts of all buckets that touch [start, end)."""
    first, last = bucket_start(np.array([start, end - 1], np.int64), step, offset)
    if step != MONTH:
        return np.arange(first, last + 1, step, dtype=np.int64)
    months = np.array([first + offset, last + offset]).astype("M8[us]").astype("M8[M]")
    found: Array = np.arange(months[0], months[1] + 1).astype("M8[us]").astype(np.int64) - offset
    return found


def trailing_start(end: int, count: int, step: int, offset: int) -> int:
    """Start of the first of `count` buckets of which the last holds the instant before `end`."""
    newest = bucket_start(np.array([end - 1], np.int64), step, offset)
    if step != MONTH:
        return int(newest[0]) - (count - 1) * step
    first = (newest + offset).astype("M8[us]").astype("M8[M]") - (count - 1)
    return int(first.astype("M8[us]").astype(np.int64)[0]) - offset


def buckets_in(length: int, step: int) -> int:
    """About how many buckets a stretch of time holds."""
    return length // (30 * DAY if step == MONTH else step)
