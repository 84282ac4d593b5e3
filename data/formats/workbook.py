"""Workbooks of Excel (.xlsx and .xls) and LibreOffice (.ods): values as the program that wrote them last saw them."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from data.formats.archive import check_directory
from data.formats.parts import Layout, Limits, Member, RawRows, refuse
from data.formats.tables import check_names, check_units

CHUNK_ROWS = 5000
MAX_BYTES = 20_000_000
MAX_ROWS = 1_000_000
_MAGICS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
# The reader gives an error cell as an empty one: in .xlsx they are found in the sheet's own text.
_ERROR = re.compile(rb'<c r="[A-Z]{1,3}(\d{1,7})"[^>]{0,60} t="e"[^>]{0,60}>.{0,9000}?<v>([^<]{1,20})</v>', re.S)
# A formula that was never calculated has <f> and no <v>: its cell would look empty.
_UNCALCULATED = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"[^>]{0,80}><f[^>]{0,200}(?:/>|>[^<]{0,9000}</f>)(?:</c>|<v></v>|<v/>)')


def rows(member: Member, layout: Layout) -> Iterator[RawRows]:
    """Rows of one sheet below its header; numbers, texts, flags and dates as they are, empty cells as ''.

    Raises:
        WrongInput: no workbook, damaged, locked, too large, no such sheet, a needed column missing, or formulas that
            were never calculated.
    """
    sheet = _sheet(member, layout.table.sheet)
    if sheet.total_height > MAX_ROWS:
        raise refuse(member.name, f"工作表有 {sheet.total_height} 行，超过 {MAX_ROWS}", "请拆成较小的文件再导入")
    broken = _looked_through(member, sheet.name) if member.data.startswith(b"PK") else {}
    lines = enumerate(_cells(member, sheet), 1)
    names = _head(member, layout, lines)
    chunk, given, last, total = RawRows([]), 0, 0, max(sheet.total_height, 1)
    for number, cells in lines:
        last = number
        if _is_foot(cells, layout.table.foot):
            break
        if number in broken:
            chunk.read += 1
            chunk.bad.append((str(cells), f"第 {number} 行有{broken[number]}"))
        elif any(cell != "" for cell in cells):
            _take(chunk, names, cells, number)
        if chunk.read == CHUNK_ROWS:
            chunk.done = len(member.data) * number // total - given
            given += chunk.done
            yield chunk
            chunk = RawRows([])
    else:
        # Rows of nothing but formulas without a value, below the last that the reader sees.
        below = sorted(row for row in broken if row > max(last, layout.table.header))
        chunk.read += len(below)
        chunk.bad += [("", f"第 {row} 行有{broken[row]}") for row in below]
    chunk.done = len(member.data) - given
    yield chunk


def _sheet(member: Member, wanted: str) -> CalamineSheet:
    book = _open(member)
    names = book.sheet_names
    found = [name for name in names if not wanted or fnmatch(name, wanted)]
    if not found:
        raise refuse(member.name, f"没有工作表 {wanted!r:.40}（有 {'、'.join(names[:5])[:100]}）",
                     "请核对 feeds.yaml 的 sheet")
    try:
        return book.get_sheet_by_name(found[0])
    except (CalamineError, OSError, ValueError) as error:
        raise refuse(member.name, f"工作表 {found[0]!r:.40} 已损坏（{str(error)[:60]}）", "请重新导出") from error


def _open(member: Member) -> CalamineWorkbook:
    if len(member.data) > MAX_BYTES:
        raise refuse(member.name, f"工作簿超过 {MAX_BYTES // 1_000_000} MB", "请拆成较小的文件或另存为 CSV")
    if not member.data.startswith(_MAGICS):
        raise refuse(member.name, "内容不是 Excel 工作簿", "请用原来的程序打开后另存为 .xlsx 或 CSV")
    if member.data.startswith(b"PK"):
        _check_zip(member)
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(member.data))
    except PasswordError as error:
        raise refuse(member.name, "工作簿有密码", "请先解密再导入") from error
    except (CalamineError, OSError, ValueError) as error:
        raise refuse(member.name, f"工作簿已损坏或不是 Excel 文件（{str(error)[:60]}）", "请重新导出") from error


def _check_zip(member: Member) -> None:
    """Bombs are refused from the directory."""
    try:
        with zipfile.ZipFile(io.BytesIO(member.data)) as archive:
            check_directory(member.name, archive, Limits())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise refuse(member.name, "工作簿已损坏", "请重新导出") from error


def _looked_through(member: Member, name: str) -> dict[int, str]:
    """Row of an .xlsx sheet → what is wrong in it: an error, or a formula without a value, whose cell looks empty."""
    try:
        with zipfile.ZipFile(io.BytesIO(member.data)) as archive:
            text = archive.read(_part_of(archive, name))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, zlib.error, KeyError,
            ParseError, DefusedXmlException, StopIteration):
        # Another family of workbooks (.ods, .xlsb), which has neither such names nor such cells.
        return {}
    found = {int(row): f"没有算出结果的公式（单元格 {(column + row).decode()}）；请用 Excel 打开、保存一次再导入"
             for column, row in reversed(_UNCALCULATED.findall(text))}
    return found | {int(row): f"公式出错的单元格 {word.decode('utf-8', 'replace')}"
                    for row, word in _ERROR.findall(text)}


def _part_of(archive: zipfile.ZipFile, name: str) -> str:
    """The path of a sheet's XML inside an .xlsx."""
    sheets = fromstring(archive.read("xl/workbook.xml")).iter(f"{_MAIN}sheet")
    link = next(sheet.get(_LINK) for sheet in sheets if sheet.get("name") == name)
    targets = fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = str(next(one.get("Target") for one in targets if one.get("Id") == link))
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _cells(member: Member, sheet: CalamineSheet) -> Iterator[list[Any]]:
    try:
        # Lines above the first filled one are not in `iter_rows`; counting them keeps `header` what people see.
        yield from ([] for _ in range((sheet.start or (0, 0))[0]))
        yield from sheet.iter_rows()
    except (CalamineError, OSError, ValueError) as error:
        raise refuse(member.name, f"工作表读到一半出错（{str(error)[:60]}）", "请重新导出") from error


def _head(member: Member, layout: Layout, lines: Iterator[tuple[int, list[Any]]]) -> list[str]:
    form = layout.table
    names = list(form.columns)
    for _ in range(form.header):
        names = [str(cell).strip() for cell in next(lines, (0, []))[1]]
    check_names(member.name, names, layout)
    if form.unit_line:
        units = [str(cell).strip() for cell in next(lines, (0, []))[1]]
        check_units(member.name, dict(zip(names, units, strict=False)), form)
    return names


def _is_foot(cells: list[Any], foot: tuple[str, ...]) -> bool:
    first = next((str(cell).strip() for cell in cells if cell != ""), "")
    return bool(foot) and first.startswith(foot)


def _take(chunk: RawRows, names: list[str], cells: list[Any], number: int) -> None:
    chunk.read += 1
    if len(cells) > len(names) and any(cell != "" for cell in cells[len(names):]):
        chunk.bad.append((str(cells), f"第 {number} 行有 {len(cells)} 列，应为 {len(names)} 列"))
        return
    chunk.rows.append({name: cell for name, cell in zip(names, cells, strict=False) if name})
