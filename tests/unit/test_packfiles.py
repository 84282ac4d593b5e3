import orjson
import pytest
import shapely
from pydantic import BaseModel, ConfigDict
from shapely import box

from data.errors import WrongInput
from data.packfiles import PackProblem, read_divisions, read_yaml
from data.place_check import check_assets
from data.vectorfiles import read_vector
from geo.divisions import Division, Divisions

LEVELS = [("a", "甲"), ("b", "乙")]


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    count: int = 0
    tags: tuple[str, ...] = ()


def problems_of(folder, text, model=dict[str, Row], **options):
    (folder / "x.yaml").write_text(text, "utf-8")
    problems = []
    value = read_yaml(folder, "x.yaml", model, problems, **options)
    return value, [problem.removeprefix(str(folder)) for problem in problems]


def test_good_yaml_is_validated(tmp_path):
    value, problems = problems_of(tmp_path, "one:\n  name: 一\n  tags: [a, b]\n")
    assert problems == []
    assert value == {"one": Row(name="一", tags=("a", "b"))}


@pytest.mark.parametrize(("text", "line", "words"), [
    ("one:\n  name: 一\n  count: [1\ntwo:\n  name: 二\n", 4, "YAML 写法有误"),
    ("one:\n  name: 一\n  cuont: 1\n", 3, "one/cuont: 没有这个名称"),
    ("one:\n  count: 1\n", 1, "one/name: 缺少这一项"),
    ("# 注\none:\n  name: 360731\n", 3, "one/name: 360731 应为文字，请加引号"),
    ("one:\n  name: 一\n  count: 多\n", 3, "one/count: '多' 应为数字"),
    ("one:\n  name: 一\n  tags:\n    - a\n    - 7\n", 5, "one/tags/1: 7 应为文字"),
    ("one:\n  name: 一\ntwo:\n  name: 二\none:\n  name: 三\n", 5, "名称 'one' 重复"),
    ("one: &a\n  - *a\n", 1, "引用了自身"),
    ("one: !!python/object/apply:os.system ['true']\n", 1, "YAML 写法有误"),
    ("", 1, "整个文件"),
])
def test_every_problem_has_its_line(tmp_path, text, line, words):
    value, problems = problems_of(tmp_path, text)
    assert value is None
    assert problems[0].startswith(f"/x.yaml:{line}: "), problems
    assert words in problems[0]
    assert "\n" not in problems[0]


def test_several_problems_are_all_told(tmp_path):
    _, problems = problems_of(tmp_path, "one:\n  nam: 一\ntwo:\n  name: 二\n  count: x\n")
    assert len(problems) == 3


def test_a_missing_file_is_a_problem_unless_optional(tmp_path):
    problems = []
    assert read_yaml(tmp_path, "no.yaml", dict[str, str], problems, optional=True) is None
    assert problems == []
    read_yaml(tmp_path, "no.yaml", dict[str, str], problems)
    assert "没有这个文件" in problems[0]


def test_the_wrong_encoding_is_named(tmp_path):
    (tmp_path / "x.yaml").write_bytes("a: 1\nname: 于都".encode("gbk"))
    problems = []
    read_yaml(tmp_path, "x.yaml", dict[str, str], problems)
    assert ":2: 不是 UTF-8 编码" in problems[0]


def test_pack_problem_joins_its_lines():
    error = PackProblem(["a:1: x", "b:2: y"])
    assert str(error) == "a:1: x\nb:2: y"
    assert error.problems == ["a:1: x", "b:2: y"]
    assert isinstance(error, WrongInput)


def row(code, level, parent, shape, **more):
    properties = {"code": code, "name": f"名{code}", "level": level, "parent": parent, "official": False} | more
    geometry = orjson.loads(shapely.to_geojson(shape)) if shape is not None else None
    return {"type": "Feature", "properties": properties, "geometry": geometry}


ROOT = row("R", 0, None, box(115, 25, 116, 26))
HALF = row("A", 1, "R", box(115, 25, 115.5, 26))


def divisions_of(folder, rows):
    lines = ",\n".join(orjson.dumps(item).decode() for item in rows)
    (folder / "divisions.geojson").write_text('{"type":"FeatureCollection","features":[\n' + lines + "\n]}", "utf-8")
    problems = []
    return read_divisions(folder, LEVELS, problems), problems


def test_good_divisions_become_a_tree(tmp_path):
    tree, problems = divisions_of(tmp_path, [HALF, ROOT | {}, row("B", 1, "R", box(115.5, 25, 116, 26), seat_lon=115.6,
                                                                 seat_lat=25.5, official=True)])
    assert problems == []
    assert [item.code for item in tree.items] == ["R", "A", "B"]
    assert tree.get("B").seat == (115.6, 25.5)
    assert tree.get("B").official


