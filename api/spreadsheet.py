"""Tables as files for spreadsheets: no cell can become a formula, and under or before the rows stands what they are."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import xlsxwriter

CSV_MEDIA, XLSX_MEDIA = "text/csv; charset=utf-8", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_LETTERS, WIDEST = 32_000, 44
# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
Cell = Any


@dataclass(frozen=True)
class Sheet:
    """One table: its name, its head and its rows; None = an empty cell."""

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def csv_bytes(sheet: Sheet, about: Mapping[str, Cell]) -> bytes:
    """CSV with a byte order mark; a text that a spreadsheet would compute gets an apostrophe; `about` stands below."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(sheet.head)
    writer.writerows(map(_plain, sheet.rows))
    writer.writerows([(), *map(_plain, about.items())])
    return text.getvalue().encode("utf-8-sig")


def _plain(row: Iterable[Cell]) -> list[Cell]:
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else "" if cell is None else cell
            for cell in row]


def xlsx_bytes(sheets: Sequence[Sheet], about: Mapping[str, Cell]) -> bytes:
    """A workbook: what it is on the first sheet, then a sheet a table; a text is a text, never a formula."""
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    strong = book.add_format({"bold": True})
    front = Sheet("说明", ("项目", "内容"), list(about.items()))
    for sheet in (front, *sheets):
        page = book.add_worksheet(sheet.name)
        for row, cells in enumerate((sheet.head, *sheet.rows)):
            for column, cell in enumerate(cells):
                _write(page, (row, column), cell, strong if row == 0 else None)
        page.freeze_panes(1, 0)
        for column in range(len(sheet.head)):
            page.set_column(column, column, _width([sheet.head, *sheet.rows[:200]], column))
    book.close()
    return held.getvalue()


def _write(page: Any, at: tuple[int, int], cell: Cell, form: Any) -> None:
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        # A workbook has no number for what is none: its cell stays empty.
        if math.isfinite(cell):
            page.write_number(*at, cell, form)
    elif cell is not None:
        page.write_string(*at, str(cell)[:MOST_LETTERS], form)


def _width(rows: Sequence[Sequence[Cell]], column: int) -> float:
    """Letters that a column needs; a Chinese one counts two."""
    texts = ("" if row[column] is None else str(row[column]) for row in rows)
    return min(WIDEST, 2 + max(sum(2 if ord(letter) > 0x2000 else 1 for letter in text) for text in texts))


def disposition(stem: str, plain: str, ending: str) -> str:
    """The header that names a download: `plain` for programs that know ASCII only, `stem` for all others."""
    return f"attachment; filename=\"{plain}.{ending}\"; filename*=UTF-8''{quote(f'{stem}.{ending}', safe='')}"


def stamp(instant: datetime) -> str:
    """An instant in a file's name: 20261120-0940."""
    return f"{instant:%Y%m%d-%H%M}"
