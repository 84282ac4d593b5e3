"""Workbooks made by hand: cells as XML, so that a test can write what no program would."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

_TYPES = ('<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
          '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
          '<Override PartName="/xl/workbook.xml" '
          'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>')
_DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STYLES = (f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
           "</styleSheet>")


def cell(value: object, at: str) -> str:
    """A cell's XML; a text that begins with `<c` is taken as it is, one that begins with `date:` is a serial day."""
    if isinstance(value, (int, float)):
        return f'<c r="{at}"><v>{value}</v></c>'
    text = str(value)
    if text.startswith("<c"):
        return text.replace("@", at)
    if text.startswith("date:"):
        return f'<c r="{at}" s="1"><v>{text[5:]}</v></c>'
    return f'<c r="{at}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def sheet(rows: Sequence[Sequence[object]]) -> str:
    """A worksheet's XML."""
    lines = "".join(f'<row r="{number}">' + "".join(
        cell(value, f"{chr(65 + column)}{number}") for column, value in enumerate(row)) + "</row>"
        for number, row in enumerate(rows, 1))
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'


def workbook(*sheets: tuple[str, str], extra: dict[str, bytes] | None = None) -> bytes:
    """An .xlsx of (name, worksheet XML)."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" '
                         f'Type="{_DOC}/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, (name, _) in enumerate(sheets, 1))
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOC}"><sheets>{names}</sheets>'
                         "</workbook>")
        links = "".join(f'<Relationship Id="r{n}" Type="{_DOC}/worksheet" Target="worksheets/sheet{n}.xml"/>'
                        for n in range(1, len(sheets) + 1))
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{links}<Relationship '
                         f'Id="s" Type="{_DOC}/styles" Target="styles.xml"/></Relationships>')
        archive.writestr("xl/styles.xml", _STYLES)
        for number, (_, text) in enumerate(sheets, 1):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", text)
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return made.getvalue()
