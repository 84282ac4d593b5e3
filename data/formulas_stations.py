"""Formulas over observations and assets: levels, sums, margins over a limit, online rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.columns import Array
from data.contribution import Contribution, plain, quotient
from data.coverage import layers_of
from data.health import seconds
from data.history_span import Span
from data.inputs import Inputs
from data.observation_table import Buckets, empty_buckets
from data.steps import bucket_starts

HOUR = 3_600_000_000


def _patience(inputs: Inputs) -> int:
    """How old, in µs, a station's last value may be and still count: 10 × cadence, at least an hour.

    Only feeds of observations: the register beside them is sent once a day, which makes no reading younger.
    """
    read = [inputs.feeds[feed] for feed in inputs.metric.feeds if inputs.feeds[feed].kind == "observation"]
    longest = max((seconds(feed.cadence) for feed in read), default=0.0)
    return int(max(10 * longest, 3600.0) * 1_000_000)


def _rows(inputs: Inputs, metric: str, take: str) -> Buckets:
    """The metric's buckets: newest value of each station (last), or aggregates of the window or its last `hours`."""
    tables, feeds = inputs.tables, inputs.metric.feeds
    if inputs.step and take == "last":
        return _standing(inputs, metric)
    if inputs.step:
        return tables.buckets(feeds, [metric], Span(inputs.start, inputs.end, inputs.step, inputs.offset))[0]
    if take == "last":
        return tables.latest(feeds, [metric], Span(max(inputs.end - _patience(inputs), 0), inputs.until))[0]
    hours = inputs.option("hours")
    start = inputs.end - int(hours) * HOUR if hours else inputs.start
    return tables.buckets(feeds, [metric], Span(start, inputs.end))[0]


def _standing(inputs: Inputs, metric: str) -> Buckets:
    """At the end of every bucket the newest value of each station, however long before: a bucket that has just begun
    holds the stations that have not reported in it yet as well.
    """
    patience = _patience(inputs)
    span = Span(max(inputs.start - patience, 0), inputs.until, inputs.step, inputs.offset)
    rows = inputs.tables.buckets(inputs.metric.feeds, [metric], span)[0]
    starts = bucket_starts(inputs.start, inputs.end, inputs.step, inputs.offset)
    if not len(rows.station):
        return rows
    order = np.lexsort((rows.last_time, rows.station.astype(str)))
    rows = rows.take(order)
    first = np.flatnonzero(np.r_[True, rows.station[1:] != rows.station[:-1]])
    station = np.cumsum(np.isin(np.arange(len(order)), first)) - 1
    newest = np.full((len(first), len(starts) + 1), -1, np.int64)
    column = np.searchsorted(starts, rows.bucket, "right")
    np.maximum.at(newest, (station, column), np.arange(len(order)))
    held = np.maximum.accumulate(newest, axis=1)[:, 1:]
    ends = np.append(starts[1:], inputs.end)
    told = (held >= 0) & (rows.last_time[held] >= ends - patience)
    _, at = np.nonzero(told)
    return replace(rows.take(held[told]), bucket=starts[at])


def _newest(rows: Buckets) -> int:
    return int(rows.last_time.max()) if len(rows.last_time) else 0


def observed(inputs: Inputs) -> Contribution:
    """`metric` taken as last | sum | mean | max | min per station, joined over stations as `over_area` says."""
    take, area = str(inputs.option("take", "last")), inputs.metric.over_area
    rows = _rows(inputs, str(inputs.option("metric")), take)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = {"last": rows.last, "sum": rows.total, "max": rows.high, "min": rows.low,
                 "mean": rows.total / np.maximum(rows.n, 1)}[take] * float(inputs.option("scale", 1))
    if area == "mean":
        return _made(rows, np.column_stack([value, np.ones(len(value))]), "mean")
    return _made(rows, value.reshape(-1, 1).astype(float), area)


def _made(rows: Buckets, parts: Array, area: str) -> Contribution:
    reduce = {"max": "max", "worst": "max"}.get(area, "sum")
    finish = quotient() if area in ("mean", "ratio") else plain
    return Contribution(rows.division, parts, finish, reduce, False, rows.bucket, rows.station, _newest(rows))


def margin(inputs: Inputs) -> Contribution:
    """Newest `metric` minus the station's own limit (asset property `limit`); with `count` the number above it.

    Stations without the limit do not count: a limit that nobody stated is not a limit of zero.
    """
    rows = _rows(inputs, str(inputs.option("metric")), "last")
    fixed, layers = inputs.option("above"), layers_of(inputs)
    limits = [fixed if fixed is not None else inputs.tables.assets.prop(station, str(inputs.option("limit")), layers)
              for station in rows.station]
    known = np.array([limit is not None for limit in limits], bool)
    over = rows.last[known] - np.array([limit for limit in limits if limit is not None], float)
    kept = rows.take(np.flatnonzero(known))
    if inputs.option("count"):
        return _made(kept, (over > 0).astype(float).reshape(-1, 1), "sum")
    return _made(kept, over.reshape(-1, 1), "max")


def online(inputs: Inputs) -> Contribution:
    """Share of the devices of `layers` heard within 3 × cadence of the window's end; unknown when none was heard:
    then it is the feed that is silent, and nothing is known of the devices.
    """
    feed = inputs.metric.feeds[0]
    since = inputs.end - int(3 * seconds(inputs.feeds[feed].cadence) * 1_000_000)
    table = inputs.tables.observations.get(feed)
    heard: set[str] = set()
    newest = 0
    metrics = sorted(set(table.metrics)) if table else []
    for rows in inputs.tables.latest((feed,), metrics, Span(since, inputs.until)):
        heard.update(rows.station)
        newest = max(newest, _newest(rows))
    if not heard:
        return _made(empty_buckets(), np.zeros((0, 2)), "ratio")
    devices = [asset for layer in inputs.option("layers", ()) for asset in inputs.tables.assets.devices(layer)]
    parts = np.array([[asset["id"] in heard, 1.0] for asset in devices], float).reshape(-1, 2)
    division = np.array([asset["index"] for asset in devices], np.int64)
    label = np.array([asset["layer"] for asset in devices], object)
    return Contribution(division, parts, quotient(float(inputs.option("scale", 1))), "sum", False, division * 0, label,
                        newest)


def assets(inputs: Inputs) -> Contribution:
    """Assets of `layer`: take = count | sum (of `property`) | share (with `property` true)."""
    rows = [asset for layer in inputs.option("layers", ()) for asset in inputs.tables.assets.layer(layer)]
    take, name = inputs.option("take", "count"), inputs.option("property", "")
    division = np.array([asset["index"] for asset in rows], np.int64)
    label = np.array([asset["layer"] for asset in rows], object)
    newest = max((asset["received"] for asset in rows), default=0)
    if take == "share":
        parts = np.array([[bool(asset["properties"].get(name)), 1.0] for asset in rows], float).reshape(-1, 2)
        finish = quotient(float(inputs.option("scale", 1)))
        return Contribution(division, parts, finish, "sum", False, division * 0, label, newest)
    values = [1.0 if take == "count" else float(asset["properties"].get(name) or 0) for asset in rows]
    zero = inputs.tables.delivered(inputs.metric.feeds)
    return Contribution(division, np.array(values).reshape(-1, 1), plain, "sum", zero, division * 0, label, newest)
