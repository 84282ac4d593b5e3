"""Staged canonical Parquet as DuckDB reads it: checked, typed, by month, the last row of each identity."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
from ibis.backends.duckdb import Backend

from data.errors import WrongInput
from data.history_dialect import epoch_us
from data.history_files import ALL, SCHEMA
from data.history_staged import check_staged
from data.manifest import DAY_US, month_bounds, month_of
from data.records import DAY_OF, FIELDS, IDENTITY, KINDS

_ORDER = ("filename", "file_row_number")


class Intake:
    """The staged files of one bulk publish of one feed.

    Attributes:
        total: rows staged, once `partitions` was asked for.

    Raises:
        WrongInput: no such kind of record.
    """

    def __init__(self, backend: Backend, kind: str, feed: str, received: int) -> None:
        if kind not in KINDS:
            raise WrongInput(f"没有记录类型 {kind!r}；可用的是 {'、'.join(KINDS)}")
        self.kind, self.feed = kind, feed
        self.total = 0
        self._backend, self._received = backend, received

    def partitions(self, paths: list[Path]) -> dict[str, list[str]]:
        """Which files hold rows of which partition, by links to them; counts the rows.

        Raises:
            WrongInput: a file is no Parquet, or lacks or leaves empty a required column.
        """
        found = self._found(self._link(paths))
        chosen: dict[str, set[str]] = {}
        for row in found:
            for spec in FIELDS[self.kind]:
                if spec.required and row[f"empty_{spec.name}"]:
                    empty = row[f"empty_{spec.name}"]
                    raise WrongInput(f"{empty} 行的 {spec.name} 为空，它是必填的；请补上或去掉这些行")
            self.total += row["n"]
            chosen.setdefault(month_of(row["day"]) if DAY_OF[self.kind] else ALL, set()).add(row["filename"])
        return {partition: sorted(names) for partition, names in sorted(chosen.items())}

    def rows(self, partition: str, files: list[str]) -> ibis.Table:
        """The rows of a partition in the types of SCHEMA, without seq and prev; of an identity the last."""
        staged = self._staged(files)
        if partition != ALL:
            start, end = month_bounds(partition)
            time = staged[DAY_OF[self.kind]]
            staged = staged.filter(time >= start, time < end)
        return self._last_of_each(staged)

    def _link(self, paths: list[Path]) -> list[str]:
        """The files under names whose order is the order given, because the last row of an identity counts."""
        folder = Path(self._backend.settings["temp_directory"]).resolve()
        linked = []
        for number, path in enumerate(paths):
            check_staged(self.kind, path)
            target = folder / f"{number:06d}.parquet"
            try:
                os.link(path, target)
            except OSError:
                target.symlink_to(path.resolve())
            linked.append(str(target))
        return linked

    def _staged(self, files: list[str]) -> ibis.Table:
        """The staged rows in the types of SCHEMA, without numbers, with filename and file_row_number."""
        raw = self._backend.read_parquet(files, union_by_name=True, filename=True, file_row_number=True)
        columns = {}
        for spec in SCHEMA[self.kind]:
            if spec.name in raw.columns:
                column = raw[spec.name]
                moment = column.type().is_timestamp()
                columns[spec.name] = epoch_us(column) if moment else column.cast(_ibis_type(spec.type))
            else:
                columns[spec.name] = ibis.null(_ibis_type(spec.type))
        columns |= {"feed": ibis.literal(self.feed), "code": columns["code"].fill_null(""),
                    "demo": columns["demo"].fill_null(False)}
        # Only simulated records may say when they were received; all others were received now.
        columns["received"] = ibis.ifelse(columns["demo"], columns["received"], None).fill_null(self._received)
        del columns["seq"], columns["prev"]
        return raw.select(**columns, filename=raw.filename, file_row_number=raw.file_row_number)

    def _found(self, files: list[str]) -> list[dict[str, Any]]:
        """Rows, and empty required fields, by file and day."""
        staged = self._staged(files)
        day = staged[DAY_OF[self.kind]] // DAY_US if DAY_OF[self.kind] else ibis.literal(0)
        counts = {f"empty_{spec.name}": staged[spec.name].isnull().sum() for spec in FIELDS[self.kind] if spec.required}
        grouped = staged.group_by(staged.filename, day=day).agg(n=staged.count(), **counts)
        found: list[dict[str, Any]] = grouped.to_pyarrow().to_pylist()
        return found

    def _last_of_each(self, staged: ibis.Table) -> ibis.Table:
        identity = list(IDENTITY[self.kind])
        doubled = staged.group_by(identity).agg(n=staged.count()).filter(ibis._.n > 1).limit(1)
        if not doubled.to_pyarrow().num_rows:
            return staged
        place = ibis.row_number().over(group_by=identity, order_by=[ibis.desc(name) for name in _ORDER])
        return staged.mutate(place=place).filter(ibis._.place == 0)


def _ibis_type(arrow: pa.DataType) -> str:
    return {pa.string(): "string", pa.float64(): "float64", pa.int64(): "int64", pa.bool_(): "boolean"}[arrow]
