"""The checks of `data.quality` by column: numpy finds the few doubtful rows, the checks themselves judge those."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.acceptance import MOST_NAME
from data.health import seconds
from data.history_files import to_rows
from data.mapped_columns import together
from data.pack import Check, Feed
from data.quality import NEWEST_US, OLDEST_US, PAST, Checks
from data.records import FIELDS, IDENTITY
from data.registry import Registry
from data.times import MICRO
from geo.divisions import Divisions

Mask = npt.NDArray[np.bool_]
Reasons = dict[int, str]
_BY_COLUMN = ("observation", "event")


class ColumnChecks:
    """The checks of one feed for tables of canonical columns, in the order of time for each station."""

    def __init__(self, feed: Feed, divisions: Divisions, registry: Registry) -> None:
        self._feed, self._divisions, self._registry = feed, divisions, registry
        self._checks = Checks(feed, divisions, registry)
        self._future_us = round(seconds(feed.future) * MICRO)
        self._gap_us = round(3 * seconds(feed.cadence) * MICRO)
        self._steps = {name: check.max_step for name, check in feed.checks.items() if check.max_step is not None}

    def form(self, table: pa.Table) -> Reasons:
        """What `parse` and the doors would refuse: missing, not finite, not allowed, unprintable in an identity."""
        bad: Reasons = {}
        for spec in FIELDS[self._feed.kind]:
            column = table[spec.name]
            if spec.type == "real":
                _mark(bad, pc.invert(pc.is_finite(column)), f"{spec.name}: 不是有限的数")
            elif spec.type == "text" and spec.name in IDENTITY[self._feed.kind]:
                odd = pc.or_(pc.invert(pc.utf8_is_printable(column)), pc.greater(pc.utf8_length(column), MOST_NAME))
                _mark(bad, odd, f"{spec.name}: 含有控制字符，或长于 {MOST_NAME} 字")
        return {**together(self._feed.kind, table), **bad}

    def refused(self, table: pa.Table, codes: pa.Array, now_us: int) -> Reasons:
        """Position → reason of the rows that cannot be taken; `codes`: their divisions."""
        doubtful = self._doubtful(table, codes, now_us)
        found: Reasons = {}
        positions = np.flatnonzero(doubtful)
        rows = to_rows(self._feed.kind, table.take(pa.array(positions)))
        for position, row in zip(positions.tolist(), rows, strict=True):
            reason = self._checks.reason(row, codes[position].as_py(), now_us)
            if reason:
                found[position] = reason
        if self._steps and self._feed.kind == "observation":
            found |= self._jumps(table, np.flatnonzero(~doubtful), now_us)
        return found

    def _doubtful(self, table: pa.Table, codes: pa.Array, now_us: int) -> Mask:
        if self._feed.kind not in _BY_COLUMN:
            return np.ones(table.num_rows, bool)
        bad = np.zeros(table.num_rows, bool)
        for spec in FIELDS[self._feed.kind]:
            if spec.type == "time":
                newest = now_us + self._future_us if spec.name in PAST[self._feed.kind] else NEWEST_US - 1
                bad |= _outside(table[spec.name], OLDEST_US, newest)
        return bad | (self._readings(table) if self._feed.kind == "observation" else self._places(table, codes))

    def _readings(self, table: pa.Table) -> Mask:
        bad = np.zeros(table.num_rows, bool)
        if self._feed.stations:
            stations = _coded(table["station"])
            strange = [self._strange(word) for word in stations.dictionary.to_pylist()]
            bad |= np.array(strange, bool)[stations.indices.to_numpy()]
        metrics = _coded(table["metric"])
        value = table["value"].to_numpy()
        for number, name in enumerate(metrics.dictionary.to_pylist()):
            check = self._feed.checks.get(name)
            if check is not None:
                bad |= (metrics.indices.to_numpy() == number) & _beyond(value, check)
        return bad

    def _strange(self, station: str) -> bool:
        asset = self._registry.get(station)
        return asset is None or asset.layer != self._feed.stations

    def _places(self, table: pa.Table, codes: pa.Array) -> Mask:
        named = _coded(table["division"])
        known = pa.array([word in self._divisions for word in named.dictionary.to_pylist()], pa.bool_())
        unknown = pc.invert(known.take(named.indices)).fill_null(False)
        nowhere = pc.and_(pc.equal(codes, ""), table["lon"].is_valid())
        return _mask(pc.or_(unknown, nowhere))

    def _jumps(self, table: pa.Table, positions: npt.NDArray[np.int64], now_us: int) -> Reasons:
        """Steps larger than max_step. Series without any step that large and in order pass as a whole."""
        metrics = _coded(table["metric"])
        limits = np.array([self._steps.get(name, np.inf) for name in metrics.dictionary.to_pylist()])
        metric = metrics.indices.to_numpy()[positions]
        positions = positions[np.isfinite(limits[metric])]
        if not len(positions):
            return {}
        metric = metrics.indices.to_numpy()[positions]
        series = _coded(table["station"]).indices.to_numpy()[positions].astype(np.int64) * len(limits) + metric
        order = np.argsort(series, kind="stable")
        positions, series, limit = positions[order], series[order], limits[metric[order]]
        time, value = table["time"].to_numpy()[positions], table["value"].to_numpy()[positions]
        starts = np.flatnonzero(np.r_[True, series[1:] != series[:-1]])
        uneasy = np.r_[False, (np.diff(time) <= 0) | (np.abs(np.diff(value)) > limit[1:])]
        uneasy[starts] = False
        found: Reasons = {}
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(series)], strict=True):
            calm = not uneasy[start:end].any() and time[end - 1] - time[start] > self._gap_us
            found |= self._follow(table, positions[start:end].tolist(), calm, now_us)
        return found

    def _follow(self, table: pa.Table, positions: list[int], calm: bool, now_us: int) -> Reasons:
        """Judges a series row by row; of a calm one only the first row, and the last for what comes after."""
        found: Reasons = {}
        names = ["station", "metric", "time", "value"]
        for position in positions:
            if calm and not found and position not in (positions[0], positions[-1]):
                continue
            row = {name: table[name][position].as_py() for name in names}
            reason = self._checks.reason(row, "", now_us)
            if reason:
                found[position] = reason
        return found


def _mark(bad: Reasons, mask: Any, reason: str) -> None:
    for row in np.flatnonzero(_mask(mask)):
        bad.setdefault(int(row), reason)


def _mask(mask: Any) -> Mask:
    found: Mask = mask.fill_null(False).to_numpy(zero_copy_only=False) if isinstance(mask, pa.Array) \
        else mask.fill_null(False).to_numpy()
    return found


def _coded(column: Any) -> Any:
    """A column as words and their numbers; no value counts as the word None."""
    return column.combine_chunks().dictionary_encode(null_encoding="encode")


def _outside(column: Any, low: int, high: int) -> Mask:
    return _mask(pc.or_(pc.less(column, low), pc.greater(column, high)))


def _beyond(value: npt.NDArray[np.float64], check: Check) -> Mask:
    bad = np.isin(value, np.array(check.caps, float))
    if check.low is not None:
        bad |= value < check.low
    if check.high is not None:
        bad |= value > check.high
    return bad
