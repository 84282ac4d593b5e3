"""Parquet files of the history: their schema, the order of their rows, rows to columns and back."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.manifest import DAY_US, FileEntry, month_of, sync_folder
from data.records import DAY_OF, FIELDS, IDENTITY, KINDS, META, Row

ROW_GROUP = 122_880
ALL = "all"
_TYPES = {"text": pa.string(), "real": pa.float64(), "time": pa.int64(), "int": pa.int64(), "flag": pa.bool_(),
          "json": pa.string()}
SCHEMA = {kind: pa.schema([(spec.name, _TYPES[spec.type]) for spec in (*META, *FIELDS[kind])]) for kind in KINDS}
JSON = {kind: tuple(spec.name for spec in FIELDS[kind] if spec.type == "json") for kind in KINDS}
# Metric before station: most questions name one metric, so the row groups of all others are skipped.
SORT = {kind: ("feed", *IDENTITY[kind]) for kind in KINDS} | {
    "observation": ("feed", "metric", "station", "time"), "event": ("feed", "id", "stage_time", "stage")}


class Columns:
    """Rows of one kind, collected by column; appending costs a few list copies."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._lists: dict[str, list[Any]] = {name: [] for name in SCHEMA[kind].names}

    def extend(self, rows: list[Row]) -> None:
        """Adds rows that carry META and the kind's fields."""
        for name, values in self._lists.items():
            values.extend([row[name] for row in rows])

    def join(self, later: Columns) -> None:
        """Adds another collection of the same kind."""
        for name, values in self._lists.items():
            values.extend(later._lists[name])

    def table(self) -> pa.Table:
        """The rows as an Arrow table in SCHEMA; json fields as text."""
        arrays = []
        for spec in SCHEMA[self.kind]:
            values = self._lists[spec.name]
            if spec.name in JSON[self.kind]:
                values = [None if value is None else orjson.dumps(value).decode() for value in values]
            arrays.append(pa.array(values, spec.type))
        return pa.Table.from_arrays(arrays, schema=SCHEMA[self.kind])


def to_rows(kind: str, table: pa.Table) -> list[Row]:
    """Rows as dicts, json fields decoded: what Columns was given."""
    rows: list[Row] = table.to_pylist()
    for name in JSON[kind]:
        if name in table.column_names:
            for row in rows:
                row[name] = None if row[name] is None else orjson.loads(row[name])
    return rows


def by_partition(kind: str, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """(partition, its rows): UTC months of the DAY_OF time, or everything under "all"."""
    if not DAY_OF[kind]:
        yield ALL, table
        return
    days = table[DAY_OF[kind]].to_numpy() // DAY_US
    unique, inverse = np.unique(days, return_inverse=True)
    names = np.array([month_of(int(day)) for day in unique])
    months = names[inverse]
    for name in np.unique(names):
        yield str(name), table.filter(pa.array(months == name))


def new_path(kind: str, partition: str, seq0: int) -> str:
    """A fresh name, relative to the root: kind/partition/number-token.parquet."""
    return f"{kind}/{partition}/{seq0:016d}-{secrets.token_hex(4)}.parquet"


def write_sorted(root: Path, kind: str, partition: str, table: pa.Table) -> FileEntry:
    """Writes one file in SORT order, durable but not yet named by the manifest. Raises OSError."""
    table = table.sort_by([(name, "ascending") for name in (*SORT[kind], "seq")])
    path = new_path(kind, partition, pc.min(table["seq"]).as_py())
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, root / path, compression="zstd", row_group_size=ROW_GROUP)
    make_durable(root / path)
    return describe(kind, path, table)


def make_durable(path: Path) -> None:
    """Syncs a file and the folders that name it."""
    with path.open("rb") as written:
        os.fsync(written.fileno())
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        sync_folder(folder)


def describe(kind: str, path: str, table: pa.Table) -> FileEntry:
    """The manifest's entry for a file that holds (at least the META and day columns of) these rows."""
    seq, day = pc.min_max(table["seq"]).as_py(), {"min": 0, "max": 0}
    if DAY_OF[kind]:
        day = pc.min_max(table[DAY_OF[kind]]).as_py()
    replaced = pc.sum(pc.not_equal(table["prev"], 0)).as_py()
    return FileEntry(kind, path, table.num_rows, seq["min"], seq["max"], day["min"] // DAY_US, day["max"] // DAY_US,
                     pc.max(table["received"]).as_py(), tuple(sorted(pc.unique(table["feed"]).to_pylist())), replaced)


def describe_file(root: Path, kind: str, path: str) -> FileEntry:
    """The same, read from a written file by its few narrow columns."""
    names = ["seq", "prev", "received", "feed", *filter(None, [DAY_OF[kind]])]
    return describe(kind, path, pq.read_table(root / path, columns=names, read_dictionary=["feed"], partitioning=None))
