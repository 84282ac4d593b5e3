import argparse
import shutil

import numpy as np
import orjson
import pytest
import shapely
from shapely import Polygon, box

from data.packfiles import PackProblem, read_divisions
from data.place_commands import commands
from data.place_import import build_place, import_borders
from data.settings import Settings
from geo.crs import gcj02_to_bd09, wgs84_to_gcj02
from geo.layers import feature_collection
from geo.plane import areas_km2
from geo.topology import check_topology

LEVELS = [("county", "县"), ("township", "乡镇"), ("village", "村")]
PLACE = """code: "990000000000"
name: 某县
lon: 115.2
lat: 26.1
timezone: Asia/Shanghai
levels: [{key: county, word: 县}, {key: township, word: 乡镇}, {key: village, word: 村}]
default_metric: m
"""
BUILD = 'outline: outline.geojson\ntiers:\n  - seats: towns.csv\n  - {cells: 12, cell_name: "{parent}{n}村"}\n'
TOWNS = """code,name,parent,lon,lat,area_km2,share,near
990000100000,东镇,990000000000,115.32,26.1,,,
990000101000,西镇,990000000000,115.08,26.1,,,
"""
EAST = Polygon([(115.22, 26.0), (115.4, 26.0), (115.4, 26.2), (115.18, 26.2), (115.25, 26.1)])


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("places") / "some"
    (root / "source").mkdir(parents=True)
    (root / "place.yaml").write_text(PLACE, "utf-8")
    (root / "source" / "build.yaml").write_text(BUILD, "utf-8")
    (root / "source" / "towns.csv").write_text(TOWNS, "utf-8")
    outline = feature_collection([({"name": "某县"}, box(115, 26, 115.4, 26.2))], 6)
    (root / "source" / "outline.geojson").write_bytes(outline)
    build_place(root)
    return root


@pytest.fixture
def pack(template, tmp_path):
    return shutil.copytree(template, tmp_path / "some")


def bring(folder, rows):
    (folder / "official.geojson").write_bytes(feature_collection(rows, 9))
    return folder / "official.geojson"


def read(root):
    problems = []
    tree = read_divisions(root, LEVELS, problems)
    assert problems == []
    assert check_topology(tree, tolerance_m2=1.0) == []
    return tree


def moved(shape, change):
    return shapely.transform(shape, lambda points: np.stack(change(points[:, 0], points[:, 1]), axis=1))


def to_zone(crs):
    import pyproj

    return pyproj.Transformer.from_crs("EPSG:4490", crs, always_xy=True).transform


def east_is_official(root):
    tree = read(root)
    east = tree.get("990000100000")
    assert (east.official, tree.get("990000101000").official, tree.root.official) == (True, False, False)
    difference = shapely.symmetric_difference(tree.geometry[tree.index(east.code)], EAST)
    assert float(areas_km2([difference])[0]) < 0.001
    assert not any(item.official for item in tree.children(east.code))
    assert len(tree.at_level(2)) == 12
    return tree


CHANGES = {
    "CGCS2000": lambda lon, lat: (lon, lat),
    "GCJ-02": wgs84_to_gcj02,
    "BD-09": lambda lon, lat: gcj02_to_bd09(*wgs84_to_gcj02(lon, lat)),
    "EPSG:4547": lambda lon, lat: to_zone("EPSG:4547")(lon, lat),
    "EPSG:4526": lambda lon, lat: to_zone("EPSG:4526")(lon, lat),
}


@pytest.mark.parametrize("crs", CHANGES)
def test_official_borders_in_any_system_replace_derived_ones(pack, tmp_path, crs):
    file = bring(tmp_path, [({"XZQDM": "990000100", "XZQMC": "东镇"}, moved(EAST, CHANGES[crs]))])
    _, number = import_borders(pack, file, crs)
    assert number == 1
    east_is_official(pack)


@pytest.mark.parametrize("suffix", [".gpkg", ".shp"])
def test_geopackage_and_shapefile_say_their_own_system(pack, tmp_path, suffix):
    geopandas = pytest.importorskip("geopandas")
    shape = moved(EAST, to_zone("EPSG:4547"))
    file = tmp_path / f"official{suffix}"
    geopandas.GeoDataFrame({"name": ["东镇"]}, geometry=[shape], crs="EPSG:4547").to_file(file)
    import_borders(pack, file, level="township")
    east_is_official(pack)


def test_a_shapefile_without_a_system_asks_for_it(pack, tmp_path):
    geopandas = pytest.importorskip("geopandas")
    file = tmp_path / "official.shp"
    geopandas.GeoDataFrame({"name": ["东镇"]}, geometry=[EAST], crs="EPSG:4490").to_file(file)
    file.with_suffix(".prj").unlink()
    with pytest.raises(Exception, match="请加 --crs"):
        import_borders(pack, file, level="乡镇")


def test_later_builds_keep_official_borders(pack, tmp_path):
    import_borders(pack, bring(tmp_path, [({"name": "东镇"}, EAST)]), level="township")
    build_place(pack)
    east_is_official(pack)


