"""Bad files of every sort: each is accepted, repaired or refused with one sentence, and nothing else ever escapes."""

import gzip
import json
import os
import zipfile

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outcomes import CLOCK, feed, outcome, refused, write

from data.feed_mapping import Mapping, ValueColumn
from data.formats.parts import Limits
from data.records import parse
from data.sources.files import read_file

ROW = {"station": "s1", "metric": "pm25", "time": "2026-11-22T08:00:00+08:00", "value": 12.5}
HEAD = "station,metric,time,value\n"
NAMES = ["a.csv", "a.json", "a.jsonl", "a.geojson", "a.parquet", "a.zip", "a.csv.gz", "a.xlsx", "a.xls", "a.gpkg",
         "a.xml"]
GOOD = "s1,pm25,2026-11-22T08:00:00+08:00,12.5\n"


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl", "a.geojson"])
@pytest.mark.parametrize("content", [b"", b"   \n\n", b"\xef\xbb\xbf"])
def test_empty_files(tmp_path, name, content):
    sentence = outcome(write(tmp_path, name, content))
    assert isinstance(sentence, str)


@pytest.mark.parametrize("content", [
    "<!DOCTYPE html><html><body>登录</body></html>", "\n\n  <HTML lang='zh'><head></head>",
    "<!-- saved -->\n<html><table><tr><td>1</td></tr></table></html>", "\ufeff<html>",
])
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.jsonl", "a.geojson"])
def test_a_web_page_under_a_data_name(tmp_path, name, content):
    refused(write(tmp_path, name, content), "网页", "重新下载")


def test_a_zip_bomb_is_refused_from_its_directory(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0" * 30_000_000)
    assert path.stat().st_size < 100_000
    refused(path, "压缩炸弹")
    refused(path, "超过 1 MB", limits=Limits(max_bytes=1_000_000))


def test_a_gz_bomb_stops_early(tmp_path):
    path = write(tmp_path, "a.csv.gz", gzip.compress(b"0" * 30_000_000))
    refused(path, "压缩炸弹")
    refused(path, "超过 1 MB", limits=Limits(max_bytes=1_000_000, max_ratio=1e9))


def test_a_zip_that_lies_about_its_size(tmp_path):
    path = tmp_path / "lie.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", (HEAD + GOOD * 5000).encode())
    raw = bytearray(path.read_bytes())
    size = len((HEAD + GOOD * 5000).encode()).to_bytes(4, "little")
    for position in [i for i in range(len(raw)) if raw[i:i + 4] == size]:
        raw[position:position + 4] = (10).to_bytes(4, "little")
    path.write_bytes(raw)
    assert isinstance(outcome(path), str)


