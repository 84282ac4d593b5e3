"""CSV and its like (comma, tab, semicolon, bar): every cell stays text; rows of the wrong length are handed back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as arrow_csv

from data.formats.encoding import decode
from data.formats.parts import Layout, Member, RawColumns, RawRows, refuse

CHUNK_ROWS = 5000
_DELIMITERS = ",\t;|"
_MAX_CELL = 1 << 27


@dataclass(frozen=True)
class _Table:
    """A decoded file: its delimiter, the header's names ('' = a column without a name, unusable), the rest."""

    delimiter: str
    names: tuple[str, ...]
    body: str


def _open(member: Member, layout: Layout) -> _Table:
    """Raises WrongInput when it is no text, or a needed column is not there."""
    csv.field_size_limit(_MAX_CELL)
    text = decode(member, layout.encoding)[0].lstrip("\r\n")
    line, _, body = text.partition("\n")
    line = line.rstrip("\r")
    delimiter = max(_DELIMITERS, key=lambda mark: (sum(name in _split(line, mark) for name in layout.columns),
                                                   line.count(mark)))
    names = _split(line, delimiter)
    missing = [name for name in layout.columns if name not in names]
    if missing:
        raise refuse(member.name, f"缺少列 {'、'.join(missing[:5])}（表头是 {'、'.join(names[:8])[:120]}）",
                     "请核对 feeds.yaml 的 map 或换成原样导出的文件")
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled or not any(names):
        wrong = f"列名 {doubled[0]:.40} 重复" if doubled else "表头没有列名"
        raise refuse(member.name, wrong, "请改正表头后再导入")
    return _Table(delimiter, tuple(names), body)


def _split(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]


def rows(member: Member, layout: Layout) -> Iterator[RawRows]:
    """Chunks of at most CHUNK_ROWS rows as dicts of text.

    Raises:
        WrongInput: not text, or a needed column is missing.
    """
    table = _open(member, layout)
    reader = csv.reader(io.StringIO(table.body, newline=""), delimiter=table.delimiter, strict=True)
    chunk, given = RawRows([]), 0
    try:
        for cells in reader:
            if not cells:
                continue
            chunk.read += 1
            chunk.done += sum(map(len, cells)) + len(cells)
            _sort(chunk, cells, table, reader.line_num + 1)
            if chunk.read == CHUNK_ROWS:
                chunk.done = min(chunk.done, len(member.data) - given)
                given += chunk.done
                yield chunk
                chunk = RawRows([])
    except csv.Error as error:
        raise refuse(member.name, f"第 {reader.line_num + 1} 行不是正常的 CSV（{error}）",
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
    """The whole member as one table of text columns (only those the layout needs, or all).

    Raises:
        WrongInput: not text, or a needed column is missing.
    """
    table = _open(member, layout)
    wanted = list(layout.columns) or [name for name in table.names if name]
    if not table.body.strip("\r\n"):
        yield RawColumns(pa.table({name: pa.array([], pa.string()) for name in wanted}), [], 0, len(member.data))
        return
    bad: list[tuple[str, str]] = []
    names = [name or f"\x00{position}" for position, name in enumerate(table.names)]

    def short_or_long(row: arrow_csv.InvalidRow) -> str:
        line = "" if row.number is None else f"第 {row.number + 1} 行"
        bad.append((row.text, f"{line}有 {row.actual_columns} 列，应为 {row.expected_columns} 列"))
        return "skip"

    try:
        found = arrow_csv.read_csv(
            io.BytesIO(table.body.encode()),
            read_options=arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=1 << 24),
            parse_options=arrow_csv.ParseOptions(delimiter=table.delimiter, newlines_in_values=True,
                                                 invalid_row_handler=short_or_long),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()),
                                                     strings_can_be_null=False, include_columns=wanted))
    except pa.ArrowInvalid as error:
        raise refuse(member.name, f"不是正常的 CSV（{str(error).splitlines()[0][:80]}）",
                     "请检查引号是否成对后再导入") from error
    yield RawColumns(found, bad, found.num_rows + len(bad), len(member.data))
