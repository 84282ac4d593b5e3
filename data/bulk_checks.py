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
from data.pack import Check, Feed, Pack
from data.quality import NEWEST_US, OLDEST_US, PAST, Checks
from data.records import FIELDS, FROZEN, IDENTITY
from data.registry import Registry
from data.times import MICRO

Mask = npt.NDArray[np.bool_]
Reasons = dict[int, str]
Positions = npt.NDArray[np.int64]
_BY_COLUMN = ("observation", "event")
_NOWHERE: Positions = np.zeros(0, np.int64)


class ColumnChecks:
    """The checks of one feed for tables of canonical columns, in the order of time for each station."""

    def __init__(self, name: str, feed: Feed, pack: Pack, registry: Registry) -> None:
        self._feed, self._divisions, self._stations = feed, pack.divisions, registry.stations(feed.stations)
        self._checks = Checks(name, feed, pack, registry)
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

    def judged(self, table: pa.Table, codes: pa.Array, now_us: int) -> tuple[Reasons, Positions]:
        """Position → reason of the rows that cannot be taken, and positions of those that stand still too long.

        codes: divisions of the rows. A station's readings are judged in the order of the rows, from chunk to chunk.
        """
        doubtful = self._doubtful(table, codes, now_us)
        found: Reasons = {}
        positions = np.flatnonzero(doubtful)
        rows = to_rows(self._feed.kind, table.take(pa.array(positions)))
        for position, row in zip(positions.tolist(), rows, strict=True):
            reason = self._checks.alone(row, codes[position].as_py(), now_us)
            if reason:
                found[position] = reason
        if self._feed.kind == "asset":
            moved = self._checks.shifted(rows)
            found |= {position: moved[row["id"]] for position, row in zip(positions.tolist(), rows, strict=True)
                      if row["id"] in moved and position not in found}
        if self._feed.kind != "observation":
            return found, _NOWHERE
        if self._steps:
            found |= self._jumps(table, _without(table.num_rows, found))
        suspects, frozen = self._followed(table, _without(table.num_rows, found))
        return found | suspects, frozen

    def _followed(self, table: pa.Table, positions: Positions) -> tuple[Reasons, Positions]:
        """What `data.tracks` says of the readings, a series after the other."""
        metrics, stations = _coded(table["metric"]), _coded(table["station"])
        names, places = metrics.dictionary.to_pylist(), stations.dictionary.to_pylist()
        series = stations.indices.to_numpy()[positions].astype(np.int64) * len(names)
        series += metrics.indices.to_numpy()[positions]
        order = np.argsort(series, kind="stable")
        positions, series = positions[order], series[order]
        time, value = table["time"].to_numpy()[positions], table["value"].to_numpy()[positions]
        found: Reasons = {}
        frozen: list[Positions] = []
        starts = np.flatnonzero(np.r_[True, series[1:] != series[:-1]]) if len(series) else _NOWHERE
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(series)], strict=False):
            station, metric = divmod(int(series[start]), len(names))
            tracks = self._checks.lately(names[metric])
            refused, flagged = tracks.follow(names[metric], places[station], time[start:end].tolist(),
                                             value[start:end].tolist())
            found |= {int(positions[start + at]): reason for at, reason in refused}
            frozen.append(positions[start:end][flagged])
        return found, np.concatenate(frozen) if frozen else _NOWHERE

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
            strange = [word not in self._stations for word in stations.dictionary.to_pylist()]
            bad |= np.array(strange, bool)[stations.indices.to_numpy()]
        metrics = _coded(table["metric"])
        value = table["value"].to_numpy()
        for number, name in enumerate(metrics.dictionary.to_pylist()):
            check = self._feed.checks.get(name)
            if check is not None:
                bad |= (metrics.indices.to_numpy() == number) & _beyond(value, check)
        return bad

    def _places(self, table: pa.Table, codes: pa.Array) -> Mask:
        named = _coded(table["division"])
        known = pa.array([word in self._divisions for word in named.dictionary.to_pylist()], pa.bool_())
        unknown = pc.invert(known.take(named.indices)).fill_null(False)
        nowhere = pc.and_(pc.equal(codes, ""), table["lon"].is_valid())
        bad = _mask(pc.or_(unknown, nowhere))
        for name, (_, _, known) in self._checks.closed.items():
            bad |= _mask(pc.invert(pc.is_in(table[name], pa.array(list(known), pa.string()))))
        return bad

    def _jumps(self, table: pa.Table, positions: Positions) -> Reasons:
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
            found |= self._stepped(table, positions[start:end].tolist(), calm)
        return found

    def _stepped(self, table: pa.Table, positions: list[int], calm: bool) -> Reasons:
        """Judges a series row by row; of a calm one only the first row, and the last for what comes after."""
        found: Reasons = {}
        names = ["station", "metric", "time", "value"]
        for position in positions:
            if calm and not found and position not in (positions[0], positions[-1]):
                continue
            row = {name: table[name][position].as_py() for name in names}
            reason = self._checks.step(row)
            if reason:
                found[position] = reason
        return found


def with_flags(table: pa.Table, frozen: Positions) -> pa.Table:
    """The readings with our flag in `quality` where they stand still too long."""
    if not len(frozen):
        return table
    marks = np.zeros(table.num_rows, bool)
    marks[frozen] = True
    said = table["quality"].combine_chunks()
    made = pc.if_else(pa.array(marks), pc.binary_join_element_wise(said.fill_null(""), FROZEN, "+"), said)
    return table.set_column(table.schema.get_field_index("quality"), table.schema.field("quality"), made)


def _without(rows: int, found: Reasons) -> Positions:
    """Positions of the rows that are not refused so far."""
    keep = np.ones(rows, bool)
    keep[list(found)] = False
    return np.flatnonzero(keep)


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
