"""Growth of official figures: published growth is taken as given, never recomputed over (the base is re-collected).

Rules: NBS notes (secondary source). No January: 1—2月 is one period. Rates differ in percentage points, never in %.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Literal

Kind = Literal["flow", "stock", "rate"]
Place = tuple[str, int, int]
_CUMULATIVE = re.compile(r"(\d{4})-01(?:\.\.(\d{2}))?")
_QUARTERS = re.compile(r"(\d{4})Q1(?:\.\.Q([2-4]))?")


def percent_change(now: float | None, base: float | None) -> float | None:
    """`now` against `base` in %: 同比 with last year's figure, 环比 with the previous period's (seasonally adjusted).

    None when either is missing, or the base is zero or negative: such a percentage has no meaning.
    """
    if now is None or base is None or base <= 0:
        return None
    return (now / base - 1) * 100


def growth(published_pct: float | None, now: float | None, base: float | None) -> float | None:
    """Growth in %: the published one whenever there is one; only without it the ratio of the levels."""
    return published_pct if published_pct is not None else percent_change(now, base)


def difference_pp(rate_pct: float | None, other_pct: float | None) -> float | None:
    """Difference of two rates, in percentage points."""
    return None if rate_pct is None or other_pct is None else rate_pct - other_pct


def two_year_average(first_pct: float, second_pct: float) -> float:
    """两年平均 in %: √((1+g₁)(1+g₂)) − 1.

    Raises:
        ValueError: a rate below −100 %.
    """
    if min(first_pct, second_pct) < -100:
        raise ValueError("增速不能低于 -100%")
    return (sqrt((1 + first_pct / 100) * (1 + second_pct / 100)) - 1) * 100


def contribution_pct(part_increase: float, total_increase: float) -> float | None:
    """贡献率: share of a part's increase in the total's, in %; None if the total did not change."""
    return None if total_increase == 0 else part_increase / total_increase * 100


def pull_pp(part_increase: float, total_base: float) -> float | None:
    """拉动: part's increase over the total's base, in percentage points; they add up to the total's growth."""
    return None if total_base <= 0 else part_increase / total_base * 100


@dataclass(frozen=True)
class Single:
    """The figure of one period alone: 2026-03, 2026Q2, or 2026-01..02, which stays one value for two months."""

    period: str
    value: float | None


def singles(cumulative: Mapping[str, float | None], kind: Kind, breaks: Collection[str] = ()) -> list[Single]:
    """累计 → 当月 (or single quarters), in order of time.

    A month's value needs the cumulative figure of the month before; across a gap it is None, nothing is spread.

    Args:
        cumulative: period (2026-01..02, 2026-01..03, 2026Q1, 2026Q1..Q2) → cumulative level.
        kind: only flows can be differenced; `stock` and `rate` are refused.
        breaks: periods whose scope (口径) differs from the period before: no difference is taken.

    Raises:
        ValueError: stocks, growth rates, or a period that is not cumulative.
    """
    if kind != "flow":
        raise ValueError("存量与增速不能由累计数相减得到当月数")
    found: dict[Place, float | None] = {}
    for period, value in cumulative.items():
        found[_place(period)] = value
    named = {_place(period) for period in breaks}
    return [Single(_name(*place), _single(found, place, place in named)) for place in sorted(found)]


def _place(period: str) -> Place:
    """Year, slots per year (12 or 4), last slot."""
    for pattern, slots in ((_CUMULATIVE, 12), (_QUARTERS, 4)):
        match = pattern.fullmatch(period)
        if match:
            return match[1], slots, int(match[2] or 1)
    raise ValueError(f"不是累计时段 {period!r:.20}（如 2026-01..03、2026Q1..Q3）")


def _name(year: str, slots: int, last: int) -> str:
    if slots == 4:
        return f"{year}Q{last}"
    return f"{year}-01..02" if last == 2 else f"{year}-{last:02}"


def _single(found: Mapping[Place, float | None], place: Place, broken: bool) -> float | None:
    year, slots, last = place
    value = found[place]
    if last == 1 or (slots == 12 and last == 2):
        return value
    before = found.get((year, slots, last - 1))
    return None if value is None or before is None or broken else value - before


@dataclass(frozen=True)
class Progress:
    """序时进度, all in %: `done` of the year's target, `due` = share of the year gone, `ahead_pp` = done − due."""

    done: float
    due: float
    ahead_pp: float


def progress(cumulative: float | None, year_target: float | None, last_month: int) -> Progress | None:
    """Progress of a level towards the year's target; None without figure or target.

    Raises:
        ValueError: no such month.
    """
    if not 1 <= last_month <= 12:
        raise ValueError(f"月份应为 1 至 12，得到 {last_month}")
    if cumulative is None or year_target is None or year_target <= 0:
        return None
    done, due = cumulative / year_target * 100, last_month / 12 * 100
    return Progress(done, due, done - due)


def change_words(change_pct: float | None, decimals: int = 1) -> str:
    """增长 5.2% / 下降 5.2% / 持平 as releases write it; — without a figure."""
    if change_pct is None:
        return "—"
    size = f"{abs(change_pct):.{decimals}f}"
    if float(size) == 0:
        return "持平"
    return f"{'增长' if change_pct > 0 else '下降'} {size}%"


def gap_words(gap_pp: float | None, against: str, decimals: int = 1) -> str:
    """高于全市 0.1 个百分点 / 低于… / 与…持平; — without a figure."""
    if gap_pp is None:
        return "—"
    size = f"{abs(gap_pp):.{decimals}f}"
    if float(size) == 0:
        return f"与{against}持平"
    return f"{'高于' if gap_pp > 0 else '低于'}{against} {size} 个百分点"
