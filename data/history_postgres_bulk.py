"""Bulk publishes on PostgreSQL: staged rows are compared with the current ones where those are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import ibis
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend
from psycopg import sql

from data.history_files import ALL, SCHEMA, SORT
from data.history_postgres_tables import copy_in
from data.manifest import DAY_US, FileEntry, month_bounds
from data.records import DAY_OF, FIELDS, IDENTITY

_CHUNK = 200_000
# New rows, and rows that differ from the current version and are newer than it, with its number as prev; in the order
# of time, so that an index by ranges of blocks stays small. Says what the manifest must know of them.
_BRING = """
WITH mine AS NOT MATERIALIZED (SELECT * FROM {kind} WHERE feed = {feed} AND {within}),
  current AS (SELECT m.* FROM mine AS m WHERE NOT EXISTS (SELECT FROM mine AS r WHERE r.prev <> 0 AND r.prev = m.seq)),
  fresh AS (SELECT {first} - 1 + row_number() OVER (ORDER BY {order}) AS seq, coalesce(c.seq, 0) AS prev, {new}
    FROM staged AS s LEFT JOIN current AS c ON {same}
    WHERE {staged} AND (c.seq IS NULL OR (c.seq < {first} AND ROW({said}) IS DISTINCT FROM ROW({known})))),
  done AS (INSERT INTO {kind} (seq, prev, {names}) SELECT seq, prev, {names} FROM fresh ORDER BY seq
    RETURNING seq, prev, received, {day} AS day)
SELECT count(*), min(seq), max(seq), min(day), max(day), max(received), count(*) FILTER (WHERE prev <> 0) FROM done"""


def stage(line: psycopg.Connection, kind: str, duck: Backend, parts: Iterable[ibis.Table]) -> None:
    """Copies DuckDB's expressions to a table that ends with the transaction, by way of files: memory stays bounded."""
    names = [name for name in SCHEMA[kind].names if name not in ("seq", "prev")]
    line.execute(sql.SQL("CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
        _names(names), sql.Identifier(kind)))
    path = Path(duck.settings["temp_directory"]) / "staged.parquet"
    for part in parts:
        duck.to_parquet(part.select(names), path)
        with pq.ParquetFile(path) as file:
            copy_in(line, "staged", names, (pa.Table.from_batches([batch]) for batch in file.iter_batches(_CHUNK)))
    line.execute("ANALYZE staged")


def bring(line: psycopg.Connection, kind: str, feed: str, partitions: list[str], first_seq: int) -> list[FileEntry]:
    """Moves what is new of the staged rows into the kind's table, numbered from first_seq; an entry per partition."""
    made: list[FileEntry] = []
    for partition in partitions:
        found = line.execute(_statement(kind, feed, partition, first_seq)).fetchone()
        assert found is not None
        rows, seq0, seq1, day0, day1, received1, replaced = found
        if rows:
            made.append(FileEntry(kind, f"{kind}/{partition}/", rows, seq0, seq1, day0 // DAY_US, day1 // DAY_US,
                                  received1, (feed,), replaced))
            first_seq += rows
    return made


def _statement(kind: str, feed: str, partition: str, first_seq: int) -> sql.Composed:
    names = [name for name in SCHEMA[kind].names if name not in ("seq", "prev")]
    said = [spec.name for spec in FIELDS[kind] if spec.name not in IDENTITY[kind]]
    order = [*filter(None, [DAY_OF[kind]]), *SORT[kind]]
    return sql.SQL(_BRING).format(
        kind=sql.Identifier(kind), feed=sql.Literal(feed), first=sql.Literal(first_seq),
        within=_within(kind, partition), staged=_within(kind, partition, "s"), names=_names(names),
        new=_names(names, "s"), order=_names(order, "s"), said=_names(said, "s"), known=_names(said, "c"),
        same=sql.SQL(" AND ").join(sql.SQL("{} = {}").format(sql.Identifier("s", name), sql.Identifier("c", name))
                                   for name in IDENTITY[kind]),
        day=sql.Identifier(DAY_OF[kind]) if DAY_OF[kind] else sql.Literal(0))


def _within(kind: str, partition: str, *table: str) -> sql.Composable:
    if partition == ALL:
        return sql.SQL("true")
    start, end = month_bounds(partition)
    time = sql.Identifier(*table, DAY_OF[kind])
    return sql.SQL("{} >= {} AND {} < {}").format(time, sql.Literal(start), time, sql.Literal(end))


def _names(names: Iterable[str], *table: str) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(*table, name) for name in names)
