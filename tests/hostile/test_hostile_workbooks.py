"""Workbooks: what people make of them, what programs leave in them, and bombs."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from outcomes import CLOCK, feed, outcome, refused, write
from workbooks import sheet, workbook

from data.clock import to_us
from data.feed_mapping import Mapping, TableForm, ValueColumn
from data.sources.files import read_file
from data.times import parse_instant

NAMES = ("station", "metric", "time", "value")
ROW = ("s1", "pm25", "2026-11-22T08:00:00+08:00", 12.5)
RIVER = Path(__file__).parents[3] / "shared" / "data" / "hydro" / "yellow_river_daily_2021.zip"


def book(*rows: tuple[object, ...]) -> bytes:
    return workbook(("数据", sheet([NAMES, *rows])))


def test_a_plain_workbook_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "a.xlsx", book(ROW, ("s2", "pm25", "2026/11/22 8:00+08:00", "１３")))
    assert outcome(path) == (1, 1)
    chunk = next(read_file(path, feed(rule=Mapping(fields={name: name for name in NAMES},
                                                   timezone="Asia/Shanghai")), CLOCK))
    assert (chunk.read, chunk.read_as) == (2, "excel")
    assert chunk.rows[0]["value"] == 12.5
    assert "2026/11/22" in chunk.rejected[0][0]


def test_it_may_lie_in_a_zip_or_bear_a_wrong_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("日报/2026.xlsx", book(ROW))
    assert outcome(tmp_path / "a.zip") == (1, 0)
    refused(write(tmp_path, "a.csv", book(ROW)), "xlsx")
    assert outcome(write(tmp_path, "b.csv", book(ROW)), feed("excel")) == (1, 0)


def test_title_unit_and_foot_lines_are_declared(tmp_path: Path) -> None:
    rule = Mapping(fields={"station": "站", "time": "日期"}, timezone="Asia/Shanghai",
                   values={"水位": (ValueColumn(metric="level"),)})
    form = TableForm(sheet="日*", header=2, unit_line=True, units={"水位": "m"}, foot=("合计", "注"))
    lines = [("某县水情日报",), ("站", "日期", "水位"), ("", "", "m"), ("甲", "date:46348", 3.5), ("合计", "", 3.5),
             ("乙", "date:46348", 9)]
    path = write(tmp_path, "a.xlsx", workbook(("说明", sheet([("空",)])), ("日报", sheet(lines))))
    made = next(read_file(path, feed("excel", rule, table=form), CLOCK))
    assert [(row["station"], row["value"]) for row in made.rows] == [("甲", 3.5)]
    assert made.rows[0]["time"] == parse_instant("2026-11-22T00:00:00+08:00")
    lines[2] = ("", "", "cm")
    refused(write(tmp_path, "b.xlsx", workbook(("日报", sheet(lines)))), "水位", "'cm'", "'m'",
            of=feed("excel", rule, table=form))
    refused(path, "没有工作表", of=feed("excel", table=TableForm(sheet="月报")))


def test_a_value_of_a_formula_counts_and_a_formula_without_one_is_named(tmp_path: Path) -> None:
    computed = (*ROW[:3], '<c r="@"><f>1+11.5</f><v>12.5</v></c>')
    assert outcome(write(tmp_path, "a.xlsx", book(computed))) == (1, 0)
    for empty in ('<c r="@"><f>1+1</f></c>', '<c r="@"><f>1+1</f><v></v></c>', '<c r="@"><f t="shared" si="0"/></c>'):
        path = write(tmp_path, "b.xlsx", book((*ROW[:3], empty), ROW))
        assert outcome(path) == (1, 1), "the rows beside it are read"
        why = next(read_file(path, feed(), CLOCK)).rejected[0][1]
        assert "单元格 D2 " in why.replace("）", " ")
        assert "公式" in why
        last = write(tmp_path, "c.xlsx", book(ROW, (*ROW[:3], empty)))
        assert outcome(last) == (1, 1)


def test_a_row_of_nothing_but_such_formulas_is_not_lost(tmp_path: Path) -> None:
    path = write(tmp_path, "a.xlsx", book(ROW, tuple('<c r="@"><f>1+1</f></c>' for _ in ROW)))
    assert outcome(path) == (1, 1)


@pytest.mark.parametrize("error", ["#DIV/0!", "#N/A", "#REF!", "#VALUE!"])
def test_an_error_in_a_cell_loses_only_its_row(tmp_path: Path, error: str) -> None:
    broken = (*ROW[:3], f'<c r="@" t="e"><f>1/0</f><v>{error}</v></c>')
    path = write(tmp_path, "a.xlsx", book(broken, ROW))
    assert outcome(path) == (1, 1)
    assert error in next(read_file(path, feed(), CLOCK)).rejected[0][1]


def test_formulas_as_text_stay_text(tmp_path: Path) -> None:
    path = write(tmp_path, "a.xlsx", book(("=cmd|'/c calc'!A1", *ROW[1:]), (*ROW[:3], "=1+1")))
    assert outcome(path) == (1, 1)


def test_bombs_and_damage_are_refused(tmp_path: Path) -> None:
    bomb = workbook(("a", sheet([NAMES])), extra={"xl/media/x.bin": b"0" * 30_000_000})
    refused(write(tmp_path, "bomb.xlsx", bomb), "压缩炸弹")
    many = workbook(("a", sheet([NAMES])), extra={f"xl/{n}": b"" for n in range(1001)})
    refused(write(tmp_path, "many.xlsx", many), "个条目")
    for cut in (10, 400, len(book(ROW)) // 2, -30):
        refused(write(tmp_path, "cut.xlsx", book(ROW)[:cut]))
    refused(write(tmp_path, "page.xlsx", "<html><table></table></html>"), "不是 Excel")
    refused(write(tmp_path, "big.xlsx", b"PK\x03\x04" + b"0" * 20_000_001), "20 MB")
    laughs = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
        f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)) + "]>"
    sheets = workbook(("a", laughs + sheet([NAMES, ("&j;", *ROW[1:])]).replace("&amp;", "&")))
    assert outcome(write(tmp_path, "laughs.xlsx", sheets)) is not None


def test_an_old_xls_is_read_and_its_damage_named(tmp_path: Path) -> None:
    if not RIVER.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{RIVER} is missing")
        pytest.skip("the shared data is not there")
    with zipfile.ZipFile(RIVER) as archive:
        whole = archive.read("2021-01-01.xls")
    rule = Mapping(fields={"station": "站名"}, constants={"time": to_us(CLOCK.now()), "metric": "flow"},
                   missing=("", "-"), values={"流量": (ValueColumn(metric="flow"),)})
    path = write(tmp_path, "a.xls", whole)
    # Of 53 rows 8 hold storage in brackets, which is no number here, and 8 hold none.
    assert outcome(path, feed("excel", rule)) == (37, 8)
    for cut in (100, 1000, len(whole) // 2):
        refused(write(tmp_path, "cut.xls", whole[:cut]), of=feed("excel", rule))
    refused(write(tmp_path, "b.csv", whole), ".xls")


def test_nothing_but_a_workbook_inside(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    refused(write(tmp_path, "a.xlsx", made.getvalue()), "工作簿")
