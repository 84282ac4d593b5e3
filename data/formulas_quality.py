"""Formulas by environmental standards: AQI of HJ 633, share of good days, river sections that meet their class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from analysis import air
from analysis.water import Body, meets, section_class
from data.columns import Array
from data.contribution import Contribution, by_group, quotient
from data.coverage import layers_of
from data.errors import WrongInput
from data.history_span import Span
from data.inputs import Inputs
from data.observation_table import Buckets

HOUR, DAY = 3_600_000_000, 86_400_000_000
POLLUTANTS = ("so2", "no2", "co", "pm10", "o3", "pm25")
WATER = ("ph", "do", "codmn", "nh3n", "tp")
MICRO = 1_000_000
GOOD = 100
EPOCH = date(1970, 1, 1).toordinal()


def _hours_wide(pieces: Sequence[Buckets], hours: int, offset: int) -> Contribution:
    """A row = a station's day (hours 24) or hour (1).

    Columns of parts: per pollutant and hour the value in millionths, then per pollutant and hour 1 if there; last two
    the day's number since 1970 and 1. Sums over stations stay exact integers.
    """
    length, width = hours * HOUR, len(POLLUTANTS) * hours
    rows, local = Buckets.join(list(pieces)), np.concatenate([piece.bucket for piece in pieces]) + offset
    pollutant = np.repeat(np.arange(len(pieces)), [len(piece.bucket) for piece in pieces])
    coded = pa.array(rows.station, pa.string()).dictionary_encode()
    station, names = coded.indices.to_numpy(), np.array(coded.dictionary.to_pylist(), object)
    span = local // length
    first = int(span.min()) if len(span) else 0
    keys, begun, at = np.unique(station * (int(span.max(initial=0)) - first + 1) + span - first, return_index=True,
                                return_inverse=True)
    parts = np.zeros((len(keys), 2 * width + 2))
    cell = pollutant * hours + local // HOUR % hours
    parts[at, cell], parts[at, width + cell] = np.round(rows.last * MICRO), 1.0
    bucket = span[begun] * length - offset
    parts[:, -2], parts[:, -1] = (bucket + offset) // DAY, 1.0
    return Contribution(rows.division[begun], parts, _finish(hours), "sum", False, bucket, names[station[begun]],
                        int(rows.last_time.max(initial=0)), True, _describe(hours))


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
    """AQI of HJ 633, mean over stations first: of each one's newest report, of each hour, or of each day (step).

    Raises:
        WrongInput: a longer step: the standard knows no index of a week or a month.
    """
    if inputs.step not in (0, HOUR, DAY):
        raise WrongInput(f"{inputs.metric.name}只有小时值和日值；请用 by=hour 或 by=day")
    hours = 24 if inputs.step >= DAY else 1
    feeds, offset = inputs.metric.feeds, inputs.offset
    start = inputs.start if inputs.step else inputs.end - 3 * HOUR
    pieces = inputs.tables.buckets(feeds, POLLUTANTS, Span(start, inputs.end, HOUR, offset))
    if not inputs.step:
        pieces = _newest_reports(pieces)
    return _hours_wide(pieces, hours, offset)


def _newest_reports(pieces: Sequence[Buckets]) -> list[Buckets]:
    """Each station's newest hour, or the one before it while it has sent fewer pollutants of the newest: the report of
    an hour comes in over some minutes, and an index of half of it is none.
    """
    sent = Counter((station, hour) for piece in pieces
                   for station, hour in zip(piece.station.tolist(), piece.bucket.tolist(), strict=True))
    newest = max((hour for _, hour in sent), default=0)
    chosen = {(station, newest if sent[station, newest] >= sent[station, newest - HOUR] else newest - HOUR)
              for station, _ in sent}
    return [piece.take(np.array([row for row, told in enumerate(zip(piece.station.tolist(), piece.bucket.tolist(),
                                                                    strict=True)) if told in chosen], np.int64))
            for piece in pieces]


def good_days(inputs: Inputs) -> Contribution:
    """Share of valid days with AQI ≤ 100 among the `days` (30) whole local days before the window's end, root only."""
    (_, values), newest = _valid_days(inputs, inputs.end)
    parts = np.column_stack([values <= GOOD, np.ones(len(values))]).astype(float)
    zeros = np.zeros(len(values), np.int64)
    return Contribution(zeros, parts, quotient(float(inputs.option("scale", 1))), "sum", False, zeros, newest=newest)


def _valid_days(inputs: Inputs, first_end: int) -> tuple[tuple[Array, Array], int]:
    """((starts, AQI) of the root's valid days of which a window that ends at `first_end` or later counts, newest).

    These days are over: asked through the evaluation's own formulas they are computed once for all divisions.
    """
    first, end = _midnight(inputs, first_end), _midnight(inputs, inputs.end)
    days = int(inputs.option("days", 30))
    found = inputs.formulas["aqi"](replace(inputs, start=first - days * DAY, end=end, step=DAY, moving=False))
    if "days" not in found.held:
        starts, group = np.unique(found.bucket, return_inverse=True)
        values, _ = by_group(found, group, len(starts)) if len(starts) else (np.zeros(0), starts)
        known = np.isfinite(values)
        found.held["days"] = starts[known], values[known]
    return found.held["days"], found.newest


def _midnight(inputs: Inputs, instant: int) -> int:
    return (instant + inputs.offset) // DAY * DAY - inputs.offset


def good_day_series(inputs: Inputs, instants: Array, _below: Array) -> list[tuple[float, int]]:
    """`good_days` at each of the ascending instants, NaN = unknown, with its number of days; computed in one pass."""
    (starts, values), _ = _valid_days(inputs, int(instants[0]))
    span, scale = int(inputs.option("days", 30)) * DAY, float(inputs.option("scale", 1))
    found = []
    for end in (_midnight(inputs, int(instant)) for instant in instants):
        inside = values[(starts >= end - span) & (starts < end)]
        found.append((scale * float((inside <= GOOD).sum()) / len(inside) if len(inside) else np.nan, len(inside)))
    return found


def water(inputs: Inputs) -> Contribution:
    """Share of sections whose newest readings meet the target class of the section (asset property target_class)."""
    since = inputs.end - 2 * DAY
    readings: dict[str, dict[str, float]] = {}
    division: dict[str, int] = {}
    newest = 0
    found = inputs.tables.latest(inputs.metric.feeds, WATER, Span(since, inputs.until))
    for name, rows in zip(WATER, found, strict=True):
        for at, station in enumerate(rows.station):
            readings.setdefault(station, {})[name] = float(rows.last[at])
            division[station] = int(rows.division[at])
            newest = max(newest, int(rows.last_time[at]))
    met: dict[str, bool] = {}
    assets, layers = inputs.tables.assets, layers_of(inputs)
    for station, values in readings.items():
        target = assets.prop(station, "target_class", layers)
        body: Body = "lake" if assets.prop(station, "body", layers) == "lake" else "river"
        good = meets(section_class(values, body), target) if target is not None else None
        if good is not None:
            met[station] = good
    parts = np.array([[good, 1.0] for good in met.values()], float).reshape(-1, 2)
    at_division = np.array([division[station] for station in met], np.int64)
    return Contribution(at_division, parts, quotient(float(inputs.option("scale", 1))), "sum", False, at_division * 0,
                        np.array(list(met), object), newest)
