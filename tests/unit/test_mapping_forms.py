"""Mappings beyond one column a field: head, unit and foot lines, forms of dates, stages, columns that are values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from data.clock import Clock
from data.errors import WrongInput
from data.feed_mapping import Across, Mapping, TableForm, ValueColumn
from data.mapping import RowMapper
from data.pack import Feed, FeedSource, load_pack
from data.packfiles import PackProblem
from data.sources.files import read_columns, read_file
from data.times import parse_instant
from data.written import dated, format_parts, written_instant, written_period, zone_of

CLOCK = Clock()
TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"


def feed(rule: Mapping, kind: Any = "observation", **source: Any) -> Feed:
    return Feed(name="试验", topic="N1", department="部门", kind=kind, cadence="1h", map=rule,
                source=FeedSource(kind="file", **source))


def mapped(rule: Mapping, *rows: dict[str, Any], kind: str = "observation") -> Any:
    return RowMapper(feed(rule, kind), CLOCK).apply(rows)


@pytest.mark.parametrize(("text", "written", "trimmed", "period"), [
    ("2016年1月", "YYYY年M月", False, "2016-01"), ("2016年10月", "YYYY年M月", False, "2016-10"),
    ("2016.1", "YYYY.MM", True, "2016-10"), ("2016.01", "YYYY.MM", True, "2016-01"),
    ("2016.12", "YYYY.MM", True, "2016-12"), ("1998", "YYYY", False, "1998"),
    ("２０１６年１月", "YYYY年M月", False, "2016-01"), ("20161102", "YYYYMMDD", False, "2016-11-02"),
])
def test_periods_in_their_declared_form(text: str, written: str, trimmed: bool, period: str) -> None:
    assert written_period(text, written, trimmed) == period


@pytest.mark.parametrize(("text", "written", "trimmed"), [
    ("2016", "YYYY.MM", True), ("2016.1", "YYYY.MM", False), ("16年1月", "YYYY年M月", False), ("", "YYYY", False),
    ("2016-01-01 08", "YYYY-MM-DD HH", False)])
def test_no_period_is_guessed(text: str, written: str, trimmed: bool) -> None:
    with pytest.raises(ValueError, match=r"应写作|不是时段"):
        written_period(text, written, trimmed)


def test_instants_in_their_declared_form() -> None:
    zone = zone_of("America/Chicago")
    assert written_instant("9/18/2015 9:05:01", "M/D/YYYY H:mm:ss", zone) == parse_instant("2015-09-18T09:05:01-05:00")
    assert written_instant("2015-09", "YYYY-MM", zone_of("+08:00")) == parse_instant("2015-09-01T00:00:00+08:00")
    with pytest.raises(ValueError, match="没有这个时刻"):
        written_instant("9/31/2015", "M/D/YYYY", zone)
    assert dated("18.09.2015", "DD.MM.YYYY") == ("2015", "09", "18")
    for wrong in ("M/D", "YYYY-YYYY", "HH:mm"):
        with pytest.raises(ValueError, match=r"年份|两次"):
            format_parts(wrong)


def test_a_column_may_hold_two_metrics(tmp_path: Path) -> None:
    rule = Mapping(constants={"station": "s", "time": 0}, missing=("", "-"), values={"流量": (
        ValueColumn(metric="storage", pattern=r"\((.+)\)亿"), ValueColumn(metric="flow"))})
    out = mapped(rule, {"流量": "(206)亿"}, {"流量": "262"}, {"流量": "-"}, {"流量": "*3.65"}, {"流量": "(x)亿"})
    assert [(row["metric"], row["value"]) for row in out.rows] == [("storage", 206.0), ("flow", 262.0)]
    assert out.columns == {"流量": [5, 1, 2]}
    only = Mapping(constants={"station": "s", "time": 0}, values={"a": ValueColumn(metric="m", pattern=r"(\d+)mm")})
    assert "任何一种写法" in mapped(only, {"a": "3cm"}).rejected[0][1]


def test_a_row_becomes_an_event_for_each_stage_it_has_reached() -> None:
    rule = Mapping(fields={"id": "号", "time": "受理", "category": "类"}, timezone="Asia/Shanghai",
                   constants={"channel": "hotline", "division": "1"},
                   stages={"received": "受理", "dispatched": "派遣", "closed": "结案"})
    out = mapped(rule, {"号": "1", "类": "a", "受理": "2026-11-01 08:00", "派遣": "2026-11-01 09:00", "结案": ""},
                 {"号": "2", "类": "a", "受理": "2026-11-02 08:00", "派遣": "昨天", "结案": "2026-11-03 08:00"},
                 kind="event")
    assert [(row["id"], row["stage"]) for row in out.rows] == [
        ("1", "received"), ("1", "dispatched"), ("2", "received"), ("2", "closed")]
    assert out.rows[3]["stage_time"] == parse_instant("2026-11-03T08:00:00+08:00")
    assert out.columns == {"受理": [2, 0, 0], "派遣": [2, 0, 1], "结案": [2, 1, 0]}


def test_names_of_columns_may_be_values() -> None:
    rule = Mapping(fields={"division": "地区"}, constants={"indicator": "x", "basis": "current"},
                   across=Across(columns=r"\d{4}年\d{1,2}月", into="period"), formats={"period": "YYYY年M月"})
    out = mapped(rule, {"地区": "甲", "2026年1月": "", "2026年2月": "3.5", "2026年3月": "n/a", "备注": "1"},
                 kind="indicator")
    assert [(row["period"], row["value"]) for row in out.rows] == [("2026-02", 3.5)]
    assert out.columns == {"2026年1月": [1, 1, 0], "2026年2月": [1, 0, 0], "2026年3月": [1, 0, 1]}


def test_two_columns_of_an_indicator_make_one_record() -> None:
    rule = Mapping(fields={"period": "月"}, constants={"division": "1"}, values={
        "同比": ValueColumn(metric="m2", field="yoy", unit="%", basis="balance"),
        "余额": ValueColumn(metric="m2", unit="亿元", basis="balance"),
        "当期": ValueColumn(metric="m2", basis="current")})
    out = mapped(rule, {"月": "2026-01", "余额": "5", "同比": "8.3", "当期": "1"}, kind="indicator")
    assert out.rows == [
        {"division": "1", "period": "2026-01", "indicator": "m2", "basis": "balance", "yoy": 8.3, "value": 5.0,
         "unit": "亿元"},
        {"division": "1", "period": "2026-01", "indicator": "m2", "basis": "current", "value": 1.0}]


def test_a_field_may_have_its_own_words_for_no_value() -> None:
    rule = Mapping(fields={"id": "id", "lon": "x", "lat": "y"}, missing_of={"lon": ("0.0", "0"), "lat": ("0.0", "0")},
                   constants={"division": "1"})
    out = mapped(rule, {"id": "1", "x": "0.0", "y": "0.0"}, {"id": "2", "x": 0, "y": 0}, {"id": "3", "x": "115.4",
                                                                                          "y": "25.9"}, kind="event")
    assert [row["lon"] for row in out.rows] == [None, None, 115.4]


def test_dotted_paths_and_joined_columns() -> None:
    rule = Mapping(fields={"id": "id", "kind": "eventType.code", "headline": "标题", "references": "message.old"},
                   join={"标题": ("sender", "eventType.name")})
    row = {"id": "1", "sender": " 台 ", "eventType": {"code": "1006", "name": "大风"}, "message": None}
    made = mapped(rule, row, {"id": "2", "sender": "", "eventType": 5}, kind="warning").rows
    assert (made[0]["kind"], made[0]["headline"], made[0]["references"]) == ("1006", "台 大风", None)
    assert (made[1]["kind"], made[1]["headline"]) == (None, None)


TABLE = "标题\n日期,站,流量,\nY,,m3/s,\n2026-11-01,甲,1,x\n2026-11-02,乙,,\n2026-11-03,甲\n注：以上\n2026-11-04,丙,9,\n"
RULE = Mapping(fields={"time": "日期", "station": "站"}, timezone="Asia/Shanghai",
               values={"流量": ValueColumn(metric="flow")})


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("read", [read_file, read_columns])
def test_head_unit_and_foot_lines(tmp_path: Path, read: Any, encoding: str) -> None:
    form = TableForm(header=2, unit_line=True, units={"流量": "m3/s"}, foot=("注", "数据来源"))
    path = tmp_path / "a.csv"
    path.write_bytes(TABLE.replace("\n", "\r\n").encode(encoding))
    parts = list(read(path, feed(RULE, table=form), CLOCK))
    assert sum(part.read for part in parts) == 3
    assert sum(part.counts["missing"] for part in parts) == 1
    assert [reason for part in parts for _, reason in part.rejected] == ["第 6 行有 2 列，应为 4 列"]
    path.write_bytes(TABLE.replace("m3/s", "L/s").encode(encoding))
    with pytest.raises(WrongInput, match=r"列 流量 的单位写的是 'L/s'，应为 'm3/s'"):
        list(read(path, feed(RULE, table=form), CLOCK))
    path.write_bytes(b"\xe6\xa0\x87")
    with pytest.raises(WrongInput, match=r"没有第 2 行的表头"):
        list(read(path, feed(RULE, table=form), CLOCK))


@pytest.mark.parametrize("read", [read_file, read_columns])
def test_a_file_without_header_and_a_date_in_its_name(tmp_path: Path, read: Any) -> None:
    rule = Mapping(fields={"station": "站", "time": "日"}, timezone="Asia/Shanghai",
                   values={"值": ValueColumn(metric="m")})
    form = TableForm(header=0, columns=("站", "值"), from_name={"日": r"(\d{4}-\d{2}-\d{2})"})
    path = tmp_path / "日报 2026-11-01.csv"
    path.write_text("甲,1\n乙,2\n丙\n", encoding="utf-8")
    parts = list(read(path, feed(rule, table=form), CLOCK))
    found = [row for part in parts for row in (part.rows if read is read_file else part.table.to_pylist())]
    assert [(row["station"], row["value"], row["time"]) for row in found] == [
        (name, value, parse_instant("2026-11-01T00:00:00+08:00")) for name, value in (("甲", 1.0), ("乙", 2.0))]
    nameless = path.rename(tmp_path / "日报.csv")
    with pytest.raises(WrongInput, match="文件名里没有 日"):
        list(read(nameless, feed(rule, table=form), CLOCK))


def test_records_in_a_document_are_found_by_path(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"data": {"list": [{"v": 1}, 5], "now": {"v": 2}}}', encoding="utf-8")
    rule = Mapping(fields={"value": "v"}, constants={"station": "s", "metric": "m", "time": 0})
    many = next(read_file(path, feed(rule, table=TableForm(records="data.list")), CLOCK))
    assert (many.read, [row["value"] for row in many.rows], len(many.rejected)) == (2, [1.0], 1)
    one = next(read_file(path, feed(rule, table=TableForm(records="data.now")), CLOCK))
    assert [row["value"] for row in one.rows] == [2.0]
    with pytest.raises(WrongInput, match=r"'data\.none' 找不到记录"):
        list(read_file(path, feed(rule, table=TableForm(records="data.none")), CLOCK))


@pytest.mark.parametrize(("line", "told"), [
    ("source: {kind: file, table: {header: 0}}", "columns"),
    ("source: {kind: file, table: {units: {a: m}}}", "unit_line"),
    ("source: {kind: file, table: {from_name: {日: '[0-9'}}}", "正则表达式有误"),
    ("source: {kind: file, table: {from_name: {日: '[0-9]+'}}}", "1 对括号"),
    ("source: {kind: file, table: {foot: ['']}}", "空词"),
    ("source: {kind: file, table: {sheets: x}}", "没有这个名称"),
    ("source: {kind: file}\n  map: {formats: {period: MM}}", "年份"),
    ("source: {kind: file}\n  map: {values: {a: {metric: m, pattern: 'x'}}}", "1 对括号"),
    ("source: {kind: file}\n  map: {values: {a: {metric: m, feild: yoy}}}", "没有这个名称"),
    ("source: {kind: file}\n  map: {across: {columns: '(x)', into: period}}", "0 对括号"),
    ("source: {kind: file, format: docx}", "可选值"),
])
def test_a_wrong_setting_is_named_by_file_and_line(tmp_path: Path, line: str, told: str) -> None:
    for name in ("place.yaml", "metrics.yaml", "divisions.geojson", "feeds.yaml"):
        (tmp_path / name).write_bytes((TINY / name).read_bytes())
    with (tmp_path / "feeds.yaml").open("a", encoding="utf-8") as file:
        file.write(f"extra:\n  name: n\n  topic: t\n  department: test\n  kind: observation\n  cadence: 1d\n  {line}\n")
    with pytest.raises(PackProblem) as caught:
        load_pack(tmp_path)
    lines = (tmp_path / "feeds.yaml").read_text(encoding="utf-8").splitlines()
    assert len(caught.value.problems) == 1, caught.value.problems
    at = int(caught.value.problems[0].split("feeds.yaml:")[1].split(":")[0])
    assert told in caught.value.problems[0]
    assert at >= lines.index("extra:") + 1


def test_the_models_refuse_in_python_too() -> None:
    with pytest.raises(ValidationError):
        TableForm(columns=("a",))
