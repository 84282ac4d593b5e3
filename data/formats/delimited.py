"""CSV and its like (comma, tab, semicolon, bar): every cell stays text; rows of the wrong length are handed back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv as arrow_csv

from data.formats.encoding import decode
from data.formats.parts import Layout, Member, RawColumns, RawRows, refuse

CHUNK_ROWS = 5000
_DELIMITERS = ",\t;|"
_MAX_CELL = 1 << 20


def _header(member: Member, text: str, layout: Layout) -> tuple[str, list[str]]:
    """Delimiter and column names. Raises WrongInput when a needed column is not there."""
    line = text.split("\n", 1)[0].rstrip("\r")
    delimiter = max(_DELIMITERS, key=lambda mark: (sum(name in _split(line, mark) for name in layout.columns),
                                                   line.count(mark)))
    names = _split(line, delimiter)
    missing = [name for name in layout.columns if name not in names]
    if missing:
        raise refuse(member.name, f"缺少列 {'、'.join(missing[:5])}（表头是 {'、'.join(names[:8])[:120]}）",
                     "请核对 feeds.yaml 的 map 或换成原样导出的文件")
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise refuse(member.name, f"列名 {doubled[0]} 重复", "请改正表头后再导入")
    return delimiter, names


def _split(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]


def rows(member: Member, layout: Layout) -> Iterator[RawRows]:
    """Chunks of at most CHUNK_ROWS rows as dicts of text.

    Raises:
        WrongInput: not text, or a needed column is missing.
    """
    text, _ = decode(member, layout.encoding)
    delimiter, names = _header(member, text, layout)
    csv.field_size_limit(_MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    share = len(member.data) / max(len(text), 1)
    chunk, seen, given = RawRows([]), 0, 0
    try:
        next(reader)
        for cells in reader:
            if not cells:
                continue
            chunk.read += 1
            seen += sum(map(len, cells)) + len(cells)
            if len(cells) == len(names):
                chunk.rows.append(dict(zip(names, cells, strict=True)))
            else:
                reason = f"第 {reader.line_num} 行有 {len(cells)} 列，应为 {len(names)} 列"
                chunk.bad.append((delimiter.join(cells), reason))
            if chunk.read == CHUNK_ROWS:
                chunk.done = int(seen * share)
                given += chunk.done
                yield chunk
                chunk, seen = RawRows([]), 0
    except csv.Error as error:
        raise refuse(member.name, f"第 {reader.line_num} 行不是正常的 CSV（{error}）",
                     "请检查引号是否成对后再导入") from error
    chunk.done = max(len(member.data) - given, 0)
    yield chunk


def columns(member: Member, layout: Layout) -> Iterator[RawColumns]:
    """The whole member as one table of text columns (only those the layout needs, or all).

    Raises:
        WrongInput: not text, or a needed column is missing.
    """
    text, encoding = decode(member, layout.encoding)
    delimiter, names = _header(member, text, layout)
    data = member.data if encoding == "utf-8" else text.encode()
    wanted = list(layout.columns) or names
    bad: list[tuple[str, str]] = []

    def short_or_long(row: arrow_csv.InvalidRow) -> str:
        bad.append((row.text, f"有 {row.actual_columns} 列，应为 {row.expected_columns} 列"))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            io.BytesIO(data),
            read_options=arrow_csv.ReadOptions(use_threads=False, column_names=names, skip_rows=1, block_size=1 << 24),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True,
                                                 invalid_row_handler=short_or_long),
            convert_options=arrow_csv.ConvertOptions(column_types={name: pa.string() for name in names},
                                                     strings_can_be_null=False, include_columns=wanted))
    except pa.ArrowInvalid as error:
        raise refuse(member.name, f"不是正常的 CSV（{str(error)[:80]}）", "请检查引号是否成对后再导入") from error
    yield RawColumns(table, bad, table.num_rows + len(bad), len(member.data))
