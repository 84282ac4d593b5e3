"""Files as a source: any known format, plain, in a gz or in a zip, through the feed's mapping, in chunks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from data.clock import Clock
from data.formats import cap, delimited, documents, geopackage, parquet, workbook
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
    Format("parquet", (".parquet", ".pq"), parquet.rows, parquet.columns, "us"),
    Format("excel", (".xlsx", ".xlsm", ".xls", ".ods"), workbook.rows),
    Format("gpkg", (".gpkg",), geopackage.rows),
    Format("cap", (".xml", ".cap"), cap.rows),
)


@dataclass
class Chunk:
    """Some rows of a file in canonical fields, ready for `data.records.parse` (times int µs UTC).

    rejected: (raw text, reason); read: rows of the file looked at; done_bytes of total_bytes so far (unpacked;
    total 0 = unknown); counts and columns: `data.mapping.Mapped`; read_as: format and encoding, such as "csv gb18030";
    bare_time: of rows that are not mapped (`read_raw`), the unit of numbers in time columns; sample: a row as it came.
    """

    rows: list[dict[str, Any]]
    rejected: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    done_bytes: int = 0
    total_bytes: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    columns: dict[str, list[int]] = field(default_factory=dict)
    read_as: str = ""
    bare_time: str = ""
    sample: dict[str, Any] | None = None


@dataclass
class ColumnChunk:
    """The same by column: `table` has every field of the kind and `demo` (`data.mapped_columns.canonical_schema`)."""

    table: pa.Table
    rejected: list[tuple[str, str]] = field(default_factory=list)
    read: int = 0
    done_bytes: int = 0
    total_bytes: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    columns: dict[str, list[int]] = field(default_factory=dict)
    read_as: str = ""
    sample: dict[str, Any] | None = None


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
    raise refuse(name, "不认识的文件类型", f"可用 {suffixes}，或放在 zip、gz 里")


class _Reading:
    """One file on its way: which members it has, in which form, and how far it is."""

    def __init__(self, path: Path, feed: Feed, clock: Clock, limits: Limits | None) -> None:
        self._path, self._feed, self._limits = path, feed, limits or Limits()
        self._clock = clock
        self.total, self.done = packed_bytes(path, feed.source.member), 0
        self.layout = Layout(needed_columns(feed), feed.source.encoding, feed.source.form)

    def members(self) -> Iterator[tuple[Member, Format]]:
        """Each file to be read and its format."""
        for member in open_members(self._path, self._feed.source.member, self._limits):
            yield member, format_of(member.name, self._feed)

    def rows(self, member: Member, kind: Format) -> Iterator[Chunk]:
        """One member row by row through the mapping."""
        mapper = RowMapper(self._feed, self._clock, kind.bare_time)
        for chunk in self.raw(member, kind):
            mapped = mapper.apply(chunk.rows)
            mapped.counts["lost"] += len(chunk.rejected)
            yield replace(chunk, rows=mapped.rows, rejected=chunk.rejected + mapped.rejected, counts=mapped.counts,
                          columns=mapped.columns, bare_time="", sample=next(iter(chunk.rows), None))

    def raw(self, member: Member, kind: Format) -> Iterator[Chunk]:
        """One member row by row as it came."""
        given = self._from_name(member)
        for part in kind.rows(member, self.layout):
            rows = [{**row, **given} for row in part.rows] if given else part.rows
            self.done += part.done
            yield Chunk(rows, part.bad, part.read, self.done, self.total, read_as=read_as(kind, part.encoding),
                        bare_time=kind.bare_time)

    def columns(self, member: Member, kind: Format) -> Iterator[ColumnChunk]:
        """One member by column through the mapping; `kind` has a form by column."""
        mapper = ColumnMapper(self._feed, self._clock)
        given = self._from_name(member)
        for part in kind.columns(member, self.layout) if kind.columns else ():
            table = part.table
            for name, text in given.items():
                table = table.append_column(name, pa.repeat(pa.scalar(text), table.num_rows))
            made = mapper.apply(table)
            made.counts["lost"] += len(part.bad)
            self.done += part.done
            yield ColumnChunk(made.table, part.bad + made.rejected, part.read, self.done, self.total, made.counts,
                              made.columns, read_as(kind, part.encoding), first_row(table, part.names))

    def _from_name(self, member: Member) -> dict[str, str]:
        found: dict[str, str] = {}
        for column, pattern in self._feed.source.table.from_name.items():
            match = re.search(pattern, member.name)
            if match is None:
                raise refuse(member.name, f"文件名里没有 {column}（应合于 {pattern}）",
                             "请改正文件名或 feeds.yaml 的 from_name")
            found[column] = match[1]
        return found


def first_row(table: pa.Table, names: Iterable[str] = ()) -> dict[str, Any] | None:
    """A row as it came, with every column of the file; None without rows."""
    if not table.num_rows:
        return None
    found: dict[str, Any] = table.slice(0, 1).to_pylist()[0]
    return dict.fromkeys(names) | found


def read_as(kind: Format, encoding: str) -> str:
    """Format and encoding in a word, as `Chunk.read_as`."""
    return f"{kind.name} {encoding}".rstrip()


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
    reading = _Reading(path, feed, clock, limits)
    for member, kind in reading.members():
        yield from reading.rows(member, kind)


def read_raw(path: Path, feed: Feed, clock: Clock, limits: Limits | None = None) -> Iterator[Chunk]:
    """Reads a file row by row as it came, before the mapping, for a look at it.

    Raises:
        WrongInput: as `read_file`.
    """
    reading = _Reading(path, feed, clock, limits)
    for member, kind in reading.members():
        yield from reading.raw(member, kind)


def read_columns(path: Path, feed: Feed, clock: Clock, limits: Limits | None = None) -> Iterator[ColumnChunk]:
    """Reads a file by column through the feed's mapping, for the bulk door.

    Formats without columns, assets (few, with properties of any name), indicators (few, several columns to a record)
    and mappings that make several records of a row go row by row.

    Raises:
        WrongInput: as `read_file`.
    """
    reading = _Reading(path, feed, clock, limits)
    by_rows = feed.map.row_by_row or feed.kind == "asset" or (feed.kind == "indicator" and feed.map.named)
    for member, kind in reading.members():
        if kind.columns is not None and not by_rows:
            yield from reading.columns(member, kind)
            continue
        for part in reading.rows(member, kind):
            table, refused = as_columns(feed.kind, part.rows)
            yield ColumnChunk(table, part.rejected + refused, part.read, part.done_bytes, part.total_bytes, part.counts,
                              part.columns, part.read_as, part.sample)


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