def test_all_children_official_give_the_parent_its_border(pack, tmp_path):
    west = box(114.98, 26, 115.4, 26.2).difference(EAST)
    import_borders(pack, bring(tmp_path, [({"name": "东镇"}, EAST), ({"name": "西镇"}, west)]))
    tree = read(pack)
    assert tree.root.official is False
    assert tree.geometry[0].bounds[0] == pytest.approx(114.98)


def test_a_pack_without_sources_is_divided_anew_from_what_it_has(pack, tmp_path):
    shutil.rmtree(pack / "source")
    import_borders(pack, bring(tmp_path, [({"name": "东镇"}, EAST)]))
    east_is_official(pack)


def test_official_cells_with_their_own_codes_replace_the_numbered_ones(pack, tmp_path):
    tree = read(pack)
    east = tree.geometry[tree.index("990000100000")]
    north, south = box(115, 26.1, 115.5, 26.3), box(115, 25.9, 115.5, 26.1)
    rows = [({"code": "990000100000007", "name": "北片"}, east.intersection(north)),
            ({"code": "990000100000009", "name": "南片"}, east.intersection(south))]
    import_borders(pack, bring(tmp_path, rows), level="village")
    build_place(pack)
    again = read(pack)
    assert [(cell.name, cell.official) for cell in again.children("990000100000")] == [("北片", True), ("南片", True)]
    assert len(again.children("990000101000")) == len(tree.children("990000101000"))


BOW = Polygon([(115.2, 26.0), (115.4, 26.2), (115.4, 26.0), (115.2, 26.2)])


@pytest.mark.parametrize(("rows", "options", "words"), [
    ([({"name": "东镇"}, BOW)], {}, "区划 990000100000 东镇: 边界无效(Self-intersection"),
    ([({"name": "南镇"}, EAST)], {}, "南镇: 与本地区划的代码、名称都不匹配"),
    ([({"name": "东镇"}, EAST), ({"name": "东镇"}, EAST)], {}, "东镇: 在文件中出现两次"),
    ([({"name": "东镇"}, shapely.Point(115.3, 26.1))], {}, "边界应为面"),
    ([({"name": "东镇"}, shapely.transform(EAST, lambda p: p + 5))], {}, "离本地太远，请核对 --crs"),
    ([({"name": "东镇"}, EAST), ({"name": "西镇"}, box(115, 26, 115.3, 26.2))], {}, "与 区划 990000101000 西镇 重叠"),
    ([({"name": "东镇"}, EAST)], {"crs": "mars"}, "不认识坐标系 'mars'"),
    ([({"name": "东镇"}, EAST)], {"level": "street"}, "--level 'street' 不存在"),
    ([({"name": "某县"}, box(115, 26, 115.3, 26.2)), ({"name": "东镇"}, EAST)], {}, "东镇: 超出上级"),
    ([], {}, "没有要素"),
])
def test_bad_geometry_is_named_and_nothing_is_written(pack, tmp_path, rows, options, words):
    before = (pack / "divisions.geojson").read_bytes()
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the words are checked below
        import_borders(pack, bring(tmp_path, rows), **options)
    assert words in str(caught.value)
    assert (pack / "divisions.geojson").read_bytes() == before
    assert [path.name for path in pack.glob(".*")] == []


def run(pack, *words):
    parser = argparse.ArgumentParser()
    commands(parser.add_subparsers(required=True))
    args = parser.parse_args([str(word) for word in words])
    return args.run(Settings(place=pack), args)


def test_commands_build_import_and_check(pack, tmp_path, capsys):
    assert run(pack, "place", "build") == 0
    assert "乡镇: 2 个，其中正式边界 0 个" in capsys.readouterr().out
    assert run(pack, "place", "import", bring(tmp_path, [({"name": "东镇"}, EAST)]), "--level", "township") == 0
    assert "已替换 1 个区划的边界" in capsys.readouterr().out
    assert run(pack, "check", pack) == 2  # feeds.yaml and metrics.yaml are not there
    assert "feeds.yaml:1: 没有这个文件" in capsys.readouterr().out


def test_check_names_an_overlap(pack, capsys):
    data = orjson.loads((pack / "divisions.geojson").read_bytes())
    for row in data["features"]:
        if row["properties"]["code"] == "990000100000":
            row["geometry"] = orjson.loads(shapely.to_geojson(box(115.1, 26.0, 115.4, 26.2)))
    (pack / "divisions.geojson").write_bytes(orjson.dumps(data))
    assert run(pack, "check", pack) == 2
    assert "东镇: 与 区划 990000101000 西镇 重叠" in capsys.readouterr().out


def test_a_broken_source_table_is_named(pack):
    (pack / "source" / "towns.csv").write_text(TOWNS.replace("115.32", "东"), "utf-8")
    with pytest.raises(PackProblem, match=r"towns\.csv:2: lon 应为数字"):
        build_place(pack)
