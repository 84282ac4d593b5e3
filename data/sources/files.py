"""Files as a source: any known format, plain, in a gz or in a zip, through the feed's mapping, in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from data.clock import Clock
from data.formats import delimited, documents, parquet
from data.formats.archive import open_members, packed_bytes
from data.formats.parts import Format, Layout, Limits, Member, refuse
from data.mapped_columns import ColumnMapper, canonical_schema
from data.mapping import RowMapper, needed_columns, raw_text
from data.pack import Feed
from data.records import FIELDS, parse

FORMATS: tuple[Format, ...] = (
    Format("csv", (".csv", ".tsv", ".txt"), delimited.rows, delimited.columns),
    Format("jsonl", (".jsonl", ".ndjson"), documents.lines),
    Format("geojson", (".geojson",), documents.features),
    Format("json", (".json",), documents.rows),
    Format("parquet", (".parquet", ".pq"), parquet.rows, parquet.columns),
)


@dataclass
class Chunk:
    """Some rows of a file in canonical fields, ready for `data.records.parse` (times int µs UTC).

    rejected: (raw text, reason); read: rows of the file looked at; done_bytes of total_bytes so far (unpacked;
    total 0 = unknown); counts: values, missing, repaired; sample: one row as it came.
    """

    rows: list[dict[str, Any]]
    rejected: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    done_bytes: int = 0
    total_bytes: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    sample: Mapping[str, Any] | None = None


@dataclass
class ColumnChunk:
    """The same by column: `table` has every field of the kind and `demo` (`data.mapped_columns.canonical_schema`)."""

    table: pa.Table
    rejected: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    done_bytes: int = 0
    total_bytes: int = 0
    counts: dict[str, int] = field(default_factory=dict)


def format_of(name: str, feed: Feed) -> Format:
    """The format of a file: what the feed declares, else its suffix.

    Raises:
        WrongInput: neither says.
    """
    plain = name.lower().removesuffix(".gz")
    declared = feed.source.format
    for known in FORMATS:
        if known.name == declared or (not declared and plain.endswith(known.suffixes)):
            return known
    suffixes = "、".join(known.suffixes[0] for known in FORMATS)
    raise refuse(name, "不认识的文件类型", f"可用 {suffixes}，或放在 zip、gz 里；Excel 请另存为 CSV（UTF-8）")


def _members(path: Path, feed: Feed, limits: Limits) -> Iterator[tuple[Member, Format]]:
    for member in open_members(path, feed.source.member, limits):
        yield member, format_of(member.name, feed)


def read_file(path: Path, feed: Feed, clock: Clock, limits: Limits | None = None) -> Iterator[Chunk]:
    """Reads a file row by row through the feed's mapping.

    Args:
        path: a file, a gz or a zip (members by `source.member`).
        feed: its mapping, format and encoding rule.
        clock: bounds instants (an epoch in the wrong unit is rejected).
        limits: bounds of unpacking; the default suits files people hand in.

    Raises:
        WrongInput: the file as a whole cannot be understood; one sentence names it and the remedy.
    """
    total, done = packed_bytes(path, feed.source.member), 0
    layout = Layout(needed_columns(feed), feed.source.encoding)
    for member, kind in _members(path, feed, limits or Limits()):
        mapper = RowMapper(feed, clock, "us" if kind.name == "parquet" else "")
        for part in kind.rows(member, layout):
            mapped = mapper.apply(part.rows)
            done += part.done
            yield Chunk(mapped.rows, part.bad + mapped.rejected, part.read, done, total, mapped.counts,
                        next(iter(part.rows), None))


def read_columns(path: Path, feed: Feed, clock: Clock, limits: Limits | None = None) -> Iterator[ColumnChunk]:
    """Reads a file by column through the feed's mapping, for the bulk door.

    Formats without columns, and assets (few, with properties of any name), go row by row.

    Raises:
        WrongInput: as `read_file`.
    """
    total, done = packed_bytes(path, feed.source.member), 0
    layout = Layout(needed_columns(feed), feed.source.encoding)
    mapper = ColumnMapper(feed, clock)
    for member, kind in _members(path, feed, limits or Limits()):
        if kind.columns is None or feed.kind == "asset":
            rows = RowMapper(feed, clock, "us" if kind.name == "parquet" else "")
            for part in kind.rows(member, layout):
                mapped = rows.apply(part.rows)
                done += part.done
                table, refused = as_columns(feed.kind, mapped.rows)
                yield ColumnChunk(table, part.bad + mapped.rejected + refused, part.read, done, total, mapped.counts)
            continue
        for columns in kind.columns(member, layout):
            made = mapper.apply(columns.table)
            done += columns.done
            yield ColumnChunk(made.table, columns.bad + made.rejected, columns.read, done, total, made.counts)


def as_columns(kind: str, rows: list[dict[str, Any]]) -> tuple[pa.Table, list[tuple[str, str]]]:
    """Canonical columns of raw canonical rows, and the rows that `parse` refuses with the reason."""
    good: list[dict[str, Any]] = []
    refused: list[tuple[str, str]] = []
    json_fields = [spec.name for spec in FIELDS[kind] if spec.type == "json"]
    for row in rows:
        try:
            made = parse(kind, row)
        except ValueError as error:
            refused.append((raw_text(row), str(error)))
            continue
        for name in json_fields:
            made[name] = None if made[name] is None else orjson.dumps(made[name]).decode()
        good.append(made)
    return pa.Table.from_pylist(good, canonical_schema(kind)), refused
