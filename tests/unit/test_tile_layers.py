"""Declared layers of tiles: the right addresses, exactly the hosts of the pack, and what cannot be drawn refused."""

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from callbacks.security import policy
from data.pack import load_pack
from data.packfiles import PackProblem
from data.place_check import check_place
from data.tile_layers import TileSource, hosts, templates
from tests.fixtures.tile_archives import mbtiles, png

TINY = Path(__file__).parents[1] / "fixtures" / "tiny_pack"
XYZ = "https://tiles.example.cn/{z}/{x}/{y}.png"


def source(**fields):
    return TileSource.model_validate({"form": "xyz", "url": XYZ} | fields)


def test_addresses_of_every_form():
    assert templates(source()) == [XYZ]
    assert templates(source(tms=True)) == ["https://tiles.example.cn/{z}/{x}/{-y}.png"]
    kvp = templates(source(form="wmts", url="https://maps.example.cn/wmts", layer="ground", matrix_set="w"))[0]
    assert kvp == ("https://maps.example.cn/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=ground&STYLE=default"
                   "&TILEMATRIXSET=w&FORMAT=image%2Fpng&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}")
    rest = source(form="wmts", layer="g", matrix_set="m",
                  url="https://m.example.cn/{Layer}/{Style}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.png")
    assert templates(rest) == ["https://m.example.cn/g/default/m/{z}/{y}/{x}.png"]
    wms = templates(source(form="wms", url="https://m.example.cn/ows?map=a", layer="roads"))[0]
    assert wms.startswith("https://m.example.cn/ows?map=a&SERVICE=WMS&REQUEST=GetMap&VERSION=1.3.0&LAYERS=roads&STYLES=&CRS")
    assert "CRS=EPSG%3A3857" in wms
    assert wms.endswith("&WIDTH=256&HEIGHT=256&BBOX={bbox}")
    assert "SRS=EPSG%3A3857" in templates(source(form="wms", url=XYZ[:25], layer="r", version="1.1.1"))[0]


def test_tianditu_has_its_notes_above_and_its_key_from_the_settings_only():
    tiles = source(form="tianditu", url="", layer="img")
    assert templates(tiles) == []
    below, above = templates(tiles, "abc123")
    assert below.startswith("https://t{s}.tianditu.gov.cn/img_w/wmts?")
    assert "LAYER=img" in below
    assert "TILEMATRIXSET=w" in below
    assert "tk=abc123" in below
    assert "/cia_w/wmts?" in above
    with pytest.raises(ValidationError, match="密钥不写进地方包"):
        source(url="https://t0.tianditu.gov.cn/img_w/wmts?x={x}&y={y}&z={z}&tk=abc")


def test_the_policy_names_exactly_the_hosts_of_the_pack():
    layers = {"a": source(), "b": source(url="http://127.0.0.1:8099/{z}/{x}/{y}.png"),
              "c": source(url="https://{s}.example.cn/{z}/{x}/{y}.png", subdomains=("a", "b")),
              "d": TileSource(form="mbtiles", file="g.mbtiles"), "e": source(form="tianditu", url="", layer="vec")}
    plain = ("http://127.0.0.1:8099", "https://a.example.cn", "https://b.example.cn", "https://tiles.example.cn")
    assert hosts(layers) == plain
    assert set(hosts(layers, "key")) - set(plain) == {f"https://t{n}.tianditu.gov.cn" for n in range(8)}
    assert f"img-src 'self' data: blob: {' '.join(plain)}; connect-src 'self'; " in policy([], hosts(layers))
    assert "img-src 'self' data: blob:; " in policy([], hosts({"d": layers["d"]}))


@pytest.mark.parametrize("url", [
    "https://*/{z}/{x}/{y}.png", "https://a.cn; script-src */{z}/{x}/{y}", "https://a.cn 'unsafe-eval'/{z}",
    "javascript:alert({z})", "data:image/png,{z}", "//a.cn/{z}/{x}/{y}", "https://user:word@a.cn/{z}/{x}/{y}",
    "https://{host}.cn/{z}/{x}/{y}", "https://a.cn,b.cn/{z}/{x}/{y}", "https://瓦片.cn/{z}", "ftp://a.cn/{z}",
    "https://a.cn/{z}/{x}/{y}/{w}", "https:///{z}", "https://a.cn:99999999/{z}", "https://.cn/{z}"])
