"""Observations of the last days in memory, one store a feed; older ones are asked of history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.columns import Array, Columns
from data.records import Row
from data.steps import bucket_start
from geo.divisions import Divisions

WORTH = 15 / 16
_SPEC: dict[str, tuple[Any, Any, int]] = {
    "series": (np.int32, 0, 1), "time": (np.int64, 0, 1), "value": (np.float64, np.nan, 1), "seq": (np.int64, 0, 1),
    "valid": (np.bool_, True, 1),
}
COLUMNS = [(name, str(np.dtype(kind)), width) for name, (kind, _, width) in _SPEC.items()]


@dataclass(frozen=True)
class Buckets:
    """Aggregates of one metric; a row = one station in one bucket.

    station: ids; division: index; bucket: start in µs; n, total, low, high over the bucket's observations; last and
    last_time: the newest value and its instant.
    """

    station: Array
    division: Array
    bucket: Array
    n: Array
    total: Array
    low: Array
    high: Array
    last: Array
    last_time: Array

    def take(self, rows: Array) -> Buckets:
        """The rows at these positions."""
        return Buckets(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    @staticmethod
    def join(pieces: list[Buckets]) -> Buckets:
        """The rows of several answers one after the other."""
        names = Buckets.__dataclass_fields__
        return Buckets(**{name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names})


def empty_buckets() -> Buckets:
    """No rows."""
    ints, reals = np.zeros(0, np.int64), np.zeros(0)
    return Buckets(np.zeros(0, object), ints, ints, ints, reals, reals, reals, reals, ints)


def whole(pieces: list[Buckets]) -> Buckets:
    """The rows of several answers as one, a row for each station and bucket."""
    found = [piece for piece in pieces if len(piece.station)]
    if not found:
        return empty_buckets()
    return found[0] if len(found) == 1 else _merge(Buckets.join(found))


def _merge(rows: Buckets) -> Buckets:
    """Joins rows of one station and bucket that came from several places."""
    order = np.lexsort((rows.last_time, rows.bucket, rows.station.astype(str)))
    sorted_rows: dict[str, Any] = {name: getattr(rows, name)[order] for name in Buckets.__dataclass_fields__}
    station, bucket = sorted_rows["station"], sorted_rows["bucket"]
    edge = np.flatnonzero(np.r_[True, (station[1:] != station[:-1]) | (bucket[1:] != bucket[:-1])])
    final = np.r_[edge[1:], len(station)] - 1
    return Buckets(
        station[edge], sorted_rows["division"][final], bucket[edge], np.add.reduceat(sorted_rows["n"], edge),
        np.add.reduceat(sorted_rows["total"], edge), np.minimum.reduceat(sorted_rows["low"], edge),
        np.maximum.reduceat(sorted_rows["high"], edge), sorted_rows["last"][final], sorted_rows["last_time"][final])


class ObservationTable:
    """The observations of one feed; rows in the order of seq, replaced versions marked not valid."""

    def __init__(self, divisions: Divisions) -> None:
        self._divisions = divisions
        self.columns = Columns(_SPEC)
        self.stations: list[str] = []
        self.metrics: list[str] = []
        self._series: dict[tuple[str, str], int] = {}
        self._division: list[int] = []
        self._latest = np.zeros(0, np.int64)
        self._loaded = 0
        # A replay takes rows by their receipt, which an import may have numbered out of turn.
        self._ordered = True
        self.newest = 0

    def _number(self, station: str, metric: str, code: str) -> int:
        key = (station, metric)
        number = self._series.get(key)
        if number is None:
            number = self._series[key] = len(self.stations)
            self.stations.append(station)
            self.metrics.append(metric)
            self._division.append(self._divisions.index(code) if code in self._divisions else 0)
        return number

    def copy(self) -> ObservationTable:
        """The same observations, which can change by themselves."""
        found = ObservationTable(self._divisions)
        found.columns, found.stations, found.metrics = self.columns.copy(), self.stations.copy(), self.metrics.copy()
        found._series, found._division, found._latest = self._series.copy(), self._division.copy(), self._latest.copy()
        found._loaded, found._ordered, found.newest = self._loaded, self._ordered, self.newest
        return found

    def add(self, rows: list[Row]) -> None:
        """Takes rows in the order of their seq; those that history held already when it was read are left alone."""
        if rows and rows[0]["seq"] <= self._loaded:
            rows = [row for row in rows if row["seq"] > self._loaded]
        series = np.array([self._number(row["station"], row["metric"], row["code"]) for row in rows], np.int32)
        self._append(series, np.array([row["time"] for row in rows], np.int64),
                     np.array([row["value"] for row in rows]), np.array([row["seq"] for row in rows], np.int64))
        self._replace([row["prev"] for row in rows if row["prev"]])

    def load(self, table: pa.Table) -> None:
        """Takes a table of history (columns of an observation), any order."""
        if not table.num_rows:
            return
        table = table.sort_by("seq")
        # Commits go on while memory reads: history may be ahead of the number from which batches are followed.
        self._loaded = table["seq"][-1].as_py()
        names = [table[name].cast(pa.string()) for name in ("station", "metric")]
        coded = pc.binary_join_element_wise(*names, "\x1f").combine_chunks().dictionary_encode()
        index = coded.indices.to_numpy()
        first = np.unique(index, return_index=True)[1]
        codes = table["code"].take(pa.array(first)).to_pylist()
        numbers = [self._number(word.split("\x1f")[0], word.split("\x1f")[1], code or "")
                   for word, code in zip(coded.dictionary.to_pylist(), codes, strict=True)]
        self._append(np.array(numbers, np.int32)[index], table["time"].to_numpy(), table["value"].to_numpy(),
                     table["seq"].to_numpy())
        self._replace([prev for prev in pc.unique(table["prev"]).to_pylist() if prev])

    def _append(self, series: Array, time: Array, value: Array, seq: Array) -> None:
        first = self.columns.extend(len(series))
        if first and len(seq):
            self._ordered = self._ordered and bool(self.columns["seq"][first - 1] < seq[0])
        for name, column in (("series", series), ("time", time), ("value", value), ("seq", seq)):
            self.columns[name][first:] = column
        if len(self._latest) < len(self.stations):
            grown = np.full(len(self.stations), -1, np.int64)
            grown[: len(self._latest)] = self._latest
            self._latest = grown
        order = np.argsort(time, kind="stable")
        known = self._latest[series[order]]
        newer = (known < 0) | (self.columns["time"][known] <= time[order])
        self._latest[series[order][newer]] = first + order[newer]
        if len(time):
            self.newest = max(self.newest, int(time.max()))

    def _replace(self, old: list[int]) -> None:
        if not old:
            return
        seq = self.columns["seq"]
        if not self._ordered:
            self.columns["valid"][np.isin(seq, old)] = False
            return
        where = np.searchsorted(seq, old)
        where = where[where < self.columns.size]
        self.columns["valid"][where[np.isin(seq[where], old)]] = False

    def drop_before(self, instant_us: int) -> None:
        """Forgets observations older than the instant, and versions that were replaced, once they are worth a copy."""
        keep = (self.columns["time"] >= instant_us) & self.columns["valid"]
        if keep.sum() > len(keep) * WORTH:
            return
        moved, known = np.cumsum(keep) - 1, np.flatnonzero(self._latest >= 0)
        at = self._latest[known]
        self._latest[known] = np.where(keep[at], moved[at], -1)
        self.columns.keep(keep)

    def _of(self, metric: str) -> npt.NDArray[np.bool_]:
        return np.array([name == metric for name in self.metrics], bool)

    def latest(self, metric: str, start_us: int, end_us: int) -> Buckets:
        """The newest value of each station with time in [start, end); an end after the newest row is immediate."""
        if end_us <= self.newest:
            return self.buckets(metric, start_us, end_us, 0, 0)
        chosen = np.flatnonzero(self._of(metric)) if self.metrics else np.zeros(0, np.int64)
        # A station whose every row was forgotten has no newest one; a feed whose stations all have none has no rows.
        chosen = chosen[self._latest[chosen] >= 0]
        chosen = chosen[self.columns["time"][self._latest[chosen]] >= start_us]
        at = self._latest[chosen]
        value, time = self.columns["value"][at], self.columns["time"][at]
        return self._answer(chosen, time * 0, np.ones(len(at), np.int64), (value, value, value, value), time)

    def _answer(self, series: Array, bucket: Array, n: Array, reals: tuple[Array, Array, Array, Array],
                time: Array) -> Buckets:
        stations = np.array(self.stations, object)[series] if len(series) else np.zeros(0, object)
        division = np.array(self._division, np.int64)[series] if len(series) else np.zeros(0, np.int64)
        return Buckets(stations, division, bucket, n, reals[0], reals[1], reals[2], reals[3], time)

    def buckets(self, metric: str, start_us: int, end_us: int, step_us: int, offset_us: int) -> Buckets:
        """Aggregates per station and bucket of [start, end); step 0 = one bucket; buckets align with local time."""
        if not self.metrics:
            return empty_buckets()
        columns = self.columns
        series, time = columns["series"], columns["time"]
        mask = self._of(metric)[series] & columns["valid"] & (time >= start_us) & (time < end_us)
        series, time, value = series[mask], time[mask], columns["value"][mask]
        if not len(series):
            return empty_buckets()
        bucket = bucket_start(time, step_us, offset_us) if step_us else np.full(len(time), start_us)
        order = np.lexsort((time, bucket, series))
        series, bucket, time, value = series[order], bucket[order], time[order], value[order]
        edge = np.flatnonzero(np.r_[True, (series[1:] != series[:-1]) | (bucket[1:] != bucket[:-1])])
        final = np.r_[edge[1:], len(series)] - 1
        reals = (np.add.reduceat(value, edge), np.minimum.reduceat(value, edge), np.maximum.reduceat(value, edge),
                 value[final])
        return self._answer(series[edge], bucket[edge], np.diff(np.r_[edge, len(series)]), reals, time[final])

    def last_heard(self) -> dict[str, int]:
        """station → instant (µs) of its newest reading of any metric."""
        found: dict[str, int] = {}
        for number, at in enumerate(self._latest.tolist()):
            if at >= 0:
                station, time = self.stations[number], int(self.columns["time"][at])
                found[station] = max(found.get(station, 0), time)
        return found

    def known_stations(self) -> set[str]:
        """Stations that ever reported."""
        return set(self.stations)

    def frames(self) -> tuple[pa.Table, pa.Table]:
        """(rows; series: station, metric, division's index, position of its newest row) to be kept and taken back.

        Rows are only ever added, so their columns are shared, not copied.
        """
        latest = np.full(len(self.stations), -1, np.int64)
        latest[: len(self._latest)] = self._latest
        series = pa.table({"station": pa.array(self.stations, pa.string()),
                           "metric": pa.array(self.metrics, pa.string()),
                           "division": pa.array(self._division, pa.int64()), "latest": latest,
                           "loaded": np.full(len(latest), self._loaded)})
        return self.columns.frame(("valid",)), series

    def restore(self, rows: pa.Table, series: pa.Table) -> None:
        """Takes what `frames` gave, into an empty table."""
        self.columns.fill(rows)
        self.stations, self.metrics = series["station"].to_pylist(), series["metric"].to_pylist()
        self._division, self._latest = series["division"].to_pylist(), series["latest"].to_numpy().copy()
        self._series = {key: number for number, key in enumerate(zip(self.stations, self.metrics, strict=True))}
        self._loaded = max(series["loaded"].to_pylist(), default=0)
        self.newest = int(self.columns["time"].max()) if self.columns.size else 0
