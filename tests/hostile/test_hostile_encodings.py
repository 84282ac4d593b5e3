"""Encodings: found, stated, and never silently wrong; damage and mixtures are named with their line."""

from __future__ import annotations

from pathlib import Path

import pytest
from outcomes import CLOCK, feed, outcome, refused, write

from data.sources.files import read_columns, read_file

HEAD = "station,metric,time,value\n"
LINE = "{},pm25,2026-11-22T08:00:00+08:00,12.5\n"
TOWNS = ("贡江镇水文站", "梓山镇水文站", "罗坳镇水文站", "禾丰镇水文站")


def body(encoding: str, *names: str) -> bytes:
    return (HEAD + "".join(LINE.format(name) for name in names)).encode(encoding)


@pytest.mark.parametrize(("encoding", "said"), [
    ("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gbk", "gb18030"), ("gb18030", "gb18030"), ("utf-16", "utf-16"),
])
def test_the_encoding_taken_is_stated(tmp_path: Path, encoding: str, said: str) -> None:
    path = write(tmp_path, "a.csv", body(encoding, *TOWNS))
    for read in (read_file, read_columns):
        assert next(read(path, feed(), CLOCK)).read_as == f"csv {said}"
    assert outcome(path) == (4, 0)


@pytest.mark.parametrize("format_", ["a.csv", "a.jsonl", "a.json"])
def test_two_encodings_in_one_file_are_named_by_line(tmp_path: Path, format_: str) -> None:
    record = '{{"station": "{}", "metric": "pm25", "time": "2026-11-22T08:00:00+08:00", "value": 1}}\n'
    lines = [(LINE if format_ == "a.csv" else record).format(name) for name in TOWNS]
    head = HEAD.encode() if format_ == "a.csv" else b""
    # Each pair of lines has an even number of bytes beyond ASCII: as GB18030 all of it can be read, wrongly.
    mixed = head + lines[0].encode() + lines[1].encode("gbk") + lines[2].encode() + lines[3].encode("gbk")
    first = head.count(b"\n") + 1
    refused(write(tmp_path, format_, mixed), "两种编码", f"第 {first} 行是 UTF-8", f"第 {first + 1} 行不是")


def test_utf8_that_lost_a_byte_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    whole = body("utf-8", *TOWNS)
    at = whole.index("梓".encode())
    for cut in (whole[:at] + whole[at + 1:], whole[:at] + b"\xff" + whole[at + 1:], whole[:at + 1] + whole[at + 2:]):
        refused(write(tmp_path, "a.csv", cut), "UTF-8", "行")


def test_gb18030_that_lost_a_byte_is_named(tmp_path: Path) -> None:
    whole = body("gbk", *TOWNS)
    at = whole.index("梓".encode("gbk"))
    said = outcome(write(tmp_path, "a.csv", whole[:at] + b"\xff" + whole[at + 1:]))
    assert isinstance(said, str)
    assert "第 3 行" in said


@pytest.mark.parametrize(("encoding", "names"), [
    ("big5", ("臺北市環境保護局", "高雄縣鳳山測站", "臺灣省水利署")),
    ("cp1252", ("Besançon été", "Orléans déjà", "Nîmes là-haut")),
    ("cp1251", ("Река Москва", "Станция Обь", "Верхняя Волга")),
    ("shift_jis", ("東京都環境局", "ひかりヶ丘観測所", "さいたま市")),
])
def test_other_encodings_are_not_read_as_chinese(tmp_path: Path, encoding: str, names: tuple[str, ...]) -> None:
    path = write(tmp_path, "a.csv", body(encoding, *names))
    refused(path, "UTF-8", "请")
    if encoding in ("big5", "cp1252"):
        assert outcome(path, feed(encoding=encoding)) == (3, 0)


def test_rare_characters_of_real_names_are_no_suspicion(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", body("gb18030", "朱镕基水文站", "陶喆测站", *TOWNS))
    assert outcome(path) == (6, 0)


def test_units_with_signs_are_read(tmp_path: Path) -> None:
    text = "站,µg/m³（℃）\n甲站,1\n"
    for encoding in ("utf-8", "gb18030"):
        chunk = next(read_file(write(tmp_path, "a.csv", text.encode(encoding)), feed(), CLOCK))
        assert list(chunk.rows[0]) == ["站", "µg/m³（℃）"]


def test_a_line_of_ascii_says_nothing_against_gb18030(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", body("gbk", "s1", "甲站", "s2", "联通站"))
    assert outcome(path) == (4, 0)
