"""Parquet: the file's own types, read in row groups."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from data.formats.parts import Layout, Member, RawColumns, RawRows, refuse

BATCH_ROWS = 200_000


def columns(member: Member, layout: Layout) -> Iterator[RawColumns]:
    """Batches of at most BATCH_ROWS rows, only the columns the layout needs (or all).

    Raises:
        WrongInput: no Parquet, damaged, or a needed column is missing.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(member.data))
        names = file.schema_arrow.names
    except (pa.ArrowInvalid, OSError) as error:
        raise refuse(member.name, "不是完整的 Parquet 文件", "请重新导出") from error
    missing = [name for name in layout.columns if name not in names]
    if missing:
        raise refuse(member.name, f"缺少列 {'、'.join(missing[:5])}", "请核对 feeds.yaml 的 map")
    total = max(file.metadata.num_rows, 1)
    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(layout.columns) or names):
            share = len(member.data) * batch.num_rows // total
            yield RawColumns(pa.Table.from_batches([batch]), [], batch.num_rows, share)
    except (pa.ArrowInvalid, OSError) as error:
        raise refuse(member.name, "Parquet 内容已损坏", "请重新导出") from error


def rows(member: Member, layout: Layout) -> Iterator[RawRows]:
    """The same as dicts."""
    for part in columns(member, layout):
        for start in range(0, part.table.num_rows, 5000):
            piece = part.table.slice(start, 5000)
            yield RawRows(piece.to_pylist(), [], piece.num_rows, part.done * piece.num_rows // max(part.read, 1))
