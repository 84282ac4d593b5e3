"""CAP 1.2: warnings as they are meant, and XML as attackers write it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from canary import canary
from outcomes import CLOCK, feed, outcome, refused, write
from pyproj import Geod

from data.feed_mapping import Mapping
from data.records import parse
from data.small_tables import WarningTable
from data.sources.files import read_columns, read_file

SPACE = 'xmlns="urn:oasis:names:tc:emergency:cap:1.2"'
HEAD = ("<identifier>36073141600000_20261122080000</identifier><sender>test</sender>"
        "<sent>2026-11-22T08:00:00+08:00</sent><status>Actual</status><msgType>{}</msgType><scope>Public</scope>{}")
INFO = ("<info><language>zh-CN</language><category>Met</category><event>暴雨</event><urgency>Immediate</urgency>"
        "<severity>{}</severity><certainty>Likely</certainty><eventCode><valueName>国家</valueName>"
        "<value>11B03</value></eventCode><expires>2026-11-22T20:00:00+08:00</expires><headline>暴雨橙色预警</headline>"
        "<description>预计三小时内</description><instruction>停止户外作业</instruction>{}</info>")
AREA = ("<area><areaDesc>某县</areaDesc><polygon>25.8,115.4 25.9,115.4 25.9,115.5 25.8,115.4</polygon>"
        "<geocode><valueName>行政区划</valueName><value>990101</value></geocode>"
        "<geocode><valueName>SAME</valueName><value>006109</value></geocode></area>")
CAP = feed("cap", kind="warning")


def alert(message: str = "Alert", told: str = "", infos: str = INFO.format("Orange", AREA)) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><alert {SPACE}>{HEAD.format(message, told)}{infos}</alert>'


def read(folder: Path, text: str | bytes) -> dict[str, Any]:
    """The one warning of a file."""
    chunk = next(read_file(write(folder, "a.xml", text), CAP, CLOCK))
    assert chunk.rejected == []
    return parse("warning", chunk.rows[0])


def reason(folder: Path, text: str) -> str:
    chunk = next(read_file(write(folder, "a.xml", text), CAP, CLOCK))
    assert (chunk.rows, chunk.read) == ([], 1)
    return chunk.rejected[0][1]


def test_an_alert_becomes_a_warning(tmp_path: Path) -> None:
    row = read(tmp_path, alert())
    assert (row["id"], row["kind"], row["level"]) == ("36073141600000_20261122080000", "11B03", "orange")
    assert (row["expires"] - row["sent"]) / 3.6e9 == 12
    assert row["divisions"] == ["990101000000"]
    assert row["polygon"]["coordinates"][0][0][0] == [115.4, 25.8]
    assert row["detail"] == "预计三小时内\n停止户外作业"
    assert outcome(tmp_path / "a.xml", CAP) == (1, 0)
    assert next(read_columns(tmp_path / "a.xml", CAP, CLOCK)).read_as == "cap xml"


@pytest.mark.parametrize(("severity", "level"), [("Extreme", "red"), ("Severe", "orange"), ("Moderate", "yellow"),
                                                 ("Minor", "blue"), ("Red", "red"), ("蓝色", "blue")])
def test_levels(tmp_path: Path, severity: str, level: str) -> None:
    assert read(tmp_path, alert(infos=INFO.format(severity, AREA)))["level"] == level


def test_the_chinese_words_of_several_languages_and_all_their_areas(tmp_path: Path) -> None:
    english = INFO.format("Extreme", AREA).replace("zh-CN", "en").replace("暴雨橙色预警", "Rainstorm")
    other = INFO.format("Minor", AREA.replace("990101", "990102"))
    row = read(tmp_path, alert(infos=english + other + INFO.format("Orange", AREA)))
    assert (row["level"], row["headline"]) == ("orange", "暴雨橙色预警")
    assert row["divisions"] == ["990101000000", "990102000000"]


def test_an_update_and_a_cancellation_end_what_they_refer_to(tmp_path: Path) -> None:
    first = read(tmp_path, alert())
    told = f"<references>test,{first['id']},2026-11-22T08:00:00+08:00</references>"
    for infos in (INFO.format("Orange", AREA), ""):
        cancel = {**read(tmp_path, alert("Cancel", told, infos)), "id": "c1"}
        assert cancel["references"] == [first["id"]]
        table = WarningTable()
        table.add([{**row, "divisions": None, "polygon": None, "feed": "cap", "references": row["references"] and str(
            row["references"]).replace("'", '"'), "demo": False} for row in (first, cancel)])
        assert table.active(first["sent"] + 60_000_000) == []


def test_what_is_no_real_warning_is_refused_with_its_reason(tmp_path: Path) -> None:
    for status in ("Test", "Exercise", "Draft", "System"):
        assert "Actual" in reason(tmp_path, alert().replace("Actual", status))
    assert "msgType" in reason(tmp_path, alert("Ack"))
    assert "references" in reason(tmp_path, alert("Cancel"))
    assert "references" in reason(tmp_path, alert("Cancel", "<references>only-an-id</references>"))
    assert "颜色" in reason(tmp_path, alert(infos=INFO.format("Unknown", AREA)))
    assert "info" in reason(tmp_path, alert(infos=""))
    for polygon in ("1,1 2,2 3,3", "a,b c,d e,f a,b", "115.4,25.8 115.4,25.9 115.5,25.9 115.4,25.8",
                    "1,1 2,2 3,3 4,4", "1 2 3 1"):
        area = f"<area><areaDesc>x</areaDesc><polygon>{polygon}</polygon></area>"
        assert "polygon" in reason(tmp_path, alert(infos=INFO.format("Red", area)))


@pytest.mark.parametrize(("text", "radius_m"), [
    ("25.85,115.45 5", 5000), ("25.85,115.45 0", 1), ("-70,179.9 0.5", 500)])
def test_a_circle_becomes_a_polygon_around_it(tmp_path: Path, text: str, radius_m: float) -> None:
    area = f"<area><areaDesc>x</areaDesc><circle>{text}</circle></area>"
    ring = read(tmp_path, alert(infos=INFO.format("Red", area)))["polygon"]["coordinates"][0][0]
    lat, lon = map(float, text.split()[0].split(","))
    far = [Geod(ellps="WGS84").inv(lon, lat, *corner)[2] for corner in ring]
    middle = [Geod(ellps="WGS84").inv(lon, lat, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2)[2]
              for a, b in pairwise(ring) if abs(a[0] - b[0]) < 180]
    assert ring[0] == ring[-1]
    assert max(far) < 1.001 * radius_m
    assert min(middle) > 0.9999 * radius_m, "nobody in the circle is left out"


@pytest.mark.parametrize("text", ["", "25.8,115.4", "25.8 115.4 5", "a,b 5", "115.4,25.8 5", "25.8,115.4 2000",
                                  "25.8,115.4 nan", "nan,115.4 5"])
def test_a_circle_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    area = f"<area><areaDesc>x</areaDesc><circle>{text}</circle></area>"
    assert "circle" in reason(tmp_path, alert(infos=INFO.format("Red", area)))


def test_a_mapping_may_use_the_elements_of_cap(tmp_path: Path) -> None:
    rule = Mapping(fields={"id": "identifier", "kind": "event", "level": "severity", "sent": "sent",
                           "expires": "expires", "headline": "senderName"},
                   codes={"level": {"Orange": "orange"}}, constants={"divisions": ["990101000000"]})
    chunk = next(read_file(write(tmp_path, "a.xml", alert()), feed("cap", rule, "warning"), CLOCK))
    assert (chunk.rows[0]["kind"], chunk.rows[0]["level"]) == ("暴雨", "orange")


def laughs() -> str:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><alert {SPACE}>&l9;</alert>'


def test_xml_bombs_and_entities_are_refused_and_nothing_is_fetched(tmp_path: Path) -> None:
    secret = write(tmp_path, "secret.txt", "hunter2")
    with canary() as (address, hits):
        hostile = [laughs(),
                   f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]><alert {SPACE}>{"&a;" * 10_000}</alert>',
                   f'<!DOCTYPE x [<!ENTITY f SYSTEM "file://{secret}">]><alert {SPACE}>&f;</alert>',
                   f'<!DOCTYPE x [<!ENTITY f SYSTEM "{address}/xxe">]><alert {SPACE}>&f;</alert>',
                   f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{address}/dtd"> %p;]><alert {SPACE}/>',
                   f'<!DOCTYPE alert SYSTEM "{address}/ext.dtd"><alert {SPACE}/>']
        for text in hostile:
            refused(write(tmp_path, "a.xml", text), "DTD", of=CAP)
        included = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{address}/in"/>'
        styled = f'<?xml-stylesheet href="{address}/s.xsl"?>'
        read(tmp_path, styled + alert(told=included).removeprefix('<?xml version="1.0" encoding="UTF-8"?>'))
        assert hits == []


@pytest.mark.parametrize("text", [
    "", "   ", "no xml", "<alert>", f"<alert {SPACE}><info></alert>", '{"alert": 1}', "<html><body/></html>",
    f"<?xml version='1.0' encoding='klingon'?><alert {SPACE}/>",
    "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.1'/>",
    "\x00\x01", "<a>" * 100_000, f"<alert {SPACE}>" + "x" * 2_000_001 + "</alert>",
])
def test_other_things_under_that_name(tmp_path: Path, text: str) -> None:
    refused(write(tmp_path, "a.xml", text), of=CAP)


def test_two_hundred_thousand_levels_are_bounded(tmp_path: Path) -> None:
    deep = f"<alert {SPACE}>" + "<a>" * 200_000 + "</a>" * 200_000 + "</alert>"
    assert "status" in reason(tmp_path, deep)