def test_too_many_entries_nested_and_encrypted_zips(tmp_path):
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(1001):
            archive.writestr(f"{number}.csv", "a")
    refused(many, "1001 个条目")
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.csv", HEAD + GOOD)
    outer = tmp_path / "outer.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(inner, "inner.zip")
    refused(outer, "压缩包里还有压缩包", "解开一层")
    raw = bytearray(inner.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    refused(write(tmp_path, "locked.zip", bytes(raw)), "密码")
    refused(inner, "没有名为 *.xml", of=feed(member="*.xml"))


@pytest.mark.parametrize("keep", [10, 60, -30])
def test_damaged_archives(tmp_path, keep):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", (HEAD + GOOD * 100).encode())
    refused(write(tmp_path, "cut.zip", path.read_bytes()[:keep]), "损坏")
    packed = gzip.compress((HEAD + GOOD * 100).encode())
    refused(write(tmp_path, "cut.csv.gz", packed[:keep]), "损坏")


def test_names_that_point_outside_are_only_names(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../etc/evil.csv", HEAD + GOOD)
    assert outcome(path) == (1, 0)
    assert not (tmp_path.parent / "etc").exists()


def test_missing_files_and_folders(tmp_path):
    refused(tmp_path / "none.csv", "打不开")
    (tmp_path / "dir.csv").mkdir()
    refused(tmp_path / "dir.csv", "文件夹")
    refused(write(tmp_path, "a.docx", "x"), "不认识的文件类型", ".csv")


@pytest.mark.parametrize(("magic", "word"), [
    (b"\xd0\xcf\x11\xe0\xa1\xb1", "Excel"), (b"%PDF-1.7 ", "PDF"), (b"PAR1xxxx", "Parquet"), (b"\x00\x01\x02", "UTF-8"),
])
def test_other_files_under_a_csv_name(tmp_path, magic, word):
    refused(write(tmp_path, "a.csv", magic + b"\x00" * 50), word)


def test_an_excel_workbook_says_what_to_do(tmp_path):
    path = tmp_path / "a.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("[Content_Types].xml", "<Types/>")
    assert isinstance(outcome(path, feed("")), str)


def test_chinese_read_as_latin_one_is_noticed(tmp_path):
    body = (HEAD + "东四站点,pm25,2026-11-22T08:00:00+08:00,12.5\n").encode("gb18030")
    path = write(tmp_path, "a.csv", body)
    refused(path, "latin-1", "gb18030", of=feed(encoding="latin-1"))
    refused(path, "utf-8", of=feed(encoding="utf-8"))
    refused(path, "klingon", of=feed(encoding="klingon"))
    assert next(read_file(path, feed(), CLOCK)).rows[0]["station"] == "东四站点"


@pytest.mark.parametrize("text", ['[{"station": "s1"', '{"data": [', '[{"station": "s1", "val', '[1, 2', '{"a": nul'])
def test_truncated_json(tmp_path, text):
    refused(write(tmp_path, "a.json", text), "JSON")


def test_truncated_json_says_that_its_end_is_missing(tmp_path):
    refused(write(tmp_path, "a.json", orjson.dumps([ROW] * 3)[:-20]), "不完整")


@pytest.mark.parametrize("text", ["[NaN]", "[Infinity]", '[{"value": NaN}]', "[1e999]", "[" * 5000 + "]" * 5000,
                                  '{"records": 5}', "5", '"text"', "null", '{"data": [], "data": []}'])
def test_json_that_is_no_list_of_records(tmp_path, text):
    path = write(tmp_path, "a.json", text)
    assert isinstance(outcome(path), str)


def test_a_bad_json_line_loses_only_itself(tmp_path):
    bad = ['{"value": NaN}', '{"value": 1e999}', "[" * 3000, '{"a": 1, "a": 2}', "5", '{"station":', "\x00", "{}\x0b",
           '{"value": 1' + "0" * 400 + "}", json.dumps({"v": [[[1]]]}) + "x"]
    lines = [json.dumps(ROW), *bad, json.dumps({**ROW, "value": 7})]
    path = write(tmp_path, "a.jsonl", "\n".join(line.replace("\x00", "\\") for line in lines))
    assert outcome(path) == (2, len(bad))


def test_keys_written_twice_are_refused_at_any_depth(tmp_path):
    text = '[{"station": "s1", "metric": "m", "time": "2026-11-22T08:00:00Z", "value": 1, "value": 2}]'
    assert outcome(write(tmp_path, "a.json", text)) == (0, 1)
    chunk = next(read_file(write(tmp_path, "b.json", text), feed(), CLOCK))
    raw, reason = chunk.rejected[0]
    assert "写了两次" in reason
    assert raw == text[1:-1].replace(" ", ""), "the quarantine keeps both"
    deep = '[{"id": "a", "properties": {"x": {"y": 1, "y": 2}}}]'
    assert outcome(write(tmp_path, "c.json", deep)) == (0, 1)


@pytest.mark.parametrize(("cell", "value"), [
    ("１２．５", 12.5), (" 12.5 ", 12.5), ("+3", 3.0), ("1e3", 1000.0), ("NaN", None), ("inf", None),
    ("-inf", None),
    ("1e999", None), ("9" * 400, None), ("1_000", None), ("0x1F", None), ("12,5", None), ("=1+1", None),
    ("", "missing"), ("２．", 2.0), ("٣", None), ("-0", -0.0), ("1" + "0" * 300, 1e300),
])
def test_numbers_in_csv(tmp_path, cell, value):
    quoted = cell.replace('"', '""')
    path = write(tmp_path, "a.csv", f'{HEAD}s1,pm25,2026-11-22T08:00:00+08:00,"{quoted}"\n')
    chunk = next(read_file(path, feed(), CLOCK))
    if value == "missing":
        assert outcome(path) == (0, 0)
        assert chunk.counts["missing"] == 1
    elif value is None:
        assert outcome(path) == (0, 1)
    else:
        assert outcome(path) == (1, 0)
        assert parse("observation", chunk.rows[0])["value"] == value


def test_huge_integers_in_json_are_no_crash(tmp_path):
    text = f'[{{"station": 1{"0" * 30}, "metric": "m", "time": "2026-11-22T08:00:00Z", "value": 1{"0" * 200}}}]'
    assert outcome(write(tmp_path, "a.json", text)) == (1, 0)


@pytest.mark.parametrize("body", [
    'station,metric,time,value\n"s1,pm25,2026\n', "station,station,time,value\n1,2,3,4\n", "a" * 2_000_000 + "\n1\n",
    "\n\n\n1,2\n", "station;metric\n", '"\n', ",,,\n,,,\n", "station,metric,time,value", "\r\r\r", "'" * 50,
])
def test_odd_csv_never_escapes(tmp_path, body):
    outcome(write(tmp_path, "a.csv", body), alike=False)


@pytest.mark.parametrize("keep", [4, 40, -8])
def test_damaged_parquet(tmp_path, keep):
    pq.write_table(pa.table({"station": ["s"], "value": [1.0]}), tmp_path / "whole.parquet")
    path = write(tmp_path, "a.parquet", (tmp_path / "whole.parquet").read_bytes()[:keep])
    refused(path, "Parquet")


def test_parquet_with_nan_inf_and_wild_times(tmp_path):
    table = pa.table({"station": ["s"] * 4, "metric": ["m"] * 4, "time": [1_800_000_000_000_000] * 3 + [5 * 10**18],
                      "value": [float("nan"), float("inf"), 1.0, 1.0]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert outcome(tmp_path / "a.parquet") == (1, 3)


def test_a_geojson_that_names_other_files_reads_none_of_them(tmp_path):
    secret = write(tmp_path, "secret.csv", "admin,hunter2\n")
    vrt = f'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer>'
    refused(write(tmp_path, "a.geojson", vrt), "JSON")
    refused(write(tmp_path, "b.geojson", f"/vsicurl/http://127.0.0.1:9/{secret.name}"), "JSON")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.sampled_from(NAMES))
def test_no_bytes_at_all_escape(tmp_path, content, name):
    outcome(write(tmp_path, name, content), alike=False)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.text(max_size=12), min_size=4, max_size=4), max_size=5))
def test_no_cells_at_all_escape(tmp_path, rows):
    rule = Mapping(fields={"station": "a", "time": "b"}, timezone="Asia/Shanghai",
                   values={"c": ValueColumn(metric="x"), "d": ValueColumn(metric="y", scale=0.1)}, missing=("", "NA"))
    body = "a,b,c,d\n" + "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)
    path = tmp_path / "a.csv"
    path.write_bytes(body.encode("utf-8", "surrogatepass"))
    outcome(path, feed("csv", rule), alike=False)


def test_a_file_nobody_may_read(tmp_path):
    path = write(tmp_path, "a.csv", HEAD + GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):
        assert outcome(path) == (1, 0)
    else:
        refused(path, "打不开")
