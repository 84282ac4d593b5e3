"""The tables of a history on PostgreSQL: a schema per place, a table per kind, a partition per month."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql
from pyarrow import csv

from data.history_files import ALL, SCHEMA
from data.history_postgres import LAYOUT, Server
from data.manifest import FileEntry, month_bounds
from data.records import DAY_OF, FIELDS, KINDS

# Which two writers may not do at once: making tables. Any number that nobody else uses.
_MAKING = 7_310_001
_TYPES = {pa.string(): "text", pa.float64(): "double precision", pa.int64(): "bigint", pa.bool_(): "boolean"}
_BOOKS = """
CREATE TABLE IF NOT EXISTS manifest (one boolean PRIMARY KEY DEFAULT true CHECK (one), layout integer NOT NULL,
  version bigint NOT NULL, bulk bigint NOT NULL);
CREATE TABLE IF NOT EXISTS numbers (one boolean PRIMARY KEY DEFAULT true CHECK (one), last bigint NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoints (collector text PRIMARY KEY, seq bigint NOT NULL);
CREATE TABLE IF NOT EXISTS segments (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL,
  partition text NOT NULL, rows bigint NOT NULL, seq0 bigint NOT NULL, seq1 bigint NOT NULL, day0 bigint NOT NULL,
  day1 bigint NOT NULL, received1 bigint NOT NULL, feeds text[] NOT NULL, replaced bigint NOT NULL);
CREATE TABLE IF NOT EXISTS loads (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL,
  feed text NOT NULL, day1 bigint NOT NULL, seq1 bigint NOT NULL, collector text NOT NULL);
"""
# Pages ask for one metric of one feed over a stretch of time: the whole answer lies in the index. The identity index
# asks for a day of a feed, events for those of an id; versions are few, and found by what they replace.
_INDEXES = {
    "observation": ("USING btree (feed, metric, time) INCLUDE (station, value, code, seq)", "USING brin (time)"),
    "event": ("USING btree (id)", "USING brin (stage_time)"),
}


def prepare(server: Server) -> None:
    """Makes what is not there yet. Raises Unavailable."""
    with server.lend() as line, line.transaction():
        line.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
        if line.execute("SELECT to_regclass('manifest')").fetchone() != (None,):
            # All were made at once. To ask for an index again would wait for whoever writes.
            return
        line.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(server.schema)))
        line.execute(_BOOKS)
        line.execute("INSERT INTO manifest (layout, version, bulk) VALUES (%s, 0, 0) ON CONFLICT DO NOTHING", (LAYOUT,))
        line.execute("INSERT INTO numbers (last) VALUES (0) ON CONFLICT DO NOTHING")
        for kind in KINDS:
            _make_table(line, kind)


def _make_table(line: psycopg.Connection, kind: str) -> None:
    needed = {spec.name for spec in FIELDS[kind] if spec.required} | {"seq", "prev", "received", "feed"}
    columns = [sql.SQL("{} {}{}").format(sql.Identifier(spec.name), sql.SQL(_TYPES[spec.type]),
                                         sql.SQL(" NOT NULL" if spec.name in needed else "")) for spec in SCHEMA[kind]]
    by = sql.SQL("PARTITION BY RANGE ({})").format(sql.Identifier(DAY_OF[kind])) if DAY_OF[kind] else sql.SQL("")
    line.execute(sql.SQL("CREATE TABLE IF NOT EXISTS {} ({}) {}").format(
        sql.Identifier(kind), sql.SQL(", ").join(columns), by))
    for number, index in enumerate((*_INDEXES.get(kind, ()), "USING btree (prev) WHERE prev <> 0")):
        line.execute(sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} {}").format(
            sql.Identifier(f"{kind}_{number}"), sql.Identifier(kind), sql.SQL(index)))


def partition_name(kind: str, partition: str) -> str:
    """The table of a kind's partition; kinds without a day have one table."""
    return kind if partition == ALL else f"{kind}_{partition}"


def make_partitions(server: Server, wanted: Iterable[tuple[str, str]]) -> None:
    """Makes (kind, partition) tables that are not there, in a transaction of its own: nobody waits for it long.

    Raises Unavailable.
    """
    months = [(kind, partition) for kind, partition in wanted if partition != ALL]
    if not months:
        return
    with server.lend() as line, line.transaction():
        line.execute("SELECT pg_advisory_xact_lock(%s)", (_MAKING,))
        for kind, partition in months:
            name, (start, end) = partition_name(kind, partition), month_bounds(partition)
            if line.execute("SELECT to_regclass(%s)", (f'"{name}"',)).fetchone() != (None,):
                continue
            # Attaching, unlike making it as a partition at once, lets readers go on.
            line.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS)").format(
                sql.Identifier(name), sql.Identifier(kind)))
            line.execute(sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(kind), sql.Identifier(name), sql.Literal(start), sql.Literal(end)))


def copy_in(line: psycopg.Connection, target: str, names: list[str], tables: Iterable[pa.Table]) -> None:
    """Sends these columns of Arrow rows to a table, as text that PostgreSQL reads itself."""
    into = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(target), sql.SQL(", ").join(map(sql.Identifier, names)))
    with line.cursor() as cursor, cursor.copy(into) as copy:
        for table in tables:
            text = BytesIO()
            csv.write_csv(_storable(table.select(names)), text, csv.WriteOptions(include_header=False))
            copy.write(text.getbuffer())


def _storable(table: pa.Table) -> pa.Table:
    """PostgreSQL has no NUL in a text: its picture stands for it, so that one odd record does not stop all others."""
    for place, column in enumerate(table.schema):
        if pa.types.is_string(column.type) and pc.any(pc.match_substring(table.column(place), "\0")).as_py():
            shown = pc.replace_substring(table.column(place), "\0", "\u2400")
            table = table.set_column(place, column, shown)
    return table


def record_segment(line: psycopg.Connection, entry: FileEntry) -> None:
    """Names rows that the same transaction writes."""
    line.execute("INSERT INTO segments (kind, partition, rows, seq0, seq1, day0, day1, received1, feeds, replaced)"
                 " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                 (entry.kind, entry.partition, entry.rows, entry.seq0, entry.seq1, entry.day0, entry.day1,
                  entry.received1, list(entry.feeds), entry.replaced))
