"""CSV and its like (comma, tab, semicolon, bar): every cell stays text; rows of the wrong length are handed back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as arrow_csv

from data.formats.encoding import as_utf8
from data.formats.parts import Layout, Member, RawColumns, RawRows, refuse
from data.formats.tables import check_names, check_units

CHUNK_ROWS = 5000
_DELIMITERS = ",\t;|"
_MAX_CELL = 1 << 27
_BLOCK = 1 << 23


@dataclass(frozen=True)
class _Table:
    """A file's table: its delimiter, the columns' names ('' = unusable), and where its rows lie in `data` (UTF-8).

    `line`: number of the line before the first row.
    """

    delimiter: str
    names: tuple[str, ...]
    data: bytes
    start: int
    end: int
    line: int
    encoding: str

    @property
    def empty(self) -> bool:
        """True without a single row."""
        return not self.data[self.start:self.start + 4096].strip() and not self.data[self.start:self.end].strip()


def _open(member: Member, layout: Layout) -> _Table:
    """Raises WrongInput when it is no text, or a needed column is not there."""
    csv.field_size_limit(_MAX_CELL)
    data, encoding = as_utf8(member, layout.encoding)
    form, start, line = layout.table, 0, 0
    while form.header <= 1 and data[start:start + 1] in (b"\r", b"\n"):
        line += data[start:start + 1] == b"\n"
        start += 1
    head = ""
    for _ in range(form.header):
        if start >= len(data):
            raise refuse(member.name, f"没有第 {form.header} 行的表头", "请核对 feeds.yaml 的 header")
        head, start = _line(data, start)
        line += 1
    delimiter = _delimiter(head or _line(data, start)[0], layout)
    names = tuple(_split(head, delimiter)) if form.header else form.columns
    check_names(member.name, names, layout)
    if form.unit_line:
        units, start = _line(data, start)
        line += 1
        check_units(member.name, dict(zip(names, _split(units, delimiter), strict=False)), form)
    return _Table(delimiter, names, data, start, _end(data, start, form.foot), line, encoding)


def _line(data: bytes, start: int) -> tuple[str, int]:
    """The text of the line at `start` and where the next begins."""
    end = data.find(b"\n", start)
    end = len(data) if end < 0 else end
    return data[start:end].decode().rstrip("\r"), min(end + 1, len(data))


def _delimiter(line: str, layout: Layout) -> str:
    known = layout.columns or layout.table.columns
    return max(_DELIMITERS, key=lambda mark: (sum(name in _split(line, mark) for name in known), line.count(mark)))


def _split(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]


def _end(data: bytes, start: int, foot: tuple[str, ...]) -> int:
    """Where the rows end: before the first line that begins with a word of the foot."""
    if not foot:
        return len(data)
    words = b"|".join(re.escape(word.encode()) for word in foot)
    found = re.compile(rb'^[ \t"]*(?:' + words + rb")", re.M).search(data, start)
    return found.start() if found else len(data)


def rows(member: Member, layout: Layout) -> Iterator[RawRows]:
    """Chunks of at most CHUNK_ROWS rows as dicts of text.

    Raises:
        WrongInput: not text, or a needed column is missing.
    """
    table = _open(member, layout)
    body = io.BytesIO(table.data[table.start:table.end])
    reader = csv.reader(io.TextIOWrapper(body, "utf-8", newline=""), delimiter=table.delimiter, strict=True)
    chunk, given = RawRows([], encoding=table.encoding), 0
    try:
        for cells in reader:
            if not cells:
                continue
            chunk.read += 1
            chunk.done += sum(map(len, cells)) + len(cells)
            _sort(chunk, cells, table, reader.line_num + table.line)
            if chunk.read == CHUNK_ROWS:
                chunk.done = min(chunk.done, len(member.data) - given)
                given += chunk.done
                yield chunk
                chunk = RawRows([], encoding=table.encoding)
    except csv.Error as error:
        raise refuse(member.name, f"第 {reader.line_num + table.line} 行不是正常的 CSV（{error}）",
                     "请检查引号是否成对后再导入") from error
    chunk.done = len(member.data) - given
    yield chunk


def _sort(chunk: RawRows, cells: list[str], table: _Table, line: int) -> None:
    if len(cells) != len(table.names):
        reason = f"第 {line} 行有 {len(cells)} 列，应为 {len(table.names)} 列"
        chunk.bad.append((table.delimiter.join(cells), reason))
        return
    row = dict(zip(table.names, cells, strict=True))
    row.pop("", None)
    chunk.rows.append(row)


def columns(member: Member, layout: Layout) -> Iterator[RawColumns]:
    """Batches of the member as tables of text columns (only those the layout needs, or all).

    Raises:
        WrongInput: not text, or a needed column is missing.
    """
    table = _open(member, layout)
    wanted = list(layout.columns) or [name for name in table.names if name]
    if table.empty:
        nothing = pa.table({name: pa.array([], pa.string()) for name in wanted})
        yield RawColumns(nothing, [], 0, len(member.data), table.encoding)
        return
    bad: list[tuple[str, str]] = []

    def short_or_long(row: arrow_csv.InvalidRow) -> str:
        line = "" if row.number is None else f"第 {row.number + table.line} 行"
        bad.append((row.text, f"{line}有 {row.actual_columns} 列，应为 {row.expected_columns} 列"))
        return "skip"

    given = 0
    try:
        for batch in _batches(table, wanted, short_or_long):
            done = min(batch.nbytes, len(member.data) - given)
            given += done
            found, bad[:] = list(bad), []
            yield RawColumns(pa.Table.from_batches([batch]), found, batch.num_rows + len(found), done, table.encoding,
                             tuple(filter(None, table.names)))
    except pa.ArrowInvalid as error:
        raise refuse(member.name, f"不是正常的 CSV（{str(error).splitlines()[0][:80]}）",
                     "请检查引号是否成对后再导入") from error
    nothing = pa.table({name: pa.array([], pa.string()) for name in wanted})
    yield RawColumns(nothing, bad, len(bad), len(member.data) - given, table.encoding)


def _batches(table: _Table, wanted: list[str], odd: object) -> Iterator[pa.RecordBatch]:
    names = [name or f"\x00{position}" for position, name in enumerate(table.names)]
    body = pa.BufferReader(pa.py_buffer(table.data).slice(table.start, table.end - table.start))
    yield from arrow_csv.open_csv(
        body,
        read_options=arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=_BLOCK),
        parse_options=arrow_csv.ParseOptions(delimiter=table.delimiter, newlines_in_values=True,
                                             invalid_row_handler=odd),
        convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()),
                                                 strings_can_be_null=False, include_columns=wanted))