def test_addresses_that_would_open_the_policy_are_refused(url):
    with pytest.raises(ValidationError):
        source(url=url)


@pytest.mark.parametrize(("fields", "words"), [
    ({"crs": "EPSG:4490"}, "会变形.*EPSG:3857"), ({"crs": "EPSG:4326"}, "会变形"), ({"crs": "BD-09"}, "不能画准"),
    ({"crs": "EPSG:4547"}, "不能画准"),
    ({"form": "wmts", "url": "https://a.cn/wmts", "layer": "g", "matrix_set": "c"}, "网格 c 是经纬度"),
    ({"form": "wmts", "url": "https://t0.tianditu.gov.cn/img_c/wmts", "layer": "img"}, "经纬度"),
    ({"form": "wmts", "url": "https://a.cn/wmts", "layer": "g", "matrix_set": "EPSG:4326"}, "经纬度"),
    ({"form": "wms", "url": "https://a.cn/ows"}, "需要 layer"), ({"form": "mbtiles", "url": ""}, "需要 file"),
    ({"file": "a.mbtiles"}, "需要 file"), ({"url": ""}, "需要 url"), ({"min_zoom": 9, "max_zoom": 3}, "min_zoom"),
    ({"url": "https://{s}.a.cn/{z}/{x}/{y}"}, "subdomains"), ({"form": "tianditu", "url": "", "layer": "map"}, "vec"),
    ({"form": "tianditu", "url": "", "layer": "vec", "crs": "GCJ-02"}, "不是偏移"),
    ({"url": "https://a.cn/1.png"}, "应含")])
def test_what_cannot_be_drawn_right_is_refused_in_one_sentence(fields, words):
    with pytest.raises(ValidationError, match=words):
        source(**fields)


def test_the_usual_names_of_the_grid():
    for name in ("EPSG:3857", "epsg:900913", "EPSG:102100"):
        assert source(crs=name).crs == "EPSG:3857"
    assert source(crs="gcj02").crs == "GCJ-02"


@pytest.fixture
def pack(tmp_path):
    root = tmp_path / "tiny"
    shutil.copytree(TINY, root)
    return root


def layers(pack, text):
    (pack / "layers.yaml").write_text(text, encoding="utf-8")
    return pack


def test_layers_of_tiles_stand_apart_from_those_with_records(pack):
    found = load_pack(layers(pack, """
events: {name: 事件, topic: C1, kind: events, source: events}
ground: {name: 影像, kind: tiles, tiles: {form: mbtiles, file: ground.mbtiles}}
"""))
    assert (list(found.layers), list(found.tiles)) == (["events"], ["ground"])


@pytest.mark.parametrize(("text", "words"), [
    ("a: {name: 图, kind: tiles}", "应同时有"),
    ("a: {name: 图, kind: assets, source: s, topic: C1, tiles: {form: mbtiles, file: g.mbtiles}}", "应同时有"),
    ("a: {name: 图, kind: assets, source: s}", "缺少 topic"),
    ("'on': {name: 图}\nnone: {name: 图, kind: tiles, tiles: {form: mbtiles, file: g.mbtiles}}", "图层名"),
    ("a: {name: 图, kind: tiles, 'on': true, tiles: {form: mbtiles, file: g.mbtiles}}", "缺省不打开"),
    ("a:\n  name: 图\n  kind: tiles\n  tiles:\n    form: xyz\n    url: 'https://a.cn/{z}/{x}/{y}'\n    crs: EPSG:4490",
     r"layers.yaml:7: a/tiles/crs: EPSG:4490 的瓦片是经纬度网格")])
def test_wrong_declarations_are_named_with_their_line(pack, text, words):
    with pytest.raises(PackProblem, match=words):
        load_pack(layers(pack, text))


def test_check_looks_into_local_archives(pack):
    layers(pack, "ground:\n  name: 影像\n  kind: tiles\n  tiles:\n    form: mbtiles\n    file: ground.mbtiles\n")
    assert any("layers.yaml:6: ground: 没有瓦片文件" in line for line in check_place(pack))
    (pack / "ground.mbtiles").write_bytes(b"broken")
    assert any("不能用" in line for line in check_place(pack))
    (pack / "ground.mbtiles").unlink()
    mbtiles(pack / "ground.mbtiles", {(0, 0, 0): png(9, 9, 9)})
    assert not [line for line in check_place(pack) if "ground" in line]
