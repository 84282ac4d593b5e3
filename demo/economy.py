"""Monthly, quarterly and yearly figures of the demo county and its townships, with their releases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from demo.chance import Reals, normal, uniform
from demo.indicators import INDICATORS, Indicator
from demo.series import MICRO

if TYPE_CHECKING:
    from demo.county import County

BASE_YEAR = 2026
# prices of what the county makes rise by so much a year: growth at constant prices is that much less than of the levels
DEFLATOR_PCT = 0.8
RELEASE_DAY, RELEASE_HOUR = 20, 10
# share of the year's flow that falls into each month: a short February, pushes at the ends of quarters
SHARE = np.array([7.9, 6.6, 8.6, 7.6, 8.1, 9.1, 7.9, 8.2, 8.9, 8.4, 8.7, 10.0]) / 100.0
MONTHS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)


@dataclass(frozen=True)
class Release:
    """Figures for (year, month) that become public at `released` (s)."""

    year: int
    month: int
    released: int


def releases(first: int, last: int) -> list[Release]:
    """Releases due in (first, last] (s), by time: on the 20th of the month after, never one for January alone."""
    year, month = datetime.fromtimestamp(first, UTC).year - 1, 12
    found: list[Release] = []
    while True:
        month += 1
        if month > 12:
            year, month = year + 1, 2
        after = date(year + month // 12, month % 12 + 1, RELEASE_DAY)
        moment = datetime(after.year, after.month, after.day, RELEASE_HOUR, tzinfo=UTC) - timedelta(hours=8)
        released = int(moment.timestamp())
        if released > last:
            return found
        if released > first:
            found.append(Release(year, month, released))


class Economy:
    """The figures of a county; columns of arrays are its townships, the county's own figure is their sum or mean."""

    def __init__(self, county: County):
        ground = county.ground
        self.seed, self.root = county.seed, ground.divisions.root.code
        self.codes = [town.code for town in ground.towns]
        people = ground.town_people
        self.weights = {"people": people, "urban": people * (0.3 + ground.town_urban),
                        "industry": people / people.max() * 0.4 + np.array([town.industry for town in ground.towns])}
        self.villages = [(village.code, village.people) for village in ground.villages]

    def records(self, release: Release) -> list[dict[str, Any]]:
        """All indicator records of a release, townships ranked."""
        found: list[dict[str, Any]] = []
        for one in INDICATORS:
            if not one.quarterly or release.month % 3 == 0:
                found += self._indicator(one, release)
        return found

    def _indicator(self, one: Indicator, release: Release) -> list[dict[str, Any]]:
        if one.kind == "balance":
            month = f"{release.year}-{release.month:02d}"
            return self._table(one, release, month, "balance", (release.month, release.month))
        whole = _cumulative_period(one, release.year, release.month)
        rows = self._table(one, release, whole, "cumulative", (1, release.month))
        if not one.quarterly and release.month > 2:
            month = f"{release.year}-{release.month:02d}"
            rows += self._table(one, release, month, "current", (release.month, release.month))
        return rows

    def _table(self, one: Indicator, release: Release, period: str, basis: str,
               months: tuple[int, int]) -> list[dict[str, Any]]:
        value = self.published(one, release.year, *months)
        growth = self.growth(one, release.year, months)
        # a township whose base rounds to nothing has no rate and no rank
        rank = (-growth[1:]).argsort().argsort() + 1
        rows = []
        for code, number, rate, place in zip((self.root, *self.codes), value.tolist(), growth.tolist(),
                                             (None, *rank.tolist()), strict=True):
            row: dict[str, Any] = {
                "indicator": one.id, "division": code, "period": period, "basis": basis,
                "yoy_kind": one.yoy_kind, "status": "preliminary", "unit": one.unit, "demo": True,
                "released": release.released * MICRO}
            if np.isfinite(rate):
                row["yoy"] = round(rate, 1)
            if one.kind != "growth":
                row["value"] = number
            if one.target_growth and basis != "current":
                row["target"] = self._target(one, release.year, code)
            if place is not None and np.isfinite(rate):
                row["rank"] = float(place)
            rows.append(row)
        return rows

    def _target(self, one: Indicator, year: int, code: str) -> float:
        """The year's aim: a growth rate for growth-only indicators, else a level."""
        if one.kind == "growth":
            return one.target_growth
        before = self.values(one, year - 1, 12 if one.kind == "balance" else 1, 12)
        if code != self.root:
            base = float(before[self.codes.index(code)])
        else:
            base = float(before.mean() if one.kind == "mean" else before.sum())
        return round(base * (1 + one.target_growth / 100), _digits(one))

    def values(self, one: Indicator, year: int, first: int, last: int) -> Reals:
        """(towns,) the flow of the months first … last, the balance at the end of `last`, or the mean per head."""
        weight = self.weights[one.spread]
        share = weight / weight.sum()
        trend = one.annual * (1 + one.growth / 100) ** (year - BASE_YEAR)
        town = np.arange(len(self.codes))
        if one.kind == "balance":
            part = trend * (1 + one.growth / 100) ** (last / 12 - 1)
            return np.asarray(part * share * (1 + 0.01 * normal(self.seed, one.id, year, last, town)), float)
        months = np.arange(first, last + 1)
        noise = 1 + 0.025 * normal(self.seed, one.id, year, months[:, None], town)
        flow = (SHARE[months - 1][:, None] * noise).sum(axis=0) * trend
        if one.kind == "mean":
            return np.asarray(flow * (0.8 + 0.4 * uniform(self.seed, one.id, "level", town)), float)
        return np.asarray(flow * share, float)

    def published(self, one: Indicator, year: int, first: int, last: int) -> Reals:
        """(1 + towns,) the county's figure and the townships', rounded as they are released.

        Townships have two decimals more than the county (亿元 to 万元), so that their growth can be read from them.
        """
        value, digits = self.values(one, year, first, last), _digits(one)
        towns = np.round(value, digits + 2 if digits else 0)
        whole = value.mean() if one.kind == "mean" else towns.sum()
        return np.concatenate([[round(float(whole), digits)], towns])

    def growth(self, one: Indicator, year: int, months: tuple[int, int]) -> Reals:
        """(1 + towns,) growth on the same months of the year before, %: the ratio of the two released figures.

        At constant prices it is less by DEFLATOR_PCT. Where no level is released (growth only) it is drawn by itself;
        NaN where the figure of the year before is nothing.
        """
        if one.kind == "growth":
            towns, weight = self._drawn_growth(one, year, months[1]), self.weights[one.spread]
            return np.concatenate([[(towns * weight).sum() / weight.sum()], towns])
        now, before = (self.published(one, at, *months) for at in (year, year - 1))
        ratio = np.divide(now, before, out=np.full(len(now), np.nan), where=before > 0)
        real = one.yoy_kind in ("real", "comparable")
        return np.asarray(100 * (ratio / (1 + DEFLATOR_PCT / 100 if real else 1.0) - 1), float)

    def _drawn_growth(self, one: Indicator, year: int, month: int) -> Reals:
        town = np.arange(len(self.codes))
        own = 1.8 * normal(self.seed, one.id, "town", town)
        month_own = 0.7 * normal(self.seed, one.id, "growth", year, month, town)
        return np.asarray(one.growth + _cycle(year, month) + own + month_own, float)

    def sharing(self, release: Release) -> list[dict[str, Any]]:
        """Requests of the departments for one another's data in a month, and how many of them were met."""
        asked = 14 + round(8 * float(uniform(self.seed, "sharing", release.year, release.month)))
        met = asked - round(5 * float(uniform(self.seed, "sharing met", release.year, release.month)))
        return [{"indicator": name, "division": self.root, "period": f"{release.year}-{release.month:02d}",
                 "basis": "current", "value": float(value), "unit": "项", "status": "final",
                 "released": release.released * MICRO, "demo": True}
                for name, value in (("sharing_requests", asked), ("sharing_met", met))]

    def population(self, year: int) -> list[dict[str, Any]]:
        """People at the end of a year: villages, townships, and the county as their sum."""
        drift = 1 - 0.002 * (BASE_YEAR - 1 - year)
        counts = {code: round(people * drift) for code, people in self.villages}
        towns: dict[str, int] = dict.fromkeys(self.codes, 0)
        for code, people in counts.items():
            town = next(one for one in self.codes if code[:9] == one[:9])
            towns[town] += people
        whole = {self.root: sum(towns.values())} | towns | counts
        released = int(datetime(year + 1, 3, 31, 2, tzinfo=UTC).timestamp())
        return [{"indicator": "population", "division": code, "period": str(year), "basis": "annual",
                 "value": float(people), "unit": "人", "status": "final", "released": released * MICRO, "demo": True}
                for code, people in whole.items()]


def _cumulative_period(one: Indicator, year: int, month: int) -> str:
    if not one.quarterly:
        return f"{year}-01..{month:02d}"
    return f"{year}Q1" if month == 3 else f"{year}Q1..Q{month // 3}"


def _cycle(year: int, month: int) -> float:
    """Growth above (+) or below (−) the usual, %, in waves of three years."""
    return 1.2 * float(np.sin(2 * np.pi * (year * 12 + month) / 37.0))


def _digits(one: Indicator) -> int:
    if one.unit in ("元", "人", "户", "万美元"):
        return 0
    return 3 if one.unit == "亿千瓦时" else 2
