"""Air quality index by HJ 633; the edition is chosen by the day of the observation, never by today.

Arithmetic is exact: readings are taken to six decimals, means are fractions, concentrations are rounded by GB/T 8170
(half to even; µg/m³ to integers, CO to 0.1 mg/m³), sub-indices are rounded up. Units: µg/m³, CO mg/m³.

A day has 24 hourly means, position h = the hour from h:00 to h+1:00. Daily items: means of 24 h with ≥ 20 valid hours;
O3: the largest of the 8-hour means ending 08:00 … 24:00 of the day (17 windows, so no hour of the day before is needed;
HJ 633/663, secondary source), each with ≥ 6 valid hours. The maximum is valid with ≥ 14 such windows, or if it exceeds
the limit of 160 anyway (HJ 663—2013, from memory). In the 2012 edition O3 1 h maximum is a seventh item; it is valid
when the day's 8-hour item is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from analysis.air_tables import (
    AVERAGES,
    CATEGORIES,
    IAQI_STEPS,
    NAMES,
    POLLUTANTS,
    RULES_2012,
    RULES_2026,
    Category,
    Rules,
    rules_on,
)

Reading = float | int | Fraction | None
Hours = Mapping[str, Sequence[Reading] | None]

HOURS_FOR_DAY = 20
HOURS_FOR_WINDOW = 6
WINDOWS_FOR_DAY = 14
WINDOW = 8
O3_8H_LIMIT = 160
_MICRO = 1_000_000
_SHARES = math.lcm(*range(HOURS_FOR_WINDOW, WINDOW + 1))
_RULES = {rules.name: rules for rules in (RULES_2012, RULES_2026)}


def exact(reading: float | int | Fraction) -> Fraction:
    """The reading as a fraction; floats are taken to six decimals, which undoes binary dust (0.35000000000000003)."""
    if isinstance(reading, Fraction):
        return reading
    if isinstance(reading, float):
        return Fraction(round(reading * _MICRO), _MICRO)
    return Fraction(reading)


def rounded(pollutant: str, concentration: float | int | Fraction) -> Fraction:
    """GB/T 8170 (half to even): µg/m³ to an integer, CO mg/m³ to one decimal."""
    tenths = 10 if pollutant == "co" else 1
    return Fraction(round(exact(concentration) * tenths), tenths)


def iaqi(pollutant: str, average: str, concentration: Reading, day: date) -> int | None:
    """Sub-index of a concentration; `average` is 24h, 8h (O3) or 1h; PM 1h uses the daily columns.

    Returns:
        0…500; None without a concentration, and in the 2012 edition for SO2 1 h or O3 8 h above 800.

    Raises:
        ValueError: no such item, or a negative concentration.
    """
    if average not in AVERAGES.get(pollutant, ()):
        raise ValueError(f"HJ 633 没有 {pollutant} {average} 这一项")
    present = _present(concentration)
    if present is None:
        return None
    if present < 0:
        raise ValueError(f"{pollutant} 浓度 {float(present):g} 小于 0")
    return _sub_index(rules_on(day).name, pollutant, average, rounded(pollutant, present))


def _present(reading: Reading) -> Fraction | None:
    if reading is None or (isinstance(reading, float) and math.isnan(reading)):
        return None
    return exact(reading)


@lru_cache(maxsize=65536)
def _sub_index(edition: str, pollutant: str, average: str, concentration: Fraction) -> int | None:
    rules = _RULES[edition]
    points = rules.breakpoints[pollutant, average]
    for position in range(1, len(points)):
        if concentration <= points[position]:
            low, high = points[position - 1], points[position]
            base, top = IAQI_STEPS[position - 1], IAQI_STEPS[position]
            value = Fraction(top - base, high - low) * (concentration - low) + base
            return -(-value.numerator // value.denominator)
    complete = len(points) == len(IAQI_STEPS)
    return IAQI_STEPS[len(points) - 1] if complete or rules.capped else None


@dataclass(frozen=True)
class AirIndex:
    """An index and everything that must stand beside it; items are named like pm25_24h, o3_8h, so2_1h.

    `aqi` None = NA: `published` is False and `note` says why. `primary`: pollutants of the largest sub-index, all ties,
    () at AQI ≤ 50. `iaqi`, `concentrations` (rounded as used; µg/m³, CO mg/m³) and `valid` hold one entry per item;
    `counts` (daily only) = valid hours behind each item, for o3_8h valid windows. `rules` names the edition.
    """

    aqi: int | None
    primary: tuple[str, ...]
    iaqi: dict[str, int | None]
    concentrations: dict[str, float | None]
    valid: dict[str, bool]
    published: bool
    note: str
    rules: str
    counts: dict[str, int]


DailyAir = AirIndex
HourAir = AirIndex


def daily_from_hours(hours: Hours, day: date) -> DailyAir:
    """The daily index from each pollutant's 24 hourly means (None where missing or invalid; pollutant absent = none).

    Raises:
        ValueError: not 24 values, or a negative one.
    """
    rules = rules_on(day)
    means: dict[str, Fraction | None] = {}
    counts: dict[str, int] = {}
    for pollutant, average in rules.items:
        item = f"{pollutant}_{average}"
        means[item], counts[item] = _daily_item(_units(hours.get(pollutant), pollutant), average)
    return _judge(rules, means, day, counts)


def _daily_item(units: tuple[list[int | None], int], average: str) -> tuple[Fraction | None, int]:
    """Concentration (None = invalid) and how many valid hours or windows it rests on."""
    values, denominator = units
    there = [value for value in values if value is not None]
    if average == "24h":
        enough = len(there) >= HOURS_FOR_DAY
        return (Fraction(sum(there), len(there) * denominator) if enough else None), len(there)
    windows = _windows(values)
    best = Fraction(max(windows), _SHARES * denominator) if windows else None
    enough = len(windows) >= WINDOWS_FOR_DAY or (best is not None and rounded("o3", best) > O3_8H_LIMIT)
    if average == "8h":
        return (best if enough else None), len(windows)
    return (Fraction(max(there), denominator) if enough else None), len(there)


def _windows(values: list[int | None]) -> list[int]:
    """Means of the valid windows, times _SHARES: integers, because comparing many fractions is slow."""
    means = []
    for end in range(WINDOW, 25):
        there = [value for value in values[end - WINDOW:end] if value is not None]
        if len(there) >= HOURS_FOR_WINDOW:
            means.append(sum(there) * (_SHARES // len(there)))
    return means


def _units(readings: Sequence[Reading] | None, pollutant: str) -> tuple[list[int | None], int]:
    """24 readings as integers over one common denominator, so that sums are plain integer sums."""
    if readings is None:
        return [None] * 24, 1
    if len(readings) != 24:
        raise ValueError(f"{pollutant} 应有 24 个小时值，得到 {len(readings)} 个")
    fractions = [_present(reading) for reading in readings]
    denominator = math.lcm(*(part.denominator for part in fractions if part is not None))
    values = [None if part is None else part.numerator * (denominator // part.denominator) for part in fractions]
    if any(value is not None and value < 0 for value in values):
        raise ValueError(f"{pollutant} 有小于 0 的小时值")
    return values, denominator


def hourly(concentrations: Mapping[str, Reading], day: date, so2_24h: Reading = None) -> HourAir:
    """The index of one hour from six 1-h means; `day` = date of the hour.

    `so2_24h`: used by the 2012 edition only, when the 1-h SO2 mean is above 800.
    """
    rules = rules_on(day)
    means = {f"{pollutant}_1h": _present(concentrations.get(pollutant)) for pollutant in POLLUTANTS}
    so2 = means["so2_1h"]
    if not rules.capped and so2 is not None and rounded("so2", so2) > 800:
        means["so2_24h"] = _present(so2_24h)
    return _judge(rules, means, day, {})


def _judge(rules: Rules, means: Mapping[str, Fraction | None], day: date, counts: dict[str, int]) -> AirIndex:
    sub: dict[str, int | None] = {}
    shown: dict[str, float | None] = {}
    for item, mean in means.items():
        pollutant, average = item.rsplit("_", 1)
        sub[item] = iaqi(pollutant, average, mean, day)
        shown[item] = None if mean is None else float(rounded(pollutant, mean))
    indices = {item: index for item, index in sub.items() if index is not None}
    answered = {item.rsplit("_", 1)[0] for item in indices}
    absent = [pollutant for pollutant in POLLUTANTS if pollutant not in answered]
    highest = max(indices.values(), default=0)
    published = bool(indices) and (not absent or highest > 100)
    leading = [item.rsplit("_", 1)[0] for item, index in indices.items() if index == highest]
    primary = tuple(dict.fromkeys(leading)) if published and highest > 50 else ()
    valid = {item: mean is not None for item, mean in means.items()}
    return AirIndex(highest if published else None, primary, sub, shown, valid, published,
                    _note(absent, published, bool(indices), counts), rules.name, counts)


def _note(absent: Sequence[str], published: bool, some: bool, counts: Mapping[str, int]) -> str:
    """Why there is no index, or what it lacks (HJ 633—2026 5.3.1; the 2012 edition is treated alike)."""
    most = max((hours for item, hours in counts.items() if item.endswith("_24h")), default=0)
    if not some and most:
        return f"有效小时不足：最多的一项 {most} 小时，日均值应有 {HOURS_FOR_DAY} 小时以上"
    if not some:
        return "没有有效数据"
    if not absent:
        return ""
    names = "、".join(NAMES[pollutant] for pollutant in absent)
    if published:
        return f"缺少 {names} 的有效数据，其余分指数大于 100，仍发布 AQI"
    return f"缺少 {names} 的有效数据，其余分指数不大于 100，只公布分指数，AQI 记为 NA"


def area_hours(stations: Mapping[str, Hours], least_share: float = 0.0) -> dict[str, list[Fraction | None]]:
    """Hourly means of an area: the mean over its stations first, index afterwards, never the worst station.

    Args:
        stations: station → pollutant → hourly values (any length, the same for all; None or NaN = missing).
        least_share: hours with fewer than this share of all stations are missing. HJ 663—2013 asks for 0.75 (from
            memory, not seen in print), so it is off unless stated.

    Returns:
        pollutant → one exact mean per hour, None where no station (or too few) reported.
    """
    out: dict[str, list[Fraction | None]] = {}
    for pollutant in POLLUTANTS:
        series = [values for hours in stations.values() if (values := hours.get(pollutant)) is not None]
        if series:
            table = np.array([[np.nan if value is None else float(value) for value in values] for values in series])
            out[pollutant] = _means(table, max(1, math.ceil(least_share * len(stations))))
    return out


def _means(table: npt.NDArray[np.float64], least: int) -> list[Fraction | None]:
    there = np.isfinite(table)
    micros = np.where(there, np.rint(np.where(there, table, 0.0) * _MICRO), 0.0).astype(np.int64).sum(axis=0)
    return [Fraction(int(total), int(count) * _MICRO) if count >= least else None
            for total, count in zip(micros, there.sum(axis=0), strict=True)]


def area_hour(stations: Mapping[str, Mapping[str, Reading]], least_share: float = 0.0) -> dict[str, Fraction | None]:
    """`area_hours` for a single hour: station → pollutant → value."""
    single = {name: {pollutant: [value] for pollutant, value in values.items()} for name, values in stations.items()}
    return {pollutant: hours[0] for pollutant, hours in area_hours(single, least_share).items()}


def category(aqi: int | None) -> Category | None:
    """Level, name and color of an index; None for NA.

    Raises:
        ValueError: below 0 or above 500.
    """
    if aqi is None:
        return None
    for found in CATEGORIES:
        if found.low <= aqi <= found.high:
            return found
    raise ValueError(f"AQI 应在 0 与 500 之间，得到 {aqi}")


def primary_text(primary: Sequence[str]) -> str:
    """Primary pollutants as a screen writes them, all ties; — when there is none."""
    return "、".join(NAMES[pollutant] for pollutant in primary) or "—"
