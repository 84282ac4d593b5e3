"""What a feed's deliveries are worth: one score of three shares, and the rule in words from the same numbers."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WEIGHTS = {"timely": 40, "sound": 40, "complete": 20}
WORDS = {"timely": "及时", "sound": "合格", "complete": "完整"}
RULE = ("得分为" + "、".join(f"{WORDS[name]} {weight}" for name, weight in WEIGHTS.items())
        + " 分之和：及时＝近 24 小时按节奏到数的时间占比（按整小时看，慢于 20 分钟一次的容一小时早晚），"
        "正在静默的从最后一条起算缺；完整＝近 24 小时数量占常量；"
        "合格＝近 7 天收下占收下加隔离；无依据的不计，其余折成 100 分")
DAY_H, RHYTHMS = 24, 10
HOURS_A_WEEK = 168
FEWEST_WEEKS = 1


@dataclass(frozen=True)
class Shares:
    """Shares of 0–1 over the span judged; None where there is nothing to judge by."""

    timely: float | None = None
    sound: float | None = None
    complete: float | None = None


def score(shares: Shares) -> float | None:
    """0–100; None when no share is known."""
    known = {name: getattr(shares, name) for name in WEIGHTS if getattr(shares, name) is not None}
    weight = sum(WEIGHTS[name] for name in known)
    return 100 * sum(WEIGHTS[name] * share for name, share in known.items()) / weight if weight else None


def usual(counts: Mapping[int, int], hours: Sequence[int], first: int) -> float | None:
    """What the same hours of the week usually hold: the median of the weeks before.

    Args:
        counts: records by hour since 1970; an hour that is not there held none.
        hours: the hours asked about, in one piece.
        first: the first hour from which on counts are known.

    Returns:
        None while less than one whole week before is known.
    """
    weeks = []
    back = HOURS_A_WEEK
    while hours and hours[0] - back >= first:
        weeks.append(sum(counts.get(hour - back, 0) for hour in hours))
        back += HOURS_A_WEEK
    return float(statistics.median(weeks)) if len(weeks) >= FEWEST_WEEKS else None


def judged_hours(cadence_s: float) -> int:
    """Over how many hours punctuality is judged: a day, for slow feeds ten of their rhythms."""
    return max(DAY_H, math.ceil(RHYTHMS * cadence_s / 3600))


def empty_slots(counts: Mapping[int, int], start: int, end: int, cadence_s: float) -> list[tuple[int, int]]:
    """Hours of [start, end) in which records were due and none came, as (from, to).

    Between two hours that hold records, from a rhythm (whole hours, one at least) after the first until the second, if
    they are further apart than a rhythm kept allows: three rhythms for quick feeds, else one and an hour, so that a
    record a little before or after the full hour, or an hour later than the day before, is none that was missed.

    Args:
        counts: records by hour since 1970 of their own time; what was delivered later fills its hour.
        start: the first hour judged.
        end: the hour of the newest record: what is missing after it is a running silence, see `silence`.
        cadence_s: the feed's rhythm in s.
    """
    slot = max(1, math.ceil(cadence_s / 3600))
    allowed = max(1, math.ceil(min(3 * cadence_s, cadence_s + 3600) / 3600))
    held = sorted(hour for hour, number in counts.items() if number and hour <= end)
    return [(max(start, last + slot), following) for last, following in itertools.pairwise(held)
            if following - last > allowed and following > start]


def silence(last: int, now: int, grace: int) -> list[tuple[int, int]]:
    """The running silence: from the last sign of life on, once it is longer than the grace; in one unit."""
    return [(last, now)] if now - last > grace else []


def timely(missed: Sequence[tuple[int, int]], start: int, end: int) -> float | None:
    """Share of [start, end) outside of the stretches missed (from, to), which may overlap; None for an empty span."""
    if end <= start:
        return None
    lost, reached = 0, start
    for began, ended in sorted(missed):
        lost += max(0, min(ended, end) - max(began, reached))
        reached = max(reached, min(ended, end))
    return max(0.0, 1 - lost / (end - start))
