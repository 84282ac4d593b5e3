"""`/area` of a running place: figures against what was pushed, files that open, formulas that stay texts, refusals."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import openpyxl
import pytest
from api_place import COUNTY, EAST, WEST, Served, case, running
from own_redis import TINY_PACK, wait_for

pytestmark = pytest.mark.integration
LAYERS = """
gauge: {name: 水位站, topic: M1, kind: assets, source: gauge, roles: [sensitive], sums: {staff: 人员}}
team: {name: 队伍, topic: M8, kind: assets, source: team, roles: [resource]}
"""
ROADS = {"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"class": "county"},
     "geometry": {"type": "LineString", "coordinates": [[100.05, 30.05], [100.15, 30.05]]}}]}
FORMULA = "=HYPERLINK(\"http://x\",\"点\")"
CIRCLE = "circle:100.05,30.05,3000"
FILES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats", "geojson": "application/geo+json"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("area")
    pack = shutil.copytree(TINY_PACK, folder / "pack")
    (pack / "layers.yaml").write_text(LAYERS, encoding="utf-8")
    (pack / "travel.yaml").write_text("roads: {county: 60}\noff_road_m: 500\n", encoding="utf-8")
    (pack / "roads.geojson").write_text(json.dumps(ROADS), encoding="utf-8")
    with running(folder, pack) as found:
        found.push("stations", {"id": "g1", "layer": "gauge", "name": FORMULA, "lon": 100.05, "lat": 30.05,
                                "properties": {"staff": 7, "phone": "13900002222"}},
                   {"id": "g2", "layer": "gauge", "name": "远站", "lon": 100.15, "lat": 30.05},
                   {"id": "t1", "layer": "team", "name": "一队", "lon": 100.15, "lat": 30.05, "demo": True})
        found.push("cases", case("e1", title="@积水", lon=100.051, lat=30.05), case("e2", EAST, lon=100.15, lat=30.05),
                   case("e3"))
        wait_for(lambda: found.value("open_cases") == 3 and found.get("/area", area=CIRCLE).json()["total"] == 2)
        yield found


def ids(found: Any, name: str) -> list[str]:
    return [row["id"] for row in found["rows"] if row["list"] == name]


def test_what_was_pushed_is_in_the_area_or_not(place: Served) -> None:
    found = place.get("/area", area=CIRCLE).json()
    assert (ids(found, "sensitive"), ids(found, "event"), ids(found, "resource")) == (["g1"], ["e1"], [])
    sensitive, event = found["lists"][0], found["lists"][-1]
    assert sensitive["kinds"][0]["sums"] == {"人员": 7}
    assert event["blind"] == 1
    assert found["people"] is None
    assert found["area"]["km2"] == pytest.approx(28.27, abs=0.01)
    assert "1390000" not in place.get("/area", area=CIRCLE).text
    east = place.get("/area", area="circle:100.1,30.05,8000", division=EAST).json()
    assert (ids(east, "sensitive"), ids(east, "event")) == (["g2"], ["e2"])
    assert place.get("/area", area=CIRCLE, division=WEST).json()["division"] == WEST


def test_the_nearest_come_by_road_where_there_is_one(place: Served) -> None:
    by_road = place.get("/area", area=CIRCLE).json()["nearest"]
    row = by_road["rows"][0]
    assert (row["id"], row["way"], by_road["roads"], by_road["note"]) == ("t1", "road", 1, "")
    assert row["road_m"] == pytest.approx(9646, abs=5)
    assert row["minutes"] == pytest.approx(5 + 9.65, abs=0.1)
    far = place.get("/area", area=CIRCLE, near="100.05,30.09").json()["nearest"]
    assert far["rows"][0]["way"] == "straight"
    assert "此处离最近的道路 4,43" in far["note"]
    assert far["from"] == [100.05, 30.09]


def test_the_same_area_may_be_kept_by_its_mark(place: Served) -> None:
    query = {"area": CIRCLE, "from": "2026-11-01", "to": "2026-11-02"}
    first = place.get("/area", **query)
    again = place.client.get("/api/v1/area", params=query, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)


@pytest.mark.parametrize("ending", FILES)
def test_files_are_named_after_the_area_the_instant_and_the_mark(place: Served, ending: str) -> None:
    reply = place.get(f"/area.{ending}", area=CIRCLE)
    assert reply.headers["content-type"].startswith(FILES[ending])
    plain, _, full = reply.headers["content-disposition"].partition("; filename*=UTF-8''")
    assert unquote(full).startswith("区域_半径3公里的圆_20")
    assert unquote(full).endswith(f"_演示数据.{ending}")
    assert plain.startswith('attachment; filename="area-circle-20')


def test_the_table_begins_with_a_mark_and_no_cell_is_a_formula(place: Served) -> None:
    raw = place.get("/area.csv", area=CIRCLE).content
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert rows[0][:3] == ["清单", "类别", "名称"]
    assert [row[2] for row in rows[1:4]] == [f"'{FORMULA}", "'@积水", "一队"]
    assert not any(cell[:1] in "=+@" for row in rows for cell in row if cell)
    told = dict(row for row in rows if len(row) == 2)
    assert told["区域写法"].startswith("circle:100.05000")
    assert told["标记"] == "演示数据"
    assert told["时间估算"].startswith("按路网；路网不通处：直线距离×1.4")


def test_the_workbook_opens_and_holds_texts(place: Served) -> None:
    book = openpyxl.load_workbook(io.BytesIO(place.get("/area.xlsx", area=CIRCLE).content))
    assert book.sheetnames == ["说明", "敏感目标", "风险隐患", "应急资源", "在办事件", "就近资源", "人口"]
    name = book["敏感目标"]["B2"]
    assert (name.value, name.data_type) == (FORMULA, "s")
    assert book["就近资源"]["C2"].data_type == "n"
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_features_hold_the_outline_first(place: Served) -> None:
    found = place.get("/area.geojson", area=CIRCLE).json()
    assert [one["geometry"]["type"] for one in found["features"]] == ["Polygon", "Point", "Point", "Point"]
    assert found["features"][1]["properties"]["name"] == FORMULA


@pytest.mark.parametrize(("query", "said"), [
    ({}, "缺少 area"), ({"area": "circle:1,2,3"}, "不在 20 至"), ({"area": "square:1"}, "写法不对"),
    ({"area": "circle:90,30,3000"}, "辖区之外"), ({"area": CIRCLE, "near": "90,30"}, "辖区之外"),
    ({"area": CIRCLE, "limit": "0"}, "limit"), ({"area": "river:长江,500"}, "没有河流")])
def test_what_cannot_be_answered_is_refused_in_a_sentence(place: Served, query: dict[str, str], said: str) -> None:
    reply = place.get("/area", **query)
    assert reply.status_code == 400
    assert said in reply.json()["detail"]


def test_the_document_says_that_an_area_is_needed(place: Served) -> None:
    asked = place.get("/openapi.json").json()["paths"]["/area.xlsx"]["get"]["parameters"]
    assert next(one for one in asked if one["name"] == "area")["required"]
    assert place.get("/area", area=CIRCLE, division=COUNTY).status_code == 200
