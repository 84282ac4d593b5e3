"""Formulas by environmental standards: AQI of HJ 633, share of good days, river sections that meet their class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np

from analysis import air
from analysis.water import Body, meets, section_class
from data.columns import Array
from data.contribution import Contribution, by_group, quotient
from data.errors import WrongInput
from data.history_span import Span
from data.inputs import Inputs
from data.observation_table import Buckets

HOUR, DAY = 3_600_000_000, 86_400_000_000
POLLUTANTS = ("so2", "no2", "co", "pm10", "o3", "pm25")
WATER = ("ph", "do", "codmn", "nh3n", "tp")
MICRO = 1_000_000
EPOCH = date(1970, 1, 1).toordinal()


def _hours_wide(pieces: Sequence[Buckets], hours: int, offset: int) -> Contribution:
    """A row = a station's day (hours 24) or hour (1).

    Columns of parts: per pollutant and hour the value in millionths, then per pollutant and hour 1 if there; last two
    the day's number since 1970 and 1. Sums over stations stay exact integers.
    """
    length = hours * HOUR
    keys: dict[tuple[str, int], int] = {}
    rows: list[tuple[int, int]] = []
    cells: list[tuple[int, int, float]] = []
    newest = 0
    for number, piece in enumerate(pieces):
        start = (piece.bucket + offset) // length * length - offset
        column = np.asarray(number * hours) + (piece.bucket + offset) // HOUR % hours
        for at in range(len(piece.station)):
            key = (piece.station[at], int(start[at]))
            if key not in keys:
                keys[key] = len(rows)
                rows.append((int(piece.division[at]), key[1]))
            cells.append((keys[key], int(column[at]), float(piece.last[at])))
        newest = max(newest, int(piece.last_time.max()) if len(piece.last_time) else 0)
    width = len(POLLUTANTS) * hours
    parts = np.zeros((len(rows), 2 * width + 2))
    for at, cell, value in cells:
        parts[at, cell], parts[at, width + cell] = round(value * MICRO), 1.0
    bucket = np.array([start for _, start in rows], np.int64)
    parts[:, -2], parts[:, -1] = (bucket + offset) // DAY, 1.0
    return Contribution(np.array([division for division, _ in rows], np.int64), parts, _finish(hours), "sum", False,
                        bucket, np.array([station for station, _ in keys], object), newest, True, _describe(hours))


def _index(row: Array, hours: int) -> air.AirIndex:
    width = len(POLLUTANTS) * hours
    total, count = row[:width].reshape(-1, hours), row[width:2 * width].reshape(-1, hours)
    means = {name: [Fraction(int(total[k, h]), int(count[k, h]) * MICRO) if count[k, h] else None for h in range(hours)]
             for k, name in enumerate(POLLUTANTS)}
    day = date.fromordinal(round(row[-2] / row[-1]) + EPOCH)
    if hours == 24:
        return air.daily_from_hours(means, day)
    return air.hourly({name: values[0] for name, values in means.items()}, day)


def _finish(hours: int) -> Any:
    def finish(parts: Array) -> Array:
        found = [_index(row, hours).aqi if row[-1] else None for row in parts]
        return np.array([np.nan if index is None else float(index) for index in found])

    return finish


def _describe(hours: int) -> Any:
    def describe(row: Array) -> dict[str, Any]:
        if not row[-1]:
            return {}
        index = _index(row, hours)
        kind = air.category(index.aqi)
        return {"aqi": index.aqi, "primary": list(index.primary),
                "primary_text": air.primary_text(index.primary), "iaqi": index.iaqi, "valid": index.valid,
                "concentrations": index.concentrations, "published": index.published, "note": index.note,
                "rules": index.rules, "category": kind.name if kind else "", "level": kind.level if kind else 0}

    return describe


def aqi(inputs: Inputs) -> Contribution:
    """AQI of HJ 633, mean over stations first: of the newest hour, of each hour, or of each day with step = a day.

    Raises:
        WrongInput: a longer step: the standard knows no index of a week or a month.
    """
    if inputs.step not in (0, HOUR, DAY):
        raise WrongInput(f"{inputs.metric.name}只有小时值和日值；请用 by=hour 或 by=day")
    hours = 24 if inputs.step >= DAY else 1
    feeds, offset = inputs.metric.feeds, inputs.offset
    start = inputs.start if inputs.step else inputs.end - 3 * HOUR
    pieces = [inputs.tables.buckets(feeds, name, Span(start, inputs.end, HOUR, offset)) for name in POLLUTANTS]
    if not inputs.step:
        last = max((int(piece.bucket.max()) for piece in pieces if len(piece.bucket)), default=0)
        pieces = [_only(piece, last) for piece in pieces]
    return _hours_wide(pieces, hours, offset)


def _only(piece: Buckets, bucket: int) -> Buckets:
    mask = piece.bucket == bucket
    return Buckets(**{name: getattr(piece, name)[mask] for name in Buckets.__dataclass_fields__})


def good_days(inputs: Inputs) -> Contribution:
    """Share of valid days with AQI ≤ 100 among the `days` (30) whole local days before the window's end, root only."""
    end = (inputs.end + inputs.offset) // DAY * DAY - inputs.offset
    days = int(inputs.option("days", 30))
    found = aqi(replace(inputs, start=end - days * DAY, end=end, step=DAY))
    starts, group = np.unique(found.bucket, return_inverse=True)
    values, _ = by_group(found, group, len(starts)) if len(starts) else (np.zeros(0), starts)
    known = values[np.isfinite(values)]
    parts = np.column_stack([known <= 100, np.ones(len(known))]).astype(float)
    zeros = np.zeros(len(known), np.int64)
    return Contribution(zeros, parts, quotient(float(inputs.option("scale", 1))), "sum", False, zeros,
                        newest=found.newest)


def water(inputs: Inputs) -> Contribution:
    """Share of sections whose newest readings meet the target class of the section (asset property target_class)."""
    since = inputs.end - 2 * DAY
    readings: dict[str, dict[str, float]] = {}
    division: dict[str, int] = {}
    newest = 0
    for name in WATER:
        rows = inputs.tables.latest(inputs.metric.feeds, name, Span(since, inputs.until))
        for at, station in enumerate(rows.station):
            readings.setdefault(station, {})[name] = float(rows.last[at])
            division[station] = int(rows.division[at])
            newest = max(newest, int(rows.last_time[at]))
    met: dict[str, bool] = {}
    for station, values in readings.items():
        target = inputs.tables.assets.prop(station, "target_class")
        body: Body = "lake" if inputs.tables.assets.prop(station, "body") == "lake" else "river"
        good = meets(section_class(values, body), target) if target is not None else None
        if good is not None:
            met[station] = good
    parts = np.array([[good, 1.0] for good in met.values()], float).reshape(-1, 2)
    at_division = np.array([division[station] for station in met], np.int64)
    return Contribution(at_division, parts, quotient(float(inputs.option("scale", 1))), "sum", False, at_division * 0,
                        np.array(list(met), object), newest)
