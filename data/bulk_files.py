"""Files as chunks of canonical columns: through the feed's mapping, or straight where they are canonical already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.cells import json_cell
from data.clock import Clock
from data.feed_mapping import Mapping
from data.formats.parts import refuse
from data.history_files import JSON
from data.history_staged import first_wrong
from data.mapped_columns import canonical_schema
from data.mapping import raw_text
from data.pack import Feed
from data.records import FIELDS
from data.sources.files import ColumnChunk, first_row, read_columns

CHUNK_ROWS = 200_000


def chunks(path: Path, feed: Feed, clock: Clock) -> Iterator[ColumnChunk]:
    """The file in canonical columns; Parquet that is canonical already passes without the mapping.

    Such a file may hold `received` (history takes it for demo rows only).

    Raises:
        WrongInput: the file as a whole cannot be understood.
    """
    file = _parquet(path) if feed.map == Mapping() else None
    if file is None or not _is_canonical(feed.kind, file.schema_arrow):
        yield from read_columns(path, feed, clock)
        return
    with file:
        done, size = 0, path.stat().st_size
        for batch in _batches(path, file):
            done += batch.num_rows
            table, rejected = _canonical(feed.kind, pa.Table.from_batches([batch]))
            yield ColumnChunk(table, rejected, batch.num_rows, size * done // max(file.metadata.num_rows, 1), size,
                              {"lost": len(rejected)}, read_as="parquet",
                              sample=first_row(pa.Table.from_batches([batch])))


def _batches(path: Path, file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    try:
        yield from file.iter_batches(batch_size=CHUNK_ROWS)
    except (OSError, pa.ArrowException) as error:
        raise refuse(path.name, "Parquet 内容已损坏", "请重新导出") from error


def _is_canonical(kind: str, schema: pa.Schema) -> bool:
    """True for canonical columns whose times need no zone."""
    return not first_wrong(kind, schema) and not any(pa.types.is_timestamp(spec.type) and not spec.type.tz
                                                     for spec in schema)


def _parquet(path: Path) -> pq.ParquetFile | None:
    if path.suffix.lower() not in (".parquet", ".pq"):
        return None
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException):
        return None


def _canonical(kind: str, table: pa.Table) -> tuple[pa.Table, list[tuple[str, str]]]:
    """The columns in the kind's types, and rows whose JSON is none; `received` stays where a file has it."""
    schema = canonical_schema(kind)
    if "received" in table.column_names:
        schema = schema.append(pa.field("received", pa.int64()))
    bad: dict[int, str] = {}
    arrays = []
    for spec in schema:
        if spec.name not in table.column_names:
            arrays.append(pa.nulls(table.num_rows, spec.type))
        elif spec.name in JSON[kind]:
            arrays.append(_json(spec.name, _cast(table[spec.name], spec.type), bad))
        else:
            arrays.append(_cast(table[spec.name], spec.type))
    made = pa.Table.from_arrays(arrays, schema=schema)
    made = made.set_column(len(FIELDS[kind]), schema.field("demo"), made["demo"].fill_null(False))
    if not bad:
        return made, []
    rejected = [(raw_text(table.slice(row, 1).to_pylist()[0]), reason) for row, reason in sorted(bad.items())]
    keep = np.ones(table.num_rows, bool)
    keep[list(bad)] = False
    return made.filter(pa.array(keep)), rejected


def _cast(column: Any, wanted: pa.DataType) -> Any:
    """Timestamps become µs, empty texts no value."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    column = column.cast(wanted)
    if wanted == pa.string() and pc.any(pc.equal(column, "")).as_py():
        column = pc.if_else(pc.equal(column, ""), None, column)
    return column


def _json(name: str, column: Any, bad: dict[int, str]) -> pa.Array:
    """JSON texts in the one form that is stored, so that equal values are equal texts."""
    coded = column.combine_chunks().dictionary_encode()
    texts: list[str | None] = []
    wrong: dict[int, str] = {}
    for number, word in enumerate(coded.dictionary.to_pylist()):
        try:
            texts.append(orjson.dumps(json_cell(word)).decode())
        except ValueError as error:
            texts.append(None)
            wrong[number] = f"{name}: {error}"
    numbers = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(np.isin(numbers, list(wrong))).tolist():
        bad.setdefault(row, wrong[int(numbers[row])])
    return pa.array(texts, pa.string()).take(coded.indices)
