"""What a feed's deliveries are worth: one score of three shares, and the rule in words from the same numbers."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WEIGHTS = {"timely": 40, "sound": 40, "complete": 20}
WORDS = {"timely": "及时", "sound": "合格", "complete": "完整"}
RULE = ("得分为近 7 天的" + "、".join(f"{WORDS[name]} {weight}" for name, weight in WEIGHTS.items())
        + " 分之和：及时＝没有中断的时间占比，合格＝收下的占收下与隔离之和，完整＝数量占同时段常量（至多算满）；"
        "还没有依据的一项不计，其余按比例折成 100 分")
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


def timely(spells: Sequence[tuple[int, int]], start: int, end: int) -> float | None:
    """Share of [start, end) outside of the spells (began, ended); None for an empty span."""
    if end <= start:
        return None
    lost = sum(max(0, min(ended, end) - max(began, start)) for began, ended in spells)
    return max(0.0, 1 - lost / (end - start))