@pytest.mark.parametrize(("bad", "words"), [
    (row("A", 1, "R", box(115.5, 25, 116, 26)), "区划 A 名A: 代码与 名A 重复"),
    (row(360731, 1, "R", box(115.5, 25, 116, 26)), "code 360731 应为文字"),
    (row("B", 2, "R", box(115.5, 25, 116, 26)), "level 2 应为 0 到 1"),
    (row("B", 1, "X", box(115.5, 25, 116, 26)), "上级 'X' 不存在"),
    (row("B", 1, "A", box(115.5, 25, 116, 26)), "上级 A 的 level 是 1，应为 0"),
    (row("B", 0, None, box(115.5, 25, 116, 26)), "level 0 的区划有 2 个"),
    (row("B", 1, "R", None), "区划 B 名B: 没有边界"),
    (row("B", 1, "R", shapely.Point(115.6, 25.5)), "边界应为面"),
    (row("B", 1, "R", shapely.Polygon([(115, 25), (116, 26), (116, 25), (115, 26)])), "边界无效(Self-intersection"),
    (row("B", 1, "R", box(117, 25, 118, 26)), "超出整个地方的范围"),
    (row("B", 1, "R", box(115.5, 25, 116, 26), seat_lon="东"), "seat_lon、seat_lat 应为两个数字"),
    (row("B", 1, "R", box(115.5, 25, 116, 26), name=""), "缺少 name"),
])
def test_a_bad_division_is_named_with_its_line(tmp_path, bad, words):
    tree, problems = divisions_of(tmp_path, [ROOT, HALF, bad])
    assert tree is None
    assert any(words in problem for problem in problems), problems
    assert "divisions.geojson:" in problems[0]
    if bad["properties"]["code"] != "A" and "level 0" not in words:
        assert "divisions.geojson:4: " in problems[0]


def test_coordinates_in_meters_are_explained(tmp_path):
    _, problems = divisions_of(tmp_path, [row("R", 0, None, box(500_000, 2_800_000, 510_000, 2_810_000))])
    assert "坐标不是经纬度" in problems[0]


def test_no_divisions_file_names_the_remedy(tmp_path):
    problems = []
    assert read_divisions(tmp_path, LEVELS, problems) is None
    assert "place build" in problems[0]


@pytest.mark.parametrize(("name", "content", "words"), [
    ("x.geojson", b"<html>not found</html>", "不是合法的 JSON"),
    ("x.geojson", b'{"type":"Feature"}', "缺少 features"),
    ("x.geojson", b"[" * 100_000, "不是合法的 JSON"),
    ("x.geojson", b'{"features":[{"geometry":{"type":"Polygon","coordinates":"x"}}]}', "第 1 个要素的 geometry"),
    ("x.gpkg", b"<OGRVRTDataSource><OGRVRTLayer/></OGRVRTDataSource>", "内容不是 GeoPackage"),
    ("x.shp", b"<OGRVRTDataSource><OGRVRTLayer/></OGRVRTDataSource>", "内容不是 Shapefile"),
    ("x.vrt", b"<OGRVRTDataSource/>", "不认识的扩展名"),
    ("x.kml", b"<kml/>", "不认识的扩展名"),
    ("x.shp", b"\x00\x00\x27\x0a" + b"\xff" * 200, "无法打开"),
    ("x.gpkg", b"SQLite format 3\0" + b"\0" * 52 + b"GPKG" + b"\xff" * 200, "无法打开"),
])
def test_hostile_vector_files_give_one_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WrongInput, match=words.replace("(", r"\(")):
        read_vector(tmp_path / name)


def test_a_path_cannot_name_a_virtual_file_system(tmp_path):
    with pytest.raises(WrongInput, match="没有这个文件"):
        read_vector(tmp_path / "/vsicurl/http:/127.0.0.1:9/x.gpkg")


def test_assets_are_checked(tmp_path):
    divisions = Divisions([Division("R", "县", 0, None)], [box(0, 0, 1, 1)], [("a", "甲")])
    (tmp_path / "assets").mkdir()
    written = [{"id": "s1", "layer": "s", "name": "站", "division": "R"}, {"id": "s1", "layer": "s", "division": "Q"},
               {"id": "s2", "layer": "s", "name": "站"}]
    rows = [{"type": "Feature", "properties": properties, "geometry": None} for properties in written]
    (tmp_path / "assets" / "s.geojson").write_bytes(orjson.dumps({"type": "FeatureCollection", "features": rows}))
    text = "\n".join(check_assets(tmp_path, divisions))
    for words in ("缺少 name", "id 's1' 重复", "division 'Q' 不在区划之中", "第 3 个要素: 既没有坐标也没有 division"):
        assert words in text
